/* SPDX-License-Identifier: Apache-2.0 */
/* What is accepted must print, and what is printed must be accepted and print the same. */
#include "lib/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct json_limits limits = {.bytes = 1 << 20, .depth = 16, .values = 10000};
	struct buf first = BUF_INIT(16 << 20), second = BUF_INIT(16 << 20);
	struct err e = ERR_CLEAR;
	struct json *root = json_parse((const char *)data, size, &limits, &e), *again;

	if (root == NULL) {
		if (e.code == ERR_NONE || e.text[0] == '\0')
			abort();
		return 0;
	}
	if (!json_print(root, false, &first))
		abort();
	again = json_parse(first.data, first.len,
	        &(struct json_limits){.bytes = 16 << 20, .depth = 16, .values = 10000}, &e);
	if (again == NULL || !json_print(again, false, &second) || first.len != second.len ||
	        memcmp(first.data, second.data, first.len) != 0)
		abort();
	json_free(root);
	json_free(again);
	buf_free(&first);
	buf_free(&second);
	return 0;
}

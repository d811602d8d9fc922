/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: which message. What can be read must be writable, and read the same again. */
#include "lib/operation.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct operation *o, struct arena *arena)
{
	struct buf b = BUF_INIT(OPERATION_PAYLOAD_MAX);
	struct operation r;

	if (operation_write(o, &b, NULL)) {
		if (!operation_read(b.data, b.len, o->message, arena, &r, NULL) ||
		        strcmp(r.operation_id, o->operation_id) != 0 || r.attempt != o->attempt)
			abort();
	}
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1 << 20);
	struct operation o;

	if (arena != NULL && size > 0 &&
	        operation_read((const char *)data + 1, size - 1,
	                (enum operation_message)(data[0] % OPERATION_MESSAGES), arena, &o, NULL))
		again(&o, arena);
	arena_free(arena);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes are read as a request, a renewal, an answer and an invitation; what is accepted must be
 * written and accepted again. */
#include "lib/enrolment.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const char *text, size_t size, bool renewal, struct arena *arena)
{
	struct buf b = BUF_INIT(4 * ENROLMENT_MAX);
	struct enrolment_request first, second;
	struct err e = ERR_CLEAR;

	if (!enrolment_request_read(text, size, renewal, arena, &first, &e)) {
		if (e.code == ERR_NONE)
			abort();
		return;
	}
	if (!enrolment_request_write(&first, &b, &e) ||
	        !enrolment_request_read(b.data, b.len, renewal, arena, &second, &e) ||
	        strcmp(first.csr, second.csr) != 0 || strcmp(first.version, second.version) != 0)
		abort();
	buf_free(&b);
}

static void check_answer(const char *text, size_t size, struct arena *arena)
{
	struct buf b = BUF_INIT(4 * ENROLMENT_MAX);
	struct enrolment_answer first, second;
	struct err e = ERR_CLEAR;

	if (!enrolment_answer_read(text, size, arena, &first, &e))
		return;
	if (!enrolment_answer_write(&first, &b, &e) ||
	        !enrolment_answer_read(b.data, b.len, arena, &second, &e) ||
	        first.key_count != second.key_count || strcmp(first.ca, second.ca) != 0)
		abort();
	buf_free(&b);
}

static void check_invitation(const char *text, size_t size, struct arena *arena)
{
	struct enrolment_invitation first, second;
	const char *copy = arena_copy(arena, text, size);
	char again[ENROLMENT_TEXT_SIZE];

	if (copy == NULL || !enrolment_invitation_read(copy, &first, NULL))
		return;
	enrolment_invitation_text(&first, again);
	if (!enrolment_invitation_read(again, &second, NULL) ||
	        strcmp(first.host, second.host) != 0 || strcmp(first.code, second.code) != 0 ||
	        memcmp(first.pin, second.pin, sizeof first.pin) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4 << 20);
	const char *text = (const char *)data;

	if (arena == NULL)
		abort();
	check_request(text, size, false, arena);
	check_request(text, size, true, arena);
	check_answer(text, size, arena);
	check_invitation(text, size, arena);
	arena_free(arena);
	return 0;
}

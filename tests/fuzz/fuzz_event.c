/* SPDX-License-Identifier: Apache-2.0 */
/* What can be read must be writable. */
#include "lib/event.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1 << 20);
	struct buf b = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct presence p;
	struct event v;

	if (arena != NULL && event_read((const char *)data, size, arena, &v, NULL)) {
		/* Escapes can make a text longer than the limit of a whole message. */
		struct err e = ERR_CLEAR;
		if (!event_write(&v, &b, &e) && e.code != ERR_LIMIT)
			abort();
	}
	buf_reset(&b);
	if (arena != NULL && presence_read((const char *)data, size, arena, &p, NULL) &&
	        !presence_write(&p, &b, NULL))
		abort();
	buf_free(&b);
	arena_free(arena);
	return 0;
}

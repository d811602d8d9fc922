/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding accepts exactly what encoding makes. */
#include "core/audit_record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1 << 19);
	struct buf body = BUF_INIT(2 * AUDIT_RECORD_MAX);
	struct buf record = BUF_INIT(2 * AUDIT_RECORD_MAX);
	struct audit_record r;

	if (arena != NULL && audit_record_decode(data, size, arena, &r, NULL)) {
		if (!audit_body_encode(
		            &r.entry, r.part, r.parts, 0, r.entry.target_count, &body, NULL) ||
		        !audit_body_check(body.data, body.len, NULL) ||
		        !audit_record_join(&r.head, body.data, body.len, &record, NULL) ||
		        record.len != size || memcmp(record.data, data, size) != 0)
			abort();
	}
	if (audit_body_check(data, size, NULL) && size < 39)
		abort(); /* the smallest body, with an action of one byte, is larger */
	buf_free(&body);
	buf_free(&record);
	arena_free(arena);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a report: what is accepted can be written, and reads back without loss. */
#include "lib/report.h"

#include <stdint.h>
#include <stdlib.h>

static const int64_t now_ms = 1795338000000; /* 2026-11-22T09:00:00Z, as in the seeds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(REPORT_ARENA_BYTES),
	             *second = arena_new(REPORT_ARENA_BYTES);
	struct buf b = BUF_INIT((size_t)2 * REPORT_BYTES_MAX);
	struct report report, again;
	enum report_fault fault;
	struct err e = ERR_CLEAR;

	if (!arena || !second)
		abort();
	if (report_read((const char *)data, size, now_ms, arena, &report, &fault, &e)) {
		if (!report_write(&report, &b, &e))
			abort();
		if (!report_read(b.data, b.len, now_ms, second, &again, &fault, &e) ||
		        again.device_count != report.device_count || again.rejected_count ||
		        again.warning_count)
			abort();
	} else if (fault == REPORT_FAULT_NONE || e.code == ERR_NONE) {
		abort();
	}
	buf_free(&b);
	arena_free(arena);
	arena_free(second);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any values that a device may tell (as a recording): the report of it is one that the server takes
 * whole. */
#include "tests/recordings/snmprec.h"

#include <stdint.h>
#include <stdlib.h>

static const int64_t now_ms = 1795338000000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *values = arena_new(SNMPREC_ARENA), *of = arena_new(COLLECT_ARENA);
	struct arena *read = arena_new(REPORT_ARENA_BYTES);
	struct mib *mib = values ? mib_new(values) : NULL;
	struct report_device device;
	struct report again, report = {.id = "0192f0c1-7a5b-7c3d-8e9f-0123456789ab",
	                             .devices = &device,
	                             .device_count = 1,
	                             .agent = {.id = "ag_0123456789abcdefghijkl",
	                                     .type = REPORT_AGENT_DC,
	                                     .collection = REPORT_SCHEDULED,
	                                     .sent_at = {true, now_ms}}};
	struct buf b = BUF_INIT(REPORT_BYTES_MAX);
	enum report_fault fault;
	struct err e = ERR_CLEAR;

	if (!mib || !of || !read || !snmprec_read((const char *)data, size, mib))
		abort();
	if (!device_fill(mib, of, report.agent.id, "entry", &device))
		abort();
	device.acquired_at = (struct report_int){true, now_ms};
	if (!report_write(&report, &b, &e))
		abort();
	if (!report_read(b.data, b.len, now_ms, read, &again, &fault, &e) ||
	        again.device_count != 1 || again.warning_count)
		abort();
	buf_free(&b);
	arena_free(values);
	arena_free(of);
	arena_free(read);
	return 0;
}

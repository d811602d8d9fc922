/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_body.h: a realistic report of one device, about 6 KB, whose changing parts stand at fixed
 * places, so that a load generator spends its time on sending and not on printing.
 */
#ifndef FLEETPORT_TESTS_BENCH_REPORT_BODY_H
#define FLEETPORT_TESTS_BENCH_REPORT_BODY_H

#include <stddef.h>
#include <stdint.h>

enum { REPORT_BODY_DEVICES_MAX = 256 };

struct report_body {
	char *text; /* malloc; free() it */
	size_t len;
	/* offsets */
	size_t report_id, sent_at;
	struct {
		size_t serial[2], acquired_at, level, impressions, ink;
	} device[REPORT_BODY_DEVICES_MAX];
	unsigned devices;
};

/* A body for `devices` devices of the agent agent_id. false: no memory. */
int report_body_make(struct report_body *body, const char *agent_id, unsigned devices);

/* Puts in a new UUIDv7, the time, and for each device first, first + 1, … its serial and its
 * changed values
 * (`round` decides them: about a tenth of all values differ from one round to the next). */
void report_body_patch(struct report_body *body, uint64_t sequence, int64_t wall_ms, uint64_t first,
        unsigned round);

#endif

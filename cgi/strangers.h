/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strangers.h: how many denied attempts without a session came from an address in a minute.
 *
 * The first 20 a minute and address are recorded singly, the rest in one summary with their count
 * (security.md, The audit log), so that nobody can fill the log from outside. Safe from any thread.
 */
#ifndef FLEETPORT_CGI_STRANGERS_H
#define FLEETPORT_CGI_STRANGERS_H

#include "core/audit.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { STRANGERS_SINGLY = 20, STRANGERS_ADDRESS = 46 };

struct strangers;

/* Attempts of an address in a minute that were not recorded singly. */
struct strangers_summary {
	char address[STRANGERS_ADDRESS];
	int64_t minute; /* wall ms of its beginning */
	unsigned count;
};

/* NULL: no memory. Free with strangers_free(); NULL is allowed there. */
struct strangers *strangers_new(void);
void strangers_free(struct strangers *strangers);

/* Counts an attempt. true: record it singly. */
bool strangers_count(struct strangers *strangers, const char *address, int64_t now_ms);

/* Takes a summary of a minute that is over at now_ms (INT64_MAX: of any). false: there is none (any
 * more). Call it until then. */
bool strangers_take(struct strangers *strangers, int64_t now_ms, struct strangers_summary *out);

/* Takes all of them and puts each into the audit log. What cannot be recorded is logged, and kept
 * for the next time. Costs next to nothing while no minute is over: call it at every request. */
void strangers_record(struct strangers *strangers, struct audit_client *audit, int64_t now_ms);

#endif

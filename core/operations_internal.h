/* SPDX-License-Identifier: Apache-2.0 */
/* operations_internal.h: between operations.c and operations_submit.c. */
#ifndef FLEETPORT_CORE_OPERATIONS_INTERNAL_H
#define FLEETPORT_CORE_OPERATIONS_INTERNAL_H

#include "core/operations.h"

struct execution_new {
	const char *public_id;
	int64_t request_id;
	int64_t device;
	const char *device_public_id;
	int64_t customer_id;
	enum operation_class class;
	enum execution_event event; /* REFUSE, ASK or QUEUE */
	const char *code, *message; /* REFUSE: why; else NULL */
	int64_t run_seconds, not_after;
};

/* Inside a write: the row, its first event, and what is to be published. */
bool executions_insert(struct sql_conn *conn, const struct execution_new *n, int64_t now,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2)));

#endif

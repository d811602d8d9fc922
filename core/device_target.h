/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_target.h: which device an operation on the wire means. For fleetport-dispatch, which acts for
 * nobody: whether the requester may is asked with executions_allowed() before. Nothing here goes to a page.
 */
#ifndef FLEETPORT_CORE_DEVICE_TARGET_H
#define FLEETPORT_CORE_DEVICE_TARGET_H

#include "db/sql.h"

extern const struct sql_table device_target_sql;

struct device_target {
	const char *public_id;
	const char *identity_kind, *identity_value;
	const char *manufacturer, *model; /* "" where unknown */
	const char *customer_public_id;
};

/* By key. ERR_NOT_FOUND: there is none. Texts are the arena's. */
bool device_target_find(struct sql_conn *conn, struct arena *arena, int64_t device,
        struct device_target *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4)));

#endif

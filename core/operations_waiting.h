/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations_waiting.h: is there anything for an agent to fetch? For the answer to a report, so that an agent
 * whose MQTT connection is broken learns that it is missed. Apart from operations.h, because ingest needs no
 * more of operations than this.
 */
#ifndef FLEETPORT_CORE_OPERATIONS_WAITING_H
#define FLEETPORT_CORE_OPERATIONS_WAITING_H

#include "db/sql.h"

extern const struct sql_table operations_waiting_sql;

/* Whether an operation waits to be sent (again) for a device that this agent reported last. Costs next to
 * nothing while nothing waits at all. */
bool operations_waiting(struct sql_conn *conn, int64_t agent, bool *waiting, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3)));

#endif

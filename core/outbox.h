/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h: what fleetport-dispatch has to publish. Rows are written by the transaction that makes
 * them necessary, and deleted when the message was handed to the broker, or is void. And the door
 * bell that tells dispatch to look.
 */
#ifndef FLEETPORT_CORE_OUTBOX_H
#define FLEETPORT_CORE_OUTBOX_H

#include "db/sql.h"
#include "lib/operation.h"

extern const struct sql_table outbox_sql;

struct outbox_row {
	int64_t id;
	int64_t execution;
	enum operation_message message;
	int64_t attempt;
	int64_t seq;   /* ack; else 0 */
	int64_t agent; /* whom the execution is bound to, or the device's agent; 0: none */
	const char *agent_public_id;
	bool online; /* the agent, as last heard */
};

/* Inside a write of SQL_OPERATIONS. seq 0: none. */
bool outbox_add(struct sql_conn *conn, int64_t execution, enum operation_message message,
        int64_t attempt, int64_t seq, int64_t ready_at, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
bool outbox_remove(struct sql_conn *conn, int64_t id, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
/* All rows of an execution of this message. */
bool outbox_void(struct sql_conn *conn, int64_t execution, enum operation_message message,
        struct err *e) __attribute__((warn_unused_result, nonnull(1)));
/* Puts a row off. */
bool outbox_delay(struct sql_conn *conn, int64_t id, int64_t ready_at, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* The rows that are ready at now and whose agent is online and not revoked, oldest first. */
bool outbox_ready(struct sql_conn *conn, struct arena *arena, int64_t now, size_t limit,
        struct outbox_row **rows, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 5, 6)));

/* The earliest ready_at of rows whose agent is online; 0: there is none. */
bool outbox_next(struct sql_conn *conn, int64_t *at, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Rings: one datagram to dispatch's socket, without waiting. A lost one is harmless. */
void outbox_ring(const char *bell_path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* operations_dispatch.c: what dispatch asks: may it go, what is due, who is there. */
#include "core/operations.h"
#include "core/rows.h"

enum {
	ALLOWED,
	LANE_FREE,
	DUE,
	NEXT_TIMER,
	SENT_TO,
	PRESENCE_SET,
	PRESENCE_FORGET,
	STATEMENTS,
};

static const struct sql_statement statements[STATEMENTS] = {
        [ALLOWED] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iiiti",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM device d"
                        " JOIN device_group g ON g.id = d.group_id"
                        " JOIN agent a ON a.id ="
                        " CASE $5 WHEN 0 THEN d.agent_id ELSE $5 END"
                        " WHERE d.id = $1 AND d.retired_at IS NULL AND d.customer_id = $2"
                        " AND a.revoked_at IS NULL AND a.customer_id = $2"
                        " AND g.consent <> 'never' AND g.removed_at IS NULL"
                        " AND d.group_id IN (SELECT group_id FROM scope WHERE viewer = $3"
                        " AND \"right\" = $4))"},
        [LANE_FREE] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .stores = 1u << SQL_CORE,
                .in = "ii",
                .out = "i",
                .text = "SELECT NOT EXISTS (SELECT 1 FROM execution o WHERE o.device = $1"
                        " AND o.id <> $2 AND o.class <> 'query'"
                        " AND (o.state IN ('sent', 'resending', 'delivered', 'in-progress',"
                        " 'cancel-requested') OR (o.state = 'unknown' AND o.written_off = 0"
                        " AND NOT EXISTS (SELECT 1 FROM agent a WHERE a.id = o.agent"
                        " AND a.revoked_at IS NOT NULL))))"},
        [DUE] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "ii",
                .out = "i",
                .text = "SELECT id FROM execution WHERE timer_at IS NOT NULL"
                        " AND timer_at <= $1 ORDER BY timer_at LIMIT $2"},
        [NEXT_TIMER] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "",
                .out = "i",
                .text = "SELECT coalesce(min(timer_at), 0) FROM execution"
                        " WHERE timer_at IS NOT NULL"},
        [SENT_TO] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "i",
                .text = "SELECT id FROM execution WHERE agent = $1 AND state = 'sent'"
                        " ORDER BY id LIMIT 1000"},
        [PRESENCE_SET] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "iiitt",
                .out = "",
                .text = "INSERT INTO presence (agent, online, at, version, kinds)"
                        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agent) DO UPDATE"
                        " SET online = excluded.online, at = excluded.at,"
                        " version = CASE excluded.version WHEN '' THEN version"
                        " ELSE excluded.version END,"
                        " kinds = CASE excluded.online WHEN 0 THEN kinds"
                        " ELSE excluded.kinds END"},
        [PRESENCE_FORGET] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "",
                .text = "UPDATE presence SET online = 0, at = $1 WHERE online <> 0"},
};

const struct sql_table operations_dispatch_sql = {"operations_dispatch", statements, STATEMENTS};

bool executions_allowed(
        struct sql_conn *conn, const struct execution_brief *x, bool *allowed, struct err *e)
{
	const char *right = x->class == OPERATION_CONSUMING ? "consume" : "operate";
	int64_t yes = 0;

	if (!sql_one(conn, &statements[ALLOWED],
	            SQL_ARGS(SQL_I(x->device), SQL_I(x->customer_id), SQL_I(x->requester),
	                    SQL_T(right), SQL_I(x->agent)),
	            SQL_INTO(SQL_INTO_I(&yes)), NULL, e))
		return false;
	*allowed = yes != 0;
	return true;
}

bool executions_lane_free(
        struct sql_conn *conn, const struct execution_brief *x, bool *lane_free, struct err *e)
{
	int64_t yes = 0;

	*lane_free = true;
	if (x->class == OPERATION_QUERY)
		return true;
	if (!sql_one(conn, &statements[LANE_FREE], SQL_ARGS(SQL_I(x->device), SQL_I(x->id)),
	            SQL_INTO(SQL_INTO_I(&yes)), NULL, e))
		return false;
	*lane_free = yes != 0;
	return true;
}

bool executions_due(struct sql_conn *conn, struct arena *arena, int64_t now, size_t limit,
        int64_t **ids, size_t *count, struct err *e)
{
	return rows_read_ids(arena,
	        sql_query(conn, &statements[DUE], SQL_ARGS(SQL_I(now), SQL_I((int64_t)limit)), e),
	        ids, count, e);
}

bool executions_sent_to(struct sql_conn *conn, struct arena *arena, int64_t agent, int64_t **ids,
        size_t *count, struct err *e)
{
	return rows_read_ids(arena,
	        sql_query(conn, &statements[SENT_TO], SQL_ARGS(SQL_I(agent)), e), ids, count, e);
}

enum execution_event executions_timer_event(const struct execution_brief *x, int64_t now)
{
	if (x->state == EXECUTION_SENT && now < x->not_after + OPERATIONS_GRACE_MS)
		return EXECUTION_NO_RECEIPT;
	if (x->state == EXECUTION_IN_PROGRESS)
		return EXECUTION_RUN_TIMEOUT;
	return EXECUTION_DEADLINE;
}

bool executions_next_timer(struct sql_conn *conn, int64_t *at, struct err *e)
{
	return sql_one(
	        conn, &statements[NEXT_TIMER], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(at)), NULL, e);
}

bool presence_set(struct sql_conn *conn, const struct agent_presence *p, struct err *e)
{
	return sql_do(conn, &statements[PRESENCE_SET],
	        SQL_ARGS(SQL_I(p->agent), SQL_I(p->online), SQL_I(p->at), SQL_T(p->version),
	                SQL_T(p->kinds)),
	        NULL, e);
}

bool presence_forget(struct sql_conn *conn, int64_t now, struct err *e)
{
	return sql_do(conn, &statements[PRESENCE_FORGET], SQL_ARGS(SQL_I(now)), NULL, e);
}

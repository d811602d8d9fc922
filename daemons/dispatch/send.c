/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the outbox to the broker.
 */
#include "core/device_target.h"
#include "core/outbox.h"
#include "daemons/dispatch/internal.h"
#include "lib/log.h"

/* ---- taking an operation out: rights, lane and state are looked at in the writing transaction */

enum taken { TAKEN_VOID, TAKEN_WAITS, TAKEN_HELD, TAKEN_SENT };

struct take {
	const struct outbox_row *row;
	struct arena *arena;
	int64_t now;
	enum taken taken;
	struct execution_brief x;
};

static bool withdraw(struct sql_conn *conn, struct take *t, struct err *e)
{
	const struct execution_change change = {.event = EXECUTION_WITHDRAW,
	        .source = "dispatch",
	        .at = t->now,
	        .percent = -1,
	        .verified = -1};
	struct execution_outcome outcome;

	t->taken = TAKEN_VOID;
	return executions_apply(conn, t->arena, &t->x, &change, &outcome, e) &&
	       outbox_remove(conn, t->row->id, e);
}

/* It may have reached the agent already, so it cannot be called removed; but it is not sent again.
 * What the agent says, or its deadline, ends it. */
static bool hold(struct sql_conn *conn, struct take *t, struct err *e)
{
	t->taken = TAKEN_HELD;
	return outbox_remove(conn, t->row->id, e);
}

static bool send(struct sql_conn *conn, struct take *t, struct err *e)
{
	const struct execution_change change = {.event = EXECUTION_SEND,
	        .source = "dispatch",
	        .at = t->now,
	        .agent = t->row->agent,
	        .percent = -1,
	        .verified = -1};
	struct execution_outcome outcome;

	t->taken = TAKEN_SENT;
	/* Written before it is published: should we die in between, the receipt timer sends it again. */
	return outbox_remove(conn, t->row->id, e) &&
	       executions_apply(conn, t->arena, &t->x, &change, &outcome, e);
}

static bool take_work(struct sql_conn *conn, void *arg, struct err *e)
{
	struct take *t = arg;
	struct execution_brief asked;
	bool yes;

	if (!executions_load(conn, t->arena, t->row->execution, &t->x, e))
		return false;
	if (t->x.state != EXECUTION_QUEUED && t->x.state != EXECUTION_RESENDING) {
		t->taken = TAKEN_VOID;
		return outbox_remove(conn, t->row->id, e);
	}
	if (t->now > t->x.not_after) { /* its timer ends it */
		t->taken = TAKEN_WAITS;
		return outbox_delay(conn, t->row->id, t->now + ENGINE_LANE_MS, e);
	}
	asked = t->x;
	asked.agent = t->row->agent; /* whom it would go to now */
	if (!executions_allowed(conn, &asked, &yes, e))
		return false;
	if (!yes)
		return t->x.state == EXECUTION_QUEUED ? withdraw(conn, t, e) : hold(conn, t, e);
	if (!executions_lane_free(conn, &t->x, &yes, e))
		return false;
	if (!yes) {
		t->taken = TAKEN_WAITS;
		return outbox_delay(conn, t->row->id, t->now + ENGINE_LANE_MS, e);
	}
	return send(conn, t, e);
}

/* ---- messages */

static bool publish(struct engine *engine, const char *agent, const struct operation *o,
        int *number, struct err *e)
{
	struct buf payload = BUF_INIT(OPERATION_PAYLOAD_MAX), message = BUF_INIT(OPERATION_MAX);
	char topic[OPERATION_TOPIC_SIZE];
	bool ok = operation_write(o, &payload, e) &&
	          envelope_seal(engine->key_id, engine->secret_key, operation_schema(o->message),
	                  payload.data, payload.len, &message, e) &&
	          engine->io.publish(engine->io.arg, operation_topic(agent, "operation", topic),
	                  message.data, message.len, number, e);

	buf_free(&payload);
	buf_free(&message);
	return ok;
}

static bool find_target(
        struct engine *engine, int64_t device, struct device_target *target, struct err *e)
{
	struct sql_conn *conn = sql_borrow(engine->db, ENGINE_READ_MS, e);
	bool ok = conn != NULL && device_target_find(conn, engine->arena, device, target, e);

	sql_return(conn);
	return ok;
}

static bool publish_operation(struct engine *engine, const struct outbox_row *row,
        const struct execution_brief *x, struct err *e)
{
	struct device_target target;
	int number;

	if (x->kind == NULL)
		return err_set(
		        e, ERR_INTERNAL, "operation kind %s is not known here", x->kind_name);
	if (!find_target(engine, x->device, &target, e))
		return false;
	const struct operation o = {.message = MESSAGE_OPERATION,
	        .agent_id = row->agent_public_id,
	        .operation_id = x->public_id,
	        .attempt = x->attempt,
	        .issued_at = engine_now(engine),
	        .not_after = x->not_after,
	        .kind = x->kind,
	        .kind_name = x->kind_name,
	        .identity_kind = target.identity_kind,
	        .identity_value = target.identity_value,
	        .manufacturer = target.manufacturer,
	        .model = target.model,
	        .parameters = x->parameters,
	        .run_seconds = x->run_seconds};
	if (!publish(engine, row->agent_public_id, &o, &number, e))
		return false;
	engine_await(engine, number, x->id, x->attempt);
	return true;
}

/* ---- what did not get through */

static bool offline_work(struct sql_conn *conn, void *arg, struct err *e)
{
	return presence_set(conn, arg, e);
}

void engine_not_heard(struct engine *engine, int64_t execution, int64_t attempt, struct err *e)
{
	struct move m = {.execution = execution,
	        .attempt = attempt,
	        .change = {.event = EXECUTION_NO_RECEIPT,
	                .source = "dispatch",
	                .percent = -1,
	                .verified = -1}};

	if (!engine_move(engine, &m, e))
		return;
	/* Until it says that it is there again, sending to it would only go round in circles. */
	struct agent_presence presence = {.agent = m.x.agent,
	        .online = false,
	        .at = engine_now(engine),
	        .version = "",
	        .kinds = ""};
	if (m.x.agent != 0 &&
	        !sql_write(engine->db, SQL_OPERATIONS, offline_work, &presence, ENGINE_WRITE_MS, e))
		engine_trouble("presence", e);
}

static void send_operation(struct engine *engine, const struct outbox_row *row)
{
	struct take t = {.row = row, .arena = engine->arena, .now = engine_now(engine)};
	struct err e = ERR_CLEAR;
	const char *details;

	if (!sql_write(engine->db, SQL_OPERATIONS, take_work, &t, ENGINE_WRITE_MS, &e)) {
		engine_trouble("send", &e);
		return;
	}
	if (t.taken == TAKEN_WAITS)
		return;
	if (t.taken != TAKEN_SENT) {
		if (t.taken == TAKEN_HELD || t.x.state == EXECUTION_REMOVED)
			(void)engine_record_step(engine, &t.x, NULL, "operation.withdraw", NULL);
		return;
	}
	details = arena_printf(engine->arena, "{\"agent\":\"%s\",\"attempt\":%lld,\"kind\":\"%s\"}",
	        row->agent_public_id, (long long)t.x.attempt, t.x.kind_name);
	/* No record, no order to a printer: it waits for the receipt timer and is tried again. */
	if (!engine_record_step(engine, &t.x, NULL, "operation.send", details))
		return;
	if (publish_operation(engine, row, &t.x, &e))
		return;
	engine_trouble("publish", &e);
	e = ERR_CLEAR;
	engine_not_heard(engine, t.x.id, t.x.attempt, &e);
	if (e.code != ERR_NONE)
		engine_trouble("publish", &e);
}

/* ---- cancels and acks: published, then forgotten; both may be repeated */

static bool load(struct engine *engine, int64_t id, struct execution_brief *x, struct err *e)
{
	struct sql_conn *conn = sql_borrow(engine->db, ENGINE_READ_MS, e);
	bool ok = conn != NULL && executions_load(conn, engine->arena, id, x, e);

	sql_return(conn);
	return ok;
}

struct after {
	int64_t row, again_at;
	bool sent;
};

static bool after_work(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct after *after = arg;

	return after->sent ? outbox_remove(conn, after->row, e)
	                   : outbox_delay(conn, after->row, after->again_at, e);
}

/* Acks that were handed over: their rows go in one write. */
struct acked {
	int64_t rows[ENGINE_BATCH];
	size_t count;
};

static bool acked_work(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct acked *acked = arg;

	for (size_t i = 0; i < acked->count; i++)
		if (!outbox_remove(conn, acked->rows[i], e))
			return false;
	return true;
}

static void send_other(struct engine *engine, const struct outbox_row *row, struct acked *acked)
{
	struct execution_brief x;
	struct err e = ERR_CLEAR;
	int number;

	if (!load(engine, row->execution, &x, &e)) {
		engine_trouble("send", &e);
		return;
	}
	const struct operation o = {.message = row->message,
	        .agent_id = row->agent_public_id,
	        .operation_id = x.public_id,
	        .attempt = row->attempt,
	        .issued_at = engine_now(engine),
	        .not_after = x.not_after,
	        .seq = row->seq};
	if (row->message == MESSAGE_CANCEL &&
	        !engine_record_step(engine, &x, NULL, "operation.send-cancel", NULL))
		return;
	struct after after = {.row = row->id, .again_at = engine_now(engine) + ENGINE_LANE_MS};
	after.sent = publish(engine, row->agent_public_id, &o, &number, &e);
	if (!after.sent)
		engine_trouble("publish", &e);
	if (after.sent && row->message == MESSAGE_ACK) {
		acked->rows[acked->count++] = row->id;
		return;
	}
	e = ERR_CLEAR;
	if (!sql_write(engine->db, SQL_OPERATIONS, after_work, &after, ENGINE_WRITE_MS, &e))
		engine_trouble("outbox", &e);
}

bool engine_send_ready(struct engine *engine)
{
	struct outbox_row *rows = NULL;
	struct acked acked = {.count = 0};
	size_t count = 0;
	struct err e = ERR_CLEAR;
	struct sql_conn *conn = sql_borrow(engine->db, ENGINE_READ_MS, &e);
	bool ok = conn != NULL && outbox_ready(conn, engine->arena, engine_now(engine),
	                                  ENGINE_BATCH, &rows, &count, &e);

	sql_return(conn);
	if (!ok) {
		engine_trouble("outbox", &e);
		return false;
	}
	/* Somebody waits for the orders; nobody for the rest. */
	for (size_t i = 0; i < count; i++)
		if (rows[i].agent_public_id != NULL && rows[i].message == MESSAGE_OPERATION)
			send_operation(engine, &rows[i]);
	for (size_t i = 0; i < count; i++)
		if (rows[i].agent_public_id != NULL && rows[i].message != MESSAGE_OPERATION)
			send_other(engine, &rows[i], &acked);
	if (acked.count > 0 &&
	        !sql_write(engine->db, SQL_OPERATIONS, acked_work, &acked, ENGINE_WRITE_MS, &e))
		engine_trouble("outbox", &e);
	return count == ENGINE_BATCH;
}

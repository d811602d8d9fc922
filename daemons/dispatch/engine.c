/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/dispatch/engine.h"

#include "core/agents.h"
#include "core/changes.h"
#include "core/device_target.h"
#include "core/devices.h"
#include "core/operations.h"
#include "core/outbox.h"
#include "daemons/dispatch/internal.h"
#include "lib/log.h"
#include "lib/operation.h"

#include <string.h>

enum { ARENA_BYTES = 16 << 20 };

const struct sql_table *const engine_tables[] = {&agents_sql, &device_target_sql, &operations_sql,
        &operations_dispatch_sql, &outbox_sql, NULL};

int64_t engine_now(const struct engine *engine)
{
	return clock_wall_ms(engine->clock);
}

void engine_trouble(const char *what, const struct err *e)
{
	log_event(e->code == ERR_BUSY || e->code == ERR_UNAVAILABLE ? LOG_LEVEL_WARNING
	                                                            : LOG_LEVEL_ERROR,
	        what, "code", err_name(e->code), "why", e->text, NULL);
}

bool engine_record(struct engine *engine, const struct audit_entry *entry)
{
	struct err e = ERR_CLEAR;

	if (engine->io.record(engine->io.arg, entry, &e))
		return true;
	engine_trouble("audit-failed", &e);
	return false;
}

/* A step of an operation, as the audit log has it. */
bool engine_record_step(struct engine *engine, const struct execution_brief *x, const char *agent,
        const char *action, const char *details)
{
	const char *const targets[] = {x->public_id, x->device_public_id};
	const struct audit_entry entry = {.actor_kind = agent == NULL ? "program" : "agent",
	        .actor_id = agent == NULL ? "dispatch" : agent,
	        .request_id = x->request_public_id,
	        .action = action,
	        .target_kind = "operation",
	        .targets = targets,
	        .target_count = 2,
	        .outcome = AUDIT_DONE,
	        .details = details};

	return engine_record(engine, &entry);
}

/* ---- one transition in one transaction */

bool engine_move_work(struct sql_conn *conn, void *arg, struct err *e)
{
	struct move *m = arg;

	if (!executions_load(conn, m->arena, m->execution, &m->x, e))
		return false;
	if (m->attempt != 0 && m->attempt != m->x.attempt)
		return err_set(e, ERR_CONFLICT, "another attempt is under way");
	if (m->agent != 0 && m->agent != m->x.agent)
		return err_set(e, ERR_DENIED, "the operation was not sent to this agent");
	return executions_apply(conn, m->arena, &m->x, &m->change, &m->outcome, e);
}

bool engine_move(struct engine *engine, struct move *m, struct err *e)
{
	m->arena = engine->arena;
	m->change.at = engine_now(engine);
	return sql_write(engine->db, SQL_OPERATIONS, engine_move_work, m, ENGINE_WRITE_MS, e);
}

/* ---- timers */

static const char *timer_details(
        struct engine *engine, const struct execution_brief *x, enum execution_event event)
{
	return arena_printf(engine->arena, "{\"event\":\"%s\",\"state\":\"%s\",\"attempt\":%lld}",
	        execution_event_name(event), execution_state_name(x->state), (long long)x->attempt);
}

static void fire(struct engine *engine, int64_t id)
{
	struct sql_conn *conn;
	struct execution_brief x;
	struct err e = ERR_CLEAR;
	bool found;

	conn = sql_borrow(engine->db, ENGINE_READ_MS, &e);
	found = conn != NULL && executions_load(conn, engine->arena, id, &x, &e);
	sql_return(conn);
	if (!found) {
		engine_trouble("timer", &e);
		return;
	}
	const enum execution_event event = executions_timer_event(&x, engine_now(engine));
	struct move m = {.execution = id,
	        .change = {.event = event, .source = "timer", .percent = -1, .verified = -1}};
	if (!engine_record_step(
	            engine, &x, NULL, "operation.timer", timer_details(engine, &x, event)))
		return;
	if (!engine_move(engine, &m, &e))
		engine_trouble("timer", &e);
}

static void fire_timers(struct engine *engine)
{
	struct err e = ERR_CLEAR;
	int64_t *ids = NULL;
	size_t count = 0;
	struct sql_conn *conn = sql_borrow(engine->db, ENGINE_READ_MS, &e);
	bool ok = conn != NULL && executions_due(conn, engine->arena, engine_now(engine),
	                                  ENGINE_BATCH, &ids, &count, &e);

	sql_return(conn);
	if (!ok)
		engine_trouble("timers", &e);
	for (size_t i = 0; ok && i < count; i++)
		fire(engine, ids[i]);
}

/* ---- the broker */

static bool forget_work(struct sql_conn *conn, void *arg, struct err *e)
{
	return presence_forget(conn, *(const int64_t *)arg, e);
}

static bool forget(struct engine *engine, struct err *e)
{
	int64_t now = engine_now(engine);

	return sql_write(engine->db, SQL_OPERATIONS, forget_work, &now, ENGINE_WRITE_MS, e);
}

void engine_connected(struct engine *engine)
{
	engine->connected = true;
}

void engine_disconnected(struct engine *engine)
{
	struct err e = ERR_CLEAR;

	engine->connected = false;
	memset(engine->flights, 0, sizeof engine->flights);
	if (!forget(engine, &e))
		engine_trouble("presence", &e);
}

/* Nobody heard it, or the broker refused: the operation waits for its agent again. The receipt timer would
 * find out too, only later. */
void engine_published(struct engine *engine, int number, int reason)
{
	struct err e = ERR_CLEAR;

	for (size_t i = 0; i < ENGINE_IN_FLIGHT; i++) {
		struct engine_flight *flight = &engine->flights[i];
		if (flight->number != number || number == 0)
			continue;
		flight->number = 0;
		if (reason < ENGINE_REASON_NOBODY)
			return;
		arena_reset(engine->arena);
		engine_not_heard(engine, flight->execution, flight->attempt, &e);
		if (e.code != ERR_NONE && e.code != ERR_CONFLICT)
			engine_trouble("not-heard", &e);
		return;
	}
}

void engine_await(struct engine *engine, int number, int64_t execution, int64_t attempt)
{
	engine->flights[engine->next_flight] = (struct engine_flight){
	        .number = number, .execution = execution, .attempt = attempt};
	engine->next_flight = (engine->next_flight + 1) % ENGINE_IN_FLIGHT;
}

/* ---- life */

bool engine_begin(struct engine *engine, struct err *e)
{
	const unsigned char *public_key =
	        engine->secret_key + CRYPTO_SIGN_SECRET - CRYPTO_SIGN_PUBLIC;

	/* libsodium's secret key is the seed followed by the public key (crypto.h). */
	(void)envelope_key_id(public_key, engine->key_id);
	engine->connected = false;
	engine->next_flight = 0;
	engine->rate = (struct rate){.list = NULL};
	memset(engine->flights, 0, sizeof engine->flights);
	engine->arena = arena_new(ARENA_BYTES);
	if (engine->arena == NULL)
		return err_set(e, ERR_MEMORY, "no memory to start");
	if (forget(engine, e))
		return true;
	engine_end(engine);
	return false;
}

void engine_end(struct engine *engine)
{
	arena_free(engine->arena);
	engine->arena = NULL;
	rate_free(&engine->rate);
}

static int until_next(struct engine *engine)
{
	int64_t now = engine_now(engine), timer = 0, ready = 0, wait = ENGINE_POLL_MS;
	struct err e = ERR_CLEAR;
	struct sql_conn *conn = sql_borrow(engine->db, ENGINE_READ_MS, &e);

	if (conn == NULL || !executions_next_timer(conn, &timer, &e) ||
	        !outbox_next(conn, &ready, &e))
		engine_trouble("next", &e);
	sql_return(conn);
	if (timer != 0 && timer - now < wait)
		wait = timer - now;
	if (engine->connected && ready != 0 && ready - now < wait)
		wait = ready - now;
	/* What is due and was not done just now needs something that is away: not in a tight loop. */
	return wait < ENGINE_AGAIN_MS ? ENGINE_AGAIN_MS : (int)wait;
}

int engine_turn(struct engine *engine)
{
	arena_reset(engine->arena);
	fire_timers(engine);
	arena_reset(engine->arena);
	if (engine->connected && engine_send_ready(engine))
		return 0; /* a whole batch: there may be more */
	return until_next(engine);
}

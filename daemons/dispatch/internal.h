/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h: what the engine's files share: engine.c (timers, life), send.c (outbox → broker),
 * receive.c (agents → database).
 */
#ifndef FLEETPORT_DAEMONS_DISPATCH_INTERNAL_H
#define FLEETPORT_DAEMONS_DISPATCH_INTERNAL_H

#include "core/operations.h"
#include "daemons/dispatch/engine.h"

enum {
	ENGINE_READ_MS = 2000,
	ENGINE_WRITE_MS = 2000,
	ENGINE_AGAIN_MS = 20,
	ENGINE_LANE_MS = 1000,     /* a busy lane is looked at again after this */
	ENGINE_REASON_NOBODY = 16, /* MQTT 5: no matching subscribers; from 128 on: refused */
};

/* A guarded transition, applied in one transaction. attempt and agent, where not 0, must fit. */
struct move {
	int64_t execution, attempt, agent;
	struct execution_change change;
	struct arena *arena;
	/* results */
	struct execution_brief x;
	struct execution_outcome outcome;
};

int64_t engine_now(const struct engine *engine);
void engine_trouble(const char *what, const struct err *e);
bool engine_record(struct engine *engine, const struct audit_entry *entry);
/* agent: public id of the agent whose doing it is; NULL: dispatch's own. */
bool engine_record_step(struct engine *engine, const struct execution_brief *x, const char *agent,
        const char *action, const char *details);
bool engine_move_work(struct sql_conn *conn, void *arg, struct err *e);
bool engine_move(struct engine *engine, struct move *m, struct err *e);
void engine_await(struct engine *engine, int number, int64_t execution, int64_t attempt);

/* send.c. true: a whole batch was taken, there may be more. */
bool engine_send_ready(struct engine *engine);
/* The attempt did not reach its agent: it waits again, and the agent counts as offline. */
void engine_not_heard(struct engine *engine, int64_t execution, int64_t attempt, struct err *e);

#endif

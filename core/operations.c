/* SPDX-License-Identifier: Apache-2.0 */
/* operations.c: the moves of executions. */
#include "core/operations.h"

#include "core/operations_internal.h"
#include "core/outbox.h"

#include <string.h>

enum {
	RESEND_FIRST_MS = 5000,
	RESEND_MAX_MS = 60000,
	EVENTS_KEPT = 1000, /* of one execution; steps beyond are acknowledged and forgotten */
};

enum {
	LOAD,
	LOAD_PUBLIC,
	UPDATE,
	EVENT_LAST,
	EVENT_SEEN,
	EVENT_ADD,
	OPEN_COUNT,
	REQUEST_UPDATE,
	FREE_LANES,
	INSERT,
	STATEMENTS,
};

#define BRIEF                                                                                      \
	"SELECT x.id, x.public_id, x.request_id, r.public_id, r.state, r.kind, r.parameters,"      \
	" r.requester, x.device, x.device_public_id, x.customer_id, x.state, x.version, x.class,"  \
	" x.agent, x.attempt, x.delivered_at, x.run_seconds, x.not_after, x.timer_at"              \
	" FROM execution x JOIN request r ON r.id = x.request_id WHERE "
#define BRIEF_OUT "itittttiitititIiIiiI"

static const struct sql_statement statements[STATEMENTS] = {
        [LOAD] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = BRIEF_OUT,
                .text = BRIEF "x.id = $1"},
        [LOAD_PUBLIC] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "t",
                .out = BRIEF_OUT,
                .text = BRIEF "x.public_id = $1"},
        [UPDATE] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "itIiTTiIT"
                      "ITIIIIIi",
                .out = "",
                .text = "UPDATE execution SET state = $2, version = version + 1,"
                        " agent = coalesce(agent, $3), attempt = $4, code = coalesce($5, code),"
                        " message = coalesce($6, message), late = max(late, $7),"
                        " verified = coalesce($8, verified), evidence = coalesce($9, evidence),"
                        " percent = coalesce($10, percent),"
                        " step_text = coalesce($11, step_text), timer_at = $12,"
                        " sent_at = coalesce(sent_at, $13),"
                        " delivered_at = coalesce(delivered_at, $14),"
                        " started_at = coalesce(started_at, $15),"
                        " ended_at = coalesce($16, ended_at)"
                        " WHERE id = $1 AND version = $17"},
        [EVENT_LAST] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "i",
                .text = "SELECT coalesce(max(number), 0) FROM execution_event"
                        " WHERE execution_id = $1"},
        [EVENT_SEEN] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "iii",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM execution_event WHERE execution_id = $1"
                        " AND attempt = $2 AND seq = $3)"},
        [EVENT_ADD] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "iitttt"
                      "IIitiI",
                .out = "",
                .text = "INSERT INTO execution_event (execution_id, number, source, event,"
                        " from_state, to_state, attempt, seq, conflict, details, at, begun)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"},
        [OPEN_COUNT] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "ii",
                .text = "SELECT count(*) FILTER (WHERE state NOT IN ('rejected', 'expired',"
                        " 'canceled', 'removed', 'succeeded', 'failed', 'unknown')),"
                        " count(*) FILTER (WHERE state = 'unknown')"
                        " FROM execution WHERE request_id = $1"},
        [REQUEST_UPDATE] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "itiI",
                .out = "",
                .text = "UPDATE request SET state = $2, version = version + 1,"
                        " has_unknown = max(has_unknown, $3), ended_at = $4 WHERE id = $1"},
        [FREE_LANES] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "",
                .text = "UPDATE execution SET written_off = 1, version = version + 1"
                        " WHERE device = $1 AND state = 'unknown' AND written_off = 0"
                        " AND class <> 'query'"},
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "tiitittTTiiIIi",
                .out = "i",
                .text = "INSERT INTO execution (public_id, request_id, device,"
                        " device_public_id, customer_id, state, class, code, message,"
                        " run_seconds, not_after, timer_at, ended_at, created_at)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
                        " RETURNING id"},
};
const struct sql_table operations_sql = {"operations", statements, STATEMENTS};

/* ---- reading one */

static bool finish_brief(struct execution_brief *out, const char *request_state, const char *state,
        const char *class, struct err *e)
{
	if (!request_state_read(request_state, &out->request_state) ||
	        !execution_state_read(state, &out->state) ||
	        !operation_class_read(class, &out->class))
		return err_set(e, ERR_CORRUPT, "execution %s has a state or class that is none",
		        out->public_id);
	out->kind = operation_kind_find(out->kind_name);
	return true;
}

static bool load(struct sql_conn *conn, struct arena *arena, const struct sql_statement *st,
        const struct sql_value *args, struct execution_brief *out, struct err *e)
{
	const char *request_state = "", *state = "", *class = "";
	int64_t delivered_at = 0;
	bool found;

	*out = (struct execution_brief){.id = 0};
	if (!sql_one(conn, st, args, 1,
	            SQL_INTO(SQL_INTO_I(&out->id), SQL_INTO_T(arena, &out->public_id),
	                    SQL_INTO_I(&out->request_id),
	                    SQL_INTO_T(arena, &out->request_public_id),
	                    SQL_INTO_T(arena, &request_state), SQL_INTO_T(arena, &out->kind_name),
	                    SQL_INTO_T(arena, &out->parameters), SQL_INTO_I(&out->requester),
	                    SQL_INTO_I(&out->device), SQL_INTO_T(arena, &out->device_public_id),
	                    SQL_INTO_I(&out->customer_id), SQL_INTO_T(arena, &state),
	                    SQL_INTO_I(&out->version), SQL_INTO_T(arena, &class),
	                    SQL_INTO_I(&out->agent), SQL_INTO_I(&out->attempt),
	                    SQL_INTO_I(&delivered_at), SQL_INTO_I(&out->run_seconds),
	                    SQL_INTO_I(&out->not_after), SQL_INTO_I(&out->timer_at)),
	            &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "no such execution");
	out->received = delivered_at != 0;
	return finish_brief(out, request_state, state, class, e);
}

bool executions_load(struct sql_conn *conn, struct arena *arena, int64_t id,
        struct execution_brief *out, struct err *e)
{
	const struct sql_value args[] = {SQL_I(id)};

	return load(conn, arena, &statements[LOAD], args, out, e);
}

bool executions_load_public(struct sql_conn *conn, struct arena *arena, const char *public_id,
        struct execution_brief *out, struct err *e)
{
	const struct sql_value args[] = {SQL_T(public_id)};

	return load(conn, arena, &statements[LOAD_PUBLIC], args, out, e);
}

/* ---- a move */

struct move {
	struct sql_conn *conn;
	struct execution_brief *x;
	const struct execution_change *change;
	struct execution_outcome *out;
	int64_t number; /* of the event row */
};

static struct execution_facts facts_of(const struct execution_brief *x)
{
	return (struct execution_facts){.class = x->class,
	        .stoppable = x->kind != NULL && x->kind->stoppable,
	        .received = x->received};
}

static int64_t at_least(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When the state that x moves to must be looked at again; 0: never. */
static int64_t timer_of(const struct move *m)
{
	const struct execution_brief *x = m->x;
	int64_t now = m->change->at;

	if (m->out->verdict == VERDICT_NOTED)
		return x->timer_at;
	switch (m->out->to) {
	case EXECUTION_WAITING_CONSENT:
	case EXECUTION_QUEUED:
		return x->not_after;
	case EXECUTION_SENT:
		return now + OPERATIONS_RECEIPT_MS;
	case EXECUTION_RESENDING:
	case EXECUTION_DELIVERED:
		return at_least(x->not_after + OPERATIONS_GRACE_MS, now + 1);
	case EXECUTION_IN_PROGRESS:
		return now + x->run_seconds * 1000;
	case EXECUTION_CANCEL_REQUESTED:
		return now + OPERATIONS_GRACE_MS;
	default:
		return 0;
	}
}

static struct sql_value number_or_null(bool is, int64_t number)
{
	return is ? SQL_I(number) : SQL_NULL;
}

static bool write_state(const struct move *m, struct err *e)
{
	const struct execution_change *c = m->change;
	const struct execution_outcome *out = m->out;
	bool sends = c->event == EXECUTION_SEND;
	bool agents = execution_event_is_agents(c->event);
	bool runs = out->to == EXECUTION_IN_PROGRESS;
	bool ends = out->verdict == VERDICT_MOVE && execution_ended(out->to);
	bool outcome = ends && agents;
	int64_t timer = timer_of(m);
	int64_t changes;
	const struct sql_value args[] = {SQL_I(m->x->id), SQL_T(execution_state_name(out->to)),
	        number_or_null(sends, c->agent), SQL_I(m->x->attempt + sends), SQL_T(c->code),
	        SQL_T(c->message), SQL_I(out->late),
	        number_or_null(outcome && c->verified >= 0, c->verified),
	        outcome ? SQL_T(c->evidence) : SQL_NULL,
	        number_or_null(c->event == EXECUTION_STEP && c->percent >= 0, c->percent),
	        c->event == EXECUTION_STEP ? SQL_T(c->text) : SQL_NULL,
	        number_or_null(timer != 0, timer), number_or_null(sends, c->at),
	        number_or_null(agents && c->event != EXECUTION_CANCEL_UNKNOWN, c->at),
	        number_or_null(runs, c->at), number_or_null(ends, c->at), SQL_I(m->x->version)};

	if (!sql_do(m->conn, &statements[UPDATE], args, sizeof(args) / sizeof(args[0]), &changes,
	            e))
		return false;
	/* Whoever loaded x did so in this transaction. */
	return changes == 1 || err_set(e, ERR_CONFLICT, "the execution was changed meanwhile");
}

static bool write_event(const struct move *m, struct err *e)
{
	const struct execution_change *c = m->change;

	return sql_do(m->conn, &statements[EVENT_ADD],
	        SQL_ARGS(SQL_I(m->x->id), SQL_I(m->number), SQL_T(c->source),
	                SQL_T(execution_event_name(c->event)),
	                SQL_T(execution_state_name(m->out->from)),
	                SQL_T(execution_state_name(m->out->to)),
	                number_or_null(c->attempt > 0, c->attempt),
	                number_or_null(c->seq > 0, c->seq),
	                SQL_I(m->out->verdict == VERDICT_CONFLICT),
	                SQL_T(c->details != NULL ? c->details : "{}"), SQL_I(c->at),
	                number_or_null(c->begun != 0, c->begun)),
	        NULL, e);
}

/* A pause before the attempt after this one. */
static int64_t resend_pause(int64_t attempt)
{
	int64_t pause = RESEND_FIRST_MS;

	for (int64_t i = 1; i < attempt && pause < RESEND_MAX_MS; i++)
		pause *= 2;
	return pause < RESEND_MAX_MS ? pause : RESEND_MAX_MS;
}

/* What is to be published because of the move, and what is not any more. */
static bool write_outbox(const struct move *m, struct err *e)
{
	const struct execution_outcome *out = m->out;
	int64_t id = m->x->id;
	int64_t now = m->change->at;

	if (out->from == EXECUTION_QUEUED || out->from == EXECUTION_RESENDING)
		if (!outbox_void(m->conn, id, MESSAGE_OPERATION, e))
			return false;
	if (out->from == EXECUTION_CANCEL_REQUESTED && !outbox_void(m->conn, id, MESSAGE_CANCEL, e))
		return false;
	switch (out->to) {
	case EXECUTION_QUEUED:
		return outbox_add(m->conn, id, MESSAGE_OPERATION, 0, 0, now, e);
	case EXECUTION_RESENDING:
		return outbox_add(m->conn, id, MESSAGE_OPERATION, m->x->attempt, 0,
		        now + resend_pause(m->x->attempt), e);
	case EXECUTION_CANCEL_REQUESTED:
		return outbox_add(m->conn, id, MESSAGE_CANCEL, m->x->attempt, 0, now, e);
	default:
		return true;
	}
}

/* The request ends with its last execution. */
static bool move_request(const struct move *m, struct err *e)
{
	const struct request_facts none = {false, false};
	struct execution_brief *x = m->x;
	enum request_state to;
	int64_t open, unknown;

	if (!execution_ended(m->out->to) || request_ended(x->request_state))
		return true;
	if (!sql_one(m->conn, &statements[OPEN_COUNT], SQL_ARGS(SQL_I(x->request_id)),
	            SQL_INTO(SQL_INTO_I(&open), SQL_INTO_I(&unknown)), NULL, e))
		return false;
	if (open > 0 ||
	        request_next(x->request_state, REQUEST_ALL_ENDED, &none, &to) != VERDICT_MOVE)
		return true;
	x->request_state = to;
	m->out->request_ended = true;
	return sql_do(m->conn, &statements[REQUEST_UPDATE],
	        SQL_ARGS(SQL_I(x->request_id), SQL_T(request_state_name(to)), SQL_I(unknown > 0),
	                SQL_I(m->change->at)),
	        NULL, e);
}

/* A status answer from the device itself (its identity was read, and is the one that was meant) frees
 * the lane that an unknown outcome holds. */
static bool free_lanes(const struct move *m, struct err *e)
{
	if (m->out->to != EXECUTION_SUCCEEDED || m->x->class != OPERATION_QUERY ||
	        m->change->verified != 1)
		return true;
	return sql_do(m->conn, &statements[FREE_LANES], SQL_ARGS(SQL_I(m->x->device)), NULL, e);
}

static bool write_move(const struct move *m, struct err *e)
{
	bool moves = m->out->verdict == VERDICT_MOVE;
	bool changes =
	        moves || (m->out->verdict == VERDICT_NOTED && m->change->event == EXECUTION_STEP);

	if (changes && !write_state(m, e))
		return false;
	if (!write_event(m, e))
		return false;
	return !moves || (write_outbox(m, e) && move_request(m, e) && free_lanes(m, e));
}

/* An agent's event is applied once; a flood of steps is not kept. */
static bool is_repeated(struct move *m, struct err *e)
{
	const struct execution_change *c = m->change;
	int64_t seen = 0;

	if (!sql_one(m->conn, &statements[EVENT_LAST], SQL_ARGS(SQL_I(m->x->id)),
	            SQL_INTO(SQL_INTO_I(&m->number)), NULL, e))
		return false;
	m->number++;
	if (c->seq == 0)
		return true;
	if (!sql_one(m->conn, &statements[EVENT_SEEN],
	            SQL_ARGS(SQL_I(m->x->id), SQL_I(c->attempt), SQL_I(c->seq)),
	            SQL_INTO(SQL_INTO_I(&seen)), NULL, e))
		return false;
	m->out->repeated =
	        seen != 0 || (m->out->verdict != VERDICT_MOVE && m->number > EVENTS_KEPT);
	return true;
}

bool executions_apply(struct sql_conn *conn, struct arena *arena, struct execution_brief *x,
        const struct execution_change *change, struct execution_outcome *out, struct err *e)
{
	struct move m = {.conn = conn, .x = x, .change = change, .out = out};
	struct execution_facts facts = facts_of(x);

	*out = (struct execution_outcome){.from = x->state};
	out->verdict = execution_next(x->state, change->event, &facts, &out->to);
	out->late = out->verdict == VERDICT_MOVE && x->state == EXECUTION_UNKNOWN;
	if (out->verdict == VERDICT_REFUSED)
		return err_set(e, ERR_CONFLICT, "an execution that is %s cannot be %s",
		        execution_state_name(x->state), execution_event_name(change->event));
	if (!is_repeated(&m, e))
		return false;
	if (!out->repeated && !write_move(&m, e))
		return false;
	/* What was kept, and what need not be, is acknowledged alike. */
	if (change->seq > 0 &&
	        !outbox_add(conn, x->id, MESSAGE_ACK, change->attempt, change->seq, change->at, e))
		return false;
	return executions_load(conn, arena, x->id, x, e);
}

bool executions_insert(
        struct sql_conn *conn, const struct execution_new *n, int64_t now, struct err *e)
{
	const struct execution_facts facts = {.class = n->class};
	struct execution_brief x = {.not_after = n->not_after};
	const struct execution_change change = {.event = n->event, .source = "support", .at = now};
	struct execution_outcome out = {.from = EXECUTION_NONE};
	struct move m = {.conn = conn, .x = &x, .change = &change, .out = &out, .number = 1};
	int64_t timer;

	out.verdict = execution_next(EXECUTION_NONE, n->event, &facts, &out.to);
	if (out.verdict != VERDICT_MOVE)
		return err_set(e, ERR_INTERNAL, "an execution cannot begin as %s",
		        execution_event_name(n->event));
	timer = timer_of(&m);
	return sql_one(conn, &statements[INSERT],
	               SQL_ARGS(SQL_T(n->public_id), SQL_I(n->request_id), SQL_I(n->device),
	                       SQL_T(n->device_public_id), SQL_I(n->customer_id),
	                       SQL_T(execution_state_name(out.to)),
	                       SQL_T(operation_class_name(n->class)), SQL_T(n->code),
	                       SQL_T(n->message), SQL_I(n->run_seconds), SQL_I(n->not_after),
	                       number_or_null(timer != 0, timer),
	                       number_or_null(execution_ended(out.to), now), SQL_I(now)),
	               SQL_INTO(SQL_INTO_I(&x.id)), NULL, e) &&
	       write_event(&m, e) && write_outbox(&m, e);
}

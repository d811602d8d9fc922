/* SPDX-License-Identifier: Apache-2.0 */
/* operations_read.c: what pages show. The access rule is in every statement. */
#include "core/operations.h"
#include "core/rows.h"

#include <string.h>

enum { LIST, FIND, EXECUTIONS, STEPS, STATEMENTS };

/* $1 the viewer's account, $2 the organisation. A request is seen through its executions, and these
 * through their devices. */
#define SCOPE "(SELECT group_id FROM scope WHERE viewer = $1 AND \"right\" = 'view')"
#define ROW                                                                                        \
	"SELECT r.id, r.public_id, r.state, r.kind, r.purpose, r.requester, a.public_id,"          \
	" o.public_id, o.name, r.created_at, r.ended_at,"                                          \
	" (SELECT count(*) FROM execution x JOIN device d ON d.id = x.device"                      \
	" WHERE x.request_id = r.id AND d.group_id IN " SCOPE "),"                                 \
	" x1.device_public_id, d1.name, d1.serial_number, c.name, x1.state, r.parameters"          \
	" FROM request r JOIN account a ON a.id = r.requester"                                     \
	" JOIN organisation o ON o.id = r.organisation_id"                                         \
	" JOIN execution x1 ON x1.id = (SELECT min(x.id) FROM execution x"                         \
	" JOIN device d ON d.id = x.device WHERE x.request_id = r.id"                              \
	" AND ($3 = '' OR x.device_public_id = $3) AND d.group_id IN " SCOPE ")"                   \
	" JOIN device d1 ON d1.id = x1.device"                                                     \
	" JOIN organisation c ON c.id = d1.customer_id WHERE r.organisation_id = $2"
#define ROW_OUT                                                                                    \
	"itttt"                                                                                    \
	"itttiIi"                                                                                  \
	"ttTttt"

static const struct sql_statement statements[STATEMENTS] = {
        [LIST] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .stores = 1u << SQL_CORE,
                .in = "iitti",
                .out = ROW_OUT,
                /* The place to go on from is under the access rule, too. */
                .text = ROW " AND ($4 = '' OR r.id < (SELECT b.id FROM request b"
                            " JOIN execution y ON y.request_id = b.id"
                            " JOIN device e ON e.id = y.device"
                            " WHERE b.public_id = $4 AND b.organisation_id = $2"
                            " AND e.group_id IN " SCOPE " LIMIT 1))"
                            " ORDER BY r.id DESC LIMIT $5"},
        [FIND] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .stores = 1u << SQL_CORE,
                .in = "iitt",
                .out = ROW_OUT,
                .text = ROW " AND r.public_id = $4"},
        [EXECUTIONS] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .stores = 1u << SQL_CORE,
                .in = "ii",
                .out = "itittTit"
                       "iTTiIT"
                       "ITiiIIII",
                .text = "SELECT x.id, x.public_id, x.device, x.device_public_id, d.name, "
                        "d.serial_number,"
                        " x.version, x.state, x.attempt, x.code, x.message, x.late, x.verified,"
                        " x.evidence, x.percent, x.step_text, x.not_after, x.created_at,"
                        " x.sent_at, x.delivered_at, x.started_at, x.ended_at"
                        " FROM execution x JOIN device d ON d.id = x.device"
                        " WHERE x.request_id = $2 AND d.group_id IN " SCOPE " ORDER BY x.id"},
        [STEPS] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "iittttit",
                .text = "SELECT number, at, source, event, from_state, to_state, conflict,"
                        " details FROM execution_event WHERE execution_id = $1"
                        " ORDER BY number LIMIT 1000"},
};
const struct sql_table operations_read_sql = {"operations_read", statements, STATEMENTS};

struct row_texts {
	const char *state, *first_state, *parameters;
	int64_t executions;
};

#define ROW_INTO(arena, r, t)                                                                      \
	SQL_INTO(SQL_INTO_I(&(r)->id), SQL_INTO_T(arena, &(r)->public_id),                         \
	        SQL_INTO_T(arena, &(t)->state), SQL_INTO_T(arena, &(r)->kind),                     \
	        SQL_INTO_T(arena, &(r)->purpose), SQL_INTO_I(&(r)->requester),                     \
	        SQL_INTO_T(arena, &(r)->requester_public_id),                                      \
	        SQL_INTO_T(arena, &(r)->organisation_public_id),                                   \
	        SQL_INTO_T(arena, &(r)->organisation_name), SQL_INTO_I(&(r)->created_at),          \
	        SQL_INTO_I(&(r)->ended_at), SQL_INTO_I(&(t)->executions),                          \
	        SQL_INTO_T(arena, &(r)->device_public_id), SQL_INTO_T(arena, &(r)->device_name),   \
	        SQL_INTO_T(arena, &(r)->device_serial), SQL_INTO_T(arena, &(r)->customer_name),    \
	        SQL_INTO_T(arena, &(t)->first_state), SQL_INTO_T(arena, &(t)->parameters))

static bool finish_row(struct request_row *row, const struct row_texts *t, struct err *e)
{
	row->executions = (size_t)t->executions;
	if (!request_state_read(t->state, &row->state) ||
	        !execution_state_read(t->first_state, &row->first_state))
		return err_set(
		        e, ERR_CORRUPT, "request %s has a state that is none", row->public_id);
	return true;
}

static int next_row(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct request_row *row = item;
	struct row_texts texts = {.executions = 0};
	int got = sql_next(cursor, ROW_INTO(arena, row, &texts), e);

	return got == 1 && !finish_row(row, &texts, e) ? -1 : got;
}

bool operations_list(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const char *device, const char *before, size_t limit, struct request_row **rows,
        size_t *count, struct err *e)
{
	struct rows list = ROWS_INIT(arena, sizeof(struct request_row));
	struct request_row one = {.id = 0};
	struct sql_cursor *cursor;
	bool ok;

	if (limit < 1 || limit > OPERATIONS_PAGE_MAX)
		limit = OPERATIONS_PAGE_MAX;
	cursor = sql_query(conn, &statements[LIST],
	        SQL_ARGS(SQL_I(viewer->account_id), SQL_I(viewer->organisation_id),
	                SQL_T(device != NULL ? device : ""), SQL_T(before != NULL ? before : ""),
	                SQL_I((int64_t)limit)),
	        e);
	ok = rows_read(&list, cursor, next_row, &one, e);
	*rows = list.items;
	*count = list.count;
	return ok;
}

static int next_step(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct execution_step *step = item;
	const char *from = "", *to = "";
	int64_t conflict = 0;
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&step->number), SQL_INTO_I(&step->at),
	                SQL_INTO_T(arena, &step->source), SQL_INTO_T(arena, &step->event),
	                SQL_INTO_T(arena, &from), SQL_INTO_T(arena, &to), SQL_INTO_I(&conflict),
	                SQL_INTO_T(arena, &step->details)),
	        e);

	if (got != 1)
		return got;
	step->conflict = conflict != 0;
	step->from = EXECUTION_NONE;
	if ((from[0] == '\0' || execution_state_read(from, &step->from)) &&
	        execution_state_read(to, &step->to))
		return 1;
	(void)err_set(e, ERR_CORRUPT, "a step has a state that is none");
	return -1;
}

static bool read_steps(
        struct sql_conn *conn, struct arena *arena, struct execution *x, struct err *e)
{
	struct rows list = ROWS_INIT(arena, sizeof(struct execution_step));
	struct execution_step one = {.number = 0};
	struct sql_cursor *cursor = sql_query(conn, &statements[STEPS], SQL_ARGS(SQL_I(x->id)), e);
	bool ok = rows_read(&list, cursor, next_step, &one, e);

	x->steps = list.items;
	x->step_count = list.count;
	return ok || err_wrap(e, "execution %s", x->public_id);
}

/* One row of the cursor; 1, 0, -1 as sql_next(). */
static int next_execution(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct execution *x = item;
	const char *state = "";
	int64_t late = 0, verified = 0, percent = 0;
	bool no_verdict = true, no_percent = true;
	int rc = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&x->id), SQL_INTO_T(arena, &x->public_id),
	                SQL_INTO_I(&x->device), SQL_INTO_T(arena, &x->device_public_id),
	                SQL_INTO_T(arena, &x->device_name), SQL_INTO_T(arena, &x->device_serial),
	                SQL_INTO_I(&x->version), SQL_INTO_T(arena, &state), SQL_INTO_I(&x->attempt),
	                SQL_INTO_T(arena, &x->code), SQL_INTO_T(arena, &x->message),
	                SQL_INTO_I(&late), SQL_INTO_I_NULL(&verified, &no_verdict),
	                SQL_INTO_T(arena, &x->evidence), SQL_INTO_I_NULL(&percent, &no_percent),
	                SQL_INTO_T(arena, &x->step_text), SQL_INTO_I(&x->not_after),
	                SQL_INTO_I(&x->created_at), SQL_INTO_I(&x->sent_at),
	                SQL_INTO_I(&x->delivered_at), SQL_INTO_I(&x->started_at),
	                SQL_INTO_I(&x->ended_at)),
	        e);

	if (rc != 1)
		return rc;
	x->late = late != 0;
	x->verified = no_verdict ? -1 : (int)verified;
	x->percent = no_percent ? -1 : (int)percent;
	if (execution_state_read(state, &x->state))
		return 1;
	(void)err_set(e, ERR_CORRUPT, "execution %s has a state that is none", x->public_id);
	return -1;
}

static bool read_executions(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        struct operation_request *out, struct err *e)
{
	struct sql_cursor *cursor = sql_query(conn, &statements[EXECUTIONS],
	        SQL_ARGS(SQL_I(viewer->account_id), SQL_I(out->row.id)), e);
	struct rows list = ROWS_INIT(arena, sizeof(struct execution));
	struct execution one = {.id = 0};
	bool ok = rows_read(&list, cursor, next_execution, &one, e);

	out->list = list.items;
	out->count = list.count;
	return ok;
}

static bool can_be_canceled(const struct execution *x, const struct operation_kind *kind)
{
	const struct execution_facts facts = {.class = x->class,
	        .stoppable = kind != NULL && kind->stoppable,
	        .received = x->delivered_at != 0};
	enum execution_state to;

	return execution_next(x->state, EXECUTION_CANCEL, &facts, &to) == VERDICT_MOVE;
}

bool operations_find(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const char *public_id, struct operation_request *out, struct err *e)
{
	const struct request_facts none = {false, false};
	const struct operation_kind *kind;
	enum request_state to;
	struct row_texts texts = {.executions = 0};
	bool found;

	*out = (struct operation_request){.count = 0};
	if (!sql_one(conn, &statements[FIND],
	            SQL_ARGS(SQL_I(viewer->account_id), SQL_I(viewer->organisation_id), SQL_T(""),
	                    SQL_T(public_id)),
	            ROW_INTO(arena, &out->row, &texts), &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "no such operation");
	out->parameters = texts.parameters;
	if (!finish_row(&out->row, &texts, e) || !read_executions(conn, viewer, arena, out, e))
		return false;
	kind = operation_kind_find(out->row.kind);
	for (size_t i = 0; i < out->count; i++) {
		struct execution *x = &out->list[i];
		x->class = kind != NULL ? kind->class : OPERATION_CONSUMING;
		if (!read_steps(conn, arena, x, e))
			return false;
		out->may_cancel = out->may_cancel || can_be_canceled(x, kind);
	}
	out->may_cancel = out->may_cancel &&
	                  request_next(out->row.state, REQUEST_CANCEL, &none, &to) == VERDICT_MOVE;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* operations_cancel.c: taking back what was submitted. */
#include "core/operations.h"
#include "core/rows.h"

enum { WAIT_MS = 2000, SCRATCH = 4 << 20 };

enum {
	REQUEST_STATE,
	REQUEST_SET_STATE,
	EXECUTIONS_OF,
	STATEMENTS,
};

static const struct sql_statement statements[STATEMENTS] = {
        [REQUEST_STATE] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "t",
                .out = "it",
                .text = "SELECT id, state FROM request WHERE public_id = $1"},
        [REQUEST_SET_STATE] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "it",
                .out = "",
                .text = "UPDATE request SET state = $2, version = version + 1 WHERE id = $1"},
        [EXECUTIONS_OF] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "i",
                .text = "SELECT id FROM execution WHERE request_id = $1 ORDER BY id"},
};
const struct sql_table operations_cancel_sql = {"operations_cancel", statements, STATEMENTS};

struct cancellation {
	const struct viewer *viewer;
	const char *request_id;
	int64_t now;
	int64_t begun;
	struct arena *arena;
};

static bool cancel_one(struct sql_conn *conn, const struct cancellation *c, int64_t id,
        bool *canceled, struct err *e)
{
	const struct execution_change change = {
	        .event = EXECUTION_CANCEL, .source = "support", .at = c->now, .begun = c->begun};
	struct execution_brief x;
	struct execution_outcome out;
	struct execution_facts facts;
	enum execution_state to;

	if (!executions_load(conn, c->arena, id, &x, e))
		return false;
	facts = (struct execution_facts){.class = x.class,
	        .stoppable = x.kind != NULL && x.kind->stoppable,
	        .received = x.received};
	*canceled = execution_next(x.state, EXECUTION_CANCEL, &facts, &to) == VERDICT_MOVE;
	return !*canceled || executions_apply(conn, c->arena, &x, &change, &out, e);
}

static bool cancel_request(
        struct sql_conn *conn, const struct cancellation *c, int64_t *id, struct err *e)
{
	const struct request_facts none = {false, false};
	enum request_state state, to;
	const char *name = "";
	bool found;

	if (!sql_one(conn, &statements[REQUEST_STATE], SQL_ARGS(SQL_T(c->request_id)),
	            SQL_INTO(SQL_INTO_I(id), SQL_INTO_T(c->arena, &name)), &found, e))
		return false;
	if (!found || !request_state_read(name, &state))
		return err_set(e, ERR_NOT_FOUND, "no such operation");
	if (request_next(state, REQUEST_CANCEL, &none, &to) != VERDICT_MOVE)
		return err_set(e, ERR_CONFLICT, "This operation has ended or is being canceled.");
	return sql_do(conn, &statements[REQUEST_SET_STATE],
	        SQL_ARGS(SQL_I(*id), SQL_T(request_state_name(to))), NULL, e);
}

static bool write_cancel(struct sql_conn *conn, void *arg, struct err *e)
{
	struct cancellation *c = arg;
	int64_t *ids;
	int64_t request;
	size_t count, canceled = 0;

	if (!cancel_request(conn, c, &request, e) ||
	        !rows_read_ids(c->arena,
	                sql_query(conn, &statements[EXECUTIONS_OF], SQL_ARGS(SQL_I(request)), e),
	                &ids, &count, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		bool done;
		if (!cancel_one(conn, c, ids[i], &done, e))
			return false;
		canceled += done;
	}
	return canceled > 0 ||
	       err_set(e, ERR_CONFLICT, "It is too late: nothing of it can be canceled any more.");
}

/* The viewer sees the request, and may operate every device of it that the viewer sees. */
static bool check_cancel(const struct changes *changes, const struct cancellation *c,
        struct operation_request *r, struct err *e)
{
	struct sql_conn *conn = sql_borrow(changes->db, WAIT_MS, e);
	bool ok;

	if (conn == NULL)
		return false;
	ok = operations_find(conn, c->viewer, c->arena, c->request_id, r, e);
	for (size_t i = 0; ok && i < r->count; i++) {
		bool may;
		ok = devices_may(conn, c->viewer, r->list[i].device, "operate", &may, e) &&
		     ((may && viewer_may(c->viewer, MAY_OPERATE)) ||
		             err_set(e, ERR_DENIED,
		                     "You have not been granted the right to do this."));
	}
	sql_return(conn);
	return ok;
}

static bool cancel(const struct changes *changes, struct audit_entry *entry, struct cancellation *c,
        struct err *e)
{
	struct operation_request r;
	bool made;

	if (!check_cancel(changes, c, &r, e))
		return false;
	entry->action = "operation.cancel";
	entry->target_kind = "operation";
	entry->targets = &c->request_id;
	entry->target_count = 1;
	if (!change_begin(changes, entry, &c->begun, e))
		return false;
	made = sql_write(changes->db, SQL_OPERATIONS, write_cancel, c, WAIT_MS, e);
	change_end(changes, entry, c->begun, made);
	entry->targets = NULL;
	entry->target_count = 0;
	return made;
}

bool operations_cancel(const struct changes *c, const struct viewer *viewer,
        struct audit_entry *entry, const char *request_id, int64_t now, struct err *e)
{
	struct cancellation job = {.viewer = viewer,
	        .request_id = request_id,
	        .now = now,
	        .arena = arena_new(SCRATCH)};
	bool ok = job.arena != NULL || err_set(e, ERR_MEMORY, "no memory to cancel");

	ok = ok && cancel(c, entry, &job, e);
	arena_free(job.arena);
	return ok;
}

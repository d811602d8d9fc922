/* SPDX-License-Identifier: Apache-2.0 */
#include "core/audit_store.h"

enum {
	LAST,
	APPEND,
	PROGRESS,
	NEXT,
	INDEX_ADD,
	TARGET_ADD,
	OPEN_ADD,
	OPEN_CLOSE,
	PROGRESS_SET,
	INDEX_CLEAR,
	TARGET_CLEAR,
	OPEN_CLEAR,
	OPEN_FIND,
	STATEMENTS,
};

static const struct sql_statement statements[STATEMENTS] = {
        [LAST] = {.role = SQL_READ,
                .store = SQL_AUDIT,
                .in = "",
                .out = "i",
                .text = "SELECT coalesce(max(number), 0) FROM audit_entry"},
        [APPEND] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "iitbb",
                .out = "",
                .text = "INSERT INTO audit_entry (number, at, source, record, leaf)"
                        " VALUES ($1, $2, $3, $4, $5)"},
        [PROGRESS] = {.role = SQL_READ,
                .store = SQL_AUDIT,
                .in = "",
                .out = "i",
                .text = "SELECT number FROM audit_progress WHERE id = 1"},
        [NEXT] = {.role = SQL_READ,
                .store = SQL_AUDIT,
                .in = "ii",
                .out = "ib",
                .text = "SELECT number, record FROM audit_entry WHERE number > $1"
                        " ORDER BY number LIMIT $2"},
        [INDEX_ADD] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "iitttttti",
                .out = "",
                .text = "INSERT INTO audit_index (number, at, source, actor, organisation,"
                        " customer, action, outcome, begun)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"},
        [TARGET_ADD] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "tiii",
                .out = "",
                .text = "INSERT INTO audit_target (target, at, number, place)"
                        " VALUES ($1, $2, $3, $4)"},
        [OPEN_ADD] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "ti",
                .out = "",
                .text = "INSERT INTO audit_open (source, number) VALUES ($1, $2)"},
        [OPEN_CLOSE] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "ti",
                .out = "",
                .text = "DELETE FROM audit_open WHERE source = $1 AND number = $2"},
        [PROGRESS_SET] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "i",
                .out = "",
                .text = "UPDATE audit_progress SET number = $1 WHERE id = 1"},
        [INDEX_CLEAR] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "",
                .out = "",
                .text = "DELETE FROM audit_index"},
        [TARGET_CLEAR] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "",
                .out = "",
                .text = "DELETE FROM audit_target"},
        [OPEN_CLEAR] = {.role = SQL_WRITE,
                .store = SQL_AUDIT,
                .in = "",
                .out = "",
                .text = "DELETE FROM audit_open"},
        [OPEN_FIND] = {.role = SQL_READ,
                .store = SQL_AUDIT,
                .in = "tii",
                .out = "ib",
                .text = "SELECT e.number, e.record FROM audit_open o"
                        " JOIN audit_entry e ON e.number = o.number"
                        " WHERE o.source = $1 AND o.number > $2 AND o.number <= $3"
                        " ORDER BY o.number LIMIT 1"},
};
const struct sql_table audit_store_sql = {"audit_store", statements, STATEMENTS};

bool audit_store_last(struct sql_conn *conn, int64_t *number, struct err *e)
{
	return sql_one(conn, &statements[LAST], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(number)), NULL, e);
}

bool audit_store_append(struct sql_conn *conn, const struct audit_row *rows, size_t count,
        int64_t *first, struct err *e)
{
	int64_t last;

	if (!audit_store_last(conn, &last, e))
		return false;
	*first = last + 1;
	for (size_t i = 0; i < count; i++) {
		const struct audit_row *row = &rows[i];
		if (!sql_do(conn, &statements[APPEND],
		            SQL_ARGS(SQL_I(*first + (int64_t)i), SQL_I(row->at), SQL_T(row->source),
		                    SQL_B(row->record, row->len),
		                    SQL_B(row->leaf, sizeof(row->leaf))),
		            NULL, e))
			return false;
	}
	return true;
}

/* Only a first part opens a change: its number is the one that the closing record names. */
static bool index_change(
        struct sql_conn *conn, int64_t number, const struct audit_record *r, struct err *e)
{
	if (r->part != 1)
		return true;
	if (r->entry.outcome == AUDIT_BEGUN)
		return sql_do(conn, &statements[OPEN_ADD],
		        SQL_ARGS(SQL_T(r->head.source), SQL_I(number)), NULL, e);
	if (r->entry.begun != 0)
		return sql_do(conn, &statements[OPEN_CLOSE],
		        SQL_ARGS(SQL_T(r->head.source), SQL_I(r->entry.begun)), NULL, e);
	return true;
}

static bool index_entry(
        struct sql_conn *conn, int64_t number, const struct audit_record *r, struct err *e)
{
	const struct audit_entry *n = &r->entry;

	if (!sql_do(conn, &statements[INDEX_ADD],
	            SQL_ARGS(SQL_I(number), SQL_I(r->head.at), SQL_T(r->head.source),
	                    SQL_T(n->actor_id), SQL_T(n->actor_organisation), SQL_T(n->customer),
	                    SQL_T(n->action), SQL_T(audit_outcome_name(n->outcome)),
	                    SQL_I(n->begun)),
	            NULL, e))
		return false;
	for (size_t i = 0; i < n->target_count; i++) {
		if (!sql_do(conn, &statements[TARGET_ADD],
		            SQL_ARGS(SQL_T(n->targets[i]), SQL_I(r->head.at), SQL_I(number),
		                    SQL_I((int64_t)i)),
		            NULL, e))
			return false;
	}
	return index_change(conn, number, r, e);
}

/* The next entry after *number, put into the index; *found false: there is none. */
static bool index_next(struct sql_conn *conn, struct sql_cursor *cursor, struct arena *arena,
        int64_t *number, bool *found, struct err *e)
{
	const unsigned char *record = NULL;
	struct audit_record r;
	size_t len = 0;
	int rc;

	arena_reset(arena);
	rc = sql_next(cursor, SQL_INTO(SQL_INTO_I(number), SQL_INTO_B(arena, &record, &len)), e);
	*found = rc == 1;
	if (rc <= 0)
		return rc == 0;
	if (!audit_record_decode(record, len, arena, &r, e)) {
		(void)err_wrap(e, "audit entry %lld", (long long)*number);
		if (e != NULL && e->code == ERR_INVALID)
			e->code = ERR_CORRUPT;
		return false;
	}
	return index_entry(conn, *number, &r, e);
}

bool audit_store_index(
        struct sql_conn *conn, struct arena *arena, unsigned limit, unsigned *done, struct err *e)
{
	struct sql_cursor *cursor;
	int64_t number = 0;
	bool found = true;
	bool ok;

	*done = 0;
	if (!sql_one(conn, &statements[PROGRESS], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(&number)), NULL,
	            e))
		return false;
	cursor = sql_query(conn, &statements[NEXT], SQL_ARGS(SQL_I(number), SQL_I(limit)), e);
	if (cursor == NULL)
		return false;
	do {
		ok = index_next(conn, cursor, arena, &number, &found, e);
		*done += ok && found;
	} while (ok && found);
	sql_end(cursor);
	if (!ok || *done == 0)
		return ok;
	return sql_do(conn, &statements[PROGRESS_SET], SQL_ARGS(SQL_I(number)), NULL, e);
}

bool audit_store_index_forget(struct sql_conn *conn, struct err *e)
{
	return sql_do(conn, &statements[INDEX_CLEAR], SQL_NO_ARGS, NULL, e) &&
	       sql_do(conn, &statements[TARGET_CLEAR], SQL_NO_ARGS, NULL, e) &&
	       sql_do(conn, &statements[OPEN_CLEAR], SQL_NO_ARGS, NULL, e) &&
	       sql_do(conn, &statements[PROGRESS_SET], SQL_ARGS(SQL_I(0)), NULL, e);
}

bool audit_store_open_change(struct sql_conn *conn, const char *source, int64_t after, int64_t last,
        struct arena *arena, int64_t *number, const unsigned char **record, size_t *len,
        struct err *e)
{
	bool found;

	if (!sql_one(conn, &statements[OPEN_FIND],
	            SQL_ARGS(SQL_T(source), SQL_I(after), SQL_I(last)),
	            SQL_INTO(SQL_INTO_I(number), SQL_INTO_B(arena, record, len)), &found, e))
		return false;
	if (!found) {
		*number = 0;
		*record = NULL;
		*len = 0;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/changes.h"

#include "lib/log.h"

#include <stddef.h>

enum { WRITE_WAIT_MS = 2000, READ_WAIT_MS = 2000, ENTRY_MEMORY = 512 * 1024 };

enum { MARK_ADD, MARK_FIND, MARK_PRUNE, STATEMENTS };
static const struct sql_statement statements[STATEMENTS] = {
        [MARK_ADD] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "it",
                .out = "",
                .text = "INSERT INTO change_mark (begun, program, made_at)"
                        " VALUES ($1, $2, now_ms())"},
        [MARK_FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "i",
                .text = "SELECT begun FROM change_mark WHERE begun = $1"},
        [MARK_PRUNE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ti",
                .out = "",
                .text = "DELETE FROM change_mark WHERE program = $1 AND begun <= $2"},
};
const struct sql_table changes_sql = {"changes", statements, STATEMENTS};

bool change_begin(const struct changes *c, struct audit_entry *entry, int64_t *begun, struct err *e)
{
	entry->outcome = AUDIT_BEGUN;
	entry->begun = 0;
	return audit_record(c->audit, entry, begun, e);
}

bool change_mark(struct sql_conn *core, const char *program, int64_t begun, struct err *e)
{
	return sql_do(core, &statements[MARK_ADD], SQL_ARGS(SQL_I(begun), SQL_T(program)), NULL, e);
}

void change_end(const struct changes *c, struct audit_entry *entry, int64_t begun, bool made)
{
	struct err e = ERR_CLEAR;
	char number[24];

	entry->outcome = made ? AUDIT_DONE : AUDIT_FAILED;
	entry->begun = begun;
	if (!audit_record(c->audit, entry, NULL, &e))
		log_event(LOG_LEVEL_ERROR, "change-left-open", "begun", log_number(number, begun),
		        "made", made ? "yes" : "no", "reason", e.text, NULL);
}

struct marked_work {
	const char *program;
	int64_t begun;
	sql_work *work;
	void *arg;
};

static bool work_and_mark(struct sql_conn *conn, void *arg, struct err *e)
{
	struct marked_work *m = arg;

	return m->work(conn, m->arg, e) && change_mark(conn, m->program, m->begun, e);
}

bool changes_run(const struct changes *c, struct audit_entry *entry, sql_work *work, void *arg,
        struct err *e)
{
	struct marked_work m = {.program = c->program, .work = work, .arg = arg};
	bool made;

	if (!change_begin(c, entry, &m.begun, e))
		return false;
	made = sql_write(c->db, SQL_CORE, work_and_mark, &m, WRITE_WAIT_MS, e);
	change_end(c, entry, m.begun, made);
	return made;
}

static bool was_made(
        const struct changes *c, int64_t begun, change_made *also_made, bool *made, struct err *e)
{
	struct sql_conn *conn = sql_borrow(c->db, READ_WAIT_MS, e);
	int64_t found;
	bool ok;

	if (conn == NULL)
		return false;
	ok = sql_one(conn, &statements[MARK_FIND], SQL_ARGS(SQL_I(begun)),
	        SQL_INTO(SQL_INTO_I(&found)), made, e);
	if (ok && !*made && also_made != NULL)
		ok = also_made(conn, begun, made, e);
	sql_return(conn);
	return ok;
}

struct prune {
	const char *program;
	int64_t last;
};

static bool prune_marks(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct prune *p = arg;

	return sql_do(conn, &statements[MARK_PRUNE], SQL_ARGS(SQL_T(p->program), SQL_I(p->last)),
	        NULL, e);
}

/* Closes the next open one above *after. *number 0: there was none. */
static bool close_next(const struct changes *c, int64_t after, int64_t last, change_made *also_made,
        struct arena *arena, int64_t *number, struct err *e)
{
	struct audit_entry entry;
	bool made = false;

	if (!audit_open_change(c->audit, after, last, number, arena, &entry, e))
		return false;
	if (*number == 0)
		return true;
	if (!was_made(c, *number, also_made, &made, e))
		return false;
	entry.outcome = made ? AUDIT_DONE : AUDIT_UNFINISHED;
	entry.begun = *number;
	return audit_record(c->audit, &entry, NULL, e);
}

bool changes_close(const struct changes *c, bool writes_core, change_made *also_made,
        unsigned *closed, struct err *e)
{
	struct arena *arena = arena_new(ENTRY_MEMORY);
	unsigned count = 0;
	int64_t number = 0;
	int64_t last = 0;
	bool ok = arena != NULL || err_set(e, ERR_MEMORY, "no memory to close changes");

	ok = ok && audit_last(c->audit, &last, e);
	while (ok) {
		ok = close_next(c, number, last, also_made, arena, &number, e);
		if (!ok || number == 0)
			break;
		count++;
		arena_reset(arena);
	}
	if (ok && writes_core) {
		struct prune p = {.program = c->program, .last = last};
		ok = sql_write(c->db, SQL_CORE, prune_marks, &p, WRITE_WAIT_MS, e);
	}
	arena_free(arena);
	if (closed != NULL)
		*closed = count;
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sqlite.h"
#include "lib/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- preparing and checking */

static char lower(char type)
{
	return (char)(type >= 'A' && type <= 'Z' ? type - 'A' + 'a' : type);
}

static bool may_be_null(char type)
{
	return type >= 'A' && type <= 'Z';
}

static bool types_are_sane(const char *types)
{
	return strspn(types, "irtbIRTB") == strlen(types);
}

/* The type letter of a declared column, 0 where the declaration does not say (an expression). */
static char declared_type(const char *declared)
{
	static const struct {
		const char *word;
		char type;
	} words[] = {{"INTEGER", 'i'}, {"INT", 'i'}, {"REAL", 'r'}, {"TEXT", 't'}, {"BLOB", 'b'}};
	for (size_t i = 0; declared && i < sizeof words / sizeof words[0]; i++) {
		if (sqlite3_stricmp(declared, words[i].word) == 0)
			return words[i].type;
	}
	return 0;
}

static bool check_in(
        const struct sql_statement *st, sqlite3_stmt *stmt, unsigned char *place, struct err *e)
{
	size_t count = strlen(st->in);
	if (count > SQLITE_MAX_PARAMETERS || sqlite3_bind_parameter_count(stmt) != (int)count)
		return err_set(e, ERR_CONFIG, ".in names %zu parameters, the text has %d", count,
		        sqlite3_bind_parameter_count(stmt));
	for (size_t i = 0; i < count; i++) {
		char name[16];
		snprintf(name, sizeof name, "$%zu", i + 1);
		int index = sqlite3_bind_parameter_index(stmt, name);
		if (index < 1)
			return err_set(e, ERR_CONFIG, "the text has no parameter %s", name);
		place[i] = (unsigned char)index;
	}
	return true;
}

static bool check_out(const struct sql_statement *st, sqlite3_stmt *stmt, struct err *e)
{
	size_t count = strlen(st->out);
	if (sqlite3_column_count(stmt) != (int)count)
		return err_set(e, ERR_CONFIG, ".out names %zu columns, the text gives %d", count,
		        sqlite3_column_count(stmt));
	for (size_t i = 0; i < count; i++) {
		char declared = declared_type(sqlite3_column_decltype(stmt, (int)i));
		if (declared != 0 && declared != lower(st->out[i]))
			return err_set(e, ERR_CONFIG, "column %zu is declared %s, .out says '%c'",
			        i + 1, sqlite3_column_decltype(stmt, (int)i), st->out[i]);
	}
	return true;
}

static bool check(const struct sql_statement *st, struct prepared *p, struct err *e)
{
	if (!types_are_sane(st->in) || !types_are_sane(st->out))
		return err_set(e, ERR_CONFIG, "a letter of .in or .out is none of irtbIRTB");
	if ((sqlite3_stmt_readonly(p->stmt) != 0) != (st->role == SQL_READ))
		return err_set(e, ERR_CONFIG, "its role does not fit what the text does");
	return check_in(st, p->stmt, p->place, e) && check_out(st, p->stmt, e);
}

static bool prepare(
        struct sql_conn *conn, const struct sql_statement *st, struct prepared *p, struct err *e)
{
	const char *tail = NULL;
	int rc = sqlite3_prepare_v3(
	        conn->handle, st->text, -1, SQLITE_PREPARE_PERSISTENT, &p->stmt, &tail);
	if (rc != SQLITE_OK) {
		sqlite_error(conn->handle, rc, "cannot prepare", e);
		if (e && ((rc & 0xff) == SQLITE_ERROR || (rc & 0xff) == SQLITE_AUTH))
			e->code = ERR_CONFIG;
		return false;
	}
	bool ok = p->stmt != NULL || err_set(e, ERR_CONFIG, "the text is empty");
	if (ok && tail[strspn(tail, " \t\n;")] != '\0')
		ok = err_set(e, ERR_CONFIG, "the text is more than one statement");
	ok = ok && check(st, p, e);
	if (!ok) {
		sqlite3_finalize(p->stmt);
		p->stmt = NULL;
	}
	return ok;
}

/* Whether this connection may run it at all: its stores are read here, or it is this writer's. */
static bool runs_here(const struct sql_conn *conn, const struct sql_statement *st)
{
	if (st->role == SQL_WRITE)
		return conn->writer && st->store == conn->store;
	unsigned needed = st->stores | (1u << st->store);
	return (conn->db->read & needed) == needed;
}

static struct prepared *lookup(struct sql_conn *conn, const struct sql_statement *st, struct err *e)
{
	const struct statement_slot *slot = sqlite_slot(conn->db, st);
	if (!slot) {
		err_set(e, ERR_INTERNAL,
		        "a statement was run that no table of sql_open() has: %.60s", st->text);
		return NULL;
	}
	struct prepared *p = &conn->prepared[slot->number];
	if (p->stmt)
		return p;
	if (!runs_here(conn, st)) {
		err_set(e, ERR_INTERNAL, "%s: not a statement for this connection: %.60s",
		        slot->table->name, st->text);
		return NULL;
	}
	if (prepare(conn, st, p, e))
		return p;
	err_wrap(e, "%s: statement %zu (%.60s)", slot->table->name,
	        (size_t)(st - slot->table->list), st->text);
	return NULL;
}

bool sqlite_check_all(struct sql_conn *conn, struct err *e)
{
	/* What a reader has checked, a writer prepares when it is first run. */
	bool reads_too = !conn->writer || !atomic_load(&conn->db->reads_checked);
	for (unsigned i = 0; i < conn->db->statement_count; i++) {
		const struct sql_statement *st = conn->db->slots[conn->db->slot_of[i]].st;
		if (st->role == SQL_READ && !reads_too)
			continue;
		if (runs_here(conn, st) && !lookup(conn, st, e))
			return false;
	}
	return true;
}

void sqlite_finalize_all(struct sql_conn *conn)
{
	for (unsigned i = 0; conn->prepared && i < conn->db->statement_count; i++) {
		sqlite3_finalize(conn->prepared[i].stmt);
		conn->prepared[i].stmt = NULL;
	}
}

int sqlite_step_once(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);
	int reset = sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? reset : rc;
}

/* ---- binding and reading */

static int bind_one(
        sqlite3_stmt *stmt, int place, const struct sql_value *v, sqlite3_destructor_type lifetime)
{
	switch (v->type) {
	case 'i':
		return sqlite3_bind_int64(stmt, place, v->i);
	case 'r':
		return sqlite3_bind_double(stmt, place, v->r);
	case 't':
		return sqlite3_bind_text64(stmt, place, v->p, v->len, lifetime, SQLITE_UTF8);
	case 'b':
		if (v->len == 0) /* a NULL pointer would bind NULL */
			return sqlite3_bind_zeroblob(stmt, place, 0);
		return sqlite3_bind_blob64(stmt, place, v->p, v->len, lifetime);
	default:
		return sqlite3_bind_null(stmt, place);
	}
}

static bool bind(struct sql_conn *conn, const struct sql_statement *st, struct prepared *p,
        const struct sql_value *args, size_t count, sqlite3_destructor_type lifetime, struct err *e)
{
	if (count != strlen(st->in))
		return err_set(e, ERR_INTERNAL, "%zu values for %zu parameters: %.60s", count,
		        strlen(st->in), st->text);
	for (size_t i = 0; i < count; i++) {
		bool fits = args[i].type == lower(st->in[i]) ||
		            (args[i].type == 0 && may_be_null(st->in[i]));
		if (!fits)
			return err_set(e, ERR_INTERNAL,
			        "parameter %zu is of type '%c', given '%c': %.60s", i + 1,
			        st->in[i], args[i].type ? args[i].type : '0', st->text);
		int rc = bind_one(p->stmt, p->place[i], &args[i], lifetime);
		if (rc != SQLITE_OK)
			return sqlite_error(conn->handle, rc, "cannot bind", e);
	}
	return true;
}

static bool column_fits(sqlite3_stmt *stmt, int i, char type)
{
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return type == 'i';
	case SQLITE_FLOAT:
		return type == 'r';
	case SQLITE_TEXT:
		return type == 't';
	case SQLITE_BLOB:
		return type == 'b';
	default:
		return false;
	}
}

static void store_null(char type, const struct sql_into *into)
{
	if (type == 'i')
		*(int64_t *)into->to = 0;
	else if (type == 'r')
		*(double *)into->to = 0;
	else
		*(const void **)into->to = NULL;
	if (into->len)
		*into->len = 0;
}

static bool store_bytes(sqlite3_stmt *stmt, int i, const struct sql_into *into, struct err *e)
{
	bool text = into->type == 't';
	const void *from =
	        text ? (const void *)sqlite3_column_text(stmt, i) : sqlite3_column_blob(stmt, i);
	size_t len = (size_t)sqlite3_column_bytes(stmt, i);
	if (!from && len > 0)
		return err_set(e, ERR_MEMORY, "no memory for a column");
	char *copy = arena_copy(into->arena, from ? from : "", len);
	if (!copy)
		return err_set(e, ERR_MEMORY, "the result does not fit into its arena");
	*(const char **)into->to = copy;
	if (into->len)
		*into->len = len;
	return true;
}

static bool store_row(const struct sql_statement *st, sqlite3_stmt *stmt,
        const struct sql_into *into, size_t count, struct err *e)
{
	if (count != strlen(st->out))
		return err_set(e, ERR_INTERNAL, "%zu places for %zu columns: %.60s", count,
		        strlen(st->out), st->text);
	for (size_t k = 0; k < count; k++) {
		int i = (int)k;
		char type = lower(st->out[k]);
		if (into[k].type != type)
			return err_set(e, ERR_INTERNAL,
			        "column %zu is of type '%c', taken as '%c': %.60s", k + 1,
			        st->out[k], into[k].type, st->text);
		bool null = sqlite3_column_type(stmt, i) == SQLITE_NULL;
		if (null ? !may_be_null(st->out[k]) : !column_fits(stmt, i, type))
			return err_set(e, ERR_CORRUPT,
			        "column %zu holds another type than '%c': %.60s", k + 1, st->out[k],
			        st->text);
		if (into[k].null)
			*into[k].null = null;
		if (null)
			store_null(type, &into[k]);
		else if (type == 'i')
			*(int64_t *)into[k].to = sqlite3_column_int64(stmt, i);
		else if (type == 'r')
			*(double *)into[k].to = sqlite3_column_double(stmt, i);
		else if (!store_bytes(stmt, i, &into[k], e))
			return false;
	}
	return true;
}

/* ---- running */

static bool step_failed(
        struct sql_conn *conn, const struct sql_statement *st, int rc, struct err *e)
{
	if (sqlite_is_fatal(rc))
		conn->broken = true;
	const struct statement_slot *slot = sqlite_slot(conn->db, st);
	return sqlite_error(conn->handle, rc, slot->table->name, e);
}

static struct prepared *make_ready(struct sql_conn *conn, const struct sql_statement *st,
        const struct sql_value *args, size_t count, sqlite3_destructor_type lifetime, struct err *e)
{
	struct prepared *p = lookup(conn, st, e);
	if (!p)
		return NULL;
	if (p->cursor.stmt) {
		err_set(e, ERR_INTERNAL, "a cursor is open on the statement: %.60s", st->text);
		return NULL;
	}
	if (bind(conn, st, p, args, count, lifetime, e))
		return p;
	sqlite3_clear_bindings(p->stmt);
	return NULL;
}

/* Resetting reports the statement's own error once more; it was seen when it was stepped. */
static void finish(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

bool sql_one(struct sql_conn *conn, const struct sql_statement *st, const struct sql_value *args,
        size_t arg_count, const struct sql_into *into, size_t into_count, bool *found,
        struct err *e)
{
	struct prepared *p = make_ready(conn, st, args, arg_count, SQLITE_STATIC, e);
	if (!p)
		return false;
	if (found)
		*found = false;
	bool ok = true;
	int rc = sqlite3_step(p->stmt);
	if (rc == SQLITE_ROW) {
		ok = store_row(st, p->stmt, into, into_count, e);
		if (ok && found)
			*found = true;
		rc = sqlite3_step(p->stmt);
		if (ok && rc == SQLITE_ROW)
			ok = err_set(e, ERR_INTERNAL, "more than one row: %.60s", st->text);
	}
	if (ok && rc != SQLITE_DONE)
		ok = step_failed(conn, st, rc, e);
	finish(p->stmt);
	return ok;
}

bool sql_do(struct sql_conn *conn, const struct sql_statement *st, const struct sql_value *args,
        size_t arg_count, int64_t *changes, struct err *e)
{
	if (st->out[0] != '\0')
		return err_set(e, ERR_INTERNAL, "the statement has result rows: %.60s", st->text);
	struct prepared *p = make_ready(conn, st, args, arg_count, SQLITE_STATIC, e);
	if (!p)
		return false;
	int rc = sqlite3_step(p->stmt);
	if (rc == SQLITE_DONE && changes)
		*changes = sqlite3_changes64(conn->handle);
	bool ok = rc == SQLITE_DONE || step_failed(conn, st, rc, e);
	finish(p->stmt);
	return ok;
}

struct sql_cursor *sql_query(struct sql_conn *conn, const struct sql_statement *st,
        const struct sql_value *args, size_t arg_count, struct err *e)
{
	struct prepared *p = make_ready(conn, st, args, arg_count, SQLITE_TRANSIENT, e);
	if (!p)
		return NULL;
	p->cursor =
	        (struct sql_cursor){.conn = conn, .st = st, .stmt = p->stmt, .next = conn->cursors};
	conn->cursors = &p->cursor;
	return &p->cursor;
}

int sql_next(
        struct sql_cursor *cursor, const struct sql_into *into, size_t into_count, struct err *e)
{
	if (cursor->ended)
		return 0; /* another step would begin anew */
	int rc = sqlite3_step(cursor->stmt);
	cursor->ended = rc != SQLITE_ROW;
	if (rc == SQLITE_ROW)
		return store_row(cursor->st, cursor->stmt, into, into_count, e) ? 1 : -1;
	if (rc == SQLITE_DONE)
		return 0;
	step_failed(cursor->conn, cursor->st, rc, e);
	return -1;
}

void sql_end(struct sql_cursor *cursor)
{
	if (!cursor || !cursor->stmt)
		return;
	finish(cursor->stmt);
	cursor->stmt = NULL;
	struct sql_cursor **at = &cursor->conn->cursors;
	while (*at != cursor)
		at = &(*at)->next;
	*at = cursor->next;
}

void sqlite_end_cursors(struct sql_conn *conn)
{
	while (conn->cursors)
		sql_end(conn->cursors);
}

struct sql_value sql_value_text(const char *text)
{
	if (!text)
		return (struct sql_value){.type = 0};
	return (struct sql_value){.type = 't', .p = text, .len = strlen(text)};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sqlite.h"
#include "lib/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors */

bool sqlite_is_fatal(int rc)
{
	if (rc == SQLITE_IOERR_NOMEM)
		return false;
	int primary = rc & 0xff;
	return primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

static enum err_code code_of(int rc)
{
	if (rc == SQLITE_IOERR_NOMEM)
		return ERR_MEMORY;
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_INTERRUPT:
		return ERR_BUSY;
	case SQLITE_CANTOPEN:
	case SQLITE_FULL:
	case SQLITE_READONLY: /* the wal-index cannot be read before the owner was here */
		return ERR_UNAVAILABLE;
	case SQLITE_IOERR:
		return ERR_IO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_NOMEM:
		return ERR_MEMORY;
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	default:
		return ERR_INTERNAL;
	}
}

bool sqlite_error(sqlite3 *handle, int rc, const char *what, struct err *e)
{
	return err_set(e, code_of(rc), "%s: %s (%d)", what,
	        handle ? sqlite3_errmsg(handle) : sqlite3_errstr(rc), rc);
}

/* ---- paths */

char *sqlite_path(const char *directory, enum sql_store store, const char *suffix)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s.db%s", directory, sql_store_name(store), suffix) < 0)
		return NULL;
	return path;
}

/* A file name as SQLite wants it in a URI; `query` is appended as it is. NULL: no memory. */
static char *uri(const char *path, const char *query)
{
	static const char hex[] = "0123456789ABCDEF";
	char *text = malloc(strlen("file:") + 3 * strlen(path) + strlen(query) + 1);
	if (!text)
		return NULL;
	char *to = stpcpy(text, "file:");
	for (const char *p = path; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (strchr("%?#&=", c) || c < 0x21 || c > 0x7e) {
			*to++ = '%';
			*to++ = hex[c >> 4];
			*to++ = hex[c & 15];
		} else {
			*to++ = (char)c;
		}
	}
	stpcpy(to, query);
	return text;
}

/* ---- handles */

bool sqlite_exec(sqlite3 *handle, const char *text, struct err *e)
{
	int rc = sqlite3_exec(handle, text, NULL, NULL, NULL);
	return rc == SQLITE_OK || sqlite_error(handle, rc, "statement failed", e);
}

static bool pragma_text(sqlite3 *handle, const char *text, char *out, size_t size, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(handle, text, -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return sqlite_error(handle, rc, text, e);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const char *value = (const char *)sqlite3_column_text(stmt, 0);
		snprintf(out, size, "%s", value ? value : "");
	}
	bool ok = rc == SQLITE_ROW || sqlite_error(handle, rc, text, e);
	sqlite3_finalize(stmt);
	return ok;
}

bool sqlite_user_version(sqlite3 *handle, const char *schema, int64_t *version, struct err *e)
{
	char text[64], value[32];
	snprintf(text, sizeof text, "PRAGMA %s.user_version", schema);
	if (!pragma_text(handle, text, value, sizeof value, e))
		return false;
	*version = strtoll(value, NULL, 10);
	return true;
}

/* The high-security limits of sqlite.org/security.html, as far as our statements allow. */
static void set_limits(sqlite3 *handle)
{
	static const struct {
		int what, value;
	} limits[] = {
	        {SQLITE_LIMIT_LENGTH, 4 << 20},
	        {SQLITE_LIMIT_SQL_LENGTH, 100000},
	        {SQLITE_LIMIT_COLUMN, 100},
	        {SQLITE_LIMIT_EXPR_DEPTH, 50},
	        {SQLITE_LIMIT_COMPOUND_SELECT, 10},
	        {SQLITE_LIMIT_VDBE_OP, 25000},
	        {SQLITE_LIMIT_FUNCTION_ARG, 32},
	        {SQLITE_LIMIT_ATTACHED, SQL_STORES},
	        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
	        {SQLITE_LIMIT_VARIABLE_NUMBER, SQLITE_MAX_PARAMETERS},
	        {SQLITE_LIMIT_TRIGGER_DEPTH, 4},
	        {SQLITE_LIMIT_WORKER_THREADS, 0},
	};
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		sqlite3_limit(handle, limits[i].what, limits[i].value);
}

static bool configure(sqlite3 *handle, struct err *e)
{
	int rc = sqlite3_extended_result_codes(handle, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(handle, SQLITE_BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc != SQLITE_OK)
		return sqlite_error(handle, rc, "cannot configure SQLite", e);
	set_limits(handle);
	return sqlite_exec(handle,
	        "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA wal_autocheckpoint = 0;"
	        "PRAGMA temp_store = MEMORY",
	        e);
}

/* What is set for each file: full durability, and -wal and -shm that stay when the last one leaves.
 */
static bool configure_store(sqlite3 *handle, const char *schema, struct err *e)
{
	char text[64], mode[16];
	snprintf(text, sizeof text, "PRAGMA %s.synchronous = FULL", schema);
	if (!sqlite_exec(handle, text, e))
		return false;
	int persist = 1;
	int rc = sqlite3_file_control(handle, schema, SQLITE_FCNTL_PERSIST_WAL, &persist);
	if (rc != SQLITE_OK)
		return sqlite_error(handle, rc, "cannot keep the write-ahead log", e);
	snprintf(text, sizeof text, "PRAGMA %s.journal_mode", schema);
	if (!pragma_text(handle, text, mode, sizeof mode, e))
		return false;
	return strcmp(mode, "wal") == 0 ||
	       err_set(e, ERR_UNAVAILABLE,
	               "the store is not in WAL mode (%s): its owner has not made it yet", mode);
}

bool sqlite_open_handle(
        const char *path, const char *mode_of, int flags, sqlite3 **out, struct err *e)
{
	char *query = NULL, *name = NULL;
	char *mode_path = mode_of ? uri(mode_of, "") : NULL;
	bool ok = true;
	*out = NULL;
	if (mode_of) {
		if (!mode_path || asprintf(&query, "?modeof=%s", mode_path + strlen("file:")) < 0)
			query = NULL;
		ok = query != NULL;
	}
	name = ok && path ? uri(path, query ? query : "") : NULL;
	free(query);
	free(mode_path);
	if (!ok || (path && !name)) {
		free(name);
		return err_set(e, ERR_MEMORY, "no memory for a path");
	}
	int rc = sqlite3_open_v2(name ? name : ":memory:", out,
	        flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	                SQLITE_OPEN_NOFOLLOW,
	        NULL);
	free(name);
	if (rc != SQLITE_OK) {
		sqlite_error(*out, rc, "cannot open", e);
	} else if (configure(*out, e)) {
		if (!path)
			return true;
		int persist = 1;
		rc = sqlite3_file_control(*out, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
		if (rc == SQLITE_OK && sqlite_exec(*out, "PRAGMA synchronous = FULL", e))
			return true;
		if (rc != SQLITE_OK)
			sqlite_error(*out, rc, "cannot keep the write-ahead log", e);
	}
	sqlite3_close(*out);
	*out = NULL;
	return false;
}

/* ---- what a connection may do: the authorizer */

static int may_write(const char *schema, const char *table)
{
	if (!schema || strcmp(schema, "main") != 0 || strncmp(table, "sqlite_", 7) == 0)
		return SQLITE_DENY;
	return SQLITE_OK;
}

/* Asked for each thing that a statement would do, when it is prepared. */
static int authorize(
        void *arg, int action, const char *a, const char *b, const char *schema, const char *by)
{
	const struct sql_conn *conn = arg;
	(void)by;
	if (!conn->guarded)
		return SQLITE_OK;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
	case SQLITE_TRANSACTION:
		return SQLITE_OK;
	case SQLITE_FUNCTION: /* its name comes second */
		return b && sqlite3_stricmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_SAVEPOINT:
		return conn->writer ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		return conn->writer ? may_write(schema, a) : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static void now_ms(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	(void)values;
	const struct sql_conn *conn = sqlite3_user_data(context);
	sqlite3_result_int64(context, conn->now);
}

/* Called while a query runs: ends it after the deadline of its borrowing. */
static int past_deadline(void *arg)
{
	const struct sql_conn *conn = arg;
	return conn->deadline != 0 && clock_monotonic_ms(clock_real()) > conn->deadline;
}

/* ---- connections */

static bool attach(sqlite3 *handle, const char *directory, enum sql_store store, struct err *e)
{
	char *path = sqlite_path(directory, store, "");
	char *name = path ? uri(path, "?mode=ro") : NULL;
	free(path);
	sqlite3_stmt *stmt = NULL;
	if (!name)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	int rc = sqlite3_prepare_v2(handle, "ATTACH $1 AS $2", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 2, sql_store_name(store), -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE)
		rc = SQLITE_OK;
	bool ok = rc == SQLITE_OK || sqlite_error(handle, rc, "cannot attach", e);
	sqlite3_finalize(stmt);
	free(name);
	return ok;
}

static bool check_version(sqlite3 *handle, const char *schema, enum sql_store store, struct err *e)
{
	int64_t version;
	if (!sqlite_user_version(handle, schema, &version, e))
		return false;
	int newest = schema_newest(store);
	if (version > newest)
		return err_set(e, ERR_CONFIG,
		        "it has schema %lld, this program knows %d: install the newer program",
		        (long long)version, newest);
	return version == newest ||
	       err_set(e, ERR_UNAVAILABLE,
	               "it has schema %lld, this program needs %d: its owner has not "
	               "come up yet",
	               (long long)version, newest);
}

static bool attach_stores(struct sql_conn *conn, struct err *e)
{
	struct sql_db *db = conn->db;
	for (unsigned i = 0; i < SQL_STORES; i++) {
		enum sql_store store = (enum sql_store)i;
		if (!(db->read & (1u << i)) || (conn->writer && conn->store == store))
			continue;
		const char *name = sql_store_name(store);
		if (!attach(conn->handle, db->directory, store, e) ||
		        !configure_store(conn->handle, name, e) ||
		        !check_version(conn->handle, name, store, e))
			return err_wrap(e, "store %s", name);
	}
	return true;
}

static bool prepare_own(sqlite3 *handle, const char *text, sqlite3_stmt **out, struct err *e)
{
	int rc = sqlite3_prepare_v3(handle, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	return rc == SQLITE_OK || sqlite_error(handle, rc, text, e);
}

/* Functions, attached stores, transactions; and from here on the authorizer is strict. */
static bool set_up(struct sql_conn *conn, struct err *e)
{
	sqlite3 *h = conn->handle;
	int rc = sqlite3_create_function_v2(
	        h, "now_ms", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, conn, now_ms, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_set_authorizer(h, authorize, conn);
	if (rc != SQLITE_OK)
		return sqlite_error(h, rc, "cannot set up SQLite", e);
	sqlite3_progress_handler(h, 20000, past_deadline, conn);
	if (conn->writer &&
	        (!configure_store(h, "main", e) || !check_version(h, "main", conn->store, e)))
		return err_wrap(e, "store %s", sql_store_name(conn->store));
	if (!attach_stores(conn, e))
		return false;
	if (!sqlite_exec(
	            h, conn->writer ? "PRAGMA cache_size = -8000" : "PRAGMA query_only = ON", e))
		return false;
	if (!prepare_own(h, conn->writer ? "BEGIN IMMEDIATE" : "BEGIN", &conn->begin, e) ||
	        !prepare_own(h, "COMMIT", &conn->commit, e) ||
	        !prepare_own(h, "ROLLBACK", &conn->rollback, e))
		return false;
	sqlite3_limit(h, SQLITE_LIMIT_ATTACHED, 0);
	conn->guarded = true;
	return true;
}

static struct sql_conn *open_conn(
        struct sql_db *db, bool writer, enum sql_store store, struct err *e)
{
	struct sql_conn *conn = calloc(1, sizeof *conn);
	char *path = writer ? sqlite_path(db->directory, store, "") : NULL;
	if (!conn || (writer && !path))
		goto no_memory;
	conn->prepared = calloc(db->statement_count + 1, sizeof *conn->prepared);
	if (!conn->prepared)
		goto no_memory;
	conn->db = db;
	conn->writer = writer;
	conn->store = store;
	bool ok = sqlite_open_handle(path, NULL,
	        writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	        &conn->handle, e);
	free(path);
	if (ok && set_up(conn, e))
		return conn;
	sqlite_close_conn(conn);
	return NULL;
no_memory:
	err_set(e, ERR_MEMORY, "no memory for a database connection");
	free(path);
	free(conn);
	return NULL;
}

struct sql_conn *sqlite_open_reader(struct sql_db *db, struct err *e)
{
	return open_conn(db, false, SQL_STORES, e);
}

struct sql_conn *sqlite_open_writer(struct sql_db *db, enum sql_store store, struct err *e)
{
	return open_conn(db, true, store, e);
}

void sqlite_close_conn(struct sql_conn *conn)
{
	if (!conn)
		return;
	sqlite_end_cursors(conn);
	sqlite_finalize_all(conn);
	sqlite3_finalize(conn->begin);
	sqlite3_finalize(conn->commit);
	sqlite3_finalize(conn->rollback);
	if (sqlite3_close(conn->handle) != SQLITE_OK)
		log_event(LOG_LEVEL_ERROR, "database-connection-not-closed", NULL);
	free(conn->prepared);
	free(conn);
}

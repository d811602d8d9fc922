/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.h: what the files of the SQLite driver share. Included by db/sqlite*.c only.
 */
#ifndef FLEETPORT_DB_SQLITE_H
#define FLEETPORT_DB_SQLITE_H

#include "db/sql.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum {
	SQLITE_MAX_PARAMETERS = 64,     /* of one statement */
	SQLITE_READ_DEADLINE_MS = 5000, /* all queries of one borrowing together */
	SQLITE_BUSY_MS = 2000,          /* for what does not take our lock: a shell, a backup */
	SQLITE_READERS_MAX = 8,
	SQLITE_QUEUE_DEFAULT = 4096,
};

/* Rows of one running sql_query(); one a statement and connection. */
struct sql_cursor {
	struct sql_conn *conn;
	const struct sql_statement *st;
	sqlite3_stmt *stmt; /* NULL: not running */
	bool ended;         /* all rows were given, or it failed */
	struct sql_cursor *next;
};

/* A statement on one connection. */
struct prepared {
	sqlite3_stmt *stmt;                         /* NULL: not prepared yet */
	unsigned char place[SQLITE_MAX_PARAMETERS]; /* SQLite's index of $1, $2 … */
	struct sql_cursor cursor;
};

struct sql_conn {
	struct sql_db *db;
	sqlite3 *handle;
	struct prepared *prepared; /* by the number that statement_number() gives */
	sqlite3_stmt *begin, *commit, *rollback;
	struct sql_cursor *cursors; /* running */
	bool writer;                /* else a reader */
	enum sql_store store;       /* writer: the store it writes, attached as "main" */
	bool guarded;               /* the authorizer is strict from now on */
	bool broken;                /* must be closed, not used again */
	int64_t now;                /* what now_ms() gives: one moment a transaction */
	int64_t deadline;           /* monotonic: when running queries are interrupted; 0: never */
	struct sql_conn *next_free;
};

/* Where a pointer to a statement leads: open addressing, built at sql_open(), then constant. */
struct statement_slot {
	const struct sql_statement *st; /* NULL: empty */
	const struct sql_table *table;
	unsigned number;
};

struct writer;

struct sql_db {
	char *directory;
	unsigned read, write, own;
	const struct clock *clock;

	struct statement_slot *slots;
	size_t slot_mask;
	size_t *slot_of; /* by number: the place in slots */
	unsigned statement_count;

	pthread_mutex_t pool_lock;
	pthread_cond_t pool_wake;
	struct sql_conn *pool_free;
	unsigned pool_open, pool_max; /* connections there are (or are being opened), and may be */
	atomic_bool reads_checked;    /* every SQL_READ statement was prepared once */

	struct writer *writers[SQL_STORES];
};

/* ---- sqlite.c */

/* The statement's slot, or NULL for one that was not handed over at open. */
const struct statement_slot *sqlite_slot(const struct sql_db *db, const struct sql_statement *st);

/* Process-wide set-up, once. */
void sqlite_start(void);

/* ---- sqlite_conn.c */

/* A connection that reads the stores in db->read. NULL: ERR_UNAVAILABLE when one is not there yet.
 */
struct sql_conn *sqlite_open_reader(struct sql_db *db, struct err *e);

/* A connection that writes `store` and reads the other stores in db->read. */
struct sql_conn *sqlite_open_writer(struct sql_db *db, enum sql_store store, struct err *e);

void sqlite_close_conn(struct sql_conn *conn); /* NULL is allowed */

/* Opens a file with the settings every handle has. flags: SQLITE_OPEN_…; path NULL: in memory.
 * mode_of: the file whose mode a new file takes, or NULL. */
bool sqlite_open_handle(
        const char *path, const char *mode_of, int flags, sqlite3 **out, struct err *e);

/* Runs text that has no result rows. */
bool sqlite_exec(sqlite3 *handle, const char *text, struct err *e);

/* PRAGMA user_version of an attached store ("main", "core"). */
bool sqlite_user_version(sqlite3 *handle, const char *schema, int64_t *version, struct err *e);

/* An error from SQLite as an err; marks the connection broken where it must not be used again. */
bool sqlite_error(sqlite3 *handle, int rc, const char *what, struct err *e);

/* IOERR, CORRUPT, NOTADB: what is stored can no longer be relied on. */
bool sqlite_is_fatal(int rc);

/* directory/store.db + suffix; NULL: no memory. free() it. */
char *sqlite_path(const char *directory, enum sql_store store, const char *suffix);

/* ---- sqlite_run.c */

/* Prepares, and checks against .in/.out, every statement that this connection may run (for a writer
 * those that a reader has not checked already). */
bool sqlite_check_all(struct sql_conn *conn, struct err *e);

/* Ends cursors that were left open. */
void sqlite_end_cursors(struct sql_conn *conn);

void sqlite_finalize_all(struct sql_conn *conn);

/* Steps a statement without rows and resets it. */
int sqlite_step_once(sqlite3_stmt *stmt);

/* ---- sqlite_writer.c, sqlite_writer_queue.c */

/* Starts the writer thread. A store that is not there yet is tried again with each write. */
struct writer *writer_start(
        struct sql_db *db, enum sql_store store, bool owner, unsigned queue, struct err *e);
void writer_stop(struct writer *w); /* finishes what waits; NULL is allowed */
bool writer_run(struct writer *w, sql_work *work, void *arg, int64_t timeout_ms, struct err *e);
bool writer_post(
        struct writer *w, sql_work *work, void *arg, sql_done *done, void *done_arg, struct err *e);

/* ---- sqlite_migrate.c */

/* The newest version that this program knows; 0: none. */
int schema_newest(enum sql_store store);

/* Opens (creates) the lock file of a store. -1 on failure. */
int sqlite_open_lock(const char *directory, enum sql_store store, struct err *e);

/* flock() until it is ours. */
bool sqlite_lock(int fd, struct err *e);
void sqlite_unlock(int fd);

#endif

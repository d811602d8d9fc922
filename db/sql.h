/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sql.h: the one door to the database.
 *
 * Statements are a closed list: constant tables of `struct sql_statement`, one table in each core/ file,
 * handed over at open. Each is prepared then, on one connection that may run it, and its parameter and
 * result types are checked against the text: a mismatch stops the program at start. Other connections
 * prepare it once, when they first run it. Parameters are written $1, $2 …
 *
 * Stores are files (architecture.md, Storage). A process reads every store it names through a pool of
 * read-only connections, and writes each store it names through that store's one writer thread, which
 * commits together what all threads hand it (group commit), under an flock on "<store>.db.lock".
 * Inside a write the other readable stores are attached read-only. No table name occurs in two stores.
 *
 * Thread rules: struct sql_db may be used by all threads; a struct sql_conn by the one that borrowed it
 * (or, inside a write, by the writer thread).
 */
#ifndef FLEETPORT_DB_SQL_H
#define FLEETPORT_DB_SQL_H

#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sql_store { SQL_CORE, SQL_OPERATIONS, SQL_TELEMETRY, SQL_AUDIT, SQL_STORES };

enum sql_role {
	SQL_READ,  /* a SELECT; runs on read connections and inside writes */
	SQL_WRITE, /* INSERT, UPDATE, DELETE (with RETURNING if .out says so); only inside a write */
};

/* Types in .in and .out, one letter a parameter or column:
 * i 64-bit integer, r real, t text, b blob; upper case: may be NULL. */
struct sql_statement {
	const char *text;
	const char *in;  /* "" for none */
	const char *out; /* "" for none */
	enum sql_role role;
	enum sql_store store; /* for SQL_WRITE: the store it changes. For SQL_READ: the store whose
	                         absence makes it unprepared (a process that does not read it) */
	unsigned stores;      /* SQL_READ: further stores it names, as bits (1u << SQL_TELEMETRY) */
};

struct sql_table {
	const char *name; /* for errors: the core/ file's name */
	const struct sql_statement *list;
	size_t count;
};

struct sql_options {
	const char *directory;       /* holds core.db, operations.db, telemetry.db, audit.db */
	unsigned read;               /* stores to read, as bits; includes those to write */
	unsigned write;              /* stores to write */
	unsigned own;                /* stores whose checkpoints this process owns */
	unsigned migrate;            /* stores to create or bring up to date at open (subset of write; the
	                                folder must be there) */
	unsigned readers;            /* pool size; 0: cores + 2, at most 8 */
	unsigned queue;              /* writes waiting per store before ERR_BUSY; 0: 4096 */
	const struct sql_table *const *tables; /* ended by NULL; must live as long as the sql_db */
	const struct clock *clock;   /* behind the SQL function now_ms(), which stands still while a
	                                connection is borrowed or a write runs; NULL: the real one */
};

struct sql_db;
struct sql_conn;
struct sql_cursor;

/* Opens. A store that is not there yet, or that its owner has not brought up to date, does not make it
 * fail: sql_borrow() and sql_write() give ERR_UNAVAILABLE (503) and try again each time, until it is.
 * ERR_CONFIG: a statement does not fit the schema, or the schema is newer than the program. (Both are
 * found here if the stores are there; else by the first sql_borrow() or sql_write() that finds them.)
 * Writers that failed for good (I/O error, damage) answer ERR_CORRUPT until the program starts anew. */
bool sql_open(const struct sql_options *options, struct sql_db **out, struct err *e)
	__attribute__((warn_unused_result, nonnull(1, 2)));

/* Finishes the writes that wait, stops the writers, closes. NULL is allowed. */
void sql_close(struct sql_db *db);

/* One value to bind. Texts and blobs must live until the call returns. */
struct sql_value {
	char type; /* i r t b, or 0 for NULL */
	int64_t i;
	double r;
	const void *p;
	size_t len;
};
#define SQL_I(x)       ((struct sql_value){.type = 'i', .i = (x)})
#define SQL_R(x)       ((struct sql_value){.type = 'r', .r = (x)})
#define SQL_T(s)       sql_value_text(s) /* NULL gives SQL NULL */
#define SQL_B(ptr, n)  ((struct sql_value){.type = 'b', .p = (ptr), .len = (n)})
#define SQL_NULL       ((struct sql_value){.type = 0})
struct sql_value sql_value_text(const char *text);

/* Where one result column goes. Texts and blobs are copied into the arena. A NULL column gives 0, NULL
 * and length 0, and *null (where given) true. */
struct sql_into {
	char type;
	void *to;      /* int64_t *, double *, const char **, const unsigned char ** */
	size_t *len;   /* blobs: length */
	bool *null;
	struct arena *arena;
};
#define SQL_INTO_I(ptr)             ((struct sql_into){.type = 'i', .to = (ptr)})
#define SQL_INTO_I_NULL(ptr, isnull) ((struct sql_into){.type = 'i', .to = (ptr), .null = (isnull)})
#define SQL_INTO_R(ptr)             ((struct sql_into){.type = 'r', .to = (ptr)})
#define SQL_INTO_R_NULL(ptr, isnull) ((struct sql_into){.type = 'r', .to = (ptr), .null = (isnull)})
#define SQL_INTO_T(ar, ptr)         ((struct sql_into){.type = 't', .to = (ptr), .arena = (ar)})
#define SQL_INTO_B(ar, ptr, n)      ((struct sql_into){.type = 'b', .to = (ptr), .len = (n), .arena = (ar)})

/* SQL_ARGS(SQL_I(id), SQL_T(name)) and SQL_INTO(SQL_INTO_I(&id), …): array and count.
 * SQL_NO_ARGS / SQL_NO_INTO where there are none. */
#define SQL_ARGS(...)                                                                              \
	(const struct sql_value[]){__VA_ARGS__},                                                   \
		sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value)
#define SQL_INTO(...)                                                                              \
	(const struct sql_into[]){__VA_ARGS__},                                                    \
		sizeof((const struct sql_into[]){__VA_ARGS__}) / sizeof(struct sql_into)
#define SQL_NO_ARGS NULL, 0
#define SQL_NO_INTO NULL, 0

/* Borrows a read connection and begins a read transaction: all that is read through it is one moment.
 * Waits at most timeout_ms; ERR_BUSY then. NULL on failure. What runs longer than 5 s in all is
 * interrupted (ERR_BUSY). Give back with sql_return() before the
 * audit wait and before rendering. */
struct sql_conn *sql_borrow(struct sql_db *db, int64_t timeout_ms, struct err *e)
	__attribute__((warn_unused_result, nonnull(1)));
void sql_return(struct sql_conn *conn); /* NULL is allowed */

/* Runs a statement for its effect or for at most one row. *found (may be NULL) says whether there was
 * a row. More than one row is ERR_INTERNAL. Constraint failures give ERR_CONFLICT. */
bool sql_one(struct sql_conn *conn, const struct sql_statement *st, const struct sql_value *args,
	size_t arg_count, const struct sql_into *into, size_t into_count, bool *found, struct err *e)
	__attribute__((warn_unused_result, nonnull(1, 2)));

/* Runs a statement without result rows; *changes (may be NULL): rows changed. */
bool sql_do(struct sql_conn *conn, const struct sql_statement *st, const struct sql_value *args,
	size_t arg_count, int64_t *changes, struct err *e)
	__attribute__((warn_unused_result, nonnull(1, 2)));

/* Runs a statement for many rows. Only one cursor per statement and connection at a time. */
struct sql_cursor *sql_query(struct sql_conn *conn, const struct sql_statement *st,
	const struct sql_value *args, size_t arg_count, struct err *e)
	__attribute__((warn_unused_result, nonnull(1, 2)));
/* 1: a row was put into `into`; 0: no more; -1: failed. */
int sql_next(struct sql_cursor *cursor, const struct sql_into *into, size_t into_count, struct err *e)
	__attribute__((warn_unused_result, nonnull(1)));
void sql_end(struct sql_cursor *cursor); /* NULL is allowed */

/* A write: runs in the store's writer thread, or in that of somebody who waits for a write, inside a
 * savepoint of the group's transaction. It returns false (with its error) to undo what it did; others in
 * the group are not touched. It must not block, nor take a lock that somebody holds while he writes. */
typedef bool sql_work(struct sql_conn *conn, void *arg, struct err *e);

/* Hands a write over and waits until it is durable (committed with synchronous=FULL). Until the writer
 * takes it, at most timeout_ms; after that the outcome is awaited. ERR_BUSY: not taken in time, or the
 * queue is full: nothing happened. */
bool sql_write(struct sql_db *db, enum sql_store store, sql_work *work, void *arg, int64_t timeout_ms,
	struct err *e) __attribute__((warn_unused_result, nonnull(1, 3)));

/* The same without waiting: done(done_arg, ok, error) is called in such a thread after the commit
 * (or the failure); it must be short. false: not taken (done is not called). */
typedef void sql_done(void *done_arg, bool ok, const struct err *error);
bool sql_write_async(struct sql_db *db, enum sql_store store, sql_work *work, void *arg, sql_done *done,
	void *done_arg, struct err *e) __attribute__((warn_unused_result, nonnull(1, 3)));

/* Creates or migrates the named stores as `init` and the owners do (files with mode 0660 & ~umask). */
bool sql_migrate(const char *directory, unsigned stores, struct err *e)
	__attribute__((warn_unused_result, nonnull(1)));

/* For doctor: the engine's name, version and source id; and a store's schema version, -1 if absent. */
const char *sql_engine(void);
bool sql_schema_version(const char *directory, enum sql_store store, int64_t *version, struct err *e)
	__attribute__((warn_unused_result));
const char *sql_store_name(enum sql_store store);

#endif

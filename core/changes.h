/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.h: a change has two audit records: `begun`, durable before it is made, and `done` or
 * `failed` after (architecture.md, How a page is made). The change's own transaction stores the
 * number of its `begun`, so that a program that starts can close truthfully what its predecessor
 * left open.
 */
#ifndef FLEETPORT_CORE_CHANGES_H
#define FLEETPORT_CORE_CHANGES_H

#include "core/audit.h"
#include "db/sql.h"

#include <stdbool.h>
#include <stdint.h>

extern const struct sql_table changes_sql;

/* What every change of a program needs. */
struct changes {
	struct sql_db *db; /* reads core, and writes it where the program does */
	struct audit_client *audit;
	const char *program; /* "user", "support", "enroll", "cli" … */
};

/* A change in core, whole: records entry as begun, runs work in core's writer together with the
 * mark of its number, then records done or failed. The entry's outcome and begun are set here; its
 * other members are read again after work, so that work may put in what it made. Fails with work's
 * error, or with the audit log's (then nothing was made). A `done` that could not be recorded is
 * logged and recorded by changes_close() at the next start: the change was made, so this is true.
 */
bool changes_run(const struct changes *c, struct audit_entry *entry, sql_work *work, void *arg,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* The three steps, for changes elsewhere than in core alone. change_begin gives the number;
 * change_mark is called inside the core transaction that makes the change; change_end records done
 * (made) or failed, and only logs when it cannot. */
bool change_begin(const struct changes *c, struct audit_entry *entry, int64_t *begun, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3)));
bool change_mark(struct sql_conn *core, const char *program, int64_t begun, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
void change_end(const struct changes *c, struct audit_entry *entry, int64_t begun, bool made)
        __attribute__((nonnull(1, 2)));

/* Whether the change with this begun number was made, for those without a mark in core. */
typedef bool change_made(struct sql_conn *conn, int64_t begun, bool *made, struct err *e);

/* At start, before the program serves: closes what its predecessor left open, as `done` where a
 * mark (or also_made, which may be NULL) says so, else `unfinished`. *closed (may be NULL) is how
 * many. Removes marks that are needed no more, if the program writes core. */
bool changes_close(const struct changes *c, bool writes_core, change_made *also_made,
        unsigned *closed, struct err *e) __attribute__((warn_unused_result, nonnull(1)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_log.h: searching and reading the audit log. What a viewer sees is decided here and nowhere
 * else (security.md, People and rights): a customer's viewer accesses to devices in scope, a
 * customer's admin all about the own customer, a technician the own acts, a partner's admin the
 * acts of the own partner's people, operator's admin and auditor all.
 *
 * The index is written behind, at most a second. Reading the log is itself to be recorded, by the
 * caller, before the answer leaves. Texts are the arena's.
 */
#ifndef FLEETPORT_CORE_AUDIT_LOG_H
#define FLEETPORT_CORE_AUDIT_LOG_H

#include "core/access.h"
#include "core/audit_record.h"
#include "db/sql.h"

extern const struct sql_table audit_log_sql;

enum { AUDIT_LOG_PAGE_MAX = 200, AUDIT_LOG_CURSOR = 48 };

/* NULL, "" and 0: not filtered by it. Texts match exactly. */
struct audit_filter {
	const char *person;   /* public id of the actor: "pe_…", "ag_…", "uid 0" */
	const char *target;   /* public id: a device, operation, agent … */
	const char *customer; /* public id */
	const char *action;   /* "device.view" */
	const char *outcome;  /* "done", "not-found" … */
	int64_t from, to;     /* ms; from <= time < to */
};

struct audit_log_entry {
	int64_t number;
	struct audit_record record; /* targets are those that the viewer may see */
	size_t hidden;              /* how many targets the viewer may not see */
	unsigned char leaf[CRYPTO_HASH];
};

/* A page, newest first. cursor: `next` of the page before, or NULL. next: AUDIT_LOG_CURSOR bytes,
 * "" when this is the last page. ERR_INVALID: a cursor that is not ours; ERR_DENIED: the viewer may
 * read none of the log. */
bool audit_log_search(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const struct audit_filter *filter, const char *cursor, size_t limit,
        struct audit_log_entry **entries, size_t *count, char *next, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 7, 8, 9)));

/* The same for the console (root on the machine): all entries. */
bool audit_log_search_all(struct sql_conn *conn, struct arena *arena,
        const struct audit_filter *filter, const char *cursor, size_t limit,
        struct audit_log_entry **entries, size_t *count, char *next, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 6, 7, 8)));

/* The actions that records name (docs/audit-record.md), ended by NULL: for lists to choose from. */
extern const char *const audit_actions[];

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_store.h: the tables of the audit log, as fleetport-audit writes them. Reading and searching
 * is audit_log.h.
 */
#ifndef FLEETPORT_CORE_AUDIT_STORE_H
#define FLEETPORT_CORE_AUDIT_STORE_H

#include "core/audit_record.h"
#include "db/sql.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const struct sql_table audit_store_sql;

/* One record to append. */
struct audit_row {
	int64_t at;
	const char *source;
	const unsigned char *record;
	size_t len;
	unsigned char leaf[CRYPTO_HASH]; /* audit_record_leaf() of the record */
};

/* Inside a write of SQL_AUDIT: appends the rows under the next numbers; *first is the first one's.
 * All or none. */
bool audit_store_append(struct sql_conn *conn, const struct audit_row *rows, size_t count,
        int64_t *first, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 4)));

/* Inside a write of SQL_AUDIT: brings the index forward by at most `limit` entries; *done is how
 * many. The arena is for scratch and is reset. */
bool audit_store_index(struct sql_conn *conn, struct arena *arena, unsigned limit, unsigned *done,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 4)));

/* Inside a write of SQL_AUDIT: forgets the index, so that audit_store_index() makes it anew. */
bool audit_store_index_forget(struct sql_conn *conn, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* The number of the newest entry; 0: the log is empty. */
bool audit_store_last(struct sql_conn *conn, int64_t *number, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* The first begun record of source, above after and at most last, that is open by the index.
 * *number 0: none. The record lives in the arena. */
bool audit_store_open_change(struct sql_conn *conn, const char *source, int64_t after, int64_t last,
        struct arena *arena, int64_t *number, const unsigned char **record, size_t *len,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 5, 6, 7, 8)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group.h: records that are committed together and answered together.
 */
#ifndef FLEETPORT_DAEMONS_AUDIT_GROUP_H
#define FLEETPORT_DAEMONS_AUDIT_GROUP_H

#include "core/audit_store.h"
#include "daemons/audit/peers.h"
#include "db/sql.h"
#include "lib/buf.h"
#include "lib/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GROUP_RECORDS = 512, GROUP_BYTES = 8 << 20 };

struct group {
	const char *node;
	const struct clock *clock;
	struct buf bytes; /* the records, one after another */
	size_t count;
	struct group_record {
		struct peer *peer; /* NULL: our own record */
		uint64_t serial;   /* the peer's: another one may have its place by now */
		uint64_t ticket;
		size_t start;
	} records[GROUP_RECORDS];
	struct audit_row rows[GROUP_RECORDS]; /* .record follows when all bytes are there */
	int64_t first;                        /* number of the first one, once committed */
};

void group_init(struct group *g, const char *node, const struct clock *clock);
void group_free(struct group *g);

/* Whether there is room for so many records more, whose bodies have so many bytes together. */
bool group_has_room(const struct group *g, size_t records, size_t bytes);

/* Adds a record from its body; peer NULL: our own. ERR_INVALID: it is no record. */
bool group_add(struct group *g, struct peer *peer, uint64_t ticket, const void *body, size_t len,
        struct err *e) __attribute__((warn_unused_result));

/* Adds a record of our own. */
bool group_add_own(struct group *g, const struct audit_entry *entry, struct err *e)
        __attribute__((warn_unused_result));

/* Begins to make all of them durable; done(arg, …) is called in the writer's thread when they are, or
 * will not be. Until group_answer() the group is the writer's. false: nothing was begun. */
bool group_post(struct group *g, struct sql_db *db, sql_done *done, void *arg, struct err *e)
        __attribute__((warn_unused_result));

/* Answers every peer that is still there: with numbers, or with what went wrong. Empties the group. */
void group_answer(struct group *g, bool ok, const struct err *error);

/* Makes all of them durable, waits for it, and answers. false: they are not in the log. */
bool group_commit(struct group *g, struct sql_db *db, struct err *e)
        __attribute__((warn_unused_result));

/* Tells a peer that its message was refused. */
void group_refuse(struct peer *peer, uint64_t ticket, const struct err *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h: what an agent has been told to do and how far it is, on disk.
 *
 * Every change is on disk (fsync) before journal_put() returns, and so before the agent acts on it
 * or tells of it. The file is a line of JSON a change; the last line of an operation counts. A last
 * line that a crash cut off is dropped; anything else that does not read is damage, and said so.
 * Not for use by several threads at once.
 */
#ifndef FLEETPORT_AGENTS_JOURNAL_H
#define FLEETPORT_AGENTS_JOURNAL_H

#include "lib/error.h"
#include "lib/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOURNAL_KEEP_DAYS = 7, JOURNAL_ENTRIES_MAX = 20000 };

/* Texts belong to the journal; journal_put() copies them. */
struct journal_entry {
	const char *operation_id;
	int64_t attempt;
	bool consuming;    /* must never be done twice */
	int64_t not_after; /* ms */
	enum event_phase phase;
	int64_t at;            /* of the last change, ms */
	int64_t seq;           /* of the last event; 0: none yet */
	int64_t acked;         /* the last event that the server has acknowledged */
	const char *operation; /* payload of the operation; "" for one that came only as a cancel */
	const char *event;     /* payload of the last event; "" */
	int64_t sent;          /* monotonic ms when the event was sent last; not kept on disk */
};

struct journal;

/* Opens or makes the file; forgets what is older than notAfter + 7 days and acknowledged.
 * ERR_CORRUPT: damage. NULL: *e. */
struct journal *journal_open(const char *path, int64_t now_ms, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void journal_close(struct journal *journal); /* NULL is allowed */

/* The entry of this operation, or NULL. Valid until the next put. */
struct journal_entry *journal_find(struct journal *journal, const char *operation_id)
        __attribute__((nonnull));

/* Entries in the order in which they came. */
size_t journal_count(const struct journal *journal) __attribute__((nonnull));
struct journal_entry *journal_at(struct journal *journal, size_t index) __attribute__((nonnull));

/* Whether its last event still has to reach the server. */
static inline bool journal_is_open(const struct journal_entry *entry)
{
	return entry->seq > entry->acked;
}

/* Adds or replaces the entry of this operation, durably. ERR_LIMIT: too many entries. */
bool journal_put(struct journal *journal, const struct journal_entry *entry, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Rewrites the file without what may be forgotten; call it now and then. */
bool journal_compact(struct journal *journal, int64_t now_ms, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

#endif

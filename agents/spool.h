/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h: reports on disk until the server has them.
 *
 * A report is kept until it is answered 200, or with a 4xx that will not change; such a one is kept
 * in refused/ for a person to see. Beyond SPOOL_BYTES or SPOOL_DAYS the oldest are put aside (in
 * aside/, itself bounded) and counted. Every file appears whole or not at all. Safe from several
 * threads.
 */
#ifndef FLEETPORT_AGENTS_SPOOL_H
#define FLEETPORT_AGENTS_SPOOL_H

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPOOL_BYTES = 64 * 1024 * 1024, SPOOL_DAYS = 14, SPOOL_ASIDE_FILES = 64 };

struct spool;

/* Opens the folder (made where needed) and counts what is in it. bytes: the limit, 0 for
 * SPOOL_BYTES. NULL: *e. */
struct spool *spool_open(const char *folder, uint64_t bytes, const struct clock *clock,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 3)));
void spool_close(struct spool *spool); /* NULL is allowed */

/* Stores a report durably. report_id: 36 characters. */
bool spool_put(struct spool *spool, const char *report_id, const void *data, size_t len,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

enum { SPOOL_NAME_SIZE = 80 };
struct spool_entry {
	char name[SPOOL_NAME_SIZE];
	char report_id[37];
};

/* The oldest report, its bytes appended to b. false: there is none (e->code ERR_NONE) or it cannot
 * be read. */
bool spool_next(struct spool *spool, struct spool_entry *entry, struct buf *b, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* The server has it. */
bool spool_done(struct spool *spool, const struct spool_entry *entry, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* The server will never take it: kept in refused/. */
bool spool_refuse(struct spool *spool, const struct spool_entry *entry, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Whether this report is still waiting. */
bool spool_has(struct spool *spool, const char *report_id)
        __attribute__((warn_unused_result, nonnull));

struct spool_counts {
	size_t waiting;
	uint64_t bytes;
	uint64_t put_aside; /* since the spool was made */
};
struct spool_counts spool_counts(struct spool *spool) __attribute__((nonnull));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices_merge.h: the first devices of several groups together, in one order.
 *
 * Each sort order has one index that begins with the group, so a page asks every group of the viewer's
 * scope for its first rows in order and keeps the best of all. A group stops as soon as its next row
 * comes after all that are kept; a page costs one index seek a group, however many devices there are.
 */
#ifndef FLEETPORT_CORE_DEVICES_MERGE_H
#define FLEETPORT_CORE_DEVICES_MERGE_H

#include "core/devices.h"

/* What a list is sorted by: text or number, by the sort order; then by id. */
struct devices_key {
	const char *text;
	int64_t number;
	int64_t id;
};

bool devices_key_is_text(enum devices_sort sort);
struct devices_key devices_key_of(const struct device *d, enum devices_sort sort)
        __attribute__((nonnull));

struct devices_merge {
	struct arena *arena;
	enum devices_sort sort;
	bool descending;
	struct device *rows; /* in order */
	size_t count, room;  /* room: how many are kept at most */
};

/* How many rows a list has for the limit that was asked for; 0: the default. */
size_t devices_limited(size_t limit);

/* Makes room; ->arena, ->sort, ->descending and ->room are set. ERR_MEMORY. */
bool devices_merge_init(struct devices_merge *m, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Takes the rows of one group, which come in the same order, and ends the cursor. NULL is the cursor of a
 * query that failed: false. */
bool devices_merge_group(struct devices_merge *m, struct sql_cursor *cursor, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h: a growing array in an arena, for lists read from the database.
 */
#ifndef FLEETPORT_CORE_ROWS_H
#define FLEETPORT_CORE_ROWS_H

#include "db/sql.h"
#include "lib/arena.h"
#include "lib/error.h"

#include <stddef.h>

struct rows {
	struct arena *arena;
	size_t size; /* bytes of one item */
	void *items; /* NULL while empty */
	size_t count;
	size_t room;
};

#define ROWS_INIT(in, item_size) ((struct rows){.arena = (in), .size = (item_size)})

/* Appends a copy of the item. ERR_MEMORY: the arena is full. */
bool rows_add(struct rows *rows, const void *item, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Reads a cursor's next row into *item; as sql_next(). Texts go to the arena. */
typedef int rows_next(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e);

/* Appends every row of the cursor, each read into *item first, and ends the cursor. NULL is the cursor
 * of a query that failed: false, as for a row that cannot be read. */
bool rows_read(struct rows *rows, struct sql_cursor *cursor, rows_next *next, void *item,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 3, 4)));

/* The same for a query with one column of integers. */
bool rows_read_ids(struct arena *arena, struct sql_cursor *cursor, int64_t **ids, size_t *count,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 3, 4)));

#endif

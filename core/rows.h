/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h: a growing array in an arena, for lists read from the database.
 */
#ifndef FLEETPORT_CORE_ROWS_H
#define FLEETPORT_CORE_ROWS_H

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

#endif

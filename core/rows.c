/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rows.h"

#include <string.h>

bool rows_add(struct rows *rows, const void *item, struct err *e)
{
	if (rows->count == rows->room) {
		size_t room = rows->room == 0 ? 16 : rows->room * 2;
		void *items = arena_array(rows->arena, room, rows->size);

		if (items == NULL)
			return err_set(e, ERR_MEMORY, "the list is too long for its memory");
		if (rows->count > 0)
			memcpy(items, rows->items, rows->count * rows->size);
		rows->items = items;
		rows->room = room;
	}
	memcpy((char *)rows->items + rows->count * rows->size, item, rows->size);
	rows->count++;
	return true;
}

bool rows_read(
        struct rows *rows, struct sql_cursor *cursor, rows_next *next, void *item, struct err *e)
{
	int got;

	if (cursor == NULL)
		return false;
	while ((got = next(cursor, rows->arena, item, e)) == 1) {
		if (!rows_add(rows, item, e)) {
			got = -1;
			break;
		}
	}
	sql_end(cursor);
	return got == 0;
}

static int next_id(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	int64_t *id = item;

	(void)arena;
	return sql_next(cursor, SQL_INTO(SQL_INTO_I(id)), e);
}

bool rows_read_ids(
        struct arena *arena, struct sql_cursor *cursor, int64_t **ids, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(int64_t));
	int64_t id = 0;
	bool ok = rows_read(&rows, cursor, next_id, &id, e);

	*ids = rows.items;
	*count = rows.count;
	return ok;
}

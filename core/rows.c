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

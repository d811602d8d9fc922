/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/broker/connections.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_AT_FIRST = 64 };

/* Where the name stands, or would stand. */
static size_t place_of(const struct connections *all, const char *name, bool *found)
{
	size_t low = 0, high = all->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(all->list[middle].name, name);

		if (order == 0)
			*found = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool make_room(struct connections *all)
{
	size_t room = all->room == 0 ? ROOM_AT_FIRST : 2 * all->room;
	struct connection *list;

	if (all->count < all->room)
		return true;
	list = reallocarray(all->list, room, sizeof *list);
	if (list == NULL)
		return false;
	all->list = list;
	all->room = room;
	return true;
}

bool connections_seen(struct connections *all, const char *name, const void *client,
        const char *serial, int64_t not_after)
{
	struct connection one = {.client = client, .not_after = not_after};
	size_t length = strlen(name), digits = strlen(serial), at;
	bool found;

	if (length >= sizeof one.name || digits >= sizeof one.serial)
		return false;
	memcpy(one.name, name, length);
	memcpy(one.serial, serial, digits);
	at = place_of(all, name, &found);
	if (!found) {
		if (!make_room(all))
			return false;
		memmove(all->list + at + 1, all->list + at, (all->count - at) * sizeof one);
		all->count++;
	}
	all->list[at] = one;
	return true;
}

void connections_gone(struct connections *all, const char *name, const void *client)
{
	bool found;
	size_t at = place_of(all, name, &found);

	if (!found || all->list[at].client != client)
		return;
	all->count--;
	memmove(all->list + at, all->list + at + 1, (all->count - at) * sizeof *all->list);
}

bool connections_next(const struct connections *all, size_t *at, struct connection *out)
{
	if (*at == 0)
		return false;
	*out = all->list[--*at];
	return true;
}

void connections_free(struct connections *all)
{
	free(all->list);
	*all = (struct connections){.list = NULL};
}

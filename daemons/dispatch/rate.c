/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/dispatch/rate.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_AT_FIRST = 64 };

static const struct {
	int64_t interval;
	int64_t ahead; /* how far beyond now the allowance may be spent */
} limits[RATE_KINDS] = {
        [RATE_EVENT] = {RATE_EVENT_MS, (int64_t)RATE_EVENT_MS *RATE_EVENT_BURST},
        [RATE_PRESENCE] = {RATE_PRESENCE_MS, (int64_t)RATE_PRESENCE_MS *RATE_PRESENCE_BURST},
};

static size_t place_of(const struct rate *rate, const char *agent, bool *found)
{
	size_t low = 0, high = rate->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(rate->list[middle].id, agent);

		if (order == 0)
			*found = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whose allowance is whole again, and of whom all is told, need not be remembered. */
static void forget_idle(struct rate *rate, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < rate->count; i++) {
		const struct rate_agent *a = &rate->list[i];
		bool busy = a->passed_over > 0 || now - a->told_at < RATE_TELL_MS;

		for (size_t kind = 0; kind < RATE_KINDS; kind++)
			busy = busy || a->paid_until[kind] > now;
		if (busy)
			rate->list[kept++] = *a;
	}
	rate->count = kept;
}

static bool make_room(struct rate *rate, int64_t now)
{
	size_t room;
	struct rate_agent *list;

	if (rate->count < rate->room)
		return true;
	forget_idle(rate, now);
	if (rate->room > 0 && rate->count <= rate->room / 2)
		return true;
	room = rate->room == 0 ? ROOM_AT_FIRST : 2 * rate->room;
	list = reallocarray(rate->list, room, sizeof *list);
	if (list == NULL)
		return rate->count < rate->room;
	rate->list = list;
	rate->room = room;
	return true;
}

/* NULL: no memory. */
static struct rate_agent *find(struct rate *rate, const char *agent, int64_t now)
{
	struct rate_agent made = {.told_at = now - RATE_TELL_MS};
	size_t length = strlen(agent), at;
	bool found;

	at = place_of(rate, agent, &found);
	if (found)
		return &rate->list[at];
	if (length >= sizeof made.id || !make_room(rate, now))
		return NULL;
	memcpy(made.id, agent, length);
	at = place_of(rate, agent, &found); /* making room may have moved it */
	memmove(rate->list + at + 1, rate->list + at, (rate->count - at) * sizeof made);
	rate->list[at] = made;
	rate->count++;
	return &rate->list[at];
}

bool rate_allows(
        struct rate *rate, const char *agent, enum rate_kind kind, int64_t now, int64_t *tell)
{
	struct rate_agent *a = find(rate, agent, now);
	int64_t paid;
	bool allowed;

	*tell = 0;
	if (a == NULL)
		return true;
	paid = (a->paid_until[kind] > now ? a->paid_until[kind] : now) + limits[kind].interval;
	allowed = paid - now <= limits[kind].ahead;
	if (allowed)
		a->paid_until[kind] = paid;
	else
		a->passed_over++;
	if (a->passed_over > 0 && now - a->told_at >= RATE_TELL_MS) {
		*tell = a->passed_over;
		a->passed_over = 0;
		a->told_at = now;
	}
	return allowed;
}

void rate_free(struct rate *rate)
{
	free(rate->list);
	*rate = (struct rate){.list = NULL};
}

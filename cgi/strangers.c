/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/strangers.h"

#include "lib/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 256, MINUTE_MS = 60000 };

struct strangers {
	pthread_mutex_t lock;
	_Atomic int64_t
	        due; /* when the first minute that is counted here is over; INT64_MAX: none is */
	unsigned used;
	struct strangers_summary places[PLACES]; /* count: of all attempts, also the single ones */
	struct strangers_summary others;         /* addresses for which there was no place */
};

struct strangers *strangers_new(void)
{
	struct strangers *strangers = calloc(1, sizeof *strangers);

	if (strangers == NULL)
		return NULL;
	if (pthread_mutex_init(&strangers->lock, NULL) != 0) {
		free(strangers);
		return NULL;
	}
	atomic_init(&strangers->due, INT64_MAX);
	return strangers;
}

void strangers_free(struct strangers *strangers)
{
	if (strangers == NULL)
		return;
	(void)pthread_mutex_destroy(&strangers->lock);
	free(strangers);
}

/* The place of an address in its minute; NULL: all places are taken. */
static struct strangers_summary *find_place(
        struct strangers *s, const char *address, int64_t minute)
{
	struct strangers_summary *place;

	for (unsigned i = 0; i < s->used; i++)
		if (s->places[i].minute == minute && strcmp(s->places[i].address, address) == 0)
			return &s->places[i];
	if (s->used == PLACES)
		return NULL;
	place = &s->places[s->used++];
	*place = (struct strangers_summary){.minute = minute};
	(void)snprintf(place->address, sizeof place->address, "%s", address);
	return place;
}

/* Minutes are counted in their order, but for a clock that was set back. */
static void set_due(struct strangers *s)
{
	int64_t first = s->others.count > 0 ? s->others.minute : INT64_MAX;

	for (unsigned i = 0; i < s->used; i++)
		if (s->places[i].minute < first)
			first = s->places[i].minute;
	atomic_store(&s->due, first == INT64_MAX ? INT64_MAX : first + MINUTE_MS);
}

bool strangers_count(struct strangers *s, const char *address, int64_t now_ms)
{
	int64_t minute = now_ms - now_ms % MINUTE_MS;
	struct strangers_summary *place;
	bool singly;

	(void)pthread_mutex_lock(&s->lock);
	place = find_place(s, address, minute);
	if (place != NULL) {
		singly = ++place->count <= STRANGERS_SINGLY;
	} else {
		/* Many addresses at once: one summary for all that came too late for a place. */
		if (s->others.count++ == 0)
			s->others.minute = minute;
		singly = false;
	}
	set_due(s);
	(void)pthread_mutex_unlock(&s->lock);
	return singly;
}

static bool take_place(struct strangers *s, int64_t now_ms, struct strangers_summary *out)
{
	for (unsigned i = 0; i < s->used;) {
		struct strangers_summary *place = &s->places[i];
		if (place->minute > now_ms - MINUTE_MS) {
			i++;
			continue;
		}
		*out = *place;
		*place = s->places[--s->used];
		if (out->count > STRANGERS_SINGLY) {
			out->count -= STRANGERS_SINGLY;
			return true;
		}
	}
	if (s->others.count == 0 || s->others.minute > now_ms - MINUTE_MS)
		return false;
	*out = s->others;
	s->others = (struct strangers_summary){.count = 0};
	return true;
}

bool strangers_take(struct strangers *s, int64_t now_ms, struct strangers_summary *out)
{
	bool taken;

	if (now_ms < atomic_load(&s->due))
		return false; /* what is asked at every request */
	(void)pthread_mutex_lock(&s->lock);
	taken = take_place(s, now_ms, out);
	set_due(s);
	(void)pthread_mutex_unlock(&s->lock);
	return taken;
}

/* A summary that could not be recorded waits for the next time. */
static void give_back(struct strangers *s, const struct strangers_summary *summary)
{
	struct strangers_summary *place;

	(void)pthread_mutex_lock(&s->lock);
	place = find_place(s, summary->address, summary->minute);
	if (place == NULL) {
		if (s->others.count == 0)
			s->others.minute = summary->minute;
		s->others.count += summary->count;
	} else {
		place->count += summary->count + (place->count == 0 ? STRANGERS_SINGLY : 0);
	}
	set_due(s);
	(void)pthread_mutex_unlock(&s->lock);
}

static bool record_summary(struct audit_client *audit, const struct strangers_summary *summary)
{
	struct err e = ERR_CLEAR;
	char details[80];
	const struct audit_entry entry = {.actor_kind = "stranger",
	        .address = summary->address,
	        .action = "access",
	        .outcome = AUDIT_DENIED,
	        .details = details};

	(void)snprintf(details, sizeof details, "{\"more\":%u,\"minute\":%lld}", summary->count,
	        (long long)summary->minute);
	if (audit_record(audit, &entry, NULL, &e))
		return true;
	log_event(LOG_LEVEL_ERROR, "summary-not-recorded", "reason", e.text, NULL);
	return false;
}

void strangers_record(struct strangers *strangers, struct audit_client *audit, int64_t now_ms)
{
	struct strangers_summary summary;

	while (strangers_take(strangers, now_ms, &summary))
		if (!record_summary(audit, &summary)) {
			give_back(strangers, &summary);
			return;
		}
}

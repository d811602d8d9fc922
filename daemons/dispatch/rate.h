/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate.h: how much an agent may say, so that one that has gone wild (or was taken over) does not keep the
 * others waiting: each event costs two commits and an audit record.
 *
 * Far above what an honest agent says. What is passed over is not acknowledged, so an honest agent says it
 * again within a minute (agent-protocol.md, the journal) and loses nothing. One thread uses it.
 */
#ifndef FLEETPORT_DAEMONS_DISPATCH_RATE_H
#define FLEETPORT_DAEMONS_DISPATCH_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RATE_ID = 32, /* an agent's id, NUL included, fits */
	RATE_EVENT_MS = 20,
	RATE_EVENT_BURST = 1000,
	RATE_PRESENCE_MS = 1000,
	RATE_PRESENCE_BURST = 60,
	RATE_TELL_MS = 60 * 1000, /* how often it is said that an agent is passed over */
};

enum rate_kind {
	RATE_EVENT,    /* 50 a second, 1 000 at once */
	RATE_PRESENCE, /* one a second, 60 at once */
	RATE_KINDS,
};

struct rate_agent {
	char id[RATE_ID];
	int64_t paid_until[RATE_KINDS]; /* monotonic ms: when its allowance is whole again */
	int64_t told_at;
	int64_t passed_over; /* since then */
};

/* Sorted by id. Starts as {0}. */
struct rate {
	struct rate_agent *list;
	size_t count, room;
};

/* May this message of the agent be looked at? now: monotonic ms. *tell: how many were passed over of late,
 * when it is time to say so, else 0. Without memory everything may. */
bool rate_allows(struct rate *rate, const char *agent, enum rate_kind kind, int64_t now,
        int64_t *tell) __attribute__((warn_unused_result, nonnull));

void rate_free(struct rate *rate) __attribute__((nonnull));

#endif

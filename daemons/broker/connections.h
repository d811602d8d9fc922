/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections.h: who is connected to the broker with which certificate, as far as its plugin has seen. The
 * broker can neither list its clients nor tell of a connect (mosquitto 2.0), but an agent subscribes first
 * of all, and that is asked about. No I/O; one thread.
 */
#ifndef FLEETPORT_DAEMONS_BROKER_CONNECTIONS_H
#define FLEETPORT_DAEMONS_BROKER_CONNECTIONS_H

#include "daemons/broker/rules.h"

struct connection {
	char name[BROKER_ID_LENGTH + 1];
	char serial[X509_SERIAL_SIZE];
	int64_t not_after;  /* ms */
	const void *client; /* the broker's; only compared */
};

/* One a name (a name is a client id, which has one connection), sorted by it. Starts as {0}. */
struct connections {
	struct connection *list;
	size_t count, room;
};

/* The client acts under that name and certificate; what was known of the name is replaced. false: no
 * memory (or a name too long), and it is not remembered. */
bool connections_seen(struct connections *all, const char *name, const void *client,
        const char *serial, int64_t not_after) __attribute__((nonnull));

/* The client is gone. A later client of that name stays. */
void connections_gone(struct connections *all, const char *name, const void *client)
        __attribute__((nonnull));

/* A walk over all of them, from *at = all->count down to 0: copies the next one, and says whether there was
 * one. What it gave may be removed before it goes on. */
bool connections_next(const struct connections *all, size_t *at, struct connection *out)
        __attribute__((nonnull));

void connections_free(struct connections *all) __attribute__((nonnull));

#endif

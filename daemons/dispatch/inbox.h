/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbox.h: what the MQTT client's thread hands to the engine's thread, in order, bounded.
 *
 * When it is full, messages are dropped: an agent sends again what was not acknowledged. Connections and
 * answers of the broker are never dropped.
 */
#ifndef FLEETPORT_DAEMONS_DISPATCH_INBOX_H
#define FLEETPORT_DAEMONS_DISPATCH_INBOX_H

#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

enum inbox_kind { INBOX_CONNECTED, INBOX_DISCONNECTED, INBOX_MESSAGE, INBOX_PUBLISHED };

struct inbox_item {
	struct inbox_item *next;
	enum inbox_kind kind;
	int number, reason; /* published */
	bool retained;
	size_t len;
	char *topic; /* both point into this item's memory */
	void *payload;
};

struct inbox;

struct inbox *inbox_new(size_t max_messages, size_t max_bytes, struct err *e);
void inbox_free(struct inbox *inbox); /* NULL is allowed */

/* Readable while there is something. */
int inbox_fd(const struct inbox *inbox);

/* false: dropped. Any thread. */
bool inbox_put(struct inbox *inbox, enum inbox_kind kind, int number, int reason);
bool inbox_put_message(
        struct inbox *inbox, const char *topic, const void *payload, size_t len, bool retained);

/* The oldest, or NULL; free() it. */
struct inbox_item *inbox_take(struct inbox *inbox);

#endif

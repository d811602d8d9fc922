/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mqtt.h: a client of the broker: MQTT 5 over TLS with a client certificate. The only file that
 * knows libmosquitto is mqtt.c.
 *
 * A client has a thread of its own, which connects, subscribes, and tries again with a growing
 * pause for as long as it lives. Every connection is a clean start with session expiry 0, and
 * nothing that was handed over on an earlier connection is sent on a later one: the caller's own
 * records decide what is sent again. A publish that was acknowledged proves nothing.
 */
#ifndef FLEETPORT_LIB_MQTT_H
#define FLEETPORT_LIB_MQTT_H

#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MQTT_MESSAGE_MAX = 128 * 1024, /* larger ones end the connection (the broker is told) */
	MQTT_NOBODY = 16,              /* reason: taken, but nobody listens */
	MQTT_FAILURE = 128,            /* reasons from here on are failures */
};

/* All functions are called in the client's own thread, one at a time; they must not block and must
 * not call mqtt_stop(). Any may be NULL. */
struct mqtt_handlers {
	/* Connected, and every subscription acknowledged: the moment to publish presence. */
	void (*connected)(void *arg);
	/* The connection was lost, or could not be made. What was published and not answered by
	 * `published` is undecided, and its numbers mean nothing from here on. */
	void (*disconnected)(void *arg, const char *why);
	/* A message; topic and payload live until it returns. */
	void (*message)(
	        void *arg, const char *topic, const void *payload, size_t len, bool retained);
	/* The broker answered the publish with this number; reason as MQTT 5 (>= 128 failure). */
	void (*published)(void *arg, int number, int reason);
	void *arg;
};

struct mqtt_options {
	const char *host; /* name or address, which the server's certificate must carry; or an
	                     absolute path: a unix socket, then without TLS */
	unsigned port;
	const char *alpn;    /* "mqtt", or NULL */
	const char *ca_file; /* PEM: who signs the broker's certificate. NULL: no TLS (tests) */
	const char *certificate_file, *key_file; /* PEM: ours */
	const char *client_id;                   /* NULL: the broker makes one of the certificate */
	unsigned keep_alive;                     /* seconds, 5 … 3600 */
	const char *const *subscriptions;        /* topic filters, QoS 1 */
	size_t subscription_count;
	const char *will_topic; /* NULL: no will. QoS 1, retained */
	const void *will;
	size_t will_len;
	unsigned back_off_first_ms; /* 0: 200 */
	unsigned back_off_max_ms;   /* 0: 30 000; each pause is drawn from [half, whole] */
	struct mqtt_handlers handlers;
};

struct mqtt;

/* Starts the thread. Options are copied. ERR_CONFIG: files that cannot be read, limits. Not being
 * able to connect is no failure here: `disconnected` tells. */
bool mqtt_start(const struct mqtt_options *options, struct mqtt **out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Hands a message to the connection, QoS 1. ERR_UNAVAILABLE: there is none now. *number (may be
 * NULL) comes back in `published`. Any thread may call it. */
bool mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len, bool retain,
        int *number, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* Whether there is a connection with its subscriptions at this moment. */
bool mqtt_connected(struct mqtt *m) __attribute__((nonnull));

/* Ends the connection and begins anew at once (new certificate files, say). */
void mqtt_reconnect(struct mqtt *m) __attribute__((nonnull));

/* Disconnects (the broker forgets the will), ends the thread, frees. What was published just before
 * is given at most wait_ms to be acknowledged. NULL is allowed. */
void mqtt_stop(struct mqtt *m, unsigned wait_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders.h: the operations that this agent is sent, and what becomes of them (agent-protocol.md,
 * Remote operations).
 *
 * Believed is only what an operation key has signed, for this agent, in time; each operationId is
 * begun once. Everything goes to the journal before it is acted upon or told. What the server has
 * not acknowledged is told again on every connect and each 60 s.
 *
 * The work itself is a table of actions by the agent's own program. The connection is handed in as a
 * function, so that tests need no broker. Messages and connections may come from any thread; all
 * else happens in orders_step(), which one thread calls.
 */
#ifndef FLEETPORT_AGENTS_ORDERS_H
#define FLEETPORT_AGENTS_ORDERS_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/crypto.h"
#include "lib/error.h"
#include "lib/event.h"
#include "lib/operation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ORDERS_REPEAT_MS = 60000, /* an event that is not acknowledged is sent again */
	ORDERS_CLOCK_MS = 60000,  /* a clock further off than this takes no orders */
	ORDERS_QUEUE_MAX = 256,   /* messages waiting; later ones are dropped and come again */
};

/* What an action works with and leaves behind. Texts live in the arena. */
struct order_work {
	struct arena *arena;
	int64_t deadline;           /* monotonic ms: the end of its runSeconds */
	const char *before, *after; /* evidence: JSON objects, or NULL */
	const char *report_id;      /* of the fresh report, or NULL */
	enum event_outcome outcome; /* of run(): succeeded or failed */
	const char *code;           /* "" or a word */
	const char *message;        /* "" or a sentence */
};

struct order_action {
	const char *kind; /* "get-status"; NULL ends a table */
	/* Reads the device's identity and judges whether it may begin: CODE_NONE, or why not. */
	enum event_code (*prepare)(void *arg, const struct operation *o, struct order_work *work);
	/* Does it. Called once, after `start` is on disk; false: the agent is stopping, and it is to be
	 * done again (queries only). */
	bool (*run)(void *arg, const struct operation *o, struct order_work *work);
};

struct orders_options {
	const char *agent_id, *version;
	const char *journal; /* path */
	const struct order_action *actions;
	bool switched_off; /* by local configuration: all orders are rejected */
	unsigned char event_public[CRYPTO_SIGN_PUBLIC];
	const unsigned char *event_secret; /* CRYPTO_SIGN_SECRET bytes; stays the caller's */
	const struct clock *clock;
	/* An operation key by its id, if it holds at now_ms. */
	bool (*find_key)(void *arg, const char *key_id, int64_t now_ms,
	        unsigned char public_key[CRYPTO_SIGN_PUBLIC]);
	/* Server's time minus ours; false: unknown. */
	bool (*offset)(void *arg, int64_t *offset_ms);
	/* Sends to fleetport/1/A/leaf; false: no connection (it will be sent again). */
	bool (*publish)(void *arg, const char *leaf, const void *payload, size_t len, bool retain);
	void *arg; /* of all these functions and of the actions */
};

struct orders;

/* Opens the journal and takes up what was left: a consuming operation that was begun is in doubt,
 * a query is done again. NULL: *e. */
struct orders *orders_new(const struct orders_options *options, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void orders_free(struct orders *orders); /* NULL is allowed */

/* The bare presence for the broker to publish when we are gone. */
bool orders_will(const struct orders_options *options, struct buf *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* A message came on fleetport/1/A/operation. Any thread; never blocks for long. */
void orders_receive(struct orders *orders, const void *payload, size_t len)
        __attribute__((nonnull));

/* The connection is there (anew): publishes presence at once, and has open entries told again. Any
 * thread. */
void orders_connected(struct orders *orders) __attribute__((nonnull));

/* Says offline, signed. Before an orderly end. */
void orders_goodbye(struct orders *orders) __attribute__((nonnull));

/* Does all that is due: messages, work, repeats. Returns ms until something is due again. */
int64_t orders_step(struct orders *orders) __attribute__((nonnull));

/* Runs orders_step() in a thread of its own until orders_stop(). */
bool orders_start(struct orders *orders, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void orders_stop(struct orders *orders) __attribute__((nonnull));

#endif

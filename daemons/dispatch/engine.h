/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h: what fleetport-dispatch does, without the wire: it turns outbox rows into signed messages, and
 * agents' messages and timers into guarded transitions (core/operations.h).
 *
 * Its input and output are handed in as functions, so that a test is the broker and the audit log. One
 * thread uses it. The database is the queue and the memory: an engine that dies at any moment leaves nothing
 * undecided that its successor does not find.
 *
 * The order that makes this so: a send is written, then recorded, then published; an agent's event is recorded,
 * then applied, then acknowledged. What cannot be recorded is not done.
 */
#ifndef FLEETPORT_DAEMONS_DISPATCH_ENGINE_H
#define FLEETPORT_DAEMONS_DISPATCH_ENGINE_H

#include "core/audit.h"
#include "daemons/dispatch/rate.h"
#include "db/sql.h"
#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/crypto.h"
#include "lib/envelope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ENGINE_BATCH = 64,       /* rows and timers a turn */
	ENGINE_IN_FLIGHT = 1024, /* publishes whose answer is awaited */
	ENGINE_POLL_MS = 1000,   /* a lost ring of the bell costs no more */
};

struct engine_io {
	/* Hands a message to the broker. *number comes back in engine_published(). */
	bool (*publish)(void *arg, const char *topic, const void *payload, size_t len, int *number,
	        struct err *e);
	/* Puts a record into the audit log, durably. */
	bool (*record)(void *arg, const struct audit_entry *entry, struct err *e);
	void *arg;
};

struct engine_flight {
	int number; /* 0: free */
	int64_t execution, attempt;
};

struct engine {
	struct sql_db *db; /* reads core and operations, writes operations */
	const struct clock *clock;
	struct engine_io io;
	const unsigned char *secret_key; /* CRYPTO_SIGN_SECRET bytes; the caller's */
	char key_id[ENVELOPE_FINGERPRINT_SIZE];
	bool connected;
	struct arena *arena;
	struct rate rate;
	size_t next_flight;
	struct engine_flight flights[ENGINE_IN_FLIGHT];
};

/* The statements that the engine runs, for sql_open(). Ended by NULL. */
extern const struct sql_table *const engine_tables[];

/* Sets up *engine (its members up to secret_key are the caller's to fill in) and forgets who was online.
 * ERR_UNAVAILABLE: the stores are not there yet. */
bool engine_begin(struct engine *engine, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void engine_end(struct engine *engine) __attribute__((nonnull));

/* The broker is there / is gone: then nobody is known to be online. */
void engine_connected(struct engine *engine) __attribute__((nonnull));
void engine_disconnected(struct engine *engine) __attribute__((nonnull));

/* A message on fleetport/1/+/event or …/presence. Whatever is wrong with it is logged, and recorded where
 * somebody tried something. An agent that says too much (rate.h) is passed over. */
void engine_message(struct engine *engine, const char *topic, const void *payload, size_t len,
        bool retained) __attribute__((nonnull(1, 2)));

/* The broker's answer to a publish (MQTT 5 reason code). */
void engine_published(struct engine *engine, int number, int reason) __attribute__((nonnull));

/* Does what is due: timers, then what is ready to go out. Gives the milliseconds until it wants to be called
 * again, at most ENGINE_POLL_MS. */
int engine_turn(struct engine *engine) __attribute__((nonnull));

#endif

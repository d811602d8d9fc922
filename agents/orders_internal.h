/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders_internal.h: what the parts of orders.h share. orders.c has the queue, the thread and the
 * object's life; orders_receive.c judges what comes in; orders_work.c does what was ordered;
 * orders_tell.c says what became of it.
 */
#ifndef FLEETPORT_AGENTS_ORDERS_INTERNAL_H
#define FLEETPORT_AGENTS_ORDERS_INTERNAL_H

#include "agents/journal.h"
#include "agents/orders.h"
#include "lib/envelope.h"

#include <pthread.h>

struct order_message {
	struct order_message *next;
	size_t len;
	char bytes[];
};

struct orders {
	struct orders_options o;
	char agent_id[32], version[64];
	char key_id[ENVELOPE_FINGERPRINT_SIZE];
	struct journal *journal;
	struct arena *arena;  /* of what is being handled */
	int64_t compact_at;   /* monotonic ms */
	pthread_mutex_t lock; /* around what follows */
	pthread_cond_t wake;
	struct order_message *first, **last;
	size_t waiting;
	bool connected; /* since the last step */
	bool stop;
	bool running;
	pthread_t thread;
};

/* The server's time, as well as we know it. */
int64_t orders_now_ms(struct orders *q) __attribute__((nonnull));

/* The action of this kind, or NULL: this agent does not do it. */
const struct order_action *orders_find_action(const struct orders *q, const char *kind)
        __attribute__((nonnull));

/* ---- receive */

/* One message from the broker: believed, or refused with a line in the log. */
void orders_handle(struct orders *q, const char *text, size_t len) __attribute__((nonnull));

/* A message that is not believed: a line in the log, no answer. */
void orders_refuse_message(const char *code, const char *why) __attribute__((nonnull));

/* ---- work */

/* Takes one order that waits to be begun, or a query that was interrupted. false: there is none, or
 * no more can be done now. */
bool orders_work_one(struct orders *q) __attribute__((nonnull));

/* What a crash left: a consuming operation that was begun is in doubt, never begun again. false: the
 * journal cannot be written. */
bool orders_take_up(struct orders *q) __attribute__((warn_unused_result, nonnull));

/* ---- tell */

/* An event of this type with all its other members empty. */
struct event orders_event(enum event_type type);

/* Sends the entry's last event; what does not get through is sent at the next repeat. */
void orders_tell(struct orders *q, struct journal_entry *entry) __attribute__((nonnull));

/* Writes the event as the entry's next one, durably, then tells it. false: not on disk. */
bool orders_record(struct orders *q, const struct journal_entry *entry, enum event_phase phase,
        const struct event *what) __attribute__((nonnull));

/* Records that it is not done, and why (a CODE_TOO_LATE: expired; else rejected). */
bool orders_reject(struct orders *q, const struct journal_entry *entry, enum event_code code,
        const char *message) __attribute__((nonnull));

/* A signed presence, retained. Any thread. */
void orders_publish_presence(struct orders *q, bool online) __attribute__((nonnull));

/* Tells what the journal holds: the newest entries and how far each is. */
void orders_tell_journal(struct orders *q) __attribute__((nonnull));

/* Tells open entries that are due, or all of them; ms until the next is. */
int64_t orders_tell_open(struct orders *q, bool all) __attribute__((nonnull));

#endif

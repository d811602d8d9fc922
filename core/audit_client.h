/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_client.h: the connection of a program to fleetport-audit, below audit.h: items of
 * audit_wire.h go out, tickets wait for their answers. Threads share one connection. One of those
 * that wait reads for all; when it has its own answer, another one goes on. So an answer wakes no
 * thread but its own.
 *
 * An item leaves at once, unless several are under way: then further ones are packed into one
 * message, which leaves when an answer comes, when a thread waits, or when it is full (as Nagle's
 * algorithm does, RFC 896). It spares both sides a system call and a wake-up each.
 */
#ifndef FLEETPORT_CORE_AUDIT_CLIENT_H
#define FLEETPORT_CORE_AUDIT_CLIENT_H

#include "core/audit.h"
#include "core/audit_wire.h"
#include "lib/buf.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

/* The items of one ticket, one after another. */
struct audit_items {
	struct buf bytes;
	size_t *ends; /* of each item, in bytes */
	unsigned count;
};

/* What a thread waits with. All but `number`, `record` and `record_len` after the wait is the
 * client's. */
struct audit_ticket {
	struct audit_client *client;
	struct audit_ticket *prev, *next; /* in the client's list, oldest first */
	pthread_cond_t wake;
	uint64_t first; /* numbers of its items: first … first + parts - 1 */
	unsigned parts;
	unsigned waiting;      /* answers that have not come */
	int64_t number;        /* in the first item's answer */
	unsigned char *record; /* of an ENTRY; owned */
	size_t record_len;
	bool asleep; /* its thread waits for `wake` */
	bool failed;
	struct err error;
};

struct audit_client {
	struct sockaddr_un address;
	pthread_mutex_t
	        lock; /* all below, but `leaving` is the sender's and `message` the reader's */
	pthread_cond_t sent; /* nobody is sending */
	int fd;              /* -1: away */
	bool broken;         /* found dead; whoever uses it last closes it */
	bool sending;        /* a thread uses fd and leaving, without the lock */
	bool reading;        /* a thread uses fd and message, without the lock */
	struct buf packed;   /* items for the next message */
	struct buf leaving;  /* the message that is being sent */
	unsigned packed_count, leaving_count;
	unsigned under_way; /* items that were sent and not answered */
	uint64_t next_ticket;
	struct audit_ticket *oldest, *newest;
	struct audit_ticket *expected; /* whose answer is likely to be next; NULL: the oldest's */
	unsigned asleep;               /* tickets */
	int64_t back_off_ms;
	int64_t no_attempt_before; /* monotonic */
	unsigned char message[AUDIT_WIRE_MAX];
};

/* Puts the items on their way, under tickets of their own: writes these numbers into their heads.
 * NULL: no memory, or the process is away (ERR_UNAVAILABLE). The ticket goes to
 * audit_ticket_wait(), then to audit_ticket_free(). */
struct audit_ticket *audit_client_send(struct audit_client *c, struct audit_items *items,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2)));

/* Waits at most timeout_ms for the answers to all items. After it the ticket is the caller's alone. */
bool audit_ticket_wait(struct audit_ticket *ticket, int64_t timeout_ms, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* ---- audit_ticket.c: the client's list of tickets. All but new and free with the lock held. */

/* NULL: no memory. */
struct audit_ticket *audit_ticket_new(struct audit_client *c, unsigned parts);
void audit_ticket_free(struct audit_ticket *ticket);

/* Gives the ticket the next numbers and puts it at the end of the list; takes it out. */
void audit_ticket_add(struct audit_client *c, struct audit_ticket *t);
void audit_ticket_remove(struct audit_client *c, struct audit_ticket *t);

/* Its answers are all there, or will not come. */
bool audit_ticket_ended(const struct audit_ticket *t);

/* Gives the answers in a message to their tickets, and wakes who has all. */
void audit_tickets_answer(struct audit_client *c, const unsigned char *message, size_t len);

/* Nobody's answer will come. */
void audit_tickets_fail(struct audit_client *c, const char *why);

/* Wakes one thread that sleeps without its answers, if there is one: it has to read now. */
void audit_tickets_wake_one(struct audit_client *c);

#endif

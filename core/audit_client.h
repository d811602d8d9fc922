/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_client.h: the connection of a program to fleetport-audit, below audit.h: items of
 * audit_wire.h go out, tickets wait for their answers. Threads share one connection; a reader thread
 * takes the answers and wakes them.
 *
 * An item leaves at once, unless many are under way: then further ones are packed into one message,
 * which leaves when an answer comes, when a thread waits, or when it is full (as Nagle's algorithm
 * does, RFC 896). It spares both sides a system call and a wake-up each.
 */
#ifndef FLEETPORT_CORE_AUDIT_CLIENT_H
#define FLEETPORT_CORE_AUDIT_CLIENT_H

#include "core/audit.h"
#include "lib/buf.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	bool failed;
	struct err error;
};

/* Puts the items on their way, under tickets of their own: writes these numbers into their heads.
 * NULL: no memory, or the process is away (ERR_UNAVAILABLE). The ticket goes to
 * audit_ticket_wait(), then to audit_ticket_free(). */
struct audit_ticket *audit_client_send(struct audit_client *c, struct audit_items *items,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2)));

/* Waits at most timeout_ms for the answers to all items. After it the ticket is the caller's alone. */
bool audit_ticket_wait(struct audit_ticket *ticket, int64_t timeout_ms, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

void audit_ticket_free(struct audit_ticket *ticket);

#endif

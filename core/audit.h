/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h: telling fleetport-audit what happened, and knowing that it is on disk.
 *
 * One client a program, used by all threads. audit_send() puts a record on its way at once, so that
 * a page renders meanwhile; audit_wait() returns when it is durable. No number, no data
 * (security.md). Personal fields are sealed by the caller before they come here.
 */
#ifndef FLEETPORT_CORE_AUDIT_H
#define FLEETPORT_CORE_AUDIT_H

#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum audit_outcome {
	AUDIT_DONE,       /* a view, before its first byte; or a change, after it was made */
	AUDIT_BEGUN,      /* a change or export that is about to be made */
	AUDIT_FAILED,     /* a begun one that was not made */
	AUDIT_UNFINISHED, /* a begun one whose outcome its program did not live to tell */
	AUDIT_DENIED,
	AUDIT_NOT_FOUND,
	AUDIT_OUTCOMES,
};

/* Text fields: UTF-8, may be NULL (stored as empty). */
struct audit_entry {
	const char *actor_kind;         /* "person", "agent", "console", "program", "stranger" */
	const char *actor_id;           /* public id: "pe_…", "ag_…", "uid 0" */
	const char *actor_role;         /* "technician" */
	const char *actor_organisation; /* public id "or_…" */
	const char *session;            /* public id "se_…" */
	const char *address;
	const char *request_id;
	const char *action; /* "device.view", "session.begin" … : docs/audit-record.md lists them */
	const char *target_kind;    /* "device", "organisation", "operation", "agent", "person",
	                               "audit" or "" */
	const char *const *targets; /* public ids (for not-found: what was asked for) */
	size_t target_count;  /* beyond 256 (or 64 KiB) further parts are sent with the same request
	                         id */
	const char *customer; /* public id of the customer concerned, where it is one */
	const char *purpose;  /* ticket or reason */
	enum audit_outcome outcome;
	int64_t begun; /* for done/failed/unfinished of a change: number of its begun record; else 0
	                */
	const char *details; /* a JSON object as text, or NULL */
};

struct audit_client;
struct audit_ticket;

/* Connects lazily and again after a loss. socket_path: this program's own socket at
 * fleetport-audit. */
struct audit_client *audit_client_new(const char *socket_path, struct err *e);
void audit_client_free(struct audit_client *client); /* NULL is allowed */

/* Sends; NULL: no memory, too large, or the process is away (ERR_UNAVAILABLE). The entry may be
 * freed at once. Every ticket must go to audit_wait() exactly once. */
struct audit_ticket *audit_send(struct audit_client *client, const struct audit_entry *entry,
        struct err *e) __attribute__((warn_unused_result));

/* Waits at most timeout_ms (default budget 2 000) until the record is durable; frees the ticket.
 * *number is its sequence number (of the first part). */
bool audit_wait(struct audit_ticket *ticket, int64_t timeout_ms, int64_t *number, struct err *e)
        __attribute__((warn_unused_result));

/* Both at once. number may be NULL. */
bool audit_record(struct audit_client *client, const struct audit_entry *entry, int64_t *number,
        struct err *e) __attribute__((warn_unused_result));

/* The number of the newest entry of the log. */
bool audit_last(struct audit_client *client, int64_t *number, struct err *e)
        __attribute__((warn_unused_result));

/* The first begun record of this program, numbered above after and at most last, that no record
 * has closed: *number and *entry, whose texts live in the arena. *number 0: there is none. Used
 * by changes.c when a program starts. */
bool audit_open_change(struct audit_client *client, int64_t after, int64_t last, int64_t *number,
        struct arena *arena, struct audit_entry *entry, struct err *e)
        __attribute__((warn_unused_result));

const char *audit_outcome_name(enum audit_outcome outcome); /* "done", "not-found" … */

#endif

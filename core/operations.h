/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations.h: remote operations: submitted by a person, sent by fleetport-dispatch, carried out
 * by an agent (agent-protocol.md, Remote operations). The states and moves are in
 * operation_states.h, what is to be published in outbox.h.
 *
 * Reading functions take the viewer first: a person sees the operations of the own organisation on
 * devices that are in scope; others answer as those that do not exist. Texts are the arena's.
 */
#ifndef FLEETPORT_CORE_OPERATIONS_H
#define FLEETPORT_CORE_OPERATIONS_H

#include "core/access.h"
#include "core/changes.h"
#include "core/devices.h"
#include "core/operation_states.h"
#include "db/sql.h"

extern const struct sql_table operations_sql;        /* operations.c: the moves */
extern const struct sql_table operations_read_sql;   /* operations_read.c: for pages */
extern const struct sql_table operations_check_sql;  /* operations_check.c: may it run? */
extern const struct sql_table operations_submit_sql; /* operations_submit.c */
extern const struct sql_table operations_cancel_sql; /* operations_cancel.c */
extern const struct sql_table
        operations_dispatch_sql; /* operations_dispatch.c: what dispatch asks */

/* Those of a program in which people submit, for its list of tables. */
#define OPERATIONS_TABLES                                                                          \
	&operations_sql, &operations_read_sql, &operations_check_sql, &operations_submit_sql,      \
	        &operations_cancel_sql

enum {
	OPERATIONS_PURPOSE_MAX = 500, /* bytes */
	OPERATIONS_KEY_MAX = 100,     /* bytes of an idempotency key; at least 8 */
	OPERATIONS_DEVICES_MAX = 500, /* of one request */
	OPERATIONS_PAGE_MAX = 200,
	OPERATIONS_NOT_AFTER_MS = 15 * 60 * 1000, /* how long an operation may wait to begin */
	OPERATIONS_RECEIPT_MS = 30 * 1000,
	OPERATIONS_GRACE_MS = 60 * 1000,
};

/* ---- may it run? */

enum obstacle {
	OBSTACLE_NONE,
	OBSTACLE_NO_RIGHT,
	OBSTACLE_NO_CONSENT,
	OBSTACLE_NOT_CAPABLE,
	OBSTACLE_NO_AGENT,
	OBSTACLE_ASKS,    /* it may be submitted, and waits for the customer's consent */
	OBSTACLE_BUSY,    /* it may be submitted, and waits until another operation has ended */
	OBSTACLE_OFFLINE, /* it may be submitted, and waits until the agent is connected */
	OBSTACLES,
};

/* "no-right" … for the wire and the database; a sentence for people. */
const char *obstacle_code(enum obstacle obstacle);
const char *obstacle_sentence(enum obstacle obstacle);
/* Whether it prevents a submission (else it only waits). */
bool obstacle_prevents(enum obstacle obstacle);

/* The first thing in the way of this kind on this device (from devices_find(), so the viewer may
 * see it). */
bool operations_check(struct sql_conn *conn, const struct viewer *viewer,
        const struct device *device, const struct operation_kind *kind, enum obstacle *obstacle,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* ---- submit and cancel (fleetport-support) */

struct operation_order {
	const char *kind;       /* "get-status" */
	const char *parameters; /* JSON object as text; NULL: {} */
	const char *purpose;    /* ticket or reason; not empty */
	const char *key;        /* idempotency key: the same key and order is the same request */
	const char *const *devices; /* public ids */
	size_t device_count;
	const char
	        *bell; /* dispatch's door bell, rung as soon as the order is written; NULL: none */
};

struct operation_receipt {
	char request_id[32];    /* "rq_…" */
	bool existing;          /* it had been submitted before with this key */
	enum obstacle obstacle; /* when refused: why (of the first device) */
};

/* Checks, records `begun`, writes request, executions and outbox in one transaction, records
 * `done`. entry: who asks (reply_entry()); action, targets, customer and
 * purpose are set here. ERR_INVALID: kind, parameters, purpose or key; ERR_NOT_FOUND: a device, or
 * not for this viewer (targets of the entry say which); ERR_CONFLICT: the key was used for another
 * order, or no device can take it (receipt->obstacle says why); ERR_DENIED: no right on any. */
bool operations_submit(const struct changes *c, const struct viewer *viewer,
        struct audit_entry *entry, const struct operation_order *order, int64_t now,
        struct operation_receipt *receipt, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 6)));

/* Cancels what of the request can be canceled: what was not sent is canceled at once, what was is
 * asked of the agent. The viewer needs the right to operate. ERR_NOT_FOUND; ERR_DENIED;
 * ERR_CONFLICT: nothing of it can be canceled any more. Ring dispatch afterwards. */
bool operations_cancel(const struct changes *c, const struct viewer *viewer,
        struct audit_entry *entry, const char *request_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

/* For changes_close() of programs that submit: was the request with this begun number written? */
bool operations_was_made(struct sql_conn *conn, int64_t begun, bool *made, struct err *e);

/* ---- pages */

struct request_row {
	int64_t id;            /* for the cursor */
	const char *public_id; /* "rq_…" */
	enum request_state state;
	const char *kind;
	const char *purpose;
	int64_t requester; /* account id */
	const char *requester_public_id, *organisation_public_id, *organisation_name;
	int64_t created_at, ended_at; /* 0: not yet */
	size_t executions;            /* those that the viewer may see */
	/* of the first execution that the viewer may see */
	const char *device_public_id, *device_name;
	const char *device_serial; /* NULL: it has none */
	const char *customer_name; /* whose device it is */
	enum execution_state first_state;
};

/* Newest first; those older than `before` (public id; NULL: from the newest). The own row numbers would
 * tell how many operations everybody has. device: only with an execution on this
 * device (public id), or NULL. One row more than limit is not read: count == limit may mean more. */
bool operations_list(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const char *device, const char *before, size_t limit, struct request_row **rows,
        size_t *count, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3, 7, 8)));

struct execution_step {
	int64_t number, at;
	const char *source, *event;
	enum execution_state from, to;
	bool conflict;
	const char *details; /* JSON object */
};

struct execution {
	int64_t id;
	const char *public_id; /* "op_…" */
	int64_t device;
	const char *device_public_id, *device_name;
	const char *device_serial; /* NULL: it has none */
	enum execution_state state;
	int64_t version;
	enum operation_class class;
	int64_t attempt;
	const char *code;    /* NULL where there is none */
	const char *message; /* NULL where there is none */
	bool late;
	int verified;          /* 1 yes, 0 no, -1: does not apply (yet) */
	const char *evidence;  /* JSON {before, after, reportId}, or NULL */
	int percent;           /* -1: not told */
	const char *step_text; /* NULL where there is none */
	int64_t not_after, created_at;
	int64_t sent_at, delivered_at, started_at, ended_at; /* 0: not yet */
	struct execution_step *steps;
	size_t step_count;
};

struct operation_request {
	struct request_row row;
	const char *parameters;
	bool may_cancel; /* the state of some execution allows it */
	struct execution *list;
	size_t count;
};

/* ERR_NOT_FOUND: no such request, or not for this viewer. */
bool operations_find(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const char *public_id, struct operation_request *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* ---- moves (inside a write of SQL_OPERATIONS) */

/* What dispatch and the moves need of an execution. */
struct execution_brief {
	int64_t id;
	const char *public_id;
	int64_t request_id;
	const char *request_public_id;
	enum request_state request_state;
	const char *kind_name;
	const struct operation_kind *kind; /* NULL: a kind that is no longer known */
	const char *parameters;
	int64_t requester;
	int64_t device;
	const char *device_public_id;
	int64_t customer_id;
	enum execution_state state;
	int64_t version;
	enum operation_class class;
	int64_t agent; /* 0: not bound yet */
	int64_t attempt;
	bool received;
	int64_t run_seconds, not_after;
	int64_t timer_at; /* 0: none */
};

/* Reads one, by key or by public id. ERR_NOT_FOUND. */
bool executions_load(struct sql_conn *conn, struct arena *arena, int64_t id,
        struct execution_brief *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4)));
bool executions_load_public(struct sql_conn *conn, struct arena *arena, const char *public_id,
        struct execution_brief *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

/* An event, with all that it may carry. Zero what does not apply. */
struct execution_change {
	enum execution_event event;
	const char *source;   /* "support", "dispatch", "agent", "timer", "console" */
	int64_t at;           /* ms: now */
	int64_t agent;        /* SEND: whom it is bound to */
	int64_t attempt, seq; /* of an agent's event; seq 0: none */
	const char *code, *message;
	int percent;          /* STEP; -1: not told */
	const char *text;     /* STEP */
	const char *evidence; /* outcomes: JSON {before, after, reportId} */
	int verified;         /* outcomes: 1, 0; -1: leave */
	const char *details;  /* JSON object for the event row; NULL: {} */
	int64_t begun;        /* number of the begun record of a person\'s act; 0: none */
};

struct execution_outcome {
	enum verdict verdict;
	enum execution_state from, to;
	bool repeated; /* an agent's event that was applied before; nothing was written */
	bool late;
	bool request_ended; /* this was the request's last one */
};

/* Applies an event: new state, version + 1, times and timer, event row, outbox rows, and the
 * request's own move where its last execution ended. x is brought up to date. An event that the
 * tables refuse is ERR_CONFLICT and writes nothing; conflicting evidence is written and true. */
bool executions_apply(struct sql_conn *conn, struct arena *arena, struct execution_brief *x,
        const struct execution_change *change, struct execution_outcome *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* Whether the requester may still have it done: right, contract, consent, device and agent. */
bool executions_allowed(struct sql_conn *conn, const struct execution_brief *x, bool *allowed,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* Whether the device's lane is free for it: it is a query, or nothing else is live there. */
bool executions_lane_free(struct sql_conn *conn, const struct execution_brief *x, bool *lane_free,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* The executions whose timer has run out at now, the longest waiting first: their keys. */
bool executions_due(struct sql_conn *conn, struct arena *arena, int64_t now, size_t limit,
        int64_t **ids, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 5, 6)));

/* The event that an execution's timer stands for at this moment. */
enum execution_event executions_timer_event(const struct execution_brief *x, int64_t now);

/* The earliest timer; 0: there is none. */
bool executions_next_timer(struct sql_conn *conn, int64_t *at, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Those of an agent that were sent and not received yet: for NO_RECEIPT when its connection goes. */
bool executions_sent_to(struct sql_conn *conn, struct arena *arena, int64_t agent, int64_t **ids,
        size_t *count, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 4, 5)));

/* ---- presence of agents, as dispatch hears it */

struct agent_presence {
	int64_t agent;
	bool online;
	int64_t at;
	const char *version;
	const char *kinds; /* parted by blanks */
};

bool presence_set(struct sql_conn *conn, const struct agent_presence *p, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
/* At start of dispatch, and when its own connection is lost: nobody is known to be online. */
bool presence_forget(struct sql_conn *conn, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

#endif

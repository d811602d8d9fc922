/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation_states.h: the life of a request and of an execution, as two tables
 * (agent-protocol.md, The life of an operation). Every state, every event, and what comes of it;
 * no input or output here.
 */
#ifndef FLEETPORT_CORE_OPERATION_STATES_H
#define FLEETPORT_CORE_OPERATION_STATES_H

#include "lib/operation.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- a request: one act by one person on 1…N devices */

enum request_state {
	REQUEST_NONE, /* before it is submitted */
	REQUEST_PENDING_APPROVAL,
	REQUEST_SCHEDULED,
	REQUEST_ACTIVE,
	REQUEST_CANCELING,
	REQUEST_CANCELED,
	REQUEST_DENIED,
	REQUEST_LAPSED,
	REQUEST_ABORTED,
	REQUEST_COMPLETED,
	REQUEST_STATES,
};

enum request_event {
	REQUEST_SUBMITTED_FOR_APPROVAL,
	REQUEST_SUBMITTED_FOR_LATER,
	REQUEST_SUBMITTED,
	REQUEST_APPROVED_FOR_LATER, /* guard: by another person, who holds the right */
	REQUEST_APPROVED,           /* guard: the same */
	REQUEST_REFUSED,
	REQUEST_DEADLINE,      /* for approval */
	REQUEST_WINDOW_OPENED, /* scope is evaluated again */
	REQUEST_WINDOW_PASSED, /* the last one */
	REQUEST_CANCEL,
	REQUEST_FAILURES, /* guard: failures >= threshold after a minimum */
	REQUEST_ALL_ENDED,
	REQUEST_EVENTS,
};

/* What the guards of the request table ask. */
struct request_facts {
	bool approver_may; /* another person than the requester, with the same right now */
	bool too_many_failures;
};

/* ---- an execution: one device's part */

enum execution_state {
	EXECUTION_NONE,
	EXECUTION_REJECTED,
	EXECUTION_WAITING_CONSENT,
	EXECUTION_QUEUED,
	EXECUTION_EXPIRED,
	EXECUTION_CANCELED,
	EXECUTION_REMOVED,
	EXECUTION_SENT,
	EXECUTION_RESENDING,
	EXECUTION_DELIVERED,
	EXECUTION_IN_PROGRESS,
	EXECUTION_SUCCEEDED,
	EXECUTION_FAILED,
	EXECUTION_UNKNOWN,
	EXECUTION_CANCEL_REQUESTED,
	EXECUTION_STATES,
};

enum execution_event {
	EXECUTION_REFUSE, /* submitted, and the server refuses this device */
	EXECUTION_ASK,    /* released, consent `ask` */
	EXECUTION_QUEUE,  /* released, consent `always` */
	EXECUTION_AGREE,  /* the owner agrees */
	EXECUTION_DISAGREE,
	EXECUTION_DEADLINE, /* notAfter passed (and the grace, once sent), or silence after a cancel */
	EXECUTION_CANCEL,
	EXECUTION_WITHDRAW, /* right, consent or device gone */
	EXECUTION_SEND, /* agent online, lane free, rights checked again; about to be published */
	EXECUTION_NO_RECEIPT, /* none in time, connection lost, or nobody listens */
	EXECUTION_RUN_TIMEOUT,
	/* the agent's events from here on */
	EXECUTION_RECEIPT,
	EXECUTION_START,
	EXECUTION_STEP,
	EXECUTION_SUCCEED,
	EXECUTION_FAIL,
	EXECUTION_AGENT_REJECT,
	EXECUTION_AGENT_EXPIRE,
	EXECUTION_IN_DOUBT,
	EXECUTION_CANCEL_DONE,
	EXECUTION_CANCEL_TOO_LATE,
	EXECUTION_CANCEL_UNKNOWN, /* the agent has never heard of it */
	EXECUTION_EVENTS,
};

/* What the guards of the execution table ask. */
struct execution_facts {
	enum operation_class class;
	bool stoppable; /* the kind can be stopped once started */
	bool received;  /* the agent has said that it has it */
};

enum verdict {
	VERDICT_REFUSED,  /* not a move: a fault of the caller, or a 409 for a person */
	VERDICT_MOVE,     /* to another state (or the first) */
	VERDICT_NOTED,    /* kept as an event; the state stays (a late or repeated earlier phase) */
	VERDICT_CONFLICT, /* the agent contradicts what has ended: kept as evidence, with an alert */
	VERDICTS,
};

/* What comes of an event in a state; *to is the state afterwards. */
enum verdict request_next(enum request_state from, enum request_event event,
        const struct request_facts *facts, enum request_state *to);
enum verdict execution_next(enum execution_state from, enum execution_event event,
        const struct execution_facts *facts, enum execution_state *to);

/* Nothing more is expected (unknown counts: it may still be told late). */
bool request_ended(enum request_state state);
bool execution_ended(enum execution_state state);

/* On its way: it occupies the lane of its device (unless it is a query). */
bool execution_live(enum execution_state state);

/* An event that only an agent can cause. */
bool execution_event_is_agents(enum execution_event event);

/* Names as in the database and on the wire: "waiting-consent", "cancel-requested", "no-receipt" …
 * The _read functions give false for others. EXECUTION_NONE and REQUEST_NONE are "". */
const char *request_state_name(enum request_state state);
bool request_state_read(const char *name, enum request_state *state);
const char *execution_state_name(enum execution_state state);
bool execution_state_read(const char *name, enum execution_state *state);
const char *execution_event_name(enum execution_event event);

#endif

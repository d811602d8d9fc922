/* SPDX-License-Identifier: Apache-2.0 */
#include "core/operation_states.h"

#include <string.h>

/* ---- the request table */

typedef bool request_guard(const struct request_facts *f);

static bool by_another_with_the_right(const struct request_facts *f)
{
	return f->approver_may;
}

static bool too_many_failures(const struct request_facts *f)
{
	return f->too_many_failures;
}

struct request_move {
	enum request_state from;
	enum request_event event;
	enum request_state to;
	request_guard *guard; /* NULL: always */
};

static const struct request_move request_moves[] = {
        {REQUEST_NONE, REQUEST_SUBMITTED_FOR_APPROVAL, REQUEST_PENDING_APPROVAL, NULL},
        {REQUEST_NONE, REQUEST_SUBMITTED_FOR_LATER, REQUEST_SCHEDULED, NULL},
        {REQUEST_NONE, REQUEST_SUBMITTED, REQUEST_ACTIVE, NULL},
        {REQUEST_PENDING_APPROVAL, REQUEST_APPROVED_FOR_LATER, REQUEST_SCHEDULED,
                by_another_with_the_right},
        {REQUEST_PENDING_APPROVAL, REQUEST_APPROVED, REQUEST_ACTIVE, by_another_with_the_right},
        {REQUEST_PENDING_APPROVAL, REQUEST_REFUSED, REQUEST_DENIED, NULL},
        {REQUEST_PENDING_APPROVAL, REQUEST_DEADLINE, REQUEST_LAPSED, NULL},
        {REQUEST_PENDING_APPROVAL, REQUEST_CANCEL, REQUEST_CANCELED, NULL},
        {REQUEST_SCHEDULED, REQUEST_WINDOW_OPENED, REQUEST_ACTIVE, NULL},
        {REQUEST_SCHEDULED, REQUEST_WINDOW_PASSED, REQUEST_LAPSED, NULL},
        {REQUEST_SCHEDULED, REQUEST_CANCEL, REQUEST_CANCELED, NULL},
        {REQUEST_ACTIVE, REQUEST_CANCEL, REQUEST_CANCELING, NULL},
        {REQUEST_ACTIVE, REQUEST_FAILURES, REQUEST_ABORTED, too_many_failures},
        {REQUEST_ACTIVE, REQUEST_ALL_ENDED, REQUEST_COMPLETED, NULL},
        {REQUEST_CANCELING, REQUEST_ALL_ENDED, REQUEST_CANCELED, NULL},
};
enum { REQUEST_MOVES = sizeof(request_moves) / sizeof(request_moves[0]) };

enum verdict request_next(enum request_state from, enum request_event event,
        const struct request_facts *facts, enum request_state *to)
{
	*to = from;
	for (size_t i = 0; i < REQUEST_MOVES; i++) {
		const struct request_move *m = &request_moves[i];
		if (m->from != from || m->event != event || (m->guard != NULL && !m->guard(facts)))
			continue;
		*to = m->to;
		return VERDICT_MOVE;
	}
	return VERDICT_REFUSED;
}

/* ---- the execution table */

typedef bool execution_guard(const struct execution_facts *f);

static bool is_query(const struct execution_facts *f)
{
	return f->class == OPERATION_QUERY;
}

static bool is_no_query(const struct execution_facts *f)
{
	return f->class != OPERATION_QUERY;
}

static bool can_be_stopped(const struct execution_facts *f)
{
	return f->stoppable;
}

static bool cannot_be_stopped(const struct execution_facts *f)
{
	return !f->stoppable;
}

static bool was_received(const struct execution_facts *f)
{
	return f->received;
}

static bool was_not_received(const struct execution_facts *f)
{
	return !f->received;
}

struct execution_move {
	enum execution_state from;
	enum execution_event event;
	enum execution_state to; /* EXECUTION_NONE: noted, the state stays */
	execution_guard *guard;  /* NULL: always */
};

/* Noted: the agent tells of a phase that is behind us already, or tells it again. */
#define STAYS EXECUTION_NONE

static const struct execution_move execution_moves[] = {
        {EXECUTION_NONE, EXECUTION_REFUSE, EXECUTION_REJECTED, NULL},
        {EXECUTION_NONE, EXECUTION_ASK, EXECUTION_WAITING_CONSENT, NULL},
        {EXECUTION_NONE, EXECUTION_QUEUE, EXECUTION_QUEUED, NULL},

        {EXECUTION_WAITING_CONSENT, EXECUTION_AGREE, EXECUTION_QUEUED, NULL},
        {EXECUTION_WAITING_CONSENT, EXECUTION_DISAGREE, EXECUTION_REJECTED, NULL},
        {EXECUTION_WAITING_CONSENT, EXECUTION_DEADLINE, EXECUTION_EXPIRED, NULL},
        {EXECUTION_WAITING_CONSENT, EXECUTION_CANCEL, EXECUTION_CANCELED, NULL},
        {EXECUTION_WAITING_CONSENT, EXECUTION_WITHDRAW, EXECUTION_REMOVED, NULL},

        {EXECUTION_QUEUED, EXECUTION_SEND, EXECUTION_SENT, NULL},
        {EXECUTION_QUEUED, EXECUTION_DEADLINE, EXECUTION_EXPIRED, NULL},
        {EXECUTION_QUEUED, EXECUTION_CANCEL, EXECUTION_CANCELED, NULL},
        {EXECUTION_QUEUED, EXECUTION_WITHDRAW, EXECUTION_REMOVED, NULL},

        {EXECUTION_SENT, EXECUTION_RECEIPT, EXECUTION_DELIVERED, NULL},
        {EXECUTION_SENT, EXECUTION_NO_RECEIPT, EXECUTION_RESENDING, NULL},
        {EXECUTION_SENT, EXECUTION_DEADLINE, EXECUTION_EXPIRED, is_query},
        {EXECUTION_SENT, EXECUTION_DEADLINE, EXECUTION_UNKNOWN, is_no_query},
        {EXECUTION_SENT, EXECUTION_START, EXECUTION_IN_PROGRESS, NULL},
        {EXECUTION_SENT, EXECUTION_STEP, EXECUTION_IN_PROGRESS, NULL},
        {EXECUTION_SENT, EXECUTION_SUCCEED, EXECUTION_SUCCEEDED, NULL},
        {EXECUTION_SENT, EXECUTION_FAIL, EXECUTION_FAILED, NULL},
        {EXECUTION_SENT, EXECUTION_AGENT_REJECT, EXECUTION_REJECTED, NULL},
        {EXECUTION_SENT, EXECUTION_AGENT_EXPIRE, EXECUTION_EXPIRED, NULL},
        {EXECUTION_SENT, EXECUTION_IN_DOUBT, EXECUTION_UNKNOWN, NULL},
        {EXECUTION_SENT, EXECUTION_CANCEL, EXECUTION_CANCEL_REQUESTED, NULL},

        {EXECUTION_RESENDING, EXECUTION_SEND, EXECUTION_SENT, NULL},
        {EXECUTION_RESENDING, EXECUTION_RECEIPT, EXECUTION_DELIVERED, NULL},
        {EXECUTION_RESENDING, EXECUTION_DEADLINE, EXECUTION_EXPIRED, is_query},
        {EXECUTION_RESENDING, EXECUTION_DEADLINE, EXECUTION_UNKNOWN, is_no_query},
        {EXECUTION_RESENDING, EXECUTION_START, EXECUTION_IN_PROGRESS, NULL},
        {EXECUTION_RESENDING, EXECUTION_STEP, EXECUTION_IN_PROGRESS, NULL},
        {EXECUTION_RESENDING, EXECUTION_SUCCEED, EXECUTION_SUCCEEDED, NULL},
        {EXECUTION_RESENDING, EXECUTION_FAIL, EXECUTION_FAILED, NULL},
        {EXECUTION_RESENDING, EXECUTION_AGENT_REJECT, EXECUTION_REJECTED, NULL},
        {EXECUTION_RESENDING, EXECUTION_AGENT_EXPIRE, EXECUTION_EXPIRED, NULL},
        {EXECUTION_RESENDING, EXECUTION_IN_DOUBT, EXECUTION_UNKNOWN, NULL},
        {EXECUTION_RESENDING, EXECUTION_CANCEL, EXECUTION_CANCEL_REQUESTED, NULL},

        {EXECUTION_DELIVERED, EXECUTION_DEADLINE, EXECUTION_EXPIRED, is_query},
        {EXECUTION_DELIVERED, EXECUTION_DEADLINE, EXECUTION_UNKNOWN, is_no_query},
        {EXECUTION_DELIVERED, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_DELIVERED, EXECUTION_START, EXECUTION_IN_PROGRESS, NULL},
        {EXECUTION_DELIVERED, EXECUTION_STEP, EXECUTION_IN_PROGRESS, NULL},
        {EXECUTION_DELIVERED, EXECUTION_SUCCEED, EXECUTION_SUCCEEDED, NULL},
        {EXECUTION_DELIVERED, EXECUTION_FAIL, EXECUTION_FAILED, NULL},
        {EXECUTION_DELIVERED, EXECUTION_AGENT_REJECT, EXECUTION_REJECTED, NULL},
        {EXECUTION_DELIVERED, EXECUTION_AGENT_EXPIRE, EXECUTION_EXPIRED, NULL},
        {EXECUTION_DELIVERED, EXECUTION_IN_DOUBT, EXECUTION_UNKNOWN, NULL},
        {EXECUTION_DELIVERED, EXECUTION_CANCEL, EXECUTION_CANCEL_REQUESTED, NULL},

        {EXECUTION_IN_PROGRESS, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_START, STAYS, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_STEP, STAYS, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_SUCCEED, EXECUTION_SUCCEEDED, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_FAIL, EXECUTION_FAILED, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_AGENT_REJECT, EXECUTION_REJECTED, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_AGENT_EXPIRE, EXECUTION_EXPIRED, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_IN_DOUBT, EXECUTION_UNKNOWN, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_RUN_TIMEOUT, EXECUTION_UNKNOWN, NULL},
        {EXECUTION_IN_PROGRESS, EXECUTION_CANCEL, EXECUTION_CANCEL_REQUESTED, can_be_stopped},
        {EXECUTION_IN_PROGRESS, EXECUTION_CANCEL_TOO_LATE, STAYS, NULL},

        {EXECUTION_CANCEL_REQUESTED, EXECUTION_CANCEL_DONE, EXECUTION_CANCELED, NULL},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_CANCEL_TOO_LATE, EXECUTION_IN_PROGRESS, NULL},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_CANCEL_UNKNOWN, EXECUTION_CANCELED,
                was_not_received},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_CANCEL_UNKNOWN, EXECUTION_UNKNOWN, was_received},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_START, EXECUTION_IN_PROGRESS, cannot_be_stopped},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_START, STAYS, can_be_stopped},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_STEP, EXECUTION_IN_PROGRESS, cannot_be_stopped},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_STEP, STAYS, can_be_stopped},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_SUCCEED, EXECUTION_SUCCEEDED, NULL},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_FAIL, EXECUTION_FAILED, NULL},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_AGENT_REJECT, EXECUTION_REJECTED, NULL},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_AGENT_EXPIRE, EXECUTION_EXPIRED, NULL},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_IN_DOUBT, EXECUTION_UNKNOWN, NULL},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_DEADLINE, EXECUTION_EXPIRED, is_query},
        {EXECUTION_CANCEL_REQUESTED, EXECUTION_DEADLINE, EXECUTION_UNKNOWN, is_no_query},

        /* Late evidence, once: the state that it leads to is an end. */
        {EXECUTION_UNKNOWN, EXECUTION_SUCCEED, EXECUTION_SUCCEEDED, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_FAIL, EXECUTION_FAILED, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_AGENT_REJECT, EXECUTION_REJECTED, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_AGENT_EXPIRE, EXECUTION_EXPIRED, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_CANCEL_DONE, EXECUTION_CANCELED, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_START, STAYS, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_STEP, STAYS, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_IN_DOUBT, STAYS, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_CANCEL_TOO_LATE, STAYS, NULL},
        {EXECUTION_UNKNOWN, EXECUTION_CANCEL_UNKNOWN, STAYS, NULL},

        /* Ended: what is repeated or behind is noted. All else that an agent says is a conflict. */
        {EXECUTION_SUCCEEDED, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_SUCCEEDED, EXECUTION_START, STAYS, NULL},
        {EXECUTION_SUCCEEDED, EXECUTION_STEP, STAYS, NULL},
        {EXECUTION_SUCCEEDED, EXECUTION_SUCCEED, STAYS, NULL},
        {EXECUTION_SUCCEEDED, EXECUTION_CANCEL_TOO_LATE, STAYS, NULL},
        {EXECUTION_FAILED, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_FAILED, EXECUTION_START, STAYS, NULL},
        {EXECUTION_FAILED, EXECUTION_STEP, STAYS, NULL},
        {EXECUTION_FAILED, EXECUTION_FAIL, STAYS, NULL},
        {EXECUTION_FAILED, EXECUTION_CANCEL_TOO_LATE, STAYS, NULL},
        {EXECUTION_REJECTED, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_REJECTED, EXECUTION_AGENT_REJECT, STAYS, NULL},
        {EXECUTION_REJECTED, EXECUTION_CANCEL_TOO_LATE, STAYS, NULL},
        {EXECUTION_EXPIRED, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_EXPIRED, EXECUTION_AGENT_EXPIRE, STAYS, NULL},
        {EXECUTION_EXPIRED, EXECUTION_CANCEL_DONE, STAYS, NULL},
        {EXECUTION_EXPIRED, EXECUTION_CANCEL_UNKNOWN, STAYS, NULL},
        {EXECUTION_CANCELED, EXECUTION_RECEIPT, STAYS, NULL},
        {EXECUTION_CANCELED, EXECUTION_CANCEL_DONE, STAYS, NULL},
        {EXECUTION_CANCELED, EXECUTION_CANCEL_UNKNOWN, STAYS, NULL},
};
enum { EXECUTION_MOVES = sizeof(execution_moves) / sizeof(execution_moves[0]) };

/* Was it ever handed to an agent? Before that, whatever an agent says of it is not believed. */
static bool may_have_been_sent(enum execution_state state)
{
	return state != EXECUTION_NONE && state != EXECUTION_WAITING_CONSENT &&
	       state != EXECUTION_QUEUED && state != EXECUTION_REMOVED;
}

enum verdict execution_next(enum execution_state from, enum execution_event event,
        const struct execution_facts *facts, enum execution_state *to)
{
	*to = from;
	for (size_t i = 0; i < EXECUTION_MOVES; i++) {
		const struct execution_move *m = &execution_moves[i];
		if (m->from != from || m->event != event || (m->guard != NULL && !m->guard(facts)))
			continue;
		if (m->to == STAYS)
			return VERDICT_NOTED;
		*to = m->to;
		return VERDICT_MOVE;
	}
	if (execution_event_is_agents(event) && may_have_been_sent(from))
		return VERDICT_CONFLICT;
	return VERDICT_REFUSED;
}

bool execution_event_is_agents(enum execution_event event)
{
	return event >= EXECUTION_RECEIPT && event < EXECUTION_EVENTS;
}

bool request_ended(enum request_state state)
{
	return state == REQUEST_CANCELED || state == REQUEST_DENIED || state == REQUEST_LAPSED ||
	       state == REQUEST_ABORTED || state == REQUEST_COMPLETED;
}

bool execution_ended(enum execution_state state)
{
	switch (state) {
	case EXECUTION_REJECTED:
	case EXECUTION_EXPIRED:
	case EXECUTION_CANCELED:
	case EXECUTION_REMOVED:
	case EXECUTION_SUCCEEDED:
	case EXECUTION_FAILED:
	case EXECUTION_UNKNOWN:
		return true;
	default:
		return false;
	}
}

bool execution_live(enum execution_state state)
{
	return state == EXECUTION_SENT || state == EXECUTION_RESENDING ||
	       state == EXECUTION_DELIVERED || state == EXECUTION_IN_PROGRESS ||
	       state == EXECUTION_CANCEL_REQUESTED;
}

/* ---- names */

static const char *const request_names[REQUEST_STATES] = {
        [REQUEST_NONE] = "",
        [REQUEST_PENDING_APPROVAL] = "pending-approval",
        [REQUEST_SCHEDULED] = "scheduled",
        [REQUEST_ACTIVE] = "active",
        [REQUEST_CANCELING] = "canceling",
        [REQUEST_CANCELED] = "canceled",
        [REQUEST_DENIED] = "denied",
        [REQUEST_LAPSED] = "lapsed",
        [REQUEST_ABORTED] = "aborted",
        [REQUEST_COMPLETED] = "completed",
};
static const char *const execution_names[EXECUTION_STATES] = {
        [EXECUTION_NONE] = "",
        [EXECUTION_REJECTED] = "rejected",
        [EXECUTION_WAITING_CONSENT] = "waiting-consent",
        [EXECUTION_QUEUED] = "queued",
        [EXECUTION_EXPIRED] = "expired",
        [EXECUTION_CANCELED] = "canceled",
        [EXECUTION_REMOVED] = "removed",
        [EXECUTION_SENT] = "sent",
        [EXECUTION_RESENDING] = "resending",
        [EXECUTION_DELIVERED] = "delivered",
        [EXECUTION_IN_PROGRESS] = "in-progress",
        [EXECUTION_SUCCEEDED] = "succeeded",
        [EXECUTION_FAILED] = "failed",
        [EXECUTION_UNKNOWN] = "unknown",
        [EXECUTION_CANCEL_REQUESTED] = "cancel-requested",
};
static const char *const event_names[EXECUTION_EVENTS] = {
        [EXECUTION_REFUSE] = "rejected",
        [EXECUTION_ASK] = "waiting-consent",
        [EXECUTION_QUEUE] = "queued",
        [EXECUTION_AGREE] = "agreed",
        [EXECUTION_DISAGREE] = "disagreed",
        [EXECUTION_DEADLINE] = "deadline",
        [EXECUTION_CANCEL] = "cancel",
        [EXECUTION_WITHDRAW] = "withdrawn",
        [EXECUTION_SEND] = "sent",
        [EXECUTION_NO_RECEIPT] = "no-receipt",
        [EXECUTION_RUN_TIMEOUT] = "run-timeout",
        [EXECUTION_RECEIPT] = "receipt",
        [EXECUTION_START] = "start",
        [EXECUTION_STEP] = "step",
        [EXECUTION_SUCCEED] = "succeeded",
        [EXECUTION_FAIL] = "failed",
        [EXECUTION_AGENT_REJECT] = "agent-rejected",
        [EXECUTION_AGENT_EXPIRE] = "agent-expired",
        [EXECUTION_IN_DOUBT] = "in-doubt",
        [EXECUTION_CANCEL_DONE] = "cancel-done",
        [EXECUTION_CANCEL_TOO_LATE] = "cancel-too-late",
        [EXECUTION_CANCEL_UNKNOWN] = "cancel-unknown",
};

const char *request_state_name(enum request_state state)
{
	return (unsigned)state < REQUEST_STATES ? request_names[state] : "";
}

bool request_state_read(const char *name, enum request_state *state)
{
	for (int i = REQUEST_NONE + 1; i < REQUEST_STATES; i++) {
		if (strcmp(request_names[i], name) == 0) {
			*state = (enum request_state)i;
			return true;
		}
	}
	return false;
}

const char *execution_state_name(enum execution_state state)
{
	return (unsigned)state < EXECUTION_STATES ? execution_names[state] : "";
}

bool execution_state_read(const char *name, enum execution_state *state)
{
	for (int i = EXECUTION_NONE + 1; i < EXECUTION_STATES; i++) {
		if (strcmp(execution_names[i], name) == 0) {
			*state = (enum execution_state)i;
			return true;
		}
	}
	return false;
}

const char *execution_event_name(enum execution_event event)
{
	return (unsigned)event < EXECUTION_EVENTS ? event_names[event] : "";
}

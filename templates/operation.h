/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation.h: the support site's pages about operations.
 *
 *   GET  /operations                    operations_page
 *   GET  /devices/:id/operation         operation_new_page
 *   POST /devices/:id/operation         fields kind, strength, purpose, key → /operations/:id
 *   GET  /operations/:id                operation_page (the request's id, "rq_…")
 *   POST /operations/:id/cancel         before it is sent
 */
#ifndef FLEETPORT_TEMPLATES_OPERATION_H
#define FLEETPORT_TEMPLATES_OPERATION_H

#include "templates/page.h"

struct operations_page {
	struct layout layout;
	struct operation_row *rows;
	size_t count;
	struct pager pager;
};

struct kind_choice {
	const char *kind;  /* "get-status", "head-cleaning", "diagnosis" */
	const char *class; /* "query", "safe", "consuming" */
	bool possible;
	const char *obstacle; /* a sentence: why not; if possible, what it will wait for, or NULL */
};

struct operation_new_page {
	struct layout layout;
	struct device_row device;
	struct kind_choice *kinds;
	size_t kind_count;
	const char *kind;     /* chosen before, "" at first */
	const char *strength; /* "light", "normal", "heavy" */
	const char *purpose;  /* what was typed, "" at first */
	const char *key;      /* idempotency key: a double click is one operation */
	const char *error;    /* a sentence, or NULL */
};

struct operation_step {
	int64_t at;
	const char *source; /* "support", "dispatch", "agent", "timer", "console" */
	const char *event;  /* "queued", "sent", "receipt" … */
	const char *to_state;
	const char *text; /* more about it, or NULL */
};

/* Is there anything to send? */
static inline bool any_possible(const struct operation_new_page *p)
{
	for (size_t i = 0; i < p->kind_count; i++) {
		if (p->kinds[i].possible)
			return true;
	}
	return false;
}

/* What the agent read from the device itself, before or after it acted. */
struct evidence_supply {
	const char *name;
	int percent;             /* or SUPPLY_UNKNOWN */
	const char *level_state; /* "some-remaining" …, or NULL */
};

struct evidence_view {
	int64_t acquired_at;  /* 0: not told */
	const char *state;    /* "idle" …, "" if not told */
	const char **reasons; /* keywords without suffix */
	size_t reason_count;
	struct evidence_supply *supplies;
	size_t supply_count;
};

struct execution_view {
	const char *id; /* "op_…" */
	const char *device_id, *device;
	const char *serial; /* NULL: it has none */
	const char *state;
	const char *code;    /* why rejected or failed, or NULL */
	const char *message; /* in words, or NULL */
	int percent;         /* SUPPLY_UNKNOWN: not told */
	const char *step_text;
	bool verified, late;
	int64_t not_after, created_at, sent_at, delivered_at, started_at, ended_at;
	const struct evidence_view *before, *after; /* NULL: none */
	struct operation_step *steps;
	size_t step_count;
};

struct operation_page {
	struct layout layout;
	const char *id; /* "rq_…" */
	const char *kind;
	const char *purpose;
	const char *person, *organisation;
	int64_t created_at;
	bool ended;
	bool may_cancel;
	struct execution_view *executions;
	size_t execution_count;
};

/* Has any of it gone out? */
static inline bool was_sent(const struct operation_page *p)
{
	for (size_t i = 0; i < p->execution_count; i++) {
		if (p->executions[i].sent_at != 0)
			return true;
	}
	return false;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h: what an agent says about operations and about itself: events and presence. Both sides of
 * the wire (agent-protocol.md, Remote operations). These are the payloads; the signed envelope
 * around them is envelope.h. (The will is a bare presence payload.)
 */
#ifndef FLEETPORT_LIB_EVENT_H
#define FLEETPORT_LIB_EVENT_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_SCHEMA    "fleetport.event/1"
#define PRESENCE_SCHEMA "fleetport.presence/1"

enum {
	EVENT_PAYLOAD_MAX = 48000,
	EVENT_SEQ_MAX = 1000000,
	EVENT_JOURNAL_MAX = 200, /* entries of one journal event */
	EVENT_TEXT_MAX = 500, /* bytes of step text and message; longer ones are cut when written */
	EVENT_EVIDENCE_MAX = 16000, /* bytes of each of before and after */
	PRESENCE_KINDS = 32,
};

enum event_type {
	EVENT_RECEIPT,
	EVENT_START,
	EVENT_STEP,
	EVENT_RESULT,
	EVENT_CANCEL_RESULT,
	EVENT_IN_DOUBT,
	EVENT_JOURNAL,
	EVENT_TYPES,
};

enum event_outcome {
	OUTCOME_SUCCEEDED,
	OUTCOME_FAILED,
	OUTCOME_REJECTED,
	OUTCOME_EXPIRED,
	OUTCOMES
};
enum event_cancel { CANCEL_CANCELED, CANCEL_TOO_LATE, CANCEL_UNKNOWN, CANCELS };
enum event_phase { PHASE_RECEIVED, PHASE_STARTED, PHASE_FINISHED, PHASES };

/* Why an agent rejects by itself (agent-protocol.md). */
enum event_code {
	CODE_NONE,
	CODE_DEVICE_NOT_LISTED,
	CODE_BUSY,
	CODE_INK_LOW,
	CODE_MAINTENANCE_BOX_FULL,
	CODE_COOLING_DOWN,
	CODE_NOT_CAPABLE,
	CODE_SWITCHED_OFF_LOCALLY,
	CODE_UNREACHABLE,
	CODE_WRONG_DEVICE,
	CODE_CLOCK,
	CODE_BAD_SIGNATURE,
	CODE_NOT_FOR_ME,
	CODE_TOO_LATE,
	CODES,
};

struct event_journal_entry {
	const char *operation_id;
	int64_t attempt;
	enum event_phase phase;
	int64_t at;
};

struct event {
	enum event_type type;
	const char *agent_id;
	const char *operation_id; /* not for journal */
	int64_t attempt;          /* not for journal */
	int64_t seq;              /* 1, 2 … within (operation, attempt); 0 for journal */
	int64_t at;               /* ms, by the agent's clock corrected to the server's */
	/* step */
	int percent;      /* 0 … 100, or -1: not known */
	const char *text; /* "" where there is none */
	/* result */
	enum event_outcome outcome;
	const char
	        *code; /* a code's name, or a word of the agent's own ([a-z0-9-], at most 40); "" */
	const char *message; /* "" where there is none */
	const char *before;  /* evidence: JSON objects as text, or NULL */
	const char *after;
	const char *report_id; /* of the fresh report that was sent, or NULL */
	/* cancel-result */
	enum event_cancel cancel;
	/* journal */
	const struct event_journal_entry *entries;
	size_t entry_count;
};

const char *event_type_name(enum event_type type);    /* "cancel-result" */
const char *event_outcome_name(enum event_outcome o); /* "succeeded" */
const char *event_cancel_name(enum event_cancel c);   /* "too-late" */
const char *event_phase_name(enum event_phase p);     /* "started" */
const char *event_code_name(enum event_code code);    /* "ink-low"; "" for CODE_NONE */

/* Appends the payload. ERR_INVALID: members that no reader would take; ERR_LIMIT, ERR_MEMORY. */
bool event_write(const struct event *event, struct buf *payload, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Reads a payload (signature checked before, for EVENT_SCHEMA). Texts live in the arena.
 * ERR_INVALID with the JSON path. Unknown members are ignored. */
bool event_read(const char *payload, size_t len, struct arena *arena, struct event *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 3, 4)));

struct presence {
	const char *agent_id;
	bool online;
	int64_t at;
	const char *version;
	const char *kinds[PRESENCE_KINDS]; /* operation kinds that the agent can do */
	size_t kind_count;
};

bool presence_write(const struct presence *p, struct buf *payload, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
bool presence_read(const char *payload, size_t len, struct arena *arena, struct presence *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 3, 4)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation.h: what the server sends to an agent: an operation, a cancel, an ack; and the kinds of
 * operation there are. Both sides of the wire (agent-protocol.md, Remote operations). These are the
 * payloads; the signed envelope around them is envelope.h.
 */
#ifndef FLEETPORT_LIB_OPERATION_H
#define FLEETPORT_LIB_OPERATION_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPERATION_SCHEMA "fleetport.operation/1"
#define CANCEL_SCHEMA    "fleetport.cancel/1"
#define ACK_SCHEMA       "fleetport.ack/1"

enum {
	OPERATION_MAX = 65536,         /* bytes of an envelope with its payload */
	OPERATION_PAYLOAD_MAX = 48000, /* so that its base64 fits in */
	OPERATION_ATTEMPT_MAX = 1000000,
	OPERATION_TOPIC_SIZE = 64,
};

/* What may go wrong by doing it twice. */
enum operation_class { OPERATION_QUERY, OPERATION_SAFE, OPERATION_CONSUMING, OPERATION_CLASSES };

struct operation_kind {
	const char *name; /* "get-status" */
	enum operation_class class;
	bool stoppable;       /* a started one can be stopped */
	unsigned run_seconds; /* how long it may run */
};

/* The kinds, in the order in which they are shown; *count of them. */
const struct operation_kind *operation_kinds(size_t *count);
/* NULL: there is no such kind. */
const struct operation_kind *operation_kind_find(const char *name);
/* "query", "safe", "consuming"; and back: false if it is none. */
const char *operation_class_name(enum operation_class class);
bool operation_class_read(const char *name, enum operation_class *class);

/* Whether the JSON object `parameters` (text) fits the kind; ERR_INVALID says what does not. On
 * true the canonical text is in *canonical (arena): known members only, in a fixed order. */
bool operation_parameters(const struct operation_kind *kind, const char *parameters,
        struct arena *arena, const char **canonical, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

enum operation_message { MESSAGE_OPERATION, MESSAGE_CANCEL, MESSAGE_ACK, OPERATION_MESSAGES };

struct operation {
	enum operation_message message;
	const char *agent_id;     /* "ag_…" */
	const char *operation_id; /* "op_…" */
	int64_t attempt;          /* 1 … */
	/* operation and cancel */
	int64_t issued_at; /* ms */
	int64_t not_after; /* ms: beyond it nothing is begun */
	/* operation */
	const struct operation_kind *kind; /* of a read one: NULL if the kind is unknown here */
	const char *kind_name;             /* of a read one; writing takes kind->name */
	const char *identity_kind, *identity_value;
	const char *manufacturer, *model; /* "" where unknown */
	const char *parameters;           /* JSON object as text */
	int64_t run_seconds;
	/* ack */
	int64_t seq;
};

/* The schema that a message carries and that its signature covers. */
const char *operation_schema(enum operation_message message);

/* Appends the payload. ERR_INVALID: members that no reader would take; ERR_LIMIT, ERR_MEMORY. */
bool operation_write(const struct operation *o, struct buf *payload, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Reads a payload whose signature was good for the schema of `message`. Texts live in the arena.
 * ERR_INVALID with the JSON path: malformed; unknown members are ignored. The kind and its
 * parameters are not judged here: an agent answers those with `not-capable`. */
bool operation_read(const char *payload, size_t len, enum operation_message message,
        struct arena *arena, struct operation *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 4, 5)));

/* "fleetport/1/A/operation" and its like. leaf: "operation", "event", "presence". Returns out. */
const char *operation_topic(const char *agent_id, const char *leaf, char out[OPERATION_TOPIC_SIZE]);

/* Takes "fleetport/1/A/leaf" apart: A (an agent id) into agent_id. false: not that. */
bool operation_topic_read(const char *topic, const char *leaf, char agent_id[32])
        __attribute__((warn_unused_result, nonnull));

#endif

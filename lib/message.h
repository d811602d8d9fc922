/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h: what operation.c and event.c share: members of a JSON object, checked and copied into
 * an arena, and refused with their JSON path.
 */
#ifndef FLEETPORT_LIB_MESSAGE_H
#define FLEETPORT_LIB_MESSAGE_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_OPTIONAL = 0, MESSAGE_REQUIRED = 1 };

/* Parses a payload and checks that it is an object with this schema. NULL on failure. */
struct json *message_parse(const char *payload, size_t len, size_t max, const char *schema,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 4)));

/* A text of at most max bytes without control characters (line feed and tab aside). A missing
 * optional one gives "". */
bool message_text(const struct json *object, const char *name, bool required, size_t max,
        struct arena *arena, const char **out, struct err *e) __attribute__((warn_unused_result));

/* A public id with this prefix. */
bool message_id(const struct json *object, const char *name, const char *prefix,
        struct arena *arena, const char **out, struct err *e) __attribute__((warn_unused_result));

/* An integer within [min, max]. */
bool message_int(const struct json *object, const char *name, int64_t min, int64_t max,
        int64_t *out, struct err *e) __attribute__((warn_unused_result));

/* A time (RFC 3339) in ms. */
bool message_time(const struct json *object, const char *name, int64_t *out, struct err *e)
        __attribute__((warn_unused_result));

/* One of the words; *out is its place. */
bool message_word(const struct json *object, const char *name, const char *const *words,
        size_t count, int *out, struct err *e) __attribute__((warn_unused_result));

/* An object, as compact JSON text of at most max bytes. A missing one gives NULL. */
bool message_object(const struct json *object, const char *name, size_t max, struct arena *arena,
        const char **out, struct err *e) __attribute__((warn_unused_result));

/* Building: each gives false only for want of memory. */
bool message_add_time(struct json *object, const char *name, int64_t ms);
/* text: a JSON object. ERR_INVALID if it is none, or larger than max. */
bool message_add_object(struct json *object, const char *name, const char *text, size_t max,
        struct err *e) __attribute__((warn_unused_result));

/* Prints, and frees, the object. ok false: only frees; ERR_MEMORY unless *e says more. */
bool message_finish(struct json *object, bool ok, size_t max, struct buf *payload, struct err *e)
        __attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h: strict JSON (RFC 8259) over cJSON.
 *
 * Refused, each with its reason and place (a JSON path such as "$.devices[3].model"): more bytes,
 * depth or values than the limits say; bad UTF-8; a byte order mark; NUL bytes and "\u0000"; lone
 * surrogates; raw control characters; duplicate names in one object; numbers that are not JSON
 * numbers, are not finite, or are integers beyond 2^53; anything after the value. Names are
 * compared with case.
 *
 * A value belongs to its document: json_free() the root only. What was parsed is only read; json_add_*()
 * are for documents that began with json_new_object() or json_new_array().
 */
#ifndef FLEETPORT_LIB_JSON_H
#define FLEETPORT_LIB_JSON_H

#include "lib/buf.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json; /* a value, or a whole document */

struct json_limits {
	size_t bytes;
	unsigned depth; /* of nested objects and arrays; the root counts 1 */
	size_t values;  /* all values in the document */
};

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Parses text[0..len). NULL on failure: ERR_LIMIT (too large, too deep, too many), ERR_INVALID,
 * ERR_MEMORY. Free the result with json_free(). */
struct json *json_parse(const char *text, size_t len, const struct json_limits *limits,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 3)));

/* Frees a document. NULL is allowed. */
void json_free(struct json *root);

/* The same for a parsed document that held a secret: all of it is overwritten first. */
void json_wipe(struct json *root);

enum json_type json_type_of(const struct json *value);

/* The member of an object, or NULL: not there, or not an object. object may be NULL. */
const struct json *json_get(const struct json *object, const char *name);

/* Each gives false when value is NULL or of another type; *out is then unchanged. */
bool json_as_bool(const struct json *value, bool *out);
bool json_as_double(const struct json *value, double *out);
bool json_as_i64(const struct json *value, int64_t *out); /* integers only, |n| <= 2^53 */

/* The text of a string (NUL-terminated, valid UTF-8, no NUL inside), or NULL if it is none. Lives
 * as long as the document. */
const char *json_as_string(const struct json *value);

/* Elements of an array, or members of an object; 0 for anything else. */
size_t json_count(const struct json *value);

/* Walks elements or members in order: first child, next sibling; NULL at the end. */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *value);

/* The name of a member, or NULL for an element or root. */
const char *json_name(const struct json *value);

/* Building. The json_add_… functions append a member to an object, or with name NULL an element to
 * an array; on no memory they return NULL / false and the document is as it was. Strings must be
 * valid UTF-8 (false otherwise). json_add_object/array return the new container, owned by the root.
 */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_add_object(struct json *to, const char *name);
struct json *json_add_array(struct json *to, const char *name);
bool json_add_string(struct json *to, const char *name, const char *text);
bool json_add_i64(struct json *to, const char *name, int64_t number); /* |n| <= 2^53, else false */
bool json_add_double(struct json *to, const char *name, double number); /* finite, else false */
bool json_add_bool(struct json *to, const char *name, bool truth);
bool json_add_null(struct json *to, const char *name);

/* A deep copy of value under name (NULL: as an element). */
bool json_add_copy(struct json *to, const char *name, const struct json *value);

/* Appends the document to b, compact (no spaces) or indented for people. false: no memory, or b
 * full. */
bool json_print(const struct json *root, bool indented, struct buf *b);

#endif

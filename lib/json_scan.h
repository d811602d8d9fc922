/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_scan.h: the grammar. Shared by the files of lib/json; nobody else includes it.
 */
#ifndef FLEETPORT_LIB_JSON_SCAN_H
#define FLEETPORT_LIB_JSON_SCAN_H

#include "lib/json.h"

#include <math.h>

enum {
	JSON_DEPTH_MAX = 64,  /* more than any limit that callers may ask for */
	JSON_PATH_BYTES = 160 /* of a path shown in an error */
};

#define JSON_EXACT_INTEGERS 9007199254740992.0 /* 2^53: up to here a double holds each integer */

/* Whether number is an integer that JSON readers agree on. */
static inline bool json_is_integer(double number)
{
	return fabs(number) <= JSON_EXACT_INTEGERS && (double)(int64_t)number == number;
}

/* Holds text[0..len) against the whole grammar and the limits (all but the bytes), repeated names
 * left out. limits->depth is at most JSON_DEPTH_MAX. false: ERR_LIMIT or ERR_INVALID, with the
 * place. */
bool json_scan(const char *text, size_t len, const struct json_limits *limits, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3)));

/* Appends a member to the path of an error: ".name", or "[?]" for one that is not plain letters. */
void json_path_name(struct buf *path, const char *name, size_t len) __attribute__((nonnull(1, 2)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.h: strict reading of small texts: numbers, times, UTF-8, ids.
 *
 * The whole text must fit; there is no skipping of blanks, no locale, no partial success. On false
 * *out is unchanged. Nothing here allocates.
 */
#ifndef FLEETPORT_LIB_PARSE_H
#define FLEETPORT_LIB_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decimal integer: an optional '-', then digits without needless leading zeros ("0", "-7", never
 * "+7", "007", "-0"), within [min, max]. */
bool parse_int(const char *text, int64_t min, int64_t max, int64_t *out)
        __attribute__((warn_unused_result, nonnull));
bool parse_int_n(const char *text, size_t len, int64_t min, int64_t max, int64_t *out)
        __attribute__((warn_unused_result, nonnull));

/* A decimal number as JSON writes it ("-1.5e3"), finite. */
bool parse_double(const char *text, double *out) __attribute__((warn_unused_result, nonnull));

/* Times: RFC 3339, as milliseconds since 1970-01-01T00:00Z. Reading takes any offset ("Z",
 * "+02:00") and any number of fraction digits (cut to milliseconds); years 1970 to 9999; a leap
 * second (":60") reads as the next second. */
bool parse_time(const char *text, int64_t *ms) __attribute__((warn_unused_result, nonnull));

/* Writes "2026-11-22T09:00:00.000Z". ms must lie in the years 1970 to 9999 (asserted). Returns out.
 */
enum { PARSE_TIME_SIZE = 25 };
const char *parse_time_text(int64_t ms, char out[PARSE_TIME_SIZE]);

/* Whether text[0..len) is UTF-8 (RFC 3629): shortest forms only, no surrogates, at most U+10FFFF.
 * NUL bytes are valid UTF-8; who minds must look for them. */
bool parse_utf8(const char *text, size_t len) __attribute__((warn_unused_result, nonnull));

/* The length in bytes (1–4) of the character at the start of text[0..len), or 0 if there is none
 * that is valid. *code (may be NULL): its code point. */
size_t parse_utf8_next(const char *text, size_t len, uint32_t *code) __attribute__((nonnull(1)));

/* Whether text is a public id: prefix ("ag_"), then 22 letters and digits (crypto_random_id). */
bool parse_public_id(const char *text, const char *prefix)
        __attribute__((warn_unused_result, nonnull));

/* Whether text is a UUID in its usual form, lower or upper case. */
bool parse_uuid(const char *text) __attribute__((warn_unused_result, nonnull));

#endif

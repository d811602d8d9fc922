/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_reader.h: what the files of the strict reader (report_read*.c) share; nobody else includes
 * it.
 *
 * Each reader_…() gives false when the value does not fit, with its path in the reader's error, or
 * when there is no memory. Texts that they hand out are the arena's.
 */
#ifndef FLEETPORT_LIB_REPORT_READER_H
#define FLEETPORT_LIB_REPORT_READER_H

#include "lib/json.h"
#include "lib/report_fields.h"

/* Where we are in the document, for messages; the frames live on the stack. */
struct place {
	const struct place *parent; /* NULL: the root is above */
	const char *name;           /* a member, or NULL: an element */
	size_t index;
};

struct reader {
	struct arena *arena;
	struct report *report;
	int64_t now;
	struct err *e;
	bool out_of_memory;
	int reject; /* why the device at hand is refused; 0: not-valid */
};

/* ---- report_read_values.c */

/* Says what is wrong at place (NULL: the root). Always false. */
bool reader_fault(struct reader *r, const struct place *place, const char *what);

/* Notes that memory is out. Always false. */
bool reader_no_memory(struct reader *r);

/* Adds a warning to the report, or counts it when there are REPORT_WARNINGS_MAX already. message is
 * kept as it is. false: no memory. */
bool reader_warn(struct reader *r, const struct place *place, const char *message);

/* One line of text of at most max bytes; *out is NULL for an empty one. */
bool reader_text(struct reader *r, const struct place *place, const struct json *value, size_t max,
        const char **out);

/* As reader_text(): letters, digits and hyphens only, handed out in upper case. max is below 64. */
bool reader_code(struct reader *r, const struct place *place, const struct json *value, size_t max,
        const char **out);

/* One of the words; *out is its number. */
bool reader_word(struct reader *r, const struct place *place, const struct json *value,
        const struct words *words, int *out);

/* A whole number from 0 to 2^53. */
bool reader_int(struct reader *r, const struct place *place, const struct json *value,
        struct report_int *out);

/* A number from 0 to 1e15. */
bool reader_amount(
        struct reader *r, const struct place *place, const struct json *value, double *out);

/* A time between 1970 and 2100, in milliseconds. */
bool reader_time(struct reader *r, const struct place *place, const struct json *value,
        struct report_int *out);

/* The name of a member (value) that is itself a value: one line, not empty. */
bool reader_key(
        struct reader *r, const struct place *place, const struct json *value, const char **out);

/* Checks that value is of this kind (array or object) with at most max entries, and makes room for
 * them, each of size bytes; *count is 0, and *items NULL when there are none. */
bool reader_make_list(struct reader *r, const struct place *place, const struct json *value,
        enum json_type type, size_t max, size_t size, void **items, size_t *count);

/* ---- report_read_lists.c: *count is how many were kept */

/* An array of keywords, "none" left out. */
bool reader_words(struct reader *r, const struct place *place, const struct json *value, size_t max,
        const char ***items, size_t *count);

/* An array of state reasons (report.h), "none" left out. */
bool reader_reasons(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_reason **items, size_t *count);

/* {colour: millilitres}. */
bool reader_amounts(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_amount **items, size_t *count);

/* ---- report_read_settings.c */

/* {name: text, number or truth}, at most max. */
bool reader_settings(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_settings *out);

/* ---- report_read_supplies.c */

/* What a supply leaves unsaid gets a word of its own, so that nobody has to guess later. false: an
 * index is out of range or repeated; place is the device's. */
bool reader_finish_supplies(
        struct reader *r, const struct place *place, struct report_device *device);

/* ---- report_read_fields.c */

/* An object whose members the table names, into the struct at base. */
bool reader_object(struct reader *r, const struct place *place, const struct json *value,
        const struct field *fields, void *base);

#endif

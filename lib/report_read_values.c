/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_read_values.c: what the values of a report have in common: each is held to its kind and
 * bounds, and a fault is told with its place.
 */
#include "lib/parse.h"
#include "lib/report_reader.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 200, KEY_BYTES = 128 };
static const int64_t TIME_END_MS = 4102444800000; /* 2100-01-01 */
static const int64_t INT_MAX_JSON = 9007199254740992;

/* ---- faults and warnings */

static void path_text(const struct place *place, char out[PATH_BYTES])
{
	const struct place *chain[REPORT_DEPTH_MAX + 2] = {NULL};
	size_t depth = 0, at;

	for (; place && depth < sizeof chain / sizeof chain[0]; place = place->parent)
		chain[depth++] = place;
	at = (size_t)snprintf(out, PATH_BYTES, "$");
	while (depth-- > 0 && at < PATH_BYTES) {
		int n = chain[depth]->name
		                ? snprintf(out + at, PATH_BYTES - at, ".%.64s", chain[depth]->name)
		                : snprintf(out + at, PATH_BYTES - at, "[%zu]", chain[depth]->index);
		at += (size_t)n;
	}
}

bool reader_fault(struct reader *r, const struct place *place, const char *what)
{
	char path[PATH_BYTES];

	path_text(place, path);
	return err_set(r->e, ERR_INVALID, "%s: %s", path, what);
}

bool reader_no_memory(struct reader *r)
{
	r->out_of_memory = true;
	return err_set(r->e, ERR_MEMORY, "no memory for the report");
}

bool reader_warn(struct reader *r, const struct place *place, const char *message)
{
	struct report_warning *w;
	char path[PATH_BYTES];

	if (r->report->warning_count == REPORT_WARNINGS_MAX) {
		r->report->warnings_dropped++;
		return true;
	}
	path_text(place, path);
	w = &r->report->warnings[r->report->warning_count];
	w->path = arena_strdup(r->arena, path);
	w->message = message;
	if (!w->path)
		return reader_no_memory(r);
	r->report->warning_count++;
	return true;
}

/* ---- values */

/* One line of text for people: no control characters (UTF-8 itself json_parse has checked). */
static bool plain(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x20 || p[i] == 0x7f)
			return false;
		if (p[i] == 0xc2 && p[i + 1] < 0xa0)
			return false;
	}
	return true;
}

bool reader_text(struct reader *r, const struct place *place, const struct json *value, size_t max,
        const char **out)
{
	const char *text = json_as_string(value);
	size_t len;

	if (!text)
		return reader_fault(r, place, "must be a text");
	len = strlen(text);
	if (len > max)
		return reader_fault(r, place, "is too long");
	if (!plain(text, len))
		return reader_fault(r, place, "has control characters");
	*out = NULL;
	if (len > 0 && !(*out = arena_copy(r->arena, text, len)))
		return reader_no_memory(r);
	return true;
}

bool reader_code(struct reader *r, const struct place *place, const struct json *value, size_t max,
        const char **out)
{
	char upper[64];
	size_t i = 0;

	assert(max < sizeof upper);
	if (!reader_text(r, place, value, max, out))
		return false;
	for (const char *p = *out; p && *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			return reader_fault(r, place, "must be letters and digits");
		upper[i++] = (char)toupper((unsigned char)*p);
	}
	if (*out && !(*out = arena_copy(r->arena, upper, i)))
		return reader_no_memory(r);
	return true;
}

/* "ink-cartridge" for "inkCartridge" too: IPP writes RFC 3805's words with hyphens. */
static bool same_word(const char *name, const char *text)
{
	for (; *name && *text; name++, text++) {
		if (*text == '-' && isupper((unsigned char)*name))
			text++;
		else if (*name != *text)
			return false;
		else
			continue;
		if (tolower((unsigned char)*name) != *text)
			return false;
	}
	return *name == *text;
}

bool reader_word(struct reader *r, const struct place *place, const struct json *value,
        const struct words *words, int *out)
{
	const char *text = json_as_string(value);

	if (!text)
		return reader_fault(r, place, "must be a text");
	for (int i = 0; i < words->count; i++) {
		if (words->names[i] && same_word(words->names[i], text)) {
			*out = i;
			return true;
		}
	}
	return reader_fault(r, place, "is not one of the words allowed here");
}

bool reader_int(struct reader *r, const struct place *place, const struct json *value,
        struct report_int *out)
{
	if (!json_as_i64(value, &out->value))
		return reader_fault(r, place, "must be a whole number");
	if (out->value < 0 || out->value > INT_MAX_JSON)
		return reader_fault(r, place, "must not be negative");
	out->set = true;
	return true;
}

bool reader_amount(
        struct reader *r, const struct place *place, const struct json *value, double *out)
{
	if (!json_as_double(value, out))
		return reader_fault(r, place, "must be a number");
	if (*out < 0 || *out > 1e15)
		return reader_fault(r, place, "must be between 0 and 1e15");
	return true;
}

bool reader_time(struct reader *r, const struct place *place, const struct json *value,
        struct report_int *out)
{
	const char *text = json_as_string(value);

	if (!text || !parse_time(text, &out->value))
		return reader_fault(r, place, "must be a time, as 2026-11-22T09:00:00.000Z");
	if (out->value < 0 || out->value >= TIME_END_MS)
		return reader_fault(r, place, "must be a time between 1970 and 2100");
	out->set = true;
	return true;
}

bool reader_key(
        struct reader *r, const struct place *place, const struct json *value, const char **out)
{
	const char *name = json_name(value);
	size_t len = strlen(name);

	if (len == 0 || len > KEY_BYTES || !plain(name, len))
		return reader_fault(
		        r, place, "has a name that is empty, too long or not plain text");
	if (!(*out = arena_copy(r->arena, name, len)))
		return reader_no_memory(r);
	return true;
}

bool reader_make_list(struct reader *r, const struct place *place, const struct json *value,
        enum json_type type, size_t max, size_t size, void **items, size_t *count)
{
	size_t n = json_count(value);

	if (json_type_of(value) != type)
		return reader_fault(
		        r, place, type == JSON_ARRAY ? "must be an array" : "must be an object");
	if (n > max)
		return reader_fault(r, place, "has too many entries");
	*count = 0;
	*items = NULL;
	if (n > 0 && !(*items = arena_array(r->arena, n, size)))
		return reader_no_memory(r);
	return true;
}

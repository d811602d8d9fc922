/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_read_lists.c: what a report lists in forms of its own: keywords, state reasons, amounts by
 * colour.
 */
#include "lib/report_reader.h"

#include <string.h>

bool reader_words(struct reader *r, const struct place *place, const struct json *value, size_t max,
        const char ***items, size_t *count)
{
	struct place here = {.parent = place};
	void *made;

	if (!reader_make_list(r, place, value, JSON_ARRAY, max, sizeof **items, &made, count))
		return false;
	*items = made;
	for (const struct json *v = json_first(value); v; v = json_next(v), here.index++) {
		if (!reader_text(r, &here, v, 255, &(*items)[*count]))
			return false;
		if (!(*items)[*count])
			return reader_fault(r, &here, "must not be empty");
		if (strcmp((*items)[*count], "none") != 0)
			(*count)++;
	}
	return true;
}

/* Takes IPP's severity suffix off; without one it is an error (RFC 8011, 5.4.12). */
static bool split_reason(struct reader *r, const char *text, struct report_reason *out)
{
	size_t len = strlen(text);

	out->severity = REPORT_ERROR;
	for (int s = REPORT_INFO; s <= REPORT_ERROR; s++) {
		const char *name = report_severity_name(s);
		size_t n = strlen(name) + 1;

		if (len > n && text[len - n] == '-' && strcmp(text + len - n + 1, name) == 0) {
			out->severity = s;
			len -= n;
			break;
		}
	}
	out->keyword = arena_copy(r->arena, text, len);
	return out->keyword ? true : reader_no_memory(r);
}

static bool read_reason(struct reader *r, const struct place *place, const struct json *value,
        struct report_reason *out)
{
	const struct place keyword = {.parent = place, .name = "keyword"};
	const struct place severity = {.parent = place, .name = "severity"};
	const char *text = NULL;

	if (json_type_of(value) == JSON_OBJECT) {
		if (!reader_text(r, &keyword, json_get(value, "keyword"), 255, &out->keyword))
			return false;
		if (!out->keyword)
			return reader_fault(r, &keyword, "must not be empty");
		return reader_word(r, &severity, json_get(value, "severity"),
		        &report_severity_words, &out->severity);
	}
	if (!reader_text(r, place, value, 255, &text))
		return false;
	if (!text)
		return reader_fault(r, place, "must not be empty");
	return split_reason(r, text, out);
}

bool reader_reasons(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_reason **items, size_t *count)
{
	struct place here = {.parent = place};
	void *made;

	if (!reader_make_list(r, place, value, JSON_ARRAY, max, sizeof **items, &made, count))
		return false;
	*items = made;
	for (const struct json *v = json_first(value); v; v = json_next(v), here.index++) {
		struct report_reason *reason = &(*items)[*count];

		if (!read_reason(r, &here, v, reason))
			return false;
		if (strcmp(reason->keyword, "none") != 0)
			(*count)++;
	}
	return true;
}

bool reader_amounts(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_amount **items, size_t *count)
{
	void *made;

	if (!reader_make_list(r, place, value, JSON_OBJECT, max, sizeof **items, &made, count))
		return false;
	*items = made;
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		const struct place here = {.parent = place, .name = json_name(v)};
		struct report_amount *a = &(*items)[*count];

		if (!reader_key(r, &here, v, &a->color) || !reader_amount(r, &here, v, &a->ml))
			return false;
		(*count)++;
	}
	return true;
}

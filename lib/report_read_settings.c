/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_read_settings.c: a device's settings, whatever their names: each a text, a number or a truth.
 */
#include "lib/report_reader.h"

static bool read_setting(struct reader *r, const struct place *place, const struct json *value,
        struct report_setting *s)
{
	switch (json_type_of(value)) {
	case JSON_STRING:
		s->type = REPORT_SETTING_TEXT;
		if (!reader_text(r, place, value, 1024, &s->text))
			return false;
		if (!s->text)
			s->text = "";
		return true;
	case JSON_NUMBER:
		s->type = REPORT_SETTING_NUMBER;
		return json_as_double(value, &s->number) ||
		       reader_fault(r, place, "must be a number");
	case JSON_BOOL:
		s->type = REPORT_SETTING_BOOL;
		return json_as_bool(value, &s->truth) ||
		       reader_fault(r, place, "must be true or false");
	default:
		return reader_fault(r, place, "must be a text, a number, or true or false");
	}
}

bool reader_settings(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_settings *out)
{
	void *made;

	if (!reader_make_list(
	            r, place, value, JSON_OBJECT, max, sizeof *out->items, &made, &out->count))
		return false;
	out->items = made;
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		const struct place here = {.parent = place, .name = json_name(v)};
		struct report_setting *s = &out->items[out->count];

		if (!reader_key(r, &here, v, &s->name) || !read_setting(r, &here, v, s))
			return false;
		out->count++;
	}
	return true;
}

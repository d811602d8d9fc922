/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_read_fields.c: walks an object of the JSON beside its field table (report.c). What the
 * table does not name is dropped with a warning; what does not fit is an error.
 */
#include "lib/report_reader.h"

#include <string.h>

static bool read_list(struct reader *r, const struct place *place, const struct json *value,
        const struct field *f, void **items, size_t *count)
{
	struct place here = {.parent = place};

	if (!reader_make_list(r, place, value, JSON_ARRAY, f->max, f->size, items, count))
		return false;
	for (const struct json *v = json_first(value); v; v = json_next(v), here.index++) {
		if (!reader_object(r, &here, v, f->fields, (char *)*items + *count * f->size))
			return false;
		(*count)++;
	}
	return true;
}

static bool read_field(struct reader *r, const struct place *place, const struct json *value,
        const struct field *f, void *base)
{
	void *member = (char *)base + f->offset;
	size_t *count = (size_t *)(void *)((char *)base + f->count_offset);

	switch (f->kind) {
	case FIELD_TEXT:
		if (f->upper)
			return reader_code(r, place, value, f->max, member);
		return reader_text(r, place, value, f->max, member);
	case FIELD_WORD:
		return reader_word(r, place, value, f->words, member);
	case FIELD_INT:
		return reader_int(r, place, value, member);
	case FIELD_REAL: {
		struct report_real *real = member;
		return real->set = reader_amount(r, place, value, &real->value);
	}
	case FIELD_TIME:
		return reader_time(r, place, value, member);
	case FIELD_OBJECT:
		return reader_object(r, place, value, f->fields, base);
	case FIELD_LIST:
		return read_list(r, place, value, f, member, count);
	case FIELD_WORDS:
		return reader_words(r, place, value, f->max, member, count);
	case FIELD_REASONS:
		return reader_reasons(r, place, value, f->max, member, count);
	case FIELD_AMOUNTS:
		return reader_amounts(r, place, value, f->max, member, count);
	case FIELD_SETTINGS:
		return reader_settings(r, place, value, f->max, member);
	}
	return false;
}

/* The table's row of this name, looked for from *hint on: members come mostly in table order. */
static const struct field *find_field(const struct field *fields, const char *name, size_t *hint)
{
	for (size_t i = *hint; fields[i].name; i++) {
		if (strcmp(fields[i].name, name) == 0) {
			*hint = i + 1;
			return &fields[i];
		}
	}
	for (size_t i = 0; i < *hint; i++) {
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	}
	return NULL;
}

static bool is_set(const struct field *f, const void *base)
{
	const void *member = (const char *)base + f->offset;

	switch (f->kind) {
	case FIELD_TEXT:
		return *(const char *const *)member != NULL;
	case FIELD_WORD:
		return *(const int *)member != 0;
	case FIELD_INT:
	case FIELD_TIME:
		return ((const struct report_int *)member)->set;
	case FIELD_REAL:
		return ((const struct report_real *)member)->set;
	default:
		return true; /* containers: what is inside is checked by their own table */
	}
}

static bool check_required(struct reader *r, const struct place *place, const struct json *value,
        const struct field *fields, const void *base)
{
	for (const struct field *f = fields; f->name; f++) {
		const struct place here = {.parent = place, .name = f->name};

		if (!f->required)
			continue;
		if (!is_set(f, base) || (f->kind == FIELD_OBJECT && !json_get(value, f->name)))
			return reader_fault(r, &here, "is missing or empty");
	}
	return true;
}

static bool skipped(const struct place *place, const char *name)
{
	return !place && (strcmp(name, "schema") == 0 || strcmp(name, "devices") == 0);
}

bool reader_object(struct reader *r, const struct place *place, const struct json *value,
        const struct field *fields, void *base)
{
	size_t hint = 0;

	if (json_type_of(value) != JSON_OBJECT)
		return reader_fault(r, place, "must be an object");
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		const struct place here = {.parent = place, .name = json_name(v)};
		const struct field *f = find_field(fields, json_name(v), &hint);

		if (!f) {
			if (!skipped(place, json_name(v)) &&
			        !reader_warn(
			                r, &here, "this field is not known here and was dropped"))
				return false;
		} else if (json_type_of(v) == JSON_NULL) {
			continue; /* null is absent */
		} else if (!read_field(r, &here, v, f, base)) {
			return false;
		}
	}
	return check_required(r, place, value, fields, base);
}

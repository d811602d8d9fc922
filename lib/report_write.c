/* SPDX-License-Identifier: Apache-2.0 */
/* report_write.c: the writer, over the same field tables as the reader; absent members stay away.
 */
#include "lib/json.h"
#include "lib/parse.h"
#include "lib/report.h"
#include "lib/report_fields.h"

#include <stdio.h>
#include <string.h>

static bool write_object(struct json *to, const struct field *fields, const void *base);

static bool write_time(struct json *to, const char *name, int64_t ms)
{
	char text[PARSE_TIME_SIZE];

	if (ms < 0 || ms > 253402300799999) /* the years a time can be written for */
		return false;
	return json_add_string(to, name, parse_time_text(ms, text));
}

static bool write_amounts(
        struct json *to, const char *name, const struct report_amount *items, size_t count)
{
	struct json *object = count ? json_add_object(to, name) : NULL;

	for (size_t i = 0; object && i < count; i++) {
		if (!json_add_double(object, items[i].color, items[i].ml))
			return false;
	}
	return object || count == 0;
}

static bool write_settings(struct json *to, const char *name, const struct report_settings *set)
{
	struct json *object = set->count ? json_add_object(to, name) : NULL;

	for (size_t i = 0; object && i < set->count; i++) {
		const struct report_setting *s = &set->items[i];
		bool ok = s->type == REPORT_SETTING_TEXT ? json_add_string(object, s->name, s->text)
		          : s->type == REPORT_SETTING_NUMBER
		                  ? json_add_double(object, s->name, s->number)
		                  : json_add_bool(object, s->name, s->truth);
		if (!ok)
			return false;
	}
	return object || set->count == 0;
}

static bool write_reasons(
        struct json *to, const char *name, const struct report_reason *items, size_t count)
{
	struct json *array = json_add_array(to, name);

	for (size_t i = 0; array && i < count; i++) {
		const char *severity = report_severity_name(items[i].severity);
		char text[300];
		int n = snprintf(text, sizeof text, "%s-%s", items[i].keyword,
		        severity ? severity : "error");

		if (n < 0 || (size_t)n >= sizeof text || !json_add_string(array, NULL, text))
			return false;
	}
	return array;
}

static bool write_words(struct json *to, const char *name, const char *const *items, size_t count)
{
	struct json *array = json_add_array(to, name);

	for (size_t i = 0; array && i < count; i++) {
		if (!json_add_string(array, NULL, items[i]))
			return false;
	}
	return array;
}

static bool write_list(
        struct json *to, const struct field *f, const unsigned char *items, size_t count)
{
	struct json *array = count ? json_add_array(to, f->name) : NULL;

	for (size_t i = 0; array && i < count; i++) {
		struct json *element = json_add_object(array, NULL);

		if (!element || !write_object(element, f->fields, items + i * f->size))
			return false;
	}
	return array || count == 0;
}

/* Is there anything to say in this object? An empty one is left out. */
static bool has_members(const struct field *fields, const void *base)
{
	for (const struct field *f = fields; f->name; f++) {
		const void *member = (const char *)base + f->offset;
		const size_t *count =
		        (const size_t *)(const void *)((const char *)base + f->count_offset);

		switch (f->kind) {
		case FIELD_TEXT:
			if (*(const char *const *)member)
				return true;
			break;
		case FIELD_WORD:
			if (*(const int *)member)
				return true;
			break;
		case FIELD_INT:
		case FIELD_TIME:
			if (((const struct report_int *)member)->set)
				return true;
			break;
		case FIELD_REAL:
			if (((const struct report_real *)member)->set)
				return true;
			break;
		case FIELD_OBJECT:
			if (has_members(f->fields, base))
				return true;
			break;
		case FIELD_SETTINGS:
			if (((const struct report_settings *)member)->count)
				return true;
			break;
		default:
			if (*count)
				return true;
		}
	}
	return false;
}

static bool write_part(struct json *to, const struct field *f, const void *base)
{
	struct json *object;

	if (!has_members(f->fields, base))
		return true;
	object = json_add_object(to, f->name);
	return object && write_object(object, f->fields, base);
}

static bool write_text(struct json *to, const char *name, const char *text)
{
	return !text || !*text || json_add_string(to, name, text);
}

static bool write_word(struct json *to, const struct field *f, int number)
{
	if (number <= 0 || number >= f->words->count || !f->words->names[number])
		return true;
	return json_add_string(to, f->name, f->words->names[number]);
}

static bool write_field(struct json *to, const struct field *f, const void *base)
{
	const void *member = (const char *)base + f->offset;
	const void *items = (f->kind >= FIELD_LIST && f->kind <= FIELD_AMOUNTS)
	                            ? *(const void *const *)member
	                            : NULL;
	size_t count =
	        items ? *(const size_t *)(const void *)((const char *)base + f->count_offset) : 0;
	const struct report_int *number = member;
	const struct report_real *real = member;

	switch (f->kind) {
	case FIELD_TEXT:
		return write_text(to, f->name, *(const char *const *)member);
	case FIELD_WORD:
		return write_word(to, f, *(const int *)member);
	case FIELD_INT:
		return !number->set || json_add_i64(to, f->name, number->value);
	case FIELD_REAL:
		return !real->set || json_add_double(to, f->name, real->value);
	case FIELD_TIME:
		return !number->set || write_time(to, f->name, number->value);
	case FIELD_OBJECT:
		return write_part(to, f, base);
	case FIELD_LIST:
		return write_list(to, f, items, count);
	case FIELD_WORDS:
		return write_words(to, f->name, items, count);
	case FIELD_REASONS:
		return write_reasons(to, f->name, items, count);
	case FIELD_AMOUNTS:
		return write_amounts(to, f->name, items, count);
	case FIELD_SETTINGS:
		return write_settings(to, f->name, member);
	}
	return false;
}

static bool write_object(struct json *to, const struct field *fields, const void *base)
{
	for (const struct field *f = fields; f->name; f++) {
		if (!write_field(to, f, base))
			return false;
	}
	return true;
}

static bool write_root(struct json *root, const struct report *report)
{
	struct json *devices;

	if (!json_add_string(root, "schema", REPORT_SCHEMA) ||
	        !write_object(root, report_root_fields, report) ||
	        !(devices = json_add_array(root, "devices")))
		return false;
	for (size_t i = 0; i < report->device_count; i++) {
		struct json *device = json_add_object(devices, NULL);

		if (!device || !write_object(device, report_device_fields, &report->devices[i]))
			return false;
	}
	return true;
}

static bool write(const struct report *report, bool indented, struct buf *b, struct err *e)
{
	struct json *root = json_new_object();
	bool ok;

	if (!root || !write_root(root, report)) {
		json_free(root);
		return err_set(e, ERR_INVALID,
		        "the report cannot be written: no memory, or text that is not UTF-8");
	}
	ok = json_print(root, indented, b);
	json_free(root);
	return ok || err_set(e, ERR_LIMIT, "the report is larger than %zu bytes", b->max);
}

bool report_write(const struct report *report, struct buf *b, struct err *e)
{
	return write(report, false, b, e);
}

bool report_write_indented(const struct report *report, struct buf *b, struct err *e)
{
	return write(report, true, b, e);
}

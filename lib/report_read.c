/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_read.c: the strict reader. It walks the JSON beside the field tables of report.c; what no
 * table names is dropped with a warning, what does not fit is an error with its path.
 */
#include "lib/json.h"
#include "lib/parse.h"
#include "lib/report.h"
#include "lib/report_fields.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 200, KEY_BYTES = 128 };
static const int64_t PAST_MS = 400LL * 86400 * 1000;
static const int64_t FUTURE_MS = 5LL * 60 * 1000;
static const int64_t TIME_END_MS = 4102444800000; /* 2100-01-01 */
static const int64_t INT_MAX_JSON = 9007199254740992;

/* Where we are in the document, for messages; the frames live on the stack. */
struct place {
	const struct place *parent;
	const char *name; /* a member, or NULL: an element */
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

static bool fault(struct reader *r, const struct place *place, const char *what)
{
	char path[PATH_BYTES];

	path_text(place, path);
	return err_set(r->e, ERR_INVALID, "%s: %s", path, what);
}

static bool no_memory(struct reader *r)
{
	r->out_of_memory = true;
	return err_set(r->e, ERR_MEMORY, "no memory for the report");
}

static bool warn(struct reader *r, const struct place *place, const char *message)
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
		return no_memory(r);
	r->report->warning_count++;
	return true;
}

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

/* *out is NULL for an empty text. */
static bool read_text(struct reader *r, const struct place *place, const struct json *value,
        size_t max, const char **out)
{
	const char *text = json_as_string(value);
	size_t len;

	if (!text)
		return fault(r, place, "must be a text");
	len = strlen(text);
	if (len > max)
		return fault(r, place, "is too long");
	if (!plain(text, len))
		return fault(r, place, "has control characters");
	*out = NULL;
	if (len > 0 && !(*out = arena_copy(r->arena, text, len)))
		return no_memory(r);
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

static bool read_word(struct reader *r, const struct place *place, const struct json *value,
        const struct words *words, int *out)
{
	const char *text = json_as_string(value);

	if (!text)
		return fault(r, place, "must be a text");
	for (int i = 0; i < words->count; i++) {
		if (words->names[i] && same_word(words->names[i], text)) {
			*out = i;
			return true;
		}
	}
	return fault(r, place, "is not one of the words allowed here");
}

static bool read_int(struct reader *r, const struct place *place, const struct json *value,
        struct report_int *out)
{
	if (!json_as_i64(value, &out->value))
		return fault(r, place, "must be a whole number");
	if (out->value < 0 || out->value > INT_MAX_JSON)
		return fault(r, place, "must not be negative");
	out->set = true;
	return true;
}

static bool read_amount(
        struct reader *r, const struct place *place, const struct json *value, double *out)
{
	if (!json_as_double(value, out))
		return fault(r, place, "must be a number");
	if (*out < 0 || *out > 1e15)
		return fault(r, place, "must be between 0 and 1e15");
	return true;
}

static bool read_time(struct reader *r, const struct place *place, const struct json *value,
        struct report_int *out)
{
	const char *text = json_as_string(value);

	if (!text || !parse_time(text, &out->value))
		return fault(r, place, "must be a time, as 2026-11-22T09:00:00.000Z");
	if (out->value < 0 || out->value >= TIME_END_MS)
		return fault(r, place, "must be a time between 1970 and 2100");
	out->set = true;
	return true;
}

/* Checks that value is of this kind with at most max entries, and makes room for them. */
static bool make_list(struct reader *r, const struct place *place, const struct json *value,
        enum json_type type, size_t max, size_t size, void **items, size_t *count)
{
	size_t n = json_count(value);

	if (json_type_of(value) != type)
		return fault(
		        r, place, type == JSON_ARRAY ? "must be an array" : "must be an object");
	if (n > max)
		return fault(r, place, "has too many entries");
	*count = 0;
	*items = NULL;
	if (n > 0 && !(*items = arena_array(r->arena, n, size)))
		return no_memory(r);
	return true;
}

static bool read_key(
        struct reader *r, const struct place *place, const struct json *value, const char **out)
{
	const char *name = json_name(value);
	size_t len = strlen(name);

	if (len == 0 || len > KEY_BYTES || !plain(name, len))
		return fault(r, place, "has a name that is empty, too long or not plain text");
	if (!(*out = arena_copy(r->arena, name, len)))
		return no_memory(r);
	return true;
}

static bool read_amounts(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_amount **items, size_t *count)
{
	void *made;

	if (!make_list(r, place, value, JSON_OBJECT, max, sizeof **items, &made, count))
		return false;
	*items = made;
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		const struct place here = {.parent = place, .name = json_name(v)};
		struct report_amount *a = &(*items)[*count];

		if (!read_key(r, &here, v, &a->color) || !read_amount(r, &here, v, &a->ml))
			return false;
		(*count)++;
	}
	return true;
}

static bool read_setting(struct reader *r, const struct place *place, const struct json *value,
        struct report_setting *s)
{
	switch (json_type_of(value)) {
	case JSON_STRING:
		s->type = REPORT_SETTING_TEXT;
		if (!read_text(r, place, value, 1024, &s->text))
			return false;
		if (!s->text)
			s->text = "";
		return true;
	case JSON_NUMBER:
		s->type = REPORT_SETTING_NUMBER;
		return json_as_double(value, &s->number) || fault(r, place, "must be a number");
	case JSON_BOOL:
		s->type = REPORT_SETTING_BOOL;
		return json_as_bool(value, &s->truth) || fault(r, place, "must be true or false");
	default:
		return fault(r, place, "must be a text, a number, or true or false");
	}
}

static bool read_settings(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_settings *out)
{
	void *made;

	if (!make_list(r, place, value, JSON_OBJECT, max, sizeof *out->items, &made, &out->count))
		return false;
	out->items = made;
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		const struct place here = {.parent = place, .name = json_name(v)};
		struct report_setting *s = &out->items[out->count];

		if (!read_key(r, &here, v, &s->name) || !read_setting(r, &here, v, s))
			return false;
		out->count++;
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
	return out->keyword ? true : no_memory(r);
}

static bool read_reason(struct reader *r, const struct place *place, const struct json *value,
        struct report_reason *out)
{
	const struct place keyword = {.parent = place, .name = "keyword"};
	const struct place severity = {.parent = place, .name = "severity"};
	const char *text = NULL;

	if (json_type_of(value) == JSON_OBJECT) {
		if (!read_text(r, &keyword, json_get(value, "keyword"), 255, &out->keyword))
			return false;
		if (!out->keyword)
			return fault(r, &keyword, "must not be empty");
		return read_word(r, &severity, json_get(value, "severity"), &report_severity_words,
		        &out->severity);
	}
	if (!read_text(r, place, value, 255, &text))
		return false;
	if (!text)
		return fault(r, place, "must not be empty");
	return split_reason(r, text, out);
}

static bool read_reasons(struct reader *r, const struct place *place, const struct json *value,
        size_t max, struct report_reason **items, size_t *count)
{
	struct place here = {.parent = place};
	void *made;

	if (!make_list(r, place, value, JSON_ARRAY, max, sizeof **items, &made, count))
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

static bool read_words(struct reader *r, const struct place *place, const struct json *value,
        size_t max, const char ***items, size_t *count)
{
	struct place here = {.parent = place};
	void *made;

	if (!make_list(r, place, value, JSON_ARRAY, max, sizeof **items, &made, count))
		return false;
	*items = made;
	for (const struct json *v = json_first(value); v; v = json_next(v), here.index++) {
		if (!read_text(r, &here, v, 255, &(*items)[*count]))
			return false;
		if (!(*items)[*count])
			return fault(r, &here, "must not be empty");
		if (strcmp((*items)[*count], "none") != 0)
			(*count)++;
	}
	return true;
}

static bool read_object(struct reader *r, const struct place *place, const struct json *value,
        const struct field *fields, void *base);

static bool read_list(struct reader *r, const struct place *place, const struct json *value,
        const struct field *f, void **items, size_t *count)
{
	struct place here = {.parent = place};

	if (!make_list(r, place, value, JSON_ARRAY, f->max, f->size, items, count))
		return false;
	for (const struct json *v = json_first(value); v; v = json_next(v), here.index++) {
		if (!read_object(r, &here, v, f->fields, (char *)*items + *count * f->size))
			return false;
		(*count)++;
	}
	return true;
}

static bool read_upper(struct reader *r, const struct place *place, const struct json *value,
        size_t max, const char **out)
{
	char upper[64];
	size_t i = 0;

	assert(max < sizeof upper);
	if (!read_text(r, place, value, max, out))
		return false;
	for (const char *p = *out; p && *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			return fault(r, place, "must be letters and digits");
		upper[i++] = (char)toupper((unsigned char)*p);
	}
	if (*out && !(*out = arena_copy(r->arena, upper, i)))
		return no_memory(r);
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
			return read_upper(r, place, value, f->max, member);
		return read_text(r, place, value, f->max, member);
	case FIELD_WORD:
		return read_word(r, place, value, f->words, member);
	case FIELD_INT:
		return read_int(r, place, value, member);
	case FIELD_REAL: {
		struct report_real *real = member;
		return real->set = read_amount(r, place, value, &real->value);
	}
	case FIELD_TIME:
		return read_time(r, place, value, member);
	case FIELD_OBJECT:
		return read_object(r, place, value, f->fields, base);
	case FIELD_LIST:
		return read_list(r, place, value, f, member, count);
	case FIELD_WORDS:
		return read_words(r, place, value, f->max, member, count);
	case FIELD_REASONS:
		return read_reasons(r, place, value, f->max, member, count);
	case FIELD_AMOUNTS:
		return read_amounts(r, place, value, f->max, member, count);
	case FIELD_SETTINGS:
		return read_settings(r, place, value, f->max, member);
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
			return fault(r, &here, "is missing or empty");
	}
	return true;
}

static bool skipped(const struct place *place, const char *name)
{
	return !place && (strcmp(name, "schema") == 0 || strcmp(name, "devices") == 0);
}

static bool read_object(struct reader *r, const struct place *place, const struct json *value,
        const struct field *fields, void *base)
{
	size_t hint = 0;

	if (json_type_of(value) != JSON_OBJECT)
		return fault(r, place, "must be an object");
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		const struct place here = {.parent = place, .name = json_name(v)};
		const struct field *f = find_field(fields, json_name(v), &hint);

		if (!f) {
			if (!skipped(place, json_name(v)) &&
			        !warn(r, &here, "this field is not known here and was dropped"))
				return false;
		} else if (json_type_of(v) == JSON_NULL) {
			continue; /* null is absent */
		} else if (!read_field(r, &here, v, f, base)) {
			return false;
		}
	}
	return check_required(r, place, value, fields, base);
}

/* What a supply leaves unsaid has a word of its own, so that nobody has to guess later. */
static bool finish_supplies(
        struct reader *r, const struct place *place, struct report_device *device)
{
	const struct place list = {.parent = place, .name = "supplies"};

	for (size_t i = 0; i < device->supply_count; i++) {
		struct report_supply *s = &device->supplies[i];
		const struct place here = {.parent = &list, .index = i};

		if (!s->class_)
			s->class_ = 1;
		if (!s->type)
			s->type = 2;
		if (!s->unit)
			s->unit = REPORT_UNIT_UNKNOWN;
		if (!s->name)
			s->name = report_supply_type_name(s->type);
		if (!s->level.set && !s->level_state)
			s->level_state = REPORT_LEVEL_UNKNOWN;
		if (!s->resolution)
			s->resolution = s->level.set                              ? REPORT_EXACT
			                : s->level_state == REPORT_SOME_REMAINING ? REPORT_COARSE
			                                                          : REPORT_NONE;
		if (s->index.value > INT32_MAX)
			return fault(r, &here, "has an index beyond 2147483647");
		for (size_t k = 0; k < i; k++) {
			if (device->supplies[k].index.value == s->index.value)
				return fault(r, &here, "repeats the index of an earlier supply");
		}
	}
	return true;
}

static bool check_device(
        struct reader *r, const struct place *place, const struct report_device *device)
{
	const struct place at = {.parent = place, .name = "acquiredAt"};
	const struct place country = {.parent = place, .name = "countryCode"};

	if (device->country_code && strlen(device->country_code) != 2)
		return fault(r, &country, "must be two letters (ISO 3166-1)");
	if (device->acquired_at.value < r->now - PAST_MS ||
	        device->acquired_at.value > r->now + FUTURE_MS) {
		r->reject = REPORT_TIME_IMPLAUSIBLE;
		return fault(r, &at, "is more than 400 days back or 5 minutes ahead");
	}
	return true;
}

static bool read_device(struct reader *r, const struct place *place, const struct json *value,
        struct report_device *device)
{
	const struct json *identity = json_get(value, "identity");

	if (json_type_of(value) == JSON_OBJECT &&
	        (!identity || json_type_of(identity) == JSON_NULL)) {
		const struct place here = {.parent = place, .name = "identity"};

		r->reject = REPORT_IDENTITY_MISSING;
		return fault(r, &here, "is missing");
	}
	return read_object(r, place, value, report_device_fields, device) &&
	       finish_supplies(r, place, device) && check_device(r, place, device);
}

static bool reject(struct reader *r, size_t index, int code, const char *message)
{
	struct report_rejected *rejected = &r->report->rejected[r->report->rejected_count];

	*rejected = (struct report_rejected){
	        .index = index, .code = code, .message = arena_strdup(r->arena, message)};
	if (!rejected->message)
		return no_memory(r);
	r->report->rejected_count++;
	return true;
}

static bool read_devices(struct reader *r, const struct json *list)
{
	const struct place devices = {.name = "devices"};
	struct place here = {.parent = &devices};
	size_t n = json_count(list);
	struct report *report = r->report;
	struct err *whole = r->e;

	if (json_type_of(list) != JSON_ARRAY)
		return fault(r, &devices, "must be an array");
	report->devices = arena_array(
	        r->arena, n < REPORT_DEVICES_MAX ? n : REPORT_DEVICES_MAX, sizeof *report->devices);
	report->rejected = arena_array(r->arena, n, sizeof *report->rejected);
	if (!report->devices || !report->rejected)
		return no_memory(r);
	for (const struct json *v = json_first(list); v; v = json_next(v), here.index++) {
		struct report_device *device = &report->devices[report->device_count];
		struct err why = ERR_CLEAR;
		bool kept;

		if (here.index >= REPORT_DEVICES_MAX) {
			if (!reject(r, here.index, REPORT_TOO_MANY_DEVICES,
			            "a report holds at most 256 devices"))
				return false;
			continue;
		}
		*device = (struct report_device){.index = here.index};
		r->reject = 0;
		r->e = &why;
		kept = read_device(r, &here, v, device);
		r->e = whole;
		if (r->out_of_memory)
			return no_memory(r);
		if (kept)
			report->device_count++;
		else if (!reject(r, here.index, r->reject ? r->reject : REPORT_NOT_VALID, why.text))
			return false;
	}
	return true;
}

static bool read_uuid(struct reader *r)
{
	const struct place here = {.name = "reportId"};
	char lower[37] = {0};

	if (!parse_uuid(r->report->id))
		return fault(r, &here, "must be a UUID");
	for (size_t i = 0; i < 36; i++)
		lower[i] = (char)tolower((unsigned char)r->report->id[i]);
	r->report->id = arena_copy(r->arena, lower, 36);
	return r->report->id ? true : no_memory(r);
}

static bool check_schema(struct reader *r, const struct json *root, enum report_fault *kind)
{
	const struct place here = {.name = "schema"};
	const char *schema = json_as_string(json_get(root, "schema"));

	if (json_type_of(root) != JSON_OBJECT)
		return fault(r, NULL, "must be an object");
	if (schema && strcmp(schema, REPORT_SCHEMA) == 0)
		return true;
	*kind = REPORT_FAULT_SCHEMA;
	return fault(r, &here, "must be \"" REPORT_SCHEMA "\"");
}

static bool read_root(struct reader *r, const struct json *root, enum report_fault *kind)
{
	const struct place devices = {.name = "devices"};

	if (!check_schema(r, root, kind) ||
	        !read_object(r, NULL, root, report_root_fields, r->report) || !read_uuid(r))
		return false;
	if (!json_get(root, "devices"))
		return fault(r, &devices, "is missing or empty");
	return read_devices(r, json_get(root, "devices"));
}

bool report_read(const char *text, size_t len, int64_t now_ms, struct arena *arena,
        struct report *out, enum report_fault *fault_kind, struct err *e)
{
	const struct json_limits limits = {
	        .bytes = REPORT_BYTES_MAX, .depth = REPORT_DEPTH_MAX, .values = REPORT_VALUES_MAX};
	struct err ignored = ERR_CLEAR;
	struct reader r = {.arena = arena, .report = out, .now = now_ms, .e = e ? e : &ignored};
	struct json *root;
	bool ok;

	*out = (struct report){0};
	*fault_kind = REPORT_FAULT_NONE;
	if (len > REPORT_BYTES_MAX) {
		*fault_kind = REPORT_FAULT_SIZE;
		return err_set(e, ERR_LIMIT, "a report is at most 8 MiB");
	}
	root = json_parse(text, len, &limits, r.e);
	if (!root) {
		*fault_kind = r.e->code == ERR_MEMORY ? REPORT_FAULT_MEMORY : REPORT_FAULT_JSON;
		return false;
	}
	out->warnings = arena_array(arena, REPORT_WARNINGS_MAX, sizeof *out->warnings);
	ok = out->warnings ? read_root(&r, root, fault_kind) : no_memory(&r);
	json_free(root);
	if (!ok && *fault_kind == REPORT_FAULT_NONE)
		*fault_kind = r.out_of_memory ? REPORT_FAULT_MEMORY : REPORT_FAULT_JSON;
	return ok;
}

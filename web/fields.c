/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.c: the one decoder of queries and forms (application/x-www-form-urlencoded, WHATWG URL,
 * 5), stricter than browsers need: what they would not send is refused, never repaired.
 */
#include "lib/crypto.h"
#include "lib/parse.h"
#include "web/internal.h"

#include <assert.h>
#include <string.h>

enum { ID_MAX = 64 };

static size_t length_limit(const struct web_field *field)
{
	if (field->max_length != 0)
		return field->max_length;
	return field->type == WEB_FIELD_ID ? ID_MAX : WEB_DEFAULT_LENGTH;
}

static const struct web_field *find_field(const struct web_route *route, const char *name)
{
	for (const struct web_field *f = route->fields; f != NULL && f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static const struct web_value *find_value(
        const struct web_request *rq, const struct web_field *field, size_t index)
{
	for (size_t i = 0; i < rq->value_count; i++)
		if (rq->values[i].field == field && index-- == 0)
			return &rq->values[i];
	return NULL;
}

/* ---- decoding */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes one name or value. NULL with e set: a bad escape, NUL, bad UTF-8, or no memory. */
static char *decode(
        struct arena *arena, const char *text, size_t len, size_t *out_len, struct err *e)
{
	char *out = arena_alloc(arena, len + 1);
	size_t used = 0;

	if (out == NULL) {
		err_set(e, ERR_MEMORY, "the request is too large");
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
			if (high < 0 || low < 0) {
				err_set(e, ERR_INVALID, "a %% is not followed by two hex digits");
				return NULL;
			}
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0') {
			err_set(e, ERR_INVALID, "a NUL character is not allowed");
			return NULL;
		}
		out[used++] = c;
	}
	if (!parse_utf8(out, used)) {
		err_set(e, ERR_INVALID, "the text is not valid UTF-8");
		return NULL;
	}
	out[used] = '\0';
	*out_len = used;
	return out;
}

/* ---- types */

/* With `lines`, CR LF, LF and CR become LF, and tabs stay; every other control character is
 * refused. Works in place: the text never grows. */
static bool check_text(struct web_value *value, struct err *e)
{
	bool lines = value->field->lines;
	size_t from = 0, to = 0;

	while (from < value->len) {
		uint32_t code = 0;
		size_t step = parse_utf8_next(value->text + from, value->len - from, &code);
		if (lines && code == '\r') {
			if (value->text[from + 1] == '\n')
				from++;
			value->text[from] = '\n';
		} else if ((code < ' ' && !(lines && (code == '\n' || code == '\t'))) ||
		           (code >= 0x7f && code <= 0x9f)) {
			return err_set(e, ERR_INVALID, "control characters are not allowed");
		}
		memmove(value->text + to, value->text + from, step);
		from += step;
		to += step;
	}
	value->text[to] = '\0';
	value->len = to;
	return true;
}

static bool check_int(struct web_value *value, struct err *e)
{
	bool any = value->field->min == 0 && value->field->max == 0;
	int64_t min = any ? INT64_MIN : value->field->min;
	int64_t max = any ? INT64_MAX : value->field->max;

	if (parse_int(value->text, min, max, &value->number))
		return true;
	if (!parse_int(value->text, INT64_MIN, INT64_MAX, &value->number))
		return err_set(e, ERR_INVALID, "it must be a whole number");
	return err_set(
	        e, ERR_INVALID, "it must be between %lld and %lld", (long long)min, (long long)max);
}

static bool check_id(const struct web_value *value, struct err *e)
{
	static const char allowed[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if (value->len == 0 || strspn(value->text, allowed) != value->len)
		return err_set(e, ERR_INVALID, "it is not an id");
	return true;
}

static bool check_choice(const struct web_value *value, struct err *e)
{
	for (const char *const *choice = value->field->choices; *choice != NULL; choice++)
		if (strcmp(*choice, value->text) == 0)
			return true;
	return err_set(e, ERR_INVALID, "it is not one of the choices");
}

static bool check_type(struct web_value *value, struct err *e)
{
	size_t limit = length_limit(value->field);

	if (value->len > limit)
		return err_set(e, ERR_INVALID, "it is longer than %zu bytes", limit);
	switch (value->field->type) {
	case WEB_FIELD_TEXT:
		return check_text(value, e);
	case WEB_FIELD_INT:
		return check_int(value, e);
	case WEB_FIELD_ID:
		return check_id(value, e);
	case WEB_FIELD_CHOICE:
		return check_choice(value, e);
	case WEB_FIELD_FLAG:
		if (strcmp(value->text, "1") == 0 || strcmp(value->text, "on") == 0)
			return true;
		return err_set(e, ERR_INVALID, "a check box sends \"1\" or \"on\"");
	case WEB_FIELD_SECRET:
		return true;
	}
	return err_set(e, ERR_INTERNAL, "it has no type");
}

/* Forms send an empty value for what was left empty: for anything but text, that is "not sent". */
static bool is_left_empty(const struct web_field *field, size_t len)
{
	return len == 0 && (field->type == WEB_FIELD_INT || field->type == WEB_FIELD_ID ||
	                           field->type == WEB_FIELD_CHOICE);
}

/* ---- the request's values */

bool web_fields_begin(struct web_request *rq, struct err *e)
{
	rq->values = arena_array(rq->arena, WEB_MAX_FIELDS, sizeof *rq->values);
	rq->value_count = 0;
	return rq->values != NULL || err_set(e, ERR_MEMORY, "no memory for the fields");
}

static bool add_value(struct web_request *rq, const struct web_field *field, char *text, size_t len,
        struct err *e)
{
	struct web_value *value = &rq->values[rq->value_count];

	if (!field->repeats && find_value(rq, field, 0) != NULL) {
		err_set(e, ERR_INVALID, "it was sent twice");
		return err_wrap(e, "field \"%s\"", field->name);
	}
	if (rq->value_count == WEB_MAX_FIELDS)
		return err_set(e, ERR_INVALID, "there are more than %d fields", WEB_MAX_FIELDS);
	*value = (struct web_value){.field = field, .text = text, .len = len};
	rq->value_count++; /* before the check, so that a refused secret is wiped too */
	if (!check_type(value, e))
		return err_wrap(e, "field \"%s\"", field->name);
	return true;
}

bool web_fields_path(struct web_request *rq, struct err *e)
{
	const char *pattern = rq->route->path, *path = rq->path, *want, *got;
	size_t want_len, got_len;

	while (web_next_segment(&pattern, &want, &want_len) &&
	        web_next_segment(&path, &got, &got_len)) {
		const struct web_field *field;
		char *name, *text;
		if (want_len == 0 || want[0] != ':')
			continue;
		name = arena_copy(rq->arena, want + 1, want_len - 1);
		text = arena_copy(rq->arena, got, got_len);
		if (name == NULL || text == NULL)
			return err_set(e, ERR_MEMORY, "no memory for the path");
		field = find_field(rq->route, name);
		assert(field != NULL); /* web_fields_check() saw to it */
		if (!add_value(rq, field, text, got_len, e)) {
			if (e->code == ERR_INVALID)
				e->code = ERR_NOT_FOUND;
			return false;
		}
	}
	return true;
}

/* A name as it may stand in a sentence: what was sent, cut short and with odd characters hidden. */
static bool unknown_field(const char *name, struct err *e)
{
	char shown[41];
	size_t i;

	for (i = 0; i < sizeof shown - 1 && name[i] != '\0'; i++)
		shown[i] = name[i] > ' ' && name[i] < 0x7f && name[i] != '"' ? name[i] : '?';
	shown[i] = '\0';
	return err_set(e, ERR_INVALID, "field \"%s\" is not known here", shown);
}

static bool decode_pair(
        struct web_request *rq, const char *text, size_t len, const char **csrf, struct err *e)
{
	const char *equals = memchr(text, '=', len);
	size_t name_raw = equals == NULL ? len : (size_t)(equals - text);
	const struct web_field *field;
	size_t name_len, value_len;
	char *name, *value;

	name = decode(rq->arena, text, name_raw, &name_len, e);
	if (name == NULL)
		return err_wrap(e, "the name of a field");
	if (name_len == 0)
		return err_set(e, ERR_INVALID, "a field has no name");
	field = find_field(rq->route, name);
	if (field == NULL && !(csrf != NULL && strcmp(name, "csrf") == 0))
		return unknown_field(name, e);
	if (equals == NULL)
		return err_set(e, ERR_INVALID, "field \"%s\" has no value", name);
	value = decode(rq->arena, equals + 1, len - name_raw - 1, &value_len, e);
	if (value == NULL)
		return err_wrap(e, "field \"%s\"", name);
	if (field != NULL)
		return is_left_empty(field, value_len) || add_value(rq, field, value, value_len, e);
	if (*csrf != NULL)
		return err_set(e, ERR_INVALID, "field \"csrf\": it was sent twice");
	*csrf = value;
	return true;
}

bool web_fields_decode(
        struct web_request *rq, const char *text, size_t len, const char **csrf, struct err *e)
{
	const char *end = text + len;
	size_t pairs = 0;

	while (len > 0) {
		const char *and = memchr(text, '&', (size_t)(end - text));
		const char *stop = and == NULL ? end : and;
		/* The left-empty and the unknown count too, so that the work is bounded. */
		if (++pairs > WEB_MAX_FIELDS)
			return err_set(
			        e, ERR_INVALID, "there are more than %d fields", WEB_MAX_FIELDS);
		if (!decode_pair(rq, text, (size_t)(stop - text), csrf, e))
			return false;
		if (and == NULL)
			break;
		text = and+1;
	}
	return true;
}

bool web_fields_complete(struct web_request *rq, struct err *e)
{
	const struct web_field *f;

	for (f = rq->route->fields; f != NULL && f->name != NULL; f++) {
		const struct web_value *value = find_value(rq, f, 0);
		if (f->required && (value == NULL || value->len == 0))
			return err_set(e, ERR_INVALID, "field \"%s\": it is required", f->name);
	}
	return true;
}

void web_fields_wipe(struct web_request *rq)
{
	for (size_t i = 0; i < rq->value_count; i++)
		if (rq->values[i].field->type == WEB_FIELD_SECRET)
			crypto_wipe(rq->values[i].text, rq->values[i].len);
}

/* ---- the table */

static bool check_field(const struct web_field *field, struct err *e)
{
	if (strcmp(field->name, "csrf") == 0)
		return err_set(e, ERR_CONFIG, "field csrf is accepted on every form by itself");
	if (field->name[0] == '\0')
		return err_set(e, ERR_CONFIG, "a field has no name");
	if (field->type == WEB_FIELD_CHOICE && field->choices == NULL)
		return err_set(e, ERR_CONFIG, "field %s has no choices", field->name);
	if (field->min > field->max)
		return err_set(e, ERR_CONFIG, "field %s has min > max", field->name);
	return true;
}

bool web_fields_check(const struct web_route *route, struct err *e)
{
	const char *at = route->path, *segment;
	size_t len;

	for (const struct web_field *f = route->fields; f != NULL && f->name != NULL; f++) {
		if (!check_field(f, e))
			return false;
		if (find_field(route, f->name) != f)
			return err_set(e, ERR_CONFIG, "field %s is there twice", f->name);
	}
	while (web_next_segment(&at, &segment, &len)) {
		char name[64];
		if (len == 0 || segment[0] != ':')
			continue;
		if (len > sizeof name)
			return err_set(e, ERR_CONFIG, "a path parameter's name is too long");
		memcpy(name, segment + 1, len - 1);
		name[len - 1] = '\0';
		if (find_field(route, name) == NULL)
			return err_set(
			        e, ERR_CONFIG, "path parameter %s is not in its fields", name);
	}
	return true;
}

/* ---- for handlers */

static const struct web_value *value_named(
        const struct web_request *rq, const char *name, size_t index)
{
	const struct web_field *field = find_field(rq->route, name);

	assert(field != NULL);
	return field == NULL ? NULL : find_value(rq, field, index);
}

const char *web_text(const struct web_request *rq, const char *name)
{
	return web_text_at(rq, name, 0);
}

const char *web_text_at(const struct web_request *rq, const char *name, size_t index)
{
	const struct web_value *value = value_named(rq, name, index);

	return value == NULL ? NULL : value->text;
}

int64_t web_int(const struct web_request *rq, const char *name, int64_t fallback)
{
	const struct web_value *value = value_named(rq, name, 0);

	assert(value == NULL || value->field->type == WEB_FIELD_INT);
	return value == NULL ? fallback : value->number;
}

bool web_flag(const struct web_request *rq, const char *name)
{
	return web_sent(rq, name);
}

bool web_sent(const struct web_request *rq, const char *name)
{
	return value_named(rq, name, 0) != NULL;
}

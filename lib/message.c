/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/message.h"

#include "lib/parse.h"

#include <string.h>

enum { DEPTH = 16, VALUES = 4096 };

struct json *message_parse(
        const char *payload, size_t len, size_t max, const char *schema, struct err *e)
{
	const struct json_limits limits = {.bytes = max, .depth = DEPTH, .values = VALUES};
	struct json *root = json_parse(payload, len, &limits, e);
	const char *said;

	if (root == NULL) {
		/* To whoever sent it, too large is as wrong as malformed. */
		if (e != NULL && e->code == ERR_LIMIT)
			e->code = ERR_INVALID;
		return NULL;
	}
	said = json_as_string(json_get(root, "schema"));
	if (said != NULL && strcmp(said, schema) == 0)
		return root;
	json_free(root);
	(void)err_set(e, ERR_INVALID, "$.schema: not %s", schema);
	return NULL;
}

static bool has_controls(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

bool message_text(const struct json *object, const char *name, bool required, size_t max,
        struct arena *arena, const char **out, struct err *e)
{
	const struct json *value = json_get(object, name);
	const char *text;

	if (value == NULL && !required) {
		*out = "";
		return true;
	}
	text = json_as_string(value);
	if (text == NULL)
		return err_set(e, ERR_INVALID, "$.%s: not a text", name);
	if (required && text[0] == '\0')
		return err_set(e, ERR_INVALID, "$.%s: empty", name);
	if (strlen(text) > max)
		return err_set(e, ERR_INVALID, "$.%s: longer than %zu bytes", name, max);
	if (has_controls(text))
		return err_set(e, ERR_INVALID, "$.%s: has control characters", name);
	*out = arena_strdup(arena, text);
	return *out != NULL || err_set(e, ERR_MEMORY, "no memory for a message");
}

bool message_id(const struct json *object, const char *name, const char *prefix,
        struct arena *arena, const char **out, struct err *e)
{
	const char *text = json_as_string(json_get(object, name));

	if (text == NULL || !parse_public_id(text, prefix))
		return err_set(e, ERR_INVALID, "$.%s: not an id %s…", name, prefix);
	*out = arena_strdup(arena, text);
	return *out != NULL || err_set(e, ERR_MEMORY, "no memory for a message");
}

bool message_int(const struct json *object, const char *name, int64_t min, int64_t max,
        int64_t *out, struct err *e)
{
	int64_t number;

	if (!json_as_i64(json_get(object, name), &number) || number < min || number > max)
		return err_set(e, ERR_INVALID, "$.%s: not an integer from %lld to %lld", name,
		        (long long)min, (long long)max);
	*out = number;
	return true;
}

bool message_time(const struct json *object, const char *name, int64_t *out, struct err *e)
{
	const char *text = json_as_string(json_get(object, name));

	if (text == NULL || !parse_time(text, out))
		return err_set(e, ERR_INVALID, "$.%s: not a time", name);
	return true;
}

bool message_word(const struct json *object, const char *name, const char *const *words,
        size_t count, int *out, struct err *e)
{
	const char *text = json_as_string(json_get(object, name));

	for (size_t i = 0; text != NULL && i < count; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = (int)i;
			return true;
		}
	}
	return err_set(e, ERR_INVALID, "$.%s: not a known word", name);
}

bool message_object(const struct json *object, const char *name, size_t max, struct arena *arena,
        const char **out, struct err *e)
{
	const struct json *value = json_get(object, name);
	struct buf text = BUF_INIT(max);
	bool ok;

	*out = NULL;
	if (value == NULL)
		return true;
	if (json_type_of(value) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "$.%s: not an object", name);
	ok = json_print(value, false, &text) ||
	     err_set(e, ERR_INVALID, "$.%s: larger than %zu bytes", name, max);
	if (ok) {
		*out = arena_copy(arena, buf_text(&text), text.len);
		ok = *out != NULL || err_set(e, ERR_MEMORY, "no memory for a message");
	}
	buf_free(&text);
	return ok;
}

bool message_add_time(struct json *object, const char *name, int64_t ms)
{
	char text[PARSE_TIME_SIZE];

	return json_add_string(object, name, parse_time_text(ms, text));
}

bool message_add_object(
        struct json *object, const char *name, const char *text, size_t max, struct err *e)
{
	const struct json_limits limits = {.bytes = max, .depth = DEPTH - 1, .values = VALUES / 4};
	struct json *value = json_parse(text, strlen(text), &limits, e);
	bool ok;

	if (value == NULL)
		return err_wrap(e, "$.%s", name);
	ok = json_type_of(value) == JSON_OBJECT ||
	     err_set(e, ERR_INVALID, "$.%s: not an object", name);
	ok = ok && (json_add_copy(object, name, value) ||
	                   err_set(e, ERR_MEMORY, "no memory for a message"));
	json_free(value);
	return ok;
}

bool message_finish(struct json *object, bool ok, size_t max, struct buf *payload, struct err *e)
{
	size_t start = payload->len;

	if (!ok) {
		json_free(object);
		if (e != NULL && e->code == ERR_NONE)
			(void)err_set(e, ERR_MEMORY, "no memory for a message");
		return false;
	}
	ok = json_print(object, false, payload) && payload->len - start <= max;
	json_free(object);
	return ok || err_set(e, ERR_LIMIT, "a message of more than %zu bytes", max);
}

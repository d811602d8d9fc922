/* SPDX-License-Identifier: Apache-2.0 */
/* report_answer.c: what the server says to a report. */
#include "lib/json.h"
#include "lib/report.h"

#include <string.h>

enum { ANSWER_BYTES_MAX = 1024 * 1024 };

static bool write_rejected(struct json *to, const struct report_answer *answer)
{
	struct json *array = json_add_array(to, "rejected");

	for (size_t i = 0; array && i < answer->rejected_count; i++) {
		const struct report_rejected *r = &answer->rejected[i];
		struct json *object = json_add_object(array, NULL);

		if (!object || !json_add_i64(object, "index", (int64_t)r->index) ||
		        !json_add_string(object, "code", report_reject_name(r->code)) ||
		        !json_add_string(object, "message", r->message))
			return false;
	}
	return array;
}

static bool write_warnings(struct json *to, const struct report_answer *answer)
{
	struct json *array = json_add_array(to, "warnings");

	for (size_t i = 0; array && i < answer->warning_count; i++) {
		struct json *object = json_add_object(array, NULL);

		if (!object || !json_add_string(object, "path", answer->warnings[i].path) ||
		        !json_add_string(object, "message", answer->warnings[i].message))
			return false;
	}
	return array;
}

bool report_answer_write(const struct report_answer *answer, struct buf *b, struct err *e)
{
	struct json *root = json_new_object();
	bool ok = root && json_add_string(root, "reportId", answer->report_id) &&
	          json_add_bool(root, "duplicate", answer->duplicate) &&
	          json_add_i64(root, "accepted", answer->accepted) &&
	          write_rejected(root, answer) && write_warnings(root, answer) &&
	          json_add_bool(root, "operationsPending", answer->operations_pending) &&
	          (answer->operation_keys == NULL ||
	                  json_add_copy(root, "operationKeys", answer->operation_keys)) &&
	          json_print(root, false, b);

	json_free(root);
	return ok || err_set(e, ERR_MEMORY, "no memory for the answer to a report");
}

static int reject_code(const char *name)
{
	for (int code = REPORT_NOT_VALID; code <= REPORT_TOO_MANY_DEVICES; code++) {
		if (name && strcmp(report_reject_name(code), name) == 0)
			return code;
	}
	return REPORT_NOT_VALID; /* a word of a later server: refused all the same */
}

/* A text of the document, kept in the arena; "" where there is none. NULL: no memory. */
static const char *keep(struct arena *arena, const struct json *value)
{
	const char *text = json_as_string(value);

	return arena_strdup(arena, text ? text : "");
}

static bool read_rejected(const struct json *array, struct arena *arena, struct report_answer *out)
{
	struct report_rejected *items = arena_array(arena, json_count(array), sizeof *items);
	int64_t index;

	if (!items)
		return false;
	out->rejected = items;
	for (const struct json *v = json_first(array); v; v = json_next(v)) {
		struct report_rejected *r = &items[out->rejected_count];

		if (!json_as_i64(json_get(v, "index"), &index) || index < 0)
			continue;
		r->index = (size_t)index;
		r->code = reject_code(json_as_string(json_get(v, "code")));
		if (!(r->message = keep(arena, json_get(v, "message"))))
			return false;
		out->rejected_count++;
	}
	return true;
}

static bool read_warnings(const struct json *array, struct arena *arena, struct report_answer *out)
{
	struct report_warning *items = arena_array(arena, json_count(array), sizeof *items);

	if (!items)
		return false;
	out->warnings = items;
	for (const struct json *v = json_first(array); v; v = json_next(v)) {
		struct report_warning *w = &items[out->warning_count];

		if (!(w->path = keep(arena, json_get(v, "path"))) ||
		        !(w->message = keep(arena, json_get(v, "message"))))
			return false;
		out->warning_count++;
	}
	return true;
}

bool report_answer_read(
        const char *text, size_t len, struct arena *arena, struct report_answer *out, struct err *e)
{
	const struct json_limits limits = {.bytes = ANSWER_BYTES_MAX, .depth = 8, .values = 10000};
	struct json *root = json_parse(text, len, &limits, e);
	bool ok;

	*out = (struct report_answer){0};
	if (!root)
		return err_wrap(e, "the server's answer to a report");
	ok = (out->report_id = keep(arena, json_get(root, "reportId"))) &&
	     read_rejected(json_get(root, "rejected"), arena, out) &&
	     read_warnings(json_get(root, "warnings"), arena, out);
	if (!ok)
		err_set(e, ERR_MEMORY, "no memory for the server's answer");
	else if (!json_as_bool(json_get(root, "duplicate"), &out->duplicate) ||
	         !json_as_i64(json_get(root, "accepted"), &out->accepted))
		ok = err_set(e, ERR_INVALID,
		        "the server's answer to a report lacks \"accepted\" or \"duplicate\"");
	json_as_bool(json_get(root, "operationsPending"), &out->operations_pending);
	json_free(root);
	return ok;
}

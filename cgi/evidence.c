/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/evidence.h"

#include "lib/json.h"
#include "lib/parse.h"

#include <string.h>

enum { MAX_LISTED = 64 }; /* reasons and supplies of one side */

static const struct json_limits limits = {.bytes = 1 << 18, .depth = 16, .values = 20000};

static const char *copy(struct arena *arena, const struct json *value)
{
	const char *text = json_as_string(value);

	return text == NULL ? NULL : arena_strdup(arena, text);
}

/* "media-empty-warning" → "media-empty" */
static const char *read_reason(struct arena *arena, const struct json *value)
{
	static const char *const suffixes[] = {"-error", "-warning", "-report"};
	const char *text = json_as_string(
	        json_type_of(value) == JSON_OBJECT ? json_get(value, "keyword") : value);
	size_t len = text == NULL ? 0 : strlen(text);

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		size_t end = strlen(suffixes[i]);

		if (len > end && strcmp(text + len - end, suffixes[i]) == 0) {
			len -= end;
			break;
		}
	}
	return text == NULL ? NULL : arena_copy(arena, text, len);
}

static bool read_reasons(struct arena *arena, const struct json *list, struct evidence_view *view)
{
	view->reasons = arena_array(arena, MAX_LISTED, sizeof *view->reasons);
	if (view->reasons == NULL)
		return false;
	for (const struct json *value = json_first(list);
	        value != NULL && view->reason_count < MAX_LISTED; value = json_next(value)) {
		const char *keyword = read_reason(arena, value);

		if (keyword != NULL && strcmp(keyword, "none") != 0)
			view->reasons[view->reason_count++] = keyword;
	}
	return true;
}

static struct evidence_supply read_supply(struct arena *arena, const struct json *value)
{
	struct supply_view supply = {.class = "", .unit = ""};
	const char *name = copy(arena, json_get(value, "color"));
	int64_t index = 0;

	supply.has_level = json_as_i64(json_get(value, "level"), &supply.level);
	(void)json_as_i64(json_get(value, "capacity"), &supply.capacity);
	(void)json_as_i64(json_get(value, "index"), &index);
	supply.level_state = copy(arena, json_get(value, "levelState"));
	if (name == NULL)
		name = arena_printf(arena, "supply %lld", (long long)index);
	return (struct evidence_supply){
	        name == NULL ? "" : name, supply_percent(&supply), supply.level_state};
}

static bool read_supplies(struct arena *arena, const struct json *list, struct evidence_view *view)
{
	view->supplies = arena_array(arena, MAX_LISTED, sizeof *view->supplies);
	if (view->supplies == NULL)
		return false;
	for (const struct json *value = json_first(list);
	        value != NULL && view->supply_count < MAX_LISTED; value = json_next(value))
		view->supplies[view->supply_count++] = read_supply(arena, value);
	return true;
}

/* State and reasons stand flat, as our collector writes a reading, or under "status", as in a report. */
static const struct json *status_member(const struct json *side, const char *name)
{
	const struct json *flat = json_get(side, name);

	return flat != NULL ? flat : json_get(json_get(side, "status"), name);
}

static const struct evidence_view *read_side(struct arena *arena, const struct json *side)
{
	struct evidence_view *view = arena_alloc(arena, sizeof *view);
	const char *acquired = json_as_string(json_get(side, "acquiredAt"));

	if (view == NULL || side == NULL || json_type_of(side) != JSON_OBJECT)
		return NULL;
	view->state = copy(arena, status_member(side, "state"));
	if (view->state == NULL)
		view->state = "";
	if (acquired != NULL && !parse_time(acquired, &view->acquired_at))
		view->acquired_at = 0;
	if (!read_reasons(arena, status_member(side, "reasons"), view) ||
	        !read_supplies(arena, json_get(side, "supplies"), view))
		return NULL;
	return view;
}

const struct evidence_view *evidence_read(struct arena *arena, const char *json, const char *side)
{
	const struct evidence_view *view;
	struct json *root;

	if (json == NULL)
		return NULL;
	root = json_parse(json, strlen(json), &limits, NULL);
	view = root == NULL ? NULL : read_side(arena, json_get(root, side));
	json_free(root);
	return view;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry_state.c: the latest state of a device, with its settings and counters. */
#include "core/rows.h"
#include "core/telemetry_internal.h"
#include "lib/json.h"

#include <stdio.h>
#include <string.h>

enum {
	SEEN,
	STATE,
	SETTINGS,
	STATEMENTS,
};

static const struct sql_statement statements[STATEMENTS] = {
        [SEEN] = {READS_BOTH, .in = "ii", .out = "i",
                .text = "SELECT seen_at FROM device_seen WHERE device = $2 AND " VISIBLE},
        [STATE] = {READS_BOTH, .in = "ii", .out = "iittitttITT",
                .text = "SELECT acquired_at, received_at, collection, state, state_since, reasons,"
                        " codes, counters, device_time, region, country"
                        " FROM device_state WHERE device = $2 AND " VISIBLE},
        [SETTINGS] = {READS_BOTH, .in = "ii", .out = "tt",
                .text = "SELECT category, settings FROM device_settings"
                        " WHERE device = $2 AND " VISIBLE " ORDER BY category"},
};

const struct sql_table telemetry_state_sql = {"telemetry_state", statements, STATEMENTS};

/* What the table holds as JSON was written by core/; it is read under limits all the same. */
static const struct json_limits stored = {.bytes = 4 << 20, .depth = 8, .values = 20000};

static bool out_of_room(struct err *e)
{
	return err_set(e, ERR_MEMORY, "the device's state does not fit into its arena");
}

/* A member's text in the arena; `missing` where there is none. NULL: no room. */
static const char *copy_text(
        struct arena *arena, const struct json *object, const char *name, const char *missing)
{
	const char *text = json_as_string(json_get(object, name));
	return arena_strdup(arena, text ? text : missing);
}

static bool read_reasons(
        struct arena *arena, const struct json *array, struct telemetry_state *out, struct err *e)
{
	size_t count = json_count(array);
	out->reasons = arena_array(arena, count, sizeof *out->reasons);
	if (!out->reasons)
		return out_of_room(e);
	for (const struct json *item = json_first(array); item; item = json_next(item)) {
		struct telemetry_reason *r = &out->reasons[out->reason_count++];
		r->keyword = copy_text(arena, item, "keyword", "");
		r->severity = copy_text(arena, item, "severity", "report");
		if (!r->keyword || !r->severity)
			return out_of_room(e);
	}
	return true;
}

static bool read_codes(
        struct arena *arena, const struct json *array, struct telemetry_state *out, struct err *e)
{
	size_t count = json_count(array);
	out->codes = arena_array(arena, count, sizeof *out->codes);
	if (!out->codes)
		return out_of_room(e);
	for (const struct json *item = json_first(array); item; item = json_next(item)) {
		struct telemetry_code *c = &out->codes[out->code_count++];
		const char *text = json_as_string(json_get(item, "text"));
		c->code = copy_text(arena, item, "code", "");
		c->severity = copy_text(arena, item, "severity", "report");
		c->text = text ? arena_strdup(arena, text) : NULL;
		if (!c->code || !c->severity || (text && !c->text))
			return out_of_room(e);
	}
	return true;
}

/* {"impressions": 5, "inkUsedMl": {"cyan": 1.5}} becomes impressions and inkUsedMl.cyan. */
static bool read_counters(
        struct arena *arena, const struct json *object, struct telemetry_state *out, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_counter));
	for (const struct json *item = json_first(object); item; item = json_next(item)) {
		bool nested = json_type_of(item) == JSON_OBJECT;
		const struct json *leaf = nested ? json_first(item) : item;
		for (; leaf; leaf = nested ? json_next(leaf) : NULL) {
			struct telemetry_counter c = {0};
			if (!json_as_double(leaf, &c.value))
				continue;
			c.name = nested ? arena_printf(
			                          arena, "%s.%s", json_name(item), json_name(leaf))
			                : arena_strdup(arena, json_name(item));
			if (!c.name)
				return out_of_room(e);
			if (!rows_add(&rows, &c, e))
				return false;
		}
	}
	out->counters = rows.items;
	out->counter_count = rows.count;
	return true;
}

/* A scalar as people read it; NULL: no room, or no scalar. */
static const char *scalar_text(struct arena *arena, const struct json *value)
{
	int64_t whole;
	double number;
	bool truth;
	if (json_as_string(value))
		return arena_strdup(arena, json_as_string(value));
	if (json_as_bool(value, &truth))
		return truth ? "true" : "false";
	if (json_as_i64(value, &whole))
		return arena_printf(arena, "%lld", (long long)whole);
	if (json_as_double(value, &number))
		return arena_printf(arena, "%.15g", number);
	return NULL;
}

/* Stored JSON; free it with json_free(). NULL: it is damaged. */
static struct json *stored_json(const char *what, const char *text, struct err *e)
{
	struct json *json = json_parse(text, strlen(text), &stored, e);
	if (json)
		return json;
	if (e && e->code == ERR_INVALID)
		e->code = ERR_CORRUPT;
	err_wrap(e, "stored %s", what);
	return NULL;
}

typedef bool read_part(
        struct arena *arena, const struct json *json, struct telemetry_state *out, struct err *e);

static bool read_json(struct arena *arena, const char *what, const char *text, read_part *part,
        struct telemetry_state *out, struct err *e)
{
	struct json *json = stored_json(what, text, e);
	bool ok = json && part(arena, json, out, e);
	json_free(json);
	return ok;
}

/* One category's object of scalars. */
static bool read_category(
        struct rows *rows, const char *category, const struct json *object, struct err *e)
{
	for (const struct json *item = json_first(object); item; item = json_next(item)) {
		enum json_type type = json_type_of(item);
		struct telemetry_setting s = {.category = category};
		if (type == JSON_NULL || type == JSON_ARRAY || type == JSON_OBJECT)
			continue;
		s.name = arena_strdup(rows->arena, json_name(item));
		s.value = scalar_text(rows->arena, item);
		if (!s.name || !s.value)
			return out_of_room(e);
		if (!rows_add(rows, &s, e))
			return false;
	}
	return true;
}

static bool read_settings(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, struct telemetry_state *out, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_setting));
	struct sql_cursor *cursor = sql_query(
	        conn, &statements[SETTINGS], SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device)), e);
	const char *category = NULL, *text = NULL;
	int got;
	if (!cursor)
		return false;
	while ((got = sql_next(cursor,
	                SQL_INTO(SQL_INTO_T(arena, &category), SQL_INTO_T(arena, &text)), e)) ==
	        1) {
		struct json *json = stored_json("settings", text, e);
		bool ok = json && read_category(&rows, category, json, e);
		json_free(json);
		if (!ok) {
			got = -1;
			break;
		}
	}
	sql_end(cursor);
	out->settings = rows.items;
	out->setting_count = rows.count;
	return got == 0;
}

/* Since when a reason or code holds: the beginning of its newest open event. */
static bool add_since(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, struct telemetry_state *out, struct err *e)
{
	struct telemetry_event *events;
	size_t count;
	if (out->reason_count + out->code_count == 0)
		return true;
	if (!telemetry_events(conn, viewer, arena, device, true, NULL, TELEMETRY_ROWS_MAX, &events,
	            &count, e))
		return false;
	for (size_t i = count; i > 0; i--) { /* the newest comes last and wins */
		const struct telemetry_event *v = &events[i - 1];
		for (size_t k = 0; v->reason && k < out->reason_count; k++) {
			if (strcmp(out->reasons[k].keyword, v->reason) == 0)
				out->reasons[k].since = v->at;
		}
		for (size_t k = 0; v->code && k < out->code_count; k++) {
			if (strcmp(out->codes[k].code, v->code) == 0)
				out->codes[k].since = v->at;
		}
	}
	return true;
}

bool telemetry_state(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, struct telemetry_state *out, struct err *e)
{
	const char *reasons, *codes, *counters;
	bool no_time = false;
	*out = (struct telemetry_state){0};
	if (!sql_one(conn, &statements[SEEN], SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device)),
	            SQL_INTO(SQL_INTO_I(&out->seen_at)), NULL, e))
		return false;
	if (!sql_one(conn, &statements[STATE], SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device)),
	            SQL_INTO(SQL_INTO_I(&out->acquired_at), SQL_INTO_I(&out->received_at),
	                    SQL_INTO_T(arena, &out->collection), SQL_INTO_T(arena, &out->state),
	                    SQL_INTO_I(&out->state_since), SQL_INTO_T(arena, &reasons),
	                    SQL_INTO_T(arena, &codes), SQL_INTO_T(arena, &counters),
	                    SQL_INTO_I_NULL(&out->device_time, &no_time),
	                    SQL_INTO_T(arena, &out->region), SQL_INTO_T(arena, &out->country)),
	            &out->known, e))
		return false;
	if (!out->known)
		return true;
	return read_json(arena, "reasons", reasons, read_reasons, out, e) &&
	       read_json(arena, "codes", codes, read_codes, out, e) &&
	       read_settings(conn, viewer, arena, device, out, e) &&
	       read_json(arena, "counters", counters, read_counters, out, e) &&
	       add_since(conn, viewer, arena, device, out, e);
}

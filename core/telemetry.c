/* SPDX-License-Identifier: Apache-2.0 */
#include "core/telemetry.h"

#include "core/rows.h"
#include "lib/json.h"

#include <stdio.h>
#include <string.h>

enum {
	SEEN,
	STATE,
	SETTINGS,
	SUPPLIES,
	EVENTS,
	EVENTS_OPEN,
	CLEANINGS,
	MAINTENANCE,
	JOBS,
	SAMPLES,
	CHANGES,
	STATEMENTS
};

/* The access rule: $1 is the viewer, $2 the device. */
#define VISIBLE                                                                                    \
	"EXISTS (SELECT 1 FROM device d JOIN scope s ON s.group_id = d.group_id"                   \
	" WHERE d.id = $2 AND d.retired_at IS NULL AND s.viewer = $1 AND s.\"right\" = 'view')"

#define READS_BOTH .role = SQL_READ, .store = SQL_TELEMETRY, .stores = 1u << SQL_CORE

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
        [SUPPLIES] = {READS_BOTH, .in = "ii", .out = "ittTttIITtTIi",
                .text = "SELECT idx, class, type, color, name, unit, capacity, level, level_state,"
                        " resolution, serial_number, installed_at, changed_at"
                        " FROM supply WHERE device = $2 AND " VISIBLE " ORDER BY idx"},
        [EVENTS] = {READS_BOTH, .in = "iiii", .out = "tiItTTT",
                .text = "SELECT event_id, at, cleared_at, severity, code, reason, text"
                        " FROM event WHERE device = $2 AND at < $3 AND " VISIBLE
                        " ORDER BY at DESC, event_id DESC LIMIT $4"},
        [EVENTS_OPEN] = {READS_BOTH, .in = "iiii", .out = "tiItTTT",
                .text = "SELECT event_id, at, cleared_at, severity, code, reason, text"
                        " FROM event INDEXED BY event_open"
                        " WHERE device = $2 AND at < $3 AND cleared_at IS NULL"
                        " AND severity IN ('error', 'warning') AND " VISIBLE
                        " ORDER BY at DESC, event_id DESC LIMIT $4"},
        [CLEANINGS] = {READS_BOTH, .in = "iiii", .out = "tittR",
                .text = "SELECT cleaning_id, at, kind, trigger_by, ink_used_ml"
                        " FROM cleaning WHERE device = $2 AND at < $3 AND " VISIBLE
                        " ORDER BY at DESC, cleaning_id DESC LIMIT $4"},
        [MAINTENANCE] = {READS_BOTH, .in = "iiii", .out = "titTI",
                .text = "SELECT maintenance_id, at, kind, part, count"
                        " FROM maintenance WHERE device = $2 AND at < $3 AND " VISIBLE
                        " ORDER BY at DESC, maintenance_id DESC LIMIT $4"},
        [JOBS] = {READS_BOTH, .in = "iiii", .out = "tiitIIRTt",
                .text = "SELECT job_id, started_at, ended_at, state, impressions, sheets, area_m2,"
                        " media, ink_used FROM job WHERE device = $2 AND ended_at < $3 AND " VISIBLE
                        " ORDER BY ended_at DESC, job_id DESC LIMIT $4"},
        [SAMPLES] = {READS_BOTH, .in = "iitii", .out = "ir",
                .text = "SELECT at, value FROM sample"
                        " WHERE device = $2 AND metric = $3 AND at >= $4 AND " VISIBLE
                        " ORDER BY at LIMIT $5"},
        [CHANGES] = {READS_BOTH, .in = "iiii", .out = "ittTT",
                .text = "SELECT at, category, name, old_value, new_value"
                        " FROM setting_change WHERE device = $2 AND at < $3 AND " VISIBLE
                        " ORDER BY at DESC, category DESC, name DESC LIMIT $4"},
};

const struct sql_table telemetry_sql = {"telemetry", statements, STATEMENTS};

/* ---- lists */

static int64_t limited(size_t limit)
{
	return limit > TELEMETRY_ROWS_MAX ? TELEMETRY_ROWS_MAX : (int64_t)limit;
}

/* The newest rows of a table by time: parameters viewer, device, before, limit. */
static struct sql_cursor *newest(struct sql_conn *conn, int statement, const struct viewer *viewer,
        int64_t device, int64_t before, size_t limit, struct err *e)
{
	return sql_query(conn, &statements[statement],
	        SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device),
	                SQL_I(before ? before : INT64_MAX), SQL_I(limited(limit))),
	        e);
}

static int next_supply(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct telemetry_supply *s = item;
	bool no_capacity = false, no_level = false, no_installed = false;
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&s->index), SQL_INTO_T(arena, &s->class_),
	                SQL_INTO_T(arena, &s->type), SQL_INTO_T(arena, &s->color),
	                SQL_INTO_T(arena, &s->name), SQL_INTO_T(arena, &s->unit),
	                SQL_INTO_I_NULL(&s->capacity, &no_capacity),
	                SQL_INTO_I_NULL(&s->level, &no_level), SQL_INTO_T(arena, &s->level_state),
	                SQL_INTO_T(arena, &s->resolution), SQL_INTO_T(arena, &s->serial_number),
	                SQL_INTO_I_NULL(&s->installed_at, &no_installed),
	                SQL_INTO_I(&s->changed_at)),
	        e);
	s->has_capacity = !no_capacity;
	s->has_level = !no_level;
	return got;
}

bool telemetry_supplies(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, struct telemetry_supply **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_supply));
	struct telemetry_supply item = {0};
	struct sql_cursor *cursor = sql_query(
	        conn, &statements[SUPPLIES], SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device)), e);
	bool ok = rows_read(&rows, cursor, next_supply, &item, e);
	*list = rows.items;
	*count = rows.count;
	return ok;
}

static int next_event(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct telemetry_event *v = item;
	bool open = false;
	return sql_next(cursor,
	        SQL_INTO(SQL_INTO_T(arena, &v->id), SQL_INTO_I(&v->at),
	                SQL_INTO_I_NULL(&v->cleared_at, &open), SQL_INTO_T(arena, &v->severity),
	                SQL_INTO_T(arena, &v->code), SQL_INTO_T(arena, &v->reason),
	                SQL_INTO_T(arena, &v->text)),
	        e);
}

bool telemetry_events(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, bool open_only, int64_t before, size_t limit, struct telemetry_event **list,
        size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_event));
	struct telemetry_event item = {0};
	struct sql_cursor *cursor =
	        newest(conn, open_only ? EVENTS_OPEN : EVENTS, viewer, device, before, limit, e);
	bool ok = rows_read(&rows, cursor, next_event, &item, e);
	*list = rows.items;
	*count = rows.count;
	return ok;
}

static int next_cleaning(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct telemetry_cleaning *c = item;
	bool no_ink = false;
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_T(arena, &c->id), SQL_INTO_I(&c->at), SQL_INTO_T(arena, &c->kind),
	                SQL_INTO_T(arena, &c->trigger), SQL_INTO_R_NULL(&c->ink_used_ml, &no_ink)),
	        e);
	if (no_ink)
		c->ink_used_ml = -1;
	return got;
}

bool telemetry_cleanings(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, int64_t before, size_t limit, struct telemetry_cleaning **list,
        size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_cleaning));
	struct telemetry_cleaning item = {0};
	bool ok = rows_read(&rows, newest(conn, CLEANINGS, viewer, device, before, limit, e),
	        next_cleaning, &item, e);
	*list = rows.items;
	*count = rows.count;
	return ok;
}

static int next_maintenance(
        struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct telemetry_maintenance *m = item;
	bool no_count = false;
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_T(arena, &m->id), SQL_INTO_I(&m->at), SQL_INTO_T(arena, &m->kind),
	                SQL_INTO_T(arena, &m->part), SQL_INTO_I_NULL(&m->count, &no_count)),
	        e);
	if (no_count)
		m->count = -1;
	return got;
}

bool telemetry_maintenance(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, int64_t before, size_t limit, struct telemetry_maintenance **list,
        size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_maintenance));
	struct telemetry_maintenance item = {0};
	bool ok = rows_read(&rows, newest(conn, MAINTENANCE, viewer, device, before, limit, e),
	        next_maintenance, &item, e);
	*list = rows.items;
	*count = rows.count;
	return ok;
}

static int next_job(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct telemetry_job *j = item;
	bool no_impressions = false, no_sheets = false, no_area = false;
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_T(arena, &j->id), SQL_INTO_I(&j->started_at),
	                SQL_INTO_I(&j->ended_at), SQL_INTO_T(arena, &j->state),
	                SQL_INTO_I_NULL(&j->impressions, &no_impressions),
	                SQL_INTO_I_NULL(&j->sheets, &no_sheets),
	                SQL_INTO_R_NULL(&j->area_m2, &no_area), SQL_INTO_T(arena, &j->media),
	                SQL_INTO_T(arena, &j->ink_used)),
	        e);
	if (no_impressions)
		j->impressions = -1;
	if (no_sheets)
		j->sheets = -1;
	if (no_area)
		j->area_m2 = -1;
	return got;
}

bool telemetry_jobs(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, int64_t before, size_t limit, struct telemetry_job **list, size_t *count,
        struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_job));
	struct telemetry_job item = {0};
	bool ok = rows_read(
	        &rows, newest(conn, JOBS, viewer, device, before, limit, e), next_job, &item, e);
	*list = rows.items;
	*count = rows.count;
	return ok;
}

static int next_sample(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct telemetry_sample *s = item;
	(void)arena;
	return sql_next(cursor, SQL_INTO(SQL_INTO_I(&s->at), SQL_INTO_R(&s->value)), e);
}

bool telemetry_samples(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, const char *metric, int64_t from, size_t limit,
        struct telemetry_sample **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_sample));
	struct telemetry_sample item = {0};
	struct sql_cursor *cursor = sql_query(conn, &statements[SAMPLES],
	        SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device), SQL_T(metric), SQL_I(from),
	                SQL_I(limited(limit))),
	        e);
	bool ok = rows_read(&rows, cursor, next_sample, &item, e);
	*list = rows.items;
	*count = rows.count;
	return ok;
}

static int next_change(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct telemetry_change *c = item;
	return sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&c->at), SQL_INTO_T(arena, &c->category),
	                SQL_INTO_T(arena, &c->name), SQL_INTO_T(arena, &c->old_value),
	                SQL_INTO_T(arena, &c->new_value)),
	        e);
}

bool telemetry_changes(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, int64_t before, size_t limit, struct telemetry_change **list, size_t *count,
        struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_change));
	struct telemetry_change item = {0};
	bool ok = rows_read(&rows, newest(conn, CHANGES, viewer, device, before, limit, e),
	        next_change, &item, e);
	*list = rows.items;
	*count = rows.count;
	return ok;
}

/* ---- the latest state */

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
	if (!telemetry_events(
	            conn, viewer, arena, device, true, 0, TELEMETRY_ROWS_MAX, &events, &count, e))
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

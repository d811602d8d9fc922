/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging one report into telemetry: a single savepoint in the store's writer thread. Nothing is written
 * that has not changed, apart from the moment itself (device_state, device_seen).
 */
#include "core/intake_internal.h"

#include "core/intake_values.h"
#include "lib/crypto.h"

#include <stdio.h>
#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000, REPORTS_KEPT = 64 };

enum {
	SEEN_FIND,
	SEEN_INSERT,
	SEEN_DROP,
	STATE_FIND,
	STATE_PUT,
	MOMENT_PUT,
	SUPPLY_LIST,
	SUPPLY_PUT,
	SUPPLY_DROP,
	SAMPLE_PUT,
	EVENT_PUT,
	EVENT_CLEAR,
	JOB_PUT,
	CLEANING_PUT,
	MAINTENANCE_PUT,
	SETTINGS_FIND,
	SETTINGS_PUT,
	SETTING_CHANGE_PUT,
};

#define W .role = SQL_WRITE, .store = SQL_TELEMETRY
#define R .role = SQL_READ, .store = SQL_TELEMETRY

static const struct sql_statement statements[] = {
        [SEEN_FIND] = {R, .in = "it", .out = "t",
                .text = "SELECT answer FROM report_seen WHERE agent = $1 AND report_id = $2"},
        [SEEN_INSERT] = {W, .in = "itt", .out = "i",
                .text = "INSERT INTO report_seen (agent, report_id, slot, answer) VALUES ($1, $2, "
                        "1 + coalesce((SELECT slot FROM report_seen WHERE agent = $1 ORDER BY "
                        "slot DESC LIMIT 1), 0), $3) RETURNING slot"},
        [SEEN_DROP] = {W, .in = "ii", .out = "",
                .text = "DELETE FROM report_seen WHERE agent = $1 AND slot <= $2"},
        [STATE_FIND] = {R, .in = "i", .out = "ititttBi",
                .text = "SELECT acquired_at, state, state_since, reasons, codes, counters, "
                        "settings_hash, sampled_day"
                        " FROM device_state WHERE device = $1"},
        [STATE_PUT] = {W, .in = "iiiittittITTtBi", .out = "",
                .text = "INSERT INTO device_state (device, acquired_at, received_at, agent, "
                        "collection, state,"
                        " state_since, reasons, codes, device_time, region, country, counters, "
                        "settings_hash, sampled_day)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
                        " ON CONFLICT (device) DO UPDATE SET acquired_at = excluded.acquired_at,"
                        " received_at = excluded.received_at, agent = excluded.agent, collection = "
                        "excluded.collection,"
                        " state = excluded.state, state_since = excluded.state_since, reasons = "
                        "excluded.reasons,"
                        " codes = excluded.codes, device_time = coalesce(excluded.device_time, "
                        "device_time),"
                        " region = coalesce(excluded.region, region), country = "
                        "coalesce(excluded.country, country),"
                        " counters = excluded.counters, settings_hash = excluded.settings_hash,"
                        " sampled_day = excluded.sampled_day"},
        [MOMENT_PUT] = {W, .in = "ii", .out = "",
                .text = "INSERT INTO device_seen (device, seen_at) VALUES ($1, $2)"
                        " ON CONFLICT (device) DO UPDATE SET seen_at = max(seen_at, "
                        "excluded.seen_at)"},
        [SUPPLY_LIST] = {R, .in = "i", .out = "ittTttIITtTI",
                .text = "SELECT idx, class, type, color, name, unit, capacity, level, level_state, "
                        "resolution,"
                        " serial_number, installed_at FROM supply WHERE device = $1"},
        [SUPPLY_PUT] = {W, .in = "iittTttIITtTIi", .out = "",
                .text = "INSERT INTO supply (device, idx, class, type, color, name, unit, "
                        "capacity, level, level_state,"
                        " resolution, serial_number, installed_at, changed_at)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
                        " ON CONFLICT (device, idx) DO UPDATE SET class = excluded.class, type = "
                        "excluded.type,"
                        " color = excluded.color, name = excluded.name, unit = excluded.unit, "
                        "capacity = excluded.capacity,"
                        " level = excluded.level, level_state = excluded.level_state, resolution = "
                        "excluded.resolution,"
                        " serial_number = excluded.serial_number, installed_at = "
                        "excluded.installed_at,"
                        " changed_at = excluded.changed_at"},
        [SUPPLY_DROP] = {W, .in = "ii", .out = "",
                .text = "DELETE FROM supply WHERE device = $1 AND idx = $2"},
        [SAMPLE_PUT] = {W, .in = "itir", .out = "",
                .text = "INSERT INTO sample (device, metric, at, value) VALUES ($1, $2, $3, $4) ON "
                        "CONFLICT DO NOTHING"},
        [EVENT_PUT] = {W, .in = "iitItTTT", .out = "",
                .text = "INSERT INTO event (device, at, event_id, cleared_at, severity, code, "
                        "reason, text)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (device, event_id)"
                        " DO UPDATE SET cleared_at = excluded.cleared_at"
                        " WHERE cleared_at IS NULL AND excluded.cleared_at IS NOT NULL"},
        [EVENT_CLEAR] = {W, .in = "iti", .out = "",
                .text = "UPDATE event SET cleared_at = $3 WHERE device = $1 AND reason = $2 AND "
                        "cleared_at IS NULL"
                        " AND at <= $3"},
        [JOB_PUT] = {W,
                .in = "iititt"
                      "IIRTt",
                .out = "",
                .text = "INSERT INTO job (device, ended_at, job_id, started_at, state, reasons, "
                        "impressions, sheets, area_m2,"
                        " media, ink_used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
                        "ON CONFLICT DO NOTHING"},
        [CLEANING_PUT] = {W, .in = "iitttR", .out = "",
                .text = "INSERT INTO cleaning (device, at, cleaning_id, kind, trigger_by, "
                        "ink_used_ml)"
                        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"},
        [MAINTENANCE_PUT] = {W, .in = "iittTI", .out = "",
                .text = "INSERT INTO maintenance (device, at, maintenance_id, kind, part, count)"
                        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"},
        [SETTINGS_FIND] = {R, .in = "it", .out = "t",
                .text = "SELECT settings FROM device_settings WHERE device = $1 AND category = $2"},
        [SETTINGS_PUT] = {W, .in = "itti", .out = "",
                .text = "INSERT INTO device_settings (device, category, settings, changed_at) "
                        "VALUES ($1, $2, $3, $4)"
                        " ON CONFLICT (device, category) DO UPDATE SET settings = "
                        "excluded.settings,"
                        " changed_at = excluded.changed_at"},
        [SETTING_CHANGE_PUT] = {W, .in = "iittTT", .out = "",
                .text = "INSERT INTO setting_change (device, at, category, name, old_value, "
                        "new_value)"
                        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"},
};

const struct sql_table intake_telemetry_sql = {.name = "intake_telemetry",
        .list = statements,
        .count = sizeof statements / sizeof statements[0]};

#define T(text) ((text) == NULL ? SQL_NULL : SQL_T(text))

static struct sql_value optional_int(const struct report_int *n)
{
	return n->set ? SQL_I(n->value) : SQL_NULL;
}

static struct sql_value optional_real(const struct report_real *n)
{
	return n->set ? SQL_R(n->value) : SQL_NULL;
}

static const char *or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

/* ---- report ids */

const char *intake_seen(struct sql_conn *conn, int64_t agent, const char *report_id,
        struct arena *arena, struct err *e)
{
	const char *answer = NULL;
	bool found = false;

	if (!sql_one(conn, &statements[SEEN_FIND], SQL_ARGS(SQL_I(agent), SQL_T(report_id)),
	            SQL_INTO(SQL_INTO_T(arena, &answer)), &found, e))
		return NULL;
	return found ? answer : NULL;
}

static bool remember(struct sql_conn *conn, const struct intake_merge *m, struct err *e)
{
	int64_t slot = 0;

	return sql_one(conn, &statements[SEEN_INSERT],
	               SQL_ARGS(SQL_I(m->agent->id), SQL_T(m->report->id), SQL_T(m->answer)),
	               SQL_INTO(SQL_INTO_I(&slot)), NULL, e) &&
	       sql_do(conn, &statements[SEEN_DROP],
	               SQL_ARGS(SQL_I(m->agent->id), SQL_I(slot - REPORTS_KEPT)), NULL, e);
}

/* ---- one device */

struct old_state {
	bool found;
	int64_t acquired_at, state_since, sampled_day;
	const char *state, *reasons, *codes, *counters;
	const unsigned char *settings_hash;
	size_t settings_hash_len;
};

struct one {
	struct sql_conn *conn;
	struct intake_merge *m;
	struct intake_target *t;
	const struct report_device *d;
	struct arena *arena;
	int64_t device, at;
	struct old_state old;
	bool daily; /* this report also gives the day's point */
};

static bool find_state(struct one *o, struct err *e)
{
	struct old_state *s = &o->old;

	return sql_one(o->conn, &statements[STATE_FIND], SQL_ARGS(SQL_I(o->device)),
	        SQL_INTO(SQL_INTO_I(&s->acquired_at), SQL_INTO_T(o->arena, &s->state),
	                SQL_INTO_I(&s->state_since), SQL_INTO_T(o->arena, &s->reasons),
	                SQL_INTO_T(o->arena, &s->codes), SQL_INTO_T(o->arena, &s->counters),
	                SQL_INTO_B(o->arena, &s->settings_hash, &s->settings_hash_len),
	                SQL_INTO_I(&s->sampled_day)),
	        &s->found, e);
}

static bool put_sample(struct one *o, const char *metric, double value, struct err *e)
{
	return sql_do(o->conn, &statements[SAMPLE_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_T(metric), SQL_I(o->at), SQL_R(value)), NULL, e);
}

struct history {
	const char *id, *severity, *code, *reason, *text;
	int64_t at;
	struct report_int cleared_at;
};

static bool put_event(struct one *o, const struct history *h, struct err *e)
{
	return sql_do(o->conn, &statements[EVENT_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_I(h->at), SQL_T(h->id), optional_int(&h->cleared_at),
	                SQL_T(or_empty(h->severity)), T(h->code), T(h->reason), T(h->text)),
	        NULL, e);
}

/* What the server itself notices: a moment, so it is not open. The id holds the time, so that a repeat
 * is the same event. */
static bool put_notice(struct one *o, const char *severity, const char *code, const char *what,
        const char *text, struct err *e)
{
	const char *id = arena_printf(o->arena, "%s:%s:%lld", code, what, (long long)o->at);

	if (id == NULL || text == NULL)
		return err_set(e, ERR_MEMORY, "no memory for an event");
	return put_event(o,
	        &(struct history){.id = id,
	                .at = o->at,
	                .cleared_at = {true, o->at},
	                .severity = severity,
	                .code = code,
	                .text = text},
	        e);
}

static bool merge_events(struct one *o, struct err *e)
{
	for (size_t i = 0; i < o->d->event_count; i++) {
		const struct report_event *v = &o->d->events[i];
		const struct history h = {.id = v->id,
		        .at = v->at.value,
		        .cleared_at = v->cleared_at,
		        .severity = report_severity_name(v->severity),
		        .code = v->code,
		        .reason = v->reason,
		        .text = v->text};
		if (!put_event(o, &h, e))
			return false;
	}
	return true;
}

static bool merge_jobs(struct one *o, struct err *e)
{
	for (size_t i = 0; i < o->d->job_count; i++) {
		const struct report_job *j = &o->d->jobs[i];
		const char *reasons = intake_strings_text(o->arena, j->reasons, j->reason_count, e);
		const char *ink = intake_amounts_text(o->arena, j->ink_used, j->ink_used_count, e);
		int64_t end = j->ended_at.set ? j->ended_at.value : j->started_at.value;
		if (reasons == NULL || ink == NULL ||
		        !sql_do(o->conn, &statements[JOB_PUT],
		                SQL_ARGS(SQL_I(o->device), SQL_I(end), SQL_T(j->id),
		                        SQL_I(j->started_at.set ? j->started_at.value : end),
		                        SQL_T(or_empty(report_job_state_name(j->state))),
		                        SQL_T(reasons), optional_int(&j->impressions),
		                        optional_int(&j->sheets), optional_real(&j->area_m2),
		                        T(j->media), SQL_T(ink)),
		                NULL, e))
			return false;
	}
	return true;
}

static bool merge_care(struct one *o, struct err *e)
{
	for (size_t i = 0; i < o->d->cleaning_count; i++) {
		const struct report_cleaning *c = &o->d->cleanings[i];
		if (!sql_do(o->conn, &statements[CLEANING_PUT],
		            SQL_ARGS(SQL_I(o->device), SQL_I(c->at.value), SQL_T(c->id),
		                    SQL_T(or_empty(c->kind)), SQL_T(or_empty(c->trigger)),
		                    optional_real(&c->ink_used_ml)),
		            NULL, e))
			return false;
	}
	for (size_t i = 0; i < o->d->maintenance_count; i++) {
		const struct report_maintenance *c = &o->d->maintenance[i];
		if (!sql_do(o->conn, &statements[MAINTENANCE_PUT],
		            SQL_ARGS(SQL_I(o->device), SQL_I(c->at.value), SQL_T(c->id),
		                    SQL_T(or_empty(c->kind)), T(c->part), optional_int(&c->count)),
		            NULL, e))
			return false;
	}
	return true;
}

/* ---- supplies */

struct stored_supply {
	int64_t idx, capacity, level, installed_at;
	bool no_capacity, no_level, no_installed;
	const char *class_, *type, *color, *name, *unit, *level_state, *resolution, *serial;
	bool reported;
};

static bool same_int(const struct report_int *now, int64_t was, bool was_null)
{
	return now->set ? !was_null && now->value == was : was_null;
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const char *word(const char *name)
{
	return name == NULL ? "unknown" : name;
}

static bool supply_unchanged(const struct report_supply *now, const struct stored_supply *was)
{
	return same_int(&now->level, was->level, was->no_level) &&
	       same_int(&now->capacity, was->capacity, was->no_capacity) &&
	       same_int(&now->installed_at, was->installed_at, was->no_installed) &&
	       same_text(or_empty(now->name), was->name) && same_text(now->color, was->color) &&
	       same_text(report_level_state_name(now->level_state), was->level_state) &&
	       same_text(now->serial_number, was->serial) &&
	       same_text(word(report_supply_type_name(now->type)), was->type) &&
	       same_text(word(report_supply_class_name(now->class_)), was->class_) &&
	       same_text(word(report_supply_unit_name(now->unit)), was->unit) &&
	       same_text(word(report_resolution_name(now->resolution)), was->resolution);
}

/* Room for twice as many; at first for what the report has and a few more. */
static bool grow_supplies(struct one *o, struct stored_supply **list, size_t *room, struct err *e)
{
	size_t more = *room == 0 ? o->d->supply_count + 8 : 2 * *room;
	struct stored_supply *larger = arena_array(o->arena, more, sizeof *larger);

	if (larger == NULL)
		return err_set(e, ERR_MEMORY, "no memory for supplies");
	if (*room > 0)
		memcpy(larger, *list, *room * sizeof *larger);
	*list = larger;
	*room = more;
	return true;
}

static bool list_supplies(struct one *o, struct stored_supply **list, size_t *count, struct err *e)
{
	struct sql_cursor *rows =
	        sql_query(o->conn, &statements[SUPPLY_LIST], SQL_ARGS(SQL_I(o->device)), e);
	size_t room = 0;
	int more = rows == NULL ? -1 : 1;

	for (*count = 0; more > 0; *count += more > 0) {
		struct stored_supply *s;
		if (*count == room && !grow_supplies(o, list, &room, e)) {
			more = -1;
			break;
		}
		s = &(*list)[*count];
		more = sql_next(rows,
		        SQL_INTO(SQL_INTO_I(&s->idx), SQL_INTO_T(o->arena, &s->class_),
		                SQL_INTO_T(o->arena, &s->type), SQL_INTO_T(o->arena, &s->color),
		                SQL_INTO_T(o->arena, &s->name), SQL_INTO_T(o->arena, &s->unit),
		                SQL_INTO_I_NULL(&s->capacity, &s->no_capacity),
		                SQL_INTO_I_NULL(&s->level, &s->no_level),
		                SQL_INTO_T(o->arena, &s->level_state),
		                SQL_INTO_T(o->arena, &s->resolution),
		                SQL_INTO_T(o->arena, &s->serial),
		                SQL_INTO_I_NULL(&s->installed_at, &s->no_installed)),
		        e);
	}
	sql_end(rows);
	return more >= 0;
}

static bool put_supply(struct one *o, const struct report_supply *s, struct err *e)
{
	return sql_do(o->conn, &statements[SUPPLY_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_I(s->index.value),
	                SQL_T(word(report_supply_class_name(s->class_))),
	                SQL_T(word(report_supply_type_name(s->type))), T(s->color),
	                SQL_T(or_empty(s->name)), SQL_T(word(report_supply_unit_name(s->unit))),
	                optional_int(&s->capacity), optional_int(&s->level),
	                T(report_level_state_name(s->level_state)),
	                SQL_T(word(report_resolution_name(s->resolution))), T(s->serial_number),
	                optional_int(&s->installed_at), SQL_I(o->at)),
	        NULL, e);
}

static bool sample_supply(struct one *o, const struct report_supply *s, struct err *e)
{
	char metric[48];

	if (!s->level.set)
		return true;
	(void)snprintf(metric, sizeof metric, "supply.%lld.level", (long long)s->index.value);
	return put_sample(o, metric, (double)s->level.value, e);
}

/* The list of supplies is whole in a report that has one: what is no longer in it is gone from the device. */
static bool merge_supplies(struct one *o, struct err *e)
{
	struct stored_supply *stored = NULL;
	size_t count;

	if (!list_supplies(o, &stored, &count, e))
		return false;
	for (size_t i = 0; i < o->d->supply_count; i++) {
		const struct report_supply *s = &o->d->supplies[i];
		struct stored_supply *was = NULL;
		for (size_t k = 0; k < count && was == NULL; k++)
			if (stored[k].idx == s->index.value)
				was = &stored[k];
		if (was != NULL)
			was->reported = true;
		intake_columns_supply(&o->t->merged,
		        intake_supply_percent(s->class_, s->unit, &s->capacity, &s->level));
		if (was != NULL && supply_unchanged(s, was)) {
			if (o->daily && !sample_supply(o, s, e))
				return false;
			continue;
		}
		if (!put_supply(o, s, e) || !sample_supply(o, s, e))
			return false;
	}
	for (size_t k = 0; k < count; k++)
		if (!stored[k].reported &&
		        !sql_do(o->conn, &statements[SUPPLY_DROP],
		                SQL_ARGS(SQL_I(o->device), SQL_I(stored[k].idx)), NULL, e))
			return false;
	return true;
}

static int unit_from_name(const char *name)
{
	return strcmp(name, "percent") == 0 ? REPORT_UNIT_PERCENT : REPORT_UNIT_OTHER;
}

/* The columns from the stored supplies, for a report that says nothing about them. */
static bool keep_supplies(struct one *o, struct err *e)
{
	struct stored_supply *stored = NULL;
	size_t count;

	if (!list_supplies(o, &stored, &count, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct report_int capacity = {
		        .set = !stored[i].no_capacity, .value = stored[i].capacity};
		const struct report_int level = {
		        .set = !stored[i].no_level, .value = stored[i].level};
		intake_columns_supply(
		        &o->t->merged, intake_supply_percent(0, unit_from_name(stored[i].unit),
		                               &capacity, &level));
	}
	return true;
}

/* ---- counters and settings */

static bool merge_counters(struct one *o, const char **text, struct err *e)
{
	struct intake_counters c;

	if (!intake_counters_merge(
	            o->arena, o->old.found ? o->old.counters : "{}", &o->d->counters, &c, e))
		return false;
	*text = c.text;
	for (size_t i = 0; i < c.count; i++) {
		const struct intake_change *n = &c.all[i];
		bool changed = !n->had || n->before < n->now || n->before > n->now;
		if ((changed || o->daily) && !put_sample(o, n->metric, n->now, e))
			return false;
		if (n->had && n->now < n->before &&
		        !put_notice(o, "warning", "counter-fell", n->metric,
		                arena_printf(o->arena,
		                        "%s fell from %.17g to %.17g: a board or the device was "
		                        "replaced",
		                        n->metric, n->before, n->now),
		                e))
			return false;
	}
	return true;
}

static bool merge_category(struct one *o, int group, struct err *e)
{
	const char *category = report_setting_group_name(group), *stored = NULL;
	const char *now = intake_settings_text(o->arena, &o->d->settings[group], e);
	struct intake_setting *changes;
	size_t count;
	bool found;

	if (now == NULL || !sql_one(o->conn, &statements[SETTINGS_FIND],
	                           SQL_ARGS(SQL_I(o->device), SQL_T(category)),
	                           SQL_INTO(SQL_INTO_T(o->arena, &stored)), &found, e))
		return false;
	if (found && strcmp(stored, now) == 0)
		return true;
	if (found) {
		if (!intake_settings_diff(o->arena, stored, now, &changes, &count, e))
			return false;
		for (size_t i = 0; i < count; i++)
			if (!sql_do(o->conn, &statements[SETTING_CHANGE_PUT],
			            SQL_ARGS(SQL_I(o->device), SQL_I(o->at), SQL_T(category),
			                    SQL_T(changes[i].name), T(changes[i].before),
			                    T(changes[i].now)),
			            NULL, e))
				return false;
	}
	return sql_do(o->conn, &statements[SETTINGS_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_T(category), SQL_T(now), SQL_I(o->at)), NULL, e);
}

/* Gives the fingerprint to keep: of all settings in the report, or the old one where it has none. */
static bool merge_settings(struct one *o, struct sql_value *keep, struct err *e)
{
	bool ok = true;

	*keep = o->old.settings_hash_len == 0
	                ? SQL_NULL
	                : SQL_B(o->old.settings_hash, o->old.settings_hash_len);
	if (o->old.settings_hash_len == CRYPTO_FINGERPRINT &&
	        memcmp(o->old.settings_hash, o->t->settings, CRYPTO_FINGERPRINT) == 0)
		return true;
	for (int group = 0; ok && group < REPORT_SETTING_GROUPS; group++)
		if (o->d->settings[group].count > 0) {
			ok = merge_category(o, group, e);
			*keep = SQL_B(o->t->settings, CRYPTO_FINGERPRINT);
		}
	return ok;
}

/* ---- state */

static bool has_reason(const struct intake_reason *list, size_t count, const char *keyword)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].keyword, keyword) == 0)
			return true;
	return false;
}

/* For devices that keep no history of their own, the reasons that come and go are their history. */
static bool derive_events(
        struct one *o, const struct intake_reason *now, size_t now_count, struct err *e)
{
	struct intake_reason *before = NULL;
	size_t before_count = 0;

	if (o->d->event_count > 0)
		return true;
	if (o->old.found &&
	        !intake_reasons_read(o->arena, o->old.reasons, &before, &before_count, e))
		return false;
	for (size_t i = 0; i < now_count; i++) {
		const char *id =
		        arena_printf(o->arena, "reason:%s:%lld", now[i].keyword, (long long)o->at);
		if (id == NULL)
			return err_set(e, ERR_MEMORY, "no memory for an event");
		if (!has_reason(before, before_count, now[i].keyword) &&
		        !put_event(o,
		                &(struct history){.id = id,
		                        .at = o->at,
		                        .severity = now[i].severity,
		                        .reason = now[i].keyword},
		                e))
			return false;
	}
	for (size_t i = 0; i < before_count; i++)
		if (!has_reason(now, now_count, before[i].keyword) &&
		        !sql_do(o->conn, &statements[EVENT_CLEAR],
		                SQL_ARGS(SQL_I(o->device), SQL_T(before[i].keyword), SQL_I(o->at)),
		                NULL, e))
			return false;
	return true;
}

static bool merge_status(
        struct one *o, const char **state, const char **reasons, const char **codes, struct err *e)
{
	struct intake_reason *list;
	size_t count;

	*state = o->old.found ? o->old.state : "unknown";
	*reasons = o->old.found ? o->old.reasons : "[]";
	*codes = o->old.found ? o->old.codes : "[]";
	if (o->d->state != 0) {
		*state = report_state_name(o->d->state);
		*reasons = intake_reasons_text(o->arena, o->d, e);
		*codes = intake_codes_text(o->arena, o->d, e);
		if (*reasons == NULL || *codes == NULL)
			return false;
	}
	if (!intake_reasons_read(o->arena, *reasons, &list, &count, e))
		return false;
	intake_columns_state(&o->t->merged, *state, list, count);
	if (o->old.found && strcmp(*reasons, o->old.reasons) == 0)
		return true;
	return derive_events(o, list, count, e);
}

static bool put_state(struct one *o, const char *state, const char *reasons, const char *codes,
        const char *counters, struct sql_value hash, struct err *e)
{
	const struct report_agent *a = &o->m->report->agent;
	bool same = o->old.found && strcmp(o->old.state, state) == 0;

	return sql_do(o->conn, &statements[STATE_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_I(o->at), SQL_I(o->m->received_at),
	                SQL_I(o->m->agent->id),
	                SQL_T(or_empty(report_collection_name(a->collection))), SQL_T(state),
	                SQL_I(same ? o->old.state_since : o->at), SQL_T(reasons), SQL_T(codes),
	                optional_int(&o->d->device_time), T(o->d->region_code),
	                T(o->d->country_code), SQL_T(counters), hash,
	                SQL_I(o->daily ? o->at / DAY_MS : o->old.sampled_day)),
	        NULL, e);
}

static bool merge_newest(struct one *o, struct err *e)
{
	const char *state, *reasons, *codes, *counters;
	struct sql_value keep;

	o->t->newest = true;
	o->daily = !o->old.found || o->at / DAY_MS > o->old.sampled_day;
	if (o->t->is_new &&
	        !put_notice(o, "report", "device-added", "first", "first report of this device", e))
		return false;
	if (o->t->serial_appeared && !put_notice(o, "report", "serial-appeared", "identity",
	                                     "the device now tells its serial number", e))
		return false;
	return merge_status(o, &state, &reasons, &codes, e) &&
	       (o->d->supply_count > 0 ? merge_supplies(o, e) : keep_supplies(o, e)) &&
	       merge_counters(o, &counters, e) && merge_settings(o, &keep, e) &&
	       put_state(o, state, reasons, codes, counters, keep, e);
}

/* Older than what is known: its numbers are put in their place, the state stays. */
static bool merge_late(struct one *o, struct err *e)
{
	struct intake_counters c;

	for (size_t i = 0; i < o->d->supply_count; i++)
		if (!sample_supply(o, &o->d->supplies[i], e))
			return false;
	if (!intake_counters_merge(o->arena, "{}", &o->d->counters, &c, e))
		return false;
	for (size_t i = 0; i < c.count; i++)
		if (!put_sample(o, c.all[i].metric, c.all[i].now, e))
			return false;
	return true;
}

static bool merge_one(struct one *o, struct err *e)
{
	if (!find_state(o, e))
		return false;
	if (!o->old.found || o->at >= o->old.acquired_at ? !merge_newest(o, e) : !merge_late(o, e))
		return false;
	return merge_events(o, e) && merge_jobs(o, e) && merge_care(o, e) &&
	       sql_do(o->conn, &statements[MOMENT_PUT],
	               SQL_ARGS(SQL_I(o->device), SQL_I(intake_seen_at(o->m->received_at, o->d))),
	               NULL, e);
}

bool intake_merge_work(struct sql_conn *conn, void *arg, struct err *e)
{
	struct intake_merge *m = arg;

	for (size_t i = 0; i < m->count; i++) {
		struct intake_target *t = &m->targets[i];
		struct one o = {.conn = conn,
		        .m = m,
		        .t = t,
		        .d = t->device,
		        .arena = m->arena,
		        .device = t->id,
		        .at = t->device->acquired_at.value};
		if (!merge_one(&o, e))
			return err_wrap(e, "device %s", t->public_id);
	}
	return remember(conn, m, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a device consumes: ink, paper, waste boxes. */
#include "core/intake_telemetry.h"

#include "core/rows.h"

#include <stdio.h>
#include <string.h>

enum { SUPPLY_LIST, SUPPLY_PUT, SUPPLY_DROP, STATEMENTS };

static const struct sql_statement statements[STATEMENTS] = {
        [SUPPLY_LIST] = {TELEMETRY_READ, .in = "i", .out = "ittTttIITtTI",
                .text = "SELECT idx, class, type, color, name, unit, capacity, level, level_state, "
                        "resolution,"
                        " serial_number, installed_at FROM supply WHERE device = $1"},
        [SUPPLY_PUT] = {TELEMETRY_WRITE, .in = "iittTttIITtTIi", .out = "",
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
        [SUPPLY_DROP] = {TELEMETRY_WRITE, .in = "ii", .out = "",
                .text = "DELETE FROM supply WHERE device = $1 AND idx = $2"},
};

const struct sql_table intake_supplies_sql = {"intake_supplies", statements, STATEMENTS};

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
	       same_text(text_or_empty(now->name), was->name) &&
	       same_text(now->color, was->color) &&
	       same_text(report_level_state_name(now->level_state), was->level_state) &&
	       same_text(now->serial_number, was->serial) &&
	       same_text(word(report_supply_type_name(now->type)), was->type) &&
	       same_text(word(report_supply_class_name(now->class_)), was->class_) &&
	       same_text(word(report_supply_unit_name(now->unit)), was->unit) &&
	       same_text(word(report_resolution_name(now->resolution)), was->resolution);
}

static int next_supply(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct stored_supply *s = item;

	return sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&s->idx), SQL_INTO_T(arena, &s->class_),
	                SQL_INTO_T(arena, &s->type), SQL_INTO_T(arena, &s->color),
	                SQL_INTO_T(arena, &s->name), SQL_INTO_T(arena, &s->unit),
	                SQL_INTO_I_NULL(&s->capacity, &s->no_capacity),
	                SQL_INTO_I_NULL(&s->level, &s->no_level),
	                SQL_INTO_T(arena, &s->level_state), SQL_INTO_T(arena, &s->resolution),
	                SQL_INTO_T(arena, &s->serial),
	                SQL_INTO_I_NULL(&s->installed_at, &s->no_installed)),
	        e);
}

static bool list_supplies(
        struct intake_device *o, struct stored_supply **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(o->arena, sizeof(struct stored_supply));
	struct stored_supply one = {.reported = false};
	struct sql_cursor *cursor =
	        sql_query(o->conn, &statements[SUPPLY_LIST], SQL_ARGS(SQL_I(o->device)), e);
	bool ok = rows_read(&rows, cursor, next_supply, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

static bool put_supply(struct intake_device *o, const struct report_supply *s, struct err *e)
{
	return sql_do(o->conn, &statements[SUPPLY_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_I(s->index.value),
	                SQL_T(word(report_supply_class_name(s->class_))),
	                SQL_T(word(report_supply_type_name(s->type))), SQL_T(s->color),
	                SQL_T(text_or_empty(s->name)),
	                SQL_T(word(report_supply_unit_name(s->unit))), optional_int(&s->capacity),
	                optional_int(&s->level), SQL_T(report_level_state_name(s->level_state)),
	                SQL_T(word(report_resolution_name(s->resolution))), SQL_T(s->serial_number),
	                optional_int(&s->installed_at), SQL_I(o->at)),
	        NULL, e);
}

static bool sample_supply(struct intake_device *o, const struct report_supply *s, struct err *e)
{
	char metric[48];

	if (!s->level.set)
		return true;
	(void)snprintf(metric, sizeof metric, "supply.%lld.level", (long long)s->index.value);
	return intake_samples_put(o, metric, (double)s->level.value, e);
}

bool intake_supplies_merge(struct intake_device *o, struct err *e)
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

bool intake_supplies_keep(struct intake_device *o, struct err *e)
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

bool intake_supplies_late(struct intake_device *o, struct err *e)
{
	for (size_t i = 0; i < o->d->supply_count; i++)
		if (!sample_supply(o, &o->d->supplies[i], e))
			return false;
	return true;
}

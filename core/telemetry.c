/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry.c: supplies, samples and what happened, as lists. */
#include "core/rows.h"
#include "core/telemetry_internal.h"

enum {
	SUPPLIES,
	EVENTS,
	EVENTS_OPEN,
	CLEANINGS,
	MAINTENANCE,
	JOBS,
	SAMPLES,
	CHANGES,
	STATEMENTS,
};

static const struct sql_statement statements[STATEMENTS] = {
        [SUPPLIES] = {READS_BOTH, .in = "ii", .out = "ittTttIITtTIi",
                .text = "SELECT idx, class, type, color, name, unit, capacity, level, level_state,"
                        " resolution, serial_number, installed_at, changed_at"
                        " FROM supply WHERE device = $2 AND " VISIBLE " ORDER BY idx"},
        [EVENTS] = {READS_BOTH, .in = "iiiti", .out = "tiItTTT",
                .text = "SELECT event_id, at, cleared_at, severity, code, reason, text"
                        " FROM event WHERE device = $2 AND at <= $3 AND (at < $3 OR event_id < $4) "
                        "AND " VISIBLE " ORDER BY at DESC, event_id DESC LIMIT $5"},
        [EVENTS_OPEN] = {READS_BOTH, .in = "iiiti", .out = "tiItTTT",
                .text = "SELECT event_id, at, cleared_at, severity, code, reason, text"
                        " FROM event INDEXED BY event_open"
                        " WHERE device = $2 AND at <= $3 AND (at < $3 OR event_id < $4) AND "
                        "cleared_at IS NULL"
                        " AND severity IN ('error', 'warning') AND " VISIBLE
                        " ORDER BY at DESC, event_id DESC LIMIT $5"},
        [CLEANINGS] = {READS_BOTH, .in = "iiiti", .out = "tittR",
                .text = "SELECT cleaning_id, at, kind, trigger_by, ink_used_ml"
                        " FROM cleaning WHERE device = $2 AND at <= $3 AND (at < $3 OR cleaning_id "
                        "< $4) AND " VISIBLE " ORDER BY at DESC, cleaning_id DESC LIMIT $5"},
        [MAINTENANCE] = {READS_BOTH, .in = "iiiti", .out = "titTI",
                .text = "SELECT maintenance_id, at, kind, part, count"
                        " FROM maintenance WHERE device = $2 AND at <= $3 AND (at < $3 OR "
                        "maintenance_id < $4) AND " VISIBLE
                        " ORDER BY at DESC, maintenance_id DESC LIMIT $5"},
        [JOBS] = {READS_BOTH, .in = "iiiti", .out = "tiittIIRTt",
                .text = "SELECT job_id, started_at, ended_at, state, reasons, impressions, sheets, "
                        "area_m2,"
                        " media, ink_used FROM job WHERE device = $2 AND ended_at <= $3 AND "
                        "(ended_at < $3 OR job_id < $4) AND " VISIBLE
                        " ORDER BY ended_at DESC, job_id DESC LIMIT $5"},
        [SAMPLES] = {READS_BOTH, .in = "iitii", .out = "ir",
                .text = "SELECT at, value FROM sample"
                        " WHERE device = $2 AND metric = $3 AND at >= $4 AND " VISIBLE
                        " ORDER BY at LIMIT $5"},
        [CHANGES] = {READS_BOTH, .in = "iiiti", .out = "ittTT",
                .text = "SELECT at, category, name, old_value, new_value"
                        " FROM setting_change WHERE device = $2 AND at <= $3 AND (at < $3 OR "
                        "category || '.' || name < $4) AND " VISIBLE
                        " ORDER BY at DESC, category DESC, name DESC LIMIT $5"},
};

const struct sql_table telemetry_sql = {"telemetry", statements, STATEMENTS};

static int64_t limited(size_t limit)
{
	return limit > TELEMETRY_ROWS_MAX ? TELEMETRY_ROWS_MAX : (int64_t)limit;
}

/* The newest rows of a table by time and id: parameters viewer, device, the place's two, limit. */
static struct sql_cursor *newest(struct sql_conn *conn, int statement, const struct viewer *viewer,
        int64_t device, const struct telemetry_place *before, size_t limit, struct err *e)
{
	return sql_query(conn, &statements[statement],
	        SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device),
	                SQL_I(before ? before->at : INT64_MAX), SQL_T(before ? before->id : ""),
	                SQL_I(limited(limit))),
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
        int64_t device, bool open_only, const struct telemetry_place *before, size_t limit,
        struct telemetry_event **list, size_t *count, struct err *e)
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
        int64_t device, const struct telemetry_place *before, size_t limit,
        struct telemetry_cleaning **list, size_t *count, struct err *e)
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
        int64_t device, const struct telemetry_place *before, size_t limit,
        struct telemetry_maintenance **list, size_t *count, struct err *e)
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
	                SQL_INTO_T(arena, &j->reasons),
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
        int64_t device, const struct telemetry_place *before, size_t limit,
        struct telemetry_job **list, size_t *count, struct err *e)
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
        int64_t device, const struct telemetry_place *before, size_t limit,
        struct telemetry_change **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct telemetry_change));
	struct telemetry_change item = {0};
	bool ok = rows_read(&rows, newest(conn, CHANGES, viewer, device, before, limit, e),
	        next_change, &item, e);
	*list = rows.items;
	*count = rows.count;
	return ok;
}

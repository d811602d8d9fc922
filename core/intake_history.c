/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to a device: events, jobs, cleanings, maintenance. */
#include "core/intake_telemetry.h"

#include <string.h>

enum { EVENT_PUT, EVENT_CLEAR, JOB_PUT, CLEANING_PUT, MAINTENANCE_PUT, STATEMENTS };

static const struct sql_statement statements[STATEMENTS] = {
        [EVENT_PUT] = {TELEMETRY_WRITE, .in = "iitItTTT", .out = "",
                .text = "INSERT INTO event (device, at, event_id, cleared_at, severity, code, "
                        "reason, text)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (device, event_id)"
                        " DO UPDATE SET cleared_at = excluded.cleared_at"
                        " WHERE cleared_at IS NULL AND excluded.cleared_at IS NOT NULL"},
        [EVENT_CLEAR] = {TELEMETRY_WRITE, .in = "iti", .out = "",
                .text = "UPDATE event SET cleared_at = $3 WHERE device = $1 AND reason = $2 AND "
                        "cleared_at IS NULL"
                        " AND at <= $3"},
        [JOB_PUT] = {TELEMETRY_WRITE,
                .in = "iititt"
                      "IIRTt",
                .out = "",
                .text = "INSERT INTO job (device, ended_at, job_id, started_at, state, reasons, "
                        "impressions, sheets, area_m2,"
                        " media, ink_used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
                        "ON CONFLICT DO NOTHING"},
        [CLEANING_PUT] = {TELEMETRY_WRITE, .in = "iitttR", .out = "",
                .text = "INSERT INTO cleaning (device, at, cleaning_id, kind, trigger_by, "
                        "ink_used_ml)"
                        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"},
        [MAINTENANCE_PUT] = {TELEMETRY_WRITE, .in = "iittTI", .out = "",
                .text = "INSERT INTO maintenance (device, at, maintenance_id, kind, part, count)"
                        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"},
};

const struct sql_table intake_history_sql = {"intake_history", statements, STATEMENTS};

/* ---- events */

struct event {
	const char *id, *severity, *code, *reason, *text;
	int64_t at;
	struct report_int cleared_at;
};

static bool put_event(struct intake_device *o, const struct event *h, struct err *e)
{
	return sql_do(o->conn, &statements[EVENT_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_I(h->at), SQL_T(h->id), optional_int(&h->cleared_at),
	                SQL_T(text_or_empty(h->severity)), SQL_T(h->code), SQL_T(h->reason),
	                SQL_T(h->text)),
	        NULL, e);
}

/* The id holds the time, so that a repeat is the same event. */
bool intake_history_notice(struct intake_device *o, const char *severity, const char *code,
        const char *what, const char *text, struct err *e)
{
	const char *id = arena_printf(o->arena, "%s:%s:%lld", code, what, (long long)o->at);

	if (id == NULL || text == NULL)
		return err_set(e, ERR_MEMORY, "no memory for an event");
	return put_event(o,
	        &(struct event){.id = id,
	                .at = o->at,
	                .cleared_at = {true, o->at},
	                .severity = severity,
	                .code = code,
	                .text = text},
	        e);
}

static bool merge_events(struct intake_device *o, struct err *e)
{
	for (size_t i = 0; i < o->d->event_count; i++) {
		const struct report_event *v = &o->d->events[i];
		const struct event h = {.id = v->id,
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

static bool has_reason(const struct intake_reason *list, size_t count, const char *keyword)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].keyword, keyword) == 0)
			return true;
	return false;
}

bool intake_history_reasons(
        struct intake_device *o, const struct intake_reason *now, size_t now_count, struct err *e)
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
		                &(struct event){.id = id,
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

/* ---- jobs and care */

static bool merge_jobs(struct intake_device *o, struct err *e)
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
		                        SQL_T(text_or_empty(report_job_state_name(j->state))),
		                        SQL_T(reasons), optional_int(&j->impressions),
		                        optional_int(&j->sheets), optional_real(&j->area_m2),
		                        SQL_T(j->media), SQL_T(ink)),
		                NULL, e))
			return false;
	}
	return true;
}

static bool merge_care(struct intake_device *o, struct err *e)
{
	for (size_t i = 0; i < o->d->cleaning_count; i++) {
		const struct report_cleaning *c = &o->d->cleanings[i];
		if (!sql_do(o->conn, &statements[CLEANING_PUT],
		            SQL_ARGS(SQL_I(o->device), SQL_I(c->at.value), SQL_T(c->id),
		                    SQL_T(text_or_empty(c->kind)), SQL_T(text_or_empty(c->trigger)),
		                    optional_real(&c->ink_used_ml)),
		            NULL, e))
			return false;
	}
	for (size_t i = 0; i < o->d->maintenance_count; i++) {
		const struct report_maintenance *c = &o->d->maintenance[i];
		if (!sql_do(o->conn, &statements[MAINTENANCE_PUT],
		            SQL_ARGS(SQL_I(o->device), SQL_I(c->at.value), SQL_T(c->id),
		                    SQL_T(text_or_empty(c->kind)), SQL_T(c->part),
		                    optional_int(&c->count)),
		            NULL, e))
			return false;
	}
	return true;
}

bool intake_history_merge(struct intake_device *o, struct err *e)
{
	return merge_events(o, e) && merge_jobs(o, e) && merge_care(o, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging one report into telemetry: report ids, and the latest state of each device. Nothing is written that
 * has not changed, apart from the moment itself (device_state, device_seen).
 */
#include "core/intake_telemetry.h"

#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000, REPORTS_KEPT = 64 };

enum { SEEN_FIND, SEEN_INSERT, SEEN_DROP, STATE_FIND, STATE_PUT, MOMENT_PUT, STATEMENTS };

static const struct sql_statement statements[STATEMENTS] = {
        [SEEN_FIND] = {TELEMETRY_READ, .in = "it", .out = "t",
                .text = "SELECT answer FROM report_seen WHERE agent = $1 AND report_id = $2"},
        [SEEN_INSERT] = {TELEMETRY_WRITE, .in = "itt", .out = "i",
                .text = "INSERT INTO report_seen (agent, report_id, slot, answer) VALUES ($1, $2, "
                        "1 + coalesce((SELECT slot FROM report_seen WHERE agent = $1 ORDER BY "
                        "slot DESC LIMIT 1), 0), $3) RETURNING slot"},
        [SEEN_DROP] = {TELEMETRY_WRITE, .in = "ii", .out = "",
                .text = "DELETE FROM report_seen WHERE agent = $1 AND slot <= $2"},
        [STATE_FIND] = {TELEMETRY_READ, .in = "i", .out = "ititttBi",
                .text = "SELECT acquired_at, state, state_since, reasons, codes, counters, "
                        "settings_hash, sampled_day"
                        " FROM device_state WHERE device = $1"},
        [STATE_PUT] = {TELEMETRY_WRITE, .in = "iiiittittITTtBi", .out = "",
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
        [MOMENT_PUT] = {TELEMETRY_WRITE, .in = "ii", .out = "",
                .text = "INSERT INTO device_seen (device, seen_at) VALUES ($1, $2)"
                        " ON CONFLICT (device) DO UPDATE SET seen_at = max(seen_at, "
                        "excluded.seen_at)"},
};

const struct sql_table intake_telemetry_sql = {"intake_telemetry", statements, STATEMENTS};

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

/* ---- state */

static bool find_state(struct intake_device *o, struct err *e)
{
	struct intake_state *s = &o->old;

	return sql_one(o->conn, &statements[STATE_FIND], SQL_ARGS(SQL_I(o->device)),
	        SQL_INTO(SQL_INTO_I(&s->acquired_at), SQL_INTO_T(o->arena, &s->state),
	                SQL_INTO_I(&s->state_since), SQL_INTO_T(o->arena, &s->reasons),
	                SQL_INTO_T(o->arena, &s->codes), SQL_INTO_T(o->arena, &s->counters),
	                SQL_INTO_B(o->arena, &s->settings_hash, &s->settings_hash_len),
	                SQL_INTO_I(&s->sampled_day)),
	        &s->found, e);
}

static bool merge_status(struct intake_device *o, const char **state, const char **reasons,
        const char **codes, struct err *e)
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
	return intake_history_reasons(o, list, count, e);
}

static bool put_state(struct intake_device *o, const char *state, const char *reasons,
        const char *codes, const char *counters, struct sql_value hash, struct err *e)
{
	const struct report_agent *a = &o->m->report->agent;
	bool same = o->old.found && strcmp(o->old.state, state) == 0;

	return sql_do(o->conn, &statements[STATE_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_I(o->at), SQL_I(o->m->received_at),
	                SQL_I(o->m->agent->id),
	                SQL_T(text_or_empty(report_collection_name(a->collection))), SQL_T(state),
	                SQL_I(same ? o->old.state_since : o->at), SQL_T(reasons), SQL_T(codes),
	                optional_int(&o->d->device_time), SQL_T(o->d->region_code),
	                SQL_T(o->d->country_code), SQL_T(counters), hash,
	                SQL_I(o->daily ? o->at / DAY_MS : o->old.sampled_day)),
	        NULL, e);
}

/* ---- one device */

static bool merge_newest(struct intake_device *o, struct err *e)
{
	const char *state, *reasons, *codes, *counters;
	struct sql_value keep;

	o->t->newest = true;
	o->daily = !o->old.found || o->at / DAY_MS > o->old.sampled_day;
	/* Known by its state: the row in core may be of a report that was cut short. */
	if (!o->old.found && !intake_history_notice(o, "report", "device-added", "first",
	                             "first report of this device", e))
		return false;
	if (o->t->serial_appeared &&
	        !intake_history_notice(o, "report", "serial-appeared", "identity",
	                "the device now tells its serial number", e))
		return false;
	return merge_status(o, &state, &reasons, &codes, e) &&
	       (o->d->supply_count > 0 ? intake_supplies_merge(o, e)
	                               : intake_supplies_keep(o, e)) &&
	       intake_samples_counters(o, &counters, e) && intake_settings_merge(o, &keep, e) &&
	       put_state(o, state, reasons, codes, counters, keep, e);
}

/* Older than what is known: its numbers are put in their place, the state stays. */
static bool merge_late(struct intake_device *o, struct err *e)
{
	return intake_supplies_late(o, e) && intake_samples_late(o, e);
}

static bool merge_one(struct intake_device *o, struct err *e)
{
	if (!find_state(o, e))
		return false;
	if (!o->old.found || o->at >= o->old.acquired_at ? !merge_newest(o, e) : !merge_late(o, e))
		return false;
	return intake_history_merge(o, e) &&
	       sql_do(o->conn, &statements[MOMENT_PUT],
	               SQL_ARGS(SQL_I(o->device), SQL_I(intake_seen_at(o->m->received_at, o->d))),
	               NULL, e);
}

bool intake_merge_work(struct sql_conn *conn, void *arg, struct err *e)
{
	struct intake_merge *m = arg;

	/* Asked again here, where writers take turns: the sender may have given up waiting and sent it twice. */
	*e = ERR_CLEAR;
	m->seen = intake_seen(conn, m->agent->id, m->report->id, m->arena, e);
	if (m->seen != NULL || e->code != ERR_NONE)
		return m->seen != NULL;
	for (size_t i = 0; i < m->count; i++) {
		struct intake_target *t = &m->targets[i];
		struct intake_device o = {.conn = conn,
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

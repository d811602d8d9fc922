/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers over time: a point when one changed, and one a day. */
#include "core/intake_telemetry.h"

enum { SAMPLE_PUT, STATEMENTS };

static const struct sql_statement statements[STATEMENTS] = {
        [SAMPLE_PUT] = {TELEMETRY_WRITE, .in = "itir", .out = "",
                .text = "INSERT INTO sample (device, metric, at, value) VALUES ($1, $2, $3, $4) ON "
                        "CONFLICT DO NOTHING"},
};

const struct sql_table intake_samples_sql = {"intake_samples", statements, STATEMENTS};

bool intake_samples_put(struct intake_device *o, const char *metric, double value, struct err *e)
{
	return sql_do(o->conn, &statements[SAMPLE_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_T(metric), SQL_I(o->at), SQL_R(value)), NULL, e);
}

bool intake_samples_counters(struct intake_device *o, const char **text, struct err *e)
{
	struct intake_counters c;

	if (!intake_counters_merge(
	            o->arena, o->old.found ? o->old.counters : "{}", &o->d->counters, &c, e))
		return false;
	*text = c.text;
	for (size_t i = 0; i < c.count; i++) {
		const struct intake_change *n = &c.all[i];
		bool changed = !n->had || n->before < n->now || n->before > n->now;
		if ((changed || o->daily) && !intake_samples_put(o, n->metric, n->now, e))
			return false;
		if (n->had && n->now < n->before &&
		        !intake_history_notice(o, "warning", "counter-fell", n->metric,
		                arena_printf(o->arena,
		                        "%s fell from %.17g to %.17g: a board or the device was "
		                        "replaced",
		                        n->metric, n->before, n->now),
		                e))
			return false;
	}
	return true;
}

bool intake_samples_late(struct intake_device *o, struct err *e)
{
	struct intake_counters c;

	if (!intake_counters_merge(o->arena, "{}", &o->d->counters, &c, e))
		return false;
	for (size_t i = 0; i < c.count; i++)
		if (!intake_samples_put(o, c.all[i].metric, c.all[i].now, e))
			return false;
	return true;
}

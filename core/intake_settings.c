/* SPDX-License-Identifier: Apache-2.0 */
/* Settings by category, and what changed in them. */
#include "core/intake_telemetry.h"

#include <string.h>

enum { SETTINGS_FIND, SETTINGS_PUT, SETTING_CHANGE_PUT, STATEMENTS };

static const struct sql_statement statements[STATEMENTS] = {
        [SETTINGS_FIND] = {TELEMETRY_READ, .in = "it", .out = "t",
                .text = "SELECT settings FROM device_settings WHERE device = $1 AND category = $2"},
        [SETTINGS_PUT] = {TELEMETRY_WRITE, .in = "itti", .out = "",
                .text = "INSERT INTO device_settings (device, category, settings, changed_at) "
                        "VALUES ($1, $2, $3, $4)"
                        " ON CONFLICT (device, category) DO UPDATE SET settings = "
                        "excluded.settings,"
                        " changed_at = excluded.changed_at"},
        [SETTING_CHANGE_PUT] = {TELEMETRY_WRITE, .in = "iittTT", .out = "",
                .text = "INSERT INTO setting_change (device, at, category, name, old_value, "
                        "new_value)"
                        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"},
};

const struct sql_table intake_settings_sql = {"intake_settings", statements, STATEMENTS};

static bool merge_category(struct intake_device *o, int group, struct err *e)
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
			                    SQL_T(changes[i].name), SQL_T(changes[i].before),
			                    SQL_T(changes[i].now)),
			            NULL, e))
				return false;
	}
	return sql_do(o->conn, &statements[SETTINGS_PUT],
	        SQL_ARGS(SQL_I(o->device), SQL_T(category), SQL_T(now), SQL_I(o->at)), NULL, e);
}

bool intake_settings_merge(struct intake_device *o, struct sql_value *keep, struct err *e)
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

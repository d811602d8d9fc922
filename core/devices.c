/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet in figures, and one device. */
#include "core/devices_internal.h"

enum { FLEET, FIND, MAY, STATEMENTS };

/* Devices in a condition that reports: never more than the cap and one are looked at. */
#define CAPPED(index, where)                                                                       \
	"(SELECT count(*) FROM (SELECT 1 FROM device d INDEXED BY " index                          \
	" WHERE d.group_id IN (" SCOPE ") AND d.retired_at IS NULL AND " where " LIMIT 1001))"
#define REPORTING " AND d.seen_hour >= " SILENT_BEFORE

/* In the order that devices_fleet() takes them. */
/* By hand: the formatter breaks these literals letter by letter. */
/* clang-format off */
#define CALM " AND d.attention IN (0, 1, 2)" REPORTING
#define FLEET_TEXT "SELECT " \
	CAPPED("device_counts", "d.state = 'unknown'" CALM) ", " \
	CAPPED("device_counts", "d.state = 'processing'" CALM) ", " \
	CAPPED("device_counts", "d.state = 'idle'" CALM) ", " \
	CAPPED("device_counts", "d.state = 'stopped' AND d.attention IN (0, 1, 2, 3)" REPORTING) ", " \
	CAPPED("device_counts", "d.state IN ('idle', 'processing', 'unknown')" \
	        " AND d.attention = 3" REPORTING) ", " \
	CAPPED("device_by_seen", "d.seen_hour < " SILENT_BEFORE) ", " \
	CAPPED("device_counts", "1") ", " \
	CAPPED("device_by_attention", "d.attention IN (2, 3)")
/* clang-format on */

static const struct sql_statement statements[STATEMENTS] = {
        [FLEET] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "iiiiiiii",
                .text = FLEET_TEXT},
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "it",
                .out = COLUMN_TYPES,
                .text = "SELECT " COLUMNS FROM " WHERE d.public_id = $2 AND d.retired_at IS NULL"
                        " AND EXISTS (SELECT 1 FROM scope s WHERE s.viewer = $1"
                        " AND s.group_id = d.group_id AND s.\"right\" = 'view')"},
        [MAY] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iit",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM device d JOIN scope s ON s.group_id = "
                        "d.group_id"
                        " WHERE d.id = $2 AND d.retired_at IS NULL AND s.viewer = $1"
                        " AND s.\"right\" = $3)"},
};

const struct sql_table devices_sql = {"devices", statements, STATEMENTS};

int devices_next(struct sql_cursor *cursor, struct arena *arena, struct device *out, struct err *e)
{
	int64_t condition = 0, attention = 0, lowest = 0;
	bool no_lowest = false, no_agent = false;
	*out = (struct device){0};
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&out->id), SQL_INTO_T(arena, &out->public_id),
	                SQL_INTO_T(arena, &out->name), SQL_INTO_T(arena, &out->manufacturer),
	                SQL_INTO_T(arena, &out->model), SQL_INTO_T(arena, &out->serial_number),
	                SQL_INTO_T(arena, &out->firmware), SQL_INTO_T(arena, &out->identity_kind),
	                SQL_INTO_T(arena, &out->state), SQL_INTO_I(&condition),
	                SQL_INTO_I(&attention), SQL_INTO_T(arena, &out->attention_text),
	                SQL_INTO_I_NULL(&lowest, &no_lowest), SQL_INTO_I(&out->first_seen_at),
	                SQL_INTO_I(&out->seen_hour), SQL_INTO_I(&out->group_id),
	                SQL_INTO_T(arena, &out->group_public_id),
	                SQL_INTO_T(arena, &out->group_name), SQL_INTO_T(arena, &out->consent),
	                SQL_INTO_I(&out->customer_id), SQL_INTO_T(arena, &out->customer_public_id),
	                SQL_INTO_T(arena, &out->customer_name),
	                SQL_INTO_I_NULL(&out->agent_id, &no_agent),
	                SQL_INTO_T(arena, &out->agent_public_id),
	                SQL_INTO_T(arena, &out->agent_type), SQL_INTO_T(arena, &out->agent_version),
	                SQL_INTO_T(arena, &out->agent_system), SQL_INTO_I(&out->seen_at)),
	        e);
	if (got != 1)
		return got;
	out->condition = (enum device_condition)condition;
	out->attention = (enum device_attention)attention;
	out->lowest_supply = no_lowest ? -1 : (int)lowest;
	return 1;
}

/* ---- the fleet page */

bool devices_fleet(
        struct sql_conn *conn, const struct viewer *viewer, struct fleet *out, struct err *e)
{
	int64_t stopped = 0, with_error = 0;
	*out = (struct fleet){0};
	bool found = false;
	if (!sql_one(conn, &statements[FLEET], SQL_ARGS(SQL_I(viewer->account_id)),
	            SQL_INTO(SQL_INTO_I(&out->counts[DEVICE_UNKNOWN]),
	                    SQL_INTO_I(&out->counts[DEVICE_PRINTING]),
	                    SQL_INTO_I(&out->counts[DEVICE_IDLE]), SQL_INTO_I(&stopped),
	                    SQL_INTO_I(&with_error), SQL_INTO_I(&out->counts[DEVICE_SILENT]),
	                    SQL_INTO_I(&out->total), SQL_INTO_I(&out->attention)),
	            &found, e))
		return false;
	out->counts[DEVICE_ERROR] = stopped + with_error;
	return true;
}

/* ---- one device */

bool devices_find(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const char *public_id, struct device *out, struct err *e)
{
	struct sql_cursor *cursor = sql_query(
	        conn, &statements[FIND], SQL_ARGS(SQL_I(viewer->account_id), SQL_T(public_id)), e);
	if (!cursor)
		return false;
	int got = devices_next(cursor, arena, out, e);
	sql_end(cursor);
	if (got == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such device");
	return got == 1;
}

bool devices_may(struct sql_conn *conn, const struct viewer *viewer, int64_t device,
        const char *right, bool *may, struct err *e)
{
	int64_t exists = 0;
	bool found = false;
	if (!sql_one(conn, &statements[MAY],
	            SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device), SQL_T(right)),
	            SQL_INTO(SQL_INTO_I(&exists)), &found, e))
		return false;
	*may = exists != 0;
	return true;
}

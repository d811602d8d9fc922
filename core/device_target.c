/* SPDX-License-Identifier: Apache-2.0 */
#include "core/device_target.h"

enum { FIND };

static const struct sql_statement statements[] = {
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "tttttt",
                .text = "SELECT d.public_id, d.identity_kind, d.identity_value, d.manufacturer, "
                        "d.model, o.public_id"
                        " FROM device d JOIN organisation o ON o.id = d.customer_id WHERE d.id = "
                        "$1"},
};

const struct sql_table device_target_sql = {.name = "device_target",
        .list = statements,
        .count = sizeof statements / sizeof statements[0]};

bool device_target_find(struct sql_conn *conn, struct arena *arena, int64_t device,
        struct device_target *out, struct err *e)
{
	bool found;

	if (!sql_one(conn, &statements[FIND], SQL_ARGS(SQL_I(device)),
	            SQL_INTO(SQL_INTO_T(arena, &out->public_id),
	                    SQL_INTO_T(arena, &out->identity_kind),
	                    SQL_INTO_T(arena, &out->identity_value),
	                    SQL_INTO_T(arena, &out->manufacturer), SQL_INTO_T(arena, &out->model),
	                    SQL_INTO_T(arena, &out->customer_public_id)),
	            &found, e))
		return false;
	return found || err_set(e, ERR_NOT_FOUND, "there is no such device");
}

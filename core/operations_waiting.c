/* SPDX-License-Identifier: Apache-2.0 */
#include "core/operations_waiting.h"

enum { WAITING };

static const struct sql_statement statements[] = {
        [WAITING] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .stores = 1u << SQL_CORE,
                .in = "i",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM execution x JOIN device d ON d.id = x.device"
                        " WHERE x.state IN ('queued', 'resending') AND d.agent_id = $1)"},
};

const struct sql_table operations_waiting_sql = {.name = "operations_waiting",
        .list = statements,
        .count = sizeof statements / sizeof statements[0]};

bool operations_waiting(struct sql_conn *conn, int64_t agent, bool *waiting, struct err *e)
{
	int64_t yes = 0;

	if (!sql_one(conn, &statements[WAITING], SQL_ARGS(SQL_I(agent)), SQL_INTO(SQL_INTO_I(&yes)),
	            NULL, e))
		return false;
	*waiting = yes != 0;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* operations_check.c: what stands in the way of an operation. */
#include "core/models.h"
#include "core/operations.h"

#include <string.h>

enum {
	AGENT_OF,
	LANE_BUSY,
	STATEMENTS,
};

static const struct sql_statement statements[STATEMENTS] = {
        [AGENT_OF] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .stores = 1u << SQL_CORE,
                .in = "it",
                .out = "iii",
                .text = "SELECT p.agent IS NOT NULL, coalesce(p.online, 0),"
                        " instr(' ' || coalesce(p.kinds, '') || ' ', ' ' || $2 || ' ') > 0"
                        " FROM device d JOIN agent a ON a.id = d.agent_id"
                        " AND a.revoked_at IS NULL AND a.customer_id = d.customer_id"
                        " LEFT JOIN presence p ON p.agent = a.id WHERE d.id = $1"},
        [LANE_BUSY] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM execution WHERE device = $1"
                        " AND class <> 'query' AND (state IN ('sent', 'resending', 'delivered',"
                        " 'in-progress', 'cancel-requested', 'queued', 'waiting-consent')"
                        " OR (state = 'unknown' AND written_off = 0)))"},
};
const struct sql_table operations_check_sql = {"operations_check", statements, STATEMENTS};

static const struct {
	const char *code, *sentence;
} obstacles[OBSTACLES] = {
        [OBSTACLE_NONE] = {"", ""},
        [OBSTACLE_NO_RIGHT] = {"no-right",
                "You have not been granted the right to do this on this device."},
        [OBSTACLE_NO_CONSENT] = {"no-consent",
                "The customer does not allow remote operations on this device."},
        [OBSTACLE_NOT_CAPABLE] = {"not-capable", "This device cannot do it remotely."},
        [OBSTACLE_NO_AGENT] = {"no-agent",
                "No agent is there that could reach this device: none reports it, or its agent was"
                " revoked or has never been connected."},
        [OBSTACLE_ASKS] = {"asks",
                "The customer is asked first: it begins when the customer has agreed."},
        [OBSTACLE_BUSY] = {"busy",
                "Another operation on this device has not ended: this one waits for it."},
        [OBSTACLE_OFFLINE] = {"offline",
                "The device's agent is not connected now: it is sent as soon as it is."},
};

const char *obstacle_code(enum obstacle obstacle)
{
	return (unsigned)obstacle < OBSTACLES ? obstacles[obstacle].code : "";
}

const char *obstacle_sentence(enum obstacle obstacle)
{
	return (unsigned)obstacle < OBSTACLES ? obstacles[obstacle].sentence : "";
}

bool obstacle_prevents(enum obstacle obstacle)
{
	return obstacle == OBSTACLE_NO_RIGHT || obstacle == OBSTACLE_NO_CONSENT ||
	       obstacle == OBSTACLE_NOT_CAPABLE || obstacle == OBSTACLE_NO_AGENT;
}

struct agent_facts {
	int64_t heard, online, capable; /* booleans as SQL has them */
	bool there;
};

static bool check_agent(struct sql_conn *conn, const struct device *device,
        const struct operation_kind *kind, struct agent_facts *f, struct err *e)
{
	*f = (struct agent_facts){.there = false};
	return sql_one(conn, &statements[AGENT_OF], SQL_ARGS(SQL_I(device->id), SQL_T(kind->name)),
	        SQL_INTO(SQL_INTO_I(&f->heard), SQL_INTO_I(&f->online), SQL_INTO_I(&f->capable)),
	        &f->there, e);
}

/* A device without a serial number takes no consuming operation: nobody could prove which one it
 * was. */
static bool check_model(struct sql_conn *conn, const struct device *device,
        const struct operation_kind *kind, bool *can, struct err *e)
{
	*can = false;
	if (kind->class == OPERATION_CONSUMING && strcmp(device->identity_kind, "serial") != 0)
		return true;
	return models_can(conn, device->manufacturer, device->model, kind->name, can, e);
}

static bool check_lane(struct sql_conn *conn, const struct device *device,
        const struct operation_kind *kind, bool *busy, struct err *e)
{
	int64_t yes = 0;

	if (kind->class != OPERATION_QUERY &&
	        !sql_one(conn, &statements[LANE_BUSY], SQL_ARGS(SQL_I(device->id)),
	                SQL_INTO(SQL_INTO_I(&yes)), NULL, e))
		return false;
	*busy = yes != 0;
	return true;
}

bool operations_check(struct sql_conn *conn, const struct viewer *viewer,
        const struct device *device, const struct operation_kind *kind, enum obstacle *obstacle,
        struct err *e)
{
	const char *right = kind->class == OPERATION_CONSUMING ? "consume" : "operate";
	struct agent_facts agent;
	bool may, can, busy;

	if (!devices_may(conn, viewer, device->id, right, &may, e) ||
	        !check_model(conn, device, kind, &can, e) ||
	        !check_agent(conn, device, kind, &agent, e) ||
	        !check_lane(conn, device, kind, &busy, e))
		return false;
	if (!may || !viewer_may(viewer, MAY_OPERATE))
		*obstacle = OBSTACLE_NO_RIGHT;
	else if (strcmp(device->consent, "never") == 0)
		*obstacle = OBSTACLE_NO_CONSENT;
	else if (can && (!agent.there || !agent.heard))
		*obstacle = OBSTACLE_NO_AGENT;
	else if (!can || !agent.capable)
		*obstacle = OBSTACLE_NOT_CAPABLE;
	else if (strcmp(device->consent, "ask") == 0)
		*obstacle = OBSTACLE_ASKS;
	else if (busy)
		*obstacle = OBSTACLE_BUSY;
	else
		*obstacle = agent.online ? OBSTACLE_NONE : OBSTACLE_OFFLINE;
	return true;
}

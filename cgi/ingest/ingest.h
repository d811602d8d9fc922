/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest.h: the program that takes device reports from agents (agent-protocol.md, Device reports).
 */
#ifndef FLEETPORT_CGI_INGEST_INGEST_H
#define FLEETPORT_CGI_INGEST_INGEST_H

#include "core/agents.h"
#include "core/audit.h"
#include "core/intake.h"
#include "db/sql.h"
#include "lib/clock.h"
#include "web/route.h"

struct strangers;

/* What the handlers share; the site's context. */
struct ingest {
	struct sql_db *db; /* reads core, operations, telemetry; writes core and telemetry */
	struct audit_client *audit;
	struct strangers *strangers;
	const struct clock *clock;
	const char *revoked_agents; /* path of the broker's list */
	struct intake intake;
};

/* The statements that the program runs, for sql_open(). Ended by NULL. */
extern const struct sql_table *const ingest_tables[];

/* Fills in the site: its routes, its guard (which lets nobody in but an active agent with its own
 * certificate), its context. public_url must live as long as the site. */
void ingest_site(struct web_site *site, struct ingest *ingest, const char *public_url);

/* The agent behind a request; the guard found it. */
const struct agent *ingest_agent(const struct web_request *rq);

/* Whether operations wait for a device of the agent's, as the guard saw in the same look: the answer
 * tells the agent, which asks for them if MQTT has not brought them. */
bool ingest_operations_pending(const struct web_request *rq);

/* POST /v1/reports */
void reports_post(struct web_request *rq, struct web_response *rs);

#endif

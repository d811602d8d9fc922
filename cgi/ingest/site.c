/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/ingest/ingest.h"

#include "cgi/agent_certificate.h"
#include "core/operations_waiting.h"
#include "lib/report.h"

enum { ANY_AGENT = 1 };

const struct sql_table *const ingest_tables[] = {
        &agents_sql, INTAKE_TABLES, &operations_waiting_sql, NULL};

static const struct web_route routes[] = {
        {.id = "postReport",
                .method = WEB_POST,
                .path = "/v1/reports",
                .who = ANY_AGENT,
                .flags = WEB_RAW_BODY | WEB_NO_CSRF,
                .max_body = REPORT_BYTES_MAX,
                .handler = reports_post},
};

/* Who sends the request; rq->session. */
struct sender {
	struct agent agent;
	bool operations_pending;
};

const struct agent *ingest_agent(const struct web_request *rq)
{
	const struct sender *sender = rq->session;

	return &sender->agent;
}

bool ingest_operations_pending(const struct web_request *rq)
{
	const struct sender *sender = rq->session;

	return sender->operations_pending;
}

static bool look(struct sql_conn *conn, const struct agent *agent, void *arg, struct err *e)
{
	bool *operations_pending = arg;

	return operations_waiting(conn, agent->id, operations_pending, e);
}

static bool guard(struct web_request *rq, const struct web_route *route, struct web_response *rs)
{
	const struct ingest *ingest = rq->site->context;
	const struct agent_door door = {.db = ingest->db,
	        .audit = ingest->audit,
	        .strangers = ingest->strangers,
	        .clock = ingest->clock,
	        .revoked_agents = ingest->revoked_agents,
	        .look = look};
	struct sender *sender = arena_alloc(rq->arena, sizeof *sender);

	(void)route;
	if (sender == NULL) {
		web_problem(rq, rs, 503, "The server is out of memory. Try again.");
		return false;
	}
	if (!agent_certificate_check(
	            &door, rq, rs, "report.send", &sender->agent, &sender->operations_pending))
		return false;
	rq->session = sender;
	return true;
}

void ingest_site(struct web_site *site, struct ingest *ingest, const char *public_url)
{
	*site = (struct web_site){.name = "ingest",
	        .public_url = public_url,
	        .routes = routes,
	        .route_count = sizeof routes / sizeof routes[0],
	        .context = ingest,
	        .guard = guard};
}

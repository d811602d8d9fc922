/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/ingest/ingest.h"

#include "cgi/strangers.h"
#include "core/operations_waiting.h"
#include "lib/log.h"
#include "lib/report.h"

#include <string.h>

enum { BORROW_MS = 2000, WRITE_MS = 2000, ANY_AGENT = 1 };

const struct sql_table *const ingest_tables[] = {
        &agents_sql, &intake_sql, &intake_telemetry_sql, &operations_waiting_sql, NULL};

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

static void record_denied(const struct ingest *ingest, const struct web_request *rq,
        const char *kind, const char *const *targets, size_t count)
{
	struct err e = ERR_CLEAR;
	const struct audit_entry entry = {.actor_kind = kind,
	        .actor_id = count == 0 ? "" : targets[0],
	        .address = rq->address,
	        .request_id = rq->request_id,
	        .action = "report.send",
	        .target_kind = "agent",
	        .targets = targets,
	        .target_count = count,
	        .outcome = AUDIT_DENIED};

	if (!audit_record(ingest->audit, &entry, NULL, &e))
		log_event(LOG_LEVEL_ERROR, "audit-failed", "why", e.text, "request", rq->request_id,
		        NULL);
}

/* Without a certificate anybody could fill the log: the first ones singly, the rest counted. */
static void record_stranger(const struct ingest *ingest, const struct web_request *rq)
{
	int64_t now = clock_wall_ms(ingest->clock);

	strangers_record(ingest->strangers, ingest->audit, now);
	if (strangers_count(ingest->strangers, rq->address, now))
		record_denied(ingest, rq, "stranger", NULL, 0);
}

/* A refusal is a record: who came, with what, and that it got nothing. */
static void record_agent(const struct ingest *ingest, const struct web_request *rq, const char *id)
{
	const char *const targets[] = {id};

	record_denied(ingest, rq, "agent", targets, 1);
}

struct first_use {
	const struct agent *agent;
	const char *serial;
	int64_t now;
};

static bool first_use_work(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct first_use *use = arg;

	return agents_certificate_used(conn, use->agent->id, use->serial, use->now, e);
}

/* Reads the agent; on the first use of a renewed certificate its older ones end. */
static bool authenticate(const struct ingest *ingest, struct web_request *rq, const char *cn,
        struct sender *sender, struct err *e)
{
	int64_t now = clock_wall_ms(ingest->clock);
	struct first_use use = {
	        .agent = &sender->agent, .serial = rq->in->client_serial, .now = now};
	struct sql_conn *conn = sql_borrow(ingest->db, BORROW_MS, e);
	bool ok, first;

	if (conn == NULL)
		return false;
	ok = agents_authenticate(
	             conn, rq->arena, rq->in->client_serial, cn, now, &sender->agent, &first, e) &&
	     operations_waiting(conn, sender->agent.id, &sender->operations_pending, e);
	sql_return(conn);
	if (!ok || !first)
		return ok;
	return sql_write(ingest->db, SQL_CORE, first_use_work, &use, WRITE_MS, e);
}

static bool guard(struct web_request *rq, const struct web_route *route, struct web_response *rs)
{
	const struct ingest *ingest = rq->site->context;
	const char *verify = rq->in->client_verify;
	struct sender *sender = arena_alloc(rq->arena, sizeof *sender);
	struct err e = ERR_CLEAR;
	char cn[32] = "";

	(void)route;
	if (sender == NULL) {
		web_problem(rq, rs, 503, "The server is out of memory. Try again.");
		return false;
	}
	if (verify == NULL || strcmp(verify, "SUCCESS") != 0 || rq->in->client_serial == NULL ||
	        rq->in->client_subject == NULL) {
		record_stranger(ingest, rq);
		web_problem(rq, rs, 401,
		        "An agent proves itself with its client certificate. Enrol first.");
		return false;
	}
	if (!agents_subject(rq->in->client_subject, cn))
		(void)err_set(&e, ERR_DENIED, "the certificate's subject is no agent id");
	else if (authenticate(ingest, rq, cn, sender, &e)) {
		rq->session = sender;
		return true;
	}
	if (e.code == ERR_DENIED) {
		record_agent(ingest, rq, cn);
		log_event(LOG_LEVEL_WARNING, "agent-refused", "agent", cn, "why", e.text, "request",
		        rq->request_id, NULL);
		web_problem(rq, rs, 403,
		        "This certificate is not valid any more, or its agent was revoked.");
	} else {
		web_error_from(rq, rs, &e);
	}
	return false;
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

/* SPDX-License-Identifier: Apache-2.0 */
/* The routes, who may come to them, and what the program needs to serve them. */
#include "cgi/enroll/enroll.h"

#include "cgi/strangers.h"
#include "lib/file.h"
#include "lib/log.h"

enum { ANYONE, AGENT };

const struct config_option enroll_options[] = {
        {"enroll", "threads", CONFIG_INT, .fallback = "4", .min = 1, .max = 64},
        {"enroll", "nginx_user", CONFIG_TEXT, .fallback = "www-data"},
        {"enroll", "attempts", CONFIG_INT, .fallback = "10", .min = 1, .max = 100000},
        {"enroll", "report_interval", CONFIG_INT, .fallback = "300", .min = 10, .max = 86400},
        {"enroll", "report_jitter", CONFIG_INT, .fallback = "60", .min = 0, .max = 3600},
        {"enroll", "keep_alive", CONFIG_INT, .fallback = "60", .min = 10, .max = 3600},
        {NULL},
};

const struct sql_table *const enroll_tables[] = {&agents_sql, &changes_sql, &invitations_sql, NULL};

const struct web_route enroll_routes[] = {
        {.id = "agent.ca", .method = WEB_GET, .path = "/v1/ca", .handler = ca_show},
        {.id = "agent.enroll",
                .method = WEB_POST,
                .path = "/v1/enroll",
                .flags = WEB_RAW_BODY | WEB_NO_CSRF,
                .max_body = ENROLMENT_MAX,
                .handler = enroll_post},
        {.id = "agent.renew",
                .method = WEB_POST,
                .path = "/v1/renew",
                .who = AGENT,
                .flags = WEB_RAW_BODY | WEB_NO_CSRF,
                .max_body = ENROLMENT_MAX,
                .handler = renew_post},
        {.id = "agent.leave",
                .method = WEB_POST,
                .path = "/v1/leave",
                .who = AGENT,
                .flags = WEB_RAW_BODY | WEB_NO_CSRF,
                .max_body = 1024,
                .handler = leave_post},
};
const size_t enroll_route_count = sizeof enroll_routes / sizeof enroll_routes[0];

/* ---- who may come */

const struct agent *enroll_agent(const struct web_request *rq)
{
	return rq->session;
}

static bool guard(struct web_request *rq, const struct web_route *route, struct web_response *rs)
{
	struct agent *agent;
	struct err e = ERR_CLEAR;

	if (route->who == ANYONE)
		return true;
	agent = arena_alloc(rq->arena, sizeof *agent);
	if (agent == NULL) {
		(void)err_set(&e, ERR_MEMORY, "no memory for a request");
		web_error_from(rq, rs, &e);
		return false;
	}
	if (!agent_certificate_check(&enroll_of(rq)->door, rq, rs, route->id, agent, NULL))
		return false;
	rq->session = agent;
	return true;
}

/* ---- what all handlers do */

bool enroll_is_json(struct web_request *rq, struct web_response *rs)
{
	if (web_media_type_is(web_header(rq, "content-type"), "application/json"))
		return true;
	web_problem(rq, rs, 415, "The body must be application/json.");
	return false;
}

void enroll_refuse(struct web_request *rq, struct web_response *rs, const struct err *e)
{
	if (e->code == ERR_INVALID || e->code == ERR_LIMIT)
		web_problem(rq, rs, 400, e->text);
	else
		web_error_from(rq, rs, e);
}

void ca_show(struct web_request *rq, struct web_response *rs)
{
	const struct enroll *enroll = enroll_of(rq);

	web_begin(rs, 200, "application/pem-certificate-chain");
	buf_append(&rs->body, enroll->server_ca_pem.data, enroll->server_ca_pem.len);
}

/* ---- start and stop */

static bool read_secret_file(
        const struct enroll *enroll, const char *name, bool secret, struct buf *out, struct err *e)
{
	const char *path = config_path(enroll->config, "secrets", name);

	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	return secret ? file_read_secret(path, out, e) : file_read(path, out, e);
}

static bool load_ca(struct enroll *enroll, struct err *e)
{
	struct buf key = BUF_INIT(X509_PEM_MAX);
	bool ok = read_secret_file(enroll, "agents-ca.pem", false, &enroll->ca_pem, e) &&
	          read_secret_file(enroll, "agents-ca.key.pem", true, &key, e) &&
	          read_secret_file(enroll, "server-ca.pem", false, &enroll->server_ca_pem, e);

	if (ok) {
		enroll->ca = x509_ca_load(buf_text(&enroll->ca_pem), buf_text(&key), e);
		ok = enroll->ca != NULL || err_wrap(e, "agents-ca.pem");
	} else if (e != NULL && e->code == ERR_NOT_FOUND) {
		e->code = ERR_CONFIG;
	}
	file_wipe(&key);
	return ok;
}

bool enroll_open(struct enroll *enroll, struct err *e)
{
	const char *audit = config_path(enroll->config, "run", "audit-enroll.sock");

	enroll->ca_pem = enroll->server_ca_pem = BUF_INIT(X509_PEM_MAX);
	enroll->operation_keys = config_path(enroll->config, "secrets", "operation-keys.json");
	enroll->revoked_agents = config_path(enroll->config, "run", "revoked-agents");
	enroll->attempts = (int)config_int(enroll->config, "enroll", "attempts");
	enroll->strangers = strangers_new();
	if (audit == NULL || enroll->operation_keys == NULL || enroll->revoked_agents == NULL ||
	        enroll->strangers == NULL)
		(void)err_set(e, ERR_MEMORY, "no memory to start");
	else
		enroll->audit = audit_client_new(audit, e);
	enroll->changes =
	        (struct changes){.db = enroll->db, .audit = enroll->audit, .program = "enroll"};
	enroll->door = (struct agent_door){.db = enroll->db,
	        .audit = enroll->audit,
	        .strangers = enroll->strangers,
	        .clock = enroll->clock,
	        .revoked_agents = enroll->revoked_agents};
	enroll->site = (struct web_site){.name = "enroll",
	        .public_url = config_text(enroll->config, "fleetport", "agents_url"),
	        .routes = enroll_routes,
	        .route_count = enroll_route_count,
	        .context = enroll,
	        .guard = guard};
	if (enroll->audit != NULL && load_ca(enroll, e) && web_site_check(&enroll->site, e))
		return true;
	enroll_close(enroll);
	return false;
}

void enroll_close(struct enroll *enroll)
{
	if (enroll->strangers != NULL && enroll->audit != NULL)
		strangers_record(enroll->strangers, enroll->audit, INT64_MAX);
	strangers_free(enroll->strangers);
	audit_client_free(enroll->audit);
	x509_ca_free(enroll->ca);
	buf_free(&enroll->ca_pem);
	buf_free(&enroll->server_ca_pem);
	enroll->strangers = NULL;
	enroll->audit = NULL;
	enroll->ca = NULL;
}

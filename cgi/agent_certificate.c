/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/agent_certificate.h"

#include "cgi/strangers.h"
#include "lib/log.h"

#include <string.h>

enum { BORROW_MS = 2000, WRITE_MS = 2000, NAME_SIZE = 32 };

/* ---- what is recorded */

/* name "": nobody that could be named. */
static void record_denied(const struct agent_door *door, const struct web_request *rq,
        const char *action, const char *name)
{
	const char *const targets[] = {name};
	bool named = *name != '\0';
	struct err e = ERR_CLEAR;
	const struct audit_entry entry = {.actor_kind = named ? "agent" : "stranger",
	        .actor_id = named ? name : NULL,
	        .address = rq->address,
	        .request_id = rq->request_id,
	        .action = action,
	        .target_kind = "agent",
	        .targets = targets,
	        .target_count = named ? 1 : 0,
	        .outcome = AUDIT_DENIED};

	if (!audit_record(door->audit, &entry, NULL, &e))
		log_event(LOG_LEVEL_ERROR, "denial-not-recorded", "request", rq->request_id,
		        "reason", e.text, NULL);
}

void agent_certificate_stranger(
        const struct agent_door *door, const struct web_request *rq, const char *action)
{
	int64_t now = clock_wall_ms(door->clock);

	strangers_record(door->strangers, door->audit, now);
	if (strangers_count(door->strangers, rq->address, now))
		record_denied(door, rq, action, "");
}

/* ---- the check */

void agent_certificate_tell_broker(const struct agent_door *door, const struct agent *agent)
{
	struct err e = ERR_CLEAR;

	if (!agents_publish_revoked(door->db, door->revoked_agents, &e))
		log_event(LOG_LEVEL_ERROR, "revoked-not-published", "agent", agent->public_id,
		        "reason", e.text, NULL);
}

struct first_use {
	int64_t agent_id;
	const char *serial;
	int64_t now;
};

static bool first_use_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct first_use *use = arg;

	return agents_certificate_used(write, use->agent_id, use->serial, use->now, e);
}

static bool authenticate(const struct agent_door *door, const struct web_request *rq,
        const char *name, struct agent *agent, void *look_arg, struct err *e)
{
	struct first_use use = {.serial = rq->in->client_serial, .now = clock_wall_ms(door->clock)};
	struct sql_conn *conn = sql_borrow(door->db, BORROW_MS, e);
	bool ok, first = false;

	if (conn == NULL)
		return false;
	ok = agents_authenticate(conn, rq->arena, use.serial, name, use.now, agent, &first, e) &&
	     (door->look == NULL || door->look(conn, agent, look_arg, e));
	sql_return(conn);
	if (!ok || !first)
		return ok;
	use.agent_id = agent->id;
	if (!sql_write(door->db, SQL_CORE, first_use_work, &use, WRITE_MS, e))
		return false;
	agent_certificate_tell_broker(door, agent);
	return true;
}

bool agent_certificate_check(const struct agent_door *door, struct web_request *rq,
        struct web_response *rs, const char *action, struct agent *agent, void *look_arg)
{
	const struct web_incoming *in = rq->in;
	char name[NAME_SIZE] = "";
	struct err e = ERR_CLEAR;

	if (in->client_verify == NULL || strcmp(in->client_verify, "SUCCESS") != 0 ||
	        in->client_serial == NULL || in->client_subject == NULL) {
		agent_certificate_stranger(door, rq, action);
		web_problem(rq, rs, 401,
		        "An agent proves itself with its client certificate. Enrol first.");
		return false;
	}
	if (!agents_subject(in->client_subject, name)) {
		name[0] = '\0';
		(void)err_set(&e, ERR_DENIED, "the certificate's subject is no agent");
	} else if (authenticate(door, rq, name, agent, look_arg, &e)) {
		return true;
	}
	if (e.code != ERR_DENIED) {
		web_error_from(rq, rs, &e);
		return false;
	}
	record_denied(door, rq, action, name);
	log_event(LOG_LEVEL_WARNING, "agent-refused", "request", rq->request_id, "agent", name,
	        "reason", e.text, NULL);
	web_problem(
	        rq, rs, 403, "This certificate is not valid any more, or its agent was revoked.");
	return false;
}

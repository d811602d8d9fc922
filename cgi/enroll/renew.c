/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/renew and /v1/leave: what an agent that is known may ask for. */
#include "cgi/enroll/enroll.h"

#include <stdio.h>

enum { DETAILS_SIZE = 120 };

struct renewal {
	const struct enroll *enroll;
	const struct agent *agent;
	const struct x509_info *info;
	int64_t now;
};

/* The record of what an agent does to itself. targets has one place. */
static struct audit_entry entry_for(
        const struct web_request *rq, const char *action, const char **targets)
{
	const struct agent *agent = enroll_agent(rq);

	targets[0] = agent->public_id;
	return (struct audit_entry){.actor_kind = "agent",
	        .actor_id = agent->public_id,
	        .address = rq->address,
	        .request_id = rq->request_id,
	        .action = action,
	        .target_kind = "agent",
	        .targets = targets,
	        .target_count = 1,
	        .customer = agent->customer_public_id};
}

/* ---- renewing */

static bool renew_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct renewal *r = arg;

	return enrolment_renewed(write, r->agent->id, r->info->serial, r->info->not_before,
	        r->info->not_after, r->now, e);
}

static bool renew(
        struct web_request *rq, const char *csr, struct enroll_certificate *made, struct err *e)
{
	struct enroll *enroll = enroll_of(rq);
	const struct agent *agent = enroll_agent(rq);
	struct renewal r = {.enroll = enroll,
	        .agent = agent,
	        .info = &made->info,
	        .now = clock_wall_ms(enroll->clock)};
	const char *targets[1];
	char details[DETAILS_SIZE];
	struct audit_entry entry = entry_for(rq, "agent.renew", targets);

	if (!enroll_sign(enroll, csr, agent->public_id, made, e))
		return false;
	(void)snprintf(details, sizeof details, "{\"certificate\":\"%s\"}", made->info.serial);
	entry.details = details;
	if (!changes_run(&enroll->changes, &entry, renew_work, &r, e))
		return false;
	/* Of certificates that this one replaces before they were used. */
	agent_certificate_tell_broker(&enroll->door, agent);
	return true;
}

void renew_post(struct web_request *rq, struct web_response *rs)
{
	struct enroll *enroll = enroll_of(rq);
	struct enrolment_request request;
	struct enrolment_answer answer = {.key_count = 0};
	struct enroll_certificate made = {.chain = BUF_INIT(0)};
	struct err e = ERR_CLEAR;

	if (!enroll_is_json(rq, rs))
		return;
	if (!enrolment_request_read(rq->in->body == NULL ? "" : rq->in->body, rq->in->body_len,
	            true, rq->arena, &request, &e)) {
		enroll_refuse(rq, rs, &e);
		return;
	}
	if (!enroll_keys(enroll, rq->arena, &answer, &e))
		web_error_from(rq, rs, &e);
	else if (renew(rq, request.csr, &made, &e))
		enroll_answer(rq, rs, &answer, enroll_agent(rq)->public_id, buf_text(&made.chain));
	else
		enroll_refuse(rq, rs, &e);
	buf_free(&made.chain);
}

/* ---- leaving */

static bool leave_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct renewal *r = arg;

	return agents_revoke(write, r->agent->public_id, r->now, e);
}

void leave_post(struct web_request *rq, struct web_response *rs)
{
	struct enroll *enroll = enroll_of(rq);
	struct renewal r = {
	        .enroll = enroll, .agent = enroll_agent(rq), .now = clock_wall_ms(enroll->clock)};
	const char *targets[1];
	struct audit_entry entry = entry_for(rq, "agent.leave", targets);
	struct err e = ERR_CLEAR;

	if (!changes_run(&enroll->changes, &entry, leave_work, &r, &e)) {
		web_error_from(rq, rs, &e);
		return;
	}
	agent_certificate_tell_broker(&enroll->door, r.agent);
	web_begin(rs, 204, NULL);
}

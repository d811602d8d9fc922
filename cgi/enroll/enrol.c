/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/enroll: a code and a key against a certificate. */
#include "cgi/enroll/enroll.h"

#include "lib/log.h"

#include <stdio.h>
#include <string.h>

enum {
	BORROW_MS = 2000,
	WRITE_MS = 2000,
	TRIES = 2, /* of two requests with one code and key at once, the second gets the first's */
	RETRY_AFTER_S = 3600,
	ID_SIZE = 26,
	DETAILS_SIZE = 200,
};

/* One text for whatever is wrong with a code: nothing can be learned from it. */
static const char denied_text[] =
        "This code does not let an agent in. Check it, or ask for a new invitation.";

struct enrolling {
	const struct enroll *enroll;
	struct web_request *rq;
	struct enrolment_request request;
	unsigned char key_hash[CRYPTO_HASH];
	struct enrolment_claim claim;
	struct enrolment_result result;
	char agent_id[ID_SIZE];
};

/* ---- attempts */

struct attempt {
	const char *address;
	int limit;
	int64_t now;
	bool allowed;
};

static bool attempt_work(struct sql_conn *write, void *arg, struct err *e)
{
	struct attempt *a = arg;

	return enrolment_attempt(write, a->address, a->limit, a->now, &a->allowed, e);
}

/* Counts it. false: the answer is written. */
static bool may_try(const struct enroll *enroll, struct web_request *rq, struct web_response *rs)
{
	struct attempt a = {.address = rq->address,
	        .limit = enroll->attempts,
	        .now = clock_wall_ms(enroll->clock)};
	struct err e = ERR_CLEAR;
	char seconds[24];

	if (!sql_write(enroll->db, SQL_CORE, attempt_work, &a, WRITE_MS, &e)) {
		web_error_from(rq, rs, &e);
		return false;
	}
	if (a.allowed)
		return true;
	agent_certificate_stranger(&enroll->door, rq, "agent.enroll");
	web_problem(rq, rs, 429, "Too many attempts to enrol came from this address.");
	web_set_header(rq, rs, "Retry-After", log_number(seconds, RETRY_AFTER_S));
	return false;
}

/* ---- the change */

static bool find_claim(struct enrolling *x, struct err *e)
{
	struct sql_conn *conn = sql_borrow(x->enroll->db, BORROW_MS, e);
	bool ok;

	if (conn == NULL)
		return false;
	ok = enrolment_claim(conn, x->rq->arena, x->request.code, x->key_hash, x->request.type,
	        clock_wall_ms(x->enroll->clock), &x->claim, e);
	sql_return(conn);
	return ok;
}

static bool finish_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct enrolling *x = arg;

	return enrolment_finish(write, &x->result, e) &&
	       enrolment_attempt_right(write, x->rq->address, e);
}

/* Begun, made, done. */
static bool make_change(struct enrolling *x, struct err *e)
{
	const char *const targets[] = {x->agent_id};
	char details[DETAILS_SIZE];
	struct audit_entry entry = {.actor_kind = "agent",
	        .actor_id = x->agent_id,
	        .address = x->rq->address,
	        .request_id = x->rq->request_id,
	        .action = "agent.enroll",
	        .target_kind = "agent",
	        .targets = targets,
	        .target_count = 1,
	        .customer = x->claim.customer_public_id,
	        .details = details};

	if (x->claim.certificate != NULL)
		(void)snprintf(details, sizeof details, "{\"invitation\":\"%s\",\"again\":true}",
		        x->claim.invitation_public_id);
	else
		(void)snprintf(details, sizeof details,
		        "{\"invitation\":\"%s\",\"type\":\"%s\",\"certificate\":\"%s\"}",
		        x->claim.invitation_public_id, x->claim.agent_type, x->result.serial);
	return changes_run(&x->enroll->changes, &entry, finish_work, x, e);
}

/* Gives the agent that the claim leads to its certificate; *certificate lives in the arena. */
static bool enrol(struct enrolling *x, const char **certificate, struct err *e)
{
	struct enroll_certificate made = {.chain = BUF_INIT(0)};
	bool ok;

	if (x->claim.agent_public_id == NULL)
		crypto_random_id("ag_", x->agent_id);
	else
		(void)snprintf(x->agent_id, sizeof x->agent_id, "%s", x->claim.agent_public_id);
	x->result = (struct enrolment_result){.claim = &x->claim,
	        .agent_public_id = x->agent_id,
	        .key_hash = x->key_hash,
	        .request = &x->request,
	        .certificate = x->claim.certificate,
	        .now = clock_wall_ms(x->enroll->clock)};
	if (x->claim.certificate != NULL) {
		*certificate = x->claim.certificate;
		return make_change(x, e);
	}
	ok = enroll_sign(x->enroll, x->request.csr, x->agent_id, &made, e);
	if (ok) {
		*certificate = arena_strdup(x->rq->arena, buf_text(&made.chain));
		ok = *certificate != NULL || err_set(e, ERR_MEMORY, "no memory to enrol");
	}
	if (ok) {
		x->result.certificate = *certificate;
		x->result.serial = made.info.serial;
		x->result.not_before = made.info.not_before;
		x->result.not_after = made.info.not_after;
		ok = make_change(x, e);
	}
	buf_free(&made.chain);
	return ok;
}

/* ---- the answer */

static void deny(struct web_request *rq, struct web_response *rs, const char *type)
{
	const struct enroll *enroll = enroll_of(rq);
	struct err e = ERR_CLEAR;
	char details[40];
	const struct audit_entry entry = {.actor_kind = "stranger",
	        .address = rq->address,
	        .request_id = rq->request_id,
	        .action = "agent.enroll",
	        .target_kind = "agent",
	        .outcome = AUDIT_DENIED,
	        .details = details};

	(void)snprintf(details, sizeof details, "{\"type\":\"%s\"}", type);
	if (audit_record(enroll->audit, &entry, NULL, &e))
		web_problem(rq, rs, 403, denied_text);
	else
		web_error_from(rq, rs, &e);
}

/* What stands in the request; false: the answer is written. */
static bool read_request(struct enrolling *x, struct web_response *rs)
{
	struct err e = ERR_CLEAR;

	if (!enroll_is_json(x->rq, rs))
		return false;
	if (!enrolment_request_read(x->rq->in->body == NULL ? "" : x->rq->in->body,
	            x->rq->in->body_len, false, x->rq->arena, &x->request, &e)) {
		enroll_refuse(x->rq, rs, &e);
		return false;
	}
	if (!x509_csr_key_hash(x->request.csr, x->key_hash, &e)) {
		err_wrap(&e, "$.csr");
		enroll_refuse(x->rq, rs, &e);
		return false;
	}
	return true;
}

void enroll_post(struct web_request *rq, struct web_response *rs)
{
	struct enrolling x = {.enroll = enroll_of(rq), .rq = rq};
	struct enrolment_answer answer = {.key_count = 0};
	const char *certificate = NULL;
	struct err e = ERR_CLEAR;
	bool ok = false;

	if (!read_request(&x, rs) || !may_try(x.enroll, rq, rs))
		return;
	if (!enroll_keys(x.enroll, rq->arena, &answer, &e)) {
		web_error_from(rq, rs, &e);
		return;
	}
	for (int i = 0; i < TRIES && !ok && find_claim(&x, &e); i++) {
		ok = enrol(&x, &certificate, &e);
		if (!ok && e.code != ERR_DENIED)
			break;
	}
	if (ok)
		enroll_answer(rq, rs, &answer, x.agent_id, certificate);
	else if (e.code == ERR_DENIED)
		deny(rq, rs, x.request.type);
	else
		web_error_from(rq, rs, &e);
}

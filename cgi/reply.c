/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/reply.h"

#include "lib/log.h"

#include <assert.h>
#include <string.h>

struct audit_entry reply_entry(struct web_request *rq, const char *action)
{
	const struct visit *visit = visit_of(rq);
	const struct viewer *viewer = &visit->session.viewer;
	struct audit_entry entry = {.actor_kind = "stranger",
	        .address = rq->address,
	        .request_id = rq->request_id,
	        .action = action != NULL ? action : rq->route->id};

	if (visit->signed_in) {
		entry.actor_kind = "person";
		entry.actor_id = viewer->account_public_id;
		entry.actor_role = role_name(viewer->role);
		entry.actor_organisation = viewer->organisation_public_id;
		entry.session = viewer->session_public_id;
	}
	return entry;
}

void reply_record(struct web_request *rq, const struct audit_entry *entry)
{
	struct visit *visit = visit_of(rq);
	struct err e = ERR_CLEAR;

	assert(visit->ticket == NULL && !visit->recorded);
	visit->ticket = audit_send(visit->site->audit, entry, &e);
	visit->recorded = visit->ticket != NULL;
	visit->record_failed = visit->ticket == NULL;
	if (visit->record_failed)
		log_event(LOG_LEVEL_ERROR, "record-not-sent", "request", rq->request_id, "reason",
		        e.text, NULL);
}

void reply_seen(struct web_request *rq, const char *target_kind, const char *const *targets,
        size_t count, const char *customer)
{
	reply_seen_with(rq, target_kind, targets, count, customer, NULL);
}

void reply_seen_with(struct web_request *rq, const char *target_kind, const char *const *targets,
        size_t count, const char *customer, const char *details)
{
	struct audit_entry entry = reply_entry(rq, NULL);

	entry.target_kind = target_kind;
	entry.targets = targets;
	entry.target_count = count;
	entry.customer = customer;
	entry.details = details;
	entry.outcome = AUDIT_DONE;
	reply_record(rq, &entry);
}

void reply_changed(struct web_request *rq)
{
	visit_of(rq)->recorded = true;
}

void reply_error(struct web_request *rq, struct web_response *rs, const char *target_kind,
        const char *id, const struct err *e)
{
	struct visit *visit = visit_of(rq);
	struct audit_entry entry;

	visit_release(rq);
	if (e->code != ERR_NOT_FOUND) {
		web_error_from(rq, rs, e);
		return;
	}
	web_error(rq, rs, 404, "There is no such page.");
	if (visit->recorded || visit->record_failed)
		return;
	entry = reply_entry(rq, NULL);
	entry.target_kind = target_kind;
	entry.targets = &id;
	entry.target_count = id == NULL ? 0 : 1;
	entry.outcome = AUDIT_NOT_FOUND;
	reply_record(rq, &entry);
}

/* ---- leaving */

/* The id in the address, where the route has one, for the record of what was refused. */
static const char *asked_id(const struct web_request *rq)
{
	for (const struct web_field *f = rq->route->fields; f != NULL && f->name != NULL; f++)
		if (f->type == WEB_FIELD_ID && strcmp(f->name, "id") == 0 && rq->values != NULL)
			return web_text(rq, "id");
	return NULL;
}

/* Refused by the guard, the CSRF check or the handler, and not recorded by it. A stranger's refusal
 * at an open route (a form from another site) counts like any stranger's attempt. */
static void record_refusal(struct web_request *rq, int status)
{
	struct audit_entry entry = reply_entry(rq, NULL);
	const char *id = asked_id(rq);

	if (!visit_of(rq)->signed_in) {
		guard_record_stranger(rq);
		return;
	}
	entry.targets = &id;
	entry.target_count = id == NULL ? 0 : 1;
	entry.outcome = status == 404 ? AUDIT_NOT_FOUND : AUDIT_DENIED;
	reply_record(rq, &entry);
}

static bool is_missing(const struct web_request *rq, const struct web_response *rs)
{
	const struct visit *visit = visit_of(rq);

	/* A stranger who comes where strangers may gets no data: the sign-in form. */
	if (visit->recorded || rs->status != 200 || (rq->route->flags & WEB_AUDITED) == 0 ||
	        !visit->signed_in)
		return false;
	log_event(LOG_LEVEL_ERROR, "record-not-named", "route", rq->route->id, NULL);
	return true;
}

static bool is_durable(struct web_request *rq)
{
	struct visit *visit = visit_of(rq);
	struct audit_ticket *ticket = visit->ticket;
	struct err e = ERR_CLEAR;
	int64_t number;

	if (ticket == NULL)
		return true;
	visit->ticket = NULL;
	if (audit_wait(ticket, AUDIT_WAIT_MS, &number, &e))
		return true;
	log_event(LOG_LEVEL_ERROR, "record-not-durable", "request", rq->request_id, "reason",
	        e.text, NULL);
	return false;
}

void reply_leaving(struct web_request *rq, struct web_response *rs)
{
	struct visit *visit = visit_of(rq);

	if (visit == NULL)
		return; /* no such route: nothing was asked of anything */
	visit_release(rq);
	if ((rs->status == 403 || rs->status == 404) && !visit->recorded && !visit->record_failed)
		record_refusal(rq, rs->status);
	if (!is_durable(rq) || visit->record_failed || is_missing(rq, rs))
		web_error(rq, rs, 503,
		        "This could not be recorded in the audit log, and nothing is shown that is "
		        "not recorded. Please try again in a moment.");
}

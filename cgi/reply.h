/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h: an answer and its audit record.
 *
 * A handler reads what it needs, names its record (it is sent at once), and renders meanwhile;
 * reply_leaving() waits until the record is durable. No record, no data: an answer 200 of a route
 * with WEB_AUDITED that named none, or whose record could not be written, becomes a 503. What was
 * denied or not found is recorded here when the handler did not do it.
 */
#ifndef FLEETPORT_CGI_REPLY_H
#define FLEETPORT_CGI_REPLY_H

#include "cgi/guard.h"

/* An entry filled in with who asks and from where; action NULL: the route's id. For changes_run()
 * and reply_record(). Lives as long as the request. */
struct audit_entry reply_entry(struct web_request *rq, const char *action);

/* Sends the request's record. Once a request (asserted); entry->outcome is the caller's. */
void reply_record(struct web_request *rq, const struct audit_entry *entry);

/* The usual case: these things were seen. targets are public ids; customer: the one whose they all
 * are, or NULL. */
void reply_seen(struct web_request *rq, const char *target_kind, const char *const *targets,
        size_t count, const char *customer);

/* The same, for a list in which nothing was found, a search with its words as details, … : details
 * is a JSON object as text, or NULL. */
void reply_seen_with(struct web_request *rq, const char *target_kind, const char *const *targets,
        size_t count, const char *customer, const char *details);

/* A change was recorded through changes_run(); nothing more is needed. */
void reply_changed(struct web_request *rq);

/* An error of core, as the answer. ERR_NOT_FOUND gives the one 404 that foreign and missing things
 * share, recorded with the id that was asked for (kind "device" …; id as in the URL). */
void reply_error(struct web_request *rq, struct web_response *rs, const char *target_kind,
        const char *id, const struct err *e);

/* The site's `leaving` (route.h). */
void reply_leaving(struct web_request *rq, struct web_response *rs);

#endif

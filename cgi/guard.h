/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h: the one place where web meets core: who is this, and may they come here?
 *
 * guard_check() is the site's guard (route.h). It finds the session by its cookie, holds the route's
 * `who` against the person, and leaves a `struct visit` for the handler. Strangers are led to "/",
 * where the sign-in form is; what is denied is recorded.
 */
#ifndef FLEETPORT_CGI_GUARD_H
#define FLEETPORT_CGI_GUARD_H

#include "cgi/site.h"
#include "core/sessions.h"

/* The column `who` of a route: permissions of core/access.h as bits, of which the person needs one
 * (none named: any signed-in person), and these. */
enum who {
	WHO_SIGNED_IN = 0,
	WHO_NO_SESSION = 1u << 30,    /* anyone; the cookie is not even looked at */
	WHO_ANYONE = 1u << 29,        /* anyone; a session is found where there is one */
	WHO_SECOND_FACTOR = 1u << 28, /* the session was begun with a second factor */
	WHO_FRESH_FACTOR = 1u << 27,  /* a factor was shown within the last five minutes */
	WHO_PROGRAM = 1u << 26,       /* for programs: a stranger gets a 401 problem, no form */
	WHO_PERMISSIONS = (1u << 26) - 1,
};

enum { FRESH_FACTOR_MS = 5 * 60 * 1000, AUDIT_WAIT_MS = 2000, BORROW_MS = 1000 };

/* One request of a site, in rq->context; dies with it. */
struct visit {
	struct site_program *site;
	bool signed_in;
	struct session session;      /* where signed_in */
	int64_t now;                 /* wall ms when the request came */
	struct sql_conn *conn;       /* visit_conn()'s */
	struct audit_ticket *ticket; /* reply.h: a record on its way */
	bool recorded;               /* one was sent, or a change was recorded */
	bool record_failed;          /* one should have been, and could not */
};

/* The visit of a request that passed the guard; NULL before (no such route). */
struct visit *visit_of(const struct web_request *rq);

/* The person behind the request. Only where the route asks for a session (asserted). */
const struct viewer *visit_viewer(const struct web_request *rq);

/* The request's read connection, borrowed when it is first asked for: all that is read through it
 * is one moment. NULL with e set: busy or away. Handlers do not return it themselves, but call
 * visit_release() as soon as all is read: before a write, the audit wait or rendering. */
struct sql_conn *visit_conn(struct web_request *rq, struct err *e)
        __attribute__((warn_unused_result));
void visit_release(struct web_request *rq);

bool guard_check(struct web_request *rq, const struct web_route *route, struct web_response *rs);

/* Records a stranger's attempt as denied: singly, or from the 21st a minute and address on in a
 * summary. */
void guard_record_stranger(struct web_request *rq);

/* Ends the summaries of strangers' attempts that are still open: when the program stops. */
void guard_end(struct site_program *site);

#endif

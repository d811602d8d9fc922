/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/guard.h"

#include "cgi/reply.h"
#include "cgi/session.h"
#include "cgi/strangers.h"
#include "lib/log.h"
#include "web/escape.h"

#include <assert.h>
#include <string.h>

struct visit *visit_of(const struct web_request *rq)
{
	return rq->context;
}

const struct viewer *visit_viewer(const struct web_request *rq)
{
	struct visit *visit = visit_of(rq);

	assert(visit != NULL && visit->signed_in);
	return &visit->session.viewer;
}

struct sql_conn *visit_conn(struct web_request *rq, struct err *e)
{
	struct visit *visit = visit_of(rq);

	if (visit->conn == NULL)
		visit->conn = sql_borrow(visit->site->db, BORROW_MS, e);
	return visit->conn;
}

void visit_release(struct web_request *rq)
{
	struct visit *visit = visit_of(rq);

	sql_return(visit->conn);
	visit->conn = NULL;
}

/* ---- strangers */

void guard_end(struct site_program *site)
{
	strangers_record(site->strangers, site->audit, INT64_MAX);
}

void guard_record_stranger(struct web_request *rq)
{
	struct visit *visit = visit_of(rq);
	struct audit_entry entry = reply_entry(rq, NULL);

	visit->recorded = true; /* here, or in a summary */
	if (!strangers_count(visit->site->strangers, rq->address, visit->now))
		return;
	visit->recorded = false;
	entry.outcome = AUDIT_DENIED;
	reply_record(rq, &entry);
}

/* What the form remembers: the address that was asked for, with its search and filters; one that is
 * too long for the form's field without them. */
static const char *asked_for(struct web_request *rq)
{
	const char *whole = *rq->in->query == '\0'
	                            ? NULL
	                            : arena_printf(rq->arena, "%s?%s", rq->path, rq->in->query);

	return whole != NULL && strlen(whole) <= SESSION_NEXT_MAX ? whole : rq->path;
}

/* Where a stranger is led to: the form, which remembers the page that was asked for. */
static void lead_to_form(
        struct web_request *rq, const struct web_route *route, struct web_response *rs)
{
	struct buf path = BUF_INIT(4096);

	buf_puts(&path, "/");
	if (route->method == WEB_GET) {
		buf_puts(&path, "?next=");
		escape_url_argument(&path, asked_for(rq));
	}
	if (path.failed)
		rs->body.failed = true;
	else
		web_redirect(rq, rs, buf_text(&path));
	buf_free(&path);
}

static bool refuse_stranger(
        struct web_request *rq, const struct web_route *route, struct web_response *rs)
{
	guard_record_stranger(rq);
	if (route->who & WHO_PROGRAM)
		web_problem(rq, rs, 401, "Sign in first.");
	else
		lead_to_form(rq, route, rs);
	return false;
}

/* ---- people */

/* false: the database could not be asked. */
static bool find_session(struct web_request *rq, struct err *e)
{
	struct visit *visit = visit_of(rq);
	const char *token = web_cookie(rq, visit->site->kind->cookie);
	struct sql_conn *conn;

	if (token == NULL || strlen(token) != SESSION_TOKEN - 1)
		return true;
	conn = visit_conn(rq, e);
	if (conn == NULL || !sessions_find(conn, rq->arena, visit->site->kind->site, token,
	                            visit->now, &visit->session, &visit->signed_in, e))
		return false;
	if (!visit->signed_in)
		return true;
	visit->session.viewer.address = rq->address;
	visit->session.viewer.request_id = rq->request_id;
	rq->session = &visit->session;
	rq->csrf_secret = visit->session.csrf_secret;
	sessions_touch(visit->site->db, &visit->session, visit->site->kind->site, visit->now);
	return true;
}

static bool may_come(const struct visit *visit, const struct web_route *route, const char **why)
{
	const struct session *session = &visit->session;
	unsigned wanted = route->who & WHO_PERMISSIONS;
	const unsigned second = FACTOR_TOTP | FACTOR_PASSKEY | FACTOR_RECOVERY;

	*why = "Your role does not allow this.";
	if (wanted != 0 && (role_permissions(session->viewer.role) & wanted) == 0)
		return false;
	*why = "This needs a second factor. Sign in with one.";
	if ((route->who & WHO_SECOND_FACTOR) && !session_has_factor(session, second, 0, visit->now))
		return false;
	*why = "This needs you to have signed in within the last five minutes. Sign in again.";
	return !(route->who & WHO_FRESH_FACTOR) ||
	       session_has_factor(session, second | FACTOR_PASSWORD, FRESH_FACTOR_MS, visit->now);
}

bool guard_check(struct web_request *rq, const struct web_route *route, struct web_response *rs)
{
	struct visit *visit = arena_alloc(rq->arena, sizeof *visit);
	struct err e = ERR_CLEAR;
	const char *why;

	if (visit == NULL) {
		err_set(&e, ERR_MEMORY, "no memory for a visit");
		web_error_from(rq, rs, &e);
		return false;
	}
	visit->site = site_of(rq);
	visit->now = clock_wall_ms(visit->site->clock);
	rq->context = visit;
	if (route->who & WHO_NO_SESSION)
		return true;
	strangers_record(visit->site->strangers, visit->site->audit, visit->now);
	if (!find_session(rq, &e)) {
		web_error_from(rq, rs, &e);
		return false;
	}
	if (route->method == WEB_POST)
		visit_release(rq); /* what follows writes, or waits for a password */
	if (route->who & WHO_ANYONE)
		return true;
	if (!visit->signed_in)
		return refuse_stranger(rq, route, rs);
	if (may_come(visit, route, &why))
		return true;
	web_error(rq, rs, 403, why);
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/session.h"

#include "cgi/page.h"
#include "cgi/reply.h"
#include "templates/sign_in.html.h"

#include <string.h>

enum { KNOWN_BROWSER_S = KNOWN_BROWSER_DAYS * 24 * 3600 };
static const int64_t KEPT_MS = INT64_C(30) * 24 * 3600 * 1000; /* sessions hold addresses */

const struct web_field session_begin_fields[] = {
        {.name = "name", .type = WEB_FIELD_TEXT, .required = true, .max_length = 256},
        {.name = "password",
                .type = WEB_FIELD_SECRET,
                .required = true,
                .max_length = PASSWORD_MAX_BYTES},
        {.name = "next", .type = WEB_FIELD_TEXT, .max_length = SESSION_NEXT_MAX},
        {0},
};

const struct web_field session_next_field[] = {
        {.name = "next", .type = WEB_FIELD_TEXT, .max_length = SESSION_NEXT_MAX},
        {0},
};

/* Where to go after signing in: a path of this site, and nothing that a browser could read as
 * another site's ("//host", "/\host"). */
static const char *safe_next(const struct web_request *rq)
{
	const char *next = web_text(rq, "next");

	if (next == NULL || next[0] != '/' || next[1] == '/' || strchr(next, '\\') != NULL)
		return "";
	return next;
}

static void show_form(struct web_request *rq, struct web_response *rs, int status, const char *name,
        const char *error)
{
	struct sign_in_page page = {.name = name, .error = error, .next = safe_next(rq)};
	struct out out;
	struct err e = ERR_CLEAR;

	if (!page_layout(rq, &page.layout, "Sign in", 0, &e)) {
		reply_error(rq, rs, "", NULL, &e);
		return;
	}
	out = page_begin(rq, rs, status);
	page_sign_in(&out, &page);
}

/* Already a path of this site, percent-decoded by the form; a header needs it coded again. */
static void go_on(struct web_request *rq, struct web_response *rs)
{
	const char *next = safe_next(rq);

	for (const char *p = next; *p != '\0'; p++)
		if (*p <= ' ' || (unsigned char)*p >= 0x7f)
			next = "";
	web_redirect(rq, rs, next[0] == '\0' ? "/" : next);
}

void session_form(struct web_request *rq, struct web_response *rs)
{
	if (visit_of(rq)->signed_in)
		go_on(rq, rs);
	else
		show_form(rq, rs, 200, "", NULL);
}

/* ---- in */

static struct audit_entry sign_in_entry(struct web_request *rq, const struct sign_in_answer *answer)
{
	struct audit_entry entry = reply_entry(rq, NULL);

	/* Who it is, as far as the name tells; what was typed is not written down: people type
	 * passwords there. */
	entry.actor_kind = answer->account_public_id == NULL ? "stranger" : "person";
	entry.actor_id = answer->account_public_id;
	entry.actor_role = answer->account_public_id == NULL ? NULL : role_name(answer->role);
	entry.actor_organisation = answer->organisation_public_id;
	entry.session = NULL;
	entry.target_kind = "session";
	entry.details = arena_printf(rq->arena, "{\"reason\":\"%s\"}", answer->reason);
	return entry;
}

static void refuse(
        struct web_request *rq, struct web_response *rs, const struct sign_in_answer *answer)
{
	struct audit_entry entry = sign_in_entry(rq, answer);
	long long seconds = (answer->wait_ms + 999) / 1000;
	const char *wait;

	entry.outcome = AUDIT_DENIED;
	reply_record(rq, &entry);
	if (answer->result == SIGN_IN_WRONG) {
		show_form(rq, rs, 403, web_text(rq, "name"),
		        "The name or the password is not right.");
		return;
	}
	wait = arena_printf(rq->arena,
	        "Too many attempts failed. Please wait %lld %s and try again.",
	        seconds > 90 ? (seconds + 59) / 60 : seconds,
	        seconds > 90   ? "minutes"
	        : seconds == 1 ? "second"
	                       : "seconds");
	show_form(rq, rs, 429, web_text(rq, "name"),
	        wait == NULL ? "Too many attempts failed. Please wait." : wait);
	wait = arena_printf(rq->arena, "%lld", seconds);
	if (wait != NULL)
		web_set_header(rq, rs, "Retry-After", wait);
}

struct beginning {
	struct session_new session;
	const struct viewer *before; /* whose session this browser had until now; NULL: none */
	char token[SESSION_TOKEN];
};

static bool begin_work(struct sql_conn *write, void *arg, struct err *e)
{
	struct beginning *b = arg;
	struct err ignored = ERR_CLEAR;

	/* The browser's earlier session ends with the new one: a token is never taken over. That it
	 * has ended already is as good. */
	if (b->before != NULL &&
	        !sessions_end(write, b->before->account_id, b->before->session_public_id,
	                b->session.now, &ignored) &&
	        ignored.code != ERR_NOT_FOUND) {
		*e = ignored;
		return false;
	}
	return sessions_purge(write, b->session.now - KEPT_MS, e) &&
	       sessions_begin(write, &b->session, b->token, e);
}

static void begin(
        struct web_request *rq, struct web_response *rs, const struct sign_in_answer *answer)
{
	struct visit *visit = visit_of(rq);
	struct site_program *site = visit->site;
	struct audit_entry entry = sign_in_entry(rq, answer);
	struct err e = ERR_CLEAR;
	char id[32];
	struct beginning b = {.before = visit->signed_in ? &visit->session.viewer : NULL,
	        .session = {.account_id = answer->account_id,
	                .rights_version = answer->rights_version,
	                .site = site->kind->site,
	                .factors = FACTOR_PASSWORD,
	                .address = rq->address,
	                .public_id = id,
	                .now = clock_wall_ms(site->clock)}};

	crypto_random_id("se_", id);
	entry.session = id;
	reply_changed(rq);
	if (!changes_run(&site->changes, &entry, begin_work, &b, &e)) {
		web_error_from(rq, rs, &e);
		return;
	}
	go_on(rq, rs);
	web_set_cookie(rq, rs, site->kind->cookie, b.token, site->kind->same_site, 0);
	web_set_cookie(
	        rq, rs, site->kind->browser_cookie, answer->browser, "Strict", KNOWN_BROWSER_S);
	crypto_wipe(b.token, sizeof b.token);
}

/* Few workers at a time may wait for password checks, so that a flood of sign-ins leaves the others
 * to those who are signed in. */
static bool check(struct web_request *rq, struct sign_in_answer *answer, struct err *e)
{
	struct site_program *site = site_of(rq);
	const struct sign_in_try attempt = {.name = web_text(rq, "name"),
	        .password = web_text(rq, "password"),
	        .address = rq->address,
	        .browser = web_cookie(rq, site->kind->browser_cookie)};
	bool ok;

	if (atomic_fetch_add(&site->sign_ins, 1) < site->sign_ins_max)
		ok = sign_in_check(&site->sign_in, rq->arena, &attempt, answer, e);
	else
		ok = err_set(e, ERR_BUSY, "too many people sign in at once");
	atomic_fetch_sub(&site->sign_ins, 1);
	return ok;
}

void session_begin(struct web_request *rq, struct web_response *rs)
{
	struct sign_in_answer answer = {.result = SIGN_IN_WRONG};
	struct err e = ERR_CLEAR;

	if (!check(rq, &answer, &e))
		web_error_from(rq, rs, &e);
	else if (answer.result == SIGN_IN_OK)
		begin(rq, rs, &answer);
	else
		refuse(rq, rs, &answer);
}

/* ---- out */

static bool end_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct visit *visit = arg;
	const struct viewer *viewer = &visit->session.viewer;

	return sessions_end(write, viewer->account_id, viewer->session_public_id, visit->now, e) ||
	       e->code == ERR_NOT_FOUND; /* ended meanwhile */
}

void session_end(struct web_request *rq, struct web_response *rs)
{
	struct visit *visit = visit_of(rq);
	struct audit_entry entry = reply_entry(rq, NULL);
	struct err e = ERR_CLEAR;

	entry.target_kind = "session";
	reply_changed(rq);
	if (!changes_run(&visit->site->changes, &entry, end_work, visit, &e)) {
		web_error_from(rq, rs, &e);
		return;
	}
	web_redirect(rq, rs, "/");
	web_set_cookie(rq, rs, visit->site->kind->cookie, "", visit->site->kind->same_site, -1);
}

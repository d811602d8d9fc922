/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/page.h"

#include "templates/error.html.h"

#include <string.h>

static unsigned sections_of(const struct visit *visit)
{
	const unsigned audit = MAY_READ_AUDIT_OWN | MAY_READ_AUDIT_ALL;
	unsigned may = role_permissions(visit->session.viewer.role);
	bool support = visit->site->kind->site == SITE_SUPPORT;
	unsigned sections = 0;

	if (may & MAY_SEE_DEVICES)
		sections |= SECTION_DEVICES | (support ? SECTION_WORK : SECTION_FLEET);
	if (support && (may & MAY_OPERATE))
		sections |= SECTION_OPERATIONS;
	if (support && (may & audit))
		sections |= SECTION_AUDIT;
	return sections;
}

static void set_site(const struct web_request *rq, struct layout *layout, const char *title)
{
	const struct site_program *site = site_of(rq);
	const struct visit *visit = visit_of(rq);
	const unsigned second = FACTOR_TOTP | FACTOR_PASSKEY | FACTOR_RECOVERY;

	*layout = (struct layout){.title = title,
	        .support = site->kind->site == SITE_SUPPORT,
	        .demo = site->demo,
	        .second_factor_off = visit == NULL || !visit->signed_in ||
	                             (visit->session.viewer.factors & second) == 0};
}

bool page_layout(struct web_request *rq, struct layout *layout, const char *title,
        enum section section, struct err *e)
{
	struct visit *visit = visit_of(rq);
	const char *name = NULL;
	struct sql_conn *conn;

	set_site(rq, layout, title);
	if (!visit->signed_in)
		return true;
	conn = visit_conn(rq, e);
	if (conn == NULL || !accounts_name(conn, visit->site->keys, rq->arena,
	                            visit->session.viewer.account_public_id, &name, e))
		return false;
	layout->section = section;
	layout->sections = sections_of(visit);
	layout->person = name == NULL ? "" : name;
	layout->organisation = visit->session.organisation_name;
	return true;
}

static struct out make_out(struct web_request *rq, struct web_response *rs)
{
	const struct site_program *site = site_of(rq);
	const struct visit *visit = visit_of(rq);
	bool signed_in = visit != NULL && visit->signed_in;

	return (struct out){.body = &rs->body,
	        .arena = rq->arena,
	        .language = signed_in ? visit->session.language : "en",
	        .time_zone = signed_in ? visit->session.time_zone : NULL,
	        .csrf = web_csrf_token(rq),
	        .now_ms = visit != NULL ? visit->now : clock_wall_ms(site->clock)};
}

struct out page_begin(struct web_request *rq, struct web_response *rs, int status)
{
	if (visit_of(rq) != NULL)
		visit_release(rq);
	web_begin(rs, status, "text/html; charset=utf-8");
	return make_out(rq, rs);
}

static const char *title_of(int status)
{
	switch (status) {
	case 400:
		return "That was not understood";
	case 403:
		return "Not allowed";
	case 404:
		return "Not found";
	case 429:
		return "Too many attempts";
	case 503:
		return "Not available now";
	default:
		return web_reason(status);
	}
}

void page_error_show(
        struct web_request *rq, struct web_response *rs, int status, const char *detail)
{
	struct error_page page = {.status = status, .detail = detail, .reference = rq->request_id};
	struct out out;
	struct err e = ERR_CLEAR;

	if (rq->route != NULL && (rq->route->who & WHO_PROGRAM)) {
		web_problem(rq, rs, status, detail);
		return;
	}
	/* An error page must come out when the database does not answer, too: then it is a
	 * stranger's, without name and navigation. */
	if (visit_of(rq) == NULL || status >= 500 ||
	        !page_layout(rq, &page.layout, title_of(status), 0, &e))
		set_site(rq, &page.layout, title_of(status));
	out = page_begin(rq, rs, status);
	page_error(&out, &page);
}

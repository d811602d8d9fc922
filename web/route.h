/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.h: one constant table a program says what it answers and under which conditions.
 *
 * web_handle() enforces a row's columns in one order, so that a handler cannot forget: limits →
 * path → route → method → guard (session, permission; the program's function) → body and fields →
 * CSRF → handler → leaving (the program's function; the audit record is durable after it) →
 * headers.
 */
#ifndef FLEETPORT_WEB_ROUTE_H
#define FLEETPORT_WEB_ROUTE_H

#include "web/request.h"
#include "web/response.h"

enum web_field_type {
	WEB_FIELD_TEXT,   /* UTF-8, no control characters (line feeds become "\n" with `lines`) */
	WEB_FIELD_INT,    /* decimal, min … max */
	WEB_FIELD_ID,     /* an opaque id: letters, digits, '_' and '-', at most 64 */
	WEB_FIELD_CHOICE, /* one of `choices`, ended by NULL */
	WEB_FIELD_FLAG,   /* a check box: "1" or "on" */
	WEB_FIELD_SECRET, /* text of any bytes that are UTF-8, wiped after the request; never logged
	                   */
};

struct web_field {
	const char *name; /* NULL ends the table */
	enum web_field_type type;
	bool required;
	bool repeats;
	bool lines;
	size_t max_length; /* bytes; 0: 256 */
	int64_t min, max;
	const char *const *choices;
};

enum web_route_flags {
	WEB_RAW_BODY =
	        1u
	        << 0, /* the handler reads rq->in->body itself (JSON); fields are from the query */
	WEB_NO_CSRF = 1u << 1, /* agents' endpoints: no browser session behind them */
	WEB_HEADERS_ONLY_CSRF =
	        1u << 2, /* a form without a session (sign-in): Origin and Sec-Fetch-Site only */
	WEB_AUDITED =
	        1u
	        << 3, /* returns device or personal data: site->leaving demands a durable record */
};

typedef void web_handler(struct web_request *rq, struct web_response *rs);

struct web_route {
	const char
	        *id; /* unique; the operationId of the OpenAPI file, the name in logs and metrics */
	enum web_method method;
	const char *path; /* "/devices/:id"; a segment ":name" matches one non-empty segment */
	unsigned who;     /* opaque to web/: what the guard asks for */
	unsigned flags;
	size_t max_body;                /* bytes; 0: 64 KiB for POST */
	const struct web_field *fields; /* NULL: none are accepted */
	web_handler *handler;
};

struct web_site {
	const char *name;       /* "user" */
	const char *public_url; /* "https://user.example:8443", no slash at the end: Origin is held
	                           against it */
	const struct web_route *routes;
	size_t route_count;
	void *context; /* the program */

	/* Finds the session and decides whether this person may come here. false: it wrote the
	 * answer (redirect to sign-in, 403, 404). May set rq->session, rq->csrf_secret,
	 * rq->context. */
	bool (*guard)(
	        struct web_request *rq, const struct web_route *route, struct web_response *rs);

	/* Called when the answer is complete and before a byte leaves; may replace it (503 when the
	 * audit record is not durable). Called for every answer, also errors. */
	void (*leaving)(struct web_request *rq, struct web_response *rs);

	/* Renders an error for people; NULL: problem+json. */
	void (*error_page)(
	        struct web_request *rq, struct web_response *rs, int status, const char *detail);
};

/* Answers one request. *rs is zeroed first; its body belongs to the caller (buf_free). The arena is
 * the request's; the transport resets it after the answer was sent. Never fails: trouble is a 4xx
 * or 5xx. */
void web_handle(const struct web_site *site, const struct web_incoming *in, struct arena *arena,
        struct web_response *rs);

/* Checks a table once at start: ids and (method, path) unique, fields sane. false with the reason.
 */
bool web_site_check(const struct web_site *site, struct err *e);

/* The CSRF token for a form of this request's session: base64url text from its secret; "" without a
 * session. Sent back as field "csrf" (accepted on every POST without being in the table) or header
 * X-CSRF-Token. */
const char *web_csrf_token(struct web_request *rq);

#endif

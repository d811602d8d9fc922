/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h: what goes back. A handler fills it in completely before a byte leaves, so that an
 * error can still become a 500. The transport writes it. All security headers are added in one
 * place (web_response_finish in response.c); handlers add none.
 */
#ifndef FLEETPORT_WEB_RESPONSE_H
#define FLEETPORT_WEB_RESPONSE_H

#include "lib/buf.h"
#include "lib/error.h"
#include "web/request.h"

enum {
	WEB_MAX_BODY_OUT = 32 << 20, /* bytes of one page or export part */
	WEB_MAX_HEADERS_OUT = 32,
};

enum web_caching {
	WEB_NO_STORE,   /* pages and everything about people or devices: the default */
	WEB_REVALIDATE, /* fragments: private, no-cache */
	WEB_FOREVER,    /* static files under hashed names */
};

struct web_response {
	int status; /* 0 until something was set */
	enum web_caching caching;
	const char *content_type;
	struct web_header headers[WEB_MAX_HEADERS_OUT];
	size_t header_count;
	struct buf body;
};

/* Adds a header; a value with CR, LF or NUL is dropped and logged. Copies into the request's arena.
 */
void web_set_header(
        struct web_request *rq, struct web_response *rs, const char *name, const char *value);

/* Sets a cookie as security.md › Signing in says: __Host- name, Secure, HttpOnly, Path=/, SameSite
 * ("Lax" or "Strict"). max_age_s 0: until the browser closes; < 0: deletes it. */
void web_set_cookie(struct web_request *rq, struct web_response *rs, const char *name,
        const char *value, const char *same_site, int64_t max_age_s);

/* 303 to a path of our own site (must begin with a single '/'; asserted). */
void web_redirect(struct web_request *rq, struct web_response *rs, const char *path);

/* application/problem+json (RFC 9457) with type "about:blank", title from the status, `detail`,
 * and the request id as "instance". Replaces the body. */
void web_problem(struct web_request *rq, struct web_response *rs, int status, const char *detail);

/* An error for people or programs: the site's error page where it has one (site->error_page), else
 * problem+json. Replaces the body. `detail` is a sentence for the reader. */
void web_error(struct web_request *rq, struct web_response *rs, int status, const char *detail);

/* The same from an err: its code chooses the status (invalid 400, denied 403, not-found 404,
 * conflict 409, limit 429, busy/unavailable 503 with Retry-After, else 500 whose text is logged,
 * not shown). */
void web_error_from(struct web_request *rq, struct web_response *rs, const struct err *e);

/* Sets status and content type for a body that the caller appends to rs->body. */
void web_begin(struct web_response *rs, int status, const char *content_type);

/* The standard reason phrase ("Not Found"); "" if unknown. */
const char *web_reason(int status);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h: what the files of web/ share with each other, and nobody else includes.
 */
#ifndef FLEETPORT_WEB_INTERNAL_H
#define FLEETPORT_WEB_INTERNAL_H

#include "lib/error.h"
#include "web/route.h"

enum {
	WEB_MAX_PATH = 1024,          /* bytes of a path */
	WEB_MAX_QUERY = 8192,         /* bytes of a query */
	WEB_MAX_HEADER_BYTES = 32768, /* names and values of all headers together */
	WEB_MAX_COOKIES = 32,
	WEB_DEFAULT_BODY = 64 << 10,
	WEB_DEFAULT_LENGTH = 256, /* of a text field */
};

struct web_value {
	const struct web_field *field;
	char *text; /* decoded; in the request's arena */
	size_t len;
	int64_t number;
};

/* fields.c. Each appends to rq->values; false is ERR_INVALID with a sentence that names the field
 * (ERR_NOT_FOUND for a path parameter that cannot be one; ERR_MEMORY). */
bool web_fields_begin(struct web_request *rq, struct err *e);
bool web_fields_path(struct web_request *rq, struct err *e);
/* "a=1&b=2": a query, or a form's body. *csrf receives the value of the field "csrf" where csrf is
 * not NULL; in a query that name is unknown like any other. */
bool web_fields_decode(
        struct web_request *rq, const char *text, size_t len, const char **csrf, struct err *e);
/* After all of them: is everything there that is required? */
bool web_fields_complete(struct web_request *rq, struct err *e);
/* Overwrites secrets. */
void web_fields_wipe(struct web_request *rq);
bool web_fields_check(const struct web_route *route, struct err *e);

/* headers.c: limits, duplicates, names and values; splits the Cookie header. The status to answer
 * with, or 0. */
int web_headers_read(struct web_request *rq, struct err *e);

/* csrf.c. false: refuse with 403 and e's sentence. */
bool web_csrf_check(struct web_request *rq, const char *field, struct err *e);

/* router.c. The route for method and path; NULL with *allow NULL: no such path; NULL with *allow
 * set: the path is there for these methods only ("GET, HEAD"). */
const struct web_route *web_route_find(
        const struct web_site *site, struct web_request *rq, const char **allow);
/* The next segment of a path: *segment … length; false at the end. *at moves on. */
bool web_next_segment(const char **at, const char **segment, size_t *len);

/* response.c */
void web_response_begin(struct web_response *rs);
/* The last step: caching, ETag, security headers, Content-Length; strips the body for HEAD. */
void web_response_finish(struct web_request *rq, struct web_response *rs);
/* "Status: 200 OK\r\nName: value\r\n…\r\n": what comes before the body (RFC 3875, 6). */
void web_response_head(const struct web_response *rs, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h: one HTTP request, the same whether it came by FastCGI, libmicrohttpd or from a test.
 *
 * A transport fills in `struct web_incoming` and calls web_handle() (route.h). Handlers see only
 * `struct web_request`. All memory is the request's arena and dies with it.
 */
#ifndef FLEETPORT_WEB_REQUEST_H
#define FLEETPORT_WEB_REQUEST_H

#include "lib/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum web_method { WEB_GET, WEB_HEAD, WEB_POST, WEB_OTHER };

enum {
	WEB_MAX_HEADERS = 64,
	WEB_MAX_FIELDS = 64,        /* in a query or form */
	WEB_ARENA_LIMIT = 16 << 20, /* bytes a request may allocate, its page not counted */
};

struct web_header {
	const char *name; /* lower case, hyphens: "user-agent" */
	const char *value;
};

/* What a transport hands over. Strings live until web_handle() returns. */
struct web_incoming {
	const char *method; /* "GET" */
	const char *path;   /* percent-decoded once by the transport (nginx: DOCUMENT_URI is) */
	const char *query;  /* without '?', "" if none */
	const struct web_header
	        *headers; /* every header once per occurrence: duplicates are seen */
	size_t header_count;
	const char *body; /* NULL with body_len > 0: longer than the transport takes; a 413 */
	size_t body_len;
	const char *address;        /* of the client, from the connection */
	const char *request_id;     /* 32 hex digits from nginx's $request_id; NULL: one is made */
	const char *client_cert;    /* PEM of a verified client certificate, or NULL */
	const char *client_verify;  /* nginx's $ssl_client_verify: "SUCCESS", "NONE", "FAILED:…";
	                               NULL: none */
	const char *client_serial;  /* nginx's $ssl_client_serial, hex; NULL: none */
	const char *client_subject; /* nginx's $ssl_client_s_dn (RFC 2253); NULL: none */
};

struct web_site;
struct web_route;
struct web_value; /* a decoded field; private to fields.c */

struct web_request {
	struct arena *arena;
	const struct web_site *site;
	const struct web_route *route;
	enum web_method method;
	const char *path; /* decoded, checked: UTF-8, no control characters, no "." or ".." segment
	                   */
	const char *request_id;
	const char *address;
	const struct web_incoming *in;
	struct web_value *values; /* decoded and typed by the route's field table */
	size_t value_count;
	const struct web_header *cookies; /* read through web_cookie() */
	size_t cookie_count;
	void *session; /* set by the site's guard: the program's own session, or NULL */
	const unsigned char *csrf_secret; /* 32 bytes, set by the guard with the session, or NULL */
	void *context; /* the program's own state for this request (audit ticket …) */
};

/* The value of a header (name in lower case), or NULL. Headers that must be single (Cookie,
 * Authorization, Content-*, Origin, Sec-Fetch-*, X-CSRF-Token) were refused with 400 when repeated.
 */
const char *web_header(const struct web_request *rq, const char *name);

/* Compares the media type before any ';', without case. content_type may be NULL: it is none. */
bool web_media_type_is(const char *content_type, const char *type);

/* The value of a cookie, or NULL; of two with one name the request was refused. */
const char *web_cookie(const struct web_request *rq, const char *name);

/* Fields, by the names in the route's table. A field that was not sent gives NULL / the fallback;
 * that name must be in the table (asserted). Path parameters (":id") are fields too. */
const char *web_text(const struct web_request *rq, const char *name);
int64_t web_int(const struct web_request *rq, const char *name, int64_t fallback);
bool web_flag(const struct web_request *rq, const char *name); /* a check box: sent or not */
bool web_sent(const struct web_request *rq, const char *name);
/* Values of a field marked `repeats`: index 0 … until NULL. */
const char *web_text_at(const struct web_request *rq, const char *name, size_t index);

#endif

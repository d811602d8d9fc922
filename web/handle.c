/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle.c: one request from beginning to end. The order of the steps is the promise of route.h.
 */
#include "lib/crypto.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "web/internal.h"

#include <string.h>

enum { REQUEST_ID = 32 }; /* hex digits of nginx's $request_id */

static const char *request_id(const char *given, struct arena *arena)
{
	unsigned char random[REQUEST_ID / 2];
	char hex[REQUEST_ID + 1];
	const char *made;

	if (given != NULL && strlen(given) == REQUEST_ID &&
	        strspn(given, "0123456789abcdef") == REQUEST_ID)
		return given;
	crypto_random(random, sizeof random);
	crypto_hex(random, sizeof random, hex);
	made = arena_strdup(arena, hex);
	return made == NULL ? "" : made;
}

static enum web_method method_of(const char *name)
{
	static const struct {
		const char *name;
		enum web_method method;
	} methods[] = {{"GET", WEB_GET}, {"HEAD", WEB_HEAD}, {"POST", WEB_POST}};

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].method;
	return WEB_OTHER;
}

static bool is_clean_path(const char *path)
{
	size_t len = strlen(path);
	const char *at = path, *segment;
	size_t segment_len;

	if (path[0] != '/' || len > WEB_MAX_PATH || !parse_utf8(path, len))
		return false;
	for (const char *p = path; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	while (web_next_segment(&at, &segment, &segment_len))
		if ((segment_len == 1 && segment[0] == '.') ||
		        (segment_len == 2 && segment[0] == '.' && segment[1] == '.'))
			return false;
	return true;
}

static bool refuse(struct web_request *rq, struct web_response *rs, int status, const struct err *e)
{
	web_error(rq, rs, status, e->text);
	return false;
}

static bool find_route(struct web_request *rq, struct web_response *rs)
{
	const char *allow;

	if (!is_clean_path(rq->path)) {
		web_error(rq, rs, 400, "The address of this page is malformed.");
		return false;
	}
	if (strlen(rq->in->query) > WEB_MAX_QUERY) {
		web_error(rq, rs, 400, "The address of this page is too long.");
		return false;
	}
	rq->route = web_route_find(rq->site, rq, &allow);
	if (rq->route != NULL)
		return true;
	if (allow == NULL) {
		web_error(rq, rs, 404, "There is no such page.");
		return false;
	}
	web_error(rq, rs, 405, "This address does not take that method.");
	web_set_header(rq, rs, "Allow", allow);
	return false;
}

static bool check_body(struct web_request *rq, struct web_response *rs)
{
	const struct web_incoming *in = rq->in;
	size_t limit = rq->route->max_body != 0 ? rq->route->max_body : WEB_DEFAULT_BODY;
	const char *type = web_header(rq, "content-type");

	if (rq->method != WEB_POST) {
		if (in->body_len == 0)
			return true;
		web_error(rq, rs, 400, "A request of this method takes no body.");
		return false;
	}
	if (in->body_len > limit || (in->body_len > 0 && in->body == NULL)) {
		web_error(rq, rs, 413, "What was sent is too large.");
		return false;
	}
	if ((rq->route->flags & WEB_RAW_BODY) == 0 && in->body_len > 0 &&
	        !web_media_type_is(type, "application/x-www-form-urlencoded")) {
		web_error(rq, rs, 415, "A form is sent as application/x-www-form-urlencoded.");
		return false;
	}
	return true;
}

static bool read_fields(struct web_request *rq, const char **csrf, struct err *e)
{
	const struct web_incoming *in = rq->in;
	bool form = rq->method == WEB_POST && (rq->route->flags & WEB_RAW_BODY) == 0;

	return web_fields_begin(rq, e) && web_fields_path(rq, e) &&
	       web_fields_decode(rq, in->query, strlen(in->query), NULL, e) &&
	       (!form || in->body_len == 0 ||
	               web_fields_decode(rq, in->body, in->body_len, csrf, e)) &&
	       web_fields_complete(rq, e);
}

static bool check_fields(struct web_request *rq, struct web_response *rs)
{
	struct err e = ERR_CLEAR;
	const char *csrf = NULL;

	if (!check_body(rq, rs))
		return false;
	if (!read_fields(rq, &csrf, &e)) {
		if (e.code == ERR_INVALID)
			return refuse(rq, rs, 400, &e);
		if (e.code == ERR_NOT_FOUND) /* like an id of nothing */
			web_error(rq, rs, 404, "There is no such page.");
		else
			web_error_from(rq, rs, &e);
		return false;
	}
	if (rq->method == WEB_POST && (rq->route->flags & WEB_NO_CSRF) == 0 &&
	        !web_csrf_check(rq, csrf, &e))
		return refuse(rq, rs, 403, &e);
	return true;
}

static void answer(struct web_request *rq, struct web_response *rs)
{
	struct err e = ERR_CLEAR;
	int status = web_headers_read(rq, &e);

	if (status != 0)
		(void)refuse(rq, rs, status, &e);
	else if (find_route(rq, rs) &&
	         (rq->site->guard == NULL || rq->site->guard(rq, rq->route, rs)) &&
	         check_fields(rq, rs))
		rq->route->handler(rq, rs);
}

void web_handle(const struct web_site *site, const struct web_incoming *in, struct arena *arena,
        struct web_response *rs)
{
	struct web_request rq = {
	        .arena = arena,
	        .site = site,
	        .method = method_of(in->method),
	        .path = in->path,
	        .request_id = request_id(in->request_id, arena),
	        .address = in->address,
	        .in = in,
	};

	web_response_begin(rs);
	answer(&rq, rs);
	if (rs->status == 0 || rs->body.failed)
		web_error(&rq, rs, 500, "Something went wrong on our side. It has been logged.");
	if (site->leaving != NULL)
		site->leaving(&rq, rs);
	web_response_finish(&rq, rs);
	web_fields_wipe(&rq);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/log.h"
#include "web/internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	OWN_HEADERS = 16, /* of WEB_MAX_HEADERS_OUT, kept for web_response_finish() */
	ETAG_BYTES = 16,
};

const char *web_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
	        {302, "Found"}, {303, "See Other"}, {304, "Not Modified"}, {400, "Bad Request"},
	        {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
	        {405, "Method Not Allowed"}, {409, "Conflict"}, {410, "Gone"},
	        {413, "Content Too Large"}, {415, "Unsupported Media Type"},
	        {422, "Unprocessable Content"}, {429, "Too Many Requests"},
	        {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
	        {503, "Service Unavailable"}};

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

void web_response_begin(struct web_response *rs)
{
	*rs = (struct web_response){.body = BUF_INIT(WEB_MAX_BODY_OUT)};
}

/* ---- headers */

static void add_header(struct web_response *rs, const char *name, const char *value)
{
	assert(rs->header_count < WEB_MAX_HEADERS_OUT);
	if (rs->header_count < WEB_MAX_HEADERS_OUT)
		rs->headers[rs->header_count++] = (struct web_header){.name = name, .value = value};
}

void web_set_header(
        struct web_request *rq, struct web_response *rs, const char *name, const char *value)
{
	char *own_name, *own_value;

	if (strpbrk(name, "\r\n: ") != NULL || strpbrk(value, "\r\n") != NULL) {
		log_event(LOG_LEVEL_ERROR, "header-dropped", "request", rq->request_id, "header",
		        name, NULL);
		return;
	}
	own_name = arena_strdup(rq->arena, name);
	own_value = arena_strdup(rq->arena, value);
	if (own_name == NULL || own_value == NULL ||
	        rs->header_count >= WEB_MAX_HEADERS_OUT - OWN_HEADERS) {
		/* An answer without a header that its handler wanted is not the answer it meant. */
		log_event(LOG_LEVEL_ERROR, "no-room-for-header", "request", rq->request_id,
		        "header", name, NULL);
		rs->body.failed = true;
		return;
	}
	add_header(rs, own_name, own_value);
}

void web_set_cookie(struct web_request *rq, struct web_response *rs, const char *name,
        const char *value, const char *same_site, int64_t max_age_s)
{
	char age[40] = "";
	const char *text;

	assert(strncmp(name, "__Host-", 7) == 0);
	assert(strcmp(same_site, "Lax") == 0 || strcmp(same_site, "Strict") == 0);
	assert(strpbrk(value, "\r\n;, \"\\") == NULL);
	if (max_age_s != 0)
		(void)snprintf(age, sizeof age, "; Max-Age=%lld",
		        max_age_s < 0 ? 0LL : (long long)max_age_s);
	text = arena_printf(rq->arena, "%s=%s; Path=/; Secure; HttpOnly; SameSite=%s%s", name,
	        max_age_s < 0 ? "" : value, same_site, age);
	if (text == NULL)
		rs->body.failed = true;
	else
		web_set_header(rq, rs, "Set-Cookie", text);
}

/* ---- kinds of answers */

void web_begin(struct web_response *rs, int status, const char *content_type)
{
	rs->status = status;
	rs->content_type = content_type;
}

/* Forgets what a handler has begun: headers too, so that no cookie of an answer that was given up
 * gets out. */
static void start_over(struct web_response *rs)
{
	buf_reset(&rs->body);
	rs->header_count = 0;
	rs->caching = WEB_NO_STORE;
	rs->content_type = NULL;
	rs->status = 0;
}

void web_redirect(struct web_request *rq, struct web_response *rs, const char *path)
{
	assert(path[0] == '/' && path[1] != '/' && path[1] != '\\');
	buf_reset(&rs->body);
	web_begin(rs, 303, NULL);
	web_set_header(rq, rs, "Location", path);
}

static bool problem_body(
        const struct web_request *rq, struct web_response *rs, int status, const char *detail)
{
	struct json *problem = json_new_object();
	bool ok = problem != NULL && json_add_string(problem, "type", "about:blank") &&
	          json_add_string(problem, "title", web_reason(status)) &&
	          json_add_i64(problem, "status", status) &&
	          json_add_string(problem, "detail", detail) &&
	          json_add_string(problem, "instance", rq->request_id) &&
	          json_print(problem, false, &rs->body);

	json_free(problem);
	return ok;
}

void web_problem(struct web_request *rq, struct web_response *rs, int status, const char *detail)
{
	start_over(rs);
	web_begin(rs, status, "application/problem+json");
	if (!problem_body(rq, rs, status, detail)) {
		buf_reset(&rs->body);
		buf_puts(&rs->body, "{\"type\":\"about:blank\"}");
	}
}

void web_error(struct web_request *rq, struct web_response *rs, int status, const char *detail)
{
	if (rq->site->error_page == NULL) {
		web_problem(rq, rs, status, detail);
		return;
	}
	start_over(rs);
	rq->site->error_page(rq, rs, status, detail);
	if (rs->status == 0 || rs->body.failed)
		web_problem(rq, rs, status, detail);
}

static int status_of(enum err_code code)
{
	switch (code) {
	case ERR_INVALID:
		return 400;
	case ERR_DENIED:
		return 403;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_LIMIT:
		return 429;
	case ERR_BUSY:
	case ERR_UNAVAILABLE:
		return 503;
	case ERR_NONE:
	case ERR_IO:
	case ERR_CORRUPT:
	case ERR_MEMORY:
	case ERR_CONFIG:
	case ERR_INTERNAL:
		break;
	}
	return 500;
}

void web_error_from(struct web_request *rq, struct web_response *rs, const struct err *e)
{
	int status = status_of(e->code);

	if (status >= 500)
		log_event(LOG_LEVEL_ERROR, "request-failed", "request", rq->request_id, "code",
		        err_name(e->code), "reason", e->text, NULL);
	if (status == 500)
		web_error(rq, rs, status, "Something went wrong on our side. It has been logged.");
	else if (status == 503)
		web_error(rq, rs, status,
		        "A part of the service is busy or away. Please try again in a moment.");
	else
		web_error(rq, rs, status, e->text);
}

/* ---- the last step */

static const struct web_header walls[] = {
        {"Content-Security-Policy",
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
                "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
                "base-uri 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        /* Not no-referrer: browsers would then send "Origin: null" with our own forms. */
        {"Referrer-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), "
                               "midi=(), payment=(), usb=()"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Embedder-Policy", "require-corp"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Strict-Transport-Security", "max-age=63072000"},
};

static const char *const cache_control[] = {
        [WEB_NO_STORE] = "no-store",
        [WEB_REVALIDATE] = "private, no-cache",
        [WEB_FOREVER] = "public, max-age=31536000, immutable",
};

/* A fragment that the browser has already is answered 304. */
static void revalidate(struct web_request *rq, struct web_response *rs)
{
	const char *known = web_header(rq, "if-none-match");
	unsigned char hash[CRYPTO_HASH];
	char hex[2 * ETAG_BYTES + 1];
	const char *etag;

	crypto_sha256(buf_text(&rs->body), rs->body.len, hash);
	crypto_hex(hash, ETAG_BYTES, hex);
	etag = arena_printf(rq->arena, "\"%s\"", hex);
	if (etag == NULL)
		return;
	add_header(rs, "ETag", etag);
	if (known != NULL && strstr(known, etag) != NULL) {
		buf_reset(&rs->body);
		web_begin(rs, 304, NULL);
	}
}

static bool has_header(const struct web_response *rs, const char *name)
{
	for (size_t i = 0; i < rs->header_count; i++)
		if (strcasecmp(rs->headers[i].name, name) == 0)
			return true;
	return false;
}

static bool has_body(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

void web_response_finish(struct web_request *rq, struct web_response *rs)
{
	const char *length;

	if (rs->status == 0 || rs->body.failed) {
		log_event(LOG_LEVEL_ERROR, "no-answer", "request", rq->request_id, "route",
		        rq->route == NULL ? "" : rq->route->id, NULL);
		web_error(rq, rs, 500, "Something went wrong on our side. It has been logged.");
	}
	if (rs->caching == WEB_REVALIDATE && rs->status == 200)
		revalidate(rq, rs);
	if (rs->status == 503 && !has_header(rs, "Retry-After"))
		add_header(rs, "Retry-After", "5");
	if (rs->content_type != NULL)
		add_header(rs, "Content-Type", rs->content_type);
	add_header(rs, "Cache-Control", cache_control[rs->caching]);
	for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++)
		add_header(rs, walls[i].name, walls[i].value);
	add_header(rs, "X-Request-Id", rq->request_id);
	if (has_body(rs->status)) {
		length = arena_printf(rq->arena, "%zu", rs->body.len);
		if (length != NULL)
			add_header(rs, "Content-Length", length);
	}
	if (rq->method == WEB_HEAD)
		buf_reset(&rs->body);
}

/* Appended piece by piece, not printed: it is in every answer. */
void web_response_head(const struct web_response *rs, struct buf *out)
{
	buf_printf(out, "Status: %d %s\r\n", rs->status, web_reason(rs->status));
	for (size_t i = 0; i < rs->header_count; i++) {
		buf_puts(out, rs->headers[i].name);
		buf_append(out, ": ", 2);
		buf_puts(out, rs->headers[i].value);
		buf_append(out, "\r\n", 2);
	}
	buf_append(out, "\r\n", 2);
}

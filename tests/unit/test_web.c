/* SPDX-License-Identifier: Apache-2.0 */
/* One request after another through the memory transport, as a browser would send it. */
#include "lib/crypto.h"
#include "web/escape.h"
#include "web/internal.h"
#include "web/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char secret[CRYPTO_KEY] = "0123456789abcdef0123456789abcde";
static unsigned leaving_calls, handler_calls;
static bool with_session, guard_refuses, record_fails;

/* ---- a site for the tests */

static const char *const colours[] = {"red", "blue", NULL};

static const struct web_field thing_fields[] = {
        {.name = "id", .type = WEB_FIELD_ID, .required = true},
        {.name = "page", .type = WEB_FIELD_INT, .min = 1, .max = 99},
        {.name = "colour", .type = WEB_FIELD_CHOICE, .choices = colours},
        {0},
};
static const struct web_field form_fields[] = {
        {.name = "title", .type = WEB_FIELD_TEXT, .required = true, .max_length = 20},
        {.name = "note", .type = WEB_FIELD_TEXT, .lines = true},
        {.name = "any", .type = WEB_FIELD_INT},
        {.name = "tick", .type = WEB_FIELD_FLAG},
        {.name = "tag", .type = WEB_FIELD_ID, .repeats = true},
        {.name = "password", .type = WEB_FIELD_SECRET},
        {0},
};
static const struct web_field query_fields[] = {{.name = "q", .type = WEB_FIELD_TEXT}, {0}};

static void show_thing(struct web_request *rq, struct web_response *rs)
{
	handler_calls++;
	web_begin(rs, 200, "text/plain; charset=utf-8");
	buf_printf(&rs->body, "id=%s page=%lld colour=%s", web_text(rq, "id"),
	        (long long)web_int(rq, "page", 1),
	        web_sent(rq, "colour") ? web_text(rq, "colour") : "-");
}

static void show_new(struct web_request *rq, struct web_response *rs)
{
	(void)rq;
	web_begin(rs, 200, "text/plain");
	buf_puts(&rs->body, "new");
}

static void save_form(struct web_request *rq, struct web_response *rs)
{
	handler_calls++;
	web_begin(rs, 200, "text/plain");
	buf_printf(&rs->body, "title=%s note=%s any=%lld tick=%d tags=", web_text(rq, "title"),
	        web_sent(rq, "note") ? web_text(rq, "note") : "-", (long long)web_int(rq, "any", 0),
	        web_flag(rq, "tick"));
	for (size_t i = 0; web_text_at(rq, "tag", i) != NULL; i++)
		buf_printf(&rs->body, "[%s]", web_text_at(rq, "tag", i));
	if (web_sent(rq, "password"))
		buf_printf(&rs->body, " password=%zu", strlen(web_text(rq, "password")));
}

static void take_json(struct web_request *rq, struct web_response *rs)
{
	web_begin(rs, 200, "application/json");
	buf_append(&rs->body, rq->in->body, rq->in->body_len);
}

static void show_fragment(struct web_request *rq, struct web_response *rs)
{
	(void)rq;
	rs->caching = WEB_REVALIDATE;
	web_begin(rs, 200, "text/html; charset=utf-8");
	buf_puts(&rs->body, "<p>fragment</p>");
}

static void sign_in(struct web_request *rq, struct web_response *rs)
{
	handler_calls++;
	web_redirect(rq, rs, "/");
	web_set_cookie(rq, rs, "__Host-test", "token", "Lax", 0);
}

static void go_wrong(struct web_request *rq, struct web_response *rs)
{
	const char *how = web_text(rq, "q");
	struct err e = ERR_CLEAR;

	web_set_cookie(rq, rs, "__Host-test", "token", "Strict", 60);
	if (how == NULL)
		return; /* nothing is said at all */
	if (strcmp(how, "large") == 0) {
		web_begin(rs, 200, "text/plain");
		(void)buf_reserve(&rs->body, WEB_MAX_BODY_OUT + 1);
		return;
	}
	if (strcmp(how, "header") == 0) {
		web_begin(rs, 200, "text/plain");
		web_set_header(rq, rs, "X-Test", "a\r\nSet-Cookie: evil=1");
		return;
	}
	if (strcmp(how, "headers") == 0) {
		web_begin(rs, 200, "text/plain");
		for (int i = 0; i < 40; i++)
			web_set_header(rq, rs, "X-Test", "1");
		return;
	}
	err_set(&e, (enum err_code)(how[0] - 'a'), "the reason");
	web_error_from(rq, rs, &e);
}

static const struct web_route routes[] = {
        {.id = "home", .path = "/", .handler = show_new},
        {.id = "thing", .path = "/things/:id", .fields = thing_fields, .handler = show_thing},
        {.id = "thing_new", .path = "/things/new", .handler = show_new},
        {.id = "form",
                .method = WEB_POST,
                .path = "/form",
                .max_body = 300,
                .fields = form_fields,
                .handler = save_form},
        {.id = "sign_in",
                .method = WEB_POST,
                .path = "/session",
                .flags = WEB_HEADERS_ONLY_CSRF,
                .handler = sign_in},
        {.id = "json",
                .method = WEB_POST,
                .path = "/json",
                .flags = WEB_RAW_BODY | WEB_NO_CSRF,
                .fields = query_fields,
                .handler = take_json},
        {.id = "fragment", .path = "/fragment", .handler = show_fragment},
        {.id = "wrong", .path = "/wrong", .fields = query_fields, .handler = go_wrong},
};

static bool guard(struct web_request *rq, const struct web_route *route, struct web_response *rs)
{
	assert_ptr_equal(rq->route, route);
	if (guard_refuses) {
		web_redirect(rq, rs, "/");
		return false;
	}
	if (with_session)
		rq->csrf_secret = secret;
	return true;
}

static void leaving(struct web_request *rq, struct web_response *rs)
{
	leaving_calls++;
	assert_int_not_equal(rs->status, 0);
	if (record_fails)
		web_error(rq, rs, 503, "The record could not be written.");
}

static struct web_site site = {
        .name = "test",
        .public_url = "https://test.example:8443",
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
        .guard = guard,
        .leaving = leaving,
};

/* ---- how a test asks */

static struct buf answer = {.max = 1 << 20};
static struct web_header headers[WEB_MAX_HEADERS + 8];
static size_t header_count;

static void header(const char *name, const char *value)
{
	headers[header_count++] = (struct web_header){.name = name, .value = value};
}

/* Sends it, and forgets the headers that were set for it. */
static const char *send_bytes(
        const char *method, const char *target, const char *body, size_t body_len)
{
	char path[2048];
	const char *query = strchr(target, '?');
	size_t len = query == NULL ? strlen(target) : (size_t)(query - target);
	struct web_incoming in = {.method = method,
	        .path = path,
	        .query = query == NULL ? "" : query + 1,
	        .headers = headers,
	        .header_count = header_count,
	        .body = body,
	        .body_len = body_len,
	        .address = "192.0.2.1",
	        .request_id = "0123456789abcdef0123456789abcdef"};

	assert_true(len < sizeof path);
	memcpy(path, target, len);
	path[len] = '\0';
	buf_reset(&answer);
	web_memory_run(&site, &in, &answer);
	assert_false(answer.failed);
	header_count = 0;
	return buf_text(&answer);
}

static const char *get(const char *target)
{
	return send_bytes("GET", target, NULL, 0);
}

static const char *token_of_session(void)
{
	static char token[64];
	struct arena *arena = arena_new(4096);
	struct web_request rq = {.arena = arena, .csrf_secret = secret};

	assert_true(snprintf(token, sizeof token, "%s", web_csrf_token(&rq)) == 43);
	arena_free(arena);
	return token;
}

/* A form as a browser sends it from one of our own pages. */
static const char *post(const char *target, const char *body)
{
	header("content-type", "application/x-www-form-urlencoded");
	header("origin", site.public_url);
	header("sec-fetch-site", "same-origin");
	return send_bytes("POST", target, body, strlen(body));
}

static const char *post_form(const char *fields)
{
	char body[1000];

	assert_true(snprintf(body, sizeof body, "csrf=%s&%s", token_of_session(), fields) <
	            (int)sizeof body);
	return post("/form", body);
}

static int status(const char *text)
{
	int number = 0;

	assert_int_equal(sscanf(text, "Status: %d", &number), 1);
	return number;
}

static const char *body_of(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static void assert_says(const char *text, int want_status, const char *want)
{
	if (status(text) != want_status || strstr(text, want) == NULL)
		fail_msg("want %d and \"%s\", got:\n%s", want_status, want, text);
}

static int reset(void **state)
{
	(void)state;
	leaving_calls = handler_calls = 0;
	with_session = true;
	guard_refuses = record_fails = false;
	site.error_page = NULL;
	header_count = 0;
	return 0;
}

/* ---- whole answers */

static void a_page_leaves_with_all_security_headers(void **state)
{
	(void)state;
	assert_string_equal(get("/"),
	        "Status: 200 OK\r\n"
	        "Content-Type: text/plain\r\n"
	        "Cache-Control: no-store\r\n"
	        "Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; "
	        "img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; "
	        "frame-ancestors 'none'; base-uri 'none'\r\n"
	        "X-Content-Type-Options: nosniff\r\n"
	        "X-Frame-Options: DENY\r\n"
	        "Referrer-Policy: same-origin\r\n"
	        "Permissions-Policy: camera=(), display-capture=(), geolocation=(), microphone=(), "
	        "midi=(), payment=(), usb=()\r\n"
	        "Cross-Origin-Opener-Policy: same-origin\r\n"
	        "Cross-Origin-Embedder-Policy: require-corp\r\n"
	        "Cross-Origin-Resource-Policy: same-origin\r\n"
	        "Strict-Transport-Security: max-age=63072000\r\n"
	        "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
	        "Content-Length: 3\r\n"
	        "\r\n"
	        "new");
	assert_int_equal(leaving_calls, 1);
}

static void an_error_has_the_same_headers_and_a_problem_body(void **state)
{
	const char *text = get("/nowhere");

	(void)state;
	assert_says(text, 404, "Content-Security-Policy: default-src 'none'");
	assert_says(text, 404, "Content-Type: application/problem+json\r\n");
	assert_string_equal(body_of(text),
	        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
	        "\"detail\":\"There is no such page.\","
	        "\"instance\":\"0123456789abcdef0123456789abcdef\"}");
	assert_int_equal(leaving_calls, 1);
}

static void head_is_get_without_the_body(void **state)
{
	const char *text = send_bytes("HEAD", "/", NULL, 0);

	(void)state;
	assert_says(text, 200, "Content-Length: 3\r\n");
	assert_string_equal(body_of(text), "");
}

static void an_own_request_id_replaces_one_that_is_odd(void **state)
{
	struct web_incoming in = {.method = "GET",
	        .path = "/",
	        .query = "",
	        .address = "::1",
	        .request_id = "0123456789abcdef0123456789abcde\n"};
	const char *id;

	(void)state;
	buf_reset(&answer);
	web_memory_run(&site, &in, &answer);
	id = strstr(buf_text(&answer), "X-Request-Id: ");
	assert_non_null(id);
	assert_int_equal(strspn(id + 14, "0123456789abcdef"), 32);
	assert_memory_not_equal(id + 14, "0123456789abcdef0123456789abcde", 31);
}

/* ---- routes */

static void a_literal_segment_wins_over_a_parameter(void **state)
{
	(void)state;
	assert_string_equal(body_of(get("/things/new")), "new");
	assert_string_equal(body_of(get("/things/new2")), "id=new2 page=1 colour=-");
}

static void a_wrong_method_is_told_which_ones_there_are(void **state)
{
	(void)state;
	assert_says(post("/things/1", ""), 405, "Allow: GET, HEAD\r\n");
	assert_says(get("/form"), 405, "Allow: POST\r\n");
	assert_says(send_bytes("DELETE", "/form", NULL, 0), 405, "Allow: POST\r\n");
	assert_says(send_bytes("get", "/", NULL, 0), 405, "Allow: GET, HEAD\r\n");
	assert_says(send_bytes("FOO", "/nowhere", NULL, 0), 404, "");
}

static void paths_match_exactly_or_not_at_all(void **state)
{
	static const char *const missing[] = {
	        "/things", "/things/", "/things/1/", "/things/1/2", "//", "/Things/1", "/form/"};

	(void)state;
	for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
		assert_int_equal(status(get(missing[i])), 404);
}

static void a_malformed_path_is_refused(void **state)
{
	static const char *const bad[] = {"", "things/1", "/things/..", "/./", "/../etc",
	        "/things/a\n", "/things/\xff", "/things/\xc0\xae", "/things/\x7f"};
	char longest[1200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_says(get(bad[i]), 400, "malformed");
	memset(longest, 'a', sizeof longest - 1);
	longest[0] = '/';
	longest[sizeof longest - 1] = '\0';
	assert_says(get(longest), 400, "malformed");
}

static void a_path_parameter_that_cannot_be_one_is_a_missing_page(void **state)
{
	(void)state;
	assert_says(get("/things/a%20b"), 404, "no such page"); /* was decoded by the transport */
	assert_says(get("/things/\xe5\xa2\xa8"), 404, "no such page");
	assert_int_equal(status(get("/things/"
	                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	                            "aaaaaaaaaaa")),
	        404);
	assert_int_equal(handler_calls, 0);
}

static void a_table_with_a_fault_stops_the_program_at_start(void **state)
{
	const struct web_field no_choices[] = {{.name = "c", .type = WEB_FIELD_CHOICE}, {0}};
	const struct web_field twice[] = {{.name = "a"}, {.name = "a"}, {0}};
	const struct web_field own_csrf[] = {{.name = "csrf"}, {0}};
	const struct web_route faults[] = {
	        {.id = "x", .path = "no-slash", .handler = show_new},
	        {.id = "x", .path = "/a//b", .handler = show_new},
	        {.id = "x", .path = "/:id", .handler = show_new},
	        {.id = "x", .path = "/"},
	        {.id = "", .path = "/", .handler = show_new},
	        {.id = "x", .path = "/", .method = WEB_HEAD, .handler = show_new},
	        {.id = "x", .path = "/", .max_body = 1, .handler = show_new},
	        {.id = "x", .path = "/", .fields = no_choices, .handler = show_new},
	        {.id = "x", .path = "/", .fields = twice, .handler = show_new},
	        {.id = "x", .path = "/", .fields = own_csrf, .handler = show_new},
	        {.id = "x",
	                .path = "/",
	                .method = WEB_POST,
	                .flags = WEB_NO_CSRF | WEB_HEADERS_ONLY_CSRF,
	                .handler = show_new},
	};
	const struct web_route same_id[] = {{.id = "x", .path = "/a", .handler = show_new},
	        {.id = "x", .path = "/b", .handler = show_new}};
	const struct web_route same_path[] = {
	        {.id = "x", .path = "/:id", .fields = thing_fields, .handler = show_new},
	        {.id = "y", .path = "/:page", .fields = thing_fields, .handler = show_new}};
	struct web_site bad = site;
	struct err e;

	(void)state;
	assert_true(web_site_check(&site, &e));
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		bad.routes = &faults[i];
		bad.route_count = 1;
		assert_false(web_site_check(&bad, &e));
		assert_int_equal(e.code, ERR_CONFIG);
	}
	bad.route_count = 2;
	bad.routes = same_id;
	assert_false(web_site_check(&bad, &e));
	bad.routes = same_path;
	assert_false(web_site_check(&bad, &e));
	bad = site;
	bad.public_url = "https://test.example/";
	assert_false(web_site_check(&bad, &e));
	bad.public_url = "http://test.example";
	assert_false(web_site_check(&bad, &e));
}

/* ---- fields */

static void typed_fields_reach_the_handler(void **state)
{
	(void)state;
	assert_string_equal(
	        body_of(get("/things/a_B-9?page=12&colour=blue")), "id=a_B-9 page=12 colour=blue");
	assert_string_equal(body_of(post_form("title=%E5%A2%A8+x&any=-9223372036854775808&tick=on"
	                                      "&tag=a&tag=b&password=%01%0a")),
	        "title=墨 x note=- any=-9223372036854775808 tick=1 tags=[a][b] password=2");
}

static void what_a_form_left_empty_counts_as_not_sent(void **state)
{
	(void)state;
	assert_string_equal(body_of(get("/things/1?page=&colour=")), "id=1 page=1 colour=-");
}

static void line_ends_become_one_kind(void **state)
{
	(void)state;
	assert_string_equal(body_of(post_form("title=t&note=a%0D%0Ab%0Dc%0A%09d%0D")),
	        "title=t note=a\nb\nc\n\td\n any=0 tick=0 tags=");
}

static void a_field_at_fault_is_named_and_the_handler_not_called(void **state)
{
	static const struct {
		const char *query, *says;
	} cases[] = {
	        {"page=0", "field \\\"page\\\": it must be between 1 and 99"},
	        {"page=100", "between 1 and 99"},
	        {"page=1x", "field \\\"page\\\": it must be a whole number"},
	        {"page=01", "field \\\"page\\\""},
	        {"page=+1", "field \\\"page\\\""},
	        {"page=99999999999999999999", "field \\\"page\\\""},
	        {"colour=green", "field \\\"colour\\\": it is not one of the choices"},
	        {"colour=red&colour=red", "field \\\"colour\\\": it was sent twice"},
	        {"id=2", "field \\\"id\\\": it was sent twice"},
	        {"odd=1", "field \\\"odd\\\" is not known here"},
	        {"csrf=1", "field \\\"csrf\\\" is not known here"},
	        {"%3Cb%3E%0A=1", "field \\\"<b>?\\\" is not known here"},
	        {"page=%4", "field \\\"page\\\": a % is not followed by two hex digits"},
	        {"page=%zz", "two hex digits"},
	        {"page=1%", "two hex digits"},
	        {"page=%00", "NUL character"},
	        {"page=%ff", "not valid UTF-8"},
	        {"colour=%c0%af", "not valid UTF-8"},
	        {"page", "field \\\"page\\\" has no value"},
	        {"=1", "a field has no name"},
	        {"page=1&", "a field has no name"},
	        {"&page=1", "a field has no name"},
	        {"page=1&&colour=red", "a field has no name"},
	};
	char target[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(snprintf(target, sizeof target, "/things/1?%s", cases[i].query) > 0);
		assert_says(get(target), 400, cases[i].says);
	}
	assert_int_equal(handler_calls, 0);
}

static void a_form_field_at_fault_is_named(void **state)
{
	static const struct {
		const char *form, *says;
	} cases[] = {
	        {"note=x", "field \\\"title\\\": it is required"},
	        {"title=", "field \\\"title\\\": it is required"},
	        {"title=aaaaaaaaaaaaaaaaaaaaa", "longer than 20 bytes"},
	        {"title=a%0Ab", "field \\\"title\\\": control characters"},
	        {"title=a%C2%85b", "control characters"},
	        {"title=a%7F", "control characters"},
	        {"title=t&note=%1B", "field \\\"note\\\": control characters"},
	        {"title=t&tick=yes", "field \\\"tick\\\": a check box"},
	        {"title=t&tag=a%20b", "field \\\"tag\\\": it is not an id"},
	        {"title=t&password=%00", "NUL character"},
	        {"title=t&csrf=1", "field \\\"csrf\\\": it was sent twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_says(post_form(cases[i].form), 400, cases[i].says);
	assert_int_equal(handler_calls, 0);
}

static void more_fields_than_the_limit_are_refused(void **state)
{
	char target[1000] = "/things/1?page=";

	(void)state;
	for (int i = 0; i < WEB_MAX_FIELDS; i++)
		strcat(target, "&page=");
	assert_says(get(target), 400, "more than 64 fields");
}

static void a_query_that_is_too_long_is_refused(void **state)
{
	static char query[WEB_MAX_QUERY + 2];
	struct web_incoming in = {.method = "GET", .path = "/", .query = query, .address = "::1"};

	(void)state;
	memset(query, 'a', sizeof query - 1);
	buf_reset(&answer);
	web_memory_run(&site, &in, &answer);
	assert_says(buf_text(&answer), 400, "too long");
}

/* ---- bodies */

static void a_body_beyond_the_routes_limit_is_refused(void **state)
{
	char body[400];

	(void)state;
	memset(body, 'a', sizeof body - 1);
	body[sizeof body - 1] = '\0';
	assert_says(post("/form", body), 413, "too large");
	header("content-type", "application/x-www-form-urlencoded");
	assert_says(send_bytes("POST", "/form", NULL, 9 << 20), 413, "too large");
	assert_int_equal(handler_calls, 0);
}

static void a_form_of_another_type_is_refused(void **state)
{
	(void)state;
	header("content-type", "text/plain");
	assert_int_equal(status(send_bytes("POST", "/form", "title=1", 7)), 415);
	header("content-type", "application/x-www-form-urlencodedx");
	assert_int_equal(status(send_bytes("POST", "/form", "title=1", 7)), 415);
	assert_int_equal(status(send_bytes("POST", "/form", "title=1", 7)), 415);
	header("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
	assert_int_equal(status(send_bytes("POST", "/form", "title=1", 7)), 403);
}

static void a_get_with_a_body_is_refused(void **state)
{
	(void)state;
	assert_says(send_bytes("GET", "/", "x", 1), 400, "takes no body");
}

static void a_raw_body_is_the_handlers(void **state)
{
	(void)state;
	header("content-type", "application/json");
	assert_string_equal(body_of(send_bytes("POST", "/json?q=1", "{}", 2)), "{}");
	assert_says(send_bytes("POST", "/json?odd=1", "{}", 2), 400, "not known");
}

/* ---- headers and cookies */

static void headers_that_decide_something_may_come_once_only(void **state)
{
	static const char *const names[] = {"cookie", "authorization", "content-type",
	        "content-length", "content-encoding", "origin", "sec-fetch-site", "x-csrf-token",
	        "host"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		header(names[i], "a=1");
		header("accept", "x");
		header(names[i], "a=1");
		assert_says(get("/"), 400, "was sent twice");
	}
	header("accept", "x");
	header("accept", "y");
	assert_int_equal(status(get("/")), 200);
}

static void too_many_or_too_large_headers_are_refused(void **state)
{
	static char large[WEB_MAX_HEADER_BYTES + 1];

	(void)state;
	for (int i = 0; i < WEB_MAX_HEADERS; i++)
		header("x", "1");
	assert_int_equal(status(get("/")), 200);
	for (int i = 0; i <= WEB_MAX_HEADERS; i++)
		header("x", "1");
	assert_int_equal(status(get("/")), 431);
	memset(large, 'a', sizeof large - 1);
	header("x", large);
	assert_int_equal(status(get("/")), 431);
	header("x", "a\rb");
	assert_int_equal(status(get("/")), 400);
}

static void a_cookie_is_found_by_its_whole_name(void **state)
{
	struct web_header one = {.name = "cookie", .value = "a=1; __Host-x=t=2 ;b=\"q\";empty=; "};
	struct web_incoming in = {.headers = &one, .header_count = 1};
	struct web_request rq = {.arena = arena_new(1 << 16), .in = &in};
	struct err e;

	(void)state;
	assert_int_equal(web_headers_read(&rq, &e), 0);
	assert_string_equal(web_cookie(&rq, "a"), "1");
	assert_string_equal(web_cookie(&rq, "__Host-x"), "t=2");
	assert_string_equal(web_cookie(&rq, "b"), "\"q\"");
	assert_string_equal(web_cookie(&rq, "empty"), "");
	assert_null(web_cookie(&rq, "__Host-"));
	assert_null(web_cookie(&rq, "A"));
	arena_free(rq.arena);
}

static void a_cookie_header_that_can_be_read_in_two_ways_is_refused(void **state)
{
	char many[400] = "c0=1";

	(void)state;
	header("cookie", "s=1; s=2");
	assert_says(get("/"), 400, "a cookie was sent twice");
	header("cookie", "s");
	assert_says(get("/"), 400, "malformed");
	header("cookie", "=s");
	assert_says(get("/"), 400, "malformed");
	for (int i = 1; i <= WEB_MAX_COOKIES; i++)
		assert_true(sprintf(many + strlen(many), ";c%d=1", i) > 0);
	header("cookie", many);
	assert_says(get("/"), 400, "more than 32 cookies");
}

static void a_session_cookie_is_as_hard_as_a_cookie_can_be(void **state)
{
	(void)state;
	with_session = false;
	assert_says(post("/session", ""), 303,
	        "Set-Cookie: __Host-test=token; Path=/; Secure; HttpOnly; SameSite=Lax\r\n");
	assert_says(buf_text(&answer), 303, "Location: /\r\n");
}

static void a_cookie_of_an_answer_that_was_given_up_does_not_leave(void **state)
{
	(void)state;
	record_fails = true;
	assert_says(post("/session", ""), 503, "Retry-After: 5\r\n");
	assert_null(strstr(buf_text(&answer), "Set-Cookie"));
	assert_null(strstr(buf_text(&answer), "Location"));
}

/* ---- CSRF */

static void a_form_of_this_session_from_our_own_page_is_taken(void **state)
{
	(void)state;
	assert_int_equal(status(post_form("title=t")), 200);
	header("x-csrf-token", token_of_session());
	assert_int_equal(status(post("/form", "title=t")), 200);
	assert_int_equal(handler_calls, 2);
}

static void a_form_without_the_right_token_is_refused(void **state)
{
	char wrong[44];

	(void)state;
	assert_says(post("/form", "title=t"), 403, "another session");
	assert_says(post("/form", "title=t&csrf="), 403, "another session");
	memcpy(wrong, token_of_session(), sizeof wrong);
	wrong[42] = wrong[42] == 'A' ? 'Q' : 'A';
	header("x-csrf-token", wrong);
	assert_says(post("/form", "title=t"), 403, "another session");
	wrong[42] = '\0';
	header("x-csrf-token", wrong);
	assert_says(post("/form", "title=t"), 403, "another session");
	with_session = false;
	assert_says(post_form("title=t"), 403, "needs a session");
	assert_int_equal(handler_calls, 0);
}

static void a_form_from_another_site_is_refused_even_with_the_token(void **state)
{
	static const struct {
		const char *name, *value;
	} foreign[] = {
	        {"origin", "https://evil.example"},
	        {"origin", "null"},
	        {"origin", "https://test.example"},
	        {"origin", "https://test.example:84430"},
	        {"origin", "http://test.example:8443"},
	        {"sec-fetch-site", "cross-site"},
	        {"sec-fetch-site", "same-site"},
	        {"sec-fetch-site", "none"},
	        {"referer", "https://evil.example/"},
	        {"referer", "https://test.example:8443.evil.example/"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
		header("content-type", "application/x-www-form-urlencoded");
		header("x-csrf-token", token_of_session());
		header(foreign[i].name, foreign[i].value);
		assert_says(send_bytes("POST", "/form", "title=t", 7), 403, "another site");
		header(foreign[i].name, foreign[i].value);
		assert_says(send_bytes("POST", "/session", NULL, 0), 403, "another site");
	}
	assert_int_equal(handler_calls, 0);
}

static void a_form_before_the_session_needs_no_token(void **state)
{
	(void)state;
	with_session = false;
	assert_int_equal(status(post("/session", "")), 303);
	header("referer", "https://test.example:8443/");
	assert_int_equal(status(send_bytes("POST", "/session", NULL, 0)), 303);
	assert_int_equal(status(send_bytes("POST", "/session", NULL, 0)), 303); /* a program */
}

static void tokens_of_two_sessions_differ(void **state)
{
	struct arena *arena = arena_new(4096);
	unsigned char other[CRYPTO_KEY] = {1};
	struct web_request rq = {.arena = arena, .csrf_secret = other};

	(void)state;
	assert_string_not_equal(web_csrf_token(&rq), token_of_session());
	rq.csrf_secret = NULL;
	assert_string_equal(web_csrf_token(&rq), "");
	arena_free(arena);
}

/* ---- errors, guard, leaving */

static void nobody_passes_the_guard_by_a_faulty_form(void **state)
{
	(void)state;
	guard_refuses = true;
	assert_int_equal(status(get("/things/1?odd=1")), 303);
	assert_int_equal(status(post("/form", "%")), 303);
	assert_int_equal(handler_calls, 0);
	assert_int_equal(leaving_calls, 2);
}

static void no_record_no_data(void **state)
{
	const char *text;

	(void)state;
	record_fails = true;
	text = get("/things/secret7");
	assert_says(text, 503, "could not be written");
	assert_null(strstr(text, "secret7"));
}

static void an_error_code_chooses_the_status(void **state)
{
	static const int want[] = {[ERR_NONE] = 500,
	        [ERR_INVALID] = 400,
	        [ERR_NOT_FOUND] = 404,
	        [ERR_DENIED] = 403,
	        [ERR_CONFLICT] = 409,
	        [ERR_LIMIT] = 429,
	        [ERR_BUSY] = 503,
	        [ERR_UNAVAILABLE] = 503,
	        [ERR_IO] = 500,
	        [ERR_CORRUPT] = 500,
	        [ERR_MEMORY] = 500,
	        [ERR_CONFIG] = 500,
	        [ERR_INTERNAL] = 500};
	char target[] = "/wrong?q=a";

	(void)state;
	for (int code = ERR_NONE; code <= ERR_INTERNAL; code++) {
		target[sizeof target - 2] = (char)('a' + code);
		assert_says(get(target), want[code], "");
		assert_int_equal(strstr(buf_text(&answer), "the reason") != NULL, want[code] < 500);
		assert_null(strstr(buf_text(&answer), "Set-Cookie"));
	}
}

static void a_handler_that_fails_to_answer_is_a_500(void **state)
{
	(void)state;
	assert_says(get("/wrong"), 500, "has been logged");
	assert_says(get("/wrong?q=large"), 500, "has been logged");
	assert_says(get("/wrong?q=headers"), 500, "has been logged");
}

static void a_header_with_a_line_end_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(status(get("/wrong?q=header")), 200);
	assert_null(strstr(buf_text(&answer), "evil"));
}

static void small_page(
        struct web_request *rq, struct web_response *rs, int code, const char *detail)
{
	(void)rq;
	web_begin(rs, code, "text/html; charset=utf-8");
	escape_text(&rs->body, detail);
}

static void broken_page(
        struct web_request *rq, struct web_response *rs, int code, const char *detail)
{
	small_page(rq, rs, code, detail);
	rs->body.failed = true;
}

static void people_get_the_sites_own_error_page(void **state)
{
	(void)state;
	site.error_page = small_page;
	assert_says(get("/nowhere"), 404, "Content-Type: text/html; charset=utf-8\r\n");
	assert_string_equal(body_of(buf_text(&answer)), "There is no such page.");
	site.error_page = broken_page;
	assert_says(get("/nowhere"), 404, "Content-Type: application/problem+json\r\n");
}

static void a_fragment_that_is_known_is_not_sent_again(void **state)
{
	const char *text = get("/fragment");
	char etag[64];

	(void)state;
	assert_says(text, 200, "Cache-Control: private, no-cache\r\n");
	assert_int_equal(sscanf(strstr(text, "ETag: "), "ETag: %63s", etag), 1);
	header("if-none-match", etag);
	text = get("/fragment");
	assert_says(text, 304, "ETag: ");
	assert_string_equal(body_of(text), "");
	assert_null(strstr(text, "Content-Length"));
	header("if-none-match", "\"other\"");
	assert_int_equal(status(get("/fragment")), 200);
	assert_int_equal(leaving_calls, 3);
}

/* Runs a request with ever more memory until it succeeds: no step may crash or answer falsely. */
static void a_request_that_runs_out_of_memory_ends_in_an_error(void **state)
{
	struct web_header own[] = {{"cookie", "a=1; b=2"},
	        {"content-type", "application/x-www-form-urlencoded"},
	        {"x-csrf-token", token_of_session()}};
	struct web_incoming in = {.method = "POST",
	        .path = "/form",
	        .query = "",
	        .headers = own,
	        .header_count = 3,
	        .body = "title=t&tag=a",
	        .body_len = 13,
	        .address = "::1"};
	bool good = false;

	(void)state;
	for (size_t limit = 0; limit < 65536 && !good; limit += 16) {
		struct arena *arena = arena_new(limit);
		struct web_response rs;
		assert_non_null(arena);
		web_handle(&site, &in, arena, &rs);
		assert_true(rs.status == 200 || rs.status >= 500);
		good = rs.status == 200;
		buf_free(&rs.body);
		arena_free(arena);
	}
	assert_true(good);
}

static int set_up(void **state)
{
	(void)state;
	return crypto_init(NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	buf_free(&answer);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_page_leaves_with_all_security_headers),
	        TEST(an_error_has_the_same_headers_and_a_problem_body),
	        TEST(head_is_get_without_the_body),
	        TEST(an_own_request_id_replaces_one_that_is_odd),
	        TEST(a_literal_segment_wins_over_a_parameter),
	        TEST(a_wrong_method_is_told_which_ones_there_are),
	        TEST(paths_match_exactly_or_not_at_all),
	        TEST(a_malformed_path_is_refused),
	        TEST(a_path_parameter_that_cannot_be_one_is_a_missing_page),
	        TEST(a_table_with_a_fault_stops_the_program_at_start),
	        TEST(typed_fields_reach_the_handler),
	        TEST(what_a_form_left_empty_counts_as_not_sent),
	        TEST(line_ends_become_one_kind),
	        TEST(a_field_at_fault_is_named_and_the_handler_not_called),
	        TEST(a_form_field_at_fault_is_named),
	        TEST(more_fields_than_the_limit_are_refused),
	        TEST(a_query_that_is_too_long_is_refused),
	        TEST(a_body_beyond_the_routes_limit_is_refused),
	        TEST(a_form_of_another_type_is_refused),
	        TEST(a_get_with_a_body_is_refused),
	        TEST(a_raw_body_is_the_handlers),
	        TEST(headers_that_decide_something_may_come_once_only),
	        TEST(too_many_or_too_large_headers_are_refused),
	        TEST(a_cookie_is_found_by_its_whole_name),
	        TEST(a_cookie_header_that_can_be_read_in_two_ways_is_refused),
	        TEST(a_session_cookie_is_as_hard_as_a_cookie_can_be),
	        TEST(a_cookie_of_an_answer_that_was_given_up_does_not_leave),
	        TEST(a_form_of_this_session_from_our_own_page_is_taken),
	        TEST(a_form_without_the_right_token_is_refused),
	        TEST(a_form_from_another_site_is_refused_even_with_the_token),
	        TEST(a_form_before_the_session_needs_no_token),
	        TEST(tokens_of_two_sessions_differ),
	        TEST(nobody_passes_the_guard_by_a_faulty_form),
	        TEST(no_record_no_data),
	        TEST(an_error_code_chooses_the_status),
	        TEST(a_handler_that_fails_to_answer_is_a_500),
	        TEST(a_header_with_a_line_end_is_dropped),
	        TEST(people_get_the_sites_own_error_page),
	        TEST(a_fragment_that_is_known_is_not_sent_again),
	        TEST(a_request_that_runs_out_of_memory_ends_in_an_error),
	};

	return cmocka_run_group_tests_name("web", tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/site.h"

#include "core/sessions.h"
#include "web/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEADLINE_MS = 10000 };

/* ---- the site */

struct test_site *test_site_open(
        struct world *world, const struct site_kind *kind, const char *more)
{
	const struct config_option own[] = {SITE_OPTIONS("user"), SITE_OPTIONS("support"), {NULL}};
	const struct config_option *const tables[] = {config_shared, own, NULL};
	struct test_site *site = calloc(1, sizeof *site);
	char path[200];
	struct err e = ERR_CLEAR;

	assert_non_null(site);
	(void)snprintf(path, sizeof path, "%s/site.conf", world->folder);
	test_config_write(world, path, more);
	if (!config_load(path, tables, &site->config, &e))
		fail_msg("%s", e.text);
	site->world = world;
	site->answer = BUF_INIT(64 << 20);
	site->program.kind = kind;
	site->program.config = site->config;
	site->program.clock = &world->clock.base;
	if (!site_open(&site->program, &e))
		fail_msg("%s", e.text);
	return site;
}

void test_site_close(struct test_site *site)
{
	site_close(&site->program);
	config_free(site->config);
	buf_free(&site->answer);
	free(site);
}

static const char *csrf_of(struct test_site *site, struct arena *arena, const char *token)
{
	struct err e = ERR_CLEAR;
	struct sql_conn *conn = sql_borrow(site->program.db, DEADLINE_MS, &e);
	struct session *session = arena_alloc(arena, sizeof *session);
	struct web_request rq = {.arena = arena};
	bool found = false;

	assert_non_null(session);
	if (conn == NULL || !sessions_find(conn, arena, site->program.kind->site, token,
	                            world_now(site->world), session, &found, &e))
		fail_msg("%s", e.text);
	sql_return(conn);
	if (!found)
		return "";
	rq.csrf_secret = session->csrf_secret;
	return web_csrf_token(&rq);
}

const char *test_csrf(struct test_site *site, const char *token)
{
	return csrf_of(site, site->world->arena, token);
}

struct parts {
	struct web_incoming in;
	struct web_header headers[8];
};

static void add(struct parts *p, const char *name, const char *value)
{
	p->headers[p->in.header_count++] = (struct web_header){.name = name, .value = value};
}

static void fill_body(
        struct test_site *site, struct arena *arena, const struct test_request *rq, struct parts *p)
{
	const char *csrf = rq->csrf;

	if (csrf == NULL && rq->token != NULL)
		csrf = csrf_of(site, arena, rq->token);
	if (csrf == NULL || strcmp(csrf, "-") == 0)
		p->in.body = rq->body;
	else
		p->in.body = arena_printf(
		        arena, "csrf=%s%s%s", csrf, rq->body[0] == '\0' ? "" : "&", rq->body);
	assert_non_null(p->in.body);
	p->in.body_len = strlen(p->in.body);
	add(p, "content-type", "application/x-www-form-urlencoded");
	if (rq->origin == NULL)
		add(p, "origin", site->program.web.public_url);
	else if (strcmp(rq->origin, "-") != 0)
		add(p, "origin", rq->origin);
}

const char *test_ask(struct test_site *site, const struct test_request *rq)
{
	struct arena *arena = arena_new(4 << 20);
	struct parts p = {
	        .in = {.headers = p.headers, .request_id = "00112233445566778899aabbccddeeff"}};
	size_t path = strcspn(rq->target, "?");

	assert_non_null(arena);
	p.in.method = rq->method != NULL ? rq->method : rq->body != NULL ? "POST" : "GET";
	p.in.path = arena_copy(arena, rq->target, path);
	p.in.query = rq->target[path] == '?' ? rq->target + path + 1 : "";
	p.in.address = rq->address != NULL ? rq->address : "192.0.2.1";
	if (rq->token != NULL || rq->browser != NULL)
		add(&p, "cookie",
		        arena_printf(arena, "%s=%s; %s=%s", site->program.kind->cookie,
		                rq->token != NULL ? rq->token : "none",
		                site->program.kind->browser_cookie,
		                rq->browser != NULL ? rq->browser : "none"));
	if (rq->body != NULL)
		fill_body(site, arena, rq, &p);
	buf_reset(&site->answer);
	web_memory_run(&site->program.web, &p.in, &site->answer);
	assert_false(site->answer.failed);
	arena_free(arena);
	return buf_text(&site->answer);
}

int test_status(const char *answer)
{
	assert_int_equal(strncmp(answer, "Status: ", 8), 0);
	return (int)strtol(answer + 8, NULL, 10);
}

const char *test_body(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

const char *test_header(const char *answer, const char *name)
{
	static char value[4096];
	const char *body = test_body(answer);
	char wanted[80];
	const char *at;
	size_t len;

	(void)snprintf(wanted, sizeof wanted, "\r\n%s: ", name);
	at = strstr(answer, wanted);
	if (at == NULL || at >= body)
		return NULL;
	at += strlen(wanted);
	len = strcspn(at, "\r");
	assert_true(len < sizeof value);
	memcpy(value, at, len);
	value[len] = '\0';
	return value;
}

/* ---- sessions */

struct beginning {
	struct session_new session;
	char token[SESSION_TOKEN];
};

static bool begin_work(struct sql_conn *write, void *arg, struct err *e)
{
	struct beginning *b = arg;

	return sessions_begin(write, &b->session, b->token, e);
}

const char *test_session(struct test_site *site, const struct world_ids *person)
{
	struct world *world = site->world;
	struct sql_conn *conn = world_read(world);
	struct account account;
	struct err e = ERR_CLEAR;
	char id[32];
	struct beginning b = {.session = {.account_id = person->id,
	                              .site = site->program.kind->site,
	                              .factors = FACTOR_PASSWORD,
	                              .address = "192.0.2.1",
	                              .public_id = id,
	                              .now = world_now(world)}};

	if (!accounts_find(conn, world->keys, world->arena, person->public_id, &account, &e))
		fail_msg("%s", e.text);
	sql_return(conn);
	b.session.rights_version = account.rights_version;
	crypto_random_id("se_", id);
	world_write(world, begin_work, &b);
	return arena_strdup(world->arena, b.token);
}

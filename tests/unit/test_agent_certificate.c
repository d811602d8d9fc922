/* SPDX-License-Identifier: Apache-2.0 */
/* Who comes in on the agents' host: through the memory transport, on a real store, with a real audit log. */
#include "cgi/agent_certificate.h"
#include "cgi/strangers.h"
#include "lib/file.h"
#include "tests/helpers/audit.h"
#include "tests/helpers/store.h"
#include "web/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AGENT "ag_0123456789012345678901"
#define OTHER "ag_9999999999999999999999"

enum { DEADLINE_MS = 10000, ATTEMPTS = 25 };

struct scene {
	struct world *w;
	pid_t audit;
	struct agent_door door;
	struct web_site site;
	struct buf answer;
	char revoked_agents[200];
	struct err e;
};

/* ---- a program that tells the agent its own name */

struct caller {
	struct agent agent;
	int64_t looked_up;
};

static bool look(struct sql_conn *conn, const struct agent *agent, void *arg, struct err *e)
{
	struct caller *caller = arg;

	(void)e;
	assert_non_null(conn);
	assert_ptr_equal(agent, &caller->agent);
	caller->looked_up = agent->id * 100;
	return true;
}

static bool look_in_vain(struct sql_conn *conn, const struct agent *agent, void *arg, struct err *e)
{
	(void)conn;
	(void)agent;
	(void)arg;
	return err_set(e, ERR_UNAVAILABLE, "that store is not there");
}

static bool guard(struct web_request *rq, const struct web_route *route, struct web_response *rs)
{
	const struct scene *s = rq->site->context;
	struct caller *caller = arena_alloc(rq->arena, sizeof *caller);

	assert_non_null(caller);
	rq->session = caller;
	return agent_certificate_check(&s->door, rq, rs, route->id, &caller->agent, caller);
}

static void tell_name(struct web_request *rq, struct web_response *rs)
{
	const struct caller *caller = rq->session;

	web_begin(rs, 200, "text/plain");
	buf_printf(&rs->body, "%s %lld", caller->agent.public_id, (long long)caller->looked_up);
}

static const struct web_route routes[] = {
        {.id = "test.name", .path = "/name", .who = 1, .handler = tell_name}};

/* ---- arranging */

static void put_agent(const struct scene *s, const struct world_ids *customer)
{
	long long end = world_now(s->w) + 3600 * 1000;
	char sql[1000];

	(void)snprintf(sql, sizeof sql,
	        "INSERT INTO agent (id, public_id, customer_id, type, event_key, created_at)"
	        " VALUES (7, '" AGENT "', %lld, 'dc', x'%064d', 0);"
	        "INSERT INTO agent_certificate (serial, agent_id, not_before, not_after,"
	        " created_at, used_at) VALUES ('0A', 7, 0, %lld, 0, 1), ('0B', 7, 0, %lld, 1, "
	        "NULL)",
	        (long long)customer->id, 0, end, end);
	test_store_exec(s->w->folder, SQL_CORE, sql);
}

static int make_scene(void **state)
{
	static const struct sql_table *const tables[] = {&agents_sql, NULL};
	struct scene *s = calloc(1, sizeof *s);
	struct world_ids customer;
	char path[200];

	if (s == NULL)
		return -1;
	*state = s;
	s->w = world_new(tables);
	s->answer = BUF_INIT(1 << 20);
	customer = world_organisation(s->w, "customer", "Print Shop");
	put_agent(s, &customer);
	s->audit = test_audit_start(s->w);
	(void)snprintf(path, sizeof path, "%s/audit-ingest.sock", s->w->folder);
	(void)snprintf(
	        s->revoked_agents, sizeof s->revoked_agents, "%s/revoked-agents", s->w->folder);
	s->door = (struct agent_door){.db = s->w->db,
	        .audit = audit_client_new(path, &s->e),
	        .strangers = strangers_new(),
	        .clock = &s->w->clock.base,
	        .revoked_agents = s->revoked_agents,
	        .look = look};
	assert_non_null(s->door.audit);
	assert_non_null(s->door.strangers);
	s->site = (struct web_site){.name = "test",
	        .public_url = "https://agents.test:8443",
	        .routes = routes,
	        .route_count = 1,
	        .context = s,
	        .guard = guard};
	assert_true(web_site_check(&s->site, &s->e));
	return 0;
}

static int end_scene(void **state)
{
	struct scene *s = *state;

	if (s->audit > 0)
		test_audit_kill(s->audit);
	strangers_free(s->door.strangers);
	audit_client_free(s->door.audit);
	buf_free(&s->answer);
	world_free(s->w);
	free(s);
	return 0;
}

static int ask(struct scene *s, const char *verify, const char *serial, const char *subject)
{
	const struct web_incoming in = {.method = "GET",
	        .path = "/name",
	        .query = "",
	        .address = "192.0.2.7",
	        .client_verify = verify,
	        .client_serial = serial,
	        .client_subject = subject};
	int status = 0;

	buf_reset(&s->answer);
	web_memory_run(&s->site, &in, &s->answer);
	assert_int_equal(sscanf(buf_text(&s->answer), "Status: %d", &status), 1);
	return status;
}

static void answer_ends(const struct scene *s, const char *text)
{
	size_t len = strlen(text);

	assert_true(s->answer.len >= len);
	assert_string_equal(buf_text(&s->answer) + s->answer.len - len, text);
}

static int64_t in_core(const struct scene *s, const char *query)
{
	return test_store_number(s->w->folder, SQL_CORE, query);
}

static int64_t live_certificates(const struct scene *s)
{
	return in_core(s, "SELECT count(*) FROM agent_certificate WHERE revoked_at IS NULL");
}

/* What the log has, once its index has caught up. */
static int64_t in_log(const struct scene *s, const char *query)
{
	const struct clock *clock = clock_real();
	int64_t until = clock_monotonic_ms(clock) + DEADLINE_MS;

	while (test_store_number(s->w->folder, SQL_AUDIT,
	               "SELECT (SELECT max(number) FROM audit_entry) ="
	               " (SELECT number FROM audit_progress)") != 1)
		assert_true(clock_monotonic_ms(clock) < until);
	return test_store_number(s->w->folder, SQL_AUDIT, query);
}

static int64_t denials(const struct scene *s)
{
	return in_log(s, "SELECT count(*) FROM audit_index WHERE action = 'test.name'"
	                 " AND outcome = 'denied'");
}

/* ---- tests */

static void an_agent_with_its_live_certificate_comes_in_with_what_was_looked_up(void **state)
{
	struct scene *s = *state;

	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=" AGENT), 200);
	answer_ends(s, AGENT " 700");
	s->door.look = NULL;
	assert_int_equal(ask(s, "SUCCESS", "0a", "CN=" AGENT), 200); /* the serial in any case */
	answer_ends(s, AGENT " 0");
	assert_int_equal(live_certificates(s), 2);
}

static void without_a_certificate_that_nginx_found_good_nobody_comes_in(void **state)
{
	struct scene *s = *state;

	assert_int_equal(ask(s, NULL, NULL, NULL), 401);
	assert_int_equal(ask(s, "NONE", "0A", "CN=" AGENT), 401);
	assert_int_equal(ask(s, "FAILED:certificate has expired", "0A", "CN=" AGENT), 401);
	assert_int_equal(ask(s, "SUCCESS", NULL, "CN=" AGENT), 401);
	assert_int_equal(ask(s, "SUCCESS", "0A", NULL), 401);
	assert_int_equal(denials(s), 5);
	assert_int_equal(in_log(s, "SELECT count(*) FROM audit_index WHERE outcome = 'denied'"
	                           " AND actor <> ''"),
	        0);
}

static void a_certificate_that_is_none_of_ours_is_refused_and_recorded(void **state)
{
	struct scene *s = *state;

	assert_int_equal(ask(s, "SUCCESS", "FFFF", "CN=" AGENT), 403);
	assert_int_equal(ask(s, "SUCCESS", "no serial", "CN=" AGENT), 403);
	assert_int_equal(
	        in_log(s, "SELECT count(*) FROM audit_target WHERE target = '" AGENT "'"), 2);
	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=" OTHER), 403); /* ours, with another name */
	assert_int_equal(
	        in_log(s, "SELECT count(*) FROM audit_index WHERE actor = '" OTHER "'"), 1);
	assert_int_equal(denials(s), 3);
	assert_int_equal(live_certificates(s), 2);
}

/* Nobody that could be named: such a record has neither actor nor target. */
static void a_subject_that_is_no_agent_is_recorded_as_a_strangers(void **state)
{
	struct scene *s = *state;

	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=dispatch"), 403);
	assert_int_equal(ask(s, "SUCCESS", "0A", "O=x,CN=" AGENT), 403);
	assert_int_equal(ask(s, "SUCCESS", "0A", ""), 403);
	assert_int_equal(denials(s), 3);
	assert_int_equal(in_log(s, "SELECT count(*) FROM audit_index WHERE outcome = 'denied'"
	                           " AND actor <> ''"),
	        0);
	assert_int_equal(in_log(s, "SELECT count(*) FROM audit_target"), 0);
}

static void a_revoked_agent_and_an_expired_certificate_are_refused_at_once(void **state)
{
	struct scene *s = *state;

	test_store_exec(s->w->folder, SQL_CORE, "UPDATE agent SET revoked_at = 1");
	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=" AGENT), 403);
	test_store_exec(s->w->folder, SQL_CORE, "UPDATE agent SET revoked_at = NULL");
	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=" AGENT), 200);
	clock_fake_advance(&s->w->clock, 3600 * 1000 + 1);
	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=" AGENT), 403);
}

static void the_first_use_of_a_certificate_ends_the_agents_older_ones(void **state)
{
	struct scene *s = *state;
	struct buf told = BUF_INIT(4096);

	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=" AGENT), 200);
	assert_false(file_read(s->revoked_agents, &told, &s->e));
	assert_int_equal(ask(s, "SUCCESS", "0B", "CN=" AGENT), 200);
	assert_true(file_read(s->revoked_agents, &told, &s->e));
	assert_string_equal(buf_text(&told), "0A\n"); /* the broker's list */
	buf_free(&told);
	assert_int_equal(in_core(s, "SELECT used_at IS NOT NULL FROM agent_certificate"
	                            " WHERE serial = '0B'"),
	        1);
	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=" AGENT), 403);
	assert_int_equal(ask(s, "SUCCESS", "0B", "CN=" AGENT), 200);
}

static void a_request_that_fails_on_the_way_uses_no_certificate(void **state)
{
	struct scene *s = *state;

	s->door.look = look_in_vain;
	assert_int_equal(ask(s, "SUCCESS", "0B", "CN=" AGENT), 503);
	assert_int_equal(live_certificates(s), 2);
	assert_int_equal(
	        in_core(s, "SELECT count(*) FROM agent_certificate WHERE used_at IS NULL"), 1);
	assert_int_equal(denials(s), 0);
}

static void attempts_without_a_certificate_do_not_fill_the_log(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < ATTEMPTS; i++)
		assert_int_equal(ask(s, "NONE", NULL, NULL), 401);
	assert_int_equal(denials(s), STRANGERS_SINGLY);
	clock_fake_advance(&s->w->clock, 60 * 1000);
	assert_int_equal(ask(s, "NONE", NULL, NULL), 401); /* tells of the minute before */
	assert_int_equal(in_log(s, "SELECT count(*) FROM audit_index WHERE action = 'access'"), 1);
}

static void a_refusal_does_not_wait_for_the_audit_log(void **state)
{
	struct scene *s = *state;

	test_audit_kill(s->audit);
	s->audit = 0;
	assert_int_equal(ask(s, "NONE", NULL, NULL), 401);
	assert_int_equal(ask(s, "SUCCESS", "FFFF", "CN=" AGENT), 403);
	assert_int_equal(ask(s, "SUCCESS", "0A", "CN=" AGENT), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_agent_with_its_live_certificate_comes_in_with_what_was_looked_up),
	        TEST(without_a_certificate_that_nginx_found_good_nobody_comes_in),
	        TEST(a_certificate_that_is_none_of_ours_is_refused_and_recorded),
	        TEST(a_subject_that_is_no_agent_is_recorded_as_a_strangers),
	        TEST(a_revoked_agent_and_an_expired_certificate_are_refused_at_once),
	        TEST(the_first_use_of_a_certificate_ends_the_agents_older_ones),
	        TEST(a_request_that_fails_on_the_way_uses_no_certificate),
	        TEST(attempts_without_a_certificate_do_not_fill_the_log),
	        TEST(a_refusal_does_not_wait_for_the_audit_log),
	};

	return cmocka_run_group_tests_name("agent_certificate", tests, NULL, NULL);
}

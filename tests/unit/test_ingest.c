/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ingest program's answers, through the in-memory transport on a real store.
 */
#include "cgi/ingest/ingest.h"
#include "cgi/strangers.h"
#include "lib/file.h"
#include "lib/gzip.h"
#include "lib/parse.h"
#include "tests/helpers/store.h"
#include "tests/helpers/world.h"
#include "web/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define AGENT "ag_0123456789012345678901"
#define OTHER "ag_9999999999999999999999"

struct setting {
	struct world *world;
	struct ingest ingest;
	struct web_site site;
	struct buf answer;
	char revoked_agents[200];
	unsigned reports;
	char at[PARSE_TIME_SIZE];
};

static int set_up(void **state)
{
	static struct setting s;
	struct world_ids customer;
	struct err e = ERR_CLEAR;
	char sql[800];

	s = (struct setting){.world = world_new(ingest_tables), .answer = BUF_INIT(1 << 20)};
	customer = world_organisation(s.world, "customer", "Paper & Sons");
	(void)snprintf(sql, sizeof sql,
	        "INSERT INTO agent (id, public_id, customer_id, type, event_key, created_at)"
	        " VALUES (1, '" AGENT "', %lld, 'dc', x'%064d', 0);"
	        "INSERT INTO agent_certificate (serial, agent_id, not_before, not_after, "
	        "created_at, used_at)"
	        " VALUES ('0A1B', 1, 0, %lld, 0, 1)",
	        (long long)customer.id, 0, (long long)world_now(s.world) + 3600 * 1000);
	test_store_exec(s.world->folder, SQL_CORE, sql);
	(void)snprintf(
	        s.revoked_agents, sizeof s.revoked_agents, "%s/revoked-agents", s.world->folder);
	s.ingest = (struct ingest){.db = s.world->db,
	        .clock = &s.world->clock.base,
	        .revoked_agents = s.revoked_agents,
	        .intake = {.db = s.world->db}};
	/* No audit process here: what is recorded is looked at in the integration tests. */
	s.ingest.audit = audit_client_new("/nonexistent/audit.sock", &e);
	s.ingest.strangers = strangers_new();
	assert_non_null(s.ingest.audit);
	assert_non_null(s.ingest.strangers);
	ingest_site(&s.site, &s.ingest, "https://agents.localhost:8443");
	assert_true(web_site_check(&s.site, &e));
	(void)parse_time_text(world_now(s.world), s.at);
	*state = &s;
	return 0;
}

static int tear_down(void **state)
{
	struct setting *s = *state;

	buf_free(&s->answer);
	strangers_free(s->ingest.strangers);
	audit_client_free(s->ingest.audit);
	world_free(s->world);
	return 0;
}

struct post {
	const char *type, *encoding, *verify, *serial, *subject;
};
static const struct post usual = {"application/json", NULL, "SUCCESS", "0A1B", "CN=" AGENT};

/* The status of the answer; the whole of it is in s->answer. */
static int post(struct setting *s, const struct post *p, const char *body, size_t len)
{
	struct web_header headers[3];
	struct web_incoming in = {.method = "POST",
	        .path = "/v1/reports",
	        .query = "",
	        .headers = headers,
	        .body = body,
	        .body_len = len,
	        .address = "192.0.2.7",
	        .client_verify = p->verify,
	        .client_serial = p->serial,
	        .client_subject = p->subject};
	int status = 0;

	if (p->type != NULL)
		headers[in.header_count++] = (struct web_header){"content-type", p->type};
	if (p->encoding != NULL)
		headers[in.header_count++] = (struct web_header){"content-encoding", p->encoding};
	buf_reset(&s->answer);
	web_memory_run(&s->site, &in, &s->answer);
	assert_int_equal(sscanf(buf_text(&s->answer), "Status: %d", &status), 1);
	return status;
}

static const char *report_text(struct setting *s, const char *agent, const char *devices)
{
	const char *text = arena_printf(s->world->arena,
	        "{\"schema\":\"fleetport.report/"
	        "1\",\"reportId\":\"00000000-0000-7000-8000-%012u\",\"agent\":"
	        "{\"id\":\"%s\",\"type\":\"dc\",\"version\":\"1.0.0\",\"collectionType\":"
	        "\"scheduled\",\"sentAt\":\"%s\"},"
	        "\"devices\":[%s]}",
	        ++s->reports, agent, s->at, devices);

	assert_non_null(text);
	return text;
}

static const char *device(struct setting *s, const char *serial, const char *rest)
{
	return arena_printf(s->world->arena,
	        "{\"manufacturer\":\"ACME\",\"model\":\"P\",\"serialNumber\":\"%s\",\"identity\":{"
	        "\"kind\":\"serial\","
	        "\"value\":\"ACME %s\"},\"acquiredAt\":\"%s\"%s}",
	        serial, serial, s->at, rest);
}

static int post_text(struct setting *s, const char *text)
{
	return post(s, &usual, text, strlen(text));
}

static void answer_has(const struct setting *s, const char *text)
{
	if (strstr(buf_text(&s->answer), text) == NULL)
		fail_msg("no %s in: %s", text, buf_text(&s->answer));
}

static void a_report_is_stored_and_answered(void **state)
{
	struct setting *s = *state;

	assert_int_equal(post_text(s, report_text(s, AGENT, device(s, "X1", ""))), 200);
	answer_has(s, "\"accepted\":1");
	answer_has(s, "\"duplicate\":false");
	answer_has(s, "\"operationsPending\":false");
	assert_int_equal(
	        test_store_number(s->world->folder, SQL_CORE, "SELECT count(*) FROM device"), 1);
}

static void a_replayed_report_is_a_duplicate(void **state)
{
	struct setting *s = *state;
	const char *text = report_text(s, AGENT, device(s, "X1", ""));

	assert_int_equal(post_text(s, text), 200);
	assert_int_equal(post_text(s, text), 200);
	answer_has(s, "\"duplicate\":true");
	assert_int_equal(test_store_number(s->world->folder, SQL_TELEMETRY,
	                         "SELECT count(*) FROM report_seen"),
	        1);
}

static void a_packed_report_is_unpacked(void **state)
{
	struct setting *s = *state;
	const char *text = report_text(s, AGENT, device(s, "X1", ""));
	struct post packed = usual;
	struct buf body = BUF_INIT(1 << 20);

	packed.encoding = "gzip";
	assert_true(gzip_pack(text, strlen(text), &body, NULL));
	assert_int_equal(post(s, &packed, body.data, body.len), 200);
	answer_has(s, "\"accepted\":1");
	assert_int_equal(post(s, &packed, body.data, body.len / 2), 400);
	packed.encoding = "br";
	assert_int_equal(post(s, &packed, body.data, body.len), 415);
	buf_free(&body);
}

static void a_packed_report_that_unpacks_to_too_much_is_refused(void **state)
{
	struct setting *s = *state;
	struct post packed = usual;
	struct buf body = BUF_INIT(1 << 20);
	size_t len = REPORT_BYTES_MAX + 1;
	char *zeros = test_calloc(1, len);

	packed.encoding = "gzip";
	assert_true(gzip_pack(zeros, len, &body, NULL));
	assert_int_equal(post(s, &packed, body.data, body.len), 413);
	test_free(zeros);
	buf_free(&body);
}

static void only_json_is_taken(void **state)
{
	struct setting *s = *state;
	struct post text = usual;

	text.type = "text/plain";
	assert_int_equal(post(s, &text, "{}", 2), 415);
	text.type = NULL;
	assert_int_equal(post(s, &text, "{}", 2), 415);
	text.type = "application/json; charset=utf-8";
	assert_int_equal(post(s, &text, "{}", 2), 422);
}

static void malformed_reports_get_the_path_of_the_fault(void **state)
{
	struct setting *s = *state;
	struct buf deep = BUF_INIT(4096);

	assert_int_equal(post_text(s, "{\"schema\":"), 400);
	assert_int_equal(post_text(s, "{\"schema\":\"fleetport.report/1\",\"schema\":\"x\"}"), 400);
	assert_int_equal(post_text(s, "{\"schema\":\"fleetport.report/2\"}"), 422);
	for (int i = 0; i < 40; i++)
		buf_puts(&deep, "[");
	assert_int_equal(post(s, &usual, deep.data, deep.len), 400);
	answer_has(s, "deep");
	buf_free(&deep);
	assert_int_equal(post_text(s, "{\"schema\":\"fleetport.report/1\",\"reportId\":7}"), 400);
	answer_has(s, "$.reportId");
	assert_int_equal(
	        test_store_number(s->world->folder, SQL_CORE, "SELECT count(*) FROM device"), 0);
}

static void unknown_fields_are_dropped_and_told(void **state)
{
	struct setting *s = *state;

	assert_int_equal(
	        post_text(s, report_text(s, AGENT,
	                             device(s, "X1", ",\"documentName\":\"salaries.pdf\""))),
	        200);
	answer_has(s, "\"accepted\":1");
	answer_has(s, "documentName");
	assert_null(strstr(buf_text(&s->answer), "salaries"));
}

static void a_report_in_another_agents_name_is_a_conflict(void **state)
{
	struct setting *s = *state;

	assert_int_equal(post_text(s, report_text(s, OTHER, device(s, "X1", ""))), 409);
	assert_int_equal(
	        test_store_number(s->world->folder, SQL_CORE, "SELECT count(*) FROM device"), 0);
}

static void without_a_good_certificate_nothing_is_taken(void **state)
{
	struct setting *s = *state;
	const char *text = report_text(s, AGENT, device(s, "X1", ""));
	struct post p = usual;

	p.verify = "NONE";
	assert_int_equal(post(s, &p, text, strlen(text)), 401);
	p = usual;
	p.serial = "FFFF"; /* not ours */
	assert_int_equal(post(s, &p, text, strlen(text)), 403);
	p = usual;
	p.subject = "CN=" OTHER; /* ours, with another name */
	assert_int_equal(post(s, &p, text, strlen(text)), 403);
	p.subject = "CN=a/b";
	assert_int_equal(post(s, &p, text, strlen(text)), 403);
	assert_int_equal(
	        test_store_number(s->world->folder, SQL_CORE, "SELECT count(*) FROM device"), 0);
}

static void a_revoked_agent_and_an_expired_certificate_are_refused_at_once(void **state)
{
	struct setting *s = *state;
	const char *text = report_text(s, AGENT, device(s, "X1", ""));

	test_store_exec(s->world->folder, SQL_CORE, "UPDATE agent SET revoked_at = 1");
	assert_int_equal(post_text(s, text), 403);
	test_store_exec(s->world->folder, SQL_CORE, "UPDATE agent SET revoked_at = NULL");
	assert_int_equal(post_text(s, text), 200);
	clock_fake_advance(&s->world->clock, 3600 * 1000 + 1);
	assert_int_equal(post_text(s, text), 403);
}

static void the_first_report_under_a_new_certificate_withdraws_the_old_one_from_the_broker_too(
        void **state)
{
	struct setting *s = *state;
	const struct post renewed = {"application/json", NULL, "SUCCESS", "0b2c", "CN=" AGENT};
	struct buf file = BUF_INIT(1000);
	const char *text;
	struct err e = ERR_CLEAR;
	char sql[200];

	(void)snprintf(sql, sizeof sql,
	        "INSERT INTO agent_certificate (serial, agent_id, not_before, not_after, "
	        "created_at) VALUES ('0B2C', 1, 0, %lld, 1)",
	        (long long)world_now(s->world) + 3600 * 1000);
	test_store_exec(s->world->folder, SQL_CORE, sql);
	assert_int_equal(post_text(s, report_text(s, AGENT, device(s, "1", ""))), 200);
	assert_false(file_read(s->revoked_agents, &file, &e));
	text = report_text(s, AGENT, device(s, "1", ""));
	assert_int_equal(post(s, &renewed, text, strlen(text)), 200);
	assert_true(file_read(s->revoked_agents, &file, &e));
	assert_string_equal(buf_text(&file), "0A1B\n");
	assert_int_equal(post_text(s, report_text(s, AGENT, device(s, "1", ""))), 403);
	buf_free(&file);
}

static void other_paths_and_methods_are_not_there(void **state)
{
	struct setting *s = *state;
	struct web_incoming in = {
	        .method = "GET", .path = "/v1/reports", .query = "", .address = "192.0.2.7"};

	buf_reset(&s->answer);
	web_memory_run(&s->site, &in, &s->answer);
	answer_has(s, "Status: 405");
	in.path = "/";
	buf_reset(&s->answer);
	web_memory_run(&s->site, &in, &s->answer);
	answer_has(s, "Status: 404");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_report_is_stored_and_answered),
	        TEST(a_replayed_report_is_a_duplicate),
	        TEST(a_packed_report_is_unpacked),
	        TEST(a_packed_report_that_unpacks_to_too_much_is_refused),
	        TEST(only_json_is_taken),
	        TEST(malformed_reports_get_the_path_of_the_fault),
	        TEST(unknown_fields_are_dropped_and_told),
	        TEST(a_report_in_another_agents_name_is_a_conflict),
	        TEST(without_a_good_certificate_nothing_is_taken),
	        TEST(a_revoked_agent_and_an_expired_certificate_are_refused_at_once),
	        TEST(the_first_report_under_a_new_certificate_withdraws_the_old_one_from_the_broker_too),
	        TEST(other_paths_and_methods_are_not_there),
	};

	return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fleetport-enroll through the memory transport: a real store, a real CA, a real fleetport-audit. */
#include "cgi/enroll/enroll.h"
#include "lib/file.h"
#include "tests/helpers/site.h"
#include "tests/helpers/store.h"
#include "web/memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PEM_ROOM = 20000, DEADLINE_MS = 10000 };
static const int64_t hour = 3600000, day = 86400000;

struct scene {
	struct world *w;
	struct world_ids customer;
	pid_t audit;
	struct config *config;
	struct enroll enroll;
	struct buf key, csr, other_key, other_csr; /* two agents' */
	struct buf answer;
	char server_ca[PEM_ROOM];
	struct err e;
};

/* ---- arranging */

static void put_file(const struct scene *s, const char *name, const char *text, mode_t mode)
{
	char path[200];
	struct err e = ERR_CLEAR;

	snprintf(path, sizeof path, "%s/%s", s->w->folder, name);
	if (!file_write(path, text, strlen(text), mode, &e))
		fail_msg("%s", e.text);
}

static void put_ca(struct scene *s, const char *name, bool with_key, char *copy)
{
	struct buf cert = BUF_INIT(PEM_ROOM), key = BUF_INIT(PEM_ROOM);
	int64_t now = world_now(s->w);
	char file[60];

	if (!x509_ca_new(name, now - day, now + 3650 * day, &cert, &key, &s->e))
		fail_msg("%s", s->e.text);
	snprintf(file, sizeof file, "%s.pem", name);
	put_file(s, file, cert.data, 0644);
	snprintf(file, sizeof file, "%s.key.pem", name);
	if (with_key)
		put_file(s, file, key.data, 0600);
	if (copy != NULL)
		memcpy(copy, cert.data, cert.len + 1);
	buf_free(&cert);
	file_wipe(&key);
}

static void put_operation_keys(struct scene *s)
{
	int64_t now = world_now(s->w);
	const struct enrolment_key keys[] = {
	        {.key_id = "old", .key = {1}, .not_before = now - 2 * day, .not_after = now - day},
	        {.key_id = "new", .key = {2}, .not_before = now - day, .not_after = now + day},
	};
	struct buf text = BUF_INIT(PEM_ROOM);

	assert_true(enrolment_keys_write(keys, 2, &text, &s->e));
	put_file(s, "operation-keys.json", text.data, 0644);
	buf_free(&text);
}

static void put_config(struct scene *s)
{
	const struct config_option *const tables[] = {config_shared, enroll_options, NULL};
	char text[1000], path[200];

	snprintf(text, sizeof text,
	        "[fleetport]\ndata = %s\nrun = %s\nsecrets = %s\nuser_url = https://u\n"
	        "support_url = https://s\nagents_url = https://agents.test:8443\n"
	        "mqtt_host = agents.test\nmqtt_port = 8443\n[enroll]\nattempts = 4\n",
	        s->w->folder, s->w->folder, s->w->folder);
	put_file(s, "enroll.conf", text, 0644);
	snprintf(path, sizeof path, "%s/enroll.conf", s->w->folder);
	if (!config_load(path, tables, &s->config, &s->e))
		fail_msg("%s", s->e.text);
}

static void make_key(struct scene *s, struct buf *key, struct buf *csr)
{
	*key = *csr = BUF_INIT(PEM_ROOM);
	if (!x509_key_new(key, &s->e) || !x509_csr_new(key->data, csr, &s->e))
		fail_msg("%s", s->e.text);
}

static int make_scene(void **state)
{
	struct scene *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -1;
	*state = s;
	s->w = world_new(enroll_tables);
	s->customer = world_organisation(s->w, "customer", "Print Shop");
	s->answer = BUF_INIT(1 << 20);
	put_ca(s, "agents-ca", true, NULL);
	put_ca(s, "server-ca", false, s->server_ca);
	put_operation_keys(s);
	put_config(s);
	make_key(s, &s->key, &s->csr);
	make_key(s, &s->other_key, &s->other_csr);
	s->audit = test_audit_start(s->w);
	s->enroll =
	        (struct enroll){.config = s->config, .clock = &s->w->clock.base, .db = s->w->db};
	if (!enroll_open(&s->enroll, &s->e))
		fail_msg("%s", s->e.text);
	return 0;
}

static int end_scene(void **state)
{
	struct scene *s = *state;

	enroll_close(&s->enroll);
	config_free(s->config);
	if (s->audit > 0)
		test_audit_kill(s->audit);
	file_wipe(&s->key);
	file_wipe(&s->other_key);
	buf_free(&s->csr);
	buf_free(&s->other_csr);
	buf_free(&s->answer);
	world_free(s->w);
	free(s);
	return 0;
}

static bool invite_work(struct sql_conn *write, void *arg, struct err *e)
{
	return invitations_add(write, arg, e);
}

static const char *invite(struct scene *s, const char *type)
{
	char *code = arena_alloc(s->w->arena, CRYPTO_CODE + 1), id[PUBLIC_ID];
	struct invitation_new i = {.public_id = id,
	        .code = code,
	        .customer_id = s->customer.id,
	        .agent_type = type,
	        .invited_by = "console uid 0",
	        .now = world_now(s->w)};

	assert_non_null(code);
	crypto_code_new(code);
	crypto_random_id("in_", id);
	world_write(s->w, invite_work, &i);
	return code;
}

/* ---- asking */

struct call {
	const char *method, *path, *body, *type, *address;
	const char *verify, *serial, *subject;
};

/* The status; the whole answer is in s->answer. */
static int ask(struct scene *s, const struct call *c)
{
	const struct web_header headers[] = {
	        {"content-type", c->type == NULL ? "application/json" : c->type}};
	const struct web_incoming in = {.method = c->method == NULL ? "POST" : c->method,
	        .path = c->path,
	        .query = "",
	        .headers = headers,
	        .header_count = c->body == NULL ? 0 : 1,
	        .body = c->body == NULL ? "" : c->body,
	        .body_len = c->body == NULL ? 0 : strlen(c->body),
	        .address = c->address == NULL ? "192.0.2.1" : c->address,
	        .client_verify = c->verify,
	        .client_serial = c->serial,
	        .client_subject = c->subject};
	int status = 0;

	buf_reset(&s->answer);
	web_memory_run(&s->enroll.site, &in, &s->answer);
	assert_int_equal(sscanf(buf_text(&s->answer), "Status: %d", &status), 1);
	return status;
}

static const char *body_of(const struct scene *s)
{
	const char *body = strstr(buf_text(&s->answer), "\r\n\r\n");

	assert_non_null(body);
	return body + 4;
}

static const char *request_text(struct scene *s, const char *code, const struct buf *csr)
{
	struct enrolment_request request = {.code = code,
	        .csr = csr->data,
	        .event_key = {7},
	        .type = "dc",
	        .version = "1.0.0",
	        .os_name = "Debian GNU/Linux",
	        .os_version = "12",
	        .os_product_type = "server"};
	struct buf b = BUF_INIT(PEM_ROOM);
	const char *text;

	assert_true(enrolment_request_write(&request, &b, &s->e));
	text = arena_strdup(s->w->arena, b.data);
	assert_non_null(text);
	buf_free(&b);
	return text;
}

static int enrol_from(struct scene *s, const char *address, const char *code, const struct buf *csr)
{
	return ask(s, &(struct call){.path = "/v1/enroll",
	                      .body = request_text(s, code, csr),
	                      .address = address});
}

static int enrol(struct scene *s, const char *code, const struct buf *csr)
{
	return enrol_from(s, NULL, code, csr);
}

struct card {
	struct enrolment_answer answer;
	struct x509_info info;
	char subject[64];
};

/* What the answer of the last call says. */
static struct card read_card(struct scene *s)
{
	struct card card;

	if (!enrolment_answer_read(
	            body_of(s), strlen(body_of(s)), s->w->arena, &card.answer, &s->e))
		fail_msg("%s", s->e.text);
	assert_true(x509_read(card.answer.certificate, &card.info, &s->e));
	snprintf(card.subject, sizeof card.subject, "CN=%s", card.answer.agent_id);
	return card;
}

static struct card enrolled(struct scene *s)
{
	assert_int_equal(enrol(s, invite(s, "dc"), &s->csr), 201);
	return read_card(s);
}

static int call_as(struct scene *s, const struct card *card, const char *path, const char *body)
{
	return ask(s, &(struct call){.path = path,
	                      .body = body,
	                      .verify = "SUCCESS",
	                      .serial = card->info.serial,
	                      .subject = card->subject});
}

static int renew(struct scene *s, const struct card *card, const struct buf *csr)
{
	return call_as(s, card, "/v1/renew", request_text(s, NULL, csr));
}

/* Records of this action and outcome, once the index of the log has caught up. */
static int64_t recorded(struct scene *s, const char *action, const char *outcome)
{
	const struct clock *clock = clock_real();
	int64_t until = clock_monotonic_ms(clock) + DEADLINE_MS;
	char query[200];

	while (test_store_number(s->w->folder, SQL_AUDIT,
	               "SELECT (SELECT max(number) FROM audit_entry) ="
	               " (SELECT number FROM audit_progress)") != 1)
		assert_true(clock_monotonic_ms(clock) < until);
	snprintf(query, sizeof query,
	        "SELECT count(*) FROM audit_index WHERE source = 'enroll' AND action = '%s'"
	        " AND outcome = '%s'",
	        action, outcome);
	return test_store_number(s->w->folder, SQL_AUDIT, query);
}

/* ---- tests */

static void anybody_gets_the_servers_ca(void **state)
{
	struct scene *s = *state;

	assert_int_equal(ask(s, &(struct call){.method = "GET", .path = "/v1/ca"}), 200);
	assert_non_null(strstr(buf_text(&s->answer), "application/pem-certificate-chain"));
	assert_string_equal(body_of(s), s->server_ca);
}

static void a_code_and_a_key_give_a_certificate_with_all_that_an_agent_needs(void **state)
{
	struct scene *s = *state;
	struct card card = enrolled(s);
	unsigned char hash[CRYPTO_HASH];
	struct agent agent;
	struct sql_conn *conn;

	assert_string_equal(card.info.common_name, card.answer.agent_id);
	assert_true(x509_key_fits(card.answer.certificate, s->key.data));
	assert_true(x509_csr_key_hash(s->csr.data, hash, &s->e));
	assert_memory_equal(card.info.key_hash, hash, sizeof hash);
	assert_true(card.info.not_after == (world_now(s->w) + 90 * day) / 1000 * 1000);
	/* the chain: leaf and CA */
	assert_non_null(strstr(strstr(card.answer.certificate, "BEGIN") + 5, "BEGIN"));
	assert_string_equal(card.answer.ca, s->server_ca);
	assert_string_equal(card.answer.mqtt_host, "agents.test");
	assert_int_equal(card.answer.mqtt_port, 8443);
	assert_string_equal(card.answer.mqtt_alpn, "mqtt");
	assert_int_equal(card.answer.interval_seconds, 300);
	assert_int_equal(card.answer.jitter_seconds, 60);
	assert_int_equal(card.answer.key_count, 1); /* the one that holds */
	assert_string_equal(card.answer.keys[0].key_id, "new");
	conn = world_read(s->w);
	assert_true(agents_authenticate(conn, s->w->arena, card.info.serial, card.answer.agent_id,
	        world_now(s->w), &agent, NULL, &s->e));
	sql_return(conn);
	assert_string_equal(agent.customer_public_id, s->customer.public_id);
	assert_int_equal(agent.event_key[0], 7);
	assert_int_equal(recorded(s, "agent.enroll", "begun"), 1);
	assert_int_equal(recorded(s, "agent.enroll", "done"), 1);
}

static void the_same_code_and_key_get_the_same_answer_for_a_day(void **state)
{
	struct scene *s = *state;
	const char *code = invite(s, "dc"), *first;

	assert_int_equal(enrol(s, code, &s->csr), 201);
	first = arena_strdup(s->w->arena, body_of(s));
	clock_fake_advance(&s->w->clock, 23 * hour);
	assert_int_equal(enrol(s, code, &s->csr), 201);
	assert_string_equal(body_of(s), first);
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM agent"), 1);
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM agent_certificate"),
	        1);
	clock_fake_advance(&s->w->clock, hour);
	assert_int_equal(enrol(s, code, &s->csr), 403);
	assert_int_equal(recorded(s, "agent.enroll", "done"), 2);
	assert_int_equal(recorded(s, "agent.enroll", "denied"), 1);
}

struct racer {
	struct scene *s;
	const char *body;
	struct buf answer;
	pthread_t thread;
};

static void *race(void *racer)
{
	static const struct web_header headers[] = {{"content-type", "application/json"}};
	struct racer *r = racer;
	const struct web_incoming in = {.method = "POST",
	        .path = "/v1/enroll",
	        .query = "",
	        .headers = headers,
	        .header_count = 1,
	        .body = r->body,
	        .body_len = strlen(r->body),
	        .address = "192.0.2.1"};

	web_memory_run(&r->s->enroll.site, &in, &r->answer);
	return NULL;
}

static void requests_with_one_code_and_key_at_the_same_time_get_one_certificate(void **state)
{
	enum { RACERS = 4 };
	struct scene *s = *state;
	const char *body = request_text(s, invite(s, "dc"), &s->csr), *first = NULL;
	struct racer racers[RACERS];

	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){.s = s, .body = body, .answer = BUF_INIT(1 << 20)};
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < RACERS; i++) {
		const char *answered;

		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
		assert_int_equal(strncmp(buf_text(&racers[i].answer), "Status: 201", 11), 0);
		answered = strstr(buf_text(&racers[i].answer), "\r\n\r\n");
		assert_non_null(answered);
		if (first == NULL)
			first = answered;
		assert_string_equal(answered, first);
	}
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM agent"), 1);
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM agent_certificate"),
	        1);
	for (int i = 0; i < RACERS; i++)
		buf_free(&racers[i].answer);
}

/* The body of the answer without what is its own: the instance. */
static const char *without_request(struct scene *s)
{
	char *copy = arena_strdup(s->w->arena, body_of(s)), *at;

	assert_non_null(copy);
	at = strstr(copy, "\"instance\"");
	assert_non_null(at);
	*at = '\0';
	return copy;
}

static void a_wrong_a_used_and_an_expired_code_get_one_and_the_same_403(void **state)
{
	struct scene *s = *state;
	const char *used = invite(s, "dc"), *expired = invite(s, "dc"), *foreign = invite(s, "es");
	const char *first;

	assert_int_equal(enrol(s, used, &s->csr), 201);
	assert_int_equal(enrol_from(s, "192.0.2.2", used, &s->other_csr), 403);
	first = without_request(s);
	assert_int_equal(enrol_from(s, "192.0.2.3", "0000000000000000000000000", &s->csr), 403);
	assert_string_equal(without_request(s), first);
	assert_int_equal(enrol_from(s, "192.0.2.4", "no code at all", &s->csr), 403);
	assert_string_equal(without_request(s), first);
	assert_int_equal(enrol_from(s, "192.0.2.5", foreign, &s->csr), 403);
	assert_string_equal(without_request(s), first);
	clock_fake_advance(&s->w->clock, AGENTS_INVITATION_MS);
	assert_int_equal(enrol_from(s, "192.0.2.6", expired, &s->other_csr), 403);
	assert_string_equal(without_request(s), first);
	assert_int_equal(recorded(s, "agent.enroll", "denied"), 5);
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM agent"), 1);
}

static void wrong_codes_are_limited_by_address_and_right_ones_are_not(void **state)
{
	struct scene *s = *state;
	const char *wrong = "0000000000000000000000000";

	for (int i = 0; i < 6; i++)
		assert_int_equal(enrol(s, invite(s, "dc"), &s->csr), 201);
	for (int i = 0; i < 4; i++)
		assert_int_equal(enrol(s, wrong, &s->csr), 403);
	assert_int_equal(enrol(s, wrong, &s->csr), 429);
	assert_non_null(strstr(buf_text(&s->answer), "Retry-After: 3600\r\n"));
	/* then even a right one has to wait, but not from elsewhere */
	assert_int_equal(enrol(s, invite(s, "dc"), &s->other_csr), 429);
	assert_int_equal(enrol_from(s, "192.0.2.2", invite(s, "dc"), &s->other_csr), 201);
	clock_fake_advance(&s->w->clock, hour);
	assert_int_equal(enrol(s, invite(s, "dc"), &s->other_csr), 201);
}

static void a_malformed_request_is_refused_and_burns_neither_code_nor_attempt(void **state)
{
	struct scene *s = *state;
	const char *code = invite(s, "dc");
	struct buf bad = BUF_INIT(PEM_ROOM);

	for (int i = 0; i < 6; i++) {
		assert_int_equal(
		        ask(s, &(struct call){.path = "/v1/enroll", .body = "{\"code\":"}), 400);
		assert_non_null(strstr(body_of(s), "$.code"));
		assert_int_equal(ask(s, &(struct call){.path = "/v1/enroll", .body = "{}"}), 400);
		assert_non_null(strstr(body_of(s), "$.csr"));
	}
	buf_puts(&bad, "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
	               "-----END CERTIFICATE REQUEST-----\n");
	assert_int_equal(enrol(s, code, &bad), 400);
	assert_non_null(strstr(body_of(s), "$.csr"));
	buf_reset(&bad);
	/* a proof of another key */
	buf_puts(&bad, s->csr.data);
	bad.data[bad.len - 60] = bad.data[bad.len - 60] == 'A' ? 'B' : 'A';
	assert_int_equal(enrol(s, code, &bad), 400);
	assert_int_equal(ask(s, &(struct call){.path = "/v1/enroll",
	                                .type = "text/plain",
	                                .body = request_text(s, code, &s->csr)}),
	        415);
	assert_int_equal(ask(s, &(struct call){.method = "GET", .path = "/v1/enroll"}), 405);
	assert_int_equal(enrol(s, code, &s->csr), 201);
	buf_free(&bad);
}

static void the_older_certificate_ends_at_the_first_use_of_the_renewed_one(void **state)
{
	struct scene *s = *state;
	struct card old = enrolled(s), new;
	struct buf file = BUF_INIT(1000);

	clock_fake_advance(&s->w->clock, 60 * day);
	put_operation_keys(s);
	assert_int_equal(renew(s, &old, &s->other_csr), 201);
	new = read_card(s);
	assert_string_equal(new.answer.agent_id, old.answer.agent_id);
	assert_string_not_equal(new.info.serial, old.info.serial);
	assert_true(new.info.not_after == (world_now(s->w) + 90 * day) / 1000 * 1000);
	assert_true(x509_key_fits(new.answer.certificate, s->other_key.data));
	assert_int_equal(new.answer.key_count, 1);
	/* the old one still holds: the answer might have been lost */
	assert_int_equal(renew(s, &old, &s->other_csr), 201);
	assert_int_equal(renew(s, &new, &s->csr), 403); /* the lost answer's certificate */
	assert_int_equal(renew(s, &old, &s->other_csr), 201);
	new = read_card(s);
	assert_int_equal(renew(s, &new, &s->csr), 201); /* its first use */
	assert_int_equal(renew(s, &old, &s->csr), 403);
	assert_true(file_read(s->enroll.revoked_agents, &file, &s->e));
	assert_non_null(strstr(buf_text(&file), old.info.serial)); /* the broker knows it too */
	assert_null(strstr(buf_text(&file), new.info.serial));
	buf_free(&file);
	assert_int_equal(recorded(s, "agent.renew", "done"), 4);
	assert_int_equal(recorded(s, "agent.renew", "denied"), 2);
}

static void only_a_verified_certificate_of_an_active_agent_renews(void **state)
{
	struct scene *s = *state;
	struct card card = enrolled(s);
	const char *body = request_text(s, NULL, &s->other_csr);
	struct call c = {.path = "/v1/renew", .body = body};

	assert_int_equal(ask(s, &c), 401);
	c.verify = "NONE";
	c.serial = card.info.serial;
	c.subject = card.subject;
	assert_int_equal(ask(s, &c), 401);
	c.verify = "FAILED:certificate has expired";
	assert_int_equal(ask(s, &c), 401);
	c.verify = "SUCCESS";
	c.subject = "CN=ag_0123456789abcdefghijkl";
	assert_int_equal(ask(s, &c), 403);
	c.subject = "CN=dispatch";
	assert_int_equal(ask(s, &c), 403);
	c.subject = card.subject;
	c.serial = "0123";
	assert_int_equal(ask(s, &c), 403);
	assert_int_equal(call_as(s, &card, "/v1/renew", "{}"), 400);
	assert_int_equal(call_as(s, &card, "/v1/renew", "{\"csr\":\"x\"}"), 400);
	assert_non_null(strstr(body_of(s), "$.csr"));
	assert_int_equal(call_as(s, &card, "/v1/renew", "{\"csr\":\"x\"}"), 400);
	clock_fake_advance(&s->w->clock, 90 * day);
	put_operation_keys(s);
	assert_int_equal(renew(s, &card, &s->other_csr), 403); /* run out */
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM agent_certificate"),
	        1);
}

static void an_agent_that_leaves_is_revoked_and_stands_in_the_brokers_file(void **state)
{
	struct scene *s = *state;
	struct card card = enrolled(s);
	struct buf file = BUF_INIT(1000);
	char expected[64];

	assert_int_equal(call_as(s, &card, "/v1/leave", "{}"), 204);
	assert_int_equal(call_as(s, &card, "/v1/leave", "{}"), 403);
	assert_int_equal(renew(s, &card, &s->csr), 403);
	assert_true(file_read(s->enroll.revoked_agents, &file, &s->e));
	snprintf(expected, sizeof expected, "%s\n", card.answer.agent_id);
	assert_string_equal(buf_text(&file), expected);
	assert_int_equal(recorded(s, "agent.leave", "done"), 1);
	buf_free(&file);
}

static void without_the_audit_process_nothing_is_signed_and_nothing_burnt(void **state)
{
	struct scene *s = *state;
	const char *code = invite(s, "dc");

	test_audit_kill(s->audit);
	s->audit = 0;
	assert_int_equal(enrol(s, code, &s->csr), 503);
	assert_int_equal(enrol(s, "0000000000000000000000000", &s->csr), 503);
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM agent"), 0);
	s->audit = test_audit_start(s->w);
	assert_int_equal(enrol(s, code, &s->csr), 201);
}

static void without_operation_keys_nothing_is_burnt(void **state)
{
	struct scene *s = *state;
	const char *code = invite(s, "dc");

	put_file(s, "operation-keys.json", "not JSON", 0644);
	assert_int_equal(enrol(s, code, &s->csr), 503);
	put_operation_keys(s);
	assert_int_equal(enrol(s, code, &s->csr), 201);
}

static void a_ca_whose_key_others_may_read_stops_the_program(void **state)
{
	struct scene *s = *state;
	struct enroll other = {.config = s->config, .clock = &s->w->clock.base, .db = s->w->db};

	put_ca(s, "agents-ca", false, NULL); /* a certificate that does not fit the key */
	assert_false(enroll_open(&other, &s->e));
	assert_int_equal(s->e.code, ERR_CONFIG);
	put_file(s, "agents-ca.key.pem", "x", 0644);
	assert_false(enroll_open(&other, &s->e));
	assert_int_equal(s->e.code, ERR_CONFIG);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, make_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        SCENE_TEST(anybody_gets_the_servers_ca),
	        SCENE_TEST(a_code_and_a_key_give_a_certificate_with_all_that_an_agent_needs),
	        SCENE_TEST(the_same_code_and_key_get_the_same_answer_for_a_day),
	        SCENE_TEST(requests_with_one_code_and_key_at_the_same_time_get_one_certificate),
	        SCENE_TEST(a_wrong_a_used_and_an_expired_code_get_one_and_the_same_403),
	        SCENE_TEST(wrong_codes_are_limited_by_address_and_right_ones_are_not),
	        SCENE_TEST(a_malformed_request_is_refused_and_burns_neither_code_nor_attempt),
	        SCENE_TEST(the_older_certificate_ends_at_the_first_use_of_the_renewed_one),
	        SCENE_TEST(only_a_verified_certificate_of_an_active_agent_renews),
	        SCENE_TEST(an_agent_that_leaves_is_revoked_and_stands_in_the_brokers_file),
	        SCENE_TEST(without_the_audit_process_nothing_is_signed_and_nothing_burnt),
	        SCENE_TEST(without_operation_keys_nothing_is_burnt),
	        SCENE_TEST(a_ca_whose_key_others_may_read_stops_the_program),
	};

	return cmocka_run_group_tests_name("enroll", tests, NULL, NULL);
}

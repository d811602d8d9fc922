/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's way to the server, against a TLS server on loopback that says what it is told to. */
#include "agents/uplink.h"

#include "agents/report_id.h"
#include "lib/file.h"
#include "lib/x509.h"
#include "tests/helpers/folder.h"
#include "tests/helpers/tls_server.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define AGENT "ag_0123456789abcdefghijkl"
#define DAY   ((int64_t)86400 * 1000)

static struct {
	char *folder;
	struct clock_fake clock;
	struct tls_server *server;
	struct buf ca_pem, ca_key;
	struct state state;
	struct spool *spool;
	struct uplink *uplink;
} world;

static void write_state_file(const char *name, const char *text)
{
	char path[256];
	struct err e = ERR_CLEAR;

	snprintf(path, sizeof path, "%s/state/%s", world.folder, name);
	if (!file_write(path, text, strlen(text), 0600, &e))
		fail_msg("%s", e.text);
}

static void write_answer(const char *certificate)
{
	struct enrolment_key key = {.key_id = "first", .not_before = 0, .not_after = DAY * 30000};
	struct enrolment_answer answer = {.agent_id = AGENT,
	        .certificate = certificate,
	        .ca = buf_text(&world.ca_pem),
	        .mqtt_host = "localhost",
	        .mqtt_port = 8443,
	        .mqtt_alpn = "mqtt",
	        .mqtt_keep_alive = 60,
	        .keys = &key,
	        .key_count = 1,
	        .interval_seconds = 300,
	        .jitter_seconds = 60};
	struct buf text = BUF_INIT(ENROLMENT_MAX), keys = BUF_INIT(ENROLMENT_MAX);
	struct err e = ERR_CLEAR;

	memset(key.key, 7, sizeof key.key);
	if (!enrolment_answer_write(&answer, &text, &e) ||
	        !enrolment_keys_write(&key, 1, &keys, &e))
		fail_msg("%s", e.text);
	write_state_file("enrolment.json", buf_text(&text));
	write_state_file("operation-keys.json", buf_text(&keys));
	buf_free(&text);
	buf_free(&keys);
}

/* A folder as an enrolment leaves it. */
static void enrol(int64_t not_before, int64_t not_after)
{
	struct buf key = BUF_INIT(X509_PEM_MAX), cert = BUF_INIT(X509_PEM_MAX);
	char server[64], path[128];
	struct err e = ERR_CLEAR;
	struct x509_ca *ca = x509_ca_load(buf_text(&world.ca_pem), buf_text(&world.ca_key), &e);

	snprintf(path, sizeof path, "%s/state", world.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	if (!ca || !x509_key_new(&key, &e) ||
	        !x509_ca_client(ca, buf_text(&key), AGENT, not_before, not_after, &cert, &e))
		fail_msg("%s", e.text);
	write_answer(buf_text(&cert));
	snprintf(server, sizeof server, "localhost:%d", tls_server_port(world.server));
	write_state_file("server", server);
	write_state_file("server-ca.pem", buf_text(&world.ca_pem));
	buf_puts(&key, "");
	buf_append(&key, cert.data, cert.len);
	write_state_file("agent.pem", buf_text(&key));
	buf_free(&key);
	buf_free(&cert);
	x509_ca_free(ca);
}

static void start(void)
{
	struct uplink_options o = {.state = &world.state,
	        .type = "dc",
	        .version = "1.0.0",
	        .clock = &world.clock.base,
	        .stop_fd = -1};
	char path[128];
	struct err e = ERR_CLEAR;

	snprintf(path, sizeof path, "%s/state", world.folder);
	if (!state_open(path, &world.state, &e))
		fail_msg("%s", e.text);
	snprintf(path, sizeof path, "%s/spool", world.folder);
	world.spool = spool_open(path, 0, &world.clock.base, &e);
	assert_non_null(world.spool);
	o.spool = world.spool;
	world.uplink = uplink_new(&o, &e);
	assert_non_null(world.uplink);
}

static void put_report(char id[REPORT_ID_SIZE])
{
	struct err e = ERR_CLEAR;

	report_id_new(clock_wall_ms(&world.clock.base), id);
	assert_true(spool_put(world.spool, id, "{\"a\":1}", 7, &e));
}

static void answer(const char *status, const char *headers, const char *body)
{
	char text[2048];

	snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status,
	        headers, strlen(body), body);
	tls_server_answer(world.server, text);
}

static bool send(struct err *e)
{
	*e = ERR_CLEAR;
	return uplink_send(world.uplink, NULL, e);
}

static size_t files_in(const char *part)
{
	char path[256];

	snprintf(path, sizeof path, "%s/spool/%s", world.folder, part);
	return test_folder_count(path, ".json");
}

#define TAKEN                                                                                      \
	"{\"reportId\":\"x\",\"duplicate\":false,\"accepted\":1,\"rejected\":[],"                  \
	"\"warnings\":[],\"operationsPending\":true}"

/* ---- */

static void a_report_that_was_taken_leaves_the_spool(void **state)
{
	char id[REPORT_ID_SIZE], seen[TLS_SEEN], name[80];
	bool pending = false;
	struct err e = ERR_CLEAR;

	(void)state;
	put_report(id);
	answer("200 OK", "Content-Type: application/json\r\n", TAKEN);
	assert_true(uplink_send(world.uplink, &pending, &e));
	assert_true(pending);
	assert_int_equal(spool_counts(world.spool).waiting, 0);
	assert_int_equal(uplink_fate(world.uplink, id), UPLINK_TAKEN);
	assert_int_equal(uplink_pause_ms(world.uplink), 0);
	assert_true(tls_server_seen(world.server, seen, name));
	assert_string_equal(name, AGENT);
	assert_non_null(strstr(seen, "POST /v1/reports "));
	assert_non_null(strstr(seen, "{\"a\":1}"));
}

static void a_report_with_a_rejected_device_is_not_sent_again_but_known_as_refused(void **state)
{
	char id[REPORT_ID_SIZE];
	struct err e;

	(void)state;
	put_report(id);
	answer("200 OK", "",
	        "{\"reportId\":\"x\",\"duplicate\":false,\"accepted\":0,"
	        "\"rejected\":[{\"index\":0,\"code\":\"not-valid\",\"message\":\"no\"}],"
	        "\"warnings\":[]}");
	assert_true(send(&e));
	assert_int_equal(spool_counts(world.spool).waiting, 0);
	assert_int_equal(uplink_fate(world.uplink, id), UPLINK_REFUSED);
}

static void a_final_refusal_is_kept_aside_and_the_next_report_goes_on(void **state)
{
	static const char *const statuses[] = {"400 Bad Request", "409 Conflict",
	        "413 Content Too Large", "415 Unsupported", "422 Unprocessable"};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		char id[REPORT_ID_SIZE];

		put_report(id);
		answer(statuses[i], "Content-Type: application/problem+json\r\n",
		        "{\"title\":\"no\",\"detail\":\"$.devices: no\"}");
		assert_true(send(&e));
		assert_int_equal(spool_counts(world.spool).waiting, 0);
		assert_int_equal(uplink_fate(world.uplink, id), UPLINK_REFUSED);
		assert_int_equal(files_in("refused"), i + 1);
	}
}

static void what_may_change_is_tried_again_later(void **state)
{
	static const char *const statuses[] = {"401 Unauthorized", "403 Forbidden", "404 Not Found",
	        "408 Timeout", "500 Error", "502 Bad Gateway", "503 Unavailable"};
	char id[REPORT_ID_SIZE];
	int64_t before = 0;
	struct err e;

	(void)state;
	put_report(id);
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		int64_t pause;

		answer(statuses[i], "", "");
		assert_false(send(&e));
		pause = uplink_pause_ms(world.uplink);
		assert_true(pause >= 2500 && pause <= 300000);
		assert_true(pause * 2 >= before); /* it grows, but for chance */
		before = pause;
		assert_int_equal(spool_counts(world.spool).waiting, 1);
	}
	assert_int_equal(uplink_fate(world.uplink, id), UPLINK_WAITING);
	answer("200 OK", "", TAKEN);
	assert_true(send(&e));
	assert_int_equal(uplink_pause_ms(world.uplink), 0);
}

static void the_server_says_when_to_come_again(void **state)
{
	char id[REPORT_ID_SIZE];
	int64_t pause;
	struct err e;

	(void)state;
	put_report(id);
	answer("503 Unavailable", "Retry-After: 30\r\n", "");
	assert_false(send(&e));
	pause = uplink_pause_ms(world.uplink);
	assert_true(pause >= 30000 && pause < 31000);
	answer("429 Too Many", "Retry-After: 999999\r\n", "");
	assert_false(send(&e));
	assert_true(uplink_pause_ms(world.uplink) <= 3601000);
}

static void a_cut_connection_loses_nothing(void **state)
{
	char id[REPORT_ID_SIZE];
	struct err e;

	(void)state;
	put_report(id);
	tls_server_answer(world.server, NULL);
	assert_false(send(&e));
	assert_int_equal(e.code, ERR_UNAVAILABLE);
	tls_server_answer(world.server, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"rep");
	tls_server_stop(world.server);
	world.server = NULL;
	assert_false(send(&e));
	assert_int_equal(spool_counts(world.spool).waiting, 1);
}

static void an_answer_that_does_not_read_leaves_the_report_in_the_spool(void **state)
{
	char id[REPORT_ID_SIZE];
	struct err e;

	(void)state;
	put_report(id);
	answer("200 OK", "", "<html>captive portal</html>");
	assert_false(send(&e));
	assert_int_equal(spool_counts(world.spool).waiting, 1);
}

static void the_servers_time_is_learnt_from_its_answers(void **state)
{
	int64_t offset, now = clock_wall_ms(clock_real());
	struct err e = ERR_CLEAR;

	(void)state;
	assert_false(uplink_offset(world.uplink, &offset));
	answer("200 OK", "Date: Sun, 22 Nov 2026 09:00:00 GMT\r\n", "x");
	assert_true(uplink_learn_time(world.uplink, &e));
	assert_true(uplink_offset(world.uplink, &offset));
	/* the middle of that second, less what is now */
	assert_true(llabs(offset - (1795338000500 - now)) < 5000);
}

static void new_operation_keys_come_with_an_answer_and_are_kept(void **state)
{
	unsigned char key[CRYPTO_SIGN_PUBLIC];
	char id[REPORT_ID_SIZE], path[128];
	struct err e;

	(void)state;
	assert_true(state_find_key(&world.state, "first", DAY, key));
	assert_false(state_find_key(&world.state, "second", DAY, key));
	put_report(id);
	answer("200 OK", "",
	        "{\"reportId\":\"x\",\"duplicate\":false,\"accepted\":1,\"rejected\":[],"
	        "\"warnings\":[],\"operationKeys\":[{\"keyId\":\"second\","
	        "\"key\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\","
	        "\"notBefore\":\"1970-01-01T00:00:00.000Z\","
	        "\"notAfter\":\"1970-01-03T00:00:00.000Z\"}]}");
	assert_true(send(&e));
	assert_true(state_find_key(&world.state, "second", DAY, key));
	assert_int_equal(key[0], 1);
	assert_false(state_find_key(&world.state, "second", 3 * DAY, key)); /* not any more */
	assert_false(state_find_key(&world.state, "first", DAY, key));
	state_close(&world.state);
	snprintf(path, sizeof path, "%s/state", world.folder);
	assert_true(state_open(path, &world.state, &e));
	assert_true(state_find_key(&world.state, "second", DAY, key));
}

static void a_certificate_is_renewed_after_two_thirds_of_its_time(void **state)
{
	char seen[TLS_SEEN], name[80];
	bool renewed = true;
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(uplink_renew(world.uplink, &renewed, &e)); /* too early: nothing is asked */
	assert_false(renewed);
	assert_int_equal(tls_server_requests(world.server), 0);
	clock_fake_set_wall(&world.clock,
	        world.state.not_before + (world.state.not_after - world.state.not_before) * 7 / 10);
	answer("503 Unavailable", "", "");
	assert_false(uplink_renew(world.uplink, &renewed, &e));
	assert_false(renewed);
	assert_true(tls_server_seen(world.server, seen, name));
	assert_non_null(strstr(seen, "POST /v1/renew "));
	assert_non_null(strstr(seen, "BEGIN CERTIFICATE REQUEST"));
	assert_null(strstr(seen, "PRIVATE KEY"));
}

static void a_certificate_for_another_key_or_agent_is_not_taken(void **state)
{
	struct buf text = BUF_INIT(ENROLMENT_MAX);
	char path[256];
	struct err e = ERR_CLEAR;

	(void)state;
	/* Its own present answer: the certificate in it is not for the key that is pending. */
	snprintf(path, sizeof path, "%s/state/enrolment.json", world.folder);
	assert_true(file_read(path, &text, &e));
	assert_false(state_accept(&world.state, NULL, "", buf_text(&text), text.len, &e));
	assert_int_equal(e.code, ERR_INVALID);
	snprintf(world.state.agent_id, sizeof world.state.agent_id, "ag_ZZZZ456789abcdefghijkl");
	assert_false(state_accept(&world.state, NULL, "", buf_text(&text), text.len, &e));
	assert_non_null(strstr(e.text, "another agent"));
	buf_free(&text);
}

static void two_agents_do_not_share_a_state_folder(void **state)
{
	struct state second;
	char path[128];
	struct err e = ERR_CLEAR;

	(void)state;
	snprintf(path, sizeof path, "%s/state", world.folder);
	assert_false(state_open(path, &second, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
}

static void leaving_wipes_all_that_the_agent_had(void **state)
{
	char path[128];
	const struct dirent *d;
	struct err e = ERR_CLEAR;
	DIR *dir;

	(void)state;
	answer("204 No Content", "", "");
	assert_true(uplink_leave(world.uplink, &e));
	assert_true(state_wipe(&world.state, &e));
	snprintf(path, sizeof path, "%s/state", world.folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((d = readdir(dir)))
		assert_true(d->d_name[0] == '.' || strcmp(d->d_name, "lock") == 0);
	closedir(dir);
}

static void a_malformed_invitation_says_what_is_wrong_but_not_what_it_was(void **state)
{
	struct err e = ERR_CLEAR;

	(void)state;
	assert_false(uplink_enroll(world.uplink, "agents.example#SECRETCODE#pin", &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_null(strstr(e.text, "SECRETCODE"));
	assert_int_equal(tls_server_requests(world.server), 0);
}

/* ---- */

static int set_up(void **state)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", NULL};
	struct buf key = BUF_INIT(X509_PEM_MAX), cert = BUF_INIT(X509_PEM_MAX);
	int64_t now = clock_wall_ms(clock_real());
	struct x509_ca *ca;
	struct err e = ERR_CLEAR;

	(void)state;
	memset(&world, 0, sizeof world);
	world.folder = test_folder_new();
	world.ca_pem = world.ca_key = (struct buf)BUF_INIT(X509_PEM_MAX);
	if (!x509_ca_new("test", now - DAY, now + 100 * DAY, &world.ca_pem, &world.ca_key, &e))
		return -1;
	clock_fake_init(&world.clock, now);
	ca = x509_ca_load(buf_text(&world.ca_pem), buf_text(&world.ca_key), &e);
	if (!ca || !x509_key_new(&key, &e) ||
	        !x509_ca_server(ca, buf_text(&key), hosts, now - DAY, now + 90 * DAY, &cert, &e))
		return -1;
	world.server = tls_server_start(buf_text(&cert), buf_text(&key), buf_text(&world.ca_pem));
	enrol(now - DAY, now + 89 * DAY);
	start();
	buf_free(&key);
	buf_free(&cert);
	x509_ca_free(ca);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	uplink_free(world.uplink);
	spool_close(world.spool);
	state_close(&world.state);
	if (world.server)
		tls_server_stop(world.server);
	buf_free(&world.ca_pem);
	buf_free(&world.ca_key);
	test_folder_remove(world.folder);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_report_that_was_taken_leaves_the_spool),
	        TEST(a_report_with_a_rejected_device_is_not_sent_again_but_known_as_refused),
	        TEST(a_final_refusal_is_kept_aside_and_the_next_report_goes_on),
	        TEST(what_may_change_is_tried_again_later),
	        TEST(the_server_says_when_to_come_again),
	        TEST(a_cut_connection_loses_nothing),
	        TEST(an_answer_that_does_not_read_leaves_the_report_in_the_spool),
	        TEST(the_servers_time_is_learnt_from_its_answers),
	        TEST(new_operation_keys_come_with_an_answer_and_are_kept),
	        TEST(a_certificate_is_renewed_after_two_thirds_of_its_time),
	        TEST(a_certificate_for_another_key_or_agent_is_not_taken),
	        TEST(two_agents_do_not_share_a_state_folder),
	        TEST(leaving_wipes_all_that_the_agent_had),
	        TEST(a_malformed_invitation_says_what_is_wrong_but_not_what_it_was),
	};
	struct err e = ERR_CLEAR;

	return crypto_init(&e) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

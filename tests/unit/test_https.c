/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/https.h"

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/x509.h"
#include "tests/helpers/tls_server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOM = 20000 };

#define OK_ANSWER                                                                                  \
	"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 09:00:00 GMT\r\nRetry-After: 7\r\n"             \
	"Content-Type: application/json\r\nContent-Length: 4\r\n\r\n{\"\"}"

struct world {
	struct buf ca_pem, ca_key, server_key, server_cert, client_key, client_cert;
	struct x509_ca *ca;
	struct tls_server *server;
	char connect_to[40], seen[TLS_SEEN], common_name[80];
	struct https_options options;
	struct https_answer answer;
	struct err e;
};

static int make_world(void **state)
{
	const char *const hosts[] = {"agents.localhost", "127.0.0.1", NULL};
	int64_t now = clock_wall_ms(clock_real()), day = 86400000;
	struct world *w = calloc(1, sizeof *w);

	if (w == NULL)
		return -1;
	w->ca_pem = w->ca_key = w->server_key = w->server_cert = w->client_key = w->client_cert =
	        BUF_INIT(ROOM);
	*state = w;
	if (!x509_ca_new("Test", now - day, now + day, &w->ca_pem, &w->ca_key, &w->e))
		return -1;
	w->ca = x509_ca_load(w->ca_pem.data, w->ca_key.data, &w->e);
	if (w->ca == NULL || !x509_key_new(&w->server_key, &w->e) ||
	        !x509_ca_server(w->ca, w->server_key.data, hosts, now - day, now + day,
	                &w->server_cert, &w->e) ||
	        !x509_key_new(&w->client_key, &w->e) ||
	        !x509_ca_client(w->ca, w->client_key.data, "ag_test", now - day, now + day,
	                &w->client_cert, &w->e))
		return -1;
	w->options = (struct https_options){.base_url = "https://agents.localhost",
	        .ca_pem = w->ca_pem.data,
	        .connect_to = w->connect_to,
	        .connect_timeout_ms = 5000,
	        .timeout_ms = 5000,
	        .stop_fd = -1,
	        .user_agent = "test/1"};
	return 0;
}

static int end_world(void **state)
{
	struct world *w = *state;

	tls_server_stop(w->server);
	x509_ca_free(w->ca);
	file_wipe(&w->ca_key);
	file_wipe(&w->server_key);
	file_wipe(&w->client_key);
	buf_free(&w->ca_pem);
	buf_free(&w->server_cert);
	buf_free(&w->client_cert);
	https_answer_free(&w->answer);
	free(w);
	return 0;
}

static void start(struct world *w, const char *client_ca, const char *answer)
{
	w->server = tls_server_start(w->server_cert.data, w->server_key.data, client_ca);
	tls_server_answer(w->server, answer);
	snprintf(w->connect_to, sizeof w->connect_to, "127.0.0.1:%d", tls_server_port(w->server));
}

static struct https_client *client(struct world *w)
{
	struct https_client *cl = https_new(&w->options, &w->e);

	if (cl == NULL)
		fail_msg("%s", w->e.text);
	return cl;
}

/* One GET with a fresh client; the error's code, ERR_NONE when an answer came. */
static enum err_code get(struct world *w)
{
	struct https_client *cl = client(w);
	bool ok;

	https_answer_free(&w->answer);
	ok = https_get(cl, "/v1/x", &w->answer, &w->e);
	https_free(cl);
	return ok ? ERR_NONE : w->e.code;
}

static void an_answer_comes_with_status_body_date_and_retry_after(void **state)
{
	struct world *w = *state;

	start(w, NULL, OK_ANSWER);
	assert_int_equal(get(w), ERR_NONE);
	assert_int_equal(w->answer.status, 200);
	assert_string_equal(buf_text(&w->answer.body), "{\"\"}");
	assert_true(w->answer.date == 1795338000000);
	assert_int_equal(w->answer.retry_after, 7);
	assert_string_equal(w->answer.content_type, "application/json");
	assert_true(w->answer.sent_at <= w->answer.received_at);
	assert_true(tls_server_seen(w->server, w->seen, w->common_name));
	assert_int_equal(strncmp(w->seen, "GET /v1/x HTTP/1.1\r\n", 20), 0);
	assert_non_null(strstr(w->seen, "Host: agents.localhost\r\n"));
	assert_non_null(strstr(w->seen, "User-Agent: test/1\r\n"));
	assert_string_equal(w->common_name, "");
}

static void a_post_carries_body_type_and_encoding_over_the_same_connection(void **state)
{
	struct world *w = *state;
	struct https_client *cl;

	start(w, NULL, OK_ANSWER);
	cl = client(w);
	for (int i = 0; i < 2; i++) {
		https_answer_free(&w->answer);
		assert_true(https_post(cl, "/v1/reports", "application/json", "gzip", "a\0b", 3,
		        &w->answer, &w->e));
		assert_true(tls_server_seen(w->server, w->seen, w->common_name));
		assert_non_null(strstr(w->seen, "POST /v1/reports HTTP/1.1\r\n"));
		assert_non_null(strstr(w->seen, "Content-Type: application/json\r\n"));
		assert_non_null(strstr(w->seen, "Content-Encoding: gzip\r\n"));
		assert_non_null(strstr(w->seen, "Content-Length: 3\r\n"));
		assert_null(strstr(w->seen, "Expect"));
	}
	https_answer_free(&w->answer);
	assert_true(https_get(cl, "/v1/y", &w->answer, &w->e));
	assert_true(tls_server_seen(w->server, w->seen, w->common_name));
	assert_null(strstr(w->seen, "Content-"));
	https_free(cl);
	assert_int_equal(tls_server_connections(w->server), 1);
}

static void the_client_proves_itself_with_its_certificate(void **state)
{
	struct world *w = *state;

	start(w, w->ca_pem.data, OK_ANSWER);
	w->options.cert_pem = w->client_cert.data;
	w->options.key_pem = w->client_key.data;
	assert_int_equal(get(w), ERR_NONE);
	assert_true(tls_server_seen(w->server, w->seen, w->common_name));
	assert_string_equal(w->common_name, "ag_test");
	w->options.cert_pem = w->options.key_pem = NULL;
	assert_int_not_equal(get(w), ERR_NONE);
}

static void a_server_of_another_ca_or_name_is_refused_before_anything_is_sent(void **state)
{
	struct world *w = *state;
	struct buf other = BUF_INIT(ROOM), other_key = BUF_INIT(ROOM);
	int64_t now = clock_wall_ms(clock_real());

	start(w, NULL, OK_ANSWER);
	assert_true(x509_ca_new("Other", now - 1000, now + 100000, &other, &other_key, &w->e));
	w->options.ca_pem = other.data;
	assert_int_equal(get(w), ERR_DENIED);
	w->options.ca_pem = NULL; /* the public CAs do not know ours either */
	assert_int_equal(get(w), ERR_DENIED);
	w->options.ca_pem = w->ca_pem.data;
	w->options.base_url = "https://user.localhost";
	assert_int_equal(get(w), ERR_DENIED);
	assert_int_equal(tls_server_requests(w->server), 0);
	w->options.base_url = "https://127.0.0.1";
	assert_int_equal(get(w), ERR_NONE);
	buf_free(&other);
	file_wipe(&other_key);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
	struct world *w = *state;

	start(w, NULL,
	        "HTTP/1.1 302 Found\r\nLocation: https://agents.localhost/else\r\n"
	        "Content-Length: 0\r\n\r\n");
	assert_int_equal(get(w), ERR_NONE);
	assert_int_equal(w->answer.status, 302);
	assert_int_equal(tls_server_requests(w->server), 1);
}

static void an_answer_that_is_too_large_is_refused(void **state)
{
	struct world *w = *state;

	start(w, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789");
	w->options.max_body = 9;
	assert_int_equal(get(w), ERR_NONE);
	w->options.max_body = 8;
	assert_int_equal(get(w), ERR_LIMIT);
	tls_server_answer(w->server,
	        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n");
	assert_int_equal(get(w), ERR_LIMIT);
}

static void a_server_that_hangs_up_or_says_nothing_is_unavailable(void **state)
{
	struct world *w = *state;

	start(w, NULL, NULL);
	assert_int_equal(get(w), ERR_UNAVAILABLE);
	tls_server_answer(w->server, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
	w->options.timeout_ms = 300;
	assert_int_equal(get(w), ERR_UNAVAILABLE);
	tls_server_answer(w->server, "");
	assert_int_equal(get(w), ERR_UNAVAILABLE);
	snprintf(w->connect_to, sizeof w->connect_to, "127.0.0.1:1");
	assert_int_equal(get(w), ERR_UNAVAILABLE);
}

static void a_request_is_given_up_when_the_program_should_end(void **state)
{
	struct world *w = *state;
	int64_t began = clock_monotonic_ms(clock_real());
	int fd = eventfd(1, EFD_CLOEXEC);

	assert_true(fd >= 0);
	start(w, NULL, "");
	w->options.timeout_ms = 20000;
	w->options.stop_fd = fd;
	assert_int_equal(get(w), ERR_UNAVAILABLE);
	assert_true(clock_monotonic_ms(clock_real()) - began < 10000);
	assert_int_equal(close(fd), 0);
}

static void only_https_is_spoken(void **state)
{
	struct world *w = *state;

	w->options.base_url = "http://agents.localhost";
	assert_null(https_new(&w->options, &w->e));
	assert_int_equal(w->e.code, ERR_INVALID);
	w->options.base_url = "file:///etc/passwd";
	assert_null(https_new(&w->options, &w->e));
	w->options.base_url = "https://agents.localhost";
	w->options.connect_to = "nonsense";
	assert_null(https_new(&w->options, &w->e));
	assert_int_equal(w->e.code, ERR_INVALID);
}

static void the_ca_behind_a_pin_is_learned_without_telling_anything(void **state)
{
	struct world *w = *state;
	struct buf answer = BUF_INIT(ROOM), ca = BUF_INIT(ROOM);
	struct x509_info info;

	buf_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", w->ca_pem.len,
	        w->ca_pem.data);
	start(w, NULL, answer.data);
	w->options.ca_pem = NULL;
	w->options.cert_pem = w->client_cert.data;
	w->options.key_pem = w->client_key.data;
	assert_true(x509_read(w->ca_pem.data, &info, &w->e));
	if (!https_pinned_ca(&w->options, info.key_hash, &ca, &w->e))
		fail_msg("%s", w->e.text);
	assert_string_equal(ca.data, w->ca_pem.data);
	assert_true(tls_server_seen(w->server, w->seen, w->common_name));
	assert_non_null(strstr(w->seen, "GET /v1/ca "));
	assert_string_equal(w->common_name, "");
	/* and with that CA the server proves itself */
	w->options.ca_pem = ca.data;
	w->options.cert_pem = w->options.key_pem = NULL;
	assert_int_equal(get(w), ERR_NONE);
	buf_free(&answer);
	buf_free(&ca);
}

static void a_server_without_the_pinned_ca_is_refused(void **state)
{
	static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnone",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
	        "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"};
	struct world *w = *state;
	struct buf answer = BUF_INIT(ROOM), ca = BUF_INIT(ROOM);
	unsigned char pin[CRYPTO_HASH] = {1};

	buf_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", w->ca_pem.len,
	        w->ca_pem.data);
	start(w, NULL, answer.data);
	assert_false(https_pinned_ca(&w->options, pin, &ca, &w->e));
	assert_int_equal(w->e.code, ERR_DENIED);
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		tls_server_answer(w->server, answers[i]);
		assert_false(https_pinned_ca(&w->options, pin, &ca, &w->e));
		assert_int_equal(w->e.code, ERR_DENIED);
	}
	tls_server_answer(w->server, "HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n");
	assert_false(https_pinned_ca(&w->options, pin, &ca, &w->e));
	assert_int_equal(w->e.code, ERR_UNAVAILABLE);
	assert_int_equal(ca.len, 0);
	buf_free(&answer);
	buf_free(&ca);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WORLD_TEST(an_answer_comes_with_status_body_date_and_retry_after),
	        WORLD_TEST(a_post_carries_body_type_and_encoding_over_the_same_connection),
	        WORLD_TEST(the_client_proves_itself_with_its_certificate),
	        WORLD_TEST(a_server_of_another_ca_or_name_is_refused_before_anything_is_sent),
	        WORLD_TEST(a_redirect_is_an_answer_and_not_followed),
	        WORLD_TEST(an_answer_that_is_too_large_is_refused),
	        WORLD_TEST(a_server_that_hangs_up_or_says_nothing_is_unavailable),
	        WORLD_TEST(a_request_is_given_up_when_the_program_should_end),
	        WORLD_TEST(only_https_is_spoken),
	        WORLD_TEST(the_ca_behind_a_pin_is_learned_without_telling_anything),
	        WORLD_TEST(a_server_without_the_pinned_ca_is_refused),
	};
	struct err e = ERR_CLEAR;

	if (!crypto_init(&e) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests_name("https", tests, NULL, NULL);
}

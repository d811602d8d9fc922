/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FastCGI server on a unix socket, and against it a client that writes records byte by byte:
 * whole ones as nginx does, and all those that nginx would never send.
 */
#include "lib/clock.h"
#include "lib/crypto.h"
#include "tests/helpers/fcgi.h"
#include "tests/helpers/folder.h"
#include "web/fastcgi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IO_TIMEOUT_MS = 300, PATIENCE_MS = 10000, LARGE = 3 << 20 };

static char *folder;
static char path[100];
static _Atomic unsigned handled;
static int may_go;  /* eventfd: the slow handler waits for it */
static int is_slow; /* eventfd: the slow handler is at work */

/* ---- a site */

static void show(struct web_request *rq, struct web_response *rs)
{
	const char *agent = web_header(rq, "user-agent");

	atomic_fetch_add(&handled, 1);
	web_begin(rs, 200, "text/plain");
	buf_printf(&rs->body, "from %s agent %s cert %s verify %s", rq->address,
	        agent == NULL ? "-" : agent,
	        rq->in->client_cert == NULL ? "-" : rq->in->client_cert,
	        rq->in->client_verify == NULL ? "-" : rq->in->client_verify);
}

static void echo(struct web_request *rq, struct web_response *rs)
{
	atomic_fetch_add(&handled, 1);
	web_begin(rs, 200, "text/plain");
	buf_append(&rs->body, rq->in->body, rq->in->body_len);
}

static void form(struct web_request *rq, struct web_response *rs)
{
	atomic_fetch_add(&handled, 1);
	web_begin(rs, 200, "text/plain");
	buf_printf(&rs->body, "name=%s", web_text(rq, "name"));
}

static void slow(struct web_request *rq, struct web_response *rs)
{
	uint64_t one = 1;

	(void)rq;
	if (write(is_slow, &one, sizeof one) != sizeof one ||
	        read(may_go, &one, sizeof one) != sizeof one)
		return;
	atomic_fetch_add(&handled, 1);
	web_begin(rs, 200, "text/plain");
	buf_puts(&rs->body, "at last");
}

static void large(struct web_request *rq, struct web_response *rs)
{
	(void)rq;
	web_begin(rs, 200, "text/plain");
	if (buf_reserve(&rs->body, LARGE)) {
		memset(rs->body.data, 'x', LARGE);
		rs->body.len = LARGE;
		rs->body.data[LARGE] = '\0';
	}
}

static const struct web_field name_field[] = {{.name = "name"}, {0}};
static const struct web_route routes[] = {
        {.id = "show", .path = "/show", .handler = show},
        {.id = "slow", .path = "/slow", .handler = slow},
        {.id = "large", .path = "/large", .handler = large},
        {.id = "echo",
                .method = WEB_POST,
                .path = "/echo",
                .flags = WEB_RAW_BODY | WEB_NO_CSRF,
                .max_body = 1 << 20,
                .handler = echo},
        {.id = "form",
                .method = WEB_POST,
                .path = "/form",
                .flags = WEB_NO_CSRF,
                .fields = name_field,
                .handler = form},
};
static const struct web_site site = {.name = "test",
        .public_url = "https://test.example",
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0]};

/* ---- the server, in a thread */

struct running {
	struct web_fastcgi_options options;
	struct err e;
	bool ok, joined;
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct running *server = arg;

	server->ok = web_fastcgi_serve(&site, &server->options, &server->e);
	return NULL;
}

static void say_ready(void *context)
{
	if (write(*(int *)context, "R", 1) != 1)
		abort();
}

static struct running *start(unsigned threads)
{
	static struct running server;
	int ready[2];
	char byte;

	server = (struct running){.options = {.socket_path = path,
	                                  .threads = threads,
	                                  .peer_uid = (long)geteuid(),
	                                  .io_timeout_ms = IO_TIMEOUT_MS,
	                                  .max_body = 100000,
	                                  .stop_fd = eventfd(0, EFD_CLOEXEC)}};
	assert_int_equal(pipe(ready), 0);
	server.options.ready = say_ready;
	server.options.ready_context = &ready[1];
	assert_int_equal(pthread_create(&server.thread, NULL, serve, &server), 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return &server;
}

static void ask_to_stop(const struct running *server)
{
	uint64_t one = 1;

	assert_int_equal(write(server->options.stop_fd, &one, sizeof one), sizeof one);
}

static void join(struct running *server)
{
	assert_int_equal(pthread_join(server->thread, NULL), 0);
	(void)close(server->options.stop_fd);
	if (!server->ok)
		fail_msg("%s", server->e.text);
}

static void stop(struct running *server)
{
	ask_to_stop(server);
	join(server);
}

/* ---- the client */

static int try_connect(void)
{
	return fcgi_connect(path);
}

static int dial(void)
{
	int fd = try_connect();

	assert_true(fd >= 0);
	return fd;
}

static int send_request(const struct fcgi_request *want)
{
	struct buf b = fcgi_request(want);
	int fd = dial();

	fcgi_send(fd, b.data, b.len);
	buf_free(&b);
	return fd;
}

static void expect(const struct fcgi_request *want, const char *status, const char *ending)
{
	struct buf got = fcgi_answer(send_request(want));
	const char *text = buf_text(&got);
	size_t len = strlen(ending);

	if (strncmp(text, status, strlen(status)) != 0 || got.len < len ||
	        strcmp(text + got.len - len, ending) != 0)
		fail_msg("want %s … %s, got:\n%s", status, ending, text);
	buf_free(&got);
}

static void expect_nothing(int fd)
{
	struct buf got = fcgi_answer(fd);

	if (got.len != 0)
		fail_msg("want no answer, got:\n%s", buf_text(&got));
	buf_free(&got);
}

static const struct fcgi_request plain = {.method = "GET", .uri = "/show"};
static const char plain_answer[] = "from 192.0.2.7 agent - cert - verify -";

/* ---- what nginx sends */

static void a_whole_request_is_answered(void **state)
{
	struct running *server = start(2);

	(void)state;
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	stop(server);
	assert_int_equal(atomic_load(&handled), 1);
}

static void headers_and_the_client_certificate_reach_the_handler(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {.method = "GET",
	        .uri = "/show",
	        .more = {"HTTP_USER_AGENT", "x y", "SSL_CLIENT_CERT", "PEM\nPEM", "HTTP_PROXY", "p",
	                "SSL_CLIENT_VERIFY", "SUCCESS"}};

	(void)state;
	expect(&want, "Status: 200 OK\r\n",
	        "from 192.0.2.7 agent x y cert PEM\nPEM verify SUCCESS");
	stop(server);
}

static void a_body_reaches_the_handler_whole(void **state)
{
	struct running *server = start(1);
	char body[50001];
	const struct fcgi_request want = {.method = "POST", .uri = "/echo", .body = body};

	(void)state;
	for (size_t i = 0; i < sizeof body - 1; i++)
		body[i] = (char)('a' + i % 26);
	body[sizeof body - 1] = '\0';
	expect(&want, "Status: 200 OK\r\n", body);
	stop(server);
}

static void a_content_type_that_is_told_twice_by_nginx_is_one(void **state)
{
	struct running *server = start(1);
	static const char type[] = "application/x-www-form-urlencoded";
	const struct fcgi_request want = {.method = "POST",
	        .uri = "/form",
	        .body = "name=a",
	        .more = {"CONTENT_TYPE", type, "HTTP_CONTENT_TYPE", type, "HTTP_CONTENT_LENGTH",
	                "6"}};
	const struct fcgi_request by_param = {
	        .method = "POST", .uri = "/form", .body = "name=b", .more = {"CONTENT_TYPE", type}};

	(void)state;
	expect(&want, "Status: 200 OK\r\n", "name=a");
	expect(&by_param, "Status: 200 OK\r\n", "name=b");
	stop(server);
}

static void a_header_that_was_sent_twice_is_seen_twice(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {.method = "GET",
	        .uri = "/show",
	        .more = {"HTTP_COOKIE", "a=1", "HTTP_COOKIE", "a=1"}};

	(void)state;
	expect(&want, "Status: 400 Bad Request\r\n", "}");
	stop(server);
	assert_int_equal(atomic_load(&handled), 0);
}

static void too_many_headers_are_answered_431(void **state)
{
	struct running *server = start(1);
	struct buf params = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20), got;
	int fd = dial();

	(void)state;
	fcgi_param(&params, "REQUEST_METHOD", "GET");
	fcgi_param(&params, "DOCUMENT_URI", "/show");
	fcgi_param(&params, "REMOTE_ADDR", "::1");
	for (int i = 0; i < 100; i++)
		fcgi_param(&params, "HTTP_X", "1");
	fcgi_begin(&b, FCGI_RESPONDER, 0);
	fcgi_record(&b, FCGI_PARAMS, params.data, params.len);
	fcgi_record(&b, FCGI_PARAMS, "", 0);
	fcgi_record(&b, FCGI_STDIN, "", 0);
	fcgi_send(fd, b.data, b.len);
	got = fcgi_answer(fd);
	assert_memory_equal(buf_text(&got), "Status: 431 ", 12);
	buf_free(&got);
	buf_free(&b);
	buf_free(&params);
	stop(server);
}

static void a_connection_that_would_be_kept_is_served_and_closed(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {.method = "GET", .uri = "/show", .flags = FCGI_KEEP_CONN};

	(void)state;
	expect(&want, "Status: 200 OK\r\n", plain_answer);
	expect(&want, "Status: 200 OK\r\n", plain_answer);
	stop(server);
}

static void a_large_answer_leaves_whole(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {.method = "GET", .uri = "/large"};
	struct buf got = fcgi_answer(send_request(&want));
	const char *body = strstr(buf_text(&got), "\r\n\r\n");

	(void)state;
	assert_non_null(body);
	assert_int_equal(strspn(body + 4, "x"), LARGE);
	buf_free(&got);
	stop(server);
}

static void a_body_beyond_the_cap_is_answered_413_without_being_read(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {
	        .method = "POST", .uri = "/echo", .body = "x", .length = "100001"};

	(void)state;
	expect(&want, "Status: 413 Content Too Large\r\n", "}");
	stop(server);
	assert_int_equal(atomic_load(&handled), 0);
}

/* ---- what nginx would not send */

/* Sends the first len bytes and says that no more will come. */
static int send_part(const struct buf *b, size_t len)
{
	int fd = dial();

	fcgi_send(fd, b->data, len);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	return fd;
}

static void a_request_that_is_cut_off_anywhere_is_dropped(void **state)
{
	struct running *server = start(2);
	const struct fcgi_request want = {.method = "POST", .uri = "/echo", .body = "0123456789"};
	struct buf b = fcgi_request(&want);

	(void)state;
	for (size_t len = 0; len < b.len; len += len < 20 ? 1 : 7)
		expect_nothing(send_part(&b, len));
	expect_nothing(send_part(&b, b.len - 1));
	assert_int_equal(atomic_load(&handled), 0);
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	buf_free(&b);
	stop(server);
}

static void an_aborted_request_is_dropped(void **state)
{
	struct running *server = start(1);
	struct buf params = BUF_INIT(4096), b = BUF_INIT(4096);
	int fd = dial();

	(void)state;
	fcgi_param(&params, "REQUEST_METHOD", "GET");
	fcgi_param(&params, "DOCUMENT_URI", "/show");
	fcgi_param(&params, "REMOTE_ADDR", "192.0.2.7");
	fcgi_begin(&b, FCGI_RESPONDER, 0);
	fcgi_record(&b, FCGI_PARAMS, params.data, params.len);
	fcgi_record(&b, FCGI_ABORT, "", 0);
	fcgi_send(fd, b.data, b.len);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect_nothing(fd);
	assert_int_equal(atomic_load(&handled), 0);
	buf_free(&b);
	buf_free(&params);
	stop(server);
}

static void a_body_of_another_length_than_was_said_is_dropped(void **state)
{
	struct running *server = start(1);
	static const char *const lengths[] = {"9", "11", "1x", "-1", " 10", "9999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		const struct fcgi_request want = {.method = "POST",
		        .uri = "/echo",
		        .body = "0123456789",
		        .length = lengths[i]};
		expect_nothing(send_request(&want));
	}
	assert_int_equal(atomic_load(&handled), 0);
	stop(server);
}

static void parameters_that_contradict_each_other_are_dropped(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request two_methods = {
	        .method = "GET", .uri = "/show", .more = {"REQUEST_METHOD", "POST"}};
	const struct fcgi_request same_again = {
	        .method = "GET", .uri = "/show", .more = {"REQUEST_METHOD", "GET"}};
	const struct fcgi_request authorizer = {
	        .method = "GET", .uri = "/show", .role = FCGI_AUTHORIZER};

	(void)state;
	expect_nothing(send_request(&two_methods));
	expect_nothing(send_request(&authorizer));
	assert_int_equal(atomic_load(&handled), 0);
	expect(&same_again, "Status: 200 OK\r\n", plain_answer);
	stop(server);
}

static void rubbish_is_dropped(void **state)
{
	struct running *server = start(1);
	int fd = dial();

	(void)state;
	fcgi_send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	expect_nothing(fd);
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	stop(server);
}

/* ---- time */

static void silent_peers_hold_the_workers_for_one_time_out_only(void **state)
{
	struct running *server = start(2);
	int silent[2] = {dial(), dial()};

	(void)state;
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	expect_nothing(silent[0]);
	expect_nothing(silent[1]);
	stop(server);
}

/* One byte again and again, each well within the time-out for one read. */
static void a_peer_that_trickles_is_cut_off_in_the_end(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {.method = "POST", .uri = "/echo", .body = "0123456789"};
	struct buf b = fcgi_request(&want);
	const struct clock *clock = clock_real();
	int64_t begun = clock_monotonic_ms(clock);
	struct pollfd peer = {.events = POLLIN};
	size_t sent = 0;

	(void)state;
	peer.fd = dial();
	/* The pause between two bytes is a wait for the end of the connection. */
	while (sent < b.len && poll(&peer, 1, IO_TIMEOUT_MS / 6) == 0) {
		if (send(peer.fd, b.data + sent, 1, MSG_NOSIGNAL) != 1)
			break;
		sent++;
	}
	assert_true(sent > 5 && sent < b.len);
	assert_in_range(clock_monotonic_ms(clock) - begun, 2 * IO_TIMEOUT_MS, PATIENCE_MS);
	expect_nothing(peer.fd);
	assert_int_equal(atomic_load(&handled), 0);
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	buf_free(&b);
	stop(server);
}

static void a_peer_that_does_not_read_is_cut_off(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {.method = "GET", .uri = "/large"};
	int fd = send_request(&want);

	(void)state;
	/* Its answer fills the socket; the only worker is free again after the time-out. */
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	(void)close(fd);
	stop(server);
}

static void a_slow_handler_is_not_cut_off(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {.method = "GET", .uri = "/slow"};
	int fd = send_request(&want);
	struct pollfd early = {.fd = fd, .events = POLLIN};
	uint64_t one = 1;
	struct buf got;

	(void)state;
	/* Longer than a whole request may take to arrive: nothing comes, nothing is closed. */
	assert_int_equal(poll(&early, 1, 5 * IO_TIMEOUT_MS), 0);
	assert_int_equal(write(may_go, &one, sizeof one), sizeof one);
	got = fcgi_answer(fd);
	assert_non_null(strstr(buf_text(&got), "at last"));
	buf_free(&got);
	stop(server);
}

/* ---- start and stop */

static void a_stop_finishes_what_was_begun_and_what_waits(void **state)
{
	struct running *server = start(1);
	const struct fcgi_request want = {.method = "GET", .uri = "/slow"};
	int begun = send_request(&want), waiting;
	uint64_t one = 1;
	struct buf got;
	int64_t deadline = clock_monotonic_ms(clock_real()) + PATIENCE_MS;

	(void)state;
	assert_int_equal(read(is_slow, &one, sizeof one), sizeof one);
	waiting = send_request(&plain);
	ask_to_stop(server);
	while (access(path, F_OK) == 0) /* nobody new can come */
		assert_true(clock_monotonic_ms(clock_real()) < deadline);
	assert_int_equal(try_connect(), -1);
	one = 1;
	assert_int_equal(write(may_go, &one, sizeof one), sizeof one);
	got = fcgi_answer(begun);
	assert_non_null(strstr(buf_text(&got), "at last"));
	buf_free(&got);
	got = fcgi_answer(waiting);
	assert_non_null(strstr(buf_text(&got), plain_answer));
	buf_free(&got);
	join(server);
}

static void a_stop_of_idle_workers_is_immediate(void **state)
{
	struct running *server = start(8);
	int64_t begun = clock_monotonic_ms(clock_real());

	(void)state;
	stop(server);
	assert_true(clock_monotonic_ms(clock_real()) - begun < IO_TIMEOUT_MS);
}

static bool serve_here(const char *where, struct err *e)
{
	const struct web_fastcgi_options options = {
	        .socket_path = where, .threads = 1, .peer_uid = -1, .stop_fd = -1};

	return web_fastcgi_serve(&site, &options, e);
}

static void a_socket_that_is_in_use_is_left_alone(void **state)
{
	struct running *server = start(1);
	struct err e;

	(void)state;
	assert_false(serve_here(path, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	stop(server);
}

static void a_stale_socket_is_replaced_and_a_file_is_not(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct running *server;
	struct stat st;
	struct err e;
	FILE *file;

	(void)state;
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	(void)close(fd);
	server = start(1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	stop(server);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fclose(file);
	assert_false(serve_here(path, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_int_equal(unlink(path), 0);
}

static void a_socket_path_that_is_too_long_is_a_clear_error(void **state)
{
	char longest[200];
	struct err e;

	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_false(serve_here(longest, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "longer than 107 bytes"));
}

/* In a child, because a process does not get its user back. 0: it was refused. */
static int ask_as_nobody(void)
{
	const uid_t nobody = 65534;
	struct buf b = fcgi_request(&plain);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (setuid(nobody) != 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		return 2;
	(void)send(fd, b.data, b.len, MSG_NOSIGNAL);
	return recv(fd, &byte, 1, 0) > 0 ? 1 : 0;
}

static void a_peer_of_another_user_is_refused(void **state)
{
	struct running *server;
	pid_t child;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("needs root, to become another user\n");
		skip();
	}
	server = start(1);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0); /* past the first wall, the mode */
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(ask_as_nobody());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(atomic_load(&handled), 0);
	expect(&plain, "Status: 200 OK\r\n", plain_answer);
	stop(server);
}

/* ---- many at once */

static void *ask_again_and_again(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		expect(&plain, "Status: 200 OK\r\n", plain_answer);
	return NULL;
}

static void many_clients_are_served_at_once(void **state)
{
	struct running *server = start(4);
	pthread_t clients[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&clients[i], NULL, ask_again_and_again, NULL), 0);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_join(clients[i], NULL), 0);
	stop(server);
	assert_int_equal(atomic_load(&handled), 400);
}

static int reset(void **state)
{
	(void)state;
	atomic_store(&handled, 0);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	if (!crypto_init(NULL))
		return -1;
	folder = test_folder_new();
	(void)snprintf(path, sizeof path, "%s/test.sock", folder);
	may_go = eventfd(0, EFD_CLOEXEC);
	is_slow = eventfd(0, EFD_CLOEXEC);
	return may_go >= 0 && is_slow >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(may_go);
	(void)close(is_slow);
	test_folder_remove(folder);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_whole_request_is_answered),
	        TEST(headers_and_the_client_certificate_reach_the_handler),
	        TEST(a_body_reaches_the_handler_whole),
	        TEST(a_content_type_that_is_told_twice_by_nginx_is_one),
	        TEST(a_header_that_was_sent_twice_is_seen_twice),
	        TEST(too_many_headers_are_answered_431),
	        TEST(a_connection_that_would_be_kept_is_served_and_closed),
	        TEST(a_large_answer_leaves_whole),
	        TEST(a_body_beyond_the_cap_is_answered_413_without_being_read),
	        TEST(a_request_that_is_cut_off_anywhere_is_dropped),
	        TEST(an_aborted_request_is_dropped),
	        TEST(a_body_of_another_length_than_was_said_is_dropped),
	        TEST(parameters_that_contradict_each_other_are_dropped),
	        TEST(rubbish_is_dropped),
	        TEST(silent_peers_hold_the_workers_for_one_time_out_only),
	        TEST(a_peer_that_trickles_is_cut_off_in_the_end),
	        TEST(a_peer_that_does_not_read_is_cut_off),
	        TEST(a_slow_handler_is_not_cut_off),
	        TEST(a_stop_finishes_what_was_begun_and_what_waits),
	        TEST(a_stop_of_idle_workers_is_immediate),
	        TEST(a_socket_that_is_in_use_is_left_alone),
	        TEST(a_stale_socket_is_replaced_and_a_file_is_not),
	        TEST(a_socket_path_that_is_too_long_is_a_clear_error),
	        TEST(a_peer_of_another_user_is_refused),
	        TEST(many_clients_are_served_at_once),
	};

	return cmocka_run_group_tests_name("fastcgi", tests, set_up, tear_down);
}

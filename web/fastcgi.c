/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcgi.c: FastCGI by libfcgi 2.4.2, with an accept of our own.
 *
 * libfcgi alone has no time-outs, serves requests that were cut off as if they were whole, and does
 * not wake for a stop. So a worker accepts the connection itself (an epoll of its own on the
 * listener and a wake-up eventfd; exclusively, so that a connection wakes one worker), checks the peer, sets socket time-outs, and hands the connection to
 * FCGX_Accept_r() with listen_sock -1: that never blocks in accept, and fails instead of taking the
 * next one. A watchdog shuts connections down whose request takes too long in all, however busily
 * its bytes trickle.
 */
#include "web/fastcgi.h"

#include "lib/log.h"
#include "web/internal.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* We set fields that fcgiapp.h calls its own. Another layout must not compile. */
_Static_assert(offsetof(FCGX_Request, in) == 8, "libfcgi 2.4.2: FCGX_Request.in");
_Static_assert(offsetof(FCGX_Request, envp) == 32, "libfcgi 2.4.2: FCGX_Request.envp");
_Static_assert(offsetof(FCGX_Request, ipcFd) == 48, "libfcgi 2.4.2: FCGX_Request.ipcFd");
_Static_assert(offsetof(FCGX_Request, keepConnection) == 56, "libfcgi 2.4.2: keepConnection");
_Static_assert(offsetof(FCGX_Request, listen_sock) == 72, "libfcgi 2.4.2: listen_sock");
_Static_assert(offsetof(FCGX_Request, detached) == 76, "libfcgi 2.4.2: detached");
_Static_assert(sizeof(FCGX_Request) == 80, "libfcgi 2.4.2: FCGX_Request");

enum {
	RESPONDER = 1, /* FastCGI 1.0, 3.3 */
	BACKLOG = 512, /* nginx's own */
	DEFAULT_IO_TIMEOUT_MS = 10000,
	DEFAULT_MAX_BODY = 8 << 20,
	DEFAULT_THREADS = 8,
	KEPT_BODY = 256 << 10, /* a larger body buffer is given back after its request */
	IN_ALL = 3,            /* a request may take so many time-outs to arrive, and to leave */
	LONGEST_NAP_MS = 1000,
	HEADER_NAMES = 8 << 10, /* bytes of one request's header names */
};

struct server;

struct worker {
	struct server *server;
	pthread_t thread;
	int epoll; /* of the listener and server->wake */
	struct arena *arena;
	struct buf body;
	pthread_mutex_t lock; /* over what the watchdog looks at: */
	int watched;          /* a duplicate of the connection, or -1 */
	int64_t deadline;     /* monotonic ms, or 0: none now (our own handler is at work) */
};

struct server {
	const struct web_site *site;
	struct web_fastcgi_options options;
	int listener;
	int wake; /* eventfd: the program should stop */
	int done; /* eventfd: counts the workers that have ended */
	struct worker *workers;
	unsigned started;
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the watchdog's view of a worker */

static void watch(struct worker *worker, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)pthread_mutex_lock(&worker->lock);
	worker->watched = copy; /* -1, out of descriptors: the socket's own time-outs remain */
	worker->deadline = now_ms() + (int64_t)IN_ALL * worker->server->options.io_timeout_ms;
	(void)pthread_mutex_unlock(&worker->lock);
}

static void set_deadline(struct worker *worker, bool on)
{
	(void)pthread_mutex_lock(&worker->lock);
	worker->deadline =
	        on ? now_ms() + (int64_t)IN_ALL * worker->server->options.io_timeout_ms : 0;
	(void)pthread_mutex_unlock(&worker->lock);
}

static void unwatch(struct worker *worker)
{
	int copy;

	(void)pthread_mutex_lock(&worker->lock);
	copy = worker->watched;
	worker->watched = -1;
	worker->deadline = 0;
	(void)pthread_mutex_unlock(&worker->lock);
	if (copy >= 0)
		(void)close(copy);
}

static void cut_off_the_late(struct server *server)
{
	int64_t now = now_ms();

	for (unsigned i = 0; i < server->started; i++) {
		struct worker *worker = &server->workers[i];
		(void)pthread_mutex_lock(&worker->lock);
		if (worker->watched >= 0 && worker->deadline != 0 && now > worker->deadline) {
			(void)shutdown(worker->watched, SHUT_RDWR);
			worker->deadline = 0;
			log_event(LOG_LEVEL_WARNING, "request-cut-off", "reason",
			        "it took too long to arrive or to leave", NULL);
		}
		(void)pthread_mutex_unlock(&worker->lock);
	}
}

/* ---- one request */

/* "HTTP_USER_AGENT" → "user-agent"; the name is written into names[*used …]. NULL: no room. */
static const char *header_name(const char *param, size_t len, char *names, size_t *used)
{
	char *name = names + *used;

	if (len + 1 > HEADER_NAMES - *used)
		return NULL;
	for (size_t i = 0; i < len; i++)
		name[i] = param[i] == '_'                      ? '-'
		          : param[i] >= 'A' && param[i] <= 'Z' ? (char)(param[i] - 'A' + 'a')
		                                               : param[i];
	name[len] = '\0';
	*used += len + 1;
	return name;
}

struct params {
	struct web_incoming in;
	struct web_header headers[WEB_MAX_HEADERS + 1]; /* one more, so that too many are seen */
	char names[HEADER_NAMES];
	size_t names_used;
	const char *content_type, *content_length;
};

static bool add_header(struct params *p, const char *name, const char *value)
{
	if (p->in.header_count > WEB_MAX_HEADERS)
		return true; /* web_handle() answers 431 */
	name = header_name(name, strlen(name), p->names, &p->names_used);
	if (name == NULL) {
		p->in.header_count = WEB_MAX_HEADERS + 1;
		for (size_t i = 0; i < WEB_MAX_HEADERS + 1; i++)
			p->headers[i] = (struct web_header){.name = "", .value = ""};
		return true;
	}
	p->headers[p->in.header_count++] = (struct web_header){.name = name, .value = value};
	return true;
}

/* Where a parameter that is no header goes; NULL: nowhere. */
static const char **slot_of(struct params *p, const char *name)
{
	const struct {
		const char *name;
		const char **slot;
	} slots[] = {
	        {"REQUEST_METHOD", &p->in.method},
	        {"DOCUMENT_URI", &p->in.path},
	        {"QUERY_STRING", &p->in.query},
	        {"REMOTE_ADDR", &p->in.address},
	        {"REQUEST_ID", &p->in.request_id},
	        {"CONTENT_TYPE", &p->content_type},
	        {"CONTENT_LENGTH", &p->content_length},
	        {"SSL_CLIENT_CERT", &p->in.client_cert},
	        {"SSL_CLIENT_VERIFY", &p->in.client_verify},
	        {"SSL_CLIENT_SERIAL", &p->in.client_serial},
	        {"SSL_CLIENT_S_DN", &p->in.client_subject},
	};

	for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
		if (strcmp(slots[i].name, name) == 0)
			return slots[i].slot;
	return NULL;
}

/* false: two different values of one parameter, which nginx never sends. Splits text in place. */
static bool read_param(struct params *p, char *text)
{
	char *equals = strchr(text, '=');
	const char **slot;

	if (equals == NULL)
		return true;
	*equals = '\0';
	/* HTTP_PROXY is a trap for CGI programs (httpoxy), no header that anybody needs. */
	if (strncmp(text, "HTTP_", 5) == 0)
		return strcmp(text, "HTTP_PROXY") == 0 || add_header(p, text + 5, equals + 1);
	slot = slot_of(p, text);
	if (slot == NULL || (*slot != NULL && strcmp(*slot, equals + 1) == 0))
		return true;
	if (*slot != NULL)
		return false;
	*slot = equals + 1;
	return true;
}

static bool has_header(const struct params *p, const char *name)
{
	for (size_t i = 0; i < p->in.header_count; i++)
		if (strcmp(p->headers[i].name, name) == 0)
			return true;
	return false;
}

/* Plain digits, or "" for none. */
static bool read_length(const char *text, size_t *length)
{
	*length = 0;
	if (text == NULL)
		return true;
	if (strlen(text) > 15)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*length = *length * 10 + (size_t)(*text - '0');
	}
	return true;
}

static const char *none_if_empty(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : text;
}

/* Fills in all but the body. What is lacking here is the fault of the server's configuration. */
static bool read_params(struct params *p, char **envp)
{
	p->in = (struct web_incoming){.headers = p->headers};
	p->names_used = 0;
	p->content_type = p->content_length = NULL;
	for (; *envp != NULL; envp++)
		if (!read_param(p, *envp))
			return false;
	if (p->in.method == NULL || p->in.path == NULL || p->in.address == NULL ||
	        !read_length(p->content_length, &p->in.body_len))
		return false;
	if (p->in.query == NULL)
		p->in.query = "";
	/* nginx sends both HTTP_CONTENT_TYPE and CONTENT_TYPE: one header all the same. */
	if (none_if_empty(p->content_type) != NULL && !has_header(p, "content-type"))
		(void)add_header(p, "CONTENT_TYPE", p->content_type);
	p->in.client_cert = none_if_empty(p->in.client_cert);
	p->in.client_verify = none_if_empty(p->in.client_verify);
	p->in.client_serial = none_if_empty(p->in.client_serial);
	p->in.client_subject = none_if_empty(p->in.client_subject);
	return true;
}

/* false: cut off, or not as long as was said. A body beyond the hard cap is not read: web_handle()
 * sees body NULL and answers 413. */
static bool read_body(struct worker *worker, FCGX_Request *fcgi, struct web_incoming *in)
{
	struct buf *body = &worker->body;

	if (in->body_len > body->max)
		return true;
	if (!buf_reserve(body, in->body_len))
		return false;
	while (body->len < in->body_len) {
		int got = FCGX_GetStr(
		        body->data + body->len, (int)(in->body_len - body->len), fcgi->in);
		if (got <= 0)
			return false;
		body->len += (size_t)got;
	}
	body->data[body->len] = '\0';
	if (FCGX_GetChar(fcgi->in) != EOF || FCGX_GetError(fcgi->in) != 0)
		return false;
	in->body = body->data;
	return true;
}

static bool write_answer(FCGX_Request *fcgi, const struct web_response *rs)
{
	struct buf head = BUF_INIT(64 << 10);
	bool ok;

	web_response_head(rs, &head);
	ok = !head.failed && FCGX_PutStr(head.data, (int)head.len, fcgi->out) == (int)head.len &&
	     FCGX_PutStr(buf_text(&rs->body), (int)rs->body.len, fcgi->out) == (int)rs->body.len &&
	     FCGX_FFlush(fcgi->out) == 0;
	buf_free(&head);
	return ok;
}

/* false: there is nobody to answer, or the request is not whole. */
static bool answer(struct worker *worker, FCGX_Request *fcgi)
{
	struct params *p = arena_alloc(worker->arena, sizeof *p);
	struct web_response rs;
	bool ok;

	if (p == NULL || fcgi->role != RESPONDER || !read_params(p, fcgi->envp)) {
		log_event(LOG_LEVEL_ERROR, "request-refused", "reason",
		        "its FastCGI parameters are not what nginx should send", NULL);
		return false;
	}
	if (!read_body(worker, fcgi, &p->in)) {
		log_event(LOG_LEVEL_WARNING, "request-dropped", "reason", "its body was cut off",
		        NULL);
		return false;
	}
	set_deadline(worker, false);
	web_handle(worker->server->site, &p->in, worker->arena, &rs);
	set_deadline(worker, true);
	ok = write_answer(fcgi, &rs);
	buf_free(&rs.body);
	return ok;
}

static void clear_request(struct worker *worker)
{
	if (worker->body.data != NULL)
		explicit_bzero(worker->body.data, worker->body.len); /* passwords come in forms */
	if (worker->body.cap > KEPT_BODY)
		buf_free(&worker->body);
	else
		buf_reset(&worker->body);
	arena_reset(worker->arena);
}

/* Takes over fd. */
static void serve_connection(struct worker *worker, int fd)
{
	FCGX_Request fcgi;
	bool ok;

	if (FCGX_InitRequest(&fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
		(void)close(fd);
		return;
	}
	watch(worker, fd);
	fcgi.ipcFd = fd;
	fcgi.keepConnection = 1; /* or FCGX_Accept_r() would begin by closing it */
	if (FCGX_Accept_r(&fcgi) < 0) {
		log_event(LOG_LEVEL_WARNING, "request-dropped", "reason",
		        "it was cut off before it began", NULL); /* fd is closed */
	} else {
		/* Accept_r says 0 when the parameters were cut off; the stream knows better. */
		ok = FCGX_GetError(fcgi.in) == 0 && answer(worker, &fcgi);
		fcgi.keepConnection = 0;
		if (ok) {
			FCGX_Finish_r(&fcgi);
		} else {
			FCGX_Detach(&fcgi); /* do not linger for a peer that is not in order */
			FCGX_Free(&fcgi, 1);
		}
	}
	unwatch(worker);
	clear_request(worker);
}

/* ---- connections */

static bool is_our_peer(const struct server *server, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	char uid[24];

	if (server->options.peer_uid < 0)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	        (peer.uid == 0 || peer.uid == geteuid() ||
	                (long)peer.uid == server->options.peer_uid))
		return true;
	log_event(
	        LOG_LEVEL_ERROR, "peer-refused", "uid", log_number(uid, (long long)peer.uid), NULL);
	return false;
}

static bool set_timeouts(const struct server *server, int fd)
{
	struct timeval timeout = {.tv_sec = server->options.io_timeout_ms / 1000,
	        .tv_usec = (suseconds_t)(server->options.io_timeout_ms % 1000) * 1000};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0;
}

/* A short rest that a stop ends: after errors that would otherwise repeat at once. */
static void rest(const struct server *server)
{
	struct pollfd wake = {.fd = server->wake, .events = POLLIN};

	(void)poll(&wake, 1, 100);
}

/* Takes one connection that waits. false: none does. */
static bool take_connection(struct worker *worker)
{
	struct server *server = worker->server;
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return false;
		if (errno != EINTR && errno != ECONNABORTED) {
			log_event(LOG_LEVEL_ERROR, "accept-failed", "reason",
			        strerrorname_np(errno), NULL);
			rest(server);
			return false;
		}
		return true;
	}
	if (is_our_peer(server, fd) && set_timeouts(server, fd))
		serve_connection(worker, fd);
	else
		(void)close(fd);
	return true;
}

static void add_one(int event)
{
	const uint64_t one = 1;

	if (write(event, &one, sizeof one) != (ssize_t)sizeof one)
		abort(); /* it takes 2^64 - 2 of them (eventfd(2)) */
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct server *server = worker->server;

	for (;;) {
		struct epoll_event events[2];
		bool stopping = false;
		int n = epoll_wait(worker->epoll, events, 2, -1);
		if (n < 0 && errno != EINTR) {
			log_event(LOG_LEVEL_ERROR, "epoll-failed", "reason", strerrorname_np(errno),
			        NULL);
			rest(server);
		}
		/* Looked at before the connections: when it is set, nobody can connect any more,
		 * and those that waited are served. */
		for (int i = 0; i < n; i++)
			stopping = stopping || events[i].data.fd == server->wake;
		while (take_connection(worker))
			;
		if (stopping)
			break;
	}
	add_one(server->done);
	return NULL;
}

/* ---- start and stop */

/* Whether somebody serves on this path already. */
static bool is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return false;
	alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
	        errno == EAGAIN;
	(void)close(fd);
	return alive;
}

static bool remove_stale(const struct sockaddr_un *address, struct err *e)
{
	struct stat st;

	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT || err_errno(e, "%s", address->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s is there and is not a socket", address->sun_path);
	if (is_alive(address))
		return err_set(e, ERR_CONFLICT, "another program serves on %s", address->sun_path);
	return unlink(address->sun_path) == 0 || errno == ENOENT ||
	       err_errno(e, "%s", address->sun_path);
}

static bool listen_on(struct server *server, struct err *e)
{
	const char *path = server->options.socket_path;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof address.sun_path)
		return err_set(e, ERR_CONFIG, "the socket path %s is longer than %zu bytes", path,
		        sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!remove_stale(&address, e))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(e, "socket");
	/* The mode holds from the first moment: bind() takes it from the socket, less the umask. */
	if (fchmod(fd, 0660) != 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	        chmod(path, 0660) != 0 || listen(fd, BACKLOG) != 0) {
		err_errno(e, "%s", path);
		(void)close(fd);
		return false;
	}
	server->listener = fd;
	return true;
}

/* libfcgi puts its own handlers on SIGTERM, SIGUSR1 and SIGPIPE, and waits seconds for a peer to
 * close. Neither is wanted here. */
static bool init_library(struct err *e)
{
	static const int signals[] = {SIGTERM, SIGUSR1, SIGPIPE};
	struct sigaction old[3];
	bool ok;

	for (size_t i = 0; i < 3; i++)
		if (sigaction(signals[i], NULL, &old[i]) != 0)
			return err_errno(e, "sigaction");
	if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 1) != 0)
		return err_errno(e, "setenv");
	ok = FCGX_Init() == 0;
	for (size_t i = 0; i < 3; i++)
		if (sigaction(signals[i], &old[i], NULL) != 0)
			return err_errno(e, "sigaction");
	return ok || err_set(e, ERR_INTERNAL, "libfcgi did not start");
}

static bool watch_for_work(struct worker *worker, struct err *e)
{
	struct server *server = worker->server;
	struct epoll_event listener = {
	        .events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = server->listener};
	struct epoll_event wake = {.events = EPOLLIN, .data.fd = server->wake};

	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0)
		return err_errno(e, "an epoll");
	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, server->listener, &listener) == 0 &&
	        epoll_ctl(worker->epoll, EPOLL_CTL_ADD, server->wake, &wake) == 0)
		return true;
	err_errno(e, "an epoll");
	(void)close(worker->epoll);
	return false;
}

static bool start_worker(struct server *server, struct err *e)
{
	struct worker *worker = &server->workers[server->started];
	int rc;

	*worker = (struct worker){.server = server,
	        .arena = arena_new(WEB_ARENA_LIMIT),
	        .body = BUF_INIT(server->options.max_body),
	        .watched = -1};
	if (worker->arena == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a worker");
	if (!watch_for_work(worker, e)) {
		arena_free(worker->arena);
		return false;
	}
	rc = pthread_mutex_init(&worker->lock, NULL);
	if (rc == 0) {
		rc = pthread_create(&worker->thread, NULL, work, worker);
		if (rc == 0) {
			server->started++;
			return true;
		}
		(void)pthread_mutex_destroy(&worker->lock);
	}
	(void)close(worker->epoll);
	arena_free(worker->arena);
	errno = rc;
	return err_errno(e, "a worker thread");
}

static bool start_workers(struct server *server, struct err *e)
{
	sigset_t all, old;
	bool ok = true;

	server->workers = calloc(server->options.threads, sizeof *server->workers);
	if (server->workers == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the workers");
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old); /* signals are the main thread's */
	while (ok && server->started < server->options.threads)
		ok = start_worker(server, e);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd stop = {.fd = fd, .events = POLLIN};

	return poll(&stop, 1, timeout_ms) > 0 && (stop.revents & (POLLIN | POLLHUP)) != 0;
}

/* The watchdog keeps looking while the last requests are finished. */
static void join_workers(struct server *server, int nap_ms)
{
	uint64_t ended = 0, more;

	while (ended < server->started) {
		if (is_readable(server->done, nap_ms) &&
		        read(server->done, &more, sizeof more) == (ssize_t)sizeof more)
			ended += more;
		cut_off_the_late(server);
	}
	for (unsigned i = 0; i < server->started; i++) {
		struct worker *worker = &server->workers[i];
		(void)pthread_join(worker->thread, NULL);
		(void)pthread_mutex_destroy(&worker->lock);
		(void)close(worker->epoll);
		arena_free(worker->arena);
		buf_free(&worker->body);
	}
	free(server->workers);
}

static bool run(struct server *server, struct err *e)
{
	int nap_ms = (int)(server->options.io_timeout_ms / 4);
	bool ok;

	if (nap_ms > LONGEST_NAP_MS)
		nap_ms = LONGEST_NAP_MS;
	ok = start_workers(server, e);
	if (ok && server->options.ready != NULL)
		server->options.ready(server->options.ready_context);
	while (ok && !is_readable(server->options.stop_fd, nap_ms))
		cut_off_the_late(server);
	/* First nobody can connect any more, then those who did are served. */
	(void)unlink(server->options.socket_path);
	add_one(server->wake);
	join_workers(server, nap_ms);
	return ok;
}

bool web_fastcgi_serve(
        const struct web_site *site, const struct web_fastcgi_options *options, struct err *e)
{
	struct server server = {.site = site, .options = *options, .listener = -1};
	bool ok = false;

	if (server.options.io_timeout_ms == 0)
		server.options.io_timeout_ms = DEFAULT_IO_TIMEOUT_MS;
	if (server.options.max_body == 0)
		server.options.max_body = DEFAULT_MAX_BODY;
	if (server.options.threads == 0)
		server.options.threads = DEFAULT_THREADS;
	if (!web_site_check(site, e) || !init_library(e))
		return false;
	server.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server.wake < 0)
		return err_errno(e, "eventfd");
	server.done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server.done < 0) {
		err_errno(e, "eventfd");
		goto close_wake;
	}
	if (!listen_on(&server, e))
		goto close_done;
	ok = run(&server, e);
	(void)close(server.listener);
close_done:
	(void)close(server.done);
close_wake:
	(void)close(server.wake);
	return ok;
}

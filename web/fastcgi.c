/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcgi.c: FastCGI by libfcgi 2.4.2, with an accept of our own: the listener, and start and stop.
 *
 * libfcgi alone has no time-outs, serves requests that were cut off as if they were whole, and does
 * not wake for a stop. So workers accept connections themselves (fastcgi_worker.c), libfcgi is left
 * with the protocol of one request (fastcgi_request.c), and the main thread cuts off what takes too
 * long (fastcgi_watchdog.c).
 */
#include "web/fastcgi_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 512, /* nginx's own */
	DEFAULT_IO_TIMEOUT_MS = 10000,
	DEFAULT_MAX_BODY = 8 << 20,
	DEFAULT_THREADS = 8,
	LONGEST_NAP_MS = 1000,
};

/* ---- the listener */

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

static bool listen_on(struct fastcgi_server *server, struct err *e)
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

/* ---- start and stop */

static bool start_workers(struct fastcgi_server *server, struct err *e)
{
	sigset_t all, old;
	bool ok = true;

	server->workers = calloc(server->options.threads, sizeof *server->workers);
	if (server->workers == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the workers");
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old); /* signals are the main thread's */
	while (ok && server->started < server->options.threads)
		ok = fastcgi_start_worker(server, e);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd stop = {.fd = fd, .events = POLLIN};

	return poll(&stop, 1, timeout_ms) > 0 && (stop.revents & (POLLIN | POLLHUP)) != 0;
}

/* The watchdog keeps looking while the last requests are finished. */
static void join_workers(struct fastcgi_server *server, int nap_ms)
{
	uint64_t ended = 0, more;

	while (ended < server->started) {
		if (is_readable(server->done, nap_ms) &&
		        read(server->done, &more, sizeof more) == (ssize_t)sizeof more)
			ended += more;
		fastcgi_cut_off_the_late(server);
	}
	for (unsigned i = 0; i < server->started; i++)
		fastcgi_join_worker(&server->workers[i]);
	free(server->workers);
}

static bool run(struct fastcgi_server *server, struct err *e)
{
	int nap_ms = (int)(server->options.io_timeout_ms / 4);
	bool ok;

	if (nap_ms > LONGEST_NAP_MS)
		nap_ms = LONGEST_NAP_MS;
	ok = start_workers(server, e);
	if (ok && server->options.ready != NULL)
		server->options.ready(server->options.ready_context);
	while (ok && !is_readable(server->options.stop_fd, nap_ms))
		fastcgi_cut_off_the_late(server);
	/* First nobody can connect any more, then those who did are served. */
	(void)unlink(server->options.socket_path);
	fastcgi_signal(server->wake);
	join_workers(server, nap_ms);
	return ok;
}

bool web_fastcgi_serve(
        const struct web_site *site, const struct web_fastcgi_options *options, struct err *e)
{
	struct fastcgi_server server = {.site = site, .options = *options, .listener = -1};
	bool ok = false;

	if (server.options.io_timeout_ms == 0)
		server.options.io_timeout_ms = DEFAULT_IO_TIMEOUT_MS;
	if (server.options.max_body == 0)
		server.options.max_body = DEFAULT_MAX_BODY;
	if (server.options.threads == 0)
		server.options.threads = DEFAULT_THREADS;
	if (!web_site_check(site, e) || !fastcgi_init_library(e))
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcgi_worker.c: a worker's thread. It has an epoll of its own on the listener and on the wake-up
 * eventfd (exclusively, so that a connection wakes one worker), accepts, checks the peer, sets the
 * socket's time-outs and serves.
 */
#include "web/fastcgi_internal.h"

#include "lib/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static bool is_our_peer(const struct fastcgi_server *server, int fd)
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

static bool set_timeouts(const struct fastcgi_server *server, int fd)
{
	struct timeval timeout = {.tv_sec = server->options.io_timeout_ms / 1000,
	        .tv_usec = (suseconds_t)(server->options.io_timeout_ms % 1000) * 1000};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0;
}

/* A short rest that a stop ends: after errors that would otherwise repeat at once. */
static void rest(const struct fastcgi_server *server)
{
	struct pollfd wake = {.fd = server->wake, .events = POLLIN};

	(void)poll(&wake, 1, 100);
}

/* Takes one connection that waits. false: none does. */
static bool take_connection(struct fastcgi_worker *worker)
{
	struct fastcgi_server *server = worker->server;
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
		fastcgi_serve_connection(worker, fd);
	else
		(void)close(fd);
	return true;
}

void fastcgi_signal(int event)
{
	const uint64_t one = 1;

	if (write(event, &one, sizeof one) != (ssize_t)sizeof one)
		abort(); /* it takes 2^64 - 2 of them (eventfd(2)) */
}

static void *work(void *arg)
{
	struct fastcgi_worker *worker = arg;
	struct fastcgi_server *server = worker->server;

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
	fastcgi_signal(server->done);
	return NULL;
}

/* ---- start and end */

static bool watch_for_work(struct fastcgi_worker *worker, struct err *e)
{
	struct fastcgi_server *server = worker->server;
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

bool fastcgi_start_worker(struct fastcgi_server *server, struct err *e)
{
	struct fastcgi_worker *worker = &server->workers[server->started];
	int rc;

	*worker = (struct fastcgi_worker){.server = server,
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

void fastcgi_join_worker(struct fastcgi_worker *worker)
{
	(void)pthread_join(worker->thread, NULL);
	(void)pthread_mutex_destroy(&worker->lock);
	(void)close(worker->epoll);
	arena_free(worker->arena);
	buf_free(&worker->body);
}

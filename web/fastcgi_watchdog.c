/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcgi_watchdog.c: shuts connections down whose request takes too long in all, however busily its
 * bytes trickle. The socket's own time-outs are for each read and write.
 */
#include "web/fastcgi_internal.h"

#include "lib/log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_ALL = 3 }; /* a request may take so many time-outs to arrive, and to leave */

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void fastcgi_watch(struct fastcgi_worker *worker, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)pthread_mutex_lock(&worker->lock);
	worker->watched = copy; /* -1, out of descriptors: the socket's own time-outs remain */
	worker->deadline = now_ms() + (int64_t)IN_ALL * worker->server->options.io_timeout_ms;
	(void)pthread_mutex_unlock(&worker->lock);
}

void fastcgi_set_deadline(struct fastcgi_worker *worker, bool on)
{
	(void)pthread_mutex_lock(&worker->lock);
	worker->deadline =
	        on ? now_ms() + (int64_t)IN_ALL * worker->server->options.io_timeout_ms : 0;
	(void)pthread_mutex_unlock(&worker->lock);
}

void fastcgi_unwatch(struct fastcgi_worker *worker)
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

void fastcgi_cut_off_the_late(struct fastcgi_server *server)
{
	int64_t now = now_ms();

	for (unsigned i = 0; i < server->started; i++) {
		struct fastcgi_worker *worker = &server->workers[i];
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

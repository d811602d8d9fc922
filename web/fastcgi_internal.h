/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcgi_internal.h: what the files of the FastCGI server (web/fastcgi*.c) share; nobody else
 * includes it.
 */
#ifndef FLEETPORT_WEB_FASTCGI_INTERNAL_H
#define FLEETPORT_WEB_FASTCGI_INTERNAL_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "web/fastcgi.h"
#include "web/internal.h"

#include <pthread.h>

enum {
	FASTCGI_HEADER_NAMES = 8 << 10, /* bytes of one request's header names */
};

struct fastcgi_server;

struct fastcgi_worker {
	struct fastcgi_server *server;
	pthread_t thread;
	int epoll; /* of the listener and server->wake */
	struct arena *arena;
	struct buf body;
	pthread_mutex_t lock; /* over what the watchdog looks at: */
	int watched;          /* a duplicate of the connection, or -1 */
	int64_t deadline;     /* monotonic ms, or 0: none now (our own handler is at work) */
};

struct fastcgi_server {
	const struct web_site *site;
	struct web_fastcgi_options options;
	int listener;
	int wake; /* eventfd: the program should stop */
	int done; /* eventfd: counts the workers that have ended */
	struct fastcgi_worker *workers;
	unsigned started;
};

/* ---- fastcgi_params.c */

/* A request's parameters, as web_handle() takes them. Large: it belongs in an arena. */
struct fastcgi_params {
	struct web_incoming in;
	struct web_header headers[WEB_MAX_HEADERS + 1]; /* one more, so that too many are seen */
	char names[FASTCGI_HEADER_NAMES];
	size_t names_used;
	const char *content_type, *content_length;
};

/* Fills in all of p but the body, from "NAME=value" texts (NULL at the end), which are split in
 * place and must outlive p. false: they are not what nginx should send, the fault of its
 * configuration. */
bool fastcgi_read_params(struct fastcgi_params *p, char **envp)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Overwrites the values of all headers, the browser's session among them: they lie in the texts that were
 * read, which libfcgi frees as they are. */
void fastcgi_forget_headers(const struct fastcgi_params *p) __attribute__((nonnull));

/* ---- fastcgi_request.c */

/* Sets libfcgi up, once, before the first connection. */
bool fastcgi_init_library(struct err *e) __attribute__((warn_unused_result));

/* Serves the one request of a connection. Takes over fd. */
void fastcgi_serve_connection(struct fastcgi_worker *worker, int fd) __attribute__((nonnull(1)));

/* ---- fastcgi_watchdog.c */

/* From here on the connection must end in time. */
void fastcgi_watch(struct fastcgi_worker *worker, int fd) __attribute__((nonnull(1)));

/* on: the time for arriving or leaving begins (anew); off: our own handler is at work, which has
 * its own limits. */
void fastcgi_set_deadline(struct fastcgi_worker *worker, bool on) __attribute__((nonnull(1)));

/* The connection has ended. */
void fastcgi_unwatch(struct fastcgi_worker *worker) __attribute__((nonnull(1)));

/* Shuts down the connections whose time is up. For the main thread, now and then. */
void fastcgi_cut_off_the_late(struct fastcgi_server *server) __attribute__((nonnull(1)));

/* ---- fastcgi_worker.c */

/* Starts the next worker, server->workers[server->started]. */
bool fastcgi_start_worker(struct fastcgi_server *server, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Joins a worker that has ended (it counted itself in server->done) and frees what it had. */
void fastcgi_join_worker(struct fastcgi_worker *worker) __attribute__((nonnull(1)));

/* Adds one to an eventfd. */
void fastcgi_signal(int event);

#endif

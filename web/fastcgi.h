/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcgi.h: serves a site over FastCGI on a unix socket (libfcgi with an accept of our own; why:
 * docs/decisions/). Request bodies are read whole under the limits before web_handle() runs; a
 * request that was cut off is dropped, never served.
 */
#ifndef FLEETPORT_WEB_FASTCGI_H
#define FLEETPORT_WEB_FASTCGI_H

#include "lib/error.h"
#include "web/route.h"

struct web_fastcgi_options {
	const char *socket_path; /* created with mode 0660; a stale one is replaced */
	unsigned threads;        /* workers */
	long peer_uid; /* the only uid (besides our own and root) that may connect; -1: any */
	unsigned io_timeout_ms; /* for each read and write; 0: 10 000 */
	size_t max_body;        /* hard cap before any route is known; 0: 8 MiB */
	int stop_fd;            /* readable (eventfd) when the program should drain and return */
	void (*ready)(void *context); /* called once, when the program answers; NULL: nobody asks */
	void *ready_context;
};

/* Serves until stop_fd is readable, then finishes what was begun and returns true. */
bool web_fastcgi_serve(const struct web_site *site, const struct web_fastcgi_options *options,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2)));

#endif

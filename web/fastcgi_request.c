/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcgi_request.c: one request by libfcgi 2.4.2, on a connection that we accepted. Only this file
 * sees libfcgi.
 *
 * FCGX_Accept_r() is called with listen_sock -1: that never blocks in accept, and fails instead of
 * taking the next connection. What libfcgi serves although it was cut off is dropped here.
 */
#include "web/fastcgi_internal.h"

#include "lib/file.h"
#include "lib/log.h"

#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	RESPONDER = 1,         /* FastCGI 1.0, 3.3 */
	KEPT_BODY = 256 << 10, /* a larger body buffer is given back after its request */
};

/* libfcgi puts its own handlers on SIGTERM, SIGUSR1 and SIGPIPE, and waits seconds for a peer to
 * close. Neither is wanted here. */
bool fastcgi_init_library(struct err *e)
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

/* false: cut off, or not as long as was said. A body beyond the hard cap is not read: web_handle()
 * sees body NULL and answers 413. */
static bool read_body(struct fastcgi_worker *worker, FCGX_Request *fcgi, struct web_incoming *in)
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
	file_wipe(&head); /* a new session's cookie stands in it */
	return ok;
}

/* false: there is nobody to answer, or the request is not whole. */
static bool answer(struct fastcgi_worker *worker, FCGX_Request *fcgi)
{
	struct fastcgi_params *p = arena_alloc(worker->arena, sizeof *p);
	struct web_response rs;
	bool ok;

	if (p == NULL || fcgi->role != RESPONDER || !fastcgi_read_params(p, fcgi->envp)) {
		log_event(LOG_LEVEL_ERROR, "request-refused", "reason",
		        "its FastCGI parameters are not what nginx should send", NULL);
		return false;
	}
	if (!read_body(worker, fcgi, &p->in)) {
		log_event(LOG_LEVEL_WARNING, "request-dropped", "reason", "its body was cut off",
		        NULL);
		fastcgi_forget_headers(p);
		return false;
	}
	fastcgi_set_deadline(worker, false);
	web_handle(worker->server->site, &p->in, worker->arena, &rs);
	fastcgi_set_deadline(worker, true);
	ok = write_answer(fcgi, &rs);
	buf_free(&rs.body);
	fastcgi_forget_headers(p);
	return ok;
}

static void clear_request(struct fastcgi_worker *worker)
{
	if (worker->body.data != NULL)
		explicit_bzero(worker->body.data, worker->body.len); /* passwords come in forms */
	if (worker->body.cap > KEPT_BODY)
		buf_free(&worker->body);
	else
		buf_reset(&worker->body);
	arena_wipe(worker->arena); /* sessions, passwords, invitations */
}

/* Takes over fd. */
void fastcgi_serve_connection(struct fastcgi_worker *worker, int fd)
{
	FCGX_Request fcgi;
	bool ok;

	if (FCGX_InitRequest(&fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
		(void)close(fd);
		return;
	}
	fastcgi_watch(worker, fd);
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
	fastcgi_unwatch(worker);
	clear_request(worker);
}

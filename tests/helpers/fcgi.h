/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi.h: a FastCGI client for tests, that can also write what nginx never would. Every function
 * ends the test when something fails that should not.
 */
#ifndef FLEETPORT_TESTS_HELPERS_FCGI_H
#define FLEETPORT_TESTS_HELPERS_FCGI_H

#include "lib/buf.h"

/* FastCGI 1.0, 3.3 and 8 */
enum { FCGI_BEGIN = 1, FCGI_ABORT = 2, FCGI_PARAMS = 4, FCGI_STDIN = 5, FCGI_STDOUT = 6 };
enum { FCGI_RESPONDER = 1, FCGI_AUTHORIZER = 2, FCGI_KEEP_CONN = 1 };

struct fcgi_request {
	const char *method, *uri, *body, *length;
	const char *more[8]; /* further parameters: name, value … */
	int role, flags;
};

/* Connects to a unix socket; -1: nobody listens. */
int fcgi_connect(const char *path);

/* Appends one record, the body of a BEGIN record, one parameter. */
void fcgi_record(struct buf *b, int type, const void *data, size_t len);
void fcgi_begin(struct buf *b, int role, int flags);
void fcgi_param(struct buf *b, const char *name, const char *value);

/* A whole request, as nginx writes it; free it. */
struct buf fcgi_request(const struct fcgi_request *want);

void fcgi_send(int fd, const char *data, size_t len);

/* The bytes of all STDOUT records until the other side closes, as text; closes fd. Free it. */
struct buf fcgi_answer(int fd);

#endif

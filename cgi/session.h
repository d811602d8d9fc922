/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h: signing in and out, the same on both sites.
 */
#ifndef FLEETPORT_CGI_SESSION_H
#define FLEETPORT_CGI_SESSION_H

#include "cgi/guard.h"

enum { SESSION_NEXT_MAX = 512 }; /* bytes of "next": where to go after signing in */

/* The form; what "/" shows to a stranger. Field "next". */
void session_form(struct web_request *rq, struct web_response *rs);
void session_begin(struct web_request *rq, struct web_response *rs); /* POST /session */
void session_end(struct web_request *rq, struct web_response *rs);   /* POST /session/end */

extern const struct web_field session_begin_fields[];
extern const struct web_field session_next_field[];

/* Their rows, for a site's route table. */
#define SESSION_ROUTES                                                                             \
	{.id = "session.form",                                                                     \
	        .path = "/sign-in",                                                                \
	        .who = WHO_ANYONE,                                                                 \
	        .fields = session_next_field,                                                      \
	        .handler = session_form},                                                          \
	        {.id = "session.begin",                                                            \
	                .method = WEB_POST,                                                        \
	                .path = "/session",                                                        \
	                .who = WHO_ANYONE,                                                         \
	                .flags = WEB_HEADERS_ONLY_CSRF,                                            \
	                .fields = session_begin_fields,                                            \
	                .handler = session_begin},                                                 \
	{                                                                                          \
		.id = "session.end", .method = WEB_POST, .path = "/session/end",                   \
		.who = WHO_SIGNED_IN, .handler = session_end                                       \
	}

#endif

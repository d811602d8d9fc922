/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.h: a site in the test's own process, over a world (world.h) and a real fleetport-audit
 * (./fleetport-audit, or what FLEETPORT_AUDIT names), asked through the memory transport. Every
 * function ends the test when something fails.
 */
#ifndef FLEETPORT_TESTS_HELPERS_SITE_H
#define FLEETPORT_TESTS_HELPERS_SITE_H

#include "cgi/site.h"
#include "tests/helpers/audit.h"
#include "tests/helpers/world.h"

struct test_site {
	struct world *world;
	struct config *config;
	struct site_program program;
	struct buf answer;
};

/* Opens a site on the world, with the world's clock. more: lines for the configuration, or NULL. */
struct test_site *test_site_open(
        struct world *world, const struct site_kind *kind, const char *more);
void test_site_close(struct test_site *site);

/* One request. NULL members are left out; origin is sent with a POST (default: the site's own). */
struct test_request {
	const char *method;  /* default: GET, or POST with a body */
	const char *target;  /* "/devices?state=idle" */
	const char *token;   /* of a session: its cookie */
	const char *browser; /* the cookie of a browser that signed in before */
	const char *body;    /* a form; "csrf" of the token's session is put in front */
	const char *origin;  /* "-": none */
	const char *csrf;    /* instead of the right one; "-": none */
	const char *address;
};

/* The whole answer as HTTP text ("Status: …"); valid until the next request. */
const char *test_ask(struct test_site *site, const struct test_request *rq);

int test_status(const char *answer);
const char *test_body(const char *answer);
/* The value of a header, or NULL; in a buffer of the function's own. */
const char *test_header(const char *answer, const char *name);

/* Begins a session for a person, as signing in does, and gives its token; arena of the world. */
const char *test_session(struct test_site *site, const struct world_ids *person);

/* The token that a form of this session carries; arena of the world. */
const char *test_csrf(struct test_site *site, const char *token);

#endif

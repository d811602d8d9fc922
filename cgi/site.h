/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.h: what the two site programs share: start-up, the parts that every handler needs, and stop.
 */
#ifndef FLEETPORT_CGI_SITE_H
#define FLEETPORT_CGI_SITE_H

#include "core/changes.h"
#include "core/sign_in.h"
#include "lib/program.h"
#include "web/route.h"

#include <stdatomic.h>

/* What makes a site this one and not the other. */
struct site_kind {
	enum site site;
	const char *name;      /* "user": section of the configuration, program name, sockets */
	const char *url;       /* the option of [fleetport] with the public URL: "user_url" */
	const char *cookie;    /* "__Host-fleetport-user" */
	const char *same_site; /* of the cookie: "Lax" */
	const char *browser_cookie; /* "__Host-fleetport-user-browser": known_browser.h */
	const struct web_route *routes;
	size_t route_count;
	const struct sql_table *const *tables; /* ended by NULL */
	unsigned read, write, own;             /* stores (sql.h) */
	change_made *also_made; /* for changes_close(); NULL: core's marks say it all */
};

struct strangers;

/* The running site: what handlers reach through site_of(rq). Constant while it serves, but for what
 * is atomic. */
struct site_program {
	const struct site_kind *kind;
	const struct config *config;
	struct sql_db *db;
	struct audit_client *audit;
	struct keys *keys;
	struct passwords *passwords;
	const struct clock *clock;
	struct sign_in sign_in;
	struct changes changes;
	struct strangers *strangers;
	unsigned sign_ins_max;        /* so many workers at once may wait for a password check */
	_Atomic unsigned sign_ins;    /* so many do */
	bool demo;                    /* the data is made up: pages say so */
	const char *security_contact; /* for security.txt: mailto: or https:, or NULL */
	struct web_site web;
};

/* The options of a site's section: threads, nginx_user, demo, security_contact. Put
 * SITE_OPTIONS("user") into the program's table. */
#define SITE_OPTIONS(section)                                                                      \
	{section, "threads", CONFIG_INT, .fallback = "16", .min = 2, .max = 256},                  \
	        {section, "nginx_user", CONFIG_TEXT, .fallback = "www-data"},                      \
	        {section, "demo", CONFIG_FLAG, .fallback = "no"},                                  \
	{                                                                                          \
		section, "security_contact", CONFIG_TEXT, .fallback = NULL                         \
	}

/* The whole life of a site program, for struct program.run. */
bool site_run(const struct site_kind *kind, struct program_run *run, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Its parts, for tests: opens what site->kind, ->config and ->clock ask for; false: nothing is left
 * open. Close with site_close(). */
bool site_open(struct site_program *site, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void site_close(struct site_program *site) __attribute__((nonnull));

static inline struct site_program *site_of(const struct web_request *rq)
{
	return rq->site->context;
}

/* Handlers that both sites have. */
void site_healthz(struct web_request *rq, struct web_response *rs); /* the process lives */
void site_readyz(struct web_request *rq, struct web_response *rs);  /* database and audit answer */
void site_robots(struct web_request *rq, struct web_response *rs);
void site_security_txt(struct web_request *rq, struct web_response *rs); /* RFC 9116 */
void site_change_password(struct web_request *rq, struct web_response *rs);

/* Their rows, for a site's route table. */
#define SITE_ROUTES                                                                                \
	{.id = "site.healthz",                                                                     \
	        .path = "/healthz",                                                                \
	        .who = WHO_NO_SESSION,                                                             \
	        .handler = site_healthz},                                                          \
	        {.id = "site.readyz",                                                              \
	                .path = "/readyz",                                                         \
	                .who = WHO_NO_SESSION,                                                     \
	                .handler = site_readyz},                                                   \
	        {.id = "site.robots",                                                              \
	                .path = "/robots.txt",                                                     \
	                .who = WHO_NO_SESSION,                                                     \
	                .handler = site_robots},                                                   \
	        {.id = "site.security_txt",                                                        \
	                .path = "/.well-known/security.txt",                                       \
	                .who = WHO_NO_SESSION,                                                     \
	                .handler = site_security_txt},                                             \
	{                                                                                          \
		.id = "site.change_password", .path = "/.well-known/change-password",              \
		.who = WHO_NO_SESSION, .handler = site_change_password                             \
	}

#endif

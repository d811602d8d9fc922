/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/site.h"

#include "cgi/guard.h"
#include "cgi/nginx_user.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "cgi/strangers.h"
#include "core/program_record.h"
#include "lib/parse.h"
#include "web/fastcgi.h"

#include <stdio.h>
#include <string.h>

enum { CONTACT_DAYS = 180 };

/* ---- start and stop */

static bool open_store(struct site_program *site, struct err *e)
{
	const struct site_kind *kind = site->kind;
	const struct sql_options options = {
	        .directory = config_text(site->config, "fleetport", "data"),
	        .read = kind->read,
	        .write = kind->write,
	        .own = kind->own,
	        .tables = kind->tables,
	        .clock = site->clock};

	return sql_open(&options, &site->db, e);
}

static bool open_audit(struct site_program *site, struct err *e)
{
	char name[64];
	const char *path;

	(void)snprintf(name, sizeof name, "audit-%s.sock", site->kind->name);
	path = config_path(site->config, "run", name);
	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	site->audit = audit_client_new(path, e);
	return site->audit != NULL;
}

static void describe(struct site_program *site)
{
	const struct site_kind *kind = site->kind;

	site->sign_in = (struct sign_in){.db = site->db,
	        .keys = site->keys,
	        .passwords = site->passwords,
	        .clock = site->clock,
	        .site = kind->site};
	site->changes =
	        (struct changes){.db = site->db, .audit = site->audit, .program = kind->name};
	site->sign_ins_max = (unsigned)config_int(site->config, kind->name, "threads") / 2;
	site->demo = config_flag(site->config, kind->name, "demo");
	site->security_contact = config_text(site->config, kind->name, "security_contact");
	site->web = (struct web_site){.name = kind->name,
	        .public_url = config_text(site->config, "fleetport", kind->url),
	        .routes = kind->routes,
	        .route_count = kind->route_count,
	        .context = site,
	        .guard = guard_check,
	        .leaving = reply_leaving,
	        .error_page = page_error_show};
}

bool site_open(struct site_program *site, struct err *e)
{
	site->strangers = strangers_new();
	if (site->strangers == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the site");
	site->keys = keys_load(config_text(site->config, "fleetport", "secrets"), e);
	if (site->keys == NULL)
		goto fail;
	site->passwords = passwords_new(site->keys, e);
	if (site->passwords == NULL || !open_store(site, e) || !open_audit(site, e))
		goto fail;
	describe(site);
	if (web_site_check(&site->web, e))
		return true;
fail:
	site_close(site);
	return false;
}

void site_close(struct site_program *site)
{
	audit_client_free(site->audit);
	sql_close(site->db);
	passwords_free(site->passwords);
	keys_free(site->keys);
	strangers_free(site->strangers);
	site->audit = NULL;
	site->db = NULL;
	site->passwords = NULL;
	site->keys = NULL;
	site->strangers = NULL;
}

/* What a predecessor left open is closed before anything is served. */
static bool settle(void *arg, struct err *e)
{
	struct site_program *site = arg;
	bool writes_core = (site->kind->write & 1u << SQL_CORE) != 0;

	return changes_close(&site->changes, writes_core, site->kind->also_made, NULL, e);
}

static void say_ready(void *run)
{
	program_ready(run);
}

static bool serve(struct site_program *site, struct program_run *run, struct err *e)
{
	char name[64];
	struct web_fastcgi_options options = {
	        .threads = (unsigned)config_int(site->config, site->kind->name, "threads"),
	        .stop_fd = run->stop_fd,
	        .max_body = 1 << 20,
	        .ready = say_ready,
	        .ready_context = run};
	bool stopped = false;

	(void)snprintf(name, sizeof name, "%s.sock", site->kind->name);
	options.socket_path = config_path(site->config, "run", name);
	if (options.socket_path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	if (!nginx_user_find(site->config, site->kind->name, &options.peer_uid, e) ||
	        !program_record_start(run, site->audit, settle, site, &stopped, e))
		return false;
	if (stopped)
		return true;
	if (!web_fastcgi_serve(&site->web, &options, e))
		return false;
	guard_end(site);
	program_record_stop(run, site->audit);
	return true;
}

bool site_run(const struct site_kind *kind, struct program_run *run, struct err *e)
{
	struct site_program site = {.kind = kind, .config = run->config, .clock = clock_real()};
	bool ok;

	if (!out_start(LOCALEDIR))
		return err_set(e, ERR_MEMORY, "no memory for the translations");
	if (!site_open(&site, e))
		return false;
	ok = serve(&site, run, e);
	site_close(&site);
	return ok;
}

/* ---- handlers that both sites have */

static void say(struct web_response *rs, int status, const char *text)
{
	web_begin(rs, status, "text/plain; charset=utf-8");
	buf_puts(&rs->body, text);
}

void site_healthz(struct web_request *rq, struct web_response *rs)
{
	(void)rq;
	say(rs, 200, "ok\n");
}

void site_readyz(struct web_request *rq, struct web_response *rs)
{
	struct err e = ERR_CLEAR;
	int64_t number;

	if (visit_conn(rq, &e) == NULL) {
		say(rs, 503, "the database does not answer\n");
		return;
	}
	visit_release(rq);
	if (audit_last(site_of(rq)->audit, &number, &e))
		say(rs, 200, "ready\n");
	else
		say(rs, 503, "the audit process does not answer\n");
}

void site_robots(struct web_request *rq, struct web_response *rs)
{
	(void)rq;
	say(rs, 200, "User-agent: *\nDisallow: /\n");
}

void site_security_txt(struct web_request *rq, struct web_response *rs)
{
	const struct site_program *site = site_of(rq);
	const int64_t day = 86400000;
	int64_t expires = visit_of(rq)->now / day * day + CONTACT_DAYS * day;
	char text[PARSE_TIME_SIZE];

	if (site->security_contact == NULL) {
		web_error(rq, rs, 404, "This installation names no contact for security reports.");
		return;
	}
	web_begin(rs, 200, "text/plain; charset=utf-8");
	buf_printf(&rs->body,
	        "Contact: %s\nExpires: %s\nPreferred-Languages: en\n"
	        "Canonical: %s/.well-known/security.txt\n",
	        site->security_contact, parse_time_text(expires, text), site->web.public_url);
}

/* Passwords are changed by an administrator for now; who is led here by a password manager lands
 * where that is said or where they can sign in. */
void site_change_password(struct web_request *rq, struct web_response *rs)
{
	web_redirect(rq, rs, "/");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fleetport-enroll: agents' certificates. */
#include "cgi/enroll/enroll.h"

#include "cgi/nginx_user.h"
#include "lib/log.h"
#include "lib/program.h"
#include "web/fastcgi.h"

enum { TRY_AGAIN_MS = 500 };

/* What a predecessor left open is closed, the start recorded, and the broker's list is what the
 * database says. */
static bool settle(struct enroll *enroll, struct program_run *run, struct err *e)
{
	const struct audit_entry started = {.actor_kind = "program",
	        .actor_id = run->program->name,
	        .action = "program.start",
	        .outcome = AUDIT_DONE};

	return changes_close(&enroll->changes, true, NULL, NULL, e) &&
	       agents_publish_revoked(enroll->db, enroll->revoked_agents, e) &&
	       audit_record(enroll->audit, &started, NULL, e);
}

/* Waits for the store and the audit process. *stopped: the end was asked for meanwhile. */
static bool wait_until_settled(
        struct enroll *enroll, struct program_run *run, bool *stopped, struct err *e)
{
	bool said = false;

	*stopped = false;
	while (!*stopped && !settle(enroll, run, e)) {
		if (e->code != ERR_UNAVAILABLE && e->code != ERR_BUSY && e->code != ERR_IO)
			return false;
		if (!said)
			log_event(LOG_LEVEL_WARNING, "waiting", "reason", e->text, NULL);
		said = true;
		*stopped = program_pause(run, TRY_AGAIN_MS);
	}
	return true;
}

static void record_stop(struct enroll *enroll, const char *name)
{
	const struct audit_entry stopped = {.actor_kind = "program",
	        .actor_id = name,
	        .action = "program.stop",
	        .outcome = AUDIT_DONE};
	struct err e = ERR_CLEAR;

	if (!audit_record(enroll->audit, &stopped, NULL, &e))
		log_event(LOG_LEVEL_ERROR, "stop-not-recorded", "reason", e.text, NULL);
}

static void say_ready(void *run)
{
	program_ready(run);
}

static bool serve(struct enroll *enroll, struct program_run *run, long peer, struct err *e)
{
	const struct web_fastcgi_options options = {
	        .socket_path = config_path(run->config, "run", "enroll.sock"),
	        .threads = (unsigned)config_int(run->config, "enroll", "threads"),
	        .peer_uid = peer,
	        .max_body = ENROLMENT_MAX,
	        .stop_fd = run->stop_fd,
	        .ready = say_ready,
	        .ready_context = run};
	bool stopped;

	if (options.socket_path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	if (!wait_until_settled(enroll, run, &stopped, e))
		return false;
	if (stopped)
		return true;
	if (!web_fastcgi_serve(&enroll->site, &options, e))
		return false;
	record_stop(enroll, run->program->name);
	return true;
}

static bool run(struct program_run *run, struct err *e)
{
	struct enroll enroll = {.config = run->config, .clock = clock_real()};
	const struct sql_options sql = {.directory = config_text(run->config, "fleetport", "data"),
	        .read = 1u << SQL_CORE,
	        .write = 1u << SQL_CORE,
	        .tables = enroll_tables};
	long peer = -1;
	bool ok;

	/* The peer's name is looked up before the store's threads start. */
	if (!nginx_user_find(run->config, "enroll", &peer, e) || !sql_open(&sql, &enroll.db, e))
		return false;
	ok = enroll_open(&enroll, e);
	if (ok) {
		ok = serve(&enroll, run, peer, e);
		enroll_close(&enroll);
	}
	sql_close(enroll.db);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct program program = {.name = "fleetport-enroll",
	        .summary = "Gives invited agents their certificates, behind nginx over FastCGI.",
	        .options = enroll_options,
	        .run = run};

	return program_main(&program, argc, argv);
}

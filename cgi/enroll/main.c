/* SPDX-License-Identifier: Apache-2.0 */
/* fleetport-enroll: agents' certificates. */
#include "cgi/enroll/enroll.h"

#include "cgi/nginx_user.h"
#include "core/program_record.h"
#include "lib/program.h"
#include "web/fastcgi.h"

/* What a predecessor left open is closed, and the broker's list is what the database says. */
static bool settle(void *arg, struct err *e)
{
	struct enroll *enroll = arg;

	return changes_close(&enroll->changes, true, NULL, NULL, e) &&
	       agents_publish_revoked(enroll->db, enroll->revoked_agents, e);
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
	if (!program_record_start(run, enroll->audit, settle, enroll, &stopped, e))
		return false;
	if (stopped)
		return true;
	if (!web_fastcgi_serve(&enroll->site, &options, e))
		return false;
	program_record_stop(run, enroll->audit);
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

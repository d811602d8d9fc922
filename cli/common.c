/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common.c: what the commands share: options, stores, the audit log, finding things.
 */
#include "cli/cli.h"

#include "core/agents.h"
#include "core/contracts.h"
#include "core/grants.h"
#include "core/models.h"
#include "core/sessions.h"
#include "lib/parse.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000 };

/* ---- the command line */

const char *cli_value(const struct cli *cli, const char *option)
{
	size_t i = 0;

	while (cli->command->options[i].name != NULL &&
	        strcmp(cli->command->options[i].name, option) != 0)
		i++;
	assert(cli->command->options[i].name != NULL);
	return cli->values[i];
}

bool cli_number(const struct cli *cli, const char *option, int64_t min, int64_t max,
        int64_t fallback, int64_t *out, struct err *e)
{
	const char *value = cli_value(cli, option);

	if (value == NULL) {
		*out = fallback;
		return true;
	}
	if (!parse_int(value, min, max, out))
		return err_set(e, ERR_INVALID, "--%s is a number from %lld to %lld", option,
		        (long long)min, (long long)max);
	return true;
}

bool cli_time(const struct cli *cli, const char *option, int64_t *out, struct err *e)
{
	const char *value = cli_value(cli, option);
	char day[40];

	if (value == NULL || parse_time(value, out))
		return true;
	if (strlen(value) == 10) {
		(void)snprintf(day, sizeof day, "%sT00:00:00Z", value);
		if (parse_time(day, out))
			return true;
	}
	return err_set(e, ERR_INVALID,
	        "--%s is a date (2026-11-22) or a time (2026-11-22T09:00:00Z)", option);
}

int64_t cli_now(void)
{
	return clock_wall_ms(clock_real());
}

bool cli_confirm(const struct cli *cli, const char *what_happens, struct err *e)
{
	char answer[8];

	if (what_happens == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the question");
	if (cli_value(cli, "yes") != NULL || isatty(STDIN_FILENO) == 0 ||
	        isatty(STDERR_FILENO) == 0)
		return true;
	(void)fprintf(stderr, "%s\nGo on? [y/N] ", what_happens);
	if (fgets(answer, sizeof answer, stdin) != NULL &&
	        (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return true;
	return err_set(e, ERR_CONFLICT, "nothing was done");
}

/* ---- stores, keys, audit log */

bool cli_open(struct cli *cli, struct err *e)
{
	static const struct sql_table *const tables[] = {&accounts_sql, &agents_sql, &changes_sql,
	        &contracts_sql, &grants_sql, &groups_sql, &invitations_sql, &models_sql,
	        &organisations_sql, &sessions_sql, NULL};
	struct sql_options options = {
	        .directory = config_text(cli->config, "fleetport", "data"),
	        .read = 1u << SQL_CORE,
	        .write = 1u << SQL_CORE,
	        .readers = 1,
	        .tables = tables,
	};

	return cli->db != NULL || sql_open(&options, &cli->db, e);
}

bool cli_open_keys(struct cli *cli, struct err *e)
{
	if (cli->keys == NULL)
		cli->keys = keys_load(config_text(cli->config, "fleetport", "secrets"), e);
	return cli->keys != NULL;
}

bool cli_open_audit(struct cli *cli, struct err *e)
{
	const char *path = config_path(cli->config, "run", "audit-cli.sock");

	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	if (cli->audit == NULL)
		cli->audit = audit_client_new(path, e);
	return cli->audit != NULL;
}

struct sql_conn *cli_read(struct cli *cli, struct err *e)
{
	struct sql_conn *conn;

	if (!cli_open(cli, e))
		return NULL;
	conn = sql_borrow(cli->db, TIMEOUT_MS, e);
	if (conn == NULL && e != NULL && e->code == ERR_UNAVAILABLE)
		(void)err_wrap(e, "no database yet (fleetport init makes it)");
	return conn;
}

struct audit_entry cli_entry(const struct cli *cli, const char *action, const char *target_kind)
{
	return (struct audit_entry){.actor_kind = "console",
	        .actor_id = cli->actor,
	        .action = action,
	        .target_kind = target_kind};
}

/* Changes of the command line happen one after the other, so that what a killed predecessor left open
 * can be told from what another one is doing. Returns the lock, -1 on failure. */
static int take_turn(struct cli *cli, struct err *e)
{
	const char *path = config_path(cli->config, "run", "cli.lock");
	int fd;

	if (path == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for a path");
		return -1;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		(void)err_errno(e, "%s", path);
		return -1;
	}
	while (flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR) {
			(void)err_errno(e, "%s", path);
			(void)close(fd);
			return -1;
		}
	}
	return fd;
}

bool cli_change(struct cli *cli, const char *action, const char *target_kind, const char *target,
        const char *customer, sql_work *work, void *arg, struct err *e)
{
	struct audit_entry entry = cli_entry(cli, action, target_kind);
	const char *const targets[] = {target};
	struct changes changes = {.program = "cli"};
	bool ok;
	int turn;

	if (!cli_open(cli, e) || !cli_open_audit(cli, e))
		return false;
	turn = take_turn(cli, e);
	if (turn < 0)
		return false;
	changes.db = cli->db;
	changes.audit = cli->audit;
	entry.targets = targets;
	entry.target_count = target != NULL ? 1 : 0;
	entry.customer = customer;
	ok = changes_close(&changes, true, NULL, NULL, e) &&
	     changes_run(&changes, &entry, work, arg, e);
	(void)close(turn); /* also lets go of the lock */
	return ok;
}

struct named_change {
	cli_named_work *work;
	const char *public_id;
	int64_t now;
};

static bool named_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct named_change *change = arg;

	return change->work(write, change->public_id, change->now, e);
}

bool cli_change_named(struct cli *cli, const char *action, const char *target_kind,
        const char *target, const char *customer, cli_named_work *work, struct err *e)
{
	struct named_change change = {work, target, cli_now()};

	return cli_change(cli, action, target_kind, target, customer, named_work, &change, e);
}

bool cli_record(struct cli *cli, const char *action, const char *target_kind, const char *target,
        const char *details, struct err *e)
{
	struct audit_entry entry = cli_entry(cli, action, target_kind);
	const char *const targets[] = {target};

	if (!cli_open_audit(cli, e))
		return false;
	entry.targets = targets;
	entry.target_count = target != NULL ? 1 : 0;
	entry.details = details;
	entry.outcome = AUDIT_DONE;
	return audit_record(cli->audit, &entry, NULL, e) ||
	       err_wrap(e, "nothing is shown that cannot be recorded");
}

/* ---- finding what an option names */

bool cli_organisation(
        struct cli *cli, const char *id_or_name, struct organisation *out, struct err *e)
{
	struct sql_conn *conn = cli_read(cli, e);
	bool ok;

	if (conn == NULL)
		return false;
	ok = organisations_find(conn, cli->arena, id_or_name, out, e);
	sql_return(conn);
	return ok;
}

bool cli_organisation_of(struct cli *cli, const char *kind, const char *id_or_name,
        struct organisation *out, struct err *e)
{
	struct organisation *list;
	struct sql_conn *conn;
	size_t count, hits = 0;
	bool ok;

	conn = cli_read(cli, e);
	if (conn == NULL)
		return false;
	ok = organisations_list(conn, cli->arena, kind, &list, &count, e);
	sql_return(conn);
	if (!ok)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].public_id, id_or_name) == 0 ||
		        strcmp(list[i].name, id_or_name) == 0) {
			*out = list[i];
			hits++;
		}
	if (hits == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such %s", kind);
	return true;
}

bool cli_customer(struct cli *cli, struct organisation *out, struct err *e)
{
	const char *of = cli_value(cli, "customer");

	*out = (struct organisation){.id = 0};
	return of == NULL || cli_organisation_of(cli, "customer", of, out, e);
}

bool cli_account(struct cli *cli, const char *id_or_name, struct account *out, struct err *e)
{
	struct sql_conn *conn;
	bool ok;

	if (!cli_open_keys(cli, e))
		return false;
	conn = cli_read(cli, e);
	if (conn == NULL)
		return false;
	if (parse_public_id(id_or_name, "pe_"))
		ok = accounts_find(conn, cli->keys, cli->arena, id_or_name, out, e);
	else
		ok = accounts_find_by_name(conn, cli->keys, cli->arena, id_or_name, out, e);
	sql_return(conn);
	return ok;
}

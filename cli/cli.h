/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h: what the commands of `fleetport` share.
 *
 * A command is a row of a table: noun, verb, options, function. One file a noun. A command that
 * changes something goes through cli_change(), which records it with actor "console", "uid N"; one
 * that shows personal data or the audit log records that first (cli_record). No command shows
 * device data.
 */
#ifndef FLEETPORT_CLI_CLI_H
#define FLEETPORT_CLI_CLI_H

#include "core/accounts.h"
#include "core/audit.h"
#include "core/changes.h"
#include "core/groups.h"
#include "core/keys.h"
#include "core/organisations.h"
#include "db/sql.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/config.h"

struct cli;

struct cli_option {
	const char *name;     /* without "--"; NULL ends the table */
	const char *argument; /* "FILE" for the help; NULL: a flag */
	bool required;
	const char *help;
};

struct cli_command {
	const char *noun, *verb; /* verb "": the noun alone ("init") */
	const char *summary;
	const char *subject; /* "ID": one argument without an option; NULL: none */
	const struct cli_option *options;
	bool (*run)(struct cli *cli, struct err *e);
};

/* The commands of a file, ended by an entry without a noun. */
extern const struct cli_command cli_agent_commands[], cli_audit_commands[], cli_contract_commands[],
        cli_doctor_commands[], cli_grant_commands[], cli_group_commands[], cli_init_commands[],
        cli_model_commands[], cli_organisation_commands[], cli_user_commands[];

struct cli {
	const struct cli_command *command;
	const char *config_path;
	struct config *config;
	struct arena *arena;
	bool json;
	const char *subject;
	const char **values; /* by the command's options; NULL: not given */
	char actor[32];      /* "uid 0" */
	char granted_by[40]; /* "console uid 0": in rows that say by whom */
	struct buf out;      /* goes to standard output when the command succeeded */
	int exit_status;     /* of a command that ended well but found faults (doctor) */
	/* opened when first needed */
	struct sql_db *db;
	struct keys *keys;
	struct audit_client *audit;
};

/* ---- the command line */

/* The value of an option ("" for a flag), or NULL. The name must be in the command's table. */
const char *cli_value(const struct cli *cli, const char *option);

/* A number of an option within [min, max], or the fallback. */
bool cli_number(const struct cli *cli, const char *option, int64_t min, int64_t max,
        int64_t fallback, int64_t *out, struct err *e);

/* A time of an option: RFC 3339, or a date alone ("2026-11-22", its first moment in UTC). Not given:
 * *out is unchanged. */
bool cli_time(const struct cli *cli, const char *option, int64_t *out, struct err *e);

int64_t cli_now(void);

/* Says what will happen and asks whether to go on, where somebody sits at a terminal and did not say
 * --yes (CLI_YES_OPTION, which the command must have). false: no, or what_happens is NULL (no memory
 * for it). Scripts are not asked. */
bool cli_confirm(const struct cli *cli, const char *what_happens, struct err *e)
        __attribute__((warn_unused_result));
#define CLI_YES_OPTION                                                                             \
	{                                                                                          \
		"yes", NULL, false, "do not ask first"                                             \
	}

/* ---- stores, keys, audit log */

/* Opens core (to read and write); harmless to repeat. ERR_UNAVAILABLE: `init` was not run. */
bool cli_open(struct cli *cli, struct err *e) __attribute__((warn_unused_result));
bool cli_open_keys(struct cli *cli, struct err *e) __attribute__((warn_unused_result));
bool cli_open_audit(struct cli *cli, struct err *e) __attribute__((warn_unused_result));

/* A read connection of core, opened where needed. */
struct sql_conn *cli_read(struct cli *cli, struct err *e) __attribute__((warn_unused_result));

/* An audit entry with the console as its actor. */
struct audit_entry cli_entry(const struct cli *cli, const char *action, const char *target_kind);

/* A change in core, recorded as begun and done or failed. target and customer are public ids;
 * customer NULL: concerns none. */
bool cli_change(struct cli *cli, const char *action, const char *target_kind, const char *target,
        const char *customer, sql_work *work, void *arg, struct err *e)
        __attribute__((warn_unused_result));

/* Such a change to what a public id names, at the present moment: ends it, suspends it … */
typedef bool cli_named_work(
        struct sql_conn *write, const char *public_id, int64_t now, struct err *e);
bool cli_change_named(struct cli *cli, const char *action, const char *target_kind,
        const char *target, const char *customer, cli_named_work *work, struct err *e)
        __attribute__((warn_unused_result));

/* Records a look at personal data or at the log, before it is shown. */
bool cli_record(struct cli *cli, const char *action, const char *target_kind, const char *target,
        const char *details, struct err *e) __attribute__((warn_unused_result));

/* ---- finding what an option names */

bool cli_organisation(struct cli *cli, const char *id_or_name, struct organisation *out,
        struct err *e) __attribute__((warn_unused_result));
/* kind: "customer" … as well. */
bool cli_organisation_of(struct cli *cli, const char *kind, const char *id_or_name,
        struct organisation *out, struct err *e) __attribute__((warn_unused_result));
/* The customer that --customer names; not given: id 0, which stands for all. */
bool cli_customer(struct cli *cli, struct organisation *out, struct err *e)
        __attribute__((warn_unused_result));
/* A person by public id or sign-in name. Opens the keys. */
bool cli_account(struct cli *cli, const char *id_or_name, struct account *out, struct err *e)
        __attribute__((warn_unused_result));

/* ---- output (output.c) */

enum cli_type { CLI_TEXT, CLI_NUMBER, CLI_FLAG, CLI_TIME };

struct cli_column {
	const char *title; /* of the table */
	const char *name;  /* of the JSON member */
	enum cli_type type;
};

struct cli_cell {
	const char *text; /* CLI_TEXT; NULL: empty, in JSON null */
	int64_t number;   /* the others; CLI_TIME: ms, 0 is empty or null */
};

struct cli_list {
	const struct cli_column *columns;
	size_t column_count;
	struct cli_cell *cells; /* in the arena, row by row */
	size_t rows, room;
};

/* Appends a row (column_count cells, whose texts live on). */
bool cli_row(struct cli *cli, struct cli_list *list, const struct cli_cell *cells, struct err *e)
        __attribute__((warn_unused_result));

/* Prints the list: a table, or with --json an array of objects. `empty` is said instead of an empty
 * table. */
bool cli_print(struct cli *cli, const struct cli_list *list, const char *empty, struct err *e)
        __attribute__((warn_unused_result));

/* Prints what was made: the value alone, or with --json {"name": "value"}. */
bool cli_print_value(struct cli *cli, const char *name, const char *value, struct err *e)
        __attribute__((warn_unused_result));

/* Prints one thing: its first column alone, or with --json an object of all. */
bool cli_print_record(struct cli *cli, const struct cli_column *columns,
        const struct cli_cell *cells, size_t count, struct err *e)
        __attribute__((warn_unused_result));

/* Says in words that it was done, or with --json {"ok": true}. */
bool cli_print_done(struct cli *cli, const char *words, struct err *e)
        __attribute__((warn_unused_result));

/* ---- passwords (password.c) */

enum { CLI_PASSWORD_MAX = 1100 };

/* A new password as --password-file, --generate-password or a prompt say. given false: neither the
 * options nor a terminal gave one. Wipe it. */
bool cli_password(struct cli *cli, char password[CLI_PASSWORD_MAX], struct err *e)
        __attribute__((warn_unused_result));

/* Undoes a --generate-password file of a change that failed. */
void cli_password_undo(struct cli *cli);

#define CLI_PASSWORD_OPTIONS                                                                       \
	{"password-file", "FILE", false,                                                           \
	        "read the password from the first line of FILE (-: standard input)"},              \
	{                                                                                          \
		"generate-password", "FILE", false,                                                \
		        "make a password and write it to FILE, readable by you alone"              \
	}

#endif

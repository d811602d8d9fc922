/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c: fleetport user add|list|suspend|resume|remove|password
 */
#include "cli/cli.h"

#include "core/passwords.h"
#include "lib/crypto.h"

struct change {
	const struct keys *keys;
	const struct account_new *account;
	const char *id;
	unsigned char sealed[PASSWORD_SEALED];
	int64_t now;
};

static bool add_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct change *c = arg;

	return accounts_add(write, c->keys, c->account, NULL, e);
}

/* Reads or makes the password and hashes it for the person. */
static bool seal_password(
        struct cli *cli, const char *person, unsigned char sealed[PASSWORD_SEALED], struct err *e)
{
	char password[CLI_PASSWORD_MAX];
	struct passwords *passwords;
	bool ok;

	if (!cli_password(cli, password, e))
		return false;
	passwords = passwords_new(cli->keys, e);
	ok = passwords != NULL && passwords_hash(passwords, person, password, sealed, e);
	passwords_free(passwords);
	crypto_wipe(password, sizeof password);
	if (!ok)
		cli_password_undo(cli);
	return ok;
}

static bool add(struct cli *cli, struct err *e)
{
	char id[PUBLIC_ID];
	const char *display = cli_value(cli, "display-name");
	struct organisation organisation;
	struct account_new account = {.public_id = id,
	        .role = role_from_name(cli_value(cli, "role")),
	        .sign_in_name = cli_value(cli, "name"),
	        .mail = cli_value(cli, "mail"),
	        .now = cli_now()};
	struct change change = {.account = &account};

	account.display_name = display != NULL ? display : account.sign_in_name;
	if (account.role == ROLE_NONE)
		return err_set(e, ERR_INVALID,
		        "a role is customer-viewer, customer-admin, technician, partner-admin,"
		        " operator-admin or auditor");
	if (!cli_organisation(cli, cli_value(cli, "organisation"), &organisation, e) ||
	        !cli_open_keys(cli, e))
		return false;
	crypto_random_id("pe_", id);
	if (!seal_password(cli, id, change.sealed, e))
		return false;
	account.organisation_id = organisation.id;
	account.sealed_password = change.sealed;
	change.keys = cli->keys;
	if (!cli_change(cli, "person.add", "person", id, NULL, add_work, &change, e)) {
		cli_password_undo(cli);
		return false;
	}
	return cli_print_value(cli, "id", id, e);
}

static bool list_organisation(
        struct cli *cli, const struct organisation *o, struct cli_list *out, struct err *e)
{
	struct sql_conn *conn = cli_read(cli, e);
	struct account *found;
	size_t count;
	bool ok;

	if (conn == NULL)
		return false;
	ok = accounts_list(conn, cli->keys, cli->arena, o->id, &found, &count, e);
	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		const struct account *a = &found[i];
		const struct cli_cell row[] = {{.text = a->public_id}, {.text = a->sign_in_name},
		        {.text = a->display_name}, {.text = role_name(a->role)}, {.text = o->name},
		        {.text = a->mail}, {.number = a->suspended_at}, {.number = a->created_at}};

		ok = cli_row(cli, out, row, e);
	}
	return ok;
}

static bool list(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"ID", "id", CLI_TEXT},
	        {"SIGN-IN NAME", "name", CLI_TEXT}, {"NAME", "displayName", CLI_TEXT},
	        {"ROLE", "role", CLI_TEXT}, {"ORGANISATION", "organisation", CLI_TEXT},
	        {"MAIL", "mail", CLI_TEXT}, {"SUSPENDED", "suspendedAt", CLI_TIME},
	        {"SINCE", "createdAt", CLI_TIME}};
	struct cli_list out = {.columns = columns, .column_count = 8};
	const char *of = cli_value(cli, "organisation");
	struct organisation one, *list = &one;
	struct sql_conn *conn;
	size_t count = 1;
	bool ok = true;

	if (!cli_open_keys(cli, e))
		return false;
	if (of != NULL) {
		ok = cli_organisation(cli, of, &one, e);
	} else {
		conn = cli_read(cli, e);
		ok = conn != NULL && organisations_list(conn, cli->arena, NULL, &list, &count, e);
		sql_return(conn);
	}
	for (size_t i = 0; ok && i < count; i++)
		ok = list_organisation(cli, &list[i], &out, e);
	return ok &&
	       cli_record(cli, "person.list", "organisation", of != NULL ? one.public_id : NULL,
	               NULL, e) &&
	       cli_print(cli, &out, "There are no people yet.", e);
}

static bool password_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct change *c = arg;

	return accounts_set_password(write, c->id, c->sealed, c->now, e);
}

static bool change_one(
        struct cli *cli, const char *action, cli_named_work *work, const char *words, struct err *e)
{
	struct account person;

	return cli_account(cli, cli->subject, &person, e) &&
	       cli_change_named(cli, action, "person", person.public_id, NULL, work, e) &&
	       cli_print_done(cli, words, e);
}

static bool resume_now(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	(void)now;
	return accounts_resume(write, public_id, e);
}

static bool suspend(struct cli *cli, struct err *e)
{
	return change_one(cli, "person.suspend", accounts_suspend,
	        "Suspended. The person is signed out by the next request.", e);
}

static bool resume(struct cli *cli, struct err *e)
{
	return change_one(cli, "person.resume", resume_now, "The person may sign in again.", e);
}

static bool remove_one(struct cli *cli, struct err *e)
{
	const char *question = arena_printf(cli->arena,
	        "%s is removed for good: no sign-in, no sessions, no grants.", cli->subject);

	return cli_confirm(cli, question, e) &&
	       change_one(cli, "person.remove", accounts_remove,
	               "Removed. The person is signed out by the next request.", e);
}

static bool password(struct cli *cli, struct err *e)
{
	struct change change = {.now = cli_now()};
	struct account person;

	if (!cli_account(cli, cli->subject, &person, e) ||
	        !seal_password(cli, person.public_id, change.sealed, e))
		return false;
	change.id = person.public_id;
	if (!cli_change(cli, "person.password", "person", person.public_id, NULL, password_work,
	            &change, e)) {
		cli_password_undo(cli);
		return false;
	}
	return cli_print_done(cli, "The password is set. The person's sessions have ended.", e);
}

static const struct cli_option add_options[] = {
        {"organisation", "ID", true, "where the person belongs (id or name)"},
        {"role", "ROLE", true,
                "customer-viewer, customer-admin, technician, partner-admin, operator-admin or"
                " auditor"},
        {"name", "NAME", true, "the sign-in name"},
        {"display-name", "NAME", false, "how pages call the person (default: the sign-in name)"},
        {"mail", "ADDRESS", false, "mail address"}, CLI_PASSWORD_OPTIONS, {.name = NULL}};
static const struct cli_option list_options[] = {
        {"organisation", "ID", false, "of this organisation only"}, {.name = NULL}};
static const struct cli_option password_options[] = {CLI_PASSWORD_OPTIONS, {.name = NULL}};
static const struct cli_option no_options[] = {{.name = NULL}};
static const struct cli_option remove_options[] = {CLI_YES_OPTION, {.name = NULL}};

const struct cli_command cli_user_commands[] = {
        {"user", "add", "Adds a person", NULL, add_options, add},
        {"user", "list", "Lists people (recorded)", NULL, list_options, list},
        {"user", "suspend", "Keeps a person out (id or sign-in name)", "ID", no_options, suspend},
        {"user", "resume", "Lets a suspended person in again", "ID", no_options, resume},
        {"user", "remove", "Removes a person", "ID", remove_options, remove_one},
        {"user", "password", "Sets a person's password", "ID", password_options, password},
        {.noun = NULL}};

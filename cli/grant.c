/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant.c: fleetport grant add|list|remove
 */
#include "cli/cli.h"

#include "core/grants.h"
#include "lib/crypto.h"

static const int64_t DAY_MS = INT64_C(86400000);

static bool add_work(struct sql_conn *write, void *arg, struct err *e)
{
	return grants_add(write, arg, e);
}

static bool find_group(struct cli *cli, struct group *group, struct err *e)
{
	struct organisation customer;
	struct sql_conn *conn;
	bool ok;

	if (!cli_customer(cli, &customer, e))
		return false;
	conn = cli_read(cli, e);
	if (conn == NULL)
		return false;
	ok = groups_find(conn, cli->arena, customer.id, cli_value(cli, "group"), group, e);
	sql_return(conn);
	if (!ok && customer.id == 0 && e != NULL && e->code == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND,
		        "there is no device group of that id (to name it, say --customer too)");
	return ok;
}

static bool add(struct cli *cli, struct err *e)
{
	char id[PUBLIC_ID];
	struct account person;
	struct group group;
	struct grant_new g = {.public_id = id,
	        .right = cli_value(cli, "right"),
	        .granted_by = cli->granted_by,
	        .purpose = cli_value(cli, "purpose"),
	        .now = cli_now()};
	int64_t days = 0;

	if (cli_value(cli, "until") != NULL && cli_value(cli, "days") != NULL)
		return err_set(e, ERR_INVALID, "say either --until or --days, not both");
	if (!cli_number(cli, "days", 1, 366, 0, &days, e))
		return false;
	if (days > 0)
		g.expires_at = g.now + days * DAY_MS;
	if (!cli_time(cli, "until", &g.expires_at, e) ||
	        !cli_account(cli, cli_value(cli, "user"), &person, e) ||
	        !find_group(cli, &group, e))
		return false;
	g.account = person.public_id;
	g.group = group.public_id;
	crypto_random_id("gt_", id);
	return cli_change(cli, "grant.add", "grant", id, group.organisation_public_id, add_work, &g,
	               e) &&
	       cli_print_value(cli, "id", id, e);
}

static bool list(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"ID", "id", CLI_TEXT},
	        {"USER", "user", CLI_TEXT}, {"RIGHT", "right", CLI_TEXT},
	        {"CUSTOMER", "customer", CLI_TEXT}, {"GROUP", "group", CLI_TEXT},
	        {"GROUP ID", "groupId", CLI_TEXT}, {"UNTIL", "expiresAt", CLI_TIME},
	        {"BY", "grantedBy", CLI_TEXT}, {"PURPOSE", "purpose", CLI_TEXT}};
	struct cli_list out = {.columns = columns, .column_count = 9};
	const char *to = cli_value(cli, "user");
	struct organisation customer;
	struct account person = {.id = 0};
	struct sql_conn *conn;
	struct grant *found;
	size_t count;
	bool ok;

	if (!cli_customer(cli, &customer, e) || (to != NULL && !cli_account(cli, to, &person, e)))
		return false;
	conn = cli_read(cli, e);
	if (conn == NULL)
		return false;
	ok = grants_list(conn, cli->arena, person.id, customer.id, cli_now(), &found, &count, e);
	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		const struct grant *g = &found[i];
		const struct cli_cell row[] = {{.text = g->public_id},
		        {.text = g->account_public_id}, {.text = g->right},
		        {.text = g->customer_name}, {.text = g->group_name},
		        {.text = g->group_public_id}, {.number = g->expires_at},
		        {.text = g->granted_by}, {.text = g->purpose}};

		ok = cli_row(cli, &out, row, e);
	}
	return ok && cli_print(cli, &out, "There are no grants.", e);
}

static bool remove_one(struct cli *cli, struct err *e)
{
	return cli_change_named(cli, "grant.remove", "grant", cli->subject, NULL, grants_end, e) &&
	       cli_print_done(cli, "Withdrawn. It holds no more from the next request on.", e);
}

static const struct cli_option add_options[] = {
        {"user", "ID", true, "the person (id or sign-in name)"},
        {"group", "ID", true, "the device group (id; with --customer also its name)"},
        {"right", "WORD", true, "view, operate, or consume (operations that use ink)"},
        {"customer", "ID", false, "whose group it is"},
        {"until", "DATE", false, "when it ends (partners' people: 180 days from now if not said)"},
        {"days", "N", false, "how many days it lasts instead"},
        {"purpose", "TEXT", false, "why, or a ticket"}, {.name = NULL}};
static const struct cli_option list_options[] = {{"user", "ID", false, "of this person only"},
        {"customer", "ID", false, "on this customer's groups only"}, {.name = NULL}};
static const struct cli_option no_options[] = {{.name = NULL}};

const struct cli_command cli_grant_commands[] = {
        {"grant", "add", "Gives a person a right on a device group", NULL, add_options, add},
        {"grant", "list", "Lists grants that hold", NULL, list_options, list},
        {"grant", "remove", "Withdraws a grant", "ID", no_options, remove_one}, {.noun = NULL}};

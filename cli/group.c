/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group.c: fleetport group add|list|remove
 */
#include "cli/cli.h"

#include "lib/crypto.h"

static bool add_work(struct sql_conn *write, void *arg, struct err *e)
{
	return groups_add(write, arg, NULL, e);
}

static bool add(struct cli *cli, struct err *e)
{
	char id[PUBLIC_ID];
	struct organisation customer;
	struct group_new g = {.public_id = id,
	        .name = cli_value(cli, "name"),
	        .consent = cli_value(cli, "consent"),
	        .now = cli_now()};

	if (!cli_organisation_of(cli, "customer", cli_value(cli, "customer"), &customer, e))
		return false;
	g.organisation_id = customer.id;
	crypto_random_id("gr_", id);
	return cli_change(cli, "group.add", "group", id, customer.public_id, add_work, &g, e) &&
	       cli_print_value(cli, "id", id, e);
}

static bool list(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"ID", "id", CLI_TEXT},
	        {"CUSTOMER", "customer", CLI_TEXT}, {"CUSTOMER ID", "customerId", CLI_TEXT},
	        {"NAME", "name", CLI_TEXT}, {"DEFAULT", "isDefault", CLI_FLAG},
	        {"CONSENT", "consent", CLI_TEXT}};
	struct cli_list out = {.columns = columns, .column_count = 6};
	struct organisation customer;
	struct sql_conn *conn;
	struct group *found;
	size_t count;
	bool ok;

	if (!cli_customer(cli, &customer, e))
		return false;
	conn = cli_read(cli, e);
	if (conn == NULL)
		return false;
	ok = groups_list(conn, cli->arena, customer.id, &found, &count, e);
	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		const struct group *g = &found[i];
		const struct cli_cell row[] = {{.text = g->public_id},
		        {.text = g->organisation_name}, {.text = g->organisation_public_id},
		        {.text = g->name}, {.number = g->is_default}, {.text = g->consent}};

		ok = cli_row(cli, &out, row, e);
	}
	return ok && cli_print(cli, &out, "There are no device groups yet.", e);
}

static bool remove_one(struct cli *cli, struct err *e)
{
	return cli_change_named(
	               cli, "group.remove", "group", cli->subject, NULL, groups_remove, e) &&
	       cli_print_done(cli, "Removed.", e);
}

static const struct cli_option add_options[] = {
        {"customer", "ID", true, "the customer (id or name)"},
        {"name", "NAME", true, "the group's name"},
        {"consent", "WORD", false, "to remote operations: always (default), ask or never"},
        {.name = NULL}};
static const struct cli_option list_options[] = {
        {"customer", "ID", false, "of this customer only"}, {.name = NULL}};
static const struct cli_option no_options[] = {{.name = NULL}};

const struct cli_command cli_group_commands[] = {
        {"group", "add", "Adds a device group to a customer", NULL, add_options, add},
        {"group", "list", "Lists device groups", NULL, list_options, list},
        {"group", "remove", "Removes an empty group", "ID", no_options, remove_one},
        {.noun = NULL}};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * organisation.c: fleetport organisation add|list|remove
 */
#include "cli/cli.h"

#include "core/agents.h"
#include "lib/crypto.h"

static bool add_work(struct sql_conn *write, void *arg, struct err *e)
{
	return organisations_add(write, arg, NULL, e);
}

static bool add(struct cli *cli, struct err *e)
{
	char id[PUBLIC_ID];
	struct organisation_new o = {
	        .public_id = id,
	        .kind = cli_value(cli, "kind"),
	        .name = cli_value(cli, "name"),
	        .region = cli_value(cli, "region"),
	        .default_group = cli_value(cli, "default-group"),
	        .lets_partner_invite = cli_value(cli, "lets-partner-invite") != NULL,
	        .now = cli_now(),
	};

	crypto_random_id("or_", id);
	return cli_change(cli, "organisation.add", "organisation", id, NULL, add_work, &o, e) &&
	       cli_print_value(cli, "id", id, e);
}

static bool list(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"ID", "id", CLI_TEXT},
	        {"KIND", "kind", CLI_TEXT}, {"NAME", "name", CLI_TEXT},
	        {"REGION", "region", CLI_TEXT}, {"PARTNER INVITES", "letsPartnerInvite", CLI_FLAG},
	        {"SINCE", "createdAt", CLI_TIME}};
	struct cli_list out = {.columns = columns, .column_count = 6};
	struct sql_conn *conn = cli_read(cli, e);
	struct organisation *found;
	size_t count;
	bool ok;

	if (conn == NULL)
		return false;
	ok = organisations_list(conn, cli->arena, cli_value(cli, "kind"), &found, &count, e);
	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		const struct organisation *o = &found[i];
		const struct cli_cell row[] = {{.text = o->public_id}, {.text = o->kind},
		        {.text = o->name}, {.text = o->region}, {.number = o->lets_partner_invite},
		        {.number = o->created_at}};

		ok = cli_row(cli, &out, row, e);
	}
	return ok && cli_print(cli, &out, "There are no organisations yet.", e);
}

static bool remove_one(struct cli *cli, struct err *e)
{
	struct organisation o;
	const char *path = config_path(cli->config, "run", "revoked-agents");

	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	if (!cli_organisation(cli, cli->subject, &o, e))
		return false;
	if (!cli_confirm(cli,
	            arena_printf(cli->arena,
	                    "%s (%s) ends for good: its people cannot sign in, its agents are"
	                    " revoked, its contracts and grants end.",
	                    o.name, o.public_id),
	            e))
		return false;
	if (!cli_change_named(cli, "organisation.remove", "organisation", o.public_id, NULL,
	            organisations_end, e))
		return false;
	/* A customer's agents go with it. */
	if (!agents_publish_revoked(cli->db, path, e))
		return err_wrap(e, "it is removed, but the broker was not told of its agents");
	return cli_print_done(cli, "Removed. Its people are signed out by their next request.", e);
}

static const struct cli_option add_options[] = {{"kind", "KIND", true, "customer or partner"},
        {"name", "NAME", true, "its name"},
        {"region", "CODE", false, "region of the customer's devices (default: any)"},
        {"default-group", "NAME", false,
                "the customer's first group, where new devices go (default: Default)"},
        {"lets-partner-invite", NULL, false,
                "the customer's partners may invite and revoke agents"},
        {.name = NULL}};
static const struct cli_option list_options[] = {
        {"kind", "KIND", false, "customer, partner or operator only"}, {.name = NULL}};
static const struct cli_option remove_options[] = {CLI_YES_OPTION, {.name = NULL}};

const struct cli_command cli_organisation_commands[] = {
        {"organisation", "add", "Adds a customer or a partner", NULL, add_options, add},
        {"organisation", "list", "Lists organisations", NULL, list_options, list},
        {"organisation", "remove", "Ends a customer or partner (id or name)", "ID", remove_options,
                remove_one},
        {.noun = NULL}};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract.c: fleetport contract add|list|remove
 */
#include "cli/cli.h"

#include "core/contracts.h"
#include "lib/crypto.h"

static const int64_t DAY_MS = INT64_C(86400000);
enum { DEFAULT_DAYS = 365, MOST_DAYS = 3660 };

static bool add_work(struct sql_conn *write, void *arg, struct err *e)
{
	return contracts_add(write, arg, e);
}

static bool add(struct cli *cli, struct err *e)
{
	char id[PUBLIC_ID];
	struct organisation customer, partner;
	struct contract_new c = {.public_id = id, .now = cli_now()};
	int64_t days = 0;

	c.starts_at = c.now;
	if (cli_value(cli, "until") != NULL && cli_value(cli, "days") != NULL)
		return err_set(e, ERR_INVALID, "say either --until or --days, not both");
	if (!cli_time(cli, "from", &c.starts_at, e) ||
	        !cli_number(cli, "days", 1, MOST_DAYS, DEFAULT_DAYS, &days, e))
		return false;
	c.ends_at = c.starts_at + days * DAY_MS;
	if (!cli_time(cli, "until", &c.ends_at, e) ||
	        !cli_organisation_of(cli, "customer", cli_value(cli, "customer"), &customer, e) ||
	        !cli_organisation_of(cli, "partner", cli_value(cli, "partner"), &partner, e))
		return false;
	c.customer_id = customer.id;
	c.partner_id = partner.id;
	crypto_random_id("co_", id);
	return cli_change(
	               cli, "contract.add", "contract", id, customer.public_id, add_work, &c, e) &&
	       cli_print_value(cli, "id", id, e);
}

static bool list(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"ID", "id", CLI_TEXT},
	        {"CUSTOMER", "customer", CLI_TEXT}, {"CUSTOMER ID", "customerId", CLI_TEXT},
	        {"PARTNER", "partner", CLI_TEXT}, {"PARTNER ID", "partnerId", CLI_TEXT},
	        {"FROM", "startsAt", CLI_TIME}, {"UNTIL", "endsAt", CLI_TIME}};
	struct cli_list out = {.columns = columns, .column_count = 7};
	const char *of = cli_value(cli, "organisation");
	struct organisation organisation = {.id = 0};
	struct contract *found;
	struct sql_conn *conn;
	size_t count;
	bool ok;

	if (of != NULL && !cli_organisation(cli, of, &organisation, e))
		return false;
	conn = cli_read(cli, e);
	if (conn == NULL)
		return false;
	ok = contracts_list(conn, cli->arena, organisation.id, cli_now(), &found, &count, e);
	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		const struct contract *c = &found[i];
		const struct cli_cell row[] = {{.text = c->public_id}, {.text = c->customer_name},
		        {.text = c->customer_public_id}, {.text = c->partner_name},
		        {.text = c->partner_public_id}, {.number = c->starts_at},
		        {.number = c->ends_at}};

		ok = cli_row(cli, &out, row, e);
	}
	return ok && cli_print(cli, &out, "There are no contracts.", e);
}

static bool remove_one(struct cli *cli, struct err *e)
{
	return cli_change_named(
	               cli, "contract.remove", "contract", cli->subject, NULL, contracts_end, e) &&
	       cli_print_done(cli, "Ended. What rested on it holds no more.", e);
}

static const struct cli_option add_options[] = {
        {"customer", "ID", true, "the customer (id or name)"},
        {"partner", "ID", true, "the partner (id or name)"},
        {"from", "DATE", false, "when it starts (default: now)"},
        {"until", "DATE", false, "when it ends"},
        {"days", "N", false, "how long it lasts instead (default: 365)"}, {.name = NULL}};
static const struct cli_option list_options[] = {
        {"organisation", "ID", false, "of this customer or partner only"}, {.name = NULL}};
static const struct cli_option no_options[] = {{.name = NULL}};

const struct cli_command cli_contract_commands[] = {
        {"contract", "add", "Lets a partner manage a customer's devices", NULL, add_options, add},
        {"contract", "list", "Lists contracts", NULL, list_options, list},
        {"contract", "remove", "Ends a contract now", "ID", no_options, remove_one},
        {.noun = NULL}};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c: fleetport agent invite|invitations|list|revoke
 */
#include "cli/cli.h"

#include "core/agents.h"
#include "lib/crypto.h"
#include "lib/enrolment.h"
#include "lib/file.h"
#include "lib/parse.h"
#include "lib/x509.h"

#include <stdio.h>
#include <string.h>

/* ---- invite */

/* Host and port of agents_url, without the port where it is the usual one. */
static bool agents_host(struct cli *cli, char out[ENROLMENT_HOST_SIZE], struct err *e)
{
	static const char scheme[] = "https://", usual[] = ":443";
	const char *url = config_text(cli->config, "fleetport", "agents_url");
	size_t len;

	if (strncmp(url, scheme, sizeof scheme - 1) != 0)
		return err_set(e, ERR_CONFIG, "agents_url is no https:// address");
	url += sizeof scheme - 1;
	len = strcspn(url, "/");
	if (len == 0 || len >= ENROLMENT_HOST_SIZE)
		return err_set(e, ERR_CONFIG, "agents_url names no host");
	memcpy(out, url, len);
	out[len] = '\0';
	if (len >= sizeof usual && strcmp(out + len - (sizeof usual - 1), usual) == 0)
		out[len - (sizeof usual - 1)] = '\0';
	return true;
}

/* The key of the CA that signs the server: what an agent knows the server by. */
static bool server_pin(struct cli *cli, unsigned char pin[CRYPTO_HASH], struct err *e)
{
	const char *path = config_path(cli->config, "secrets", "server-ca.pem");
	struct buf pem = BUF_INIT(X509_PEM_MAX);
	struct x509_info info;
	bool ok = path != NULL && file_read(path, &pem, e) && x509_read(buf_text(&pem), &info, e);

	if (ok)
		memcpy(pin, info.key_hash, CRYPTO_HASH);
	buf_free(&pem);
	return ok;
}

static bool invite_work(struct sql_conn *write, void *arg, struct err *e)
{
	return invitations_add(write, arg, e);
}

static bool invite(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"INVITATION", "invitation", CLI_TEXT},
	        {"ID", "id", CLI_TEXT}, {"UNTIL", "expiresAt", CLI_TIME}};
	char id[PUBLIC_ID], text[ENROLMENT_TEXT_SIZE];
	struct enrolment_invitation invitation;
	struct organisation customer;
	struct invitation_new in = {.public_id = id,
	        .agent_type = cli_value(cli, "type"),
	        .agent_public_id = cli_value(cli, "agent"),
	        .invited_by = cli->granted_by,
	        .now = cli_now()};
	const struct cli_cell row[] = {
	        {.text = text}, {.text = id}, {.number = in.now + AGENTS_INVITATION_MS}};
	bool ok;

	if (!agents_host(cli, invitation.host, e) || !server_pin(cli, invitation.pin, e) ||
	        !cli_organisation_of(cli, "customer", cli_value(cli, "customer"), &customer, e))
		return false;
	crypto_random_id("in_", id);
	crypto_code_new(invitation.code);
	in.code = invitation.code;
	in.customer_id = customer.id;
	ok = cli_change(
	        cli, "agent.invite", "invitation", id, customer.public_id, invite_work, &in, e);
	if (ok) {
		enrolment_invitation_text(&invitation, text);
		ok = cli_print_record(cli, columns, row, 3, e);
	}
	crypto_wipe(&invitation, sizeof invitation);
	crypto_wipe(text, sizeof text);
	return ok;
}

static bool invitations(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"ID", "id", CLI_TEXT},
	        {"CUSTOMER", "customerId", CLI_TEXT}, {"TYPE", "type", CLI_TEXT},
	        {"AGENT", "agentId", CLI_TEXT}, {"BY", "invitedBy", CLI_TEXT},
	        {"MADE", "createdAt", CLI_TIME}, {"UNTIL", "expiresAt", CLI_TIME}};
	struct cli_list out = {.columns = columns, .column_count = 7};
	struct organisation customer;
	struct invitation *found;
	struct sql_conn *conn;
	size_t count;
	bool ok;

	if (!cli_customer(cli, &customer, e) || (conn = cli_read(cli, e)) == NULL)
		return false;
	ok = invitations_list(conn, cli->arena, customer.id, cli_now(), &found, &count, e);
	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		const struct invitation *in = &found[i];
		const struct cli_cell row[] = {{.text = in->public_id},
		        {.text = in->customer_public_id}, {.text = in->agent_type},
		        {.text = in->agent_public_id}, {.text = in->invited_by},
		        {.number = in->created_at}, {.number = in->expires_at}};

		ok = cli_row(cli, &out, row, e);
	}
	return ok && cli_print(cli, &out, "No invitation is open.", e);
}

/* ---- list */

static bool list(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"ID", "id", CLI_TEXT},
	        {"CUSTOMER", "customer", CLI_TEXT}, {"CUSTOMER ID", "customerId", CLI_TEXT},
	        {"TYPE", "type", CLI_TEXT}, {"VERSION", "version", CLI_TEXT},
	        {"SYSTEM", "os", CLI_TEXT}, {"SINCE", "createdAt", CLI_TIME},
	        {"HEARD OF (HOUR)", "seenHour", CLI_TIME},
	        {"CERTIFICATE UNTIL", "certificateUntil", CLI_TIME},
	        {"REVOKED", "revokedAt", CLI_TIME}};
	struct cli_list out = {.columns = columns, .column_count = 10};
	struct organisation customer;
	struct agent *found;
	struct sql_conn *conn;
	size_t count;
	bool ok;

	if (!cli_customer(cli, &customer, e) || (conn = cli_read(cli, e)) == NULL)
		return false;
	ok = agents_list(conn, cli->arena, customer.id, &found, &count, e);
	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		const struct agent *a = &found[i];
		const struct cli_cell row[] = {{.text = a->public_id}, {.text = a->customer_name},
		        {.text = a->customer_public_id}, {.text = a->type}, {.text = a->version},
		        {.text = a->os}, {.number = a->created_at}, {.number = a->seen_hour},
		        {.number = a->certificate_not_after}, {.number = a->revoked_at}};

		ok = cli_row(cli, &out, row, e);
	}
	return ok && cli_print(cli, &out, "There are no agents yet.", e);
}

/* ---- revoke */

static bool find_agent(struct cli *cli, const char *id, struct agent *agent, struct err *e)
{
	struct sql_conn *conn = cli_read(cli, e);
	bool ok;

	if (conn == NULL)
		return false;
	ok = agents_find(conn, cli->arena, id, agent, e);
	sql_return(conn);
	return ok;
}

static bool revoke(struct cli *cli, struct err *e)
{
	const char *path = config_path(cli->config, "run", "revoked-agents");
	struct agent agent;
	bool ok;

	if (parse_public_id(cli->subject, "in_"))
		return cli_change_named(cli, "agent.uninvite", "invitation", cli->subject, NULL,
		               invitations_revoke, e) &&
		       cli_print_done(cli, "The invitation holds no more.", e);
	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	if (!find_agent(cli, cli->subject, &agent, e) ||
	        !cli_confirm(cli,
	                arena_printf(cli->arena,
	                        "%s is refused for good: its devices report no more until another"
	                        " agent is enrolled.",
	                        agent.public_id),
	                e))
		return false;
	ok = cli_change_named(cli, "agent.revoke", "agent", agent.public_id,
	        agent.customer_public_id, agents_revoke, e);
	/* One that is revoked already: perhaps the broker could not be told then. */
	if (!ok && e->code != ERR_CONFLICT)
		return false;
	if (!agents_publish_revoked(cli->db, path, ok ? e : NULL))
		return ok && err_wrap(e, "the agent is revoked, but the broker was not told");
	return ok && cli_print_done(cli, "Revoked. The agent is refused from now on.", e);
}

static const struct cli_option invite_options[] = {
        {"customer", "ID", true, "whose agent it will be (id or name)"},
        {"type", "TYPE", true, "dc (collector on a network) or es (in a device)"},
        {"agent", "ID", false, "an agent that is to get a new certificate"}, {.name = NULL}};
static const struct cli_option list_options[] = {
        {"customer", "ID", false, "of this customer only"}, {.name = NULL}};
static const struct cli_option revoke_options[] = {CLI_YES_OPTION, {.name = NULL}};

const struct cli_command cli_agent_commands[] = {
        {"agent", "invite", "Makes a one-time invitation for an agent (24 h)", NULL, invite_options,
                invite},
        {"agent", "invitations", "Lists open invitations", NULL, list_options, invitations},
        {"agent", "list", "Lists agents", NULL, list_options, list},
        {"agent", "revoke", "Revokes an agent (ag_…) or an invitation (in_…)", "ID", revoke_options,
                revoke},
        {.noun = NULL}};

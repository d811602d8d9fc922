/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c: fleetport audit search
 */
#include "cli/cli.h"

#include "core/audit_log.h"
#include "lib/json.h"
#include "lib/parse.h"

#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 10000, LIMIT_DEFAULT = 50, LIMIT_MAX = 10000 };

static const struct cli_column columns[] = {{"NUMBER", "number", CLI_NUMBER},
        {"TIME", "time", CLI_TIME}, {"WHO", "actor", CLI_TEXT}, {"ROLE", "role", CLI_TEXT},
        {"ADDRESS", "address", CLI_TEXT}, {"ACTION", "action", CLI_TEXT},
        {"OF", "targets", CLI_TEXT}, {"OUTCOME", "outcome", CLI_TEXT},
        {"PURPOSE", "purpose", CLI_TEXT}, {"DETAILS", "details", CLI_TEXT},
        {"ORGANISATION", "organisation", CLI_TEXT}, {"CUSTOMER", "customer", CLI_TEXT},
        {"SESSION", "session", CLI_TEXT}, {"REQUEST", "requestId", CLI_TEXT},
        {"SOURCE", "source", CLI_TEXT}, {"BEGUN", "begun", CLI_NUMBER}};
enum { COLUMNS = sizeof columns / sizeof columns[0], SHOWN_TO_PEOPLE = 10 };

/* All targets in one text; for people the first and how many more. */
static const char *targets(struct cli *cli, const struct audit_entry *r)
{
	struct buf all = BUF_INIT(64 << 10);
	const char *text;

	if (r->target_count == 0)
		return "";
	if (!cli->json && r->target_count > 1)
		return arena_printf(
		        cli->arena, "%s and %zu more", r->targets[0], r->target_count - 1);
	for (size_t i = 0; i < r->target_count; i++)
		buf_printf(&all, "%s%s", i > 0 ? " " : "", r->targets[i]);
	text = all.failed ? NULL : arena_strdup(cli->arena, buf_text(&all));
	buf_free(&all);
	return text;
}

static bool add_entry(
        struct cli *cli, struct cli_list *out, const struct audit_log_entry *entry, struct err *e)
{
	const struct audit_entry *r = &entry->record.entry;
	const struct cli_cell row[COLUMNS] = {{.number = entry->number},
	        {.number = entry->record.head.at}, {.text = r->actor_id}, {.text = r->actor_role},
	        {.text = r->address}, {.text = r->action}, {.text = targets(cli, r)},
	        {.text = audit_outcome_name(r->outcome)}, {.text = r->purpose},
	        {.text = r->details}, {.text = r->actor_organisation}, {.text = r->customer},
	        {.text = r->session}, {.text = r->request_id}, {.text = entry->record.head.source},
	        {.number = r->begun}};

	/* people see the first columns: rows are as wide as the list says */
	return cli_row(cli, out, row, e);
}

/* A store of its own: the log is read by nobody else here. */
static bool open_log(struct cli *cli, struct sql_db **db, struct err *e)
{
	static const struct sql_table *const tables[] = {&audit_log_sql, NULL};
	struct sql_options options = {
	        .directory = config_text(cli->config, "fleetport", "data"),
	        .read = 1u << SQL_AUDIT | 1u << SQL_CORE,
	        .readers = 1,
	        .tables = tables,
	};

	return sql_open(&options, db, e);
}

/* Page by page until `limit` entries are there; no read lasts longer than a page. */
static bool collect(struct cli *cli, struct sql_db *db, const struct audit_filter *filter,
        int64_t limit, struct cli_list *out, struct err *e)
{
	char cursor[AUDIT_LOG_CURSOR] = "", next[AUDIT_LOG_CURSOR] = "";
	bool ok = true;

	do {
		struct sql_conn *conn = sql_borrow(db, TIMEOUT_MS, e);
		int64_t left = limit - (int64_t)out->rows;
		struct audit_log_entry *entries;
		size_t count = 0;

		if (conn == NULL)
			return false;
		ok = audit_log_search_all(conn, cli->arena, filter, *cursor != '\0' ? cursor : NULL,
		        left < AUDIT_LOG_PAGE_MAX ? (size_t)left : AUDIT_LOG_PAGE_MAX, &entries,
		        &count, next, e);
		sql_return(conn);
		for (size_t i = 0; ok && i < count; i++)
			ok = add_entry(cli, out, &entries[i], e);
		memcpy(cursor, next, sizeof cursor);
	} while (ok && *cursor != '\0' && (int64_t)out->rows < limit);
	return ok;
}

/* What was searched for, for the record of the search itself. */
static bool search_details(struct cli *cli, const char *person, struct buf *text, struct err *e)
{
	static const char *const options[] = {
	        "person", "target", "customer", "action", "outcome", "from", "to"};
	struct json *root = json_new_object();
	bool ok = root != NULL;

	for (size_t i = 0; ok && i < sizeof options / sizeof options[0]; i++) {
		/* the id of who was named: a sign-in name is personal */
		const char *value = i == 0 ? person : cli_value(cli, options[i]);

		if (value != NULL)
			ok = json_add_string(root, options[i], value);
	}
	ok = ok && json_print(root, false, text);
	json_free(root);
	return ok || err_set(e, ERR_INVALID, "the search holds what is no text");
}

/* Whose acts: an id, or the sign-in name of a person. Programs and consoles are told by their names. */
static bool find_person(struct cli *cli, const char **out, struct err *e)
{
	const char *typed = cli_value(cli, "person");
	struct account person;

	*out = typed;
	if (typed == NULL || parse_public_id(typed, "pe_") || parse_public_id(typed, "ag_"))
		return true;
	if (cli_account(cli, typed, &person, e)) {
		*out = person.public_id;
		return true;
	}
	return e->code == ERR_NOT_FOUND || e->code == ERR_INVALID;
}

static bool check_outcome(struct cli *cli, struct err *e)
{
	const char *word = cli_value(cli, "outcome");

	if (word == NULL)
		return true;
	for (int i = 0; i < AUDIT_OUTCOMES; i++)
		if (strcmp(word, audit_outcome_name((enum audit_outcome)i)) == 0)
			return true;
	return err_set(e, ERR_INVALID,
	        "an outcome is done, begun, failed, unfinished, denied or not-found");
}

static bool search(struct cli *cli, struct err *e)
{
	struct cli_list out = {
	        .columns = columns, .column_count = cli->json ? COLUMNS : SHOWN_TO_PEOPLE};
	struct audit_filter filter = {.target = cli_value(cli, "target"),
	        .customer = cli_value(cli, "customer"),
	        .action = cli_value(cli, "action"),
	        .outcome = cli_value(cli, "outcome")};
	struct buf details = BUF_INIT(16 << 10);
	struct sql_db *db = NULL;
	int64_t limit = 0;
	bool ok;

	if (!cli_number(cli, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit, e) ||
	        !check_outcome(cli, e) || !find_person(cli, &filter.person, e) ||
	        !cli_time(cli, "from", &filter.from, e) || !cli_time(cli, "to", &filter.to, e))
		return false;
	ok = open_log(cli, &db, e) && collect(cli, db, &filter, limit, &out, e) &&
	     search_details(cli, filter.person, &details, e) &&
	     cli_record(cli, "audit.search", "audit", NULL, buf_text(&details), e) &&
	     cli_print(cli, &out, "No entry matches.", e);
	buf_free(&details);
	sql_close(db);
	return ok;
}

static const struct cli_option search_options[] = {
        {"person", "ID", false, "whose acts: a sign-in name, pe_…, ag_… or 'uid 0'"},
        {"target", "ID", false, "about what: a device (de_…), an operation, an agent …"},
        {"customer", "ID", false, "about which customer's things (or_…)"},
        {"action", "NAME", false, "such as device.view or session.begin"},
        {"outcome", "WORD", false, "done, begun, failed, unfinished, denied or not-found"},
        {"from", "TIME", false, "not before"}, {"to", "TIME", false, "before"},
        {"limit", "N", false, "at most so many entries, newest first (default: 50)"},
        {.name = NULL}};

const struct cli_command cli_audit_commands[] = {
        {"audit", "search", "Searches the audit log (recorded itself)", NULL, search_options,
                search},
        {.noun = NULL}};

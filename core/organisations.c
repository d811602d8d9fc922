/* SPDX-License-Identifier: Apache-2.0 */
#include "core/organisations.h"

#include "core/groups.h"
#include "core/rows.h"
#include "lib/crypto.h"
#include "lib/parse.h"

#include <string.h>

enum { INSERT, FIND, LIST, OPERATORS, END };

#define COLUMNS "id, public_id, kind, name, region, lets_partner_invite, created_at"

static const struct sql_statement statements[] = {
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ttttii",
                .out = "i",
                .text = "INSERT INTO organisation (public_id, kind, name, region,"
                        " lets_partner_invite, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
                        " RETURNING id"},
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = "ittttii",
                .text = "SELECT " COLUMNS " FROM organisation"
                        " WHERE (public_id = $1 OR name = $1) AND ended_at IS NULL"
                        " ORDER BY public_id = $1 DESC, id LIMIT 3"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "T",
                .out = "ittttii",
                .text = "SELECT " COLUMNS " FROM organisation"
                        " WHERE ended_at IS NULL AND ($1 IS NULL OR kind = $1)"
                        " ORDER BY kind, name, id"},
        [OPERATORS] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "",
                .out = "i",
                .text = "SELECT count(*) FROM organisation"
                        " WHERE kind = 'operator' AND ended_at IS NULL"},
        [END] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ti",
                .out = "",
                .text = "UPDATE organisation SET ended_at = $2"
                        " WHERE public_id = $1 AND ended_at IS NULL AND kind <> 'operator'"},
};

const struct sql_table organisations_sql = {
        "organisations", statements, sizeof statements / sizeof statements[0]};

bool organisations_name_valid(const char *name, const char *what, struct err *e)
{
	size_t len = strlen(name);

	if (len == 0)
		return err_set(e, ERR_INVALID, "%s is empty", what);
	if (len > NAME_MAX)
		return err_set(e, ERR_INVALID, "%s is longer than %d bytes", what, NAME_MAX);
	if (name[0] == ' ' || name[len - 1] == ' ')
		return err_set(e, ERR_INVALID, "%s has a blank at its end", what);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return err_set(e, ERR_INVALID, "%s holds a control character", what);
	if (!parse_utf8(name, len))
		return err_set(e, ERR_INVALID, "%s is not UTF-8", what);
	return true;
}

static bool is_kind(const char *kind)
{
	return strcmp(kind, "customer") == 0 || strcmp(kind, "partner") == 0 ||
	       strcmp(kind, "operator") == 0;
}

static bool add_default_group(struct sql_conn *write, const struct organisation_new *organisation,
        int64_t id, struct err *e)
{
	char group[PUBLIC_ID];
	struct group_new first = {
	        .public_id = group,
	        .organisation_id = id,
	        .name = organisation->default_group != NULL ? organisation->default_group
	                                                    : "Default",
	        .is_default = true,
	        .now = organisation->now,
	};

	crypto_random_id("gr_", group);
	return groups_add(write, &first, NULL, e);
}

bool organisations_add(struct sql_conn *write, const struct organisation_new *organisation,
        int64_t *id, struct err *e)
{
	int64_t key = 0, operators = 0;

	if (!is_kind(organisation->kind))
		return err_set(
		        e, ERR_INVALID, "an organisation is a customer, a partner or the operator");
	if (!organisations_name_valid(organisation->name, "the organisation's name", e))
		return false;
	if (organisation->default_group != NULL && strcmp(organisation->kind, "customer") != 0)
		return err_set(e, ERR_INVALID, "only a customer has groups of devices");
	if (strcmp(organisation->kind, "operator") == 0) {
		if (!sql_one(write, &statements[OPERATORS], SQL_NO_ARGS,
		            SQL_INTO(SQL_INTO_I(&operators)), NULL, e))
			return false;
		if (operators > 0)
			return err_set(
			        e, ERR_CONFLICT, "this installation has its operator already");
	}
	if (!sql_one(write, &statements[INSERT],
	            SQL_ARGS(SQL_T(organisation->public_id), SQL_T(organisation->kind),
	                    SQL_T(organisation->name),
	                    SQL_T(organisation->region != NULL ? organisation->region : ""),
	                    SQL_I(organisation->lets_partner_invite), SQL_I(organisation->now)),
	            SQL_INTO(SQL_INTO_I(&key)), NULL, e)) {
		if (e != NULL && e->code == ERR_CONFLICT)
			return err_set(e, ERR_CONFLICT, "there is a %s of that name already",
			        organisation->kind);
		return false;
	}
	if (strcmp(organisation->kind, "customer") == 0 &&
	        !add_default_group(write, organisation, key, e))
		return false;
	if (id != NULL)
		*id = key;
	return true;
}

static int next_organisation(
        struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct organisation *o = item;
	int64_t lets = 0;
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&o->id), SQL_INTO_T(arena, &o->public_id),
	                SQL_INTO_T(arena, &o->kind), SQL_INTO_T(arena, &o->name),
	                SQL_INTO_T(arena, &o->region), SQL_INTO_I(&lets),
	                SQL_INTO_I(&o->created_at)),
	        e);

	o->lets_partner_invite = lets != 0;
	return got;
}

/* Reads the rows of FIND or LIST. */
static bool read_rows(struct sql_conn *conn, struct arena *arena, const struct sql_statement *st,
        const char *argument, struct organisation **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct organisation));
	struct organisation one = {0};
	struct sql_cursor *cursor = sql_query(conn, st, SQL_ARGS(SQL_T(argument)), e);
	bool ok = rows_read(&rows, cursor, next_organisation, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

bool organisations_find(struct sql_conn *conn, struct arena *arena, const char *id_or_name,
        struct organisation *out, struct err *e)
{
	struct organisation *found;
	size_t count;

	if (!read_rows(conn, arena, &statements[FIND], id_or_name, &found, &count, e))
		return false;
	if (count == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such organisation");
	if (count > 1 && strcmp(found[0].public_id, id_or_name) != 0)
		return err_set(
		        e, ERR_CONFLICT, "several organisations have that name: say the id (or_…)");
	*out = found[0];
	return true;
}

bool organisations_list(struct sql_conn *conn, struct arena *arena, const char *kind,
        struct organisation **list, size_t *count, struct err *e)
{
	return read_rows(conn, arena, &statements[LIST], kind, list, count, e);
}

bool organisations_end(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	int64_t changes = 0;

	if (!sql_do(write, &statements[END], SQL_ARGS(SQL_T(public_id), SQL_I(now)), &changes, e))
		return false;
	if (changes == 0)
		return err_set(e, ERR_NOT_FOUND,
		        "there is no such customer or partner (the operator cannot be removed)");
	return true;
}

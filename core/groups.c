/* SPDX-License-Identifier: Apache-2.0 */
#include "core/groups.h"

#include "core/organisations.h"
#include "core/rows.h"

#include <string.h>

enum { INSERT, FIND, LIST, DEVICES, REMOVE };

#define SELECT                                                                                     \
	"SELECT g.id, g.public_id, g.organisation_id, o.public_id, o.name, g.name, g.is_default,"  \
	" g.consent FROM device_group g JOIN organisation o ON o.id = g.organisation_id"           \
	" AND o.ended_at IS NULL WHERE g.removed_at IS NULL"

static const struct sql_statement statements[] = {
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "titiit",
                .out = "i",
                .text = "INSERT INTO device_group (public_id, organisation_id, name, is_default,"
                        " created_at, consent)"
                        " SELECT $1, o.id, $3, $4, $5, $6 FROM organisation o"
                        " WHERE o.id = $2 AND o.kind = 'customer' AND o.ended_at IS NULL"
                        " RETURNING id"},
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "ti",
                .out = "ititttit",
                .text = SELECT " AND (g.public_id = $1 AND ($2 = 0 OR g.organisation_id = $2)"
                               " OR g.name = $1 AND g.organisation_id = $2)"
                               " ORDER BY g.public_id = $1 DESC LIMIT 1"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "ititttit",
                .text = SELECT " AND ($1 = 0 OR g.organisation_id = $1)"
                               " ORDER BY o.name, o.id, g.is_default DESC, g.name, g.id"},
        [DEVICES] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = "ii",
                .text = "SELECT g.is_default, EXISTS (SELECT 1 FROM device d"
                        " WHERE d.group_id = g.id) FROM device_group g"
                        " WHERE g.public_id = $1 AND g.removed_at IS NULL"},
        [REMOVE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ti",
                .out = "",
                .text = "UPDATE device_group SET removed_at = $2 WHERE public_id = $1"},
};

const struct sql_table groups_sql = {
        "groups", statements, sizeof statements / sizeof statements[0]};

static bool is_consent(const char *consent)
{
	return strcmp(consent, "always") == 0 || strcmp(consent, "ask") == 0 ||
	       strcmp(consent, "never") == 0;
}

bool groups_add(struct sql_conn *write, const struct group_new *group, int64_t *id, struct err *e)
{
	const char *consent = group->consent != NULL ? group->consent : "always";
	int64_t key = 0;
	bool found = false;

	if (!organisations_name_valid(group->name, "the group's name", e))
		return false;
	if (!is_consent(consent))
		return err_set(e, ERR_INVALID, "consent is always, ask or never");
	if (!sql_one(write, &statements[INSERT],
	            SQL_ARGS(SQL_T(group->public_id), SQL_I(group->organisation_id),
	                    SQL_T(group->name), SQL_I(group->is_default), SQL_I(group->now),
	                    SQL_T(consent)),
	            SQL_INTO(SQL_INTO_I(&key)), &found, e)) {
		if (e != NULL && e->code == ERR_CONFLICT)
			return err_set(
			        e, ERR_CONFLICT, "the customer has a group of that name already");
		return false;
	}
	if (!found)
		return err_set(e, ERR_INVALID, "only customers have device groups");
	if (id != NULL)
		*id = key;
	return true;
}

/* The next row of FIND or LIST; as sql_next(). */
static int next_group(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct group *out = item;
	int64_t is_default = 0;
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&out->id), SQL_INTO_T(arena, &out->public_id),
	                SQL_INTO_I(&out->organisation_id),
	                SQL_INTO_T(arena, &out->organisation_public_id),
	                SQL_INTO_T(arena, &out->organisation_name), SQL_INTO_T(arena, &out->name),
	                SQL_INTO_I(&is_default), SQL_INTO_T(arena, &out->consent)),
	        e);

	out->is_default = is_default != 0;
	return got;
}

bool groups_find(struct sql_conn *conn, struct arena *arena, int64_t organisation_id,
        const char *id_or_name, struct group *out, struct err *e)
{
	struct sql_cursor *cursor = sql_query(
	        conn, &statements[FIND], SQL_ARGS(SQL_T(id_or_name), SQL_I(organisation_id)), e);
	int got;

	if (cursor == NULL)
		return false;
	got = next_group(cursor, arena, out, e);
	sql_end(cursor);
	if (got == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such device group");
	return got == 1;
}

bool groups_list(struct sql_conn *conn, struct arena *arena, int64_t organisation_id,
        struct group **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct group));
	struct group one = {0};
	struct sql_cursor *cursor =
	        sql_query(conn, &statements[LIST], SQL_ARGS(SQL_I(organisation_id)), e);
	bool ok = rows_read(&rows, cursor, next_group, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

bool groups_remove(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	int64_t is_default = 0, devices = 0;
	bool found = false;

	if (!sql_one(write, &statements[DEVICES], SQL_ARGS(SQL_T(public_id)),
	            SQL_INTO(SQL_INTO_I(&is_default), SQL_INTO_I(&devices)), &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "there is no such device group");
	if (is_default != 0)
		return err_set(e, ERR_CONFLICT, "a customer's default group cannot be removed");
	if (devices != 0)
		return err_set(e, ERR_CONFLICT, "there are devices in this group: move them first");
	return sql_do(write, &statements[REMOVE], SQL_ARGS(SQL_T(public_id), SQL_I(now)), NULL, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/grants.h"

#include "core/access.h"
#include "core/rows.h"

#include <string.h>

enum { WHO, WHERE_TO, CONTRACT, LAPSE, INSERT, LIST, END, END_ALL };

static const struct sql_statement statements[] = {
        [WHO] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = "iit",
                .text = "SELECT a.id, a.organisation_id, a.role FROM account a"
                        " JOIN organisation o ON o.id = a.organisation_id AND o.ended_at IS NULL"
                        " WHERE a.public_id = $1 AND a.removed_at IS NULL"},
        [WHERE_TO] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = "ii",
                .text = "SELECT g.id, g.organisation_id FROM device_group g"
                        " JOIN organisation o ON o.id = g.organisation_id AND o.ended_at IS NULL"
                        " WHERE g.public_id = $1 AND g.removed_at IS NULL"},
        [CONTRACT] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iii",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM contract WHERE partner_id = $1"
                        " AND customer_id = $2 AND ended_at IS NULL AND ends_at > $3)"},
        /* One that ran out by itself makes room for a new one. */
        [LAPSE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "iiti",
                .out = "",
                .text = "UPDATE device_grant SET ended_at = expires_at WHERE account_id = $1"
                        " AND group_id = $2 AND \"right\" = $3 AND ended_at IS NULL"
                        " AND expires_at <= $4"},
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tiitttiI",
                .out = "",
                .text = "INSERT INTO device_grant (public_id, account_id, group_id, \"right\","
                        " granted_by, purpose, created_at, expires_at)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iii",
                .out = "itittttttttiI",
                .text = "SELECT t.id, t.public_id, t.account_id, a.public_id, g.public_id, g.name,"
                        " c.public_id, c.name, t.\"right\", t.granted_by, t.purpose,"
                        " t.created_at, t.expires_at FROM device_grant t"
                        " JOIN account a ON a.id = t.account_id AND a.removed_at IS NULL"
                        " JOIN device_group g ON g.id = t.group_id AND g.removed_at IS NULL"
                        " JOIN organisation c ON c.id = g.organisation_id AND c.ended_at IS NULL"
                        " WHERE t.ended_at IS NULL"
                        " AND (t.expires_at IS NULL OR t.expires_at > $3)"
                        " AND ($1 = 0 OR t.account_id = $1)"
                        " AND ($2 = 0 OR g.organisation_id = $2)"
                        " ORDER BY c.name, g.name, t.account_id, t.\"right\", t.id"},
        [END] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ti",
                .out = "",
                .text = "UPDATE device_grant SET ended_at = $2"
                        " WHERE public_id = $1 AND ended_at IS NULL"},
        [END_ALL] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ii",
                .out = "",
                .text = "UPDATE device_grant SET ended_at = $2"
                        " WHERE account_id = $1 AND ended_at IS NULL"},
};

const struct sql_table grants_sql = {
        "grants", statements, sizeof statements / sizeof statements[0]};

/* Whom and what a grant is about, as the database has them. */
struct subject {
	int64_t account, organisation, group, customer;
	enum role role;
};

static bool find_subject(
        struct sql_conn *conn, const struct grant_new *grant, struct subject *to, struct err *e)
{
	struct arena *arena = arena_new(4096);
	const char *role = NULL;
	bool found = false, ok;

	if (arena == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a grant");
	ok = sql_one(conn, &statements[WHO], SQL_ARGS(SQL_T(grant->account)),
	        SQL_INTO(SQL_INTO_I(&to->account), SQL_INTO_I(&to->organisation),
	                SQL_INTO_T(arena, &role)),
	        &found, e);
	to->role = role_from_name(role);
	arena_free(arena);
	if (!ok)
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "there is no such person");
	if (!sql_one(conn, &statements[WHERE_TO], SQL_ARGS(SQL_T(grant->group)),
	            SQL_INTO(SQL_INTO_I(&to->group), SQL_INTO_I(&to->customer)), &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "there is no such device group");
	return true;
}

static bool is_right(const char *right)
{
	return strcmp(right, "view") == 0 || strcmp(right, "operate") == 0 ||
	       strcmp(right, "consume") == 0;
}

/* May this role have this right there? (security.md, People and rights.) */
static bool check_right(struct sql_conn *conn, const struct grant_new *grant,
        const struct subject *to, struct err *e)
{
	int64_t contract = 0;

	if (!is_right(grant->right))
		return err_set(e, ERR_INVALID, "a right is view, operate or consume");
	switch (to->role) {
	case ROLE_CUSTOMER_VIEWER:
		if (to->customer != to->organisation)
			return err_set(e, ERR_INVALID,
			        "a customer's viewer sees groups of the own customer only");
		if (strcmp(grant->right, "view") != 0)
			return err_set(
			        e, ERR_INVALID, "a customer's viewer can be granted view only");
		return true;
	case ROLE_PARTNER_ADMIN:
		if (strcmp(grant->right, "view") == 0)
			return err_set(e, ERR_INVALID,
			        "a partner's admin sees every managed device without a grant");
		break;
	case ROLE_TECHNICIAN:
		break;
	default:
		return err_set(e, ERR_INVALID,
		        "grants are for customers' viewers, technicians and partners' admins");
	}
	if (!sql_one(conn, &statements[CONTRACT],
	            SQL_ARGS(SQL_I(to->organisation), SQL_I(to->customer), SQL_I(grant->now)),
	            SQL_INTO(SQL_INTO_I(&contract)), NULL, e))
		return false;
	if (contract == 0)
		return err_set(e, ERR_CONFLICT,
		        "the person's organisation has no contract with that customer");
	return true;
}

/* When it ends; 0: never. Partners' grants always end. */
static bool choose_end(const struct grant_new *grant, enum role role, int64_t *end, struct err *e)
{
	bool always_ends = role != ROLE_CUSTOMER_VIEWER;

	*end = grant->expires_at;
	if (*end == 0 && always_ends)
		*end = grant->now + GRANT_DEFAULT_MS;
	if (*end != 0 && *end <= grant->now)
		return err_set(e, ERR_INVALID, "the grant would end before it begins");
	if (always_ends && *end > grant->now + GRANT_LONGEST_MS)
		return err_set(
		        e, ERR_INVALID, "a grant to a partner's person lasts at most 366 days");
	return true;
}

bool grants_add(struct sql_conn *write, const struct grant_new *grant, struct err *e)
{
	struct subject to = {0};
	int64_t end;

	if (strcmp(grant->granted_by, grant->account) == 0)
		return err_set(e, ERR_DENIED, "nobody grants to themselves");
	if (!find_subject(write, grant, &to, e) || !check_right(write, grant, &to, e) ||
	        !choose_end(grant, to.role, &end, e))
		return false;
	if (!sql_do(write, &statements[LAPSE],
	            SQL_ARGS(SQL_I(to.account), SQL_I(to.group), SQL_T(grant->right),
	                    SQL_I(grant->now)),
	            NULL, e))
		return false;
	if (!sql_do(write, &statements[INSERT],
	            SQL_ARGS(SQL_T(grant->public_id), SQL_I(to.account), SQL_I(to.group),
	                    SQL_T(grant->right), SQL_T(grant->granted_by),
	                    SQL_T(grant->purpose != NULL ? grant->purpose : ""), SQL_I(grant->now),
	                    end != 0 ? SQL_I(end) : SQL_NULL),
	            NULL, e)) {
		if (e != NULL && e->code == ERR_CONFLICT)
			return err_set(e, ERR_CONFLICT, "the person has this right on this group");
		return false;
	}
	return true;
}

static int next_grant(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct grant *g = item;

	return sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&g->id), SQL_INTO_T(arena, &g->public_id),
	                SQL_INTO_I(&g->account_id), SQL_INTO_T(arena, &g->account_public_id),
	                SQL_INTO_T(arena, &g->group_public_id), SQL_INTO_T(arena, &g->group_name),
	                SQL_INTO_T(arena, &g->customer_public_id),
	                SQL_INTO_T(arena, &g->customer_name), SQL_INTO_T(arena, &g->right),
	                SQL_INTO_T(arena, &g->granted_by), SQL_INTO_T(arena, &g->purpose),
	                SQL_INTO_I(&g->created_at), SQL_INTO_I(&g->expires_at)),
	        e);
}

bool grants_list(struct sql_conn *conn, struct arena *arena, int64_t account_id,
        int64_t customer_id, int64_t now, struct grant **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct grant));
	struct grant one = {0};
	struct sql_cursor *cursor = sql_query(conn, &statements[LIST],
	        SQL_ARGS(SQL_I(account_id), SQL_I(customer_id), SQL_I(now)), e);
	bool ok = rows_read(&rows, cursor, next_grant, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

bool grants_end(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	int64_t changes = 0;

	if (!sql_do(write, &statements[END], SQL_ARGS(SQL_T(public_id), SQL_I(now)), &changes, e))
		return false;
	if (changes == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such grant");
	return true;
}

bool grants_end_all(struct sql_conn *write, int64_t account_id, int64_t now, struct err *e)
{
	return sql_do(
	        write, &statements[END_ALL], SQL_ARGS(SQL_I(account_id), SQL_I(now)), NULL, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/contracts.h"

#include "core/rows.h"

enum { OVERLAPS, INSERT, LIST, END };

static const struct sql_statement statements[] = {
        [OVERLAPS] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iiii",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM contract WHERE customer_id = $1"
                        " AND partner_id = $2 AND ended_at IS NULL"
                        " AND starts_at < $4 AND ends_at > $3)"},
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tiiiii",
                .out = "i",
                .text = "INSERT INTO contract (public_id, customer_id, partner_id, starts_at,"
                        " ends_at, created_at) SELECT $1, c.id, p.id, $4, $5, $6"
                        " FROM organisation c, organisation p"
                        " WHERE c.id = $2 AND c.kind = 'customer' AND c.ended_at IS NULL"
                        " AND p.id = $3 AND p.kind = 'partner' AND p.ended_at IS NULL"
                        " RETURNING id"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "ii",
                .out = "itttttii",
                .text = "SELECT k.id, k.public_id, c.public_id, c.name, p.public_id, p.name,"
                        " k.starts_at, k.ends_at FROM contract k"
                        " JOIN organisation c ON c.id = k.customer_id AND c.ended_at IS NULL"
                        " JOIN organisation p ON p.id = k.partner_id AND p.ended_at IS NULL"
                        " WHERE k.ended_at IS NULL AND k.ends_at > $2"
                        " AND ($1 = 0 OR k.customer_id = $1 OR k.partner_id = $1)"
                        " ORDER BY c.name, p.name, k.starts_at, k.id"},
        [END] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ti",
                .out = "",
                .text = "UPDATE contract SET ended_at = $2"
                        " WHERE public_id = $1 AND ended_at IS NULL"},
};

const struct sql_table contracts_sql = {
        "contracts", statements, sizeof statements / sizeof statements[0]};

bool contracts_add(struct sql_conn *write, const struct contract_new *contract, struct err *e)
{
	int64_t overlaps = 0, id = 0;
	bool found = false;

	if (contract->ends_at <= contract->starts_at)
		return err_set(e, ERR_INVALID, "the contract ends before it starts");
	if (!sql_one(write, &statements[OVERLAPS],
	            SQL_ARGS(SQL_I(contract->customer_id), SQL_I(contract->partner_id),
	                    SQL_I(contract->starts_at), SQL_I(contract->ends_at)),
	            SQL_INTO(SQL_INTO_I(&overlaps)), NULL, e))
		return false;
	if (overlaps != 0)
		return err_set(e, ERR_CONFLICT,
		        "this customer and this partner have a contract for some of that time");
	if (!sql_one(write, &statements[INSERT],
	            SQL_ARGS(SQL_T(contract->public_id), SQL_I(contract->customer_id),
	                    SQL_I(contract->partner_id), SQL_I(contract->starts_at),
	                    SQL_I(contract->ends_at), SQL_I(contract->now)),
	            SQL_INTO(SQL_INTO_I(&id)), &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_INVALID, "a contract is between a customer and a partner");
	return true;
}

static int next_contract(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct contract *c = item;

	return sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&c->id), SQL_INTO_T(arena, &c->public_id),
	                SQL_INTO_T(arena, &c->customer_public_id),
	                SQL_INTO_T(arena, &c->customer_name),
	                SQL_INTO_T(arena, &c->partner_public_id),
	                SQL_INTO_T(arena, &c->partner_name), SQL_INTO_I(&c->starts_at),
	                SQL_INTO_I(&c->ends_at)),
	        e);
}

bool contracts_list(struct sql_conn *conn, struct arena *arena, int64_t organisation_id,
        int64_t now, struct contract **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct contract));
	struct contract one = {0};
	struct sql_cursor *cursor =
	        sql_query(conn, &statements[LIST], SQL_ARGS(SQL_I(organisation_id), SQL_I(now)), e);
	bool ok = rows_read(&rows, cursor, next_contract, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

bool contracts_end(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	int64_t changes = 0;

	if (!sql_do(write, &statements[END], SQL_ARGS(SQL_T(public_id), SQL_I(now)), &changes, e))
		return false;
	if (changes == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such contract");
	return true;
}

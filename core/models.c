/* SPDX-License-Identifier: Apache-2.0 */
#include "core/models.h"

#include "core/organisations.h"
#include "core/rows.h"
#include "lib/operation.h"

#include <string.h>

enum { SET, REMOVE, LIST, FIND };

static const struct sql_statement statements[] = {
        [SET] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ttt",
                .out = "",
                .text = "INSERT INTO model_capability (manufacturer, model, kinds)"
                        " VALUES ($1, $2, $3) ON CONFLICT (manufacturer, model)"
                        " DO UPDATE SET kinds = excluded.kinds"},
        [REMOVE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tt",
                .out = "",
                .text = "DELETE FROM model_capability WHERE manufacturer = $1 AND model = $2"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "",
                .out = "ttt",
                .text = "SELECT manufacturer, model, kinds FROM model_capability"
                        " ORDER BY manufacturer, model"},
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "ttt",
                .out = "i",
                .text = "SELECT instr(' ' || kinds || ' ', ' ' || $3 || ' ') > 0"
                        " FROM model_capability WHERE manufacturer = $1 AND model = $2"},
};

const struct sql_table models_sql = {
        "models", statements, sizeof statements / sizeof statements[0]};

/* Blank-separated kinds: each known, none twice. */
static bool check_kinds(const char *kinds, struct err *e)
{
	size_t count;
	const struct operation_kind *known = operation_kinds(&count);
	unsigned seen = 0;

	for (const char *at = kinds;;) {
		size_t len = strcspn(at, " "), i = 0;

		while (i < count &&
		        (strlen(known[i].name) != len || strncmp(known[i].name, at, len) != 0))
			i++;
		if (i == count)
			return err_set(e, ERR_INVALID,
			        "operation kinds are get-status, head-cleaning and diagnosis");
		if ((seen & 1u << i) != 0)
			return err_set(e, ERR_INVALID, "%s is named twice", known[i].name);
		seen |= 1u << i;
		if (at[len] == '\0')
			return true;
		at += len + 1;
	}
}

bool models_set(struct sql_conn *write, const struct model *model, struct err *e)
{
	if (!organisations_name_valid(model->manufacturer, "the manufacturer", e) ||
	        !organisations_name_valid(model->model, "the model", e) ||
	        !check_kinds(model->kinds, e))
		return false;
	return sql_do(write, &statements[SET],
	        SQL_ARGS(SQL_T(model->manufacturer), SQL_T(model->model), SQL_T(model->kinds)),
	        NULL, e);
}

bool models_remove(
        struct sql_conn *write, const char *manufacturer, const char *model, struct err *e)
{
	int64_t changes = 0;

	if (!sql_do(write, &statements[REMOVE], SQL_ARGS(SQL_T(manufacturer), SQL_T(model)),
	            &changes, e))
		return false;
	if (changes == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no entry for that model");
	return true;
}

static int next_model(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct model *m = item;

	return sql_next(cursor,
	        SQL_INTO(SQL_INTO_T(arena, &m->manufacturer), SQL_INTO_T(arena, &m->model),
	                SQL_INTO_T(arena, &m->kinds)),
	        e);
}

bool models_list(struct sql_conn *conn, struct arena *arena, struct model **list, size_t *count,
        struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct model));
	struct model one = {0};
	struct sql_cursor *cursor = sql_query(conn, &statements[LIST], SQL_NO_ARGS, e);
	bool ok = rows_read(&rows, cursor, next_model, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

bool models_can(struct sql_conn *conn, const char *manufacturer, const char *model,
        const char *kind, bool *can, struct err *e)
{
	int64_t listed = 0;
	bool found = false;

	if (!sql_one(conn, &statements[FIND],
	            SQL_ARGS(SQL_T(manufacturer), SQL_T(model), SQL_T(kind)),
	            SQL_INTO(SQL_INTO_I(&listed)), &found, e))
		return false;
	*can = found ? listed != 0 : strcmp(kind, "get-status") == 0;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/world.h"

#include "core/models.h"
#include "core/sessions.h"
#include "core/sign_in.h"
#include "lib/crypto.h"
#include "tests/helpers/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TABLES_MAX = 32, TIMEOUT_MS = 10000 };
static const unsigned STORES = 1u << SQL_CORE | 1u << SQL_OPERATIONS | 1u << SQL_TELEMETRY;

static const struct sql_statement in_scope = {.role = SQL_READ,
        .store = SQL_CORE,
        .in = "iit",
        .out = "i",
        .text = "SELECT EXISTS (SELECT 1 FROM scope"
                " WHERE viewer = $1 AND group_id = $2 AND \"right\" = $3)"};
static const struct sql_table scope_sql = {"world", &in_scope, 1};

static const struct sql_table *const own[] = {&organisations_sql, &contracts_sql, &groups_sql,
        &grants_sql, &accounts_sql, &sessions_sql, &sign_in_sql, &models_sql, &scope_sql, NULL};

struct world *world_new(const struct sql_table *const *more)
{
	static const struct sql_table *tables[TABLES_MAX + 1];
	struct world *w = calloc(1, sizeof *w);
	struct err e = ERR_CLEAR;
	size_t count = 0;

	assert_non_null(w);
	for (size_t i = 0; own[i] != NULL; i++)
		tables[count++] = own[i];
	for (size_t i = 0; more != NULL && more[i] != NULL && count < TABLES_MAX; i++)
		tables[count++] = more[i];
	tables[count] = NULL;
	if (!crypto_init(&e))
		fail_msg("%s", e.text);
	w->folder = test_folder_new();
	w->arena = arena_new(16 << 20);
	assert_non_null(w->arena);
	clock_fake_init(&w->clock, INT64_C(1790000000000));
	if (!keys_create(w->folder, NULL, &e))
		fail_msg("%s", e.text);
	w->keys = keys_load(w->folder, &e);
	if (w->keys == NULL)
		fail_msg("%s", e.text);
	const struct sql_options options = {.directory = w->folder,
	        .read = STORES,
	        .write = STORES,
	        .own = STORES,
	        .migrate = STORES,
	        .readers = 2,
	        .tables = tables,
	        .clock = &w->clock.base};
	if (!sql_open(&options, &w->db, &e))
		fail_msg("%s", e.text);
	return w;
}

void world_free(struct world *w)
{
	if (w == NULL)
		return;
	sql_close(w->db);
	passwords_free(w->passwords);
	keys_free(w->keys);
	test_folder_remove(w->folder);
	arena_free(w->arena);
	free(w);
}

int64_t world_now(const struct world *w)
{
	return clock_wall_ms(&w->clock.base);
}

bool world_try(struct world *w, sql_work *work, void *arg, struct err *e)
{
	return sql_write(w->db, SQL_CORE, work, arg, TIMEOUT_MS, e);
}

void world_write(struct world *w, sql_work *work, void *arg)
{
	struct err e = ERR_CLEAR;

	if (!world_try(w, work, arg, &e))
		fail_msg("%s", e.text);
}

struct sql_conn *world_read(struct world *w)
{
	struct err e = ERR_CLEAR;
	struct sql_conn *conn = sql_borrow(w->db, TIMEOUT_MS, &e);

	if (conn == NULL)
		fail_msg("%s", e.text);
	return conn;
}

/* One work for everything that is added: the call, with its input beside it. */
struct add {
	struct world *w;
	const struct organisation_new *organisation;
	const struct group_new *group;
	const struct account_new *account;
	const struct contract_new *contract;
	const struct grant_new *grant;
	int64_t id;
};

static bool add(struct sql_conn *write, void *arg, struct err *e)
{
	struct add *a = arg;

	if (a->organisation != NULL)
		return organisations_add(write, a->organisation, &a->id, e);
	if (a->group != NULL)
		return groups_add(write, a->group, &a->id, e);
	if (a->account != NULL)
		return accounts_add(write, a->w->keys, a->account, &a->id, e);
	if (a->contract != NULL)
		return contracts_add(write, a->contract, e);
	return grants_add(write, a->grant, e);
}

struct world_ids world_organisation(struct world *w, const char *kind, const char *name)
{
	struct world_ids ids = {0};
	struct organisation_new o = {
	        .public_id = ids.public_id, .kind = kind, .name = name, .now = world_now(w)};
	struct add a = {.w = w, .organisation = &o};

	crypto_random_id("or_", ids.public_id);
	world_write(w, add, &a);
	ids.id = a.id;
	return ids;
}

struct world_ids world_group(struct world *w, const struct world_ids *customer, const char *name)
{
	struct world_ids ids = {0};
	struct group_new g = {.public_id = ids.public_id,
	        .organisation_id = customer->id,
	        .name = name,
	        .now = world_now(w)};
	struct add a = {.w = w, .group = &g};

	crypto_random_id("gr_", ids.public_id);
	world_write(w, add, &a);
	ids.id = a.id;
	return ids;
}

struct world_ids world_default_group(struct world *w, const struct world_ids *customer)
{
	struct sql_conn *conn = world_read(w);
	struct world_ids ids = {0};
	struct err e = ERR_CLEAR;
	struct group group;

	if (!groups_find(conn, w->arena, customer->id, "Default", &group, &e))
		fail_msg("%s", e.text);
	sql_return(conn);
	ids.id = group.id;
	memcpy(ids.public_id, group.public_id, sizeof ids.public_id);
	return ids;
}

struct world_ids world_person(struct world *w, const struct world_ids *organisation, enum role role,
        const char *sign_in_name)
{
	struct world_ids ids = {0};
	struct account_new p = {.public_id = ids.public_id,
	        .organisation_id = organisation->id,
	        .role = role,
	        .sign_in_name = sign_in_name,
	        .display_name = sign_in_name,
	        .now = world_now(w)};
	struct add a = {.w = w, .account = &p};

	crypto_random_id("pe_", ids.public_id);
	world_write(w, add, &a);
	ids.id = a.id;
	return ids;
}

struct password {
	struct world *w;
	const struct world_ids *person;
};

static bool set_password(struct sql_conn *write, void *arg, struct err *e)
{
	struct password *p = arg;

	return accounts_set_password(write, p->person->public_id, p->w->sealed, world_now(p->w), e);
}

void world_password(struct world *w, const struct world_ids *person)
{
	struct password p = {w, person};
	struct err e = ERR_CLEAR;

	if (w->passwords == NULL)
		w->passwords = passwords_new(w->keys, &e);
	if (w->passwords == NULL ||
	        !passwords_hash(w->passwords, person->public_id, WORLD_PASSWORD, w->sealed, &e))
		fail_msg("%s", e.text);
	world_write(w, set_password, &p);
}

struct world_ids world_contract(struct world *w, const struct world_ids *customer,
        const struct world_ids *partner, int days)
{
	struct world_ids ids = {0};
	struct contract_new c = {.public_id = ids.public_id,
	        .customer_id = customer->id,
	        .partner_id = partner->id,
	        .starts_at = world_now(w),
	        .ends_at = world_now(w) + INT64_C(86400000) * days,
	        .now = world_now(w)};
	struct add a = {.w = w, .contract = &c};

	crypto_random_id("co_", ids.public_id);
	world_write(w, add, &a);
	return ids;
}

struct world_ids world_grant(struct world *w, const struct world_ids *person,
        const struct world_ids *group, const char *right)
{
	struct world_ids ids = {0};
	struct grant_new g = {.public_id = ids.public_id,
	        .account = person->public_id,
	        .group = group->public_id,
	        .right = right,
	        .granted_by = "console uid 0",
	        .now = world_now(w)};
	struct add a = {.w = w, .grant = &g};

	crypto_random_id("gt_", ids.public_id);
	world_write(w, add, &a);
	return ids;
}

bool world_in_scope(struct world *w, const struct world_ids *person, const struct world_ids *group,
        const char *right)
{
	struct sql_conn *conn = world_read(w);
	struct err e = ERR_CLEAR;
	int64_t in = 0;

	if (!sql_one(conn, &in_scope, SQL_ARGS(SQL_I(person->id), SQL_I(group->id), SQL_T(right)),
	            SQL_INTO(SQL_INTO_I(&in)), NULL, &e))
		fail_msg("%s", e.text);
	sql_return(conn);
	return in != 0;
}

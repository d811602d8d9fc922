/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sessions.h"
#include "lib/crypto.h"
#include "tests/helpers/store.h"
#include "tests/helpers/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
	*state = world_new(NULL);
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

struct call {
	struct world *w;
	const struct account_new *add;
	const char *suspend, *resume, *remove;
};

static bool run(struct sql_conn *write, void *arg, struct err *e)
{
	struct call *c = arg;

	if (c->add != NULL)
		return accounts_add(write, c->w->keys, c->add, NULL, e);
	if (c->suspend != NULL)
		return accounts_suspend(write, c->suspend, world_now(c->w), e);
	if (c->resume != NULL)
		return accounts_resume(write, c->resume, e);
	return accounts_remove(write, c->remove, world_now(c->w), e);
}

static enum err_code outcome(struct world *w, struct call call)
{
	struct err e = ERR_CLEAR;

	call.w = w;
	return world_try(w, run, &call, &e) ? ERR_NONE : e.code;
}

static enum err_code add(struct world *w, const struct world_ids *organisation, enum role role,
        const char *name, const char *display)
{
	char id[PUBLIC_ID];
	struct account_new a = {.public_id = id,
	        .organisation_id = organisation->id,
	        .role = role,
	        .sign_in_name = name,
	        .display_name = display,
	        .mail = "someone@example.org",
	        .now = world_now(w)};

	crypto_random_id("pe_", id);
	return outcome(w, (struct call){.add = &a});
}

static void a_person_is_found_by_name_however_it_is_typed(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct err e = ERR_CLEAR;
	struct sql_conn *conn;
	struct account a, b;

	assert_int_equal(add(w, &c, ROLE_CUSTOMER_ADMIN, "Anna.Groß", "Anna Groß"), ERR_NONE);
	conn = world_read(w);
	assert_true(accounts_find_by_name(conn, w->keys, w->arena, " anna.GROSS ", &a, &e));
	assert_string_equal(a.sign_in_name, "Anna.Groß");
	assert_string_equal(a.display_name, "Anna Groß");
	assert_string_equal(a.mail, "someone@example.org");
	assert_string_equal(a.organisation_name, "C");
	assert_int_equal(a.role, ROLE_CUSTOMER_ADMIN);
	assert_true(accounts_find(conn, w->keys, w->arena, a.public_id, &b, &e));
	assert_int_equal(a.id, b.id);
	assert_false(accounts_find_by_name(conn, w->keys, w->arena, "anna", &a, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	sql_return(conn);
}

static void a_sign_in_name_is_taken_once_and_free_after_removal(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "Ben");

	assert_int_equal(add(w, &c, ROLE_CUSTOMER_VIEWER, "BEN", "Ben"), ERR_CONFLICT);
	assert_int_equal(outcome(w, (struct call){.remove = p.public_id}), ERR_NONE);
	assert_int_equal(outcome(w, (struct call){.remove = p.public_id}), ERR_NOT_FOUND);
	assert_int_equal(add(w, &c, ROLE_CUSTOMER_VIEWER, "BEN", "Ben"), ERR_NONE);
}

static void a_role_must_be_one_of_the_organisations_kind(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *kind;
		enum role first, second;
	} kinds[] = {{"customer", ROLE_CUSTOMER_VIEWER, ROLE_CUSTOMER_ADMIN},
	        {"partner", ROLE_TECHNICIAN, ROLE_PARTNER_ADMIN},
	        {"operator", ROLE_OPERATOR_ADMIN, ROLE_AUDITOR}};

	for (size_t k = 0; k < 3; k++) {
		struct world_ids o = world_organisation(w, kinds[k].kind, "O");

		for (int r = ROLE_NONE; r < ROLES; r++) {
			enum role role = (enum role)r;
			bool fits = role == kinds[k].first || role == kinds[k].second;
			char name[32];

			(void)snprintf(name, sizeof name, "person %zu %d", k, r);
			assert_int_equal(
			        add(w, &o, role, name, name), fits ? ERR_NONE : ERR_INVALID);
		}
	}
}

static void people_are_listed_by_name(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids other = world_organisation(w, "customer", "D");
	struct err e = ERR_CLEAR;
	struct sql_conn *conn;
	struct account *list;
	size_t count;

	assert_int_equal(add(w, &c, ROLE_CUSTOMER_VIEWER, "z", "Zoe"), ERR_NONE);
	assert_int_equal(add(w, &c, ROLE_CUSTOMER_VIEWER, "m", "Max"), ERR_NONE);
	assert_int_equal(add(w, &c, ROLE_CUSTOMER_VIEWER, "a", "Ada"), ERR_NONE);
	assert_int_equal(add(w, &other, ROLE_CUSTOMER_VIEWER, "x", "Xi"), ERR_NONE);
	conn = world_read(w);
	assert_true(accounts_list(conn, w->keys, w->arena, c.id, &list, &count, &e));
	sql_return(conn);
	assert_int_equal(count, 3);
	assert_string_equal(list[0].display_name, "Ada");
	assert_string_equal(list[1].display_name, "Max");
	assert_string_equal(list[2].display_name, "Zoe");
}

/* Whether the store's files hold these bytes. */
static bool files_hold(const struct world *w, const char *text)
{
	static const char *const names[] = {"core.db", "core.db-wal"};
	static char bytes[4 << 20];
	bool found = false, looked = false;

	for (size_t i = 0; i < 2; i++) {
		char path[256];
		FILE *f;
		size_t len;

		(void)snprintf(path, sizeof path, "%s/%s", w->folder, names[i]);
		f = fopen(path, "rb");
		if (f == NULL)
			continue;
		len = fread(bytes, 1, sizeof bytes, f);
		(void)fclose(f);
		looked = looked || len > 0;
		if (memmem(bytes, len, text, strlen(text)) != NULL)
			found = true;
	}
	assert_true(looked);
	return found;
}

static void nothing_personal_stands_in_the_files(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "Findable Ltd");

	assert_int_equal(add(w, &c, ROLE_CUSTOMER_VIEWER, "wilhelmina", "Wilhelmina Q"), ERR_NONE);
	/* read what the process wrote, after it has let go of the files */
	sql_close(w->db);
	w->db = NULL;
	assert_true(files_hold(w, "Findable Ltd"));
	assert_false(files_hold(w, "ilhelmina"));
	assert_false(files_hold(w, "someone@example.org"));
}

static void a_value_moved_to_another_person_does_not_open(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids one = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "one");
	struct world_ids two = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "two");
	struct err e = ERR_CLEAR;
	struct sql_conn *conn;
	struct account a;
	char text[512];

	(void)snprintf(text, sizeof text,
	        "UPDATE account SET sealed_display_name ="
	        " (SELECT sealed_display_name FROM account WHERE public_id = '%s')"
	        " WHERE public_id = '%s'",
	        one.public_id, two.public_id);
	test_store_exec(w->folder, SQL_CORE, text);
	conn = world_read(w);
	assert_true(accounts_find(conn, w->keys, w->arena, one.public_id, &a, &e));
	assert_false(accounts_find(conn, w->keys, w->arena, two.public_id, &a, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
	sql_return(conn);
}

static void an_erased_person_has_no_name_any_more(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "one");
	struct err e = ERR_CLEAR;
	struct sql_conn *conn;
	struct account a;

	test_store_exec(w->folder, SQL_CORE, "DELETE FROM person_key");
	conn = world_read(w);
	assert_true(accounts_find(conn, w->keys, w->arena, p.public_id, &a, &e));
	assert_null(a.display_name);
	assert_null(a.sign_in_name);
	sql_return(conn);
}

static void suspending_and_resuming_happen_once(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_ADMIN, "one");
	struct world_ids g = world_default_group(w, &c);

	assert_true(world_in_scope(w, &p, &g, "view"));
	assert_int_equal(outcome(w, (struct call){.resume = p.public_id}), ERR_NOT_FOUND);
	assert_int_equal(outcome(w, (struct call){.suspend = p.public_id}), ERR_NONE);
	assert_false(world_in_scope(w, &p, &g, "view"));
	assert_int_equal(outcome(w, (struct call){.suspend = p.public_id}), ERR_NOT_FOUND);
	assert_int_equal(outcome(w, (struct call){.resume = p.public_id}), ERR_NONE);
	assert_true(world_in_scope(w, &p, &g, "view"));
	assert_int_equal(outcome(w, (struct call){.suspend = "pe_nobody"}), ERR_NOT_FOUND);
}

static void removing_takes_grants_and_credentials_along(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "one");
	struct world_ids g = world_default_group(w, &c);

	world_password(w, &p);
	(void)world_grant(w, &p, &g, "view");
	assert_int_equal(
	        test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM credential"), 1);
	assert_int_equal(outcome(w, (struct call){.remove = p.public_id}), ERR_NONE);
	assert_int_equal(
	        test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM credential"), 0);
	assert_int_equal(test_store_number(w->folder, SQL_CORE,
	                         "SELECT count(*) FROM device_grant WHERE ended_at IS NULL"),
	        0);
	assert_false(world_in_scope(w, &p, &g, "view"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                a_person_is_found_by_name_however_it_is_typed, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_sign_in_name_is_taken_once_and_free_after_removal, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_role_must_be_one_of_the_organisations_kind, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(people_are_listed_by_name, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                nothing_personal_stands_in_the_files, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_value_moved_to_another_person_does_not_open, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                an_erased_person_has_no_name_any_more, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                suspending_and_resuming_happen_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                removing_takes_grants_and_credentials_along, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("accounts", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/crypto.h"
#include "tests/helpers/store.h"
#include "tests/helpers/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

/* ---- calls with their outcome */

struct call {
	const struct organisation_new *organisation;
	const struct contract_new *contract;
	const struct group_new *group;
	const struct grant_new *grant;
	const char *end_grant, *end_contract, *end_organisation, *remove_group;
	int64_t now;
};

static bool run(struct sql_conn *write, void *arg, struct err *e)
{
	const struct call *c = arg;

	if (c->organisation != NULL)
		return organisations_add(write, c->organisation, NULL, e);
	if (c->contract != NULL)
		return contracts_add(write, c->contract, e);
	if (c->group != NULL)
		return groups_add(write, c->group, NULL, e);
	if (c->grant != NULL)
		return grants_add(write, c->grant, e);
	if (c->end_grant != NULL)
		return grants_end(write, c->end_grant, c->now, e);
	if (c->end_contract != NULL)
		return contracts_end(write, c->end_contract, c->now, e);
	if (c->end_organisation != NULL)
		return organisations_end(write, c->end_organisation, c->now, e);
	return groups_remove(write, c->remove_group, c->now, e);
}

static enum err_code outcome(struct world *w, struct call call)
{
	struct err e = ERR_CLEAR;

	call.now = world_now(w);
	return world_try(w, run, &call, &e) ? ERR_NONE : e.code;
}

static enum err_code grant(struct world *w, const struct world_ids *person,
        const struct world_ids *group, const char *right, const char *by, int64_t expires_at)
{
	char id[PUBLIC_ID];
	struct grant_new g = {.public_id = id,
	        .account = person->public_id,
	        .group = group->public_id,
	        .right = right,
	        .granted_by = by,
	        .expires_at = expires_at,
	        .now = world_now(w)};

	crypto_random_id("gt_", id);
	return outcome(w, (struct call){.grant = &g});
}

static const char CONSOLE[] = "console uid 0";
static const int64_t DAY = INT64_C(86400000);

static enum err_code add_organisation(struct world *w, const char *kind, const char *name)
{
	char id[PUBLIC_ID];
	struct organisation_new o = {
	        .public_id = id, .kind = kind, .name = name, .now = world_now(w)};

	crypto_random_id("or_", id);
	return outcome(w, (struct call){.organisation = &o});
}

/* ---- organisations and groups */

static void a_customer_gets_one_default_group_and_a_partner_none(void **state)
{
	struct world *w = *state;
	struct world_ids customer = world_organisation(w, "customer", "Druck & Co");
	struct world_ids partner = world_organisation(w, "partner", "Service");
	struct sql_conn *conn = world_read(w);
	struct err e = ERR_CLEAR;
	struct group *groups;
	size_t count;

	assert_true(groups_list(conn, w->arena, customer.id, &groups, &count, &e));
	assert_int_equal(count, 1);
	assert_true(groups[0].is_default);
	assert_string_equal(groups[0].consent, "always");
	assert_string_equal(groups[0].organisation_name, "Druck & Co");
	assert_true(groups_list(conn, w->arena, partner.id, &groups, &count, &e));
	assert_int_equal(count, 0);
	sql_return(conn);
}

static void names_of_organisations_are_unique_within_a_kind(void **state)
{
	struct world *w = *state;

	assert_int_equal(add_organisation(w, "customer", "Same"), ERR_NONE);
	assert_int_equal(add_organisation(w, "customer", "Same"), ERR_CONFLICT);
	assert_int_equal(add_organisation(w, "partner", "Same"), ERR_NONE);
	assert_int_equal(add_organisation(w, "vendor", "Other"), ERR_INVALID);
	assert_int_equal(add_organisation(w, "customer", ""), ERR_INVALID);
	assert_int_equal(add_organisation(w, "customer", " x"), ERR_INVALID);
	assert_int_equal(add_organisation(w, "customer", "a\nb"), ERR_INVALID);
	assert_int_equal(add_organisation(w, "customer", "\xc3"), ERR_INVALID);
}

static void a_name_that_several_have_must_be_said_by_id(void **state)
{
	struct world *w = *state;
	struct world_ids customer = world_organisation(w, "customer", "Same");
	struct organisation found;
	struct sql_conn *conn;
	struct err e = ERR_CLEAR;

	(void)world_organisation(w, "partner", "Same");
	conn = world_read(w);
	assert_false(organisations_find(conn, w->arena, "Same", &found, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	assert_true(organisations_find(conn, w->arena, customer.public_id, &found, &e));
	assert_int_equal(found.id, customer.id);
	assert_false(organisations_find(conn, w->arena, "Nobody", &found, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	sql_return(conn);
}

static void there_is_one_operator_and_it_stays(void **state)
{
	struct world *w = *state;
	struct world_ids operator= world_organisation(w, "operator", "We");

	assert_int_equal(add_organisation(w, "operator", "Others"), ERR_CONFLICT);
	assert_int_equal(outcome(w, (struct call){.end_organisation = operator.public_id}),
	        ERR_NOT_FOUND);
}

static void a_group_with_devices_and_the_default_group_cannot_be_removed(void **state)
{
	struct world *w = *state;
	struct world_ids customer = world_organisation(w, "customer", "C");
	struct world_ids first = world_default_group(w, &customer);
	struct world_ids full = world_group(w, &customer, "Full");
	struct world_ids empty = world_group(w, &customer, "Empty");

	test_store_exec(w->folder, SQL_CORE,
	        "INSERT INTO device (public_id, customer_id, group_id, identity_kind, "
	        "identity_value,"
	        " name, search_key, state, first_seen_at, seen_hour, list_version)"
	        " SELECT 'de_1', organisation_id, id, 'serial', 'X', 'P', 'p', 'idle', 1, 1, 1"
	        " FROM device_group WHERE name = 'Full'");
	assert_int_equal(outcome(w, (struct call){.remove_group = first.public_id}), ERR_CONFLICT);
	assert_int_equal(outcome(w, (struct call){.remove_group = full.public_id}), ERR_CONFLICT);
	assert_int_equal(outcome(w, (struct call){.remove_group = empty.public_id}), ERR_NONE);
	assert_int_equal(outcome(w, (struct call){.remove_group = empty.public_id}), ERR_NOT_FOUND);
	/* the name is free again */
	(void)world_group(w, &customer, "Empty");
}

static void only_customers_have_groups(void **state)
{
	struct world *w = *state;
	struct world_ids partner = world_organisation(w, "partner", "P");
	struct group_new g = {.public_id = "gr_x",
	        .organisation_id = partner.id,
	        .name = "G",
	        .now = world_now(w)};

	assert_int_equal(outcome(w, (struct call){.group = &g}), ERR_INVALID);
}

/* ---- contracts */

static void a_contract_is_between_a_customer_and_a_partner_once_at_a_time(void **state)
{
	struct world *w = *state;
	struct world_ids customer = world_organisation(w, "customer", "C");
	struct world_ids partner = world_organisation(w, "partner", "P");
	int64_t now = world_now(w);
	struct contract_new c = {.public_id = "co_1",
	        .customer_id = partner.id,
	        .partner_id = customer.id,
	        .starts_at = now,
	        .ends_at = now + DAY,
	        .now = now};

	assert_int_equal(outcome(w, (struct call){.contract = &c}), ERR_INVALID);
	c.customer_id = customer.id;
	c.partner_id = partner.id;
	c.ends_at = now;
	assert_int_equal(outcome(w, (struct call){.contract = &c}), ERR_INVALID);
	c.ends_at = now + DAY;
	assert_int_equal(outcome(w, (struct call){.contract = &c}), ERR_NONE);
	c.public_id = "co_2";
	assert_int_equal(outcome(w, (struct call){.contract = &c}), ERR_CONFLICT);
	c.starts_at = now + DAY;
	c.ends_at = now + 2 * DAY;
	assert_int_equal(outcome(w, (struct call){.contract = &c}), ERR_NONE);
}

/* ---- grants and the access rule */

struct cast {
	struct world_ids customer, other, partner, group, other_group;
	struct world_ids viewer, admin, technician, partner_admin, operator;
	struct world_ids contract;
};

static struct cast cast_new(struct world *w)
{
	struct cast c;
	struct world_ids operator= world_organisation(w, "operator", "We");

	c.customer = world_organisation(w, "customer", "C");
	c.other = world_organisation(w, "customer", "O");
	c.partner = world_organisation(w, "partner", "P");
	c.group = world_group(w, &c.customer, "G");
	c.other_group = world_group(w, &c.other, "G");
	c.viewer = world_person(w, &c.customer, ROLE_CUSTOMER_VIEWER, "viewer");
	c.admin = world_person(w, &c.customer, ROLE_CUSTOMER_ADMIN, "admin");
	c.technician = world_person(w, &c.partner, ROLE_TECHNICIAN, "technician");
	c.partner_admin = world_person(w, &c.partner, ROLE_PARTNER_ADMIN, "partner-admin");
	c.operator= world_person(w, &operator, ROLE_OPERATOR_ADMIN, "operator");
	c.contract = world_contract(w, &c.customer, &c.partner, 30);
	return c;
}

static void nobody_grants_to_themselves(void **state)
{
	struct world *w = *state;
	struct cast c = cast_new(w);

	assert_int_equal(
	        grant(w, &c.technician, &c.group, "view", c.technician.public_id, 0), ERR_DENIED);
	assert_int_equal(grant(w, &c.technician, &c.group, "view", c.admin.public_id, 0), ERR_NONE);
}

static void a_role_is_granted_only_what_it_can_have(void **state)
{
	struct world *w = *state;
	struct cast c = cast_new(w);

	assert_int_equal(grant(w, &c.viewer, &c.group, "operate", CONSOLE, 0), ERR_INVALID);
	assert_int_equal(grant(w, &c.viewer, &c.other_group, "view", CONSOLE, 0), ERR_INVALID);
	assert_int_equal(grant(w, &c.admin, &c.group, "view", CONSOLE, 0), ERR_INVALID);
	assert_int_equal(grant(w, &c.operator, & c.group, "view", CONSOLE, 0), ERR_INVALID);
	assert_int_equal(grant(w, &c.partner_admin, &c.group, "view", CONSOLE, 0), ERR_INVALID);
	assert_int_equal(grant(w, &c.technician, &c.group, "print", CONSOLE, 0), ERR_INVALID);
	/* no contract with that customer */
	assert_int_equal(grant(w, &c.technician, &c.other_group, "view", CONSOLE, 0), ERR_CONFLICT);
	assert_int_equal(grant(w, &c.partner_admin, &c.group, "operate", CONSOLE, 0), ERR_NONE);
	assert_int_equal(grant(w, &c.partner_admin, &c.group, "operate", CONSOLE, 0), ERR_CONFLICT);
}

static void partners_grants_always_end_and_customers_need_not(void **state)
{
	struct world *w = *state;
	struct cast c = cast_new(w);
	struct sql_conn *conn;
	struct err e = ERR_CLEAR;
	struct grant *list;
	size_t count;

	assert_int_equal(grant(w, &c.technician, &c.group, "view", CONSOLE, 0), ERR_NONE);
	assert_int_equal(
	        grant(w, &c.technician, &c.group, "operate", CONSOLE, world_now(w) + 400 * DAY),
	        ERR_INVALID);
	assert_int_equal(
	        grant(w, &c.technician, &c.group, "operate", CONSOLE, world_now(w)), ERR_INVALID);
	assert_int_equal(grant(w, &c.viewer, &c.group, "view", CONSOLE, 0), ERR_NONE);
	conn = world_read(w);
	assert_true(
	        grants_list(conn, w->arena, c.technician.id, 0, world_now(w), &list, &count, &e));
	assert_int_equal(count, 1);
	assert_int_equal(list[0].expires_at, world_now(w) + GRANT_DEFAULT_MS);
	assert_string_equal(list[0].granted_by, CONSOLE);
	assert_true(grants_list(conn, w->arena, c.viewer.id, 0, world_now(w), &list, &count, &e));
	assert_int_equal(count, 1);
	assert_int_equal(list[0].expires_at, 0);
	sql_return(conn);
}

static void a_withdrawn_right_holds_at_once(void **state)
{
	struct world *w = *state;
	struct cast c = cast_new(w);
	struct world_ids t = world_grant(w, &c.technician, &c.group, "view");

	assert_true(world_in_scope(w, &c.technician, &c.group, "view"));
	assert_false(world_in_scope(w, &c.technician, &c.group, "operate"));
	assert_int_equal(outcome(w, (struct call){.end_grant = t.public_id}), ERR_NONE);
	assert_false(world_in_scope(w, &c.technician, &c.group, "view"));
	assert_int_equal(outcome(w, (struct call){.end_grant = t.public_id}), ERR_NOT_FOUND);
	/* and can be given again */
	(void)world_grant(w, &c.technician, &c.group, "view");
	assert_true(world_in_scope(w, &c.technician, &c.group, "view"));
}

static void a_grant_that_ran_out_gives_nothing_and_can_be_renewed(void **state)
{
	struct world *w = *state;
	struct cast c = cast_new(w);

	assert_int_equal(
	        grant(w, &c.technician, &c.group, "view", CONSOLE, world_now(w) + DAY), ERR_NONE);
	assert_true(world_in_scope(w, &c.technician, &c.group, "view"));
	clock_fake_advance(&w->clock, DAY);
	assert_false(world_in_scope(w, &c.technician, &c.group, "view"));
	assert_int_equal(grant(w, &c.technician, &c.group, "view", CONSOLE, 0), ERR_NONE);
	assert_true(world_in_scope(w, &c.technician, &c.group, "view"));
}

static void without_a_contract_a_partner_sees_nothing(void **state)
{
	struct world *w = *state;
	struct cast c = cast_new(w);

	(void)world_grant(w, &c.technician, &c.group, "view");
	assert_true(world_in_scope(w, &c.partner_admin, &c.group, "view"));
	assert_false(world_in_scope(w, &c.partner_admin, &c.other_group, "view"));
	assert_int_equal(outcome(w, (struct call){.end_contract = c.contract.public_id}), ERR_NONE);
	assert_false(world_in_scope(w, &c.technician, &c.group, "view"));
	assert_false(world_in_scope(w, &c.partner_admin, &c.group, "view"));
	c.contract = world_contract(w, &c.customer, &c.partner, 1);
	assert_true(world_in_scope(w, &c.technician, &c.group, "view"));
	clock_fake_advance(&w->clock, DAY);
	assert_false(world_in_scope(w, &c.technician, &c.group, "view"));
}

static void an_ended_organisation_reaches_nothing_and_is_reached_by_nobody(void **state)
{
	struct world *w = *state;
	struct cast c = cast_new(w);

	(void)world_grant(w, &c.technician, &c.group, "view");
	assert_true(world_in_scope(w, &c.admin, &c.group, "view"));
	assert_int_equal(
	        outcome(w, (struct call){.end_organisation = c.customer.public_id}), ERR_NONE);
	assert_false(world_in_scope(w, &c.admin, &c.group, "view"));
	assert_false(world_in_scope(w, &c.technician, &c.group, "view"));
	assert_false(world_in_scope(w, &c.partner_admin, &c.group, "view"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                a_customer_gets_one_default_group_and_a_partner_none, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                names_of_organisations_are_unique_within_a_kind, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_name_that_several_have_must_be_said_by_id, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                there_is_one_operator_and_it_stays, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_group_with_devices_and_the_default_group_cannot_be_removed, set_up,
	                tear_down),
	        cmocka_unit_test_setup_teardown(only_customers_have_groups, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_contract_is_between_a_customer_and_a_partner_once_at_a_time, set_up,
	                tear_down),
	        cmocka_unit_test_setup_teardown(nobody_grants_to_themselves, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_role_is_granted_only_what_it_can_have, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                partners_grants_always_end_and_customers_need_not, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_withdrawn_right_holds_at_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_grant_that_ran_out_gives_nothing_and_can_be_renewed, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                without_a_contract_a_partner_sees_nothing, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                an_ended_organisation_reaches_nothing_and_is_reached_by_nobody, set_up,
	                tear_down),
	};

	return cmocka_run_group_tests_name("rights", tests, NULL, NULL);
}

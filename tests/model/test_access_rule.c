/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds of organisations, contracts, people, groups, grants and devices, and in each the
 * access rule of core/ against an oracle that is slow and obvious: security.md, People and rights,
 * in plain loops. Then something changes (a contract ends, a person is suspended, time goes by),
 * and all is compared again: a withdrawn right is gone at the next question.
 *
 * The seed is printed; FLEETPORT_SEED repeats a run, FLEETPORT_WORLDS makes it longer.
 */
#include "core/devices.h"
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

enum {
	WORLDS = 25,
	CHANGES = 6,
	ORGANISATIONS = 7,
	CONTRACTS = 8,
	GROUPS = 9,
	PEOPLE = 14,
	GRANTS = 40,
	DEVICES = 30,
	PAGE = 4,
	DAY = 86400000,
};

enum right { VIEW, OPERATE, CONSUME, RIGHTS };
static const char *const right_names[RIGHTS] = {"view", "operate", "consume"};

/* Times are ms; 0 in ended, suspended, removed, retired: not. Ids are those of the store. */
struct organisation_m {
	int64_t id, ended;
	enum { CUSTOMER, PARTNER, OPERATOR } kind;
};
struct contract_m {
	int64_t id, starts, ends, ended;
	int customer, partner;
};
struct group_m {
	int64_t id, removed;
	int organisation;
};
struct person_m {
	int64_t id, suspended, removed;
	int organisation;
	enum role role;
};
struct grant_m {
	int64_t id, expires, ended; /* expires 0: never */
	int person, group;
	enum right right;
};
struct device_m {
	int64_t id, retired;
	char public_id[26];
	int group;
};

static struct {
	struct organisation_m organisations[ORGANISATIONS];
	struct contract_m contracts[CONTRACTS];
	struct group_m groups[GROUPS];
	struct person_m people[PEOPLE];
	struct grant_m grants[GRANTS];
	struct device_m devices[DEVICES];
} m;

static struct world *world;
static uint64_t seed;
static int64_t next_id = 1000;

/* splitmix64: small, and the same everywhere. */
static uint64_t draw(void)
{
	uint64_t z = (seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int below(int limit)
{
	return (int)(draw() % (uint64_t)limit);
}

static bool chance(int percent)
{
	return below(100) < percent;
}

static int64_t near_now(void)
{
	return world_now(world) + (int64_t)(below(40) - 20) * DAY;
}

/* ---- the oracle */

static bool contract_reaches(int partner, int customer, int64_t now)
{
	for (int i = 0; i < CONTRACTS; i++) {
		const struct contract_m *c = &m.contracts[i];
		if (c->partner == partner && c->customer == customer && c->ended == 0 &&
		        c->starts <= now && now < c->ends)
			return true;
	}
	return false;
}

/* A partner's grant must end some day; one that never does gives nothing. */
static bool grant_given(int person, int group, enum right right, bool must_end, int64_t now)
{
	for (int i = 0; i < GRANTS; i++) {
		const struct grant_m *g = &m.grants[i];
		if (g->person != person || g->group != group || g->right != right || g->ended != 0)
			continue;
		if (g->expires == 0 ? !must_end : now < g->expires)
			return true;
	}
	return false;
}

static bool may(int person, int group, enum right right)
{
	const struct person_m *p = &m.people[person];
	const struct group_m *g = &m.groups[group];
	const struct organisation_m *own = &m.organisations[p->organisation];
	const struct organisation_m *owner = &m.organisations[g->organisation];
	int64_t now = world_now(world);

	if (p->suspended || p->removed || own->ended || g->removed || owner->ended)
		return false;
	switch (p->role) {
	case ROLE_CUSTOMER_ADMIN:
		return right == VIEW && own->kind == CUSTOMER && g->organisation == p->organisation;
	case ROLE_CUSTOMER_VIEWER:
		return right == VIEW && own->kind == CUSTOMER &&
		       g->organisation == p->organisation &&
		       grant_given(person, group, VIEW, false, now);
	case ROLE_PARTNER_ADMIN:
		return own->kind == PARTNER && owner->kind == CUSTOMER &&
		       contract_reaches(p->organisation, g->organisation, now) &&
		       (right == VIEW || grant_given(person, group, right, true, now));
	case ROLE_TECHNICIAN:
		return own->kind == PARTNER && owner->kind == CUSTOMER &&
		       contract_reaches(p->organisation, g->organisation, now) &&
		       grant_given(person, group, right, true, now);
	default:
		return false; /* running the installation gives no right to look */
	}
}

/* A retired device is nobody's to see. */
static bool may_on(int person, const struct device_m *d, enum right right)
{
	return d->retired == 0 && may(person, d->group, right);
}

/* ---- making a world */

static struct buf script = {.max = 1 << 20};

static void make_organisations(void)
{
	static const char *const kinds[] = {"customer", "partner", "operator"};

	for (int i = 0; i < ORGANISATIONS; i++) {
		struct organisation_m *o = &m.organisations[i];
		*o = (struct organisation_m){.id = next_id++,
		        .kind = i < 3   ? CUSTOMER
		                : i < 6 ? PARTNER
		                        : OPERATOR};
		o->ended = chance(8) ? near_now() : 0;
		buf_printf(&script,
		        "INSERT INTO organisation (id, public_id, kind, name, created_at, ended_at)"
		        " VALUES (%lld, 'or_%lld', '%s', 'o%lld', 1, nullif(%lld, 0));",
		        (long long)o->id, (long long)o->id, kinds[o->kind], (long long)o->id,
		        (long long)o->ended);
	}
	for (int i = 0; i < CONTRACTS; i++) {
		struct contract_m *c = &m.contracts[i];
		*c = (struct contract_m){
		        .id = next_id++, .customer = below(3), .partner = 3 + below(3)};
		c->starts = near_now() - 15 * (int64_t)DAY;
		c->ends = near_now() + 15 * (int64_t)DAY;
		c->ended = chance(15) ? near_now() : 0;
		buf_printf(&script,
		        "INSERT INTO contract (id, public_id, customer_id, partner_id, starts_at,"
		        " ends_at, ended_at, created_at) VALUES (%lld, 'co_%lld', %lld, %lld, %lld,"
		        " %lld, nullif(%lld, 0), 1);",
		        (long long)c->id, (long long)c->id,
		        (long long)m.organisations[c->customer].id,
		        (long long)m.organisations[c->partner].id, (long long)c->starts,
		        (long long)c->ends, (long long)c->ended);
	}
}

static void make_groups_and_devices(void)
{
	for (int i = 0; i < GROUPS; i++) {
		struct group_m *g = &m.groups[i];
		*g = (struct group_m){.id = next_id++, .organisation = below(3)};
		g->removed = chance(8) ? near_now() : 0;
		buf_printf(&script,
		        "INSERT INTO device_group (id, public_id, organisation_id, name, "
		        "created_at,"
		        " removed_at) VALUES (%lld, 'gr_%lld', %lld, 'g%lld', 1, nullif(%lld, 0));",
		        (long long)g->id, (long long)g->id,
		        (long long)m.organisations[g->organisation].id, (long long)g->id,
		        (long long)g->removed);
	}
	for (int i = 0; i < DEVICES; i++) {
		struct device_m *d = &m.devices[i];
		*d = (struct device_m){.id = next_id++, .group = below(GROUPS)};
		d->retired = chance(5) ? near_now() : 0;
		(void)snprintf(d->public_id, sizeof d->public_id, "de_%022lld", (long long)d->id);
		buf_printf(&script,
		        "INSERT INTO device (id, public_id, customer_id, group_id, identity_kind,"
		        " identity_value, name, search_key, state, attention, lowest_supply,"
		        " first_seen_at, seen_hour, list_version, retired_at) VALUES (%lld, '%s', "
		        "%lld,"
		        " %lld, 'serial', 'S%lld', 'n%d', 'n', 'idle', %d, %d, 1, %lld, 1,"
		        " nullif(%lld, 0));",
		        (long long)d->id, d->public_id,
		        (long long)m.organisations[m.groups[d->group].organisation].id,
		        (long long)m.groups[d->group].id, (long long)d->id, below(9), below(4),
		        below(100), (long long)world_now(world), (long long)d->retired);
	}
}

static void make_people_and_grants(void)
{
	for (int i = 0; i < PEOPLE; i++) {
		struct person_m *p = &m.people[i];
		*p = (struct person_m){.id = next_id++,
		        .organisation = below(ORGANISATIONS),
		        .role = (enum role)(1 + below(ROLES - 1))};
		/* Mostly a role of the organisation's kind; sometimes one that cannot be. */
		if (chance(85) && m.organisations[p->organisation].kind == CUSTOMER)
			p->role = chance(50) ? ROLE_CUSTOMER_VIEWER : ROLE_CUSTOMER_ADMIN;
		else if (chance(85) && m.organisations[p->organisation].kind == PARTNER)
			p->role = chance(60) ? ROLE_TECHNICIAN : ROLE_PARTNER_ADMIN;
		p->suspended = chance(7) ? near_now() : 0;
		p->removed = chance(5) ? near_now() : 0;
		buf_printf(&script,
		        "INSERT INTO account (id, public_id, organisation_id, role,"
		        " sign_in_name_index, sealed_sign_in_name, sealed_display_name, created_at,"
		        " suspended_at, removed_at) VALUES (%lld, 'pe_%lld', %lld, '%s',"
		        " randomblob(32), x'00', x'00', 1, nullif(%lld, 0), nullif(%lld, 0));",
		        (long long)p->id, (long long)p->id,
		        (long long)m.organisations[p->organisation].id, role_name(p->role),
		        (long long)p->suspended, (long long)p->removed);
	}
	for (int i = 0; i < GRANTS; i++) {
		struct grant_m *g = &m.grants[i];
		*g = (struct grant_m){.id = next_id++,
		        .person = below(PEOPLE),
		        .group = below(GROUPS),
		        .right = (enum right)below(RIGHTS)};
		g->expires = chance(80) ? near_now() + 10 * (int64_t)DAY : 0;
		g->ended = chance(15) ? near_now() : 0;
		/* One live grant of a kind is all that the schema takes. */
		for (int j = 0; j < i; j++)
			if (m.grants[j].person == g->person && m.grants[j].group == g->group &&
			        m.grants[j].right == g->right && m.grants[j].ended == 0 &&
			        g->ended == 0)
				g->ended = 1;
		buf_printf(&script,
		        "INSERT INTO device_grant (id, public_id, account_id, group_id, \"right\","
		        " granted_by, created_at, expires_at, ended_at) VALUES (%lld, 'gt_%lld', "
		        "%lld,"
		        " %lld, '%s', 'test', 1, nullif(%lld, 0), nullif(%lld, 0));",
		        (long long)g->id, (long long)g->id, (long long)m.people[g->person].id,
		        (long long)m.groups[g->group].id, right_names[g->right],
		        (long long)g->expires, (long long)g->ended);
	}
}

static void run_script(void)
{
	assert_false(script.failed);
	test_store_exec(world->folder, SQL_CORE, buf_text(&script));
	buf_reset(&script);
}

static void make_world(void)
{
	buf_puts(&script, "BEGIN IMMEDIATE;");
	make_organisations();
	make_groups_and_devices();
	make_people_and_grants();
	buf_puts(&script, "COMMIT;");
	run_script();
}

/* ---- something happens */

static void set_time(const char *table, const char *column, int64_t id, int64_t *member)
{
	*member = *member == 0 ? world_now(world) : 0;
	buf_printf(&script, "UPDATE %s SET %s = nullif(%lld, 0) WHERE id = %lld;", table, column,
	        (long long)*member, (long long)id);
	run_script();
}

static void end_grant(struct grant_m *g)
{
	if (g->ended == 0) /* a live one again could be a second of its kind */
		set_time("device_grant", "ended_at", g->id, &g->ended);
}

static void change_something(void)
{
	struct contract_m *c = &m.contracts[below(CONTRACTS)];
	struct person_m *p = &m.people[below(PEOPLE)];
	struct group_m *g = &m.groups[below(GROUPS)];
	struct organisation_m *o = &m.organisations[below(ORGANISATIONS)];
	struct device_m *d = &m.devices[below(DEVICES)];

	switch (below(8)) {
	case 0:
		set_time("contract", "ended_at", c->id, &c->ended);
		break;
	case 1:
		set_time("account", "suspended_at", p->id, &p->suspended);
		break;
	case 2:
		set_time("device_group", "removed_at", g->id, &g->removed);
		break;
	case 3:
		set_time("organisation", "ended_at", o->id, &o->ended);
		break;
	case 4:
		set_time("account", "removed_at", p->id, &p->removed);
		break;
	case 5:
		end_grant(&m.grants[below(GRANTS)]);
		break;
	case 6: /* a device moves to another group of its customer */
		d->group = below(GROUPS);
		buf_printf(&script,
		        "UPDATE device SET group_id = %lld, customer_id = %lld WHERE id = %lld;",
		        (long long)m.groups[d->group].id,
		        (long long)m.organisations[m.groups[d->group].organisation].id,
		        (long long)d->id);
		run_script();
		break;
	default:
		clock_fake_advance(&world->clock, (int64_t)(1 + below(10)) * DAY);
		break;
	}
}

/* ---- the comparison */

static struct viewer viewer_of(int person)
{
	const struct person_m *p = &m.people[person];

	return (struct viewer){.account_id = p->id,
	        .organisation_id = m.organisations[p->organisation].id,
	        .role = p->role,
	        .account_public_id = "pe_x",
	        .organisation_public_id = "or_x",
	        .session_public_id = "se_x",
	        .address = "::1",
	        .request_id = "r"};
}

static int64_t check_each_device(struct sql_conn *conn, struct arena *arena, int person)
{
	const struct viewer viewer = viewer_of(person);
	struct device found;
	struct err e;
	int64_t seen = 0;

	for (int i = 0; i < DEVICES; i++) {
		const struct device_m *d = &m.devices[i];
		bool want = may_on(person, d, VIEW), got;
		e = ERR_CLEAR;
		got = devices_find(conn, &viewer, arena, d->public_id, &found, &e);
		if (got != want || (!got && e.code != ERR_NOT_FOUND))
			fail_msg("person %lld (%s) and device %lld: the oracle says %d, core %d %s",
			        (long long)viewer.account_id, role_name(viewer.role),
			        (long long)d->id, want, got, got ? "" : e.text);
		for (enum right r = VIEW; r < RIGHTS; r++) {
			bool has = false;
			if (!devices_may(conn, &viewer, d->id, right_names[r], &has, &e))
				fail_msg("%s", e.text);
			if (has != may_on(person, d, r))
				fail_msg("person %lld (%s), device %lld, right %s: core says %d",
				        (long long)viewer.account_id, role_name(viewer.role),
				        (long long)d->id, right_names[r], has);
		}
		if (want)
			seen++;
	}
	return seen;
}

/* Every page of the list: each device that may be seen once, and no other. */
static void check_list(struct sql_conn *conn, struct arena *arena, int person, int64_t want)
{
	const struct viewer viewer = viewer_of(person);
	struct devices_query query = {.filter = DEVICES_ALL,
	        .sort = (enum devices_sort)below(DEVICES_SORTS),
	        .descending = chance(50),
	        .limit = PAGE};
	int times[DEVICES] = {0};
	int64_t count = 0;
	struct devices_list list;
	struct err e = ERR_CLEAR;

	do {
		if (!devices_list(conn, &viewer, arena, &query, &list, &e))
			fail_msg("%s", e.text);
		for (size_t i = 0; i < list.count; i++) {
			int d = 0;
			while (d < DEVICES && m.devices[d].id != list.devices[i].id)
				d++;
			if (d == DEVICES || times[d]++ > 0 || !may_on(person, &m.devices[d], VIEW))
				fail_msg("person %lld (%s) is shown device %lld in a list",
				        (long long)viewer.account_id, role_name(viewer.role),
				        (long long)list.devices[i].id);
			count++;
		}
		query.cursor = list.next;
	} while (list.next != NULL);
	assert_int_equal(count, want);
	if (!devices_count(conn, &viewer, arena, &query.filter, &count, &e))
		fail_msg("%s", e.text);
	assert_int_equal(count, want);
}

static void check_fleet(struct sql_conn *conn, struct arena *arena, int person, int64_t want)
{
	const struct viewer viewer = viewer_of(person);
	struct device *list;
	struct fleet fleet;
	struct err e = ERR_CLEAR;
	int64_t warned = 0, silent = 0;
	size_t count;

	if (!devices_fleet(conn, &viewer, &fleet, &e) ||
	        !devices_attention(conn, &viewer, arena, DEVICES, &list, &count, &e))
		fail_msg("%s", e.text);
	assert_int_equal(fleet.total, want);
	for (size_t i = 0; i < count; i++) {
		bool warns = list[i].attention >= DEVICE_ATTENTION_WARNING;
		bool is_silent = list[i].condition == DEVICE_SILENT;
		assert_true(warns || is_silent);
		warned += warns;
		silent += is_silent;
	}
	assert_int_equal(fleet.attention, warned);
	assert_int_equal(fleet.counts[DEVICE_SILENT], silent);
	if (!devices_low(conn, &viewer, arena, 100, DEVICES, &list, &count, &e))
		fail_msg("%s", e.text);
	assert_int_equal(count, want);
}

static int64_t compare(void)
{
	int64_t seen = 0;

	for (int person = 0; person < PEOPLE; person++) {
		struct sql_conn *conn = world_read(world);
		struct arena *arena = arena_new(16 << 20);
		int64_t want;
		assert_non_null(arena);
		want = check_each_device(conn, arena, person);
		check_list(conn, arena, person, want);
		check_fleet(conn, arena, person, want);
		seen += want;
		arena_free(arena);
		sql_return(conn);
	}
	return seen;
}

static int64_t number_of(const char *name, int64_t fallback)
{
	const char *text = getenv(name);

	return text == NULL ? fallback : strtoll(text, NULL, 10);
}

static void core_gives_everyone_what_the_oracle_gives_and_nothing_else(void **state)
{
	int64_t worlds = number_of("FLEETPORT_WORLDS", WORLDS), seen = 0, questions = 0;

	(void)state;
	seed = (uint64_t)number_of("FLEETPORT_SEED", 20260921);
	print_message("seed %llu, %lld worlds\n", (unsigned long long)seed, (long long)worlds);
	for (int64_t i = 0; i < worlds; i++) {
		make_world();
		seen += compare();
		for (int j = 0; j < CHANGES; j++) {
			change_something();
			seen += compare();
		}
		questions += (int64_t)(CHANGES + 1) * PEOPLE * DEVICES * (1 + RIGHTS);
	}
	print_message("%lld questions; %lld times somebody sees a device\n", (long long)questions,
	        (long long)seen);
	/* The worlds must not be so poor that a rule without any rights passed. */
	assert_true(seen * 100 > questions);
}

static int set_up(void **state)
{
	static const struct sql_table *const tables[] = {
	        &devices_sql, &devices_list_sql, &devices_urgent_sql, NULL};

	(void)state;
	world = world_new(tables);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_free(&script);
	world_free(world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(core_gives_everyone_what_the_oracle_gives_and_nothing_else),
	};

	return cmocka_run_group_tests_name("access_rule", tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scope.c: random worlds of customers, partners, contracts, groups, grants and people, and the
 * access rule (the view `scope`) held against an oracle that is slow and obvious: for each person,
 * group and right it reads the rule of security.md from lists in memory. Both are asked again after
 * every random step: time passes, things are granted, withdrawn, suspended, ended.
 *
 * FLEETPORT_SEED says which worlds (default: a fixed one); a failure names its seed.
 */
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

enum {
	WORLDS = 20,
	STEPS = 60,
	CUSTOMERS = 3,
	PARTNERS = 2,
	ORGANISATIONS = CUSTOMERS + PARTNERS + 1,
	GROUPS_EACH = 2,
	GROUPS = CUSTOMERS * GROUPS_EACH,
	PEOPLE_EACH = 3,
	PEOPLE = ORGANISATIONS * PEOPLE_EACH,
	MANY = 200,
};

static const int64_t DAY = INT64_C(86400000);
static const char *const rights[] = {"view", "operate", "consume"};
enum { RIGHTS = 3 };

/* ---- the oracle's picture of the world */

struct o_organisation {
	struct world_ids ids;
	const char *kind;
	bool ended;
};

struct o_person {
	struct world_ids ids;
	size_t organisation;
	enum role role;
	bool suspended, removed;
};

struct o_group {
	struct world_ids ids;
	size_t customer;
	bool removed;
};

struct o_contract {
	char public_id[PUBLIC_ID];
	size_t customer, partner;
	int64_t starts, ends;
	bool ended;
};

struct o_grant {
	char public_id[PUBLIC_ID];
	size_t person, group;
	const char *right;
	int64_t expires; /* 0: never */
	bool ended;
};

struct model {
	struct world *w;
	uint64_t random;
	struct o_organisation organisations[ORGANISATIONS];
	struct o_person people[PEOPLE];
	struct o_group groups[GROUPS];
	struct o_contract contracts[MANY];
	struct o_grant grants[MANY];
	size_t contract_count, grant_count;
};

/* ---- the rule, word for word */

static bool under_contract(const struct model *m, size_t customer, size_t partner, int64_t now)
{
	for (size_t i = 0; i < m->contract_count; i++) {
		const struct o_contract *c = &m->contracts[i];

		if (c->customer == customer && c->partner == partner && !c->ended &&
		        c->starts <= now && now < c->ends)
			return true;
	}
	return false;
}

static bool granted(
        const struct model *m, size_t person, size_t group, const char *right, int64_t now)
{
	for (size_t i = 0; i < m->grant_count; i++) {
		const struct o_grant *g = &m->grants[i];

		if (g->person == person && g->group == group && strcmp(g->right, right) == 0 &&
		        !g->ended && (g->expires == 0 || now < g->expires))
			return true;
	}
	return false;
}

static bool oracle(const struct model *m, size_t p, size_t g, const char *right)
{
	const struct o_person *person = &m->people[p];
	const struct o_group *group = &m->groups[g];
	int64_t now = world_now(m->w);
	bool view = strcmp(right, "view") == 0;

	if (person->suspended || person->removed || m->organisations[person->organisation].ended)
		return false;
	if (group->removed || m->organisations[group->customer].ended)
		return false;
	switch (person->role) {
	case ROLE_CUSTOMER_ADMIN:
		return view && group->customer == person->organisation;
	case ROLE_CUSTOMER_VIEWER:
		return view && group->customer == person->organisation &&
		       granted(m, p, g, right, now);
	case ROLE_PARTNER_ADMIN:
		return under_contract(m, group->customer, person->organisation, now) &&
		       (view || granted(m, p, g, right, now));
	case ROLE_TECHNICIAN:
		return under_contract(m, group->customer, person->organisation, now) &&
		       granted(m, p, g, right, now);
	default: /* running or auditing the installation gives no right to look at devices */
		return false;
	}
}

/* ---- chance, repeatable */

static size_t chance(struct model *m, size_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (size_t)(m->random % below);
}

/* ---- the world */

static void make_people(struct model *m, size_t o)
{
	static const enum role customer[] = {
	        ROLE_CUSTOMER_ADMIN, ROLE_CUSTOMER_VIEWER, ROLE_CUSTOMER_VIEWER};
	static const enum role partner[] = {ROLE_PARTNER_ADMIN, ROLE_TECHNICIAN, ROLE_TECHNICIAN};
	static const enum role operators[] = {ROLE_OPERATOR_ADMIN, ROLE_AUDITOR, ROLE_AUDITOR};

	for (size_t i = 0; i < PEOPLE_EACH; i++) {
		struct o_person *p = &m->people[o * PEOPLE_EACH + i];
		char name[32];

		p->organisation = o;
		p->role = o < CUSTOMERS              ? customer[i]
		          : o < CUSTOMERS + PARTNERS ? partner[i]
		                                     : operators[i];
		(void)snprintf(name, sizeof name, "person %zu %zu", o, i);
		p->ids = world_person(m->w, &m->organisations[o].ids, p->role, name);
	}
}

static void make_world(struct model *m)
{
	for (size_t o = 0; o < ORGANISATIONS; o++) {
		struct o_organisation *x = &m->organisations[o];
		char name[32];

		x->kind = o < CUSTOMERS              ? "customer"
		          : o < CUSTOMERS + PARTNERS ? "partner"
		                                     : "operator";
		(void)snprintf(name, sizeof name, "organisation %zu", o);
		x->ids = world_organisation(m->w, x->kind, name);
		make_people(m, o);
	}
	for (size_t g = 0; g < GROUPS; g++) {
		char name[32];

		m->groups[g].customer = g / GROUPS_EACH;
		(void)snprintf(name, sizeof name, "group %zu", g);
		m->groups[g].ids =
		        world_group(m->w, &m->organisations[m->groups[g].customer].ids, name);
	}
}

/* ---- steps; what core refuses changes neither picture */

struct step {
	const struct contract_new *contract;
	const struct grant_new *grant;
	const char *end_contract, *end_grant, *suspend, *resume, *remove, *end_organisation,
	        *remove_group;
	int64_t now;
};

static bool step_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct step *s = arg;

	if (s->contract != NULL)
		return contracts_add(write, s->contract, e);
	if (s->grant != NULL)
		return grants_add(write, s->grant, e);
	if (s->end_contract != NULL)
		return contracts_end(write, s->end_contract, s->now, e);
	if (s->end_grant != NULL)
		return grants_end(write, s->end_grant, s->now, e);
	if (s->suspend != NULL)
		return accounts_suspend(write, s->suspend, s->now, e);
	if (s->resume != NULL)
		return accounts_resume(write, s->resume, e);
	if (s->remove != NULL)
		return accounts_remove(write, s->remove, s->now, e);
	if (s->end_organisation != NULL)
		return organisations_end(write, s->end_organisation, s->now, e);
	return groups_remove(write, s->remove_group, s->now, e);
}

static bool take(struct model *m, struct step step)
{
	struct err e = ERR_CLEAR;

	step.now = world_now(m->w);
	return world_try(m->w, step_work, &step, &e);
}

static void step_contract(struct model *m)
{
	size_t customer = chance(m, CUSTOMERS), partner = CUSTOMERS + chance(m, PARTNERS);
	struct o_contract *c = &m->contracts[m->contract_count];
	int64_t now = world_now(m->w);
	struct contract_new in = {.public_id = c->public_id,
	        .customer_id = m->organisations[customer].ids.id,
	        .partner_id = m->organisations[partner].ids.id,
	        .starts_at = now + (int64_t)chance(m, 3) * DAY,
	        .now = now};

	in.ends_at = in.starts_at + (int64_t)(1 + chance(m, 20)) * DAY;
	crypto_random_id("co_", c->public_id);
	if (!take(m, (struct step){.contract = &in}))
		return;
	c->customer = customer;
	c->partner = partner;
	c->starts = in.starts_at;
	c->ends = in.ends_at;
	m->contract_count++;
}

static void step_grant(struct model *m)
{
	size_t person = chance(m, PEOPLE), group = chance(m, GROUPS);
	struct o_grant *g = &m->grants[m->grant_count];
	int64_t now = world_now(m->w);
	struct grant_new in = {.public_id = g->public_id,
	        .account = m->people[person].ids.public_id,
	        .group = m->groups[group].ids.public_id,
	        .right = rights[chance(m, RIGHTS)],
	        .granted_by = "console uid 0",
	        .expires_at = chance(m, 2) == 0 ? 0 : now + (int64_t)(1 + chance(m, 30)) * DAY,
	        .now = now};

	crypto_random_id("gt_", g->public_id);
	if (!take(m, (struct step){.grant = &in}))
		return;
	g->person = person;
	g->group = group;
	g->right = in.right;
	g->expires = in.expires_at;
	if (g->expires == 0 && m->people[person].role != ROLE_CUSTOMER_VIEWER)
		g->expires = now + GRANT_DEFAULT_MS;
	m->grant_count++;
}

static void step_end_something(struct model *m)
{
	size_t c = m->contract_count > 0 ? chance(m, m->contract_count) : 0;
	size_t g = m->grant_count > 0 ? chance(m, m->grant_count) : 0;

	if (chance(m, 3) == 0 && m->contract_count > 0) {
		if (take(m, (struct step){.end_contract = m->contracts[c].public_id}))
			m->contracts[c].ended = true;
	} else if (m->grant_count > 0) {
		if (take(m, (struct step){.end_grant = m->grants[g].public_id}))
			m->grants[g].ended = true;
	}
}

static void step_person(struct model *m)
{
	struct o_person *p = &m->people[chance(m, PEOPLE)];

	if (chance(m, 8) == 0) {
		if (take(m, (struct step){.remove = p->ids.public_id}))
			p->removed = true;
	} else if (p->suspended) {
		if (take(m, (struct step){.resume = p->ids.public_id}))
			p->suspended = false;
	} else if (take(m, (struct step){.suspend = p->ids.public_id})) {
		p->suspended = true;
	}
}

static void step_rare(struct model *m)
{
	size_t o = chance(m, ORGANISATIONS), g = chance(m, GROUPS);

	if (chance(m, 2) == 0) {
		if (take(m, (struct step){.remove_group = m->groups[g].ids.public_id}))
			m->groups[g].removed = true;
	} else if (take(m, (struct step){.end_organisation = m->organisations[o].ids.public_id})) {
		m->organisations[o].ended = true;
	}
}

static void step(struct model *m)
{
	size_t which = chance(m, 40);

	if (which < 8)
		step_contract(m);
	else if (which < 24)
		step_grant(m);
	else if (which < 28)
		step_end_something(m);
	else if (which < 32)
		step_person(m);
	else if (which < 33)
		step_rare(m);
	else
		clock_fake_advance(&m->w->clock, (int64_t)(1 + chance(m, 3 * 24)) * DAY / 24);
}

/* ---- both asked */

/* Returns how many of all cells say yes. */
static size_t compare(struct model *m, uint64_t seed, size_t at)
{
	size_t yes = 0;

	for (size_t p = 0; p < PEOPLE; p++)
		for (size_t g = 0; g < GROUPS; g++)
			for (size_t r = 0; r < RIGHTS; r++) {
				bool expected = oracle(m, p, g, rights[r]);
				bool is = world_in_scope(
				        m->w, &m->people[p].ids, &m->groups[g].ids, rights[r]);

				if (is != expected)
					fail_msg("seed %llu, step %zu: %s %s on group %zu: rule %d,"
					         " oracle %d",
					        (unsigned long long)seed, at,
					        role_name(m->people[p].role), rights[r], g, is,
					        expected);
				yes += expected;
			}
	return yes;
}

static void run_world(uint64_t seed, size_t *asked, size_t *yes)
{
	struct model *m = calloc(1, sizeof *m);

	assert_non_null(m);
	m->w = world_new(NULL);
	m->random = seed;
	make_world(m);
	for (size_t i = 0; i < STEPS; i++) {
		step(m);
		*yes += compare(m, seed, i);
		*asked += (size_t)PEOPLE * GROUPS * RIGHTS;
	}
	world_free(m->w);
	free(m);
}

static void the_access_rule_and_the_oracle_agree_in_random_worlds(void **state)
{
	const char *given = getenv("FLEETPORT_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20261122;
	size_t asked = 0, yes = 0;

	(void)state;
	for (uint64_t i = 0; i < WORLDS; i++)
		run_world(seed + i * 7919 + 1, &asked, &yes);
	print_message("%zu questions, %zu answered yes\n", asked, yes);
	/* a world in which nobody may do anything would prove nothing */
	assert_true(yes > asked / 100);
	assert_true(yes < asked / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_access_rule_and_the_oracle_agree_in_random_worlds),
	};

	return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}

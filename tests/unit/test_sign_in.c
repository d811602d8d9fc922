/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sessions.h"
#include "core/sign_in.h"
#include "lib/crypto.h"
#include "tests/helpers/store.h"
#include "tests/helpers/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
	struct world *w = world_new(NULL);
	struct err e = ERR_CLEAR;

	w->passwords = passwords_new(w->keys, &e);
	assert_non_null(w->passwords);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

static const int64_t SECOND = 1000, MINUTE = 60000;

/* ---- signing in */

static struct sign_in_answer attempt_with(struct world *w, enum site site, const char *name,
        const char *password, const char *address, const char *browser)
{
	struct sign_in s = {.db = w->db,
	        .keys = w->keys,
	        .passwords = w->passwords,
	        .clock = &w->clock.base,
	        .site = site};
	struct sign_in_try one = {
	        .name = name, .password = password, .address = address, .browser = browser};
	struct sign_in_answer answer;
	struct err e = ERR_CLEAR;

	if (!sign_in_check(&s, w->arena, &one, &answer, &e))
		fail_msg("%s", e.text);
	return answer;
}

static struct sign_in_answer attempt(struct world *w, enum site site, const char *name,
        const char *password, const char *address)
{
	return attempt_with(w, site, name, password, address, NULL);
}

static void the_right_password_says_who_it_is(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");
	struct sign_in_answer a;

	world_password(w, &p);
	a = attempt(w, SITE_USER, "Anna", WORLD_PASSWORD, "192.0.2.1");
	assert_int_equal(a.result, SIGN_IN_OK);
	assert_string_equal(a.reason, "ok");
	assert_int_equal(a.account_id, p.id);
	assert_string_equal(a.account_public_id, p.public_id);
	assert_string_equal(a.organisation_public_id, c.public_id);
	assert_int_equal(a.role, ROLE_CUSTOMER_VIEWER);
}

static void every_other_way_gives_the_same_answer(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");
	struct world_ids without = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "ben");
	struct {
		enum site site;
		const char *name, *password, *reason;
	} ways[] = {
	        {SITE_USER, "anna", "not her password", "wrong-password"},
	        {SITE_USER, "nobody", WORLD_PASSWORD, "unknown-name"},
	        {SITE_USER, "\xff", WORLD_PASSWORD, "unknown-name"},
	        {SITE_USER, "", "", "unknown-name"},
	        {SITE_USER, "ben", WORLD_PASSWORD, "wrong-password"},
	        {SITE_SUPPORT, "anna", WORLD_PASSWORD, "wrong-site"},
	};

	(void)without;
	world_password(w, &p);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct sign_in_answer a =
		        attempt(w, ways[i].site, ways[i].name, ways[i].password, "192.0.2.1");
		assert_int_equal(a.result, SIGN_IN_WRONG);
		assert_int_equal(a.account_id, 0);
		assert_int_equal(a.wait_ms, 0);
		assert_string_equal(a.reason, ways[i].reason);
	}
	test_store_exec(w->folder, SQL_CORE, "UPDATE account SET suspended_at = 1");
	assert_string_equal(
	        attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1").reason, "not-open");
}

static void failures_slow_a_name_down_and_then_lock_it_known_or_not(void **state)
{
	static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60, 60};
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct sign_in_answer a;

	(void)world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");
	for (int known = 0; known < 2; known++) {
		const char *name = known ? "anna" : "nobody";

		for (int i = 0; i < 5; i++)
			assert_int_equal(attempt(w, SITE_USER, name, "wrong", "192.0.2.1").result,
			        SIGN_IN_WRONG);
		for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
			a = attempt(w, SITE_USER, name, WORLD_PASSWORD, "192.0.2.1");
			assert_int_equal(a.result, SIGN_IN_THROTTLED);
			assert_int_equal(a.wait_ms, waits[i] * SECOND);
			clock_fake_advance(&w->clock, a.wait_ms);
			a = attempt(w, SITE_USER, name, "wrong", "192.0.2.1");
			assert_int_equal(a.result, SIGN_IN_WRONG);
		}
		a = attempt(w, SITE_USER, name, WORLD_PASSWORD, "198.51.100.7");
		assert_int_equal(a.result, SIGN_IN_THROTTLED);
		assert_int_equal(a.wait_ms, 15 * MINUTE);
	}
}

static void a_success_clears_the_failures_of_a_name(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");

	world_password(w, &p);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++)
			assert_int_equal(attempt(w, SITE_USER, "anna", "wrong", "192.0.2.1").result,
			        SIGN_IN_WRONG);
		assert_int_equal(attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1").result,
		        SIGN_IN_OK);
	}
}

static void failures_are_forgotten_after_an_hour(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 5; i++)
		(void)attempt(w, SITE_USER, "nobody", "wrong", "192.0.2.1");
	assert_int_equal(
	        attempt(w, SITE_USER, "nobody", "wrong", "192.0.2.1").result, SIGN_IN_THROTTLED);
	clock_fake_advance(&w->clock, 60 * MINUTE);
	assert_int_equal(
	        attempt(w, SITE_USER, "nobody", "wrong", "192.0.2.1").result, SIGN_IN_WRONG);
	/* and their rows are gone: the name's and the address's of the last one stay */
	assert_int_equal(
	        test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM sign_in_attempt"), 2);
}

static void an_address_has_sixty_failures_a_minute(void **state)
{
	struct world *w = *state;
	struct sign_in_answer a;
	char text[256];

	/* fifty-nine went before, each with a name of its own */
	(void)snprintf(text, sizeof text,
	        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 59)"
	        " INSERT INTO sign_in_attempt (subject, at, ok)"
	        " SELECT CAST('a192.0.2.1' AS BLOB), %lld, 0 FROM n",
	        (long long)world_now(w));
	test_store_exec(w->folder, SQL_CORE, text);
	assert_int_equal(
	        attempt(w, SITE_USER, "one more", "wrong", "192.0.2.1").result, SIGN_IN_WRONG);
	a = attempt(w, SITE_USER, "another", "wrong", "192.0.2.1");
	assert_int_equal(a.result, SIGN_IN_THROTTLED);
	assert_int_equal(a.wait_ms, MINUTE);
	assert_int_equal(
	        attempt(w, SITE_USER, "another", "wrong", "192.0.2.2").result, SIGN_IN_WRONG);
	clock_fake_advance(&w->clock, MINUTE);
	assert_int_equal(
	        attempt(w, SITE_USER, "third", "wrong", "192.0.2.1").result, SIGN_IN_WRONG);
}

/* Who has one address of IPv6 has 2^64 of them. */
static void a_network_of_ipv6_counts_as_one_address(void **state)
{
	struct world *w = *state;
	char text[256];

	(void)snprintf(text, sizeof text,
	        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 59)"
	        " INSERT INTO sign_in_attempt (subject, at, ok)"
	        " SELECT CAST('a2001:db8::/64' AS BLOB), %lld, 0 FROM n",
	        (long long)world_now(w));
	test_store_exec(w->folder, SQL_CORE, text);
	assert_int_equal(
	        attempt(w, SITE_USER, "one more", "wrong", "2001:db8::1").result, SIGN_IN_WRONG);
	assert_int_equal(attempt(w, SITE_USER, "another", "wrong", "2001:db8:0:0:ffff::7").result,
	        SIGN_IN_THROTTLED);
	assert_int_equal(
	        attempt(w, SITE_USER, "another", "wrong", "2001:db8:0:1::7").result, SIGN_IN_WRONG);
}

/* ---- browsers that signed in before */

/* So many failures of a name as lock it. */
static void lock_name(struct world *w, const char *name)
{
	for (int failures = 0; failures < 20; failures++) {
		struct sign_in_answer a = attempt(w, SITE_USER, name, "wrong", "203.0.113.66");

		if (a.result == SIGN_IN_THROTTLED) {
			failures--;
			clock_fake_advance(&w->clock, a.wait_ms);
		}
	}
	assert_int_equal(
	        attempt(w, SITE_USER, name, WORLD_PASSWORD, "203.0.113.66").wait_ms, 15 * MINUTE);
}

static void strangers_do_not_lock_out_a_browser_that_signed_in_before(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");
	struct sign_in_answer first, again;

	world_password(w, &p);
	first = attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1");
	assert_int_equal(strlen(first.browser), KNOWN_BROWSER_TOKEN - 1);
	lock_name(w, "anna");
	assert_int_equal(attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1").result,
	        SIGN_IN_THROTTLED);
	again = attempt_with(w, SITE_USER, "Anna", WORLD_PASSWORD, "192.0.2.1", first.browser);
	assert_int_equal(again.result, SIGN_IN_OK);
	assert_string_not_equal(again.browser, first.browser); /* a newer date */
	/* which gave the strangers nothing back */
	assert_int_equal(attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1").result,
	        SIGN_IN_THROTTLED);
	again = attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1", again.browser);
	assert_int_equal(again.result, SIGN_IN_OK);
}

static void a_known_browser_has_no_more_guesses_than_a_stranger_and_they_are_its_own(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");
	struct sign_in_answer mine, other, a;

	world_password(w, &p);
	mine = attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1");
	other = attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.2");
	for (int i = 0; i < 5; i++) {
		a = attempt_with(w, SITE_USER, "anna", "wrong", "192.0.2.1", mine.browser);
		assert_int_equal(a.result, SIGN_IN_WRONG);
		assert_string_equal(a.browser, "");
	}
	a = attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1", mine.browser);
	assert_int_equal(a.result, SIGN_IN_THROTTLED);
	assert_int_equal(a.wait_ms, SECOND);
	/* the name and the other browser have theirs still */
	assert_int_equal(attempt(w, SITE_USER, "anna", "wrong", "192.0.2.1").result, SIGN_IN_WRONG);
	a = attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.2", other.browser);
	assert_int_equal(a.result, SIGN_IN_OK);
	clock_fake_advance(&w->clock, SECOND);
	a = attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1", mine.browser);
	assert_int_equal(a.result, SIGN_IN_OK);
}

static void a_token_that_is_not_this_names_makes_no_difference(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids anna = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");
	struct world_ids ben = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "ben");
	struct sign_in_answer mine, bens;
	char changed[KNOWN_BROWSER_TOKEN];

	world_password(w, &anna);
	world_password(w, &ben);
	mine = attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1");
	bens = attempt(w, SITE_USER, "ben", WORLD_PASSWORD, "192.0.2.1");
	memcpy(changed, mine.browser, sizeof changed);
	changed[0] = changed[0] == 'A' ? 'B' : 'A';
	const char *const tokens[] = {bens.browser, changed, mine.browser + 4, "", "no token",
	        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

	lock_name(w, "anna");
	lock_name(w, "nobody");
	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
		assert_int_equal(
		        attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1", tokens[i])
		                .result,
		        SIGN_IN_THROTTLED);
		assert_int_equal(
		        attempt_with(w, SITE_USER, "nobody", WORLD_PASSWORD, "192.0.2.1", tokens[i])
		                .result,
		        SIGN_IN_THROTTLED);
	}
	assert_int_equal(
	        attempt_with(w, SITE_USER, "nobody", "wrong", "192.0.2.1", mine.browser).result,
	        SIGN_IN_THROTTLED);
	assert_int_equal(
	        attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1", mine.browser)
	                .result,
	        SIGN_IN_OK);
}

static void a_token_ends_with_time_and_with_a_new_password(void **state)
{
	const int64_t day = 24 * 60 * MINUTE;
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");
	struct sign_in_answer a;

	world_password(w, &p);
	for (int old = 0; old < 2; old++) {
		a = attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1");
		clock_fake_advance(&w->clock, (KNOWN_BROWSER_DAYS - 1 + old) * day);
		lock_name(w, "anna");
		assert_int_equal(
		        attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1", a.browser)
		                .result,
		        old ? SIGN_IN_THROTTLED : SIGN_IN_OK);
		clock_fake_advance(&w->clock, 60 * MINUTE);
	}
	a = attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1");
	world_password(w, &p);
	lock_name(w, "anna");
	assert_int_equal(
	        attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1", a.browser).result,
	        SIGN_IN_THROTTLED);
}

static void neighbours_at_the_address_do_not_hold_a_known_browser_up(void **state)
{
	struct world *w = *state;
	struct world_ids c = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &c, ROLE_CUSTOMER_VIEWER, "anna");
	struct sign_in_answer a;
	char text[256];

	world_password(w, &p);
	a = attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1");
	(void)snprintf(text, sizeof text,
	        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
	        " INSERT INTO sign_in_attempt (subject, at, ok)"
	        " SELECT CAST('a192.0.2.1' AS BLOB), %lld, 0 FROM n",
	        (long long)world_now(w));
	test_store_exec(w->folder, SQL_CORE, text);
	assert_int_equal(attempt(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1").result,
	        SIGN_IN_THROTTLED);
	assert_int_equal(
	        attempt_with(w, SITE_USER, "anna", WORLD_PASSWORD, "192.0.2.1", a.browser).result,
	        SIGN_IN_OK);
}

/* ---- sessions */

struct begin {
	struct session_new session;
	char token[SESSION_TOKEN];
};

static bool begin_work(struct sql_conn *write, void *arg, struct err *e)
{
	struct begin *b = arg;

	return sessions_begin(write, &b->session, b->token, e);
}

static struct begin begin(
        struct world *w, const struct world_ids *person, enum site site, char public_id[PUBLIC_ID])
{
	struct begin b = {.session = {.account_id = person->id,
	                          .rights_version = 1,
	                          .site = site,
	                          .factors = FACTOR_PASSWORD,
	                          .address = "192.0.2.1",
	                          .public_id = public_id,
	                          .now = world_now(w)}};

	crypto_random_id("se_", public_id);
	world_write(w, begin_work, &b);
	return b;
}

static bool alive(struct world *w, enum site site, const char *token, struct session *out)
{
	struct sql_conn *conn = world_read(w);
	struct err e = ERR_CLEAR;
	bool found = false;

	if (!sessions_find(conn, w->arena, site, token, world_now(w), out, &found, &e))
		fail_msg("%s", e.text);
	sql_return(conn);
	return found;
}

static void a_session_is_found_by_its_token_alone_on_its_site_alone(void **state)
{
	struct world *w = *state;
	struct world_ids o = world_organisation(w, "partner", "P");
	struct world_ids p = world_person(w, &o, ROLE_TECHNICIAN, "t");
	char id[PUBLIC_ID], wrong[SESSION_TOKEN];
	struct begin b = begin(w, &p, SITE_SUPPORT, id);
	struct session s;

	assert_int_equal(strlen(b.token), SESSION_TOKEN - 1);
	assert_true(alive(w, SITE_SUPPORT, b.token, &s));
	assert_int_equal(s.viewer.account_id, p.id);
	assert_string_equal(s.viewer.account_public_id, p.public_id);
	assert_string_equal(s.viewer.organisation_public_id, o.public_id);
	assert_string_equal(s.viewer.session_public_id, id);
	assert_int_equal(s.viewer.role, ROLE_TECHNICIAN);
	assert_string_equal(s.organisation_name, "P");
	assert_false(alive(w, SITE_USER, b.token, &s));
	memcpy(wrong, b.token, sizeof wrong);
	wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
	assert_false(alive(w, SITE_SUPPORT, wrong, &s));
	assert_false(alive(w, SITE_SUPPORT, "", &s));
	assert_false(alive(w, SITE_SUPPORT, "not base64url!", &s));
	assert_false(alive(w, SITE_SUPPORT, id, &s));
	/* the token itself is nowhere in the store */
	assert_int_equal(test_store_number(w->folder, SQL_CORE,
	                         "SELECT count(*) FROM session WHERE length(token_hash) = 32"),
	        1);
}

static void a_session_ends_when_idle_and_with_a_new_password(void **state)
{
	static const struct {
		const char *kind;
		enum role role;
		enum site site;
		int64_t idle;
	} sites[] = {{"customer", ROLE_CUSTOMER_VIEWER, SITE_USER, 30},
	        {"partner", ROLE_TECHNICIAN, SITE_SUPPORT, 15}};
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		struct world_ids o = world_organisation(w, sites[i].kind, "O");
		struct world_ids p = world_person(w, &o, sites[i].role, sites[i].kind);
		char id[PUBLIC_ID];
		struct begin b = begin(w, &p, sites[i].site, id);
		struct session s;

		clock_fake_advance(&w->clock, sites[i].idle * MINUTE - 1);
		assert_true(alive(w, sites[i].site, b.token, &s));
		clock_fake_advance(&w->clock, 1);
		assert_false(alive(w, sites[i].site, b.token, &s));

		/* a new password ends a session at once */
		b = begin(w, &p, sites[i].site, id);
		assert_true(alive(w, sites[i].site, b.token, &s));
		world_password(w, &p);
		assert_false(alive(w, sites[i].site, b.token, &s));
	}
}

/* Waits in the writer's queue behind what was handed over before. */
static bool nothing(struct sql_conn *write, void *arg, struct err *e)
{
	(void)write;
	(void)arg;
	(void)e;
	return true;
}

static void use_keeps_a_session_from_idling_but_not_beyond_its_end(void **state)
{
	struct world *w = *state;
	struct world_ids o = world_organisation(w, "partner", "P");
	struct world_ids p = world_person(w, &o, ROLE_TECHNICIAN, "t");
	char id[PUBLIC_ID];
	struct begin b = begin(w, &p, SITE_SUPPORT, id);
	struct session s;

	for (int64_t used = 10; used < 8 * 60; used += 10) {
		clock_fake_advance(&w->clock, 10 * MINUTE);
		assert_true(alive(w, SITE_SUPPORT, b.token, &s));
		sessions_touch(w->db, &s, SITE_SUPPORT, world_now(w));
		world_write(w, nothing, NULL);
	}
	clock_fake_advance(&w->clock, 10 * MINUTE - 1);
	assert_true(alive(w, SITE_SUPPORT, b.token, &s));
	clock_fake_advance(&w->clock, 1);
	assert_false(alive(w, SITE_SUPPORT, b.token, &s));
}

struct end {
	struct world *w;
	const struct world_ids *person;
	const char *session;
	enum { END_ONE, END_REST, SUSPEND } what;
};

static bool end_work(struct sql_conn *write, void *arg, struct err *e)
{
	struct end *x = arg;

	if (x->what == END_ONE)
		return sessions_end(write, x->person->id, x->session, world_now(x->w), e);
	if (x->what == END_REST)
		return sessions_end_others(write, x->person->id, x->session, world_now(x->w), e);
	return accounts_suspend(write, x->person->public_id, world_now(x->w), e);
}

static void sessions_end_one_by_one_all_but_one_and_with_the_person(void **state)
{
	struct world *w = *state;
	struct world_ids o = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &o, ROLE_CUSTOMER_VIEWER, "p");
	struct world_ids q = world_person(w, &o, ROLE_CUSTOMER_VIEWER, "q");
	char id[3][PUBLIC_ID], foreign[PUBLIC_ID];
	struct begin b[3], f;
	struct end x = {.w = w, .person = &p};
	struct err e = ERR_CLEAR;
	struct session_row *rows;
	struct sql_conn *conn;
	struct session s;
	size_t count;

	for (int i = 0; i < 3; i++)
		b[i] = begin(w, &p, SITE_USER, id[i]);
	f = begin(w, &q, SITE_USER, foreign);
	x.session = foreign;
	assert_false(world_try(w, end_work, &x, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	x.session = id[0];
	world_write(w, end_work, &x);
	assert_false(alive(w, SITE_USER, b[0].token, &s));
	assert_true(alive(w, SITE_USER, b[1].token, &s));
	x.what = END_REST;
	x.session = id[1];
	world_write(w, end_work, &x);
	assert_true(alive(w, SITE_USER, b[1].token, &s));
	assert_false(alive(w, SITE_USER, b[2].token, &s));
	conn = world_read(w);
	assert_true(sessions_list(conn, w->arena, p.id, world_now(w), &rows, &count, &e));
	assert_int_equal(count, 1);
	assert_string_equal(rows[0].public_id, id[1]);
	sql_return(conn);
	x.what = SUSPEND;
	world_write(w, end_work, &x);
	assert_false(alive(w, SITE_USER, b[1].token, &s));
	assert_true(alive(w, SITE_USER, f.token, &s));
	test_store_exec(w->folder, SQL_CORE, "UPDATE organisation SET ended_at = 1");
	assert_false(alive(w, SITE_USER, f.token, &s));
}

static void a_session_does_not_begin_when_the_rights_changed_meanwhile(void **state)
{
	struct world *w = *state;
	struct world_ids o = world_organisation(w, "customer", "C");
	struct world_ids p = world_person(w, &o, ROLE_CUSTOMER_VIEWER, "p");
	struct begin b = {.session = {.account_id = p.id,
	                          .rights_version = 1,
	                          .site = SITE_USER,
	                          .factors = FACTOR_PASSWORD,
	                          .address = "",
	                          .public_id = "se_x",
	                          .now = world_now(w)}};
	struct err e = ERR_CLEAR;

	test_store_exec(w->folder, SQL_CORE, "UPDATE account SET rights_version = 2");
	assert_false(world_try(w, begin_work, &b, &e));
	assert_int_equal(e.code, ERR_DENIED);
}

static void a_route_can_demand_a_fresh_factor(void **state)
{
	struct session s = {.viewer = {.factors = FACTOR_PASSWORD}, .factors_at = 1000};

	(void)state;
	assert_true(session_has_factor(&s, FACTOR_PASSWORD, 0, 999999));
	assert_true(session_has_factor(&s, FACTOR_PASSWORD | FACTOR_TOTP, 5000, 6000));
	assert_false(session_has_factor(&s, FACTOR_PASSWORD, 5000, 6001));
	assert_false(session_has_factor(&s, FACTOR_TOTP | FACTOR_PASSKEY, 0, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                the_right_password_says_who_it_is, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                every_other_way_gives_the_same_answer, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                failures_slow_a_name_down_and_then_lock_it_known_or_not, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_success_clears_the_failures_of_a_name, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                failures_are_forgotten_after_an_hour, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                an_address_has_sixty_failures_a_minute, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_network_of_ipv6_counts_as_one_address, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                strangers_do_not_lock_out_a_browser_that_signed_in_before, set_up,
	                tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_known_browser_has_no_more_guesses_than_a_stranger_and_they_are_its_own,
	                set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_token_that_is_not_this_names_makes_no_difference, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_token_ends_with_time_and_with_a_new_password, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                neighbours_at_the_address_do_not_hold_a_known_browser_up, set_up,
	                tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_session_is_found_by_its_token_alone_on_its_site_alone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_session_ends_when_idle_and_with_a_new_password, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                use_keeps_a_session_from_idling_but_not_beyond_its_end, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                sessions_end_one_by_one_all_but_one_and_with_the_person, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_session_does_not_begin_when_the_rights_changed_meanwhile, set_up,
	                tear_down),
	        cmocka_unit_test(a_route_can_demand_a_fresh_factor),
	};

	return cmocka_run_group_tests_name("sign_in", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/agents.h"

#include "lib/buf.h"
#include "lib/file.h"
#include "tests/helpers/store.h"
#include "tests/helpers/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct sql_table *const tables[] = {&agents_sql, &invitations_sql, NULL};
static const int64_t hour = 3600000, day = 86400000;
static const unsigned char key_a[CRYPTO_HASH] = {1}, key_b[CRYPTO_HASH] = {2};

struct scene {
	struct world *w;
	struct world_ids customer, other;
	struct err e;
};

static int make_scene(void **state)
{
	struct scene *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -1;
	s->w = world_new(tables);
	s->customer = world_organisation(s->w, "customer", "Print Shop");
	s->other = world_organisation(s->w, "customer", "Another");
	*state = s;
	return 0;
}

static int end_scene(void **state)
{
	struct scene *s = *state;

	world_free(s->w);
	free(s);
	return 0;
}

/* ---- invitations */

static bool add_work(struct sql_conn *write, void *arg, struct err *e)
{
	return invitations_add(write, arg, e);
}

struct code {
	char text[CRYPTO_CODE + 1], id[PUBLIC_ID];
};

static struct invitation_new invitation(
        const struct scene *s, struct code *code, const char *type, const char *agent)
{
	crypto_code_new(code->text);
	crypto_random_id("in_", code->id);
	return (struct invitation_new){.public_id = code->id,
	        .code = code->text,
	        .customer_id = s->customer.id,
	        .agent_type = type,
	        .agent_public_id = agent,
	        .invited_by = "console uid 0",
	        .now = world_now(s->w)};
}

static struct code invite(struct scene *s, const char *type, const char *agent)
{
	struct code code;
	struct invitation_new i = invitation(s, &code, type, agent);

	world_write(s->w, add_work, &i);
	return code;
}

static bool claim(struct scene *s, const char *code, const unsigned char *key, const char *type,
        struct enrolment_claim *out)
{
	struct sql_conn *conn = world_read(s->w);
	bool ok = enrolment_claim(conn, s->w->arena, code, key, type, world_now(s->w), out, &s->e);

	sql_return(conn);
	return ok;
}

static bool finish_work(struct sql_conn *write, void *arg, struct err *e)
{
	return enrolment_finish(write, arg, e);
}

static const struct enrolment_request request = {.event_key = {9, 9},
        .type = "dc",
        .version = "1.0.0",
        .os_name = "Debian GNU/Linux",
        .os_version = "12",
        .os_product_type = "server"};

struct enrolled {
	char id[PUBLIC_ID];
	char serial[8];
};

static struct enrolment_result result(const struct scene *s, const struct enrolment_claim *c,
        const struct enrolled *agent, const unsigned char *key)
{
	return (struct enrolment_result){.claim = c,
	        .agent_public_id = agent->id,
	        .key_hash = key,
	        .request = &request,
	        .certificate = "PEM",
	        .serial = agent->serial,
	        .not_before = world_now(s->w),
	        .not_after = world_now(s->w) + AGENTS_CERTIFICATE_MS,
	        .now = world_now(s->w)};
}

static struct enrolled enrol_with(
        struct scene *s, const struct code *code, const unsigned char *key, const char *serial)
{
	struct enrolment_claim c;
	struct enrolment_result r;
	struct enrolled agent;

	if (!claim(s, code->text, key, "dc", &c))
		fail_msg("%s", s->e.text);
	if (c.agent_public_id == NULL)
		crypto_random_id("ag_", agent.id);
	else
		snprintf(agent.id, sizeof agent.id, "%s", c.agent_public_id);
	snprintf(agent.serial, sizeof agent.serial, "%s", serial);
	r = result(s, &c, &agent, key);
	world_write(s->w, finish_work, &r);
	return agent;
}

static struct enrolled enrol(struct scene *s, const char *serial)
{
	struct code code = invite(s, "dc", NULL);

	return enrol_with(s, &code, key_a, serial);
}

static bool authenticate(
        struct scene *s, const char *serial, const char *id, struct agent *out, bool *first)
{
	struct sql_conn *conn = world_read(s->w);
	bool ok = agents_authenticate(
	        conn, s->w->arena, serial, id, world_now(s->w), out, first, &s->e);

	sql_return(conn);
	return ok;
}

static bool knows(struct scene *s, const char *serial, const char *id)
{
	struct agent agent;

	s->e = ERR_CLEAR;
	if (authenticate(s, serial, id, &agent, NULL))
		return true;
	assert_int_equal(s->e.code, ERR_DENIED);
	return false;
}

static void an_invitation_makes_an_agent_that_is_known_by_its_certificate(void **state)
{
	struct scene *s = *state;
	struct enrolled agent = enrol(s, "AB01");
	struct agent read;
	bool first = false;

	assert_true(authenticate(s, "AB01", agent.id, &read, &first));
	assert_true(first);
	assert_string_equal(read.public_id, agent.id);
	assert_string_equal(read.customer_public_id, s->customer.public_id);
	assert_string_equal(read.customer_name, "Print Shop");
	assert_string_equal(read.type, "dc");
	assert_string_equal(read.version, "1.0.0");
	assert_string_equal(read.os, "Debian GNU/Linux 12 (server)");
	assert_memory_equal(read.event_key, request.event_key, CRYPTO_SIGN_PUBLIC);
	assert_int_equal(read.device_limit, 5000);
	assert_true(read.certificate_not_after == world_now(s->w) + AGENTS_CERTIFICATE_MS);
	assert_true(knows(s, "ab01", agent.id));
}

static void nobody_else_is_known(void **state)
{
	struct scene *s = *state;
	struct enrolled a = enrol(s, "AA"), b = enrol(s, "BB");

	assert_true(knows(s, "AA", a.id));
	assert_false(knows(s, "AA", b.id)); /* another's certificate */
	assert_false(knows(s, "CC", a.id));
	assert_false(knows(s, "", a.id));
	assert_false(knows(s, "AA'", a.id));
	assert_false(knows(s, "AA", ""));
	clock_fake_advance(&s->w->clock, AGENTS_CERTIFICATE_MS);
	assert_false(knows(s, "AA", a.id)); /* run out */
}

static void a_code_serves_one_key_once_and_that_one_again_for_a_day(void **state)
{
	struct scene *s = *state;
	struct code code = invite(s, "dc", NULL);
	struct enrolment_claim c;
	struct enrolled agent = enrol_with(s, &code, key_a, "AA");

	assert_true(claim(s, code.text, key_a, "dc", &c));
	assert_string_equal(c.certificate, "PEM");
	assert_string_equal(c.agent_public_id, agent.id);
	assert_false(claim(s, code.text, key_b, "dc", &c));
	assert_int_equal(s->e.code, ERR_DENIED);
	clock_fake_advance(&s->w->clock, day - 1);
	assert_true(claim(s, code.text, key_a, "dc", &c));
	clock_fake_advance(&s->w->clock, 1);
	assert_false(claim(s, code.text, key_a, "dc", &c));
}

static void every_code_that_does_not_fit_gets_the_same_answer(void **state)
{
	struct scene *s = *state;
	struct code used = invite(s, "dc", NULL), expired = invite(s, "dc", NULL), unknown;
	struct enrolment_claim c;
	char first[sizeof s->e.text];

	(void)enrol_with(s, &used, key_a, "AA");
	crypto_code_new(unknown.text);
	assert_false(claim(s, unknown.text, key_a, "dc", &c));
	assert_int_equal(s->e.code, ERR_DENIED);
	memcpy(first, s->e.text, sizeof first);
	assert_false(claim(s, used.text, key_b, "dc", &c));
	assert_string_equal(s->e.text, first);
	assert_false(claim(s, "not a code", key_a, "dc", &c));
	assert_string_equal(s->e.text, first);
	assert_false(claim(s, expired.text, key_a, "es", &c)); /* for another type */
	assert_string_equal(s->e.text, first);
	clock_fake_advance(&s->w->clock, AGENTS_INVITATION_MS - 1);
	assert_true(claim(s, expired.text, key_a, "dc", &c));
	clock_fake_advance(&s->w->clock, 1);
	assert_false(claim(s, expired.text, key_a, "dc", &c));
	assert_int_equal(s->e.code, ERR_DENIED);
	assert_string_equal(s->e.text, first);
}

static void of_two_that_use_one_code_at_once_one_is_refused_and_leaves_nothing(void **state)
{
	struct scene *s = *state;
	struct code code = invite(s, "dc", NULL);
	struct enrolment_claim a, b;
	struct enrolled first = {.serial = "AA"}, second = {.serial = "BB"};
	struct enrolment_result r;

	crypto_random_id("ag_", first.id);
	crypto_random_id("ag_", second.id);
	assert_true(claim(s, code.text, key_a, "dc", &a));
	assert_true(claim(s, code.text, key_b, "dc", &b));
	r = result(s, &a, &first, key_a);
	world_write(s->w, finish_work, &r);
	r = result(s, &b, &second, key_b);
	assert_false(world_try(s->w, finish_work, &r, &s->e));
	assert_int_equal(s->e.code, ERR_DENIED);
	assert_true(knows(s, "AA", first.id));
	assert_false(knows(s, "BB", second.id));
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM agent"), 1);
}

static void an_agent_can_be_invited_again_and_keeps_its_id(void **state)
{
	struct scene *s = *state;
	struct enrolled agent = enrol(s, "AA"), again;
	struct code code = invite(s, "dc", agent.id), bad;
	struct invitation_new i;

	again = enrol_with(s, &code, key_b, "BB");
	assert_string_equal(again.id, agent.id);
	assert_true(knows(s, "AA", agent.id));
	assert_true(knows(s, "BB", agent.id));
	/* not for another type, another customer, or nobody */
	i = invitation(s, &bad, "es", agent.id);
	assert_false(world_try(s->w, add_work, &i, &s->e));
	assert_int_equal(s->e.code, ERR_NOT_FOUND);
	i = invitation(s, &bad, "dc", agent.id);
	i.customer_id = s->other.id;
	assert_false(world_try(s->w, add_work, &i, &s->e));
	assert_int_equal(s->e.code, ERR_NOT_FOUND);
	i = invitation(s, &bad, "dc", NULL);
	i.customer_id = 999;
	assert_false(world_try(s->w, add_work, &i, &s->e));
	assert_int_equal(s->e.code, ERR_NOT_FOUND);
	i = invitation(s, &bad, "xx", NULL);
	assert_false(world_try(s->w, add_work, &i, &s->e));
	assert_int_equal(s->e.code, ERR_INVALID);
}

static bool revoke_invitation_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct scene *s = ((void **)arg)[0];
	const char *id = ((void **)arg)[1];

	return invitations_revoke(write, id, world_now(s->w), e);
}

static void open_invitations_are_listed_and_can_be_revoked(void **state)
{
	struct scene *s = *state;
	struct code used = invite(s, "dc", NULL), first, second;
	struct invitation *list = NULL;
	struct enrolment_claim c;
	size_t count = 0;
	struct sql_conn *conn;
	void *arg[2] = {s, NULL};

	(void)enrol_with(s, &used, key_a, "AA");
	first = invite(s, "dc", NULL);
	clock_fake_advance(&s->w->clock, hour);
	second = invite(s, "es", NULL);
	conn = world_read(s->w);
	assert_true(invitations_list(
	        conn, s->w->arena, s->customer.id, world_now(s->w), &list, &count, &s->e));
	assert_int_equal(count, 2);
	assert_string_equal(list[0].public_id, second.id);
	assert_string_equal(list[0].agent_type, "es");
	assert_string_equal(list[1].public_id, first.id);
	assert_string_equal(list[1].customer_public_id, s->customer.public_id);
	assert_string_equal(list[1].invited_by, "console uid 0");
	assert_true(invitations_list(
	        conn, s->w->arena, s->other.id, world_now(s->w), &list, &count, &s->e));
	assert_int_equal(count, 0);
	sql_return(conn);

	arg[1] = first.id;
	world_write(s->w, revoke_invitation_work, arg);
	assert_false(claim(s, first.text, key_a, "dc", &c));
	assert_false(world_try(s->w, revoke_invitation_work, arg, &s->e));
	assert_int_equal(s->e.code, ERR_NOT_FOUND);
	arg[1] = used.id;
	assert_false(world_try(s->w, revoke_invitation_work, arg, &s->e));
	assert_int_equal(s->e.code, ERR_NOT_FOUND);
}

static void a_code_is_not_found_in_the_database(void **state)
{
	struct scene *s = *state;
	struct code code = invite(s, "dc", NULL);
	char query[300];

	snprintf(query, sizeof query,
	        "SELECT count(*) FROM invitation WHERE instr(code_hash, CAST('%s' AS BLOB)) > 0"
	        " OR instr(public_id, '%s') > 0",
	        code.text, code.text);
	assert_int_equal(test_store_number(s->w->folder, SQL_CORE, query), 0);
}

/* ---- attempts */

struct attempt {
	const char *address;
	int64_t now;
	bool allowed;
};

static bool attempt_work(struct sql_conn *write, void *arg, struct err *e)
{
	struct attempt *a = arg;

	return enrolment_attempt(write, a->address, 3, a->now, &a->allowed, e);
}

static bool right_work(struct sql_conn *write, void *arg, struct err *e)
{
	return enrolment_attempt_right(write, arg, e);
}

static bool attempt(struct scene *s, const char *address)
{
	struct attempt a = {.address = address, .now = world_now(s->w)};

	world_write(s->w, attempt_work, &a);
	return a.allowed;
}

static void attempts_are_limited_an_hour_and_address_and_right_ones_do_not_count(void **state)
{
	struct scene *s = *state;
	char address[] = "192.0.2.7";

	for (int i = 0; i < 10; i++) {
		assert_true(attempt(s, address));
		world_write(s->w, right_work, address);
	}
	for (int i = 0; i < 3; i++)
		assert_true(attempt(s, address));
	assert_false(attempt(s, address));
	assert_false(attempt(s, "::ffff:192.0.2.7"));
	assert_true(attempt(s, "192.0.2.8"));
	clock_fake_advance(&s->w->clock, hour - 1);
	assert_false(attempt(s, address));
	clock_fake_advance(&s->w->clock, 1);
	assert_true(attempt(s, address));
	assert_int_equal(
	        test_store_number(s->w->folder, SQL_CORE, "SELECT count(*) FROM enrolment_attempt"),
	        1);
}

static void one_network_of_ipv6_counts_as_one_address(void **state)
{
	struct scene *s = *state;

	assert_true(attempt(s, "2001:db8:0:1::1"));
	assert_true(attempt(s, "2001:db8:0:1:ffff::2"));
	assert_true(attempt(s, "2001:db8:0:1::3"));
	assert_false(attempt(s, "2001:db8:0:1::4"));
	assert_true(attempt(s, "2001:db8:0:2::1"));
}

/* ---- certificates */

struct certificate {
	const struct agent *agent;
	const char *serial;
	int64_t now;
};

static bool renew_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct certificate *c = arg;

	return enrolment_renewed(
	        write, c->agent->id, c->serial, c->now, c->now + AGENTS_CERTIFICATE_MS, c->now, e);
}

static bool used_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct certificate *c = arg;

	return agents_certificate_used(write, c->agent->id, c->serial, c->now, e);
}

static void the_older_certificate_ends_with_the_first_use_of_the_new_one(void **state)
{
	struct scene *s = *state;
	struct enrolled agent = enrol(s, "AA");
	struct certificate c = {.serial = "AA", .now = world_now(s->w)};
	struct agent read;
	bool first = false;

	assert_true(authenticate(s, "AA", agent.id, &read, &first));
	c.agent = &read;
	world_write(s->w, used_work, &c);
	assert_true(authenticate(s, "AA", agent.id, &read, &first));
	assert_false(first);

	clock_fake_advance(&s->w->clock, 60 * day);
	c.now = world_now(s->w);
	c.serial = "BB";
	world_write(s->w, renew_work, &c);
	assert_true(knows(s, "AA", agent.id));
	c.serial = "CC"; /* the answer was lost: it asks again */
	world_write(s->w, renew_work, &c);
	assert_false(knows(s, "BB", agent.id));
	assert_true(knows(s, "AA", agent.id));
	assert_true(authenticate(s, "CC", agent.id, &read, &first));
	assert_true(first);
	world_write(s->w, used_work, &c);
	assert_false(knows(s, "AA", agent.id));
	assert_true(authenticate(s, "CC", agent.id, &read, &first));
	assert_false(first);
}

/* ---- revoking */

struct revoke {
	const char *id;
	int64_t now;
};

static bool revoke_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct revoke *r = arg;

	return agents_revoke(write, r->id, r->now, e);
}

static void assert_revoked_file(struct scene *s, const char *path, const char *expected)
{
	struct buf b = BUF_INIT(10000);

	if (!agents_publish_revoked(s->w->db, path, &s->e) || !file_read(path, &b, &s->e))
		fail_msg("%s", s->e.text);
	assert_string_equal(buf_text(&b), expected);
	buf_free(&b);
}

static void a_revoked_agent_is_refused_at_once_and_stands_in_the_file(void **state)
{
	struct scene *s = *state;
	struct enrolled a = enrol(s, "AA"), b = enrol(s, "BB");
	struct code code = invite(s, "dc", a.id);
	struct revoke r = {.id = a.id, .now = world_now(s->w)};
	struct certificate c = {.serial = "DD", .now = world_now(s->w)};
	struct enrolment_claim claimed;
	struct agent read;
	char path[200], expected[64];

	snprintf(path, sizeof path, "%s/revoked-agents", s->w->folder);
	assert_revoked_file(s, path, "");
	assert_true(authenticate(s, "AA", a.id, &read, NULL));
	world_write(s->w, revoke_work, &r);
	assert_false(knows(s, "AA", a.id));
	assert_true(knows(s, "BB", b.id));
	snprintf(expected, sizeof expected, "%s\n", a.id);
	assert_revoked_file(s, path, expected);
	/* no way back: neither by a renewal nor by an invitation that was open */
	c.agent = &read;
	assert_false(world_try(s->w, renew_work, &c, &s->e));
	assert_int_equal(s->e.code, ERR_DENIED);
	assert_false(claim(s, code.text, key_b, "dc", &claimed));
	assert_false(world_try(s->w, revoke_work, &r, &s->e));
	assert_int_equal(s->e.code, ERR_CONFLICT);
	r.id = "ag_0123456789abcdefghijkl";
	assert_false(world_try(s->w, revoke_work, &r, &s->e));
	assert_int_equal(s->e.code, ERR_NOT_FOUND);
	/* its certificates run out: the file forgets it, the database does not */
	clock_fake_advance(&s->w->clock, AGENTS_CERTIFICATE_MS);
	assert_revoked_file(s, path, "");
}

static void withdrawn_certificates_of_agents_that_go_on_stand_in_the_file_until_they_run_out(
        void **state)
{
	struct scene *s = *state;
	struct enrolled a = enrol(s, "AA");
	struct certificate c = {.now = world_now(s->w)};
	struct revoke r = {.id = a.id};
	struct agent read;
	char path[200], expected[64];

	snprintf(path, sizeof path, "%s/revoked-agents", s->w->folder);
	assert_true(authenticate(s, "AA", a.id, &read, NULL));
	c.agent = &read;
	c.serial = "AA";
	world_write(s->w, used_work, &c);
	clock_fake_advance(&s->w->clock, 60 * day);
	c.now = world_now(s->w);
	c.serial = "BB";
	world_write(s->w, renew_work, &c);
	assert_revoked_file(s, path, "");
	c.serial = "CC"; /* the answer was lost: it asks again */
	world_write(s->w, renew_work, &c);
	assert_revoked_file(s, path, "BB\n");
	world_write(s->w, used_work, &c);
	assert_revoked_file(s, path, "AA\nBB\n");
	clock_fake_advance(&s->w->clock, 30 * day); /* AA has run out */
	assert_revoked_file(s, path, "BB\n");
	/* with its agent revoked, its name is enough */
	r.now = world_now(s->w);
	world_write(s->w, revoke_work, &r);
	snprintf(expected, sizeof expected, "%s\n", a.id);
	assert_revoked_file(s, path, expected);
}

static void agents_of_a_customer_that_ended_are_refused_and_stand_in_the_file(void **state)
{
	struct scene *s = *state;
	struct enrolled a = enrol(s, "AA");
	struct agent one;
	struct sql_conn *conn;
	char path[200], expected[64];

	snprintf(path, sizeof path, "%s/revoked-agents", s->w->folder);
	test_store_exec(s->w->folder, SQL_CORE,
	        "UPDATE organisation SET ended_at = 1 WHERE name = 'Print Shop'");
	assert_false(knows(s, "AA", a.id));
	snprintf(expected, sizeof expected, "%s\n", a.id);
	assert_revoked_file(s, path, expected);
	/* whoever reads it sees that it is over, not only who authenticates it */
	conn = world_read(s->w);
	assert_true(agents_find(conn, s->w->arena, a.id, &one, &s->e));
	sql_return(conn);
	assert_int_equal(one.revoked_at, 1);
}

static void agents_are_listed_by_customer_with_the_revoked_ones_last(void **state)
{
	struct scene *s = *state;
	struct enrolled a = enrol(s, "AA"), b;
	struct revoke r = {.id = a.id, .now = world_now(s->w)};
	struct agent *list = NULL, one;
	size_t count = 0;
	struct sql_conn *conn;

	clock_fake_advance(&s->w->clock, 1000);
	b = enrol(s, "BB");
	world_write(s->w, revoke_work, &r);
	conn = world_read(s->w);
	assert_true(agents_list(conn, s->w->arena, s->customer.id, &list, &count, &s->e));
	assert_int_equal(count, 2);
	assert_string_equal(list[0].public_id, b.id);
	assert_true(list[0].revoked_at == 0);
	assert_string_equal(list[1].public_id, a.id);
	assert_true(list[1].revoked_at == r.now);
	assert_true(list[1].certificate_not_after == 0);
	assert_true(agents_list(conn, s->w->arena, s->other.id, &list, &count, &s->e));
	assert_int_equal(count, 0);
	assert_true(agents_list(conn, s->w->arena, 0, &list, &count, &s->e));
	assert_int_equal(count, 2);
	assert_true(agents_find(conn, s->w->arena, a.id, &one, &s->e));
	assert_true(one.revoked_at == r.now);
	assert_true(agents_find_by_key(conn, s->w->arena, one.id, &one, &s->e));
	assert_string_equal(one.public_id, a.id);
	assert_false(agents_find(conn, s->w->arena, "ag_x", &one, &s->e));
	assert_int_equal(s->e.code, ERR_NOT_FOUND);
	sql_return(conn);
}

struct seen {
	int64_t id, now;
	const char *version;
};

static bool seen_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct seen *seen = arg;

	return agents_seen(write, seen->id, seen->version, "os", seen->now, e);
}

static void what_an_agent_says_of_itself_is_kept_with_the_hour(void **state)
{
	struct scene *s = *state;
	struct enrolled a = enrol(s, "AA");
	struct agent read;
	struct seen seen = {.version = "2.0.0"};

	assert_true(authenticate(s, "AA", a.id, &read, NULL));
	seen.id = read.id;
	seen.now = world_now(s->w) / hour * hour + 1234;
	world_write(s->w, seen_work, &seen);
	assert_true(authenticate(s, "AA", a.id, &read, NULL));
	assert_string_equal(read.version, "2.0.0");
	assert_string_equal(read.os, "os");
	assert_true(read.seen_hour == seen.now / hour * hour);
}

static void only_a_subject_that_is_one_agent_id_is_taken(void **state)
{
	static const char *const bad[] = {"", "ag_0123456789abcdefghijkl",
	        "CN=ag_0123456789abcdefghijk", "CN=ag_0123456789abcdefghijkl,O=x",
	        "O=x,CN=ag_0123456789abcdefghijkl", "cn=ag_0123456789abcdefghijkl", "CN=dispatch",
	        "CN=ag_0123456789abcdefghijkl+CN=ag_x", "/CN=ag_0123456789abcdefghijkl"};
	char out[32];

	(void)state;
	assert_true(agents_subject("CN=ag_0123456789abcdefghijkl", out));
	assert_string_equal(out, "ag_0123456789abcdefghijkl");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(agents_subject(bad[i], out));
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, make_scene, end_scene)

static void an_agents_system_is_one_text_of_what_was_told(void **state)
{
	char text[AGENTS_SYSTEM_SIZE];

	(void)state;
	assert_string_equal(agents_system(text, "Debian GNU/Linux", "12", "server"),
	        "Debian GNU/Linux 12 (server)");
	assert_string_equal(agents_system(text, "ProtoOS", "", "embedded"), "ProtoOS (embedded)");
	assert_string_equal(agents_system(text, "", "3.1", NULL), "3.1");
	assert_string_equal(agents_system(text, NULL, NULL, NULL), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        SCENE_TEST(an_invitation_makes_an_agent_that_is_known_by_its_certificate),
	        SCENE_TEST(nobody_else_is_known),
	        cmocka_unit_test(an_agents_system_is_one_text_of_what_was_told),
	        SCENE_TEST(a_code_serves_one_key_once_and_that_one_again_for_a_day),
	        SCENE_TEST(every_code_that_does_not_fit_gets_the_same_answer),
	        SCENE_TEST(of_two_that_use_one_code_at_once_one_is_refused_and_leaves_nothing),
	        SCENE_TEST(an_agent_can_be_invited_again_and_keeps_its_id),
	        SCENE_TEST(open_invitations_are_listed_and_can_be_revoked),
	        SCENE_TEST(a_code_is_not_found_in_the_database),
	        SCENE_TEST(attempts_are_limited_an_hour_and_address_and_right_ones_do_not_count),
	        SCENE_TEST(one_network_of_ipv6_counts_as_one_address),
	        SCENE_TEST(the_older_certificate_ends_with_the_first_use_of_the_new_one),
	        SCENE_TEST(a_revoked_agent_is_refused_at_once_and_stands_in_the_file),
	        SCENE_TEST(
	                withdrawn_certificates_of_agents_that_go_on_stand_in_the_file_until_they_run_out),
	        SCENE_TEST(agents_of_a_customer_that_ended_are_refused_and_stand_in_the_file),
	        SCENE_TEST(agents_are_listed_by_customer_with_the_revoked_ones_last),
	        SCENE_TEST(what_an_agent_says_of_itself_is_kept_with_the_hour),
	        cmocka_unit_test(only_a_subject_that_is_one_agent_id_is_taken),
	};

	return cmocka_run_group_tests_name("agents", tests, NULL, NULL);
}

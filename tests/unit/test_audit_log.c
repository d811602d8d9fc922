/* SPDX-License-Identifier: Apache-2.0 */
/* Searching the log, against an obvious oracle over random records. */
#include "core/audit_log.h"

#include "core/audit_store.h"
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

enum { RECORDS = 300, DEVICES = 6, PEOPLE = 5, START = 1000000, ROUNDS = 400 };

static struct world *w;
static struct sql_db *db;
static struct world_ids customers[2], partner, rival, groups[3];
static struct world_ids people[PEOPLE]; /* viewer, admin, technician, partner's admin, rival's */
static const enum role roles[PEOPLE] = {ROLE_CUSTOMER_VIEWER, ROLE_CUSTOMER_ADMIN, ROLE_TECHNICIAN,
        ROLE_PARTNER_ADMIN, ROLE_TECHNICIAN};
static const struct world_ids *const organisations[PEOPLE] = {
        &customers[0], &customers[0], &partner, &partner, &rival};
/* Devices 0 and 1 are in group 0, 2 and 3 in group 1, 4 and 5 in group 2, the other customer's. */
static char devices[DEVICES][32];

struct made {
	int64_t at;
	const char *targets[3];
	size_t count;
	const char *customer;
	const char *action;
	int actor; /* of people; -1: a program */
	enum audit_outcome outcome;
};
static struct made log_made[RECORDS];

static const char *const actions[] = {"device.view", "device.list", "operation.submit"};
static const enum audit_outcome outcomes[] = {AUDIT_DONE, AUDIT_DENIED, AUDIT_NOT_FOUND};

static int64_t customer_of(const char *device)
{
	for (int i = 0; i < DEVICES; i++)
		if (strcmp(devices[i], device) == 0)
			return customers[i >= 4].id;
	return 0;
}

static bool append(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct made *m = arg;
	const struct audit_entry entry = {.actor_kind = "person",
	        .actor_id = m->actor >= 0 ? people[m->actor].public_id : "audit",
	        .actor_organisation = m->actor >= 0 ? organisations[m->actor]->public_id : "",
	        .action = m->action,
	        .targets = m->targets,
	        .target_count = m->count,
	        .customer = m->customer,
	        .purpose = "secret purpose",
	        .outcome = m->outcome};
	const struct audit_head head = {.at = m->at, .node = "n", .source = "user"};
	struct buf body = BUF_INIT(AUDIT_RECORD_MAX), record = BUF_INIT(AUDIT_RECORD_MAX);
	struct audit_row row;
	int64_t number;
	bool ok;

	ok = audit_body_encode(&entry, 1, 1, 0, m->count, &body, e) &&
	     audit_record_join(&head, body.data, body.len, &record, e);
	row = (struct audit_row){.at = m->at,
	        .source = "user",
	        .record = (const unsigned char *)record.data,
	        .len = record.len};
	audit_record_leaf(row.record, row.len, row.leaf);
	ok = ok && audit_store_append(conn, &row, 1, &number, e);
	buf_free(&body);
	buf_free(&record);
	return ok;
}

static bool index_all(struct sql_conn *conn, void *arg, struct err *e)
{
	struct arena *arena = arena_new(1 << 20);
	unsigned done = 1;
	bool ok = arena != NULL && (arg == NULL || audit_store_index_forget(conn, e));

	while (ok && done > 0)
		ok = audit_store_index(conn, arena, 100, &done, e);
	arena_free(arena);
	return ok;
}

static void write_log(sql_work *work, void *arg)
{
	struct err e = ERR_CLEAR;

	if (!sql_write(db, SQL_AUDIT, work, arg, 10000, &e))
		fail_msg("%s", e.text);
}

static void make_record(struct made *m, int i)
{
	size_t count = crypto_random_below(4);

	m->at = START + (i / 3) * 10 -
	        (i % 7 == 0 ? 500 : 0); /* equal times, and a clock set back */
	m->actor = (int)crypto_random_below(PEOPLE + 1) - 1;
	for (size_t t = 0; t < count; t++)
		m->targets[m->count++] = devices[crypto_random_below(DEVICES)];
	m->action = actions[crypto_random_below(3)];
	m->outcome = outcomes[crypto_random_below(3)];
	/* The customer is named where all targets are one's. */
	if (count > 0) {
		int64_t first = customer_of(m->targets[0]);
		bool one = true;
		for (size_t t = 1; t < count; t++)
			one = one && customer_of(m->targets[t]) == first;
		if (one)
			m->customer = customers[first == customers[1].id].public_id;
	}
}

static void add_devices(void)
{
	for (int i = 0; i < DEVICES; i++) {
		char text[800];
		snprintf(devices[i], sizeof(devices[i]), "de_%022d", i);
		snprintf(text, sizeof(text),
		        "INSERT INTO device (public_id, customer_id, group_id, identity_kind,"
		        " identity_value, name, search_key, state, first_seen_at, seen_hour,"
		        " list_version) VALUES ('%s', %lld, %lld, 'mac', '%d', 'n', 'n', 'idle', "
		        "1, 1,"
		        " 1)",
		        devices[i], (long long)customers[i >= 4].id, (long long)groups[i / 2].id,
		        i);
		test_store_exec(w->folder, SQL_CORE, text);
	}
}

static int set_up(void **state)
{
	static const struct sql_table *const tables[] = {&audit_store_sql, &audit_log_sql, NULL};
	struct err e = ERR_CLEAR;

	(void)state;
	w = world_new(NULL);
	customers[0] = world_organisation(w, "customer", "One");
	customers[1] = world_organisation(w, "customer", "Two");
	partner = world_organisation(w, "partner", "Partner");
	rival = world_organisation(w, "partner", "Rival");
	groups[0] = world_group(w, &customers[0], "A");
	groups[1] = world_group(w, &customers[0], "B");
	groups[2] = world_group(w, &customers[1], "C");
	for (int i = 0; i < PEOPLE; i++) {
		char name[16];
		snprintf(name, sizeof(name), "p%d", i);
		people[i] = world_person(w, organisations[i], roles[i], name);
	}
	(void)world_grant(w, &people[0], &groups[0], "view");
	add_devices();
	const struct sql_options options = {.directory = w->folder,
	        .read = 1u << SQL_CORE | 1u << SQL_AUDIT,
	        .write = 1u << SQL_AUDIT,
	        .own = 1u << SQL_AUDIT,
	        .migrate = 1u << SQL_AUDIT,
	        .readers = 1,
	        .tables = tables,
	        .clock = &w->clock.base};
	if (!sql_open(&options, &db, &e))
		fail_msg("%s", e.text);
	memset(log_made, 0, sizeof(log_made));
	for (int i = 0; i < RECORDS; i++) {
		make_record(&log_made[i], i);
		write_log(append, &log_made[i]);
	}
	write_log(index_all, NULL);
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	sql_close(db);
	db = NULL;
	world_free(w);
	return 0;
}

static struct viewer as(int person)
{
	return (struct viewer){.account_id = people[person].id,
	        .organisation_id = organisations[person]->id,
	        .role = roles[person],
	        .account_public_id = people[person].public_id,
	        .organisation_public_id = organisations[person]->public_id};
}

/* ---- the oracle */

static bool may_see_target(int person, const char *device)
{
	if (person == 0)
		return strcmp(device, devices[0]) == 0 || strcmp(device, devices[1]) == 0;
	return customer_of(device) == customers[0].id;
}

static bool may_see(int person, const struct made *m)
{
	switch (person) {
	case 0:
	case 1:
		if (person == 1 && m->customer != NULL &&
		        strcmp(m->customer, customers[0].public_id) == 0)
			return true;
		for (size_t t = 0; t < m->count; t++)
			if (may_see_target(person, m->targets[t]))
				return true;
		return false;
	case 3:
		return m->actor == 2 || m->actor == 3;
	default:
		return m->actor == person;
	}
}

static bool passes(const struct audit_filter *f, const struct made *m)
{
	bool has_target = f->target == NULL;

	for (size_t t = 0; t < m->count; t++)
		has_target = has_target || strcmp(m->targets[t], f->target) == 0;
	return has_target &&
	       (f->person == NULL ||
	               (m->actor >= 0 && strcmp(people[m->actor].public_id, f->person) == 0)) &&
	       (f->customer == NULL ||
	               (m->customer != NULL && strcmp(m->customer, f->customer) == 0)) &&
	       (f->action == NULL || strcmp(m->action, f->action) == 0) &&
	       (f->outcome == NULL || strcmp(audit_outcome_name(m->outcome), f->outcome) == 0) &&
	       m->at >= f->from && (f->to == 0 || m->at < f->to);
}

/* Newest first: by time, then by number. */
static int newer(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	if (log_made[x].at != log_made[y].at)
		return log_made[x].at < log_made[y].at ? 1 : -1;
	return x < y ? 1 : -1;
}

static size_t expected(int person, const struct audit_filter *f, int *out)
{
	size_t count = 0;

	for (int i = 0; i < RECORDS; i++)
		if ((person < 0 || may_see(person, &log_made[i])) && passes(f, &log_made[i]))
			out[count++] = i;
	qsort(out, count, sizeof(*out), newer);
	return count;
}

static struct audit_filter random_filter(void)
{
	struct audit_filter f = {.from = 0};

	if (crypto_random_below(3) == 0)
		f.person = people[crypto_random_below(PEOPLE)].public_id;
	if (crypto_random_below(3) == 0)
		f.target = devices[crypto_random_below(DEVICES)];
	if (crypto_random_below(4) == 0)
		f.customer = customers[crypto_random_below(2)].public_id;
	if (crypto_random_below(3) == 0)
		f.action = actions[crypto_random_below(3)];
	if (crypto_random_below(3) == 0)
		f.outcome = audit_outcome_name(outcomes[crypto_random_below(3)]);
	if (crypto_random_below(3) == 0)
		f.from = START - 300 + crypto_random_below(1000);
	if (crypto_random_below(3) == 0)
		f.to = START + crypto_random_below(1200);
	return f;
}

static void check_entry(int person, const struct audit_log_entry *entry, int wanted)
{
	const struct made *m = &log_made[wanted];
	bool whole = person != 0 &&
	             (person != 1 || (m->customer != NULL &&
	                                     strcmp(m->customer, customers[0].public_id) == 0));
	size_t visible = 0;

	assert_int_equal(entry->number, wanted + 1);
	assert_int_equal(entry->record.head.at, m->at);
	for (size_t t = 0; t < m->count; t++) {
		if (!whole && !may_see_target(person, m->targets[t]))
			continue;
		assert_true(visible < entry->record.entry.target_count);
		assert_string_equal(entry->record.entry.targets[visible++], m->targets[t]);
	}
	assert_int_equal(entry->record.entry.target_count, visible);
	assert_int_equal(entry->hidden, m->count - visible);
	assert_int_equal(entry->record.entry.purpose[0] == '\0', entry->hidden > 0);
}

static void check_search(int person, const struct audit_filter *f, size_t limit)
{
	struct arena *arena = arena_new(8 << 20);
	struct viewer v = person >= 0 ? as(person) : (struct viewer){.role = ROLE_AUDITOR};
	char cursor[AUDIT_LOG_CURSOR] = "";
	int wanted[RECORDS];
	size_t total = expected(person, f, wanted);
	size_t at = 0;

	do {
		struct sql_conn *conn = sql_borrow(db, 10000, NULL);
		struct audit_log_entry *entries;
		struct err e = ERR_CLEAR;
		size_t count;
		assert_non_null(conn);
		if (!audit_log_search(
		            conn, &v, arena, f, cursor, limit, &entries, &count, cursor, &e))
			fail_msg("%s", e.text);
		sql_return(conn);
		assert_true(at + count <= total);
		for (size_t i = 0; i < count; i++)
			check_entry(person, &entries[i], wanted[at++]);
		assert_int_equal(cursor[0] != '\0', at < total);
	} while (cursor[0] != '\0');
	assert_int_equal(at, total);
	arena_free(arena);
}

static void every_viewer_finds_exactly_what_the_table_of_rights_says(void **state)
{
	const struct audit_filter none = {.from = 0};

	(void)state;
	for (int person = -1; person < PEOPLE; person++)
		check_search(person, &none, 17);
	for (int round = 0; round < ROUNDS; round++) {
		struct audit_filter f = random_filter();
		check_search(
		        (int)crypto_random_below(PEOPLE + 1) - 1, &f, 1 + crypto_random_below(40));
	}
}

static void an_index_made_anew_finds_the_same(void **state)
{
	const struct audit_filter none = {.from = 0};

	(void)state;
	write_log(index_all, w);
	for (int person = -1; person < PEOPLE; person++)
		check_search(person, &none, 50);
}

static void whoever_has_no_role_reads_nothing_and_odd_cursors_are_refused(void **state)
{
	const struct viewer nobody = {.role = ROLE_NONE};
	const struct viewer auditor = {.role = ROLE_AUDITOR};
	const struct audit_filter none = {.from = 0};
	static const char *const odd[] = {"x", "1", "1.", ".1", "1.x", "-1.1", "1.0", "1.1.1"};
	struct sql_conn *conn = sql_borrow(db, 10000, NULL);
	struct audit_log_entry *entries;
	char next[AUDIT_LOG_CURSOR];
	struct err e = ERR_CLEAR;
	size_t count;

	(void)state;
	assert_false(audit_log_search(
	        conn, &nobody, w->arena, &none, NULL, 10, &entries, &count, next, &e));
	assert_int_equal(e.code, ERR_DENIED);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_false(audit_log_search(
		        conn, &auditor, w->arena, &none, odd[i], 10, &entries, &count, next, &e));
		assert_int_equal(e.code, ERR_INVALID);
	}
	assert_true(
	        audit_log_search_all(conn, w->arena, &none, NULL, 10, &entries, &count, next, &e));
	assert_int_equal(count, 10);
	sql_return(conn);
}

static void every_search_walks_an_index(void **state)
{
	(void)state;
	for (size_t i = 0; i < audit_log_sql.count; i++)
		test_store_plan_is_fast(w->folder, &audit_log_sql.list[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_viewer_finds_exactly_what_the_table_of_rights_says),
	        cmocka_unit_test(an_index_made_anew_finds_the_same),
	        cmocka_unit_test(whoever_has_no_role_reads_nothing_and_odd_cursors_are_refused),
	        cmocka_unit_test(every_search_walks_an_index),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/devices.h"
#include "core/telemetry.h"
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

#define HOUR INT64_C(3600000)

struct scene {
	struct world *w;
	struct world_ids customer, other, partner, here, there, elsewhere;
	struct world_ids admin, viewer, technician;
	struct sql_conn *conn;
};

static const struct sql_table *const tables[] = {&devices_sql, &devices_list_sql,
        &devices_urgent_sql, &telemetry_sql, &telemetry_state_sql, NULL};

/* ---- a fleet */

struct made {
	int64_t id;
	const struct world_ids *customer, *group;
	const char *name, *model, *state;
	int attention;
	int supply; /* -1: unknown */
	int64_t hours_ago;
};

static void add_device(struct scene *s, const struct made *m)
{
	char text[1200], supply[16] = "NULL";
	int64_t seen = (world_now(s->w) - m->hours_ago * HOUR) / HOUR * HOUR;
	if (m->supply >= 0)
		snprintf(supply, sizeof supply, "%d", m->supply);
	snprintf(text, sizeof text,
	        "INSERT INTO device (id, public_id, customer_id, group_id, identity_kind, "
	        "identity_value,"
	        " manufacturer, model, serial_number, name, search_key, state, attention, "
	        "attention_text,"
	        " lowest_supply, first_seen_at, seen_hour, list_version) VALUES (%lld,"
	        " 'de_%022lld', %lld, %lld, 'serial', 'S%lld', 'ACME', '%s', 'S%lld', '%s',"
	        " lower('acme %s s%lld'), '%s', %d, '%s', %s, 1, %lld, 1)",
	        (long long)m->id, (long long)m->id, (long long)m->customer->id,
	        (long long)m->group->id, (long long)m->id, m->model, (long long)m->id, m->name,
	        m->name, (long long)m->id, m->state, m->attention,
	        m->attention ? "media-empty" : "", supply, (long long)seen);
	test_store_exec(s->w->folder, SQL_CORE, text);
}

static const char *id_of(int64_t id)
{
	static char text[32];
	snprintf(text, sizeof text, "de_%022lld", (long long)id);
	return text;
}

static struct viewer as(const struct world_ids *person)
{
	return (struct viewer){.account_id = person->id};
}

static void add_fleet(struct scene *s)
{
	const struct made fleet[] = {
	        {1, &s->customer, &s->here, "Plotter", "P1", "idle", 0, 80, 0},
	        {2, &s->customer, &s->here, "plotter", "P1", "processing", 2, 5, 1},
	        {3, &s->customer, &s->there, "Label", "L1", "stopped", 3, -1, 0},
	        {4, &s->customer, &s->there, "Archive", "A1", "idle", 3, 15, 0},
	        {5, &s->customer, &s->there, "Zebra", "Z1", "unknown", 1, 100, 0},
	        {6, &s->customer, &s->here, "Silent", "P1", "processing", 3, 1, 9},
	        {7, &s->other, &s->elsewhere, "Foreign", "F1", "idle", 3, 2, 0},
	};
	for (size_t i = 0; i < sizeof fleet / sizeof fleet[0]; i++)
		add_device(s, &fleet[i]);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof *s);
	assert_non_null(s);
	s->w = world_new(tables);
	s->customer = world_organisation(s->w, "customer", "Customer");
	s->other = world_organisation(s->w, "customer", "Other");
	s->partner = world_organisation(s->w, "partner", "Partner");
	s->here = world_group(s->w, &s->customer, "Here");
	s->there = world_group(s->w, &s->customer, "There");
	s->elsewhere = world_group(s->w, &s->other, "Elsewhere");
	s->admin = world_person(s->w, &s->customer, ROLE_CUSTOMER_ADMIN, "admin");
	s->viewer = world_person(s->w, &s->customer, ROLE_CUSTOMER_VIEWER, "viewer");
	s->technician = world_person(s->w, &s->partner, ROLE_TECHNICIAN, "technician");
	world_contract(s->w, &s->customer, &s->partner, 100);
	world_grant(s->w, &s->viewer, &s->here, "view");
	world_grant(s->w, &s->technician, &s->there, "view");
	world_grant(s->w, &s->technician, &s->there, "operate");
	add_fleet(s);
	s->conn = world_read(s->w);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	sql_return(s->conn);
	world_free(s->w);
	free(s);
	return 0;
}

/* ---- lists as text: "1 2 3" */

static const char *ids_of(const struct device *devices, size_t count)
{
	static char text[4096];
	size_t len = 0;
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%lld", i ? " " : "",
		        (long long)devices[i].id);
	return text;
}

static const char *list(struct scene *s, const struct world_ids *person, struct devices_query query)
{
	struct viewer viewer = as(person);
	struct devices_list out;
	struct err e = ERR_CLEAR;
	if (!devices_list(s->conn, &viewer, s->w->arena, &query, &out, &e))
		fail_msg("%s", e.text);
	return ids_of(out.devices, out.count);
}

static int64_t counted(
        struct scene *s, const struct world_ids *person, struct devices_filter filter)
{
	struct viewer viewer = as(person);
	struct err e = ERR_CLEAR;
	int64_t count = -1;
	if (!devices_count(s->conn, &viewer, s->w->arena, &filter, &count, &e))
		fail_msg("%s", e.text);
	return count;
}

/* ---- tests */

static void everyone_sees_the_devices_of_their_scope_and_no_others(void **state)
{
	struct scene *s = *state;
	struct devices_query all = {.filter = DEVICES_ALL};
	assert_string_equal(list(s, &s->admin, all), "4 3 1 2 6 5");
	assert_string_equal(list(s, &s->viewer, all), "1 2 6");
	assert_string_equal(list(s, &s->technician, all), "4 3 5");
	assert_int_equal(counted(s, &s->admin, DEVICES_ALL), 6);
	assert_int_equal(counted(s, &s->viewer, DEVICES_ALL), 3);
	struct world_ids nobody = {.id = 4711};
	assert_string_equal(list(s, &nobody, all), "");
	assert_int_equal(counted(s, &nobody, DEVICES_ALL), 0);
}

static void a_foreign_device_is_not_found_as_one_that_is_missing(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->viewer);
	struct device d;
	struct err foreign, missing, e = ERR_CLEAR;
	assert_true(devices_find(s->conn, &viewer, s->w->arena, id_of(1), &d, &e));
	assert_int_equal(d.id, 1);
	assert_string_equal(d.name, "Plotter");
	assert_string_equal(d.group_name, "Here");
	assert_string_equal(d.customer_name, "Customer");
	assert_int_equal(d.lowest_supply, 80);
	assert_int_equal(d.condition, DEVICE_IDLE);
	assert_null(d.agent_public_id);
	assert_false(devices_find(s->conn, &viewer, s->w->arena, id_of(3), &d, &foreign));
	assert_false(devices_find(s->conn, &viewer, s->w->arena, id_of(99), &d, &missing));
	assert_int_equal(foreign.code, ERR_NOT_FOUND);
	assert_string_equal(foreign.text, missing.text);
}

static void a_retired_device_is_in_no_list_and_not_found(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->viewer);
	struct device d;
	struct fleet fleet;
	struct err e;
	sql_return(s->conn);
	test_store_exec(s->w->folder, SQL_CORE, "UPDATE device SET retired_at = 5 WHERE id = 1");
	s->conn = world_read(s->w);
	assert_string_equal(
	        list(s, &s->viewer, (struct devices_query){.filter = DEVICES_ALL}), "2 6");
	assert_int_equal(counted(s, &s->viewer, DEVICES_ALL), 2);
	assert_false(devices_find(s->conn, &viewer, s->w->arena, id_of(1), &d, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(devices_fleet(s->conn, &viewer, &fleet, &e));
	assert_int_equal(fleet.total, 2);
}

static void rights_are_told_apart(void **state)
{
	struct scene *s = *state;
	struct viewer technician = as(&s->technician), viewer = as(&s->viewer);
	struct err e;
	bool may = false;
	assert_true(devices_may(s->conn, &technician, 3, "operate", &may, &e) && may);
	assert_true(devices_may(s->conn, &technician, 3, "view", &may, &e) && may);
	assert_true(devices_may(s->conn, &technician, 3, "consume", &may, &e) && !may);
	assert_true(devices_may(s->conn, &technician, 1, "operate", &may, &e) && !may);
	assert_true(devices_may(s->conn, &viewer, 1, "operate", &may, &e) && !may);
	/* the contract ends, and with it every right */
	sql_return(s->conn);
	clock_fake_advance(&s->w->clock, INT64_C(101) * 24 * HOUR);
	s->conn = world_read(s->w);
	assert_true(devices_may(s->conn, &technician, 3, "view", &may, &e) && !may);
}

static void the_fleet_is_counted_by_condition(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->admin);
	struct fleet fleet;
	struct err e;
	assert_true(devices_fleet(s->conn, &viewer, &fleet, &e));
	assert_int_equal(fleet.total, 6);
	assert_int_equal(fleet.attention, 4);
	assert_int_equal(fleet.counts[DEVICE_IDLE], 1);
	assert_int_equal(fleet.counts[DEVICE_PRINTING], 1);
	assert_int_equal(fleet.counts[DEVICE_ERROR], 2);
	assert_int_equal(fleet.counts[DEVICE_SILENT], 1);
	assert_int_equal(fleet.counts[DEVICE_UNKNOWN], 1);
	for (int c = 0; c < DEVICE_CONDITIONS; c++) {
		struct devices_filter filter = {.condition = (enum device_condition)c};
		assert_int_equal(counted(s, &s->admin, filter), fleet.counts[c]);
	}
}

static void what_needs_attention_and_what_runs_low_comes_first(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->admin);
	struct device *rows;
	size_t count;
	struct err e;
	assert_true(devices_attention(s->conn, &viewer, s->w->arena, 10, &rows, &count, &e));
	assert_string_equal(ids_of(rows, count), "6 4 3 2");
	assert_true(devices_attention(s->conn, &viewer, s->w->arena, 2, &rows, &count, &e));
	assert_string_equal(ids_of(rows, count), "6 4");
	assert_true(devices_low(s->conn, &viewer, s->w->arena, 20, 10, &rows, &count, &e));
	assert_string_equal(ids_of(rows, count), "6 2 4");
	assert_true(devices_low(s->conn, &viewer, s->w->arena, 1000, 10, &rows, &count, &e));
	assert_string_equal(ids_of(rows, count), "6 2 4 1 5");
}

static void a_silent_device_needs_attention_after_errors_and_before_warnings(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->admin), technician = as(&s->technician);
	static const char *const expected[] = {"", "6", "6 4", "6 4 3", "6 4 3 10", "6 4 3 10 9",
	        "6 4 3 10 9 8", "6 4 3 10 9 8 2", "6 4 3 10 9 8 2"};
	const struct made silent[] = {
	        {8, &s->customer, &s->here, "Long gone", "P1", "idle", 0, 80, 900},
	        {9, &s->customer, &s->there, "Warned", "P1", "idle", 2, 5, 20},
	        {10, &s->customer, &s->here, "Just now", "P1", "idle", 1, 80, 5},
	        {11, &s->other, &s->elsewhere, "Foreign", "P1", "idle", 0, 80, 5},
	};
	struct device *rows;
	size_t count;
	struct err e;

	sql_return(s->conn);
	for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
		add_device(s, &silent[i]);
	s->conn = world_read(s->w);
	/* whatever the length, each device is there once, though 6 and 9 belong to two ranks */
	for (size_t n = 1; n < sizeof expected / sizeof expected[0]; n++) {
		assert_true(devices_attention(s->conn, &viewer, s->w->arena, n, &rows, &count, &e));
		assert_string_equal(ids_of(rows, count), expected[n]);
	}
	assert_int_equal(rows[3].condition, DEVICE_SILENT);
	assert_true(devices_attention(s->conn, &technician, s->w->arena, 10, &rows, &count, &e));
	assert_string_equal(ids_of(rows, count), "4 3 9");
}

static void lists_are_searched_and_filtered(void **state)
{
	struct scene *s = *state;
	struct devices_filter f = DEVICES_ALL;
	f.search = "  PLOTter ";
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "1 2");
	f.search = "acme s2";
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "2");
	assert_int_equal(counted(s, &s->admin, f), 1);
	f.search = "foreign";
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "");
	f = DEVICES_ALL;
	f.condition = DEVICE_ERROR;
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "4 3");
	f.condition = DEVICE_SILENT;
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "6");
	f = DEVICES_ALL;
	f.attention_min = f.attention_max = DEVICE_ATTENTION_WARNING;
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "2");
	f.attention_max = DEVICE_ATTENTION_NONE;
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "4 3 2 6");
	f = DEVICES_ALL;
	f.model = "P1";
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "1 2 6");
	f = DEVICES_ALL;
	f.group = s->there.public_id;
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "4 3 5");
	assert_string_equal(list(s, &s->viewer, (struct devices_query){.filter = f}), "");
	f = DEVICES_ALL;
	f.customer = s->other.public_id;
	assert_string_equal(list(s, &s->admin, (struct devices_query){.filter = f}), "");
	assert_int_equal(counted(s, &s->admin, f), 0);
}

static void lists_are_sorted_and_unknown_levels_come_last(void **state)
{
	struct scene *s = *state;
	struct devices_query q = {.filter = DEVICES_ALL, .sort = DEVICES_BY_SUPPLY};
	assert_string_equal(list(s, &s->admin, q), "6 2 4 1 5 3");
	q.descending = true;
	assert_string_equal(list(s, &s->admin, q), "3 5 1 4 2 6");
	q.sort = DEVICES_BY_SEEN;
	assert_string_equal(list(s, &s->admin, q), "5 4 3 1 2 6");
	q.sort = DEVICES_BY_STATE;
	assert_string_equal(list(s, &s->admin, q), "5 3 6 2 4 1");
	q.sort = DEVICES_BY_MODEL;
	q.descending = false;
	assert_string_equal(list(s, &s->admin, q), "4 3 1 2 6 5");
}

/* Four hundred more devices with many equal keys, in both groups and a foreign one. */
static void add_many(struct scene *s)
{
	char text[2000];
	sql_return(s->conn);
	snprintf(text, sizeof text,
	        "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 499)"
	        " INSERT INTO device (id, public_id, customer_id, group_id, identity_kind,"
	        " identity_value, model, name, search_key, state, attention, lowest_supply,"
	        " first_seen_at, seen_hour, list_version)"
	        " SELECT i, printf('de_%%022d', i), %lld,"
	        " CASE i %% 3 WHEN 0 THEN %lld WHEN 1 THEN %lld ELSE %lld END, 'mac', i,"
	        " printf('m%%d', i %% 7), printf(CASE i %% 2 WHEN 0 THEN 'n%%d' ELSE 'N%%d' END, i "
	        "* 31 %% 11),"
	        " 'x', CASE i %% 4 WHEN 0 THEN 'idle' WHEN 1 THEN 'stopped' WHEN 2 THEN 'unknown'"
	        " ELSE 'processing' END, i %% 4, nullif(i * 17 %% 9, 4), 1, i * 13 %% 5 * 3600000, "
	        "1 FROM n",
	        (long long)s->customer.id, (long long)s->here.id, (long long)s->there.id,
	        (long long)s->elsewhere.id);
	test_store_exec(s->w->folder, SQL_CORE, text);
	s->conn = world_read(s->w);
}

static const char *order_of(enum devices_sort sort)
{
	static const char *const keys[DEVICES_SORTS] = {
	        [DEVICES_BY_NAME] = "name COLLATE NOCASE",
	        [DEVICES_BY_MODEL] = "model COLLATE NOCASE",
	        [DEVICES_BY_STATE] = "state",
	        [DEVICES_BY_ATTENTION] = "attention",
	        [DEVICES_BY_SUPPLY] = "coalesce(lowest_supply, 101)",
	        [DEVICES_BY_SEEN] = "seen_hour",
	};
	return keys[sort];
}

/* Walks all pages forward, then all back, against what one plain query gives. */
static void walk_pages(struct scene *s, enum devices_sort sort, bool descending, size_t limit)
{
	struct viewer viewer = as(&s->admin);
	struct devices_query query = {
	        .filter = DEVICES_ALL, .sort = sort, .descending = descending, .limit = limit};
	struct devices_list page;
	struct err e = ERR_CLEAR;
	int64_t seen[600], rank = 0;
	size_t count = 0, pages = 0;
	do {
		if (!devices_list(s->conn, &viewer, s->w->arena, &query, &page, &e))
			fail_msg("%s", e.text);
		assert_true(pages == 0 ? page.previous == NULL : page.previous != NULL);
		for (size_t i = 0; i < page.count; i++)
			seen[count++] = page.devices[i].id;
		query.cursor = page.next;
		pages++;
	} while (page.next);
	for (size_t i = 0; i < count; i++) {
		char text[400];
		snprintf(text, sizeof text,
		        "SELECT id FROM device WHERE group_id IN (%lld, %lld) ORDER BY %s %s, id %s"
		        " LIMIT 1 OFFSET %zu",
		        (long long)s->here.id, (long long)s->there.id, order_of(sort),
		        descending ? "DESC" : "ASC", descending ? "DESC" : "ASC", i);
		rank = i % 13 == 0 || i + 1 == count
		               ? test_store_number(s->w->folder, SQL_CORE, text)
		               : seen[i];
		assert_int_equal(seen[i], rank);
	}
	while (page.previous) { /* the last page's first row, and on to the first page */
		for (size_t i = page.count; i > 0; i--)
			assert_int_equal(page.devices[i - 1].id, seen[--count]);
		query.cursor = page.previous;
		if (!devices_list(s->conn, &viewer, s->w->arena, &query, &page, &e))
			fail_msg("%s", e.text);
		assert_non_null(page.next);
	}
	assert_int_equal(count, page.count);
	arena_reset(s->w->arena);
}

static void pages_join_without_gaps_in_every_order_and_direction(void **state)
{
	struct scene *s = *state;
	add_many(s);
	assert_int_equal(counted(s, &s->admin, DEVICES_ALL), 273);
	for (int sort = 0; sort < DEVICES_SORTS; sort++) {
		walk_pages(s, (enum devices_sort)sort, false, 20);
		walk_pages(s, (enum devices_sort)sort, true, 37);
		walk_pages(s, (enum devices_sort)sort, sort % 2 == 0, 91);
	}
}

static void counts_end_at_the_cap(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->admin);
	struct fleet fleet;
	struct err e;
	char text[900];
	sql_return(s->conn);
	snprintf(text, sizeof text,
	        "WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)"
	        " INSERT INTO device (id, public_id, customer_id, group_id, identity_kind,"
	        " identity_value, name, search_key, state, first_seen_at, seen_hour, list_version)"
	        " SELECT i, i, %lld, %lld, 'mac', i, 'x', 'x', 'idle', 1, %lld, 1 FROM n",
	        (long long)s->customer.id, (long long)s->here.id, (long long)world_now(s->w));
	test_store_exec(s->w->folder, SQL_CORE, text);
	s->conn = world_read(s->w);
	assert_int_equal(counted(s, &s->admin, DEVICES_ALL), DEVICES_COUNT_CAP + 1);
	assert_true(devices_fleet(s->conn, &viewer, &fleet, &e));
	assert_int_equal(fleet.total, DEVICES_COUNT_CAP + 1);
	assert_int_equal(fleet.counts[DEVICE_IDLE], DEVICES_COUNT_CAP + 1);
	assert_int_equal(fleet.counts[DEVICE_ERROR], 2);
}

static void a_cursor_of_another_list_or_made_up_is_refused(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->admin);
	struct devices_query q = {.filter = DEVICES_ALL, .limit = 2};
	struct devices_list page;
	struct err e;
	assert_true(devices_list(s->conn, &viewer, s->w->arena, &q, &page, &e));
	assert_non_null(page.next);
	q.cursor = page.next;
	q.sort = DEVICES_BY_SEEN;
	assert_false(devices_list(s->conn, &viewer, s->w->arena, &q, &page, &e));
	assert_int_equal(e.code, ERR_INVALID);
	q.sort = DEVICES_BY_NAME;
	q.descending = true;
	assert_false(devices_list(s->conn, &viewer, s->w->arena, &q, &page, &e));
	static const char *const wrong[] = {"x", "!!!!", "YTB1", "YTB1AAAA", "YTB1ZGVfMQ"};
	q.descending = false;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		q.cursor = wrong[i];
		assert_false(devices_list(s->conn, &viewer, s->w->arena, &q, &page, &e));
		assert_int_equal(e.code, ERR_INVALID);
	}
	char *longer = calloc(1, 5000);
	memset(longer, 'A', 4999);
	q.cursor = longer;
	assert_false(devices_list(s->conn, &viewer, s->w->arena, &q, &page, &e));
	assert_int_equal(e.code, ERR_INVALID);
	free(longer);
}

static void a_page_goes_on_where_a_device_was_that_is_gone(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->admin);
	struct devices_query q = {.filter = DEVICES_ALL, .limit = 2};
	struct devices_list page;
	struct err e;
	assert_true(devices_list(s->conn, &viewer, s->w->arena, &q, &page, &e));
	assert_string_equal(ids_of(page.devices, page.count), "4 3");
	sql_return(s->conn);
	test_store_exec(s->w->folder, SQL_CORE, "DELETE FROM device WHERE id = 3");
	s->conn = world_read(s->w);
	q.cursor = page.next;
	assert_true(devices_list(s->conn, &viewer, s->w->arena, &q, &page, &e));
	assert_string_equal(ids_of(page.devices, page.count), "1 2");
}

/* ---- telemetry */

static void add_telemetry(struct scene *s)
{
	sql_return(s->conn);
	test_store_exec(s->w->folder, SQL_TELEMETRY,
	        "INSERT INTO device_seen VALUES (1, 5000), (3, 6000);"
	        "INSERT INTO device_state (device, acquired_at, received_at, agent, collection, "
	        "state,"
	        " state_since, reasons, codes, counters, device_time, sampled_day) VALUES (1, "
	        "4000, "
	        "4500, 1,"
	        " 'scheduled', 'stopped', 3000,"
	        " '[{\"keyword\":\"media-empty\",\"severity\":\"error\"},"
	        "{\"keyword\":\"door-open\",\"severity\":\"warning\"}]',"
	        " '[{\"code\":\"E-01\",\"severity\":\"error\"}]',"
	        " '{\"impressions\":12,\"inkUsedMl\":{\"cyan\":1.5}}', NULL, 0);"
	        "INSERT INTO device_settings VALUES"
	        " (1, 'panel', '{\"language\":\"en\",\"beep\":true}', 1),"
	        " (1, 'network', '{\"mtu\":1500}', 1);"
	        "INSERT INTO supply VALUES (1, 1, 'supplyThatIsConsumed', 'ink', 'cyan', 'Cyan', "
	        "'percent',"
	        " 100, 40, NULL, 'exact', NULL, NULL, 900), (1, 2, 'receptacleThatIsFilled', "
	        "'wasteInk',"
	        " NULL, 'Box', 'percent', NULL, NULL, 'some-remaining', 'coarse', 'B1', 77, 901);"
	        "INSERT INTO event VALUES (1, 100, 'a', 200, 'error', NULL, 'media-empty', NULL),"
	        " (1, 300, 'b', NULL, 'error', NULL, 'media-empty', 'no paper'),"
	        " (1, 350, 'c', NULL, 'error', 'E-01', NULL, NULL),"
	        " (1, 360, 'd', NULL, 'report', NULL, 'serial-appeared', NULL);"
	        "INSERT INTO cleaning VALUES (1, 10, 'c1', 'head', 'user', NULL),"
	        " (1, 20, 'c2', 'head', 'device', 2.5);"
	        "INSERT INTO maintenance VALUES (1, 10, 'm1', 'replaced', 'cutter', 3);"
	        "INSERT INTO job VALUES (1, 50, 'j1', 40, 'completed', '[]', 3, NULL, 0.5, 'roll',"
	        " '{\"cyan\":1}');"
	        "INSERT INTO sample VALUES (1, 'supply.1.level', 10, 50), (1, 'supply.1.level', "
	        "20, 40);"
	        "INSERT INTO setting_change VALUES (1, 30, 'panel', 'language', 'de', 'en');"
	        "INSERT INTO supply VALUES (3, 1, 'supplyThatIsConsumed', 'ink', 'cyan', 'Cyan', "
	        "'percent',"
	        " 100, 40, NULL, 'exact', NULL, NULL, 900)");
	s->conn = world_read(s->w);
}

static void the_latest_state_is_read_as_a_whole(void **state)
{
	struct scene *s = *state;
	struct viewer viewer = as(&s->viewer);
	struct telemetry_state t;
	struct err e = ERR_CLEAR;
	add_telemetry(s);
	if (!telemetry_state(s->conn, &viewer, s->w->arena, 1, &t, &e))
		fail_msg("%s", e.text);
	assert_true(t.known);
	assert_int_equal(t.seen_at, 5000);
	assert_int_equal(t.acquired_at, 4000);
	assert_string_equal(t.state, "stopped");
	assert_int_equal(t.device_time, 0);
	assert_null(t.region);
	assert_int_equal(t.reason_count, 2);
	assert_string_equal(t.reasons[0].keyword, "media-empty");
	assert_int_equal(t.reasons[0].since, 300);
	assert_int_equal(t.reasons[1].since, 0);
	assert_int_equal(t.code_count, 1);
	assert_int_equal(t.codes[0].since, 350);
	assert_int_equal(t.counter_count, 2);
	assert_string_equal(t.counters[1].name, "inkUsedMl.cyan");
	assert_true(t.counters[1].value > 1.49 && t.counters[1].value < 1.51);
	assert_int_equal(t.setting_count, 3);
	assert_string_equal(t.settings[0].category, "network");
	assert_string_equal(t.settings[0].value, "1500");
	assert_string_equal(t.settings[1].name, "language");
	assert_string_equal(t.settings[2].value, "true");
	if (!telemetry_state(s->conn, &viewer, s->w->arena, 2, &t, &e))
		fail_msg("%s", e.text);
	assert_false(t.known); /* it has said nothing yet */
	if (!telemetry_state(s->conn, &viewer, s->w->arena, 3, &t, &e))
		fail_msg("%s", e.text);
	assert_false(t.known); /* it is not this viewer's */
	assert_int_equal(t.seen_at, 0);
}

static void histories_come_newest_first_and_only_of_visible_devices(void **state)
{
	struct scene *s = *state;
	struct viewer mine = as(&s->viewer), theirs = as(&s->technician);
	struct arena *a = s->w->arena;
	struct telemetry_supply *supplies;
	struct telemetry_event *events;
	struct telemetry_cleaning *cleanings;
	struct telemetry_maintenance *maintenance;
	struct telemetry_job *jobs;
	struct telemetry_sample *samples;
	struct telemetry_change *changes;
	struct err e = ERR_CLEAR;
	add_telemetry(s);
	for (int round = 0; round < 2; round++) {
		const struct viewer *v = round == 0 ? &mine : &theirs;
		size_t n[8] = {0};
		bool ok = telemetry_supplies(s->conn, v, a, 1, &supplies, &n[0], &e) &&
		          telemetry_events(s->conn, v, a, 1, false, NULL, 10, &events, &n[1], &e) &&
		          telemetry_cleanings(s->conn, v, a, 1, NULL, 10, &cleanings, &n[2], &e) &&
		          telemetry_maintenance(
		                  s->conn, v, a, 1, NULL, 10, &maintenance, &n[3], &e) &&
		          telemetry_jobs(s->conn, v, a, 1, NULL, 10, &jobs, &n[4], &e) &&
		          telemetry_samples(
		                  s->conn, v, a, 1, "supply.1.level", 0, 10, &samples, &n[5], &e) &&
		          telemetry_changes(s->conn, v, a, 1, NULL, 10, &changes, &n[6], &e);
		if (!ok)
			fail_msg("%s", e.text);
		static const size_t expected[8] = {2, 4, 2, 1, 1, 2, 1, 0};
		for (int i = 0; i < 8; i++)
			assert_int_equal(n[i], round == 0 ? expected[i] : 0);
		if (round == 1)
			break;
		assert_true(
		        supplies[0].has_level && supplies[0].level == 40 && !supplies[1].has_level);
		assert_string_equal(supplies[1].level_state, "some-remaining");
		assert_int_equal(supplies[1].installed_at, 77);
		assert_string_equal(events[0].id, "d");
		assert_int_equal(events[3].cleared_at, 200);
		assert_string_equal(cleanings[0].id, "c2");
		assert_true(cleanings[1].ink_used_ml < 0);
		assert_int_equal(jobs[0].sheets, -1);
		assert_int_equal(jobs[0].impressions, 3);
		assert_int_equal(maintenance[0].count, 3);
		assert_int_equal(samples[0].at, 10);
		assert_string_equal(changes[0].old_value, "de");
	}
	size_t count;
	assert_true(telemetry_events(s->conn, &mine, a, 1, true, NULL, 10, &events, &count, &e));
	assert_int_equal(count, 2);
	assert_true(telemetry_events(s->conn, &mine, a, 1, false,
	        &(const struct telemetry_place){350, ""}, 1, &events, &count, &e));
	assert_int_equal(count, 1);
	assert_string_equal(events[0].id, "b");
}

static void no_statement_scans_a_table_or_sorts_beside_it(void **state)
{
	struct scene *s = *state;
	for (size_t i = 0; i < devices_sql.count; i++)
		test_store_plan_is_fast(s->w->folder, &devices_sql.list[i]);
	for (size_t i = 0; i < devices_list_sql.count; i++)
		test_store_plan_is_fast(s->w->folder, &devices_list_sql.list[i]);
	for (size_t i = 0; i < devices_urgent_sql.count; i++)
		test_store_plan_is_fast(s->w->folder, &devices_urgent_sql.list[i]);
	for (size_t i = 0; i < telemetry_sql.count; i++)
		test_store_plan_is_fast(s->w->folder, &telemetry_sql.list[i]);
	for (size_t i = 0; i < telemetry_state_sql.count; i++)
		test_store_plan_is_fast(s->w->folder, &telemetry_state_sql.list[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(everyone_sees_the_devices_of_their_scope_and_no_others),
	        TEST(a_foreign_device_is_not_found_as_one_that_is_missing),
	        TEST(a_retired_device_is_in_no_list_and_not_found),
	        TEST(rights_are_told_apart),
	        TEST(the_fleet_is_counted_by_condition),
	        TEST(what_needs_attention_and_what_runs_low_comes_first),
	        TEST(a_silent_device_needs_attention_after_errors_and_before_warnings),
	        TEST(lists_are_searched_and_filtered),
	        TEST(lists_are_sorted_and_unknown_levels_come_last),
	        TEST(pages_join_without_gaps_in_every_order_and_direction),
	        TEST(counts_end_at_the_cap),
	        TEST(a_cursor_of_another_list_or_made_up_is_refused),
	        TEST(a_page_goes_on_where_a_device_was_that_is_gone),
	        TEST(the_latest_state_is_read_as_a_whole),
	        TEST(histories_come_newest_first_and_only_of_visible_devices),
	        TEST(no_statement_scans_a_table_or_sorts_beside_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

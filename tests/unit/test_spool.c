/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/spool.h"

#include "agents/report_id.h"
#include "lib/crypto.h"
#include "lib/parse.h"
#include "tests/helpers/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1795338000000

static char *folder;
static struct clock_fake fake;
static struct spool *spool;

static void open_with(uint64_t bytes)
{
	struct err e = ERR_CLEAR;

	spool_close(spool);
	spool = spool_open(folder, bytes, &fake.base, &e);
	if (!spool)
		fail_msg("%s", e.text);
}

static void put(const char *text, char id[REPORT_ID_SIZE])
{
	struct err e = ERR_CLEAR;

	report_id_new(clock_wall_ms(&fake.base), id);
	if (!spool_put(spool, id, text, strlen(text), &e))
		fail_msg("%s", e.text);
}

/* The oldest report must be this one. */
static struct spool_entry next_is(const char *text)
{
	struct spool_entry entry;
	struct buf b = BUF_INIT(1 << 20);
	struct err e = ERR_CLEAR;

	if (!spool_next(spool, &entry, &b, &e))
		fail_msg("none: %s", e.text);
	assert_string_equal(buf_text(&b), text);
	buf_free(&b);
	return entry;
}

static void is_empty(void)
{
	struct spool_entry entry;
	struct buf b = BUF_INIT(1 << 20);
	struct err e = ERR_CLEAR;

	assert_false(spool_next(spool, &entry, &b, &e));
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(spool_counts(spool).waiting, 0);
	assert_int_equal(spool_counts(spool).bytes, 0);
	buf_free(&b);
}

static size_t files_in(const char *part)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, part);
	return test_folder_count(path, ".json");
}

static void reports_come_out_in_the_order_they_came_in(void **state)
{
	char a[REPORT_ID_SIZE], b[REPORT_ID_SIZE], c[REPORT_ID_SIZE];
	struct err e = ERR_CLEAR;
	struct spool_entry entry;

	(void)state;
	put("one", a);
	put("two", b);
	clock_fake_set_wall(&fake, NOW - 5000); /* the clock is set back */
	put("three", c);
	entry = next_is("one");
	assert_string_equal(entry.report_id, a);
	assert_true(spool_done(spool, &entry, &e));
	assert_false(spool_has(spool, a));
	assert_true(spool_has(spool, b));
	entry = next_is("two");
	assert_true(spool_done(spool, &entry, &e));
	entry = next_is("three");
	assert_true(spool_done(spool, &entry, &e));
	is_empty();
}

static void reports_survive_the_end_of_the_program(void **state)
{
	char a[REPORT_ID_SIZE], b[REPORT_ID_SIZE];

	(void)state;
	put("one", a);
	put("two", b);
	open_with(0);
	assert_int_equal(spool_counts(spool).waiting, 2);
	assert_int_equal(spool_counts(spool).bytes, 6);
	assert_string_equal(next_is("one").report_id, a);
}

static void a_refused_report_is_kept_aside_for_a_person(void **state)
{
	char a[REPORT_ID_SIZE];
	struct spool_entry entry;
	struct err e = ERR_CLEAR;

	(void)state;
	put("bad", a);
	entry = next_is("bad");
	assert_true(spool_refuse(spool, &entry, &e));
	is_empty();
	assert_int_equal(files_in("refused"), 1);
	assert_int_equal(spool_counts(spool).put_aside, 0);
}

static void beyond_its_size_the_oldest_are_put_aside_and_counted(void **state)
{
	char id[REPORT_ID_SIZE];

	(void)state;
	open_with(10);
	put("1111", id);
	put("2222", id);
	put("3333", id);
	assert_int_equal(spool_counts(spool).waiting, 2);
	assert_int_equal(spool_counts(spool).put_aside, 1);
	next_is("2222");
	assert_int_equal(files_in("aside"), 1);
	open_with(10);
	assert_int_equal(spool_counts(spool).put_aside, 1);
}

static void after_fourteen_days_a_report_is_put_aside(void **state)
{
	char id[REPORT_ID_SIZE];

	(void)state;
	put("old", id);
	clock_fake_advance(&fake, 14LL * 86400 * 1000);
	put("new", id);
	next_is("old");
	clock_fake_advance(&fake, 1);
	next_is("new");
	assert_int_equal(spool_counts(spool).put_aside, 1);
}

static void what_is_put_aside_is_bounded_too(void **state)
{
	char id[REPORT_ID_SIZE];

	(void)state;
	open_with(4);
	for (int i = 0; i < SPOOL_ASIDE_FILES + 5; i++)
		put("1234", id);
	assert_int_equal(files_in("aside"), SPOOL_ASIDE_FILES);
	assert_int_equal(spool_counts(spool).put_aside, SPOOL_ASIDE_FILES + 4);
}

static void a_file_that_somebody_took_away_holds_up_nothing(void **state)
{
	char a[REPORT_ID_SIZE], b[REPORT_ID_SIZE], path[256];
	struct spool_entry entry;

	(void)state;
	put("one", a);
	put("two", b);
	entry = next_is("one");
	snprintf(path, sizeof path, "%s/%s", folder, entry.name);
	assert_int_equal(unlink(path), 0);
	next_is("two");
	assert_int_equal(spool_counts(spool).waiting, 1);
}

static void report_ids_are_uuids_of_version_seven_in_order(void **state)
{
	char a[REPORT_ID_SIZE], b[REPORT_ID_SIZE];

	(void)state;
	report_id_new(NOW, a);
	report_id_new(NOW + 1, b);
	assert_true(parse_uuid(a));
	assert_int_equal(a[14], '7');
	assert_true(strchr("89ab", a[19]) != NULL);
	assert_true(strcmp(a, b) < 0);
}

static int set_up(void **state)
{
	(void)state;
	folder = test_folder_new();
	clock_fake_init(&fake, NOW);
	spool = NULL;
	open_with(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	spool_close(spool);
	test_folder_remove(folder);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(reports_come_out_in_the_order_they_came_in),
	        TEST(reports_survive_the_end_of_the_program),
	        TEST(a_refused_report_is_kept_aside_for_a_person),
	        TEST(beyond_its_size_the_oldest_are_put_aside_and_counted),
	        TEST(after_fourteen_days_a_report_is_put_aside),
	        TEST(what_is_put_aside_is_bounded_too),
	        TEST(a_file_that_somebody_took_away_holds_up_nothing),
	        TEST(report_ids_are_uuids_of_version_seven_in_order),
	};
	struct err e = ERR_CLEAR;

	return crypto_init(&e) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

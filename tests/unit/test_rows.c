/* SPDX-License-Identifier: Apache-2.0 */
/* Lists read from the database into an arena. */
#include "core/rows.h"
#include "tests/helpers/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT_TO, STATEMENTS };

static const struct sql_statement statements[STATEMENTS] = {
        [COUNT_TO] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "i",
                .text = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                        " WHERE i < $1) SELECT i FROM n WHERE $1 > 0"},
};
static const struct sql_table counting_sql = {"counting", statements, STATEMENTS};

struct scene {
	struct world *w;
	struct sql_conn *conn;
};

static int make_scene(void **state)
{
	static const struct sql_table *const tables[] = {&counting_sql, NULL};
	struct scene *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -1;
	*state = s;
	s->w = world_new(tables);
	s->conn = world_read(s->w);
	return 0;
}

static int end_scene(void **state)
{
	struct scene *s = *state;

	sql_return(s->conn);
	world_free(s->w);
	free(s);
	return 0;
}

static struct sql_cursor *count_to(const struct scene *s, int64_t n, struct err *e)
{
	return sql_query(s->conn, &statements[COUNT_TO], SQL_ARGS(SQL_I(n)), e);
}

struct pair {
	int64_t number;
	const char *text;
};

static int next_pair(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct pair *pair = item;
	int got = sql_next(cursor, SQL_INTO(SQL_INTO_I(&pair->number)), e);

	pair->text = arena_printf(arena, "row %lld", (long long)pair->number);
	if (got == 1 && pair->number == 5000) {
		(void)err_set(e, ERR_CORRUPT, "row 5000 is odd");
		return -1;
	}
	return got;
}

/* A cursor that was left open would keep its statement from running again. */
static void runs_again(const struct scene *s)
{
	struct err e = ERR_CLEAR;
	int64_t *ids = NULL;
	size_t count = 0;

	assert_true(rows_read_ids(s->w->arena, count_to(s, 3, &e), &ids, &count, &e));
	assert_int_equal(count, 3);
}

static void all_rows_are_read_in_their_order(void **state)
{
	struct scene *s = *state;
	struct rows rows = ROWS_INIT(s->w->arena, sizeof(struct pair));
	struct pair one = {0};
	const struct pair *list;
	struct err e = ERR_CLEAR;

	assert_true(rows_read(&rows, count_to(s, 1000, &e), next_pair, &one, &e));
	assert_int_equal(rows.count, 1000);
	list = rows.items;
	for (size_t i = 0; i < rows.count; i++)
		assert_int_equal(list[i].number, i + 1);
	assert_string_equal(list[16].text, "row 17");
	runs_again(s);
}

static void no_rows_are_an_empty_list(void **state)
{
	struct scene *s = *state;
	struct err e = ERR_CLEAR;
	int64_t *ids = NULL;
	size_t count = 9;

	assert_true(rows_read_ids(s->w->arena, count_to(s, 0, &e), &ids, &count, &e));
	assert_int_equal(count, 0);
	assert_int_equal(e.code, ERR_NONE);
}

static void a_query_that_failed_is_no_empty_list(void **state)
{
	struct scene *s = *state;
	struct err e = ERR_CLEAR;
	int64_t *ids = NULL;
	size_t count = 0;

	assert_false(rows_read_ids(s->w->arena, NULL, &ids, &count, &e));
}

static void a_row_that_cannot_be_read_ends_the_list_with_its_error(void **state)
{
	struct scene *s = *state;
	struct rows rows = ROWS_INIT(s->w->arena, sizeof(struct pair));
	struct pair one = {0};
	struct err e = ERR_CLEAR;

	assert_false(rows_read(&rows, count_to(s, 6000, &e), next_pair, &one, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
	runs_again(s);
}

static void a_list_too_long_for_its_arena_fails(void **state)
{
	struct scene *s = *state;
	struct arena *small = arena_new(4096);
	struct err e = ERR_CLEAR;
	int64_t *ids = NULL;
	size_t count = 0;

	assert_non_null(small);
	assert_true(rows_read_ids(small, count_to(s, 16, &e), &ids, &count, &e));
	assert_int_equal(ids[15], 16);
	assert_false(rows_read_ids(small, count_to(s, 4000, &e), &ids, &count, &e));
	assert_int_equal(e.code, ERR_MEMORY);
	arena_free(small);
	runs_again(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(all_rows_are_read_in_their_order),
	        TEST(no_rows_are_an_empty_list),
	        TEST(a_query_that_failed_is_no_empty_list),
	        TEST(a_row_that_cannot_be_read_ends_the_list_with_its_error),
	        TEST(a_list_too_long_for_its_arena_fails),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return arena == NULL;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void a_side_is_read_as_the_agent_wrote_it(void **state)
{
	const struct evidence_view *v = evidence_read(arena,
	        "{\"before\":null,\"after\":{\"identity\":{\"kind\":\"serial\",\"value\":\"X\"},"
	        "\"acquiredAt\":\"2026-11-22T19:00:00.000Z\",\"state\":\"idle\",\"reasons\":["
	        "\"none\",\"media-empty-warning\",\"cover-open\",{\"keyword\":\"media-jam\"},7],"
	        "\"supplies\":[{\"index\":1,\"color\":\"cyan\",\"level\":40,\"capacity\":80},"
	        "{\"index\":2,\"levelState\":\"some-remaining\",\"capacity\":100}]},"
	        "\"reportId\":\"r\"}",
	        "after");

	(void)state;
	assert_non_null(v);
	assert_true(v->acquired_at == INT64_C(1795374000000));
	assert_string_equal(v->state, "idle");
	assert_int_equal(v->reason_count, 3);
	assert_string_equal(v->reasons[0], "media-empty");
	assert_string_equal(v->reasons[1], "cover-open");
	assert_string_equal(v->reasons[2], "media-jam");
	assert_int_equal(v->supply_count, 2);
	assert_string_equal(v->supplies[0].name, "cyan");
	assert_int_equal(v->supplies[0].percent, 50);
	assert_string_equal(v->supplies[1].name, "supply 2");
	assert_int_equal(v->supplies[1].percent, SUPPLY_UNKNOWN);
	assert_string_equal(v->supplies[1].level_state, "some-remaining");
}

static void a_side_may_be_a_device_as_reports_have_it(void **state)
{
	const struct evidence_view *v = evidence_read(arena,
	        "{\"after\":{\"identity\":{\"kind\":\"serial\",\"value\":\"X 1\"},"
	        "\"acquiredAt\":\"2026-11-22T19:00:00.000Z\","
	        "\"status\":{\"state\":\"processing\",\"reasons\":[\"media-low-warning\"]}}}",
	        "after");

	(void)state;
	assert_non_null(v);
	assert_string_equal(v->state, "processing");
	assert_int_equal(v->reason_count, 1);
	assert_string_equal(v->reasons[0], "media-low");
}

static void evidence_that_is_none_is_not_shown(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{}", "{\"before\":null}",
	        "{\"before\":[1]}", "{\"before\":\"idle\"}", "7"};

	(void)state;
	assert_null(evidence_read(arena, NULL, "before"));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_null(evidence_read(arena, texts[i], "before"));
}

static void a_side_without_members_is_unknown_and_not_zero(void **state)
{
	const struct evidence_view *v = evidence_read(
	        arena, "{\"before\":{\"acquiredAt\":\"yesterday\",\"supplies\":[{}]}}", "before");

	(void)state;
	assert_non_null(v);
	assert_string_equal(v->state, "");
	assert_true(v->acquired_at == 0);
	assert_int_equal(v->reason_count, 0);
	assert_int_equal(v->supply_count, 1);
	assert_int_equal(v->supplies[0].percent, SUPPLY_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_side_is_read_as_the_agent_wrote_it, begin, end),
	        cmocka_unit_test_setup_teardown(
	                a_side_may_be_a_device_as_reports_have_it, begin, end),
	        cmocka_unit_test_setup_teardown(evidence_that_is_none_is_not_shown, begin, end),
	        cmocka_unit_test_setup_teardown(
	                a_side_without_members_is_unknown_and_not_zero, begin, end),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}

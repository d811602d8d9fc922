/* SPDX-License-Identifier: Apache-2.0 */
/* What pages are printed with: values by type and context, times, words. */
#include "lib/parse.h"
#include "templates/counters.h"
#include "templates/devices.html.h"
#include "templates/moment.h"
#include "templates/page.h"
#include "templates/parts.html.h"
#include "templates/print.h"
#include "templates/sign_in.html.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
static const int64_t day = 24LL * HOUR;
static const int64_t now = 1795374000000; /* 2026-11-22T19:00:00Z */

static struct buf body;
static struct out out;

static int begin(void **state)
{
	(void)state;
	body = BUF_INIT(1 << 20);
	out = (struct out){.body = &body,
	        .arena = arena_new(1 << 20),
	        .language = "en",
	        .time_zone = "Europe/Berlin",
	        .csrf = "t",
	        .now_ms = now};
	return out.arena == NULL;
}

static int end(void **state)
{
	(void)state;
	arena_free(out.arena);
	buf_free(&body);
	return 0;
}

static void assert_printed(const char *expected)
{
	assert_string_equal(buf_text(&body), expected);
	buf_reset(&body);
}

static void a_value_is_printed_by_its_type(void **state)
{
	const char *text = "<a href=\"x\">&'";
	char array[] = "a<b";

	(void)state;
	OUT_TEXT(&out, text);
	assert_null(strpbrk(buf_text(&body), "<>"));
	buf_reset(&body);
	OUT_TEXT(&out, array);
	assert_printed("a&lt;b");
	OUT_ATTRIBUTE(&out, text);
	assert_null(strpbrk(buf_text(&body), "<>\""));
	buf_reset(&body);
	OUT_TEXT(&out, 1204);
	assert_printed("1,204");
	OUT_TEXT(&out, (size_t)1000000);
	assert_printed("1,000,000");
	OUT_TEXT(&out, INT64_MIN);
	assert_printed("−9,223,372,036,854,775,808");
	OUT_TEXT(&out, UINT64_MAX);
	assert_printed("18,446,744,073,709,551,615");
	OUT_ATTRIBUTE(&out, 1204);
	assert_printed("1204");
	OUT_TEXT(&out, 12.5);
	assert_printed("12.5");
	OUT_TEXT(&out, 3.0);
	assert_printed("3");
	OUT_TEXT(&out, (double)INFINITY);
	assert_printed("–");
}

static void an_address_that_is_not_ours_becomes_harmless(void **state)
{
	(void)state;
	OUT_URL(&out, "javascript:alert(1)");
	assert_printed("#");
	OUT_URL(&out, "//evil.example/");
	assert_printed("#");
	OUT_URL(&out, "/devices?q=a&b=\"");
	assert_null(strchr(buf_text(&body), '"'));
	buf_reset(&body);
	OUT_URL_SEGMENT(&out, "a/b?c");
	assert_printed("a%2Fb%3Fc");
	OUT_URL_ARGUMENT(&out, "a&b=c");
	assert_null(strpbrk(buf_text(&body), "&="));
	buf_reset(&body);
}

static void an_age_is_told_in_words_until_it_is_two_weeks(void **state)
{
	(void)state;
	assert_string_equal(moment_age(&out, now), "just now");
	assert_string_equal(moment_age(&out, now + 2 * MINUTE), "just now"); /* a clock ahead */
	assert_string_equal(moment_age(&out, now - 44 * SECOND), "just now");
	assert_string_equal(moment_age(&out, now - 45 * SECOND), "1 min ago");
	assert_string_equal(moment_age(&out, now - 3 * MINUTE), "3 min ago");
	assert_string_equal(moment_age(&out, now - 90 * MINUTE), "1 h ago");
	assert_string_equal(moment_age(&out, now - day), "1 day ago");
	assert_string_equal(moment_age(&out, now - 13 * day), "13 days ago");
	assert_string_equal(moment_age(&out, now - 14 * day), "2026-11-08");
	assert_string_equal(moment_age(&out, now + 10 * MINUTE), "in 10 min");
	assert_string_equal(moment_age(&out, now + 3 * HOUR), "in 3 h");
	assert_true(moment_is_recent(&out, now - 13 * day));
	assert_false(moment_is_recent(&out, now - 14 * day));
}

static void a_time_is_shown_in_the_persons_zone(void **state)
{
	(void)state;
	assert_string_equal(moment_local(&out, now), "2026-11-22 20:00");
	assert_string_equal(moment_machine(&out, now + 7), "2026-11-22T19:00:00.007Z");
	assert_string_equal(moment_zone(&out), "Europe/Berlin (UTC+1)");
	/* summer time, and back again: 25 October 2026, 01:00 UTC */
	assert_string_equal(moment_exact(&out, now - 130 * day), "2026-07-15 21:00:00");
	assert_string_equal(moment_exact(&out, 1792889999000), "2026-10-25 02:59:59");
	assert_string_equal(moment_exact(&out, 1792890000000), "2026-10-25 02:00:00");
	assert_string_equal(moment_machine(&out, -1), "1969-12-31T23:59:59.999Z");
}

static void a_typed_time_is_read_in_the_persons_zone(void **state)
{
	struct out berlin = {.time_zone = "Europe/Berlin"}, utc = {.time_zone = NULL};
	int64_t ms = 7, same = 0;

	(void)state;
	assert_true(moment_read(&utc, "2026-11-22T09:00", &ms));
	assert_true(parse_time("2026-11-22T09:00:00Z", &same));
	assert_int_equal(ms, same);
	assert_true(moment_read(&berlin, "2026-11-22T09:00:30", &ms));
	assert_true(parse_time("2026-11-22T08:00:30Z", &same));
	assert_int_equal(ms, same);
	/* in summer, and the first minute of it */
	assert_true(moment_read(&berlin, "2026-07-01T00:00", &ms));
	assert_true(parse_time("2026-06-30T22:00:00Z", &same));
	assert_int_equal(ms, same);
	assert_true(moment_read(&berlin, "2026-03-29T03:00", &ms));
	assert_true(parse_time("2026-03-29T01:00:00Z", &same));
	assert_int_equal(ms, same);
	assert_false(moment_read(&utc, "2026-11-22", &ms));
	assert_false(moment_read(&utc, "2026-11-22 09:00", &ms));
	assert_false(moment_read(&utc, "2026-13-22T09:00", &ms));
	assert_false(moment_read(&utc, "", &ms));
	assert_int_equal(ms, same);
}

static void zones_with_half_hours_and_unknown_ones_are_named_truly(void **state)
{
	(void)state;
	out.time_zone = "Asia/Kolkata";
	assert_string_equal(moment_zone(&out), "Asia/Kolkata (UTC+5:30)");
	assert_string_equal(moment_local(&out, now), "2026-11-23 00:30");
	out = (struct out){.body = &body,
	        .arena = out.arena,
	        .language = "en",
	        .time_zone = "America/St_Johns",
	        .now_ms = now};
	assert_string_equal(moment_zone(&out), "America/St_Johns (UTC−3:30)");
	out.zone_from = out.zone_until = 0;
	out.time_zone = NULL;
	assert_string_equal(moment_zone(&out), "UTC");
	assert_string_equal(moment_local(&out, now), "2026-11-22 19:00");
	out.zone_from = out.zone_until = 0;
	out.time_zone = "Nowhere/Land";
	assert_string_equal(moment_local(&out, now), "2026-11-22 19:00");
	assert_string_equal(moment_zone(&out), "UTC");
}

static void an_unknown_level_is_never_a_number(void **state)
{
	struct supply_view s = {.name = "Cyan",
	        .class = "supplyThatIsConsumed",
	        .resolution = "exact",
	        .unit = "percent",
	        .level = 0,
	        .capacity = 100};

	(void)state;
	assert_int_equal(supply_percent(&s), SUPPLY_UNKNOWN); /* no level at all */
	s.has_level = true;
	assert_int_equal(supply_percent(&s), 0);
	s.level_state = "some-remaining";
	assert_int_equal(supply_percent(&s), SUPPLY_UNKNOWN);
	s.level_state = NULL;
	s.level = -3;
	assert_int_equal(supply_percent(&s), SUPPLY_UNKNOWN);
	s.level = 50;
	s.capacity = 0;
	assert_int_equal(supply_percent(&s), 50); /* percent needs no capacity */
	s.unit = "grams";
	assert_int_equal(supply_percent(&s), SUPPLY_UNKNOWN);
	s.capacity = INT64_MAX;
	s.level = INT64_MAX - 1;
	assert_int_equal(supply_percent(&s), 100);
	s.level = INT64_MAX;
	s.capacity = 10;
	assert_int_equal(supply_percent(&s), 100);
}

static void an_ink_gets_its_colour(void **state)
{
	struct supply_view s = {
	        .name = "x", .class = "supplyThatIsConsumed", .color = "light cyan"};

	(void)state;
	assert_string_equal(supply_ink(&s), "ink-light-cyan");
	s.color = "Vivid MAGENTA";
	assert_string_equal(supply_ink(&s), "ink-magenta");
	s.color = NULL;
	s.name = "Photo Black ink";
	assert_string_equal(supply_ink(&s), "ink-black");
	s.name = "Cartridge 7";
	assert_string_equal(supply_ink(&s), "ink-none");
	s.class = "receptacleThatIsFilled";
	assert_string_equal(supply_ink(&s), "ink-waste");
}

static void silence_wins_over_what_was_said_last(void **state)
{
	(void)state;
	assert_int_equal(condition_of("idle", ATTENTION_NONE, now - HOUR, now), CONDITION_IDLE);
	assert_int_equal(
	        condition_of("idle", ATTENTION_NONE, now - 4 * HOUR, now), CONDITION_SILENT);
	assert_int_equal(
	        condition_of("processing", ATTENTION_WARNING, now, now), CONDITION_PRINTING);
	assert_int_equal(condition_of("processing", ATTENTION_ERROR, now, now), CONDITION_ERROR);
	assert_int_equal(condition_of("stopped", ATTENTION_NONE, now, now), CONDITION_ERROR);
	assert_int_equal(condition_of("unknown", ATTENTION_NONE, now, now), CONDITION_UNKNOWN);
	for (int i = 0; i < CONDITIONS; i++)
		assert_int_equal(condition_from_word(condition_word((enum condition)i)), i);
	assert_int_equal(condition_from_word("nonsense"), CONDITIONS);
}

static void a_reason_has_words_or_is_shown_as_it_came(void **state)
{
	(void)state;
	assert_string_equal(reason_find("media-empty")->sentence, "Out of paper");
	assert_null(reason_find("vendor-thing"));
	part_reason(&out, "vendor-<thing>");
	assert_non_null(strstr(buf_text(&body), "vendor-&lt;thing&gt;"));
}

static void every_state_of_an_execution_has_words(void **state)
{
	static const char *const states[] = {"rejected", "waiting-consent", "queued", "expired",
	        "canceled", "removed", "sent", "resending", "delivered", "in-progress", "succeeded",
	        "failed", "unknown", "cancel-requested"};

	(void)state;
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		assert_string_equal(execution_words(states[i])->state, states[i]);
	assert_string_equal(execution_words("?")->text, "Another state");
	assert_string_equal(kind_words("head-cleaning")->kind, "head-cleaning");
	assert_string_equal(kind_words("?")->text, "Another operation");
}

static void counters_have_names_and_units(void **state)
{
	(void)state;
	assert_string_equal(counter_name(&out, "inkUsedMl.cyan"), "Ink used, cyan");
	assert_string_equal(counter_value(&out, "inkUsedMl.cyan", 1204.26), "1,204.3 ml");
	assert_string_equal(counter_value(&out, "printAreaM2", 9.96), "10 m²");
	assert_string_equal(counter_value(&out, "printTimeSeconds", 3720), "1 h 2 min");
	assert_string_equal(counter_value(&out, "printTimeSeconds", 59), "59 s");
	assert_string_equal(counter_value(&out, "impressions", 1048211), "1,048,211");
	assert_string_equal(counter_value(&out, "impressions", (double)NAN), "–");
	assert_string_equal(counter_name(&out, "vendorCounter"), "vendorCounter");
}

static void a_page_beyond_its_memory_fails_as_a_whole(void **state)
{
	struct sign_in_page p = {.layout = {.title = "Sign in"}, .name = "", .next = ""};

	(void)state;
	body.max = 1000;
	page_sign_in(&out, &p);
	assert_true(body.failed);
	buf_free(&body);
	body = BUF_INIT(1 << 20);
	arena_free(out.arena);
	out.arena = arena_new(64); /* no room for formatted texts */
	assert_non_null(out.arena);
	page_sign_in(&out, &p);
	assert_true(body.failed);
}

static void the_sign_in_page_is_this(void **state)
{
	struct sign_in_page p = {.layout = {.title = "Sign in"}, .name = "a\"b", .next = "/x"};

	(void)state;
	page_sign_in(&out, &p);
	assert_false(body.failed);
	assert_non_null(strstr(buf_text(&body), "<form method=\"post\" action=\"/session\">"));
	assert_non_null(strstr(buf_text(&body), "name=\"next\" value=\"/x\""));
	assert_null(strstr(buf_text(&body), "a\"b"));
	assert_null(strstr(buf_text(&body), "<nav"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_value_is_printed_by_its_type, begin, end),
	        cmocka_unit_test_setup_teardown(
	                an_address_that_is_not_ours_becomes_harmless, begin, end),
	        cmocka_unit_test_setup_teardown(
	                an_age_is_told_in_words_until_it_is_two_weeks, begin, end),
	        cmocka_unit_test_setup_teardown(a_time_is_shown_in_the_persons_zone, begin, end),
	        cmocka_unit_test(a_typed_time_is_read_in_the_persons_zone),
	        cmocka_unit_test_setup_teardown(
	                zones_with_half_hours_and_unknown_ones_are_named_truly, begin, end),
	        cmocka_unit_test_setup_teardown(an_unknown_level_is_never_a_number, begin, end),
	        cmocka_unit_test_setup_teardown(an_ink_gets_its_colour, begin, end),
	        cmocka_unit_test_setup_teardown(silence_wins_over_what_was_said_last, begin, end),
	        cmocka_unit_test_setup_teardown(
	                a_reason_has_words_or_is_shown_as_it_came, begin, end),
	        cmocka_unit_test_setup_teardown(every_state_of_an_execution_has_words, begin, end),
	        cmocka_unit_test_setup_teardown(counters_have_names_and_units, begin, end),
	        cmocka_unit_test_setup_teardown(
	                a_page_beyond_its_memory_fails_as_a_whole, begin, end),
	        cmocka_unit_test_setup_teardown(the_sign_in_page_is_this, begin, end),
	};

	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}

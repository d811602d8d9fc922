/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void integers_are_read_exactly_to_their_limits(void **state)
{
	int64_t n = 0;

	(void)state;
	assert_true(parse_int("0", 0, 0, &n));
	assert_int_equal(n, 0);
	assert_true(parse_int("-7", -7, 7, &n));
	assert_int_equal(n, -7);
	assert_true(parse_int("9223372036854775807", INT64_MIN, INT64_MAX, &n));
	assert_true(n == INT64_MAX);
	assert_true(parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &n));
	assert_true(n == INT64_MIN);
	assert_true(parse_int_n("123x", 3, 0, 999, &n));
	assert_int_equal(n, 123);
}

static void what_is_no_plain_integer_is_refused(void **state)
{
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "01", "-0", "-01", "1.0",
	        "1e3", "0x1", "9223372036854775808", "-9223372036854775809", "99999999999999999999",
	        "1-", "\xd9\xa1"};
	int64_t n = 42;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(parse_int(bad[i], INT64_MIN, INT64_MAX, &n));
	assert_false(parse_int("8", -7, 7, &n));
	assert_false(parse_int("-8", -7, 7, &n));
	assert_false(parse_int_n("1\0002", 3, 0, 999, &n));
	assert_int_equal(n, 42);
}

static void decimal_numbers_follow_json(void **state)
{
	static const char *const bad[] = {"", "-", ".5", "1.", "01", "1e", "1e+", "+1", "nan",
	        "inf", "0x10", "1e999", "1 ", "1,5", "--1"};
	double d = 0;

	(void)state;
	assert_true(parse_double("-1.5e3", &d));
	assert_true(d == -1500.0);
	assert_true(parse_double("0.25", &d));
	assert_true(d == 0.25);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(parse_double(bad[i], &d));
	assert_true(d == 0.25);
}

static void times_are_read_with_offsets_and_fractions(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
	        {"1970-01-01T00:00:00Z", 0},
	        {"2026-11-22T09:00:00.000Z", 1795338000000},
	        {"2026-11-22T09:00:00z", 1795338000000},
	        {"2026-11-22t11:30:00.5+02:30", 1795338000500},
	        {"2026-11-22T08:00:00.1239999-01:00", 1795338000123},
	        {"2024-02-29T23:59:60Z", 1709251200000},
	        {"9999-12-31T23:59:59.999Z", 253402300799999},
	        {"1970-01-01T01:00:00+01:00", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		int64_t ms = -1;
		assert_true(parse_time(good[i].text, &ms));
		assert_true(ms == good[i].ms);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {"", "2026-11-22", "2026-11-22T09:00:00",
	        "2026-11-22 09:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
	        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z",
	        "2026-11-22T24:00:00Z", "2026-11-22T09:60:00Z", "2026-11-22T09:00:61Z",
	        "2026-11-22T09:00:00.Z", "2026-11-22T09:00:00,5Z", "2026-11-22T09:00:00+2:00",
	        "2026-11-22T09:00:00+0200", "2026-11-22T09:00:00+24:00", "2026-11-22T09:00:00ZZ",
	        " 2026-11-22T09:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
	        "9999-12-31T23:59:59-00:01", "+2026-11-22T09:00:00Z", "2026-1-22T09:00:00Z"};
	int64_t ms = 42;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(parse_time(bad[i], &ms));
	assert_int_equal(ms, 42);
}

static void every_day_until_2400_is_written_as_the_c_library_does_and_read_back(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 157054; day++) {
		int64_t ms = day * 86400000 + day * 541 % 86400000, back = -1;
		time_t seconds = (time_t)(ms / 1000);
		char text[PARSE_TIME_SIZE], expected[64];
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		        tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		        tm.tm_sec, (int)(ms % 1000));
		assert_string_equal(parse_time_text(ms, text), expected);
		assert_true(parse_time(text, &back));
		assert_true(back == ms);
	}
}

static void every_code_point_is_utf_8_and_surrogates_are_not(void **state)
{
	(void)state;
	for (uint32_t c = 0x10000; c <= 0x10ffff; c += 0x101) {
		char text[4] = {(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
		        (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))};
		uint32_t code = 0;
		assert_int_equal(parse_utf8_next(text, 4, &code), 4);
		assert_int_equal(code, c);
	}
	for (uint32_t c = 0x800; c <= 0xffff; c++) {
		char text[3] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
		        (char)(0x80 | (c & 0x3f))};
		bool surrogate = c >= 0xd800 && c <= 0xdfff;
		assert_int_equal(parse_utf8_next(text, 3, NULL), surrogate ? 0 : 3);
		assert_int_equal(parse_utf8_next(text, 2, NULL), 0);
	}
	assert_true(parse_utf8("plain text, \xc3\xa9\xe2\x82\xac\xf0\x9f\x96\xa8 and more", 29));
	assert_true(parse_utf8("", 0));
	assert_true(parse_utf8("a\0b", 3));
}

static void broken_utf_8_is_refused_wherever_it_stands(void **state)
{
	static const char *const bad[] = {"\xff", "\xfe", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf",
	        "\xed\xa0\xbd\xed\xb8\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xc3",
	        "\xe2\x82", "\xf0\x9f\x96", "\xc3(", "\xf8\x88\x80\x80\x80"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		for (int before = 0; before < 18; before++) {
			int len = snprintf(text, sizeof text, "%.*s%sabcdefghij", before,
			        "abcdefghijklmnopqrstuvwxyz", bad[i]);
			assert_false(parse_utf8(text, (size_t)len));
			assert_false(parse_utf8(text, (size_t)len - 10));
		}
	}
}

static void a_public_id_has_its_prefix_and_22_letters_and_digits(void **state)
{
	(void)state;
	assert_true(parse_public_id("ag_0123456789abcdefghijXY", "ag_"));
	assert_false(parse_public_id("ag_0123456789abcdefghijXY", "de_"));
	assert_false(parse_public_id("ag_0123456789abcdefghijX", "ag_"));
	assert_false(parse_public_id("ag_0123456789abcdefghijXYZ", "ag_"));
	assert_false(parse_public_id("ag_0123456789abcdefghij-Y", "ag_"));
	assert_false(parse_public_id("ag_0123456789abcdefghi\xc3\xa9Y", "ag_"));
	assert_false(parse_public_id("", "ag_"));
}

static void a_uuid_has_the_usual_form(void **state)
{
	(void)state;
	assert_true(parse_uuid("0192f0c1-0000-7000-8000-0123456789ab"));
	assert_true(parse_uuid("0192F0C1-0000-7000-8000-0123456789AB"));
	assert_false(parse_uuid("0192f0c1-0000-7000-8000-0123456789a"));
	assert_false(parse_uuid("0192f0c1-0000-7000-8000-0123456789abc"));
	assert_false(parse_uuid("0192f0c10000-7000-8000-0123456789ab00"));
	assert_false(parse_uuid(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(integers_are_read_exactly_to_their_limits),
	        cmocka_unit_test(what_is_no_plain_integer_is_refused),
	        cmocka_unit_test(decimal_numbers_follow_json),
	        cmocka_unit_test(times_are_read_with_offsets_and_fractions),
	        cmocka_unit_test(what_is_no_time_is_refused),
	        cmocka_unit_test(
	                every_day_until_2400_is_written_as_the_c_library_does_and_read_back),
	        cmocka_unit_test(every_code_point_is_utf_8_and_surrogates_are_not),
	        cmocka_unit_test(broken_utf_8_is_refused_wherever_it_stands),
	        cmocka_unit_test(a_public_id_has_its_prefix_and_22_letters_and_digits),
	        cmocka_unit_test(a_uuid_has_the_usual_form),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}

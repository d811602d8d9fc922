/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct json_limits usual = {.bytes = 1 << 20, .depth = 16, .values = 100000};

static struct json *parse(const char *text, struct err *e)
{
	return json_parse(text, strlen(text), &usual, e);
}

static void assert_refused_n(const char *text, size_t len, const char *reason)
{
	struct err e = ERR_CLEAR;
	struct json *root = json_parse(text, len, &usual, &e);

	if (root != NULL)
		fail_msg("accepted: %s", text);
	assert_int_equal(e.code, ERR_INVALID);
	if (strstr(e.text, reason) == NULL)
		fail_msg("%s: said \"%s\", not \"%s\"", text, e.text, reason);
}

static void assert_refused(const char *text, const char *reason)
{
	assert_refused_n(text, strlen(text), reason);
}

/* Parses and prints again. */
static void assert_prints(const char *text, const char *expected)
{
	struct err e = ERR_CLEAR;
	struct buf b = BUF_INIT(10000);
	struct json *root = parse(text, &e);

	if (root == NULL)
		fail_msg("%s: %s", text, e.text);
	assert_true(json_print(root, false, &b));
	assert_string_equal(buf_text(&b), expected);
	json_free(root);
	buf_free(&b);
}

static void valid_documents_are_read_and_printed_again(void **state)
{
	(void)state;
	assert_prints(" {\"a\" : [1, -2.5, true,false , null, \"x\"], \"b\":{}}\r\n\t ",
	        "{\"a\":[1,-2.5,true,false,null,\"x\"],\"b\":{}}");
	assert_prints("[]", "[]");
	assert_prints("[[],{},[[]]]", "[[],{},[[]]]");
	assert_prints("0", "0");
	assert_prints("-0", "0");
	assert_prints("\"\"", "\"\"");
	assert_prints("{\"\":1}", "{\"\":1}");
	assert_prints("\"\\u00e9\\ud83d\\udda8\\n\\/\\u001f\\b\"",
	        "\"\xc3\xa9\xf0\x9f\x96\xa8\\n/\\u001f\\b\"");
	assert_prints("\"\xc3\xa9\xe2\x82\xac\"", "\"\xc3\xa9\xe2\x82\xac\"");
	assert_prints("1e3", "1000");
	assert_prints("1E+2", "100");
	assert_prints("-0.001", "-0.001");
	assert_prints("9000.5", "9000.5");
	assert_prints("-17.25", "-17.25");
	assert_prints("0.050", "0.05");
	assert_prints("999999999999.999", "999999999999.999");
	assert_prints("1000000000000.5", "1000000000000.5");
	assert_prints("0.0005", "0.0005");
	assert_prints("1.0001", "1.0001");
	assert_prints("0.1", "0.1");
	assert_prints("1.5e300", "1.5e+300");
	assert_prints("10900719950998894.18", "10900719950998894e0");
	assert_prints("9007199254740992", "9007199254740992");
	assert_prints("-9007199254740991", "-9007199254740991");
	assert_prints("1234567890123456", "1234567890123456");
}

static void a_repeated_name_is_refused_also_when_written_differently(void **state)
{
	(void)state;
	assert_refused("{\"a\":1,\"a\":2}", "$.a: the name occurs twice");
	assert_refused("{\"a\":1,\"\\u0061\":2}", "$.a: the name occurs twice");
	assert_refused("{\"x\":[{},{\"a\":1,\"b\":2,\"a\":{}}]}", "$.x[1].a: the name occurs");
	assert_refused("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,"
	               "\"c\":0}",
	        "$.c: the name occurs twice");
	assert_refused("{\"\":1,\"\":2}", "$[?]: the name occurs twice");
	assert_prints("{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}");
	assert_prints("[{\"a\":1},{\"a\":2}]", "[{\"a\":1},{\"a\":2}]");
}

static void anything_after_the_value_is_refused(void **state)
{
	(void)state;
	assert_refused("{\"a\":1}garbage", "something follows");
	assert_refused("{} {}", "something follows");
	assert_refused("1,", "something follows");
	assert_refused("[]]", "something follows");
	assert_refused_n("{}\0", 3, "something follows");
}

/* {"name0":0,"name1":1,…}, the last name being that of `again` where it is not negative. */
static char *many_members(unsigned count, int again, size_t *len)
{
	struct buf b = BUF_INIT(1 << 20);

	buf_putc(&b, '{');
	for (unsigned i = 0; i < count; i++)
		buf_printf(&b, "%s\"name%u\":%u", i == 0 ? "" : ",",
		        again >= 0 && i == count - 1 ? (unsigned)again : i, i);
	buf_putc(&b, '}');
	assert_false(b.failed);
	*len = b.len;
	return b.data;
}

static void a_name_that_occurs_twice_is_found_among_however_many(void **state)
{
	static const unsigned counts[] = {2, 8, 9, 40, 128, 129, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct err e = ERR_CLEAR;
		struct json *root;
		size_t len;
		char *text = many_members(counts[i], -1, &len);
		root = json_parse(text, len, &usual, &e);
		if (root == NULL)
			fail_msg("%u members: %s", counts[i], e.text);
		assert_int_equal(json_count(root), counts[i]);
		json_free(root);
		free(text);
		text = many_members(counts[i], (int)counts[i] / 2 - 1, &len);
		assert_refused_n(text, len, "the name occurs twice");
		free(text);
	}
}

static void a_number_is_printed_in_the_shortest_form_that_reads_back(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct json *root = json_new_array();
		struct buf b = BUF_INIT(100);
		char shortest[40];
		double number, scale = 1e-12;
		for (int tens = 0; tens < i % 25; tens++)
			scale *= 10;
		random = random * 6364136223846793005u + 1442695040888963407u;
		number = (double)(int64_t)(random >> (11 + i % 50)) * scale;
		if (i % 3 == 0)
			number = -number;
		for (int digits = 1; digits <= 17; digits++) {
			(void)snprintf(shortest, sizeof shortest, "%.*g", digits, number);
			if (strtod(shortest, NULL) == number)
				break;
		}
		assert_non_null(root);
		assert_true(json_add_double(root, NULL, number) && json_print(root, false, &b));
		if (strtod(buf_text(&b) + 1, NULL) != number)
			fail_msg("%.17g became %s", number, buf_text(&b));
		if (fabs(number) >= 0.001 && fabs(number) < 1e12 && strchr(shortest, 'e') == NULL &&
		        strncmp(buf_text(&b) + 1, shortest, strlen(shortest)) != 0)
			fail_msg("%s became %s", shortest, buf_text(&b));
		buf_free(&b);
		json_free(root);
	}
}

static void numbers_that_json_does_not_know_are_refused(void **state)
{
	static const char *const bad[] = {"0123", "1.", "0x10", "1-2", "1e1e1", "+1", ".5", "NaN",
	        "Infinity", "-", "-a", "1e", "1e+", "00", "-01", "1.e1", "--1", "1_0"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_refused(bad[i], "$: ");
		snprintf(text, sizeof text, "{\"a\":[0,%s]}", bad[i]);
		assert_refused(text, "$.a[1]: ");
	}
}

static void numbers_that_a_double_does_not_hold_are_refused(void **state)
{
	(void)state;
	assert_refused("1e999", "too large");
	assert_refused("-1e999", "too large");
	assert_refused("9007199254740993", "beyond 2^53");
	assert_refused("-9007199254740993", "beyond 2^53");
	assert_refused("9007199254740993.0", "beyond 2^53");
	assert_refused("18446744073709551616", "beyond 2^53");
	assert_refused(
	        "0.1000000000000000000000000000000000000000000000000000000000000001", "too long");
}

static void strings_with_nul_or_control_characters_are_refused(void **state)
{
	(void)state;
	assert_refused("\"ab\\u0000cd\"", "\\u0000");
	assert_refused("{\"a\\u0000\":1}", "\\u0000");
	assert_refused("\"a\nb\"", "control character");
	assert_refused("\"a\x01\"", "control character");
	assert_refused_n("\"a\0b\"", 5, "control character");
	assert_refused("\"\\x41\"", "unknown escape");
	assert_refused("\"\\u12g4\"", "four hex digits");
	assert_refused("\"\\u12", "four hex digits");
	assert_refused("\"\\", "does not end");
	assert_refused("\"abc", "does not end");
	assert_refused("'a'", "a value is expected");
}

static void text_that_is_not_utf_8_is_refused(void **state)
{
	(void)state;
	assert_refused("\"\xff\xfe\"", "UTF-8");
	assert_refused("\"\xc0\xaf\"", "UTF-8");
	assert_refused("\"\xed\xa0\xbd\xed\xb8\x80\"", "UTF-8"); /* CESU-8 */
	assert_refused("\"\xe2\x82\"", "UTF-8");
	assert_refused("{\"\xff\":1}", "UTF-8");
	assert_refused("\xef\xbb\xbf{}", "byte order mark");
	assert_refused("\xff", "a value is expected");
}

static void half_surrogate_pairs_are_refused(void **state)
{
	(void)state;
	assert_refused("\"\\ud800\"", "surrogate");
	assert_refused("\"\\udc00\"", "surrogate");
	assert_refused("\"\\ud83dx\"", "surrogate");
	assert_refused("\"\\ud83d\\n\"", "surrogate");
	assert_refused("\"\\ud83d\\ud83d\"", "surrogate");
}

static void broken_structure_is_refused_with_its_place(void **state)
{
	(void)state;
	assert_refused("", "the text ends");
	assert_refused("  ", "the text ends");
	assert_refused("{", "$: a name in quotes");
	assert_refused("{\"a\"", "$.a: a colon");
	assert_refused("{\"a\":", "$.a: the text ends");
	assert_refused("{\"a\":1", "a comma or }");
	assert_refused("{\"a\":1,}", "a name in quotes");
	assert_refused("[1,]", "$[1]: a value is expected");
	assert_refused("[1 2]", "$[0]: a comma or ]");
	assert_refused("[1}", "a comma or ]");
	assert_refused("{a:1}", "a name in quotes");
	assert_refused("[,1]", "a value is expected");
	assert_refused("tru", "a value is expected");
	assert_refused("True", "a value is expected");
	assert_refused("{\"devices\":[{},{},{},{\"model\":tru}]}", "$.devices[3].model: a value");
	assert_refused("/* x */ 1", "a value is expected");
}

static void limits_of_bytes_depth_and_count_hold(void **state)
{
	const struct json_limits tight = {.bytes = 20, .depth = 3, .values = 5};
	struct err e = ERR_CLEAR;
	struct json *root;

	(void)state;
	root = json_parse("[[[1]],2,3]", 11, &tight, &e);
	assert_null(root);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_non_null(strstr(e.text, "too many"));
	root = json_parse("[[[1]],2]", 9, &tight, &e);
	assert_non_null(root);
	json_free(root);
	root = json_parse("[[[[]]]]", 8, &tight, &e);
	assert_null(root);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_non_null(strstr(e.text, "$[0][0][0]: values are nested too deep"));
	root = json_parse("\"aaaaaaaaaaaaaaaaaaa\"", 21, &tight, &e);
	assert_null(root);
	assert_int_equal(e.code, ERR_LIMIT);
	root = json_parse("\"aaaaaaaaaaaaaaaaaa\"", 20, &tight, &e);
	assert_non_null(root);
	json_free(root);
}

static void a_hundred_thousand_brackets_are_too_deep_and_nothing_worse(void **state)
{
	enum { MANY = 100000 };
	char *text = malloc(MANY);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_non_null(text);
	memset(text, '[', MANY);
	assert_null(json_parse(text, MANY, &usual, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	free(text);
}

static void members_are_found_with_case_and_typed(void **state)
{
	struct err e = ERR_CLEAR;
	struct json *root =
	        parse("{\"Role\":\"x\",\"n\":7,\"f\":1.5,\"t\":true,\"z\":null,\"a\":[1,2]}", &e);
	int64_t n = 42;
	double d = 42;
	bool t = false;

	(void)state;
	assert_non_null(root);
	assert_null(json_get(root, "role"));
	assert_string_equal(json_as_string(json_get(root, "Role")), "x");
	assert_true(json_as_i64(json_get(root, "n"), &n));
	assert_int_equal(n, 7);
	assert_false(json_as_i64(json_get(root, "f"), &n));
	assert_false(json_as_i64(json_get(root, "Role"), &n));
	assert_false(json_as_i64(json_get(root, "gone"), &n));
	assert_int_equal(n, 7);
	assert_true(json_as_double(json_get(root, "f"), &d));
	assert_true(d == 1.5);
	assert_false(json_as_bool(json_get(root, "n"), &t));
	assert_true(json_as_bool(json_get(root, "t"), &t));
	assert_true(t);
	assert_null(json_as_string(json_get(root, "n")));
	assert_null(json_get(json_get(root, "a"), "x"));
	assert_null(json_get(NULL, "x"));
	assert_int_equal(json_count(root), 6);
	assert_int_equal(json_count(json_get(root, "a")), 2);
	assert_int_equal(json_count(json_get(root, "n")), 0);
	assert_string_equal(json_name(json_first(root)), "Role");
	assert_null(json_name(json_first(json_get(root, "a"))));
	assert_int_equal(json_type_of(json_get(root, "z")), JSON_NULL);
	json_free(root);
}

static void a_document_can_be_built_and_copied(void **state)
{
	struct json *root = json_new_object(), *list, *inner;
	struct buf b = BUF_INIT(1000);

	(void)state;
	assert_non_null(root);
	assert_true(json_add_string(root, "text", "a\"\\\n\x7f\xc3\xa9"));
	assert_true(json_add_i64(root, "n", -9007199254740992));
	assert_false(json_add_i64(root, "n2", 9007199254740993));
	assert_false(json_add_double(root, "d", 1e308 * 10));
	assert_false(json_add_string(root, "bad", "\xff"));
	list = json_add_array(root, "list");
	assert_non_null(list);
	assert_true(json_add_bool(list, NULL, false));
	assert_true(json_add_null(list, NULL));
	inner = json_add_object(list, NULL);
	assert_true(json_add_double(inner, "third", 1.0 / 3));
	assert_true(json_add_copy(list, NULL, json_get(root, "text")));
	assert_true(json_print(root, false, &b));
	assert_string_equal(buf_text(&b),
	        "{\"text\":\"a\\\"\\\\\\n\x7f\xc3\xa9\",\"n\":-9007199254740992,"
	        "\"list\":[false,null,{\"third\":0.3333333333333333},"
	        "\"a\\\"\\\\\\n\x7f\xc3\xa9\"]}");
	buf_reset(&b);
	assert_true(json_print(list, true, &b));
	assert_non_null(strstr(buf_text(&b), "[\n  false,\n  null,\n  {\n    \"third\": 0.3"));
	json_free(root);
	buf_free(&b);
}

static void printing_into_a_full_buffer_fails(void **state)
{
	struct err e = ERR_CLEAR;
	struct json *root = parse("[\"abcdefgh\"]", &e);
	struct buf b = BUF_INIT(5);

	(void)state;
	assert_false(json_print(root, false, &b));
	json_free(root);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(valid_documents_are_read_and_printed_again),
	        cmocka_unit_test(a_repeated_name_is_refused_also_when_written_differently),
	        cmocka_unit_test(anything_after_the_value_is_refused),
	        cmocka_unit_test(a_name_that_occurs_twice_is_found_among_however_many),
	        cmocka_unit_test(a_number_is_printed_in_the_shortest_form_that_reads_back),
	        cmocka_unit_test(numbers_that_json_does_not_know_are_refused),
	        cmocka_unit_test(numbers_that_a_double_does_not_hold_are_refused),
	        cmocka_unit_test(strings_with_nul_or_control_characters_are_refused),
	        cmocka_unit_test(text_that_is_not_utf_8_is_refused),
	        cmocka_unit_test(half_surrogate_pairs_are_refused),
	        cmocka_unit_test(broken_structure_is_refused_with_its_place),
	        cmocka_unit_test(limits_of_bytes_depth_and_count_hold),
	        cmocka_unit_test(a_hundred_thousand_brackets_are_too_deep_and_nothing_worse),
	        cmocka_unit_test(members_are_found_with_case_and_typed),
	        cmocka_unit_test(a_document_can_be_built_and_copied),
	        cmocka_unit_test(printing_into_a_full_buffer_fails),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

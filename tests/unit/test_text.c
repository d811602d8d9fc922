/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef char *form(struct arena *arena, const char *text, struct err *e);

static void assert_form(form *f, const char *text, const char *expected)
{
	struct arena *arena = arena_new(10000);
	struct err e = ERR_CLEAR;

	assert_non_null(arena);
	assert_string_equal(f(arena, text, &e), expected);
	arena_free(arena);
}

static void one_text_written_in_two_ways_becomes_one(void **state)
{
	(void)state;
	assert_form(text_nfkc, "e\xcc\x81", "\xc3\xa9");          /* e + combining acute */
	assert_form(text_nfkc, "\xef\xbc\xa1\xef\xbd\x82", "Ab"); /* full width */
	assert_form(text_nfkc, "\xef\xac\x81", "fi");             /* ligature */
	assert_form(text_nfkc, "\xe2\x91\xa0", "1");              /* circled one */
	assert_form(text_nfkc, "Pass word", "Pass word");         /* case stays */
	assert_form(text_nfkc, "\xe6\x89\x93\xe5\x8d\xb0", "\xe6\x89\x93\xe5\x8d\xb0");
	assert_form(text_nfkc, "", "");
}

static void folding_forgets_case_and_invisible_characters(void **state)
{
	(void)state;
	assert_form(text_fold, "EPSON SC-T3405", "epson sc-t3405");
	assert_form(text_fold, "STRASSE", "strasse");
	assert_form(text_fold,
	        "Stra\xc3\x9f"
	        "e",
	        "strasse");
	assert_form(text_fold, "\xc3\x84", "\xc3\xa4");
	assert_form(text_fold,
	        "so\xc2\xad"
	        "ft",
	        "soft"); /* soft hyphen */
	assert_form(text_fold,
	        "a\xe2\x80\x8b"
	        "b",
	        "ab"); /* zero-width space */
}

static void broken_utf_8_has_no_form(void **state)
{
	struct arena *arena = arena_new(10000);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_null(text_nfkc(arena, "\xff", &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_null(text_fold(arena, "a\xed\xa0\x80", &e));
	assert_int_equal(e.code, ERR_INVALID);
	arena_free(arena);
}

static void a_full_arena_is_an_error_of_memory(void **state)
{
	struct arena *arena = arena_new(8);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_null(text_nfkc(arena, "a text longer than the arena", &e));
	assert_int_equal(e.code, ERR_MEMORY);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(one_text_written_in_two_ways_becomes_one),
	        cmocka_unit_test(folding_forgets_case_and_invisible_characters),
	        cmocka_unit_test(broken_utf_8_has_no_form),
	        cmocka_unit_test(a_full_arena_is_an_error_of_memory),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

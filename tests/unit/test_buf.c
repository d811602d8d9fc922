/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_buffer_keeps_what_is_appended(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	buf_puts(&b, "one");
	buf_putc(&b, ' ');
	buf_printf(&b, "%d", 2);
	assert_string_equal(buf_text(&b), "one 2");
	assert_int_equal(b.len, 5);
	assert_false(b.failed);
	buf_free(&b);
}

static void a_full_buffer_fails_and_keeps_its_contents(void **state)
{
	struct buf b = BUF_INIT(4);

	(void)state;
	buf_puts(&b, "abcd");
	assert_false(b.failed);
	buf_putc(&b, 'e');
	assert_true(b.failed);
	assert_string_equal(buf_text(&b), "abcd");
	buf_reset(&b);
	buf_puts(&b, "x");
	assert_string_equal(buf_text(&b), "x");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_buffer_keeps_what_is_appended),
	        cmocka_unit_test(a_full_buffer_fails_and_keeps_its_contents),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_was_packed_unpacks_to_the_same(void **state)
{
	struct buf packed = BUF_INIT(1 << 20), plain = BUF_INIT(1 << 20);
	struct err e = ERR_CLEAR;
	char *text = malloc(200000);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < 200000; i++)
		text[i] = (char)(i * i >> 7);
	assert_true(gzip_pack(text, 200000, &packed, &e));
	assert_true(gzip_unpack(packed.data, packed.len, &plain, &e));
	assert_int_equal(plain.len, 200000);
	assert_memory_equal(plain.data, text, 200000);
	free(text);
	buf_free(&packed);
	buf_free(&plain);
}

static void a_bomb_stops_at_the_limit(void **state)
{
	struct buf packed = BUF_INIT(1 << 20), plain = BUF_INIT(100000);
	struct err e = ERR_CLEAR;
	char *zeros = calloc(1, 8 << 20);

	(void)state;
	assert_non_null(zeros);
	assert_true(gzip_pack(zeros, 8 << 20, &packed, &e));
	assert_true(packed.len < 20000);
	assert_false(gzip_unpack(packed.data, packed.len, &plain, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_true(plain.cap <= 100001);
	free(zeros);
	buf_free(&packed);
	buf_free(&plain);
}

static void what_is_cut_off_or_followed_by_more_is_refused(void **state)
{
	struct buf packed = BUF_INIT(1 << 20), plain = BUF_INIT(1 << 20);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(gzip_pack("hello", 5, &packed, &e));
	for (size_t len = 0; len < packed.len; len++) {
		buf_reset(&plain);
		assert_false(gzip_unpack(packed.data, len, &plain, &e));
		assert_int_equal(e.code, ERR_INVALID);
	}
	buf_putc(&packed, 'x');
	assert_false(gzip_unpack(packed.data, packed.len, &plain, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_false(gzip_unpack("{\"a\":1}", 7, &plain, &e));
	assert_int_equal(e.code, ERR_INVALID);
	buf_free(&packed);
	buf_free(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_packed_unpacks_to_the_same),
	        cmocka_unit_test(a_bomb_stops_at_the_limit),
	        cmocka_unit_test(what_is_cut_off_or_followed_by_more_is_refused),
	};

	return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}

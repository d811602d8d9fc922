/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/file.h"
#include "tests/helpers/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void a_file_is_written_replaced_and_read_whole(void **state)
{
	const struct test_folder *f = *state;
	struct buf b = BUF_INIT(100);
	struct err e = ERR_CLEAR;
	struct stat st;

	assert_true(file_write(f->file, "first, and longer", 17, 0600, &e));
	assert_true(file_write(f->file, "sec\0nd", 6, 0644, &e));
	assert_true(file_read(f->file, &b, &e));
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data, "sec\0nd", 6);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	buf_free(&b);
}

static void an_empty_file_can_be_written_and_read(void **state)
{
	const struct test_folder *f = *state;
	struct buf b = BUF_INIT(100);
	struct err e = ERR_CLEAR;

	assert_true(file_write(f->file, NULL, 0, 0600, &e));
	assert_true(file_read(f->file, &b, &e));
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void a_file_is_created_only_where_none_is(void **state)
{
	const struct test_folder *f = *state;
	struct buf b = BUF_INIT(100);
	struct err e = ERR_CLEAR;

	assert_true(file_create(f->file, "one", 3, 0600, &e));
	assert_false(file_create(f->file, "two", 3, 0600, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	assert_true(file_read_secret(f->file, &b, &e));
	assert_string_equal(buf_text(&b), "one");
	file_wipe(&b);
}

static void reading_refuses_what_is_missing_too_large_or_not_secret(void **state)
{
	const struct test_folder *f = *state;
	struct buf b = BUF_INIT(4);
	struct err e = ERR_CLEAR;

	assert_false(file_read(f->file, &b, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(file_write(f->file, "12345", 5, 0644, &e));
	assert_false(file_read(f->file, &b, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_false(file_read_secret(f->file, &b, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_false(file_read_secret(f->path, &b, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	buf_free(&b);
}

static void writing_where_no_folder_is_fails_and_leaves_nothing(void **state)
{
	struct err e = ERR_CLEAR;

	(void)state;
	assert_false(file_write("no-such-folder/a", "x", 1, 0600, &e));
	assert_int_equal(e.code, ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_file_is_written_replaced_and_read_whole,
	                test_folder_begin, test_folder_end),
	        cmocka_unit_test_setup_teardown(
	                an_empty_file_can_be_written_and_read, test_folder_begin, test_folder_end),
	        cmocka_unit_test_setup_teardown(
	                a_file_is_created_only_where_none_is, test_folder_begin, test_folder_end),
	        cmocka_unit_test_setup_teardown(
	                reading_refuses_what_is_missing_too_large_or_not_secret, test_folder_begin,
	                test_folder_end),
	        cmocka_unit_test(writing_where_no_folder_is_fails_and_leaves_nothing),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}

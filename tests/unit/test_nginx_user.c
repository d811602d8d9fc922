/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/nginx_user.h"
#include "tests/helpers/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static bool find(const char *text, long *uid, struct err *e)
{
	static const struct config_option options[] = {
	        {"ingest", "nginx_user", CONFIG_TEXT, .fallback = "www-data"}, {NULL}};
	const struct config_option *const tables[] = {options, NULL};
	char *folder = test_folder_new();
	struct config *config = NULL;
	char path[200];
	FILE *file;
	bool ok;

	(void)snprintf(path, sizeof path, "%s/test.conf", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_true(config_load(path, tables, &config, e));
	ok = nginx_user_find(config, "ingest", uid, e);
	config_free(config);
	test_folder_remove(folder);
	return ok;
}

static void a_user_is_found_by_name(void **state)
{
	struct err e = ERR_CLEAR;
	long uid = -1;

	(void)state;
	assert_true(find("[ingest]\nnginx_user = root\n", &uid, &e));
	assert_int_equal(uid, 0);
}

static void without_a_word_it_is_never_anybody(void **state)
{
	struct err e = ERR_CLEAR;
	long uid = -1;

	(void)state;
	assert_true(find("", &uid, &e));
	assert_true(uid > 0);
}

static void a_user_that_is_not_there_is_the_configurations_fault(void **state)
{
	struct err e = ERR_CLEAR;
	long uid = -1;

	(void)state;
	assert_false(find("[ingest]\nnginx_user = no-such-user\n", &uid, &e));
	assert_int_equal(e.code, ERR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_user_is_found_by_name),
	        cmocka_unit_test(without_a_word_it_is_never_anybody),
	        cmocka_unit_test(a_user_that_is_not_there_is_the_configurations_fault),
	};

	return cmocka_run_group_tests_name("nginx_user", tests, NULL, NULL);
}

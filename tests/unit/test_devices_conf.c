/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dc/devices_conf.h"
#include "tests/helpers/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena *arena;

static bool read_list(const char *text, struct device_list *list, struct err *e)
{
	*e = ERR_CLEAR;
	arena_reset(arena);
	return devices_conf_read("devices.conf", text, strlen(text), arena, list, e);
}

static void refused(const char *text, const char *where, const char *what)
{
	struct device_list list;
	struct err e;

	assert_false(read_list(text, &list, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	if (!strstr(e.text, where) || !strstr(e.text, what))
		fail_msg("\"%s\" does not say \"%s\" and \"%s\"", e.text, where, what);
}

static void a_device_needs_only_its_address(void **state)
{
	struct device_list list;
	struct err e;

	(void)state;
	assert_true(read_list("; fleet\n[plotter]\naddress = 192.0.2.17\n", &list, &e));
	assert_int_equal(list.count, 1);
	assert_string_equal(list.entries[0].id, "plotter");
	assert_string_equal(list.entries[0].address, "192.0.2.17");
	assert_string_equal(list.entries[0].community, "public");
	assert_int_equal(list.entries[0].port, 161);
	assert_int_equal(list.entries[0].version, 2);
	assert_null(list.entries[0].expect_serial);
	assert_null(list.entries[0].group);
}

static void every_key_is_read(void **state)
{
	struct device_list list;
	struct err e;

	(void)state;
	assert_true(read_list("[a]\naddress = printer.example\nport = 16100\nversion = 1\n"
	                      "community = secret\ncontext = Jetdirect\ntimeout = 500\n"
	                      "retries = 0\nexpect-serial = X5\ngroup = Second floor\n"
	                      "[b]\naddress = ::1\n",
	        &list, &e));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.entries[0].port, 16100);
	assert_int_equal(list.entries[0].version, 1);
	assert_string_equal(list.entries[0].community, "secret");
	assert_string_equal(list.entries[0].context, "Jetdirect");
	assert_int_equal(list.entries[0].timeout_ms, 500);
	assert_int_equal(list.entries[0].retries, 0);
	assert_string_equal(list.entries[0].expect_serial, "X5");
	assert_string_equal(list.entries[0].group, "Second floor");
	assert_string_equal(list.entries[1].address, "::1");
	assert_string_equal(list.entries[1].community, "public");
}

static void a_fault_names_file_and_line(void **state)
{
	(void)state;
	refused("[a]\naddress = x\nport = 0\n", "devices.conf:3", "port");
	refused("[a]\naddress = x\nversion = 3\n", "devices.conf:3", "version");
	refused("[a]\naddress = x\ncolour = red\n", "devices.conf:3", "unknown key \"colour\"");
	refused("[a]\naddress = x\n\n[a]\naddress = y\n", "devices.conf:4", "twice");
	refused("[a]\naddress = x\naddress = y\n", "devices.conf:3", "twice");
	refused("[a/b]\naddress = x\n", "devices.conf:1", "letters");
	refused("address = x\n", "devices.conf:1", "");
	refused("[a]\ncommunity = x\n[b]\naddress = y\n", "devices.conf:3", "[a] has no address");
	refused("[a]\n", "devices.conf", "[a] has no address");
	refused("[a]\naddress = x\ncommunity = a\ncommunity-file = /nowhere\n", "devices.conf:4",
	        "both");
	refused("[a]\naddress = x\ncommunity-file = /nowhere/at/all\n", "devices.conf:3",
	        "/nowhere/at/all");
}

static void a_community_may_stand_in_a_file_beside_the_list(void **state)
{
	char *folder = test_folder_new(), path[256], secret[256];
	struct device_list list;
	struct err e = ERR_CLEAR;
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/devices.conf", folder);
	snprintf(secret, sizeof secret, "%s/community", folder);
	f = fopen(secret, "w");
	assert_non_null(f);
	fputs("very secret\nsecond line\n", f);
	fclose(f);
	assert_int_equal(chmod(secret, 0644), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[a]\naddress = x\ncommunity-file = community\n", f);
	fclose(f);
	arena_reset(arena);
	/* a secret that everybody on the machine may read is none */
	assert_false(devices_conf_load(path, arena, &list, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "open to others"));
	assert_int_equal(chmod(secret, 0640), 0);
	if (!devices_conf_load(path, arena, &list, &e))
		fail_msg("%s", e.text);
	assert_string_equal(list.entries[0].community, "very secret");
	unlink(path);
	assert_false(devices_conf_load(path, arena, &list, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	test_folder_remove(folder);
}

static int make_arena(void **state)
{
	(void)state;
	arena = arena_new(DEVICES_CONF_ARENA);
	return arena ? 0 : -1;
}

static int drop_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_device_needs_only_its_address),
	        cmocka_unit_test(every_key_is_read),
	        cmocka_unit_test(a_fault_names_file_and_line),
	        cmocka_unit_test(a_community_may_stand_in_a_file_beside_the_list),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}

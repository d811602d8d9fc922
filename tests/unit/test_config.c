/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config.h"

#include "lib/buf.h"
#include "tests/helpers/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct config_option own[] = {
        {"user", "threads", CONFIG_INT, .fallback = "8", .min = 1, .max = 64},
        {"user", "verbose", CONFIG_FLAG, .fallback = "no"},
        {"user", "logo", CONFIG_PATH, .fallback = NULL},
        {"user", "greeting", CONFIG_TEXT, .fallback = NULL},
        {NULL},
};

static const struct config_option needy[] = {
        {"agent", "server", CONFIG_TEXT, .required = true},
        {NULL},
};

static const struct config_option *const tables[] = {config_shared, own, NULL};
static const struct config_option *const own_only[] = {own, NULL};
static const struct config_option *const needy_only[] = {needy, NULL};

static const char shared[] = "[fleetport]\nuser_url=https://u\nsupport_url=https://s\n"
                             "agents_url=https://a\nmqtt_host=a\n";

struct folder {
	char *path, file[256], more[256], part[512], part2[512];
};

static int make_folder(void **state)
{
	struct folder *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -1;
	f->path = test_folder_new();
	snprintf(f->file, sizeof f->file, "%s/fleetport.conf", f->path);
	snprintf(f->more, sizeof f->more, "%s/conf.d", f->path);
	snprintf(f->part, sizeof f->part, "%s/10-a.conf", f->more);
	snprintf(f->part2, sizeof f->part2, "%s/20-b.conf", f->more);
	*state = f;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *f = *state;

	test_folder_remove(f->path);
	free(f);
	return 0;
}

static void write_file(const char *path, const char *first, const char *second)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(first, file) >= 0);
	assert_true(fputs(second, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void values_come_from_file_folder_environment_in_this_order(void **state)
{
	const struct folder *f = *state;
	struct config *c = NULL;
	struct err e = ERR_CLEAR;
	char expected[128];

	write_file(f->file, shared,
	        "; a comment\n# another\n\n [user] ; here\r\n  threads = 4 ; four\nlogo=a;b.svg\n"
	        "verbose: yes\n[dispatch]\nconnect_to = 127.0.0.1:8443\n");
	assert_int_equal(mkdir(f->more, 0700), 0);
	write_file(f->part, "[user]\nthreads = 5\ngreeting = hello = there\n", "");
	write_file(f->part2, "[user]\nthreads = 6\n", "");
	if (!config_load(f->file, tables, &c, &e))
		fail_msg("%s", e.text);
	assert_int_equal(config_int(c, "user", "threads"), 6);
	assert_true(config_flag(c, "user", "verbose"));
	assert_string_equal(config_text(c, "user", "greeting"), "hello = there");
	snprintf(expected, sizeof expected, "%s/a;b.svg", f->path);
	assert_string_equal(config_text(c, "user", "logo"), expected);
	assert_int_equal(config_int(c, "fleetport", "mqtt_port"), 443);
	assert_string_equal(config_path(c, "run", "user.sock"), "/run/fleetport/user.sock");
	config_free(c);

	assert_int_equal(setenv("FLEETPORT_USER_THREADS", "7", 1), 0);
	assert_true(config_load(f->file, tables, &c, &e));
	assert_int_equal(config_int(c, "user", "threads"), 7);
	config_free(c);
	assert_int_equal(setenv("FLEETPORT_USER_THREADS", "many", 1), 0);
	assert_false(config_load(f->file, tables, &c, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "environment FLEETPORT_USER_THREADS"));
	assert_int_equal(unsetenv("FLEETPORT_USER_THREADS"), 0);
}

static void fallbacks_hold_without_a_file(void **state)
{
	struct config *c = NULL;
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(config_load(NULL, own_only, &c, &e));
	assert_int_equal(config_int(c, "user", "threads"), 8);
	assert_false(config_flag(c, "user", "verbose"));
	assert_null(config_text(c, "user", "logo"));
	config_free(c);
}

static void assert_fault(const struct folder *f, const char *lines, const char *where)
{
	struct config *c = NULL;
	struct err e = ERR_CLEAR;

	write_file(f->file, shared, lines);
	if (config_load(f->file, tables, &c, &e))
		fail_msg("accepted: %s", lines);
	assert_int_equal(e.code, ERR_CONFIG);
	if (strstr(e.text, where) == NULL)
		fail_msg("%s: said \"%s\", not \"%s\"", lines, e.text, where);
}

static void every_fault_is_named_with_file_and_line(void **state)
{
	const struct folder *f = *state;
	char line[400];

	assert_fault(f, "[user]\nthread = 4\n", "fleetport.conf:7: [user] has no key thread");
	assert_fault(f, "[usr]\n", "fleetport.conf:6: there is no section [usr]");
	assert_fault(f, "[user]\nthreads = 0\n", ":7: threads must be an integer from 1 to 64");
	assert_fault(f, "[user]\nthreads = 65\n", ":7: threads must");
	assert_fault(f, "[user]\nthreads = 4x\n", ":7: threads must");
	assert_fault(f, "[user]\nthreads =\n", ":7: threads must");
	assert_fault(f, "[user]\nverbose = perhaps\n", ":7: verbose must be yes or no");
	assert_fault(f, "[user]\nthreads = 4\nthreads = 5\n", ":8: [user] threads is said twice");
	assert_fault(f, "[user]\njust words\n", ":7: neither [section]");
	assert_fault(f, "[user\n", ":6: the section lacks its ]");
	assert_fault(f, "[user] x\n", ":6: something follows");
	assert_fault(f, "[]\n", ":6: the name of a section");
	assert_fault(f, "[user]\n= 4\n", ":7: a name is missing");
	assert_fault(f, "[user]\ngreeting = a\x01\n", ":7: the line contains a control");
	assert_fault(f, "[user]\ngreeting = \xff\n", ":7: the line is not valid UTF-8");
	/* no continued lines: this is a line of its own */
	assert_fault(f, "[user]\ngreeting = a\n  b\n", ":8: neither [section]");
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	memcpy(line, "[user]\ngreeting = ", 18);
	assert_fault(f, line, ":7: the line is longer");
	memset(line, 'x', sizeof line - 1);
	memcpy(line, "[", 1);
	memcpy(line + 60, "]\n", 3);
	assert_fault(f, line, ":6: the name of a section");
}

static void a_required_value_must_be_said(void **state)
{
	const struct folder *f = *state;
	struct config *c = NULL;
	struct err e = ERR_CLEAR;

	write_file(f->file, "[agent]\n", "server =\n");
	assert_false(config_load(f->file, needy_only, &c, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "[agent] server must be set"));
	/* an agent's file has no sections of the server's programs */
	write_file(f->file, "[agent]\nserver = x\n", "[user]\nthreads = 1\n");
	assert_false(config_load(f->file, needy_only, &c, &e));
	assert_non_null(strstr(e.text, "there is no section [user]"));
}

static void a_missing_file_is_said_to_be_missing(void **state)
{
	const struct folder *f = *state;
	struct config *c = NULL;
	struct err e = ERR_CLEAR;

	assert_false(config_load(f->file, tables, &c, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
}

static bool collect(
        void *context, const char *section, const char *name, const char *value, struct err *e)
{
	struct buf *b = context;

	if (name != NULL && strcmp(name, "bad") == 0)
		return err_set(e, ERR_INVALID, "no %s here", name);
	buf_printf(b, "%s.%s=%s|", section, name == NULL ? "" : name, value == NULL ? "" : value);
	return true;
}

static void a_device_list_is_walked_in_order(void **state)
{
	static const char text[] = "[hall]\naddress = 10.0.0.7\n\n[empty]\n[attic]\nport=161";
	struct buf b = BUF_INIT(1000);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(config_walk_text("list", text, sizeof text - 1, collect, &b, &e));
	assert_string_equal(
	        buf_text(&b), "hall.=|hall.address=10.0.0.7|empty.=|attic.=|attic.port=161|");
	assert_false(config_walk_text("list", "[a]\n\nbad=1\n", 11, collect, &b, &e));
	assert_string_equal(e.text, "list:3: no bad here");
	assert_false(config_walk_text("list", "a=1\n", 4, collect, &b, &e));
	assert_non_null(strstr(e.text, "list:1: there is no [section]"));
	assert_false(config_walk_text("list", "[a]\nb\0=1\n", 9, collect, &b, &e));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                values_come_from_file_folder_environment_in_this_order, make_folder,
	                remove_folder),
	        cmocka_unit_test(fallbacks_hold_without_a_file),
	        cmocka_unit_test_setup_teardown(
	                every_fault_is_named_with_file_and_line, make_folder, remove_folder),
	        cmocka_unit_test_setup_teardown(
	                a_required_value_must_be_said, make_folder, remove_folder),
	        cmocka_unit_test_setup_teardown(
	                a_missing_file_is_said_to_be_missing, make_folder, remove_folder),
	        cmocka_unit_test(a_device_list_is_walked_in_order),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

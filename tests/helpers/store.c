/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

static void now_ms(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	(void)values;
	sqlite3_result_int64(context, clock_wall_ms(clock_real()));
}

static sqlite3 *open_store(const char *folder, enum sql_store store)
{
	char path[512];
	sqlite3 *handle = NULL;
	snprintf(path, sizeof path, "%s/%s.db", folder, sql_store_name(store));
	assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(handle, 5000);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	int persist = 1;
	sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
	assert_int_equal(sqlite3_create_function_v2(handle, "now_ms", 0,
	                         SQLITE_UTF8 | SQLITE_INNOCUOUS, NULL, now_ms, NULL, NULL, NULL),
	        SQLITE_OK);
	return handle;
}

static void check_rc(sqlite3 *handle, int rc, int expected, const char *text)
{
	if (rc != expected)
		fail_msg("%s: %s", text, sqlite3_errmsg(handle));
}

void test_store_exec(const char *folder, enum sql_store store, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s.db.lock", folder, sql_store_name(store));
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	sqlite3 *handle = open_store(folder, store);
	check_rc(handle, sqlite3_exec(handle, text, NULL, NULL, NULL), SQLITE_OK, text);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
	close(lock);
}

int64_t test_store_number(const char *folder, enum sql_store store, const char *text)
{
	sqlite3 *handle = open_store(folder, store);
	sqlite3_stmt *stmt = NULL;
	check_rc(handle, sqlite3_prepare_v2(handle, text, -1, &stmt, NULL), SQLITE_OK, text);
	check_rc(handle, sqlite3_step(stmt), SQLITE_ROW, text);
	int64_t number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
	return number;
}

void test_store_intact(const char *folder, enum sql_store store)
{
	sqlite3 *handle = open_store(folder, store);
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(
	        sqlite3_prepare_v2(handle, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void attach_others(sqlite3 *handle, const char *folder, enum sql_store except)
{
	for (unsigned i = 0; i < SQL_STORES; i++) {
		char text[640];
		snprintf(text, sizeof text, "%s/%s.db", folder, sql_store_name((enum sql_store)i));
		if (i == except || access(text, R_OK) != 0)
			continue;
		snprintf(text, sizeof text, "ATTACH '%s/%s.db' AS %s", folder,
		        sql_store_name((enum sql_store)i), sql_store_name((enum sql_store)i));
		check_rc(handle, sqlite3_exec(handle, text, NULL, NULL, NULL), SQLITE_OK, text);
	}
}

void test_store_plan(const char *folder, const struct sql_statement *st, struct buf *out)
{
	sqlite3 *handle = open_store(folder, st->store);
	attach_others(handle, folder, st->store);
	char *text = NULL;
	sqlite3_stmt *stmt = NULL;
	assert_true(asprintf(&text, "EXPLAIN QUERY PLAN %s", st->text) > 0);
	check_rc(handle, sqlite3_prepare_v2(handle, text, -1, &stmt, NULL), SQLITE_OK, st->text);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		buf_printf(out, "%s\n", (const char *)sqlite3_column_text(stmt, 3));
	sqlite3_finalize(stmt);
	free(text);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

void test_store_plan_is_fast(const char *folder, const struct sql_statement *st)
{
	struct buf plan = BUF_INIT(1 << 16);
	test_store_plan(folder, st, &plan);
	for (const char *line = buf_text(&plan); *line; line = strchr(line, '\n') + 1) {
		size_t len = strcspn(line, "\n");
		/* Subqueries are scanned once they are computed; "s" is the view scope of a viewer. */
		bool scan = strncmp(line, "SCAN ", 5) == 0 &&
		            strncmp(line, "SCAN CONSTANT", 13) != 0 &&
		            strncmp(line, "SCAN (", 6) != 0 && strncmp(line, "SCAN s\n", 7) != 0;
		if (scan || memmem(line, len, "USE TEMP B-TREE FOR ORDER BY", 28))
			fail_msg("slow: %.*s\nin: %s\nplan:\n%s", (int)len, line, st->text,
			        buf_text(&plan));
	}
	buf_free(&plan);
}

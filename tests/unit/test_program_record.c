/* SPDX-License-Identifier: Apache-2.0 */
#include "core/program_record.h"

#include "core/audit_log.h"
#include "tests/helpers/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

static const struct program program = {.name = "fleetport-dispatch"};

/* A program about to start, and what its preparation does. */
struct start {
	struct world *w;
	struct program_run run;
	struct audit_client *audit;
	pid_t audit_process;
	unsigned prepared;
	unsigned stop_at;    /* at this call somebody asks for the end; 0: never */
	unsigned audit_at;   /* at this call the audit process comes up; 0: never */
	enum err_code fails; /* the first call fails with it */
};

static bool prepare(void *arg, struct err *e)
{
	struct start *s = arg;

	s->prepared++;
	if (s->prepared == s->stop_at)
		assert_int_equal(eventfd_write(s->run.stop_fd, 1), 0);
	if (s->prepared == s->audit_at)
		s->audit_process = test_audit_start(s->w);
	if (s->prepared == 1 && s->fails != ERR_NONE)
		return err_set(e, s->fails, "not yet");
	return true;
}

static void set_up(struct start *s)
{
	struct err e = ERR_CLEAR;
	char path[200];

	s->w = world_new(NULL);
	s->run = (struct program_run){
	        .program = &program, .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	assert_true(s->run.stop_fd >= 0);
	(void)snprintf(path, sizeof path, "%s/audit-dispatch.sock", s->w->folder);
	s->audit = audit_client_new(path, &e);
	assert_non_null(s->audit);
}

static void tear_down(struct start *s)
{
	audit_client_free(s->audit);
	if (s->audit_process > 0)
		test_audit_kill(s->audit_process);
	(void)close(s->run.stop_fd);
	world_free(s->w);
}

/* How many such entries of dispatch are in the audit log. */
static size_t find(struct start *s, const char *action)
{
	static const struct sql_table *const tables[] = {&audit_log_sql, NULL};
	const struct sql_options options = {.directory = s->w->folder,
	        .read = 1u << SQL_AUDIT | 1u << SQL_CORE,
	        .readers = 1,
	        .tables = tables};
	const struct audit_filter filter = {.action = action};
	struct audit_log_entry *entries;
	char next[AUDIT_LOG_CURSOR];
	struct err e = ERR_CLEAR;
	struct sql_conn *conn;
	struct sql_db *db;
	size_t count;

	assert_true(sql_open(&options, &db, &e));
	conn = sql_borrow(db, 10000, &e);
	assert_non_null(conn);
	assert_true(audit_log_search_all(
	        conn, s->w->arena, &filter, NULL, 10, &entries, &count, next, &e));
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(entries[i].record.head.source, "dispatch");
		assert_string_equal(entries[i].record.entry.actor_id, program.name);
	}
	sql_return(conn);
	sql_close(db);
	return count;
}

/* The same once they are `wanted`, or after ten seconds: the index follows the log. */
static size_t recorded(struct start *s, const char *action, size_t wanted)
{
	size_t count = find(s, action);

	for (int i = 0; count != wanted && i < 200; i++) {
		(void)program_pause(&s->run, 50);
		count = find(s, action);
	}
	return count;
}

static void a_start_waits_for_the_audit_process_and_is_recorded_once(void **state)
{
	struct start s = {.audit_at = 3, .fails = ERR_UNAVAILABLE};
	struct err e = ERR_CLEAR;
	bool stopped = true;

	(void)state;
	set_up(&s);
	assert_true(program_record_start(&s.run, s.audit, prepare, &s, &stopped, &e));
	assert_false(stopped);
	assert_int_equal(e.code, ERR_NONE);
	assert_in_range(s.prepared, 3, 4);
	assert_int_equal(recorded(&s, "program.start", 1), 1);
	assert_int_equal(recorded(&s, "program.stop", 0), 0);
	program_record_stop(&s.run, s.audit);
	assert_int_equal(recorded(&s, "program.stop", 1), 1);
	program_record_start_within(&s.run, s.audit, 0);
	assert_int_equal(recorded(&s, "program.start", 2), 2);
	tear_down(&s);
}

static void whoever_waits_ends_at_once_when_asked_and_not_as_a_failure(void **state)
{
	struct start s = {.stop_at = 2};
	struct err e = ERR_CLEAR;
	bool stopped = false;

	(void)state;
	set_up(&s);
	assert_true(program_record_start(&s.run, s.audit, prepare, &s, &stopped, &e));
	assert_true(stopped);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(s.prepared, 2);
	tear_down(&s);
}

static void what_does_not_pass_is_not_tried_again(void **state)
{
	struct start s = {.fails = ERR_CORRUPT};
	struct err e = ERR_CLEAR;
	bool stopped = true;

	(void)state;
	set_up(&s);
	assert_false(program_record_start(&s.run, s.audit, prepare, &s, &stopped, &e));
	assert_false(stopped);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_int_equal(s.prepared, 1);
	tear_down(&s);
}

static void a_stop_does_not_stay_for_an_audit_process_that_is_away(void **state)
{
	const struct clock *clock = clock_real();
	int64_t began;
	struct start s = {.prepared = 0};

	(void)state;
	set_up(&s);
	began = clock_monotonic_ms(clock);
	program_record_stop(&s.run, s.audit);
	program_record_start_within(&s.run, s.audit, 0);
	assert_true(clock_monotonic_ms(clock) - began < 2000);
	began = clock_monotonic_ms(clock);
	program_record_start_within(&s.run, s.audit, 600);
	assert_in_range(clock_monotonic_ms(clock) - began, 600, 5000);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_start_waits_for_the_audit_process_and_is_recorded_once),
	        cmocka_unit_test(whoever_waits_ends_at_once_when_asked_and_not_as_a_failure),
	        cmocka_unit_test(what_does_not_pass_is_not_tried_again),
	        cmocka_unit_test(a_stop_does_not_stay_for_an_audit_process_that_is_away),
	};

	return cmocka_run_group_tests_name("program_record", tests, NULL, NULL);
}

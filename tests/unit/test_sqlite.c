/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sql.h"
#include "tests/helpers/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CORE      (1u << SQL_CORE)
#define TELEMETRY (1u << SQL_TELEMETRY)

enum { PUT, GET, ALL, COUNT, SEEN_PUT, SEEN_BOTH, NOW, STATEMENTS };

static const struct sql_statement list[STATEMENTS] = {
        [PUT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tt",
                .out = "",
                .text = "INSERT INTO setting (name, value) VALUES ($1, $2)"},
        /* $2 stands before $1: SQLite numbers by first appearance, the driver by name */
        [GET] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "tT",
                .out = "t",
                .text = "SELECT value FROM setting WHERE ($2 IS NULL OR value = $2) AND name = $1"},
        [ALL] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "",
                .out = "tt",
                .text = "SELECT name, value FROM setting ORDER BY name"},
        [COUNT] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "",
                .out = "i",
                .text = "SELECT count(*) FROM setting"},
        [SEEN_PUT] = {.role = SQL_WRITE,
                .store = SQL_TELEMETRY,
                .in = "ii",
                .out = "i",
                .text = "INSERT INTO device_seen (device, seen_at) VALUES ($1, $2) RETURNING "
                        "seen_at"},
        [SEEN_BOTH] = {.role = SQL_READ,
                .store = SQL_TELEMETRY,
                .stores = CORE,
                .in = "i",
                .out = "iT",
                .text = "SELECT s.seen_at, (SELECT value FROM setting LIMIT 1) FROM device_seen s"
                        " WHERE s.device = $1"},
        [NOW] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "",
                .out = "i",
                .text = "SELECT now_ms()"},
};
static const struct sql_table table = {"test", list, STATEMENTS};
static const struct sql_table *const tables[] = {&table, NULL};

struct world {
	char *folder;
	struct sql_db *db;
	struct arena *arena;
};

static struct sql_options options(const char *folder)
{
	return (struct sql_options){.directory = folder,
	        .read = CORE | TELEMETRY,
	        .write = CORE | TELEMETRY,
	        .own = CORE | TELEMETRY,
	        .migrate = CORE | TELEMETRY,
	        .readers = 2,
	        .tables = tables};
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err e;
	w->folder = test_folder_new();
	w->arena = arena_new(1 << 20);
	struct sql_options o = options(w->folder);
	if (!sql_open(&o, &w->db, &e))
		fail_msg("%s", e.text);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	sql_close(w->db);
	test_folder_remove(w->folder);
	arena_free(w->arena);
	free(w);
	return 0;
}

static int64_t now(void)
{
	return clock_monotonic_ms(clock_real());
}

/* ---- jobs */

struct put {
	const char *name, *value;
	bool fail_after;
};

static bool put_work(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct put *p = arg;
	if (!sql_do(conn, &list[PUT], SQL_ARGS(SQL_T(p->name), SQL_T(p->value)), NULL, e))
		return false;
	return !p->fail_after || err_set(e, ERR_DENIED, "as told");
}

static bool put(struct sql_db *db, const char *name, const char *value, struct err *e)
{
	struct put p = {name, value, false};
	return sql_write(db, SQL_CORE, put_work, &p, 5000, e);
}

static int64_t count(struct sql_db *db)
{
	struct err e;
	int64_t n = -1;
	struct sql_conn *conn = sql_borrow(db, 1000, &e);
	assert_non_null(conn);
	assert_true(sql_one(conn, &list[COUNT], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(&n)), NULL, &e));
	sql_return(conn);
	return n;
}

/* ---- tests */

static void what_was_written_can_be_read(void **state)
{
	struct world *w = *state;
	struct err e;
	const char *value = NULL;
	bool found = false;
	assert_true(put(w->db, "a", "one", &e));
	struct sql_conn *conn = sql_borrow(w->db, 1000, &e);
	assert_non_null(conn);
	assert_true(sql_one(conn, &list[GET], SQL_ARGS(SQL_T("a"), SQL_T("one")),
	        SQL_INTO(SQL_INTO_T(w->arena, &value)), &found, &e));
	assert_true(found);
	assert_string_equal(value, "one");
	assert_true(sql_one(conn, &list[GET], SQL_ARGS(SQL_T("b"), SQL_NULL),
	        SQL_INTO(SQL_INTO_T(w->arena, &value)), &found, &e));
	assert_false(found);
	sql_return(conn);
}

static void rows_come_in_order_and_a_cursor_ends(void **state)
{
	struct world *w = *state;
	struct err e;
	const char *name, *value;
	assert_true(
	        put(w->db, "a", "1", &e) && put(w->db, "c", "3", &e) && put(w->db, "b", "2", &e));
	struct sql_conn *conn = sql_borrow(w->db, 1000, &e);
	assert_non_null(conn);
	struct sql_cursor *cursor = sql_query(conn, &list[ALL], SQL_NO_ARGS, &e);
	assert_non_null(cursor);
	for (const char *expected = "abc"; *expected; expected++) {
		assert_int_equal(
		        sql_next(cursor,
		                SQL_INTO(SQL_INTO_T(w->arena, &name), SQL_INTO_T(w->arena, &value)),
		                &e),
		        1);
		assert_int_equal(name[0], *expected);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		        sql_next(cursor,
		                SQL_INTO(SQL_INTO_T(w->arena, &name), SQL_INTO_T(w->arena, &value)),
		                &e),
		        0);
	assert_null(sql_query(conn, &list[ALL], SQL_NO_ARGS, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	sql_end(cursor);
	assert_non_null(sql_query(conn, &list[ALL], SQL_NO_ARGS, &e));
	sql_return(conn); /* ends the cursor that was left open */
}

static void wrong_types_and_counts_are_refused_at_run_time(void **state)
{
	struct world *w = *state;
	struct err e;
	int64_t number;
	struct sql_conn *conn = sql_borrow(w->db, 1000, &e);
	assert_non_null(conn);
	assert_false(
	        sql_one(conn, &list[GET], SQL_ARGS(SQL_I(1), SQL_NULL), SQL_NO_INTO, NULL, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_false(
	        sql_one(conn, &list[GET], SQL_ARGS(SQL_NULL, SQL_NULL), SQL_NO_INTO, NULL, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_false(sql_one(conn, &list[GET], SQL_ARGS(SQL_T("a")), SQL_NO_INTO, NULL, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_false(sql_one(conn, &list[COUNT], SQL_NO_ARGS, SQL_NO_INTO, NULL, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	double real;
	assert_false(
	        sql_one(conn, &list[COUNT], SQL_NO_ARGS, SQL_INTO(SQL_INTO_R(&real)), NULL, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_false(sql_do(conn, &list[PUT], SQL_ARGS(SQL_T("a"), SQL_T("b")), NULL, &e));
	assert_int_equal(e.code, ERR_INTERNAL); /* a reader runs no write */
	assert_true(
	        sql_one(conn, &list[COUNT], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(&number)), NULL, &e));
	assert_int_equal(number, 0);
	sql_return(conn);
}

static void a_constraint_that_fails_is_a_conflict_and_undoes_only_its_job(void **state)
{
	struct world *w = *state;
	struct err e;
	assert_true(put(w->db, "a", "1", &e));
	assert_false(put(w->db, "a", "2", &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	struct put p = {"b", "1", true};
	assert_false(sql_write(w->db, SQL_CORE, put_work, &p, 5000, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.text, "as told");
	assert_int_equal(count(w->db), 1);
}

/* ---- many jobs in one group */

struct tally {
	atomic_int done, ok;
};

static void tally_done(void *arg, bool ok, const struct err *error)
{
	struct tally *t = arg;
	assert_true(ok == (error->code == ERR_NONE));
	atomic_fetch_add(&t->ok, ok);
	atomic_fetch_add(&t->done, 1);
}

static int lock_store(const char *folder, const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s.db.lock", folder, name);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static void wait_until(atomic_int *value, int expected)
{
	for (int64_t end = now() + 20000; atomic_load(value) != expected;) {
		assert_true(now() < end);
		struct timespec t = {.tv_nsec = 1000000};
		nanosleep(&t, NULL);
	}
}

static void a_group_commits_together_and_a_failing_job_in_it_spoils_nobody(void **state)
{
	struct world *w = *state;
	struct err e;
	struct tally t = {0};
	struct put jobs[40];
	char names[40][8];
	int lock = lock_store(w->folder, "core"); /* so that all of them wait together */
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof names[i], "k%02d",
		        i % 39); /* the last repeats the first */
		jobs[i] = (struct put){names[i], "v", i % 10 == 5};
		assert_true(
		        sql_write_async(w->db, SQL_CORE, put_work, &jobs[i], tally_done, &t, &e));
	}
	close(lock);
	wait_until(&t.done, 40);
	assert_int_equal(atomic_load(&t.ok), 35);
	assert_int_equal(count(w->db), 35);
}

static void a_write_that_is_not_begun_in_time_is_withdrawn_and_did_nothing(void **state)
{
	struct world *w = *state;
	struct err e;
	struct put p = {"late", "v", false};
	int lock = lock_store(w->folder, "core");
	int64_t before = now();
	assert_false(sql_write(w->db, SQL_CORE, put_work, &p, 100, &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_in_range(now() - before, 95, 5000);
	close(lock);
	assert_true(put(w->db, "next", "v", &e));
	assert_int_equal(count(w->db), 1);
}

static void a_full_queue_is_busy_at_once(void **state)
{
	struct world *w = *state;
	struct err e;
	struct tally t = {0};
	struct put p = {"a", "v", true};
	sql_close(w->db);
	struct sql_options o = options(w->folder);
	o.queue = 3;
	assert_true(sql_open(&o, &w->db, &e));
	int lock = lock_store(w->folder, "core");
	for (int i = 0; i < 3; i++)
		assert_true(sql_write_async(w->db, SQL_CORE, put_work, &p, tally_done, &t, &e));
	assert_false(sql_write_async(w->db, SQL_CORE, put_work, &p, tally_done, &t, &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_false(sql_write(w->db, SQL_CORE, put_work, &p, 5000, &e));
	assert_int_equal(e.code, ERR_BUSY);
	close(lock);
	wait_until(&t.done, 3);
}

static void closing_finishes_the_writes_that_wait(void **state)
{
	struct world *w = *state;
	struct err e;
	struct tally t = {0};
	struct put jobs[20];
	char names[20][8];
	for (int i = 0; i < 20; i++) {
		snprintf(names[i], sizeof names[i], "k%d", i);
		jobs[i] = (struct put){names[i], "v", false};
		assert_true(
		        sql_write_async(w->db, SQL_CORE, put_work, &jobs[i], tally_done, &t, &e));
	}
	sql_close(w->db);
	w->db = NULL;
	assert_int_equal(atomic_load(&t.ok), 20);
	assert_int_equal(
	        test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM setting"), 20);
}

/* ---- several stores */

static bool seen_work(struct sql_conn *conn, void *arg, struct err *e)
{
	int64_t *both = arg;
	int64_t seen;
	bool null, found;
	if (!sql_one(conn, &list[SEEN_PUT], SQL_ARGS(SQL_I(7), SQL_I(70)),
	            SQL_INTO(SQL_INTO_I(&seen)), &found, e))
		return false;
	struct arena *arena = arena_new(4096);
	const char *value = NULL;
	struct sql_into into[] = {SQL_INTO_I(both), SQL_INTO_T(arena, &value)};
	into[1].null = &null;
	bool ok = sql_one(conn, &list[SEEN_BOTH], SQL_ARGS(SQL_I(7)), into, 2, &found, e);
	ok = ok && found && seen == 70 && !null && strcmp(value, "one") == 0;
	arena_free(arena);
	return ok;
}

static void a_write_reads_the_other_stores_and_changes_only_its_own(void **state)
{
	struct world *w = *state;
	struct err e = ERR_CLEAR;
	int64_t both = 0;
	assert_true(put(w->db, "a", "one", &e));
	assert_true(sql_write(w->db, SQL_TELEMETRY, seen_work, &both, 5000, &e));
	assert_int_equal(both, 70);
	struct put p = {"x", "y", false};
	assert_false(sql_write(w->db, SQL_TELEMETRY, put_work, &p, 5000, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_false(sql_write(w->db, SQL_OPERATIONS, put_work, &p, 5000, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_int_equal(count(w->db), 1);
}

static void all_that_is_borrowed_is_busy_after_the_deadline(void **state)
{
	struct world *w = *state;
	struct err e;
	struct sql_conn *a = sql_borrow(w->db, 1000, &e), *b = sql_borrow(w->db, 1000, &e);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(sql_borrow(w->db, 20, &e));
	assert_int_equal(e.code, ERR_BUSY);
	sql_return(a);
	a = sql_borrow(w->db, 20, &e);
	assert_non_null(a);
	sql_return(a);
	sql_return(b);
}

static void a_borrowed_connection_sees_one_moment(void **state)
{
	struct world *w = *state;
	struct err e;
	int64_t n;
	assert_true(put(w->db, "a", "1", &e));
	struct sql_conn *conn = sql_borrow(w->db, 1000, &e);
	assert_non_null(conn);
	assert_true(sql_one(conn, &list[COUNT], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(&n)), NULL, &e));
	assert_true(put(w->db, "b", "2", &e));
	assert_true(sql_one(conn, &list[COUNT], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(&n)), NULL, &e));
	assert_int_equal(n, 1);
	sql_return(conn);
	assert_int_equal(count(w->db), 2);
}

static void now_ms_comes_from_the_clock_that_was_handed_over(void **state)
{
	struct world *w = *state;
	struct err e;
	struct clock_fake clock;
	int64_t n;
	clock_fake_init(&clock, 1234567890123);
	sql_close(w->db);
	struct sql_options o = options(w->folder);
	o.clock = &clock.base;
	assert_true(sql_open(&o, &w->db, &e));
	struct sql_conn *conn = sql_borrow(w->db, 1000, &e);
	assert_non_null(conn);
	assert_true(sql_one(conn, &list[NOW], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(&n)), NULL, &e));
	assert_int_equal(n, 1234567890123);
	sql_return(conn);
}

/* ---- opening */

static int read_as_nobody(const char *folder)
{
	enum { NOBODY = 65534 };
	struct sql_db *db = NULL;
	struct err e;
	int64_t n = 0;
	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 2;
	struct sql_options o = options(folder);
	o.write = o.own = o.migrate = 0;
	if (!sql_open(&o, &db, &e))
		return 3;
	struct sql_conn *conn = sql_borrow(db, 1000, &e);
	if (!conn) {
		fprintf(stderr, "%s\n", e.text);
		return 4;
	}
	if (!sql_one(conn, &list[COUNT], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(&n)), NULL, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 5;
	}
	sql_return(conn);
	sql_close(db);
	o.write = CORE;
	if (sql_open(&o, &db, &e)) /* the lock file is not this user's */
		return 6;
	return n == 2 ? 0 : 7;
}

/* Runs the reader as another user in a process of its own. */
static void expect_reader(const char *folder)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(read_as_nobody(folder));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void another_user_can_read_but_not_write_with_the_writer_there_or_gone(void **state)
{
	struct world *w = *state;
	static const char *const names[] = {"core", "telemetry"};
	static const char *const suffixes[] = {".db", ".db-wal", ".db-shm"};
	struct err e;
	if (geteuid() != 0)
		skip(); /* only root can become another user */
	assert_true(put(w->db, "a", "1", &e) && put(w->db, "b", "2", &e));
	assert_int_equal(chmod(w->folder, 0755), 0);
	for (size_t i = 0; i < 6; i++) {
		char path[512];
		snprintf(path, sizeof path, "%s/%s%s", w->folder, names[i / 3], suffixes[i % 3]);
		assert_int_equal(chmod(path, 0644), 0);
	}
	expect_reader(w->folder);
	sql_close(w->db);
	w->db = NULL;
	expect_reader(w->folder);
}

static void a_reader_may_come_before_the_owner(void **state)
{
	struct world *w = *state;
	struct err e;
	char *folder = test_folder_new();
	struct sql_db *reader = NULL, *owner = NULL;
	struct sql_options o = options(folder);
	o.write = o.own = o.migrate = 0;
	assert_true(sql_open(&o, &reader, &e));
	assert_null(sql_borrow(reader, 100, &e));
	assert_int_equal(e.code, ERR_UNAVAILABLE);
	struct sql_options full = options(folder);
	assert_true(sql_open(&full, &owner, &e));
	assert_true(put(owner, "a", "1", &e));
	assert_int_equal(count(reader), 1);
	sql_close(owner);
	assert_int_equal(count(reader), 1); /* and it goes on when the owner has left */
	sql_close(reader);
	test_folder_remove(folder);
	(void)w;
}

static void a_writer_that_is_not_the_owner_waits_for_it_too(void **state)
{
	(void)state;
	struct err e;
	char *folder = test_folder_new();
	struct sql_db *guest = NULL, *owner = NULL;
	struct sql_options o = options(folder);
	o.own = o.migrate = 0;
	assert_true(sql_open(&o, &guest, &e));
	assert_false(put(guest, "a", "1", &e));
	assert_int_equal(e.code, ERR_UNAVAILABLE);
	struct sql_options full = options(folder);
	assert_true(sql_open(&full, &owner, &e));
	assert_true(put(guest, "a", "1", &e));
	assert_true(put(owner, "b", "1", &e));
	assert_int_equal(count(guest), 2);
	sql_close(owner);
	sql_close(guest);
	test_folder_remove(folder);
}

static void a_schema_newer_than_the_program_stops_it(void **state)
{
	struct world *w = *state;
	struct err e;
	int64_t version;
	assert_true(sql_schema_version(w->folder, SQL_CORE, &version, &e));
	assert_true(version >= 1);
	sql_close(w->db);
	w->db = NULL;
	test_store_exec(w->folder, SQL_CORE, "PRAGMA user_version = 99");
	struct sql_options o = options(w->folder);
	assert_false(sql_open(&o, &w->db, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "newer"));
	o.migrate = 0;
	assert_false(sql_open(&o, &w->db, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	o.write = o.own = 0;
	assert_false(sql_open(&o, &w->db, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_true(sql_schema_version(w->folder, SQL_AUDIT, &version, &e));
	assert_int_equal(version, -1);
}

static void a_statement_that_does_not_fit_stops_the_program_at_start(void **state)
{
	struct world *w = *state;
	static const struct sql_statement wrong[] = {
	        {.role = SQL_READ, .in = "", .out = "t", .text = "SELECT nothing FROM setting"},
	        {.role = SQL_READ, .in = "", .out = "tt", .text = "SELECT name FROM setting"},
	        {.role = SQL_READ, .in = "", .out = "i", .text = "SELECT name FROM setting"},
	        {.role = SQL_READ,
	                .in = "",
	                .out = "t",
	                .text = "SELECT name FROM setting WHERE value = $1"},
	        {.role = SQL_READ, .in = "t", .out = "t", .text = "SELECT name FROM setting"},
	        {.role = SQL_READ,
	                .in = "t",
	                .out = "t",
	                .text = "SELECT name FROM setting WHERE value = ?"},
	        {.role = SQL_READ,
	                .in = "t",
	                .out = "t",
	                .text = "SELECT name FROM setting WHERE value = $2"},
	        {.role = SQL_READ, .in = "", .out = "x", .text = "SELECT name FROM setting"},
	        {.role = SQL_READ, .in = "", .out = "", .text = "DELETE FROM setting"},
	        {.role = SQL_WRITE, .in = "", .out = "i", .text = "SELECT 1"},
	        {.role = SQL_WRITE,
	                .in = "",
	                .out = "",
	                .text = "DELETE FROM setting; DELETE FROM device"},
	        {.role = SQL_WRITE, .in = "", .out = "", .text = "DELETE FROM device_seen"},
	        {.role = SQL_WRITE, .in = "", .out = "", .text = "DROP TABLE setting"},
	        {.role = SQL_WRITE,
	                .in = "",
	                .out = "",
	                .text = "CREATE TABLE x (a INTEGER) STRICT"},
	        {.role = SQL_WRITE, .in = "", .out = "", .text = "PRAGMA user_version = 5"},
	        {.role = SQL_WRITE, .in = "", .out = "", .text = "ATTACH 'x' AS y"},
	        {.role = SQL_READ, .in = "", .out = "T", .text = "SELECT load_extension('x')"},
	        {.role = SQL_READ, .in = "", .out = "T", .text = "PRAGMA core.journal_mode"},
	        {.role = SQL_WRITE, .in = "", .out = "", .text = ""},
	        {.role = SQL_WRITE, .in = "", .out = ""},
	};
	sql_close(w->db);
	w->db = NULL;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct err e = ERR_CLEAR;
		const struct sql_table one = {"wrong", &wrong[i], 1};
		const struct sql_table *const both[] = {&table, &one, NULL};
		struct sql_options o = options(w->folder);
		o.tables = both;
		if (sql_open(&o, &w->db, &e))
			fail_msg("was taken: %s", wrong[i].text);
		assert_int_equal(e.code, wrong[i].text ? ERR_CONFIG : ERR_INTERNAL);
		assert_non_null(strstr(e.text, "wrong"));
	}
}

static void a_failed_migration_leaves_nothing_and_files_have_their_modes(void **state)
{
	struct world *w = *state;
	struct stat st;
	static const char *const files[] = {
	        "core.db", "core.db-wal", "core.db-shm", "core.db.lock"};
	mode_t mask = umask(0);
	umask(mask);
	for (size_t i = 0; i < 4; i++) {
		char path[512];
		snprintf(path, sizeof path, "%s/%s", w->folder, files[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0660 & ~mask);
	}
	sql_close(w->db);
	w->db = NULL;
	/* version set back: the first migration runs again and finds its tables there */
	test_store_exec(w->folder, SQL_CORE, "PRAGMA user_version = 0; DROP VIEW scope");
	int64_t before =
	        test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM sqlite_schema");
	struct err e;
	assert_false(sql_migrate(w->folder, CORE, &e));
	assert_non_null(strstr(e.text, "core-001"));
	assert_int_equal(
	        test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM sqlite_schema"),
	        before);
	assert_int_equal(test_store_number(w->folder, SQL_CORE, "PRAGMA user_version"), 0);
	/* and a store that nobody has brought up to date is not there yet */
	struct sql_options o = options(w->folder);
	o.migrate = 0;
	assert_true(sql_open(&o, &w->db, &e));
	assert_null(sql_borrow(w->db, 100, &e));
	assert_int_equal(e.code, ERR_UNAVAILABLE);
}

static void a_writer_stops_for_good_when_the_file_is_no_database(void **state)
{
	struct world *w = *state;
	struct err e;
	char path[512];
	char rubbish[8192];
	memset(rubbish, 'x', sizeof rubbish);
	for (int i = 0; i < 50; i++) {
		char name[8];
		snprintf(name, sizeof name, "k%d", i);
		assert_true(put(w->db, name, "v", &e));
	}
	sql_close(w->db);
	w->db = NULL;
	test_store_exec(w->folder, SQL_CORE, "PRAGMA wal_checkpoint(TRUNCATE)");
	struct sql_options o = options(w->folder);
	assert_true(sql_open(&o, &w->db, &e));
	/* every page but the first few, which hold the schema, becomes rubbish */
	snprintf(path, sizeof path, "%s/core.db", w->folder);
	int64_t root = test_store_number(
	        w->folder, SQL_CORE, "SELECT rootpage FROM sqlite_schema WHERE name = 'setting'");
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, rubbish, 4096, (root - 1) * 4096), 4096);
	assert_false(put(w->db, "x", "v", &e));
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_false(put(w->db, "y", "v", &e));
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "failed before"));
	close(fd);
}

/* In a process whose files may not grow: a few writes fit, then one fails, and none is tried again. */
static int child_with_small_files(const char *folder, int out)
{
	struct sql_db *db = NULL;
	struct err e = ERR_CLEAR;
	struct sql_options o = options(folder);
	struct rlimit limit;
	struct stat st;
	char path[512];
	static char big[20001];
	snprintf(path, sizeof path, "%s/core.db-wal", folder);
	memset(big, 'b', sizeof big - 1);
	signal(SIGXFSZ, SIG_IGN);
	if (!sql_open(&o, &db, &e) || stat(path, &st) != 0)
		return 2;
	limit.rlim_cur = limit.rlim_max = (rlim_t)st.st_size + (200 << 10);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 2;
	for (int i = 0; i < 100; i++) {
		char name[16];
		snprintf(name, sizeof name, "big%d", i);
		if (!put(db, name, big, &e))
			break;
		if (write(out, &i, sizeof i) != (ssize_t)sizeof i)
			return 3;
	}
	if (e.code != ERR_IO)
		return 4;
	if (put(db, "small", "s", &e) || e.code != ERR_CORRUPT)
		return 5;
	sql_close(db);
	return 0;
}

static void a_write_that_the_file_system_refuses_stops_the_writer_and_loses_nothing(void **state)
{
	struct world *w = *state;
	int fds[2], number, status, acknowledged = 0;
	sql_close(w->db);
	w->db = NULL;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child_with_small_files(w->folder, fds[1]));
	close(fds[1]);
	while (read(fds[0], &number, sizeof number) == (ssize_t)sizeof number)
		acknowledged++;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_in_range(acknowledged, 1, 20);
	test_store_intact(w->folder, SQL_CORE);
	assert_int_equal(test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM setting"),
	        acknowledged);
	/* and a program that starts anew writes again */
	struct sql_options o = options(w->folder);
	struct err e;
	assert_true(sql_open(&o, &w->db, &e));
	assert_true(put(w->db, "after", "v", &e));
}

static void the_owner_checks_the_log_in_so_that_it_does_not_grow(void **state)
{
	struct world *w = *state;
	struct err e;
	struct stat st;
	char path[512], name[16];
	static char big[60001];
	memset(big, 'b', sizeof big - 1);
	for (int i = 0; i < 400; i++) { /* 24 MB in all */
		snprintf(name, sizeof name, "k%d", i);
		assert_true(put(w->db, name, big, &e));
	}
	snprintf(path, sizeof path, "%s/core.db-wal", w->folder);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 1 << 20, 16 << 20);
	test_store_intact(w->folder, SQL_CORE);
}

/* ---- many threads, many processes */

struct hammer {
	struct sql_db *db;
	int id, rounds;
	atomic_int *failed;
};

static void *hammer_main(void *arg)
{
	struct hammer *h = arg;
	struct err e;
	for (int i = 0; i < h->rounds; i++) {
		char name[32];
		snprintf(name, sizeof name, "p%d-t%d-%d", (int)getpid(), h->id, i);
		if (!put(h->db, name, "v", &e))
			atomic_fetch_add(h->failed, 1);
		struct sql_conn *conn = sql_borrow(h->db, 5000, &e);
		int64_t n = 0;
		if (!conn ||
		        !sql_one(conn, &list[COUNT], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(&n)), NULL,
		                &e) ||
		        n <= i)
			atomic_fetch_add(h->failed, 1);
		sql_return(conn);
	}
	return NULL;
}

static int hammer_threads(struct sql_db *db, int threads, int rounds)
{
	pthread_t thread[8];
	struct hammer h[8];
	atomic_int failed = 0;
	for (int i = 0; i < threads; i++) {
		h[i] = (struct hammer){db, i, rounds, &failed};
		if (pthread_create(&thread[i], NULL, hammer_main, &h[i]) != 0)
			return 1;
	}
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	return atomic_load(&failed);
}

static void many_threads_share_one_writer(void **state)
{
	struct world *w = *state;
	assert_int_equal(hammer_threads(w->db, 8, 50), 0);
	assert_int_equal(count(w->db), 400);
}

static int child_writes(const char *folder)
{
	struct sql_db *db = NULL;
	struct err e;
	struct sql_options o = options(folder);
	if (!sql_open(&o, &db, &e))
		return 2;
	int failed = hammer_threads(db, 4, 50);
	sql_close(db);
	return failed ? 1 : 0;
}

static void four_processes_write_one_store_together(void **state)
{
	struct world *w = *state;
	sql_close(w->db);
	w->db = NULL;
	pid_t pids[4];
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(child_writes(w->folder));
	}
	for (int i = 0; i < 4; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(
	        test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM setting"), 800);
	test_store_intact(w->folder, SQL_CORE);
}

/* Writes until it is killed; each number goes through the pipe after it was acknowledged. */
static void child_until_killed(const char *folder, int out, int first)
{
	struct sql_db *db = NULL;
	struct err e;
	struct sql_options o = options(folder);
	if (!sql_open(&o, &db, &e))
		_exit(2);
	for (int i = first;; i++) {
		char name[16];
		snprintf(name, sizeof name, "%08d", i);
		if (!put(db, name, "v", &e) || write(out, &i, sizeof i) != (ssize_t)sizeof i)
			_exit(3);
	}
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
	struct world *w = *state;
	sql_close(w->db);
	w->db = NULL;
	int next = 0, acknowledged = 0;
	for (int round = 0; round < 20; round++) {
		int fds[2], number = 0, target = 5 + round;
		assert_int_equal(pipe(fds), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(fds[0]);
			child_until_killed(w->folder, fds[1], next);
		}
		close(fds[1]);
		for (int n = 0; n < target; n++) {
			assert_int_equal(read(fds[0], &number, sizeof number), sizeof number);
			acknowledged++;
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
		while (read(fds[0], &number, sizeof number) == (ssize_t)sizeof number)
			acknowledged++;
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		close(fds[0]);
		next = number + 1000; /* one more may have been committed and not told */
	}
	int64_t rows = test_store_number(w->folder, SQL_CORE, "SELECT count(*) FROM setting");
	assert_in_range(rows, acknowledged, acknowledged + 20);
	test_store_intact(w->folder, SQL_CORE);
}

static void the_plan_helper_finds_a_scan(void **state)
{
	struct world *w = *state;
	struct buf plan = BUF_INIT(4096);
	test_store_plan_is_fast(w->folder, &list[GET]);
	const struct sql_statement slow = {.role = SQL_READ,
	        .store = SQL_CORE,
	        .in = "",
	        .out = "t",
	        .text = "SELECT model FROM device"};
	test_store_plan(w->folder, &slow, &plan);
	assert_non_null(strstr(buf_text(&plan), "SCAN device"));
	buf_free(&plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_was_written_can_be_read),
	        TEST(rows_come_in_order_and_a_cursor_ends),
	        TEST(wrong_types_and_counts_are_refused_at_run_time),
	        TEST(a_constraint_that_fails_is_a_conflict_and_undoes_only_its_job),
	        TEST(a_group_commits_together_and_a_failing_job_in_it_spoils_nobody),
	        TEST(a_write_that_is_not_begun_in_time_is_withdrawn_and_did_nothing),
	        TEST(a_full_queue_is_busy_at_once),
	        TEST(closing_finishes_the_writes_that_wait),
	        TEST(a_write_reads_the_other_stores_and_changes_only_its_own),
	        TEST(all_that_is_borrowed_is_busy_after_the_deadline),
	        TEST(a_borrowed_connection_sees_one_moment),
	        TEST(now_ms_comes_from_the_clock_that_was_handed_over),
	        TEST(another_user_can_read_but_not_write_with_the_writer_there_or_gone),
	        TEST(a_reader_may_come_before_the_owner),
	        TEST(a_writer_that_is_not_the_owner_waits_for_it_too),
	        TEST(a_schema_newer_than_the_program_stops_it),
	        TEST(a_statement_that_does_not_fit_stops_the_program_at_start),
	        TEST(a_failed_migration_leaves_nothing_and_files_have_their_modes),
	        TEST(a_writer_stops_for_good_when_the_file_is_no_database),
	        TEST(a_write_that_the_file_system_refuses_stops_the_writer_and_loses_nothing),
	        TEST(the_owner_checks_the_log_in_so_that_it_does_not_grow),
	        TEST(many_threads_share_one_writer),
	        TEST(four_processes_write_one_store_together),
	        TEST(what_was_acknowledged_survives_kill_9),
	        TEST(the_plan_helper_finds_a_scan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bound_sqlite.c: SQLite's own speed for the same rows, on the same disk, with nothing around it:
 * one process, prepared statements, WAL, synchronous=FULL, checkpoints as the owner makes them.
 *
 * Usage: bound_sqlite audit FOLDER BATCH SECONDS BYTES     rows of an audit entry with a record of
 * BYTES bound_sqlite telemetry FOLDER BATCH SECONDS FLEET rows that one report of one device
 * changes Prints one JSON object: rows, reports (telemetry), seconds, rowsPerSecond.
 */
#include "tests/bench/histogram.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENTS = 6, CHECKPOINT_EVERY = 32 };

struct loop {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	unsigned statements;
	char *text;
	long size; /* bytes of a record; devices of the fleet */
	long long rows, reports;
};

static void fail(sqlite3 *db, const char *what)
{
	fprintf(stderr, "bound_sqlite: %s: %s\n", what,
	        db == NULL ? "no memory" : sqlite3_errmsg(db));
	exit(70);
}

static void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(db, sql);
}

static void prepare(struct loop *loop, const char *sql)
{
	if (sqlite3_prepare_v2(loop->db, sql, -1, &loop->statement[loop->statements++], NULL) !=
	        SQLITE_OK)
		fail(loop->db, sql);
}

static void step(struct loop *loop, unsigned i)
{
	if (sqlite3_step(loop->statement[i]) != SQLITE_DONE)
		fail(loop->db, "step");
	(void)sqlite3_reset(loop->statement[i]);
	loop->rows++;
}

static void set_up_audit(struct loop *loop)
{
	run_sql(loop->db, "CREATE TABLE entry (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, "
	                  "source TEXT NOT NULL,"
	                  " record BLOB NOT NULL, leaf BLOB NOT NULL) STRICT");
	prepare(loop, "INSERT INTO entry (at, source, record, leaf) VALUES (?1, 'bench', ?2, ?3)");
	loop->text = calloc(1, (size_t)loop->size + 1);
	if (loop->text == NULL)
		fail(NULL, "record");
}

static void put_audit(struct loop *loop)
{
	(void)sqlite3_bind_int64(loop->statement[0], 1, loop->rows);
	(void)sqlite3_bind_blob(loop->statement[0], 2, loop->text, (int)loop->size, SQLITE_STATIC);
	(void)sqlite3_bind_blob(
	        loop->statement[0], 3, "0123456789abcdef0123456789abcdef", 32, SQLITE_STATIC);
	step(loop, 0);
}

static void set_up_telemetry(struct loop *loop)
{
	run_sql(loop->db,
	        "CREATE TABLE device_state (device INTEGER PRIMARY KEY, acquired_at INTEGER, "
	        "received_at INTEGER,"
	        " agent INTEGER, state TEXT, reasons TEXT, settings TEXT, counters TEXT) STRICT;"
	        "CREATE TABLE device_seen (device INTEGER PRIMARY KEY, seen_at INTEGER) STRICT;"
	        "CREATE TABLE supply (device INTEGER, idx INTEGER, name TEXT, level INTEGER, "
	        "changed_at INTEGER,"
	        " PRIMARY KEY (device, idx)) STRICT, WITHOUT ROWID;"
	        "CREATE TABLE sample (device INTEGER, metric TEXT, at INTEGER, value REAL,"
	        " PRIMARY KEY (device, metric, at)) STRICT, WITHOUT ROWID;"
	        "CREATE TABLE report_seen (agent INTEGER, report_id TEXT, slot INTEGER, answer "
	        "TEXT,"
	        " PRIMARY KEY (agent, report_id)) STRICT, WITHOUT ROWID;");
	prepare(loop,
	        "INSERT INTO device_state VALUES (?1, ?2, ?2, 1, 'idle', '[]', ?3, ?4) ON CONFLICT "
	        "(device)"
	        " DO UPDATE SET acquired_at = excluded.acquired_at, counters = excluded.counters");
	prepare(loop, "INSERT INTO device_seen VALUES (?1, ?2) ON CONFLICT (device) DO UPDATE SET "
	              "seen_at = ?2");
	prepare(loop, "INSERT INTO supply VALUES (?1, 1, 'black', ?2, ?2) ON CONFLICT (device, idx)"
	              " DO UPDATE SET level = excluded.level, changed_at = excluded.changed_at");
	prepare(loop, "INSERT INTO sample VALUES (?1, ?2, ?3, 1.5)");
	prepare(loop, "INSERT INTO report_seen VALUES (1, ?1, ?2, ?3)");
	prepare(loop, "DELETE FROM report_seen WHERE agent = 1 AND report_id = ?1");
	loop->text = calloc(1, 4001);
	if (loop->text == NULL)
		fail(NULL, "settings");
	memset(loop->text, 's', 4000);
}

/* What the server changes for a report of which a tenth of the values differ: the state, the
 * moment, one supply, three samples, and the report's id in the ring of the last 64. */
static void put_telemetry(struct loop *loop)
{
	static const char *const metrics[] = {
	        "supply.1.level", "counters.impressions", "counters.inkUsedMl.black"};
	long long device = 1 + (loop->reports * 7919) % loop->size;
	char id[48], old[48];

	(void)snprintf(id, sizeof id, "00000000-0000-7000-8000-%012lld", loop->reports);
	(void)snprintf(old, sizeof old, "00000000-0000-7000-8000-%012lld", loop->reports - 64);
	(void)sqlite3_bind_int64(loop->statement[0], 1, device);
	(void)sqlite3_bind_int64(loop->statement[0], 2, loop->reports);
	(void)sqlite3_bind_text(loop->statement[0], 3, loop->text, 4000, SQLITE_STATIC);
	(void)sqlite3_bind_text(loop->statement[0], 4, loop->text, 400, SQLITE_STATIC);
	step(loop, 0);
	(void)sqlite3_bind_int64(loop->statement[1], 1, device);
	(void)sqlite3_bind_int64(loop->statement[1], 2, loop->reports);
	step(loop, 1);
	(void)sqlite3_bind_int64(loop->statement[2], 1, device);
	(void)sqlite3_bind_int64(loop->statement[2], 2, loop->reports);
	step(loop, 2);
	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
		(void)sqlite3_bind_int64(loop->statement[3], 1, device);
		(void)sqlite3_bind_text(loop->statement[3], 2, metrics[i], -1, SQLITE_STATIC);
		(void)sqlite3_bind_int64(loop->statement[3], 3, loop->reports);
		step(loop, 3);
	}
	(void)sqlite3_bind_text(loop->statement[4], 1, id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(loop->statement[4], 2, loop->reports);
	(void)sqlite3_bind_text(loop->statement[4], 3, loop->text, 200, SQLITE_STATIC);
	step(loop, 4);
	(void)sqlite3_bind_text(loop->statement[5], 1, old, -1, SQLITE_STATIC);
	step(loop, 5);
	loop->reports++;
}

int main(int argc, char **argv)
{
	struct loop loop = {.db = NULL};
	char path[4096];
	int telemetry;

	if (argc != 6) {
		fprintf(stderr, "usage: %s audit|telemetry FOLDER BATCH SECONDS BYTES|FLEET\n",
		        argv[0]);
		return 64;
	}
	telemetry = strcmp(argv[1], "telemetry") == 0;
	long batch = strtol(argv[3], NULL, 10);
	double seconds = strtod(argv[4], NULL);
	loop.size = strtol(argv[5], NULL, 10);
	if (batch < 1 || loop.size < 1)
		return 64;
	(void)snprintf(path, sizeof path, "%s/bound-%s.db", argv[2], argv[1]);
	if (sqlite3_open(path, &loop.db) != SQLITE_OK)
		fail(loop.db, path);
	run_sql(loop.db,
	        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
	(telemetry ? set_up_telemetry : set_up_audit)(&loop);
	int64_t begin = bench_now_us();
	for (long commits = 1; (double)(bench_now_us() - begin) < seconds * 1e6; commits++) {
		run_sql(loop.db, "BEGIN IMMEDIATE");
		for (long i = 0; i < batch; i++)
			(telemetry ? put_telemetry : put_audit)(&loop);
		run_sql(loop.db, "COMMIT");
		if (commits % CHECKPOINT_EVERY == 0)
			(void)sqlite3_wal_checkpoint_v2(
			        loop.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	}
	double took = (double)(bench_now_us() - begin) / 1e6;
	printf("{\"rows\":%lld,\"reports\":%lld,\"seconds\":%.3f,\"rowsPerSecond\":%.1f,"
	       "\"reportsPerSecond\":%.1f}\n",
	        loop.rows, loop.reports, took, (double)loop.rows / took,
	        (double)loop.reports / took);
	for (unsigned i = 0; i < loop.statements; i++)
		(void)sqlite3_finalize(loop.statement[i]);
	free(loop.text);
	return sqlite3_close(loop.db) == SQLITE_OK ? 0 : 70;
}

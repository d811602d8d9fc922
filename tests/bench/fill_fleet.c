/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_fleet.c: fills the stores of a stopped instance with a large fleet and its history, through
 * core/intake as ingest does, but without the wire.
 *
 * Usage: fill_fleet DATA-FOLDER AGENT-ID DEVICES ROUNDS
 * DEVICES devices of the agent's customer, each reported ROUNDS times, an hour apart, until now; every report
 * changes every level and counter, so a round gives 25 samples a device. Serials are those of report_body.c.
 * Prints one JSON object: devices, reports, seconds, samples (what was asked for).
 */
#include "core/agents.h"
#include "core/intake.h"
#include "lib/crypto.h"
#include "tests/bench/histogram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INKS = 12, BATCH = REPORT_DEVICES_MAX, HOUR_MS = 3600 * 1000 };

static const char *const inks[INKS] = {"black", "cyan", "magenta", "yellow", "light-cyan",
        "light-magenta", "gray", "light-gray", "orange", "green", "violet", "matte-black"};

struct fleet {
	struct sql_db *db;
	struct agent agent;
	struct arena *kept, *arena;
	uint64_t devices, rounds;
	int64_t now;
};

static bool find_agent(struct fleet *f, const char *id, struct err *e)
{
	struct sql_conn *conn = sql_borrow(f->db, 5000, e);
	bool ok = conn != NULL && agents_find(conn, f->kept, id, &f->agent, e);

	sql_return(conn);
	return ok;
}

static void describe(struct fleet *f, struct report_device *d, uint64_t number, uint64_t round)
{
	struct report_supply *supplies = arena_array(f->arena, INKS, sizeof *supplies);
	struct report_amount *amounts = arena_array(f->arena, INKS, sizeof *amounts);

	*d = (struct report_device){.manufacturer = "BENCHMARK",
	        .model = "Plotwright 64",
	        .state = REPORT_IDLE,
	        .identity_kind = REPORT_SERIAL,
	        .firmware_version = "LW012.3",
	        .supplies = supplies,
	        .supply_count = INKS,
	        .index = number % BATCH};
	d->serial_number = arena_printf(f->arena, "B%09llu", (unsigned long long)number);
	d->identity = arena_printf(f->arena, "BENCHMARK B%09llu", (unsigned long long)number);
	d->acquired_at = (struct report_int){true, f->now - (int64_t)(f->rounds - round) * HOUR_MS};
	if (number % 50 == 0)
		d->state = REPORT_STOPPED;
	for (unsigned i = 0; i < INKS; i++) {
		supplies[i] = (struct report_supply){.index = {true, i + 1},
		        .class_ = REPORT_CONSUMED,
		        .type = 6,
		        .unit = REPORT_UNIT_PERCENT,
		        .color = inks[i],
		        .capacity = {true, 100},
		        .level = {true, (int64_t)((number + round + 7 * i) % 90 + 10)},
		        .resolution = REPORT_EXACT};
		supplies[i].name = arena_printf(f->arena, "Ink cartridge %s 700 ml", inks[i]);
		amounts[i] = (struct report_amount){inks[i], (double)(round * 10 + i) + 0.5};
	}
	d->counters = (struct report_counters){.ink_used = amounts,
	        .ink_used_count = INKS,
	        .impressions = {true, (int64_t)(1000 + round)}};
}

static bool send_batch(
        struct fleet *f, uint64_t first, uint64_t count, uint64_t round, uint64_t id, struct err *e)
{
	const struct intake intake = {.db = f->db};
	const struct intake_agent agent = {.id = f->agent.id,
	        .public_id = f->agent.public_id,
	        .customer_id = f->agent.customer_id,
	        .customer_public_id = f->agent.customer_public_id,
	        .customer_region = "",
	        .device_limit = INT64_MAX};
	struct report report = {.agent = {.id = f->agent.public_id,
	                                .type = REPORT_AGENT_DC,
	                                .version = "0.1.0",
	                                .collection = REPORT_SCHEDULED}};
	struct intake_result result;
	struct buf answer = BUF_INIT(1 << 20);
	bool ok;

	arena_reset(f->arena);
	report.devices = arena_array(f->arena, BATCH, sizeof *report.devices);
	report.id =
	        arena_printf(f->arena, "ffffffff-0000-7000-8000-%012llx", (unsigned long long)id);
	for (uint64_t i = 0; i < count; i++)
		describe(f, &report.devices[report.device_count++], first + i, round);
	ok = intake_store(&intake, &agent, &report, f->now, false, f->arena, &answer, &result, e);
	buf_free(&answer);
	return ok;
}

static bool fill(struct fleet *f, struct err *e)
{
	uint64_t id = (uint64_t)f->now << 8;

	/* A batch through all its rounds, so that the pages of its history are written while they are hot. */
	for (uint64_t first = 1; first <= f->devices; first += BATCH)
		for (uint64_t round = 1; round <= f->rounds; round++) {
			uint64_t left = f->devices - first + 1;
			if (!send_batch(f, first, left < BATCH ? left : BATCH, round, ++id, e))
				return false;
		}
	return true;
}

int main(int argc, char **argv)
{
	static const struct sql_table *const tables[] = {&agents_sql, INTAKE_TABLES, NULL};
	const unsigned stores = 1u << SQL_CORE | 1u << SQL_TELEMETRY;
	struct sql_options options = {
	        .read = stores, .write = stores, .own = stores, .readers = 2, .tables = tables};
	struct fleet f = {.now = clock_wall_ms(clock_real())};
	struct err e = ERR_CLEAR;
	int64_t begin = bench_now_us();

	if (argc != 5) {
		fprintf(stderr, "usage: %s DATA-FOLDER AGENT-ID DEVICES ROUNDS\n", argv[0]);
		return 64;
	}
	options.directory = argv[1];
	f.devices = strtoull(argv[3], NULL, 10);
	f.rounds = strtoull(argv[4], NULL, 10);
	f.kept = arena_new(1 << 20);
	f.arena = arena_new(64 << 20);
	if (f.kept == NULL || f.arena == NULL || !crypto_init(&e) ||
	        !sql_open(&options, &f.db, &e) || !find_agent(&f, argv[2], &e) || !fill(&f, &e)) {
		fprintf(stderr, "fill_fleet: %s\n", e.text);
		return 70;
	}
	sql_close(f.db);
	printf("{\"devices\":%llu,\"reports\":%llu,\"samples\":%llu,\"seconds\":%.1f}\n",
	        (unsigned long long)f.devices, (unsigned long long)(f.devices * f.rounds),
	        (unsigned long long)(f.devices * f.rounds * (2 * INKS + 1)),
	        (double)(bench_now_us() - begin) / 1e6);
	arena_free(f.arena);
	arena_free(f.kept);
	return 0;
}

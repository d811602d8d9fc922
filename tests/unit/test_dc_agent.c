/* SPDX-License-Identifier: Apache-2.0 */
/* A round over the list, and what get-status looks at before it begins, with recordings in place of
 * printers. */
#include "agents/dc/dc.h"

#include "lib/crypto.h"
#include "lib/log.h"
#include "tests/helpers/folder.h"
#include "tests/recordings/snmprec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define AGENT "ag_0123456789abcdefghijkl"
#define NOW   1795338000000

static struct {
	char *folder;
	struct clock_fake clock;
	struct dc dc;
	struct device_entry entries[200];
	char ids[200][16];
	const char *serial; /* what the device at entry "printer" says; NULL: it is silent */
	struct arena *arena;
} world;

/* The entry "printer" is what the test says it is; "numbered" entries are a device each. */
static struct snmp_source *open_device(
        void *arg, const struct device_entry *entry, const char *context, struct err *e)
{
	char text[256];

	(void)arg;
	(void)context;
	if (strcmp(entry->id, "printer") != 0)
		snprintf(text, sizeof text, "1.3.6.1.2.1.43.5.1.1.17.1|4|NUMBER-%s\n", entry->id);
	else if (world.serial)
		snprintf(text, sizeof text,
		        "1.3.6.1.2.1.43.5.1.1.17.1|4|%s\n1.3.6.1.2.1.25.3.5.1.1.1|2|3\n"
		        "1.3.6.1.2.1.43.11.1.1.8.1.1|2|100\n1.3.6.1.2.1.43.11.1.1.9.1.1|2|40\n"
		        "1.3.6.1.2.1.43.11.1.1.6.1.1|4|Cyan\n",
		        world.serial);
	else
		return err_set(e, ERR_UNAVAILABLE, "no answer"), NULL;
	return snmprec_source(text, strlen(text), e);
}

static void round_over(size_t count, bool print, struct dc_round *round)
{
	struct err e = ERR_CLEAR;

	world.dc.list = (struct device_list){world.entries, count};
	if (!dc_round(&world.dc, REPORT_SCHEDULED, print, round, &e))
		fail_msg("%s", e.text);
}

static struct report oldest_report(struct arena *arena)
{
	struct buf b = BUF_INIT(REPORT_BYTES_MAX);
	struct spool_entry entry;
	struct report report;
	enum report_fault fault;
	struct err e = ERR_CLEAR;

	if (!spool_next(world.dc.spool, &entry, &b, &e) ||
	        !report_read(b.data, b.len, NOW, arena, &report, &fault, &e))
		fail_msg("%s", e.text);
	assert_string_equal(report.id, entry.report_id);
	assert_true(spool_done(world.dc.spool, &entry, &e));
	buf_free(&b);
	return report;
}

static void a_round_reports_what_answered_and_counts_the_rest(void **state)
{
	struct arena *arena = arena_new(REPORT_ARENA_BYTES);
	struct dc_round round;
	struct report report;

	(void)state;
	world.serial = NULL;
	world.entries[2].id = world.entries[1].id; /* the same device under another entry */
	round_over(4, false, &round);
	assert_int_equal(round.collected, 2);
	assert_int_equal(round.skipped, 1);
	assert_int_equal(round.failed, 1);
	assert_int_equal(spool_counts(world.dc.spool).waiting, 1);
	report = oldest_report(arena);
	assert_int_equal(report.device_count, 2);
	assert_int_equal(report.agent.collection, REPORT_SCHEDULED);
	assert_string_equal(report.agent.id, AGENT);
	assert_string_equal(report.devices[0].entry, world.entries[1].id);
	assert_string_equal(report.devices[0].group, "Floor");
	arena_free(arena);
}

static void many_devices_go_in_several_reports(void **state)
{
	struct arena *arena = arena_new(REPORT_ARENA_BYTES);
	struct dc_round round;
	size_t total = 0;

	(void)state;
	round_over(200, false, &round);
	assert_int_equal(round.collected, 200);
	assert_int_equal(spool_counts(world.dc.spool).waiting, 4);
	while (spool_counts(world.dc.spool).waiting) {
		arena_reset(arena);
		total += oldest_report(arena).device_count;
	}
	assert_int_equal(total, 200);
	arena_free(arena);
}

static void an_empty_round_sends_nothing(void **state)
{
	struct dc_round round;

	(void)state;
	world.serial = NULL;
	round_over(1, false, &round);
	assert_int_equal(round.failed, 1);
	assert_int_equal(spool_counts(world.dc.spool).waiting, 0);
}

static enum event_code prepare(const char *identity, struct order_work *work)
{
	struct operation o = {.identity_kind = "serial", .identity_value = identity};

	arena_reset(world.arena);
	*work = (struct order_work){.arena = world.arena};
	return dc_actions[0].prepare(&world.dc, &o, work);
}

static void get_status_is_for_devices_of_the_list_only(void **state)
{
	struct dc_round round;
	struct order_work work;

	(void)state;
	assert_int_equal(prepare("AC-1234", &work), CODE_DEVICE_NOT_LISTED);
	round_over(1, false, &round);
	assert_int_equal(prepare("AC-1234", &work), CODE_NONE);
	assert_int_equal(prepare("AC-9999", &work), CODE_DEVICE_NOT_LISTED);
	world.dc.list.count = 0; /* it has left the list */
	assert_int_equal(prepare("AC-1234", &work), CODE_DEVICE_NOT_LISTED);
}

static void the_identity_is_read_afresh_before_anything_begins(void **state)
{
	struct dc_round round;
	struct order_work work;

	(void)state;
	round_over(1, false, &round);
	world.serial = "AC-5555"; /* somebody has put another printer there */
	assert_int_equal(prepare("AC-1234", &work), CODE_WRONG_DEVICE);
	world.serial = NULL;
	assert_int_equal(prepare("AC-1234", &work), CODE_UNREACHABLE);
	assert_string_equal(work.message, "no answer");
	world.serial = "AC-1234";
	world.entries[0].expect_serial = "AC-7777";
	assert_int_equal(prepare("AC-1234", &work), CODE_WRONG_DEVICE);
}

static void evidence_says_who_the_device_is_and_how_it_is(void **state)
{
	struct dc_round round;
	struct order_work work;

	(void)state;
	round_over(1, false, &round);
	assert_int_equal(prepare("AC-1234", &work), CODE_NONE);
	assert_string_equal(work.before,
	        "{\"identity\":{\"kind\":\"serial\",\"value\":\"AC-1234\"},"
	        "\"acquiredAt\":\"2026-11-22T09:00:00.000Z\",\"state\":\"idle\",\"reasons\":[],"
	        "\"supplies\":[{\"index\":1,\"color\":\"cyan\",\"level\":40,\"capacity\":100}]}");
}

static void known_devices_are_remembered_over_a_restart(void **state)
{
	struct dc_round round;
	struct order_work work;
	char path[128];

	(void)state;
	round_over(1, false, &round);
	known_close(world.dc.known);
	snprintf(path, sizeof path, "%s/known", world.folder);
	world.dc.known = known_open(path);
	assert_int_equal(prepare("AC-1234", &work), CODE_NONE);
}

static int set_up(void **state)
{
	char path[128];
	struct err e = ERR_CLEAR;

	(void)state;
	memset(&world, 0, sizeof world);
	world.folder = test_folder_new();
	world.arena = arena_new(4 * 1024 * 1024);
	if (!world.arena)
		return -1;
	clock_fake_init(&world.clock, NOW);
	for (size_t i = 0; i < 200; i++) {
		if (i == 0)
			snprintf(world.ids[i], sizeof world.ids[i], "printer");
		else
			snprintf(world.ids[i], sizeof world.ids[i], "e%04zu", i);
		world.entries[i] = (struct device_entry){
		        .id = world.ids[i], .address = "192.0.2.1", .group = "Floor"};
	}
	snprintf(path, sizeof path, "%s/spool", world.folder);
	world.dc = (struct dc){.agent_id = AGENT,
	        .version = "1.0.0",
	        .clock = &world.clock.base,
	        .spool = spool_open(path, 0, &world.clock.base, &e),
	        .open = open_device};
	snprintf(path, sizeof path, "%s/known", world.folder);
	world.dc.known = known_open(path);
	world.serial = "AC-1234";
	return world.dc.spool && world.dc.known ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	spool_close(world.dc.spool);
	known_close(world.dc.known);
	test_folder_remove(world.folder);
	arena_free(world.arena);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_round_reports_what_answered_and_counts_the_rest),
	        TEST(many_devices_go_in_several_reports),
	        TEST(an_empty_round_sends_nothing),
	        TEST(get_status_is_for_devices_of_the_list_only),
	        TEST(the_identity_is_read_afresh_before_anything_begins),
	        TEST(evidence_says_who_the_device_is_and_how_it_is),
	        TEST(known_devices_are_remembered_over_a_restart),
	};
	struct err e = ERR_CLEAR;

	log_set_level(LOG_LEVEL_ERROR);
	return crypto_init(&e) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

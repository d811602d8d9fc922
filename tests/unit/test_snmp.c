/* SPDX-License-Identifier: Apache-2.0 */
/* Reading over the network from printers that behave well, badly, or not at all. */
#include "agents/dc/collect.h"
#include "lib/buf.h"
#include "tests/recordings/fake_printer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AGENT "ag_0123456789abcdefghijkl"

static const char recording[] =
        "1.3.6.1.2.1.1.1.0|4|Acme Print Server\n"
        "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.99999.1\n"
        "1.3.6.1.2.1.1.3.0|67|100\n"
        "1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5\n"
        "1.3.6.1.2.1.25.3.2.1.3.1|4|Acme 3000\n"
        "1.3.6.1.2.1.25.3.2.1.5.1|2|2\n"
        "1.3.6.1.2.1.25.3.5.1.1.1|2|4\n"
        "1.3.6.1.2.1.43.5.1.1.17.1|4|AC-12345\n"
        "1.3.6.1.2.1.43.10.2.1.3.1.1|2|7\n"
        "1.3.6.1.2.1.43.10.2.1.4.1.1|65|4711\n"
        "1.3.6.1.2.1.43.11.1.1.4.1.1|2|3\n1.3.6.1.2.1.43.11.1.1.4.1.2|2|3\n"
        "1.3.6.1.2.1.43.11.1.1.5.1.1|2|21\n1.3.6.1.2.1.43.11.1.1.5.1.2|2|21\n"
        "1.3.6.1.2.1.43.11.1.1.6.1.1|4|Black\n1.3.6.1.2.1.43.11.1.1.6.1.2|4|Cyan\n"
        "1.3.6.1.2.1.43.11.1.1.8.1.1|2|100\n1.3.6.1.2.1.43.11.1.1.8.1.2|2|100\n"
        "1.3.6.1.2.1.43.11.1.1.9.1.1|2|50\n1.3.6.1.2.1.43.11.1.1.9.1.2|2|-3\n";

static struct device_entry entry_of(const struct fake_printer *printer, unsigned version)
{
	return (struct device_entry){.id = "e",
	        .address = "127.0.0.1",
	        .port = fake_printer_port(printer),
	        .version = version,
	        .community = "public",
	        .timeout_ms = 150,
	        .retries = 1};
}

static struct collect_result read_entry(const struct device_entry *entry)
{
	struct collect collect = {.agent_id = AGENT, .clock = clock_real()};
	struct collect_result result;

	collect_one(&collect, entry, &result);
	return result;
}

static void reads_all(enum fake_manner manner, unsigned version)
{
	struct fake_printer *printer = fake_printer_start(recording, manner);
	struct device_entry entry = entry_of(printer, version);
	struct collect_result result = read_entry(&entry);

	if (!result.ok)
		fail_msg("%s", result.why.text);
	assert_string_equal(result.device.serial_number, "AC-12345");
	assert_string_equal(result.device.model, "Acme 3000");
	assert_int_equal(result.device.state, REPORT_PROCESSING);
	assert_int_equal(result.device.counters.impressions.value, 4711);
	assert_int_equal(result.device.supply_count, 2);
	assert_string_equal(result.device.supplies[1].color, "cyan");
	assert_int_equal(result.device.supplies[1].level_state, REPORT_SOME_REMAINING);
	assert_int_equal(fake_printer_sets(printer), 0);
	collect_free(&result);
	fake_printer_stop(printer);
}

static void fails(enum fake_manner manner, enum err_code code)
{
	struct fake_printer *printer = fake_printer_start(recording, manner);
	struct device_entry entry = entry_of(printer, 2);
	int64_t start = clock_monotonic_ms(clock_real());
	struct collect_result result = read_entry(&entry);

	assert_false(result.ok);
	assert_int_equal(result.why.code, code);
	assert_true(clock_monotonic_ms(clock_real()) - start < 10000);
	collect_free(&result);
	fake_printer_stop(printer);
}

static void a_good_printer_is_read_by_both_versions(void **state)
{
	(void)state;
	reads_all(FAKE_GOOD, 1);
	reads_all(FAKE_GOOD, 2);
}

static void a_device_that_answers_but_tells_nothing_is_reported_by_its_entry(void **state)
{
	(void)state;
	for (unsigned version = 1; version <= 2; version++) {
		struct fake_printer *printer =
		        fake_printer_start("1.3.6.1.4.1.99999.1.0|2|1\n", FAKE_GOOD);
		struct device_entry entry = entry_of(printer, version);
		struct collect_result result = read_entry(&entry);

		if (!result.ok)
			fail_msg("%s", result.why.text);
		assert_int_equal(result.device.identity_kind, REPORT_ENTRY);
		assert_string_equal(result.device.identity, AGENT "/e");
		assert_int_equal(result.device.state, REPORT_UNKNOWN);
		collect_free(&result);
		fake_printer_stop(printer);
	}
}

static void a_printer_that_takes_only_small_requests_is_read_in_small_ones(void **state)
{
	(void)state;
	reads_all(FAKE_SMALL, 2);
}

static void a_printer_that_drops_requests_is_asked_again(void **state)
{
	(void)state;
	reads_all(FAKE_FORGETFUL, 2);
}

static void a_silent_printer_fails_in_bounded_time(void **state)
{
	(void)state;
	fails(FAKE_SILENT, ERR_UNAVAILABLE);
}

static void a_printer_that_answers_rubbish_fails_like_a_silent_one(void **state)
{
	(void)state;
	fails(FAKE_RUBBISH, ERR_UNAVAILABLE);
	fails(FAKE_CUT, ERR_UNAVAILABLE);
	fails(FAKE_OTHER_REPLY, ERR_UNAVAILABLE);
}

static void a_request_that_comes_back_is_no_answer(void **state)
{
	(void)state;
	fails(FAKE_REFLECTS, ERR_UNAVAILABLE);
	reads_all(FAKE_REFLECTS_TOO, 1);
	reads_all(FAKE_REFLECTS_TOO, 2);
}

static void a_printer_that_refuses_every_question_is_not_reported(void **state)
{
	(void)state;
	fails(FAKE_REFUSES, ERR_IO);
}

/* A table that is cut must not lose its last column, which is the level. */
static void of_more_supplies_than_are_read_each_is_whole(void **state)
{
	enum { SUPPLIES = REPORT_SUPPLIES_MAX + 44 };
	struct buf text = BUF_INIT((size_t)1024 * 1024);
	struct fake_printer *printer;
	struct device_entry entry;
	struct collect_result result;

	(void)state;
	buf_puts(&text, recording);
	for (int column = 3; column <= 9; column++) {
		for (int i = 3; i <= SUPPLIES; i++)
			buf_printf(&text, "1.3.6.1.2.1.43.11.1.1.%d.1.%d|2|%d\n", column, i,
			        column == 8 ? 1000 : i);
	}
	printer = fake_printer_start(buf_text(&text), FAKE_GOOD);
	entry = entry_of(printer, 2);
	result = read_entry(&entry);
	if (!result.ok)
		fail_msg("%s", result.why.text);
	assert_int_equal(result.device.supply_count, REPORT_SUPPLIES_MAX);
	for (size_t i = 2; i < result.device.supply_count; i++) {
		assert_int_equal(result.device.supplies[i].capacity.value, 1000);
		assert_int_equal(result.device.supplies[i].level.value, (int)i + 1);
	}
	collect_free(&result);
	fake_printer_stop(printer);
	buf_free(&text);
}

static void a_walk_that_does_not_get_on_ends(void **state)
{
	struct fake_printer *printer = fake_printer_start(recording, FAKE_LOOP);
	struct device_entry entry = entry_of(printer, 2);
	struct collect_result result = read_entry(&entry);

	(void)state;
	assert_true(result.ok); /* the single values are there, no table is */
	assert_int_equal(result.device.supply_count, 0);
	assert_true(fake_printer_requests(printer) < 100);
	collect_free(&result);
	fake_printer_stop(printer);
}

static void a_walk_that_never_ends_is_cut_off(void **state)
{
	struct fake_printer *printer = fake_printer_start(recording, FAKE_ENDLESS);
	struct device_entry entry = entry_of(printer, 2);
	struct collect_result result = read_entry(&entry);

	(void)state;
	assert_true(fake_printer_requests(printer) < 5000);
	assert_true(result.ok || result.why.code != ERR_NONE);
	collect_free(&result);
	fake_printer_stop(printer);
}

static void values_that_were_not_asked_for_are_not_taken(void **state)
{
	struct fake_printer *printer = fake_printer_start(recording, FAKE_FOREIGN);
	struct snmp_target target = {.address = "127.0.0.1",
	        .port = fake_printer_port(printer),
	        .version = 2,
	        .community = "public",
	        .timeout_ms = 500,
	        .retries = 1};
	struct snmp_source *source;
	struct arena *arena = arena_new(1 << 20);
	struct mib *mib = mib_new(arena);
	struct err e = ERR_CLEAR;
	struct oid name;

	(void)state;
	source = snmp_source_open(&target, &e);
	assert_non_null(source);
	assert_true(oid_parse("1.3.6.1.2.1.1.1.0", &name));
	assert_true(source->get(source, &name, 1, mib, &e));
	assert_int_equal(mib_count(mib), 0);
	source->close(source);
	arena_free(arena);
	fake_printer_stop(printer);
}

static void another_printer_at_the_address_is_skipped(void **state)
{
	struct fake_printer *printer = fake_printer_start(recording, FAKE_GOOD);
	struct device_entry entry = entry_of(printer, 2);
	struct collect_result result;

	(void)state;
	entry.expect_serial = "ac-12345";
	result = read_entry(&entry);
	assert_true(result.ok);
	collect_free(&result);
	entry.expect_serial = "XY-1";
	result = read_entry(&entry);
	assert_false(result.ok);
	assert_int_equal(result.why.code, ERR_CONFLICT);
	assert_non_null(strstr(result.why.text, "AC-12345"));
	collect_free(&result);
	fake_printer_stop(printer);
}

static void bad_printers_hold_up_none_of_the_others(void **state)
{
	static const enum fake_manner manners[] = {FAKE_SILENT, FAKE_RUBBISH, FAKE_GOOD, FAKE_CUT,
	        FAKE_SILENT, FAKE_OTHER_REPLY, FAKE_GOOD, FAKE_SILENT, FAKE_GOOD};
	enum { COUNT = sizeof manners / sizeof manners[0] };
	struct fake_printer *printers[COUNT];
	struct device_entry entries[COUNT];
	struct device_list list = {entries, COUNT};
	struct collect_result results[COUNT];
	struct collect collect = {.agent_id = AGENT, .clock = clock_real()};
	int64_t start;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		printers[i] = fake_printer_start(recording, manners[i]);
		entries[i] = entry_of(printers[i], 2);
		entries[i].timeout_ms = 500;
	}
	start = clock_monotonic_ms(clock_real());
	collect_all(&collect, &list, results, NULL);
	/* One after the other the bad ones alone would take six times 1 s. */
	assert_true(clock_monotonic_ms(clock_real()) - start < 5000);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(results[i].ok, manners[i] == FAKE_GOOD);
	assert_int_equal(collect_drop_doubles(&list, results), 2); /* all are one device */
	for (size_t i = 0; i < COUNT; i++) {
		collect_free(&results[i]);
		fake_printer_stop(printers[i]);
	}
}

static void an_address_that_does_not_exist_says_so(void **state)
{
	struct device_entry entry = {.id = "e",
	        .address = "no-such-host.invalid",
	        .port = 161,
	        .version = 2,
	        .community = "public",
	        .timeout_ms = 150};
	struct collect_result result = read_entry(&entry);

	(void)state;
	assert_false(result.ok);
	assert_int_equal(result.why.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(result.why.text, "no-such-host.invalid"));
	collect_free(&result);
}

/* net-snmp keeps the sentence of its last error in one buffer for all threads; nobody reads it. */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:libnetsnmp.so\n";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_good_printer_is_read_by_both_versions),
	        cmocka_unit_test(a_device_that_answers_but_tells_nothing_is_reported_by_its_entry),
	        cmocka_unit_test(a_printer_that_takes_only_small_requests_is_read_in_small_ones),
	        cmocka_unit_test(a_printer_that_drops_requests_is_asked_again),
	        cmocka_unit_test(a_silent_printer_fails_in_bounded_time),
	        cmocka_unit_test(a_printer_that_answers_rubbish_fails_like_a_silent_one),
	        cmocka_unit_test(a_request_that_comes_back_is_no_answer),
	        cmocka_unit_test(a_printer_that_refuses_every_question_is_not_reported),
	        cmocka_unit_test(of_more_supplies_than_are_read_each_is_whole),
	        cmocka_unit_test(a_walk_that_does_not_get_on_ends),
	        cmocka_unit_test(a_walk_that_never_ends_is_cut_off),
	        cmocka_unit_test(values_that_were_not_asked_for_are_not_taken),
	        cmocka_unit_test(another_printer_at_the_address_is_skipped),
	        cmocka_unit_test(bad_printers_hold_up_none_of_the_others),
	        cmocka_unit_test(an_address_that_does_not_exist_says_so),
	};

	snmp_source_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW       1795338000000 /* 2026-11-22T09:00:00Z */
#define REPORT_ID "0192f0c1-7a5b-7c3d-8e9f-0123456789ab"
#define AGENT_PART                                                                                 \
	"\"agent\":{\"id\":\"ag_0123456789abcdefghijkl\",\"type\":\"dc\",\"version\":\"1.0.0\","   \
	"\"collectionType\":\"scheduled\",\"sentAt\":\"2026-11-22T09:00:00.000Z\","                \
	"\"os\":{\"name\":\"Debian GNU/Linux\",\"version\":\"12\",\"productType\":\"server\"}}"
#define HEAD           "{\"schema\":\"fleetport.report/1\",\"reportId\":\"" REPORT_ID "\"," AGENT_PART ","
#define WHOLE(devices) HEAD "\"devices\":[" devices "]}"
#define IDENTITY                                                                                   \
	"\"identity\":{\"kind\":\"serial\",\"value\":\"EPSON X5RL000123\"},"                       \
	"\"acquiredAt\":\"2026-11-22T08:59:58.120Z\""
#define DEVICE(more) "{" IDENTITY more "}"

struct reading {
	struct arena *arena;
	struct report report;
	enum report_fault fault;
	struct err e;
	bool ok;
};

static struct reading read_len(const char *text, size_t len)
{
	struct reading r = {.arena = arena_new(REPORT_ARENA_BYTES), .e = ERR_CLEAR};

	assert_non_null(r.arena);
	r.ok = report_read(text, len, NOW, r.arena, &r.report, &r.fault, &r.e);
	return r;
}

static struct reading read_text(const char *text)
{
	return read_len(text, strlen(text));
}

/* The whole report is refused with this fault and a message that holds `says`. */
static void refused(const char *text, enum report_fault fault, const char *says)
{
	struct reading r = read_text(text);

	assert_false(r.ok);
	assert_int_equal(r.fault, fault);
	if (!strstr(r.e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", r.e.text, says);
	arena_free(r.arena);
}

/* A second, good device is kept while the one with `more` is refused with this code. */
static void spoils_only_itself(const char *device, int code, const char *says)
{
	char text[4096];
	struct reading r;

	snprintf(text, sizeof text, HEAD "\"devices\":[%s,%s]}", device, DEVICE(""));
	r = read_text(text);
	assert_true(r.ok);
	assert_int_equal(r.report.device_count, 1);
	assert_int_equal(r.report.devices[0].index, 1);
	assert_int_equal(r.report.rejected_count, 1);
	assert_int_equal(r.report.rejected[0].index, 0);
	assert_int_equal(r.report.rejected[0].code, code);
	if (!strstr(r.report.rejected[0].message, says))
		fail_msg("\"%s\" does not say \"%s\"", r.report.rejected[0].message, says);
	arena_free(r.arena);
}

static const char *const full_device =
        "{\"manufacturer\":\"EPSON\",\"model\":\"SC-T3405\",\"serialNumber\":"
        "\"X5RL000123\"," IDENTITY
        ",\"entry\":\"plotter\",\"group\":\"Second floor\",\"regionCode\":\"eu\","
        "\"countryCode\":\"de\",\"deviceTime\":\"2026-11-22T10:00:01+01:00\","
        "\"firmwareVersion\":\"A.1\",\"status\":{\"state\":\"stopped\","
        "\"reasons\":[\"media-empty\",\"toner-low-report\","
        "{\"keyword\":\"cover-open\",\"severity\":\"warning\"},\"none\"],"
        "\"codes\":[{\"code\":\"808\",\"severity\":\"error\",\"text\":\"Papier\\u00e4nde\"}]},"
        "\"events\":[{\"id\":\"e1\",\"at\":\"2026-11-22T08:00:00Z\",\"severity\":\"error\","
        "\"reason\":\"media-empty\"}],"
        "\"settings\":{\"network\":{\"dhcp\":true,\"mtu\":1500,\"name\":\"plotter-2\"}},"
        "\"supplies\":[{\"index\":1,\"class\":\"supplyThatIsConsumed\",\"type\":\"inkCartridge\","
        "\"color\":\"cyan\",\"name\":\"Cyan\",\"unit\":\"percent\",\"capacity\":100,\"level\":0,"
        "\"resolution\":\"exact\"},{\"index\":2,\"class\":\"receptacle-that-is-filled\","
        "\"type\":\"waste-ink\",\"name\":\"Box\",\"unit\":\"percent\","
        "\"levelState\":\"some-remaining\"}],"
        "\"cleanings\":[{\"id\":\"c1\",\"at\":\"2026-11-21T08:00:00Z\",\"kind\":\"normal\","
        "\"trigger\":\"panel\",\"inkUsedMl\":2.5}],"
        "\"maintenance\":[{\"id\":\"m1\",\"at\":\"2026-11-20T08:00:00Z\",\"kind\":\"replaced\","
        "\"part\":\"cutter\",\"count\":2}],"
        "\"counters\":{\"inkUsedMl\":{\"cyan\":12.5,\"black\":0},\"printTimeSeconds\":3600,"
        "\"printAreaM2\":12.25,\"sheets\":145},"
        "\"jobs\":[{\"id\":\"j1\",\"startedAt\":\"2026-11-22T07:00:00Z\","
        "\"endedAt\":\"2026-11-22T07:01:00Z\",\"state\":\"completed\",\"reasons\":[\"none\","
        "\"job-completed-with-warnings\"],\"sheets\":1,\"areaM2\":0.5,"
        "\"inkUsedMl\":{\"cyan\":0.25}}]}";

static void check_full(const struct report_device *d)
{
	assert_string_equal(d->manufacturer, "EPSON");
	assert_string_equal(d->identity, "EPSON X5RL000123");
	assert_int_equal(d->identity_kind, REPORT_SERIAL);
	assert_string_equal(d->entry, "plotter");
	assert_string_equal(d->region_code, "EU");
	assert_string_equal(d->country_code, "DE");
	assert_true(d->device_time.set);
	assert_int_equal(d->device_time.value, NOW + 1000);
	assert_int_equal(d->acquired_at.value, NOW - 1880);
	assert_int_equal(d->state, REPORT_STOPPED);
	assert_int_equal(d->reason_count, 3);
	assert_string_equal(d->reasons[0].keyword, "media-empty");
	assert_int_equal(d->reasons[0].severity, REPORT_ERROR);
	assert_string_equal(d->reasons[1].keyword, "toner-low");
	assert_int_equal(d->reasons[1].severity, REPORT_INFO);
	assert_string_equal(d->reasons[2].keyword, "cover-open");
	assert_int_equal(d->reasons[2].severity, REPORT_WARNING);
	assert_string_equal(d->codes[0].text, "Papier\u00e4nde");
	assert_int_equal(d->event_count, 1);
	assert_false(d->events[0].cleared_at.set);
	assert_int_equal(d->settings[REPORT_NETWORK].count, 3);
	assert_int_equal(d->settings[REPORT_PANEL].count, 0);
	assert_true(d->settings[REPORT_NETWORK].items[0].truth);
	assert_int_equal(d->supply_count, 2);
	assert_true(d->supplies[0].level.set);
	assert_int_equal(d->supplies[0].level.value, 0);
	assert_int_equal(d->supplies[1].class_, REPORT_RECEPTACLE);
	assert_int_equal(d->supplies[1].type, 8);
	assert_false(d->supplies[1].level.set);
	assert_int_equal(d->supplies[1].level_state, REPORT_SOME_REMAINING);
	assert_int_equal(d->supplies[1].resolution, REPORT_COARSE);
	assert_int_equal(d->counters.ink_used_count, 2);
	assert_float_equal(d->counters.ink_used[0].ml, 12.5, 0);
	assert_false(d->counters.impressions.set);
	assert_int_equal(d->counters.sheets.value, 145);
	assert_int_equal(d->job_count, 1);
	assert_int_equal(d->jobs[0].state, 9);
	assert_int_equal(d->jobs[0].reason_count, 1);
	assert_float_equal(d->jobs[0].area_m2.value, 0.5, 0);
}

static void every_documented_value_is_read(void **state)
{
	char text[8192];
	struct reading r;

	(void)state;
	snprintf(text, sizeof text, HEAD "\"devices\":[%s]}", full_device);
	r = read_text(text);
	if (!r.ok || r.report.rejected_count)
		fail_msg("%s", r.ok ? r.report.rejected[0].message : r.e.text);
	assert_string_equal(r.report.id, REPORT_ID);
	assert_int_equal(r.report.agent.type, REPORT_AGENT_DC);
	assert_int_equal(r.report.agent.sent_at.value, NOW);
	assert_int_equal(r.report.agent.os_product, REPORT_SERVER);
	assert_int_equal(r.report.warning_count, 0);
	check_full(&r.report.devices[0]);
	arena_free(r.arena);
}

static void what_is_written_reads_back_the_same(void **state)
{
	struct buf first = BUF_INIT(REPORT_BYTES_MAX), second = BUF_INIT(REPORT_BYTES_MAX);
	char text[8192];
	struct reading r, again;

	(void)state;
	snprintf(text, sizeof text, HEAD "\"devices\":[%s]}", full_device);
	r = read_text(text);
	assert_true(r.ok);
	assert_true(report_write(&r.report, &first, &r.e));
	again = read_text(buf_text(&first));
	assert_true(again.ok);
	assert_int_equal(again.report.device_count, 1);
	check_full(&again.report.devices[0]);
	assert_true(report_write(&again.report, &second, &again.e));
	assert_string_equal(buf_text(&first), buf_text(&second));
	buf_free(&first);
	buf_free(&second);
	arena_free(r.arena);
	arena_free(again.arena);
}

static void an_absent_value_is_not_written_as_zero(void **state)
{
	struct report_device device = {.identity_kind = REPORT_MAC,
	        .identity = "00:11:22:33:44:55",
	        .acquired_at = {true, NOW}};
	struct report report = {.id = REPORT_ID,
	        .devices = &device,
	        .device_count = 1,
	        .agent = {.id = "ag_0123456789abcdefghijkl",
	                .type = REPORT_AGENT_DC,
	                .collection = REPORT_INITIAL,
	                .sent_at = {true, NOW}}};
	struct buf b = BUF_INIT(REPORT_BYTES_MAX);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(report_write(&report, &b, &e));
	assert_string_equal(buf_text(&b),
	        "{\"schema\":\"fleetport.report/1\",\"reportId\":\"" REPORT_ID
	        "\",\"agent\":{\"id\":\"ag_0123456789abcdefghijkl\",\"type\":\"dc\","
	        "\"collectionType\":\"initial\",\"sentAt\":\"2026-11-22T09:00:00.000Z\"},"
	        "\"devices\":[{\"identity\":{\"kind\":\"mac\",\"value\":\"00:11:22:33:44:55\"},"
	        "\"acquiredAt\":\"2026-11-22T09:00:00.000Z\"}]}");
	buf_free(&b);
}

static void unknown_fields_are_dropped_with_a_warning_and_their_path(void **state)
{
	struct reading r = read_text(HEAD "\"colour\":1,\"devices\":[" DEVICE(
	        ",\"documentName\":\"secret.pdf\",\"counters\":{\"kopien\":3}") "]}");

	(void)state;
	assert_true(r.ok);
	assert_int_equal(r.report.device_count, 1);
	assert_int_equal(r.report.warning_count, 3);
	assert_string_equal(r.report.warnings[0].path, "$.colour");
	assert_string_equal(r.report.warnings[1].path, "$.devices[0].documentName");
	assert_string_equal(r.report.warnings[2].path, "$.devices[0].counters.kopien");
	arena_free(r.arena);
}

static void warnings_are_bounded_and_counted(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	struct reading r;

	(void)state;
	buf_puts(&b, HEAD "\"devices\":[{" IDENTITY);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, ",\"x%d\":0", i);
	buf_puts(&b, "}]}");
	r = read_text(buf_text(&b));
	assert_true(r.ok);
	assert_int_equal(r.report.warning_count, REPORT_WARNINGS_MAX);
	assert_int_equal(r.report.warnings_dropped, 100 - REPORT_WARNINGS_MAX);
	arena_free(r.arena);
	buf_free(&b);
}

static void one_bad_device_does_not_spoil_the_others(void **state)
{
	(void)state;
	spoils_only_itself("17", REPORT_NOT_VALID, "$.devices[0]: must be an object");
	spoils_only_itself("{}", REPORT_IDENTITY_MISSING, "$.devices[0].identity");
	spoils_only_itself("{\"identity\":null}", REPORT_IDENTITY_MISSING, "is missing");
	spoils_only_itself("{\"identity\":{\"kind\":\"serial\",\"value\":\"\"},"
	                   "\"acquiredAt\":\"2026-11-22T08:00:00Z\"}",
	        REPORT_NOT_VALID, "$.devices[0].identity.value");
	spoils_only_itself("{\"identity\":{\"kind\":\"name\",\"value\":\"x\"},"
	                   "\"acquiredAt\":\"2026-11-22T08:00:00Z\"}",
	        REPORT_NOT_VALID, "$.devices[0].identity.kind");
	spoils_only_itself("{\"identity\":{\"kind\":\"serial\",\"value\":\"x\"}}", REPORT_NOT_VALID,
	        "$.devices[0].acquiredAt");
	spoils_only_itself(DEVICE(",\"model\":5"), REPORT_NOT_VALID, "$.devices[0].model");
	spoils_only_itself(DEVICE(",\"model\":\"a\\nb\""), REPORT_NOT_VALID, "control characters");
	spoils_only_itself(DEVICE(",\"status\":{\"state\":\"asleep\"}"), REPORT_NOT_VALID,
	        "$.devices[0].status.state");
	spoils_only_itself(DEVICE(",\"status\":{}"), REPORT_NOT_VALID, "$.devices[0].status.state");
	spoils_only_itself(DEVICE(",\"supplies\":[{\"index\":1,\"level\":-3}]"), REPORT_NOT_VALID,
	        "$.devices[0].supplies[0].level");
	spoils_only_itself(DEVICE(",\"supplies\":[{\"index\":1},{\"index\":1}]"), REPORT_NOT_VALID,
	        "repeats the index");
	spoils_only_itself(DEVICE(",\"counters\":{\"sheets\":1.5}"), REPORT_NOT_VALID,
	        "$.devices[0].counters.sheets");
	spoils_only_itself(DEVICE(",\"counters\":[]"), REPORT_NOT_VALID, "must be an object");
	spoils_only_itself(
	        DEVICE(",\"countryCode\":\"DEU\""), REPORT_NOT_VALID, "$.devices[0].countryCode");
	spoils_only_itself(DEVICE(",\"settings\":{\"panel\":{\"a\":[]}}"), REPORT_NOT_VALID,
	        "$.devices[0].settings.panel.a");
	spoils_only_itself(DEVICE(",\"jobs\":[{\"id\":\"1\"}]"), REPORT_NOT_VALID,
	        "$.devices[0].jobs[0].startedAt");
}

static void a_time_too_far_back_or_ahead_is_implausible(void **state)
{
	(void)state;
	spoils_only_itself("{\"identity\":{\"kind\":\"serial\",\"value\":\"x\"},"
	                   "\"acquiredAt\":\"2026-11-22T09:05:01Z\"}",
	        REPORT_TIME_IMPLAUSIBLE, "$.devices[0].acquiredAt");
	spoils_only_itself("{\"identity\":{\"kind\":\"serial\",\"value\":\"x\"},"
	                   "\"acquiredAt\":\"2025-10-17T09:00:00Z\"}",
	        REPORT_TIME_IMPLAUSIBLE, "$.devices[0].acquiredAt");
}

static void a_fault_in_the_report_itself_names_its_path(void **state)
{
	(void)state;
	refused("[]", REPORT_FAULT_JSON, "$: must be an object");
	refused("{\"schema\":\"fleetport.report/2\"}", REPORT_FAULT_SCHEMA, "$.schema");
	refused("{}", REPORT_FAULT_SCHEMA, "$.schema");
	refused("{\"schema\":\"fleetport.report/1\"}", REPORT_FAULT_JSON, "$.reportId");
	refused("{\"schema\":\"fleetport.report/1\",\"reportId\":\"" REPORT_ID "\"}",
	        REPORT_FAULT_JSON, "$.agent");
	refused("{\"schema\":\"fleetport.report/1\",\"reportId\":\"7\"," AGENT_PART
	        ",\"devices\":[]}",
	        REPORT_FAULT_JSON, "$.reportId");
	refused(HEAD "\"devices\":{}}", REPORT_FAULT_JSON, "$.devices");
	refused(HEAD "\"x\":1}", REPORT_FAULT_JSON, "$.devices");
	refused("{\"schema\":\"fleetport.report/1\",\"reportId\":\"" REPORT_ID
	        "\",\"agent\":{\"id\":\"ag_1\",\"type\":\"pc\"},\"devices\":[]}",
	        REPORT_FAULT_JSON, "$.agent.type");
	refused(WHOLE(DEVICE("")) "x", REPORT_FAULT_JSON, "");
	refused(WHOLE(DEVICE(",\"model\":\"a\",\"model\":\"b\"")), REPORT_FAULT_JSON, "model");
}

static void a_report_beyond_the_limits_is_refused(void **state)
{
	struct buf b = BUF_INIT(REPORT_BYTES_MAX + 4096);
	struct reading r;

	(void)state;
	while (b.len <= REPORT_BYTES_MAX)
		buf_puts(&b, "                                                                ");
	r = read_len(b.data, b.len);
	assert_false(r.ok);
	assert_int_equal(r.fault, REPORT_FAULT_SIZE);
	arena_free(r.arena);
	buf_reset(&b);
	buf_puts(&b, HEAD "\"devices\":");
	for (int i = 0; i < REPORT_DEPTH_MAX; i++)
		buf_puts(&b, "[");
	for (int i = 0; i < REPORT_DEPTH_MAX; i++)
		buf_puts(&b, "]");
	buf_puts(&b, "}");
	refused(buf_text(&b), REPORT_FAULT_JSON, "$.devices");
	buf_free(&b);
}

static void the_257th_device_is_one_too_many(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	struct reading r;

	(void)state;
	buf_puts(&b, HEAD "\"devices\":[");
	for (int i = 0; i < REPORT_DEVICES_MAX; i++)
		buf_puts(&b, DEVICE("") ",");
	buf_puts(&b, DEVICE("") "]}");
	r = read_text(buf_text(&b));
	assert_true(r.ok);
	assert_int_equal(r.report.device_count, REPORT_DEVICES_MAX);
	assert_int_equal(r.report.rejected_count, 1);
	assert_int_equal(r.report.rejected[0].index, REPORT_DEVICES_MAX);
	assert_int_equal(r.report.rejected[0].code, REPORT_TOO_MANY_DEVICES);
	arena_free(r.arena);
	buf_free(&b);
}

static void without_memory_the_report_fails_whole(void **state)
{
	char text[8192];

	(void)state;
	snprintf(text, sizeof text, HEAD "\"devices\":[%s]}", full_device);
	for (size_t limit = 256; limit < 16384; limit += 256) {
		struct arena *arena = arena_new(limit);
		struct report report;
		enum report_fault fault;
		struct err e = ERR_CLEAR;

		assert_non_null(arena);
		if (report_read(text, strlen(text), NOW, arena, &report, &fault, &e))
			assert_int_equal(report.device_count, 1);
		else
			assert_int_equal(fault, REPORT_FAULT_MEMORY);
		arena_free(arena);
	}
}

static void an_answer_reads_back_as_it_was_written(void **state)
{
	const struct report_rejected rejected = {3, REPORT_TIME_IMPLAUSIBLE, "too old"};
	const struct report_warning warning = {"$.devices[0].x", "dropped"};
	const struct report_answer answer = {.report_id = REPORT_ID,
	        .duplicate = true,
	        .accepted = 7,
	        .rejected = &rejected,
	        .rejected_count = 1,
	        .warnings = &warning,
	        .warning_count = 1,
	        .operations_pending = true};
	struct arena *arena = arena_new(1 << 16);
	struct buf b = BUF_INIT(1 << 16);
	struct report_answer out;
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(report_answer_write(&answer, &b, &e));
	assert_true(report_answer_read(b.data, b.len, arena, &out, &e));
	assert_string_equal(out.report_id, REPORT_ID);
	assert_true(out.duplicate);
	assert_true(out.operations_pending);
	assert_int_equal(out.accepted, 7);
	assert_int_equal(out.rejected[0].code, REPORT_TIME_IMPLAUSIBLE);
	assert_string_equal(out.rejected[0].message, "too old");
	assert_string_equal(out.warnings[0].path, "$.devices[0].x");
	assert_false(report_answer_read("{}", 2, arena, &out, &e));
	buf_free(&b);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_documented_value_is_read),
	        cmocka_unit_test(what_is_written_reads_back_the_same),
	        cmocka_unit_test(an_absent_value_is_not_written_as_zero),
	        cmocka_unit_test(unknown_fields_are_dropped_with_a_warning_and_their_path),
	        cmocka_unit_test(warnings_are_bounded_and_counted),
	        cmocka_unit_test(one_bad_device_does_not_spoil_the_others),
	        cmocka_unit_test(a_time_too_far_back_or_ahead_is_implausible),
	        cmocka_unit_test(a_fault_in_the_report_itself_names_its_path),
	        cmocka_unit_test(a_report_beyond_the_limits_is_refused),
	        cmocka_unit_test(the_257th_device_is_one_too_many),
	        cmocka_unit_test(without_memory_the_report_fails_whole),
	        cmocka_unit_test(an_answer_reads_back_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attention.h"
#include "core/intake.h"
#include "lib/crypto.h"
#include "tests/helpers/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW    INT64_C(1790000000000) /* 2026-09-21T14:13:20Z */
#define MINUTE INT64_C(60000)

struct world {
	char *folder;
	struct sql_db *db;
	struct intake intake;
	struct intake_agent agent;
	struct arena *arena;
	struct buf answer;
	struct intake_result result;
	unsigned reports;
};

static void pass(bool ok, const struct err *e)
{
	if (!ok)
		fail_msg("%s: %s", err_name(e->code), e->text);
}

static int set_up(void **state)
{
	static const struct sql_table *const tables[] = {INTAKE_TABLES, NULL};
	static struct world w;
	struct err e = ERR_CLEAR;
	const unsigned stores = 1u << SQL_CORE | 1u << SQL_TELEMETRY;
	struct sql_options options = {.read = stores,
	        .write = stores,
	        .own = stores,
	        .migrate = stores,
	        .readers = 2,
	        .tables = tables};

	w = (struct world){.folder = test_folder_new()};
	options.directory = w.folder;
	pass(crypto_init(&e) && sql_migrate(w.folder, stores, &e), &e);
	test_store_exec(w.folder, SQL_CORE,
	        "INSERT INTO organisation (id, public_id, kind, name, created_at) VALUES"
	        " (1, 'or_a', 'customer', 'A', 0), (2, 'or_b', 'customer', 'B', 0);"
	        "INSERT INTO device_group (id, public_id, organisation_id, name, is_default, "
	        "created_at) VALUES"
	        " (1, 'gr_a', 1, 'Default', 1, 0), (2, 'gr_a2', 1, 'Hall 2', 0, 0), (3, 'gr_b', 2, "
	        "'Default', 1, 0);"
	        "INSERT INTO agent (id, public_id, customer_id, type, event_key, created_at) VALUES"
	        " (1, 'ag_a', 1, 'dc', x'00', 0), (2, 'ag_b', 2, 'dc', x'00', 0);");
	pass(sql_open(&options, &w.db, &e), &e);
	w.intake = (struct intake){.db = w.db};
	w.agent = (struct intake_agent){.id = 1,
	        .public_id = "ag_a",
	        .customer_id = 1,
	        .customer_public_id = "or_a",
	        .customer_region = "",
	        .device_limit = 3};
	w.arena = arena_new(64 << 20);
	w.answer = (struct buf)BUF_INIT(1 << 20);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	sql_close(w->db);
	arena_free(w->arena);
	buf_free(&w->answer);
	test_store_intact(w->folder, SQL_CORE);
	test_store_intact(w->folder, SQL_TELEMETRY);
	test_folder_remove(w->folder);
	return 0;
}

/* A report of that id around devices as JSON members. */
static bool store(struct world *w, struct arena *arena, const char *id, const char *devices,
        struct buf *answer, struct intake_result *result, struct err *e)
{
	struct report report;
	enum report_fault fault;
	const char *text;

	text = arena_printf(arena,
	        "{\"schema\":\"fleetport.report/"
	        "1\",\"reportId\":\"%s\",\"agent\":{\"id\":\"%s\",\"type\":\"dc\","
	        "\"version\":\"1.0.0\",\"collectionType\":\"scheduled\",\"sentAt\":\"2026-09-21T14:"
	        "13:20.000Z\"},"
	        "\"devices\":[%s]}",
	        id, w->agent.public_id, devices);
	assert_non_null(text);
	return report_read(text, strlen(text), NOW, arena, &report, &fault, e) &&
	       intake_store(&w->intake, &w->agent, &report, NOW, false, arena, answer, result, e);
}

/* The report gets a new id unless one is given. */
static void send_as(struct world *w, const char *id, const char *devices)
{
	struct err e = ERR_CLEAR;
	char own[40];

	(void)snprintf(own, sizeof own, "00000000-0000-7000-8000-%012u", ++w->reports);
	arena_reset(w->arena);
	buf_reset(&w->answer);
	pass(store(w, w->arena, id == NULL ? own : id, devices, &w->answer, &w->result, &e), &e);
}

static void send(struct world *w, const char *devices)
{
	send_as(w, NULL, devices);
}

#define DEVICE(serial, at, rest)                                                                   \
	"{\"manufacturer\":\"ACME\",\"model\":\"Plot 1\",\"serialNumber\":\"" serial               \
	"\",\"identity\":{\"kind\":\"serial\",\"value\":\"ACME " serial                            \
	"\"},\"acquiredAt\":\"2026-09-21T" at "\"" rest "}"
/* One that does not tell who it is. */
#define NAMELESS(entry, at)                                                                        \
	"{\"manufacturer\":\"ACME\",\"model\":\"Plot 1\",\"identity\":{\"kind\":\"entry\","        \
	"\"value\":\"" entry "\"},\"entry\":\"" entry "\",\"acquiredAt\":\"2026-09-21T" at "\"}"
#define INK(level)                                                                                 \
	",\"supplies\":[{\"index\":1,\"class\":\"supplyThatIsConsumed\",\"type\":\"ink\","         \
	"\"color\":\"cyan\",\"name\":\"C\","                                                       \
	"\"unit\":\"percent\",\"capacity\":100,\"level\":" level ",\"resolution\":\"exact\"}]"

static int64_t core(struct world *w, const char *sql)
{
	return test_store_number(w->folder, SQL_CORE, sql);
}

static int64_t telemetry(struct world *w, const char *sql)
{
	return test_store_number(w->folder, SQL_TELEMETRY, sql);
}

static void a_new_device_is_put_into_the_default_group_with_its_list_columns(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z",
	                ",\"status\":{\"state\":\"stopped\",\"reasons\":[\"media-jam-error\"]}" INK(
	                        "42")));
	assert_non_null(strstr(buf_text(&w->answer), "\"accepted\":1"));
	assert_int_equal(w->result.created, 1);
	assert_int_equal(core(w, "SELECT count(*) FROM device WHERE group_id = 1 AND state = "
	                         "'stopped' AND attention = 3"
	                         " AND attention_text = 'media-jam' AND lowest_supply = 42 AND "
	                         "name = 'Plot 1'"),
	        1);
	assert_int_equal(telemetry(w, "SELECT count(*) FROM event WHERE reason = 'media-jam' AND "
	                              "cleared_at IS NULL"),
	        1);
	assert_int_equal(telemetry(w, "SELECT count(*) FROM event WHERE code = 'device-added' AND "
	                              "cleared_at = at"),
	        1);
}

static void a_repeated_report_is_answered_from_the_store(void **state)
{
	struct world *w = *state;
	const char *id = "11111111-0000-7000-8000-000000000001";

	send_as(w, id, DEVICE("X1", "14:00:00.000Z", INK("50")));
	assert_non_null(strstr(buf_text(&w->answer), "\"duplicate\":false"));
	send_as(w, id, DEVICE("X1", "14:00:00.000Z", INK("50")));
	assert_true(w->result.duplicate);
	assert_non_null(strstr(buf_text(&w->answer), "\"duplicate\":true"));
	assert_non_null(strstr(buf_text(&w->answer), "\"accepted\":1"));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM report_seen"), 1);
}

enum { SENDERS = 8, ROUNDS = 20 };

/* One of those who send the same report at the same time. */
struct sender {
	struct world *w;
	pthread_barrier_t *together;
	const char *id, *devices;
	struct intake_result result;
	struct err e;
	bool ok;
};

static void *sender_main(void *arg)
{
	struct sender *s = arg;
	struct arena *arena = arena_new(64 << 20);
	struct buf answer = BUF_INIT(1 << 20);

	(void)pthread_barrier_wait(s->together);
	s->ok = arena != NULL && store(s->w, arena, s->id, s->devices, &answer, &s->result, &s->e);
	buf_free(&answer);
	arena_free(arena);
	return NULL;
}

/* An agent that gave up waiting sends its report again while the first is still being taken: whichever comes
 * first is taken, the others are its repeats, and none is refused. */
static void a_report_that_comes_several_times_at_once_is_taken_once(void **state)
{
	struct world *w = *state;
	pthread_barrier_t together;

	assert_int_equal(pthread_barrier_init(&together, NULL, SENDERS), 0);
	w->agent.device_limit = ROUNDS;
	for (int round = 0; round < ROUNDS; round++) {
		struct sender senders[SENDERS];
		pthread_t threads[SENDERS];
		char id[40], devices[400];
		int first = 0;
		(void)snprintf(id, sizeof id, "22222222-0000-7000-8000-%012d", round);
		(void)snprintf(devices, sizeof devices,
		        "{\"manufacturer\":\"ACME\",\"identity\":{\"kind\":\"serial\",\"value\":"
		        "\"ACME S%d\"},\"acquiredAt\":\"2026-09-21T14:00:00.000Z\"}",
		        round);
		for (int i = 0; i < SENDERS; i++) {
			senders[i] = (struct sender){
			        .w = w, .together = &together, .id = id, .devices = devices};
			assert_int_equal(
			        pthread_create(&threads[i], NULL, sender_main, &senders[i]), 0);
		}
		for (int i = 0; i < SENDERS; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		for (int i = 0; i < SENDERS; i++) {
			pass(senders[i].ok, &senders[i].e);
			first += !senders[i].result.duplicate;
		}
		assert_int_equal(first, 1);
	}
	(void)pthread_barrier_destroy(&together);
	assert_int_equal(core(w, "SELECT count(*) FROM device"), ROUNDS);
	assert_int_equal(
	        telemetry(w, "SELECT count(*) FROM event WHERE code = 'device-added'"), ROUNDS);
}

static void only_the_last_64_report_ids_are_kept(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 70; i++)
		send(w, DEVICE("X1", "14:00:00.000Z", ""));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM report_seen"), 64);
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 1);
}

static void unchanged_values_are_not_stored_again(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z", INK("50") ",\"counters\":{\"impressions\":10}"));
	send(w, DEVICE("X1", "14:05:00.000Z", INK("50") ",\"counters\":{\"impressions\":10}"));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM sample"), 2);
	send(w, DEVICE("X1", "14:10:00.000Z", INK("49") ",\"counters\":{\"impressions\":12}"));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM sample"), 4);
	assert_int_equal(telemetry(w, "SELECT level FROM supply"), 49);
}

static void older_data_goes_into_history_and_leaves_the_state(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z",
	                ",\"status\":{\"state\":\"idle\",\"reasons\":[]}" INK("50")));
	send(w, DEVICE("X1", "10:00:00.000Z",
	                ",\"status\":{\"state\":\"stopped\",\"reasons\":[]}" INK("60")));
	assert_int_equal(telemetry(w, "SELECT level FROM supply"), 50);
	assert_int_equal(telemetry(w, "SELECT count(*) FROM device_state WHERE state = 'idle'"), 1);
	assert_int_equal(
	        telemetry(w, "SELECT count(*) FROM sample WHERE metric = 'supply.1.level'"), 2);
	assert_int_equal(core(w, "SELECT lowest_supply FROM device"), 50);
}

static void a_report_of_days_ago_is_no_sign_of_life_now(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "10:00:00.000Z", ""));
	assert_int_equal(telemetry(w, "SELECT seen_at FROM device_seen"),
	        NOW - 4 * 60 * MINUTE - 13 * MINUTE - 20000);
	assert_int_equal(core(w, "SELECT seen_hour FROM device"),
	        (NOW - 5 * 60 * MINUTE) / (60 * MINUTE) * (60 * MINUTE) + 60 * MINUTE);
	send(w, DEVICE("X1", "14:10:00.000Z", ""));
	assert_int_equal(
	        core(w, "SELECT seen_hour FROM device"), NOW / (60 * MINUTE) * (60 * MINUTE));
}

static void a_counter_that_falls_is_an_event(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z", ",\"counters\":{\"inkUsedMl\":{\"cyan\":100.5}}"));
	send(w, DEVICE("X1", "14:05:00.000Z", ",\"counters\":{\"inkUsedMl\":{\"cyan\":3}}"));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM event WHERE code = 'counter-fell'"), 1);
}

static void a_counter_that_is_not_told_stays(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z", ",\"counters\":{\"impressions\":10,\"sheets\":4}"));
	send(w, DEVICE("X1", "14:05:00.000Z", ",\"counters\":{\"impressions\":11}"));
	assert_int_equal(telemetry(w, "SELECT counters ->> 'sheets' FROM device_state"), 4);
	assert_int_equal(telemetry(w, "SELECT counters ->> 'impressions' FROM device_state"), 11);
}

static void a_reason_that_goes_clears_its_event(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z",
	                ",\"status\":{\"state\":\"idle\",\"reasons\":[\"media-low-warning\"]}"));
	assert_int_equal(core(w, "SELECT attention FROM device"), 2);
	send(w, DEVICE("X1", "14:05:00.000Z", ",\"status\":{\"state\":\"idle\",\"reasons\":[]}"));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM event WHERE reason = 'media-low' AND "
	                              "cleared_at IS NOT NULL"),
	        1);
	assert_int_equal(core(w, "SELECT attention FROM device"), 0);
}

static void events_jobs_and_cleanings_are_stored_once(void **state)
{
	struct world *w = *state;
	const char *device = DEVICE("X1", "14:00:00.000Z",
	        ",\"events\":[{\"id\":\"e1\",\"at\":\"2026-09-20T00:00:00.000Z\",\"severity\":"
	        "\"error\",\"code\":\"04\"}],"
	        "\"jobs\":[{\"id\":\"j1\",\"startedAt\":\"2026-09-20T00:00:00.000Z\",\"endedAt\":"
	        "\"2026-09-20T00:10:00.000Z\","
	        "\"state\":\"completed\",\"areaM2\":1.5}],"
	        "\"cleanings\":[{\"id\":\"c1\",\"at\":\"2026-09-20T00:00:00.000Z\",\"kind\":"
	        "\"normal\",\"trigger\":\"panel\"}]");

	send(w, device);
	send(w, device);
	assert_int_equal(telemetry(w, "SELECT count(*) FROM event WHERE event_id = 'e1'"), 1);
	assert_int_equal(telemetry(w, "SELECT count(*) FROM job"), 1);
	assert_int_equal(telemetry(w, "SELECT count(*) FROM cleaning"), 1);
}

static void changed_settings_are_kept_with_old_and_new_value(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z",
	                ",\"settings\":{\"panel\":{\"language\":\"en\",\"beep\":true}}"));
	send(w, DEVICE("X1", "14:05:00.000Z",
	                ",\"settings\":{\"panel\":{\"language\":\"ja\",\"beep\":true}}"));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM setting_change WHERE name = 'language' "
	                              "AND old_value = 'en'"
	                              " AND new_value = 'ja'"),
	        1);
	assert_int_equal(telemetry(w, "SELECT count(*) FROM setting_change"), 1);
}

static void a_serial_that_appears_later_joins_the_same_device(void **state)
{
	struct world *w = *state;

	send(w, "{\"model\":\"Plot "
	        "1\",\"identity\":{\"kind\":\"mac\",\"value\":\"00:11:22:33:44:55\"},\"entry\":"
	        "\"hall\","
	        "\"acquiredAt\":\"2026-09-21T14:00:00.000Z\"}");
	send(w, "{\"manufacturer\":\"ACME\",\"model\":\"Plot "
	        "1\",\"serialNumber\":\"X1\",\"identity\":{\"kind\":\"serial\","
	        "\"value\":\"ACME "
	        "X1\"},\"entry\":\"hall\",\"acquiredAt\":\"2026-09-21T14:05:00.000Z\"}");
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 1);
	assert_int_equal(core(w, "SELECT count(*) FROM device WHERE identity_kind = 'serial' AND "
	                         "serial_number = 'X1'"),
	        1);
	assert_int_equal(
	        telemetry(w, "SELECT count(*) FROM event WHERE code = 'serial-appeared'"), 1);
}

/* Serial numbers that a maker gives out twice, or a placeholder: the report must not fail for it, now and at
 * every repeat. */
static void one_serial_that_appears_behind_two_entries_does_not_spoil_the_report(void **state)
{
	struct world *w = *state;

	send(w, NAMELESS("hall", "14:00:00.000Z") "," NAMELESS("yard", "14:00:00.000Z"));
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 2);
	for (int i = 0; i < 2; i++) {
		send(w, DEVICE("X1", "14:05:00.000Z", ",\"entry\":\"hall\"") "," DEVICE("X1",
		                "14:05:01.000Z",
		                ",\"entry\":\"yard\"") "," DEVICE("X9", "14:05:02.000Z", ""));
		assert_int_equal(w->result.rejected, 0);
	}
	assert_int_equal(core(w, "SELECT count(*) FROM device WHERE identity_kind = 'serial'"), 2);
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 3);
}

static void another_serial_behind_the_same_entry_is_another_device(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z", ",\"entry\":\"hall\""));
	send(w, DEVICE("X2", "14:05:00.000Z", ",\"entry\":\"hall\""));
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 2);
}

static void the_same_serial_at_two_customers_is_two_devices_and_is_noticed(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z", ""));
	assert_int_equal(w->result.twins, 0);
	w->agent = (struct intake_agent){.id = 2,
	        .public_id = "ag_b",
	        .customer_id = 2,
	        .customer_public_id = "or_b",
	        .customer_region = "",
	        .device_limit = 3};
	send(w, DEVICE("X1", "14:00:00.000Z", ""));
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 2);
	assert_int_equal(w->result.twins, 1);
	assert_true(strncmp(w->result.twin_ids[0], "de_", 3) == 0);
}

static void the_group_that_the_list_entry_names_is_used(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z", ",\"group\":\"Hall 2\""));
	send(w, DEVICE("X2", "14:00:00.000Z", ",\"group\":\"no such\""));
	assert_int_equal(core(w, "SELECT group_id FROM device WHERE serial_number = 'X1'"), 2);
	assert_int_equal(core(w, "SELECT group_id FROM device WHERE serial_number = 'X2'"), 1);
}

static void an_agent_brings_no_more_devices_than_it_may(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z", "") "," DEVICE("X2", "14:00:00.000Z", "") "," DEVICE(
	                "X3", "14:00:00.000Z", "") "," DEVICE("X4", "14:00:00.000Z", ""));
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 3);
	assert_non_null(strstr(buf_text(&w->answer), "\"accepted\":3"));
	assert_non_null(strstr(buf_text(&w->answer), "too-many-devices"));
	assert_int_equal(w->result.rejected, 1);
}

static void a_region_that_is_not_served_is_rejected(void **state)
{
	static const char *const regions[] = {"EU", NULL};
	struct world *w = *state;

	w->intake.regions = regions;
	send(w, DEVICE("X1", "14:00:00.000Z", ",\"regionCode\":\"EU\"") "," DEVICE(
	                "X2", "14:00:00.000Z", ",\"regionCode\":\"CN\""));
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 1);
	assert_non_null(strstr(buf_text(&w->answer), "\"index\":1"));
	assert_non_null(strstr(buf_text(&w->answer), "region-not-served"));
}

static void one_bad_device_does_not_spoil_the_others(void **state)
{
	struct world *w = *state;

	send(w, "{\"model\":\"nameless\",\"acquiredAt\":\"2026-09-21T14:00:00.000Z\"}," DEVICE(
	                "X1", "14:00:00.000Z", ""));
	assert_non_null(strstr(buf_text(&w->answer), "identity-missing"));
	assert_int_equal(core(w, "SELECT count(*) FROM device"), 1);
}

static void a_crash_before_the_list_columns_heals_at_the_next_report(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z", ",\"status\":{\"state\":\"idle\",\"reasons\":[]}"));
	test_store_exec(w->folder, SQL_CORE, "UPDATE device SET state = 'stopped', attention = 3");
	send(w, DEVICE("X1", "14:05:00.000Z", ",\"status\":{\"state\":\"idle\",\"reasons\":[]}"));
	assert_int_equal(
	        core(w, "SELECT count(*) FROM device WHERE state = 'idle' AND attention = 0"), 1);
}

static void a_supply_that_runs_low_asks_for_attention(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z",
	                ",\"status\":{\"state\":\"idle\",\"reasons\":[]}" INK("7")));
	assert_int_equal(core(w, "SELECT count(*) FROM device WHERE attention = 2 AND "
	                         "attention_text = 'marker-supply-low'"),
	        1);
}

/* The printer calls it a mere report; the level that it tells is not one that asks for attention. */
static void a_reason_of_a_low_supply_is_a_warning_whatever_the_printer_calls_it(void **state)
{
	struct world *w = *state;

	send(w, DEVICE("X1", "14:00:00.000Z",
	                ",\"status\":{\"state\":\"idle\",\"reasons\":[\"media-low-report\","
	                "\"toner-low-report\"]}" INK("50")));
	assert_int_equal(core(w, "SELECT count(*) FROM device WHERE attention = 2 AND "
	                         "attention_text = 'toner-low'"),
	        1);
	assert_int_equal(device_attention_of("media-low", "report"), DEVICE_ATTENTION_REPORT);
	assert_int_equal(device_attention_of("marker-adjusting-print-quality", "report"),
	        DEVICE_ATTENTION_REPORT);
	assert_int_equal(
	        device_attention_of("marker-supply-low", "report"), DEVICE_ATTENTION_WARNING);
	assert_int_equal(device_attention_of("opc-near-eol", "report"), DEVICE_ATTENTION_WARNING);
	assert_int_equal(device_attention_of("marker-waste-ink-receptacle-almost-full", "warning"),
	        DEVICE_ATTENTION_WARNING);
	assert_int_equal(device_attention_of("toner-low", "error"), DEVICE_ATTENTION_ERROR);
	assert_int_equal(device_attention_of(NULL, "report"), DEVICE_ATTENTION_REPORT);
}

static void percent_needs_a_known_capacity_and_level(void **state)
{
	const struct report_int none = {.set = false}, unknown = {.set = true, .value = -2},
	                        hundred = {true, 100}, two_hundred = {true, 200},
	                        fifty = {true, 50};

	(void)state;
	assert_int_equal(intake_supply_percent(3, REPORT_UNIT_OTHER, &none, &fifty), -1);
	assert_int_equal(intake_supply_percent(3, REPORT_UNIT_OTHER, &unknown, &fifty), -1);
	assert_int_equal(intake_supply_percent(3, REPORT_UNIT_OTHER, &hundred, &none), -1);
	assert_int_equal(intake_supply_percent(3, REPORT_UNIT_OTHER, &hundred, &unknown), -1);
	assert_int_equal(intake_supply_percent(3, REPORT_UNIT_PERCENT, &none, &fifty), 50);
	assert_int_equal(intake_supply_percent(3, REPORT_UNIT_OTHER, &two_hundred, &fifty), 25);
	assert_int_equal(intake_supply_percent(3, REPORT_UNIT_OTHER, &hundred, &two_hundred), 100);
}

static void lookups_use_indexes(void **state)
{
	static const struct sql_table *const tables[] = {INTAKE_TABLES};
	struct world *w = *state;

	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
		for (size_t i = 0; i < tables[t]->count; i++)
			test_store_plan_is_fast(w->folder, &tables[t]->list[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#define DEVICE_OPEN                                                                                \
	"{\"manufacturer\":\"ACME\",\"model\":\"Plot 1\",\"serialNumber\":\"M1\",\"identity\":{"   \
	"\"kind\":\"serial\",\"value\":\"ACME M1\"},\"acquiredAt\":\"2026-09-21T14:09:00Z\","      \
	"\"supplies\":["

/* More than the reader makes room for at first, known by a report that names none, and by one that names one. */
static void a_device_with_many_supplies_keeps_and_loses_them_all(void **state)
{
	struct world *w = *state;
	struct buf list = BUF_INIT(64 << 10);

	for (unsigned i = 1; i <= 60; i++)
		buf_printf(&list,
		        "%s{\"index\":%u,\"name\":\"Ink %u\",\"unit\":\"percent\",\"capacity\":100,"
		        "\"level\":%u}",
		        i == 1 ? DEVICE_OPEN : ",", i, i, 20 + i);
	buf_puts(&list, "]}");
	assert_false(list.failed);
	send(w, buf_text(&list));
	buf_free(&list);
	assert_int_equal(telemetry(w, "SELECT count(*) FROM supply"), 60);
	send(w, DEVICE("M1", "14:10:00Z", ""));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM supply"), 60);
	assert_int_equal(core(w, "SELECT lowest_supply FROM device"), 21);
	send(w, DEVICE("M1", "14:11:00Z", INK("50")));
	assert_int_equal(telemetry(w, "SELECT count(*) FROM supply"), 1);
	assert_int_equal(core(w, "SELECT lowest_supply FROM device"), 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_new_device_is_put_into_the_default_group_with_its_list_columns),
	        TEST(a_repeated_report_is_answered_from_the_store),
	        TEST(a_report_that_comes_several_times_at_once_is_taken_once),
	        TEST(only_the_last_64_report_ids_are_kept),
	        TEST(unchanged_values_are_not_stored_again),
	        TEST(older_data_goes_into_history_and_leaves_the_state),
	        TEST(a_report_of_days_ago_is_no_sign_of_life_now),
	        TEST(a_counter_that_falls_is_an_event),
	        TEST(a_counter_that_is_not_told_stays),
	        TEST(a_reason_that_goes_clears_its_event),
	        TEST(events_jobs_and_cleanings_are_stored_once),
	        TEST(changed_settings_are_kept_with_old_and_new_value),
	        TEST(a_serial_that_appears_later_joins_the_same_device),
	        TEST(one_serial_that_appears_behind_two_entries_does_not_spoil_the_report),
	        TEST(another_serial_behind_the_same_entry_is_another_device),
	        TEST(the_same_serial_at_two_customers_is_two_devices_and_is_noticed),
	        TEST(the_group_that_the_list_entry_names_is_used),
	        TEST(an_agent_brings_no_more_devices_than_it_may),
	        TEST(a_region_that_is_not_served_is_rejected),
	        TEST(one_bad_device_does_not_spoil_the_others),
	        TEST(a_crash_before_the_list_columns_heals_at_the_next_report),
	        TEST(a_supply_that_runs_low_asks_for_attention),
	        TEST(a_reason_of_a_low_supply_is_a_warning_whatever_the_printer_calls_it),
	        TEST(a_device_with_many_supplies_keeps_and_loses_them_all),
	        cmocka_unit_test(percent_needs_a_known_capacity_and_level),
	        TEST(lookups_use_indexes),
	};

	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}

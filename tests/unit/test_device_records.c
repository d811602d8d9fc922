/* SPDX-License-Identifier: Apache-2.0 */
/* What a device kept account of: on its page in short, and whole on a page of its own. */
#include "cgi/user/routes.h"
#include "tests/helpers/site.h"
#include "tests/helpers/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OWN     "/devices/de_0000000000000000000001"
#define FOREIGN "/devices/de_0000000000000000000003"
#define MISSING "/devices/de_9999999999999999999999"

enum { JOBS = 120, PAGE = 50 };

static struct world *world;
static pid_t audit;
static struct test_site *site;
static const char *token;

static void add_device(int id, const struct world_ids *owner)
{
	struct world_ids group = world_default_group(world, owner);
	char text[1200];

	snprintf(text, sizeof text,
	        "INSERT INTO device (id, public_id, customer_id, group_id, identity_kind,"
	        " identity_value, manufacturer, model, serial_number, name, search_key, state,"
	        " attention, attention_text, first_seen_at, seen_hour, list_version)"
	        " VALUES (%d, 'de_%022d', %lld, %lld, 'serial', 'S%d', 'ACME', 'M', 'S%d', 'M', "
	        "'m',"
	        " 'idle', 0, '', 1, 1, 1); INSERT INTO agent (id, public_id, customer_id, type,"
	        " event_key, version, os, created_at) VALUES (%d, 'ag_%022d', %lld, 'es', x'00',"
	        " '9.8.7', 'Proto<OS> 3.1 (embedded)', 1); UPDATE device SET agent_id = %d"
	        " WHERE id = %d",
	        id, id, (long long)owner->id, (long long)group.id, id, id, id, id,
	        (long long)owner->id, id, id);
	test_store_exec(world->folder, SQL_CORE, text);
}

/* Jobs end two at the same moment, so that a page's end falls between two of one time. */
static void tell_jobs(void)
{
	char text[400];

	for (int i = 0; i < JOBS; i++) {
		snprintf(text, sizeof text,
		        "INSERT INTO job (device, ended_at, job_id, started_at, state, media) "
		        "VALUES"
		        " (1, %d, 'j&%03d', %d, 'completed', 'Roll %03d')",
		        100000 + (i + 1) / 2, i, 40000 + (i + 1) / 2, i);
		test_store_exec(world->folder, SQL_TELEMETRY, text);
	}
	test_store_exec(world->folder, SQL_TELEMETRY,
	        "INSERT INTO job (device, ended_at, job_id, started_at, state, reasons, "
	        "impressions,"
	        " sheets, area_m2, media, ink_used) VALUES (1, 900000, 'last', 840000, 'aborted',"
	        " '[\"aborted-by-system\",\"resources-are-not-ready\"]', 1007, 1005, 3.25, 'Matte "
	        "<x>',"
	        " '{\"cyan\":1.5,\"black\":2.25}')");
}

static void tell(void)
{
	tell_jobs();
	test_store_exec(world->folder, SQL_TELEMETRY,
	        "INSERT INTO device_state (device, acquired_at, received_at, agent, collection, "
	        "state,"
	        " state_since, reasons, codes, counters, device_time, region, country, sampled_day)"
	        " VALUES (1, 1000, 1000, 1, 'scheduled', 'idle', 1000, '[]', '[]', '{}',"
	        " 1795374000000, 'EURO', 'SE', 0);"
	        "INSERT INTO supply (device, idx, class, type, color, name, unit, capacity, level,"
	        " resolution, serial_number, installed_at, changed_at) VALUES (1, 1,"
	        " 'supplyThatIsConsumed', 'ink', 'cyan', 'Cyan', 'tenthsOfMilliliters', 7000, 3500,"
	        " 'exact', 'CART<7>', 1795287600000, 1);"
	        "INSERT INTO event (device, at, event_id, cleared_at, severity, code, reason, text)"
	        " VALUES (1, 1795374000000, 'e', 1795377600000, 'error', 'E<9>', 'media-jam',"
	        " 'Rear & left');"
	        "INSERT INTO cleaning (device, at, cleaning_id, kind, trigger_by, ink_used_ml) "
	        "VALUES"
	        " (1, 2000, 'c', 'power', 'schedule', 12.5);"
	        "INSERT INTO maintenance (device, at, maintenance_id, kind, part, count) VALUES"
	        " (1, 2000, 'm', 'cutter replaced', 'blade <B>', 1003), (1, 1000, 'n', 'checked',"
	        " NULL, NULL);"
	        "INSERT INTO setting_change (device, at, category, name, old_value, new_value) "
	        "VALUES"
	        " (1, 2000, 'network', 'hostName', 'old&1', 'new&2'), (1, 2000, 'panel', 'sleep',"
	        " NULL, 'fifteen')");
}

static int set_up(void **state)
{
	struct world_ids customer, other, person;

	(void)state;
	world = world_new(NULL);
	audit = test_audit_start(world);
	customer = world_organisation(world, "customer", "Blue Print");
	other = world_organisation(world, "customer", "Other");
	person = world_person(world, &customer, ROLE_CUSTOMER_ADMIN, "ada");
	site = test_site_open(world, &user_site, NULL);
	add_device(1, &customer);
	add_device(3, &other);
	tell();
	token = test_session(site, &person);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_site_close(site);
	test_audit_kill(audit);
	world_free(world);
	return 0;
}

static const char *get(const char *target)
{
	return test_ask(site, &(struct test_request){.target = target, .token = token});
}

static const char *get_page(const char *target)
{
	const char *answer = get(target);

	if (test_status(answer) != 200)
		fail_msg("%s: %s", target, answer);
	return test_body(answer);
}

static void assert_shows(const char *page, const char *text)
{
	if (strstr(page, text) == NULL)
		fail_msg("\"%s\" is not on:\n%s", text, page);
}

static void assert_all(const char *page, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		assert_shows(page, *texts);
}

static const char *const job_words[] = {"aborted", "<small>aborted-by-system</small>",
        "<small>resources-are-not-ready</small>", "Matte &lt;x&gt;", "1,007", "1,005", "3.3 m²",
        "cyan 1.5 ml, black 2.25 ml", "1 min", NULL};
static const char *const cleaning_words[] = {">power<", ">schedule<", "12.5 ml", NULL};
static const char *const maintenance_words[] = {
        "cutter replaced", "blade &lt;B&gt;", "1,003", ">checked<", NULL};
static const char *const change_words[] = {
        ">hostName<", "old&amp;1", "new&amp;2", ">sleep<", "fifteen", NULL};
static const char *const event_words[] = {
        "Paper jam", "E&lt;9&gt;", "Rear &amp; left", "2026-11-22 19:00", NULL};

static void the_devices_page_shows_all_that_is_stored_about_it(void **state)
{
	static const char *const facts[] = {"EURO, SE", "in the printer", "version 9.8.7",
	        "Proto&lt;OS&gt; 3.1 (embedded)", "Its own clock", "2026-11-22 19:00",
	        "Serial number CART&lt;7&gt;", "2026-11-21 19:00", "of 7,000", "50 %", NULL};
	const char *page = get_page(OWN);

	(void)state;
	assert_all(page, facts);
	assert_all(page, job_words);
	assert_all(page, cleaning_words);
	assert_all(page, maintenance_words);
	assert_all(page, change_words);
	assert_shows(page, "Paper jam");
	assert_shows(page, "<code>E&lt;9&gt;</code> Rear &amp; left");
	/* in short: what is more stands behind a link */
	assert_shows(page, "the newest 10");
	assert_shows(page, "<a href=\"" OWN "/records?of=jobs\">All jobs</a>");
	assert_shows(page, "<a href=\"" OWN "/records?of=events\">");
	assert_null(strstr(page, "/records?of=cleanings"));
	assert_null(strstr(page, "Roll 100"));
}

static void a_page_of_a_kind_shows_every_value_of_it(void **state)
{
	(void)state;
	assert_all(get_page(OWN "/records?of=jobs"), job_words);
	assert_all(get_page(OWN "/records?of=cleanings"), cleaning_words);
	assert_all(get_page(OWN "/records?of=maintenance"), maintenance_words);
	assert_all(get_page(OWN "/records?of=changes"), change_words);
	assert_all(get_page(OWN "/records?of=events"), event_words);
	assert_all(get_page(OWN "/records"), event_words);
}

/* The address of the link to the next page; false: there is none. */
static bool find_next(const char *page, char *link, size_t max)
{
	const char *at = strstr(page, "rel=\"next\" href=\"");
	size_t len = 0;

	if (at == NULL)
		return false;
	for (at += strlen("rel=\"next\" href=\""); *at != '"'; at++) {
		assert_true(len + 1 < max);
		link[len++] = *at;
		if (strncmp(at, "&amp;", 5) == 0)
			at += 4;
	}
	link[len] = '\0';
	return true;
}

static void every_row_is_on_one_page_also_where_two_are_of_one_time(void **state)
{
	char link[600] = OWN "/records?of=jobs", text[20];
	int seen[JOBS] = {0}, pages = 0;
	bool more = true;

	(void)state;
	for (; more; pages++) {
		const char *page = get_page(link);

		for (int i = 0; i < JOBS; i++) {
			snprintf(text, sizeof text, "Roll %03d", i);
			seen[i] += strstr(page, text) != NULL;
		}
		assert_int_equal(strstr(page, "First page") != NULL, pages > 0);
		more = find_next(page, link, sizeof link);
	}
	assert_int_equal(pages, (JOBS + 1 + PAGE - 1) / PAGE);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(seen[i], 1);
}

static void the_changes_of_one_moment_are_parted_by_name(void **state)
{
	const char *page = get_page(OWN "/records?of=changes&after=2000.panel.sleep");

	(void)state;
	assert_shows(page, ">hostName<");
	assert_null(strstr(page, ">sleep<"));
	page = get_page(OWN "/records?of=changes&after=2000.network.hostName");
	assert_shows(page, "The printer has told nothing of this kind.");
}

static void what_the_page_does_not_know_is_a_400(void **state)
{
	static const char *const targets[] = {OWN "/records?of=prints",
	        OWN "/records?of=jobs&after=nonsense", OWN "/records?of=jobs&after=-1.x",
	        OWN "/records?of=jobs&after=.x",
	        OWN "/records?of=jobs&after=99999999999999999999.x",
	        OWN "/records?of=jobs&of=events"};

	(void)state;
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
		if (test_status(get(targets[i])) != 400)
			fail_msg("%s", targets[i]);
}

/* The answer without what differs from request to request. */
static void copy_page(const char *target, char *copy, size_t max)
{
	const char *answer = get(target);
	char *reference;

	assert_int_equal(test_status(answer), 404);
	assert_true(strlen(test_body(answer)) < max);
	snprintf(copy, max, "%s", test_body(answer));
	reference = strstr(copy, "<code>");
	assert_non_null(reference);
	memset(reference + 6, 'x', 32);
}

static void a_foreign_devices_records_answer_as_a_missing_ones(void **state)
{
	static char foreign[20000], missing[20000];

	(void)state;
	copy_page(FOREIGN "/records?of=jobs", foreign, sizeof foreign);
	copy_page(MISSING "/records?of=jobs", missing, sizeof missing);
	assert_string_equal(foreign, missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_devices_page_shows_all_that_is_stored_about_it),
	        cmocka_unit_test(a_page_of_a_kind_shows_every_value_of_it),
	        cmocka_unit_test(every_row_is_on_one_page_also_where_two_are_of_one_time),
	        cmocka_unit_test(the_changes_of_one_moment_are_parted_by_name),
	        cmocka_unit_test(what_the_page_does_not_know_is_a_400),
	        cmocka_unit_test(a_foreign_devices_records_answer_as_a_missing_ones),
	};

	return cmocka_run_group_tests_name("device records", tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The device pages of the user site, whole: from the stores to the HTML. */
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

#define HOUR   INT64_C(3600000)
#define MINUTE INT64_C(60000)

enum { MANY = 60 };

static struct world *world;
static pid_t audit;
static struct test_site *site;
static struct world_ids customer, other;
static const char *token;

static void add_device(int64_t id, const struct world_ids *owner, const char *name,
        const char *state, int attention, const char *reason, const char *supply, int64_t seen)
{
	struct world_ids group = world_default_group(world, owner);
	char text[1400];

	snprintf(text, sizeof text,
	        "INSERT INTO device (id, public_id, customer_id, group_id, identity_kind,"
	        " identity_value, manufacturer, model, serial_number, name, search_key, state,"
	        " attention, attention_text, lowest_supply, first_seen_at, seen_hour, list_version)"
	        " VALUES (%lld, 'de_%022lld', %lld, %lld, 'serial', 'S%lld', 'ACME', '%s',"
	        " 'S<%lld>', '%s', lower('acme %s s%lld'), '%s', %d, '%s', %s, 1, %lld, 1)",
	        (long long)id, (long long)id, (long long)owner->id, (long long)group.id,
	        (long long)id, name, (long long)id, name, name, (long long)id, state, attention,
	        reason, supply, (long long)(seen / HOUR * HOUR));
	test_store_exec(world->folder, SQL_CORE, text);
}

/* Device 1 has said all that a device can say. */
static void tell(int64_t now)
{
	char text[2000];

	snprintf(text, sizeof text,
	        "INSERT INTO device_state (device, acquired_at, received_at, agent, collection,"
	        " state, state_since, reasons, codes, counters, sampled_day) VALUES (1, %lld, "
	        "%lld, 1,"
	        " 'scheduled', 'stopped', %lld,"
	        " '[{\"keyword\":\"media-low\",\"severity\":\"warning\"},"
	        "{\"keyword\":\"media-empty\",\"severity\":\"error\"}]',"
	        " '[{\"code\":\"E<1>\",\"severity\":\"error\"},"
	        "{\"code\":\"no-paper\",\"severity\":\"warning\"},"
	        "{\"code\":\"808\",\"severity\":\"error\",\"text\":\"Tray 2 is empty\"},"
	        "{\"code\":\"door-open\",\"severity\":\"report\"}]',"
	        " '{\"impressions\":1204,\"inkUsedMl\":{\"cyan\":12.5}}', 0);"
	        "INSERT INTO device_seen (device, seen_at) VALUES (1, %lld)",
	        (long long)(now - 4 * MINUTE), (long long)(now - 3 * MINUTE),
	        (long long)(now - 20 * MINUTE), (long long)(now - 3 * MINUTE));
	test_store_exec(world->folder, SQL_TELEMETRY, text);
	test_store_exec(world->folder, SQL_TELEMETRY,
	        "INSERT INTO supply (device, idx, class, type, color, name, unit, capacity, level,"
	        " level_state, resolution, changed_at) VALUES"
	        " (1, 1, 'supplyThatIsConsumed', 'ink', 'cyan', 'Cyan & Co', 'percent', 100, 7,"
	        "  NULL, 'exact', 1),"
	        " (1, 2, 'supplyThatIsConsumed', 'ink', 'black', 'Black', 'percent', 100, NULL,"
	        "  'some-remaining', 'none', 1),"
	        " (1, 3, 'supplyThatIsConsumed', 'ink', 'yellow', 'Yellow', 'percent', 100, NULL,"
	        "  'unknown', 'none', 1),"
	        " (1, 4, 'receptacleThatIsFilled', 'wasteInk', NULL, 'Box', 'percent', 100, 35,"
	        "  NULL, 'exact', 1)");
	test_store_exec(world->folder, SQL_TELEMETRY,
	        "INSERT INTO event (device, at, event_id, cleared_at, severity, reason) VALUES"
	        " (1, 1000, 'a', 3601000, 'error', 'media-jam');"
	        "INSERT INTO cleaning (device, at, cleaning_id, kind, trigger_by, ink_used_ml) "
	        "VALUES"
	        " (1, 2000, 'c', 'heavy', 'panel', 3.25)");
}

static int set_up(void **state)
{
	struct world_ids person;
	int64_t now;

	(void)state;
	world = world_new(NULL);
	audit = test_audit_start(world);
	customer = world_organisation(world, "customer", "Blue Print");
	other = world_organisation(world, "customer", "Other");
	person = world_person(world, &customer, ROLE_CUSTOMER_ADMIN, "ada");
	site = test_site_open(world, &user_site, NULL);
	now = world_now(world);
	add_device(1, &customer, "Aurora <P900> & \"Co\"", "stopped", 3, "media-empty", "7", now);
	add_device(2, &customer, "Meridian", "idle", 0, "", "NULL", now - 50 * HOUR);
	add_device(3, &other, "Foreign", "idle", 0, "", "1", now);
	for (int i = 0; i < MANY; i++) {
		char name[32];

		snprintf(name, sizeof name, "Row %02d", i);
		add_device(100 + i, &customer, name, "idle", 0, "", "50", now);
	}
	tell(now);
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

static void assert_hides(const char *page, const char *text)
{
	if (strstr(page, text) != NULL)
		fail_msg("\"%s\" is on:\n%s", text, page);
}

static size_t count_rows(const char *page)
{
	size_t count = 0;

	for (const char *at = page; (at = strstr(at, "<tr class=\"row-")) != NULL; at++)
		count++;
	return count;
}

static void the_list_shows_the_own_devices_and_no_others(void **state)
{
	const char *page;

	(void)state;
	page = get_page("/devices");
	assert_shows(page, "62 devices");
	assert_int_equal(count_rows(page), 50);
	assert_shows(page, "Aurora &lt;P900&gt; &amp; ");
	assert_hides(page, "<P900>");
	assert_hides(page, "Foreign");
	assert_hides(page, "Customer</th>"); /* all are one customer's */
	page = get_page("/devices?q=foreign");
	assert_shows(page, "No device matches");
	assert_shows(page, "0 devices");
}

/* The address in the first link that follows `before`, decoded of its &amp;. */
static void find_link(const char *page, const char *before, char *link, size_t max)
{
	const char *at = strstr(page, before);
	size_t len = 0;

	assert_non_null(at);
	at = strstr(at, "href=\"");
	assert_non_null(at);
	for (at += 6; *at != '"'; at++) {
		assert_true(len + 1 < max);
		link[len++] = *at;
		if (strncmp(at, "&amp;", 5) == 0)
			at += 4;
	}
	link[len] = '\0';
}

static void pages_are_turned_by_links_and_keep_the_filter(void **state)
{
	char link[2048];
	const char *page;

	(void)state;
	page = get_page("/devices?q=row&state=idle&sort=-name");
	assert_int_equal(count_rows(page), 50);
	assert_shows(page, "Row 59");
	assert_hides(page, "Row 09");
	find_link(page, "class=\"pager\"", link, sizeof link);
	assert_non_null(strstr(link, "q=row&state=idle&sort=-name&after="));
	page = get_page(link);
	assert_int_equal(count_rows(page), 10);
	assert_shows(page, "Row 09");
	assert_shows(page, "60 devices");
	assert_shows(page, "rel=\"prev\"");
	assert_hides(page, "rel=\"next\"");
}

static void a_column_is_sorted_by_its_link_and_turned_by_the_next(void **state)
{
	char link[2048];
	const char *page;

	(void)state;
	page = get_page("/devices?attention=any");
	assert_shows(page, "<th scope=\"col\" aria-sort=\"ascending\"><a "
	                   "href=\"/devices?attention=any&amp;sort=-name\">Device</a>");
	assert_int_equal(count_rows(page), 1);
	find_link(page, "<thead>", link, sizeof link);
	assert_string_equal(link, "/devices?attention=any&sort=-name");
	page = get_page("/devices?sort=supply");
	assert_shows(
	        page, "aria-sort=\"ascending\"><a href=\"/devices?sort=-supply\">Lowest supply");
	/* the state's column begins with what is wrong, and a phone, which has no head, has the choice */
	assert_shows(page, "<a href=\"/devices?sort=-attention\">State</a>");
	assert_shows(page, "<option value=\"supply\" selected>");
	page = get_page("/devices?sort=-attention");
	assert_shows(page, "aria-sort=\"descending\"><a href=\"/devices?sort=attention\">State");
	assert_shows(strstr(page, "<tbody>"), "Error</span>");
	assert_true(strstr(page, "Error</span>") < strstr(strstr(page, "<tbody>"), "</tr>"));
}

static void a_filter_finds_what_it_says(void **state)
{
	const char *page;

	(void)state;
	page = get_page("/devices?state=silent");
	assert_int_equal(count_rows(page), 1);
	assert_shows(page, "Meridian");
	assert_shows(page, "Not reporting</span>");
	assert_shows(page, "2 days ago"); /* its last report */
	assert_shows(page, "not told");   /* its lowest supply */
	page = get_page("/devices?state=error&attention=error");
	assert_int_equal(count_rows(page), 1);
	assert_shows(page, "3 min ago"); /* exactly, though the list is sorted by the hour */
	assert_shows(page, "Out of paper");
	assert_int_equal(count_rows(get_page("/devices?attention=warning")), 0);
	assert_int_equal(count_rows(get_page("/devices?state=&attention=&q=&sort=")), 50);
}

static void what_the_list_does_not_know_is_a_400(void **state)
{
	static const char *const targets[] = {"/devices?state=sleeping", "/devices?sort=price",
	        "/devices?after=nonsense", "/devices?colour=red", "/devices?q=a&q=b",
	        "/devices?attention=ANY"};

	(void)state;
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
		assert_int_equal(test_status(get(targets[i])), 400);
}

static void a_device_shows_all_that_it_said(void **state)
{
	const char *page, *error, *warning;

	(void)state;
	page = get_page("/devices/de_0000000000000000000001");
	assert_shows(page, "<h1>Aurora &lt;P900&gt; &amp; ");
	assert_shows(page, "S&lt;1&gt;");
	assert_shows(page, "3 min ago"); /* the last report, exactly */
	assert_shows(page, "4 min ago"); /* the data's own time */
	assert_shows(page, "20 min ago");
	error = strstr(page, "Out of paper");
	warning = strstr(page, "Paper is running low");
	assert_true(error != NULL && warning != NULL && error < warning);
	assert_shows(page, "Load paper or a new roll.");
	assert_shows(page, "<code>E&lt;1&gt;</code>");
	/* one thing told in three ways is one problem, with what each way knows of it */
	assert_shows(page, "<code>808</code> Tray 2 is empty");
	assert_null(strstr(error + 1, "Out of paper"));
	assert_hides(page, "no-paper");
	assert_shows(page, "A door is open");
	assert_shows(page, "Cyan &amp; Co");
	assert_shows(page, "7 %");
	assert_shows(page, "some left");
	assert_shows(page, "level not told");
	assert_shows(page, "35 % room left");
	assert_shows(page, "1,204");
	assert_shows(page, "12.5 ml");
	assert_shows(page, "Paper jam");
	assert_shows(page, "over after 1 h 0 min");
	assert_shows(page, "<td data-label=\"Kind\">heavy</td>");
	assert_shows(page, "3.25 ml");
	assert_hides(page, "New operation"); /* the customers' site sends none */
}

/* The tag of the line that the text is on. */
static void assert_warns_of(const char *page, const char *text)
{
	const char *at = strstr(page, text), *tag = NULL;

	if (at == NULL)
		fail_msg("\"%s\" is not on:\n%s", text, page);
	for (const char *next = strstr(page, "<li>"); next != NULL && next < at;
	        next = strstr(next + 1, "<li>"))
		tag = next;
	assert_non_null(tag);
	tag = strstr(tag, "Warning</span>");
	assert_true(tag != NULL && tag < at);
}

static void both_pages_say_the_same_of_a_supply_that_runs_low(void **state)
{
	int64_t now = world_now(world);

	(void)state;
	/* told as a mere report by the one, measured at the other, that says nothing about it */
	add_device(90, &customer, "Low", "idle", 2, "marker-supply-low", "50", now);
	add_device(91, &customer, "Measured", "idle", 2, "marker-supply-empty", "1", now);
	test_store_exec(world->folder, SQL_TELEMETRY,
	        "INSERT INTO device_state (device, acquired_at, received_at, agent, collection,"
	        " state, state_since, reasons, codes, sampled_day) VALUES"
	        " (90, 1, 1, 1, 'scheduled', 'idle', 1,"
	        " '[{\"keyword\":\"marker-supply-low\",\"severity\":\"report\"}]', '[]', 0),"
	        " (91, 1, 1, 1, 'scheduled', 'idle', 1, '[]', '[]', 0);"
	        "INSERT INTO event (device, at, event_id, severity, reason) VALUES"
	        " (90, 1000, 'low', 'report', 'marker-supply-low')");
	assert_warns_of(strstr(get_page("/"), "id=\"attention\""), ">Low</a>");
	assert_warns_of(get_page("/"), "Ink or toner is low");
	assert_warns_of(get_page("/devices/de_0000000000000000000090"), "Ink or toner is low");
	assert_hides(get_page("/devices/de_0000000000000000000090"), "Information</span>");
	assert_warns_of(get_page("/"), "Ink or toner is empty");
	assert_warns_of(get_page("/devices/de_0000000000000000000091"), "Ink or toner is empty");
	test_store_exec(world->folder, SQL_CORE, "DELETE FROM device WHERE id IN (90, 91)");
}

static void a_silent_device_needs_attention_and_says_since_when(void **state)
{
	const char *page = get_page("/"), *attention, *meridian;

	(void)state;
	attention = strstr(page, "id=\"attention\"");
	assert_non_null(attention);
	assert_shows(attention, "<a href=\"/devices?state=silent\">1 not reporting</a>");
	assert_shows(attention, "1 with a problem</a>");
	meridian = strstr(attention, "Meridian</a>");
	assert_true(meridian != NULL && meridian < strstr(attention, "id=\"low\""));
	assert_true(strstr(attention, "Aurora") < meridian); /* an error comes first */
	assert_shows(meridian, "silent since ");
	assert_shows(meridian, "2 days ago");
}

static void a_device_that_said_nothing_is_never_drawn_as_zero(void **state)
{
	const char *page;

	(void)state;
	page = get_page("/devices/de_0000000000000000000002");
	assert_shows(page, "Not reporting</span>");
	assert_shows(page, "no data yet");
	assert_shows(page, "This printer tells nothing about its supplies.");
	assert_shows(page, "This printer tells no counters.");
	assert_hides(page, "0 %");
}

/* The body without what differs from request to request. */
static void copy_answer(const char *answer, char *copy, size_t max)
{
	const char *reference = strstr(answer, "<code>");

	assert_true(strlen(answer) < max);
	snprintf(copy, max, "%s", test_body(answer));
	assert_non_null(reference);
	reference = strstr(copy, "<code>");
	memset(copy + (reference - copy) + 6, 'x', 32);
}

static void a_foreign_device_and_a_missing_one_give_the_same_page(void **state)
{
	static char foreign[20000], missing[20000];

	(void)state;
	assert_int_equal(test_status(get("/devices/de_0000000000000000000003")), 404);
	copy_answer(get("/devices/de_0000000000000000000003"), foreign, sizeof foreign);
	copy_answer(get("/devices/de_9999999999999999999999"), missing, sizeof missing);
	assert_string_equal(foreign, missing);
}

static void a_stranger_sees_no_device(void **state)
{
	const char *answer = test_ask(site, &(struct test_request){.target = "/devices"});

	(void)state;
	assert_int_not_equal(test_status(answer), 200);
	assert_hides(answer, "Aurora");
	answer = test_ask(
	        site, &(struct test_request){.target = "/devices/de_0000000000000000000001"});
	assert_int_not_equal(test_status(answer), 200);
	assert_hides(answer, "Aurora");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_list_shows_the_own_devices_and_no_others),
	        cmocka_unit_test(pages_are_turned_by_links_and_keep_the_filter),
	        cmocka_unit_test(a_column_is_sorted_by_its_link_and_turned_by_the_next),
	        cmocka_unit_test(a_filter_finds_what_it_says),
	        cmocka_unit_test(what_the_list_does_not_know_is_a_400),
	        cmocka_unit_test(a_device_shows_all_that_it_said),
	        cmocka_unit_test(both_pages_say_the_same_of_a_supply_that_runs_low),
	        cmocka_unit_test(a_silent_device_needs_attention_and_says_since_when),
	        cmocka_unit_test(a_device_that_said_nothing_is_never_drawn_as_zero),
	        cmocka_unit_test(a_foreign_device_and_a_missing_one_give_the_same_page),
	        cmocka_unit_test(a_stranger_sees_no_device),
	};

	return cmocka_run_group_tests_name("device pages", tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_support.c: the support site's pages about operations and the audit log, through the site's own
 * entrance.
 */
#include "cgi/support/routes.h"
#include "tests/helpers/audit.h"
#include "tests/helpers/site.h"
#include "tests/helpers/store.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICE "de_0000000000000000000001"
#define KEY    "0123456789abcdef"

struct cast {
	struct world *world;
	pid_t audit;
	struct test_site *site;
	struct world_ids customer, partner, group;
	struct world_ids technician, colleague, admin, operator_admin, auditor;
	const char *token; /* the technician's */
};

static void exec(struct cast *c, enum sql_store store, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static void exec(struct cast *c, enum sql_store store, const char *format, ...)
{
	char text[2000];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	test_store_exec(c->world->folder, store, text);
}

static int64_t number(struct cast *c, enum sql_store store, const char *text)
{
	return test_store_number(c->world->folder, store, text);
}

/* One device that can do all, with a connected agent that says so. */
static void add_device(struct cast *c)
{
	exec(c, SQL_CORE,
	        "INSERT INTO agent (id, public_id, customer_id, type, event_key, created_at)"
	        " VALUES (70, 'ag_0000000000000000000070', %lld, 'dc', zeroblob(32), 1)",
	        (long long)c->customer.id);
	exec(c, SQL_CORE,
	        "INSERT INTO device (id, public_id, customer_id, group_id, identity_kind,"
	        " identity_value, manufacturer, model, name, search_key, state, first_seen_at,"
	        " seen_hour, list_version, agent_id) VALUES (1, '" DEVICE "', %lld, %lld, 'serial',"
	        " 'ACME 1', 'ACME', 'P1', 'Big plotter', 'acme', 'idle', 1, %lld, 1, 70)",
	        (long long)c->customer.id, (long long)c->group.id, (long long)world_now(c->world));
	exec(c, SQL_CORE,
	        "INSERT INTO model_capability"
	        " VALUES ('ACME', 'P1', 'get-status head-cleaning')");
	exec(c, SQL_OPERATIONS,
	        "INSERT INTO presence (agent, online, at, kinds)"
	        " VALUES (70, 1, 1, 'get-status head-cleaning diagnosis')");
}

static int set_up(void **state)
{
	struct cast *c = calloc(1, sizeof *c);
	struct world_ids operator_organisation;

	assert_non_null(c);
	c->world = world_new(NULL);
	c->audit = test_audit_start(c->world);
	c->customer = world_organisation(c->world, "customer", "Customer");
	c->partner = world_organisation(c->world, "partner", "Partner");
	operator_organisation = world_organisation(c->world, "operator", "Operator");
	c->group = world_group(c->world, &c->customer, "Hall");
	c->technician = world_person(c->world, &c->partner, ROLE_TECHNICIAN, "tina");
	c->colleague = world_person(c->world, &c->partner, ROLE_TECHNICIAN, "carl");
	c->admin = world_person(c->world, &c->partner, ROLE_PARTNER_ADMIN, "petra");
	c->operator_admin =
	        world_person(c->world, &operator_organisation, ROLE_OPERATOR_ADMIN, "otto");
	c->auditor = world_person(c->world, &operator_organisation, ROLE_AUDITOR, "ada");
	(void)world_contract(c->world, &c->customer, &c->partner, 100);
	(void)world_grant(c->world, &c->technician, &c->group, "view");
	(void)world_grant(c->world, &c->technician, &c->group, "operate");
	(void)world_grant(c->world, &c->colleague, &c->group, "view");
	add_device(c);
	c->site = test_site_open(c->world, &support_site, NULL);
	c->token = test_session(c->site, &c->technician);
	*state = c;
	return 0;
}

static int tear_down(void **state)
{
	struct cast *c = *state;

	test_site_close(c->site);
	test_audit_kill(c->audit);
	world_free(c->world);
	free(c);
	return 0;
}

static const char *get_as(struct cast *c, const char *token, const char *target)
{
	return test_ask(c->site, &(struct test_request){.target = target, .token = token});
}

static const char *get(struct cast *c, const char *target)
{
	return get_as(c, c->token, target);
}

static const char *post(struct cast *c, const char *target, const char *form)
{
	return test_ask(c->site,
	        &(struct test_request){
	                .method = "POST", .target = target, .token = c->token, .body = form});
}

static void assert_status(const char *answer, int status)
{
	if (test_status(answer) != status)
		fail_msg("want %d, got:\n%s", status, answer);
}

static void assert_holds(const char *answer, const char *text)
{
	if (strstr(answer, text) == NULL)
		fail_msg("\"%s\" is not in:\n%s", text, answer);
}

static void assert_lacks(const char *answer, const char *text)
{
	if (strstr(answer, text) != NULL)
		fail_msg("\"%s\" is in:\n%s", text, answer);
}

/* ---- operations */

static void the_form_lists_every_kind_and_says_why_one_cannot_run(void **state)
{
	struct cast *c = *state;
	const char *answer = get(c, "/devices/" DEVICE "/operation");

	assert_status(answer, 200);
	assert_holds(answer, "value=\"get-status\"");
	assert_holds(answer, "value=\"head-cleaning\"");
	assert_holds(answer, "value=\"diagnosis\"");
	/* not granted to use ink; the model cannot be diagnosed */
	assert_holds(answer, "You have not been granted the right to do this on this device.");
	assert_holds(answer, "This device cannot do it remotely.");
	assert_holds(answer, "Second factor is off");
	/* the only one that can run is chosen already */
	assert_holds(answer, "value=\"get-status\" required checked");
	/* one who may only look gets no possible kind, and no button on the device's page */
	answer = get_as(c, test_session(c->site, &c->colleague), "/devices/" DEVICE);
	assert_status(answer, 200);
	assert_lacks(answer, "/operation\"");
	assert_holds(get(c, "/devices/" DEVICE), "/devices/" DEVICE "/operation\"");
}

static void what_the_form_refuses_the_server_refuses_too(void **state)
{
	struct cast *c = *state;
	const char *answer =
	        post(c, "/devices/" DEVICE "/operation", "kind=diagnosis&purpose=T1&key=" KEY);

	assert_status(answer, 409);
	assert_holds(answer, "This device cannot do it remotely.");
	assert_holds(answer, "value=\"T1\""); /* what was typed is kept */
	answer = post(c, "/devices/" DEVICE "/operation",
	        "kind=head-cleaning&strength=light&purpose=T1&key=" KEY);
	assert_status(answer, 403);
	answer = post(c, "/devices/" DEVICE "/operation", "kind=get-status&purpose=&key=" KEY);
	assert_status(answer, 422);
	answer = post(c, "/devices/" DEVICE "/operation", "kind=explode&purpose=T1&key=" KEY);
	assert_status(answer, 422);
	answer = post(c, "/devices/" DEVICE "/operation", "purpose=T1&key=" KEY);
	assert_status(answer, 422);
	answer = post(c, "/devices/de_0000000000000000000009/operation",
	        "kind=get-status&purpose=T1&key=" KEY);
	assert_status(answer, 404);
	assert_int_equal(number(c, SQL_OPERATIONS, "SELECT count(*) FROM request"), 0);
	assert_int_equal(number(c, SQL_OPERATIONS, "SELECT count(*) FROM outbox"), 0);
}

/* Submits get-status and gives the path of its page. */
static const char *submit(struct cast *c)
{
	static char path[64];
	const char *answer = post(
	        c, "/devices/" DEVICE "/operation", "kind=get-status&purpose=Ticket+7&key=" KEY);

	assert_status(answer, 303);
	(void)snprintf(path, sizeof path, "%s", test_header(answer, "Location"));
	assert_memory_equal(path, "/operations/rq_", 15);
	return path;
}

static void an_operation_is_submitted_once_however_often_the_button_is_pressed(void **state)
{
	struct cast *c = *state;
	char first[64];
	const char *answer;

	(void)snprintf(first, sizeof first, "%s", submit(c));
	assert_string_equal(submit(c), first);
	assert_int_equal(number(c, SQL_OPERATIONS, "SELECT count(*) FROM request"), 1);
	assert_int_equal(number(c, SQL_OPERATIONS, "SELECT count(*) FROM outbox"), 1);
	/* the same key for another order */
	answer = post(
	        c, "/devices/" DEVICE "/operation", "kind=get-status&purpose=Another&key=" KEY);
	assert_status(answer, 409);
	assert_int_equal(number(c, SQL_OPERATIONS, "SELECT count(*) FROM request"), 1);
}

static void an_operations_page_refreshes_itself_until_the_end(void **state)
{
	struct cast *c = *state;
	char path[64];
	const char *answer;

	(void)snprintf(path, sizeof path, "%s", submit(c));
	answer = get(c, path);
	assert_status(answer, 200);
	assert_holds(answer, "Ticket 7");
	assert_holds(answer, "Big plotter");
	assert_holds(answer, "tina");
	assert_holds(answer, "http-equiv=\"refresh\"");
	assert_holds(answer, "/cancel\"");
	exec(c, SQL_OPERATIONS, "UPDATE request SET state = 'completed', ended_at = 2");
	exec(c, SQL_OPERATIONS,
	        "UPDATE execution SET state = 'succeeded', sent_at = 1, ended_at = 2");
	answer = get(c, path);
	assert_status(answer, 200);
	assert_lacks(answer, "http-equiv=\"refresh\"");
	assert_lacks(answer, "/cancel\"");
}

static void an_operation_can_be_taken_back_before_it_is_sent(void **state)
{
	struct cast *c = *state;
	char path[64], cancel[80];
	const char *answer;

	(void)snprintf(path, sizeof path, "%s", submit(c));
	(void)snprintf(cancel, sizeof cancel, "%s/cancel", path);
	answer = post(c, cancel, "");
	assert_status(answer, 303);
	assert_string_equal(test_header(answer, "Location"), path);
	assert_int_equal(number(c, SQL_OPERATIONS, "SELECT count(*) FROM outbox"), 0);
	assert_int_equal(number(c, SQL_OPERATIONS,
	                         "SELECT count(*) FROM execution WHERE state = 'canceled' AND "
	                         "sent_at IS NULL"),
	        1);
	assert_lacks(get(c, path), "http-equiv=\"refresh\"");
	assert_status(post(c, cancel, ""), 409);
}

static void operations_are_listed_on_their_page_and_the_devices(void **state)
{
	struct cast *c = *state;
	const char *path = submit(c), *answer;

	answer = get(c, "/operations");
	assert_status(answer, 200);
	assert_holds(answer, path);
	assert_holds(answer, "Ticket 7");
	assert_holds(get(c, "/devices/" DEVICE), path);
	assert_holds(get_as(c, test_session(c->site, &c->colleague), "/operations"), path);
	answer = get_as(c, test_session(c->site, &c->auditor), "/operations");
	assert_status(answer, 403);
}

static void a_withdrawn_right_takes_the_operations_page_away(void **state)
{
	struct cast *c = *state;
	const char *path = submit(c);

	assert_status(get(c, path), 200);
	exec(c, SQL_CORE, "UPDATE device_grant SET ended_at = 1");
	assert_status(get(c, path), 404);
	assert_lacks(get(c, "/operations"), "Ticket 7");
	assert_status(get(c, "/devices/" DEVICE "/operation"), 404);
}

/* ---- the audit log */

/* Waits until all that is in the log is in its index, which is written behind, at most a second. */
static void settle(struct cast *c)
{
	const struct clock *clock = clock_real();
	int64_t end = clock_monotonic_ms(clock) + 10000;

	while (number(c, SQL_AUDIT,
	               "SELECT (SELECT max(number) FROM audit_entry) >"
	               " (SELECT coalesce(max(number), 0) FROM audit_index)") != 0) {
		if (clock_monotonic_ms(clock) > end)
			fail_msg("the index of the log does not follow");
		(void)poll(NULL, 0, 10);
	}
}

/* A page of the log on which the text must be. */
static const char *await(struct cast *c, const char *token, const char *target, const char *text)
{
	const char *answer;

	settle(c);
	answer = get_as(c, token, target);
	assert_status(answer, 200);
	assert_holds(answer, text);
	return answer;
}

/* Two technicians have looked at the device. */
static void look(struct cast *c)
{
	assert_status(get(c, "/devices/" DEVICE), 200);
	assert_status(get_as(c, test_session(c->site, &c->colleague), "/devices/" DEVICE), 200);
}

static void a_technician_reads_the_own_acts_and_a_partner_admin_those_of_the_partner(void **state)
{
	struct cast *c = *state;
	const char *admin = test_session(c->site, &c->admin), *answer;

	look(c);
	answer = await(c, admin, "/audit?action=device.view", "carl");
	assert_holds(answer, "tina");
	answer = await(c, c->token, "/audit?action=device.view", "tina");
	assert_lacks(answer, "carl");
	/* asking for another's acts by name or id gives none of them */
	assert_lacks(get(c, "/audit?person=carl"), "device.view</td>");
	answer = get(c, "/audit?person=carl");
	assert_holds(answer, "No entry matches");
}

static void operators_and_auditors_read_all_but_see_no_devices(void **state)
{
	struct cast *c = *state;
	const char *auditor = test_session(c->site, &c->auditor), *answer;

	look(c);
	answer = await(c, auditor, "/audit?device=" DEVICE, "carl");
	assert_holds(answer, "tina");
	(void)await(c, test_session(c->site, &c->operator_admin), "/audit?person=tina", "tina");
	assert_lacks(answer, "Big plotter");
	assert_status(get_as(c, auditor, "/devices/" DEVICE), 403);
}

static void the_log_is_filtered_by_action_outcome_and_time(void **state)
{
	struct cast *c = *state;
	const char *auditor = test_session(c->site, &c->auditor), *answer;

	assert_status(get(c, "/devices/de_0000000000000000000009"), 404);
	answer = await(c, auditor, "/audit?outcome=not-found", "de_0000000000000000000009");
	assert_lacks(answer, "No entry matches");
	answer = get_as(c, auditor, "/audit?outcome=not-found&action=device.list");
	assert_holds(answer, "No entry matches");
	answer = get_as(c, auditor, "/audit?outcome=not-found&to=2001-01-01T00:00");
	assert_holds(answer, "No entry matches");
	answer = get_as(c, auditor, "/audit?outcome=not-found&from=2001-01-01T00:00");
	assert_holds(answer, "de_0000000000000000000009");
	answer = get_as(c, auditor, "/audit?from=yesterday");
	assert_status(answer, 400);
	assert_holds(answer, "2026-11-22T09:00");
	answer = get_as(c, auditor, "/audit?from=2026-02-01T00:00&to=2026-01-01T00:00");
	assert_status(answer, 400);
}

static void reading_the_log_is_recorded_without_the_name_that_was_typed(void **state)
{
	struct cast *c = *state;
	const char *auditor = test_session(c->site, &c->auditor), *answer;

	assert_status(get_as(c, auditor, "/audit?person=tina"), 200);
	answer = await(c, auditor, "/audit?action=audit.search", "by name");
	assert_holds(answer, "ada");
	assert_int_equal(
	        number(c, SQL_AUDIT,
	                "SELECT count(*) FROM audit_entry WHERE instr(record, x'74696e61')"),
	        0);
}

static void a_log_longer_than_a_page_goes_on_with_its_filter(void **state)
{
	struct cast *c = *state;
	const char *auditor = test_session(c->site, &c->auditor), *answer;

	for (int i = 0; i < 60; i++)
		assert_status(get(c, "/devices"), 200);
	settle(c);
	answer = get_as(c, auditor, "/audit?action=device.list");
	assert_status(answer, 200);
	assert_holds(answer, "/audit?action=device.list&amp;after=");
	{
		char target[300];
		const char *at = strstr(answer, "/audit?action=device.list&amp;after=");
		size_t len = strcspn(at, "\"");

		(void)snprintf(target, sizeof target, "/audit?action=device.list&%.*s",
		        (int)(len - strlen("/audit?action=device.list&amp;")),
		        at + strlen("/audit?action=device.list&amp;"));
		answer = get_as(c, auditor, target);
	}
	assert_status(answer, 200);
	assert_lacks(answer, "No entry matches");
	assert_lacks(answer, "after=");
	assert_status(get_as(c, auditor, "/audit?after=nonsense"), 400);
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        HERE(the_form_lists_every_kind_and_says_why_one_cannot_run),
	        HERE(what_the_form_refuses_the_server_refuses_too),
	        HERE(an_operation_is_submitted_once_however_often_the_button_is_pressed),
	        HERE(an_operations_page_refreshes_itself_until_the_end),
	        HERE(an_operation_can_be_taken_back_before_it_is_sent),
	        HERE(operations_are_listed_on_their_page_and_the_devices),
	        HERE(a_withdrawn_right_takes_the_operations_page_away),
	        HERE(a_technician_reads_the_own_acts_and_a_partner_admin_those_of_the_partner),
	        HERE(operators_and_auditors_read_all_but_see_no_devices),
	        HERE(the_log_is_filtered_by_action_outcome_and_time),
	        HERE(reading_the_log_is_recorded_without_the_name_that_was_typed),
	        HERE(a_log_longer_than_a_page_goes_on_with_its_filter),
	};

	return cmocka_run_group_tests_name("support", tests, NULL, NULL);
}

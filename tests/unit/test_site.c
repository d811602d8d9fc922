/* SPDX-License-Identifier: Apache-2.0 */
/* The user site whole: signing in, the fleet page, signing out; and the guard, with routes of its
 * own for what no page asks yet. */
#include "cgi/guard.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "cgi/session.h"
#include "cgi/user/routes.h"
#include "tests/helpers/fcgi.h"
#include "tests/helpers/site.h"
#include "tests/helpers/store.h"
#include "web/fastcgi.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 10000, MINUTE = 60000 };

static struct world *world;
static pid_t audit;
static struct world_ids customer, ada, bob, technician;
static struct test_site *site, *probe;

/* ---- a site with routes that try the guard */

static const struct web_field id_field[] = {
        {.name = "id", .type = WEB_FIELD_ID, .required = true}, {0}};

static void say_secret(struct web_request *rq, struct web_response *rs)
{
	(void)rq;
	web_begin(rs, 200, "text/plain");
	buf_puts(&rs->body, "the secret");
}

static void say_secret_recorded(struct web_request *rq, struct web_response *rs)
{
	reply_seen(rq, "device", NULL, 0, NULL);
	say_secret(rq, rs);
}

static void find_nothing(struct web_request *rq, struct web_response *rs)
{
	struct err e;

	err_set(&e, ERR_NOT_FOUND, "core says why");
	reply_error(rq, rs, "device", web_text(rq, "id"), &e);
}

static void break_down(struct web_request *rq, struct web_response *rs)
{
	struct err e;

	err_set(&e, ERR_INTERNAL, "the reason inside");
	reply_error(rq, rs, "device", NULL, &e);
}

static const struct web_route probe_routes[] = {
        {.id = "probe.people", .path = "/people", .who = MAY_MANAGE_PEOPLE, .handler = say_secret},
        {.id = "probe.either",
                .path = "/either",
                .who = MAY_MANAGE_PEOPLE | MAY_SEE_DEVICES,
                .handler = say_secret},
        {.id = "probe.second", .path = "/second", .who = WHO_SECOND_FACTOR, .handler = say_secret},
        {.id = "probe.fresh", .path = "/fresh", .who = WHO_FRESH_FACTOR, .handler = say_secret},
        {.id = "probe.program", .path = "/program", .who = WHO_PROGRAM, .handler = say_secret},
        {.id = "probe.audited", .path = "/audited", .flags = WEB_AUDITED, .handler = say_secret},
        {.id = "probe.recorded",
                .path = "/recorded",
                .flags = WEB_AUDITED,
                .handler = say_secret_recorded},
        {.id = "probe.nothing",
                .path = "/nothing/:id",
                .flags = WEB_AUDITED,
                .fields = id_field,
                .handler = find_nothing},
        {.id = "probe.broken", .path = "/broken", .handler = break_down},
        {.id = "probe.change", .method = WEB_POST, .path = "/change", .handler = say_secret},
};

static struct site_kind probe_site;

static int set_up(void **state)
{
	struct world_ids partner;

	(void)state;
	world = world_new(NULL);
	audit = test_audit_start(world);
	customer = world_organisation(world, "customer", "Blue Print");
	partner = world_organisation(world, "partner", "Service & Sons");
	ada = world_person(world, &customer, ROLE_CUSTOMER_VIEWER, "ada");
	bob = world_person(world, &customer, ROLE_CUSTOMER_ADMIN, "bob");
	technician = world_person(world, &partner, ROLE_TECHNICIAN, "tim");
	world_password(world, &ada);
	world_password(world, &bob);
	world_password(world, &technician);
	probe_site = user_site;
	probe_site.routes = probe_routes;
	probe_site.route_count = sizeof probe_routes / sizeof probe_routes[0];
	site = test_site_open(world, &user_site, NULL);
	probe = test_site_open(
	        world, &probe_site, "[user]\nsecurity_contact = mailto:security@example.org\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_site_close(probe);
	test_site_close(site);
	test_audit_kill(audit);
	world_free(world);
	return 0;
}

/* Each test begins a day later, so that no throttle or session of another reaches into it. */
static int next_day(void **state)
{
	(void)state;
	clock_fake_advance(&world->clock, INT64_C(86400000));
	return 0;
}

/* ---- asking */

static const char *get(struct test_site *from, const char *target, const char *token)
{
	return test_ask(from, &(struct test_request){.target = target, .token = token});
}

static const char *sign_in_as(const char *name, const char *password, const char *more)
{
	char body[400];

	(void)snprintf(body, sizeof body, "name=%s&password=%s%s", name, password, more);
	return test_ask(site, &(struct test_request){.target = "/session", .body = body});
}

#define RIGHT "correct%20horse%20battery"

/* The token that an answer gives the browser; a copy. */
static char *token_of(const char *answer)
{
	static char token[100];
	const char *cookie = test_header(answer, "Set-Cookie");
	size_t len;

	assert_non_null(cookie);
	cookie = strchr(cookie, '=');
	assert_non_null(cookie);
	len = strcspn(++cookie, ";");
	assert_true(len < sizeof token);
	memcpy(token, cookie, len);
	token[len] = '\0';
	return token;
}

static void assert_says(const char *answer, int status, const char *text)
{
	if (test_status(answer) != status || strstr(answer, text) == NULL)
		fail_msg("want %d and \"%s\", got:\n%s", status, text, answer);
}

/* Records of the log that say so, once its index has caught up. */
static int64_t records(const char *where)
{
	const struct clock *clock = clock_real();
	int64_t end = clock_monotonic_ms(clock) + DEADLINE_MS;
	char text[400];

	while (test_store_number(world->folder, SQL_AUDIT,
	               "SELECT (SELECT number FROM audit_progress) <"
	               " (SELECT max(number) FROM audit_entry)") != 0)
		assert_true(clock_monotonic_ms(clock) < end);
	(void)snprintf(text, sizeof text,
	        "SELECT count(*) FROM audit_index i WHERE source = 'user' AND %s", where);
	return test_store_number(world->folder, SQL_AUDIT, text);
}

/* ---- step by step: sign in, an empty fleet, sign out */

static void a_person_signs_in_sees_an_empty_fleet_and_signs_out(void **state)
{
	char before[100];
	const char *token, *answer;

	(void)state;
	assert_says(get(site, "/", NULL), 200, "<form method=\"post\" action=\"/session\">");
	answer = sign_in_as("ada", RIGHT, "");
	assert_says(answer, 303, "\r\nLocation: /\r\n");
	assert_says(answer, 303, "; Path=/; Secure; HttpOnly; SameSite=Lax\r\n");
	assert_int_equal(
	        strncmp(test_header(answer, "Set-Cookie"), "__Host-fleetport-user=", 22), 0);
	token = token_of(answer);
	answer = get(site, "/", token);
	assert_says(answer, 200, "No printers yet");
	assert_says(answer, 200, "Blue Print");
	(void)snprintf(before, sizeof before, "%s", token);
	answer = test_ask(site,
	        &(struct test_request){.target = "/session/end", .token = before, .body = ""});
	assert_says(answer, 303,
	        "Set-Cookie: __Host-fleetport-user=; Path=/; Secure; HttpOnly; SameSite=Lax; "
	        "Max-Age=0\r\n");
	assert_says(get(site, "/", before), 200, "<form method=\"post\" action=\"/session\">");
	assert_int_equal(records("action = 'session.begin' AND outcome = 'begun'"), 1);
	assert_int_equal(records("action = 'session.begin' AND outcome = 'done'"), 1);
	assert_int_equal(records("action = 'fleet.view' AND outcome = 'done'"), 1);
	assert_int_equal(records("action = 'session.end' AND outcome = 'begun'"), 1);
	assert_int_equal(records("action = 'session.end' AND outcome = 'done'"), 1);
}

static void a_sign_in_leads_on_to_a_page_of_our_own_only(void **state)
{
	static const struct {
		const char *next, *location;
	} cases[] = {
	        {"%2Fdevices%2Fde_1", "/devices/de_1"},
	        {"%2Fdevices%3Fstate%3Didle", "/devices?state=idle"},
	        {"%2F%2Fevil.example", "/"},
	        {"%2F%5Cevil.example", "/"},
	        {"https%3A%2F%2Fevil.example", "/"},
	        {"", "/"},
	        {"%2Fa%20b", "/"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char more[100];
		const char *answer;
		(void)snprintf(more, sizeof more, "&next=%s", cases[i].next);
		answer = sign_in_as("bob", RIGHT, more);
		assert_int_equal(test_status(answer), 303);
		assert_string_equal(test_header(answer, "Location"), cases[i].location);
	}
	assert_says(sign_in_as("bob", RIGHT, "&next=%2F%0D%0ASet-Cookie:x"), 400, "control");
}

static void a_stranger_is_led_to_the_form_which_remembers_the_page(void **state)
{
	const char *answer = get(probe, "/recorded", NULL);
	char query[600] = "";

	(void)state;
	assert_says(answer, 303, "\r\nLocation: /?next=%2Frecorded\r\n");
	assert_null(strstr(answer, "the secret"));
	/* with what was searched for, as it was sent; without it where that is too long to be kept */
	assert_says(get(probe, "/recorded?q=a%20b&state=idle", NULL), 303,
	        "\r\nLocation: /?next=%2Frecorded%3Fq%3Da%2520b%26state%3Didle\r\n");
	memset(query, 'x', sizeof query - 1);
	memcpy(query, "/recorded?q=", 12);
	assert_says(get(probe, query, NULL), 303, "\r\nLocation: /?next=%2Frecorded\r\n");
	assert_says(get(site, "/?next=%2Frecorded", NULL), 200,
	        "<input type=\"hidden\" name=\"next\" value=\"/recorded\">");
	assert_says(get(site, "/?next=%2F%2Fevil", NULL), 200, "action=\"/session\"");
	assert_null(strstr(get(site, "/?next=%2F%2Fevil", NULL), "evil"));
	answer = test_ask(site, &(struct test_request){.target = "/session/end", .body = ""});
	assert_says(answer, 303, "\r\nLocation: /\r\n");
	assert_true(
	        records("action = 'probe.recorded' AND outcome = 'denied' AND actor = ''") >= 1);
}

/* ---- refusals */

/* An answer with one word replaced by another of the same length. */
static char *copy_with(const char *answer, const char *from, const char *to)
{
	char *copy = strdup(answer), *at = copy;

	assert_non_null(copy);
	while ((at = strstr(at, from)) != NULL)
		memcpy(at, to, strlen(to));
	return copy;
}

static void every_failed_sign_in_gets_the_same_answer(void **state)
{
	static const char *const names[] = {"eve", "tim"}; /* unknown; of the other site */
	char *wrong = copy_with(sign_in_as("ada", "wrong%20horse%20battery", ""), "ada", "xxx");

	(void)state;
	assert_says(wrong, 403, "The name or the password is not right.");
	assert_null(strstr(wrong, "Set-Cookie"));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *other = copy_with(sign_in_as(names[i], RIGHT, ""), names[i], "xxx");
		assert_string_equal(other, wrong);
		free(other);
	}
	free(wrong);
	assert_true(records("action = 'session.begin' AND outcome = 'denied'") >= 3);
}

static void a_name_that_fails_too_often_waits(void **state)
{
	const char *answer = NULL;
	long wait;

	(void)state;
	for (int i = 0; i < 6; i++)
		answer = sign_in_as("ada", "wrong%20horse%20battery", "");
	assert_says(answer, 429, "Too many attempts failed. Please wait");
	assert_non_null(test_header(answer, "Retry-After"));
	wait = strtol(test_header(answer, "Retry-After"), NULL, 10);
	assert_in_range(wait, 1, 60);
	assert_int_equal(test_status(sign_in_as("ada", RIGHT, "")), 429);
	clock_fake_advance(&world->clock, wait * 1000);
	assert_int_equal(test_status(sign_in_as("ada", RIGHT, "")), 303);
}

static void a_sign_in_form_from_another_site_is_refused(void **state)
{
	const char *answer = test_ask(site, &(struct test_request){.target = "/session",
	                                            .body = "name=ada&password=" RIGHT,
	                                            .origin = "https://evil.test:8443"});

	(void)state;
	assert_says(answer, 403, "another site");
	assert_null(strstr(answer, "Set-Cookie"));
}

static void a_sign_in_that_is_left_empty_is_refused(void **state)
{
	(void)state;
	assert_says(sign_in_as("", RIGHT, ""), 400, "name");
	assert_says(sign_in_as("ada", "", ""), 400, "password");
	assert_says(sign_in_as("ada", RIGHT, "&role=admin"), 400, "role");
}

static void more_sign_ins_at_once_than_the_site_takes_are_busy(void **state)
{
	unsigned most = site->program.sign_ins_max;

	(void)state;
	site->program.sign_ins_max = 0;
	assert_int_equal(test_status(sign_in_as("ada", RIGHT, "")), 503);
	site->program.sign_ins_max = most;
	assert_int_equal(test_status(sign_in_as("ada", RIGHT, "")), 303);
}

static void strangers_who_guess_at_a_name_do_not_lock_its_person_out(void **state)
{
	static const char name[] = "Set-Cookie: __Host-fleetport-user-browser=";
	struct test_request again = {
	        .target = "/session", .body = "name=ada&password=" RIGHT, .address = "192.0.2.1"};
	const char *answer = sign_in_as("ada", RIGHT, ""), *cookie = strstr(answer, name);
	char browser[100];

	(void)state;
	assert_non_null(cookie);
	assert_non_null(strstr(cookie, "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="));
	cookie += sizeof name - 1;
	(void)snprintf(browser, sizeof browser, "%.*s", (int)strcspn(cookie, ";"), cookie);
	for (int i = 0; i < 5; i++)
		assert_says(sign_in_as("ada", "wrong", ""), 403, "not right");
	assert_says(test_ask(site, &again), 429, "Too many attempts failed");
	again.browser = browser;
	assert_says(test_ask(site, &again), 303, "__Host-fleetport-user-browser=");
	again.body = "name=ada&password=wrong";
	assert_says(test_ask(site, &again), 403, "not right");
}

/* ---- sessions */

static void an_idle_session_ends(void **state)
{
	const char *token = test_session(site, &ada);

	(void)state;
	assert_says(get(site, "/", token), 200, "No printers yet");
	clock_fake_advance(&world->clock, 31 * MINUTE);
	assert_says(get(site, "/", token), 200, "action=\"/session\"");
	assert_says(get(probe, "/either", token), 303, "Location: /?next=%2Feither");
}

static void a_session_of_the_other_site_is_none(void **state)
{
	struct site_kind as_support = probe_site;
	struct test_site *other;
	const char *token = test_session(site, &ada);

	(void)state;
	as_support.site = SITE_SUPPORT;
	other = test_site_open(world, &as_support, NULL);
	assert_int_equal(test_status(get(other, "/either", token)), 303);
	test_site_close(other);
}

static void signing_in_again_ends_the_browsers_earlier_session(void **state)
{
	const char *before = test_session(site, &ada);
	const char *answer = test_ask(site, &(struct test_request){.target = "/session",
	                                            .token = before,
	                                            .csrf = "-",
	                                            .body = "name=ada&password=" RIGHT});

	(void)state;
	assert_int_equal(test_status(answer), 303);
	assert_string_not_equal(token_of(answer), before);
	assert_int_equal(test_status(get(probe, "/either", before)), 303);
}

static void sessions_that_ended_long_ago_are_forgotten_at_a_sign_in(void **state)
{
	const char *all = "SELECT count(*) FROM session";
	const char *answer = sign_in_as("ada", RIGHT, "");

	(void)state;
	assert_int_equal(test_status(answer), 303);
	clock_fake_advance(&world->clock, INT64_C(30) * 24 * 3600 * 1000);
	assert_int_equal(test_status(sign_in_as("bob", RIGHT, "")), 303);
	assert_int_equal(test_store_number(world->folder, SQL_CORE, all), 2);
	clock_fake_advance(&world->clock, INT64_C(13) * 3600 * 1000);
	assert_int_equal(test_status(sign_in_as("bob", RIGHT, "")), 303);
	assert_int_equal(test_store_number(world->folder, SQL_CORE, all), 2);
}

static void a_form_without_the_sessions_token_is_refused_and_recorded(void **state)
{
	const char *mine = test_session(site, &ada);
	static const char *const wrong[] = {"-", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_says(test_ask(probe, &(struct test_request){.target = "/change",
		                                    .token = mine,
		                                    .csrf = wrong[i],
		                                    .body = ""}),
		        403, "another session");
	assert_says(test_ask(probe, &(struct test_request){.target = "/change",
	                                    .token = mine,
	                                    .origin = "https://evil.test",
	                                    .body = ""}),
	        403, "another site");
	assert_int_equal(
	        test_status(test_ask(probe,
	                &(struct test_request){.target = "/change", .token = mine, .body = ""})),
	        200);
	assert_int_equal(records("action = 'probe.change' AND outcome = 'denied'"), 4);
}

/* ---- who may come */

static void a_route_asks_for_one_of_its_permissions(void **state)
{
	const char *viewer = test_session(site, &ada), *admin = test_session(site, &bob);

	(void)state;
	assert_says(get(probe, "/people", viewer), 403, "Your role does not allow this.");
	assert_null(strstr(buf_text(&probe->answer), "the secret"));
	assert_says(get(probe, "/people", admin), 200, "the secret");
	assert_says(get(probe, "/either", viewer), 200, "the secret");
	assert_int_equal(records("action = 'probe.people' AND outcome = 'denied'"), 1);
}

static void a_route_can_demand_a_second_or_a_fresh_factor(void **state)
{
	const char *token = test_session(site, &ada);

	(void)state;
	assert_says(get(probe, "/second", token), 403, "second factor");
	assert_int_equal(test_status(get(probe, "/fresh", token)), 200);
	clock_fake_advance(&world->clock, 6 * MINUTE);
	assert_says(get(probe, "/fresh", token), 403, "last five minutes");
}

static void a_program_without_a_session_gets_no_form(void **state)
{
	const char *answer = get(probe, "/program", NULL);

	(void)state;
	assert_says(answer, 401, "Content-Type: application/problem+json\r\n");
	assert_says(get(probe, "/program", test_session(site, &ada)), 200, "the secret");
}

/* ---- no record, no data */

static void an_answer_that_names_no_record_does_not_leave(void **state)
{
	const char *token = test_session(site, &ada);
	const char *answer = get(probe, "/audited", token);

	(void)state;
	assert_says(answer, 503, "could not be recorded");
	assert_null(strstr(answer, "the secret"));
	assert_says(get(probe, "/recorded", token), 200, "the secret");
}

static void what_is_not_found_is_recorded_with_the_id_that_was_asked_for(void **state)
{
	const char *token = test_session(site, &ada);
	char *first = strdup(get(probe, "/nothing/de_foreign", token));

	(void)state;
	assert_non_null(first);
	assert_says(first, 404, "There is no such page.");
	assert_null(strstr(first, "core says why"));
	assert_string_equal(get(probe, "/nothing/de_missing", token), first);
	free(first);
	assert_int_equal(records("outcome = 'not-found' AND EXISTS (SELECT 1 FROM audit_target t"
	                         " WHERE t.number = i.number AND t.target = 'de_foreign')"),
	        1);
	assert_int_equal(test_status(get(probe, "/nothing/a%20b", token)), 404);
}

static void a_fault_of_ours_is_not_explained_to_strangers(void **state)
{
	const char *answer = get(probe, "/broken", test_session(site, &ada));

	(void)state;
	assert_says(answer, 500, "It has been logged.");
	assert_null(strstr(answer, "the reason inside"));
	assert_says(answer, 500, "00112233445566778899aabbccddeeff");
}

static void without_the_audit_process_nothing_is_shown(void **state)
{
	const char *token = test_session(site, &ada);
	const char *answer;

	(void)state;
	test_audit_kill(audit);
	answer = get(site, "/", token);
	assert_says(answer, 503, "Retry-After: 5\r\n");
	assert_null(strstr(answer, "Blue Print"));
	assert_says(get(probe, "/recorded", token), 503, "could not be recorded");
	assert_says(get(probe, "/nothing/de_x", token), 503, "could not be recorded");
	assert_says(get(probe, "/recorded", NULL), 503, "could not be recorded");
	answer = sign_in_as("ada", RIGHT, "");
	assert_int_equal(test_status(answer), 503);
	assert_null(strstr(answer, "Set-Cookie"));
	assert_int_equal(test_status(get(site, "/readyz", NULL)), 503);
	assert_int_equal(test_status(get(site, "/healthz", NULL)), 200);
	assert_says(get(site, "/", NULL), 200, "action=\"/session\"");
	audit = test_audit_start(world);
	assert_says(get(site, "/", token), 200, "Blue Print");
	assert_int_equal(test_status(get(site, "/readyz", NULL)), 200);
}

static void strangers_beyond_twenty_a_minute_are_counted_in_a_summary(void **state)
{
	int64_t before = records("action = 'probe.either' AND outcome = 'denied'");

	(void)state;
	for (int i = 0; i < 30; i++)
		assert_int_equal(test_status(get(probe, "/either", NULL)), 303);
	assert_int_equal(records("action = 'probe.either' AND outcome = 'denied'") - before, 20);
	before = records("action = 'access' AND outcome = 'denied'");
	clock_fake_advance(&world->clock, MINUTE);
	assert_int_equal(test_status(get(probe, "/either", NULL)), 303);
	assert_int_equal(records("action = 'access' AND outcome = 'denied'") - before, 1);
}

/* ---- the small pages */

static void robots_and_the_security_contact_are_told(void **state)
{
	struct site_kind kind = user_site;
	struct test_site *told = test_site_open(
	        world, &kind, "[user]\nsecurity_contact = mailto:security@example.org\n");
	const char *answer;

	(void)state;
	assert_string_equal(
	        test_body(get(site, "/robots.txt", NULL)), "User-agent: *\nDisallow: /\n");
	assert_int_equal(test_status(get(site, "/.well-known/security.txt", NULL)), 404);
	answer = get(told, "/.well-known/security.txt", NULL);
	assert_says(answer, 200, "Contact: mailto:security@example.org\n");
	assert_says(answer, 200, "Expires: 20");
	assert_says(answer, 200, "Canonical: https://user.test:8443/.well-known/security.txt\n");
	assert_says(get(site, "/.well-known/change-password", NULL), 303, "Location: /\r\n");
	test_site_close(told);
}

static void an_error_page_says_who_is_signed_in(void **state)
{
	const char *token = test_session(site, &ada);

	(void)state;
	assert_says(get(site, "/?odd=1", token), 400, "Blue Print");
	assert_says(get(site, "/?odd=1", NULL), 400, "is not known here");
	assert_says(get(site, "/nowhere", token), 404, "There is no such page.");
}

/* ---- many at once, through FastCGI */

enum { CLIENTS = 6, ROUNDS = 15 };

struct served {
	struct web_fastcgi_options options;
	int ready[2];
	bool ok;
};

static void say_ready(void *context)
{
	if (write(((struct served *)context)->ready[1], "R", 1) != 1)
		abort();
}

static void *serve(void *arg)
{
	struct served *served = arg;
	struct err e;

	served->ok = web_fastcgi_serve(&site->program.web, &served->options, &e);
	return NULL;
}

struct client {
	const char *path, *cookie;
	int pages, refusals;
};

static void ask_once(const struct client *client, const struct fcgi_request *want,
        const char *status, int *count)
{
	struct buf bytes = fcgi_request(want), answer;
	int fd = fcgi_connect(client->path);

	assert_true(fd >= 0);
	fcgi_send(fd, bytes.data, bytes.len);
	answer = fcgi_answer(fd);
	if (strncmp(buf_text(&answer), status, strlen(status)) == 0)
		(*count)++;
	buf_free(&answer);
	buf_free(&bytes);
}

/* Pages of someone who is signed in, and between them a sign-in that fails. */
static void *be_busy(void *arg)
{
	static const char type[] = "application/x-www-form-urlencoded";
	struct client *client = arg;
	const struct fcgi_request page = {
	        .method = "GET", .uri = "/", .more = {"HTTP_COOKIE", client->cookie}};
	const struct fcgi_request wrong = {.method = "POST",
	        .uri = "/session",
	        .body = "name=nobody&password=nothing%20that%20fits",
	        .more = {"CONTENT_TYPE", type, "HTTP_ORIGIN", "https://user.test:8443"}};

	for (int i = 0; i < ROUNDS; i++) {
		ask_once(client, &page, "Status: 200 ", &client->pages);
		if (i == ROUNDS / 2)
			ask_once(client, &wrong, "Status: 4", &client->refusals);
	}
	return NULL;
}

static void many_people_are_served_at_once(void **state)
{
	char path[200], cookie[200];
	struct served served = {.options = {.socket_path = path,
	                                .threads = 4,
	                                .peer_uid = -1,
	                                .stop_fd = eventfd(0, EFD_CLOEXEC),
	                                .ready = say_ready,
	                                .ready_context = &served}};
	struct client clients[CLIENTS];
	pthread_t threads[CLIENTS], server;
	uint64_t one = 1;
	char byte;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/site.sock", world->folder);
	(void)snprintf(cookie, sizeof cookie, "__Host-fleetport-user=%s", test_session(site, &ada));
	assert_int_equal(pipe(served.ready), 0);
	assert_int_equal(pthread_create(&server, NULL, serve, &served), 0);
	assert_int_equal(read(served.ready[0], &byte, 1), 1);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){.path = path, .cookie = cookie};
		assert_int_equal(pthread_create(&threads[i], NULL, be_busy, &clients[i]), 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(clients[i].pages, ROUNDS);
		assert_int_equal(clients[i].refusals, 1);
	}
	assert_int_equal(write(served.options.stop_fd, &one, sizeof one), sizeof one);
	assert_int_equal(pthread_join(server, NULL), 0);
	assert_true(served.ok);
	(void)close(served.options.stop_fd);
	(void)close(served.ready[0]);
	(void)close(served.ready[1]);
	assert_true(records("action = 'fleet.view' AND outcome = 'done'") >= CLIENTS * ROUNDS);
}

#define TEST(name) cmocka_unit_test_setup(name, next_day)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_person_signs_in_sees_an_empty_fleet_and_signs_out),
	        TEST(a_sign_in_leads_on_to_a_page_of_our_own_only),
	        TEST(a_stranger_is_led_to_the_form_which_remembers_the_page),
	        TEST(every_failed_sign_in_gets_the_same_answer),
	        TEST(a_name_that_fails_too_often_waits),
	        TEST(a_sign_in_form_from_another_site_is_refused),
	        TEST(a_sign_in_that_is_left_empty_is_refused),
	        TEST(sessions_that_ended_long_ago_are_forgotten_at_a_sign_in),
	        TEST(more_sign_ins_at_once_than_the_site_takes_are_busy),
	        TEST(strangers_who_guess_at_a_name_do_not_lock_its_person_out),
	        TEST(an_idle_session_ends),
	        TEST(a_session_of_the_other_site_is_none),
	        TEST(signing_in_again_ends_the_browsers_earlier_session),
	        TEST(a_form_without_the_sessions_token_is_refused_and_recorded),
	        TEST(a_route_asks_for_one_of_its_permissions),
	        TEST(a_route_can_demand_a_second_or_a_fresh_factor),
	        TEST(a_program_without_a_session_gets_no_form),
	        TEST(an_answer_that_names_no_record_does_not_leave),
	        TEST(what_is_not_found_is_recorded_with_the_id_that_was_asked_for),
	        TEST(a_fault_of_ours_is_not_explained_to_strangers),
	        TEST(without_the_audit_process_nothing_is_shown),
	        TEST(strangers_beyond_twenty_a_minute_are_counted_in_a_summary),
	        TEST(robots_and_the_security_contact_are_told),
	        TEST(an_error_page_says_who_is_signed_in),
	        TEST(many_people_are_served_at_once),
	};

	return cmocka_run_group_tests_name("site", tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every route of both sites × every role × what is theirs, what is another's, and what does not
 * exist. The rows come from the sites' own route tables, so a new route is in here by itself; one
 * that needs more than that (another kind of object, a form) fails until it is told below.
 */
#include "cgi/guard.h"
#include "cgi/support/routes.h"
#include "cgi/user/routes.h"
#include "tests/helpers/site.h"
#include "tests/helpers/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the world: who sees what is said here by hand, not asked of the access rule */

enum thing {
	DEVICE_A1,
	DEVICE_A2,
	DEVICE_B1,
	DEVICE_MISSING,
	OPERATION_A1,    /* asked by the technician of A1 */
	OPERATION_A2,    /* asked by that partner's admin */
	OPERATION_A1_QU, /* asked by another partner, when it had a contract */
	OPERATION_B1,    /* asked by the technician without contract, when there was one */
	OPERATION_MISSING,
	THINGS,
};

static struct {
	const char *id;
	const char *marks[3]; /* what an answer must not hold for those who may not see the thing */
} things[THINGS] = {
        [DEVICE_A1] = {"de_aaaaaaaaaaaaaaaaaaaaA1", {"NAME-OF-A1", "SERIAL-OF-A1"}},
        [DEVICE_A2] = {"de_aaaaaaaaaaaaaaaaaaaaA2", {"NAME-OF-A2", "SERIAL-OF-A2"}},
        [DEVICE_B1] = {"de_bbbbbbbbbbbbbbbbbbbbB1", {"NAME-OF-B1", "SERIAL-OF-B1", "Beta Copy"}},
        [DEVICE_MISSING] = {"de_ccccccccccccccccccccC9", {NULL}},
        [OPERATION_A1] = {"rq_aaaaaaaaaaaaaaaaaaaaA1", {"PURPOSE-OF-A1"}},
        [OPERATION_A2] = {"rq_aaaaaaaaaaaaaaaaaaaaA2", {"PURPOSE-OF-A2"}},
        [OPERATION_A1_QU] = {"rq_aaaaaaaaaaaaaaaaaaaQA1", {"PURPOSE-OF-Q1"}},
        [OPERATION_B1] = {"rq_bbbbbbbbbbbbbbbbbbbbB1", {"PURPOSE-OF-B1"}},
        [OPERATION_MISSING] = {"rq_ccccccccccccccccccccC9", {NULL}},
};

enum {
	STRANGER_SEES = 0,
	A1 = 1u << DEVICE_A1,
	A2 = 1u << DEVICE_A2,
	B1 = 1u << DEVICE_B1,
	OP_A1 = 1u << OPERATION_A1,
	OP_A2 = 1u << OPERATION_A2,
};

struct actor {
	const char *name;
	enum site site;
	enum role role; /* ROLE_NONE: nobody is signed in */
	unsigned sees;  /* things, as bits */
	struct world_ids ids;
};

static struct actor actors[] = {
        {.name = "stranger", .site = SITE_USER},
        {.name = "viewer of A1", .role = ROLE_CUSTOMER_VIEWER, .sees = A1},
        {.name = "viewer of nothing", .role = ROLE_CUSTOMER_VIEWER},
        {.name = "admin of A", .role = ROLE_CUSTOMER_ADMIN, .sees = A1 | A2},
        {.name = "admin of B", .role = ROLE_CUSTOMER_ADMIN, .sees = B1},
        {.name = "stranger to support", .site = SITE_SUPPORT},
        {.name = "technician of A1",
                .site = SITE_SUPPORT,
                .role = ROLE_TECHNICIAN,
                .sees = A1 | OP_A1},
        {.name = "technician without contract", .site = SITE_SUPPORT, .role = ROLE_TECHNICIAN},
        {.name = "partner-admin for A",
                .site = SITE_SUPPORT,
                .role = ROLE_PARTNER_ADMIN,
                .sees = A1 | A2 | OP_A1 | OP_A2},
        {.name = "operator-admin", .site = SITE_SUPPORT, .role = ROLE_OPERATOR_ADMIN},
        {.name = "auditor", .site = SITE_SUPPORT, .role = ROLE_AUDITOR},
};
enum { ACTORS = sizeof actors / sizeof actors[0] };

static struct world *world;
static pid_t audit;
static struct test_site *sites[2];

static void add_device(
        const struct world_ids *customer, const struct world_ids *group, enum thing thing)
{
	char text[900];

	(void)snprintf(text, sizeof text,
	        "INSERT INTO device (public_id, customer_id, group_id, identity_kind,"
	        " identity_value, manufacturer, model, serial_number, name, search_key, state,"
	        " attention, attention_text, lowest_supply, first_seen_at, seen_hour, list_version)"
	        " VALUES ('%s', %lld, %lld, 'serial', '%s', 'ACME', 'M1', '%s', '%s', 'acme', "
	        "'idle',"
	        " 3, 'media-empty', 5, 1, %lld, 1)",
	        things[thing].id, (long long)customer->id, (long long)group->id,
	        things[thing].marks[1], things[thing].marks[1], things[thing].marks[0],
	        (long long)world_now(world));
	test_store_exec(world->folder, SQL_CORE, text);
}

static void add_operation(enum thing thing, enum thing device, const struct world_ids *requester,
        const struct world_ids *organisation)
{
	char text[1500], device_row[100];

	(void)snprintf(device_row, sizeof device_row,
	        "SELECT id FROM device WHERE public_id = '%s'", things[device].id);
	(void)snprintf(text, sizeof text,
	        "INSERT INTO request (public_id, state, requester, organisation_id, kind, purpose,"
	        " idempotency_key, body_hash, begun, created_at)"
	        " VALUES ('%s', 'active', %lld, %lld, 'get-status', '%s', 'key-%s', x'00', 1, 1);"
	        "INSERT INTO execution (public_id, request_id, device, device_public_id, "
	        "customer_id,"
	        " state, class, run_seconds, not_after, created_at)"
	        " SELECT 'op_' || substr('%s', 4), id, %lld, '%s', 1, 'queued', 'query', 900, "
	        "%lld, 1"
	        " FROM request WHERE public_id = '%s'",
	        things[thing].id, (long long)requester->id, (long long)organisation->id,
	        things[thing].marks[0], things[thing].id, things[thing].id,
	        (long long)test_store_number(world->folder, SQL_CORE, device_row),
	        things[device].id, (long long)world_now(world) + 86400000, things[thing].id);
	test_store_exec(world->folder, SQL_OPERATIONS, text);
}

static struct actor *actor_named(const char *name)
{
	for (size_t i = 0; i < ACTORS; i++)
		if (strcmp(actors[i].name, name) == 0)
			return &actors[i];
	fail_msg("no actor %s", name);
	return NULL;
}

static void add_person(const char *name, const struct world_ids *organisation)
{
	struct actor *actor = actor_named(name);

	actor->ids = world_person(world, organisation, actor->role, name);
}

static void arrange(void)
{
	struct world_ids a = world_organisation(world, "customer", "Alpha Print");
	struct world_ids b = world_organisation(world, "customer", "Beta Copy");
	struct world_ids pi = world_organisation(world, "partner", "Pi Service");
	struct world_ids qu = world_organisation(world, "partner", "Qu Service");
	struct world_ids operator= world_organisation(world, "operator", "Operator");
	struct world_ids a1 = world_group(world, &a, "First floor");
	struct world_ids a2 = world_group(world, &a, "Second floor");
	struct world_ids b1 = world_default_group(world, &b);

	add_device(&a, &a1, DEVICE_A1);
	add_device(&a, &a2, DEVICE_A2);
	add_device(&b, &b1, DEVICE_B1);
	(void)world_contract(world, &a, &pi, 100);
	add_person("viewer of A1", &a);
	add_person("viewer of nothing", &a);
	add_person("admin of A", &a);
	add_person("admin of B", &b);
	add_person("technician of A1", &pi);
	add_person("technician without contract", &qu);
	add_person("partner-admin for A", &pi);
	add_person("operator-admin", &operator);
	add_person("auditor", &operator);
	(void)world_grant(world, &actor_named("viewer of A1")->ids, &a1, "view");
	(void)world_grant(world, &actor_named("technician of A1")->ids, &a1, "view");
	(void)world_grant(world, &actor_named("technician of A1")->ids, &a1, "operate");
	add_operation(OPERATION_A1, DEVICE_A1, &actor_named("technician of A1")->ids, &pi);
	add_operation(OPERATION_A2, DEVICE_A2, &actor_named("partner-admin for A")->ids, &pi);
	add_operation(
	        OPERATION_A1_QU, DEVICE_A1, &actor_named("technician without contract")->ids, &qu);
	add_operation(
	        OPERATION_B1, DEVICE_B1, &actor_named("technician without contract")->ids, &qu);
}

static int set_up(void **state)
{
	(void)state;
	world = world_new(NULL);
	audit = test_audit_start(world);
	arrange();
	sites[SITE_USER] = test_site_open(
	        world, &user_site, "[user]\nsecurity_contact = mailto:a@example.org\n");
	sites[SITE_SUPPORT] = test_site_open(
	        world, &support_site, "[support]\nsecurity_contact = mailto:a@example.org\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_site_close(sites[SITE_USER]);
	test_site_close(sites[SITE_SUPPORT]);
	test_audit_kill(audit);
	world_free(world);
	return 0;
}

/* ---- what the matrix must be told about a route */

/* The things that a path's ":id" can name, as a range; false: none. */
static bool things_of(const struct web_route *route, enum thing *first, enum thing *last)
{
	if (strchr(route->path, ':') == NULL)
		return false;
	if (strncmp(route->path, "/operations/:id", 15) == 0) {
		*first = OPERATION_A1;
		*last = OPERATION_MISSING;
		return true;
	}
	if (strncmp(route->path, "/devices/:id", 12) != 0)
		fail_msg("route %s: tell the matrix what %s names", route->id, route->path);
	*first = DEVICE_A1;
	*last = DEVICE_MISSING;
	return true;
}

/* A form that the route takes. */
static const char *form_of(const struct web_route *route)
{
	static const struct {
		const char *id, *form;
	} forms[] = {
	        {"session.begin", "name=nobody&password=nothing%20that%20fits"},
	        {"operation.submit",
	                "kind=get-status&strength=&purpose=ticket%201&key=0123456789abcdef"},
	};

	if (route->method != WEB_POST)
		return NULL;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (strcmp(forms[i].id, route->id) == 0)
			return forms[i].form;
	for (const struct web_field *f = route->fields; f != NULL && f->name != NULL; f++)
		if (f->required && strcmp(f->name, "id") != 0)
			fail_msg("route %s: tell the matrix a form for it", route->id);
	return "";
}

/* ---- one cell */

static const char *fill_path(const char *path, const char *id)
{
	static char target[300];
	const char *at = strstr(path, ":id");

	if (at == NULL)
		(void)snprintf(target, sizeof target, "%s", path);
	else
		(void)snprintf(
		        target, sizeof target, "%.*s%s%s", (int)(at - path), path, id, at + 3);
	return target;
}

/* The whole answer, with the id that was asked for written as "ID"; free it. */
static char *copy_of(const char *answer, const char *id)
{
	char *copy = malloc(strlen(answer) + 1), *to = copy;
	size_t len = strlen(id);

	assert_non_null(copy);
	while (*answer != '\0') {
		if (len > 0 && strncmp(answer, id, len) == 0) {
			memcpy(to, "ID", 2);
			to += 2;
			answer += len;
		} else {
			*to++ = *answer++;
		}
	}
	*to = '\0';
	return copy;
}

static char *ask(
        const struct actor *actor, const struct web_route *route, const char *id, const char *token)
{
	const struct test_request rq = {
	        .target = fill_path(route->path, id), .token = token, .body = form_of(route)};

	return copy_of(test_ask(sites[actor->site], &rq), id);
}

static const char *token_of(const struct actor *actor)
{
	return actor->role == ROLE_NONE ? NULL : test_session(sites[actor->site], &actor->ids);
}

/* Nothing of what the actor may not see is in the answer. */
static void assert_no_leak(
        const struct actor *actor, const struct web_route *route, const char *answer)
{
	for (int t = 0; t < THINGS; t++)
		for (size_t m = 0; m < 3 && things[t].marks[m] != NULL; m++)
			if ((actor->sees & 1u << t) == 0 &&
			        strstr(answer, things[t].marks[m]) != NULL)
				fail_msg("%s of %s shows %s to %s:\n%s", route->id,
				        sites[actor->site]->program.kind->name, things[t].marks[m],
				        actor->name, answer);
}

static bool may_come(const struct actor *actor, const struct web_route *route)
{
	unsigned wanted = route->who & WHO_PERMISSIONS;

	if (route->who & (WHO_ANYONE | WHO_NO_SESSION))
		return true;
	return actor->role != ROLE_NONE &&
	       (wanted == 0 || (role_permissions(actor->role) & wanted) != 0);
}

static void expect_status(const struct actor *actor, const struct web_route *route,
        const char *answer, bool right, const char *want)
{
	if (!right)
		fail_msg("%s %s of %s for %s: want %s, got:\n%s", route->id, route->path,
		        sites[actor->site]->program.kind->name, actor->name, want, answer);
}

/* What somebody gets who may not come: the same, whatever they ask for. */
static void check_refused(
        const struct actor *actor, const struct web_route *route, const char *answer)
{
	int status = test_status(answer);

	if (actor->role != ROLE_NONE)
		expect_status(actor, route, answer, status == 403, "403");
	else if (route->who & WHO_PROGRAM)
		expect_status(actor, route, answer, status == 401, "401");
	else
		expect_status(actor, route, answer,
		        status == 303 && strncmp(test_header(answer, "Location"), "/",
		                                 route->method == WEB_GET ? 1 : 2) == 0,
		        "a redirect to the form");
}

/* An open route, or a signed-in person at one without an object. */
static void check_plain(
        const struct actor *actor, const struct web_route *route, const char *answer)
{
	int status = test_status(answer);

	if (strcmp(route->id, "session.begin") == 0)
		expect_status(actor, route, answer, status == 403, "403 for a wrong password");
	else
		expect_status(actor, route, answer, status == 200 || status == 303, "200 or 303");
}

static void check_objects(
        const struct actor *actor, const struct web_route *route, enum thing first, enum thing last)
{
	/* One session for all: its token for forms is part of the page. */
	const char *token = token_of(actor);
	char *missing = ask(actor, route, things[last].id, token);

	for (enum thing t = first; t <= last; t++) {
		char *answer = ask(actor, route, things[t].id, token);
		assert_no_leak(actor, route, answer);
		if (!may_come(actor, route))
			check_refused(actor, route, answer);
		if (may_come(actor, route) && (actor->sees & 1u << t) != 0) {
			expect_status(actor, route, answer,
			        test_status(answer) < (route->method == WEB_GET ? 300 : 500) &&
			                test_status(answer) != 404,
			        "the thing");
		} else if (strcmp(answer, missing) != 0) {
			fail_msg("%s for %s tells %s from what does not exist:\n%s\n\n%s",
			        route->id, actor->name, things[t].id, answer, missing);
		}
		free(answer);
	}
	if (may_come(actor, route))
		expect_status(actor, route, missing, test_status(missing) == 404, "404");
	free(missing);
}

static void every_cell_of_the_matrix_is_as_the_table_of_rights_says(void **state)
{
	unsigned cells = 0;

	(void)state;
	for (size_t a = 0; a < ACTORS; a++) {
		const struct site_kind *kind = sites[actors[a].site]->program.kind;
		clock_fake_advance(&world->clock, INT64_C(7200000)); /* no throttle reaches here */
		for (size_t r = 0; r < kind->route_count; r++) {
			const struct web_route *route = &kind->routes[r];
			enum thing first, last;
			char *answer;
			cells++;
			if (things_of(route, &first, &last)) {
				check_objects(&actors[a], route, first, last);
				cells += last - first;
				continue;
			}
			answer = ask(&actors[a], route, "", token_of(&actors[a]));
			assert_no_leak(&actors[a], route, answer);
			if (may_come(&actors[a], route))
				check_plain(&actors[a], route, answer);
			else
				check_refused(&actors[a], route, answer);
			free(answer);
		}
	}
	print_message("%u cells\n", cells);
}

/* Things that are named beside the path: a place in a list to go on from. */
static void check_named(const struct actor *actor, const struct web_route *route, const char *field)
{
	const char *token = token_of(actor);

	if (strcmp(route->id, "operation.list") != 0)
		fail_msg("route %s: tell the matrix what its field %s names", route->id, field);
	for (enum thing t = OPERATION_A1; t < OPERATION_MISSING; t++) {
		char target[2][200];
		char *answer, *missing;
		if ((actor->sees & 1u << t) != 0)
			continue;
		for (int i = 0; i < 2; i++)
			(void)snprintf(target[i], sizeof target[i], "%s?%s=%s", route->path, field,
			        things[i == 0 ? t : OPERATION_MISSING].id);
		answer = copy_of(
		        test_ask(sites[actor->site],
		                &(struct test_request){.target = target[0], .token = token}),
		        things[t].id);
		missing = copy_of(
		        test_ask(sites[actor->site],
		                &(struct test_request){.target = target[1], .token = token}),
		        things[OPERATION_MISSING].id);
		if (test_status(answer) != 200 || strcmp(missing, answer) != 0)
			fail_msg("%s for %s tells %s from what does not exist:\n%s\n\n%s",
			        route->id, actor->name, target[0], answer, missing);
		free(answer);
		free(missing);
	}
}

static void an_id_beside_the_path_tells_no_more_than_one_in_it(void **state)
{
	unsigned fields = 0;

	(void)state;
	for (size_t a = 0; a < ACTORS; a++) {
		const struct site_kind *kind = sites[actors[a].site]->program.kind;
		for (size_t r = 0; r < kind->route_count; r++) {
			const struct web_field *f = kind->routes[r].fields;
			for (; f != NULL && f->name != NULL; f++)
				if (kind->routes[r].method == WEB_GET && f->type == WEB_FIELD_ID &&
				        strcmp(f->name, "id") != 0 && actors[a].role != ROLE_NONE &&
				        may_come(&actors[a], &kind->routes[r])) {
					check_named(&actors[a], &kind->routes[r], f->name);
					fields++;
				}
		}
	}
	assert_true(fields > 0);
}

/* ---- for every route: what must stop everyone */

typedef void each_route(const struct actor *actor, const struct web_route *route);

/* Calls check for every route, with someone who may come to it. */
static void for_each_route(each_route *check)
{
	for (int s = 0; s < 2; s++) {
		const struct site_kind *kind = sites[s]->program.kind;
		for (size_t r = 0; r < kind->route_count; r++) {
			size_t a = 0;
			while (a < ACTORS &&
			        (actors[a].site != (enum site)s || actors[a].role == ROLE_NONE ||
			                !may_come(&actors[a], &kind->routes[r])))
				a++;
			if (a == ACTORS)
				fail_msg("nobody may come to %s", kind->routes[r].id);
			check(&actors[a], &kind->routes[r]);
		}
	}
}

static const char *target_of(const struct web_route *route)
{
	enum thing first, last;

	return fill_path(route->path, things_of(route, &first, &last) ? things[first].id : "");
}

static void check_expired(const struct actor *actor, const struct web_route *route)
{
	const char *token = token_of(actor);
	const char *answer;

	if (route->who & (WHO_ANYONE | WHO_NO_SESSION))
		return;
	clock_fake_advance(&world->clock, INT64_C(31) * 60000);
	answer = test_ask(sites[actor->site],
	        &(struct test_request){
	                .target = target_of(route), .token = token, .body = form_of(route)});
	if (test_status(answer) != 303 && test_status(answer) != 401)
		fail_msg("%s answers an expired session:\n%s", route->id, answer);
	assert_no_leak(actor_named("stranger"), route, answer);
}

static void an_expired_session_is_none_at_every_route(void **state)
{
	(void)state;
	for_each_route(check_expired);
}

static void check_forged(const struct actor *actor, const struct web_route *route)
{
	const char *other = token_of(actor_named(
	        actor->site == SITE_USER ? "admin of B" : "technician without contract"));
	/* Said here, not asked of the route's flags: a form that forgot its protection must not pass. */
	const bool needs_token = strcmp(route->id, "session.begin") != 0;
	struct test_request rq = {.target = target_of(route), .token = token_of(actor)};
	char body[400];

	if (route->method != WEB_POST)
		return;
	(void)snprintf(body, sizeof body, "%s", form_of(route));
	rq.body = body;
	rq.origin = "https://evil.test:8443";
	if (test_status(test_ask(sites[actor->site], &rq)) != 403)
		fail_msg("%s takes a form of another site", route->id);
	rq.origin = NULL;
	if (!needs_token)
		return;
	rq.csrf = "-";
	if (test_status(test_ask(sites[actor->site], &rq)) != 403)
		fail_msg("%s takes a form without a token", route->id);
	rq.csrf = test_csrf(sites[actor->site], other);
	if (test_status(test_ask(sites[actor->site], &rq)) != 403)
		fail_msg("%s takes a form with another session's token", route->id);
}

static void no_route_takes_a_form_that_was_not_sent_from_the_persons_own_page(void **state)
{
	(void)state;
	for_each_route(check_forged);
}

static void check_unknown_field(const struct actor *actor, const struct web_route *route)
{
	struct test_request rq = {.token = token_of(actor)};
	char target[400], body[400];
	const char *answer;

	(void)snprintf(target, sizeof target, "%s%s", target_of(route),
	        route->method == WEB_GET ? "?zz=1" : "");
	rq.target = target;
	if (route->method == WEB_POST) {
		const char *form = form_of(route);
		(void)snprintf(body, sizeof body, "%s%szz=1", form, form[0] == '\0' ? "" : "&");
		rq.body = body;
	}
	answer = test_ask(sites[actor->site], &rq);
	if (test_status(answer) != 400 || strstr(answer, "zz") == NULL)
		fail_msg("%s takes a field that it does not know:\n%s", route->id, answer);
}

static void an_unknown_field_is_a_400_at_every_route(void **state)
{
	(void)state;
	for_each_route(check_unknown_field);
}

static void check_methods(const struct actor *actor, const struct web_route *route)
{
	struct test_request rq = {
	        .method = "DELETE", .target = target_of(route), .token = token_of(actor)};
	const char *answer = test_ask(sites[actor->site], &rq);

	if (test_status(answer) != 405 || test_header(answer, "Allow") == NULL)
		fail_msg("%s takes a DELETE:\n%s", route->id, answer);
	if (route->method != WEB_GET)
		return;
	rq.method = "HEAD";
	answer = test_ask(sites[actor->site], &rq);
	if (test_status(answer) >= 400 || test_body(answer)[0] != '\0')
		fail_msg("%s answers HEAD badly:\n%s", route->id, answer);
}

static void other_methods_are_a_405_and_head_has_no_body(void **state)
{
	(void)state;
	for_each_route(check_methods);
}

static void check_without_audit(const struct actor *actor, const struct web_route *route)
{
	const char *answer;

	if ((route->flags & WEB_AUDITED) == 0 && route->method == WEB_GET)
		return;
	answer = test_ask(sites[actor->site], &(struct test_request){.target = target_of(route),
	                                              .token = token_of(actor),
	                                              .body = form_of(route)});
	/* Where a route only leads on to another, nothing is shown. */
	if (test_status(answer) != 503 && test_status(answer) != 303)
		fail_msg("%s answers without a record:\n%s", route->id, answer);
	if (route->method == WEB_POST && test_status(answer) != 503)
		fail_msg("%s changes something without a record:\n%s", route->id, answer);
	assert_no_leak(actor_named("stranger"), route, answer);
}

static void without_the_audit_process_no_route_shows_or_changes_anything(void **state)
{
	(void)state;
	test_audit_kill(audit);
	for_each_route(check_without_audit);
	audit = test_audit_start(world);
}

static void what_reads_devices_is_marked_as_audited(void **state)
{
	(void)state;
	for (int s = 0; s < 2; s++) {
		const struct site_kind *kind = sites[s]->program.kind;
		for (size_t r = 0; r < kind->route_count; r++)
			if (kind->routes[r].method == WEB_GET &&
			        (kind->routes[r].who & (WHO_NO_SESSION | WHO_ANYONE)) == 0 &&
			        (kind->routes[r].flags & WEB_AUDITED) == 0)
				fail_msg("a page for people that is not recorded: %s",
				        kind->routes[r].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_cell_of_the_matrix_is_as_the_table_of_rights_says),
	        cmocka_unit_test(an_id_beside_the_path_tells_no_more_than_one_in_it),
	        cmocka_unit_test(an_expired_session_is_none_at_every_route),
	        cmocka_unit_test(no_route_takes_a_form_that_was_not_sent_from_the_persons_own_page),
	        cmocka_unit_test(an_unknown_field_is_a_400_at_every_route),
	        cmocka_unit_test(other_methods_are_a_405_and_head_has_no_body),
	        cmocka_unit_test(without_the_audit_process_no_route_shows_or_changes_anything),
	        cmocka_unit_test(what_reads_devices_is_marked_as_audited),
	};

	return cmocka_run_group_tests_name("access_matrix", tests, set_up, tear_down);
}

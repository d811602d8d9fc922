/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_openapi.c: docs/openapi/ says what the route tables say: every route with its path, method and fields,
 * and nothing else; and every member of a device report.
 *
 * It reads the files by their form (one the whole tree keeps to), not as YAML: paths two blanks in,
 * methods four, operationId six, a field or property in braces on a line of its own.
 */
#include "cgi/enroll/enroll.h"
#include "cgi/ingest/ingest.h"
#include "cgi/support/routes.h"
#include "cgi/user/routes.h"
#include "lib/file.h"
#include "lib/report_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OPERATIONS_MAX = 64, NAMES_MAX = 24, NAME_SIZE = 64, FILE_MAX = 1 << 20 };

struct operation {
	char path[NAME_SIZE];
	char method[8];
	char id[NAME_SIZE];
	char names[NAMES_MAX][NAME_SIZE];
	size_t count;
	bool seen;
};

struct document {
	struct buf text;
	struct operation operations[OPERATIONS_MAX];
	size_t count;
};

/* ---- reading */

/* What stands between the end of `start` at the line's beginning and the first of `until`. */
static bool between(const char *line, const char *start, const char *until, char out[NAME_SIZE])
{
	size_t len = strlen(start), size;

	if (strncmp(line, start, len) != 0)
		return false;
	size = strcspn(line + len, until);
	if (size == 0 || size >= NAME_SIZE || line[len + size] == '\0')
		return false;
	memcpy(out, line + len, size);
	out[size] = '\0';
	return true;
}

static void read_line(struct document *d, const char *line, char path[NAME_SIZE])
{
	struct operation *o = d->count > 0 ? &d->operations[d->count - 1] : NULL;
	char word[NAME_SIZE];

	if (strncmp(line, "  /", 3) == 0) {
		assert_true(between(line, "  ", ":\n", path));
	} else if (strncmp(line, "    get:", 8) == 0 || strncmp(line, "    post:", 9) == 0) {
		assert_true(d->count < OPERATIONS_MAX);
		o = &d->operations[d->count++];
		*o = (struct operation){.count = 0};
		(void)snprintf(o->path, sizeof o->path, "%s", path);
		assert_true(between(line + 4, "", ":", word));
		(void)snprintf(o->method, sizeof o->method, "%.7s", word);
	} else if (o != NULL && between(line, "      operationId: ", "\n", word)) {
		(void)snprintf(o->id, sizeof o->id, "%s", word);
	} else if (o != NULL && (between(line, "        - { name: ", ",", word) ||
	                                between(line, "                ", ":", word))) {
		assert_true(o->count < NAMES_MAX);
		(void)snprintf(o->names[o->count++], NAME_SIZE, "%s", word);
	}
}

static struct document *document_read(const char *name)
{
	const char *root = getenv("srcdir");
	struct document *d = calloc(1, sizeof *d);
	struct err e = ERR_CLEAR;
	char file[512], path[NAME_SIZE] = "";

	assert_non_null(d);
	d->text = BUF_INIT(FILE_MAX);
	(void)snprintf(
	        file, sizeof file, "%s/docs/openapi/%s.yaml", root != NULL ? root : ".", name);
	if (!file_read(file, &d->text, &e))
		fail_msg("%s", e.text);
	for (const char *line = buf_text(&d->text); *line != '\0'; line = strchr(line, '\n') + 1) {
		if (strncmp(line, "components:", 11) == 0)
			break;
		read_line(d, line, path);
	}
	return d;
}

static void document_free(struct document *d)
{
	buf_free(&d->text);
	free(d);
}

/* ---- comparing */

/* "/devices/:id/operation" as OpenAPI writes it. */
static void openapi_path(const char *path, char out[NAME_SIZE])
{
	size_t len = 0;

	for (const char *p = path; *p != '\0'; p++) {
		assert_true(len + 2 < NAME_SIZE);
		if (*p != ':') {
			out[len++] = *p;
			continue;
		}
		out[len++] = '{';
		for (p++; *p != '\0' && *p != '/'; p++)
			out[len++] = *p;
		out[len++] = '}';
		p--;
	}
	out[len] = '\0';
}

static bool names(const struct operation *o, const char *name)
{
	for (size_t i = 0; i < o->count; i++)
		if (strcmp(o->names[i], name) == 0)
			return true;
	return false;
}

static size_t count_fields(const struct web_route *route)
{
	size_t count = 0;

	for (const struct web_field *f = route->fields; f != NULL && f->name != NULL; f++)
		count++;
	return count;
}

static void check_fields(const struct web_route *route, const struct operation *o)
{
	const unsigned without = WEB_HEADERS_ONLY_CSRF | WEB_NO_CSRF;
	bool csrf = route->method == WEB_POST && (route->flags & without) == 0;

	if ((route->flags & WEB_RAW_BODY) != 0)
		return; /* JSON, held against its own tables */
	for (const struct web_field *f = route->fields; f != NULL && f->name != NULL; f++)
		if (!names(o, f->name))
			fail_msg("%s takes a field %s that is not described", o->id, f->name);
	if (csrf && !names(o, "csrf"))
		fail_msg("%s is a form without csrf", o->id);
	if (o->count != count_fields(route) + csrf)
		fail_msg("%s: %zu fields are described, %zu taken", o->id, o->count,
		        count_fields(route) + csrf);
}

static void check_routes(struct document *d, const struct web_route *routes, size_t count)
{
	for (size_t r = 0; r < count; r++) {
		const char *method = routes[r].method == WEB_POST ? "post" : "get";
		char path[NAME_SIZE];
		struct operation *o = NULL;

		openapi_path(routes[r].path, path);
		for (size_t i = 0; i < d->count; i++)
			if (strcmp(d->operations[i].path, path) == 0 &&
			        strcmp(d->operations[i].method, method) == 0)
				o = &d->operations[i];
		if (o == NULL)
			fail_msg("%s %s (%s) is not described", method, path, routes[r].id);
		assert_string_equal(o->id, routes[r].id);
		check_fields(&routes[r], o);
		o->seen = true;
	}
}

static void check_nothing_else(const struct document *d)
{
	assert_true(d->count > 0);
	for (size_t i = 0; i < d->count; i++)
		if (!d->operations[i].seen)
			fail_msg("%s %s is described, but there is no such route",
			        d->operations[i].method, d->operations[i].path);
}

static void the_sites_answer_what_is_described_and_nothing_else(void **state)
{
	static const struct {
		const char *name;
		const struct site_kind *kind;
	} sites[] = {{"user", &user_site}, {"support", &support_site}};

	(void)state;
	for (size_t s = 0; s < 2; s++) {
		struct document *d = document_read(sites[s].name);

		check_routes(d, sites[s].kind->routes, sites[s].kind->route_count);
		check_nothing_else(d);
		document_free(d);
	}
}

static void the_agents_door_is_described(void **state)
{
	struct document *d = document_read("agents");
	struct ingest ingest = {.db = NULL};
	struct web_site site;

	(void)state;
	ingest_site(&site, &ingest, "https://agents.test");
	check_routes(d, site.routes, site.route_count);
	check_routes(d, enroll_routes, enroll_route_count);
	check_nothing_else(d);
	document_free(d);
}

/* Every member of a report, at whatever depth, is named in the schemas. */
static void check_members(const char *schemas, const struct field *fields)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
		char member[NAME_SIZE];

		(void)snprintf(member, sizeof member, " %s:", f->name);
		if (strstr(schemas, member) == NULL)
			fail_msg("a report's member %s is not described", f->name);
		if (f->fields != NULL)
			check_members(schemas, f->fields);
	}
}

static void every_member_of_a_report_is_described(void **state)
{
	struct document *d = document_read("agents");
	const char *schemas = strstr(buf_text(&d->text), "    Os:\n");

	(void)state;
	assert_non_null(schemas);
	check_members(schemas, report_root_fields);
	check_members(schemas, report_device_fields);
	document_free(d);
}

/* What is referred to is there: "#/components/schemas/Report" as "    Report:" below components. */
static void every_reference_leads_somewhere(void **state)
{
	static const char *const files[] = {"agents", "support", "user"};
	static const char mark[] = "$ref: '#/components/";
	size_t found = 0;

	(void)state;
	for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
		struct document *d = document_read(files[f]);
		const char *components = strstr(buf_text(&d->text), "\ncomponents:\n");

		assert_non_null(components);
		for (const char *at = strstr(buf_text(&d->text), mark); at != NULL;
		        at = strstr(at + 1, mark)) {
			const char *slash = strchr(at + sizeof mark - 1, '/');
			char name[NAME_SIZE], definition[NAME_SIZE + 8];

			assert_non_null(slash);
			assert_true(between(slash + 1, "", "'", name));
			(void)snprintf(definition, sizeof definition, "\n    %s:", name);
			if (strstr(components, definition) == NULL)
				fail_msg(
				        "%s.yaml refers to %s, which is not there", files[f], name);
			found++;
		}
		document_free(d);
	}
	assert_true(found > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_sites_answer_what_is_described_and_nothing_else),
	        cmocka_unit_test(the_agents_door_is_described),
	        cmocka_unit_test(every_member_of_a_report_is_described),
	        cmocka_unit_test(every_reference_leads_somewhere),
	};

	return cmocka_run_group_tests_name("openapi", tests, NULL, NULL);
}

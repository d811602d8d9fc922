/* SPDX-License-Identifier: Apache-2.0 */
/* GET /devices/:id/records: events, jobs, cleanings, maintenance and changed settings, all of them, page by page. */
#include "cgi/devices.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "core/telemetry.h"
#include "lib/json.h"
#include "lib/parse.h"
#include "templates/records.html.h"
#include "web/escape.h"

#include <string.h>

enum { PAGE = 50, MAX_PLACE = 320, MAX_URL = 2048, DIGITS = 20 };

const struct web_field device_records_fields[] = {
        {.name = "id", .type = WEB_FIELD_ID, .required = true},
        {.name = "of", .type = WEB_FIELD_CHOICE, .choices = records_words},
        {.name = "after", .type = WEB_FIELD_TEXT, .max_length = MAX_PLACE},
        {.name = NULL},
};

/* What a kind's reader needs, and what it leaves: the rows, and the places of each (for the next page). */
struct reading {
	struct sql_conn *conn;
	const struct viewer *viewer;
	struct arena *arena;
	int64_t device;
	const struct telemetry_place *after;
	size_t limit; /* with one more, which says that there are older ones */
	struct records *out;
	struct telemetry_place last; /* of the rows that are shown */
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the page");
}

/* Room for the rows that are shown of `found`. */
static void *make_rows(struct reading *r, size_t found, size_t size)
{
	r->out->more = found == r->limit;
	r->out->count = r->out->more ? found - 1 : found;
	return arena_array(r->arena, r->out->count, size);
}

/* ---- a reader a kind */

static bool read_events(struct reading *r, struct err *e)
{
	struct telemetry_event *list;
	size_t count;

	if (!telemetry_events(r->conn, r->viewer, r->arena, r->device, false, r->after, r->limit,
	            &list, &count, e))
		return false;
	r->out->events = make_rows(r, count, sizeof *r->out->events);
	if (r->out->events == NULL)
		return no_memory(e);
	for (size_t i = 0; i < r->out->count; i++) {
		const char *keyword = list[i].reason == NULL && list[i].code != NULL
		                              ? reason_of_code(list[i].code)
		                              : list[i].reason;

		r->out->events[i] = (struct event_view){.at = list[i].at,
		        .cleared_at = list[i].cleared_at,
		        .severity = device_severity(keyword, list[i].severity),
		        .keyword = keyword,
		        .code = list[i].code,
		        .text = list[i].text};
		r->last = (struct telemetry_place){list[i].at, list[i].id};
	}
	return true;
}

/* What the store holds as JSON was written by us; it is read under limits all the same. */
static struct json *read_json(const char *text, struct err *e)
{
	static const struct json_limits limits = {.bytes = 64 << 10, .depth = 2, .values = 200};
	struct json *json = json_parse(text, strlen(text), &limits, e);

	if (json == NULL)
		err_wrap(e, "a stored job");
	return json;
}

static bool take_reasons(struct arena *arena, const char *text, struct job_view *job, struct err *e)
{
	struct json *list = read_json(text, e);
	bool ok = list != NULL;

	if (!ok)
		return false;
	job->reasons = arena_array(arena, json_count(list), sizeof *job->reasons);
	ok = job->reasons != NULL;
	for (const struct json *v = json_first(list); ok && v != NULL; v = json_next(v)) {
		const char *reason = json_as_string(v);

		job->reasons[job->reason_count] = arena_strdup(arena, reason == NULL ? "" : reason);
		ok = job->reasons[job->reason_count++] != NULL;
	}
	json_free(list);
	return ok || no_memory(e);
}

static bool take_inks(struct arena *arena, const char *text, struct job_view *job, struct err *e)
{
	struct json *inks = read_json(text, e);
	bool ok = inks != NULL;

	if (!ok)
		return false;
	job->inks = arena_array(arena, json_count(inks), sizeof *job->inks);
	ok = job->inks != NULL;
	for (const struct json *v = json_first(inks); ok && v != NULL; v = json_next(v)) {
		struct amount_view *ink = &job->inks[job->ink_count];

		if (!json_as_double(v, &ink->ml))
			continue;
		ink->color = arena_strdup(arena, json_name(v));
		ok = ink->color != NULL;
		job->ink_count++;
	}
	json_free(inks);
	return ok || no_memory(e);
}

static bool read_jobs(struct reading *r, struct err *e)
{
	struct telemetry_job *list;
	size_t count;

	if (!telemetry_jobs(
	            r->conn, r->viewer, r->arena, r->device, r->after, r->limit, &list, &count, e))
		return false;
	r->out->jobs = make_rows(r, count, sizeof *r->out->jobs);
	if (r->out->jobs == NULL)
		return no_memory(e);
	for (size_t i = 0; i < r->out->count; i++) {
		struct job_view *job = &r->out->jobs[i];

		*job = (struct job_view){.started_at = list[i].started_at,
		        .ended_at = list[i].ended_at,
		        .state = list[i].state,
		        .impressions = list[i].impressions,
		        .sheets = list[i].sheets,
		        .area_m2 = list[i].area_m2,
		        .media = list[i].media};
		if (!take_reasons(r->arena, list[i].reasons, job, e) ||
		        !take_inks(r->arena, list[i].ink_used, job, e))
			return false;
		r->last = (struct telemetry_place){list[i].ended_at, list[i].id};
	}
	return true;
}

static bool read_cleanings(struct reading *r, struct err *e)
{
	struct telemetry_cleaning *list;
	size_t count;

	if (!telemetry_cleanings(
	            r->conn, r->viewer, r->arena, r->device, r->after, r->limit, &list, &count, e))
		return false;
	r->out->cleanings = make_rows(r, count, sizeof *r->out->cleanings);
	if (r->out->cleanings == NULL)
		return no_memory(e);
	for (size_t i = 0; i < r->out->count; i++) {
		r->out->cleanings[i] = (struct cleaning_view){
		        list[i].at, list[i].kind, list[i].trigger, list[i].ink_used_ml};
		r->last = (struct telemetry_place){list[i].at, list[i].id};
	}
	return true;
}

static bool read_maintenance(struct reading *r, struct err *e)
{
	struct telemetry_maintenance *list;
	size_t count;

	if (!telemetry_maintenance(
	            r->conn, r->viewer, r->arena, r->device, r->after, r->limit, &list, &count, e))
		return false;
	r->out->maintenance = make_rows(r, count, sizeof *r->out->maintenance);
	if (r->out->maintenance == NULL)
		return no_memory(e);
	for (size_t i = 0; i < r->out->count; i++) {
		r->out->maintenance[i] = (struct maintenance_view){
		        list[i].at, list[i].kind, list[i].part, list[i].count};
		r->last = (struct telemetry_place){list[i].at, list[i].id};
	}
	return true;
}

static bool read_changes(struct reading *r, struct err *e)
{
	struct telemetry_change *list;
	size_t count;

	if (!telemetry_changes(
	            r->conn, r->viewer, r->arena, r->device, r->after, r->limit, &list, &count, e))
		return false;
	r->out->changes = make_rows(r, count, sizeof *r->out->changes);
	if (r->out->changes == NULL)
		return no_memory(e);
	for (size_t i = 0; i < r->out->count; i++)
		r->out->changes[i] = (struct change_view){list[i].at, list[i].category,
		        list[i].name, list[i].old_value, list[i].new_value};
	if (r->out->count > 0) {
		const struct telemetry_change *last = &list[r->out->count - 1];

		r->last.at = last->at;
		r->last.id = arena_printf(r->arena, "%s.%s", last->category, last->name);
	}
	return r->out->count == 0 || r->last.id != NULL || no_memory(e);
}

static bool (*const readers[RECORDS_KINDS])(struct reading *, struct err *) = {
        [RECORDS_EVENTS] = read_events,
        [RECORDS_JOBS] = read_jobs,
        [RECORDS_CLEANINGS] = read_cleanings,
        [RECORDS_MAINTENANCE] = read_maintenance,
        [RECORDS_CHANGES] = read_changes,
};

bool device_records_read(struct web_request *rq, struct sql_conn *conn, int64_t device,
        enum records_kind kind, size_t limit, struct records *out, struct err *e)
{
	struct reading r = {.conn = conn,
	        .viewer = visit_viewer(rq),
	        .arena = rq->arena,
	        .device = device,
	        .limit = limit + 1,
	        .out = out};

	*out = (struct records){.kind = kind};
	return readers[kind](&r, e);
}

/* ---- the page */

/* Without a word, the first. */
static enum records_kind find_kind(const char *word)
{
	int kind = 0;

	/* The route takes no other words. */
	while (word != NULL && word[0] != '\0' && kind < RECORDS_KINDS - 1 &&
	        strcmp(records_words[kind], word) != 0)
		kind++;
	return (enum records_kind)kind;
}

/* "1795374000000.ev-1" */
static bool read_place(const char *text, struct telemetry_place *place, struct err *e)
{
	const char *dot = strchr(text, '.');

	if (dot == NULL || dot - text > DIGITS ||
	        !parse_int_n(text, (size_t)(dot - text), 0, INT64_MAX, &place->at))
		return err_set(e, ERR_INVALID, "after: this is no place in the list");
	place->id = dot + 1;
	return true;
}

static const char *make_url(struct web_request *rq, const struct records_page *p,
        const struct telemetry_place *after, struct err *e)
{
	struct buf url = BUF_INIT(MAX_URL);
	const char *copy = NULL;

	buf_printf(&url, "/devices/%s/records?of=%s", p->device.id, records_words[p->records.kind]);
	if (after != NULL) {
		buf_printf(&url, "&after=%lld.", (long long)after->at);
		escape_url_argument(&url, after->id);
	}
	if (!url.failed)
		copy = arena_strdup(rq->arena, buf_text(&url));
	buf_free(&url);
	if (copy == NULL)
		(void)no_memory(e);
	return copy;
}

static bool read_page(
        struct web_request *rq, struct device *device, struct records_page *p, struct err *e)
{
	const char *after = web_text(rq, "after");
	enum records_kind kind = find_kind(web_text(rq, "of"));
	struct sql_conn *conn = visit_conn(rq, e);
	struct telemetry_place place = {0};
	struct reading r = {.conn = conn,
	        .viewer = visit_viewer(rq),
	        .arena = rq->arena,
	        .limit = PAGE + 1,
	        .out = &p->records};

	*p = (struct records_page){.records = {.kind = kind}};
	if (after != NULL && after[0] != '\0') {
		if (!read_place(after, &place, e))
			return false;
		r.after = &place;
	}
	if (conn == NULL || !devices_find(conn, r.viewer, rq->arena, web_text(rq, "id"), device, e))
		return false;
	r.device = device->id;
	p->device = device_row_of(device, false);
	if (!readers[kind](&r, e) ||
	        !page_layout(rq, &p->layout, records_title(kind), SECTION_DEVICES, e))
		return false;
	p->layout.crumbs[0] = (struct crumb){"Devices", "/devices"};
	p->layout.crumbs[1] = (struct crumb){
	        device->name, arena_printf(rq->arena, "/devices/%s", device->public_id)};
	p->layout.crumbs[2] = (struct crumb){records_title(kind), NULL};
	if (p->layout.crumbs[1].url == NULL)
		return no_memory(e);
	if (r.after != NULL && (p->pager.first = make_url(rq, p, NULL, e)) == NULL)
		return false;
	return !p->records.more || (p->pager.next = make_url(rq, p, &r.last, e)) != NULL;
}

void device_records_show(struct web_request *rq, struct web_response *rs)
{
	struct err e = ERR_CLEAR;
	struct records_page page;
	struct device device;
	struct out out;

	if (!read_page(rq, &device, &page, &e)) {
		reply_error(rq, rs, "device", web_text(rq, "id"), &e);
		return;
	}
	reply_seen(rq, "device", &device.public_id, 1, device.customer_public_id);
	out = page_begin(rq, rs, 200);
	page_records(&out, &page);
}

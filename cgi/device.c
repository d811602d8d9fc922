/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/devices.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "core/telemetry.h"
#include "templates/device.html.h"

#include <string.h>

enum { SHOWN_EVENTS = 20, SHOWN_RECORDS = 10 };

const struct web_field device_fields[] = {
        {.name = "id", .type = WEB_FIELD_ID, .required = true},
        {.name = NULL},
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the page");
}

/* The problem of this keyword among those that were found, or NULL. */
static struct problem *find_problem(struct problem *list, size_t count, const char *keyword)
{
	for (size_t i = 0; keyword != NULL && i < count; i++)
		if (list[i].keyword != NULL && strcmp(list[i].keyword, keyword) == 0)
			return &list[i];
	return NULL;
}

static size_t add_reasons(const struct telemetry_state *state, struct problem *list, size_t count)
{
	for (size_t i = 0; i < state->reason_count; i++) {
		const struct telemetry_reason *reason = &state->reasons[i];

		if (strcmp(reason->keyword, "none") != 0)
			list[count++] = (struct problem){
			        .severity = device_severity(reason->keyword, reason->severity),
			        .keyword = reason->keyword,
			        .since = reason->since};
	}
	return count;
}

/* Printers tell one thing in several ways: a code that stands for a reason which is there already
 * only adds what it knows more. */
static size_t add_codes(const struct telemetry_state *state, struct problem *list, size_t count)
{
	for (size_t i = 0; i < state->code_count; i++) {
		const struct telemetry_code *code = &state->codes[i];
		const char *keyword = reason_of_code(code->code);
		struct problem *same = find_problem(list, count, keyword);

		if (same == NULL) {
			list[count++] = (struct problem){
			        .severity = device_severity(keyword, code->severity),
			        .keyword = keyword,
			        .code = code->code,
			        .text = code->text,
			        .since = code->since};
		} else if (same->text == NULL && code->text != NULL) {
			same->code = code->code;
			same->text = code->text;
		}
	}
	return count;
}

/* What the lists show the device for is a problem here too, though no reason tells it: a level that was
 * measured, a printer that stopped without a word. */
static size_t add_listed(const struct device_row *device, struct problem *list, size_t count)
{
	bool unnamed;

	if (device->attention < ATTENTION_WARNING || !is_told(device->reason) ||
	        find_problem(list, count, device->reason) != NULL)
		return count;
	unnamed = strcmp(device->reason, "other") == 0; /* a code may well name it */
	for (size_t i = 0; unnamed && i < count; i++)
		if (list[i].severity >= device->attention)
			return count;
	list[count++] = (struct problem){.severity = device->attention, .keyword = device->reason};
	return count;
}

/* The most urgent first; of one severity, as they came. */
static bool take_problems(struct arena *arena, const struct telemetry_state *state,
        struct device_page *page, struct err *e)
{
	static const enum attention order[] = {
	        ATTENTION_ERROR, ATTENTION_WARNING, ATTENTION_REPORT};
	size_t most = state->reason_count + state->code_count + 1, count;
	struct problem *found = arena_array(arena, most, sizeof *found);

	page->problems = arena_array(arena, most, sizeof *page->problems);
	if (found == NULL || page->problems == NULL)
		return no_memory(e);
	count = add_codes(state, found, add_reasons(state, found, 0));
	count = add_listed(&page->device, found, count);
	for (size_t o = 0; o < sizeof order / sizeof order[0]; o++)
		for (size_t i = 0; i < count; i++)
			if (found[i].severity == order[o])
				page->problems[page->problem_count++] = found[i];
	return true;
}

static bool take_counters(struct arena *arena, const struct telemetry_state *state,
        struct device_page *page, struct err *e)
{
	page->counters = arena_array(arena, state->counter_count, sizeof *page->counters);
	page->settings = arena_array(arena, state->setting_count, sizeof *page->settings);
	if (page->counters == NULL || page->settings == NULL)
		return no_memory(e);
	for (size_t i = 0; i < state->counter_count; i++)
		page->counters[i] =
		        (struct counter_view){state->counters[i].name, state->counters[i].value};
	page->counter_count = state->counter_count;
	for (size_t i = 0; i < state->setting_count; i++)
		page->settings[i] = (struct setting_view){state->settings[i].category,
		        state->settings[i].name, state->settings[i].value};
	page->setting_count = state->setting_count;
	return true;
}

static bool read_state(struct web_request *rq, struct sql_conn *conn, const struct device *device,
        struct device_page *page, struct err *e)
{
	struct telemetry_state state;

	if (!telemetry_state(conn, visit_viewer(rq), rq->arena, device->id, &state, e))
		return false;
	if (state.seen_at != 0)
		page->device.seen_at = state.seen_at;
	if (!state.known)
		return true;
	page->state_since = state.state_since;
	page->acquired_at = state.acquired_at;
	page->collection = state.collection;
	page->device_time = state.device_time;
	page->region = state.region;
	page->country = state.country;
	return take_problems(rq->arena, &state, page, e) &&
	       take_counters(rq->arena, &state, page, e);
}

static bool read_supplies(struct web_request *rq, struct sql_conn *conn,
        const struct device *device, struct device_page *page, struct err *e)
{
	struct telemetry_supply *list;
	size_t count;

	if (!telemetry_supplies(conn, visit_viewer(rq), rq->arena, device->id, &list, &count, e))
		return false;
	page->supplies = arena_array(rq->arena, count, sizeof *page->supplies);
	if (page->supplies == NULL)
		return no_memory(e);
	for (size_t i = 0; i < count; i++)
		page->supplies[i] = (struct supply_view){.name = list[i].name,
		        .class = list[i].class_,
		        .type = list[i].type,
		        .color = list[i].color,
		        .level_state = list[i].level_state,
		        .resolution = list[i].resolution,
		        .unit = list[i].unit,
		        .level = list[i].level,
		        .capacity = list[i].has_capacity ? list[i].capacity : 0,
		        .has_level = list[i].has_level,
		        .changed_at = list[i].changed_at,
		        .serial = list[i].serial_number,
		        .installed_at = list[i].installed_at};
	page->supply_count = count;
	return true;
}

static bool read_records(struct web_request *rq, struct sql_conn *conn, const struct device *device,
        struct device_page *page, struct err *e)
{
	for (int kind = 0; kind < RECORDS_KINDS; kind++)
		if (!device_records_read(rq, conn, device->id, (enum records_kind)kind,
		            kind == RECORDS_EVENTS ? SHOWN_EVENTS : SHOWN_RECORDS,
		            &page->records[kind], e))
			return false;
	return true;
}

bool device_read(
        struct web_request *rq, struct device *device, struct device_page *page, struct err *e)
{
	struct sql_conn *conn = visit_conn(rq, e);

	*page = (struct device_page){.device = {.id = NULL}};
	if (conn == NULL ||
	        !devices_find(conn, visit_viewer(rq), rq->arena, web_text(rq, "id"), device, e))
		return false;
	page->device = device_row_of(device, site_of(rq)->kind->site == SITE_SUPPORT);
	page->model = device->model;
	page->firmware = device->firmware;
	page->identity_kind = device->identity_kind;
	page->agent = device->agent_public_id;
	page->agent_type = device->agent_type;
	page->agent_version = device->agent_version;
	page->agent_system = device->agent_system;
	page->first_seen_at = device->first_seen_at;
	if (!read_state(rq, conn, device, page, e) || !read_supplies(rq, conn, device, page, e) ||
	        !read_records(rq, conn, device, page, e) ||
	        !page_layout(rq, &page->layout, device->name, SECTION_DEVICES, e))
		return false;
	page->layout.crumbs[0] = (struct crumb){"Devices", "/devices"};
	page->layout.crumbs[1] = (struct crumb){device->name, NULL};
	return true;
}

void device_show(struct web_request *rq, struct web_response *rs)
{
	struct err e = ERR_CLEAR;
	struct device_page page;
	struct device device;
	struct out out;

	if (!device_read(rq, &device, &page, &e)) {
		reply_error(rq, rs, "device", web_text(rq, "id"), &e);
		return;
	}
	reply_seen(rq, "device", &device.public_id, 1, device.customer_public_id);
	out = page_begin(rq, rs, 200);
	page_device(&out, &page);
}

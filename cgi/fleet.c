/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/devices.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "templates/fleet.html.h"

#include <string.h>

enum { SHOWN = 8, LOW_PERCENT = 30 };

static const enum condition conditions[DEVICE_CONDITIONS] = {
        [DEVICE_UNKNOWN] = CONDITION_UNKNOWN,
        [DEVICE_PRINTING] = CONDITION_PRINTING,
        [DEVICE_IDLE] = CONDITION_IDLE,
        [DEVICE_ERROR] = CONDITION_ERROR,
        [DEVICE_SILENT] = CONDITION_SILENT,
};

static const enum attention attentions[] = {
        [DEVICE_ATTENTION_NONE] = ATTENTION_NONE,
        [DEVICE_ATTENTION_REPORT] = ATTENTION_REPORT,
        [DEVICE_ATTENTION_WARNING] = ATTENTION_WARNING,
        [DEVICE_ATTENTION_ERROR] = ATTENTION_ERROR,
};

enum attention device_severity(const char *keyword, const char *severity)
{
	return attentions[device_attention_of(keyword, severity)];
}

struct device_row device_row_of(const struct device *device, bool with_customer)
{
	return (struct device_row){.id = device->public_id,
	        .name = device->name,
	        .manufacturer = device->manufacturer,
	        .serial = device->serial_number,
	        .group = device->group_name,
	        .customer = with_customer ? device->customer_name : NULL,
	        .condition = conditions[device->condition],
	        .attention = attentions[device->attention],
	        .reason = device->attention_text,
	        .lowest_supply = device->lowest_supply < 0 ? SUPPLY_UNKNOWN : device->lowest_supply,
	        .seen_at = device->seen_at};
}

struct device_row *device_rows_of(struct arena *arena, const struct device *devices, size_t count,
        bool with_customer, const char ***ids, struct err *e)
{
	struct device_row *rows = arena_array(arena, count, sizeof *rows);

	*ids = arena_array(arena, count, sizeof **ids);
	if (rows == NULL || *ids == NULL) {
		err_set(e, ERR_MEMORY, "no memory for the rows");
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		rows[i] = device_row_of(&devices[i], with_customer);
		(*ids)[i] = devices[i].public_id;
	}
	return rows;
}

/* What is shown, and the ids of it. */
struct shown {
	struct fleet_page page;
	const char **attention_ids, **low_ids;
};

static bool read_lists(struct web_request *rq, struct sql_conn *conn, bool with_customer,
        struct shown *s, struct err *e)
{
	const struct viewer *viewer = visit_viewer(rq);
	struct device *attention, *low;

	if (!devices_attention(
	            conn, viewer, rq->arena, SHOWN, &attention, &s->page.attention_count, e) ||
	        !devices_low(
	                conn, viewer, rq->arena, LOW_PERCENT, SHOWN, &low, &s->page.low_count, e))
		return false;
	s->page.attention = device_rows_of(
	        rq->arena, attention, s->page.attention_count, with_customer, &s->attention_ids, e);
	if (s->page.attention == NULL)
		return false;
	s->page.low =
	        device_rows_of(rq->arena, low, s->page.low_count, with_customer, &s->low_ids, e);
	return s->page.low != NULL;
}

static bool read_fleet(struct web_request *rq, struct shown *s, struct err *e)
{
	const struct viewer *viewer = visit_viewer(rq);
	bool support = site_of(rq)->kind->site == SITE_SUPPORT;
	struct sql_conn *conn = visit_conn(rq, e);
	struct fleet fleet;

	if (conn == NULL || !devices_fleet(conn, viewer, &fleet, e) ||
	        !read_lists(rq, conn, support, s, e) ||
	        !page_layout(rq, &s->page.layout, support ? "Work" : "Fleet",
	                support ? SECTION_WORK : SECTION_FLEET, e))
		return false;
	for (int i = 0; i < DEVICE_CONDITIONS; i++)
		s->page.counts[conditions[i]] = fleet.counts[i];
	s->page.total = fleet.total;
	s->page.attention_total = fleet.attention;
	s->page.may_invite = viewer_may(viewer, MAY_INVITE_AGENTS);
	return true;
}

/* Both lists in one record, each device once. */
static bool record(struct web_request *rq, const struct shown *s, struct err *e)
{
	size_t most = s->page.attention_count + s->page.low_count, count;
	const char **ids = arena_array(rq->arena, most, sizeof *ids);

	if (ids == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the record");
	for (count = 0; count < s->page.attention_count; count++)
		ids[count] = s->attention_ids[count];
	for (size_t i = 0; i < s->page.low_count; i++) {
		size_t j = 0;
		while (j < count && strcmp(ids[j], s->low_ids[i]) != 0)
			j++;
		if (j == count)
			ids[count++] = s->low_ids[i];
	}
	reply_seen(rq, "device", ids, count, NULL);
	return true;
}

void fleet_show(struct web_request *rq, struct web_response *rs)
{
	struct shown s = {.page = {.total = 0}};
	struct err e = ERR_CLEAR;
	struct out out;

	if (!read_fleet(rq, &s, &e) || !record(rq, &s, &e)) {
		reply_error(rq, rs, "device", NULL, &e);
		return;
	}
	out = page_begin(rq, rs, 200);
	page_fleet(&out, &s.page);
}

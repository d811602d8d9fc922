/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/devices.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "templates/devices.html.h"
#include "web/escape.h"

#include <string.h>

enum { MAX_SEARCH = 100, MAX_URL = 4096 };

static const char *const state_words[] = {"printing", "idle", "error", "unknown", "silent", NULL};
static const char *const attention_words[] = {"any", "error", "warning", NULL};

/* How a list can be sorted: the word in the address, and what core calls it. */
static const char *const sort_words[] = {"name", "-name", "state", "-state", "supply", "-supply",
        "seen", "-seen", "attention", "-attention", NULL};
static const struct {
	const char *word;
	enum devices_sort sort;
} sorts[] = {
        {"name", DEVICES_BY_NAME},
        {"state", DEVICES_BY_STATE},
        {"supply", DEVICES_BY_SUPPLY},
        {"seen", DEVICES_BY_SEEN},
        {"attention", DEVICES_BY_ATTENTION},
};

const struct web_field device_list_fields[] = {
        {.name = "q", .type = WEB_FIELD_TEXT, .max_length = MAX_SEARCH},
        {.name = "state", .type = WEB_FIELD_CHOICE, .choices = state_words},
        {.name = "attention", .type = WEB_FIELD_CHOICE, .choices = attention_words},
        {.name = "sort", .type = WEB_FIELD_CHOICE, .choices = sort_words},
        {.name = "after", .type = WEB_FIELD_TEXT, .max_length = DEVICES_CURSOR_MAX},
        {.name = NULL},
};

static const char *text_or_empty(const struct web_request *rq, const char *name)
{
	const char *text = web_text(rq, name);

	return text == NULL ? "" : text;
}

/* ---- addresses of this list: search and filter stay, sort and place change */

static void add_argument(struct buf *url, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_putc(url, strchr(buf_text(url), '?') == NULL ? '?' : '&');
	buf_puts(url, name);
	buf_putc(url, '=');
	escape_url_argument(url, value);
}

static const char *make_url(
        struct web_request *rq, const struct devices_page *p, const char *sort, const char *after)
{
	struct buf url = BUF_INIT(MAX_URL);
	const char *copy;

	buf_puts(&url, "/devices");
	add_argument(&url, "q", p->q);
	add_argument(&url, "state", p->state);
	add_argument(&url, "attention", p->attention);
	add_argument(&url, "sort", sort);
	add_argument(&url, "after", after);
	copy = url.failed ? NULL : arena_strdup(rq->arena, buf_text(&url));
	buf_free(&url);
	return copy == NULL ? "/devices" : copy;
}

/* A column's link sorts by it; by the one that is sorted now, the other way round. */
static struct sort_link make_sort(
        struct web_request *rq, const struct devices_page *p, const char *first, const char *second)
{
	const char *now = p->sort[0] == '\0' ? "name" : p->sort;
	bool is_first = strcmp(now, first) == 0, is_now = is_first || strcmp(now, second) == 0;

	return (struct sort_link){
	        make_url(rq, p, is_first ? second : first, NULL), !is_now         ? NULL
	                                                          : now[0] == '-' ? "descending"
	                                                                          : "ascending"};
}

static void make_links(struct web_request *rq, struct devices_page *p, const struct devices_list *l)
{
	p->by_name = make_sort(rq, p, "name", "-name");
	/* What is wrong comes first: nobody looks for "idle" before "stopped" by the alphabet. */
	p->by_state = make_sort(rq, p, "-attention", "attention");
	p->by_supply = make_sort(rq, p, "supply", "-supply");
	p->by_seen = make_sort(rq, p, "seen", "-seen");
	if (l->previous != NULL) {
		p->pager.first = make_url(rq, p, p->sort, NULL);
		p->pager.previous = make_url(rq, p, p->sort, l->previous);
	}
	if (l->next != NULL)
		p->pager.next = make_url(rq, p, p->sort, l->next);
}

/* ---- reading */

static enum device_condition find_condition(const char *word)
{
	switch (condition_from_word(word)) {
	case CONDITION_UNKNOWN:
		return DEVICE_UNKNOWN;
	case CONDITION_PRINTING:
		return DEVICE_PRINTING;
	case CONDITION_IDLE:
		return DEVICE_IDLE;
	case CONDITION_ERROR:
		return DEVICE_ERROR;
	case CONDITION_SILENT:
		return DEVICE_SILENT;
	default:
		return DEVICE_ANY_CONDITION;
	}
}

static struct devices_query make_query(const struct web_request *rq, const struct devices_page *p)
{
	struct devices_query query = {
	        .filter = DEVICES_ALL, .cursor = web_text(rq, "after"), .sort = DEVICES_BY_NAME};
	const char *sort = p->sort[0] == '-' ? p->sort + 1 : p->sort;

	query.filter.search = p->q;
	query.filter.condition = find_condition(p->state);
	if (strcmp(p->attention, "any") == 0 || strcmp(p->attention, "warning") == 0)
		query.filter.attention_min = DEVICE_ATTENTION_WARNING;
	if (strcmp(p->attention, "warning") == 0)
		query.filter.attention_max = DEVICE_ATTENTION_WARNING;
	if (strcmp(p->attention, "error") == 0)
		query.filter.attention_min = DEVICE_ATTENTION_ERROR;
	for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++)
		if (strcmp(sorts[i].word, sort) == 0)
			query.sort = sorts[i].sort;
	query.descending = p->sort[0] == '-';
	return query;
}

static bool read_list(
        struct web_request *rq, struct devices_page *p, const char ***ids, struct err *e)
{
	const struct viewer *viewer = visit_viewer(rq);
	struct devices_query query = make_query(rq, p);
	struct sql_conn *conn = visit_conn(rq, e);
	struct devices_list list;

	if (conn == NULL || !devices_list(conn, viewer, rq->arena, &query, &list, e) ||
	        !devices_count(conn, viewer, rq->arena, &query.filter, &p->total, e) ||
	        !page_layout(rq, &p->layout, "Devices", SECTION_DEVICES, e))
		return false;
	p->with_customer = site_of(rq)->kind->site == SITE_SUPPORT;
	p->rows = device_rows_of(rq->arena, list.devices, list.count, p->with_customer, ids, e);
	if (p->rows == NULL)
		return false;
	p->count = list.count;
	p->total_capped = p->total > DEVICES_COUNT_CAP;
	if (p->total_capped)
		p->total = DEVICES_COUNT_CAP;
	make_links(rq, p, &list);
	return true;
}

/* What was asked for, for the record: the filter's words, but not what was typed. */
static const char *describe(struct web_request *rq, const struct devices_page *p)
{
	return arena_printf(rq->arena,
	        "{\"search\":%s,\"state\":\"%s\",\"attention\":\"%s\",\"sort\":\"%s\"}",
	        p->q[0] == '\0' ? "false" : "true", p->state, p->attention, p->sort);
}

void device_list_show(struct web_request *rq, struct web_response *rs)
{
	struct devices_page page = {.q = text_or_empty(rq, "q"),
	        .state = text_or_empty(rq, "state"),
	        .attention = text_or_empty(rq, "attention"),
	        .sort = text_or_empty(rq, "sort")};
	struct err e = ERR_CLEAR;
	const char **ids;
	struct out out;

	page.filtered = page.q[0] != '\0' || page.state[0] != '\0' || page.attention[0] != '\0';
	if (!read_list(rq, &page, &ids, &e)) {
		reply_error(rq, rs, "device", NULL, &e);
		return;
	}
	reply_seen_with(rq, "device", ids, page.count, NULL, describe(rq, &page));
	out = page_begin(rq, rs, 200);
	page_devices(&out, &page);
}

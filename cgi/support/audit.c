/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /audit: the audit log, as far as the viewer may read it: all of it (operator's admin,
 * auditor), the own organisation's acts (partner's admin), the own acts (technician). Reading it is
 * recorded, with what was searched for.
 */
#include "cgi/names.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "cgi/support/routes.h"
#include "core/audit_log.h"
#include "lib/json.h"
#include "lib/parse.h"
#include "templates/audit.html.h"
#include "templates/moment.h"
#include "web/escape.h"

#include <string.h>

enum { PAGE = 50, URL_MAX = 2048, DETAILS_MAX = 4096 };

static const char *const outcomes[] = {
        "done", "begun", "failed", "unfinished", "denied", "not-found", NULL};

const struct web_field audit_fields[] = {{.name = "person", .type = WEB_FIELD_TEXT},
        {.name = "device", .type = WEB_FIELD_TEXT, .max_length = 64},
        {.name = "action", .type = WEB_FIELD_TEXT, .max_length = 64},
        {.name = "outcome", .type = WEB_FIELD_CHOICE, .choices = outcomes},
        {.name = "from", .type = WEB_FIELD_TEXT, .max_length = 32},
        {.name = "to", .type = WEB_FIELD_TEXT, .max_length = 32},
        {.name = "after", .type = WEB_FIELD_TEXT, .max_length = AUDIT_LOG_CURSOR}, {0}};

/* The filters, as the form and its links carry them. */
static const char *const filters[] = {"person", "device", "action", "outcome", "from", "to"};
enum { FILTERS = sizeof filters / sizeof filters[0] };

static const char *sent(const struct web_request *rq, const char *name)
{
	const char *text = web_text(rq, name);

	return text != NULL ? text : "";
}

/* ---- what is searched for */

/* A person may be named by id or by sign-in name. One that nobody has finds nothing. */
static bool find_person(
        struct web_request *rq, struct sql_conn *conn, struct audit_filter *filter, struct err *e)
{
	const char *typed = sent(rq, "person");
	struct account person;

	filter->person = typed;
	if (*typed == '\0' || parse_public_id(typed, "pe_") || parse_public_id(typed, "ag_") ||
	        strncmp(typed, "uid ", 4) == 0)
		return true;
	if (accounts_find_by_name(conn, site_of(rq)->keys, rq->arena, typed, &person, e)) {
		filter->person = person.public_id;
		return true;
	}
	return e->code == ERR_NOT_FOUND || e->code == ERR_INVALID;
}

/* A time of the form, in the person's zone. */
static bool read_time(struct web_request *rq, const char *name, int64_t *ms)
{
	struct out zone = {.arena = rq->arena, .time_zone = visit_of(rq)->session.time_zone};
	const char *text = sent(rq, name);

	return *text == '\0' || moment_read(&zone, text, ms);
}

/* Fills in the filter; what cannot be goes into page->error. */
static bool read_filter(struct web_request *rq, struct sql_conn *conn, struct audit_page *page,
        struct audit_filter *filter, struct err *e)
{
	filter->target = page->device = sent(rq, "device");
	filter->action = page->action = sent(rq, "action");
	filter->outcome = page->outcome = sent(rq, "outcome");
	page->person = sent(rq, "person");
	page->from = sent(rq, "from");
	page->to = sent(rq, "to");
	for (size_t i = 0; i < FILTERS; i++)
		page->filtered = page->filtered || *sent(rq, filters[i]) != '\0';
	if (!read_time(rq, "from", &filter->from) || !read_time(rq, "to", &filter->to))
		page->error = "A time is written as 2026-11-22T09:00.";
	else if (filter->from != 0 && filter->to != 0 && filter->to <= filter->from)
		page->error = "The search ends before it begins.";
	return find_person(rq, conn, filter, e);
}

/* ---- what is shown */

static void set_row(struct web_request *rq, struct sql_conn *conn,
        const struct audit_log_entry *entry, struct audit_row *row)
{
	const struct audit_entry *a = &entry->record.entry;
	bool person = strcmp(a->actor_kind, "person") == 0;

	*row = (struct audit_row){.number = entry->number,
	        .at = entry->record.head.at,
	        .actor = person                 ? name_of_person(rq, conn, a->actor_id)
	                 : *a->actor_id != '\0' ? a->actor_id
	                                        : a->actor_kind,
	        .actor_id = a->actor_id,
	        .actor_role = a->actor_role,
	        .action = a->action,
	        .target_kind = a->target_kind,
	        .target = a->target_count > 0 ? a->targets[0] : "",
	        .target_count = a->target_count + entry->hidden,
	        .outcome = audit_outcome_name(a->outcome),
	        .address = a->address,
	        .request_id = a->request_id,
	        .purpose = a->purpose,
	        .details = a->details};
}

/* "/audit" with the filters and, where it is not NULL, the place to go on from. */
static const char *page_url(struct web_request *rq, const char *after)
{
	struct buf url = BUF_INIT(URL_MAX);
	const char *out;
	char parted = '?';

	buf_puts(&url, "/audit");
	for (size_t i = 0; i <= FILTERS; i++) {
		const char *name = i < FILTERS ? filters[i] : "after";
		const char *value = i < FILTERS ? sent(rq, name) : after;

		if (value == NULL || *value == '\0')
			continue;
		buf_printf(&url, "%c%s=", parted, name);
		escape_url_argument(&url, value);
		parted = '&';
	}
	out = url.failed ? NULL : arena_strdup(rq->arena, buf_text(&url));
	buf_free(&url);
	return out;
}

static bool read_rows(struct web_request *rq, struct sql_conn *conn,
        const struct audit_filter *filter, struct audit_page *page, struct err *e)
{
	char next[AUDIT_LOG_CURSOR] = "";
	const char *after = sent(rq, "after");
	struct audit_log_entry *entries;

	if (!audit_log_search(conn, visit_viewer(rq), rq->arena, filter,
	            *after != '\0' ? after : NULL, PAGE, &entries, &page->count, next, e))
		return false;
	page->rows = arena_array(rq->arena, page->count, sizeof *page->rows);
	if (page->rows == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the rows");
	for (size_t i = 0; i < page->count; i++)
		set_row(rq, conn, &entries[i], &page->rows[i]);
	if (*after != '\0')
		page->pager.first = page_url(rq, NULL);
	if (*next != '\0')
		page->pager.next = page_url(rq, next);
	return true;
}

static bool read_page(struct web_request *rq, struct audit_page *page, struct err *e)
{
	struct sql_conn *conn = visit_conn(rq, e);
	struct audit_filter filter = {.from = 0};

	page->actions = audit_actions;
	return conn != NULL && read_filter(rq, conn, page, &filter, e) &&
	       (page->error != NULL || read_rows(rq, conn, &filter, page, e)) &&
	       page_layout(rq, &page->layout, "Audit log", SECTION_AUDIT, e);
}

/* What was searched for, as JSON for the record. A sign-in name is personal: it is left out. */
static const char *search_details(struct web_request *rq)
{
	struct json *root = json_new_object();
	struct buf text = BUF_INIT(DETAILS_MAX);
	const char *out = NULL;
	bool ok = root != NULL;

	for (size_t i = 0; ok && i < FILTERS; i++) {
		const char *value = sent(rq, filters[i]);
		bool name =
		        i == 0 && !parse_public_id(value, "pe_") && !parse_public_id(value, "ag_");

		if (*value != '\0')
			ok = json_add_string(root, filters[i], name ? "by name" : value);
	}
	if (ok && json_print(root, false, &text))
		out = arena_strdup(rq->arena, buf_text(&text));
	buf_free(&text);
	json_free(root);
	return out;
}

void audit_show(struct web_request *rq, struct web_response *rs)
{
	struct audit_page page = {.filtered = false};
	struct err e = ERR_CLEAR;
	struct out out;

	if (!read_page(rq, &page, &e)) {
		reply_error(rq, rs, "audit", NULL, &e);
		return;
	}
	reply_seen_with(rq, "audit", NULL, 0, NULL, search_details(rq));
	out = page_begin(rq, rs, page.error != NULL ? 400 : 200);
	page_audit(&out, &page);
}

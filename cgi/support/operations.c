/* SPDX-License-Identifier: Apache-2.0 */
/* GET /operations: what was asked of devices, the newest first. */
#include "cgi/operations.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "cgi/support/routes.h"
#include "templates/operation.html.h"

enum { PAGE = 50 };

const struct web_field operations_fields[] = {{.name = "before", .type = WEB_FIELD_ID}, {0}};

struct shown {
	struct operations_page page;
	const char **ids; /* for the record */
};

static bool read_page(struct web_request *rq, struct shown *s, struct err *e)
{
	struct sql_conn *conn = visit_conn(rq, e);
	const char *before = web_text(rq, "before");
	struct request_row *rows;

	if (conn == NULL || !operations_list(conn, visit_viewer(rq), rq->arena, NULL, before, PAGE,
	                            &rows, &s->page.count, e))
		return false;
	s->page.rows = operation_rows_of(rq, conn, rows, s->page.count, e);
	s->ids = arena_array(rq->arena, s->page.count, sizeof *s->ids);
	if (s->page.rows == NULL)
		return false;
	if (s->ids == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the record");
	for (size_t i = 0; i < s->page.count; i++)
		s->ids[i] = rows[i].public_id;
	if (before != NULL)
		s->page.pager.first = "/operations";
	if (s->page.count == PAGE)
		s->page.pager.next = arena_printf(
		        rq->arena, "/operations?before=%s", rows[s->page.count - 1].public_id);
	return page_layout(rq, &s->page.layout, "Operations", SECTION_OPERATIONS, e);
}

void operations_show(struct web_request *rq, struct web_response *rs)
{
	struct shown s = {.page = {.count = 0}};
	struct err e = ERR_CLEAR;
	struct out out;

	if (!read_page(rq, &s, &e)) {
		reply_error(rq, rs, "operation", NULL, &e);
		return;
	}
	reply_seen(rq, "operation", s.ids, s.page.count, NULL);
	out = page_begin(rq, rs, 200);
	page_operations(&out, &s.page);
}

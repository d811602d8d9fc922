/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /operations/:id: one operation with its steps, refreshing itself until the end, and its
 * cancellation.
 */
#include "cgi/evidence.h"
#include "cgi/names.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "cgi/support/routes.h"
#include "core/operations.h"
#include "core/outbox.h"
#include "lib/json.h"
#include "templates/operation.html.h"

#include <string.h>

static const struct json_limits limits = {.bytes = 64 << 10, .depth = 16, .values = 5000};

const struct web_field operation_fields[] = {
        {.name = "id", .type = WEB_FIELD_ID, .required = true}, {0}};

/* What a step says besides its name: the first of these that its details hold. */
static const char *step_text(struct web_request *rq, const char *details)
{
	static const char *const names[] = {"text", "message", "code"};
	struct json *root = json_parse(details, strlen(details), &limits, NULL);
	const char *text = NULL;

	for (size_t i = 0; i < sizeof names / sizeof names[0] && text == NULL; i++)
		text = json_as_string(json_get(root, names[i]));
	if (text != NULL)
		text = arena_strdup(rq->arena, text);
	json_free(root);
	return text;
}

/* ---- the page */

static bool set_steps(struct web_request *rq, const struct execution *x,
        struct execution_view *view, struct err *e)
{
	view->step_count = x->step_count;
	view->steps = arena_array(rq->arena, x->step_count, sizeof *view->steps);
	if (view->steps == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the steps");
	for (size_t i = 0; i < x->step_count; i++)
		view->steps[i] = (struct operation_step){.at = x->steps[i].at,
		        .source = x->steps[i].source,
		        .event = x->steps[i].event,
		        .to_state = execution_state_name(x->steps[i].to),
		        .text = step_text(rq, x->steps[i].details)};
	return true;
}

static bool set_execution(struct web_request *rq, const struct execution *x,
        struct execution_view *view, struct err *e)
{
	*view = (struct execution_view){.id = x->public_id,
	        .device_id = x->device_public_id,
	        .device = x->device_name,
	        .serial = x->device_serial,
	        .state = execution_state_name(x->state),
	        .code = x->code,
	        .message = x->message,
	        .percent = x->percent < 0 ? SUPPLY_UNKNOWN : x->percent,
	        .step_text = x->step_text,
	        .verified = x->verified == 1,
	        .late = x->late,
	        .not_after = x->not_after,
	        .created_at = x->created_at,
	        .sent_at = x->sent_at,
	        .delivered_at = x->delivered_at,
	        .started_at = x->started_at,
	        .ended_at = x->ended_at,
	        .before = evidence_read(rq->arena, x->evidence, "before"),
	        .after = evidence_read(rq->arena, x->evidence, "after")};
	return set_steps(rq, x, view, e);
}

struct shown {
	struct operation_page page;
	const char **ids; /* the operation, and its devices */
	size_t id_count;
};

static bool set_page(struct web_request *rq, struct sql_conn *conn,
        const struct operation_request *found, struct shown *s, struct err *e)
{
	struct operation_page *p = &s->page;

	*p = (struct operation_page){.id = found->row.public_id,
	        .kind = found->row.kind,
	        .purpose = found->row.purpose,
	        .person = name_of_person(rq, conn, found->row.requester_public_id),
	        .organisation = found->row.organisation_name,
	        .created_at = found->row.created_at,
	        .ended = request_ended(found->row.state),
	        .may_cancel = found->may_cancel && found->row.state != REQUEST_CANCELING,
	        .execution_count = found->count};
	p->executions = arena_array(rq->arena, found->count, sizeof *p->executions);
	s->ids = arena_array(rq->arena, found->count + 1, sizeof *s->ids);
	if (p->executions == NULL || s->ids == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the page");
	s->ids[s->id_count++] = p->id;
	for (size_t i = 0; i < found->count; i++) {
		if (!set_execution(rq, &found->list[i], &p->executions[i], e))
			return false;
		/* once it is sent, taking it back is the agent's to grant */
		p->may_cancel = p->may_cancel && found->list[i].sent_at == 0;
		s->ids[s->id_count++] = found->list[i].device_public_id;
	}
	return true;
}

static bool read_page(struct web_request *rq, struct shown *s, struct err *e)
{
	struct sql_conn *conn = visit_conn(rq, e);
	struct operation_request found;

	if (conn == NULL ||
	        !operations_find(
	                conn, visit_viewer(rq), rq->arena, web_text(rq, "id"), &found, e) ||
	        !set_page(rq, conn, &found, s, e) ||
	        !page_layout(rq, &s->page.layout, kind_words(found.row.kind)->text,
	                SECTION_OPERATIONS, e))
		return false;
	s->page.layout.crumbs[0] = (struct crumb){"Operations", "/operations"};
	s->page.layout.crumbs[1] = (struct crumb){kind_words(found.row.kind)->text, NULL};
	s->page.layout.refresh = !s->page.ended;
	return true;
}

void operation_show(struct web_request *rq, struct web_response *rs)
{
	struct shown s = {.id_count = 0};
	struct err e = ERR_CLEAR;
	struct out out;

	if (!read_page(rq, &s, &e)) {
		reply_error(rq, rs, "operation", web_text(rq, "id"), &e);
		return;
	}
	reply_seen(rq, "operation", s.ids, s.id_count, NULL);
	out = page_begin(rq, rs, 200);
	page_operation(&out, &s.page);
}

/* ---- taking it back */

void operation_cancel(struct web_request *rq, struct web_response *rs)
{
	struct site_program *site = site_of(rq);
	struct audit_entry entry = reply_entry(rq, NULL);
	struct err e = ERR_CLEAR;
	const char *url;

	visit_release(rq);
	if (!operations_cancel(&site->changes, visit_viewer(rq), &entry, web_text(rq, "id"),
	            visit_of(rq)->now, &e)) {
		reply_error(rq, rs, "operation", web_text(rq, "id"), &e);
		return;
	}
	reply_changed(rq);
	outbox_ring(config_path(site->config, "run", "dispatch.sock"));
	url = arena_printf(rq->arena, "/operations/%s", web_text(rq, "id"));
	web_redirect(rq, rs, url != NULL ? url : "/operations");
}

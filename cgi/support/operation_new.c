/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /devices/:id/operation: the form for a new operation on one device, and its submission. The form
 * says of each kind whether it can run and why not; the submission is checked again, whatever the
 * form said.
 */
#include "cgi/devices.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "cgi/support/routes.h"
#include "core/operations.h"
#include "lib/crypto.h"
#include "templates/operation.html.h"

#include <string.h>

enum { KINDS_MAX = 16, KEY_SIZE = 32 };

static const char *const strengths[] = {"light", "normal", "heavy", NULL};

const struct web_field operation_form_fields[] = {
        {.name = "id", .type = WEB_FIELD_ID, .required = true}, {0}};

const struct web_field operation_submit_fields[] = {
        {.name = "id", .type = WEB_FIELD_ID, .required = true},
        {.name = "kind", .type = WEB_FIELD_ID},
        {.name = "strength", .type = WEB_FIELD_CHOICE, .choices = strengths},
        {.name = "purpose", .type = WEB_FIELD_TEXT, .max_length = OPERATIONS_PURPOSE_MAX},
        {.name = "key", .type = WEB_FIELD_ID, .required = true, .max_length = OPERATIONS_KEY_MAX},
        {0}};

/* ---- the form */

static bool read_kinds(struct web_request *rq, struct sql_conn *conn, const struct device *device,
        struct operation_new_page *page, struct err *e)
{
	const struct operation_kind *kinds = operation_kinds(&page->kind_count);

	page->kinds = arena_array(rq->arena, page->kind_count, sizeof *page->kinds);
	if (page->kinds == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the kinds");
	for (size_t i = 0; i < page->kind_count; i++) {
		enum obstacle obstacle = OBSTACLE_NONE;

		if (!operations_check(conn, visit_viewer(rq), device, &kinds[i], &obstacle, e))
			return false;
		page->kinds[i] = (struct kind_choice){.kind = kinds[i].name,
		        .class = operation_class_name(kinds[i].class),
		        .possible = !obstacle_prevents(obstacle),
		        .obstacle = obstacle == OBSTACLE_NONE ? NULL : obstacle_sentence(obstacle)};
	}
	return true;
}

/* Where only one kind can run, nobody need choose it. */
static void choose_only_kind(struct operation_new_page *page)
{
	const char *only = NULL;

	for (size_t i = 0; i < page->kind_count; i++) {
		if (page->kinds[i].possible && only != NULL)
			return;
		if (page->kinds[i].possible)
			only = page->kinds[i].kind;
	}
	if (*page->kind == '\0' && only != NULL)
		page->kind = only;
}

static bool set_crumbs(struct web_request *rq, struct operation_new_page *page, struct err *e)
{
	const char *url = arena_printf(rq->arena, "/devices/%s", page->device.id);

	if (url == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the page");
	page->layout.crumbs[0] = (struct crumb){"Devices", "/devices"};
	page->layout.crumbs[1] = (struct crumb){page->device.name, url};
	page->layout.crumbs[2] = (struct crumb){"New operation", NULL};
	return true;
}

static bool read_form(struct web_request *rq, struct operation_new_page *page,
        const char **customer, struct err *e)
{
	struct sql_conn *conn = visit_conn(rq, e);
	struct device device;

	if (conn == NULL ||
	        !devices_find(conn, visit_viewer(rq), rq->arena, web_text(rq, "id"), &device, e))
		return false;
	page->device = device_row_of(&device, true);
	*customer = device.customer_public_id;
	return read_kinds(rq, conn, &device, page, e) &&
	       page_layout(rq, &page->layout, "New operation", SECTION_DEVICES, e) &&
	       set_crumbs(rq, page, e);
}

/* Shows the form; after a refusal with what was typed and why. */
static void show_form(struct web_request *rq, struct web_response *rs, int status,
        struct operation_new_page *page)
{
	struct audit_entry entry = reply_entry(rq, "operation.form");
	struct err e = ERR_CLEAR;
	struct out out;

	if (!read_form(rq, page, &entry.customer, &e)) {
		reply_error(rq, rs, "device", web_text(rq, "id"), &e);
		return;
	}
	choose_only_kind(page);
	entry.target_kind = "device";
	entry.targets = &page->device.id;
	entry.target_count = 1;
	entry.outcome = AUDIT_DONE;
	reply_record(rq, &entry);
	out = page_begin(rq, rs, status);
	page_operation_new(&out, page);
}

void operation_form(struct web_request *rq, struct web_response *rs)
{
	char key[KEY_SIZE];
	struct operation_new_page page = {
	        .kind = "", .strength = "light", .purpose = "", .key = key};

	crypto_random_id("ik_", key);
	show_form(rq, rs, 200, &page);
}

/* ---- the submission */

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* What the order's kind takes: head-cleaning its strength, the others nothing. */
static const char *parameters(struct web_request *rq)
{
	const char *strength = web_text(rq, "strength");

	if (strcmp(or_empty(web_text(rq, "kind")), "head-cleaning") != 0 || strength == NULL)
		return "{}";
	return arena_printf(rq->arena, "{\"strength\":\"%s\"}", strength);
}

static int status_of(const struct err *e)
{
	switch (e->code) {
	case ERR_INVALID:
		return 422;
	case ERR_DENIED:
		return 403;
	case ERR_CONFLICT:
		return 409;
	default:
		return 0;
	}
}

static void refuse(struct web_request *rq, struct web_response *rs, const struct err *e)
{
	struct operation_new_page page = {.kind = or_empty(web_text(rq, "kind")),
	        .strength = or_empty(web_text(rq, "strength")),
	        .purpose = or_empty(web_text(rq, "purpose")),
	        .key = web_text(rq, "key"),
	        .error = e->text};

	if (status_of(e) == 0) {
		reply_error(rq, rs, "device", web_text(rq, "id"), e);
		return;
	}
	show_form(rq, rs, status_of(e), &page);
}

void operation_submit(struct web_request *rq, struct web_response *rs)
{
	struct site_program *site = site_of(rq);
	const char *device = web_text(rq, "id");
	struct operation_order order = {.kind = or_empty(web_text(rq, "kind")),
	        .parameters = parameters(rq),
	        .purpose = or_empty(web_text(rq, "purpose")),
	        .key = web_text(rq, "key"),
	        .devices = &device,
	        .device_count = 1,
	        .bell = config_path(site->config, "run", "dispatch.sock")};
	struct audit_entry entry = reply_entry(rq, NULL);
	struct operation_receipt receipt;
	struct err e = ERR_CLEAR;
	const char *url;

	visit_release(rq);
	if (order.parameters == NULL || !operations_submit(&site->changes, visit_viewer(rq), &entry,
	                                        &order, visit_of(rq)->now, &receipt, &e)) {
		if (order.parameters == NULL)
			(void)err_set(&e, ERR_MEMORY, "no memory for the order");
		refuse(rq, rs, &e);
		return;
	}
	reply_changed(rq);
	url = arena_printf(rq->arena, "/operations/%s", receipt.request_id);
	web_redirect(rq, rs, url != NULL ? url : "/operations");
}

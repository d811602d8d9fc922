/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/support/routes.h"

#include "cgi/devices.h"
#include "cgi/session.h"
#include "core/audit_log.h"
#include "core/contracts.h"
#include "core/devices.h"
#include "core/grants.h"
#include "core/groups.h"
#include "core/models.h"
#include "core/operations.h"
#include "core/organisations.h"
#include "core/outbox.h"
#include "core/telemetry.h"

/* One screen, in the order of a visit. */
static const struct web_route routes[] = {
        SITE_ROUTES,
        SESSION_ROUTES,
        {.id = "work.view",
                .path = "/",
                .who = WHO_ANYONE, /* a stranger gets the sign-in form */
                .flags = WEB_AUDITED,
                .fields = session_next_field,
                .handler = home},
        {.id = "device.list",
                .path = "/devices",
                .who = MAY_SEE_DEVICES,
                .flags = WEB_AUDITED,
                .fields = device_list_fields,
                .handler = device_list_show},
        {.id = "device.view",
                .path = "/devices/:id",
                .who = MAY_SEE_DEVICES,
                .flags = WEB_AUDITED,
                .fields = device_fields,
                .handler = support_device_show},
        {.id = "device.records",
                .path = "/devices/:id/records",
                .who = MAY_SEE_DEVICES,
                .flags = WEB_AUDITED,
                .fields = device_records_fields,
                .handler = device_records_show},
        {.id = "operation.form",
                .path = "/devices/:id/operation",
                .who = MAY_OPERATE,
                .flags = WEB_AUDITED,
                .fields = operation_form_fields,
                .handler = operation_form},
        {.id = "operation.submit",
                .method = WEB_POST,
                .path = "/devices/:id/operation",
                .who = MAY_OPERATE,
                .flags = WEB_AUDITED,
                .fields = operation_submit_fields,
                .handler = operation_submit},
        {.id = "operation.list",
                .path = "/operations",
                .who = MAY_OPERATE,
                .flags = WEB_AUDITED,
                .fields = operations_fields,
                .handler = operations_show},
        {.id = "operation.view",
                .path = "/operations/:id",
                .who = MAY_OPERATE,
                .flags = WEB_AUDITED,
                .fields = operation_fields,
                .handler = operation_show},
        {.id = "operation.cancel",
                .method = WEB_POST,
                .path = "/operations/:id/cancel",
                .who = MAY_OPERATE,
                .flags = WEB_AUDITED,
                .fields = operation_fields,
                .handler = operation_cancel},
        {.id = "audit.search",
                .path = "/audit",
                .who = MAY_READ_AUDIT_OWN | MAY_READ_AUDIT_ALL,
                .flags = WEB_AUDITED,
                .fields = audit_fields,
                .handler = audit_show},
};

static const struct sql_table *const tables[] = {&organisations_sql, &contracts_sql, &groups_sql,
        &grants_sql, &accounts_sql, &sessions_sql, &sign_in_sql, &models_sql, &changes_sql,
        &devices_sql, &devices_list_sql, &devices_urgent_sql, &telemetry_sql, &telemetry_state_sql,
        OPERATIONS_TABLES, &outbox_sql, &audit_log_sql, NULL};

const struct site_kind support_site = {
        .site = SITE_SUPPORT,
        .name = "support",
        .url = "support_url",
        .cookie = "__Host-fleetport-support",
        .same_site = "Strict",
        .browser_cookie = "__Host-fleetport-support-browser",
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
        .tables = tables,
        .read = 1u << SQL_CORE | 1u << SQL_OPERATIONS | 1u << SQL_TELEMETRY | 1u << SQL_AUDIT,
        .write = 1u << SQL_CORE | 1u << SQL_OPERATIONS,
        .own = 0,
        .also_made = operations_was_made,
};

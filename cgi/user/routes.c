/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/user/routes.h"

#include "cgi/devices.h"
#include "cgi/session.h"
#include "core/contracts.h"
#include "core/devices.h"
#include "core/grants.h"
#include "core/groups.h"
#include "core/organisations.h"
#include "core/telemetry.h"

/* One screen, in the order of a visit. */
static const struct web_route routes[] = {
        SITE_ROUTES,
        SESSION_ROUTES,
        {.id = "fleet.view",
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
                .handler = device_show},
        {.id = "device.records",
                .path = "/devices/:id/records",
                .who = MAY_SEE_DEVICES,
                .flags = WEB_AUDITED,
                .fields = device_records_fields,
                .handler = device_records_show},
};

static const struct sql_table *const tables[] = {&organisations_sql, &contracts_sql, &groups_sql,
        &grants_sql, &accounts_sql, &sessions_sql, &sign_in_sql, &changes_sql, &devices_sql,
        &devices_list_sql, &devices_urgent_sql, &telemetry_sql, &telemetry_state_sql, NULL};

const struct site_kind user_site = {
        .site = SITE_USER,
        .name = "user",
        .url = "user_url",
        .cookie = "__Host-fleetport-user",
        .same_site = "Lax",
        .browser_cookie = "__Host-fleetport-user-browser",
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
        .tables = tables,
        .read = 1u << SQL_CORE | 1u << SQL_TELEMETRY,
        .write = 1u << SQL_CORE,
        .own = 0,
};

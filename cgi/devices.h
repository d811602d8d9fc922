/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices.h: the device pages that both sites have. Each file a page; what a viewer sees of it is
 * core's rule, which site it stands on is the layout's.
 */
#ifndef FLEETPORT_CGI_DEVICES_H
#define FLEETPORT_CGI_DEVICES_H

#include "cgi/guard.h"
#include "core/devices.h"
#include "templates/device.h"

/* fleet.c: the start page of a signed-in person who may see devices. */
void fleet_show(struct web_request *rq, struct web_response *rs);

/* device_list.c: GET /devices: search, filter, sort, pages. */
extern const struct web_field device_list_fields[];
void device_list_show(struct web_request *rq, struct web_response *rs);

/* device.c: GET /devices/:id */
extern const struct web_field device_fields[];
void device_show(struct web_request *rq, struct web_response *rs);

/* What device_show() shows, for a site that adds to it: the device of the field "id" and all that is
 * told about it. Reads through visit_conn(), which stays borrowed. */
bool device_read(struct web_request *rq, struct device *device, struct device_page *page,
        struct err *e) __attribute__((warn_unused_result, nonnull));

/* device_records.c: GET /devices/:id/records: what it kept account of, a kind at a time, all of it. */
extern const struct web_field device_records_fields[];
void device_records_show(struct web_request *rq, struct web_response *rs);

/* The newest rows of a kind, at most `limit`. */
bool device_records_read(struct web_request *rq, struct sql_conn *conn, int64_t device,
        enum records_kind kind, size_t limit, struct records *out, struct err *e)
        __attribute__((warn_unused_result, nonnull));

/* How urgent what a device told is; keyword: NULL if it told only a code. */
enum attention device_severity(const char *keyword, const char *severity)
        __attribute__((nonnull(2)));

/* A device of core as a row of a page. with_customer: the list holds several customers' devices. */
struct device_row device_row_of(const struct device *device, bool with_customer);

/* The rows of a list; NULL with e set: no memory. *ids: their public ids, for the record. */
struct device_row *device_rows_of(struct arena *arena, const struct device *devices, size_t count,
        bool with_customer, const char ***ids, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices.h: the device pages that both sites have. Each file a page; what a viewer sees of it is
 * core's rule, which site it stands on is the layout's.
 */
#ifndef FLEETPORT_CGI_DEVICES_H
#define FLEETPORT_CGI_DEVICES_H

#include "cgi/guard.h"
#include "core/devices.h"
#include "templates/page.h"

/* fleet.c: the start page of a signed-in person who may see devices. */
void fleet_show(struct web_request *rq, struct web_response *rs);

/* A device of core as a row of a page. with_customer: the list holds several customers' devices. */
struct device_row device_row_of(const struct device *device, bool with_customer);

/* The rows of a list; NULL with e set: no memory. *ids: their public ids, for the record. */
struct device_row *device_rows_of(struct arena *arena, const struct device *devices, size_t count,
        bool with_customer, const char ***ids, struct err *e);

#endif

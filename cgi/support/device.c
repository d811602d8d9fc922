/* SPDX-License-Identifier: Apache-2.0 */
/* GET /devices/:id on the support site: what both sites show, and the operations on the device. */
#include "cgi/devices.h"
#include "cgi/operations.h"
#include "cgi/page.h"
#include "cgi/reply.h"
#include "cgi/support/routes.h"
#include "templates/device.html.h"

enum { SHOWN_OPERATIONS = 10 };

static bool read_page(
        struct web_request *rq, struct device *device, struct device_page *page, struct err *e)
{
	const struct viewer *viewer = visit_viewer(rq);

	/* device_read() leaves the connection with us */
	return device_read(rq, device, page, e) &&
	       operation_rows_of_device(rq, visit_conn(rq, e), device->public_id, SHOWN_OPERATIONS,
	               &page->operations, &page->operation_count, e) &&
	       devices_may(visit_conn(rq, e), viewer, device->id, "operate", &page->may_operate, e);
}

void support_device_show(struct web_request *rq, struct web_response *rs)
{
	struct err e = ERR_CLEAR;
	struct device_page page;
	struct device device;
	struct out out;

	if (!read_page(rq, &device, &page, &e)) {
		reply_error(rq, rs, "device", web_text(rq, "id"), &e);
		return;
	}
	reply_seen(rq, "device", &device.public_id, 1, device.customer_public_id);
	out = page_begin(rq, rs, 200);
	page_device(&out, &page);
}

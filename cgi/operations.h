/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations.h: operations as rows of a page: of the list, and of a device's page on the support
 * site.
 */
#ifndef FLEETPORT_CGI_OPERATIONS_H
#define FLEETPORT_CGI_OPERATIONS_H

#include "cgi/guard.h"
#include "core/operations.h"
#include "templates/page.h"

/* Rows of core as rows of a page. NULL with e set: no memory. */
struct operation_row *operation_rows_of(struct web_request *rq, struct sql_conn *conn,
        const struct request_row *rows, size_t count, struct err *e)
        __attribute__((warn_unused_result));

/* The newest operations on a device that the viewer may see. */
bool operation_rows_of_device(struct web_request *rq, struct sql_conn *conn, const char *device,
        size_t limit, struct operation_row **rows, size_t *count, struct err *e)
        __attribute__((warn_unused_result));

#endif

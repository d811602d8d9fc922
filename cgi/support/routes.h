/* SPDX-License-Identifier: Apache-2.0 */
/* routes.h: the whole support site, for its program and for the tests that walk every route. */
#ifndef FLEETPORT_CGI_SUPPORT_ROUTES_H
#define FLEETPORT_CGI_SUPPORT_ROUTES_H

#include "cgi/site.h"

extern const struct site_kind support_site;

/* home.c */
void home(struct web_request *rq, struct web_response *rs);

/* device.c */
void support_device_show(struct web_request *rq, struct web_response *rs);

/* operations.c */
extern const struct web_field operations_fields[];
void operations_show(struct web_request *rq, struct web_response *rs);

/* operation_new.c */
extern const struct web_field operation_form_fields[], operation_submit_fields[];
void operation_form(struct web_request *rq, struct web_response *rs);
void operation_submit(struct web_request *rq, struct web_response *rs);

/* operation.c */
extern const struct web_field operation_fields[];
void operation_show(struct web_request *rq, struct web_response *rs);
void operation_cancel(struct web_request *rq, struct web_response *rs);

/* audit.c */
extern const struct web_field audit_fields[];
void audit_show(struct web_request *rq, struct web_response *rs);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* routes.h: the whole support site, for its program and for the tests that walk every route. */
#ifndef FLEETPORT_CGI_SUPPORT_ROUTES_H
#define FLEETPORT_CGI_SUPPORT_ROUTES_H

#include "cgi/site.h"

extern const struct site_kind support_site;

/* home.c */
void home(struct web_request *rq, struct web_response *rs);

#endif

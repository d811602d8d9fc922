/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h: what all pages of both sites have in common: who is signed in, the navigation, the error
 * page, the sign-in form.
 */
#ifndef FLEETPORT_CGI_PAGE_H
#define FLEETPORT_CGI_PAGE_H

#include "cgi/guard.h"
#include "templates/layout.h"
#include "templates/out.h"

/* Fills in a layout for the person of this request (or a stranger). Reads the person's name through
 * visit_conn(): call it before visit_release(). false: e, for reply_error(). */
bool page_layout(struct web_request *rq, struct layout *layout, const char *title,
        enum section section, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* Begins an HTML answer and gives back the read connection; then print with page_…(&out, &page). */
struct out page_begin(struct web_request *rq, struct web_response *rs, int status);

/* The site's error_page (route.h). */
void page_error_show(
        struct web_request *rq, struct web_response *rs, int status, const char *detail);

#endif

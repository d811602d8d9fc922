/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/devices.h"
#include "cgi/session.h"
#include "cgi/support/routes.h"

/* The operator's people and auditors see no devices: their work is the audit log. */
void home(struct web_request *rq, struct web_response *rs)
{
	if (!visit_of(rq)->signed_in)
		session_form(rq, rs);
	else if (viewer_may(visit_viewer(rq), MAY_SEE_DEVICES))
		fleet_show(rq, rs);
	else
		web_redirect(rq, rs, "/audit");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/devices.h"
#include "cgi/session.h"
#include "cgi/user/routes.h"

void home(struct web_request *rq, struct web_response *rs)
{
	if (visit_of(rq)->signed_in)
		fleet_show(rq, rs);
	else
		session_form(rq, rs);
}

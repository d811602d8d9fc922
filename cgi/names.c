/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/names.h"

#include "core/accounts.h"
#include "lib/log.h"

const char *name_of_person(struct web_request *rq, struct sql_conn *conn, const char *public_id)
{
	const char *name = NULL;
	struct err e = ERR_CLEAR;

	if (!accounts_name(conn, site_of(rq)->keys, rq->arena, public_id, &name, &e)) {
		log_event(LOG_LEVEL_WARNING, "name-not-opened", "person", public_id, "reason",
		        e.text, NULL);
		return public_id;
	}
	return name != NULL ? name : public_id;
}

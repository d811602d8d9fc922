/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h: what pages call people.
 */
#ifndef FLEETPORT_CGI_NAMES_H
#define FLEETPORT_CGI_NAMES_H

#include "cgi/guard.h"

/* The display name of a person, also of a removed one; the public id where the person was erased or
 * is not known. Never NULL; lives as long as the request. Only for people whom the viewer may know:
 * the page that names them is recorded. */
const char *name_of_person(struct web_request *rq, struct sql_conn *conn, const char *public_id);

#endif

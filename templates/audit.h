/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h: GET /audit on the support site. */
#ifndef FLEETPORT_TEMPLATES_AUDIT_H
#define FLEETPORT_TEMPLATES_AUDIT_H

#include "templates/page.h"

struct audit_row {
	int64_t number;
	int64_t at;
	const char *actor; /* display name, or the id */
	const char *actor_id;
	const char *actor_role;
	const char *action;
	const char *target_kind;
	const char *target; /* first target's id, "" if none */
	size_t target_count;
	const char *outcome; /* audit_outcome_name() */
	const char *address;
	const char *request_id;
	const char *purpose; /* "" if none */
	const char *details; /* JSON or "" */
};

struct audit_page {
	struct layout layout;
	const char *person, *device, *action, *outcome; /* filters as sent, "" if none */
	const char *from, *to;                          /* "2026-11-22T09:00" or "" */
	const char *error;                              /* a filter that cannot be, or NULL */
	const char *const *actions; /* names of actions for the list, NULL-ended */
	bool filtered;
	struct audit_row *rows;
	size_t count;
	struct pager pager;
};

#endif

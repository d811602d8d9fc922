/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h: who may do what. The one place that knows.
 *
 * Device rights are the SQL view `scope(viewer, group_id, "right")` (db/schema/core-001.sql): a
 * device query in core/ says  group_id IN (SELECT group_id FROM scope WHERE viewer = $1 AND "right"
 * = 'view'). Everything else that a role may do is a bit in the table in access.c.
 */
#ifndef FLEETPORT_CORE_ACCESS_H
#define FLEETPORT_CORE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

enum role {
	ROLE_NONE,
	ROLE_CUSTOMER_VIEWER,
	ROLE_CUSTOMER_ADMIN,
	ROLE_TECHNICIAN,
	ROLE_PARTNER_ADMIN,
	ROLE_OPERATOR_ADMIN,
	ROLE_AUDITOR,
	ROLES,
};

/* What a route or a function asks for; bits. (security.md, People and rights.) */
enum permission {
	MAY_SEE_DEVICES = 1u << 0, /* then the scope view decides which */
	MAY_OPERATE = 1u << 1,     /* then scope, contract and consent decide */
	MAY_INVITE_AGENTS = 1u << 2,
	MAY_REVOKE_AGENTS = 1u << 3,
	MAY_MANAGE_PEOPLE = 1u << 4, /* own organisation's */
	MAY_MANAGE_GROUPS = 1u << 5, /* own customer's groups and grants */
	MAY_CREATE_ORGANISATIONS = 1u << 6,
	MAY_READ_AUDIT_OWN = 1u << 7, /* own devices' / own customer's / own or partner's acts */
	MAY_READ_AUDIT_ALL = 1u << 8,
};

enum site { SITE_USER, SITE_SUPPORT };

/* The person behind a request, as the session and account say at this moment. */
struct viewer {
	int64_t account_id;
	int64_t organisation_id;
	enum role role;
	const char *account_public_id;      /* "pe_…" */
	const char *organisation_public_id; /* "or_…" */
	const char *session_public_id;      /* "se_…" */
	const char *address;
	const char *request_id;
	unsigned factors; /* enum factor bits (sessions.h) */
};

/* "technician" ↔ ROLE_TECHNICIAN; role_from_name gives ROLE_NONE for anything else. */
const char *role_name(enum role role);
enum role role_from_name(const char *name);

/* The role's permissions; 0 for ROLE_NONE. */
unsigned role_permissions(enum role role);

/* Customers' people sign in on the user site, all others on the support site. */
enum site role_site(enum role role);

static inline bool viewer_may(const struct viewer *viewer, enum permission permission)
{
	return (role_permissions(viewer->role) & (unsigned)permission) != 0;
}

#endif

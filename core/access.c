/* SPDX-License-Identifier: Apache-2.0 */
#include "core/access.h"

#include <stddef.h>
#include <string.h>

/* The table of security.md, People and rights, column by column. */
static const struct {
	const char *name;
	enum site site;
	unsigned permissions;
} roles[ROLES] = {
        [ROLE_NONE] = {"", SITE_USER, 0},
        [ROLE_CUSTOMER_VIEWER] = {"customer-viewer", SITE_USER,
                MAY_SEE_DEVICES | MAY_READ_AUDIT_OWN},
        [ROLE_CUSTOMER_ADMIN] = {"customer-admin", SITE_USER,
                MAY_SEE_DEVICES | MAY_INVITE_AGENTS | MAY_REVOKE_AGENTS | MAY_MANAGE_PEOPLE |
                        MAY_MANAGE_GROUPS | MAY_READ_AUDIT_OWN},
        [ROLE_TECHNICIAN] = {"technician", SITE_SUPPORT,
                MAY_SEE_DEVICES | MAY_OPERATE | MAY_READ_AUDIT_OWN},
        [ROLE_PARTNER_ADMIN] = {"partner-admin", SITE_SUPPORT,
                MAY_SEE_DEVICES | MAY_OPERATE | MAY_INVITE_AGENTS | MAY_REVOKE_AGENTS |
                        MAY_MANAGE_PEOPLE | MAY_READ_AUDIT_OWN},
        [ROLE_OPERATOR_ADMIN] = {"operator-admin", SITE_SUPPORT,
                MAY_REVOKE_AGENTS | MAY_CREATE_ORGANISATIONS | MAY_READ_AUDIT_ALL},
        [ROLE_AUDITOR] = {"auditor", SITE_SUPPORT, MAY_READ_AUDIT_ALL},
};

const char *role_name(enum role role)
{
	if ((size_t)role >= ROLES)
		return "";
	return roles[role].name;
}

enum role role_from_name(const char *name)
{
	for (size_t i = ROLE_NONE + 1; name != NULL && i < ROLES; i++)
		if (strcmp(roles[i].name, name) == 0)
			return (enum role)i;
	return ROLE_NONE;
}

unsigned role_permissions(enum role role)
{
	if ((size_t)role >= ROLES)
		return 0;
	return roles[role].permissions;
}

enum site role_site(enum role role)
{
	if ((size_t)role >= ROLES)
		return SITE_USER;
	return roles[role].site;
}

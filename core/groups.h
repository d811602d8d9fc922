/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.h: device groups. Every device is in exactly one; each customer has one default group.
 */
#ifndef FLEETPORT_CORE_GROUPS_H
#define FLEETPORT_CORE_GROUPS_H

#include "db/sql.h"

extern const struct sql_table groups_sql;

struct group {
	int64_t id;
	const char *public_id;
	int64_t organisation_id;
	const char *organisation_public_id;
	const char *organisation_name;
	const char *name;
	bool is_default;
	const char *consent; /* to remote operations: "always", "ask", "never" */
};

struct group_new {
	const char *public_id;   /* from crypto_random_id("gr_", …) */
	int64_t organisation_id; /* a customer's */
	const char *name;
	bool is_default;
	const char *consent; /* NULL: "always" */
	int64_t now;
};

/* Adds one. ERR_CONFLICT: the customer has a group of that name. *id may be NULL. */
bool groups_add(struct sql_conn *write, const struct group_new *group, int64_t *id, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Finds a live one by public id, or by its exact name within the customer (organisation_id; 0: by
 * public id only). ERR_NOT_FOUND. */
bool groups_find(struct sql_conn *conn, struct arena *arena, int64_t organisation_id,
        const char *id_or_name, struct group *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4, 5)));

/* The live groups of a customer (0: of all), by customer, default first, then by name. */
bool groups_list(struct sql_conn *conn, struct arena *arena, int64_t organisation_id,
        struct group **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4, 5)));

/* Removes an empty group. ERR_NOT_FOUND; ERR_CONFLICT: the default one, or devices are in it. */
bool groups_remove(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

#endif

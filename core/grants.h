/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants.h: a right of a person on a device group.
 *
 * A grant alone gives nothing: the view `scope` joins it with the person's state, the contract and
 * the time at every query, so that a withdrawn right holds from the next request. Customers'
 * viewers are granted 'view' on groups of their own customer; partners' people 'view', 'operate'
 * and 'consume' on groups of customers under contract, always until a date.
 */
#ifndef FLEETPORT_CORE_GRANTS_H
#define FLEETPORT_CORE_GRANTS_H

#include "db/sql.h"

extern const struct sql_table grants_sql;

#define GRANT_DEFAULT_MS (INT64_C(180) * 24 * 60 * 60 * 1000) /* partners' people */
#define GRANT_LONGEST_MS (INT64_C(366) * 24 * 60 * 60 * 1000)

struct grant {
	int64_t id;
	const char *public_id;
	int64_t account_id;
	const char *account_public_id;
	const char *group_public_id;
	const char *group_name;
	const char *customer_public_id;
	const char *customer_name;
	const char *right; /* "view", "operate", "consume" */
	const char *granted_by;
	const char *purpose;
	int64_t created_at;
	int64_t expires_at; /* 0: never */
};

struct grant_new {
	const char *public_id; /* from crypto_random_id("gt_", …) */
	const char *account;   /* public id of whom it is for */
	const char *group;     /* public id */
	const char *right;
	const char *granted_by; /* public id of the person who grants, or "console uid N" */
	const char *purpose;    /* NULL: none */
	int64_t expires_at;     /* 0: the default (partners: 180 days; customers: never) */
	int64_t now;
};

/* Adds one. ERR_DENIED: to oneself. ERR_NOT_FOUND: no such person or group. ERR_INVALID: a right
 * that this role cannot have there, or a bad end. ERR_CONFLICT: no contract, or granted already. */
bool grants_add(struct sql_conn *write, const struct grant_new *grant, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Live grants at `now`: of an account (0: all), on groups of a customer (0: all). */
bool grants_list(struct sql_conn *conn, struct arena *arena, int64_t account_id,
        int64_t customer_id, int64_t now, struct grant **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 6, 7)));

/* Ends one. ERR_NOT_FOUND. */
bool grants_end(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Ends all grants of a person. */
bool grants_end_all(struct sql_conn *write, int64_t account_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

#endif

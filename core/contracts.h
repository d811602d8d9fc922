/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contracts.h: which partner manages which customer's devices, from when until when.
 */
#ifndef FLEETPORT_CORE_CONTRACTS_H
#define FLEETPORT_CORE_CONTRACTS_H

#include "db/sql.h"

extern const struct sql_table contracts_sql;

struct contract {
	int64_t id;
	const char *public_id;
	const char *customer_public_id;
	const char *customer_name;
	const char *partner_public_id;
	const char *partner_name;
	int64_t starts_at; /* ms */
	int64_t ends_at;
};

struct contract_new {
	const char *public_id; /* from crypto_random_id("co_", …) */
	int64_t customer_id;
	int64_t partner_id;
	int64_t starts_at; /* ms */
	int64_t ends_at;   /* after starts_at */
	int64_t now;
};

/* Adds one. ERR_INVALID: not a live customer and a live partner, or it ends before it starts.
 * ERR_CONFLICT: the two have a contract for some of that time. */
bool contracts_add(struct sql_conn *write, const struct contract_new *contract, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Contracts that have not ended at `now`, by customer and partner; organisation_id: of that
 * customer or partner only, 0: all. */
bool contracts_list(struct sql_conn *conn, struct arena *arena, int64_t organisation_id,
        int64_t now, struct contract **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 5, 6)));

/* Ends one now: what rests on it reaches nothing from the next request on. ERR_NOT_FOUND. */
bool contracts_end(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * organisations.h: customers, partners, and the operator of the installation.
 *
 * Names of organisations are not personal data. Functions that change take the connection inside a
 * sql_write() to SQL_CORE; the others take a borrowed one. Texts live in the arena handed over.
 */
#ifndef FLEETPORT_CORE_ORGANISATIONS_H
#define FLEETPORT_CORE_ORGANISATIONS_H

#include "db/sql.h"

enum {
	PUBLIC_ID = 26, /* bytes of "or_" + 22 digits, NUL included */
	NAME_MAX = 200, /* bytes of a name of an organisation or group */
};

extern const struct sql_table organisations_sql;

struct organisation {
	int64_t id;
	const char *public_id;
	const char *kind; /* "customer", "partner", "operator" */
	const char *name;
	const char *region; /* region code of the customer's devices; "": any */
	bool lets_partner_invite;
	int64_t created_at; /* ms */
};

struct organisation_new {
	const char *public_id; /* from crypto_random_id("or_", …) */
	const char *kind;
	const char *name;
	const char *region;        /* NULL: any */
	const char *default_group; /* what a customer's first group is called; NULL: "Default" */
	bool lets_partner_invite;
	int64_t now; /* ms */
};

/* Is this a name for an organisation, a group or a person? 1 … NAME_MAX bytes of UTF-8 without
 * control characters and without blanks at either end. ERR_INVALID says what is wrong; `what` is
 * how the sentence begins ("the name of the group"). */
bool organisations_name_valid(const char *name, const char *what, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Adds one; a customer gets its default group, where new devices go. ERR_CONFLICT: the name is
 * taken, or there is an operator already; ERR_INVALID: default_group for one that is no customer. *id (may be NULL): its key. */
bool organisations_add(struct sql_conn *write, const struct organisation_new *organisation,
        int64_t *id, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2)));

/* Finds a live one by its public id, or by its exact name if it is unique among all kinds.
 * ERR_NOT_FOUND; ERR_CONFLICT: several have that name, say the id. */
bool organisations_find(struct sql_conn *conn, struct arena *arena, const char *id_or_name,
        struct organisation *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

/* All live ones, by kind and name; kind NULL: of every kind. */
bool organisations_list(struct sql_conn *conn, struct arena *arena, const char *kind,
        struct organisation **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4, 5)));

/* Ends one: its people are signed out by their next request, its contracts reach nothing any more.
 * ERR_NOT_FOUND; ERR_CONFLICT for the operator. */
bool organisations_end(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

#endif

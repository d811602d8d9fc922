/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts.h: people, their sealed columns, and their password.
 *
 * Names and mail are sealed under the person's own data key (people.h); they are opened only here.
 * Functions that change take the connection inside a sql_write() to SQL_CORE. Hash a password
 * (passwords.h) before the write: the writer thread must not wait for it.
 */
#ifndef FLEETPORT_CORE_ACCOUNTS_H
#define FLEETPORT_CORE_ACCOUNTS_H

#include "core/access.h"
#include "core/passwords.h"
#include "core/people.h"
#include "db/sql.h"

extern const struct sql_table accounts_sql;

struct account {
	int64_t id;
	const char *public_id;
	int64_t organisation_id;
	const char *organisation_public_id;
	const char *organisation_name;
	enum role role;
	const char *language;
	const char *time_zone;
	int64_t created_at;
	int64_t suspended_at; /* 0: not */
	int64_t rights_version;
	/* opened; NULL when the person was erased */
	const char *sign_in_name;
	const char *display_name;
	const char *mail; /* NULL: none */
};

struct account_new {
	const char *public_id; /* from crypto_random_id("pe_", …) */
	int64_t organisation_id;
	enum role role; /* one of the organisation's kind */
	const char *sign_in_name;
	const char *display_name;
	const char *mail;      /* NULL: none */
	const char *language;  /* NULL: "en" */
	const char *time_zone; /* NULL: "UTC" */
	const unsigned char
	        *sealed_password; /* PASSWORD_SEALED bytes, or NULL: cannot sign in yet */
	int64_t now;
};

/* Adds a person. ERR_INVALID: a bad name, or a role that the organisation's kind does not have.
 * ERR_CONFLICT: the sign-in name is taken. *id may be NULL. */
bool accounts_add(struct sql_conn *write, const struct keys *keys,
        const struct account_new *account, int64_t *id, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* Finds a person who was not removed, by public id. ERR_NOT_FOUND. */
bool accounts_find(struct sql_conn *conn, const struct keys *keys, struct arena *arena,
        const char *public_id, struct account *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* Finds by sign-in name, through the blind index. ERR_NOT_FOUND. */
bool accounts_find_by_name(struct sql_conn *conn, const struct keys *keys, struct arena *arena,
        const char *sign_in_name, struct account *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* An organisation's people who were not removed, opened, and sorted by display name in memory. */
bool accounts_list(struct sql_conn *conn, const struct keys *keys, struct arena *arena,
        int64_t organisation_id, struct account **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 5, 6)));

/* The display name of a person, removed or not; *name NULL: erased, or no such person. */
bool accounts_name(struct sql_conn *conn, const struct keys *keys, struct arena *arena,
        const char *public_id, const char **name, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* What signing in needs, without opening anything. sealed_password NULL: has none. */
struct account_credential {
	int64_t account_id;
	const char *public_id;
	const char *organisation_public_id;
	enum role role;
	bool open; /* neither suspended nor removed, and the organisation has not ended */
	int64_t rights_version;
	const unsigned char *sealed_password;
	size_t sealed_len;
};

/* By the blind index of the typed name. *found false: no such person. */
bool accounts_credential(struct sql_conn *conn, struct arena *arena,
        const unsigned char index[PERSON_INDEX], struct account_credential *out, bool *found,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* Sets a new password, and thereby ends the person's sessions. ERR_NOT_FOUND. */
bool accounts_set_password(struct sql_conn *write, const char *public_id,
        const unsigned char sealed[PASSWORD_SEALED], int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* The password fitted: notes the time, and with sealed (else NULL) puts a costlier hash of the same
 * password in its place; sessions stay. */
bool accounts_password_used(struct sql_conn *write, int64_t account_id, const unsigned char *sealed,
        int64_t now, struct err *e) __attribute__((warn_unused_result, nonnull(1)));

/* Suspends a person (signed out by the next request), or lets them in again. ERR_NOT_FOUND: no such
 * person, or suspended (not suspended) already. */
bool accounts_suspend(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
bool accounts_resume(struct sql_conn *write, const char *public_id, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Removes a person: cannot sign in, has no sessions, grants or credentials; the sign-in name is
 * free again. The data key stays, so that the audit log can be read. ERR_NOT_FOUND. */
bool accounts_remove(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions.h: signed-in browsers.
 *
 * The cookie holds a random token of 256 bits; only its SHA-256 is stored. A session ends when it
 * was idle too long, at its absolute end, when it is ended, and at once when the person is
 * suspended or removed, gets another password or role (rights_version), or the organisation ends:
 * all of it is asked at every request.
 */
#ifndef FLEETPORT_CORE_SESSIONS_H
#define FLEETPORT_CORE_SESSIONS_H

#include "core/access.h"
#include "core/organisations.h"
#include "db/sql.h"

extern const struct sql_table sessions_sql;

/* How a person proved to be who they are; bits of session.factors. */
enum factor { FACTOR_PASSWORD = 1, FACTOR_TOTP = 2, FACTOR_PASSKEY = 4, FACTOR_RECOVERY = 8 };

enum {
	SESSION_TOKEN = 44, /* bytes of a token's text, NUL included */
	SESSION_CSRF_SECRET = 32,
};

/* What the stay on a site may last, in ms. */
struct session_limits {
	int64_t idle;
	int64_t absolute;
};
/* user: 30 min and 12 h; support: 15 min and 8 h. */
struct session_limits session_limits(enum site site);

struct session_new {
	int64_t account_id;
	int64_t rights_version; /* as it was when the person was checked */
	enum site site;
	unsigned factors;
	const char *address;
	const char *public_id; /* from crypto_random_id("se_", …) */
	int64_t now;
};

/* Begins a session inside a write; puts the cookie's token into token. The caller hands it to the
 * browser and wipes it. ERR_DENIED: the account's rights changed since it was checked. */
bool sessions_begin(struct sql_conn *write, const struct session_new *session,
        char token[SESSION_TOKEN], struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3)));

struct session {
	int64_t id;
	struct viewer viewer; /* address and request_id are the caller's to fill in */
	const char *organisation_name;
	const char *organisation_kind;
	const char *language;
	const char *time_zone;
	unsigned char csrf_secret[SESSION_CSRF_SECRET];
	int64_t factors_at; /* ms; when the newest factor was shown */
	int64_t seen_at;
	int64_t ends_at;
};

/* The live session of a token on a site. *found false: none (any more). Texts live in the arena. */
bool sessions_find(struct sql_conn *conn, struct arena *arena, enum site site, const char *token,
        int64_t now, struct session *out, bool *found, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4, 6, 7)));

/* Does the session carry one of these factors, shown within the last `within_ms` (0: whenever)?
 * What a route demands that asks for a fresh second factor. */
bool session_has_factor(const struct session *session, unsigned factors, int64_t within_ms,
        int64_t now) __attribute__((nonnull));

/* Notes that the session was used, so that it does not fall idle. Costs a write at most once a
 * minute a session, which is not waited for. */
void sessions_touch(struct sql_db *db, const struct session *session, enum site site, int64_t now)
        __attribute__((nonnull));

/* What a person sees of the own sessions. */
struct session_row {
	const char *public_id;
	const char *site;
	const char *address;
	int64_t created_at;
	int64_t seen_at;
};

/* The live sessions of a person, newest use first. */
bool sessions_list(struct sql_conn *conn, struct arena *arena, int64_t account_id, int64_t now,
        struct session_row **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 5, 6)));

/* Ends one session of a person. ERR_NOT_FOUND: it is not theirs, or has ended. */
bool sessions_end(struct sql_conn *write, int64_t account_id, const char *public_id, int64_t now,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 3)));

/* Ends all sessions of a person but one (its public id). */
bool sessions_end_others(struct sql_conn *write, int64_t account_id, const char *but, int64_t now,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 3)));

/* Ends all sessions of a person. */
bool sessions_end_all(struct sql_conn *write, int64_t account_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Forgets sessions that ended before `before`; at most 1 000 a call. */
bool sessions_purge(struct sql_conn *write, int64_t before, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

#endif

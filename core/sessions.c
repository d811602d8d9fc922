/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sessions.h"

#include "core/rows.h"
#include "lib/crypto.h"
#include "lib/log.h"

#include <stdlib.h>
#include <string.h>

enum { INSERT, FIND, TOUCH, LIST, END, END_OTHERS, PURGE };

enum { TOKEN_BYTES = 32 };
static const int64_t MINUTE_MS = 60 * 1000;

/* What makes a session live besides its token; $now is the parameter that the statement gives. */
#define LIVE(now)                                                                                  \
	" s.ended_at IS NULL AND s.idle_until > " now " AND s.ends_at > " now                      \
	" AND s.rights_version = a.rights_version AND a.suspended_at IS NULL"                      \
	" AND a.removed_at IS NULL AND o.ended_at IS NULL"
#define JOINED                                                                                     \
	" FROM session s JOIN account a ON a.id = s.account_id"                                    \
	" JOIN organisation o ON o.id = a.organisation_id"

static const struct sql_statement statements[] = {
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tbbitiitiii",
                .out = "i",
                .text = "INSERT INTO session (public_id, token_hash, csrf_secret, account_id, site,"
                        " factors, factors_at, rights_version, address, created_at, seen_at,"
                        " idle_until, ends_at) SELECT $1, $2, $3, a.id, $5, $6, $9, $7, $8, $9, $9,"
                        " $10, $11 FROM account a WHERE a.id = $4 AND a.rights_version = $7"
                        " AND a.suspended_at IS NULL AND a.removed_at IS NULL RETURNING id"},
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "bti",
                .out = "itbiiiiititttttt",
                .text = "SELECT s.id, s.public_id, s.csrf_secret, s.factors, s.factors_at,"
                        " s.seen_at, s.ends_at, a.id, a.public_id, o.id, o.public_id, a.role,"
                        " a.language, a.time_zone, o.name, o.kind" JOINED
                        " WHERE s.token_hash = $1 AND s.site = $2 AND" LIVE("$3")},
        [TOUCH] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "iii",
                .out = "",
                .text = "UPDATE session SET seen_at = max(seen_at, $2),"
                        " idle_until = max(idle_until, min($3, ends_at))"
                        " WHERE id = $1 AND ended_at IS NULL"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "ii",
                .out = "tttii",
                .text = "SELECT s.public_id, s.site, s.address, s.created_at, s.seen_at" JOINED
                        " WHERE s.account_id = $1 AND" LIVE("$2") " ORDER BY s.seen_at DESC, s.id"},
        [END] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "iti",
                .out = "",
                .text = "UPDATE session SET ended_at = $3"
                        " WHERE account_id = $1 AND public_id = $2 AND ended_at IS NULL"},
        [END_OTHERS] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "iti",
                .out = "",
                .text = "UPDATE session SET ended_at = $3"
                        " WHERE account_id = $1 AND public_id <> $2 AND ended_at IS NULL"},
        [PURGE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "i",
                .out = "",
                .text = "DELETE FROM session WHERE id IN (SELECT id FROM session"
                        " WHERE ends_at < $1 LIMIT 1000)"},
};

const struct sql_table sessions_sql = {
        "sessions", statements, sizeof statements / sizeof statements[0]};

static const char *site_name(enum site site)
{
	return site == SITE_SUPPORT ? "support" : "user";
}

struct session_limits session_limits(enum site site)
{
	if (site == SITE_SUPPORT)
		return (struct session_limits){
		        .idle = 15 * MINUTE_MS, .absolute = 8 * 60 * MINUTE_MS};
	return (struct session_limits){.idle = 30 * MINUTE_MS, .absolute = 12 * 60 * MINUTE_MS};
}

bool sessions_begin(struct sql_conn *write, const struct session_new *session,
        char token[SESSION_TOKEN], struct err *e)
{
	struct session_limits limits = session_limits(session->site);
	unsigned char secret[TOKEN_BYTES], csrf[SESSION_CSRF_SECRET], hash[CRYPTO_HASH];
	int64_t id = 0;
	bool found = false, ok;

	crypto_random(secret, sizeof secret);
	crypto_random(csrf, sizeof csrf);
	crypto_base64url(secret, sizeof secret, token);
	crypto_sha256(secret, sizeof secret, hash);
	crypto_wipe(secret, sizeof secret);
	ok = sql_one(write, &statements[INSERT],
	        SQL_ARGS(SQL_T(session->public_id), SQL_B(hash, sizeof hash),
	                SQL_B(csrf, sizeof csrf), SQL_I(session->account_id),
	                SQL_T(site_name(session->site)), SQL_I(session->factors),
	                SQL_I(session->rights_version), SQL_T(session->address),
	                SQL_I(session->now), SQL_I(session->now + limits.idle),
	                SQL_I(session->now + limits.absolute)),
	        SQL_INTO(SQL_INTO_I(&id)), &found, e);
	crypto_wipe(csrf, sizeof csrf);
	if (ok && !found)
		ok = err_set(e, ERR_DENIED, "the account changed while it signed in");
	if (!ok)
		crypto_wipe(token, SESSION_TOKEN);
	return ok;
}

static bool token_hash(const char *token, unsigned char hash[CRYPTO_HASH])
{
	unsigned char secret[TOKEN_BYTES];
	size_t len = 0;
	bool ok = crypto_base64url_decode(token, strlen(token), secret, sizeof secret, &len) &&
	          len == sizeof secret;

	if (ok)
		crypto_sha256(secret, sizeof secret, hash);
	crypto_wipe(secret, sizeof secret);
	return ok;
}

bool sessions_find(struct sql_conn *conn, struct arena *arena, enum site site, const char *token,
        int64_t now, struct session *out, bool *found, struct err *e)
{
	struct viewer *v = &out->viewer;
	unsigned char hash[CRYPTO_HASH];
	const unsigned char *csrf = NULL;
	const char *role = NULL;
	size_t csrf_len = 0;
	int64_t factors = 0;

	*out = (struct session){0};
	*found = false;
	if (!token_hash(token, hash))
		return true;
	if (!sql_one(conn, &statements[FIND],
	            SQL_ARGS(SQL_B(hash, sizeof hash), SQL_T(site_name(site)), SQL_I(now)),
	            SQL_INTO(SQL_INTO_I(&out->id), SQL_INTO_T(arena, &v->session_public_id),
	                    SQL_INTO_B(arena, &csrf, &csrf_len), SQL_INTO_I(&factors),
	                    SQL_INTO_I(&out->factors_at), SQL_INTO_I(&out->seen_at),
	                    SQL_INTO_I(&out->ends_at), SQL_INTO_I(&v->account_id),
	                    SQL_INTO_T(arena, &v->account_public_id),
	                    SQL_INTO_I(&v->organisation_id),
	                    SQL_INTO_T(arena, &v->organisation_public_id), SQL_INTO_T(arena, &role),
	                    SQL_INTO_T(arena, &out->language), SQL_INTO_T(arena, &out->time_zone),
	                    SQL_INTO_T(arena, &out->organisation_name),
	                    SQL_INTO_T(arena, &out->organisation_kind)),
	            found, e))
		return false;
	if (!*found)
		return true;
	if (csrf_len != sizeof out->csrf_secret) {
		*found = false;
		return err_set(
		        e, ERR_CORRUPT, "session %s has a damaged secret", v->session_public_id);
	}
	memcpy(out->csrf_secret, csrf, sizeof out->csrf_secret);
	v->role = role_from_name(role);
	v->factors = (unsigned)factors;
	/* A role that moved to the other site has no business here. */
	*found = v->role != ROLE_NONE && role_site(v->role) == site;
	return true;
}

bool session_has_factor(
        const struct session *session, unsigned factors, int64_t within_ms, int64_t now)
{
	if ((session->viewer.factors & factors) == 0)
		return false;
	return within_ms == 0 || now - session->factors_at <= within_ms;
}

struct touch {
	int64_t id, now, idle_until;
};

static bool touch(struct sql_conn *write, void *arg, struct err *e)
{
	const struct touch *t = arg;

	return sql_do(write, &statements[TOUCH],
	        SQL_ARGS(SQL_I(t->id), SQL_I(t->now), SQL_I(t->idle_until)), NULL, e);
}

static void touched(void *arg, bool ok, const struct err *error)
{
	if (!ok)
		log_event(LOG_LEVEL_WARNING, "session.touch-failed", "reason", error->text, NULL);
	free(arg);
}

void sessions_touch(struct sql_db *db, const struct session *session, enum site site, int64_t now)
{
	struct err e = ERR_CLEAR;
	struct touch *t;

	if (now - session->seen_at < MINUTE_MS)
		return;
	t = malloc(sizeof *t);
	if (t == NULL) {
		log_event(LOG_LEVEL_WARNING, "session.touch-failed", "reason", "no memory", NULL);
		return;
	}
	*t = (struct touch){session->id, now, now + session_limits(site).idle};
	if (!sql_write_async(db, SQL_CORE, touch, t, touched, t, &e)) {
		log_event(LOG_LEVEL_WARNING, "session.touch-failed", "reason", e.text, NULL);
		free(t);
	}
}

static int next_session(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct session_row *s = item;

	return sql_next(cursor,
	        SQL_INTO(SQL_INTO_T(arena, &s->public_id), SQL_INTO_T(arena, &s->site),
	                SQL_INTO_T(arena, &s->address), SQL_INTO_I(&s->created_at),
	                SQL_INTO_I(&s->seen_at)),
	        e);
}

bool sessions_list(struct sql_conn *conn, struct arena *arena, int64_t account_id, int64_t now,
        struct session_row **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct session_row));
	struct session_row one = {0};
	struct sql_cursor *cursor =
	        sql_query(conn, &statements[LIST], SQL_ARGS(SQL_I(account_id), SQL_I(now)), e);
	bool ok = rows_read(&rows, cursor, next_session, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

bool sessions_end(struct sql_conn *write, int64_t account_id, const char *public_id, int64_t now,
        struct err *e)
{
	int64_t changes = 0;

	if (!sql_do(write, &statements[END],
	            SQL_ARGS(SQL_I(account_id), SQL_T(public_id), SQL_I(now)), &changes, e))
		return false;
	if (changes == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such session");
	return true;
}

bool sessions_end_others(
        struct sql_conn *write, int64_t account_id, const char *but, int64_t now, struct err *e)
{
	return sql_do(write, &statements[END_OTHERS],
	        SQL_ARGS(SQL_I(account_id), SQL_T(but), SQL_I(now)), NULL, e);
}

bool sessions_end_all(struct sql_conn *write, int64_t account_id, int64_t now, struct err *e)
{
	return sessions_end_others(write, account_id, "", now, e);
}

bool sessions_purge(struct sql_conn *write, int64_t before, struct err *e)
{
	return sql_do(write, &statements[PURGE], SQL_ARGS(SQL_I(before)), NULL, e);
}

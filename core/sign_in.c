/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sign_in.h"

#include "core/addresses.h"
#include "lib/crypto.h"

#include <string.h>

enum { FAILURES, IN_A_MINUTE, INSERT, SUCCEEDED, PURGE };

static const struct sql_statement statements[] = {
        /* Failures of a name or a known browser since $2 and since its last success: how many, and
         * the newest. */
        [FAILURES] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "bi",
                .out = "ii",
                .text = "SELECT count(*), coalesce(max(at), 0) FROM sign_in_attempt"
                        " WHERE subject = $1 AND at > $2 AND ok = 0"
                        " AND id > coalesce((SELECT max(id) FROM sign_in_attempt"
                        " WHERE subject = $1 AND ok = 1), 0)"},
        [IN_A_MINUTE] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "bi",
                .out = "ii",
                .text = "SELECT count(*), coalesce(min(at), 0) FROM sign_in_attempt"
                        " WHERE subject = $1 AND at > $2 AND ok = 0"},
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "bi",
                .out = "i",
                .text = "INSERT INTO sign_in_attempt (subject, at, ok) VALUES ($1, $2, 0)"
                        " RETURNING id"},
        [SUCCEEDED] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ii",
                .out = "",
                .text = "UPDATE sign_in_attempt SET ok = 1 WHERE id IN ($1, $2)"},
        [PURGE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "i",
                .out = "",
                .text = "DELETE FROM sign_in_attempt WHERE id IN (SELECT id FROM"
                        " sign_in_attempt WHERE at <= $1 ORDER BY at LIMIT 200)"},
};

const struct sql_table sign_in_sql = {
        "sign_in", statements, sizeof statements / sizeof statements[0]};

enum {
	FREE_FAILURES = 5,
	LOCK_FAILURES = 20,
	ADDRESS_A_MINUTE = 60,
	WRITE_TIMEOUT_MS = 5000,
	READ_TIMEOUT_MS = 5000,
	SUBJECT_MAX = 1 + CRYPTO_HASH + 64,
};
static const int64_t SECOND_MS = 1000, MINUTE_MS = 60 * 1000, HOUR_MS = 60 * 60 * 1000;

struct subject {
	unsigned char bytes[SUBJECT_MAX];
	size_t len;
};

/* An attempt on its way through the throttle. */
struct attempt {
	struct subject who; /* the name, or the known browser */
	struct subject address;
	bool known; /* a browser that this person signed in with before */
	unsigned char browser[KNOWN_BROWSER_ID];
	int64_t now;
	int64_t wait_ms; /* > 0: refused */
	int64_t who_row, address_row;
};

static void add_to_subject(struct subject *subject, const void *data, size_t len)
{
	if (len > sizeof subject->bytes - subject->len)
		len = sizeof subject->bytes - subject->len;
	memcpy(subject->bytes + subject->len, data, len);
	subject->len += len;
}

static void set_subject(struct subject *subject, char kind, const void *data, size_t len)
{
	subject->len = 0;
	add_to_subject(subject, &kind, 1);
	add_to_subject(subject, data, len);
}

/* How long after the newest of so many failures the next attempt must wait. */
static int64_t pause_after(int64_t failures)
{
	if (failures >= LOCK_FAILURES)
		return 15 * MINUTE_MS;
	if (failures < FREE_FAILURES)
		return 0;
	if (failures - FREE_FAILURES >= 6)
		return 60 * SECOND_MS;
	return SECOND_MS << (failures - FREE_FAILURES);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool throttle(struct sql_conn *conn, struct attempt *a, struct err *e)
{
	int64_t failures = 0, newest = 0, calls = 0, oldest = 0;

	if (!sql_one(conn, &statements[FAILURES],
	            SQL_ARGS(SQL_B(a->who.bytes, a->who.len), SQL_I(a->now - HOUR_MS)),
	            SQL_INTO(SQL_INTO_I(&failures), SQL_INTO_I(&newest)), NULL, e) ||
	        !sql_one(conn, &statements[IN_A_MINUTE],
	                SQL_ARGS(
	                        SQL_B(a->address.bytes, a->address.len), SQL_I(a->now - MINUTE_MS)),
	                SQL_INTO(SQL_INTO_I(&calls), SQL_INTO_I(&oldest)), NULL, e))
		return false;
	a->wait_ms = later(0, newest + pause_after(failures) - a->now);
	if (failures == 0)
		a->wait_ms = 0;
	if (calls >= ADDRESS_A_MINUTE && !a->known)
		a->wait_ms = later(a->wait_ms, oldest + MINUTE_MS - a->now);
	return true;
}

/* In the writer thread: counts the attempt, unless it must wait. */
static bool admit(struct sql_conn *write, void *arg, struct err *e)
{
	struct attempt *a = arg;

	if (!throttle(write, a, e))
		return false;
	if (a->wait_ms > 0)
		return true;
	return sql_do(write, &statements[PURGE], SQL_ARGS(SQL_I(a->now - HOUR_MS)), NULL, e) &&
	       sql_one(write, &statements[INSERT],
	               SQL_ARGS(SQL_B(a->who.bytes, a->who.len), SQL_I(a->now)),
	               SQL_INTO(SQL_INTO_I(&a->who_row)), NULL, e) &&
	       sql_one(write, &statements[INSERT],
	               SQL_ARGS(SQL_B(a->address.bytes, a->address.len), SQL_I(a->now)),
	               SQL_INTO(SQL_INTO_I(&a->address_row)), NULL, e);
}

struct success {
	const struct attempt *attempt;
	int64_t account_id;
	const unsigned char *rehashed; /* NULL: the hash stays */
};

static bool succeed(struct sql_conn *write, void *arg, struct err *e)
{
	const struct success *s = arg;

	return sql_do(write, &statements[SUCCEEDED],
	               SQL_ARGS(SQL_I(s->attempt->who_row), SQL_I(s->attempt->address_row)), NULL,
	               e) &&
	       accounts_password_used(write, s->account_id, s->rehashed, s->attempt->now, e);
}

static bool lookup(const struct sign_in *s, struct arena *arena,
        const unsigned char index[PERSON_INDEX], struct account_credential *who, bool *known,
        struct err *e)
{
	struct sql_conn *conn = sql_borrow(s->db, READ_TIMEOUT_MS, e);
	bool ok;

	if (conn == NULL)
		return false;
	ok = accounts_credential(conn, arena, index, who, known, e);
	sql_return(conn);
	return ok;
}

/* The index of what was typed; what cannot be a name gets one that no account has. */
static void index_of(const struct sign_in *s, const char *name, unsigned char index[PERSON_INDEX])
{
	static const char prefix[] = "not a name: ";
	unsigned char digest[sizeof prefix - 1 + CRYPTO_HASH];

	if (people_index(s->keys, name, index, NULL))
		return;
	memcpy(digest, prefix, sizeof prefix - 1);
	crypto_sha256(name, strlen(name), digest + sizeof prefix - 1);
	crypto_hmac_sha256(keys_index(s->keys), digest, sizeof digest, index);
}

static const char *judge(
        const struct sign_in *s, const struct account_credential *who, bool known, bool match)
{
	if (!known)
		return "unknown-name";
	if (!match)
		return "wrong-password";
	if (!who->open)
		return "not-open";
	if (role_site(who->role) != s->site)
		return "wrong-site";
	return "ok";
}

/* Verifies against the person's hash or, at the same cost, the dummy one; replaces an old hash. */
static bool verify(const struct sign_in *s, const struct account_credential *who, bool known,
        const char *password, const struct attempt *attempt, struct sign_in_answer *answer,
        struct err *e)
{
	unsigned char rehashed[PASSWORD_SEALED];
	struct success success = {.attempt = attempt, .account_id = who->account_id};
	bool match = false, stale = false;

	if (!passwords_verify(s->passwords, who->public_id, known ? who->sealed_password : NULL,
	            who->sealed_len, password, &match, &stale, e))
		return false;
	answer->reason = judge(s, who, known, match);
	answer->result = SIGN_IN_WRONG;
	if (strcmp(answer->reason, "ok") != 0)
		return true;
	if (stale && passwords_hash(s->passwords, who->public_id, password, rehashed, NULL))
		success.rehashed = rehashed;
	if (!sql_write(s->db, SQL_CORE, succeed, &success, WRITE_TIMEOUT_MS, e))
		return false;
	answer->result = SIGN_IN_OK;
	answer->account_id = who->account_id;
	answer->rights_version = who->rights_version;
	return true;
}

/* Whose failures count: those of the browser, where it is known, else those of the name. */
static void set_who(const struct sign_in *s, const struct sign_in_try *try,
        const unsigned char index[PERSON_INDEX], int64_t rights_version, struct attempt *a)
{
	a->known = known_browser_check(
	        s->keys, try->browser, index, rights_version, a->now, a->browser);
	if (!a->known) {
		set_subject(&a->who, 'n', index, PERSON_INDEX);
		return;
	}
	set_subject(&a->who, 'b', a->browser, sizeof a->browser);
	add_to_subject(&a->who, index, PERSON_INDEX);
}

bool sign_in_check(const struct sign_in *sign_in, struct arena *arena,
        const struct sign_in_try *try, struct sign_in_answer *answer, struct err *e)
{
	struct attempt attempt = {.now = clock_wall_ms(sign_in->clock)};
	struct account_credential who = {.rights_version = 0};
	unsigned char index[PERSON_INDEX];
	char network[ADDRESS_SUBJECT];
	bool known = false;

	*answer = (struct sign_in_answer){.result = SIGN_IN_WRONG};
	index_of(sign_in, try->name, index);
	if (!lookup(sign_in, arena, index, &who, &known, e))
		return false;
	set_who(sign_in, try, index, known ? who.rights_version : 0, &attempt);
	address_subject(try->address, network);
	set_subject(&attempt.address, 'a', network, strlen(network));
	if (!sql_write(sign_in->db, SQL_CORE, admit, &attempt, WRITE_TIMEOUT_MS, e))
		return false;
	if (known) {
		answer->account_public_id = who.public_id;
		answer->organisation_public_id = who.organisation_public_id;
		answer->role = who.role;
	}
	if (attempt.wait_ms > 0) {
		answer->result = SIGN_IN_THROTTLED;
		answer->wait_ms = attempt.wait_ms;
		answer->reason = "throttled";
		return true;
	}
	if (!verify(sign_in, &who, known, try->password, &attempt, answer, e))
		return false;
	if (answer->result == SIGN_IN_OK)
		known_browser_make(sign_in->keys, attempt.known ? attempt.browser : NULL, index,
		        who.rights_version, attempt.now, answer->browser);
	return true;
}

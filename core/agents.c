/* SPDX-License-Identifier: Apache-2.0 */
#include "core/agents.h"

#include "core/rows.h"
#include "lib/file.h"
#include "lib/parse.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HOUR_MS = 3600 * 1000,
	SERIAL_MAX = 47,
	BORROW_MS = 2000,
	ID_MEMORY = 64 << 20,
};

enum {
	AUTHENTICATE,
	FIND,
	FIND_BY_KEY,
	LIST,
	USED_MARK,
	USED_END_OLDER,
	SEEN,
	EXISTS_AT_ALL,
	REVOKE,
	REVOKE_CERTIFICATES,
	REVOKE_INVITATIONS,
	REVOKED,
	WITHDRAWN,
};

/* The columns of struct agent, in its order. With its customer, an agent ends. */
#define COLUMNS                                                                                    \
	"a.id, a.public_id, a.customer_id, o.public_id, o.name, o.region, a.type, a.event_key,"    \
	" a.version, a.os, a.device_limit, a.created_at, a.seen_hour,"                             \
	" coalesce(a.revoked_at, o.ended_at),"                                                     \
	" (SELECT max(n.not_after) FROM agent_certificate n"                                       \
	" WHERE n.agent_id = a.id AND n.revoked_at IS NULL)"
#define COLUMN_TYPES "itittttbttiiIII"
#define FROM_AGENT   " FROM agent a JOIN organisation o ON o.id = a.customer_id"

static const struct sql_statement statements[] = {
        [AUTHENTICATE] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "tti",
                .out = COLUMN_TYPES "I",
                .text = "SELECT " COLUMNS ", k.used_at" FROM_AGENT
                        " JOIN agent_certificate k ON k.agent_id = a.id"
                        " WHERE k.serial = $1 AND a.public_id = $2 AND k.not_after > $3"
                        " AND k.revoked_at IS NULL AND a.revoked_at IS NULL"
                        " AND o.ended_at IS NULL"},
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = COLUMN_TYPES,
                .text = "SELECT " COLUMNS FROM_AGENT " WHERE a.public_id = $1"},
        [FIND_BY_KEY] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = COLUMN_TYPES,
                .text = "SELECT " COLUMNS FROM_AGENT " WHERE a.id = $1"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = COLUMN_TYPES,
                .text = "SELECT " COLUMNS FROM_AGENT " WHERE $1 = 0 OR a.customer_id = $1"
                        " ORDER BY a.revoked_at IS NOT NULL, o.name, o.id, a.created_at, a.id"},
        [USED_MARK] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "iti",
                .out = "",
                .text = "UPDATE agent_certificate SET used_at = $3"
                        " WHERE serial = $2 AND agent_id = $1 AND used_at IS NULL"
                        " AND revoked_at IS NULL"},
        [USED_END_OLDER] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "iti",
                .out = "",
                .text = "UPDATE agent_certificate SET revoked_at = $3"
                        " WHERE agent_id = $1 AND serial <> $2 AND revoked_at IS NULL"
                        " AND created_at <= (SELECT n.created_at FROM agent_certificate n"
                        " WHERE n.serial = $2)"},
        [SEEN] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "itti",
                .out = "",
                .text = "UPDATE agent SET version = $2, os = $3, seen_hour = $4 WHERE id = $1"
                        " AND (version <> $2 OR os <> $3 OR seen_hour IS NOT $4)"},
        [EXISTS_AT_ALL] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = "i",
                .text = "SELECT id FROM agent WHERE public_id = $1"},
        [REVOKE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ii",
                .out = "",
                .text = "UPDATE agent SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"},
        [REVOKE_CERTIFICATES] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ii",
                .out = "",
                .text = "UPDATE agent_certificate SET revoked_at = $2"
                        " WHERE agent_id = $1 AND revoked_at IS NULL"},
        [REVOKE_INVITATIONS] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ii",
                .out = "",
                .text = "UPDATE invitation SET revoked_at = $2"
                        " WHERE agent_id = $1 AND used_at IS NULL AND revoked_at IS NULL"},
        /* One whose certificates have all run out cannot come any more: it is left out. */
        [REVOKED] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "",
                .out = "t",
                .text = "SELECT a.public_id" FROM_AGENT
                        " WHERE (a.revoked_at IS NOT NULL OR o.ended_at IS NOT NULL)"
                        " AND EXISTS (SELECT 1 FROM agent_certificate k"
                        " WHERE k.agent_id = a.id AND k.not_after > now_ms())"
                        " ORDER BY a.public_id"},
        /* Of agents that go on: the others' names are enough. */
        [WITHDRAWN] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "",
                .out = "t",
                .text = "SELECT k.serial" FROM_AGENT
                        " JOIN agent_certificate k ON k.agent_id = a.id"
                        " WHERE k.revoked_at IS NOT NULL AND k.not_after > now_ms()"
                        " AND a.revoked_at IS NULL AND o.ended_at IS NULL"
                        " ORDER BY k.serial"},
};

const struct sql_table agents_sql = {
        "agents", statements, sizeof statements / sizeof statements[0]};

#define INTO_AGENT(arena, a, key_len)                                                              \
	SQL_INTO_I(&(a)->id), SQL_INTO_T(arena, &(a)->public_id), SQL_INTO_I(&(a)->customer_id),   \
	        SQL_INTO_T(arena, &(a)->customer_public_id),                                       \
	        SQL_INTO_T(arena, &(a)->customer_name), SQL_INTO_T(arena, &(a)->customer_region),  \
	        SQL_INTO_T(arena, &(a)->type), SQL_INTO_B(arena, &(a)->event_key, key_len),        \
	        SQL_INTO_T(arena, &(a)->version), SQL_INTO_T(arena, &(a)->os),                     \
	        SQL_INTO_I(&(a)->device_limit), SQL_INTO_I(&(a)->created_at),                      \
	        SQL_INTO_I(&(a)->seen_hour), SQL_INTO_I(&(a)->revoked_at),                         \
	        SQL_INTO_I(&(a)->certificate_not_after)

static bool check_key(const struct agent *agent, size_t key_len, struct err *e)
{
	return key_len == CRYPTO_SIGN_PUBLIC ||
	       err_set(e, ERR_CORRUPT, "agent %s has no event key of 32 bytes", agent->public_id);
}

/* ---- who calls */

static bool normal_serial(const char *serial, char out[SERIAL_MAX + 1])
{
	size_t len = strlen(serial);

	if (len == 0 || len > SERIAL_MAX)
		return false;
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)toupper((unsigned char)serial[i]);
	return strspn(out, "0123456789ABCDEF") == len;
}

bool agents_authenticate(struct sql_conn *conn, struct arena *arena, const char *serial,
        const char *common_name, int64_t now, struct agent *out, bool *first_use, struct err *e)
{
	char normal[SERIAL_MAX + 1];
	int64_t used_at = 0;
	size_t key_len = 0;
	bool found = false;

	if (!normal_serial(serial, normal))
		return err_set(e, ERR_DENIED, "this is no serial number of a certificate");
	if (!sql_one(conn, &statements[AUTHENTICATE],
	            SQL_ARGS(SQL_T(normal), SQL_T(common_name), SQL_I(now)),
	            SQL_INTO(INTO_AGENT(arena, out, &key_len), SQL_INTO_I(&used_at)), &found, e))
		return false;
	if (!found)
		return err_set(
		        e, ERR_DENIED, "the certificate or its agent is not valid (any more)");
	if (first_use != NULL)
		*first_use = used_at == 0;
	return check_key(out, key_len, e);
}

bool agents_subject(const char *subject, char out[32])
{
	if (strncmp(subject, "CN=", 3) != 0 || !parse_public_id(subject + 3, "ag_"))
		return false;
	(void)snprintf(out, 32, "%s", subject + 3);
	return true;
}

bool agents_certificate_used(
        struct sql_conn *write, int64_t agent_id, const char *serial, int64_t now, struct err *e)
{
	char normal[SERIAL_MAX + 1];
	int64_t changes = 0;

	if (!normal_serial(serial, normal))
		return err_set(e, ERR_INVALID, "this is no serial number of a certificate");
	if (!sql_do(write, &statements[USED_MARK],
	            SQL_ARGS(SQL_I(agent_id), SQL_T(normal), SQL_I(now)), &changes, e))
		return false;
	if (changes == 0) /* another request was first, or it was revoked meanwhile */
		return true;
	return sql_do(write, &statements[USED_END_OLDER],
	        SQL_ARGS(SQL_I(agent_id), SQL_T(normal), SQL_I(now)), NULL, e);
}

const char *agents_system(char out[AGENTS_SYSTEM_SIZE], const char *name, const char *version,
        const char *product_type)
{
	const char *n = name == NULL ? "" : name, *v = version == NULL ? "" : version;
	const char *p = product_type == NULL ? "" : product_type;

	(void)snprintf(out, AGENTS_SYSTEM_SIZE, "%s%s%s%s%s%s", n,
	        *n != '\0' && *v != '\0' ? " " : "", v, *p == '\0' ? "" : " (", p,
	        *p == '\0' ? "" : ")");
	return out;
}

bool agents_seen(struct sql_conn *write, int64_t agent_id, const char *version, const char *os,
        int64_t now, struct err *e)
{
	return sql_do(write, &statements[SEEN],
	        SQL_ARGS(
	                SQL_I(agent_id), SQL_T(version), SQL_T(os), SQL_I(now / HOUR_MS * HOUR_MS)),
	        NULL, e);
}

/* ---- finding */

static bool find(struct sql_conn *conn, const struct sql_statement *st, struct sql_value key,
        struct arena *arena, struct agent *out, struct err *e)
{
	size_t key_len = 0;
	bool found = false;

	if (!sql_one(
	            conn, st, SQL_ARGS(key), SQL_INTO(INTO_AGENT(arena, out, &key_len)), &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "there is no such agent");
	return check_key(out, key_len, e);
}

bool agents_find(struct sql_conn *conn, struct arena *arena, const char *public_id,
        struct agent *out, struct err *e)
{
	return find(conn, &statements[FIND], SQL_T(public_id), arena, out, e);
}

bool agents_find_by_key(
        struct sql_conn *conn, struct arena *arena, int64_t id, struct agent *out, struct err *e)
{
	return find(conn, &statements[FIND_BY_KEY], SQL_I(id), arena, out, e);
}

static int next_agent(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct agent *a = item;
	size_t key_len = 0;
	int got = sql_next(cursor, SQL_INTO(INTO_AGENT(arena, a, &key_len)), e);

	return got == 1 && !check_key(a, key_len, e) ? -1 : got;
}

bool agents_list(struct sql_conn *conn, struct arena *arena, int64_t customer_id,
        struct agent **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct agent));
	struct agent one = {0};
	struct sql_cursor *cursor =
	        sql_query(conn, &statements[LIST], SQL_ARGS(SQL_I(customer_id)), e);
	bool ok = rows_read(&rows, cursor, next_agent, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

/* ---- revoking */

bool agents_revoke(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	int64_t id = 0, changes = 0;
	bool found = false;

	if (!sql_one(write, &statements[EXISTS_AT_ALL], SQL_ARGS(SQL_T(public_id)),
	            SQL_INTO(SQL_INTO_I(&id)), &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "there is no such agent");
	if (!sql_do(write, &statements[REVOKE], SQL_ARGS(SQL_I(id), SQL_I(now)), &changes, e))
		return false;
	if (changes == 0)
		return err_set(e, ERR_CONFLICT, "the agent is revoked already");
	return sql_do(write, &statements[REVOKE_CERTIFICATES], SQL_ARGS(SQL_I(id), SQL_I(now)),
	               NULL, e) &&
	       sql_do(write, &statements[REVOKE_INVITATIONS], SQL_ARGS(SQL_I(id), SQL_I(now)), NULL,
	               e);
}

/* Appends the one column of a statement, a row a line. */
static bool collect(
        struct sql_conn *conn, const struct sql_statement *st, struct buf *out, struct err *e)
{
	struct arena *arena = arena_new(ID_MEMORY);
	const char *word = NULL;
	struct sql_cursor *cursor;
	int got = -1;

	if (arena == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the revoked agents");
	cursor = sql_query(conn, st, SQL_NO_ARGS, e);
	if (cursor != NULL) {
		while ((got = sql_next(cursor, SQL_INTO(SQL_INTO_T(arena, &word)), e)) == 1) {
			buf_printf(out, "%s\n", word);
			arena_reset(arena);
		}
		sql_end(cursor);
	}
	arena_free(arena);
	return got == 0 &&
	       (!out->failed || err_set(e, ERR_LIMIT, "there are too many revoked agents"));
}

/* Reading and writing are one step among processes: else an older list could overwrite a newer. */
static bool publish_locked(struct sql_db *db, const char *path, struct err *e)
{
	struct buf text = BUF_INIT(AGENTS_REVOKED_MAX);
	struct sql_conn *conn = sql_borrow(db, BORROW_MS, e);
	bool ok;

	if (conn == NULL)
		return false;
	ok = collect(conn, &statements[REVOKED], &text, e) &&
	     collect(conn, &statements[WITHDRAWN], &text, e);
	sql_return(conn);
	ok = ok && file_write(path, buf_text(&text), text.len, 0644, e);
	buf_free(&text);
	return ok;
}

bool agents_publish_revoked(struct sql_db *db, const char *path, struct err *e)
{
	char lock[200];
	int fd, len = snprintf(lock, sizeof lock, "%s.lock", path);
	bool ok;

	if (len < 0 || (size_t)len >= sizeof lock)
		return err_set(e, ERR_INVALID, "the path of the revoked agents is too long");
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	if (fd < 0)
		return err_errno(e, "opening %s", lock);
	/* The programs that publish share a group; only the one whose file it is can say so. */
	(void)fchmod(fd, 0660);
	while ((ok = flock(fd, LOCK_EX) == 0) == false && errno == EINTR)
		;
	ok = ok ? publish_locked(db, path, e) : err_errno(e, "locking %s", lock);
	(void)close(fd); /* lets the lock go */
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Invitations, and the enrolment that they allow. */
#include "core/addresses.h"
#include "core/agents.h"
#include "core/rows.h"

#include <stdio.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, ANSWER_AGAIN_MS = 24 * 3600 * 1000 };

enum {
	ADD,
	ADD_FOR_AGENT,
	LIST,
	REVOKE,
	ATTEMPTS_FORGET,
	ATTEMPTS_COUNT,
	ATTEMPT_ADD,
	ATTEMPT_TAKE_BACK,
	CLAIM,
	USE,
	AGENT_ADD,
	AGENT_KEY,
	CERTIFICATE_ADD,
	RENEWALS_END,
	AGENT_ACTIVE,
};

static const struct sql_statement statements[] = {
        [ADD] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tbittii",
                .out = "i",
                .text = "INSERT INTO invitation (public_id, code_hash, customer_id, agent_type,"
                        " invited_by, created_at, expires_at)"
                        " SELECT $1, $2, o.id, $4, $5, $6, $7 FROM organisation o"
                        " WHERE o.id = $3 AND o.kind = 'customer' AND o.ended_at IS NULL"
                        " RETURNING id"},
        [ADD_FOR_AGENT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tbittiit",
                .out = "i",
                .text = "INSERT INTO invitation (public_id, code_hash, customer_id, agent_type,"
                        " invited_by, created_at, expires_at, agent_id)"
                        " SELECT $1, $2, a.customer_id, a.type, $5, $6, $7, a.id"
                        " FROM agent a JOIN organisation o ON o.id = a.customer_id"
                        " WHERE a.public_id = $8 AND a.customer_id = $3 AND a.type = $4"
                        " AND a.revoked_at IS NULL AND o.ended_at IS NULL RETURNING id"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "ii",
                .out = "itittttii",
                .text = "SELECT i.id, i.public_id, i.customer_id, o.public_id, i.agent_type,"
                        " coalesce(a.public_id, ''), i.invited_by, i.created_at, i.expires_at"
                        " FROM invitation i JOIN organisation o ON o.id = i.customer_id"
                        " LEFT JOIN agent a ON a.id = i.agent_id"
                        " WHERE i.used_at IS NULL AND i.revoked_at IS NULL"
                        " AND i.expires_at > $2 AND ($1 = 0 OR i.customer_id = $1)"
                        " ORDER BY i.created_at DESC, i.id DESC"},
        [REVOKE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ti",
                .out = "",
                .text = "UPDATE invitation SET revoked_at = $2 WHERE public_id = $1"
                        " AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2"},
        [ATTEMPTS_FORGET] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "i",
                .out = "",
                .text = "DELETE FROM enrolment_attempt WHERE at <= $1"},
        [ATTEMPTS_COUNT] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "ti",
                .out = "i",
                .text = "SELECT count(*) FROM enrolment_attempt WHERE address = $1 AND at > $2"},
        [ATTEMPT_ADD] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ti",
                .out = "",
                .text = "INSERT INTO enrolment_attempt (address, at) VALUES ($1, $2)"},
        [ATTEMPT_TAKE_BACK] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "t",
                .out = "",
                .text = "DELETE FROM enrolment_attempt WHERE id = (SELECT max(n.id)"
                        " FROM enrolment_attempt n WHERE n.address = $1)"},
        /* What an invitation may still give: its first answer before it expires, the same answer
         * for a day after that. Whose agent was revoked gets neither. */
        [CLAIM] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "bbtii",
                .out = "itittITT",
                .text = "SELECT i.id, i.public_id, i.customer_id, o.public_id, i.agent_type,"
                        " a.id, a.public_id, i.answer_certificate"
                        " FROM invitation i JOIN organisation o ON o.id = i.customer_id"
                        " LEFT JOIN agent a ON a.id = coalesce(i.answer_agent_id, i.agent_id)"
                        " WHERE i.code_hash = $1 AND i.agent_type = $3 AND i.revoked_at IS NULL"
                        " AND o.ended_at IS NULL AND a.revoked_at IS NULL"
                        " AND (i.used_at IS NULL AND i.expires_at > $4"
                        " OR i.used_key_hash = $2 AND i.used_at > $5)"},
        [USE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "iibtt",
                .out = "",
                .text = "UPDATE invitation SET used_at = $2, used_key_hash = $3,"
                        " answer_certificate = $5,"
                        " answer_agent_id = (SELECT a.id FROM agent a WHERE a.public_id = $4)"
                        " WHERE id = $1 AND used_at IS NULL AND revoked_at IS NULL"
                        " AND expires_at > $2"},
        [AGENT_ADD] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "titbtti",
                .out = "i",
                .text = "INSERT INTO agent (public_id, customer_id, type, event_key, version, os,"
                        " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id"},
        [AGENT_KEY] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ibtt",
                .out = "",
                .text = "UPDATE agent SET event_key = $2, version = $3, os = $4"
                        " WHERE id = $1 AND revoked_at IS NULL"},
        [CERTIFICATE_ADD] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tiiii",
                .out = "",
                .text = "INSERT INTO agent_certificate (serial, agent_id, not_before, not_after,"
                        " created_at) VALUES ($1, $2, $3, $4, $5)"},
        [RENEWALS_END] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ii",
                .out = "",
                .text = "UPDATE agent_certificate SET revoked_at = $2 WHERE agent_id = $1"
                        " AND used_at IS NULL AND revoked_at IS NULL"},
        [AGENT_ACTIVE] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "i",
                .text = "SELECT a.id FROM agent a JOIN organisation o ON o.id = a.customer_id"
                        " WHERE a.id = $1 AND a.revoked_at IS NULL AND o.ended_at IS NULL"},
};

const struct sql_table invitations_sql = {
        "invitations", statements, sizeof statements / sizeof statements[0]};

/* ---- invitations */

bool invitations_add(struct sql_conn *write, const struct invitation_new *invitation, struct err *e)
{
	bool renewed = invitation->agent_public_id != NULL, found = false;
	unsigned char hash[CRYPTO_HASH];
	int64_t id;
	/* The statement for a known agent takes its id behind what both take. */
	const struct sql_value args[] = {SQL_T(invitation->public_id), SQL_B(hash, sizeof hash),
	        SQL_I(invitation->customer_id), SQL_T(invitation->agent_type),
	        SQL_T(invitation->invited_by), SQL_I(invitation->now),
	        SQL_I(invitation->now + AGENTS_INVITATION_MS), SQL_T(invitation->agent_public_id)};
	size_t count = sizeof args / sizeof args[0];

	if (strcmp(invitation->agent_type, "dc") != 0 && strcmp(invitation->agent_type, "es") != 0)
		return err_set(e, ERR_INVALID, "the type of an agent is dc or es");
	crypto_sha256(invitation->code, strlen(invitation->code), hash);
	if (!sql_one(write, &statements[renewed ? ADD_FOR_AGENT : ADD], args,
	            renewed ? count : count - 1, SQL_INTO(SQL_INTO_I(&id)), &found, e))
		return false;
	if (!found && renewed)
		return err_set(
		        e, ERR_NOT_FOUND, "the customer has no active agent of that id and type");
	return found || err_set(e, ERR_NOT_FOUND, "there is no such customer");
}

static int next_invitation(
        struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct invitation *i = item;

	return sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&i->id), SQL_INTO_T(arena, &i->public_id),
	                SQL_INTO_I(&i->customer_id), SQL_INTO_T(arena, &i->customer_public_id),
	                SQL_INTO_T(arena, &i->agent_type), SQL_INTO_T(arena, &i->agent_public_id),
	                SQL_INTO_T(arena, &i->invited_by), SQL_INTO_I(&i->created_at),
	                SQL_INTO_I(&i->expires_at)),
	        e);
}

bool invitations_list(struct sql_conn *conn, struct arena *arena, int64_t customer_id, int64_t now,
        struct invitation **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct invitation));
	struct invitation one = {0};
	struct sql_cursor *cursor =
	        sql_query(conn, &statements[LIST], SQL_ARGS(SQL_I(customer_id), SQL_I(now)), e);
	bool ok = rows_read(&rows, cursor, next_invitation, &one, e);

	*list = rows.items;
	*count = rows.count;
	return ok;
}

bool invitations_revoke(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	int64_t changes = 0;

	if (!sql_do(write, &statements[REVOKE], SQL_ARGS(SQL_T(public_id), SQL_I(now)), &changes,
	            e))
		return false;
	return changes == 1 || err_set(e, ERR_NOT_FOUND, "there is no such open invitation");
}

/* ---- attempts */

bool enrolment_attempt(struct sql_conn *write, const char *address, int limit, int64_t now,
        bool *allowed, struct err *e)
{
	char subject[ADDRESS_SUBJECT];
	int64_t count = 0;
	bool found = false;

	address_subject(address, subject);
	if (!sql_do(write, &statements[ATTEMPTS_FORGET], SQL_ARGS(SQL_I(now - HOUR_MS)), NULL, e) ||
	        !sql_one(write, &statements[ATTEMPTS_COUNT],
	                SQL_ARGS(SQL_T(subject), SQL_I(now - HOUR_MS)),
	                SQL_INTO(SQL_INTO_I(&count)), &found, e))
		return false;
	*allowed = count < limit;
	return !*allowed || sql_do(write, &statements[ATTEMPT_ADD],
	                            SQL_ARGS(SQL_T(subject), SQL_I(now)), NULL, e);
}

bool enrolment_attempt_right(struct sql_conn *write, const char *address, struct err *e)
{
	char subject[ADDRESS_SUBJECT];

	address_subject(address, subject);
	return sql_do(write, &statements[ATTEMPT_TAKE_BACK], SQL_ARGS(SQL_T(subject)), NULL, e);
}

/* ---- enrolment */

bool enrolment_claim(struct sql_conn *conn, struct arena *arena, const char *code,
        const unsigned char key_hash[CRYPTO_HASH], const char *agent_type, int64_t now,
        struct enrolment_claim *out, struct err *e)
{
	char normal[CRYPTO_CODE + 1];
	unsigned char hash[CRYPTO_HASH];
	bool found = false;

	*out = (struct enrolment_claim){.agent_id = 0};
	if (crypto_code_read(code, normal)) {
		crypto_sha256(normal, CRYPTO_CODE, hash);
		if (!sql_one(conn, &statements[CLAIM],
		            SQL_ARGS(SQL_B(hash, sizeof hash), SQL_B(key_hash, CRYPTO_HASH),
		                    SQL_T(agent_type), SQL_I(now), SQL_I(now - ANSWER_AGAIN_MS)),
		            SQL_INTO(SQL_INTO_I(&out->invitation_id),
		                    SQL_INTO_T(arena, &out->invitation_public_id),
		                    SQL_INTO_I(&out->customer_id),
		                    SQL_INTO_T(arena, &out->customer_public_id),
		                    SQL_INTO_T(arena, &out->agent_type), SQL_INTO_I(&out->agent_id),
		                    SQL_INTO_T(arena, &out->agent_public_id),
		                    SQL_INTO_T(arena, &out->certificate)),
		            &found, e))
			return false;
		crypto_wipe(normal, sizeof normal);
	}
	return found || err_set(e, ERR_DENIED, "the code does not let this agent in");
}

/* Takes the event key of an agent that exists. */
static bool keep_agent(struct sql_conn *write, const struct enrolment_result *r, const char *os,
        int64_t *id, struct err *e)
{
	int64_t changes = 0;

	*id = r->claim->agent_id;
	if (!sql_do(write, &statements[AGENT_KEY],
	            SQL_ARGS(SQL_I(*id), SQL_B(r->request->event_key, CRYPTO_SIGN_PUBLIC),
	                    SQL_T(r->request->version), SQL_T(os)),
	            &changes, e))
		return false;
	return changes == 1 || err_set(e, ERR_DENIED, "the agent was revoked meanwhile");
}

static bool make_agent(struct sql_conn *write, const struct enrolment_result *r, const char *os,
        int64_t *id, struct err *e)
{
	bool found = false;

	return sql_one(write, &statements[AGENT_ADD],
	        SQL_ARGS(SQL_T(r->agent_public_id), SQL_I(r->claim->customer_id),
	                SQL_T(r->claim->agent_type),
	                SQL_B(r->request->event_key, CRYPTO_SIGN_PUBLIC),
	                SQL_T(r->request->version), SQL_T(os), SQL_I(r->now)),
	        SQL_INTO(SQL_INTO_I(id)), &found, e);
}

static bool add_certificate(struct sql_conn *write, int64_t agent_id, const char *serial,
        int64_t not_before, int64_t not_after, int64_t now, struct err *e)
{
	return sql_do(write, &statements[CERTIFICATE_ADD],
	        SQL_ARGS(SQL_T(serial), SQL_I(agent_id), SQL_I(not_before), SQL_I(not_after),
	                SQL_I(now)),
	        NULL, e);
}

bool enrolment_finish(struct sql_conn *write, const struct enrolment_result *r, struct err *e)
{
	char os[AGENTS_SYSTEM_SIZE];
	int64_t id = 0, changes = 0;

	agents_system(os, r->request->os_name, r->request->os_version, r->request->os_product_type);
	if (r->claim->certificate != NULL)
		return keep_agent(write, r, os, &id, e);
	if (!(r->claim->agent_id == 0 ? make_agent(write, r, os, &id, e)
	                              : keep_agent(write, r, os, &id, e)))
		return false;
	if (!add_certificate(write, id, r->serial, r->not_before, r->not_after, r->now, e) ||
	        !sql_do(write, &statements[USE],
	                SQL_ARGS(SQL_I(r->claim->invitation_id), SQL_I(r->now),
	                        SQL_B(r->key_hash, CRYPTO_HASH), SQL_T(r->agent_public_id),
	                        SQL_T(r->certificate)),
	                &changes, e))
		return false;
	return changes == 1 || err_set(e, ERR_DENIED, "the invitation was used meanwhile");
}

bool enrolment_renewed(struct sql_conn *write, int64_t agent_id, const char *serial,
        int64_t not_before, int64_t not_after, int64_t now, struct err *e)
{
	int64_t id = 0;
	bool found = false;

	if (!sql_one(write, &statements[AGENT_ACTIVE], SQL_ARGS(SQL_I(agent_id)),
	            SQL_INTO(SQL_INTO_I(&id)), &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_DENIED, "the agent was revoked meanwhile");
	return sql_do(write, &statements[RENEWALS_END], SQL_ARGS(SQL_I(agent_id), SQL_I(now)), NULL,
	               e) &&
	       add_certificate(write, agent_id, serial, not_before, not_after, now, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agents.h: agents, their certificates, and the invitations they come by (agent-protocol.md,
 * Enrolment).
 *
 * Functions that take `write` run inside a sql_write() on core, usually as the work of a
 * changes_run(); the others on a borrowed connection. Who may do it was decided before. Lists are
 * in the arena.
 */
#ifndef FLEETPORT_CORE_AGENTS_H
#define FLEETPORT_CORE_AGENTS_H

#include "db/sql.h"
#include "lib/crypto.h"
#include "lib/enrolment.h"

extern const struct sql_table agents_sql;      /* agents.c: whoever knows agents */
extern const struct sql_table invitations_sql; /* invitations.c: whoever invites or enrols */

enum {
	AGENTS_INVITATION_MS = 24 * 3600 * 1000, /* how long an invitation holds */
	AGENTS_SYSTEM_SIZE = 600,                /* of the text of agents_system() */
	AGENTS_REVOKED_MAX = 16 << 20,           /* bytes of the file of agents_publish_revoked() */
};
#define AGENTS_CERTIFICATE_MS ((int64_t)90 * 24 * 3600 * 1000)

struct agent {
	int64_t id;
	const char *public_id; /* "ag_…" */
	int64_t customer_id;
	const char *customer_public_id;
	const char *customer_name;
	const char *customer_region;    /* "" any */
	const char *type;               /* "dc", "es" */
	const unsigned char *event_key; /* CRYPTO_SIGN_PUBLIC bytes */
	const char *version, *os;
	int64_t device_limit; /* new devices it may bring */
	int64_t created_at;
	int64_t seen_hour;             /* 0: not yet */
	int64_t revoked_at;            /* 0: active */
	int64_t certificate_not_after; /* of its newest live certificate; 0: none */
};

/* Who calls: the agent behind a verified client certificate, given its serial (hex as nginx says it,
 * any case) and subject CN. ERR_DENIED: unknown, another's, revoked (agent or certificate), expired
 * at `now`, or its customer has ended. *first_use (may be NULL): the certificate was not used before;
 * then agents_certificate_used() is to be called in a write. */
bool agents_authenticate(struct sql_conn *conn, struct arena *arena, const char *serial,
        const char *common_name, int64_t now, struct agent *out, bool *first_use, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 6)));

/* The CN of a subject as nginx writes it ($ssl_client_s_dn, RFC 2253: "CN=ag_…"): copied into out.
 * false: it is not exactly one CN that is an agent id. */
bool agents_subject(const char *subject, char out[32]) __attribute__((warn_unused_result, nonnull));

/* The certificate is in use: marks it and revokes the agent's older ones. After the commit call
 * agents_publish_revoked(). */
bool agents_certificate_used(struct sql_conn *write, int64_t agent_id, const char *serial,
        int64_t now, struct err *e) __attribute__((warn_unused_result, nonnull(1, 3)));

/* An agent's operating system in one text: "Debian GNU/Linux 12 (server)". Each part may be NULL or
 * "". Returns out. */
const char *agents_system(char out[AGENTS_SYSTEM_SIZE], const char *name, const char *version,
        const char *product_type) __attribute__((nonnull(1)));

/* An agent was heard of: version and system as it says them, and the hour. Writes only what changed;
 * call it when agents_authenticate() showed other values. */
bool agents_seen(struct sql_conn *write, int64_t agent_id, const char *version, const char *os,
        int64_t now, struct err *e) __attribute__((warn_unused_result, nonnull(1, 3, 4)));

/* Finds one by public id, also a revoked one. ERR_NOT_FOUND. */
bool agents_find(struct sql_conn *conn, struct arena *arena, const char *public_id,
        struct agent *out, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));
bool agents_find_by_key(struct sql_conn *conn, struct arena *arena, int64_t id, struct agent *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 4)));

/* The agents of a customer (0: of all), active first, by customer and creation. */
bool agents_list(struct sql_conn *conn, struct arena *arena, int64_t customer_id,
        struct agent **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4, 5)));

/* Revokes an agent with its certificates. ERR_NOT_FOUND; ERR_CONFLICT: it is already. After the
 * commit call agents_publish_revoked(). */
bool agents_revoke(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Rewrites the file that the broker's plugin reads, in one step: the ids of revoked agents, then the serial
 * numbers of certificates that were withdrawn from agents that go on (renewed, invited again); one a line.
 * What has run out by itself is left out. Several processes may: it always holds what the database says. */
bool agents_publish_revoked(struct sql_db *db, const char *path, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Invitations. */
struct invitation {
	int64_t id;
	const char *public_id; /* "in_…" */
	int64_t customer_id;
	const char *customer_public_id;
	const char *agent_type;
	const char
	        *agent_public_id; /* for a new certificate of that agent, or what came of it; "" */
	const char *invited_by;
	int64_t created_at, expires_at;
	int64_t used_at;    /* 0: not yet */
	int64_t revoked_at; /* 0: not */
};

struct invitation_new {
	const char *public_id; /* from crypto_random_id("in_", …) */
	const char *code;      /* from crypto_code_new(); only its hash is stored */
	int64_t customer_id;
	const char *agent_type;      /* "dc", "es" */
	const char *agent_public_id; /* NULL, or an active agent of that customer and type */
	const char *invited_by;      /* public id, or "console uid N" */
	int64_t now;
};

/* ERR_INVALID: no such type; ERR_NOT_FOUND: no such customer or agent. */
bool invitations_add(struct sql_conn *write, const struct invitation_new *invitation, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
/* Those of a customer (0: all) that hold at `now`, newest first. */
bool invitations_list(struct sql_conn *conn, struct arena *arena, int64_t customer_id, int64_t now,
        struct invitation **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 5, 6)));
/* ERR_NOT_FOUND: none that holds. */
bool invitations_revoke(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Enrolment itself (fleetport-enroll). */

/* Counts an attempt from this address (IPv6: from its /64). *allowed: it is among the first `limit`
 * of the last hour; beyond that nothing more is counted. Forgets attempts older than that. */
bool enrolment_attempt(struct sql_conn *write, const char *address, int limit, int64_t now,
        bool *allowed, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 5)));

/* Takes one attempt of the address back: it was right. */
bool enrolment_attempt_right(struct sql_conn *write, const char *address, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* What an invitation's code leads to. */
struct enrolment_claim {
	int64_t invitation_id;
	const char *invitation_public_id;
	int64_t customer_id;
	const char *customer_public_id;
	const char *agent_type;
	int64_t agent_id;            /* of an existing agent, or 0 */
	const char *agent_public_id; /* its id, or NULL */
	const char *certificate;     /* set: answered before, for the same key: answer it again */
};

/* ERR_DENIED, with one text for all causes: no such code, used for another key or more than 24 h
 * ago, expired, revoked, for another type of agent, or its customer or agent is no more. */
bool enrolment_claim(struct sql_conn *conn, struct arena *arena, const char *code,
        const unsigned char key_hash[CRYPTO_HASH], const char *agent_type, int64_t now,
        struct enrolment_claim *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5, 7)));

struct enrolment_result {
	const struct enrolment_claim *claim;
	const char *agent_public_id; /* the new agent's (crypto_random_id), or the claim's */
	const unsigned char *key_hash;
	const struct enrolment_request *request;
	const char *certificate; /* PEM chain that is answered */
	const char *serial;
	int64_t not_before, not_after;
	int64_t now;
};

/* Makes the agent, or gives an existing one its new certificate and event key, and uses the invitation
 * up. For a claim that was answered before (claim->certificate) only the event key is stored: the
 * certificate members are not read. ERR_DENIED when the claim does not hold any more: somebody was
 * faster. */
bool enrolment_finish(struct sql_conn *write, const struct enrolment_result *result, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Stores a renewed certificate of an active agent. Those it has used live until the new one is used
 * first; renewals that it never used end now. ERR_DENIED: the agent was revoked meanwhile. */
bool enrolment_renewed(struct sql_conn *write, int64_t agent_id, const char *serial,
        int64_t not_before, int64_t not_after, int64_t now, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3)));

#endif

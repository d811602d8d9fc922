/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrolment.h: how an agent comes to its certificate: invitation, request, renewal, answer. Both
 * sides of the wire (agent-protocol.md, Enrolment). Texts that are read live in the arena.
 */
#ifndef FLEETPORT_LIB_ENROLMENT_H
#define FLEETPORT_LIB_ENROLMENT_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ENROLMENT_MAX = 32 * 1024, /* bytes of a request or an answer */
	ENROLMENT_HOST_SIZE = 270, /* "name:port" */
	ENROLMENT_TEXT_SIZE = ENROLMENT_HOST_SIZE + CRYPTO_CODE + 48,
	ENROLMENT_KEYS_MAX = 16,
};

/* HOST#CODE#PIN, as people carry it over. */
struct enrolment_invitation {
	char host[ENROLMENT_HOST_SIZE]; /* "agents.example" or "agents.example:8443" */
	char code[CRYPTO_CODE + 1];     /* normalised */
	unsigned char pin[CRYPTO_HASH]; /* SHA-256 of the public key of the server's CA */
};

/* ERR_INVALID says which part is wrong, never what it was. */
bool enrolment_invitation_read(const char *text, struct enrolment_invitation *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
void enrolment_invitation_text(
        const struct enrolment_invitation *invitation, char out[ENROLMENT_TEXT_SIZE]);

/* POST /v1/enroll; POST /v1/renew carries the csr alone. */
struct enrolment_request {
	const char *code; /* as typed; NULL: a renewal */
	const char *csr;  /* PEM */
	unsigned char event_key[CRYPTO_SIGN_PUBLIC];
	const char *type; /* "dc", "es" */
	const char *version;
	const char *os_name, *os_version, *os_product_type; /* "" where not said */
};

bool enrolment_request_write(const struct enrolment_request *request, struct buf *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2)));
/* renewal: only the csr is read. ERR_INVALID with the JSON path, ERR_LIMIT, ERR_MEMORY. Unknown
 * members are ignored. */
bool enrolment_request_read(const char *text, size_t len, bool renewal, struct arena *arena,
        struct enrolment_request *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 4, 5)));

/* A public key that operations are signed with, and when it holds (ms). */
struct enrolment_key {
	const char *key_id;
	unsigned char key[CRYPTO_SIGN_PUBLIC];
	int64_t not_before, not_after;
};

/* A list of them: the file operation-keys.json, and `operationKeys` of answers. The array is in the
 * arena. */
bool enrolment_keys_read(const struct json *array, struct arena *arena,
        const struct enrolment_key **keys, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(2, 3, 4)));
bool enrolment_keys_load(const char *path, struct arena *arena, const struct enrolment_key **keys,
        size_t *count, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));
/* Appends them as elements. false: no memory. */
bool enrolment_keys_add(struct json *array, const struct enrolment_key *keys, size_t count)
        __attribute__((warn_unused_result, nonnull(1)));
/* The list as the text of operation-keys.json. */
bool enrolment_keys_write(const struct enrolment_key *keys, size_t count, struct buf *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(3)));

/* 201 of /v1/enroll and of /v1/renew. */
struct enrolment_answer {
	const char *agent_id;
	const char *certificate; /* PEM chain, the agent's first */
	const char *ca;          /* PEM: who signs the server's certificate */
	const char *mqtt_host;
	int64_t mqtt_port;
	const char *mqtt_alpn;
	int64_t mqtt_keep_alive; /* seconds */
	const struct enrolment_key *keys;
	size_t key_count;
	int64_t interval_seconds, jitter_seconds;
};

bool enrolment_answer_write(const struct enrolment_answer *answer, struct buf *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
bool enrolment_answer_read(const char *text, size_t len, struct arena *arena,
        struct enrolment_answer *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3, 4)));

#endif

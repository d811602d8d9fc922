/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope.h: the signed envelope {"keyId", "payload", "signature"} around every operation, cancel,
 * ack, event and presence (agent-protocol.md).
 *
 * payload and signature are standard base64. The signature is Ed25519 over
 * schema ‖ 0x00 ‖ payload bytes. It is verified before the payload is looked at; then the payload's
 * own "schema" must be the one that was verified.
 */
#ifndef FLEETPORT_LIB_ENVELOPE_H
#define FLEETPORT_LIB_ENVELOPE_H

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	ENVELOPE_MAX = 64 * 1024, /* bytes of an envelope */
	ENVELOPE_KEY_ID = 128,    /* bytes of a key's id: visible ASCII but '"' and '\\' */
	ENVELOPE_FINGERPRINT_SIZE = 23,
};

/* A key's usual id: the first 128 bits of its SHA-256 in base64url. Returns out. */
const char *envelope_key_id(
        const unsigned char public_key[CRYPTO_SIGN_PUBLIC], char out[ENVELOPE_FINGERPRINT_SIZE]);

/* Appends the envelope of a payload (a JSON object whose "schema" is the one given). ERR_LIMIT: it
 * would be larger than ENVELOPE_MAX; ERR_MEMORY. */
bool envelope_seal(const char *key_id, const unsigned char secret_key[CRYPTO_SIGN_SECRET],
        const char *schema, const char *payload, size_t len, struct buf *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 6)));

/* Finds a public key by its id. false: there is none, or it does not hold now. */
typedef bool envelope_key(
        void *context, const char *key_id, unsigned char public_key[CRYPTO_SIGN_PUBLIC]);

/* Opens an envelope: appends its payload to out and says in *which (may be NULL) the schema, of
 * those expected (ended by NULL), that it carries. ERR_INVALID: no envelope, or its payload is no
 * JSON object with that schema; ERR_DENIED: unknown key, or the signature is not its. out is
 * untouched on failure. */
bool envelope_open(const char *text, size_t len, const char *const *schemas, envelope_key *key,
        void *context, struct buf *out, size_t *which, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3, 4, 6)));

#endif

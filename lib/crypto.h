/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto.h: the cryptography of fleetport, over libsodium. The only file that knows it is crypto.c.
 *
 * Call crypto_init() first. Lengths are bytes. Comparison of secrets is constant-time. Functions
 * that can fail only by misuse assert.
 */
#ifndef FLEETPORT_LIB_CRYPTO_H
#define FLEETPORT_LIB_CRYPTO_H

#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CRYPTO_KEY = 32,           /* symmetric keys: sealing, HMAC */
	CRYPTO_HASH = 32,          /* SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104) */
	CRYPTO_FINGERPRINT = 16,   /* BLAKE2b (RFC 7693), cut by its own parameter */
	CRYPTO_SEAL_OVERHEAD = 40, /* XChaCha20-Poly1305: 24 nonce + 16 tag */
	CRYPTO_SIGN_PUBLIC = 32,   /* Ed25519 (RFC 8032) */
	CRYPTO_SIGN_SECRET = 64,   /* libsodium's form: seed + public key */
	CRYPTO_SIGNATURE = 64,
	CRYPTO_PASSWORD_HASH = 128, /* text, NUL included */
};

bool crypto_init(struct err *e) __attribute__((warn_unused_result));

void crypto_random(void *out, size_t len);
/* A uniform number in [0, limit). limit > 0. */
uint32_t crypto_random_below(uint32_t limit);
bool crypto_equal(const void *a, const void *b, size_t len);
void crypto_wipe(void *secret, size_t len);

/* Hashes. */
void crypto_sha256(const void *data, size_t len, unsigned char out[CRYPTO_HASH]);
/* SHA-256 over prefix byte ‖ data: RFC 6962 leaves (0x00) and nodes (0x01). */
void crypto_sha256_prefixed(
        unsigned char prefix, const void *data, size_t len, unsigned char out[CRYPTO_HASH]);
void crypto_hmac_sha256(const unsigned char key[CRYPTO_KEY], const void *data, size_t len,
        unsigned char out[CRYPTO_HASH]);
/* BLAKE2b-128: to see whether something changed; several times as fast as SHA-256. */
void crypto_fingerprint(const void *data, size_t len, unsigned char out[CRYPTO_FINGERPRINT]);
/* A key for one purpose from a master key: HMAC-SHA-256(master, "fleetport/" ‖ purpose). */
void crypto_derive(
        const unsigned char master[CRYPTO_KEY], const char *purpose, unsigned char out[CRYPTO_KEY]);

/* Sealing: XChaCha20-Poly1305, random nonce in front. `ad` is bound, not stored. out holds
 * len + CRYPTO_SEAL_OVERHEAD. */
void crypto_seal(const unsigned char key[CRYPTO_KEY], const void *ad, size_t ad_len,
        const void *plain, size_t len, unsigned char *out);
/* out holds len - CRYPTO_SEAL_OVERHEAD. false: too short, changed, other key or other ad. */
bool crypto_open(const unsigned char key[CRYPTO_KEY], const void *ad, size_t ad_len,
        const void *sealed, size_t len, unsigned char *out) __attribute__((warn_unused_result));

/* Signatures: Ed25519. (Not named crypto_sign…: those names are libsodium's.) */
void crypto_keypair(
        unsigned char public_key[CRYPTO_SIGN_PUBLIC], unsigned char secret_key[CRYPTO_SIGN_SECRET]);
void crypto_signature(const unsigned char secret_key[CRYPTO_SIGN_SECRET], const void *data,
        size_t len, unsigned char signature[CRYPTO_SIGNATURE]);
bool crypto_verify(const unsigned char public_key[CRYPTO_SIGN_PUBLIC], const void *data, size_t len,
        const unsigned char signature[CRYPTO_SIGNATURE]) __attribute__((warn_unused_result));

/* Passwords: Argon2id, 64 MiB, 3 passes (security.md). Takes about 0.1 s and 64 MiB: bound how many
 * run at once. ERR_MEMORY when there is no memory: never "wrong password". */
bool crypto_password_hash(const char *password, size_t len, char out[CRYPTO_PASSWORD_HASH],
        struct err *e) __attribute__((warn_unused_result));
/* *match says whether it fits; *stale (may be NULL) whether the hash is below today's cost. */
bool crypto_password_verify(const char *hash, const char *password, size_t len, bool *match,
        bool *stale, struct err *e) __attribute__((warn_unused_result));

/* Text forms. Sizes of out include the NUL. */
#define CRYPTO_BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void crypto_base64(const void *data, size_t len, char *out);    /* standard, padded (RFC 4648, 4) */
void crypto_base64url(const void *data, size_t len, char *out); /* URL, no padding (RFC 4648, 5) */
/* Strict decoding: whole text, right alphabet and padding, no blanks. out holds max bytes. */
bool crypto_base64_decode(const char *text, size_t text_len, unsigned char *out, size_t max,
        size_t *len) __attribute__((warn_unused_result));
bool crypto_base64url_decode(const char *text, size_t text_len, unsigned char *out, size_t max,
        size_t *len) __attribute__((warn_unused_result));
void crypto_hex(const void *data, size_t len, char *out); /* lower case, 2 * len + 1 */
bool crypto_hex_decode(const char *text, size_t text_len, unsigned char *out, size_t max,
        size_t *len) __attribute__((warn_unused_result));

/* prefix ‖ 22 random base62 digits (131 bits): "ag_…". out holds strlen(prefix) + 23. */
void crypto_random_id(const char *prefix, char *out);

/* An invitation code: 120 random bits in Crockford base32 with its check symbol, 25 characters
 * (24 + check; https://www.crockford.com/base32.html). */
enum { CRYPTO_CODE = 25 };
void crypto_code_new(char out[CRYPTO_CODE + 1]);
/* Normalises what a person typed (case, hyphens, blanks, I L O) and checks the check symbol. */
bool crypto_code_read(const char *typed, char out[CRYPTO_CODE + 1])
        __attribute__((warn_unused_result));

/* Reads a key file: exactly size bytes, a regular file that others may not read. The path is named
 * in errors, the contents never. ERR_NOT_FOUND, ERR_CONFIG (size, mode, kind), ERR_IO. */
bool crypto_key_read(const char *path, unsigned char *key, size_t size, struct err *e)
        __attribute__((warn_unused_result));
/* Writes a new key file with mode 0600 (fsync, file and folder); ERR_CONFLICT if it exists. */
bool crypto_key_write(const char *path, const unsigned char *key, size_t size, struct err *e)
        __attribute__((warn_unused_result));

#endif

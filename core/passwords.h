/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwords.h: what a password must be, and checking one at a bounded cost.
 *
 * Argon2id takes 64 MiB and about 0.1 s, so at most two run at a time in a process and the others
 * wait, in a bounded queue. Passwords are compared in NFKC. A hash is stored sealed with the pepper
 * and bound to its person.
 */
#ifndef FLEETPORT_CORE_PASSWORDS_H
#define FLEETPORT_CORE_PASSWORDS_H

#include "core/keys.h"
#include "core/people.h"

enum {
	PASSWORD_MIN_CHARACTERS = 12,
	PASSWORD_MAX_BYTES = 1024,
	PASSWORD_SEALED = CRYPTO_PASSWORD_HASH + CRYPTO_SEAL_OVERHEAD,
	PASSWORD_GENERATED = 27, /* bytes of a generated one, NUL included */
};

struct passwords;

/* The gate of this process; keys must outlive it. Computes the dummy hash that unknown names are
 * checked against. Used by all threads. Free with passwords_free(). */
struct passwords *passwords_new(const struct keys *keys, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void passwords_free(struct passwords *passwords); /* NULL is allowed */

/* May this be someone's new password? ERR_INVALID says what it lacks. */
bool passwords_acceptable(const char *password, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Checks and hashes a new password of a person for credential.sealed. ERR_INVALID; ERR_BUSY (too
 * many wait); ERR_MEMORY. */
bool passwords_hash(struct passwords *passwords, const char *person, const char *password,
        unsigned char sealed[PASSWORD_SEALED], struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

/* Does the password fit? sealed NULL (no such person, no password): the same work is done and
 * *match is false. *stale: it fits, but the hash is below today's cost. false: ERR_BUSY,
 * ERR_MEMORY, ERR_CORRUPT; never "wrong password". */
bool passwords_verify(struct passwords *passwords, const char *person, const unsigned char *sealed,
        size_t len, const char *password, bool *match, bool *stale, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 5, 6, 7)));

/* A random password of 26 letters and digits (128 bits), without look-alikes. */
void passwords_generate(char out[PASSWORD_GENERATED]);

#endif

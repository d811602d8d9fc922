/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h: the three keys that personal data rests on, in locked memory.
 *
 * kek.key wraps each person's data key, pepper.key seals password hashes, index.key makes the blind
 * indexes of sign-in names (security.md, Personal data at rest). Only the sites, the worker and the
 * command line may read them. They are never swapped out, never in a core dump, and wiped at the
 * end.
 */
#ifndef FLEETPORT_CORE_KEYS_H
#define FLEETPORT_CORE_KEYS_H

#include "lib/crypto.h"
#include "lib/error.h"

#include <stdbool.h>

struct keys;

/* Reads the keys from the folder secrets/. NULL: a file is missing, has the wrong size, or others
 * may read it (the error names it). Free with keys_free(). crypto_init() must have run. */
struct keys *keys_load(const char *directory, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Wipes and frees. NULL is allowed. */
void keys_free(struct keys *keys);

/* Writes those of the three key files that are not there yet, with random keys. Never overwrites.
 * *made (may be NULL): how many. */
bool keys_create(const char *directory, unsigned *made, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* CRYPTO_KEY bytes each; they live as long as the keys. */
const unsigned char *keys_wrapping(const struct keys *keys) __attribute__((nonnull));
const unsigned char *keys_pepper(const struct keys *keys) __attribute__((nonnull));
const unsigned char *keys_index(const struct keys *keys) __attribute__((nonnull));

#endif

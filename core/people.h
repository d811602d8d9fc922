/* SPDX-License-Identifier: Apache-2.0 */
/*
 * people.h: sealing what belongs to a person.
 *
 * Each person has a data key, kept wrapped by the key-encryption key; destroying the wrapped key
 * erases the person. A sealed column is bound to its place: "table.column.row" is the associated
 * data, the row being the person's public id, so that a value cannot be moved to another column or
 * person. Sign-in names are found by a blind index: HMAC-SHA-256 over the NFKC, case-folded name.
 */
#ifndef FLEETPORT_CORE_PEOPLE_H
#define FLEETPORT_CORE_PEOPLE_H

#include "core/keys.h"
#include "lib/arena.h"

#include <stddef.h>

enum {
	PERSON_WRAPPED = CRYPTO_KEY + CRYPTO_SEAL_OVERHEAD, /* bytes of a wrapped data key */
	PERSON_INDEX = CRYPTO_HASH,                         /* bytes of a blind index */
	PERSON_TEXT_MAX = 1024,                             /* bytes of one personal text */
};

/* A data key in the clear. Wipe with people_forget() as soon as the values are opened. */
struct person_key {
	unsigned char key[CRYPTO_KEY];
};

/* A sealed value as a column holds it; lives in the arena that it was made in. */
struct sealed {
	const unsigned char *data;
	size_t len;
};

/* Where a sealed value stands. */
struct sealed_place {
	const char *table;
	const char *column;
	const char *person; /* public id */
};

/* A new random data key, and its wrapped form for person_key.wrapped. */
void people_new_key(const struct keys *keys, const char *person, struct person_key *key,
        unsigned char wrapped[PERSON_WRAPPED]) __attribute__((nonnull));

/* Unwraps a data key. ERR_CORRUPT: it was changed, or belongs to another person or installation. */
bool people_unwrap(const struct keys *keys, const char *person, const unsigned char *wrapped,
        size_t len, struct person_key *key, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 5)));

void people_forget(struct person_key *key) __attribute__((nonnull));

/* Seals a text of at most PERSON_TEXT_MAX bytes (ERR_LIMIT). */
bool people_seal(struct arena *arena, const struct person_key *key,
        const struct sealed_place *place, const char *text, struct sealed *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* Opens a sealed text into the arena (NUL-terminated). ERR_CORRUPT: changed or moved. */
bool people_open(struct arena *arena, const struct person_key *key,
        const struct sealed_place *place, const unsigned char *sealed, size_t len, char **text,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3, 6)));

/* The blind index of a sign-in name as typed: blanks around it do not count, nor do case and
 * compatibility forms. ERR_INVALID: empty, longer than 256 bytes, or not UTF-8. */
bool people_index(const struct keys *keys, const char *name, unsigned char out[PERSON_INDEX],
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

#endif

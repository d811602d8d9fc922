/* SPDX-License-Identifier: Apache-2.0 */
#include "core/people.h"

#include "lib/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	PLACE_BYTES = 160,
	NAME_MAX_BYTES = 256,
	NAME_ARENA = 64 << 10, /* NFKC makes at most 18 bytes of one */
};

/* "table.column.row": none of our tables, columns and public ids holds a dot. */
static size_t place_text(const struct sealed_place *place, char out[PLACE_BYTES])
{
	int len =
	        snprintf(out, PLACE_BYTES, "%s.%s.%s", place->table, place->column, place->person);

	assert(len > 0 && len < PLACE_BYTES);
	return (size_t)len;
}

static const struct sealed_place *key_place(struct sealed_place *place, const char *person)
{
	*place = (struct sealed_place){"person_key", "wrapped", person};
	return place;
}

void people_new_key(const struct keys *keys, const char *person, struct person_key *key,
        unsigned char wrapped[PERSON_WRAPPED])
{
	struct sealed_place place;
	char ad[PLACE_BYTES];
	size_t ad_len = place_text(key_place(&place, person), ad);

	crypto_random(key->key, sizeof key->key);
	crypto_seal(keys_wrapping(keys), ad, ad_len, key->key, sizeof key->key, wrapped);
}

bool people_unwrap(const struct keys *keys, const char *person, const unsigned char *wrapped,
        size_t len, struct person_key *key, struct err *e)
{
	struct sealed_place place;
	char ad[PLACE_BYTES];
	size_t ad_len = place_text(key_place(&place, person), ad);

	if (wrapped == NULL || len != PERSON_WRAPPED ||
	        !crypto_open(keys_wrapping(keys), ad, ad_len, wrapped, len, key->key))
		return err_set(e, ERR_CORRUPT,
		        "the data key of %s does not open: wrong kek.key, or a changed database",
		        person);
	return true;
}

void people_forget(struct person_key *key)
{
	crypto_wipe(key->key, sizeof key->key);
}

bool people_seal(struct arena *arena, const struct person_key *key,
        const struct sealed_place *place, const char *text, struct sealed *out, struct err *e)
{
	char ad[PLACE_BYTES];
	size_t ad_len = place_text(place, ad);
	size_t len = strlen(text);
	unsigned char *data;

	if (len > PERSON_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "the text is longer than %d bytes", PERSON_TEXT_MAX);
	data = arena_alloc(arena, len + CRYPTO_SEAL_OVERHEAD);
	if (data == NULL)
		return err_set(e, ERR_MEMORY, "no memory to seal a value");
	crypto_seal(key->key, ad, ad_len, text, len, data);
	*out = (struct sealed){data, len + CRYPTO_SEAL_OVERHEAD};
	return true;
}

bool people_open(struct arena *arena, const struct person_key *key,
        const struct sealed_place *place, const unsigned char *sealed, size_t len, char **text,
        struct err *e)
{
	char ad[PLACE_BYTES];
	size_t ad_len = place_text(place, ad);
	char *out;

	if (sealed == NULL || len < CRYPTO_SEAL_OVERHEAD ||
	        len > PERSON_TEXT_MAX + CRYPTO_SEAL_OVERHEAD)
		return err_set(e, ERR_CORRUPT, "%s: not a sealed value", ad);
	out = arena_alloc(arena, len - CRYPTO_SEAL_OVERHEAD + 1);
	if (out == NULL)
		return err_set(e, ERR_MEMORY, "no memory to open a value");
	if (!crypto_open(key->key, ad, ad_len, sealed, len, (unsigned char *)out))
		return err_set(e, ERR_CORRUPT, "%s does not open: it was changed or moved", ad);
	out[len - CRYPTO_SEAL_OVERHEAD] = '\0';
	*text = out;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *trimmed(struct arena *arena, const char *name)
{
	size_t len;

	while (is_blank(*name))
		name++;
	len = strlen(name);
	while (len > 0 && is_blank(name[len - 1]))
		len--;
	return arena_copy(arena, name, len);
}

bool people_index(
        const struct keys *keys, const char *name, unsigned char out[PERSON_INDEX], struct err *e)
{
	struct arena *arena;
	char *plain, *folded;
	bool ok = false;

	if (strlen(name) > NAME_MAX_BYTES)
		return err_set(
		        e, ERR_INVALID, "a sign-in name has at most %d bytes", NAME_MAX_BYTES);
	arena = arena_new(NAME_ARENA);
	if (arena == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a sign-in name");
	plain = trimmed(arena, name);
	if (plain == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for a sign-in name");
		goto free_arena;
	}
	folded = text_fold(arena, plain, e);
	if (folded == NULL)
		goto free_arena;
	if (*folded == '\0') {
		(void)err_set(e, ERR_INVALID, "the sign-in name is empty");
		goto free_arena;
	}
	crypto_hmac_sha256(keys_index(keys), folded, strlen(folded), out);
	ok = true;
free_arena:
	arena_free(arena);
	return ok;
}

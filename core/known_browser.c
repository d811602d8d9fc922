/* SPDX-License-Identifier: Apache-2.0 */
#include "core/known_browser.h"

#include <string.h>

enum { TIME = 8, BODY = KNOWN_BROWSER_ID + TIME, WHOLE = BODY + CRYPTO_HASH };
static const int64_t DAY_MS = 24 * 3600 * 1000;

_Static_assert(
        KNOWN_BROWSER_TOKEN == (WHOLE * 4 + 2) / 3 + 1, "a token is base64url without padding");

static void put_number(unsigned char out[8], int64_t number)
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)((uint64_t)number >> (56 - 8 * i));
}

static int64_t get_number(const unsigned char in[8])
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | in[i];
	return (int64_t)number;
}

static void make_mac(const struct keys *keys, const unsigned char body[BODY],
        const unsigned char index[PERSON_INDEX], int64_t rights_version,
        unsigned char mac[CRYPTO_HASH])
{
	unsigned char key[CRYPTO_KEY], text[BODY + PERSON_INDEX + 8];

	memcpy(text, body, BODY);
	memcpy(text + BODY, index, PERSON_INDEX);
	put_number(text + BODY + PERSON_INDEX, rights_version);
	crypto_derive(keys_index(keys), "known browser", key);
	crypto_hmac_sha256(key, text, sizeof text, mac);
	crypto_wipe(key, sizeof key);
}

bool known_browser_check(const struct keys *keys, const char *token,
        const unsigned char index[PERSON_INDEX], int64_t rights_version, int64_t now,
        unsigned char id[KNOWN_BROWSER_ID])
{
	unsigned char whole[WHOLE] = {0}, mac[CRYPTO_HASH];
	size_t len = 0;
	int64_t at;

	if (token == NULL ||
	        !crypto_base64url_decode(token, strlen(token), whole, sizeof whole, &len) ||
	        len != sizeof whole)
		return false;
	make_mac(keys, whole, index, rights_version, mac);
	at = get_number(whole + KNOWN_BROWSER_ID);
	memcpy(id, whole, KNOWN_BROWSER_ID);
	/* `at` is ours once the MAC fits; a clock that was set back makes it lie ahead, not invalid. */
	return crypto_equal(mac, whole + BODY, sizeof mac) && rights_version != 0 &&
	       (at > now || now - at < KNOWN_BROWSER_DAYS * DAY_MS);
}

void known_browser_make(const struct keys *keys, const unsigned char id[KNOWN_BROWSER_ID],
        const unsigned char index[PERSON_INDEX], int64_t rights_version, int64_t now,
        char token[KNOWN_BROWSER_TOKEN])
{
	unsigned char whole[WHOLE];

	if (id != NULL)
		memcpy(whole, id, KNOWN_BROWSER_ID);
	else
		crypto_random(whole, KNOWN_BROWSER_ID);
	put_number(whole + KNOWN_BROWSER_ID, now);
	make_mac(keys, whole, index, rights_version, whole + BODY);
	crypto_base64url(whole, sizeof whole, token);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes are an envelope of a stranger: it never opens. Then they are a payload that is sealed:
 * it opens only as what it was, and gives the same bytes back. */
#include "lib/envelope.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char public_key[CRYPTO_SIGN_PUBLIC], secret_key[CRYPTO_SIGN_SECRET];

static bool known(void *context, const char *key_id, unsigned char out[CRYPTO_SIGN_PUBLIC])
{
	(void)context;
	(void)key_id;
	memcpy(out, public_key, sizeof public_key);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const schemas[] = {"fleetport.cancel/1", "fleetport.ack/1", NULL};
	static const char *const other[] = {"fleetport.event/1", NULL};
	static bool ready;
	struct buf text = BUF_INIT(ENVELOPE_MAX), out = BUF_INIT(ENVELOPE_MAX);
	const char *bytes = (const char *)data;
	struct err e = ERR_CLEAR;

	if (!ready) {
		if (!crypto_init(&e))
			abort();
		crypto_keypair(public_key, secret_key);
		ready = true;
	}
	if (envelope_open(bytes, size, schemas, known, NULL, &out, NULL, &e))
		abort(); /* a forgery */
	if (!envelope_seal("k", secret_key, "fleetport.ack/1", bytes, size, &text, &e))
		goto free_both;
	if (envelope_open(text.data, text.len, other, known, NULL, &out, NULL, &e))
		abort();
	if (envelope_open(text.data, text.len, schemas, known, NULL, &out, NULL, &e) &&
	        (out.len != size || memcmp(out.data, bytes, size) != 0))
		abort();
free_both:
	buf_free(&text);
	buf_free(&out);
	return 0;
}

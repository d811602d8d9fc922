/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes are read as a request, a certificate, a bundle and a private key, as an agent or a server
 * might send them; what is signed for a request carries that request's key. */
#include "lib/x509.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct x509_ca *ca;

static void make_ca(void)
{
	struct buf cert = BUF_INIT(X509_PEM_MAX), key = BUF_INIT(X509_PEM_MAX);
	struct err e = ERR_CLEAR;

	if (!crypto_init(&e) || !x509_ca_new("Fuzz", 0, INT64_C(4000000000000), &cert, &key, &e))
		abort();
	ca = x509_ca_load(cert.data, key.data, &e);
	if (ca == NULL)
		abort();
	buf_free(&cert);
	buf_free(&key);
}

static void check_request(const char *text)
{
	struct buf cert = BUF_INIT(X509_PEM_MAX);
	unsigned char hash[CRYPTO_HASH];
	struct x509_info info;
	struct err e = ERR_CLEAR;

	if (!x509_csr_key_hash(text, hash, &e)) {
		if (e.code == ERR_NONE || e.text[0] == '\0')
			abort();
		return;
	}
	if (!x509_ca_sign(ca, text, "ag_fuzz", 0, INT64_C(4000000000000), &cert, &e) ||
	        !x509_read(cert.data, &info, &e) || strcmp(info.common_name, "ag_fuzz") != 0 ||
	        memcmp(info.key_hash, hash, sizeof hash) != 0)
		abort();
	buf_free(&cert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char pin[CRYPTO_HASH];
	struct buf out = BUF_INIT(4 * X509_PEM_MAX);
	struct x509_info info;
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (ca == NULL)
		make_ca();
	check_request(text);
	if (x509_read(text, &info, NULL) && strlen(info.serial) % 2 != 0)
		abort();
	if (x509_pinned(text, pin, &out, NULL))
		abort(); /* no key has this hash */
	if (x509_csr_new(text, &out, NULL) &&
	        !x509_csr_key_hash(buf_text(&out), info.key_hash, NULL))
		abort();
	buf_free(&out);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509.h: keys, certificates and requests, over OpenSSL. Everything travels as PEM text.
 *
 * Keys are P-256. Serial numbers are 126 random bits. Times are milliseconds since 1970 and are cut
 * to seconds. Outputs are appended to a struct buf of the caller's; a key's buffer is wiped with
 * file_wipe(). Safe from several threads.
 */
#ifndef FLEETPORT_LIB_X509_H
#define FLEETPORT_LIB_X509_H

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/error.h"
#include "lib/x509_peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	X509_PEM_MAX = 16 * 1024, /* of a key, request or chain that is read */
	X509_NAME_SIZE = 72,
};

/* A new private key (PKCS#8 PEM). */
bool x509_key_new(struct buf *key_pem, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* A request that carries the key and its proof; the name in it is empty: servers set it. */
bool x509_csr_new(const char *key_pem, struct buf *csr_pem, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* SHA-256 of the request's public key (its SubjectPublicKeyInfo). ERR_INVALID: not one request in
 * PEM, not a P-256 key, or its proof is wrong. */
bool x509_csr_key_hash(const char *csr_pem, unsigned char hash[CRYPTO_HASH], struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

struct x509_info {
	char serial[X509_SERIAL_SIZE];       /* upper-case hex, as nginx's $ssl_client_serial */
	char common_name[X509_NAME_SIZE];    /* "" if there is none */
	int64_t not_before, not_after;       /* ms */
	unsigned char key_hash[CRYPTO_HASH]; /* SHA-256 of the SubjectPublicKeyInfo: a CA's pin */
	bool is_ca;
};

/* Reads the first certificate of a PEM text. ERR_INVALID. */
bool x509_read(const char *pem, struct x509_info *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Whether the private key is the one of the (first) certificate. */
bool x509_key_fits(const char *cert_pem, const char *key_pem)
        __attribute__((warn_unused_result, nonnull));

/* A certificate authority. */
struct x509_ca;

/* A new self-signed CA, path length 0. */
bool x509_ca_new(const char *common_name, int64_t not_before, int64_t not_after,
        struct buf *cert_pem, struct buf *key_pem, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 4, 5)));

/* Loads one. NULL: ERR_CONFIG when the two do not fit together or are no CA. */
struct x509_ca *x509_ca_load(const char *cert_pem, const char *key_pem, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
void x509_ca_free(struct x509_ca *ca); /* NULL is allowed */

/* A server's certificate for the names and addresses in hosts (ended by NULL; "127.0.0.1" and "::1"
 * become IP addresses, all else DNS names; the first is the CN). */
bool x509_ca_server(const struct x509_ca *ca, const char *key_pem, const char *const *hosts,
        int64_t not_before, int64_t not_after, struct buf *cert_pem, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 6)));

/* A client's certificate with this CN for a key that is here ("dispatch"). */
bool x509_ca_client(const struct x509_ca *ca, const char *key_pem, const char *common_name,
        int64_t not_before, int64_t not_after, struct buf *cert_pem, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 6)));

/* Signs a request: only its key is taken; the subject is CN = common_name, the use clientAuth. The
 * certificate alone is appended, without the CA's. ERR_INVALID as x509_csr_key_hash(). */
bool x509_ca_sign(const struct x509_ca *ca, const char *csr_pem, const char *common_name,
        int64_t not_before, int64_t not_after, struct buf *cert_pem, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 6)));

/* Appends the one CA certificate of a bundle whose key has this SHA-256. ERR_DENIED: none has. */
bool x509_pinned(const char *bundle_pem, const unsigned char pin[CRYPTO_HASH], struct buf *cert_pem,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

#endif

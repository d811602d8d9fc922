/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/x509.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SERIAL_BYTES = 16, BUNDLE_MAX = 16, HOSTS_MAX_BYTES = 2000 };

struct x509_ca {
	X509 *cert;
	EVP_PKEY *key;
};

/* Sets the error with OpenSSL's own reason behind it. Always false. */
static bool fail(struct err *e, enum err_code code, const char *what)
{
	unsigned long number = ERR_peek_last_error();
	const char *reason = number == 0 ? NULL : ERR_reason_error_string(number);

	ERR_clear_error();
	if (reason == NULL)
		return err_set(e, code, "%s", what);
	return err_set(e, code, "%s (%s)", what, reason);
}

/* ---- PEM */

/* An encrypted key is not ours; never ask at a terminal. */
static int no_password(char *out, int size, int writing, void *context)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static BIO *reader(const char *pem)
{
	size_t len = strlen(pem);

	return len > X509_PEM_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
}

static EVP_PKEY *read_key(const char *pem, struct err *e)
{
	BIO *bio = reader(pem);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

	BIO_free(bio);
	if (key == NULL)
		(void)fail(e, ERR_INVALID, "the private key cannot be read");
	return key;
}

static X509 *read_cert(const char *pem, struct err *e)
{
	BIO *bio = reader(pem);
	X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_password, NULL);

	BIO_free(bio);
	if (cert == NULL)
		(void)fail(e, ERR_INVALID, "the certificate cannot be read");
	return cert;
}

/* Appends what was written into bio; takes bio over. */
static bool take(BIO *bio, bool written, struct buf *out, struct err *e)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	if (written && len > 0)
		buf_append(out, data, (size_t)len);
	if (data != NULL && len > 0)
		OPENSSL_cleanse(data, (size_t)len); /* it may be a private key */
	BIO_free(bio);
	if (!written || len <= 0)
		return fail(e, ERR_MEMORY, "PEM cannot be written");
	return !out->failed || err_set(e, ERR_LIMIT, "no room for PEM");
}

static bool write_key(EVP_PKEY *key, struct buf *out, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL)
		return fail(e, ERR_MEMORY, "no memory for PEM");
	return take(bio, PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1,
	        out, e);
}

static bool write_cert(X509 *cert, struct buf *out, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL)
		return fail(e, ERR_MEMORY, "no memory for PEM");
	return take(bio, PEM_write_bio_X509(bio, cert) == 1, out, e);
}

/* ---- keys and requests */

static bool hash_of(EVP_PKEY *key, unsigned char hash[CRYPTO_HASH])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0)
		return false;
	crypto_sha256(der, (size_t)len, hash);
	OPENSSL_free(der);
	return true;
}

bool x509_key_new(struct buf *key_pem, struct err *e)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	bool ok = key == NULL ? fail(e, ERR_INTERNAL, "a key cannot be made")
	                      : write_key(key, key_pem, e);

	EVP_PKEY_free(key);
	return ok;
}

bool x509_csr_new(const char *key_pem, struct buf *csr_pem, struct err *e)
{
	EVP_PKEY *key = read_key(key_pem, e);
	X509_REQ *csr = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = false;

	if (key == NULL)
		goto free_all;
	if (csr == NULL || bio == NULL || X509_REQ_set_version(csr, X509_REQ_VERSION_1) != 1 ||
	        X509_REQ_set_pubkey(csr, key) != 1 || X509_REQ_sign(csr, key, EVP_sha256()) <= 0) {
		(void)fail(e, ERR_INTERNAL, "a certificate request cannot be made");
		goto free_all;
	}
	ok = take(bio, PEM_write_bio_X509_REQ(bio, csr) == 1, csr_pem, e);
	bio = NULL; /* take() has it */
free_all:
	BIO_free(bio);
	X509_REQ_free(csr);
	EVP_PKEY_free(key);
	return ok;
}

static bool is_p256(EVP_PKEY *key)
{
	char group[32] = "";

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

/* The proven key of a request; the caller frees it. NULL: no such request. */
static EVP_PKEY *csr_key(const char *csr_pem, struct err *e)
{
	BIO *bio = reader(csr_pem);
	X509_REQ *csr = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, no_password, NULL);
	EVP_PKEY *key = csr == NULL ? NULL : X509_REQ_get_pubkey(csr);
	char rest;

	if (key == NULL) {
		(void)fail(e, ERR_INVALID, "the certificate request cannot be read");
	} else if (BIO_read(bio, &rest, 1) > 0) {
		(void)err_set(e, ERR_INVALID, "something follows the certificate request");
		EVP_PKEY_free(key);
		key = NULL;
	} else if (!is_p256(key)) {
		(void)fail(e, ERR_INVALID, "the key of the certificate request is not on P-256");
		EVP_PKEY_free(key);
		key = NULL;
	} else if (X509_REQ_verify(csr, key) != 1) {
		(void)fail(e, ERR_INVALID, "the certificate request does not prove its key");
		EVP_PKEY_free(key);
		key = NULL;
	}
	X509_REQ_free(csr);
	BIO_free(bio);
	return key;
}

bool x509_csr_key_hash(const char *csr_pem, unsigned char hash[CRYPTO_HASH], struct err *e)
{
	EVP_PKEY *key = csr_key(csr_pem, e);
	bool ok;

	if (key == NULL)
		return false;
	ok = hash_of(key, hash) || fail(e, ERR_INTERNAL, "a key cannot be hashed");
	EVP_PKEY_free(key);
	return ok;
}

/* ---- reading certificates */

static bool time_of(const ASN1_TIME *time, int64_t *ms)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

static bool info_of(X509 *cert, struct x509_info *out)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	EVP_PKEY *key = X509_get0_pubkey(cert);

	*out = (struct x509_info){.is_ca = X509_check_ca(cert) == 1};
	if (X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)subject, NID_commonName,
	            out->common_name, sizeof out->common_name) < 0)
		out->common_name[0] = '\0';
	return key != NULL && x509_peer_read(cert, out->serial, &out->not_after) &&
	       hash_of(key, out->key_hash) && time_of(X509_get0_notBefore(cert), &out->not_before);
}

bool x509_read(const char *pem, struct x509_info *out, struct err *e)
{
	X509 *cert = read_cert(pem, e);
	bool ok;

	if (cert == NULL)
		return false;
	ok = info_of(cert, out) || fail(e, ERR_INVALID, "the certificate is not usable");
	X509_free(cert);
	return ok;
}

bool x509_key_fits(const char *cert_pem, const char *key_pem)
{
	X509 *cert = read_cert(cert_pem, NULL);
	EVP_PKEY *key = read_key(key_pem, NULL);
	bool fits = cert != NULL && key != NULL && X509_check_private_key(cert, key) == 1;

	ERR_clear_error();
	EVP_PKEY_free(key);
	X509_free(cert);
	return fits;
}

bool x509_pinned(const char *bundle_pem, const unsigned char pin[CRYPTO_HASH], struct buf *cert_pem,
        struct err *e)
{
	BIO *bio = reader(bundle_pem);
	bool found = false, ok = false;

	if (bio == NULL)
		return fail(e, ERR_INVALID, "the certificates are too long");
	for (int i = 0; i < BUNDLE_MAX && !found; i++) {
		X509 *cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		struct x509_info info;

		if (cert == NULL)
			break;
		found = info_of(cert, &info) && info.is_ca &&
		        crypto_equal(info.key_hash, pin, CRYPTO_HASH);
		if (found)
			ok = write_cert(cert, cert_pem, e);
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the end of the bundle is an error to OpenSSL */
	if (!found)
		return err_set(e, ERR_DENIED, "no certificate there has the pinned key");
	return ok;
}

/* ---- making certificates */

struct extension {
	int nid;
	const char *value;
};

struct plan {
	const char *common_name;
	EVP_PKEY *key;            /* the subject's */
	const struct x509_ca *ca; /* NULL: signs itself */
	EVP_PKEY *self;           /* then with this */
	int64_t not_before, not_after;
	const struct extension *extensions; /* ended by nid 0 */
};

static bool set_serial(X509 *cert)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;
	bool ok;

	crypto_random(bytes, sizeof bytes);
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, always of one length */
	number = BN_bin2bn(bytes, sizeof bytes, NULL);
	ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return ok;
}

static bool add_extensions(X509 *cert, X509 *issuer, const struct extension *list)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	for (; list->nid != 0; list++) {
		X509_EXTENSION *extension =
		        X509V3_EXT_conf_nid(NULL, &context, list->nid, list->value);
		bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;

		X509_EXTENSION_free(extension);
		if (!ok)
			return false;
	}
	return true;
}

static bool fill_in(X509 *cert, const struct plan *plan)
{
	X509 *issuer = plan->ca == NULL ? cert : plan->ca->cert;
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	               (const unsigned char *)plan->common_name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
	       ASN1_TIME_set(X509_getm_notBefore(cert), plan->not_before / 1000) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), plan->not_after / 1000) != NULL &&
	       X509_set_pubkey(cert, plan->key) == 1 &&
	       add_extensions(cert, issuer, plan->extensions) &&
	       X509_sign(cert, plan->ca == NULL ? plan->self : plan->ca->key, EVP_sha256()) > 0;
}

static bool make(const struct plan *plan, struct buf *out, struct err *e)
{
	X509 *cert = X509_new();
	bool ok = cert != NULL && fill_in(cert, plan);

	ok = ok ? write_cert(cert, out, e) : fail(e, ERR_INTERNAL, "a certificate cannot be made");
	X509_free(cert);
	return ok;
}

bool x509_ca_new(const char *common_name, int64_t not_before, int64_t not_after,
        struct buf *cert_pem, struct buf *key_pem, struct err *e)
{
	static const struct extension extensions[] = {
	        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	        {NID_key_usage, "critical,keyCertSign,cRLSign"},
	        {NID_subject_key_identifier, "hash"},
	        {0, NULL},
	};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct plan plan = {.common_name = common_name,
	        .key = key,
	        .self = key,
	        .not_before = not_before,
	        .not_after = not_after,
	        .extensions = extensions};
	bool ok;

	if (key == NULL)
		return fail(e, ERR_INTERNAL, "a key cannot be made");
	ok = make(&plan, cert_pem, e) && write_key(key, key_pem, e);
	EVP_PKEY_free(key);
	return ok;
}

struct x509_ca *x509_ca_load(const char *cert_pem, const char *key_pem, struct err *e)
{
	struct x509_ca *ca = calloc(1, sizeof *ca);

	if (ca == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for a certificate authority");
		return NULL;
	}
	ca->cert = read_cert(cert_pem, e);
	ca->key = ca->cert == NULL ? NULL : read_key(key_pem, e);
	if (ca->key != NULL && X509_check_private_key(ca->cert, ca->key) == 1 &&
	        X509_check_ca(ca->cert) == 1)
		return ca;
	if (ca->key != NULL)
		(void)err_set(e, ERR_CONFIG, "certificate and key are not those of one CA");
	else if (e != NULL)
		e->code = ERR_CONFIG;
	ERR_clear_error();
	x509_ca_free(ca);
	return NULL;
}

void x509_ca_free(struct x509_ca *ca)
{
	if (ca == NULL)
		return;
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
	free(ca);
}

/* "DNS:a,IP:127.0.0.1": from names that cannot break out of it. */
static bool alternative_names(const char *const *hosts, struct buf *out, struct err *e)
{
	static const char allowed[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:*_";

	for (; *hosts != NULL; hosts++) {
		unsigned char address[sizeof(struct in6_addr)];
		bool ip = inet_pton(AF_INET, *hosts, address) == 1 ||
		          inet_pton(AF_INET6, *hosts, address) == 1;

		if ((*hosts)[0] == '\0' || (*hosts)[strspn(*hosts, allowed)] != '\0' ||
		        (!ip && strchr(*hosts, ':') != NULL))
			return err_set(e, ERR_INVALID, "this is no host name: %.80s", *hosts);
		buf_printf(out, "%s%s:%s", out->len > 0 ? "," : "", ip ? "IP" : "DNS", *hosts);
	}
	if (out->failed || out->len == 0)
		return err_set(e, ERR_INVALID, "there are no or too many host names");
	return true;
}

bool x509_ca_server(const struct x509_ca *ca, const char *key_pem, const char *const *hosts,
        int64_t not_before, int64_t not_after, struct buf *cert_pem, struct err *e)
{
	struct buf names = BUF_INIT(HOSTS_MAX_BYTES);
	EVP_PKEY *key = NULL;
	bool ok = alternative_names(hosts, &names, e) && (key = read_key(key_pem, e)) != NULL;

	if (ok) {
		const struct extension extensions[] = {
		        {NID_basic_constraints, "critical,CA:FALSE"},
		        {NID_key_usage, "critical,digitalSignature"},
		        {NID_ext_key_usage, "serverAuth"},
		        {NID_subject_alt_name, buf_text(&names)},
		        {NID_subject_key_identifier, "hash"},
		        {NID_authority_key_identifier, "keyid"},
		        {0, NULL},
		};
		struct plan plan = {.common_name = hosts[0],
		        .key = key,
		        .ca = ca,
		        .not_before = not_before,
		        .not_after = not_after,
		        .extensions = extensions};
		ok = make(&plan, cert_pem, e);
	}
	EVP_PKEY_free(key);
	buf_free(&names);
	return ok;
}

static bool make_client(const struct x509_ca *ca, EVP_PKEY *key, const char *common_name,
        int64_t not_before, int64_t not_after, struct buf *cert_pem, struct err *e)
{
	static const struct extension extensions[] = {
	        {NID_basic_constraints, "critical,CA:FALSE"},
	        {NID_key_usage, "critical,digitalSignature"},
	        {NID_ext_key_usage, "clientAuth"},
	        {NID_subject_key_identifier, "hash"},
	        {NID_authority_key_identifier, "keyid"},
	        {0, NULL},
	};
	struct plan plan = {.common_name = common_name,
	        .key = key,
	        .ca = ca,
	        .not_before = not_before,
	        .not_after = not_after,
	        .extensions = extensions};

	return make(&plan, cert_pem, e);
}

bool x509_ca_client(const struct x509_ca *ca, const char *key_pem, const char *common_name,
        int64_t not_before, int64_t not_after, struct buf *cert_pem, struct err *e)
{
	EVP_PKEY *key = read_key(key_pem, e);
	bool ok = key != NULL &&
	          make_client(ca, key, common_name, not_before, not_after, cert_pem, e);

	EVP_PKEY_free(key);
	return ok;
}

bool x509_ca_sign(const struct x509_ca *ca, const char *csr_pem, const char *common_name,
        int64_t not_before, int64_t not_after, struct buf *cert_pem, struct err *e)
{
	EVP_PKEY *key = csr_key(csr_pem, e);
	bool ok = key != NULL &&
	          make_client(ca, key, common_name, not_before, not_after, cert_pem, e);

	EVP_PKEY_free(key);
	return ok;
}

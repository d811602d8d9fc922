/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/x509.h"

#include "lib/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Requests of keys that are not taken, and a key under a password; made for this test. */
static const char rsa_csr[] = "-----BEGIN CERTIFICATE REQUEST-----\n"
                              "MIICUTCCATkCAQAwDDEKMAgGA1UEAwwBeDCCASIwDQYJKoZIhvcNAQEBBQADggEP\n"
                              "ADCCAQoCggEBAKQpFA/D5NQ7CYBMuMF5AyVxNq6f4Sc+9da1R0gXur99SwHdQLIf\n"
                              "am1XwMBmGDzGmpiEt7uFkTW0jas3Lg55UyrIuhWClFEIKul5Sy2BE3EqU5S6HQ/e\n"
                              "evKEnFmvo6UkJ+Vx69neoP3gtq8DkPHQ2LtZC+/N+ucJ5yji98a6d5ihtkCocnz3\n"
                              "YJXDjM58zwFgLA2fAcs2p85Huy2HS/abw9Ra6iv+QVeEgGiJkjaivDszZwHhouYa\n"
                              "zUIqdsFNlt0ugBgwGFpvAatRlG2FsGyQGV0d2b5v0cKjmJ6OQcA6q/SF8unmmlZj\n"
                              "nt7i8pJS6fENw74QXO5jLHS8iH39Vg6IK7sCAwEAAaAAMA0GCSqGSIb3DQEBCwUA\n"
                              "A4IBAQBQ9cCcQ78OyVA2wbai2S75oFeqIxByRLf1ZB6FkYSgZNmGPB6BKI1BKDMX\n"
                              "7N3Fxi3LFqJ+kvybr/SPF/5ll4f7xSvRj2tYvmu/6Kbm1q8piE4j/IZkHRrwftEP\n"
                              "cRf1MHET50Y1KL3Za5joUH8fKUBtT1zDK2YnL2y9oGiZOi5oETQoR+XoOeI5FksT\n"
                              "3doxzWq5SHCXx7zaVCM4fwfcAf5vDgHTSLJ4TJRwxFS1Q389InynIrezUPEdma1J\n"
                              "sM4mjrWnwMX4Lt/Qw2i+5wG0V/uKkzKKuQAmFd+XGI5bDbT6rhTbSFNg8MV3gfEV\n"
                              "82aoKXC0iAvM30UdvO9XNwoyUL4/\n"
                              "-----END CERTIFICATE REQUEST-----\n";

static const char p384_csr[] = "-----BEGIN CERTIFICATE REQUEST-----\n"
                               "MIIBAzCBiwIBADAMMQowCAYDVQQDDAF4MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE\n"
                               "qG/grN6/CwXnaNaqhkqki/tmHVzB/mJDMoEGgoLpJ3/FmoV6Fdc/IhTdpUp7THej\n"
                               "d0k/gxEbvc7W4l9KjAhmH1iZ1BSJKWSSHzLmrri1AxviGCFCRV2tXUQE4AVU8CgR\n"
                               "oAAwCgYIKoZIzj0EAwIDZwAwZAIwYTwECfdHHavmCYcE1ktk9/HkXRtVMLRzK0H6\n"
                               "Z00erRyARJhnt/xpwHET1OqFe+DLAjAdRIHu3GXJAxxvDBG4k2PywB4/CHPF1WTS\n"
                               "0MJ1kZjy7Dl5wgqPibpmcq/0K4utcCo=\n"
                               "-----END CERTIFICATE REQUEST-----\n";

static const char locked_key[] =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiNGt5j5DIqKQICCAAw\n"
        "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEALAlMfm1uQtyiUUN6hzWIoEgZBB\n"
        "H88OaRlS7GzowE4RQ+PK7sj0aViku5ztXjFHwpBmzDijVa0HIhJ4z4Rx3VPnuDLj\n"
        "lfWzVqHtIMlao83zlK/R2WiRpVxM78/hTJgrbZPgiKbCi7AVeHy6rE+gl4VnAwwj\n"
        "q5X6K4yYVzo7Dig1+V/diN7LM5b9GgvhTi8cA9qitlUkKbPtliU3z6ZQ/5EvT/Y=\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n";

enum { ROOM = 20000 };
static const int64_t start = 1795338000000; /* 2026-11-22T09:00:00Z */
static const int64_t day = 86400000;

struct world {
	struct buf ca_pem, ca_key, key, csr, cert;
	struct x509_ca *ca;
	struct err e;
};

static int make_world(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	if (w == NULL)
		return -1;
	w->ca_pem = w->ca_key = w->key = w->csr = w->cert = BUF_INIT(ROOM);
	*state = w;
	if (!x509_ca_new(
	            "Agents of a test", start, start + 3650 * day, &w->ca_pem, &w->ca_key, &w->e) ||
	        !x509_key_new(&w->key, &w->e) || !x509_csr_new(w->key.data, &w->csr, &w->e))
		return -1;
	w->ca = x509_ca_load(w->ca_pem.data, w->ca_key.data, &w->e);
	return w->ca == NULL ? -1 : 0;
}

static int end_world(void **state)
{
	struct world *w = *state;

	x509_ca_free(w->ca);
	file_wipe(&w->ca_key);
	file_wipe(&w->key);
	buf_free(&w->ca_pem);
	buf_free(&w->csr);
	buf_free(&w->cert);
	free(w);
	return 0;
}

static void a_signed_request_has_the_name_and_times_of_the_server_and_its_own_key(void **state)
{
	struct world *w = *state;
	unsigned char hash[CRYPTO_HASH];
	struct x509_info info;

	assert_true(x509_csr_key_hash(w->csr.data, hash, &w->e));
	assert_true(x509_ca_sign(w->ca, w->csr.data, "ag_0123456789abcdefghijkl", start,
	        start + 90 * day, &w->cert, &w->e));
	assert_true(x509_read(w->cert.data, &info, &w->e));
	assert_string_equal(info.common_name, "ag_0123456789abcdefghijkl");
	assert_memory_equal(info.key_hash, hash, sizeof hash);
	assert_int_equal(info.not_before, start);
	assert_int_equal(info.not_after, start + 90 * day);
	assert_false(info.is_ca);
	assert_int_equal(strlen(info.serial), 32);
	assert_int_equal(strspn(info.serial, "0123456789ABCDEF"), 32);
	assert_true(x509_key_fits(w->cert.data, w->key.data));
	assert_false(x509_key_fits(w->cert.data, w->ca_key.data));
}

static void two_certificates_never_share_a_serial(void **state)
{
	struct world *w = *state;
	struct x509_info a, b;

	assert_true(x509_ca_sign(w->ca, w->csr.data, "a", start, start + day, &w->cert, &w->e));
	assert_true(x509_read(w->cert.data, &a, &w->e));
	buf_reset(&w->cert);
	assert_true(x509_ca_sign(w->ca, w->csr.data, "a", start, start + day, &w->cert, &w->e));
	assert_true(x509_read(w->cert.data, &b, &w->e));
	assert_string_not_equal(a.serial, b.serial);
}

static void a_request_that_does_not_prove_a_p_256_key_is_refused(void **state)
{
	struct world *w = *state;
	unsigned char hash[CRYPTO_HASH];
	char *middle;

	assert_false(x509_csr_key_hash(rsa_csr, hash, &w->e));
	assert_int_equal(w->e.code, ERR_INVALID);
	assert_non_null(strstr(w->e.text, "not on P-256"));
	assert_false(x509_csr_key_hash(p384_csr, hash, &w->e));
	assert_non_null(strstr(w->e.text, "not on P-256"));
	assert_false(x509_csr_key_hash("", hash, &w->e));
	assert_false(x509_csr_key_hash("no PEM at all", hash, &w->e));
	assert_false(x509_csr_key_hash(w->ca_pem.data, hash, &w->e));
	buf_puts(&w->csr, "more");
	assert_false(x509_csr_key_hash(w->csr.data, hash, &w->e));
	assert_non_null(strstr(w->e.text, "something follows"));
	w->csr.data[w->csr.len - 4] = '\0';
	assert_true(x509_csr_key_hash(w->csr.data, hash, &w->e));
	/* one letter near the end is one of the signature */
	middle = strstr(w->csr.data, "-----END") - 20;
	*middle = *middle == 'A' ? 'B' : 'A';
	assert_false(x509_csr_key_hash(w->csr.data, hash, &w->e));
	assert_int_equal(w->e.code, ERR_INVALID);
	assert_false(x509_ca_sign(w->ca, w->csr.data, "a", start, start + day, &w->cert, &w->e));
	assert_int_equal(w->cert.len, 0);
}

static void every_changed_letter_of_a_request_is_survived(void **state)
{
	struct world *w = *state;
	unsigned char hash[CRYPTO_HASH], changed[CRYPTO_HASH];

	assert_true(x509_csr_key_hash(w->csr.data, hash, &w->e));
	for (size_t i = 0; i < w->csr.len; i++) {
		char old = w->csr.data[i];

		w->csr.data[i] = old == 'x' ? 'y' : 'x';
		if (x509_csr_key_hash(w->csr.data, changed, &w->e))
			assert_memory_equal(hash, changed, sizeof hash); /* padding bits */
		w->csr.data[i] = old;
	}
}

static void a_ca_is_loaded_only_with_its_own_key(void **state)
{
	struct world *w = *state;

	assert_null(x509_ca_load(w->ca_pem.data, w->key.data, &w->e));
	assert_int_equal(w->e.code, ERR_CONFIG);
	assert_null(x509_ca_load("x", w->ca_key.data, &w->e));
	assert_int_equal(w->e.code, ERR_CONFIG);
	/* a leaf with its key is no CA */
	assert_true(x509_ca_client(
	        w->ca, w->key.data, "dispatch", start, start + day, &w->cert, &w->e));
	assert_null(x509_ca_load(w->cert.data, w->key.data, &w->e));
	assert_int_equal(w->e.code, ERR_CONFIG);
}

static void a_key_under_a_password_is_refused_without_asking(void **state)
{
	struct world *w = *state;

	assert_false(x509_csr_new(locked_key, &w->cert, &w->e));
	assert_int_equal(w->e.code, ERR_INVALID);
}

static void a_pinned_ca_is_found_in_a_bundle(void **state)
{
	struct world *w = *state;
	struct buf bundle = BUF_INIT(ROOM), other_key = BUF_INIT(ROOM), found = BUF_INIT(ROOM);
	struct x509_info info;

	assert_true(x509_read(w->ca_pem.data, &info, &w->e));
	assert_true(info.is_ca);
	assert_true(x509_ca_new("Another", start, start + day, &bundle, &other_key, &w->e));
	assert_false(x509_pinned(bundle.data, info.key_hash, &found, &w->e));
	assert_int_equal(w->e.code, ERR_DENIED);
	buf_puts(&bundle, w->ca_pem.data);
	assert_true(x509_pinned(bundle.data, info.key_hash, &found, &w->e));
	assert_string_equal(found.data, w->ca_pem.data);
	info.key_hash[31] ^= 1;
	assert_false(x509_pinned(bundle.data, info.key_hash, &found, &w->e));
	assert_false(x509_pinned("", info.key_hash, &found, &w->e));
	/* the pin of a leaf is none */
	assert_true(x509_ca_client(w->ca, w->key.data, "x", start, start + day, &w->cert, &w->e));
	assert_true(x509_read(w->cert.data, &info, &w->e));
	assert_false(x509_pinned(w->cert.data, info.key_hash, &found, &w->e));
	buf_free(&bundle);
	buf_free(&found);
	file_wipe(&other_key);
}

static void host_names_that_are_none_are_refused(void **state)
{
	struct world *w = *state;
	const char *const good[] = {"agents.localhost", "*.example", "127.0.0.1", "::1", NULL};
	const char *const bad[] = {"a,DNS:b", "a b", "", "a:443", "a\nb", "email:x@y"};

	assert_true(x509_ca_server(w->ca, w->key.data, good, start, start + day, &w->cert, &w->e));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *const hosts[] = {"fine", bad[i], NULL};
		assert_false(x509_ca_server(
		        w->ca, w->key.data, hosts, start, start + day, &w->cert, &w->e));
		assert_int_equal(w->e.code, ERR_INVALID);
	}
	assert_false(
	        x509_ca_server(w->ca, w->key.data, &good[4], start, start + day, &w->cert, &w->e));
}

static void a_buffer_without_room_is_an_error(void **state)
{
	struct world *w = *state;
	struct buf small = BUF_INIT(10);

	assert_false(x509_ca_sign(w->ca, w->csr.data, "a", start, start + day, &small, &w->e));
	assert_int_equal(w->e.code, ERR_LIMIT);
	buf_free(&small);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WORLD_TEST(a_signed_request_has_the_name_and_times_of_the_server_and_its_own_key),
	        WORLD_TEST(two_certificates_never_share_a_serial),
	        WORLD_TEST(a_request_that_does_not_prove_a_p_256_key_is_refused),
	        WORLD_TEST(every_changed_letter_of_a_request_is_survived),
	        WORLD_TEST(a_ca_is_loaded_only_with_its_own_key),
	        WORLD_TEST(a_key_under_a_password_is_refused_without_asking),
	        WORLD_TEST(a_pinned_ca_is_found_in_a_bundle),
	        WORLD_TEST(host_names_that_are_none_are_refused),
	        WORLD_TEST(a_buffer_without_room_is_an_error),
	};
	struct err e = ERR_CLEAR;

	if (!crypto_init(&e))
		return 1;
	return cmocka_run_group_tests_name("x509", tests, NULL, NULL);
}

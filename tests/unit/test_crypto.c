/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/crypto.h"
#include "tests/helpers/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void unhex(const char *hex, unsigned char *out, size_t size)
{
	size_t len = 0;

	assert_true(crypto_hex_decode(hex, strlen(hex), out, size, &len));
	assert_int_equal(len, size);
}

static void assert_hex(const unsigned char *data, size_t len, const char *expected)
{
	char hex[2 * 64 + 1];

	assert_true(len <= 64);
	crypto_hex(data, len, hex);
	assert_string_equal(hex, expected);
}

static void sha256_gives_the_values_of_fips_180_and_rfc_6962(void **state)
{
	unsigned char hash[CRYPTO_HASH];

	(void)state;
	crypto_sha256("abc", 3, hash);
	assert_hex(hash, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256("", 0, hash);
	assert_hex(hash, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	crypto_sha256_prefixed(0, "", 0, hash); /* the leaf of the empty entry */
	assert_hex(hash, 32, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

static void a_fingerprint_is_blake2b_of_sixteen_bytes(void **state)
{
	unsigned char print[CRYPTO_FINGERPRINT];

	(void)state;
	crypto_fingerprint("abc", 3, print);
	assert_hex(print, 16, "cf4ab791c62b8d2b2109c90275287816");
	crypto_fingerprint("", 0, print);
	assert_hex(print, 16, "cae66941d9efbd404e4d88758ea67670");
}

static void hmac_gives_the_values_of_rfc_4231(void **state)
{
	/* HMAC fills short keys up with zeros, so that the RFC's short keys fit into 32 bytes. */
	unsigned char key[CRYPTO_KEY] = {0}, hash[CRYPTO_HASH];

	(void)state;
	memset(key, 0x0b, 20);
	crypto_hmac_sha256(key, "Hi There", 8, hash);
	assert_hex(hash, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	memset(key, 0, sizeof key);
	memcpy(key, "Jefe", 4);
	crypto_hmac_sha256(key, "what do ya want for nothing?", 28, hash);
	assert_hex(hash, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void a_derived_key_is_the_hmac_of_its_named_purpose(void **state)
{
	unsigned char master[CRYPTO_KEY], a[CRYPTO_KEY], b[CRYPTO_KEY];

	(void)state;
	crypto_random(master, sizeof master);
	crypto_derive(master, "csrf", a);
	crypto_hmac_sha256(master, "fleetport/csrf", 14, b);
	assert_memory_equal(a, b, sizeof a);
	crypto_derive(master, "index", b);
	assert_memory_not_equal(a, b, sizeof a);
}

struct ed25519_vector {
	const char *seed, *public_key, *message, *signature;
};

static void ed25519_gives_the_values_of_rfc_8032(void **state)
{
	static const struct ed25519_vector vectors[] = {
	        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590"
	                "a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "r",
	                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e"
	                "15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct ed25519_vector *v = &vectors[i];
		unsigned char secret[CRYPTO_SIGN_SECRET], public_key[CRYPTO_SIGN_PUBLIC];
		unsigned char signature[CRYPTO_SIGNATURE];

		unhex(v->seed, secret, 32);
		unhex(v->public_key, public_key, 32);
		memcpy(secret + 32, public_key, 32);
		crypto_signature(secret, v->message, strlen(v->message), signature);
		assert_hex(signature, sizeof signature, v->signature);
		assert_true(crypto_verify(public_key, v->message, strlen(v->message), signature));
		assert_false(crypto_verify(public_key, "other", 5, signature));
		signature[0] ^= 1;
		assert_false(crypto_verify(public_key, v->message, strlen(v->message), signature));
	}
}

static void a_new_key_pair_signs_what_its_public_key_verifies(void **state)
{
	unsigned char secret[CRYPTO_SIGN_SECRET], ours[CRYPTO_SIGN_PUBLIC];
	unsigned char other[CRYPTO_SIGN_PUBLIC], signature[CRYPTO_SIGNATURE];

	(void)state;
	crypto_keypair(other, secret);
	crypto_keypair(ours, secret);
	crypto_signature(secret, "text", 4, signature);
	assert_true(crypto_verify(ours, "text", 4, signature));
	assert_false(crypto_verify(other, "text", 4, signature));
}

static void sealed_text_opens_only_unchanged_and_with_its_key_and_place(void **state)
{
	unsigned char key[CRYPTO_KEY], sealed[5 + CRYPTO_SEAL_OVERHEAD], plain[5];

	(void)state;
	crypto_random(key, sizeof key);
	crypto_seal(key, "a.b.1", 5, "hello", 5, sealed);
	assert_true(crypto_open(key, "a.b.1", 5, sealed, sizeof sealed, plain));
	assert_memory_equal(plain, "hello", 5);
	assert_false(crypto_open(key, "a.b.2", 5, sealed, sizeof sealed, plain));
	assert_false(crypto_open(key, "a.b.1", 5, sealed, sizeof sealed - 1, plain));
	assert_false(crypto_open(key, "a.b.1", 5, sealed, CRYPTO_SEAL_OVERHEAD - 1, plain));
	for (size_t i = 0; i < sizeof sealed; i++) {
		sealed[i] ^= 0x10;
		assert_false(crypto_open(key, "a.b.1", 5, sealed, sizeof sealed, plain));
		sealed[i] ^= 0x10;
	}
	key[0] ^= 1;
	assert_false(crypto_open(key, "a.b.1", 5, sealed, sizeof sealed, plain));
}

static void an_empty_text_can_be_sealed(void **state)
{
	unsigned char key[CRYPTO_KEY], sealed[CRYPTO_SEAL_OVERHEAD], plain[1];

	(void)state;
	crypto_random(key, sizeof key);
	crypto_seal(key, NULL, 0, NULL, 0, sealed);
	assert_true(crypto_open(key, NULL, 0, sealed, sizeof sealed, plain));
	assert_false(crypto_open(key, "x", 1, sealed, sizeof sealed, plain));
}

static void a_password_fits_its_own_hash_only(void **state)
{
	char hash[CRYPTO_PASSWORD_HASH];
	bool match = false, stale = true;
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(crypto_password_hash("correct horse", 13, hash, &e));
	assert_non_null(strstr(hash, "$argon2id$"));
	assert_non_null(strstr(hash, "m=65536,t=3,"));
	assert_true(crypto_password_verify(hash, "correct horse", 13, &match, &stale, &e));
	assert_true(match);
	assert_false(stale);
	assert_true(crypto_password_verify(hash, "correct horsf", 13, &match, NULL, &e));
	assert_false(match);
}

static void a_damaged_password_hash_is_an_error_and_not_a_wrong_password(void **state)
{
	struct err e = ERR_CLEAR;
	bool match = true;

	(void)state;
	assert_false(crypto_password_verify("$argon2id$nonsense", "x", 1, &match, NULL, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
}

static void base64_gives_the_values_of_rfc_4648(void **state)
{
	static const char *const pairs[][3] = {
	        {"", "", ""},
	        {"f", "Zg==", "Zg"},
	        {"fo", "Zm8=", "Zm8"},
	        {"foo", "Zm9v", "Zm9v"},
	        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	        {"\xfb\xff", "+/8=", "-_8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		char text[16];
		unsigned char back[8];
		size_t len = 0, plain_len = strlen(pairs[i][0]);

		crypto_base64(pairs[i][0], plain_len, text);
		assert_string_equal(text, pairs[i][1]);
		assert_true(crypto_base64_decode(text, strlen(text), back, sizeof back, &len));
		assert_int_equal(len, plain_len);
		assert_memory_equal(back, pairs[i][0], plain_len);
		crypto_base64url(pairs[i][0], plain_len, text);
		assert_string_equal(text, pairs[i][2]);
		assert_true(crypto_base64url_decode(text, strlen(text), back, sizeof back, &len));
		assert_int_equal(len, plain_len);
	}
}

static void text_forms_write_no_byte_more_than_they_need(void **state)
{
	static const unsigned char data[40];
	char text[100];

	(void)state;
	for (size_t len = 0; len <= sizeof data; len++) {
		size_t used;

		memset(text, 'x', sizeof text);
		crypto_base64url(data, len, text);
		used = strlen(text);
		assert_int_equal(used, (len * 4 + 2) / 3);
		for (size_t i = used + 1; i < sizeof text; i++)
			assert_int_equal(text[i], 'x');
		memset(text, 'x', sizeof text);
		crypto_base64(data, len, text);
		assert_int_equal(strlen(text) + 1, CRYPTO_BASE64_SIZE(len));
		for (size_t i = strlen(text) + 1; i < sizeof text; i++)
			assert_int_equal(text[i], 'x');
		memset(text, 'x', sizeof text);
		crypto_hex(data, len, text);
		assert_int_equal(strlen(text), 2 * len);
		for (size_t i = 2 * len + 1; i < sizeof text; i++)
			assert_int_equal(text[i], 'x');
	}
}

static void base64_of_another_form_is_refused(void **state)
{
	static const char *const standard[] = {"Zg", "Zg=", "Zg===", "Zh==", "Z", "Zg==\n",
	        " Zg==", "Zm9v Zg==", "-_8=", "Zg==Zg==", "=", "Zm9v!"};
	static const char *const url[] = {"Zg==", "Zh", "Z", "+/8", "Zg\n", "Z g", "Zm9v="};
	unsigned char out[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++)
		assert_false(crypto_base64_decode(
		        standard[i], strlen(standard[i]), out, sizeof out, &len));
	for (size_t i = 0; i < sizeof url / sizeof url[0]; i++)
		assert_false(
		        crypto_base64url_decode(url[i], strlen(url[i]), out, sizeof out, &len));
	/* one byte too many for the room given */
	assert_false(crypto_base64_decode("Zm9v", 4, out, 2, &len));
	/* a NUL inside the text */
	assert_false(crypto_base64_decode("Zm\0v", 4, out, sizeof out, &len));
}

static void hex_of_another_form_is_refused(void **state)
{
	unsigned char out[4];
	size_t len;

	(void)state;
	assert_true(crypto_hex_decode("00fF", 4, out, sizeof out, &len));
	assert_int_equal(len, 2);
	assert_int_equal(out[1], 0xff);
	assert_false(crypto_hex_decode("0", 1, out, sizeof out, &len));
	assert_false(crypto_hex_decode("0g", 2, out, sizeof out, &len));
	assert_false(crypto_hex_decode("00:00", 5, out, sizeof out, &len));
	assert_false(crypto_hex_decode("0000000000", 10, out, sizeof out, &len));
}

static void random_ids_have_a_prefix_and_22_letters_and_digits(void **state)
{
	char a[3 + 23], b[3 + 23];

	(void)state;
	crypto_random_id("ag_", a);
	crypto_random_id("ag_", b);
	assert_int_equal(strlen(a), 25);
	assert_memory_equal(a, "ag_", 3);
	assert_int_equal(strspn(a + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                               "abcdefghijklmnopqrstuvwxyz"),
	        22);
	assert_string_not_equal(a, b);
}

static void an_invitation_code_is_read_as_people_type_it(void **state)
{
	char code[CRYPTO_CODE + 1];

	(void)state;
	/* 10 is 32 and has check symbol '*'; 14 is 36: 'U'; 15 is 37: '0' */
	assert_true(crypto_code_read("000000000000000000000010*", code));
	assert_true(crypto_code_read("000000000000000000000014U", code));
	assert_true(crypto_code_read("0000-0000-0000-0000-0000-0014-u", code));
	assert_string_equal(code, "000000000000000000000014U");
	assert_true(crypto_code_read("oooo OOOO 0000 0000 0000 00i5 o", code));
	assert_string_equal(code, "0000000000000000000000150");
	assert_true(crypto_code_read("0000000000000000000000L50", code));
}

static void a_mistyped_invitation_code_is_refused(void **state)
{
	char code[CRYPTO_CODE + 1], changed[CRYPTO_CODE + 1], read[CRYPTO_CODE + 1];
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	(void)state;
	assert_false(crypto_code_read("", code));
	assert_false(crypto_code_read("000000000000000000000010", code));
	assert_false(crypto_code_read("0000000000000000000000100*", code));
	assert_false(crypto_code_read("00000000000000000000001U*", code)); /* U only checks */
	assert_false(crypto_code_read("000000000000000000000010\n", code));
	crypto_code_new(code);
	assert_int_equal(strlen(code), CRYPTO_CODE);
	assert_true(crypto_code_read(code, read));
	assert_string_equal(code, read);
	/* every single wrong digit, and every two neighbours swapped, is noticed */
	for (int i = 0; i < CRYPTO_CODE - 1; i++) {
		for (const char *d = digits; *d != '\0'; d++) {
			memcpy(changed, code, sizeof code);
			changed[i] = *d;
			assert_int_equal(crypto_code_read(changed, read), *d == code[i]);
		}
		if (i + 1 < CRYPTO_CODE - 1 && code[i] != code[i + 1]) {
			memcpy(changed, code, sizeof code);
			changed[i] = code[i + 1];
			changed[i + 1] = code[i];
			assert_false(crypto_code_read(changed, read));
		}
	}
}

static void random_numbers_stay_below_their_limit_and_reach_all_of_it(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint32_t n = crypto_random_below(5);
		assert_true(n < 5);
		seen |= 1u << n;
	}
	assert_int_equal(seen, 31);
	assert_int_equal(crypto_random_below(1), 0);
}

static void a_key_file_is_written_once_and_read_back(void **state)
{
	const struct test_folder *f = *state;
	unsigned char key[32], back[32];
	struct err e = ERR_CLEAR;
	struct stat st;

	crypto_random(key, sizeof key);
	assert_true(crypto_key_write(f->file, key, sizeof key, &e));
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(crypto_key_read(f->file, back, sizeof back, &e));
	assert_memory_equal(key, back, sizeof key);
	assert_false(crypto_key_write(f->file, back, sizeof back, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
}

static void a_key_file_of_another_size_mode_or_kind_is_refused(void **state)
{
	const struct test_folder *f = *state;
	unsigned char key[32] = {1}, back[33] = {7};
	struct err e = ERR_CLEAR;

	assert_false(crypto_key_read(f->file, back, 32, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(crypto_key_write(f->file, key, sizeof key, &e));
	assert_false(crypto_key_read(f->file, back, 31, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_false(crypto_key_read(f->file, back, 33, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_int_equal(chmod(f->file, 0640), 0);
	assert_true(crypto_key_read(f->file, back, 32, &e));
	assert_int_equal(chmod(f->file, 0644), 0);
	assert_false(crypto_key_read(f->file, back, 32, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_int_equal(back[0], 0); /* nothing of a refused key is left */
	assert_false(crypto_key_read(f->path, back, 32, &e));
	assert_int_equal(e.code, ERR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sha256_gives_the_values_of_fips_180_and_rfc_6962),
	        cmocka_unit_test(a_fingerprint_is_blake2b_of_sixteen_bytes),
	        cmocka_unit_test(hmac_gives_the_values_of_rfc_4231),
	        cmocka_unit_test(a_derived_key_is_the_hmac_of_its_named_purpose),
	        cmocka_unit_test(ed25519_gives_the_values_of_rfc_8032),
	        cmocka_unit_test(a_new_key_pair_signs_what_its_public_key_verifies),
	        cmocka_unit_test(sealed_text_opens_only_unchanged_and_with_its_key_and_place),
	        cmocka_unit_test(an_empty_text_can_be_sealed),
	        cmocka_unit_test(a_password_fits_its_own_hash_only),
	        cmocka_unit_test(a_damaged_password_hash_is_an_error_and_not_a_wrong_password),
	        cmocka_unit_test(base64_gives_the_values_of_rfc_4648),
	        cmocka_unit_test(text_forms_write_no_byte_more_than_they_need),
	        cmocka_unit_test(base64_of_another_form_is_refused),
	        cmocka_unit_test(hex_of_another_form_is_refused),
	        cmocka_unit_test(random_ids_have_a_prefix_and_22_letters_and_digits),
	        cmocka_unit_test(an_invitation_code_is_read_as_people_type_it),
	        cmocka_unit_test(a_mistyped_invitation_code_is_refused),
	        cmocka_unit_test(random_numbers_stay_below_their_limit_and_reach_all_of_it),
	        cmocka_unit_test_setup_teardown(a_key_file_is_written_once_and_read_back,
	                test_folder_begin, test_folder_end),
	        cmocka_unit_test_setup_teardown(a_key_file_of_another_size_mode_or_kind_is_refused,
	                test_folder_begin, test_folder_end),
	};
	struct err e = ERR_CLEAR;

	if (!crypto_init(&e))
		return 1;
	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CANCEL "fleetport.cancel/1"
#define ACK    "fleetport.ack/1"

static const char *const cancel_only[] = {CANCEL, NULL};
static const char *const both[] = {CANCEL, ACK, NULL};

struct keys {
	unsigned char public_key[CRYPTO_SIGN_PUBLIC], secret_key[CRYPTO_SIGN_SECRET];
	char id[ENVELOPE_FINGERPRINT_SIZE];
	unsigned asked;
};

static bool find(void *context, const char *key_id, unsigned char out[CRYPTO_SIGN_PUBLIC])
{
	struct keys *keys = context;

	keys->asked++;
	if (strcmp(key_id, keys->id) != 0)
		return false;
	memcpy(out, keys->public_key, CRYPTO_SIGN_PUBLIC);
	return true;
}

static void make_keys(struct keys *keys)
{
	*keys = (struct keys){.asked = 0};
	crypto_keypair(keys->public_key, keys->secret_key);
	assert_int_equal(strlen(envelope_key_id(keys->public_key, keys->id)), 22);
}

static void seal(const struct keys *keys, const char *schema, const char *payload, struct buf *out)
{
	struct err e = ERR_CLEAR;

	*out = BUF_INIT(ENVELOPE_MAX);
	if (!envelope_seal(keys->id, keys->secret_key, schema, payload, strlen(payload), out, &e))
		fail_msg("%s", e.text);
}

static void assert_open_fails(
        struct keys *keys, const char *text, enum err_code code, const char *reason)
{
	struct buf out = BUF_INIT(ENVELOPE_MAX);
	struct err e = ERR_CLEAR;

	if (envelope_open(text, strlen(text), cancel_only, find, keys, &out, NULL, &e))
		fail_msg("opened: %s", text);
	if (e.code != code || strstr(e.text, reason) == NULL)
		fail_msg("%s: said %s \"%s\"", text, err_name(e.code), e.text);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void what_was_sealed_opens_with_its_payload_byte_by_byte(void **state)
{
	static const char payload[] = "{ \"schema\" : \"" ACK "\",\"x\":[1,2]\n}";
	struct buf text, out = BUF_INIT(1000);
	struct err e = ERR_CLEAR;
	struct keys keys;
	size_t which = 7;

	(void)state;
	make_keys(&keys);
	seal(&keys, ACK, payload, &text);
	assert_true(envelope_open(text.data, text.len, both, find, &keys, &out, &which, &e));
	assert_string_equal(buf_text(&out), payload);
	assert_int_equal(which, 1);
	buf_free(&text);
	buf_free(&out);
}

static void every_changed_byte_of_an_envelope_is_noticed(void **state)
{
	static const char payload[] = "{\"schema\":\"" CANCEL "\",\"attempt\":1}";
	struct buf text, out = BUF_INIT(1000);
	struct err e = ERR_CLEAR;
	struct keys keys;

	(void)state;
	make_keys(&keys);
	seal(&keys, CANCEL, payload, &text);
	for (size_t i = 0; i < text.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			text.data[i] ^= (char)(1 << bit);
			assert_false(envelope_open(
			        text.data, text.len, both, find, &keys, &out, NULL, &e));
			text.data[i] ^= (char)(1 << bit);
		}
		assert_false(envelope_open(text.data, i, both, find, &keys, &out, NULL, &e));
	}
	assert_true(envelope_open(text.data, text.len, both, find, &keys, &out, NULL, &e));
	buf_free(&text);
	buf_free(&out);
}

static void a_message_of_one_schema_is_never_taken_for_another(void **state)
{
	struct buf text;
	struct keys keys;

	(void)state;
	make_keys(&keys);
	seal(&keys, ACK, "{\"schema\":\"" ACK "\"}", &text);
	assert_open_fails(&keys, text.data, ERR_DENIED, "signature");
	buf_free(&text);
	/* signed as a cancel, but saying that it is an ack */
	seal(&keys, CANCEL, "{\"schema\":\"" ACK "\"}", &text);
	assert_open_fails(&keys, text.data, ERR_INVALID, "$.schema");
	buf_free(&text);
	seal(&keys, CANCEL, "{}", &text);
	assert_open_fails(&keys, text.data, ERR_INVALID, "$.schema");
	buf_free(&text);
	seal(&keys, CANCEL, "[\"schema\"]", &text);
	assert_open_fails(&keys, text.data, ERR_INVALID, "$.schema");
	buf_free(&text);
}

static void a_payload_is_not_read_before_its_signature_is_good(void **state)
{
	struct keys keys, other;
	struct buf text;

	(void)state;
	make_keys(&keys);
	make_keys(&other);
	memcpy(other.id, keys.id, sizeof keys.id); /* claims to be the known key */
	seal(&other, CANCEL, "not even JSON", &text);
	assert_open_fails(&keys, text.data, ERR_DENIED, "signature");
	buf_free(&text);
	seal(&keys, CANCEL, "not even JSON", &text);
	assert_open_fails(&keys, text.data, ERR_INVALID, "payload: $:");
	buf_free(&text);
}

static void an_unknown_key_is_refused(void **state)
{
	struct keys keys, other;
	struct buf text;

	(void)state;
	make_keys(&keys);
	make_keys(&other);
	seal(&other, CANCEL, "{\"schema\":\"" CANCEL "\"}", &text);
	assert_open_fails(&keys, text.data, ERR_DENIED, "no such key");
	buf_free(&text);
}

static void what_is_no_envelope_is_refused_before_any_key_is_asked_for(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "null", "{\"keyId\":\"a\"}",
	        "{\"keyId\":\"a\",\"payload\":\"e30=\",\"signature\":\"AAAA\"}",
	        "{\"keyId\":1,\"payload\":\"e30=\",\"signature\":\"AAAA\"}",
	        "{\"keyId\":\"a\",\"payload\":{},\"signature\":\"AAAA\"}"};
	static const char zeros[] =
	        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	        "AAAAAAAAAAAAAAAAAAAAAA==";
	char text[400];
	struct keys keys;

	(void)state;
	make_keys(&keys);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_open_fails(&keys, bad[i], ERR_INVALID, "$");
	snprintf(text, sizeof text, "{\"keyId\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
	        "a b", "e30=", zeros);
	assert_open_fails(&keys, text, ERR_INVALID, "$.keyId");
	snprintf(text, sizeof text, "{\"keyId\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
	        "a", "e30", zeros);
	assert_open_fails(&keys, text, ERR_INVALID, "$.payload");
	snprintf(text, sizeof text,
	        "{\"keyId\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\",\"more\":1}", "a",
	        "e30=", zeros);
	assert_open_fails(&keys, text, ERR_INVALID, "nothing else");
	assert_int_equal(keys.asked, 0);
	snprintf(text, sizeof text, "{\"keyId\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
	        "a", "e30=", zeros);
	assert_open_fails(&keys, text, ERR_DENIED, "no such key");
}

static void a_message_that_is_too_large_is_not_sealed(void **state)
{
	struct buf payload = BUF_INIT(200000), out = BUF_INIT(ENVELOPE_MAX);
	struct err e = ERR_CLEAR;
	struct keys keys;

	(void)state;
	make_keys(&keys);
	buf_puts(&payload, "{\"schema\":\"" CANCEL "\",\"text\":\"");
	while (payload.len < 49200)
		buf_putc(&payload, 'x');
	buf_puts(&payload, "\"}");
	assert_false(envelope_seal(
	        keys.id, keys.secret_key, CANCEL, payload.data, payload.len, &out, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(out.len, 0);
	payload.data[48000] = '"';
	payload.data[48001] = '}';
	assert_true(envelope_seal(keys.id, keys.secret_key, CANCEL, payload.data, 48002, &out, &e));
	assert_true(out.len <= ENVELOPE_MAX);
	buf_free(&payload);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_sealed_opens_with_its_payload_byte_by_byte),
	        cmocka_unit_test(every_changed_byte_of_an_envelope_is_noticed),
	        cmocka_unit_test(a_message_of_one_schema_is_never_taken_for_another),
	        cmocka_unit_test(a_payload_is_not_read_before_its_signature_is_good),
	        cmocka_unit_test(an_unknown_key_is_refused),
	        cmocka_unit_test(what_is_no_envelope_is_refused_before_any_key_is_asked_for),
	        cmocka_unit_test(a_message_that_is_too_large_is_not_sealed),
	};
	struct err e = ERR_CLEAR;

	if (!crypto_init(&e))
		return 1;
	return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}

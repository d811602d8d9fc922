/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/enrolment.h"

#include "lib/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CODE "0000-0000-0000-0000-0000-0014-U"
#define PIN  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static int make_arena(void **state)
{
	*state = arena_new(1 << 20);
	return *state == NULL ? -1 : 0;
}

static int end_arena(void **state)
{
	arena_free(*state);
	return 0;
}

static void an_invitation_is_read_and_written_again(void **state)
{
	struct enrolment_invitation invitation;
	char text[ENROLMENT_TEXT_SIZE];
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(
	        enrolment_invitation_read("agents.example:8443#" CODE "#" PIN, &invitation, &e));
	assert_string_equal(invitation.host, "agents.example:8443");
	assert_string_equal(invitation.code, "000000000000000000000014U");
	assert_int_equal(invitation.pin[31], 31);
	enrolment_invitation_text(&invitation, text);
	assert_string_equal(text, "agents.example:8443#000000000000000000000014U#" PIN);
}

static void a_mistyped_invitation_says_which_part_is_wrong_and_not_what_it_was(void **state)
{
	static const char *const bad[][2] = {
	        {"", "HOST#CODE#PIN"},
	        {"agents.example#" CODE, "HOST#CODE#PIN"},
	        {"#" CODE "#" PIN, "HOST"},
	        {"https://agents.example#" CODE "#" PIN, "HOST"},
	        {"agents.example:0#" CODE "#" PIN, "HOST"},
	        {"agents.example:x#" CODE "#" PIN, "HOST"},
	        {"agents example#" CODE "#" PIN, "HOST"},
	        {"a@b#" CODE "#" PIN, "HOST"},
	        {"agents.example#1" CODE "#" PIN, "CODE"},
	        {"agents.example##" PIN, "CODE"},
	        {"agents.example#" CODE "#" PIN "A", "PIN"},
	        {"agents.example#" CODE "#", "PIN"},
	        {"agents.example#" CODE "#" PIN "#", "PIN"},
	};
	struct enrolment_invitation invitation;
	struct err e = ERR_CLEAR;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (enrolment_invitation_read(bad[i][0], &invitation, &e))
			fail_msg("accepted: %s", bad[i][0]);
		assert_int_equal(e.code, ERR_INVALID);
		if (strstr(e.text, bad[i][1]) == NULL)
			fail_msg("%s: said %s", bad[i][0], e.text);
		assert_null(strstr(e.text, "0000"));
	}
}

static const struct enrolment_request sample = {.code = CODE,
        .csr = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        .event_key = {1, 2, 3},
        .type = "dc",
        .version = "1.0.0",
        .os_name = "Debian GNU/Linux",
        .os_version = "12",
        .os_product_type = ""};

static void a_request_arrives_as_it_was_written(void **state)
{
	struct enrolment_request read;
	struct buf b = BUF_INIT(ENROLMENT_MAX);
	struct err e = ERR_CLEAR;

	assert_true(enrolment_request_write(&sample, &b, &e));
	if (!enrolment_request_read(b.data, b.len, false, *state, &read, &e))
		fail_msg("%s", e.text);
	assert_string_equal(read.code, CODE);
	assert_string_equal(read.csr, sample.csr);
	assert_memory_equal(read.event_key, sample.event_key, CRYPTO_SIGN_PUBLIC);
	assert_string_equal(read.type, "dc");
	assert_string_equal(read.version, "1.0.0");
	assert_string_equal(read.os_name, "Debian GNU/Linux");
	assert_string_equal(read.os_version, "12");
	assert_string_equal(read.os_product_type, "");
	buf_free(&b);
}

static void a_renewal_carries_the_csr_alone(void **state)
{
	struct enrolment_request renewal = {.csr = sample.csr}, read;
	struct buf b = BUF_INIT(ENROLMENT_MAX);
	struct err e = ERR_CLEAR;

	assert_true(enrolment_request_write(&renewal, &b, &e));
	assert_null(strstr(b.data, "eventKey"));
	assert_true(enrolment_request_read(b.data, b.len, true, *state, &read, &e));
	assert_string_equal(read.csr, sample.csr);
	assert_null(read.code);
	assert_false(enrolment_request_read(b.data, b.len, false, *state, &read, &e));
	assert_non_null(strstr(e.text, "$.code"));
	buf_free(&b);
}

static void a_faulty_request_is_refused_with_the_place_of_its_fault(void **state)
{
#define KEY "\"eventKey\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""
	static const char *const bad[][2] = {
	        {"", "$"},
	        {"[]", "$: an object"},
	        {"{}", "$.csr"},
	        {"{\"csr\":1}", "$.csr"},
	        {"{\"csr\":\"\"}", "$.csr"},
	        {"{\"csr\":\"a\\u0001b\"}", "$.csr"},
	        {"{\"csr\":\"x\"}", "$.code"},
	        {"{\"csr\":\"x\",\"code\":\"a\\nb\"}", "$.code"},
	        {"{\"csr\":\"x\",\"code\":\"a\"}", "$.eventKey"},
	        {"{\"csr\":\"x\",\"code\":\"a\",\"eventKey\":\"AAAA\"}", "$.eventKey"},
	        {"{\"csr\":\"x\",\"code\":\"a\"," KEY "}", "$.agent:"},
	        {"{\"csr\":\"x\",\"code\":\"a\"," KEY ",\"agent\":[]}", "$.agent:"},
	        {"{\"csr\":\"x\",\"code\":\"a\"," KEY ",\"agent\":{}}", "$.agent.type"},
	        {"{\"csr\":\"x\",\"code\":\"a\"," KEY ",\"agent\":{\"type\":\"xx\","
	         "\"version\":\"1\"}}",
	                "$.agent.type"},
	        {"{\"csr\":\"x\",\"code\":\"a\"," KEY ",\"agent\":{\"type\":\"dc\"}}",
	                "$.agent.version"},
	        {"{\"csr\":\"x\",\"code\":\"a\"," KEY ",\"agent\":{\"type\":\"dc\","
	         "\"version\":\"1\",\"os\":\"linux\"}}",
	                "$.agent.os"},
	        {"{\"csr\":\"x\",\"csr\":\"y\"}", "$.csr: the name occurs twice"},
	};
	struct enrolment_request read;
	struct err e = ERR_CLEAR;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (enrolment_request_read(bad[i][0], strlen(bad[i][0]), false, *state, &read, &e))
			fail_msg("accepted: %s", bad[i][0]);
		assert_int_equal(e.code, ERR_INVALID);
		if (strstr(e.text, bad[i][1]) == NULL)
			fail_msg("%s: said %s", bad[i][0], e.text);
	}
}

static const struct enrolment_key keys[] = {
        {.key_id = "old", .key = {9}, .not_before = 1795338000000, .not_after = 1795338000001},
        {.key_id = "new-1", .key = {7, 7}, .not_before = 0, .not_after = 253402300799999},
};

static void an_answer_arrives_as_it_was_written(void **state)
{
	const struct enrolment_answer answer = {.agent_id = "ag_0123456789abcdefghijkl",
	        .certificate = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n",
	        .ca = "-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----\n",
	        .mqtt_host = "agents.example",
	        .mqtt_port = 443,
	        .mqtt_alpn = "mqtt",
	        .mqtt_keep_alive = 60,
	        .keys = keys,
	        .key_count = 2,
	        .interval_seconds = 300,
	        .jitter_seconds = 60};
	struct enrolment_answer read;
	struct buf b = BUF_INIT(ENROLMENT_MAX);
	struct err e = ERR_CLEAR;

	assert_true(enrolment_answer_write(&answer, &b, &e));
	if (!enrolment_answer_read(b.data, b.len, *state, &read, &e))
		fail_msg("%s", e.text);
	assert_string_equal(read.agent_id, answer.agent_id);
	assert_string_equal(read.certificate, answer.certificate);
	assert_string_equal(read.ca, answer.ca);
	assert_string_equal(read.mqtt_host, "agents.example");
	assert_int_equal(read.mqtt_port, 443);
	assert_string_equal(read.mqtt_alpn, "mqtt");
	assert_int_equal(read.mqtt_keep_alive, 60);
	assert_int_equal(read.interval_seconds, 300);
	assert_int_equal(read.jitter_seconds, 60);
	assert_int_equal(read.key_count, 2);
	assert_string_equal(read.keys[1].key_id, "new-1");
	assert_memory_equal(read.keys[1].key, keys[1].key, CRYPTO_SIGN_PUBLIC);
	assert_true(read.keys[1].not_after == 253402300799999);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_false(enrolment_answer_read(b.data, cut, *state, &read, &e));
	buf_free(&b);
}

static void the_file_of_operation_keys_is_written_and_read(void **state)
{
	char path[] = "test_enrolment.XXXXXX";
	struct buf b = BUF_INIT(10000);
	struct err e = ERR_CLEAR;
	const struct enrolment_key *read = NULL;
	size_t count = 0;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_true(enrolment_keys_write(keys, 2, &b, &e));
	assert_true(file_write(path, b.data, b.len, 0644, &e));
	assert_true(enrolment_keys_load(path, *state, &read, &count, &e));
	assert_int_equal(count, 2);
	assert_string_equal(read[0].key_id, "old");
	assert_true(read[0].not_before == 1795338000000);
	assert_true(file_write(path, "[{\"keyId\":\"a\"}]", 15, 0644, &e));
	assert_false(enrolment_keys_load(path, *state, &read, &count, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_int_equal(unlink(path), 0);
	assert_false(enrolment_keys_load(path, *state, &read, &count, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	buf_free(&b);
}

#define ARENA_TEST(name) cmocka_unit_test_setup_teardown(name, make_arena, end_arena)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_invitation_is_read_and_written_again),
	        cmocka_unit_test(
	                a_mistyped_invitation_says_which_part_is_wrong_and_not_what_it_was),
	        ARENA_TEST(a_request_arrives_as_it_was_written),
	        ARENA_TEST(a_renewal_carries_the_csr_alone),
	        ARENA_TEST(a_faulty_request_is_refused_with_the_place_of_its_fault),
	        ARENA_TEST(an_answer_arrives_as_it_was_written),
	        ARENA_TEST(the_file_of_operation_keys_is_written_and_read),
	};
	struct err e = ERR_CLEAR;

	if (!crypto_init(&e))
		return 1;
	return cmocka_run_group_tests_name("enrolment", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/access.h"
#include "core/passwords.h"
#include "core/people.h"
#include "tests/helpers/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
	char *folder;
	struct keys *keys;
	struct arena *arena;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct err e = ERR_CLEAR;

	assert_non_null(f);
	if (!crypto_init(&e))
		fail_msg("%s", e.text);
	f->folder = test_folder_new();
	f->arena = arena_new(1 << 20);
	if (!keys_create(f->folder, NULL, &e))
		fail_msg("%s", e.text);
	f->keys = keys_load(f->folder, &e);
	if (f->keys == NULL)
		fail_msg("%s", e.text);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	keys_free(f->keys);
	arena_free(f->arena);
	test_folder_remove(f->folder);
	free(f);
	return 0;
}

static void keys_are_made_once_and_never_overwritten(void **state)
{
	struct fixture *f = *state;
	struct keys *again;
	struct err e = ERR_CLEAR;
	unsigned made = 99;

	assert_true(keys_create(f->folder, &made, &e));
	assert_int_equal(made, 0);
	again = keys_load(f->folder, &e);
	assert_non_null(again);
	assert_memory_equal(keys_wrapping(f->keys), keys_wrapping(again), CRYPTO_KEY);
	assert_memory_equal(keys_index(f->keys), keys_index(again), CRYPTO_KEY);
	assert_memory_not_equal(keys_wrapping(f->keys), keys_index(f->keys), CRYPTO_KEY);
	keys_free(again);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_CLEAR;
	char path[256];

	(void)snprintf(path, sizeof path, "%s/pepper.key", f->folder);
	assert_int_equal(chmod(path, 0644), 0);
	assert_null(keys_load(f->folder, &e));
	assert_non_null(strstr(e.text, "pepper.key"));
	assert_int_equal(chmod(path, 0600), 0);
}

static void a_sealed_value_opens_only_in_its_own_place(void **state)
{
	struct fixture *f = *state;
	struct sealed_place place = {"account", "sealed_mail", "pe_one"};
	struct sealed_place column = {"account", "sealed_display_name", "pe_one"};
	struct sealed_place row = {"account", "sealed_mail", "pe_two"};
	unsigned char wrapped[PERSON_WRAPPED];
	struct person_key key, other;
	struct sealed sealed;
	struct err e = ERR_CLEAR;
	char *text = NULL;

	people_new_key(f->keys, "pe_one", &key, wrapped);
	assert_true(people_seal(f->arena, &key, &place, "anna@example.org", &sealed, &e));
	assert_int_equal(sealed.len, strlen("anna@example.org") + CRYPTO_SEAL_OVERHEAD);
	assert_true(people_open(f->arena, &key, &place, sealed.data, sealed.len, &text, &e));
	assert_string_equal(text, "anna@example.org");
	assert_false(people_open(f->arena, &key, &column, sealed.data, sealed.len, &text, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_false(people_open(f->arena, &key, &row, sealed.data, sealed.len, &text, &e));
	assert_false(people_open(f->arena, &key, &place, sealed.data, sealed.len - 1, &text, &e));
	assert_false(people_open(f->arena, &key, &place, NULL, 0, &text, &e));

	assert_true(people_unwrap(f->keys, "pe_one", wrapped, sizeof wrapped, &other, &e));
	assert_memory_equal(&key, &other, sizeof key);
	assert_false(people_unwrap(f->keys, "pe_two", wrapped, sizeof wrapped, &other, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
}

static void a_text_too_long_to_seal_is_refused(void **state)
{
	struct fixture *f = *state;
	struct sealed_place place = {"account", "sealed_mail", "pe_one"};
	unsigned char wrapped[PERSON_WRAPPED];
	char text[PERSON_TEXT_MAX + 2];
	struct person_key key;
	struct sealed sealed;
	struct err e = ERR_CLEAR;

	people_new_key(f->keys, "pe_one", &key, wrapped);
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_false(people_seal(f->arena, &key, &place, text, &sealed, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	text[PERSON_TEXT_MAX] = '\0';
	assert_true(people_seal(f->arena, &key, &place, text, &sealed, &e));
}

static void the_blind_index_does_not_mind_case_width_and_blanks(void **state)
{
	struct fixture *f = *state;
	static const char *const same[] = {"Jürgen", "jürgen", " JÜRGEN\t", "ju\xcc\x88rgen",
	        "\xef\xbd\x8a\xc3\xbcrgen" /* a full-width j */};
	unsigned char first[PERSON_INDEX], index[PERSON_INDEX];
	struct err e = ERR_CLEAR;

	assert_true(people_index(f->keys, same[0], first, &e));
	for (size_t i = 1; i < sizeof same / sizeof same[0]; i++) {
		assert_true(people_index(f->keys, same[i], index, &e));
		assert_memory_equal(first, index, sizeof index);
	}
	assert_true(people_index(f->keys, "jurgen", index, &e));
	assert_memory_not_equal(first, index, sizeof index);
	assert_false(people_index(f->keys, "  ", index, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_false(people_index(f->keys, "\xff\xfe", index, &e));
	assert_int_equal(e.code, ERR_INVALID);
}

static void a_password_needs_twelve_characters_and_at_most_1024_bytes(void **state)
{
	struct err e = ERR_CLEAR;
	char text[PASSWORD_MAX_BYTES + 2];

	(void)state;
	assert_false(passwords_acceptable("elevenchars", &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_true(passwords_acceptable("twelve chars", &e));
	/* twelve characters, not bytes */
	assert_true(passwords_acceptable("密码密码密码密码密码密码", &e));
	assert_false(passwords_acceptable("密码密码密码", &e));
	/* a combining mark is not a character of its own where NFKC joins it */
	assert_false(
	        passwords_acceptable("u\xcc\x88u\xcc\x88u\xcc\x88u\xcc\x88u\xcc\x88u\xcc\x88", &e));
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_false(passwords_acceptable(text, &e));
	text[PASSWORD_MAX_BYTES] = '\0';
	assert_true(passwords_acceptable(text, &e));
}

static void a_password_fits_its_person_and_no_other(void **state)
{
	struct fixture *f = *state;
	unsigned char sealed[PASSWORD_SEALED];
	struct err e = ERR_CLEAR;
	struct passwords *p = passwords_new(f->keys, &e);
	bool match = false, stale = true;

	assert_non_null(p);
	assert_true(passwords_hash(p, "pe_one", "grün wie Gras", sealed, &e));
	assert_true(passwords_verify(
	        p, "pe_one", sealed, sizeof sealed, "gru\xcc\x88n wie Gras", &match, &stale, &e));
	assert_true(match);
	assert_false(stale);
	assert_true(passwords_verify(
	        p, "pe_one", sealed, sizeof sealed, "Grün wie Gras", &match, &stale, &e));
	assert_false(match);
	assert_true(passwords_verify(p, NULL, NULL, 0, "grün wie Gras", &match, &stale, &e));
	assert_false(match);
	assert_true(passwords_verify(
	        p, "pe_one", sealed, sizeof sealed, "\xff not text", &match, &stale, &e));
	assert_false(match);
	assert_false(passwords_verify(
	        p, "pe_two", sealed, sizeof sealed, "grün wie Gras", &match, &stale, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
	passwords_free(p);
}

static void generated_passwords_are_acceptable_and_differ(void **state)
{
	char one[PASSWORD_GENERATED], two[PASSWORD_GENERATED];
	struct err e = ERR_CLEAR;

	(void)state;
	passwords_generate(one);
	passwords_generate(two);
	assert_true(passwords_acceptable(one, &e));
	assert_int_equal(strlen(one), PASSWORD_GENERATED - 1);
	assert_string_not_equal(one, two);
}

static void roles_have_names_sites_and_no_right_too_many(void **state)
{
	(void)state;
	for (int r = ROLE_CUSTOMER_VIEWER; r < ROLES; r++) {
		enum role role = (enum role)r;
		unsigned may = role_permissions(role);

		assert_int_equal(role_from_name(role_name(role)), role);
		/* running or auditing the installation gives no right to look at devices */
		if (role == ROLE_OPERATOR_ADMIN || role == ROLE_AUDITOR)
			assert_int_equal(may & (MAY_SEE_DEVICES | MAY_OPERATE), 0);
		else
			assert_true(
			        (may & MAY_SEE_DEVICES) != 0 && (may & MAY_READ_AUDIT_ALL) == 0);
		assert_int_equal(role_site(role),
		        role == ROLE_CUSTOMER_VIEWER || role == ROLE_CUSTOMER_ADMIN ? SITE_USER
		                                                                    : SITE_SUPPORT);
	}
	assert_int_equal(role_from_name("root"), ROLE_NONE);
	assert_int_equal(role_from_name(""), ROLE_NONE);
	assert_int_equal(role_from_name(NULL), ROLE_NONE);
	assert_int_equal(role_permissions(ROLE_NONE), 0);
	assert_int_equal(role_permissions((enum role)99), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                keys_are_made_once_and_never_overwritten, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_key_that_others_may_read_is_refused, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_sealed_value_opens_only_in_its_own_place, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_text_too_long_to_seal_is_refused, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                the_blind_index_does_not_mind_case_width_and_blanks, set_up, tear_down),
	        cmocka_unit_test(a_password_needs_twelve_characters_and_at_most_1024_bytes),
	        cmocka_unit_test_setup_teardown(
	                a_password_fits_its_person_and_no_other, set_up, tear_down),
	        cmocka_unit_test(generated_passwords_are_acceptable_and_differ),
	        cmocka_unit_test(roles_have_names_sites_and_no_right_too_many),
	};

	return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}

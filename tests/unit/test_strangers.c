/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/strangers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = 60000 };

static void the_first_twenty_of_a_minute_and_address_are_recorded_singly(void **state)
{
	struct strangers *s = strangers_new();
	struct strangers_summary summary;

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < 20; i++)
		assert_true(strangers_count(s, "192.0.2.1", 5 * MINUTE + i));
	assert_false(strangers_count(s, "192.0.2.1", 5 * MINUTE + 30));
	assert_true(strangers_count(s, "192.0.2.2", 5 * MINUTE + 30));
	assert_true(strangers_count(s, "192.0.2.1", 6 * MINUTE));
	assert_false(strangers_take(s, 6 * MINUTE - 1, &summary));
	assert_true(strangers_take(s, 6 * MINUTE, &summary));
	assert_string_equal(summary.address, "192.0.2.1");
	assert_int_equal(summary.minute, 5 * MINUTE);
	assert_int_equal(summary.count, 1);
	assert_false(strangers_take(s, 6 * MINUTE, &summary));
	strangers_free(s);
}

static void more_addresses_than_there_are_places_share_a_summary(void **state)
{
	struct strangers *s = strangers_new();
	struct strangers_summary summary;
	unsigned singly = 0, more = 0;
	char address[20];

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(address, sizeof address, "10.0.%d.%d", i / 256, i % 256);
		singly += strangers_count(s, address, MINUTE);
	}
	assert_in_range(singly, 1, 999);
	while (strangers_take(s, 2 * MINUTE, &summary)) {
		assert_string_equal(summary.address, "");
		more += summary.count;
	}
	assert_int_equal(singly + more, 1000); /* each one is in the log in the end */
	strangers_free(s);
}

static void at_the_end_all_summaries_can_be_taken(void **state)
{
	struct strangers *s = strangers_new();
	struct strangers_summary summary;

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < 25; i++)
		(void)strangers_count(s, "::1", 10);
	assert_false(strangers_take(s, 11, &summary));
	assert_true(strangers_take(s, INT64_MAX, &summary));
	assert_int_equal(summary.count, 5);
	assert_false(strangers_take(s, INT64_MAX, &summary));
	strangers_free(s);
}

static void what_cannot_be_recorded_is_kept(void **state)
{
	struct strangers *s = strangers_new();
	struct strangers_summary summary;
	struct err e;
	struct audit_client *nobody = audit_client_new("/nonexistent/audit.sock", &e);

	(void)state;
	assert_non_null(s);
	assert_non_null(nobody);
	for (int i = 0; i < 25; i++)
		(void)strangers_count(s, "::1", 10);
	strangers_record(s, nobody, MINUTE);
	assert_true(strangers_take(s, MINUTE, &summary));
	assert_int_equal(summary.count, 5);
	audit_client_free(nobody);
	strangers_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_first_twenty_of_a_minute_and_address_are_recorded_singly),
	        cmocka_unit_test(more_addresses_than_there_are_places_share_a_summary),
	        cmocka_unit_test(at_the_end_all_summaries_can_be_taken),
	        cmocka_unit_test(what_cannot_be_recorded_is_kept),
	};

	return cmocka_run_group_tests_name("strangers", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/dispatch/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define A "ag_0123456789012345678901"
#define B "ag_9999999999999999999999"

/* How many of so many are looked at; *told adds up what was said of the others. */
static int allowed(struct rate *rate, const char *agent, enum rate_kind kind, int count,
        int64_t now, int64_t *told)
{
	int some = 0;

	for (int i = 0; i < count; i++) {
		int64_t tell;

		some += rate_allows(rate, agent, kind, now, &tell);
		*told += tell;
	}
	return some;
}

static void one_agent_spends_its_own_allowance_only(void **state)
{
	struct rate rate = {0};
	int64_t told = 0;

	(void)state;
	assert_int_equal(allowed(&rate, A, RATE_EVENT, 1500, 5000, &told), RATE_EVENT_BURST);
	assert_int_equal(allowed(&rate, B, RATE_EVENT, 10, 5000, &told), 10);
	assert_int_equal(allowed(&rate, A, RATE_PRESENCE, 100, 5000, &told), RATE_PRESENCE_BURST);
	/* a second later: fifty more, and one */
	assert_int_equal(allowed(&rate, A, RATE_EVENT, 100, 6000, &told), 50);
	assert_int_equal(allowed(&rate, A, RATE_PRESENCE, 100, 6000, &told), 1);
	/* long after: all of it, and no more than that */
	assert_int_equal(allowed(&rate, A, RATE_EVENT, 5000, 9000000, &told), RATE_EVENT_BURST);
	rate_free(&rate);
}

static void what_is_passed_over_is_told_at_once_and_then_once_a_minute(void **state)
{
	struct rate rate = {0};
	int64_t told = 0;

	(void)state;
	assert_int_equal(
	        allowed(&rate, A, RATE_EVENT, RATE_EVENT_BURST, 0, &told), RATE_EVENT_BURST);
	assert_int_equal(told, 0);
	assert_int_equal(allowed(&rate, A, RATE_EVENT, 300, 0, &told), 0);
	assert_int_equal(told, 1);
	told = 0;
	/* of the rest, with the first message after a minute, be it looked at or not */
	assert_int_equal(allowed(&rate, A, RATE_EVENT, 1, RATE_TELL_MS, &told), 1);
	assert_int_equal(told, 299);
	told = 0;
	assert_int_equal(allowed(&rate, A, RATE_EVENT, 1, 2 * RATE_TELL_MS, &told), 1);
	assert_int_equal(told, 0);
	rate_free(&rate);
}

static void agents_that_are_quiet_again_are_forgotten(void **state)
{
	struct rate rate = {0};
	int64_t told = 0;
	char id[RATE_ID];
	size_t room;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof id, "ag_%022d", i * 7 % 1000);
		assert_int_equal(allowed(&rate, id, RATE_EVENT, 1, 0, &told), 1);
	}
	assert_int_equal(rate.count, 1000);
	room = rate.room;
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(id, sizeof id, "ag_%022d", 1000 + i);
		assert_int_equal(allowed(&rate, id, RATE_EVENT, 1, 1000 + i * 1000LL, &told), 1);
	}
	assert_int_equal(rate.room, room);
	assert_int_equal(told, 0);
	rate_free(&rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(one_agent_spends_its_own_allowance_only),
	        cmocka_unit_test(what_is_passed_over_is_told_at_once_and_then_once_a_minute),
	        cmocka_unit_test(agents_that_are_quiet_again_are_forgotten),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}

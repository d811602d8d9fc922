/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/broker/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define A "ag_0123456789abcdefABCDEF"
#define B "ag_zzzzzzzzzzzzzzzzzzzzzz"

static void only_agents_ids_and_dispatch_are_known(void **state)
{
	(void)state;
	assert_true(broker_knows(A));
	assert_true(broker_knows("dispatch"));
	assert_false(broker_knows(NULL));
	assert_false(broker_knows(""));
	assert_false(broker_knows("dispatch2"));
	assert_false(broker_knows("Dispatch"));
	assert_false(broker_knows("ag_0123456789abcdefABCDE"));   /* one short */
	assert_false(broker_knows("ag_0123456789abcdefABCDEF0")); /* one long */
	assert_false(broker_knows("ag_0123456789abcdefABC/EF"));  /* a level more */
	assert_false(broker_knows("ag_0123456789abcdefABC+EF"));
	assert_false(broker_knows("AG_0123456789abcdefABCDEF"));
	assert_false(broker_is_agent("dispatch"));
}

static void an_agent_subscribes_to_its_own_operations_only(void **state)
{
	static const char *const foreign[] = {"fleetport/1/" B "/operation",
	        "fleetport/1/+/operation", "fleetport/1/" A "/event", "fleetport/1/" A "/presence",
	        "fleetport/1/" A "/#", "fleetport/1/" A "/operation/x", "fleetport/1/" A,
	        "fleetport/2/" A "/operation", "#", "+", "$SYS/#",
	        "$share/g/fleetport/1/" A "/operation", "", "fleetport/1/"};

	(void)state;
	assert_true(broker_may_subscribe(A, "fleetport/1/" A "/operation"));
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		assert_false(broker_may_subscribe(A, foreign[i]));
	assert_false(broker_may_subscribe(NULL, "fleetport/1/" A "/operation"));
	assert_false(broker_may_subscribe("stranger", "fleetport/1/stranger/operation"));
}

static void dispatch_subscribes_to_events_and_presence_only(void **state)
{
	(void)state;
	assert_true(broker_may_subscribe("dispatch", "fleetport/1/+/event"));
	assert_true(broker_may_subscribe("dispatch", "fleetport/1/+/presence"));
	assert_false(broker_may_subscribe("dispatch", "fleetport/1/+/operation"));
	assert_false(broker_may_subscribe("dispatch", "fleetport/#"));
	assert_false(broker_may_subscribe("dispatch", "#"));
}

static void revoked_ids_are_found_whatever_their_order(void **state)
{
	static const char text[] = "# revoked agents\n" B "\n\nnot an id\n" A "\r\n" A;
	struct revoked list = {0};
	size_t bad;

	(void)state;
	assert_true(revoked_parse(&list, text, strlen(text), &bad));
	assert_int_equal(bad, 2); /* the words, and the line that ends in a carriage return */
	assert_int_equal(list.count, 2);
	assert_true(revoked_has(&list, A));
	assert_true(revoked_has(&list, B));
	assert_false(revoked_has(&list, "ag_0000000000000000000000"));
	assert_false(revoked_has(&list, "dispatch"));
	assert_false(revoked_has(&list, NULL));
	revoked_free(&list);
}

static void a_new_list_replaces_the_old_one(void **state)
{
	struct revoked list = {0};
	size_t bad;

	(void)state;
	assert_true(revoked_parse(&list, A "\n", strlen(A) + 1, &bad));
	assert_true(revoked_parse(&list, "", 0, &bad));
	assert_int_equal(list.count, 0);
	assert_false(revoked_has(&list, A));
	revoked_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(only_agents_ids_and_dispatch_are_known),
	        cmocka_unit_test(an_agent_subscribes_to_its_own_operations_only),
	        cmocka_unit_test(dispatch_subscribes_to_events_and_presence_only),
	        cmocka_unit_test(revoked_ids_are_found_whatever_their_order),
	        cmocka_unit_test(a_new_list_replaces_the_old_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

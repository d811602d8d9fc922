/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/broker/connections.h"
#include "daemons/broker/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static void withdrawn_and_expired_certificates_are_good_for_nothing(void **state)
{
	static const char text[] = "BB01\n" B "\nAA02\nbb03\nAA\r\n"
	                           "000000000000000000000000000000000000000000000000\n";
	struct revoked list = {0};
	size_t bad;

	(void)state;
	assert_null(revoked_certificate(&list, "BB01", 2000, 1999));
	assert_true(revoked_parse(&list, text, strlen(text), &bad));
	assert_int_equal(bad, 3); /* lower case, a carriage return, 48 digits */
	assert_int_equal(list.serial_count, 2);
	assert_int_equal(list.count, 1);
	assert_non_null(revoked_certificate(&list, "BB01", 2000, 1999));
	assert_non_null(revoked_certificate(&list, "AA02", 2000, 1999));
	assert_null(revoked_certificate(&list, "AA", 2000, 1999));
	assert_null(revoked_certificate(&list, "BB03", 2000, 1999));
	assert_non_null(revoked_certificate(&list, "BB03", 2000, 2000));
	assert_true(revoked_has(&list, B));
	revoked_free(&list);
	assert_null(revoked_certificate(&list, "BB01", 2000, 1999));
}

static void a_name_has_one_connection_and_the_last_one_counts(void **state)
{
	struct connections all = {0};
	const int first = 1, second = 2; /* their addresses are two clients */

	(void)state;
	assert_true(connections_seen(&all, B, &first, "01", 1));
	assert_true(connections_seen(&all, A, &first, "02", 2));
	assert_true(connections_seen(&all, B, &second, "03", 3));
	assert_int_equal(all.count, 2);
	assert_string_equal(all.list[0].name, A);
	assert_string_equal(all.list[1].serial, "03");
	/* whom the second one put out is told of late: the second one stays */
	connections_gone(&all, B, &first);
	assert_int_equal(all.count, 2);
	connections_gone(&all, B, &second);
	connections_gone(&all, "dispatch", &second);
	assert_int_equal(all.count, 1);
	assert_string_equal(all.list[0].serial, "02");
	assert_false(connections_seen(&all, A "x", &first, "02", 2));
	connections_free(&all);
}

static void thousands_of_connections_come_and_go_in_any_order(void **state)
{
	enum { MANY = 3000, STEP = 1009 }; /* without a common factor: each comes once */
	struct connections all = {0};
	char name[BROKER_ID_LENGTH + 1];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof name, "ag_%022u", i * STEP % MANY);
		assert_true(connections_seen(&all, name, &all, "01", i));
	}
	assert_int_equal(all.count, MANY);
	for (size_t i = 1; i < MANY; i++)
		assert_true(strcmp(all.list[i - 1].name, all.list[i].name) < 0);
	for (unsigned i = 0; i < MANY; i += 2) {
		(void)snprintf(name, sizeof name, "ag_%022u", i);
		connections_gone(&all, name, &all);
	}
	assert_int_equal(all.count, MANY / 2);
	assert_string_equal(all.list[0].name, "ag_0000000000000000000001");
	connections_free(&all);
}

static void a_walk_meets_everybody_once_though_it_puts_them_out(void **state)
{
	struct connections all = {0};
	struct connection c;
	size_t at, met = 0;

	(void)state;
	assert_true(connections_seen(&all, A, &all, "01", 1));
	assert_true(connections_seen(&all, B, &all, "02", 2));
	assert_true(connections_seen(&all, "dispatch", &all, "03", 3));
	for (at = all.count; connections_next(&all, &at, &c); met++)
		if (strcmp(c.name, "dispatch") != 0)
			connections_gone(&all, c.name, &all);
	assert_int_equal(met, 3);
	assert_int_equal(all.count, 1);
	assert_string_equal(all.list[0].name, "dispatch");
	connections_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(only_agents_ids_and_dispatch_are_known),
	        cmocka_unit_test(an_agent_subscribes_to_its_own_operations_only),
	        cmocka_unit_test(dispatch_subscribes_to_events_and_presence_only),
	        cmocka_unit_test(revoked_ids_are_found_whatever_their_order),
	        cmocka_unit_test(a_new_list_replaces_the_old_one),
	        cmocka_unit_test(withdrawn_and_expired_certificates_are_good_for_nothing),
	        cmocka_unit_test(a_name_has_one_connection_and_the_last_one_counts),
	        cmocka_unit_test(a_walk_meets_everybody_once_though_it_puts_them_out),
	        cmocka_unit_test(thousands_of_connections_come_and_go_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cell of both tables, written down a second time in another form: a row a state, a column an
 * event, a letter what comes of it. What the letters say was copied from the protocol page by hand.
 */
#include "core/operation_states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* One letter a state. '.' refused, '=' noted, '!' conflict. */
static const char execution_letters[] = "-JWQXCMsrdpSFUc";
static const char request_letters[] = "-PsacCDLAK";

/*      refuse . ask . queue . agree . disagree . deadline . cancel . withdraw . send . no-receipt .
 *      run-timeout | receipt . start . step . succeed . fail . reject . expire . in-doubt .
 *      cancel-done . too-late . cancel-unknown */
struct row {
	enum execution_state from;
	const char *to;
};

static const struct row of_queries_not_received[] = {
        {EXECUTION_NONE, "JWQ........|..........."},
        {EXECUTION_WAITING_CONSENT, "...QJXCM...|..........."},
        {EXECUTION_QUEUED, ".....XCMs..|..........."},
        {EXECUTION_REMOVED, "...........|..........."},
        {EXECUTION_SENT, ".....Xc..r.|dppSFJXU!!!"},
        {EXECUTION_RESENDING, ".....Xc.s..|dppSFJXU!!!"},
        {EXECUTION_DELIVERED, ".....Xc....|=ppSFJXU!!!"},
        {EXECUTION_IN_PROGRESS, "..........U|===SFJXU!=!"},
        {EXECUTION_CANCEL_REQUESTED, ".....X.....|=ppSFJXUCpC"},
        {EXECUTION_UNKNOWN, "...........|===SFJX=C=="},
        {EXECUTION_SUCCEEDED, "...........|====!!!!!=!"},
        {EXECUTION_FAILED, "...........|===!=!!!!=!"},
        {EXECUTION_REJECTED, "...........|=!!!!=!!!=!"},
        {EXECUTION_EXPIRED, "...........|=!!!!!=!=!="},
        {EXECUTION_CANCELED, "...........|=!!!!!!!=!="},
};

/* Where others differ: not a query, and received, and stoppable. */
static const struct row of_stoppable_ones_received[] = {
        {EXECUTION_SENT, ".....Uc..r.|dppSFJXU!!!"},
        {EXECUTION_RESENDING, ".....Uc.s..|dppSFJXU!!!"},
        {EXECUTION_DELIVERED, ".....Uc....|=ppSFJXU!!!"},
        {EXECUTION_IN_PROGRESS, "......c...U|===SFJXU!=!"},
        {EXECUTION_CANCEL_REQUESTED, ".....U.....|===SFJXUCpU"},
};

static char letter_of(enum execution_state from, int event, const struct execution_facts *facts)
{
	enum execution_state to;

	switch (execution_next(from, (enum execution_event)event, facts, &to)) {
	case VERDICT_REFUSED:
		assert_int_equal(to, from);
		return '.';
	case VERDICT_NOTED:
		assert_int_equal(to, from);
		return '=';
	case VERDICT_CONFLICT:
		assert_int_equal(to, from);
		return '!';
	default:
		return execution_letters[to];
	}
}

static void walk(const struct row *rows, size_t count, const struct execution_facts *facts)
{
	for (size_t i = 0; i < count; i++) {
		char found[EXECUTION_EVENTS + 2];
		char wanted[EXECUTION_EVENTS + 2];
		size_t n = 0, w = 0;
		for (int event = 0; event < EXECUTION_EVENTS; event++)
			found[n++] = letter_of(rows[i].from, event, facts);
		found[n] = '\0';
		/* The eleven columns before the bar, then those of the agent. */
		for (const char *p = rows[i].to; *p != '|'; p++)
			wanted[w++] = *p;
		for (const char *p = strchr(rows[i].to, '|') + 1; *p != '\0'; p++)
			wanted[w++] = *p;
		wanted[w] = '\0';
		if (strcmp(found, wanted) != 0)
			fail_msg("%s: found %s, wanted %s", execution_state_name(rows[i].from),
			        found, wanted);
	}
}

static void every_cell_of_the_execution_table_is_as_the_protocol_says(void **state)
{
	const struct execution_facts query = {.class = OPERATION_QUERY};

	(void)state;
	assert_int_equal(EXECUTION_RECEIPT, 11);
	assert_int_equal(EXECUTION_EVENTS, 22);
	assert_int_equal(sizeof(of_queries_not_received) / sizeof(struct row), EXECUTION_STATES);
	walk(of_queries_not_received, EXECUTION_STATES, &query);
}

static void the_guards_of_the_execution_table_look_at_class_receipt_and_stopping(void **state)
{
	const struct execution_facts facts = {
	        .class = OPERATION_CONSUMING, .stoppable = true, .received = true};
	enum execution_state to;

	(void)state;
	walk(of_stoppable_ones_received, sizeof(of_stoppable_ones_received) / sizeof(struct row),
	        &facts);
	/* Safe ones are no queries either. */
	assert_int_equal(execution_next(EXECUTION_SENT, EXECUTION_DEADLINE,
	                         &(struct execution_facts){.class = OPERATION_SAFE}, &to),
	        VERDICT_MOVE);
	assert_int_equal(to, EXECUTION_UNKNOWN);
}

/* Promises, over all cells and all facts. */
static void no_cell_breaks_a_promise(void **state)
{
	(void)state;
	for (int bits = 0; bits < 12; bits++) {
		const struct execution_facts f = {.class = (enum operation_class)(bits % 3),
		        .stoppable = (bits / 3) % 2,
		        .received = bits / 6};
		for (int s = 0; s < EXECUTION_STATES; s++) {
			for (int v = 0; v < EXECUTION_EVENTS; v++) {
				enum execution_state to;
				enum verdict verdict = execution_next(
				        (enum execution_state)s, (enum execution_event)v, &f, &to);
				bool agents = execution_event_is_agents((enum execution_event)v);
				/* Ended states never change, but for late evidence. */
				if (execution_ended((enum execution_state)s) &&
				        s != EXECUTION_UNKNOWN)
					assert_int_not_equal(verdict, VERDICT_MOVE);
				/* Only an agent's word says that it ran, or did not. */
				if (verdict == VERDICT_MOVE &&
				        (to == EXECUTION_SUCCEEDED || to == EXECUTION_FAILED))
					assert_true(agents);
				/* What may have run and was no query never expires by a timer. */
				if (verdict == VERDICT_MOVE && to == EXECUTION_EXPIRED && !agents &&
				        f.class != OPERATION_QUERY)
					assert_true(s == EXECUTION_QUEUED ||
					            s == EXECUTION_WAITING_CONSENT);
				/* Nothing is believed before it was sent. */
				if (agents && (s == EXECUTION_NONE || s == EXECUTION_QUEUED ||
				                      s == EXECUTION_WAITING_CONSENT ||
				                      s == EXECUTION_REMOVED))
					assert_int_equal(verdict, VERDICT_REFUSED);
				/* Only an agent can contradict. */
				if (verdict == VERDICT_CONFLICT)
					assert_true(agents);
				/* Nothing goes back to the queue once it was sent. */
				if (verdict == VERDICT_MOVE && to == EXECUTION_QUEUED)
					assert_true(s == EXECUTION_NONE ||
					            s == EXECUTION_WAITING_CONSENT);
			}
		}
	}
}

static void every_cell_of_the_request_table_is_as_the_protocol_says(void **state)
{
	/* for-approval, for-later, submitted, approved-for-later, approved, refused, deadline,
	 * window-opened, window-passed, cancel, failures, all-ended */
	static const char *const wanted[REQUEST_STATES] = {
	        [REQUEST_NONE] = "Psa.........",
	        [REQUEST_PENDING_APPROVAL] = "...saDL..C..",
	        [REQUEST_SCHEDULED] = ".......aLC..",
	        [REQUEST_ACTIVE] = ".........cAK",
	        [REQUEST_CANCELING] = "...........C",
	        [REQUEST_CANCELED] = "............",
	        [REQUEST_DENIED] = "............",
	        [REQUEST_LAPSED] = "............",
	        [REQUEST_ABORTED] = "............",
	        [REQUEST_COMPLETED] = "............",
	};
	const struct request_facts all = {true, true};
	const struct request_facts none = {false, false};
	enum request_state to;

	(void)state;
	for (int s = 0; s < REQUEST_STATES; s++) {
		char found[REQUEST_EVENTS + 1];
		for (int v = 0; v < REQUEST_EVENTS; v++)
			found[v] = request_next((enum request_state)s, (enum request_event)v, &all,
			                   &to) == VERDICT_MOVE
			                   ? request_letters[to]
			                   : '.';
		found[REQUEST_EVENTS] = '\0';
		assert_string_equal(found, wanted[s]);
	}
	assert_int_equal(request_next(REQUEST_PENDING_APPROVAL, REQUEST_APPROVED, &none, &to),
	        VERDICT_REFUSED);
	assert_int_equal(
	        request_next(REQUEST_PENDING_APPROVAL, REQUEST_APPROVED_FOR_LATER, &none, &to),
	        VERDICT_REFUSED);
	assert_int_equal(
	        request_next(REQUEST_ACTIVE, REQUEST_FAILURES, &none, &to), VERDICT_REFUSED);
}

static void names_are_read_back(void **state)
{
	enum execution_state x;
	enum request_state r;

	(void)state;
	for (int i = 1; i < EXECUTION_STATES; i++) {
		assert_true(
		        execution_state_read(execution_state_name((enum execution_state)i), &x));
		assert_int_equal(x, i);
	}
	for (int i = 1; i < REQUEST_STATES; i++) {
		assert_true(request_state_read(request_state_name((enum request_state)i), &r));
		assert_int_equal(r, i);
	}
	assert_false(execution_state_read("", &x));
	assert_false(request_state_read("lost", &r));
	for (int i = 0; i < EXECUTION_EVENTS; i++)
		assert_true(execution_event_name((enum execution_event)i)[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_cell_of_the_execution_table_is_as_the_protocol_says),
	        cmocka_unit_test(
	                the_guards_of_the_execution_table_look_at_class_receipt_and_stopping),
	        cmocka_unit_test(no_cell_breaks_a_promise),
	        cmocka_unit_test(every_cell_of_the_request_table_is_as_the_protocol_says),
	        cmocka_unit_test(names_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

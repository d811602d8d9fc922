/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of operations against a broker in memory: what it is sent is handed over, what it
 * publishes is kept, and the clock stands still until it is moved.
 */
#include "agents/orders.h"

#include "lib/clock.h"
#include "lib/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ME     "ag_0123456789abcdefghijkl"
#define OTHER  "ag_ZZZZ456789abcdefghijkl"
#define FIRST  "op_0000000000000000000001"
#define SECOND "op_0000000000000000000002"
#define NOW    1795338000000
#define LATER  (NOW + 600000)

enum { SENT_MAX = 64 };

static struct {
	char journal[64];
	struct clock_fake clock;
	unsigned char server_public[CRYPTO_SIGN_PUBLIC], server_secret[CRYPTO_SIGN_SECRET];
	unsigned char agent_public[CRYPTO_SIGN_PUBLIC], agent_secret[CRYPTO_SIGN_SECRET];
	bool offset_known, connected;
	int64_t offset;
	struct event events[SENT_MAX];
	size_t event_count;
	struct presence presence;
	size_t presence_count;
	struct arena *arena;
	struct orders *orders;
	/* the device */
	enum event_code guard;
	_Atomic int prepared, run;
	bool run_ends;
	void (*while_running)(void);
} world;

/* ---- the agent's surroundings */

static bool find_key(
        void *arg, const char *key_id, int64_t now, unsigned char out[CRYPTO_SIGN_PUBLIC])
{
	(void)arg;
	if (strcmp(key_id, "server-1") != 0 || now > NOW + 86400000)
		return false;
	memcpy(out, world.server_public, CRYPTO_SIGN_PUBLIC);
	return true;
}

static bool offset(void *arg, int64_t *offset_ms)
{
	(void)arg;
	*offset_ms = world.offset;
	return world.offset_known;
}

static bool agent_key(void *context, const char *key_id, unsigned char out[CRYPTO_SIGN_PUBLIC])
{
	char expected[ENVELOPE_FINGERPRINT_SIZE];

	(void)context;
	assert_string_equal(key_id, envelope_key_id(world.agent_public, expected));
	memcpy(out, world.agent_public, CRYPTO_SIGN_PUBLIC);
	return true;
}

/* What the server would believe: the signature is checked here as it would be there. */
static bool publish(void *arg, const char *leaf, const void *payload, size_t len, bool retain)
{
	static const char *const schemas[] = {EVENT_SCHEMA, PRESENCE_SCHEMA, NULL};
	struct buf text = BUF_INIT(ENVELOPE_MAX);
	struct err e = ERR_CLEAR;
	size_t which;

	(void)arg;
	if (!world.connected)
		return false;
	if (!envelope_open(payload, len, schemas, agent_key, NULL, &text, &which, &e))
		fail_msg("%s", e.text);
	if (which == 1) {
		assert_string_equal(leaf, "presence");
		assert_true(retain);
		assert_true(presence_read(text.data, text.len, world.arena, &world.presence, &e));
		world.presence_count++;
	} else {
		assert_string_equal(leaf, "event");
		assert_false(retain);
		assert_true(world.event_count < SENT_MAX);
		if (!event_read(text.data, text.len, world.arena,
		            &world.events[world.event_count++], &e))
			fail_msg("%s", e.text);
	}
	buf_free(&text);
	return true;
}

static enum event_code prepare(void *arg, const struct operation *o, struct order_work *work)
{
	(void)arg;
	assert_string_equal(o->identity_value, "ACME 1");
	world.prepared++;
	work->before = "{\"state\":\"idle\"}";
	return world.guard;
}

static bool run(void *arg, const struct operation *o, struct order_work *work)
{
	(void)arg;
	(void)o;
	world.run++;
	if (world.while_running)
		world.while_running();
	work->outcome = OUTCOME_SUCCEEDED;
	work->after = "{\"state\":\"processing\"}";
	work->report_id = "0192f0c1-7a5b-7c3d-8e9f-0123456789ab";
	return world.run_ends;
}

static const struct order_action actions[] = {
        {.kind = "get-status", .prepare = prepare, .run = run},
        {.kind = NULL},
};
static const struct order_action consuming_actions[] = {
        {.kind = "head-cleaning", .prepare = prepare, .run = run},
        {.kind = NULL},
};

static struct orders_options options(const struct order_action *table)
{
	struct orders_options o = {.agent_id = ME,
	        .version = "1.0.0",
	        .journal = world.journal,
	        .actions = table,
	        .event_secret = world.agent_secret,
	        .clock = &world.clock.base,
	        .find_key = find_key,
	        .offset = offset,
	        .publish = publish};

	memcpy(o.event_public, world.agent_public, sizeof o.event_public);
	return o;
}

static void start_with(const struct order_action *table)
{
	struct orders_options o = options(table);
	struct err e = ERR_CLEAR;

	world.orders = orders_new(&o, &e);
	if (!world.orders)
		fail_msg("%s", e.text);
}

/* The agent's process ends without a word, and a new one starts. */
static void crash_and_start(const struct order_action *table)
{
	orders_free(world.orders);
	start_with(table);
}

static void forget_events(void)
{
	world.event_count = 0;
}

/* ---- the server */

static struct operation operation(const char *id, const char *kind)
{
	return (struct operation){.message = MESSAGE_OPERATION,
	        .agent_id = ME,
	        .operation_id = id,
	        .attempt = 1,
	        .kind = operation_kind_find(kind),
	        .kind_name = kind,
	        .identity_kind = "serial",
	        .identity_value = "ACME 1",
	        .manufacturer = "Acme",
	        .model = "1",
	        .parameters = "{}",
	        .issued_at = NOW,
	        .not_after = LATER,
	        .run_seconds = 900};
}

static void send_as(const struct operation *o, const char *key_id,
        const unsigned char secret[CRYPTO_SIGN_SECRET])
{
	struct buf payload = BUF_INIT(OPERATION_PAYLOAD_MAX), envelope = BUF_INIT(OPERATION_MAX);
	struct err e = ERR_CLEAR;

	if (!operation_write(o, &payload, &e) ||
	        !envelope_seal(key_id, secret, operation_schema(o->message), payload.data,
	                payload.len, &envelope, &e))
		fail_msg("%s", e.text);
	orders_receive(world.orders, envelope.data, envelope.len);
	buf_free(&payload);
	buf_free(&envelope);
}

static void send(const struct operation *o)
{
	send_as(o, "server-1", world.server_secret);
}

static void acknowledge(const char *id, int64_t attempt, int64_t seq)
{
	struct operation ack = {.message = MESSAGE_ACK,
	        .agent_id = ME,
	        .operation_id = id,
	        .attempt = attempt,
	        .seq = seq};

	send(&ack);
}

static void cancel(const char *id)
{
	struct operation o = {.message = MESSAGE_CANCEL,
	        .agent_id = ME,
	        .operation_id = id,
	        .attempt = 1,
	        .issued_at = NOW,
	        .not_after = LATER};

	send(&o);
}

static void order(const char *id)
{
	struct operation o = operation(id, "get-status");

	send(&o);
	orders_step(world.orders);
}

static void expect_events(size_t count, ...)
{
	va_list types;

	if (world.event_count != count)
		fail_msg("%zu events instead of %zu", world.event_count, count);
	va_start(types, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(world.events[i].type, va_arg(types, int));
	va_end(types);
}

static void expect_rejected(const char *code)
{
	const struct event *last;

	assert_true(world.event_count > 0);
	last = &world.events[world.event_count - 1];
	assert_int_equal(last->type, EVENT_RESULT);
	assert_int_equal(
	        last->outcome, strcmp(code, "too-late") == 0 ? OUTCOME_EXPIRED : OUTCOME_REJECTED);
	assert_string_equal(last->code, code);
	assert_int_equal(world.run, 0);
}

/* ---- tests */

static void an_order_is_received_begun_and_done_with_evidence(void **state)
{
	(void)state;
	order(FIRST);
	expect_events(3, EVENT_RECEIPT, EVENT_START, EVENT_RESULT);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(world.events[i].agent_id, ME);
		assert_string_equal(world.events[i].operation_id, FIRST);
		assert_int_equal(world.events[i].attempt, 1);
		assert_int_equal(world.events[i].seq, i + 1);
	}
	assert_int_equal(world.events[2].outcome, OUTCOME_SUCCEEDED);
	assert_string_equal(world.events[2].before, "{\"state\":\"idle\"}");
	assert_string_equal(world.events[2].after, "{\"state\":\"processing\"}");
	assert_string_equal(world.events[2].report_id, "0192f0c1-7a5b-7c3d-8e9f-0123456789ab");
	assert_int_equal(world.run, 1);
}

static void the_same_order_again_is_not_done_again(void **state)
{
	(void)state;
	order(FIRST);
	forget_events();
	order(FIRST);
	expect_events(1, EVENT_RESULT); /* what became of it is told once more */
	assert_int_equal(world.run, 1);
}

static void a_later_attempt_is_answered_under_its_own_number(void **state)
{
	struct operation o = operation(FIRST, "get-status");

	(void)state;
	order(FIRST);
	acknowledge(FIRST, 1, 3);
	orders_step(world.orders);
	forget_events();
	o.attempt = 2;
	send(&o);
	orders_step(world.orders);
	expect_events(1, EVENT_RESULT);
	assert_int_equal(world.events[0].attempt, 2);
	assert_int_equal(world.run, 1);
}

static void a_forged_order_is_not_answered(void **state)
{
	unsigned char public_key[CRYPTO_SIGN_PUBLIC], secret[CRYPTO_SIGN_SECRET];
	struct operation o = operation(FIRST, "get-status");

	(void)state;
	crypto_keypair(public_key, secret);
	send_as(&o, "server-1", secret);
	send_as(&o, "unknown-key", world.server_secret);
	orders_receive(world.orders, "{}", 2);
	orders_receive(world.orders, "\xff\0", 2);
	orders_step(world.orders);
	assert_int_equal(world.event_count, 0);
	assert_int_equal(world.prepared + world.run, 0);
}

static void an_order_for_another_agent_is_not_answered(void **state)
{
	struct operation o = operation(FIRST, "get-status");

	(void)state;
	o.agent_id = OTHER;
	send(&o);
	orders_step(world.orders);
	assert_int_equal(world.event_count, 0);
	assert_int_equal(world.prepared + world.run, 0);
}

static void a_late_order_expires_and_never_runs(void **state)
{
	(void)state;
	clock_fake_advance(&world.clock, 600001);
	order(FIRST);
	expect_rejected("too-late");
	assert_int_equal(world.event_count, 1); /* no receipt of what came too late */
	assert_int_equal(world.prepared, 0);
	clock_fake_set_wall(&world.clock, NOW);
	order(FIRST);
	assert_int_equal(world.run, 0);
}

static void a_clock_that_is_off_or_unknown_takes_no_orders(void **state)
{
	(void)state;
	world.offset_known = false;
	order(FIRST);
	expect_rejected("clock");
	world.offset_known = true;
	world.offset = -61000;
	order(SECOND);
	expect_rejected("clock");
}

static void the_devices_own_guards_reject(void **state)
{
	(void)state;
	world.guard = CODE_WRONG_DEVICE;
	order(FIRST);
	expect_rejected("wrong-device");
	world.guard = CODE_UNREACHABLE;
	order(SECOND);
	expect_rejected("unreachable");
	assert_int_equal(world.prepared, 2);
}

static void a_kind_that_the_agent_does_not_do_is_rejected(void **state)
{
	struct operation o = operation(FIRST, "head-cleaning");

	(void)state;
	o.parameters = "{\"strength\":\"light\"}";
	send(&o);
	orders_step(world.orders);
	expect_rejected("not-capable");
}

static void an_agent_that_is_switched_off_locally_rejects(void **state)
{
	struct orders_options o = options(actions);
	struct err e = ERR_CLEAR;

	(void)state;
	orders_free(world.orders);
	o.switched_off = true;
	world.orders = orders_new(&o, &e);
	assert_non_null(world.orders);
	orders_connected(world.orders);
	assert_int_equal(world.presence.kind_count, 0);
	order(FIRST);
	expect_rejected("switched-off-locally");
}

static void presence_says_what_the_agent_can_do(void **state)
{
	(void)state;
	orders_connected(world.orders);
	assert_int_equal(world.presence_count, 1);
	assert_true(world.presence.online);
	assert_string_equal(world.presence.agent_id, ME);
	assert_int_equal(world.presence.kind_count, 1);
	assert_string_equal(world.presence.kinds[0], "get-status");
	orders_goodbye(world.orders);
	assert_false(world.presence.online);
}

static void what_is_not_acknowledged_is_told_again(void **state)
{
	int64_t wait;

	(void)state;
	order(FIRST);
	forget_events();
	wait = orders_step(world.orders);
	assert_true(wait > 0 && wait <= ORDERS_REPEAT_MS);
	assert_int_equal(world.event_count, 0);
	clock_fake_advance(&world.clock, ORDERS_REPEAT_MS);
	orders_step(world.orders);
	expect_events(1, EVENT_RESULT);
	acknowledge(FIRST, 1, 2); /* an older one: the result is still open */
	acknowledge(FIRST, 2, 3); /* another attempt's */
	orders_step(world.orders);
	clock_fake_advance(&world.clock, ORDERS_REPEAT_MS);
	orders_step(world.orders);
	expect_events(2, EVENT_RESULT, EVENT_RESULT);
	acknowledge(FIRST, 1, 3);
	orders_step(world.orders);
	clock_fake_advance(&world.clock, 10 * ORDERS_REPEAT_MS);
	orders_step(world.orders);
	assert_int_equal(world.event_count, 2);
}

static void what_was_done_without_a_connection_is_told_on_the_next(void **state)
{
	(void)state;
	world.connected = false;
	order(FIRST);
	assert_int_equal(world.run, 1);
	assert_int_equal(world.event_count, 0);
	world.connected = true;
	orders_connected(world.orders);
	orders_step(world.orders);
	expect_events(2, EVENT_JOURNAL, EVENT_RESULT);
	assert_int_equal(world.events[0].entry_count, 1);
	assert_string_equal(world.events[0].entries[0].operation_id, FIRST);
	assert_int_equal(world.events[0].entries[0].phase, PHASE_FINISHED);
}

static void a_crash_between_receipt_and_result_repeats_a_query(void **state)
{
	(void)state;
	world.run_ends = false; /* the process dies while it works */
	order(FIRST);
	expect_events(2, EVENT_RECEIPT, EVENT_START);
	assert_int_equal(world.run, 1);
	forget_events();
	world.run_ends = true;
	crash_and_start(actions);
	orders_step(world.orders);
	expect_events(1, EVENT_RESULT);
	assert_int_equal(world.events[0].seq, 3);
	assert_int_equal(world.run, 2);
	crash_and_start(actions);
	orders_step(world.orders);
	assert_int_equal(world.run, 2);
}

static void a_query_whose_time_ran_out_in_the_crash_fails(void **state)
{
	(void)state;
	world.run_ends = false;
	order(FIRST);
	forget_events();
	clock_fake_advance(&world.clock, 600001);
	crash_and_start(actions);
	orders_step(world.orders);
	assert_int_equal(world.events[world.event_count - 1].outcome, OUTCOME_FAILED);
	assert_string_equal(world.events[world.event_count - 1].code, "interrupted");
	assert_int_equal(world.run, 1);
}

static void a_crash_in_a_consuming_operation_leaves_it_in_doubt_and_never_repeats_it(void **state)
{
	struct operation o = operation(FIRST, "head-cleaning");

	(void)state;
	crash_and_start(consuming_actions);
	o.parameters = "{\"strength\":\"light\"}";
	world.run_ends = false;
	send(&o);
	orders_step(world.orders);
	expect_events(2, EVENT_RECEIPT, EVENT_START);
	forget_events();
	world.run_ends = true;
	crash_and_start(consuming_actions);
	orders_connected(world.orders);
	orders_step(world.orders);
	assert_int_equal(world.run, 1);
	assert_int_equal(world.events[world.event_count - 1].type, EVENT_IN_DOUBT);
	assert_int_equal(world.events[world.event_count - 1].seq, 3);
	send(&o);
	orders_step(world.orders);
	crash_and_start(consuming_actions);
	orders_step(world.orders);
	assert_int_equal(world.run, 1);
}

static void a_crash_after_the_receipt_begins_what_was_not_begun(void **state)
{
	struct operation o = operation(FIRST, "get-status");
	FILE *journal;
	char line[8192];

	(void)state;
	order(FIRST);
	forget_events();
	/* The journal as it was after its first line: received, and no more. */
	orders_free(world.orders);
	journal = fopen(world.journal, "r");
	assert_non_null(journal);
	assert_non_null(fgets(line, sizeof line, journal));
	fclose(journal);
	unlink(world.journal);
	world.orders = NULL;
	world.run = 0;
	start_with(actions);
	world.run_ends = true;
	send(&o);
	orders_step(world.orders);
	expect_events(3, EVENT_RECEIPT, EVENT_START, EVENT_RESULT);
	assert_int_equal(world.run, 1);
}

static void a_line_cut_off_by_a_crash_is_dropped(void **state)
{
	FILE *journal;

	(void)state;
	order(FIRST);
	orders_free(world.orders);
	world.orders = NULL;
	journal = fopen(world.journal, "a");
	assert_non_null(journal);
	fputs("{\"operationId\":\"" SECOND "\",\"att", journal);
	fclose(journal);
	start_with(actions);
	forget_events();
	order(FIRST);
	assert_int_equal(world.run, 1);
	order(SECOND);
	assert_int_equal(world.run, 2);
}

static void a_damaged_journal_is_said_so(void **state)
{
	struct orders_options o = options(actions);
	struct err e = ERR_CLEAR;
	FILE *journal;

	(void)state;
	order(FIRST);
	orders_free(world.orders);
	world.orders = NULL;
	journal = fopen(world.journal, "r+");
	assert_non_null(journal);
	fputs("garbage", journal);
	fclose(journal);
	assert_null(orders_new(&o, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
}

static void a_cancel_before_the_order_keeps_it_from_ever_running(void **state)
{
	(void)state;
	cancel(FIRST);
	orders_step(world.orders);
	expect_events(1, EVENT_CANCEL_RESULT);
	assert_int_equal(world.events[0].cancel, CANCEL_UNKNOWN);
	order(FIRST);
	assert_int_equal(world.run, 0);
}

static void an_order_that_waits_can_be_canceled(void **state)
{
	struct operation o = operation(FIRST, "get-status");

	(void)state;
	send(&o);
	cancel(FIRST);
	orders_step(world.orders);
	expect_events(2, EVENT_RECEIPT, EVENT_CANCEL_RESULT);
	assert_int_equal(world.events[1].cancel, CANCEL_CANCELED);
	assert_int_equal(world.run, 0);
}

static void cancel_first(void)
{
	cancel(FIRST);
}

static void a_result_wins_over_a_cancel(void **state)
{
	(void)state;
	world.while_running = cancel_first;
	order(FIRST);
	assert_int_equal(world.events[world.event_count - 1].type, EVENT_RESULT);
	assert_int_equal(world.events[world.event_count - 1].outcome, OUTCOME_SUCCEEDED);
	for (size_t i = 0; i < world.event_count; i++)
		assert_int_not_equal(world.events[i].type, EVENT_CANCEL_RESULT);
}

static void ids_are_kept_for_seven_days_after_their_time(void **state)
{
	(void)state;
	order(FIRST);
	acknowledge(FIRST, 1, 3);
	orders_step(world.orders);
	clock_fake_set_wall(&world.clock, LATER + 7LL * 86400 * 1000);
	crash_and_start(actions);
	forget_events();
	orders_connected(world.orders);
	orders_step(world.orders);
	assert_int_equal(world.event_count, 1); /* the journal still tells of it */
	clock_fake_set_wall(&world.clock, LATER + 7LL * 86400 * 1000 + 1);
	crash_and_start(actions);
	forget_events();
	orders_connected(world.orders);
	orders_step(world.orders);
	assert_int_equal(world.event_count, 0);
}

static void orders_run_in_a_thread_of_their_own(void **state)
{
	struct operation o = operation(FIRST, "get-status");
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(orders_start(world.orders, &e));
	send(&o);
	for (int64_t end = clock_monotonic_ms(clock_real()) + 10000;
	        world.run == 0 && clock_monotonic_ms(clock_real()) < end;)
		usleep(1000);
	orders_stop(world.orders);
	assert_int_equal(world.run, 1);
}

/* ---- */

static int set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	snprintf(world.journal, sizeof world.journal, "/tmp/fleetport-journal-%ld", (long)getpid());
	unlink(world.journal);
	clock_fake_init(&world.clock, NOW);
	crypto_keypair(world.server_public, world.server_secret);
	crypto_keypair(world.agent_public, world.agent_secret);
	world.offset_known = world.connected = world.run_ends = true;
	world.arena = arena_new(16 * 1024 * 1024);
	start_with(actions);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	orders_free(world.orders);
	arena_free(world.arena);
	unlink(world.journal);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_order_is_received_begun_and_done_with_evidence),
	        TEST(the_same_order_again_is_not_done_again),
	        TEST(a_later_attempt_is_answered_under_its_own_number),
	        TEST(a_forged_order_is_not_answered),
	        TEST(an_order_for_another_agent_is_not_answered),
	        TEST(a_late_order_expires_and_never_runs),
	        TEST(a_clock_that_is_off_or_unknown_takes_no_orders),
	        TEST(the_devices_own_guards_reject),
	        TEST(a_kind_that_the_agent_does_not_do_is_rejected),
	        TEST(an_agent_that_is_switched_off_locally_rejects),
	        TEST(presence_says_what_the_agent_can_do),
	        TEST(what_is_not_acknowledged_is_told_again),
	        TEST(what_was_done_without_a_connection_is_told_on_the_next),
	        TEST(a_crash_between_receipt_and_result_repeats_a_query),
	        TEST(a_query_whose_time_ran_out_in_the_crash_fails),
	        TEST(a_crash_in_a_consuming_operation_leaves_it_in_doubt_and_never_repeats_it),
	        TEST(a_crash_after_the_receipt_begins_what_was_not_begun),
	        TEST(a_line_cut_off_by_a_crash_is_dropped),
	        TEST(a_damaged_journal_is_said_so),
	        TEST(a_cancel_before_the_order_keeps_it_from_ever_running),
	        TEST(an_order_that_waits_can_be_canceled),
	        TEST(a_result_wins_over_a_cancel),
	        TEST(ids_are_kept_for_seven_days_after_their_time),
	        TEST(orders_run_in_a_thread_of_their_own),
	};
	struct err e = ERR_CLEAR;

	return crypto_init(&e) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of fleetport-dispatch between a real store and a broker, an audit log and an agent that are this
 * test.
 */
#include "core/operations.h"
#include "daemons/dispatch/engine.h"
#include "lib/event.h"
#include "lib/operation.h"
#include "tests/helpers/store.h"
#include "tests/helpers/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define AGENT "ag_0123456789012345678901"
#define OTHER "ag_9999999999999999999999"
#define OP    "op_0123456789012345678901"

enum { MINUTE = 60 * 1000, SENT_MAX = 32 };

struct setting {
	struct world *world;
	struct engine engine;
	unsigned char public_key[CRYPTO_SIGN_PUBLIC], secret_key[CRYPTO_SIGN_SECRET];
	unsigned char event_public[CRYPTO_SIGN_PUBLIC], event_secret[CRYPTO_SIGN_SECRET];
	unsigned char other_public[CRYPTO_SIGN_PUBLIC], other_secret[CRYPTO_SIGN_SECRET];
	struct {
		char topic[OPERATION_TOPIC_SIZE];
		struct operation message;
		enum operation_message type;
	} sent[SENT_MAX];
	size_t sent_count;
	size_t records, denied;
	bool audit_away, broker_away;
	int number;
};

/* ---- this test's broker and audit log */

static bool server_key(
        void *context, const char *key_id, unsigned char public_key[CRYPTO_SIGN_PUBLIC])
{
	struct setting *s = context;

	assert_string_equal(key_id, s->engine.key_id);
	memcpy(public_key, s->public_key, CRYPTO_SIGN_PUBLIC);
	return true;
}

static bool publish(
        void *arg, const char *topic, const void *payload, size_t len, int *number, struct err *e)
{
	static const char *const schemas[] = {OPERATION_SCHEMA, CANCEL_SCHEMA, ACK_SCHEMA, NULL};
	struct setting *s = arg;
	struct buf opened = BUF_INIT(OPERATION_MAX);
	struct err why = ERR_CLEAR;
	size_t which;

	if (s->broker_away)
		return err_set(e, ERR_UNAVAILABLE, "no broker");
	assert_true(s->sent_count < SENT_MAX);
	if (!envelope_open(payload, len, schemas, server_key, s, &opened, &which, &why))
		fail_msg("%s", why.text);
	s->sent[s->sent_count].type = (enum operation_message)which;
	(void)snprintf(s->sent[s->sent_count].topic, OPERATION_TOPIC_SIZE, "%s", topic);
	assert_true(operation_read(opened.data, opened.len, (enum operation_message)which,
	        s->world->arena, &s->sent[s->sent_count].message, &why));
	s->sent_count++;
	buf_free(&opened);
	*number = ++s->number;
	return true;
}

static bool record(void *arg, const struct audit_entry *entry, struct err *e)
{
	struct setting *s = arg;

	if (s->audit_away)
		return err_set(e, ERR_UNAVAILABLE, "no audit log");
	s->records++;
	s->denied += entry->outcome == AUDIT_DENIED || entry->outcome == AUDIT_NOT_FOUND;
	return true;
}

/* ---- a world with one operation that waits */

static void hex(const unsigned char *data, char out[65])
{
	crypto_hex(data, CRYPTO_SIGN_PUBLIC, out);
}

static int set_up(void **state)
{
	static struct setting s;
	struct world_ids customer, partner, group, person;
	char sql[4000], key[65], other[65];
	struct err e = ERR_CLEAR;

	s = (struct setting){.world = world_new(engine_tables)};
	crypto_keypair(s.public_key, s.secret_key);
	crypto_keypair(s.event_public, s.event_secret);
	crypto_keypair(s.other_public, s.other_secret);
	hex(s.event_public, key);
	hex(s.other_public, other);
	customer = world_organisation(s.world, "customer", "Paper & Sons");
	partner = world_organisation(s.world, "partner", "Fixers");
	group = world_default_group(s.world, &customer);
	person = world_person(s.world, &partner, ROLE_TECHNICIAN, "kim");
	(void)world_contract(s.world, &customer, &partner, 30);
	(void)world_grant(s.world, &person, &group, "view");
	(void)world_grant(s.world, &person, &group, "operate");
	(void)snprintf(sql, sizeof sql,
	        "INSERT INTO agent (id, public_id, customer_id, type, event_key, created_at) VALUES"
	        " (1, '" AGENT "', %lld, 'dc', x'%s', 0), (2, '" OTHER "', %lld, 'dc', x'%s', 0);"
	        "INSERT INTO device (id, public_id, customer_id, group_id, identity_kind, "
	        "identity_value, agent_id, name,"
	        " search_key, state, first_seen_at, seen_hour, list_version) VALUES (1, "
	        "'de_0123456789012345678901', %lld,"
	        " %lld, 'serial', 'ACME X1', 1, 'Plot 1', 'plot 1', 'idle', 0, 0, 0)",
	        (long long)customer.id, key, (long long)customer.id, other, (long long)customer.id,
	        (long long)group.id);
	test_store_exec(s.world->folder, SQL_CORE, sql);
	(void)snprintf(sql, sizeof sql,
	        "INSERT INTO request (id, public_id, state, requester, organisation_id, kind, "
	        "purpose, idempotency_key,"
	        " body_hash, begun, created_at) VALUES (1, 'rq_0123456789012345678901', 'active', "
	        "%lld, %lld, 'get-status',"
	        " 'ticket 7', 'key-key-key', x'00', 1, %lld);"
	        "INSERT INTO execution (id, public_id, request_id, device, device_public_id, "
	        "customer_id, state, class,"
	        " run_seconds, not_after, timer_at, created_at) VALUES (1, '" OP
	        "', 1, 1, 'de_0123456789012345678901', %lld,"
	        " 'queued', 'query', 900, %lld, %lld, %lld);"
	        "INSERT INTO outbox (execution_id, message, attempt, ready_at, created_at) VALUES "
	        "(1, 'operation', 0, 0, 0)",
	        (long long)person.id, (long long)partner.id, (long long)world_now(s.world),
	        (long long)customer.id, (long long)world_now(s.world) + 15 * MINUTE,
	        (long long)world_now(s.world) + 15 * MINUTE, (long long)world_now(s.world));
	test_store_exec(s.world->folder, SQL_OPERATIONS, sql);
	s.engine.db = s.world->db;
	s.engine.clock = &s.world->clock.base;
	s.engine.secret_key = s.secret_key;
	s.engine.io = (struct engine_io){.publish = publish, .record = record, .arg = &s};
	if (!engine_begin(&s.engine, &e))
		fail_msg("%s", e.text);
	engine_connected(&s.engine);
	*state = &s;
	return 0;
}

static int tear_down(void **state)
{
	struct setting *s = *state;

	engine_end(&s->engine);
	world_free(s->world);
	return 0;
}

/* ---- this test's agent */

static void say_raw(struct setting *s, const char *agent, const char *leaf,
        const unsigned char *secret, const char *schema, struct buf *payload, bool retained)
{
	struct buf message = BUF_INIT(OPERATION_MAX);
	char topic[OPERATION_TOPIC_SIZE], id[ENVELOPE_FINGERPRINT_SIZE];
	struct err e = ERR_CLEAR;

	(void)envelope_key_id(s->event_public, id); /* a forger would claim this one too */
	assert_true(envelope_seal(id, secret, schema, payload->data, payload->len, &message, &e));
	engine_message(&s->engine, operation_topic(agent, leaf, topic), message.data, message.len,
	        retained);
	buf_free(&message);
	buf_free(payload);
}

static void say_online(struct setting *s)
{
	const struct presence p = {.agent_id = AGENT,
	        .online = true,
	        .at = world_now(s->world),
	        .version = "1.0.0",
	        .kinds = {"get-status"},
	        .kind_count = 1};
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct err e = ERR_CLEAR;

	assert_true(presence_write(&p, &payload, &e));
	say_raw(s, AGENT, "presence", s->event_secret, PRESENCE_SCHEMA, &payload, true);
}

static void die(struct setting *s)
{
	const struct presence p = {
	        .agent_id = AGENT, .online = false, .at = world_now(s->world), .version = "1.0.0"};
	struct buf will = BUF_INIT(EVENT_PAYLOAD_MAX);
	char topic[OPERATION_TOPIC_SIZE];
	struct err e = ERR_CLEAR;

	assert_true(presence_write(&p, &will, &e));
	engine_message(
	        &s->engine, operation_topic(AGENT, "presence", topic), will.data, will.len, false);
	buf_free(&will);
}

static struct event event_of(struct setting *s, enum event_type type, int64_t seq)
{
	return (struct event){.type = type,
	        .agent_id = AGENT,
	        .operation_id = OP,
	        .attempt = 1,
	        .seq = seq,
	        .at = world_now(s->world),
	        .percent = -1,
	        .text = "",
	        .code = "",
	        .message = ""};
}

static void say_as(struct setting *s, const char *agent, const unsigned char *secret,
        const struct event *event, bool retained)
{
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct err e = ERR_CLEAR;

	if (!event_write(event, &payload, &e))
		fail_msg("%s", e.text);
	say_raw(s, agent, "event", secret, EVENT_SCHEMA, &payload, retained);
}

static void say(struct setting *s, const struct event *event)
{
	say_as(s, AGENT, s->event_secret, event, false);
}

#define READING_AT(identity, at)                                                                   \
	"{\"identity\":{\"kind\":\"serial\",\"value\":\"" identity "\"},\"acquiredAt\":\"" at "\"" \
	"}"
#define READING(identity) READING_AT(identity, "2026-11-22T09:00:00.000Z")

static void say_evidence(struct setting *s, int64_t seq, const char *before, const char *after)
{
	struct event event = event_of(s, EVENT_RESULT, seq);

	event.outcome = OUTCOME_SUCCEEDED;
	event.before = before;
	event.after = after;
	event.report_id = "0192f0c1-0000-7000-8000-000000000001";
	say(s, &event);
}

static void say_result(struct setting *s, int64_t seq)
{
	say_evidence(s, seq, READING("ACME X1"), READING("ACME X1"));
}

/* ---- what the store says */

static void state_is(struct setting *s, const char *state)
{
	char sql[200];

	(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM execution WHERE state = '%s'", state);
	if (test_store_number(s->world->folder, SQL_OPERATIONS, sql) != 1)
		fail_msg("the execution is not %s", state);
}

static int64_t number(struct setting *s, const char *sql)
{
	return test_store_number(s->world->folder, SQL_OPERATIONS, sql);
}

/* Turns until nothing more happens at this moment. */
static void turn(struct setting *s)
{
	for (int i = 0; i < 5; i++)
		(void)engine_turn(&s->engine);
}

/* Sends it, and forgets what was published until then. */
static void send(struct setting *s)
{
	say_online(s);
	turn(s);
	assert_int_equal(s->sent_count, 1);
	s->sent_count = 0;
}

/* ---- tests */

static void an_operation_goes_out_signed_when_its_agent_is_online(void **state)
{
	struct setting *s = *state;

	turn(s);
	assert_int_equal(s->sent_count, 0);
	say_online(s);
	turn(s);
	assert_int_equal(s->sent_count, 1);
	assert_string_equal(s->sent[0].topic, "fleetport/1/" AGENT "/operation");
	assert_int_equal(s->sent[0].type, MESSAGE_OPERATION);
	assert_string_equal(s->sent[0].message.operation_id, OP);
	assert_string_equal(s->sent[0].message.agent_id, AGENT);
	assert_string_equal(s->sent[0].message.identity_value, "ACME X1");
	assert_string_equal(s->sent[0].message.kind_name, "get-status");
	assert_int_equal(s->sent[0].message.attempt, 1);
	assert_true(s->records > 0);
	state_is(s, "sent");
	turn(s);
	assert_int_equal(s->sent_count, 1);
}

static void an_unsigned_presence_lowers_but_never_raises(void **state)
{
	struct setting *s = *state;
	const struct presence p = {
	        .agent_id = AGENT, .online = true, .at = world_now(s->world), .version = "1.0.0"};
	struct buf bare = BUF_INIT(EVENT_PAYLOAD_MAX);
	char topic[OPERATION_TOPIC_SIZE];
	struct err e = ERR_CLEAR;

	assert_true(presence_write(&p, &bare, &e));
	engine_message(
	        &s->engine, operation_topic(AGENT, "presence", topic), bare.data, bare.len, false);
	buf_free(&bare);
	turn(s);
	assert_int_equal(s->sent_count, 0);
	say_online(s);
	die(s);
	turn(s);
	assert_int_equal(s->sent_count, 0);
	state_is(s, "queued");
}

static void receipt_start_and_result_end_it_and_are_acknowledged(void **state)
{
	struct setting *s = *state;
	struct event event;

	send(s);
	event = event_of(s, EVENT_RECEIPT, 1);
	say(s, &event);
	state_is(s, "delivered");
	event = event_of(s, EVENT_START, 2);
	say(s, &event);
	state_is(s, "in-progress");
	say_result(s, 3);
	state_is(s, "succeeded");
	assert_int_equal(number(s, "SELECT verified FROM execution"), 1);
	assert_int_equal(number(s, "SELECT count(*) FROM request WHERE state = 'completed'"), 1);
	turn(s);
	assert_true(s->sent_count >= 3);
	for (size_t i = 0; i < s->sent_count; i++)
		assert_int_equal(s->sent[i].type, MESSAGE_ACK);
}

/* A success whose evidence is of another device, of none, or out of order is shown as not borne out. */
static void evidence_of_something_else_verifies_nothing(
        void **state, const char *before, const char *after)
{
	struct setting *s = *state;

	send(s);
	say_evidence(s, 3, before, after);
	state_is(s, "succeeded");
	assert_int_equal(number(s, "SELECT verified FROM execution"), 0);
}

static void a_reading_of_another_device_before_verifies_nothing(void **state)
{
	evidence_of_something_else_verifies_nothing(state, READING("ACME X2"), READING("ACME X1"));
}

static void a_reading_of_another_device_after_verifies_nothing(void **state)
{
	evidence_of_something_else_verifies_nothing(state, READING("ACME X1"), READING("ACME X2"));
}

static void a_result_without_a_reading_verifies_nothing(void **state)
{
	evidence_of_something_else_verifies_nothing(state, NULL, READING("ACME X1"));
}

static void a_later_reading_that_is_older_verifies_nothing(void **state)
{
	evidence_of_something_else_verifies_nothing(
	        state, READING("ACME X1"), READING_AT("ACME X1", "2026-11-22T08:59:59.999Z"));
}

static void a_repeated_result_is_acknowledged_again_and_applied_once(void **state)
{
	struct setting *s = *state;
	int64_t events;
	size_t acks;

	send(s);
	say_result(s, 3);
	state_is(s, "succeeded");
	events = number(s, "SELECT count(*) FROM execution_event");
	turn(s);
	acks = s->sent_count;
	say_result(s, 3);
	turn(s);
	assert_int_equal(number(s, "SELECT count(*) FROM execution_event"), events);
	assert_true(s->sent_count > acks);
}

static void a_forged_event_is_not_believed_and_is_recorded(void **state)
{
	struct setting *s = *state;
	struct event event = event_of(s, EVENT_RESULT, 3);

	event.outcome = OUTCOME_SUCCEEDED;
	send(s);
	say_as(s, AGENT, s->other_secret, &event, false);
	state_is(s, "sent");
	assert_int_equal(s->denied, 1);
	assert_int_equal(s->sent_count, 0);
}

static void an_agent_that_talks_too_much_is_passed_over_and_loses_nothing_by_it(void **state)
{
	struct setting *s = *state;
	struct event receipt = event_of(s, EVENT_RECEIPT, 1), forged = event_of(s, EVENT_START, 9);

	send(s);
	for (int i = 0; i < RATE_EVENT_BURST + 100; i++)
		say_as(s, OTHER, s->other_secret, &forged, false); /* names AGENT: refused */
	assert_int_equal(s->denied, RATE_EVENT_BURST);
	/* the others are heard all the same */
	say(s, &receipt);
	state_is(s, "delivered");
	for (int i = 0; i < RATE_EVENT_BURST + 100; i++)
		say_as(s, AGENT, s->other_secret, &forged, false); /* badly signed */
	assert_int_equal(s->denied, 2 * RATE_EVENT_BURST - 1);
	say_result(s, 2);
	state_is(s, "delivered"); /* not heard, not acknowledged: it is said again */
	clock_fake_advance(&s->world->clock, MINUTE);
	say_result(s, 2);
	state_is(s, "succeeded");
}

static void an_agent_cannot_speak_for_an_operation_of_another(void **state)
{
	struct setting *s = *state;
	struct event event = event_of(s, EVENT_RECEIPT, 1);
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX), message = BUF_INIT(OPERATION_MAX);
	char topic[OPERATION_TOPIC_SIZE], id[ENVELOPE_FINGERPRINT_SIZE];
	struct err e = ERR_CLEAR;

	send(s);
	event.agent_id = OTHER; /* under its own key, in its own topic */
	assert_true(event_write(&event, &payload, &e));
	assert_true(envelope_seal(envelope_key_id(s->other_public, id), s->other_secret,
	        EVENT_SCHEMA, payload.data, payload.len, &message, &e));
	engine_message(&s->engine, operation_topic(OTHER, "event", topic), message.data,
	        message.len, false);
	buf_free(&payload);
	buf_free(&message);
	state_is(s, "sent");
	assert_int_equal(s->denied, 1);
}

/* The protocol names operation keys; what an agent calls its own is its affair. */
static void what_an_agent_calls_its_key_does_not_matter(void **state)
{
	static const char *const names[] = {"1", AGENT, "kQ+/8w==", "event-key.2026"};
	struct setting *s = *state;
	struct event event = event_of(s, EVENT_RECEIPT, 1);

	send(s);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX), message = BUF_INIT(OPERATION_MAX);
		char topic[OPERATION_TOPIC_SIZE];
		struct err e = ERR_CLEAR;

		event.seq = (int64_t)i + 1;
		assert_true(event_write(&event, &payload, &e));
		assert_true(envelope_seal(names[i], s->event_secret, EVENT_SCHEMA, payload.data,
		        payload.len, &message, &e));
		engine_message(&s->engine, operation_topic(AGENT, "event", topic), message.data,
		        message.len, false);
		buf_free(&payload);
		buf_free(&message);
		turn(s);
		state_is(s, "delivered");
		assert_int_equal(s->denied, 0);
	}
}

static void retained_events_and_garbage_are_passed_over(void **state)
{
	struct setting *s = *state;
	struct event event = event_of(s, EVENT_RECEIPT, 1);

	send(s);
	say_as(s, AGENT, s->event_secret, &event, true);
	engine_message(&s->engine, "fleetport/1/" AGENT "/event", "{}", 2, false);
	engine_message(&s->engine, "fleetport/1/" AGENT "/event", "", 0, false);
	engine_message(&s->engine, "fleetport/1/../event", "x", 1, false);
	engine_message(&s->engine, "fleetport/1/ag_/presence", "x", 1, false);
	engine_message(&s->engine, "else", "x", 1, false);
	state_is(s, "sent");
}

static void without_a_receipt_it_is_sent_again_under_the_same_id(void **state)
{
	struct setting *s = *state;

	send(s);
	clock_fake_advance(&s->world->clock, OPERATIONS_RECEIPT_MS + 1);
	turn(s);
	state_is(s, "resending");
	clock_fake_advance(&s->world->clock, MINUTE);
	turn(s);
	assert_int_equal(s->sent_count, 1);
	assert_string_equal(s->sent[0].message.operation_id, OP);
	assert_int_equal(s->sent[0].message.attempt, 2);
	state_is(s, "sent");
}

static void when_nobody_listens_it_waits_for_the_agent(void **state)
{
	struct setting *s = *state;

	send(s);
	engine_published(&s->engine, s->number, 16);
	state_is(s, "resending");
	clock_fake_advance(&s->world->clock, MINUTE);
	turn(s);
	assert_int_equal(s->sent_count, 0);
	say_online(s);
	turn(s);
	assert_int_equal(s->sent_count, 1);
}

static void when_the_agent_goes_what_it_did_not_receive_waits(void **state)
{
	struct setting *s = *state;

	send(s);
	die(s);
	state_is(s, "resending");
}

static void when_the_broker_is_away_it_waits_and_goes_when_it_is_back(void **state)
{
	struct setting *s = *state;

	say_online(s);
	engine_disconnected(&s->engine);
	turn(s);
	state_is(s, "queued");
	engine_connected(&s->engine);
	turn(s);
	state_is(s, "queued"); /* nobody has said yet that the agent is there */
	say_online(s);
	turn(s);
	assert_int_equal(s->sent_count, 1);
}

static void a_publish_that_fails_loses_nothing(void **state)
{
	struct setting *s = *state;

	s->broker_away = true;
	say_online(s);
	turn(s);
	state_is(s, "resending");
	s->broker_away = false;
	clock_fake_advance(&s->world->clock, MINUTE);
	say_online(s);
	turn(s);
	assert_int_equal(s->sent_count, 1);
}

static void without_an_audit_record_no_order_goes_to_a_printer(void **state)
{
	struct setting *s = *state;

	s->audit_away = true;
	say_online(s);
	turn(s);
	assert_int_equal(s->sent_count, 0);
	s->audit_away = false;
	clock_fake_advance(&s->world->clock, OPERATIONS_RECEIPT_MS + 1);
	turn(s);
	clock_fake_advance(&s->world->clock, MINUTE);
	turn(s);
	assert_int_equal(s->sent_count, 1);
}

static void without_an_audit_record_an_event_is_not_acknowledged(void **state)
{
	struct setting *s = *state;

	send(s);
	s->audit_away = true;
	say_result(s, 3);
	turn(s);
	state_is(s, "sent");
	assert_int_equal(s->sent_count, 0);
	s->audit_away = false;
	say_result(s, 3);
	turn(s);
	state_is(s, "succeeded");
	assert_int_equal(s->sent_count, 1);
}

static void a_right_that_was_withdrawn_stops_it_before_it_is_sent(void **state)
{
	struct setting *s = *state;

	test_store_exec(s->world->folder, SQL_CORE, "UPDATE contract SET ended_at = 1");
	say_online(s);
	turn(s);
	assert_int_equal(s->sent_count, 0);
	state_is(s, "removed");
}

/* The first attempt may not have arrived: a second one would make the printer act without a right. */
static void a_right_that_was_withdrawn_stops_it_from_being_sent_again(void **state)
{
	struct setting *s = *state;

	send(s);
	clock_fake_advance(&s->world->clock, OPERATIONS_RECEIPT_MS + 1);
	turn(s);
	state_is(s, "resending");
	test_store_exec(s->world->folder, SQL_CORE, "UPDATE contract SET ended_at = 1");
	clock_fake_advance(&s->world->clock, MINUTE);
	turn(s);
	assert_int_equal(s->sent_count, 0);
	state_is(s, "resending"); /* not removed: it may have been carried out */
	assert_int_equal(number(s, "SELECT count(*) FROM outbox"), 0);
	say_result(s, 3);
	state_is(s, "succeeded");
}

static void a_revoked_agent_is_sent_nothing_and_believed_nothing(void **state)
{
	struct setting *s = *state;

	say_online(s);
	test_store_exec(s->world->folder, SQL_CORE, "UPDATE agent SET revoked_at = 1 WHERE id = 1");
	turn(s);
	assert_int_equal(s->sent_count, 0);
	test_store_exec(s->world->folder, SQL_CORE, "UPDATE agent SET revoked_at = NULL");
	turn(s);
	assert_int_equal(s->sent_count, 1);
	test_store_exec(s->world->folder, SQL_CORE, "UPDATE agent SET revoked_at = 1 WHERE id = 1");
	say_result(s, 3);
	state_is(s, "sent");
}

static void the_agent_of_a_customer_that_left_is_sent_nothing_and_believed_nothing(void **state)
{
	struct setting *s = *state;

	send(s);
	test_store_exec(s->world->folder, SQL_CORE,
	        "UPDATE organisation SET ended_at = 1 WHERE kind = 'customer'");
	say_result(s, 3);
	turn(s);
	state_is(s, "sent");
	assert_int_equal(s->sent_count, 0);
}

static void a_result_after_unknown_is_taken_once_and_flagged_late(void **state)
{
	struct setting *s = *state;
	struct event event;

	send(s);
	event = event_of(s, EVENT_START, 2);
	say(s, &event);
	clock_fake_advance(&s->world->clock, 16 * MINUTE + 5 * MINUTE);
	turn(s);
	state_is(s, "unknown");
	say_result(s, 3);
	state_is(s, "succeeded");
	assert_int_equal(number(s, "SELECT late FROM execution"), 1);
	event = event_of(s, EVENT_RESULT, 4);
	event.outcome = OUTCOME_FAILED;
	say(s, &event);
	state_is(s, "succeeded");
	assert_int_equal(number(s, "SELECT count(*) FROM execution_event WHERE conflict = 1"), 1);
}

static void what_was_never_sent_expires_at_its_time(void **state)
{
	struct setting *s = *state;

	clock_fake_advance(&s->world->clock, 15 * MINUTE + 1);
	turn(s);
	state_is(s, "expired");
	say_online(s);
	turn(s);
	assert_int_equal(s->sent_count, 0);
}

static void a_journal_tells_of_phases_that_were_missed(void **state)
{
	struct setting *s = *state;
	const struct event_journal_entry entries[] = {{.operation_id = OP,
	        .attempt = 1,
	        .phase = PHASE_STARTED,
	        .at = world_now(s->world)}};
	struct event event = {.type = EVENT_JOURNAL,
	        .agent_id = AGENT,
	        .at = world_now(s->world),
	        .percent = -1,
	        .text = "",
	        .code = "",
	        .message = "",
	        .entries = entries,
	        .entry_count = 1};

	send(s);
	say(s, &event);
	state_is(s, "in-progress");
}

static void a_journal_of_made_up_operations_is_one_record(void **state)
{
	struct setting *s = *state;
	char ids[100][sizeof OP];
	struct event_journal_entry entries[100];
	struct event event = event_of(s, EVENT_JOURNAL, 0);

	for (int i = 0; i < 100; i++) {
		(void)snprintf(ids[i], sizeof ids[i], "op_%022d", i);
		entries[i] = (struct event_journal_entry){ids[i], 1, PHASE_STARTED, 1};
	}
	event.entries = entries;
	event.entry_count = 100;
	say(s, &event);
	assert_int_equal(s->records, 1);
	assert_int_equal(s->denied, 1);
	state_is(s, "queued");
}

static void a_successor_goes_on_where_the_engine_died(void **state)
{
	struct setting *s = *state;
	struct engine second = s->engine;
	struct err e = ERR_CLEAR;

	send(s);
	engine_end(&s->engine);
	assert_true(engine_begin(&second, &e));
	s->engine = second;
	engine_connected(&s->engine);
	turn(s);
	assert_int_equal(s->sent_count, 0); /* not again before the receipt is overdue */
	say_result(s, 3);
	state_is(s, "succeeded");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_operation_goes_out_signed_when_its_agent_is_online),
	        TEST(an_unsigned_presence_lowers_but_never_raises),
	        TEST(receipt_start_and_result_end_it_and_are_acknowledged),
	        TEST(a_reading_of_another_device_before_verifies_nothing),
	        TEST(a_reading_of_another_device_after_verifies_nothing),
	        TEST(a_result_without_a_reading_verifies_nothing),
	        TEST(a_later_reading_that_is_older_verifies_nothing),
	        TEST(a_repeated_result_is_acknowledged_again_and_applied_once),
	        TEST(a_forged_event_is_not_believed_and_is_recorded),
	        TEST(an_agent_that_talks_too_much_is_passed_over_and_loses_nothing_by_it),
	        TEST(an_agent_cannot_speak_for_an_operation_of_another),
	        TEST(what_an_agent_calls_its_key_does_not_matter),
	        TEST(retained_events_and_garbage_are_passed_over),
	        TEST(without_a_receipt_it_is_sent_again_under_the_same_id),
	        TEST(when_nobody_listens_it_waits_for_the_agent),
	        TEST(when_the_agent_goes_what_it_did_not_receive_waits),
	        TEST(when_the_broker_is_away_it_waits_and_goes_when_it_is_back),
	        TEST(a_publish_that_fails_loses_nothing),
	        TEST(without_an_audit_record_no_order_goes_to_a_printer),
	        TEST(without_an_audit_record_an_event_is_not_acknowledged),
	        TEST(a_right_that_was_withdrawn_stops_it_before_it_is_sent),
	        TEST(a_right_that_was_withdrawn_stops_it_from_being_sent_again),
	        TEST(a_revoked_agent_is_sent_nothing_and_believed_nothing),
	        TEST(the_agent_of_a_customer_that_left_is_sent_nothing_and_believed_nothing),
	        TEST(a_result_after_unknown_is_taken_once_and_flagged_late),
	        TEST(what_was_never_sent_expires_at_its_time),
	        TEST(a_journal_tells_of_phases_that_were_missed),
	        TEST(a_journal_of_made_up_operations_is_one_record),
	        TEST(a_successor_goes_on_where_the_engine_died),
	};

	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}

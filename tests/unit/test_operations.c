/* SPDX-License-Identifier: Apache-2.0 */
#include "core/operations.h"

#include "core/operations_waiting.h"
#include "core/outbox.h"
#include "lib/crypto.h"
#include "tests/helpers/audit.h"
#include "tests/helpers/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = 60 * 1000, AGENT = 70, DEVICE = 1, NAMELESS = 2, FOREIGN = 3 };

static struct world *w;
static pid_t audit;
static struct changes changes;
static struct world_ids customer, partner, rival, group, technician, colleague, stranger;

static const char *device_id(int64_t id)
{
	static char text[4][32];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof(text[turn]), "de_%022lld", (long long)id);
	return text[turn];
}

static void exec(enum sql_store store, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static void exec(enum sql_store store, const char *format, ...)
{
	char text[2000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	test_store_exec(w->folder, store, text);
}

static int64_t operations_number(const char *text)
{
	return test_store_number(w->folder, SQL_OPERATIONS, text);
}

static void add_device(int64_t id, const char *identity_kind, int64_t agent)
{
	exec(SQL_CORE,
	        "INSERT INTO device (id, public_id, customer_id, group_id, identity_kind,"
	        " identity_value, manufacturer, model, name, search_key, state, first_seen_at,"
	        " seen_hour, list_version, agent_id) VALUES (%lld, '%s', %lld, %lld, '%s', 'V%lld',"
	        " 'ACME', 'P1', 'Plotter', 'plotter', 'idle', 1, 1, 1, %lld)",
	        (long long)id, device_id(id), (long long)customer.id, (long long)group.id,
	        identity_kind, (long long)id, (long long)agent);
}

static void connect_agent(bool online, const char *kinds)
{
	exec(SQL_OPERATIONS,
	        "INSERT INTO presence (agent, online, at, kinds) VALUES (%d, %d, 1, '%s')"
	        " ON CONFLICT (agent) DO UPDATE SET online = excluded.online,"
	        " kinds = excluded.kinds",
	        AGENT, online, kinds);
}

static int set_up(void **state)
{
	static const struct sql_table *const tables[] = {OPERATIONS_TABLES,
	        &operations_dispatch_sql, &operations_waiting_sql, &outbox_sql, &changes_sql,
	        &devices_sql, NULL};
	char path[200];
	struct err e = ERR_CLEAR;

	(void)state;
	w = world_new(tables);
	audit = test_audit_start(w);
	snprintf(path, sizeof(path), "%s/audit-support.sock", w->folder);
	changes = (struct changes){.db = w->db, .program = "support"};
	changes.audit = audit_client_new(path, &e);
	assert_non_null(changes.audit);
	customer = world_organisation(w, "customer", "Customer");
	partner = world_organisation(w, "partner", "Partner");
	rival = world_organisation(w, "partner", "Rival");
	group = world_group(w, &customer, "Hall");
	technician = world_person(w, &partner, ROLE_TECHNICIAN, "technician");
	colleague = world_person(w, &partner, ROLE_TECHNICIAN, "colleague");
	stranger = world_person(w, &rival, ROLE_TECHNICIAN, "stranger");
	(void)world_contract(w, &customer, &partner, 100);
	(void)world_contract(w, &customer, &rival, 100);
	(void)world_grant(w, &technician, &group, "view");
	(void)world_grant(w, &technician, &group, "operate");
	(void)world_grant(w, &colleague, &group, "view");
	(void)world_grant(w, &stranger, &group, "view");
	exec(SQL_CORE,
	        "INSERT INTO agent (id, public_id, customer_id, type, event_key, created_at)"
	        " VALUES (%d, 'ag_%022d', %lld, 'dc', zeroblob(32), 1)",
	        AGENT, AGENT, (long long)customer.id);
	add_device(DEVICE, "serial", AGENT);
	add_device(NAMELESS, "mac", AGENT);
	exec(SQL_CORE, "UPDATE device SET serial_number = 'PL0001' WHERE id = %d", DEVICE);
	exec(SQL_CORE, "INSERT INTO model_capability VALUES ('ACME', 'P1',"
	               " 'get-status head-cleaning diagnosis')");
	connect_agent(true, "get-status head-cleaning");
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	audit_client_free(changes.audit);
	test_audit_kill(audit);
	world_free(w);
	return 0;
}

static struct viewer as(const struct world_ids *person, const struct world_ids *organisation)
{
	return (struct viewer){.account_id = person->id,
	        .organisation_id = organisation->id,
	        .role = ROLE_TECHNICIAN,
	        .account_public_id = person->public_id};
}

static struct audit_entry entry_of(const struct viewer *v)
{
	return (struct audit_entry){.actor_kind = "person", .actor_id = v->account_public_id};
}

/* ---- submitting */

static bool try_submit(const struct world_ids *person, const char *kind, const char *parameters,
        int64_t device, const char *key, struct operation_receipt *receipt, struct err *e)
{
	struct viewer v = as(person, person == &stranger ? &rival : &partner);
	struct audit_entry entry = entry_of(&v);
	const char *devices[] = {device_id(device)};
	const struct operation_order order = {.kind = kind,
	        .parameters = parameters,
	        .purpose = "ticket 1",
	        .key = key,
	        .devices = devices,
	        .device_count = 1};

	*e = ERR_CLEAR;
	return operations_submit(&changes, &v, &entry, &order, world_now(w), receipt, e);
}

/* Submits what must work; the request's id, in the world's arena. */
static const char *submit(const char *kind, const char *parameters)
{
	static int count;
	char key[32];
	struct operation_receipt receipt;
	struct err e;

	snprintf(key, sizeof(key), "key-%08d", ++count);
	if (!try_submit(&technician, kind, parameters, DEVICE, key, &receipt, &e))
		fail_msg("%s", e.text);
	assert_false(receipt.existing);
	return arena_strdup(w->arena, receipt.request_id);
}

static bool find(const struct world_ids *person, const char *id, struct operation_request *out,
        struct err *e)
{
	struct viewer v = as(person, person == &stranger ? &rival : &partner);
	struct sql_conn *conn = world_read(w);
	bool ok = operations_find(conn, &v, w->arena, id, out, e);

	sql_return(conn);
	return ok;
}

static struct execution only(const char *request_id)
{
	struct operation_request r;
	struct err e = ERR_CLEAR;

	if (!find(&technician, request_id, &r, &e))
		fail_msg("%s", e.text);
	assert_int_equal(r.count, 1);
	return r.list[0];
}

static void a_submitted_operation_is_queued_and_shown_to_the_own_organisation(void **state)
{
	const char *id = submit("get-status", NULL);
	const char *newer;
	struct viewer v = as(&technician, &partner);
	struct operation_request r;
	struct request_row *rows;
	struct sql_conn *conn;
	struct err e = ERR_CLEAR;
	size_t count;

	(void)state;
	assert_true(find(&technician, id, &r, &e));
	assert_int_equal(r.row.state, REQUEST_ACTIVE);
	assert_string_equal(r.row.kind, "get-status");
	assert_string_equal(r.row.purpose, "ticket 1");
	assert_string_equal(r.row.requester_public_id, technician.public_id);
	assert_string_equal(r.row.organisation_name, "Partner");
	assert_string_equal(r.parameters, "{}");
	assert_true(r.may_cancel);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.list[0].state, EXECUTION_QUEUED);
	assert_string_equal(r.list[0].device_public_id, device_id(DEVICE));
	assert_string_equal(r.list[0].device_serial, "PL0001");
	assert_int_equal(r.list[0].not_after, world_now(w) + OPERATIONS_NOT_AFTER_MS);
	assert_int_equal(r.list[0].verified, -1);
	assert_int_equal(r.list[0].percent, -1);
	assert_int_equal(r.list[0].step_count, 1);
	assert_string_equal(r.list[0].steps[0].event, "queued");
	assert_string_equal(r.list[0].steps[0].source, "support");
	assert_int_equal(operations_number("SELECT count(*) FROM outbox"
	                                   " WHERE message = 'operation'"),
	        1);
	/* A colleague with the view sees it; another partner with the same device does not. */
	assert_true(find(&colleague, id, &r, &e));
	assert_false(find(&stranger, id, &r, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	conn = world_read(w);
	assert_true(operations_list(conn, &v, w->arena, NULL, NULL, 50, &rows, &count, &e));
	assert_int_equal(count, 1);
	assert_string_equal(rows[0].public_id, id);
	assert_int_equal(rows[0].executions, 1);
	/* which of several of one model it is, and whose */
	assert_string_equal(rows[0].device_serial, "PL0001");
	assert_string_equal(rows[0].customer_name, "Customer");
	assert_true(operations_list(
	        conn, &v, w->arena, device_id(DEVICE), NULL, 50, &rows, &count, &e));
	assert_int_equal(count, 1);
	assert_true(operations_list(
	        conn, &v, w->arena, device_id(NAMELESS), NULL, 50, &rows, &count, &e));
	assert_int_equal(count, 0);
	assert_true(operations_list(conn, &v, w->arena, NULL, id, 50, &rows, &count, &e));
	assert_int_equal(count, 0);
	/* What is older than another one's operation is not told, nor than one that is none. */
	sql_return(conn);
	newer = submit("get-status", NULL);
	conn = world_read(w);
	assert_true(operations_list(conn, &v, w->arena, NULL, newer, 50, &rows, &count, &e));
	assert_int_equal(count, 1);
	assert_string_equal(rows[0].public_id, id);
	v = as(&stranger, &rival);
	assert_true(operations_list(conn, &v, w->arena, NULL, newer, 50, &rows, &count, &e));
	assert_int_equal(count, 0);
	assert_true(operations_list(conn, &v, w->arena, NULL, NULL, 50, &rows, &count, &e));
	assert_int_equal(count, 0);
	sql_return(conn);
}

static void both_records_of_a_submission_are_in_the_audit_log(void **state)
{
	const char *text = "SELECT count(*) FROM audit_entry WHERE source = 'support'";

	(void)state;
	(void)submit("get-status", NULL);
	assert_int_equal(test_store_number(w->folder, SQL_AUDIT, text), 2);
	assert_int_equal(operations_number("SELECT begun FROM request"),
	        test_store_number(w->folder, SQL_AUDIT,
	                "SELECT min(number) FROM audit_entry WHERE source = 'support'"));
}

static void the_same_key_gives_the_same_request_and_other_contents_are_a_conflict(void **state)
{
	struct operation_receipt first, again;
	struct err e;

	(void)state;
	assert_true(try_submit(&technician, "get-status", NULL, DEVICE, "samesame", &first, &e));
	assert_true(try_submit(&technician, "get-status", "{}", DEVICE, "samesame", &again, &e));
	assert_true(again.existing);
	assert_string_equal(first.request_id, again.request_id);
	assert_false(try_submit(&technician, "get-status", NULL, NAMELESS, "samesame", &again, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	assert_int_equal(operations_number("SELECT count(*) FROM request"), 1);
	assert_int_equal(operations_number("SELECT count(*) FROM execution"), 1);
}

static void malformed_orders_are_refused(void **state)
{
	struct operation_receipt r;
	struct err e;

	(void)state;
	assert_false(try_submit(&technician, "self-destruct", NULL, DEVICE, "12345678", &r, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_false(
	        try_submit(&technician, "get-status", "{\"x\":1}", DEVICE, "12345678", &r, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_false(try_submit(&technician, "head-cleaning", "{}", DEVICE, "12345678", &r, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_false(try_submit(&technician, "get-status", NULL, DEVICE, "short", &r, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_int_equal(operations_number("SELECT count(*) FROM request"), 0);
}

static enum obstacle obstacle_for(const struct world_ids *person, const char *kind, int64_t id)
{
	struct viewer v = as(person, &partner);
	struct sql_conn *conn = world_read(w);
	enum obstacle obstacle = OBSTACLE_NONE;
	struct device device;
	struct err e = ERR_CLEAR;

	if (!devices_find(conn, &v, w->arena, device_id(id), &device, &e) ||
	        !operations_check(conn, &v, &device, operation_kind_find(kind), &obstacle, &e))
		fail_msg("%s", e.text);
	sql_return(conn);
	return obstacle;
}

static void what_stands_in_the_way_is_named(void **state)
{
	(void)state;
	assert_int_equal(obstacle_for(&technician, "get-status", DEVICE), OBSTACLE_NONE);
	/* the right */
	assert_int_equal(obstacle_for(&colleague, "get-status", DEVICE), OBSTACLE_NO_RIGHT);
	assert_int_equal(obstacle_for(&technician, "head-cleaning", DEVICE), OBSTACLE_NO_RIGHT);
	(void)world_grant(w, &technician, &group, "consume");
	assert_int_equal(obstacle_for(&technician, "head-cleaning", DEVICE), OBSTACLE_NONE);
	/* the device: no serial number, nothing consuming */
	assert_int_equal(
	        obstacle_for(&technician, "head-cleaning", NAMELESS), OBSTACLE_NOT_CAPABLE);
	assert_int_equal(obstacle_for(&technician, "get-status", NAMELESS), OBSTACLE_NONE);
	/* the agent cannot; the model cannot */
	assert_int_equal(obstacle_for(&technician, "diagnosis", DEVICE), OBSTACLE_NOT_CAPABLE);
	exec(SQL_CORE, "DELETE FROM model_capability");
	assert_int_equal(obstacle_for(&technician, "head-cleaning", DEVICE), OBSTACLE_NOT_CAPABLE);
	assert_int_equal(obstacle_for(&technician, "get-status", DEVICE), OBSTACLE_NONE);
	/* the agent is away, or was never there, or is revoked */
	connect_agent(false, "get-status");
	assert_int_equal(obstacle_for(&technician, "get-status", DEVICE), OBSTACLE_OFFLINE);
	exec(SQL_OPERATIONS, "DELETE FROM presence");
	assert_int_equal(obstacle_for(&technician, "get-status", DEVICE), OBSTACLE_NO_AGENT);
	connect_agent(true, "get-status");
	exec(SQL_CORE, "UPDATE agent SET revoked_at = 1");
	assert_int_equal(obstacle_for(&technician, "get-status", DEVICE), OBSTACLE_NO_AGENT);
	exec(SQL_CORE, "UPDATE agent SET revoked_at = NULL");
	/* consent */
	exec(SQL_CORE, "UPDATE device_group SET consent = 'ask'");
	assert_int_equal(obstacle_for(&technician, "get-status", DEVICE), OBSTACLE_ASKS);
	exec(SQL_CORE, "UPDATE device_group SET consent = 'never'");
	assert_int_equal(obstacle_for(&technician, "get-status", DEVICE), OBSTACLE_NO_CONSENT);
	for (int i = OBSTACLE_NONE + 1; i < OBSTACLES; i++) {
		assert_true(obstacle_code((enum obstacle)i)[0] != '\0');
		assert_true(obstacle_sentence((enum obstacle)i)[0] != '\0');
	}
}

static void the_server_refuses_what_the_check_refuses(void **state)
{
	struct operation_receipt r;
	struct err e;

	(void)state;
	assert_false(try_submit(&colleague, "get-status", NULL, DEVICE, "12345678", &r, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_int_equal(r.obstacle, OBSTACLE_NO_RIGHT);
	assert_false(try_submit(&technician, "diagnosis", NULL, DEVICE, "12345678", &r, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	assert_int_equal(r.obstacle, OBSTACLE_NOT_CAPABLE);
	assert_false(try_submit(&technician, "get-status", NULL, 999, "12345678", &r, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_int_equal(operations_number("SELECT count(*) FROM request"), 0);
	assert_int_equal(test_store_number(w->folder, SQL_AUDIT,
	                         "SELECT count(*) FROM audit_entry WHERE source = 'support'"),
	        2);
}

static void of_many_devices_those_that_cannot_are_rejected_and_the_others_go(void **state)
{
	struct viewer v = as(&technician, &partner);
	struct audit_entry entry = entry_of(&v);
	const char *devices[] = {device_id(DEVICE), device_id(NAMELESS)};
	const struct operation_order order = {.kind = "head-cleaning",
	        .parameters = "{\"strength\":\"light\"}",
	        .purpose = "p",
	        .key = "12345678",
	        .devices = devices,
	        .device_count = 2};
	struct operation_receipt receipt;
	struct operation_request r;
	struct err e = ERR_CLEAR;

	(void)state;
	(void)world_grant(w, &technician, &group, "consume");
	assert_true(operations_submit(&changes, &v, &entry, &order, world_now(w), &receipt, &e));
	assert_true(find(&technician, receipt.request_id, &r, &e));
	assert_int_equal(r.count, 2);
	assert_int_equal(r.list[0].state, EXECUTION_QUEUED);
	assert_int_equal(r.list[1].state, EXECUTION_REJECTED);
	assert_string_equal(r.list[1].code, "not-capable");
	assert_int_equal(r.row.state, REQUEST_ACTIVE);
}

/* ---- moves */

struct apply {
	const char *public_id;
	struct execution_change change;
	struct execution_brief x;
	struct execution_outcome out;
};

static bool apply_work(struct sql_conn *conn, void *arg, struct err *e)
{
	struct apply *a = arg;

	return executions_load_public(conn, w->arena, a->public_id, &a->x, e) &&
	       executions_apply(conn, w->arena, &a->x, &a->change, &a->out, e);
}

static bool try_apply(const char *public_id, struct execution_change change,
        struct execution_outcome *out, struct err *e)
{
	struct apply a = {.public_id = public_id, .change = change};
	bool ok;

	a.change.at = world_now(w);
	if (a.change.source == NULL)
		a.change.source = execution_event_is_agents(change.event) ? "agent" : "dispatch";
	ok = sql_write(w->db, SQL_OPERATIONS, apply_work, &a, 10000, e);
	*out = a.out;
	return ok;
}

static struct execution_outcome apply(const char *public_id, struct execution_change change)
{
	struct execution_outcome out;
	struct err e = ERR_CLEAR;

	if (!try_apply(public_id, change, &out, &e))
		fail_msg("%s", e.text);
	return out;
}

#define SEND ((struct execution_change){.event = EXECUTION_SEND, .agent = AGENT, .percent = -1})
#define SAYS(what, n)                                                                              \
	((struct execution_change){                                                                \
	        .event = (what), .attempt = 1, .seq = (n), .percent = -1, .verified = -1})

static void a_whole_life_from_queued_to_succeeded(void **state)
{
	const char *id = submit("get-status", NULL);
	const char *op = only(id).public_id;
	struct execution_change done = SAYS(EXECUTION_SUCCEED, 4);
	struct execution_change step = SAYS(EXECUTION_STEP, 3);
	struct execution_outcome out;
	struct operation_request r;
	struct err e = ERR_CLEAR;

	(void)state;
	assert_int_equal(apply(op, SEND).to, EXECUTION_SENT);
	assert_int_equal(only(id).sent_at, world_now(w));
	assert_int_equal(only(id).attempt, 1);
	assert_int_equal(operations_number("SELECT count(*) FROM outbox"), 0);
	clock_fake_advance(&w->clock, 10);
	assert_int_equal(apply(op, SAYS(EXECUTION_RECEIPT, 1)).to, EXECUTION_DELIVERED);
	assert_int_equal(apply(op, SAYS(EXECUTION_START, 2)).to, EXECUTION_IN_PROGRESS);
	assert_int_equal(
	        operations_number("SELECT timer_at FROM execution"), world_now(w) + 900 * 1000);
	step.percent = 60;
	step.text = "reading";
	assert_int_equal(apply(op, step).verdict, VERDICT_NOTED);
	assert_int_equal(only(id).percent, 60);
	assert_string_equal(only(id).step_text, "reading");
	done.evidence = "{\"reportId\":\"r\"}";
	done.verified = 1;
	out = apply(op, done);
	assert_int_equal(out.to, EXECUTION_SUCCEEDED);
	assert_true(out.request_ended);
	assert_false(out.late);
	assert_true(find(&technician, id, &r, &e));
	assert_int_equal(r.row.state, REQUEST_COMPLETED);
	assert_int_equal(r.row.ended_at, world_now(w));
	assert_false(r.may_cancel);
	assert_int_equal(r.list[0].verified, 1);
	assert_string_equal(r.list[0].evidence, "{\"reportId\":\"r\"}");
	assert_int_equal(r.list[0].step_count, 6);
	assert_int_equal(r.list[0].version, 6);
	assert_int_equal(operations_number("SELECT count(*) FROM execution"
	                                   " WHERE timer_at IS NOT NULL"),
	        0);
	assert_int_equal(operations_number("SELECT count(*) FROM outbox WHERE message = 'ack'"), 4);
}

static void an_event_that_comes_again_changes_nothing_and_is_acknowledged_again(void **state)
{
	const char *id = submit("get-status", NULL);
	const char *op = only(id).public_id;
	struct execution_outcome out;
	int64_t version;

	(void)state;
	(void)apply(op, SEND);
	(void)apply(op, SAYS(EXECUTION_RECEIPT, 1));
	(void)apply(op, SAYS(EXECUTION_SUCCEED, 2));
	version = only(id).version;
	exec(SQL_OPERATIONS, "DELETE FROM outbox");
	for (int i = 0; i < 3; i++) {
		out = apply(op, SAYS(EXECUTION_SUCCEED, 2));
		assert_true(out.repeated);
		assert_true(apply(op, SAYS(EXECUTION_RECEIPT, 1)).repeated);
	}
	assert_int_equal(only(id).version, version);
	assert_int_equal(operations_number("SELECT count(*) FROM outbox"), 2);
}

static void events_out_of_order_imply_the_earlier_phases(void **state)
{
	const char *id = submit("get-status", NULL);
	const char *op = only(id).public_id;

	(void)state;
	(void)apply(op, SEND);
	assert_int_equal(apply(op, SAYS(EXECUTION_SUCCEED, 3)).to, EXECUTION_SUCCEEDED);
	assert_int_equal(apply(op, SAYS(EXECUTION_RECEIPT, 1)).verdict, VERDICT_NOTED);
	assert_int_equal(apply(op, SAYS(EXECUTION_START, 2)).verdict, VERDICT_NOTED);
	assert_int_equal(only(id).state, EXECUTION_SUCCEEDED);
	assert_true(only(id).delivered_at != 0);
}

static void what_contradicts_an_end_is_kept_as_evidence_and_changes_nothing(void **state)
{
	const char *id = submit("get-status", NULL);
	const char *op = only(id).public_id;
	struct execution x;

	(void)state;
	(void)apply(op, SEND);
	(void)apply(op, SAYS(EXECUTION_FAIL, 2));
	assert_int_equal(apply(op, SAYS(EXECUTION_SUCCEED, 3)).verdict, VERDICT_CONFLICT);
	x = only(id);
	assert_int_equal(x.state, EXECUTION_FAILED);
	assert_true(x.steps[x.step_count - 1].conflict);
}

static void a_refused_move_writes_nothing(void **state)
{
	const char *id = submit("get-status", NULL);
	const char *op = only(id).public_id;
	struct execution_outcome out;
	struct err e = ERR_CLEAR;

	(void)state;
	/* Nothing that an agent says is believed before it was sent. */
	for (int event = EXECUTION_RECEIPT; event < EXECUTION_EVENTS; event++) {
		assert_false(try_apply(op, SAYS((enum execution_event)event, 1), &out, &e));
		assert_int_equal(e.code, ERR_CONFLICT);
	}
	assert_int_equal(only(id).version, 1);
	assert_int_equal(only(id).step_count, 1);
}

static void without_a_receipt_it_is_sent_again_with_the_next_attempt(void **state)
{
	const char *id = submit("get-status", NULL);
	const char *op = only(id).public_id;
	struct execution_brief x = {.state = EXECUTION_SENT, .not_after = 1000};

	(void)state;
	(void)apply(op, SEND);
	assert_int_equal(operations_number("SELECT timer_at FROM execution"),
	        world_now(w) + OPERATIONS_RECEIPT_MS);
	assert_int_equal(executions_timer_event(&x, 1000), EXECUTION_NO_RECEIPT);
	assert_int_equal(
	        executions_timer_event(&x, 1000 + OPERATIONS_GRACE_MS), EXECUTION_DEADLINE);
	assert_int_equal(apply(op, (struct execution_change){.event = EXECUTION_NO_RECEIPT}).to,
	        EXECUTION_RESENDING);
	assert_int_equal(operations_number("SELECT count(*) FROM outbox"
	                                   " WHERE message = 'operation'"),
	        1);
	assert_int_equal(apply(op, SEND).to, EXECUTION_SENT);
	assert_int_equal(only(id).attempt, 2);
	/* Bound to the first agent for good. */
	assert_int_equal(operations_number("SELECT agent FROM execution"), AGENT);
	assert_int_equal(operations_number("SELECT count(*) FROM outbox"), 0);
}

static void timers_end_what_nobody_answers_for(void **state)
{
	const char *query = submit("get-status", NULL);
	const char *consuming;
	int64_t *ids;
	size_t count;
	struct sql_conn *conn;
	struct err e = ERR_CLEAR;

	(void)state;
	(void)world_grant(w, &technician, &group, "consume");
	consuming = submit("head-cleaning", "{\"strength\":\"light\"}");
	(void)apply(only(query).public_id, SEND);
	(void)apply(only(consuming).public_id, SEND);
	(void)apply(only(consuming).public_id, SAYS(EXECUTION_START, 1));
	clock_fake_advance(&w->clock, OPERATIONS_RECEIPT_MS);
	conn = world_read(w);
	assert_true(executions_due(conn, w->arena, world_now(w), 10, &ids, &count, &e));
	assert_int_equal(count, 1);
	sql_return(conn);
	(void)apply(only(query).public_id, (struct execution_change){.event = EXECUTION_DEADLINE});
	assert_int_equal(only(query).state, EXECUTION_EXPIRED);
	(void)apply(only(consuming).public_id,
	        (struct execution_change){.event = EXECUTION_RUN_TIMEOUT});
	assert_int_equal(only(consuming).state, EXECUTION_UNKNOWN);
	assert_int_equal(operations_number("SELECT has_unknown FROM request"
	                                   " WHERE kind = 'head-cleaning'"),
	        1);
	/* Late evidence, once. */
	assert_true(apply(only(consuming).public_id, SAYS(EXECUTION_SUCCEED, 2)).late);
	assert_true(only(consuming).late);
	assert_int_equal(only(consuming).state, EXECUTION_SUCCEEDED);
	assert_int_equal(apply(only(consuming).public_id, SAYS(EXECUTION_FAIL, 3)).verdict,
	        VERDICT_CONFLICT);
}

static bool lane_free(const char *public_id)
{
	struct sql_conn *conn = world_read(w);
	struct execution_brief x;
	struct err e = ERR_CLEAR;
	bool is_free = false;

	assert_true(executions_load_public(conn, w->arena, public_id, &x, &e));
	assert_true(executions_lane_free(conn, &x, &is_free, &e));
	sql_return(conn);
	return is_free;
}

static void one_lane_a_device_and_queries_overtake(void **state)
{
	const char *first, *second, *query, *again;
	struct execution_change answer = SAYS(EXECUTION_SUCCEED, 1);

	(void)state;
	(void)world_grant(w, &technician, &group, "consume");
	first = only(submit("head-cleaning", "{\"strength\":\"light\"}")).public_id;
	second = only(submit("head-cleaning", "{\"strength\":\"light\"}")).public_id;
	query = only(submit("get-status", NULL)).public_id;
	again = only(submit("get-status", NULL)).public_id;
	assert_true(lane_free(first));
	(void)apply(first, SEND);
	assert_false(lane_free(second));
	assert_true(lane_free(query));
	/* An unknown outcome holds the lane until the device answers a status request. */
	(void)apply(first, SAYS(EXECUTION_START, 1));
	(void)apply(first, (struct execution_change){.event = EXECUTION_RUN_TIMEOUT});
	assert_false(lane_free(second));
	(void)apply(query, SEND);
	answer.verified = 0; /* it was another device that answered */
	(void)apply(query, answer);
	assert_false(lane_free(second));
	(void)apply(again, SEND);
	answer.verified = 1;
	(void)apply(again, answer);
	assert_true(lane_free(second));
	/* Or until its agent is revoked. */
	exec(SQL_OPERATIONS, "UPDATE execution SET written_off = 0");
	assert_false(lane_free(second));
	exec(SQL_CORE, "UPDATE agent SET revoked_at = 5");
	assert_true(lane_free(second));
}

static bool allowed(const char *public_id)
{
	struct sql_conn *conn = world_read(w);
	struct execution_brief x;
	struct err e = ERR_CLEAR;
	bool yes = false;

	assert_true(executions_load_public(conn, w->arena, public_id, &x, &e));
	assert_true(executions_allowed(conn, &x, &yes, &e));
	sql_return(conn);
	return yes;
}

static void rights_are_checked_again_at_sending(void **state)
{
	const char *op = only(submit("get-status", NULL)).public_id;

	(void)state;
	assert_true(allowed(op));
	exec(SQL_CORE, "UPDATE device_group SET consent = 'never'");
	assert_false(allowed(op));
	exec(SQL_CORE, "UPDATE device_group SET consent = 'always'");
	exec(SQL_CORE, "UPDATE agent SET revoked_at = 1");
	assert_false(allowed(op));
	exec(SQL_CORE, "UPDATE agent SET revoked_at = NULL");
	exec(SQL_CORE, "UPDATE device SET retired_at = 1");
	assert_false(allowed(op));
	exec(SQL_CORE, "UPDATE device SET retired_at = NULL");
	assert_true(allowed(op));
	exec(SQL_CORE, "UPDATE contract SET ended_at = 1");
	assert_false(allowed(op));
	exec(SQL_CORE, "UPDATE contract SET ended_at = NULL");
	exec(SQL_CORE, "UPDATE device_grant SET ended_at = 1 WHERE \"right\" = 'operate'");
	assert_false(allowed(op));
}

static bool try_cancel(const struct world_ids *person, const char *id, struct err *e)
{
	struct viewer v = as(person, person == &stranger ? &rival : &partner);
	struct audit_entry entry = entry_of(&v);

	*e = ERR_CLEAR;
	return operations_cancel(&changes, &v, &entry, id, world_now(w), e);
}

static void what_was_not_sent_is_canceled_at_once(void **state)
{
	const char *id = submit("get-status", NULL);
	struct operation_request r;
	struct err e;

	(void)state;
	assert_false(try_cancel(&stranger, id, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(try_cancel(&colleague, id, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_true(try_cancel(&technician, id, &e));
	assert_true(find(&technician, id, &r, &e));
	assert_int_equal(r.row.state, REQUEST_CANCELED);
	assert_int_equal(r.list[0].state, EXECUTION_CANCELED);
	assert_int_equal(operations_number("SELECT count(*) FROM outbox"), 0);
	assert_true(operations_number("SELECT begun FROM execution_event WHERE event = 'cancel'") >
	            operations_number("SELECT begun FROM request"));
	assert_false(try_cancel(&technician, id, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
}

static void what_was_sent_is_asked_back_and_what_runs_is_not(void **state)
{
	const char *sent = submit("get-status", NULL);
	const char *runs = submit("get-status", NULL);
	struct operation_request r;
	struct err e;

	(void)state;
	(void)apply(only(sent).public_id, SEND);
	(void)apply(only(runs).public_id, SEND);
	(void)apply(only(runs).public_id, SAYS(EXECUTION_START, 1));
	assert_true(try_cancel(&technician, sent, &e));
	assert_int_equal(only(sent).state, EXECUTION_CANCEL_REQUESTED);
	assert_int_equal(
	        operations_number("SELECT count(*) FROM outbox WHERE message = 'cancel'"), 1);
	assert_false(try_cancel(&technician, runs, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	assert_true(find(&technician, runs, &r, &e));
	assert_int_equal(r.row.state, REQUEST_ACTIVE);
	assert_int_equal(
	        apply(only(sent).public_id, SAYS(EXECUTION_CANCEL_DONE, 1)).to, EXECUTION_CANCELED);
	assert_true(find(&technician, sent, &r, &e));
	assert_int_equal(r.row.state, REQUEST_CANCELED);
	assert_int_equal(
	        operations_number("SELECT count(*) FROM outbox WHERE message = 'cancel'"), 0);
}

static void the_mark_of_a_submission_is_the_request_itself(void **state)
{
	struct sql_conn *conn;
	struct err e = ERR_CLEAR;
	bool made;
	int64_t begun;

	(void)state;
	(void)submit("get-status", NULL);
	begun = operations_number("SELECT begun FROM request");
	conn = world_read(w);
	assert_true(operations_was_made(conn, begun, &made, &e));
	assert_true(made);
	assert_true(operations_was_made(conn, begun + 100, &made, &e));
	assert_false(made);
	sql_return(conn);
}

/* ---- outbox and presence */

static size_t ready(void)
{
	struct sql_conn *conn = world_read(w);
	struct outbox_row *rows;
	struct err e = ERR_CLEAR;
	size_t count;

	assert_true(outbox_ready(conn, w->arena, world_now(w), 10, &rows, &count, &e));
	if (count > 0) {
		assert_int_equal(rows[0].agent, AGENT);
		assert_int_equal(rows[0].message, MESSAGE_OPERATION);
	}
	sql_return(conn);
	return count;
}

static bool presence_work(struct sql_conn *conn, void *arg, struct err *e)
{
	return arg != NULL ? presence_set(conn, arg, e) : presence_forget(conn, 5, e);
}

static void only_agents_that_are_there_are_sent_anything(void **state)
{
	struct agent_presence p = {
	        .agent = AGENT, .online = true, .at = 9, .version = "2", .kinds = "get-status"};
	struct err e = ERR_CLEAR;
	bool waiting;
	struct sql_conn *conn;

	(void)state;
	(void)submit("get-status", NULL);
	assert_int_equal(ready(), 1);
	assert_true(sql_write(w->db, SQL_OPERATIONS, presence_work, NULL, 10000, &e));
	assert_int_equal(ready(), 0);
	/* What it can do is remembered while it is away. */
	assert_int_equal(obstacle_for(&technician, "get-status", DEVICE), OBSTACLE_OFFLINE);
	assert_true(sql_write(w->db, SQL_OPERATIONS, presence_work, &p, 10000, &e));
	assert_int_equal(ready(), 1);
	exec(SQL_CORE, "UPDATE agent SET revoked_at = 1");
	assert_int_equal(ready(), 0);
	conn = world_read(w);
	assert_true(operations_waiting(conn, AGENT, &waiting, &e));
	assert_true(waiting);
	assert_true(operations_waiting(conn, AGENT + 1, &waiting, &e));
	assert_false(waiting);
	sql_return(conn);
}

static void every_statement_walks_an_index(void **state)
{
	static const struct sql_table *const tables[] = {
	        OPERATIONS_TABLES, &operations_dispatch_sql, &outbox_sql};

	(void)state;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (size_t i = 0; i < tables[t]->count; i++)
			if (tables[t]->list[i].role == SQL_READ)
				test_store_plan_is_fast(w->folder, &tables[t]->list[i]);
}

/* ---- random walks: the rows follow the table */

static void random_events_lead_where_the_table_says(void **state)
{
	static const char *const kinds[] = {"get-status", "head-cleaning"};

	(void)state;
	(void)world_grant(w, &technician, &group, "consume");
	for (int round = 0; round < 20; round++) {
		const char *kind = kinds[round % 2];
		const char *id = submit(kind, round % 2 ? "{\"strength\":\"light\"}" : NULL);
		const char *op = only(id).public_id;
		int64_t seq = 1;
		for (int step = 0; step < 25; step++) {
			struct execution before = only(id), after;
			const struct execution_facts facts = {
			        .class = operation_kind_find(kind)->class,
			        .received = before.delivered_at != 0};
			enum execution_event event =
			        EXECUTION_DEADLINE +
			        crypto_random_below(EXECUTION_EVENTS - EXECUTION_DEADLINE);
			struct execution_change change = SAYS(event, 0);
			struct execution_outcome out;
			enum execution_state to;
			enum verdict verdict = execution_next(before.state, event, &facts, &to);
			struct err e = ERR_CLEAR;
			bool ok;
			if (execution_event_is_agents(event))
				change.seq = seq++;
			change.agent = AGENT;
			ok = try_apply(op, change, &out, &e);
			assert_int_equal(ok, verdict != VERDICT_REFUSED);
			after = only(id);
			assert_int_equal(after.state, to);
			assert_int_equal(after.step_count, before.step_count + ok);
			assert_int_equal(after.version - before.version,
			        verdict == VERDICT_MOVE ||
			                (verdict == VERDICT_NOTED && event == EXECUTION_STEP));
			assert_int_equal(after.ended_at != 0, execution_ended(after.state));
		}
	}
	/* No lane, timer or outbox row is left behind by what has ended. */
	assert_int_equal(
	        operations_number("SELECT count(*) FROM execution WHERE timer_at IS NOT NULL"
	                          " AND ended_at IS NOT NULL"),
	        0);
	assert_int_equal(operations_number("SELECT count(*) FROM outbox o JOIN execution x"
	                                   " ON x.id = o.execution_id WHERE o.message <> 'ack'"
	                                   " AND x.ended_at IS NOT NULL"),
	        0);
	assert_int_equal(operations_number("SELECT count(*) FROM request r WHERE (ended_at IS NOT"
	                                   " NULL) <> (NOT EXISTS (SELECT 1 FROM execution x WHERE"
	                                   " x.request_id = r.id AND x.ended_at IS NULL))"),
	        0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_submitted_operation_is_queued_and_shown_to_the_own_organisation),
	        TEST(both_records_of_a_submission_are_in_the_audit_log),
	        TEST(the_same_key_gives_the_same_request_and_other_contents_are_a_conflict),
	        TEST(malformed_orders_are_refused),
	        TEST(what_stands_in_the_way_is_named),
	        TEST(the_server_refuses_what_the_check_refuses),
	        TEST(of_many_devices_those_that_cannot_are_rejected_and_the_others_go),
	        TEST(a_whole_life_from_queued_to_succeeded),
	        TEST(an_event_that_comes_again_changes_nothing_and_is_acknowledged_again),
	        TEST(events_out_of_order_imply_the_earlier_phases),
	        TEST(what_contradicts_an_end_is_kept_as_evidence_and_changes_nothing),
	        TEST(a_refused_move_writes_nothing),
	        TEST(without_a_receipt_it_is_sent_again_with_the_next_attempt),
	        TEST(timers_end_what_nobody_answers_for),
	        TEST(one_lane_a_device_and_queries_overtake),
	        TEST(rights_are_checked_again_at_sending),
	        TEST(what_was_not_sent_is_canceled_at_once),
	        TEST(what_was_sent_is_asked_back_and_what_runs_is_not),
	        TEST(the_mark_of_a_submission_is_the_request_itself),
	        TEST(only_agents_that_are_there_are_sent_anything),
	        TEST(every_statement_walks_an_index),
	        TEST(random_events_lead_where_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* operations_submit.c: from an order to its request, with an execution for each device. */
#include "core/operations_internal.h"
#include "core/outbox.h"
#include "lib/crypto.h"
#include "lib/parse.h"

#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 2000, KEY_MIN = 8, SCRATCH = 4 << 20, DETAILS = 200 };

enum {
	REQUEST_FIND,
	REQUEST_INSERT,
	WAS_MADE,
	STATEMENTS,
};

static const struct sql_statement statements[STATEMENTS] = {
        [REQUEST_FIND] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "it",
                .out = "tb",
                .text = "SELECT public_id, body_hash FROM request"
                        " WHERE requester = $1 AND idempotency_key = $2"},
        [REQUEST_INSERT] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "ttiittttbii",
                .out = "i",
                .text = "INSERT INTO request (public_id, state, requester, organisation_id, kind,"
                        " parameters, purpose, idempotency_key, body_hash, begun, created_at)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id"},
        [WAS_MADE] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM request WHERE begun = $1)"
                        " OR EXISTS (SELECT 1 FROM execution_event WHERE begun = $1"
                        " AND begun IS NOT NULL)"},
};
const struct sql_table operations_submit_sql = {"operations_submit", statements, STATEMENTS};

struct part {
	struct device device;
	enum obstacle obstacle;
};

struct submission {
	const struct viewer *viewer;
	const struct operation_order *order;
	const struct operation_kind *kind;
	const char *parameters; /* canonical */
	unsigned char hash[CRYPTO_HASH];
	struct part *parts;
	size_t possible;
	int64_t now;
	int64_t begun;
	struct arena *arena;
	struct operation_receipt *receipt;
};

static bool check_text(const char *what, const char *text, size_t min, size_t max, struct err *e)
{
	size_t len = text != NULL ? strlen(text) : 0;

	if (len < min || len > max || (text != NULL && !parse_utf8(text, len)))
		return err_set(
		        e, ERR_INVALID, "%s: %zu to %zu bytes of text, please", what, min, max);
	return true;
}

/* Kind, parameters, purpose and devices, each with its length: what "the same order" means. */
static bool hash_order(struct submission *s, struct err *e)
{
	struct buf b = BUF_INIT(1 << 20);

	buf_printf(&b, "%s\n%zu:%s\n%zu:%s\n", s->kind->name, strlen(s->parameters), s->parameters,
	        strlen(s->order->purpose), s->order->purpose);
	for (size_t i = 0; i < s->order->device_count; i++)
		buf_printf(&b, "%s\n", s->order->devices[i]);
	if (!b.failed)
		crypto_sha256(b.data, b.len, s->hash);
	buf_free(&b);
	return !b.failed || err_set(e, ERR_MEMORY, "no memory for an order");
}

static bool check_order(struct submission *s, struct err *e)
{
	const struct operation_order *o = s->order;

	s->kind = o->kind != NULL ? operation_kind_find(o->kind) : NULL;
	if (s->kind == NULL)
		return err_set(e, ERR_INVALID, "there is no such kind of operation");
	if (!check_text("purpose", o->purpose, 1, OPERATIONS_PURPOSE_MAX, e) ||
	        !check_text("key", o->key, KEY_MIN, OPERATIONS_KEY_MAX, e))
		return false;
	if (o->device_count < 1 || o->device_count > OPERATIONS_DEVICES_MAX)
		return err_set(e, ERR_INVALID, "choose 1 to %d devices", OPERATIONS_DEVICES_MAX);
	for (size_t i = 0; i < o->device_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(o->devices[i], o->devices[j]) == 0)
				return err_set(e, ERR_INVALID, "a device is chosen twice");
	return operation_parameters(s->kind, o->parameters != NULL ? o->parameters : "{}", s->arena,
	               &s->parameters, e) &&
	       hash_order(s, e);
}

/* Was the key used before? The same order is the same request; another one is a conflict. */
static bool find_existing(struct sql_conn *conn, struct submission *s, struct err *e)
{
	const char *public_id;
	const unsigned char *hash;
	size_t len;
	bool found;

	if (!sql_one(conn, &statements[REQUEST_FIND],
	            SQL_ARGS(SQL_I(s->viewer->account_id), SQL_T(s->order->key)),
	            SQL_INTO(SQL_INTO_T(s->arena, &public_id), SQL_INTO_B(s->arena, &hash, &len)),
	            &found, e))
		return false;
	if (!found)
		return true;
	if (len != sizeof(s->hash) || memcmp(hash, s->hash, len) != 0)
		return err_set(e, ERR_CONFLICT,
		        "this form was sent before with other contents; begin a new operation");
	(void)snprintf(s->receipt->request_id, sizeof(s->receipt->request_id), "%s", public_id);
	s->receipt->existing = true;
	return true;
}

static bool check_devices(struct sql_conn *conn, struct submission *s, struct err *e)
{
	size_t count = s->order->device_count;

	s->parts = arena_array(s->arena, count, sizeof(*s->parts));
	if (s->parts == NULL)
		return err_set(e, ERR_MEMORY, "no memory for an order");
	for (size_t i = 0; i < count; i++) {
		struct part *p = &s->parts[i];
		if (!devices_find(conn, s->viewer, s->arena, s->order->devices[i], &p->device, e) ||
		        !operations_check(conn, s->viewer, &p->device, s->kind, &p->obstacle, e))
			return false;
		s->possible += !obstacle_prevents(p->obstacle);
	}
	return true;
}

static bool look(const struct changes *c, struct submission *s, struct err *e)
{
	struct sql_conn *conn = sql_borrow(c->db, WAIT_MS, e);
	bool ok;

	if (conn == NULL)
		return false;
	ok = find_existing(conn, s, e) && (s->receipt->existing || check_devices(conn, s, e));
	sql_return(conn);
	return ok;
}

static bool insert_part(struct sql_conn *conn, const struct submission *s, const struct part *p,
        int64_t request_id, struct err *e)
{
	char public_id[32];
	struct execution_new n = {.public_id = public_id,
	        .request_id = request_id,
	        .device = p->device.id,
	        .device_public_id = p->device.public_id,
	        .customer_id = p->device.customer_id,
	        .class = s->kind->class,
	        .event = EXECUTION_QUEUE,
	        .run_seconds = s->kind->run_seconds,
	        .not_after = s->now + OPERATIONS_NOT_AFTER_MS};

	crypto_random_id("op_", public_id);
	if (obstacle_prevents(p->obstacle)) {
		n.event = EXECUTION_REFUSE;
		n.code = obstacle_code(p->obstacle);
		n.message = obstacle_sentence(p->obstacle);
	} else if (p->obstacle == OBSTACLE_ASKS) {
		n.event = EXECUTION_ASK;
	}
	return executions_insert(conn, &n, s->now, e);
}

static bool write_request(struct sql_conn *conn, void *arg, struct err *e)
{
	struct submission *s = arg;
	const struct request_facts none = {false, false};
	enum request_state state;
	int64_t id;

	/* A double click may have been faster. */
	if (!find_existing(conn, s, e) || s->receipt->existing)
		return s->receipt->existing;
	if (request_next(REQUEST_NONE, REQUEST_SUBMITTED, &none, &state) != VERDICT_MOVE)
		return err_set(e, ERR_INTERNAL, "a request cannot be submitted");
	if (!sql_one(conn, &statements[REQUEST_INSERT],
	            SQL_ARGS(SQL_T(s->receipt->request_id), SQL_T(request_state_name(state)),
	                    SQL_I(s->viewer->account_id), SQL_I(s->viewer->organisation_id),
	                    SQL_T(s->kind->name), SQL_T(s->parameters), SQL_T(s->order->purpose),
	                    SQL_T(s->order->key), SQL_B(s->hash, sizeof(s->hash)), SQL_I(s->begun),
	                    SQL_I(s->now)),
	            SQL_INTO(SQL_INTO_I(&id)), NULL, e))
		return false;
	for (size_t i = 0; i < s->order->device_count; i++)
		if (!insert_part(conn, s, &s->parts[i], id, e))
			return false;
	return true;
}

static void fill_entry(struct audit_entry *entry, const struct submission *s, char *details)
{
	bool one_customer = s->parts != NULL;

	for (size_t i = 1; one_customer && i < s->order->device_count; i++)
		one_customer = s->parts[i].device.customer_id == s->parts[0].device.customer_id;
	entry->action = "operation.submit";
	entry->target_kind = "device";
	entry->targets = s->order->devices;
	entry->target_count = s->order->device_count;
	entry->customer = one_customer ? s->parts[0].device.customer_public_id : NULL;
	entry->purpose = s->order->purpose;
	(void)snprintf(details, DETAILS, "{\"kind\":\"%s\",\"request\":\"%s\"%s%s%s}",
	        s->kind->name, s->receipt->request_id,
	        s->receipt->obstacle != OBSTACLE_NONE ? ",\"obstacle\":\"" : "",
	        obstacle_code(s->receipt->obstacle),
	        s->receipt->obstacle != OBSTACLE_NONE ? "\"" : "");
	entry->details = details;
}

/* No device can take it: recorded, and told. */
static bool refuse(
        const struct changes *c, struct audit_entry *entry, struct submission *s, struct err *e)
{
	char details[DETAILS];
	enum obstacle obstacle = s->parts[0].obstacle;

	s->receipt->obstacle = obstacle;
	s->receipt->request_id[0] = '\0';
	fill_entry(entry, s, details);
	entry->outcome = AUDIT_DENIED;
	if (!audit_record(c->audit, entry, NULL, e))
		return false;
	return err_set(e, obstacle == OBSTACLE_NO_RIGHT ? ERR_DENIED : ERR_CONFLICT, "%s",
	        obstacle_sentence(obstacle));
}

static bool submit(
        const struct changes *c, struct audit_entry *entry, struct submission *s, struct err *e)
{
	char details[DETAILS];
	bool made;

	if (!look(c, s, e))
		return false;
	if (s->receipt->existing) {
		fill_entry(entry, s, details);
		entry->outcome = AUDIT_DONE;
		return audit_record(c->audit, entry, NULL, e);
	}
	if (s->possible == 0)
		return refuse(c, entry, s, e);
	crypto_random_id("rq_", s->receipt->request_id);
	fill_entry(entry, s, details);
	if (!change_begin(c, entry, &s->begun, e))
		return false;
	made = sql_write(c->db, SQL_OPERATIONS, write_request, s, WAIT_MS, e);
	/* The printer need not wait for the second record: the first one is durable. */
	if (made && s->order->bell != NULL)
		outbox_ring(s->order->bell);
	fill_entry(entry, s, details);
	change_end(c, entry, s->begun, made);
	return made;
}

bool operations_submit(const struct changes *c, const struct viewer *viewer,
        struct audit_entry *entry, const struct operation_order *order, int64_t now,
        struct operation_receipt *receipt, struct err *e)
{
	struct submission s = {.viewer = viewer,
	        .order = order,
	        .now = now,
	        .receipt = receipt,
	        .arena = arena_new(SCRATCH)};
	bool ok;

	*receipt = (struct operation_receipt){.existing = false};
	ok = s.arena != NULL || err_set(e, ERR_MEMORY, "no memory for an order");
	ok = ok && check_order(&s, e) && submit(c, entry, &s, e);
	/* What is in the arena goes with it. */
	entry->customer = NULL;
	entry->details = NULL;
	arena_free(s.arena);
	return ok;
}

bool operations_was_made(struct sql_conn *conn, int64_t begun, bool *made, struct err *e)
{
	int64_t yes = 0;

	if (!sql_one(conn, &statements[WAS_MADE], SQL_ARGS(SQL_I(begun)),
	            SQL_INTO(SQL_INTO_I(&yes)), NULL, e))
		return false;
	*made = yes != 0;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* orders_receive.c: what comes from the broker: whether it is believed, and what it leads to. */
#include "agents/orders_internal.h"
#include "lib/log.h"

#include <stdio.h>
#include <string.h>

/* What stands against it before anything is read from the device; CODE_NONE: nothing. */
static enum event_code first_guard(
        struct orders *q, const struct operation *o, const char **message)
{
	const char *canonical;
	int64_t offset;
	struct err e = ERR_CLEAR;

	*message = "";
	if (!q->o.offset(q->o.arg, &offset) || offset > ORDERS_CLOCK_MS ||
	        offset < -ORDERS_CLOCK_MS) {
		*message =
		        "the agent's clock is more than 60 s off the server's, or that is unknown";
		return CODE_CLOCK;
	}
	if (orders_now_ms(q) > o->not_after)
		return CODE_TOO_LATE;
	if (q->o.switched_off)
		return CODE_SWITCHED_OFF_LOCALLY;
	if (!o->kind || !orders_find_action(q, o->kind_name)) {
		*message = "this agent does not do this kind of operation";
		return CODE_NOT_CAPABLE;
	}
	if (!operation_parameters(o->kind, o->parameters, q->arena, &canonical, &e)) {
		*message = arena_strdup(q->arena, e.text);
		return CODE_NOT_CAPABLE;
	}
	return CODE_NONE;
}

/* The same operation again: never a second time, but what became of it is told under the attempt
 * that the server asks with. */
static void repeat(struct orders *q, struct journal_entry *entry, const struct operation *o)
{
	struct journal_entry next = *entry;
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct event event;
	struct err e = ERR_CLEAR;
	char id[64];

	log_event(LOG_LEVEL_INFO, "operation-repeated", "id", entry->operation_id, NULL);
	if (o->attempt <= entry->attempt || entry->seq == 0) {
		orders_tell(q, entry);
		return;
	}
	snprintf(id, sizeof id, "%s", entry->operation_id);
	next.attempt = o->attempt;
	next.acked = 0;
	if (event_read(entry->event, strlen(entry->event), q->arena, &event, &e)) {
		event.attempt = o->attempt;
		if (event_write(&event, &payload, &e)) {
			next.event = buf_text(&payload);
			if (journal_put(q->journal, &next, &e))
				orders_tell(q, journal_find(q->journal, id));
		}
	}
	if (e.code != ERR_NONE)
		log_event(LOG_LEVEL_ERROR, "operation-not-repeated", "id", id, "why", e.text, NULL);
	buf_free(&payload);
}

static void take_operation(struct orders *q, const struct operation *o, const char *payload)
{
	struct journal_entry *known = journal_find(q->journal, o->operation_id);
	struct journal_entry entry = {.operation_id = o->operation_id,
	        .attempt = o->attempt,
	        .consuming = !o->kind || o->kind->class == OPERATION_CONSUMING,
	        .not_after = o->not_after,
	        .phase = PHASE_RECEIVED,
	        .operation = payload,
	        .event = ""};
	struct event receipt = orders_event(EVENT_RECEIPT);
	const char *message;
	enum event_code code;

	if (known) {
		repeat(q, known, o);
		return;
	}
	code = first_guard(q, o, &message);
	if (code != CODE_NONE)
		(void)orders_reject(q, &entry, code, message ? message : "");
	else
		(void)orders_record(q, &entry, PHASE_RECEIVED, &receipt);
}

static void take_cancel(struct orders *q, const struct operation *o)
{
	struct journal_entry *known = journal_find(q->journal, o->operation_id);
	struct journal_entry tombstone = {.operation_id = o->operation_id,
	        .attempt = o->attempt,
	        .consuming = true,
	        .not_after = o->not_after,
	        .operation = "",
	        .event = ""};
	struct event event = orders_event(EVENT_CANCEL_RESULT);

	if (!known) {
		/* It may still be under way: with this entry it will never begin. */
		event.cancel = CANCEL_UNKNOWN;
		(void)orders_record(q, &tombstone, PHASE_FINISHED, &event);
	} else if (known->phase == PHASE_RECEIVED) {
		event.cancel = CANCEL_CANCELED;
		(void)orders_record(q, known, PHASE_FINISHED, &event);
	} else if (known->phase == PHASE_FINISHED) {
		orders_tell(q, known); /* a result wins over a cancel */
	} else {
		event.cancel = CANCEL_TOO_LATE;
		(void)orders_record(q, known, known->phase, &event);
	}
}

static void take_ack(struct orders *q, const struct operation *o)
{
	struct journal_entry *known = journal_find(q->journal, o->operation_id);
	struct journal_entry next;
	struct err e = ERR_CLEAR;

	if (!known || o->seq != known->seq || o->attempt != known->attempt ||
	        !journal_is_open(known))
		return;
	next = *known;
	next.acked = o->seq;
	if (!journal_put(q->journal, &next, &e))
		log_event(LOG_LEVEL_ERROR, "journal-not-written", "operation", o->operation_id,
		        "why", e.text, NULL);
}

struct key_search {
	struct orders *q;
	int64_t now;
};

static bool find_key(void *context, const char *key_id, unsigned char out[CRYPTO_SIGN_PUBLIC])
{
	struct key_search *s = context;

	return s->q->o.find_key(s->q->o.arg, key_id, s->now, out);
}

void orders_refuse_message(const char *code, const char *why)
{
	log_event(LOG_LEVEL_WARNING, "message-refused", "code", code, "why", why, NULL);
}

/* A message whose signature is not good, or that is for somebody else, is not answered: nothing in
 * it can be believed, not even what it is about. */
void orders_handle(struct orders *q, const char *text, size_t len)
{
	static const char *const schemas[] = {OPERATION_SCHEMA, CANCEL_SCHEMA, ACK_SCHEMA, NULL};
	static const enum operation_message kinds[] = {
	        MESSAGE_OPERATION, MESSAGE_CANCEL, MESSAGE_ACK};
	struct key_search search = {q, orders_now_ms(q)};
	struct buf payload = BUF_INIT(OPERATION_MAX);
	struct operation o;
	struct err e = ERR_CLEAR;
	size_t which = 0;

	arena_reset(q->arena);
	if (!envelope_open(text, len, schemas, find_key, &search, &payload, &which, &e))
		orders_refuse_message(event_code_name(CODE_BAD_SIGNATURE), e.text);
	else if (!operation_read(buf_text(&payload), payload.len, kinds[which], q->arena, &o, &e))
		orders_refuse_message("malformed", e.text);
	else if (strcmp(o.agent_id, q->agent_id) != 0)
		orders_refuse_message(
		        event_code_name(CODE_NOT_FOR_ME), "it is addressed to another agent");
	else if (o.message == MESSAGE_OPERATION)
		take_operation(q, &o, buf_text(&payload));
	else if (o.message == MESSAGE_CANCEL && search.now <= o.not_after)
		take_cancel(q, &o);
	else if (o.message == MESSAGE_ACK)
		take_ack(q, &o);
	buf_free(&payload);
}

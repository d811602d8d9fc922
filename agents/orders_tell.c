/* SPDX-License-Identifier: Apache-2.0 */
/* orders_tell.c: presence, events and the journal, sealed and sent; what is open is told again. */
#include "agents/orders_internal.h"
#include "lib/log.h"

#include <stdio.h>
#include <string.h>

enum { IDLE_MS = 60000, JOURNAL_TOLD_MAX = EVENT_JOURNAL_MAX };

/* ---- presence */

static struct presence presence_of(
        const struct orders_options *o, const char *agent_id, bool online, int64_t at)
{
	struct presence p = {
	        .agent_id = agent_id, .online = online, .at = at, .version = o->version};

	for (const struct order_action *a = o->actions;
	        a->kind && !o->switched_off && p.kind_count < PRESENCE_KINDS; a++)
		p.kinds[p.kind_count++] = a->kind;
	return p;
}

bool orders_will(const struct orders_options *options, struct buf *out, struct err *e)
{
	struct presence p =
	        presence_of(options, options->agent_id, false, clock_wall_ms(options->clock));

	return presence_write(&p, out, e);
}

static bool publish(struct orders *q, const char *leaf, const char *schema,
        const struct buf *payload, bool retain)
{
	struct buf envelope = BUF_INIT(ENVELOPE_MAX);
	struct err e = ERR_CLEAR;
	bool sent = false;

	if (!envelope_seal(q->key_id, q->o.event_secret, schema, buf_text(payload), payload->len,
	            &envelope, &e))
		log_event(LOG_LEVEL_ERROR, "event-not-sealed", "why", e.text, NULL);
	else
		sent = q->o.publish(q->o.arg, leaf, envelope.data, envelope.len, retain);
	buf_free(&envelope);
	return sent;
}

void orders_publish_presence(struct orders *q, bool online)
{
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct presence p = presence_of(&q->o, q->agent_id, online, orders_now_ms(q));
	struct err e = ERR_CLEAR;

	if (presence_write(&p, &payload, &e))
		(void)publish(q, "presence", PRESENCE_SCHEMA, &payload, true);
	else
		log_event(LOG_LEVEL_ERROR, "presence-not-written", "why", e.text, NULL);
	buf_free(&payload);
}

/* ---- telling */

void orders_tell(struct orders *q, struct journal_entry *entry)
{
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX + 1);

	entry->sent = clock_monotonic_ms(q->o.clock);
	buf_puts(&payload, entry->event);
	(void)publish(q, "event", EVENT_SCHEMA, &payload, false); /* or at the next repeat */
	buf_free(&payload);
}

/* Writes the event as the entry's next one, durably, then tells it. */
bool orders_record(struct orders *q, const struct journal_entry *entry, enum event_phase phase,
        const struct event *what)
{
	struct journal_entry next = *entry;
	struct event event = *what;
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct err e = ERR_CLEAR;
	char id[64];
	bool ok;

	snprintf(id, sizeof id, "%s", entry->operation_id);
	next.phase = phase;
	next.seq = entry->seq + 1;
	next.at = event.at = orders_now_ms(q);
	event.agent_id = q->agent_id;
	event.operation_id = id;
	event.attempt = entry->attempt;
	event.seq = next.seq;
	ok = event_write(&event, &payload, &e);
	if (ok) {
		next.event = buf_text(&payload);
		ok = journal_put(q->journal, &next, &e);
	}
	buf_free(&payload);
	if (!ok) {
		log_event(LOG_LEVEL_ERROR, "journal-not-written", "operation", id, "why", e.text,
		        NULL);
		return false;
	}
	log_event(LOG_LEVEL_INFO, "operation", "id", id, "event", event_type_name(event.type),
	        "outcome", event.type == EVENT_RESULT ? event_outcome_name(event.outcome) : "-",
	        "code", event.code && *event.code ? event.code : "-", NULL);
	orders_tell(q, journal_find(q->journal, id));
	return true;
}

struct event orders_event(enum event_type type)
{
	return (struct event){.type = type, .percent = -1, .text = "", .code = "", .message = ""};
}

bool orders_reject(struct orders *q, const struct journal_entry *entry, enum event_code code,
        const char *message)
{
	struct event event = orders_event(EVENT_RESULT);

	event.outcome = code == CODE_TOO_LATE ? OUTCOME_EXPIRED : OUTCOME_REJECTED;
	event.code = event_code_name(code);
	event.message = message;
	return orders_record(q, entry, PHASE_FINISHED, &event);
}

/* ---- repeats */

void orders_tell_journal(struct orders *q)
{
	struct event_journal_entry entries[JOURNAL_TOLD_MAX];
	struct event event = orders_event(EVENT_JOURNAL);
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX);
	size_t total = journal_count(q->journal), count = 0;
	struct err e = ERR_CLEAR;

	/* The newest ones: what the server still waits for is among them. */
	for (size_t i = total > JOURNAL_TOLD_MAX ? total - JOURNAL_TOLD_MAX : 0; i < total; i++) {
		const struct journal_entry *entry = journal_at(q->journal, i);

		entries[count++] = (struct event_journal_entry){
		        entry->operation_id, entry->attempt, entry->phase, entry->at};
	}
	event.agent_id = q->agent_id;
	event.at = orders_now_ms(q);
	event.entries = entries;
	event.entry_count = count;
	if (count > 0 && event_write(&event, &payload, &e))
		(void)publish(q, "event", EVENT_SCHEMA, &payload, false);
	if (e.code != ERR_NONE)
		log_event(LOG_LEVEL_ERROR, "journal-not-told", "why", e.text, NULL);
	buf_free(&payload);
}

/* Tells open entries that are due; ms until the next is. */
int64_t orders_tell_open(struct orders *q, bool all)
{
	int64_t now = clock_monotonic_ms(q->o.clock), wait = IDLE_MS;

	for (size_t i = 0; i < journal_count(q->journal); i++) {
		struct journal_entry *entry = journal_at(q->journal, i);
		int64_t due = entry->sent + ORDERS_REPEAT_MS - now;

		if (!journal_is_open(entry))
			continue;
		if (all || due <= 0) {
			orders_tell(q, entry);
			due = ORDERS_REPEAT_MS;
		}
		if (due < wait)
			wait = due;
	}
	return wait;
}

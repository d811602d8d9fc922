/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/orders.h"

#include "agents/journal.h"
#include "lib/envelope.h"
#include "lib/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORK_ARENA = 4 * 1024 * 1024, IDLE_MS = 60000, JOURNAL_TOLD_MAX = EVENT_JOURNAL_MAX };

struct message {
	struct message *next;
	size_t len;
	char bytes[];
};

struct orders {
	struct orders_options o;
	char agent_id[32], version[64];
	char key_id[ENVELOPE_FINGERPRINT_SIZE];
	struct journal *journal;
	struct arena *arena;  /* of what is being handled */
	int64_t compact_at;   /* monotonic ms */
	pthread_mutex_t lock; /* around what follows */
	pthread_cond_t wake;
	struct message *first, **last;
	size_t waiting;
	bool connected; /* since the last step */
	bool stop;
	bool running;
	pthread_t thread;
};

/* ---- time and presence */

/* The server's time, as well as we know it. */
static int64_t now_ms(struct orders *q)
{
	int64_t offset = 0;

	if (!q->o.offset(q->o.arg, &offset))
		offset = 0;
	return clock_wall_ms(q->o.clock) + offset;
}

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

static void publish_presence(struct orders *q, bool online)
{
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct presence p = presence_of(&q->o, q->agent_id, online, now_ms(q));
	struct err e = ERR_CLEAR;

	if (presence_write(&p, &payload, &e))
		(void)publish(q, "presence", PRESENCE_SCHEMA, &payload, true);
	else
		log_event(LOG_LEVEL_ERROR, "presence-not-written", "why", e.text, NULL);
	buf_free(&payload);
}

/* ---- telling */

static void tell(struct orders *q, struct journal_entry *entry)
{
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX + 1);

	entry->sent = clock_monotonic_ms(q->o.clock);
	buf_puts(&payload, entry->event);
	(void)publish(q, "event", EVENT_SCHEMA, &payload, false); /* or at the next repeat */
	buf_free(&payload);
}

/* Writes the event as the entry's next one, durably, then tells it. */
static bool record(struct orders *q, const struct journal_entry *entry, enum event_phase phase,
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
	next.at = event.at = now_ms(q);
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
	tell(q, journal_find(q->journal, id));
	return true;
}

static struct event plain_event(enum event_type type)
{
	return (struct event){.type = type, .percent = -1, .text = "", .code = "", .message = ""};
}

static bool reject(struct orders *q, const struct journal_entry *entry, enum event_code code,
        const char *message)
{
	struct event event = plain_event(EVENT_RESULT);

	event.outcome = code == CODE_TOO_LATE ? OUTCOME_EXPIRED : OUTCOME_REJECTED;
	event.code = event_code_name(code);
	event.message = message;
	return record(q, entry, PHASE_FINISHED, &event);
}

/* ---- what comes in */

static const struct order_action *find_action(const struct orders *q, const char *kind)
{
	for (const struct order_action *a = q->o.actions; a->kind; a++) {
		if (strcmp(a->kind, kind) == 0)
			return a;
	}
	return NULL;
}

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
	if (now_ms(q) > o->not_after)
		return CODE_TOO_LATE;
	if (q->o.switched_off)
		return CODE_SWITCHED_OFF_LOCALLY;
	if (!o->kind || !find_action(q, o->kind_name)) {
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
		tell(q, entry);
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
				tell(q, journal_find(q->journal, id));
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
	struct event receipt = plain_event(EVENT_RECEIPT);
	const char *message;
	enum event_code code;

	if (known) {
		repeat(q, known, o);
		return;
	}
	code = first_guard(q, o, &message);
	if (code != CODE_NONE)
		(void)reject(q, &entry, code, message ? message : "");
	else
		(void)record(q, &entry, PHASE_RECEIVED, &receipt);
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
	struct event event = plain_event(EVENT_CANCEL_RESULT);

	if (!known) {
		/* It may still be under way: with this entry it will never begin. */
		event.cancel = CANCEL_UNKNOWN;
		(void)record(q, &tombstone, PHASE_FINISHED, &event);
	} else if (known->phase == PHASE_RECEIVED) {
		event.cancel = CANCEL_CANCELED;
		(void)record(q, known, PHASE_FINISHED, &event);
	} else if (known->phase == PHASE_FINISHED) {
		tell(q, known); /* a result wins over a cancel */
	} else {
		event.cancel = CANCEL_TOO_LATE;
		(void)record(q, known, known->phase, &event);
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

static void refuse_message(const char *code, const char *why)
{
	log_event(LOG_LEVEL_WARNING, "message-refused", "code", code, "why", why, NULL);
}

/* A message whose signature is not good, or that is for somebody else, is not answered: nothing in
 * it can be believed, not even what it is about. */
static void handle(struct orders *q, const char *text, size_t len)
{
	static const char *const schemas[] = {OPERATION_SCHEMA, CANCEL_SCHEMA, ACK_SCHEMA, NULL};
	static const enum operation_message kinds[] = {
	        MESSAGE_OPERATION, MESSAGE_CANCEL, MESSAGE_ACK};
	struct key_search search = {q, now_ms(q)};
	struct buf payload = BUF_INIT(OPERATION_MAX);
	struct operation o;
	struct err e = ERR_CLEAR;
	size_t which = 0;

	arena_reset(q->arena);
	if (!envelope_open(text, len, schemas, find_key, &search, &payload, &which, &e))
		refuse_message(event_code_name(CODE_BAD_SIGNATURE), e.text);
	else if (!operation_read(buf_text(&payload), payload.len, kinds[which], q->arena, &o, &e))
		refuse_message("malformed", e.text);
	else if (strcmp(o.agent_id, q->agent_id) != 0)
		refuse_message(
		        event_code_name(CODE_NOT_FOR_ME), "it is addressed to another agent");
	else if (o.message == MESSAGE_OPERATION)
		take_operation(q, &o, buf_text(&payload));
	else if (o.message == MESSAGE_CANCEL && search.now <= o.not_after)
		take_cancel(q, &o);
	else if (o.message == MESSAGE_ACK)
		take_ack(q, &o);
	buf_free(&payload);
}

/* ---- doing */

static bool read_order(
        struct orders *q, const struct journal_entry *entry, struct operation *o, struct err *e)
{
	return operation_read(
	        entry->operation, strlen(entry->operation), MESSAGE_OPERATION, q->arena, o, e);
}

static bool finish(struct orders *q, const char *id, const struct order_work *work)
{
	struct event event = plain_event(EVENT_RESULT);

	event.outcome = work->outcome;
	event.code = work->code ? work->code : "";
	event.message = work->message ? work->message : "";
	event.before = work->before;
	event.after = work->after;
	event.report_id = work->report_id;
	return record(q, journal_find(q->journal, id), PHASE_FINISHED, &event);
}

static bool interrupted(struct orders *q, const struct journal_entry *entry)
{
	struct event event = plain_event(EVENT_RESULT);

	event.outcome = OUTCOME_FAILED;
	event.code = "interrupted";
	event.message = "the agent was stopped while it ran, and its time is over";
	return record(q, entry, PHASE_FINISHED, &event);
}

/* One entry that waits to be begun, or a query that was interrupted. Guards first, `start` on disk,
 * then the work. false: no more for now, the disk or the agent's end is in the way. */
static bool work_on(struct orders *q, const struct journal_entry *entry)
{
	struct order_work work = {.arena = q->arena, .outcome = OUTCOME_FAILED};
	struct event start = plain_event(EVENT_START);
	const struct order_action *action;
	struct operation o;
	struct err e = ERR_CLEAR;
	enum event_code code;
	char id[64];

	snprintf(id, sizeof id, "%s", entry->operation_id);
	arena_reset(q->arena);
	if (!read_order(q, entry, &o, &e) || !(action = find_action(q, o.kind_name))) {
		return reject(q, entry, CODE_NOT_CAPABLE, "the order in the journal does not read");
	}
	if (now_ms(q) > entry->not_after) {
		return entry->phase == PHASE_STARTED ? interrupted(q, entry)
		                                     : reject(q, entry, CODE_TOO_LATE, "");
	}
	work.deadline = clock_monotonic_ms(q->o.clock) + o.run_seconds * 1000;
	code = action->prepare(q->o.arg, &o, &work);
	if (code == CODE_NONE && now_ms(q) > entry->not_after)
		code = CODE_TOO_LATE; /* the device took its time */
	if (code != CODE_NONE) {
		return reject(q, entry, code, work.message ? work.message : "");
	}
	if (entry->phase == PHASE_RECEIVED && !record(q, entry, PHASE_STARTED, &start))
		return false; /* not on disk: not begun; tried again at the next step */
	return action->run(q->o.arg, &o, &work) && finish(q, id, &work);
}

static bool stopping(struct orders *q)
{
	bool stop;

	pthread_mutex_lock(&q->lock);
	stop = q->stop;
	pthread_mutex_unlock(&q->lock);
	return stop;
}

/* Takes one; false: there is none, or no more can be done now. */
static bool work_one(struct orders *q)
{
	for (size_t i = 0; i < journal_count(q->journal); i++) {
		const struct journal_entry *entry = journal_at(q->journal, i);

		if (entry->phase == PHASE_RECEIVED ||
		        (entry->phase == PHASE_STARTED && !entry->consuming))
			return work_on(q, entry);
	}
	return false;
}

/* What a crash left: a consuming operation that was begun is never begun again. */
static bool take_up(struct orders *q)
{
	for (size_t i = 0; i < journal_count(q->journal); i++) {
		struct journal_entry *entry = journal_at(q->journal, i);
		struct event doubt = plain_event(EVENT_IN_DOUBT);

		if (entry->phase == PHASE_STARTED && entry->consuming &&
		        !record(q, entry, PHASE_FINISHED, &doubt))
			return false;
	}
	return true;
}

/* ---- repeats */

static void tell_journal(struct orders *q)
{
	struct event_journal_entry entries[JOURNAL_TOLD_MAX];
	struct event event = plain_event(EVENT_JOURNAL);
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
	event.at = now_ms(q);
	event.entries = entries;
	event.entry_count = count;
	if (count > 0 && event_write(&event, &payload, &e))
		(void)publish(q, "event", EVENT_SCHEMA, &payload, false);
	if (e.code != ERR_NONE)
		log_event(LOG_LEVEL_ERROR, "journal-not-told", "why", e.text, NULL);
	buf_free(&payload);
}

/* Tells open entries that are due; ms until the next is. */
static int64_t tell_open(struct orders *q, bool all)
{
	int64_t now = clock_monotonic_ms(q->o.clock), wait = IDLE_MS;

	for (size_t i = 0; i < journal_count(q->journal); i++) {
		struct journal_entry *entry = journal_at(q->journal, i);
		int64_t due = entry->sent + ORDERS_REPEAT_MS - now;

		if (!journal_is_open(entry))
			continue;
		if (all || due <= 0) {
			tell(q, entry);
			due = ORDERS_REPEAT_MS;
		}
		if (due < wait)
			wait = due;
	}
	return wait;
}

static void compact(struct orders *q)
{
	int64_t now = clock_monotonic_ms(q->o.clock);
	struct err e = ERR_CLEAR;

	if (now < q->compact_at)
		return;
	q->compact_at = now + 3600 * 1000;
	if (!journal_compact(q->journal, now_ms(q), &e))
		log_event(LOG_LEVEL_ERROR, "journal-not-compacted", "why", e.text, NULL);
}

/* ---- the loop */

static struct message *next_message(struct orders *q, bool *connected)
{
	struct message *m;

	pthread_mutex_lock(&q->lock);
	*connected = q->connected;
	q->connected = false;
	m = q->first;
	if (m) {
		q->first = m->next;
		q->waiting--;
		if (!q->first)
			q->last = &q->first;
	}
	pthread_mutex_unlock(&q->lock);
	return m;
}

int64_t orders_step(struct orders *q)
{
	struct message *m;
	bool connected, all = false;

	do {
		while ((m = next_message(q, &connected))) {
			all = all || connected;
			handle(q, m->bytes, m->len);
			free(m);
		}
		all = all || connected;
	} while (!stopping(q) && work_one(q));
	compact(q);
	if (all)
		tell_journal(q);
	return tell_open(q, all);
}

void orders_receive(struct orders *q, const void *payload, size_t len)
{
	struct message *m;

	if (len > OPERATION_MAX) {
		refuse_message("malformed", "it is larger than 64 KiB");
		return;
	}
	m = malloc(sizeof *m + len);
	if (!m)
		return; /* it comes again */
	m->next = NULL;
	m->len = len;
	memcpy(m->bytes, payload, len);
	pthread_mutex_lock(&q->lock);
	if (q->waiting < ORDERS_QUEUE_MAX) {
		*q->last = m;
		q->last = &m->next;
		q->waiting++;
		m = NULL;
		pthread_cond_signal(&q->wake);
	}
	pthread_mutex_unlock(&q->lock);
	free(m);
}

void orders_connected(struct orders *q)
{
	publish_presence(q, true);
	pthread_mutex_lock(&q->lock);
	q->connected = true;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

void orders_goodbye(struct orders *q)
{
	publish_presence(q, false);
}

/* Waits until something comes in, at most ms. false: the end. */
static bool wait_for_work(struct orders *q, int64_t ms)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&q->lock);
	while (!q->stop && !q->first && !q->connected &&
	        pthread_cond_timedwait(&q->wake, &q->lock, &until) == 0)
		;
	go_on = !q->stop;
	pthread_mutex_unlock(&q->lock);
	return go_on;
}

static void *loop(void *arg)
{
	struct orders *q = arg;

	while (wait_for_work(q, orders_step(q)))
		;
	return NULL;
}

bool orders_start(struct orders *q, struct err *e)
{
	if (pthread_create(&q->thread, NULL, loop, q) != 0)
		return err_set(e, ERR_MEMORY, "no thread for operations");
	q->running = true;
	return true;
}

void orders_stop(struct orders *q)
{
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
	if (q->running)
		pthread_join(q->thread, NULL);
	q->running = false;
}

struct orders *orders_new(const struct orders_options *options, struct err *e)
{
	struct orders *q = calloc(1, sizeof *q);
	pthread_condattr_t monotonic;

	if (!q) {
		err_set(e, ERR_MEMORY, "no memory for operations");
		return NULL;
	}
	q->o = *options;
	snprintf(q->agent_id, sizeof q->agent_id, "%s", options->agent_id);
	snprintf(q->version, sizeof q->version, "%s", options->version);
	q->o.version = q->version;
	q->last = &q->first;
	envelope_key_id(options->event_public, q->key_id);
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	q->compact_at = clock_monotonic_ms(options->clock) + 3600 * 1000;
	q->arena = arena_new(WORK_ARENA);
	if (!q->arena)
		err_set(e, ERR_MEMORY, "no memory for operations");
	else
		q->journal = journal_open(options->journal, now_ms(q), e);
	if (q->journal && !take_up(q)) {
		journal_close(q->journal);
		q->journal = NULL;
		err_set(e, ERR_IO, "the journal cannot be written");
	}
	if (!q->journal) {
		orders_free(q);
		return NULL;
	}
	return q;
}

void orders_free(struct orders *q)
{
	bool connected;
	struct message *m;

	if (!q)
		return;
	while ((m = next_message(q, &connected)))
		free(m);
	journal_close(q->journal);
	arena_free(q->arena);
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

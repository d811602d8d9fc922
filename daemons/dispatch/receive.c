/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From agents to the database. An event is believed only under the key of the agent in the topic, for an
 * operation that was sent to that agent.
 */
#include "core/agents.h"
#include "core/device_target.h"
#include "daemons/dispatch/internal.h"
#include "lib/event.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/operation.h"

#include <stdio.h>
#include <string.h>

static const struct json_limits evidence_limits = {
        .bytes = EVENT_EVIDENCE_MAX, .depth = 8, .values = 2000};

static void refuse(const char *what, const char *agent, const char *why)
{
	log_event(LOG_LEVEL_WARNING, what, "agent", agent, "why", why, NULL);
}

/* Somebody said something that is not believed: a record, once it is known who that claims to be. */
static void record_refused(struct engine *engine, const char *agent, const char *operation,
        enum audit_outcome outcome, const char *why)
{
	const char *const targets[] = {operation};
	const char *details = arena_printf(engine->arena, "{\"why\":\"%s\"}", why);
	const struct audit_entry entry = {.actor_kind = "agent",
	        .actor_id = agent,
	        .action = "operation.event",
	        .target_kind = "operation",
	        .targets = targets,
	        .target_count = *operation == '\0' ? 0 : 1,
	        .outcome = outcome,
	        .details = details};

	refuse("event-refused", agent, why);
	(void)engine_record(engine, &entry);
}

/* An active agent, with its key. */
static bool find_agent(struct engine *engine, const char *id, struct agent *agent)
{
	struct err e = ERR_CLEAR;
	struct sql_conn *conn = sql_borrow(engine->db, ENGINE_READ_MS, &e);
	bool ok = conn != NULL && agents_find(conn, engine->arena, id, agent, &e);

	sql_return(conn);
	if (ok && agent->revoked_at == 0)
		return true;
	refuse("message-refused", id, ok ? "the agent is revoked" : e.text);
	return false;
}

/* An agent has one key, and the topic says which agent: what it calls its key does not matter. */
static bool agent_key(
        void *context, const char *key_id, unsigned char public_key[CRYPTO_SIGN_PUBLIC])
{
	const struct agent *agent = context;

	(void)key_id;
	memcpy(public_key, agent->event_key, CRYPTO_SIGN_PUBLIC);
	return true;
}

/* ---- presence */

static bool presence_work(struct sql_conn *conn, void *arg, struct err *e)
{
	return presence_set(conn, arg, e);
}

static void put_presence(struct engine *engine, const struct agent *agent, const struct presence *p)
{
	struct agent_presence row = {.agent = agent->id,
	        .online = p->online,
	        .at = engine_now(engine),
	        .version = p->version == NULL ? "" : p->version};
	struct buf kinds = BUF_INIT(2048);
	struct err e = ERR_CLEAR;

	for (size_t i = 0; p->online && i < p->kind_count; i++)
		buf_printf(&kinds, "%s%s", i == 0 ? "" : " ", p->kinds[i]);
	row.kinds = buf_text(&kinds);
	if (kinds.failed ||
	        !sql_write(engine->db, SQL_OPERATIONS, presence_work, &row, ENGINE_WRITE_MS, &e))
		engine_trouble("presence", &e);
	buf_free(&kinds);
	log_event(LOG_LEVEL_INFO, p->online ? "agent-online" : "agent-offline", "agent",
	        agent->public_id, NULL);
}

/* What was sent and not received will not be received on that connection any more. */
static void give_back(struct engine *engine, const struct agent *agent)
{
	struct err e = ERR_CLEAR;
	int64_t *ids = NULL;
	size_t count = 0;
	struct sql_conn *conn = sql_borrow(engine->db, ENGINE_READ_MS, &e);
	bool ok = conn != NULL &&
	          executions_sent_to(conn, engine->arena, agent->id, &ids, &count, &e);

	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		struct move m = {.execution = ids[i],
		        .agent = agent->id,
		        .change = {.event = EXECUTION_NO_RECEIPT,
		                .source = "dispatch",
		                .percent = -1,
		                .verified = -1}};
		if (!engine_move(engine, &m, &e))
			engine_trouble("give-back", &e);
	}
	if (!ok)
		engine_trouble("give-back", &e);
}

/* The will is not signed, and only lowers presence; all else is in an envelope. */
static void take_presence(struct engine *engine, const char *id, const void *payload, size_t len)
{
	static const char *const schemas[] = {PRESENCE_SCHEMA, NULL};
	struct buf opened = BUF_INIT(OPERATION_MAX);
	struct err e = ERR_CLEAR;
	struct presence p;
	struct agent agent;

	if (!find_agent(engine, id, &agent))
		return;
	if (presence_read(payload, len, engine->arena, &p, &e)) {
		if (p.online)
			refuse("presence-refused", id,
			        "only the will may be unsigned, and it says offline");
		else if (strcmp(p.agent_id, id) == 0) {
			put_presence(engine, &agent, &p);
			give_back(engine, &agent);
		}
		return;
	}
	e = ERR_CLEAR;
	if (!envelope_open(payload, len, schemas, agent_key, &agent, &opened, NULL, &e) ||
	        !presence_read(opened.data, opened.len, engine->arena, &p, &e))
		refuse("presence-refused", id, e.text);
	else if (strcmp(p.agent_id, id) != 0)
		refuse("presence-refused", id, "it names another agent than its topic");
	else {
		put_presence(engine, &agent, &p);
		if (!p.online)
			give_back(engine, &agent);
	}
	buf_free(&opened);
}

/* ---- events */

static bool change_of(const struct event *event, enum execution_event *out)
{
	static const enum execution_event outcomes[OUTCOMES] = {
	        [OUTCOME_SUCCEEDED] = EXECUTION_SUCCEED,
	        [OUTCOME_FAILED] = EXECUTION_FAIL,
	        [OUTCOME_REJECTED] = EXECUTION_AGENT_REJECT,
	        [OUTCOME_EXPIRED] = EXECUTION_AGENT_EXPIRE};
	static const enum execution_event cancels[CANCELS] = {
	        [CANCEL_CANCELED] = EXECUTION_CANCEL_DONE,
	        [CANCEL_TOO_LATE] = EXECUTION_CANCEL_TOO_LATE,
	        [CANCEL_UNKNOWN] = EXECUTION_CANCEL_UNKNOWN};

	switch (event->type) {
	case EVENT_RECEIPT:
		*out = EXECUTION_RECEIPT;
		return true;
	case EVENT_START:
		*out = EXECUTION_START;
		return true;
	case EVENT_STEP:
		*out = EXECUTION_STEP;
		return true;
	case EVENT_RESULT:
		*out = outcomes[event->outcome];
		return true;
	case EVENT_CANCEL_RESULT:
		*out = cancels[event->cancel];
		return true;
	case EVENT_IN_DOUBT:
		*out = EXECUTION_IN_DOUBT;
		return true;
	case EVENT_JOURNAL:
	case EVENT_TYPES:
		break;
	}
	return false;
}

static struct json *read_evidence(const char *text)
{
	return text == NULL ? NULL : json_parse(text, strlen(text), &evidence_limits, NULL);
}

/* Is this reading of the device's identity the device that was meant? */
static bool is_of(const struct json *reading, const struct device_target *target)
{
	const struct json *identity = json_get(reading, "identity");
	const char *kind = json_as_string(json_get(identity, "kind"));
	const char *value = json_as_string(json_get(identity, "value"));

	return kind != NULL && value != NULL && strcmp(kind, target->identity_kind) == 0 &&
	       strcmp(value, target->identity_value) == 0;
}

/* {before, after, reportId}, and whether it bears the result out: both are readings of the device that was
 * meant, the later one not before the earlier. */
static const char *evidence_of(struct engine *engine, const struct event *event,
        const struct device_target *target, int *verified)
{
	struct json *before = read_evidence(event->before), *after = read_evidence(event->after);
	struct json *root = json_new_object();
	struct buf text = BUF_INIT(3 * EVENT_EVIDENCE_MAX);
	const char *first = json_as_string(json_get(before, "acquiredAt"));
	const char *second = json_as_string(json_get(after, "acquiredAt"));
	const char *evidence = NULL;

	*verified = is_of(before, target) && is_of(after, target) && first != NULL &&
	            second != NULL && strcmp(first, second) <= 0;
	if (root != NULL && (before == NULL || json_add_copy(root, "before", before)) &&
	        (after == NULL || json_add_copy(root, "after", after)) &&
	        (event->report_id == NULL || json_add_string(root, "reportId", event->report_id)) &&
	        json_print(root, false, &text))
		evidence = arena_strdup(engine->arena, buf_text(&text));
	buf_free(&text);
	json_free(root);
	json_free(before);
	json_free(after);
	return evidence;
}

/* What the agent says, as the audit log has it. Its texts are left out: only words of ours go there. */
static const char *details_of(struct engine *engine, const struct event *event)
{
	return arena_printf(engine->arena,
	        "{\"event\":\"%s\",\"outcome\":\"%s\",\"attempt\":%lld,\"seq\":%lld}",
	        event_type_name(event->type),
	        event->type == EVENT_RESULT          ? event_outcome_name(event->outcome)
	        : event->type == EVENT_CANCEL_RESULT ? event_cancel_name(event->cancel)
	                                             : "",
	        (long long)event->attempt, (long long)event->seq);
}

/* The execution that an agent speaks of, if it was sent to this agent and so often. What is not is
 * recorded once a message (*told): a journal of made-up entries must not fill the audit log. */
static bool find_execution(struct engine *engine, const struct agent *agent,
        const char *operation_id, int64_t attempt, struct execution_brief *x,
        struct device_target *target, bool *told)
{
	struct err e = ERR_CLEAR;
	struct sql_conn *conn = sql_borrow(engine->db, ENGINE_READ_MS, &e);
	bool found = conn != NULL &&
	             executions_load_public(conn, engine->arena, operation_id, x, &e) &&
	             device_target_find(conn, engine->arena, x->device, target, &e);

	sql_return(conn);
	if (!found && e.code != ERR_NOT_FOUND) {
		engine_trouble("event", &e);
		return false;
	}
	if (found && x->agent == agent->id && attempt <= x->attempt)
		return true;
	if (!*told)
		record_refused(engine, agent->public_id, operation_id,
		        found ? AUDIT_DENIED : AUDIT_NOT_FOUND,
		        found ? "it was not sent to this agent" : "no such operation");
	*told = true;
	return false;
}

static void settle(
        struct engine *engine, const struct agent *agent, const struct event *event, struct move *m)
{
	struct err e = ERR_CLEAR;

	if (!engine_move(engine, m, &e)) {
		engine_trouble("event", &e);
		return; /* without an ack in the outbox: the agent sends it again */
	}
	if (m->outcome.verdict == VERDICT_CONFLICT && !m->outcome.repeated) {
		refuse("event-conflict", agent->public_id,
		        "it contradicts what has ended; kept as evidence");
		(void)engine_record_step(engine, &m->x, agent->public_id, "operation.conflict",
		        details_of(engine, event));
	}
}

static void take_one(struct engine *engine, const struct agent *agent, const struct event *event)
{
	struct execution_brief x;
	struct device_target target;
	bool told = false;
	struct move m = {.agent = agent->id,
	        .change = {.source = "agent",
	                .agent = agent->id,
	                .attempt = event->attempt,
	                .seq = event->seq,
	                .code = event->code,
	                .message = event->message,
	                .percent = event->percent,
	                .text = event->text,
	                .verified = -1}};

	if (!change_of(event, &m.change.event) ||
	        !find_execution(
	                engine, agent, event->operation_id, event->attempt, &x, &target, &told))
		return;
	m.execution = x.id;
	if (event->type == EVENT_RESULT) {
		int verified;
		m.change.evidence = evidence_of(engine, event, &target, &verified);
		if (event->outcome == OUTCOME_SUCCEEDED)
			m.change.verified = verified;
	}
	if (engine_record_step(
	            engine, &x, agent->public_id, "operation.event", details_of(engine, event)))
		settle(engine, agent, event, &m);
}

/* What the agent's journal holds: phases that we may have missed. Results come as events of their own. */
static void take_journal(
        struct engine *engine, const struct agent *agent, const struct event *event)
{
	bool told = false;

	for (size_t i = 0; i < event->entry_count; i++) {
		const struct event_journal_entry *entry = &event->entries[i];
		struct execution_brief x;
		struct device_target target;
		struct err e = ERR_CLEAR;
		if (!find_execution(
		            engine, agent, entry->operation_id, entry->attempt, &x, &target, &told))
			continue;
		bool waits = x.state == EXECUTION_SENT || x.state == EXECUTION_RESENDING;
		bool started = entry->phase != PHASE_RECEIVED;
		if (!waits && !(started && x.state == EXECUTION_DELIVERED))
			continue;
		struct move m = {.execution = x.id,
		        .agent = agent->id,
		        .change = {.event = started ? EXECUTION_START : EXECUTION_RECEIPT,
		                .source = "agent",
		                .agent = agent->id,
		                .attempt = entry->attempt,
		                .percent = -1,
		                .verified = -1}};
		if (engine_record_step(engine, &x, agent->public_id, "operation.journal", NULL) &&
		        !engine_move(engine, &m, &e))
			engine_trouble("journal", &e);
	}
}

static void take_event(struct engine *engine, const char *id, const void *payload, size_t len)
{
	static const char *const schemas[] = {EVENT_SCHEMA, NULL};
	struct buf opened = BUF_INIT(OPERATION_MAX);
	struct err e = ERR_CLEAR;
	struct event event;
	struct agent agent;

	if (!find_agent(engine, id, &agent))
		return;
	if (!envelope_open(payload, len, schemas, agent_key, &agent, &opened, NULL, &e))
		record_refused(engine, id, "", AUDIT_DENIED,
		        e.code == ERR_DENIED ? "bad signature" : "no envelope");
	else if (!event_read(opened.data, opened.len, engine->arena, &event, &e))
		refuse("event-refused", id, e.text);
	else if (strcmp(event.agent_id, id) != 0)
		record_refused(
		        engine, id, "", AUDIT_DENIED, "it names another agent than its topic");
	else if (event.type == EVENT_JOURNAL)
		take_journal(engine, &agent, &event);
	else
		take_one(engine, &agent, &event);
	buf_free(&opened);
}

/* Before anything is read or recorded: an agent that talks too much is to cost nothing. */
static bool may_speak(struct engine *engine, const char *id, enum rate_kind kind)
{
	int64_t passed_over;
	bool may = rate_allows(
	        &engine->rate, id, kind, clock_monotonic_ms(engine->clock), &passed_over);
	char count[24];

	if (passed_over > 0)
		log_event(LOG_LEVEL_WARNING, "agent-talks-too-much", "agent", id, "passed-over",
		        log_number(count, passed_over), NULL);
	return may;
}

void engine_message(
        struct engine *engine, const char *topic, const void *payload, size_t len, bool retained)
{
	char id[32];

	arena_reset(engine->arena);
	if (operation_topic_read(topic, "presence", id)) {
		if (may_speak(engine, id, RATE_PRESENCE))
			take_presence(engine, id, payload, len);
	} else if (operation_topic_read(topic, "event", id) && !retained) {
		if (may_speak(engine, id, RATE_EVENT))
			take_event(engine, id, payload, len);
	}
}

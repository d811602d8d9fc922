/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/event.h"

#include "lib/message.h"
#include "lib/operation.h"
#include "lib/parse.h"

#include <string.h>

enum { CODE_MAX = 40, VERSION_MAX = 60, REPORT_ID_MAX = 64, KIND_MAX = 40 };

static const char *const type_names[EVENT_TYPES] = {
        [EVENT_RECEIPT] = "receipt",
        [EVENT_START] = "start",
        [EVENT_STEP] = "step",
        [EVENT_RESULT] = "result",
        [EVENT_CANCEL_RESULT] = "cancel-result",
        [EVENT_IN_DOUBT] = "in-doubt",
        [EVENT_JOURNAL] = "journal",
};
static const char *const outcome_names[OUTCOMES] = {
        [OUTCOME_SUCCEEDED] = "succeeded",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_REJECTED] = "rejected",
        [OUTCOME_EXPIRED] = "expired",
};
static const char *const cancel_names[CANCELS] = {
        [CANCEL_CANCELED] = "canceled",
        [CANCEL_TOO_LATE] = "too-late",
        [CANCEL_UNKNOWN] = "unknown",
};
static const char *const phase_names[PHASES] = {
        [PHASE_RECEIVED] = "received",
        [PHASE_STARTED] = "started",
        [PHASE_FINISHED] = "finished",
};
static const char *const code_names[CODES] = {
        [CODE_NONE] = "",
        [CODE_DEVICE_NOT_LISTED] = "device-not-listed",
        [CODE_BUSY] = "busy",
        [CODE_INK_LOW] = "ink-low",
        [CODE_MAINTENANCE_BOX_FULL] = "maintenance-box-full",
        [CODE_COOLING_DOWN] = "cooling-down",
        [CODE_NOT_CAPABLE] = "not-capable",
        [CODE_SWITCHED_OFF_LOCALLY] = "switched-off-locally",
        [CODE_UNREACHABLE] = "unreachable",
        [CODE_WRONG_DEVICE] = "wrong-device",
        [CODE_CLOCK] = "clock",
        [CODE_BAD_SIGNATURE] = "bad-signature",
        [CODE_NOT_FOR_ME] = "not-for-me",
        [CODE_TOO_LATE] = "too-late",
};

const char *event_type_name(enum event_type type)
{
	return (unsigned)type < EVENT_TYPES ? type_names[type] : "";
}

const char *event_outcome_name(enum event_outcome o)
{
	return (unsigned)o < OUTCOMES ? outcome_names[o] : "";
}

const char *event_cancel_name(enum event_cancel c)
{
	return (unsigned)c < CANCELS ? cancel_names[c] : "";
}

const char *event_phase_name(enum event_phase p)
{
	return (unsigned)p < PHASES ? phase_names[p] : "";
}

const char *event_code_name(enum event_code code)
{
	return (unsigned)code < CODES ? code_names[code] : "";
}

static bool is_code(const char *code)
{
	size_t len = strlen(code);

	return len <= CODE_MAX && strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* ---- writing */

static bool event_is_valid(const struct event *v, struct err *e)
{
	if ((unsigned)v->type >= EVENT_TYPES || !parse_public_id(v->agent_id, "ag_") || v->at < 0)
		return err_set(e, ERR_INVALID, "an event's type, agent or time is not valid");
	if (v->type == EVENT_JOURNAL)
		return v->entry_count <= EVENT_JOURNAL_MAX ||
		       err_set(e, ERR_INVALID, "a journal event has too many entries");
	if (v->operation_id == NULL || !parse_public_id(v->operation_id, "op_") || v->attempt < 1 ||
	        v->attempt > OPERATION_ATTEMPT_MAX || v->seq < 1 || v->seq > EVENT_SEQ_MAX)
		return err_set(e, ERR_INVALID, "an event's operation, attempt or seq is not valid");
	if (v->type == EVENT_STEP && (v->percent < -1 || v->percent > 100))
		return err_set(e, ERR_INVALID, "an event's percent is not valid");
	if (v->type == EVENT_RESULT &&
	        ((unsigned)v->outcome >= OUTCOMES || (v->code != NULL && !is_code(v->code))))
		return err_set(e, ERR_INVALID, "an event's outcome or code is not valid");
	if (v->type == EVENT_CANCEL_RESULT && (unsigned)v->cancel >= CANCELS)
		return err_set(e, ERR_INVALID, "an event's cancel result is not valid");
	return true;
}

/* Texts for people: cut at a character, controls and bad UTF-8 turned into blanks. */
static bool add_cut_text(struct json *to, const char *name, const char *text)
{
	char out[EVENT_TEXT_MAX + 1];
	size_t len = 0;
	size_t left = text != NULL ? strlen(text) : 0;

	if (left == 0)
		return true;
	while (left > 0) {
		uint32_t code = 0;
		size_t n = parse_utf8_next(text, left, &code);
		bool bad = n == 0 || code < 0x20 || code == 0x7f;
		if (n == 0)
			n = 1;
		if (len + (bad ? 1 : n) > EVENT_TEXT_MAX)
			break;
		if (bad)
			out[len++] = ' ';
		else
			memcpy(out + len, text, n);
		len += bad ? 0 : n;
		text += n;
		left -= n;
	}
	out[len] = '\0';
	return json_add_string(to, name, out);
}

static bool add_evidence(struct json *to, const struct event *v, struct err *e)
{
	struct json *evidence;

	if (v->before == NULL && v->after == NULL && v->report_id == NULL)
		return true;
	evidence = json_add_object(to, "evidence");
	return evidence != NULL &&
	       (v->before == NULL ||
	               message_add_object(evidence, "before", v->before, EVENT_EVIDENCE_MAX, e)) &&
	       (v->after == NULL ||
	               message_add_object(evidence, "after", v->after, EVENT_EVIDENCE_MAX, e)) &&
	       (v->report_id == NULL || json_add_string(evidence, "reportId", v->report_id));
}

static bool add_result(struct json *to, const struct event *v, struct err *e)
{
	return json_add_string(to, "outcome", event_outcome_name(v->outcome)) &&
	       (v->code == NULL || v->code[0] == '\0' || json_add_string(to, "code", v->code)) &&
	       add_cut_text(to, "message", v->message) && add_evidence(to, v, e);
}

static bool add_journal(struct json *to, const struct event *v)
{
	struct json *list = json_add_array(to, "entries");

	if (list == NULL)
		return false;
	for (size_t i = 0; i < v->entry_count; i++) {
		struct json *entry = json_add_object(list, NULL);
		if (entry == NULL ||
		        !json_add_string(entry, "operationId", v->entries[i].operation_id) ||
		        !json_add_i64(entry, "attempt", v->entries[i].attempt) ||
		        !json_add_string(entry, "phase", event_phase_name(v->entries[i].phase)) ||
		        !message_add_time(entry, "at", v->entries[i].at))
			return false;
	}
	return true;
}

static bool add_details(struct json *to, const struct event *v, struct err *e)
{
	switch (v->type) {
	case EVENT_STEP:
		return (v->percent < 0 || json_add_i64(to, "percent", v->percent)) &&
		       add_cut_text(to, "text", v->text);
	case EVENT_RESULT:
		return add_result(to, v, e);
	case EVENT_CANCEL_RESULT:
		return json_add_string(to, "result", event_cancel_name(v->cancel));
	case EVENT_JOURNAL:
		return add_journal(to, v);
	default:
		return true;
	}
}

bool event_write(const struct event *event, struct buf *payload, struct err *e)
{
	struct err why = ERR_CLEAR;
	struct json *to;
	bool ok;

	if (!event_is_valid(event, e))
		return false;
	to = json_new_object();
	ok = to != NULL && json_add_string(to, "schema", EVENT_SCHEMA) &&
	     json_add_string(to, "agentId", event->agent_id);
	if (ok && event->type != EVENT_JOURNAL)
		ok = json_add_string(to, "operationId", event->operation_id) &&
		     json_add_i64(to, "attempt", event->attempt) &&
		     json_add_i64(to, "seq", event->seq);
	ok = ok && json_add_string(to, "event", event_type_name(event->type)) &&
	     message_add_time(to, "at", event->at) && add_details(to, event, &why);
	if (message_finish(to, ok, EVENT_PAYLOAD_MAX, payload, &why))
		return true;
	return err_set(e, why.code, "%s", why.text);
}

/* ---- reading */

static bool read_step(
        const struct json *root, struct arena *arena, struct event *out, struct err *e)
{
	int64_t percent = -1;

	if (json_get(root, "percent") != NULL && !message_int(root, "percent", 0, 100, &percent, e))
		return false;
	out->percent = (int)percent;
	return message_text(root, "text", MESSAGE_OPTIONAL, EVENT_TEXT_MAX, arena, &out->text, e);
}

static bool read_evidence(
        const struct json *root, struct arena *arena, struct event *out, struct err *e)
{
	const struct json *evidence = json_get(root, "evidence");

	if (evidence == NULL)
		return true;
	if (json_type_of(evidence) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "$.evidence: not an object");
	if (!message_object(evidence, "before", EVENT_EVIDENCE_MAX, arena, &out->before, e) ||
	        !message_object(evidence, "after", EVENT_EVIDENCE_MAX, arena, &out->after, e) ||
	        !message_text(evidence, "reportId", MESSAGE_OPTIONAL, REPORT_ID_MAX, arena,
	                &out->report_id, e))
		return err_wrap(e, "$.evidence");
	if (out->report_id[0] == '\0')
		out->report_id = NULL;
	return true;
}

static bool read_result(
        const struct json *root, struct arena *arena, struct event *out, struct err *e)
{
	int outcome;

	if (!message_word(root, "outcome", outcome_names, OUTCOMES, &outcome, e) ||
	        !message_text(root, "code", MESSAGE_OPTIONAL, CODE_MAX, arena, &out->code, e) ||
	        !message_text(
	                root, "message", MESSAGE_OPTIONAL, EVENT_TEXT_MAX, arena, &out->message, e))
		return false;
	out->outcome = (enum event_outcome)outcome;
	if (!is_code(out->code))
		return err_set(e, ERR_INVALID, "$.code: not a code");
	return read_evidence(root, arena, out, e);
}

static bool read_journal_entry(const struct json *item, struct arena *arena,
        struct event_journal_entry *out, struct err *e)
{
	int phase;

	if (!message_id(item, "operationId", "op_", arena, &out->operation_id, e) ||
	        !message_int(item, "attempt", 1, OPERATION_ATTEMPT_MAX, &out->attempt, e) ||
	        !message_word(item, "phase", phase_names, PHASES, &phase, e) ||
	        !message_time(item, "at", &out->at, e))
		return err_wrap(e, "$.entries");
	out->phase = (enum event_phase)phase;
	return true;
}

static bool read_journal(
        const struct json *root, struct arena *arena, struct event *out, struct err *e)
{
	const struct json *list = json_get(root, "entries");
	struct event_journal_entry *entries;
	size_t count = json_count(list);

	if (list == NULL || json_type_of(list) != JSON_ARRAY || count > EVENT_JOURNAL_MAX)
		return err_set(
		        e, ERR_INVALID, "$.entries: not an array of at most %d", EVENT_JOURNAL_MAX);
	entries = arena_array(arena, count, sizeof(*entries));
	if (entries == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a message");
	count = 0;
	for (const struct json *i = json_first(list); i != NULL; i = json_next(i))
		if (!read_journal_entry(i, arena, &entries[count++], e))
			return false;
	out->entries = entries;
	out->entry_count = count;
	return true;
}

static bool read_cancel(const struct json *root, struct event *out, struct err *e)
{
	int cancel;

	if (!message_word(root, "result", cancel_names, CANCELS, &cancel, e))
		return false;
	out->cancel = (enum event_cancel)cancel;
	return true;
}

static bool read_details(
        const struct json *root, struct arena *arena, struct event *out, struct err *e)
{
	switch (out->type) {
	case EVENT_STEP:
		return read_step(root, arena, out, e);
	case EVENT_RESULT:
		return read_result(root, arena, out, e);
	case EVENT_CANCEL_RESULT:
		return read_cancel(root, out, e);
	case EVENT_JOURNAL:
		return read_journal(root, arena, out, e);
	default:
		return true;
	}
}

static bool read_members(
        const struct json *root, struct arena *arena, struct event *out, struct err *e)
{
	int type;

	if (!message_id(root, "agentId", "ag_", arena, &out->agent_id, e) ||
	        !message_word(root, "event", type_names, EVENT_TYPES, &type, e) ||
	        !message_time(root, "at", &out->at, e))
		return false;
	out->type = (enum event_type)type;
	if (out->type != EVENT_JOURNAL &&
	        (!message_id(root, "operationId", "op_", arena, &out->operation_id, e) ||
	                !message_int(root, "attempt", 1, OPERATION_ATTEMPT_MAX, &out->attempt, e) ||
	                !message_int(root, "seq", 1, EVENT_SEQ_MAX, &out->seq, e)))
		return false;
	return read_details(root, arena, out, e);
}

bool event_read(
        const char *payload, size_t len, struct arena *arena, struct event *out, struct err *e)
{
	struct json *root = message_parse(payload, len, EVENT_PAYLOAD_MAX, EVENT_SCHEMA, e);
	bool ok;

	if (root == NULL)
		return false;
	*out = (struct event){.percent = -1, .text = "", .code = "", .message = ""};
	ok = read_members(root, arena, out, e);
	json_free(root);
	return ok;
}

/* ---- presence */

static const char *const states[] = {"offline", "online"};

bool presence_write(const struct presence *p, struct buf *payload, struct err *e)
{
	struct err why = ERR_CLEAR;
	struct json *to, *list;
	bool ok;

	if (!parse_public_id(p->agent_id, "ag_") || p->at < 0 || p->kind_count > PRESENCE_KINDS)
		return err_set(e, ERR_INVALID, "a presence's agent, time or kinds are not valid");
	to = json_new_object();
	ok = to != NULL && json_add_string(to, "schema", PRESENCE_SCHEMA) &&
	     json_add_string(to, "agentId", p->agent_id) &&
	     json_add_string(to, "state", states[p->online]) && message_add_time(to, "at", p->at) &&
	     json_add_string(to, "version", p->version != NULL ? p->version : "");
	list = ok ? json_add_array(to, "kinds") : NULL;
	ok = list != NULL;
	for (size_t i = 0; ok && i < p->kind_count; i++)
		ok = json_add_string(list, NULL, p->kinds[i]);
	if (message_finish(to, ok, EVENT_PAYLOAD_MAX, payload, &why))
		return true;
	return err_set(e, why.code, "%s", why.text);
}

static bool read_kinds(
        const struct json *root, struct arena *arena, struct presence *out, struct err *e)
{
	const struct json *list = json_get(root, "kinds");

	if (list == NULL)
		return true;
	if (json_type_of(list) != JSON_ARRAY || json_count(list) > PRESENCE_KINDS)
		return err_set(
		        e, ERR_INVALID, "$.kinds: not an array of at most %d", PRESENCE_KINDS);
	for (const struct json *i = json_first(list); i != NULL; i = json_next(i)) {
		const char *text = json_as_string(i);
		/* Kinds are kept in one text, parted by blanks. */
		if (text == NULL || text[0] == '\0' || strlen(text) > KIND_MAX || !is_code(text))
			return err_set(e, ERR_INVALID, "$.kinds: not the name of a kind");
		out->kinds[out->kind_count] = arena_strdup(arena, text);
		if (out->kinds[out->kind_count++] == NULL)
			return err_set(e, ERR_MEMORY, "no memory for a message");
	}
	return true;
}

bool presence_read(
        const char *payload, size_t len, struct arena *arena, struct presence *out, struct err *e)
{
	struct json *root = message_parse(payload, len, EVENT_PAYLOAD_MAX, PRESENCE_SCHEMA, e);
	int state;
	bool ok;

	if (root == NULL)
		return false;
	*out = (struct presence){.version = ""};
	ok = message_id(root, "agentId", "ag_", arena, &out->agent_id, e) &&
	     message_word(root, "state", states, 2, &state, e) &&
	     message_time(root, "at", &out->at, e) &&
	     message_text(
	             root, "version", MESSAGE_OPTIONAL, VERSION_MAX, arena, &out->version, e) &&
	     read_kinds(root, arena, out, e);
	if (ok)
		out->online = state == 1;
	json_free(root);
	return ok;
}

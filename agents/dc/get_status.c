/* SPDX-License-Identifier: Apache-2.0 */
/*
 * get_status.c: the operation get-status: the device is read afresh, a full report is sent, and the
 * operation succeeds once the server has that report durably.
 */
#include "agents/dc/dc.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/parse.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { EVIDENCE_SUPPLIES = 40, LOOK_MS = 200 };

/* ---- evidence */

static bool add_supplies(struct json *to, const struct report_device *d)
{
	struct json *list = json_add_array(to, "supplies");

	for (size_t i = 0; list && i < d->supply_count && i < EVIDENCE_SUPPLIES; i++) {
		const struct report_supply *s = &d->supplies[i];
		struct json *o = json_add_object(list, NULL);

		if (!o || !json_add_i64(o, "index", s->index.value) ||
		        (s->color && !json_add_string(o, "color", s->color)) ||
		        (s->level.set && !json_add_i64(o, "level", s->level.value)) ||
		        (s->capacity.set && !json_add_i64(o, "capacity", s->capacity.value)) ||
		        (s->level_state && !json_add_string(o, "levelState",
		                                   report_level_state_name(s->level_state))))
			return false;
	}
	return list;
}

static bool add_reasons(struct json *to, const struct report_device *d)
{
	struct json *list = json_add_array(to, "reasons");

	for (size_t i = 0; list && i < d->reason_count; i++) {
		char text[300];

		snprintf(text, sizeof text, "%s-%s", d->reasons[i].keyword,
		        report_severity_name(d->reasons[i].severity));
		if (!json_add_string(list, NULL, text))
			return false;
	}
	return list;
}

const char *dc_evidence(const struct report_device *d, struct arena *arena)
{
	struct json *root = json_new_object();
	struct json *identity = root ? json_add_object(root, "identity") : NULL;
	struct buf text = BUF_INIT(EVENT_EVIDENCE_MAX);
	char time_text[PARSE_TIME_SIZE];
	const char *kept = NULL;

	if (identity &&
	        json_add_string(identity, "kind", report_identity_kind_name(d->identity_kind)) &&
	        json_add_string(identity, "value", d->identity) &&
	        json_add_string(
	                root, "acquiredAt", parse_time_text(d->acquired_at.value, time_text)) &&
	        json_add_string(root, "state", report_state_name(d->state)) &&
	        add_reasons(root, d) && add_supplies(root, d) && json_print(root, false, &text))
		kept = arena_copy(arena, text.data, text.len);
	json_free(root);
	buf_free(&text);
	return kept;
}

/* ---- reading the device */

static const struct device_entry *find_entry(struct dc *dc, const struct operation *o)
{
	char id[KNOWN_ENTRY_SIZE];

	if (!known_find(dc->known, o->identity_kind, o->identity_value, id))
		return NULL;
	for (size_t i = 0; i < dc->list.count; i++) {
		if (strcmp(dc->list.entries[i].id, id) == 0)
			return &dc->list.entries[i];
	}
	return NULL; /* it has left the list since */
}

static bool is_the_device(const struct report_device *d, const struct operation *o)
{
	return strcmp(report_identity_kind_name(d->identity_kind), o->identity_kind) == 0 &&
	       strcmp(d->identity, o->identity_value) == 0;
}

static enum event_code read_device(struct dc *dc, const struct operation *o,
        struct collect_result *result, struct order_work *work)
{
	const struct device_entry *entry = find_entry(dc, o);
	struct collect collect = {.agent_id = dc->agent_id,
	        .clock = dc->clock,
	        .open = dc->open,
	        .open_arg = dc->open_arg};

	*result = (struct collect_result){0};
	if (!entry)
		return CODE_DEVICE_NOT_LISTED;
	if (dc->uplink && !uplink_offset(dc->uplink, &collect.clock_offset_ms))
		collect.clock_offset_ms = 0;
	if (!collect_one(&collect, entry, result)) {
		work->message = arena_strdup(work->arena, result->why.text);
		return result->why.code == ERR_CONFLICT ? CODE_WRONG_DEVICE : CODE_UNREACHABLE;
	}
	return is_the_device(&result->device, o) ? CODE_NONE : CODE_WRONG_DEVICE;
}

static enum event_code prepare(void *arg, const struct operation *o, struct order_work *work)
{
	struct collect_result result;
	enum event_code code = read_device(arg, o, &result, work);

	if (code == CODE_NONE)
		work->before = dc_evidence(&result.device, work->arena);
	collect_free(&result);
	return code;
}

/* ---- sending the report */

static void pause_ms(int64_t ms)
{
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	(void)nanosleep(&pause, NULL); /* a signal may end it early */
}

/* Until the server has it, or the operation's time is over. false: the agent is stopping. */
static bool deliver(struct dc *dc, const char *report_id, struct order_work *work)
{
	int64_t next = 0;

	for (;;) {
		enum uplink_fate fate;
		struct err e = ERR_CLEAR;
		int64_t now = clock_monotonic_ms(dc->clock);

		if (now >= next && !uplink_send(dc->uplink, NULL, &e))
			log_event(LOG_LEVEL_WARNING, "report-not-sent", "report", report_id, "why",
			        e.text, NULL);
		fate = uplink_fate(dc->uplink, report_id);
		next = now + uplink_pause_ms(dc->uplink);
		if (fate == UPLINK_TAKEN) {
			work->outcome = OUTCOME_SUCCEEDED;
			return true;
		}
		if (fate == UPLINK_REFUSED || now > work->deadline) {
			work->code = fate == UPLINK_REFUSED ? "report-refused" : "report-not-sent";
			work->message =
			        fate == UPLINK_REFUSED
			                ? "the server did not take the report"
			                : "the report is stored, but could not be sent in time";
			return true;
		}
		if (atomic_load(&dc->stop))
			return false;
		pause_ms(LOOK_MS);
	}
}

static bool run(void *arg, const struct operation *o, struct order_work *work)
{
	struct dc *dc = arg;
	struct collect_result result;
	enum event_code code = read_device(dc, o, &result, work);
	char report_id[37];
	struct err e = ERR_CLEAR;
	bool done = true;

	work->outcome = OUTCOME_FAILED;
	if (code != CODE_NONE) {
		work->code = event_code_name(code);
	} else if (!dc_store(dc, REPORT_OPERATION, &result.device, 1, false, report_id, &e)) {
		work->code = "report-not-stored";
		work->message = arena_strdup(work->arena, e.text);
	} else {
		work->after = dc_evidence(&result.device, work->arena);
		work->report_id = arena_strdup(work->arena, report_id);
		done = deliver(dc, report_id, work);
	}
	collect_free(&result);
	return done;
}

const struct order_action dc_actions[] = {
        {.kind = "get-status", .prepare = prepare, .run = run},
        {.kind = NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* orders_work.c: doing what was ordered: guards, `start` on disk, the work, its result. */
#include "agents/orders_internal.h"

#include <stdio.h>
#include <string.h>

static bool read_order(
        struct orders *q, const struct journal_entry *entry, struct operation *o, struct err *e)
{
	return operation_read(
	        entry->operation, strlen(entry->operation), MESSAGE_OPERATION, q->arena, o, e);
}

static bool finish(struct orders *q, const char *id, const struct order_work *work)
{
	struct event event = orders_event(EVENT_RESULT);

	event.outcome = work->outcome;
	event.code = work->code ? work->code : "";
	event.message = work->message ? work->message : "";
	event.before = work->before;
	event.after = work->after;
	event.report_id = work->report_id;
	return orders_record(q, journal_find(q->journal, id), PHASE_FINISHED, &event);
}

static bool interrupted(struct orders *q, const struct journal_entry *entry)
{
	struct event event = orders_event(EVENT_RESULT);

	event.outcome = OUTCOME_FAILED;
	event.code = "interrupted";
	event.message = "the agent was stopped while it ran, and its time is over";
	return orders_record(q, entry, PHASE_FINISHED, &event);
}

/* One entry that waits to be begun, or a query that was interrupted. Guards first, `start` on disk,
 * then the work. false: no more for now, the disk or the agent's end is in the way. */
static bool work_on(struct orders *q, const struct journal_entry *entry)
{
	struct order_work work = {.arena = q->arena, .outcome = OUTCOME_FAILED};
	struct event start = orders_event(EVENT_START);
	const struct order_action *action;
	struct operation o;
	struct err e = ERR_CLEAR;
	enum event_code code;
	char id[64];

	snprintf(id, sizeof id, "%s", entry->operation_id);
	arena_reset(q->arena);
	if (!read_order(q, entry, &o, &e) || !(action = orders_find_action(q, o.kind_name))) {
		return orders_reject(
		        q, entry, CODE_NOT_CAPABLE, "the order in the journal does not read");
	}
	if (orders_now_ms(q) > entry->not_after) {
		return entry->phase == PHASE_STARTED ? interrupted(q, entry)
		                                     : orders_reject(q, entry, CODE_TOO_LATE, "");
	}
	work.deadline = clock_monotonic_ms(q->o.clock) + o.run_seconds * 1000;
	code = action->prepare(q->o.arg, &o, &work);
	if (code == CODE_NONE && orders_now_ms(q) > entry->not_after)
		code = CODE_TOO_LATE; /* the device took its time */
	if (code != CODE_NONE) {
		return orders_reject(q, entry, code, work.message ? work.message : "");
	}
	if (entry->phase == PHASE_RECEIVED && !orders_record(q, entry, PHASE_STARTED, &start))
		return false; /* not on disk: not begun; tried again at the next step */
	return action->run(q->o.arg, &o, &work) && finish(q, id, &work);
}

/* Takes one; false: there is none, or no more can be done now. */
bool orders_work_one(struct orders *q)
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
bool orders_take_up(struct orders *q)
{
	for (size_t i = 0; i < journal_count(q->journal); i++) {
		struct journal_entry *entry = journal_at(q->journal, i);
		struct event doubt = orders_event(EVENT_IN_DOUBT);

		if (entry->phase == PHASE_STARTED && entry->consuming &&
		        !orders_record(q, entry, PHASE_FINISHED, &doubt))
			return false;
	}
	return true;
}

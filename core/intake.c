/* SPDX-License-Identifier: Apache-2.0 */
#include "core/intake.h"

#include "core/intake_internal.h"
#include "core/intake_values.h"
#include "lib/text.h"

#include <string.h>
#include <strings.h>

enum { WAIT_MS = 5000, ANSWER_MAX = 32 << 20 };

int intake_supply_percent(
        int class_, int unit, const struct report_int *capacity, const struct report_int *level)
{
	int64_t most = capacity->set && capacity->value > 0 ? capacity->value : 0;

	(void)class_; /* a level is what is left for both classes (RFC 3805, prtMarkerSuppliesLevel) */
	if (!level->set || level->value < 0)
		return -1;
	if (most == 0 && unit == REPORT_UNIT_PERCENT)
		most = 100;
	if (most == 0)
		return -1;
	if (level->value >= most)
		return 100;
	return (int)((double)level->value * 100.0 / (double)most + 0.5);
}

int64_t intake_seen_at(int64_t received_at, const struct report_device *d)
{
	return d->acquired_at.value < received_at ? d->acquired_at.value : received_at;
}

/* What people call it: the model, or what stands in for it. */
static const char *name_of(struct arena *arena, const struct report_device *d)
{
	if (d->model != NULL && *d->model != '\0')
		return d->model;
	if (d->manufacturer != NULL && *d->manufacturer != '\0')
		return arena_printf(arena, "%s printer", d->manufacturer);
	if (d->entry != NULL && *d->entry != '\0')
		return arena_printf(arena, "Printer %s", d->entry);
	return arena_printf(arena, "Printer %s", d->identity);
}

static bool prepare_words(struct arena *arena, struct intake_target *t, struct err *e)
{
	const struct report_device *d = t->device;
	const char *all;

	t->name = name_of(arena, d);
	if (t->name == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a device's name");
	all = arena_printf(arena, "%s %s %s %s %s", text_or_empty(d->manufacturer),
	        text_or_empty(d->model), text_or_empty(d->serial_number),
	        d->model == NULL ? t->name : "", text_or_empty(d->entry));
	if (all == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a device's search key");
	t->fold = text_fold(arena, all, e);
	return t->fold != NULL && intake_settings_fingerprint(d, t->settings, e);
}

static bool region_served(const struct intake *in, const char *region)
{
	if (in->regions == NULL || in->regions[0] == NULL || region == NULL || *region == '\0')
		return true;
	for (size_t i = 0; in->regions[i] != NULL; i++)
		if (strcasecmp(in->regions[i], region) == 0)
			return true;
	return false;
}

struct run {
	const struct intake *in;
	const struct intake_agent *agent;
	const struct report *report;
	struct intake_merge merge;
	struct report_rejected *rejected;
	size_t rejected_count;
	struct arena *arena;
};

static void reject(struct run *run, size_t index, enum report_reject code, const char *message)
{
	run->rejected[run->rejected_count++] =
	        (struct report_rejected){.index = index, .code = (int)code, .message = message};
}

/* Takes the devices that are served; finds their rows. *seen is the stored answer of a repeat. */
static bool look_up(struct run *run, const char **seen, struct err *e)
{
	struct sql_conn *conn = sql_borrow(run->in->db, WAIT_MS, e);
	bool ok = false;

	if (conn == NULL)
		return false;
	*e = ERR_CLEAR;
	*seen = intake_seen(conn, run->agent->id, run->report->id, run->arena, e);
	if (*seen != NULL || e->code != ERR_NONE) {
		ok = *seen != NULL;
		goto give_back;
	}
	for (size_t i = 0; i < run->report->device_count; i++) {
		const struct report_device *d = &run->report->devices[i];
		const char *region =
		        d->region_code == NULL ? run->agent->customer_region : d->region_code;
		struct intake_target *t = &run->merge.targets[run->merge.count];
		if (!region_served(run->in, region)) {
			reject(run, d->index, REPORT_REGION_NOT_SERVED,
			        "this installation does not serve the device's region");
			continue;
		}
		*t = (struct intake_target){.device = d};
		if (!prepare_words(run->arena, t, e) ||
		        !intake_devices_find(conn, run->agent, run->arena, t, e))
			goto give_back;
		run->merge.count++;
	}
	ok = true;
give_back:
	sql_return(conn);
	return ok;
}

/* Makes the devices that have no row, and drops those beyond the agent's limit. */
static bool make_devices(struct run *run, struct err *e)
{
	struct intake_target *targets = run->merge.targets;
	struct intake_making making = {.agent = run->agent,
	        .targets = targets,
	        .count = run->merge.count,
	        .now = run->merge.received_at,
	        .arena = run->arena};
	size_t kept = 0;
	bool needed = false;

	for (size_t i = 0; i < making.count; i++)
		needed |= targets[i].id == 0 || targets[i].serial_appeared;
	if (!needed)
		return true;
	making.over_limit = arena_array(run->arena, making.count, sizeof *making.over_limit);
	if (making.over_limit == NULL)
		return err_set(e, ERR_MEMORY, "no memory for new devices");
	if (!sql_write(run->in->db, SQL_CORE, intake_devices_make, &making, WAIT_MS, e))
		return false;
	for (size_t i = 0; i < making.count; i++) {
		if (making.over_limit[i])
			reject(run, targets[i].device->index, REPORT_TOO_MANY_DEVICES,
			        "this agent has brought as many devices as it may; ask the "
			        "administrator");
		else
			targets[kept++] = targets[i];
	}
	run->merge.count = kept;
	return true;
}

/* Into the arena: it is stored with the report, and sent if the report was not stored before. */
static bool write_answer(struct run *run, bool pending, struct err *e)
{
	const struct report_answer answer = {.report_id = run->report->id,
	        .accepted = (int64_t)run->merge.count,
	        .rejected = run->rejected,
	        .rejected_count = run->rejected_count,
	        .warnings = run->report->warnings,
	        .warning_count = run->report->warning_count,
	        .operations_pending = pending,
	        .operation_keys = run->in->operation_keys};
	struct buf text = BUF_INIT(ANSWER_MAX);
	bool ok;

	ok = report_answer_write(&answer, &text, e);
	if (ok) {
		run->merge.answer = arena_strdup(run->arena, buf_text(&text));
		ok = run->merge.answer != NULL || err_set(e, ERR_MEMORY, "no memory for an answer");
	}
	buf_free(&text);
	return ok;
}

static bool answer_again(const struct intake *in, const char *stored, bool pending,
        struct arena *arena, struct buf *out, struct err *e)
{
	struct report_answer answer;

	if (!report_answer_read(stored, strlen(stored), arena, &answer, e))
		return err_wrap(e, "the stored answer to a report");
	answer.duplicate = true;
	answer.operations_pending = pending;
	answer.operation_keys = in->operation_keys;
	return report_answer_write(&answer, out, e);
}

/* The same serial at two customers is two devices; the operator is told (agent-protocol.md). */
static bool find_twins(struct run *run, struct intake_result *result, struct err *e)
{
	struct sql_conn *conn;
	bool ok = true;

	for (size_t i = 0; i < run->merge.count; i++)
		result->created += run->merge.targets[i].is_new;
	if (result->created == 0)
		return true;
	result->twin_ids = arena_array(run->arena, result->created, sizeof *result->twin_ids);
	conn = result->twin_ids == NULL ? NULL : sql_borrow(run->in->db, WAIT_MS, e);
	if (conn == NULL)
		return result->twin_ids != NULL ||
		       err_set(e, ERR_MEMORY, "no memory for new devices");
	for (size_t i = 0; ok && i < run->merge.count; i++) {
		const struct intake_target *t = &run->merge.targets[i];
		bool twin;
		if (!t->is_new)
			continue;
		ok = intake_devices_twin(conn, run->agent, t, &twin, e);
		if (ok && twin)
			result->twin_ids[result->twins++] = t->public_id;
	}
	sql_return(conn);
	return ok;
}

bool intake_store(const struct intake *in, const struct intake_agent *agent,
        const struct report *report, int64_t received_at, bool operations_pending,
        struct arena *arena, struct buf *answer, struct intake_result *result, struct err *e)
{
	struct run run = {.in = in, .agent = agent, .report = report, .arena = arena};
	const char *seen = NULL;

	*result = (struct intake_result){.duplicate = false};
	run.rejected = arena_array(
	        arena, report->rejected_count + report->device_count + 1, sizeof *run.rejected);
	run.merge = (struct intake_merge){.agent = agent,
	        .report = report,
	        .received_at = received_at,
	        .arena = arena,
	        .targets = arena_array(arena, report->device_count + 1, sizeof *run.merge.targets)};
	if (run.rejected == NULL || run.merge.targets == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a report");
	for (size_t i = 0; i < report->rejected_count; i++)
		run.rejected[run.rejected_count++] = report->rejected[i];
	if (!look_up(&run, &seen, e))
		return false;
	if (seen == NULL) {
		if (!make_devices(&run, e) || !find_twins(&run, result, e) ||
		        !write_answer(&run, operations_pending, e) ||
		        !sql_write(
		                in->db, SQL_TELEMETRY, intake_merge_work, &run.merge, WAIT_MS, e))
			return false;
		seen = run.merge.seen;
	}
	if (seen != NULL) {
		result->duplicate = true;
		return answer_again(in, seen, operations_pending, arena, answer, e);
	}
	buf_puts(answer, run.merge.answer);
	if (answer->failed)
		return err_set(e, ERR_MEMORY, "no memory for an answer");
	result->rejected = run.rejected_count;
	for (size_t i = 0; i < run.merge.count; i++)
		if (intake_devices_stale(&run.merge, &run.merge.targets[i]))
			return sql_write(
			        in->db, SQL_CORE, intake_devices_list, &run.merge, WAIT_MS, e);
	return true;
}

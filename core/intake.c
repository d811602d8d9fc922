/* SPDX-License-Identifier: Apache-2.0 */
#include "core/intake.h"

#include "core/intake_internal.h"
#include "core/intake_values.h"
#include "lib/crypto.h"
#include "lib/text.h"

#include <string.h>
#include <strings.h>

enum { HOUR_MS = 3600 * 1000, WAIT_MS = 5000 };

enum {
	FIND_IDENTITY,
	FIND_ENTRY,
	FIND_TWIN,
	DEFAULT_GROUP,
	NAMED_GROUP,
	COUNT_OF_AGENT,
	INSERT,
	UPDATE_LIST,
	JOIN
};

#define ROW                                                                                        \
	"id, public_id, list_version, seen_hour, coalesce(agent_id, 0), state, attention, "        \
	"attention_text,"                                                                          \
	" coalesce(lowest_supply, -1), manufacturer, model, coalesce(serial_number, ''), "         \
	"coalesce(firmware, ''),"                                                                  \
	" name, entry, identity_kind, identity_value"
#define ROW_TYPES                                                                                  \
	"itiiititi"                                                                                \
	"tttttttt"

static const struct sql_statement statements[] = {
        [FIND_IDENTITY] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "itt",
                .out = ROW_TYPES,
                .text = "SELECT " ROW " FROM device WHERE customer_id = $1 AND identity_kind = $2 "
                        "AND identity_value = $3"},
        [FIND_ENTRY] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iit",
                .out = ROW_TYPES,
                .text = "SELECT " ROW
                        " FROM device WHERE customer_id = $1 AND agent_id = $2 AND entry = $3"
                        " ORDER BY list_version DESC LIMIT 1"},
        [FIND_TWIN] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "ti",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM device WHERE identity_value = $1 AND "
                        "identity_kind = 'serial'"
                        " AND customer_id <> $2)"},
        [DEFAULT_GROUP] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "i",
                .text = "SELECT id FROM device_group WHERE organisation_id = $1 AND is_default = "
                        "1"},
        [NAMED_GROUP] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "it",
                .out = "i",
                .text = "SELECT id FROM device_group WHERE organisation_id = $1 AND name = $2 AND "
                        "removed_at IS NULL"},
        [COUNT_OF_AGENT] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "i",
                .text = "SELECT count(*) FROM device WHERE agent_id = $1"},
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "tiittt"
                      "itttT"
                      "Tttii",
                .out = "i",
                .text = "INSERT INTO device (public_id, customer_id, group_id, identity_kind, "
                        "identity_value, entry,"
                        " agent_id, manufacturer, model, name, serial_number, firmware, "
                        "search_key, state, first_seen_at,"
                        " seen_hour, list_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
                        "$10, $11, $12, $13, $14,"
                        " $15, $16, 0) RETURNING id"},
        [UPDATE_LIST] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "iittTttt"
                      "itIii"
                      "t",
                .out = "",
                .text = "UPDATE device SET agent_id = $2, manufacturer = $3, model = $4, "
                        "serial_number = $5, name = $6,"
                        " search_key = $7, state = $8, attention = $9, attention_text = $10, "
                        "lowest_supply = $11,"
                        " seen_hour = max(seen_hour, $12), list_version = $13, firmware = "
                        "coalesce(nullif($14, ''), firmware)"
                        " WHERE id = $1 AND list_version <= $13"},
        [JOIN] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "itt",
                .out = "",
                .text = "UPDATE device SET identity_kind = $2, identity_value = $3 WHERE id = $1"},
};

const struct sql_table intake_sql = {
        .name = "intake", .list = statements, .count = sizeof statements / sizeof statements[0]};

static const char *or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

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
	all = arena_printf(arena, "%s %s %s %s %s", or_empty(d->manufacturer), or_empty(d->model),
	        or_empty(d->serial_number), d->model == NULL ? t->name : "", or_empty(d->entry));
	if (all == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a device's search key");
	t->fold = text_fold(arena, all, e);
	return t->fold != NULL && intake_settings_fingerprint(d, t->settings, e);
}

/* An identity by entry is only unique within its agent. */
static const char *identity_value(
        struct arena *arena, const struct intake_agent *agent, const struct report_device *d)
{
	size_t len = strlen(agent->public_id);

	if (d->identity_kind != REPORT_ENTRY ||
	        (strncmp(d->identity, agent->public_id, len) == 0 && d->identity[len] == '/'))
		return d->identity;
	return arena_printf(arena, "%s/%s", agent->public_id, d->identity);
}

struct row {
	const char *manufacturer, *model, *serial, *firmware, *name, *entry, *kind, *identity;
};

static bool find(struct sql_conn *conn, const struct sql_statement *st,
        const struct sql_value *args, size_t arg_count, struct arena *arena,
        struct intake_target *t, struct row *row, bool *found, struct err *e)
{
	return sql_one(conn, st, args, arg_count,
	        SQL_INTO(SQL_INTO_I(&t->id), SQL_INTO_T(arena, &t->public_id),
	                SQL_INTO_I(&t->version), SQL_INTO_I(&t->seen_hour),
	                SQL_INTO_I(&t->agent_id), SQL_INTO_T(arena, &t->stored.state),
	                SQL_INTO_I(&t->stored.attention),
	                SQL_INTO_T(arena, &t->stored.attention_text),
	                SQL_INTO_I(&t->stored.lowest_supply), SQL_INTO_T(arena, &row->manufacturer),
	                SQL_INTO_T(arena, &row->model), SQL_INTO_T(arena, &row->serial),
	                SQL_INTO_T(arena, &row->firmware), SQL_INTO_T(arena, &row->name),
	                SQL_INTO_T(arena, &row->entry), SQL_INTO_T(arena, &row->kind),
	                SQL_INTO_T(arena, &row->identity)),
	        found, e);
}

/* May the device behind the same list entry be this one? Yes when one of the two identities is weaker (a serial
 * that appears later, or is not told just now) and the model does not speak against it. */
static bool same_entry(const struct report_device *d, const struct row *row)
{
	bool was_serial = strcmp(row->kind, "serial") == 0,
	     is_serial = d->identity_kind == REPORT_SERIAL;

	if (was_serial && is_serial)
		return false;
	return *row->model == '\0' || *or_empty(d->model) == '\0' ||
	       strcmp(row->model, d->model) == 0;
}

/* Finds the row of a reported device. t->id stays 0 when there is none. */
static bool find_target(struct sql_conn *conn, const struct intake_agent *agent,
        struct arena *arena, struct intake_target *t, struct err *e)
{
	const struct report_device *d = t->device;
	const char *value = identity_value(arena, agent, d),
	           *kind = report_identity_kind_name(d->identity_kind);
	struct row row = {.manufacturer = ""};
	bool found;

	if (value == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a device's identity");
	t->identity_differs = t->serial_appeared = false;
	if (!find(conn, &statements[FIND_IDENTITY],
	            SQL_ARGS(SQL_I(agent->customer_id), SQL_T(kind), SQL_T(value)), arena, t, &row,
	            &found, e))
		return false;
	if (!found && d->entry != NULL) {
		if (!find(conn, &statements[FIND_ENTRY],
		            SQL_ARGS(SQL_I(agent->customer_id), SQL_I(agent->id), SQL_T(d->entry)),
		            arena, t, &row, &found, e))
			return false;
		if (found && !same_entry(d, &row))
			found = false;
		t->identity_differs = found && strcmp(row.kind, "serial") != 0;
		t->serial_appeared = t->identity_differs && d->identity_kind == REPORT_SERIAL;
	}
	if (!found) {
		t->id = 0;
		return true;
	}
	t->words_differ =
	        strcmp(row.manufacturer, or_empty(d->manufacturer)) != 0 ||
	        strcmp(row.model, or_empty(d->model)) != 0 || strcmp(row.name, t->name) != 0 ||
	        (d->serial_number != NULL && strcmp(row.serial, d->serial_number) != 0) ||
	        (d->firmware_version != NULL && strcmp(row.firmware, d->firmware_version) != 0);
	return true;
}

/* ---- making and joining devices */

struct making {
	const struct intake_agent *agent;
	struct intake_target *targets;
	size_t count;
	int64_t now;
	struct arena *arena;
	bool *over_limit; /* a target each */
};

static bool group_for(struct sql_conn *conn, const struct intake_agent *agent, const char *name,
        int64_t *group, struct err *e)
{
	bool found = false;

	if (name != NULL && *name != '\0' &&
	        !sql_one(conn, &statements[NAMED_GROUP],
	                SQL_ARGS(SQL_I(agent->customer_id), SQL_T(name)),
	                SQL_INTO(SQL_INTO_I(group)), &found, e))
		return false;
	if (found)
		return true;
	if (!sql_one(conn, &statements[DEFAULT_GROUP], SQL_ARGS(SQL_I(agent->customer_id)),
	            SQL_INTO(SQL_INTO_I(group)), &found, e))
		return false;
	return found || err_set(e, ERR_INTERNAL, "customer %s has no default group",
	                        agent->customer_public_id);
}

/* A device's last sign of life: when it was read, if that lies before the report's arrival (a report can have
 * waited in a spool, or tell of days ago). */
int64_t intake_seen_at(int64_t received_at, const struct report_device *d)
{
	return d->acquired_at.value < received_at ? d->acquired_at.value : received_at;
}

static bool make_one(struct sql_conn *conn, struct making *m, struct intake_target *t,
        int64_t *owned, bool *over, struct err *e)
{
	const struct report_device *d = t->device;
	char public_id[32];
	int64_t group, seen = intake_seen_at(m->now, d);

	if (*owned >= m->agent->device_limit) {
		*over = true;
		return true;
	}
	crypto_random_id("de_", public_id);
	t->public_id = arena_strdup(m->arena, public_id);
	if (t->public_id == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a new device");
	if (!group_for(conn, m->agent, d->group, &group, e))
		return false;
	if (!sql_one(conn, &statements[INSERT],
	            SQL_ARGS(SQL_T(public_id), SQL_I(m->agent->customer_id), SQL_I(group),
	                    SQL_T(report_identity_kind_name(d->identity_kind)),
	                    SQL_T(identity_value(m->arena, m->agent, d)), SQL_T(or_empty(d->entry)),
	                    SQL_I(m->agent->id), SQL_T(or_empty(d->manufacturer)),
	                    SQL_T(or_empty(d->model)), SQL_T(t->name), SQL_T(d->serial_number),
	                    SQL_T(d->firmware_version), SQL_T(t->fold), SQL_T("unknown"),
	                    SQL_I(seen), SQL_I(seen / HOUR_MS * HOUR_MS)),
	            SQL_INTO(SQL_INTO_I(&t->id)), NULL, e))
		return err_wrap(e, "making a device");
	t->is_new = true;
	t->stored = (struct intake_columns){
	        .state = "unknown", .attention_text = "", .lowest_supply = -1};
	t->version = 0;
	t->seen_hour = seen / HOUR_MS * HOUR_MS;
	t->agent_id = m->agent->id;
	t->words_differ = false;
	(*owned)++;
	return true;
}

static bool make_work(struct sql_conn *conn, void *arg, struct err *e)
{
	struct making *m = arg;
	int64_t owned = -1;

	for (size_t i = 0; i < m->count; i++) {
		struct intake_target *t = &m->targets[i];
		/* Another report, or an earlier device of this one, may have made it meanwhile, or
		 * may have taken the serial number that appears here. */
		if ((t->id == 0 || t->serial_appeared) &&
		        !find_target(conn, m->agent, m->arena, t, e))
			return false;
		if (t->id == 0) {
			if (owned < 0 && !sql_one(conn, &statements[COUNT_OF_AGENT],
			                         SQL_ARGS(SQL_I(m->agent->id)),
			                         SQL_INTO(SQL_INTO_I(&owned)), NULL, e))
				return false;
			if (t->id == 0 && !make_one(conn, m, t, &owned, &m->over_limit[i], e))
				return false;
		}
		if (t->id != 0 && t->serial_appeared &&
		        !sql_do(conn, &statements[JOIN],
		                SQL_ARGS(SQL_I(t->id), SQL_T("serial"), SQL_T(t->device->identity)),
		                NULL, e))
			return err_wrap(e, "joining a device with its serial number");
	}
	return true;
}

/* ---- the list columns */

static bool columns_equal(const struct intake_columns *a, const struct intake_columns *b)
{
	return strcmp(a->state, b->state) == 0 && a->attention == b->attention &&
	       a->lowest_supply == b->lowest_supply &&
	       strcmp(a->attention_text, b->attention_text) == 0;
}

static int64_t hour_of(const struct intake_merge *m, const struct intake_target *t)
{
	return intake_seen_at(m->received_at, t->device) / HOUR_MS * HOUR_MS;
}

static bool list_is_stale(const struct intake_merge *m, const struct intake_target *t)
{
	if (!t->newest)
		return false;
	return t->is_new || t->words_differ || t->serial_appeared || t->agent_id != m->agent->id ||
	       hour_of(m, t) > t->seen_hour || !columns_equal(&t->stored, &t->merged);
}

static bool list_work(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct intake_merge *m = arg;

	for (size_t i = 0; i < m->count; i++) {
		const struct intake_target *t = &m->targets[i];
		const struct report_device *d = t->device;
		if (!list_is_stale(m, t))
			continue;
		if (!sql_do(conn, &statements[UPDATE_LIST],
		            SQL_ARGS(SQL_I(t->id), SQL_I(m->agent->id),
		                    SQL_T(or_empty(d->manufacturer)), SQL_T(or_empty(d->model)),
		                    SQL_T(d->serial_number), SQL_T(t->name), SQL_T(t->fold),
		                    SQL_T(t->merged.state), SQL_I(t->merged.attention),
		                    SQL_T(t->merged.attention_text),
		                    t->merged.lowest_supply < 0 ? SQL_NULL
		                                                : SQL_I(t->merged.lowest_supply),
		                    SQL_I(hour_of(m, t)), SQL_I(d->acquired_at.value),
		                    SQL_T(or_empty(d->firmware_version))),
		            NULL, e))
			return err_wrap(e, "bringing the list of devices up to date");
	}
	return true;
}

/* ---- the whole way */

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
		        !find_target(conn, run->agent, run->arena, t, e))
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
	struct making making = {.agent = run->agent,
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
	if (!sql_write(run->in->db, SQL_CORE, make_work, &making, WAIT_MS, e))
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

static bool write_answer(const struct run *run, bool pending, struct buf *out, struct err *e)
{
	const struct report_answer answer = {.report_id = run->report->id,
	        .accepted = (int64_t)run->merge.count,
	        .rejected = run->rejected,
	        .rejected_count = run->rejected_count,
	        .warnings = run->report->warnings,
	        .warning_count = run->report->warning_count,
	        .operations_pending = pending,
	        .operation_keys = run->in->operation_keys};

	return report_answer_write(&answer, out, e);
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
		int64_t twin = 0;
		if (!t->is_new || t->device->identity_kind != REPORT_SERIAL)
			continue;
		ok = sql_one(conn, &statements[FIND_TWIN],
		        SQL_ARGS(SQL_T(t->device->identity), SQL_I(run->agent->customer_id)),
		        SQL_INTO(SQL_INTO_I(&twin)), NULL, e);
		if (ok && twin != 0)
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
	size_t start = answer->len;

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
	if (seen != NULL) {
		result->duplicate = true;
		return answer_again(in, seen, operations_pending, arena, answer, e);
	}
	if (!make_devices(&run, e) || !find_twins(&run, result, e) ||
	        !write_answer(&run, operations_pending, answer, e))
		return false;
	run.merge.answer = arena_copy(arena, answer->data + start, answer->len - start);
	if (run.merge.answer == NULL)
		return err_set(e, ERR_MEMORY, "no memory for an answer");
	if (!sql_write(in->db, SQL_TELEMETRY, intake_merge_work, &run.merge, WAIT_MS, e))
		return false;
	result->rejected = run.rejected_count;
	for (size_t i = 0; i < run.merge.count; i++)
		if (list_is_stale(&run.merge, &run.merge.targets[i]))
			return sql_write(in->db, SQL_CORE, list_work, &run.merge, WAIT_MS, e);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of devices in core: found, made, joined, and their list columns. */
#include "core/intake_internal.h"

#include "lib/crypto.h"

#include <string.h>

enum { HOUR_MS = 3600 * 1000 };

enum {
	FIND_IDENTITY,
	FIND_ENTRY,
	FIND_TWIN,
	DEFAULT_GROUP,
	NAMED_GROUP,
	COUNT_OF_AGENT,
	INSERT,
	UPDATE_LIST,
	JOIN,
	STATEMENTS
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

static const struct sql_statement statements[STATEMENTS] = {
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

const struct sql_table intake_devices_sql = {"intake_devices", statements, STATEMENTS};

/* ---- finding */

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
	return *row->model == '\0' || *text_or_empty(d->model) == '\0' ||
	       strcmp(row->model, d->model) == 0;
}

bool intake_devices_find(struct sql_conn *conn, const struct intake_agent *agent,
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
	        strcmp(row.manufacturer, text_or_empty(d->manufacturer)) != 0 ||
	        strcmp(row.model, text_or_empty(d->model)) != 0 || strcmp(row.name, t->name) != 0 ||
	        (d->serial_number != NULL && strcmp(row.serial, d->serial_number) != 0) ||
	        (d->firmware_version != NULL && strcmp(row.firmware, d->firmware_version) != 0);
	return true;
}

/* ---- making and joining devices */

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

static bool make_one(struct sql_conn *conn, struct intake_making *m, struct intake_target *t,
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
	                    SQL_T(identity_value(m->arena, m->agent, d)),
	                    SQL_T(text_or_empty(d->entry)), SQL_I(m->agent->id),
	                    SQL_T(text_or_empty(d->manufacturer)), SQL_T(text_or_empty(d->model)),
	                    SQL_T(t->name), SQL_T(d->serial_number), SQL_T(d->firmware_version),
	                    SQL_T(t->fold), SQL_T("unknown"), SQL_I(seen),
	                    SQL_I(seen / HOUR_MS * HOUR_MS)),
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

bool intake_devices_make(struct sql_conn *conn, void *arg, struct err *e)
{
	struct intake_making *m = arg;
	int64_t owned = -1;

	for (size_t i = 0; i < m->count; i++) {
		struct intake_target *t = &m->targets[i];
		/* Another report, or an earlier device of this one, may have made it meanwhile, or
		 * may have taken the serial number that appears here. */
		if ((t->id == 0 || t->serial_appeared) &&
		        !intake_devices_find(conn, m->agent, m->arena, t, e))
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

/* ---- twins */

bool intake_devices_twin(struct sql_conn *conn, const struct intake_agent *agent,
        const struct intake_target *t, bool *twin, struct err *e)
{
	int64_t there = 0;

	*twin = false;
	if (t->device->identity_kind != REPORT_SERIAL)
		return true;
	if (!sql_one(conn, &statements[FIND_TWIN],
	            SQL_ARGS(SQL_T(t->device->identity), SQL_I(agent->customer_id)),
	            SQL_INTO(SQL_INTO_I(&there)), NULL, e))
		return false;
	*twin = there != 0;
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

bool intake_devices_stale(const struct intake_merge *m, const struct intake_target *t)
{
	if (!t->newest)
		return false;
	return t->is_new || t->words_differ || t->serial_appeared || t->agent_id != m->agent->id ||
	       hour_of(m, t) > t->seen_hour || !columns_equal(&t->stored, &t->merged);
}

bool intake_devices_list(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct intake_merge *m = arg;

	for (size_t i = 0; i < m->count; i++) {
		const struct intake_target *t = &m->targets[i];
		const struct report_device *d = t->device;
		if (!intake_devices_stale(m, t))
			continue;
		if (!sql_do(conn, &statements[UPDATE_LIST],
		            SQL_ARGS(SQL_I(t->id), SQL_I(m->agent->id),
		                    SQL_T(text_or_empty(d->manufacturer)),
		                    SQL_T(text_or_empty(d->model)), SQL_T(d->serial_number),
		                    SQL_T(t->name), SQL_T(t->fold), SQL_T(t->merged.state),
		                    SQL_I(t->merged.attention), SQL_T(t->merged.attention_text),
		                    t->merged.lowest_supply < 0 ? SQL_NULL
		                                                : SQL_I(t->merged.lowest_supply),
		                    SQL_I(hour_of(m, t)), SQL_I(d->acquired_at.value),
		                    SQL_T(text_or_empty(d->firmware_version))),
		            NULL, e))
			return err_wrap(e, "bringing the list of devices up to date");
	}
	return true;
}

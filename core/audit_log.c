/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_log.c: a statement for every way into the index (driver) and every kind of viewer (scope).
 * The driver is the most selective filter; the others are tested row by row. All walk one index
 * backwards in time, so a page costs what it shows.
 */
#include "core/audit_log.h"

#include "core/rows.h"
#include "lib/parse.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 50 };

const char *const audit_actions[] = {
        "access",
        "agent.ca",
        "agent.enroll",
        "agent.invite",
        "agent.leave",
        "agent.list",
        "agent.renew",
        "agent.revoke",
        "agent.uninvite",
        "audit.heartbeat",
        "audit.search",
        "audit.start",
        "audit.stop",
        "contract.add",
        "contract.list",
        "contract.remove",
        "device.list",
        "device.same-serial",
        "device.view",
        "fleet.view",
        "grant.add",
        "grant.list",
        "grant.remove",
        "group.add",
        "group.list",
        "group.remove",
        "installation.check",
        "installation.init",
        "model.add",
        "model.list",
        "model.remove",
        "operation.begin",
        "operation.cancel",
        "operation.conflict",
        "operation.event",
        "operation.form",
        "operation.journal",
        "operation.list",
        "operation.send",
        "operation.send-cancel",
        "operation.submit",
        "operation.timer",
        "operation.view",
        "operation.withdraw",
        "organisation.add",
        "organisation.list",
        "organisation.remove",
        "person.add",
        "person.list",
        "person.password",
        "person.remove",
        "person.resume",
        "person.suspend",
        "program.start",
        "program.stop",
        "report.reject",
        "report.send",
        "session.begin",
        "session.end",
        "work.view",
        NULL,
};

/* The ways into the index. */
enum driver {
	BY_TIME,
	BY_PERSON,
	BY_TARGET,
	BY_CUSTOMER,
	BY_ACTION,
	BY_OUTCOME,
	DRIVERS,
};

enum sight { SEES_ALL, SEES_OWN_CUSTOMER, SEES_OWN_DEVICES, SEES_OWN_ACTS, SEES_OWN_ORGANISATION };

/* Where a statement stands in the list below. */
enum {
	ALL = 0,
	CUSTOMER = ALL + DRIVERS,
	DEVICES = CUSTOMER + DRIVERS,
	ACTS_BY_PERSON = DEVICES + DRIVERS,
	ACTS_BY_TARGET,
	ORGANISATION,
	ORGANISATION_BY_PERSON,
	ORGANISATION_BY_TARGET,
	TARGETS_OF_CUSTOMER,
	TARGETS_IN_SCOPE,
	STATEMENTS,
};

/* $1 from, $2 before, $3 cursor's time, $4 cursor's number, $5 rows, $6 person, $7 target,
 * $8 customer, $9 action, $10 outcome, $11 the viewer's public id or organisation, $12 the viewer's
 * account or organisation. */
#define COLUMNS "SELECT i.number, e.record, e.leaf FROM "
#define ENTRY   " JOIN audit_entry e ON e.number = i.number WHERE "
#define WINDOW(t)                                                                                  \
	t ".at >= $1 AND " t ".at <= $3 AND " t ".at < $2 AND (" t ".at < $3 OR " t ".number < "   \
	  "$4)"
#define FILTERS                                                                                    \
	" AND ($6 = '' OR i.actor = $6) AND ($8 = '' OR i.customer = $8)"                          \
	" AND ($9 = '' OR i.action = $9) AND ($10 = '' OR i.outcome = $10)"
#define HAS_TARGET                                                                                 \
	" AND ($7 = '' OR EXISTS (SELECT 1 FROM audit_target f WHERE f.target = $7"                \
	" AND f.at = i.at AND f.number = i.number))"
#define NEWEST(t) " ORDER BY " t ".at DESC, " t ".number DESC LIMIT $5"

#define INDEXED(index, condition, scope)                                                           \
	COLUMNS "audit_index i INDEXED BY " index ENTRY condition WINDOW("i")                      \
	        FILTERS HAS_TARGET scope NEWEST("i")
#define TIME_TEXT(scope) INDEXED("audit_index_at", "", scope)
#define PERSON_TEXT(scope)                                                                         \
	INDEXED("audit_index_actor", "i.actor = $6 AND i.actor <> '' AND ", scope)
#define CUSTOMER_TEXT(scope)                                                                       \
	INDEXED("audit_index_customer", "i.customer = $8 AND i.customer <> '' AND ", scope)
#define ORGANISATION_TEXT(scope)                                                                   \
	INDEXED("audit_index_organisation", "i.organisation = $11 AND i.organisation <> '' AND ",  \
	        scope)
#define ACTION_TEXT(scope) INDEXED("audit_index_action", "i.action = $9 AND ", scope)
#define OUTCOME_TEXT(scope)                                                                        \
	INDEXED("audit_index_outcome", "i.outcome = $10 AND i.outcome <> 'done' AND ", scope)
/* A record that names the target twice is found once. */
#define TARGET_TEXT(scope)                                                                         \
	COLUMNS "audit_target t CROSS JOIN audit_index i ON i.number = t.number" ENTRY             \
	        "t.target = $7 AND " WINDOW("t") FILTERS                                           \
	        " AND NOT EXISTS (SELECT 1 FROM audit_target u WHERE u.target = t.target"          \
	        " AND u.at = t.at AND u.number = t.number AND u.place < t.place)" scope NEWEST(    \
	                "t")

#define ALL_SCOPE          " AND $11 = '' AND $12 = 0"
#define ACTS_SCOPE         " AND i.actor = $11 AND $12 = 0"
#define ORGANISATION_SCOPE " AND i.organisation = $11 AND $12 = 0"
#define CUSTOMER_SCOPE                                                                             \
	" AND (i.customer = $11 OR EXISTS (SELECT 1 FROM audit_target s"                           \
	" JOIN device d ON d.public_id = s.target WHERE s.number = i.number"                       \
	" AND d.customer_id = $12))"
#define DEVICES_SCOPE                                                                              \
	" AND $11 = '' AND EXISTS (SELECT 1 FROM audit_target s"                                   \
	" JOIN device d ON d.public_id = s.target WHERE s.number = i.number"                       \
	" AND d.group_id IN (SELECT group_id FROM scope WHERE viewer = $12"                        \
	" AND \"right\" = 'view'))"

#define SEARCH(more, sql)                                                                          \
	{                                                                                          \
		.role = SQL_READ, .store = SQL_AUDIT, .stores = (more), .in = "iiiiitttttti",      \
		.out = "ibb", .text = sql                                                          \
	}
#define CORE (1u << SQL_CORE)
#define EVERY_DRIVER(first, more, scope)                                                           \
	[(first) + BY_TIME] = SEARCH(more, TIME_TEXT(scope)),                                      \
	           [(first) + BY_PERSON] = SEARCH(more, PERSON_TEXT(scope)),                       \
	           [(first) + BY_TARGET] = SEARCH(more, TARGET_TEXT(scope)),                       \
	           [(first) + BY_CUSTOMER] = SEARCH(more, CUSTOMER_TEXT(scope)),                   \
	           [(first) + BY_ACTION] = SEARCH(more, ACTION_TEXT(scope)),                       \
	           [(first) + BY_OUTCOME] = SEARCH(more, OUTCOME_TEXT(scope))
#define TARGETS(condition)                                                                         \
	{                                                                                          \
		.role = SQL_READ, .store = SQL_AUDIT, .stores = CORE, .in = "ii", .out = "i",      \
		.text = "SELECT s.place FROM audit_target s"                                       \
		        " JOIN device d ON d.public_id = s.target"                                 \
		        " WHERE s.number = $1 AND " condition " ORDER BY s.place"                  \
	}

static const struct sql_statement statements[STATEMENTS] = {
        EVERY_DRIVER(ALL, 0, ALL_SCOPE),
        EVERY_DRIVER(CUSTOMER, CORE, CUSTOMER_SCOPE),
        EVERY_DRIVER(DEVICES, CORE, DEVICES_SCOPE),
        [ACTS_BY_PERSON] = SEARCH(0, PERSON_TEXT(ACTS_SCOPE)),
        [ACTS_BY_TARGET] = SEARCH(0, TARGET_TEXT(ACTS_SCOPE)),
        [ORGANISATION] = SEARCH(0, ORGANISATION_TEXT(ORGANISATION_SCOPE)),
        [ORGANISATION_BY_PERSON] = SEARCH(0, PERSON_TEXT(ORGANISATION_SCOPE)),
        [ORGANISATION_BY_TARGET] = SEARCH(0, TARGET_TEXT(ORGANISATION_SCOPE)),
        [TARGETS_OF_CUSTOMER] = TARGETS("d.customer_id = $2"),
        [TARGETS_IN_SCOPE] = TARGETS("d.group_id IN (SELECT group_id FROM scope"
                                     " WHERE viewer = $2 AND \"right\" = 'view')"),
};
const struct sql_table audit_log_sql = {"audit_log", statements, STATEMENTS};

/* ---- one search */

struct search {
	enum sight sight;
	const char *own;            /* $11 */
	int64_t own_id;             /* $12 */
	struct audit_filter filter; /* no NULLs */
	int64_t cursor_at, cursor_number;
	size_t limit;
};

/* What the viewer may see of the log: the one place (security.md, People and rights). */
static bool set_sight(struct search *s, const struct viewer *v, struct err *e)
{
	if (viewer_may(v, MAY_READ_AUDIT_ALL)) {
		s->sight = SEES_ALL;
		return true;
	}
	switch (viewer_may(v, MAY_READ_AUDIT_OWN) ? v->role : ROLE_NONE) {
	case ROLE_CUSTOMER_VIEWER:
		s->sight = SEES_OWN_DEVICES;
		s->own_id = v->account_id;
		return true;
	case ROLE_CUSTOMER_ADMIN:
		s->sight = SEES_OWN_CUSTOMER;
		s->own = v->organisation_public_id;
		s->own_id = v->organisation_id;
		return true;
	case ROLE_TECHNICIAN:
		s->sight = SEES_OWN_ACTS;
		s->own = v->account_public_id;
		return true;
	case ROLE_PARTNER_ADMIN:
		s->sight = SEES_OWN_ORGANISATION;
		s->own = v->organisation_public_id;
		return true;
	default:
		return err_set(e, ERR_DENIED, "you may not read the audit log");
	}
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static enum driver driver_of(const struct audit_filter *f)
{
	if (f->target[0] != '\0')
		return BY_TARGET;
	if (f->person[0] != '\0')
		return BY_PERSON;
	if (f->customer[0] != '\0')
		return BY_CUSTOMER;
	if (f->outcome[0] != '\0' && strcmp(f->outcome, "done") != 0)
		return BY_OUTCOME;
	return f->action[0] != '\0' ? BY_ACTION : BY_TIME;
}

static const struct sql_statement *statement_of(const struct search *s)
{
	enum driver driver = driver_of(&s->filter);

	switch (s->sight) {
	case SEES_OWN_CUSTOMER:
		return &statements[CUSTOMER + driver];
	case SEES_OWN_DEVICES:
		return &statements[DEVICES + driver];
	case SEES_OWN_ACTS:
		return &statements[driver == BY_TARGET ? ACTS_BY_TARGET : ACTS_BY_PERSON];
	case SEES_OWN_ORGANISATION:
		if (driver == BY_TARGET)
			return &statements[ORGANISATION_BY_TARGET];
		return &statements[driver == BY_PERSON ? ORGANISATION_BY_PERSON : ORGANISATION];
	default:
		return &statements[ALL + driver];
	}
}

static bool set_filter(struct search *s, const struct audit_filter *f, struct err *e)
{
	s->filter = (struct audit_filter){.person = or_empty(f->person),
	        .target = or_empty(f->target),
	        .customer = or_empty(f->customer),
	        .action = or_empty(f->action),
	        .outcome = or_empty(f->outcome),
	        .from = f->from,
	        .to = f->to != 0 ? f->to : INT64_MAX};
	/* Own acts are walked by the actor's index. */
	if (s->sight == SEES_OWN_ACTS && s->filter.person[0] == '\0')
		s->filter.person = s->own;
	if (f->from < 0 || f->to < 0)
		return err_set(e, ERR_INVALID, "a time before 1970");
	return true;
}

/* "time.number" of the last entry that was shown. */
static bool set_cursor(struct search *s, const char *cursor, struct err *e)
{
	const char *dot;

	s->cursor_at = INT64_MAX;
	s->cursor_number = INT64_MAX;
	if (cursor == NULL || cursor[0] == '\0')
		return true;
	dot = strchr(cursor, '.');
	if (dot == NULL ||
	        !parse_int_n(cursor, (size_t)(dot - cursor), 0, INT64_MAX, &s->cursor_at) ||
	        !parse_int(dot + 1, 1, INT64_MAX, &s->cursor_number))
		return err_set(e, ERR_INVALID, "this is not the address of a page of the log");
	return true;
}

/* Keeps those targets whose places the cursor gives, in order. */
static bool keep_visible(struct sql_cursor *cursor, struct arena *arena,
        struct audit_log_entry *entry, struct err *e)
{
	struct audit_entry *r = &entry->record.entry;
	const char **kept = arena_array(arena, r->target_count, sizeof(*kept));
	size_t count = 0;
	int64_t place = 0;
	int rc;

	if (kept == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a page of the log");
	while ((rc = sql_next(cursor, SQL_INTO(SQL_INTO_I(&place)), e)) == 1)
		if (place >= 0 && (size_t)place < r->target_count && count < r->target_count)
			kept[count++] = r->targets[place];
	entry->hidden = r->target_count - count;
	r->targets = kept;
	r->target_count = count;
	return rc == 0;
}

/* A list that a partner looked at names several customers' devices: each customer sees its own. */
static bool hide_others(struct sql_conn *conn, struct arena *arena, const struct search *s,
        struct audit_log_entry *entry, struct err *e)
{
	struct audit_entry *r = &entry->record.entry;
	struct sql_cursor *cursor;
	bool ok;

	if (s->sight != SEES_OWN_CUSTOMER && s->sight != SEES_OWN_DEVICES)
		return true;
	if (s->sight == SEES_OWN_CUSTOMER && strcmp(r->customer, s->own) == 0)
		return true;
	cursor = sql_query(conn,
	        &statements[s->sight == SEES_OWN_CUSTOMER ? TARGETS_OF_CUSTOMER : TARGETS_IN_SCOPE],
	        SQL_ARGS(SQL_I(entry->number), SQL_I(s->own_id)), e);
	if (cursor == NULL)
		return false;
	ok = keep_visible(cursor, arena, entry, e);
	sql_end(cursor);
	if (entry->hidden > 0) {
		r->details = "";
		r->purpose = "";
	}
	return ok;
}

static bool read_entry(const unsigned char *record, size_t len, const unsigned char *leaf,
        size_t leaf_len, struct arena *arena, struct audit_log_entry *entry, struct err *e)
{
	entry->hidden = 0;
	if (!audit_record_decode(record, len, arena, &entry->record, e)) {
		if (e != NULL && e->code == ERR_INVALID)
			e->code = ERR_CORRUPT;
		return err_wrap(e, "audit entry %lld", (long long)entry->number);
	}
	if (leaf_len != sizeof(entry->leaf))
		return err_set(
		        e, ERR_CORRUPT, "audit entry %lld has no leaf", (long long)entry->number);
	memcpy(entry->leaf, leaf, leaf_len);
	return true;
}

static bool read_rows(struct sql_conn *conn, const struct search *s, struct arena *arena,
        struct rows *rows, struct err *e)
{
	const struct audit_filter *f = &s->filter;
	int64_t last = s->cursor_at < f->to ? s->cursor_at : f->to;
	struct sql_cursor *cursor = sql_query(conn, statement_of(s),
	        SQL_ARGS(SQL_I(f->from), SQL_I(f->to), SQL_I(last),
	                SQL_I(s->cursor_at <= f->to ? s->cursor_number : INT64_MAX),
	                SQL_I((int64_t)s->limit + 1), SQL_T(f->person), SQL_T(f->target),
	                SQL_T(f->customer), SQL_T(f->action), SQL_T(f->outcome), SQL_T(s->own),
	                SQL_I(s->own_id)),
	        e);
	struct audit_log_entry entry = {.number = 0};
	const unsigned char *record = NULL, *leaf = NULL;
	size_t len = 0, leaf_len = 0;
	int rc;

	if (cursor == NULL)
		return false;
	while ((rc = sql_next(cursor,
	                SQL_INTO(SQL_INTO_I(&entry.number), SQL_INTO_B(arena, &record, &len),
	                        SQL_INTO_B(arena, &leaf, &leaf_len)),
	                e)) == 1) {
		if (!read_entry(record, len, leaf, leaf_len, arena, &entry, e) ||
		        !rows_add(rows, &entry, e)) {
			rc = -1;
			break;
		}
	}
	sql_end(cursor);
	return rc == 0;
}

static bool run(struct sql_conn *conn, struct search *s, struct arena *arena,
        const struct audit_filter *filter, const char *cursor, size_t limit,
        struct audit_log_entry **entries, size_t *count, char *next, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct audit_log_entry));

	s->limit = limit >= 1 && limit <= AUDIT_LOG_PAGE_MAX ? limit : PAGE;
	if (!set_filter(s, filter, e) || !set_cursor(s, cursor, e))
		return false;
	next[0] = '\0'; /* only now: it may be the buffer of the cursor */
	if (!read_rows(conn, s, arena, &rows, e))
		return false;
	*entries = rows.items;
	*count = rows.count;
	if (rows.count > s->limit) {
		const struct audit_log_entry *last = &(*entries)[s->limit - 1];
		*count = s->limit;
		(void)snprintf(next, AUDIT_LOG_CURSOR, "%lld.%lld", (long long)last->record.head.at,
		        (long long)last->number);
	}
	for (size_t i = 0; i < *count; i++)
		if (!hide_others(conn, arena, s, &(*entries)[i], e))
			return false;
	return true;
}

bool audit_log_search(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const struct audit_filter *filter, const char *cursor, size_t limit,
        struct audit_log_entry **entries, size_t *count, char *next, struct err *e)
{
	struct search s = {.own = ""};

	return set_sight(&s, viewer, e) &&
	       run(conn, &s, arena, filter, cursor, limit, entries, count, next, e);
}

bool audit_log_search_all(struct sql_conn *conn, struct arena *arena,
        const struct audit_filter *filter, const char *cursor, size_t limit,
        struct audit_log_entry **entries, size_t *count, char *next, struct err *e)
{
	struct search s = {.sight = SEES_ALL, .own = ""};

	return run(conn, &s, arena, filter, cursor, limit, entries, count, next, e);
}

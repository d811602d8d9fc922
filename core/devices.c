/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists are merged: each sort order has one index that begins with the group, so a page asks every
 * group of the viewer's scope for its first rows in order and keeps the best of all. A group stops
 * as soon as its next row comes after all that are kept; a page costs one index seek a group,
 * however many devices there are.
 */
#include "core/devices.h"

#include "core/rows.h"
#include "lib/crypto.h"
#include "lib/parse.h"
#include "lib/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WORDS_MAX = 4, PAGE_DEFAULT = 50 };

/* ---- statements */

enum {
	FLEET,
	GROUPS,
	POSITION,
	COUNT,
	FIND,
	MAY,
	TOP_ATTENTION,
	TOP_LOW,
	PAGES, /* two a sort order: ascending, descending */
	STATEMENTS = PAGES + 2 * DEVICES_SORTS,
};

/* The access rule: $1 is the viewer. */
#define SCOPE "SELECT s.group_id FROM scope s WHERE s.viewer = $1 AND s.\"right\" = 'view'"
/* The same for one group ($2), which the engine then looks up instead of listing them all. */
#define GROUP_IN_SCOPE                                                                             \
	"d.group_id = $2 AND EXISTS (SELECT 1 FROM scope s WHERE s.viewer = $1"                    \
	" AND s.\"right\" = 'view' AND s.group_id = $2)"

#define SILENT_BEFORE "(now_ms() - 10800000)" /* DEVICES_SILENT_MS */
#define CONDITION                                                                                  \
	"CASE WHEN d.seen_hour < " SILENT_BEFORE " THEN 4"                                         \
	" WHEN d.state = 'stopped' OR d.attention = 3 THEN 3"                                      \
	" WHEN d.state = 'processing' THEN 1 WHEN d.state = 'idle' THEN 2 ELSE 0 END"

#define COLUMNS                                                                                    \
	"d.id, d.public_id, d.name, d.manufacturer, d.model, d.serial_number, d.firmware,"         \
	" d.identity_kind, d.state, " CONDITION ", d.attention, d.attention_text,"                 \
	" d.lowest_supply, d.first_seen_at, d.seen_hour, d.group_id, g.public_id, g.name,"         \
	" g.consent, d.customer_id, o.public_id, o.name, d.agent_id, a.public_id,"                 \
	" coalesce((SELECT v.seen_at FROM device_seen v WHERE v.device = d.id), d.seen_hour)"
#define COLUMN_TYPES                                                                               \
	"itttt"                                                                                    \
	"TTttiit"                                                                                  \
	"Iiiit"                                                                                    \
	"ttitt"                                                                                    \
	"ITi"
/* CROSS JOIN keeps the device's index outermost: it gives the order. */
#define FROM                                                                                       \
	" FROM device d CROSS JOIN device_group g ON g.id = d.group_id"                            \
	" CROSS JOIN organisation o ON o.id = d.customer_id"                                       \
	" LEFT JOIN agent a ON a.id = d.agent_id"

/* Parameters of FILTER, as numbers in the text: condition (-1: any), least and greatest attention,
 * model ('': any), four words ('': none). `attention` is the column; with a + before it no index is
 * chosen for it. */
#define FILTER(attention, c, min, max, model, w1, w2, w3, w4)                                      \
	" AND (" c " = -1 OR " CONDITION " = " c ")"                                               \
	" AND " attention " >= " min " AND " attention " <= " max " AND (" model                   \
	" = '' OR d.model = " model ")"                                                            \
	" AND (" w1 " = '' OR instr(d.search_key, " w1 ") > 0)"                                    \
	" AND (" w2 " = '' OR instr(d.search_key, " w2 ") > 0)"                                    \
	" AND (" w3 " = '' OR instr(d.search_key, " w3 ") > 0)"                                    \
	" AND (" w4 " = '' OR instr(d.search_key, " w4 ") > 0)"
#define FILTER_TYPES                                                                               \
	"iii"                                                                                      \
	"t"                                                                                        \
	"tttt"

#define BY_NAME      "d.name"
#define BY_MODEL     "d.model"
#define BY_STATE     "d.state"
#define BY_ATTENTION "d.attention"
#define BY_SUPPLY    "d.supply_order"
#define BY_SEEN      "d.seen_hour"

/* $1 viewer, $2 group, $3 and $4 where the page before ended (key, id), $5 most rows, $6… filter.
 * An index named in the text cannot be missed: without it, or if it does not fit, preparing fails. */
#define PAGE(index, key, type, compare, order)                                                     \
	{                                                                                          \
		.role = SQL_READ, .store = SQL_CORE, .in = "ii" type "ii" FILTER_TYPES,            \
		.out = COLUMN_TYPES,                                                               \
		.text = "SELECT " COLUMNS " FROM device d INDEXED BY " index                       \
		        " CROSS JOIN device_group g ON g.id = d.group_id"                          \
		        " CROSS JOIN organisation o ON o.id = d.customer_id"                       \
		        " LEFT JOIN agent a ON a.id = d.agent_id"                                  \
		        " WHERE " GROUP_IN_SCOPE " AND d.retired_at IS NULL"                       \
		        " AND (" key ", d.id) " compare " ($3, $4)" FILTER("+d.attention", "$6",   \
		                "$7", "$8", "$9", "$10", "$11", "$12",                             \
		                "$13") " ORDER BY " key " " order ", d.id " order " LIMIT $5"      \
	}
#define PAGE_BOTH(sort, index, key, type)                                                          \
	[PAGES + 2 * (sort)] = PAGE(index, key, type, ">", "ASC"),                                 \
	             [PAGES + 2 * (sort) + 1] = PAGE(index, key, type, "<", "DESC")

/* Devices in a condition that reports: never more than the cap and one are looked at. */
#define CAPPED(index, where)                                                                       \
	"(SELECT count(*) FROM (SELECT 1 FROM device d INDEXED BY " index                          \
	" WHERE d.group_id IN (" SCOPE ") AND d.retired_at IS NULL AND " where " LIMIT 1001))"
#define REPORTING " AND d.seen_hour >= " SILENT_BEFORE

/* In the order that devices_fleet() takes them. */
/* By hand: the formatter breaks these literals letter by letter. */
/* clang-format off */
#define CALM " AND d.attention IN (0, 1, 2)" REPORTING
#define FLEET_TEXT "SELECT " \
	CAPPED("device_counts", "d.state = 'unknown'" CALM) ", " \
	CAPPED("device_counts", "d.state = 'processing'" CALM) ", " \
	CAPPED("device_counts", "d.state = 'idle'" CALM) ", " \
	CAPPED("device_counts", "d.state = 'stopped' AND d.attention IN (0, 1, 2, 3)" REPORTING) ", " \
	CAPPED("device_counts", "d.state IN ('idle', 'processing', 'unknown')" \
	        " AND d.attention = 3" REPORTING) ", " \
	CAPPED("device_by_seen", "d.seen_hour < " SILENT_BEFORE) ", " \
	CAPPED("device_counts", "1") ", " \
	CAPPED("device_by_attention", "d.attention IN (2, 3)")
/* clang-format on */

static const struct sql_statement statements[STATEMENTS] = {
        [FLEET] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "iiiiiiii",
                .text = FLEET_TEXT},
        [GROUPS] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "itt",
                .out = "i",
                .text = "SELECT g.id FROM device_group g"
                        " JOIN organisation o ON o.id = g.organisation_id"
                        " WHERE g.id IN (" SCOPE ")"
                        " AND ($2 = '' OR g.public_id = $2) AND ($3 = '' OR o.public_id = $3)"},
        [POSITION] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "it",
                .out = "i",
                .text = "SELECT d.id FROM device d WHERE d.public_id = $2"
                        " AND d.group_id IN (" SCOPE ")"},
        [COUNT] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "itt" FILTER_TYPES,
                .out = "i",
                .text = "SELECT count(*) FROM (SELECT 1 FROM device d WHERE d.group_id IN"
                        " (SELECT g.id FROM device_group g"
                        " JOIN organisation o ON o.id = g.organisation_id"
                        " WHERE g.id IN (" SCOPE ")"
                        " AND ($2 = '' OR g.public_id = $2) AND ($3 = '' OR o.public_id = $3))"
                        " AND d.retired_at IS NULL" FILTER("d.attention", "$4", "$5", "$6", "$7",
                                "$8", "$9", "$10", "$11") " LIMIT 1001)"},
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "it",
                .out = COLUMN_TYPES,
                .text = "SELECT " COLUMNS FROM " WHERE d.public_id = $2 AND d.retired_at IS NULL"
                        " AND EXISTS (SELECT 1 FROM scope s WHERE s.viewer = $1"
                        " AND s.group_id = d.group_id AND s.\"right\" = 'view')"},
        [MAY] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iit",
                .out = "i",
                .text = "SELECT EXISTS (SELECT 1 FROM device d JOIN scope s ON s.group_id = "
                        "d.group_id"
                        " WHERE d.id = $2 AND d.retired_at IS NULL AND s.viewer = $1"
                        " AND s.\"right\" = $3)"},
        [TOP_ATTENTION] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iii",
                .out = COLUMN_TYPES,
                .text = "SELECT " COLUMNS FROM " WHERE " GROUP_IN_SCOPE
                        " AND d.retired_at IS NULL AND d.attention >= 2"
                        " ORDER BY d.attention DESC, d.id DESC LIMIT $3"},
        [TOP_LOW] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iiii",
                .out = COLUMN_TYPES,
                .text = "SELECT " COLUMNS FROM " WHERE " GROUP_IN_SCOPE
                        " AND d.retired_at IS NULL AND " BY_SUPPLY " <= $4"
                        " ORDER BY " BY_SUPPLY ", d.id LIMIT $3"},
        PAGE_BOTH(DEVICES_BY_NAME, "device_by_name", BY_NAME, "t"),
        PAGE_BOTH(DEVICES_BY_MODEL, "device_by_model", BY_MODEL, "t"),
        PAGE_BOTH(DEVICES_BY_STATE, "device_by_state", BY_STATE, "t"),
        PAGE_BOTH(DEVICES_BY_ATTENTION, "device_by_attention", BY_ATTENTION, "i"),
        PAGE_BOTH(DEVICES_BY_SUPPLY, "device_by_supply", BY_SUPPLY, "i"),
        PAGE_BOTH(DEVICES_BY_SEEN, "device_by_seen", BY_SEEN, "i"),
};

const struct sql_table devices_sql = {"devices", statements, STATEMENTS};

/* ---- rows */

/* As sql_next(), for the COLUMNS above. */
static int next_device(
        struct sql_cursor *cursor, struct arena *arena, struct device *out, struct err *e)
{
	int64_t condition = 0, attention = 0, lowest = 0;
	bool no_lowest = false, no_agent = false;
	*out = (struct device){0};
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&out->id), SQL_INTO_T(arena, &out->public_id),
	                SQL_INTO_T(arena, &out->name), SQL_INTO_T(arena, &out->manufacturer),
	                SQL_INTO_T(arena, &out->model), SQL_INTO_T(arena, &out->serial_number),
	                SQL_INTO_T(arena, &out->firmware), SQL_INTO_T(arena, &out->identity_kind),
	                SQL_INTO_T(arena, &out->state), SQL_INTO_I(&condition),
	                SQL_INTO_I(&attention), SQL_INTO_T(arena, &out->attention_text),
	                SQL_INTO_I_NULL(&lowest, &no_lowest), SQL_INTO_I(&out->first_seen_at),
	                SQL_INTO_I(&out->seen_hour), SQL_INTO_I(&out->group_id),
	                SQL_INTO_T(arena, &out->group_public_id),
	                SQL_INTO_T(arena, &out->group_name), SQL_INTO_T(arena, &out->consent),
	                SQL_INTO_I(&out->customer_id), SQL_INTO_T(arena, &out->customer_public_id),
	                SQL_INTO_T(arena, &out->customer_name),
	                SQL_INTO_I_NULL(&out->agent_id, &no_agent),
	                SQL_INTO_T(arena, &out->agent_public_id), SQL_INTO_I(&out->seen_at)),
	        e);
	if (got != 1)
		return got;
	out->condition = (enum device_condition)condition;
	out->attention = (enum device_attention)attention;
	out->lowest_supply = no_lowest ? -1 : (int)lowest;
	return 1;
}

/* ---- merging groups */

/* What a list is sorted by: one of the two, by the sort order. */
struct key {
	const char *text;
	int64_t number;
	int64_t id;
};

static bool key_is_text(enum devices_sort sort)
{
	return sort == DEVICES_BY_NAME || sort == DEVICES_BY_MODEL || sort == DEVICES_BY_STATE;
}

static struct key key_of(const struct device *d, enum devices_sort sort)
{
	struct key key = {.text = "", .id = d->id};
	switch (sort) {
	case DEVICES_BY_NAME:
		key.text = d->name;
		break;
	case DEVICES_BY_MODEL:
		key.text = d->model;
		break;
	case DEVICES_BY_STATE:
		key.text = d->state;
		break;
	case DEVICES_BY_ATTENTION:
		key.number = d->attention;
		break;
	case DEVICES_BY_SUPPLY:
		key.number = d->lowest_supply < 0 ? 101 : d->lowest_supply;
		break;
	case DEVICES_BY_SEEN:
		key.number = d->seen_hour;
		break;
	case DEVICES_SORTS:
		break;
	}
	return key;
}

static char ascii_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* As SQLite's NOCASE: bytes, with A–Z as a–z. */
static int compare_text(const char *a, const char *b)
{
	while (*a && ascii_lower(*a) == ascii_lower(*b)) {
		a++;
		b++;
	}
	return (unsigned char)ascii_lower(*a) - (unsigned char)ascii_lower(*b);
}

static int compare_keys(const struct key *a, const struct key *b)
{
	int order = compare_text(a->text, b->text);
	if (order == 0)
		order = (a->number > b->number) - (a->number < b->number);
	if (order == 0)
		order = (a->id > b->id) - (a->id < b->id);
	return order;
}

/* The first rows of all groups together, in order. */
struct merge {
	struct arena *arena;
	enum devices_sort sort;
	bool descending;
	struct device *rows;
	size_t count, room;
};

static bool merge_init(struct merge *m, struct err *e)
{
	m->rows = arena_array(m->arena, m->room, sizeof *m->rows);
	return m->rows || err_set(e, ERR_MEMORY, "the list does not fit into its arena");
}

/* Puts the row in its place. false: it comes after all that are kept, and there is no room. */
static bool merge_add(struct merge *m, const struct device *row)
{
	struct key key = key_of(row, m->sort);
	size_t at = m->count;
	for (; at > 0; at--) {
		struct key other = key_of(&m->rows[at - 1], m->sort);
		int order = compare_keys(&key, &other);
		if (m->descending ? order < 0 : order > 0)
			break;
	}
	if (at == m->room)
		return false;
	size_t moved = m->count == m->room ? m->count - at - 1 : m->count - at;
	memmove(&m->rows[at + 1], &m->rows[at], moved * sizeof *m->rows);
	m->rows[at] = *row;
	if (m->count < m->room)
		m->count++;
	return true;
}

/* Takes the rows of one group. */
static bool merge_group(struct merge *m, struct sql_cursor *cursor, struct err *e)
{
	struct device row;
	int got;
	while ((got = next_device(cursor, m->arena, &row, e)) == 1) {
		if (!merge_add(m, &row))
			break;
	}
	sql_end(cursor);
	return got >= 0;
}

/* The groups of the scope, as far as the filter lets them pass. */
static bool list_groups(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const struct devices_filter *filter, int64_t **groups, size_t *count, struct err *e)
{
	return rows_read_ids(arena,
	        sql_query(conn, &statements[GROUPS],
	                SQL_ARGS(SQL_I(viewer->account_id),
	                        SQL_T(filter->group ? filter->group : ""),
	                        SQL_T(filter->customer ? filter->customer : "")),
	                e),
	        groups, count, e);
}

/* ---- the fleet page */

bool devices_fleet(
        struct sql_conn *conn, const struct viewer *viewer, struct fleet *out, struct err *e)
{
	int64_t stopped = 0, with_error = 0;
	*out = (struct fleet){0};
	bool found = false;
	if (!sql_one(conn, &statements[FLEET], SQL_ARGS(SQL_I(viewer->account_id)),
	            SQL_INTO(SQL_INTO_I(&out->counts[DEVICE_UNKNOWN]),
	                    SQL_INTO_I(&out->counts[DEVICE_PRINTING]),
	                    SQL_INTO_I(&out->counts[DEVICE_IDLE]), SQL_INTO_I(&stopped),
	                    SQL_INTO_I(&with_error), SQL_INTO_I(&out->counts[DEVICE_SILENT]),
	                    SQL_INTO_I(&out->total), SQL_INTO_I(&out->attention)),
	            &found, e))
		return false;
	out->counts[DEVICE_ERROR] = stopped + with_error;
	return true;
}

static size_t limited(size_t limit)
{
	if (limit == 0)
		return PAGE_DEFAULT;
	return limit > DEVICES_PAGE_MAX ? DEVICES_PAGE_MAX : limit;
}

bool devices_attention(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        size_t limit, struct device **list, size_t *count, struct err *e)
{
	struct merge m = {.arena = arena,
	        .sort = DEVICES_BY_ATTENTION,
	        .descending = true,
	        .room = limited(limit)};
	int64_t *groups;
	size_t group_count;
	if (!merge_init(&m, e) ||
	        !list_groups(conn, viewer, arena, &DEVICES_ALL, &groups, &group_count, e))
		return false;
	for (size_t i = 0; i < group_count; i++) {
		struct sql_cursor *cursor = sql_query(conn, &statements[TOP_ATTENTION],
		        SQL_ARGS(SQL_I(viewer->account_id), SQL_I(groups[i]),
		                SQL_I((int64_t)m.room)),
		        e);
		if (!cursor || !merge_group(&m, cursor, e))
			return false;
	}
	*list = m.rows;
	*count = m.count;
	return true;
}

bool devices_low(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int max_percent, size_t limit, struct device **list, size_t *count, struct err *e)
{
	struct merge m = {.arena = arena, .sort = DEVICES_BY_SUPPLY, .room = limited(limit)};
	int64_t *groups;
	size_t group_count;
	if (max_percent > 100)
		max_percent = 100; /* 101 stands for unknown */
	if (!merge_init(&m, e) ||
	        !list_groups(conn, viewer, arena, &DEVICES_ALL, &groups, &group_count, e))
		return false;
	for (size_t i = 0; i < group_count; i++) {
		struct sql_cursor *cursor = sql_query(conn, &statements[TOP_LOW],
		        SQL_ARGS(SQL_I(viewer->account_id), SQL_I(groups[i]),
		                SQL_I((int64_t)m.room), SQL_I(max_percent)),
		        e);
		if (!cursor || !merge_group(&m, cursor, e))
			return false;
	}
	*list = m.rows;
	*count = m.count;
	return true;
}

/* ---- cursors */

/*
 * Base64url of: direction ('a' after, 'b' before), sort order ('0' + enum), 'd' or 'u' for
 * descending or not, the device's public id, a line feed, the key. What comes back is checked, and
 * says nothing but where in the viewer's own list to go on.
 */
struct position {
	bool before; /* the page ends here, else it begins here */
	struct key key;
};

static const char *cursor_text(struct arena *arena, const struct devices_query *query, bool before,
        const struct device *d, struct err *e)
{
	struct key key = key_of(d, query->sort);
	char *plain =
	        key_is_text(query->sort)
	                ? arena_printf(arena, "%c%d%c%s\n%s", before ? 'b' : 'a', (int)query->sort,
	                          query->descending ? 'd' : 'u', d->public_id, key.text)
	                : arena_printf(arena, "%c%d%c%s\n%lld", before ? 'b' : 'a',
	                          (int)query->sort, query->descending ? 'd' : 'u', d->public_id,
	                          (long long)key.number);
	size_t len = plain ? strlen(plain) : 0;
	char *text = plain ? arena_alloc(arena, (len + 2) / 3 * 4 + 1) : NULL;
	if (!text) {
		err_set(e, ERR_MEMORY, "the list does not fit into its arena");
		return NULL;
	}
	crypto_base64url(plain, len, text);
	return text;
}

static bool bad_cursor(struct err *e)
{
	return err_set(
	        e, ERR_INVALID, "this page link is not valid for the list as it is sorted now");
}

static bool cursor_read(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const struct devices_query *query, struct position *out, struct err *e)
{
	char plain[DEVICES_CURSOR_MAX];
	size_t len = 0;
	bool found = false;
	size_t text_len = strlen(query->cursor);
	if (text_len > DEVICES_CURSOR_MAX ||
	        !crypto_base64url_decode(
	                query->cursor, text_len, (unsigned char *)plain, sizeof plain - 1, &len) ||
	        len < 4 || memchr(plain, '\0', len) || !parse_utf8(plain, len))
		return bad_cursor(e);
	plain[len] = '\0';
	char *id = plain + 3, *feed = strchr(id, '\n');
	if ((plain[0] != 'a' && plain[0] != 'b') || plain[1] != '0' + (int)query->sort ||
	        plain[2] != (query->descending ? 'd' : 'u') || !feed)
		return bad_cursor(e);
	*feed = '\0';
	*out = (struct position){.before = plain[0] == 'b', .key.text = ""};
	if (key_is_text(query->sort))
		out->key.text = arena_strdup(arena, feed + 1);
	else if (!parse_int(feed + 1, INT64_MIN, INT64_MAX, &out->key.number))
		return bad_cursor(e);
	if (!out->key.text)
		return err_set(e, ERR_MEMORY, "the list does not fit into its arena");
	if (!sql_one(conn, &statements[POSITION], SQL_ARGS(SQL_I(viewer->account_id), SQL_T(id)),
	            SQL_INTO(SQL_INTO_I(&out->key.id)), &found, e))
		return false;
	/* A device that is gone leaves its key behind: the page goes on with all that share it. */
	if (!found)
		out->key.id = query->descending != out->before ? INT64_MAX : INT64_MIN;
	return true;
}

/* Before the first row, or behind the last one. */
static struct key outermost(enum devices_sort sort, bool last)
{
	if (!last)
		return (struct key){.text = "", .number = INT64_MIN, .id = INT64_MIN};
	/* U+10FFFF is no character: no name has it. */
	return (struct key){.text = key_is_text(sort) ? "\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBF" : "",
	        .number = INT64_MAX,
	        .id = INT64_MAX};
}

/* ---- the list */

/* The filter as the statements take it. */
struct terms {
	int64_t condition, min, max;
	const char *model;
	const char *words[WORDS_MAX];
};

static bool prepare_terms(
        const struct devices_filter *f, struct arena *arena, struct terms *out, struct err *e)
{
	*out = (struct terms){.condition = f->condition,
	        .min = f->attention_min,
	        .max = f->attention_max ? f->attention_max : DEVICE_ATTENTION_ERROR,
	        .model = f->model ? f->model : "",
	        .words = {"", "", "", ""}};
	if (!f->search || !*f->search)
		return true;
	char *folded = text_fold(arena, f->search, e);
	if (!folded)
		return false;
	char *rest = NULL;
	size_t count = 0;
	for (char *word = strtok_r(folded, " \t\n", &rest); word && count < WORDS_MAX;
	        word = strtok_r(NULL, " \t\n", &rest))
		out->words[count++] = word;
	return true;
}

static struct sql_cursor *query_group(struct sql_conn *conn, const struct viewer *viewer,
        const struct merge *m, int64_t group, const struct key *from, const struct terms *t,
        struct err *e)
{
	struct sql_value key = key_is_text(m->sort) ? SQL_T(from->text) : SQL_I(from->number);
	return sql_query(conn, &statements[PAGES + 2 * (int)m->sort + (m->descending ? 1 : 0)],
	        SQL_ARGS(SQL_I(viewer->account_id), SQL_I(group), key, SQL_I(from->id),
	                SQL_I((int64_t)m->room), SQL_I(t->condition), SQL_I(t->min), SQL_I(t->max),
	                SQL_T(t->model), SQL_T(t->words[0]), SQL_T(t->words[1]), SQL_T(t->words[2]),
	                SQL_T(t->words[3])),
	        e);
}

static void reverse(struct device *rows, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct device row = rows[i];
		rows[i] = rows[count - 1 - i];
		rows[count - 1 - i] = row;
	}
}

/* One row more than the page was asked for: it says whether there is another page. */
static bool finish_page(struct merge *m, const struct devices_query *query, bool has_cursor,
        bool before, struct devices_list *out, struct err *e)
{
	bool more = m->count == m->room;
	out->devices = m->rows;
	out->count = more ? m->count - 1 : m->count;
	if (before)
		reverse(out->devices, out->count);
	if (out->count == 0)
		return true;
	if (before ? more : has_cursor) {
		out->previous = cursor_text(m->arena, query, true, &out->devices[0], e);
		if (!out->previous)
			return false;
	}
	if (before || more) {
		out->next = cursor_text(m->arena, query, false, &out->devices[out->count - 1], e);
		if (!out->next)
			return false;
	}
	return true;
}

bool devices_list(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const struct devices_query *query, struct devices_list *out, struct err *e)
{
	assert((unsigned)query->sort < DEVICES_SORTS);
	struct merge m = {.arena = arena, .sort = query->sort, .room = limited(query->limit) + 1};
	struct position position = {0};
	struct terms terms;
	int64_t *groups;
	size_t group_count;
	bool has_cursor = query->cursor && *query->cursor;
	*out = (struct devices_list){0};
	if (has_cursor && !cursor_read(conn, viewer, arena, query, &position, e))
		return false;
	m.descending = query->descending != position.before;
	if (!has_cursor)
		position.key = outermost(query->sort, m.descending);
	if (!prepare_terms(&query->filter, arena, &terms, e) || !merge_init(&m, e) ||
	        !list_groups(conn, viewer, arena, &query->filter, &groups, &group_count, e))
		return false;
	for (size_t i = 0; i < group_count; i++) {
		struct sql_cursor *cursor =
		        query_group(conn, viewer, &m, groups[i], &position.key, &terms, e);
		if (!cursor || !merge_group(&m, cursor, e))
			return false;
	}
	return finish_page(&m, query, has_cursor, position.before, out, e);
}

bool devices_count(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const struct devices_filter *filter, int64_t *out, struct err *e)
{
	struct terms t;
	bool found = false;
	if (!prepare_terms(filter, arena, &t, e))
		return false;
	return sql_one(conn, &statements[COUNT],
	        SQL_ARGS(SQL_I(viewer->account_id), SQL_T(filter->group ? filter->group : ""),
	                SQL_T(filter->customer ? filter->customer : ""), SQL_I(t.condition),
	                SQL_I(t.min), SQL_I(t.max), SQL_T(t.model), SQL_T(t.words[0]),
	                SQL_T(t.words[1]), SQL_T(t.words[2]), SQL_T(t.words[3])),
	        SQL_INTO(SQL_INTO_I(out)), &found, e);
}

/* ---- one device */

bool devices_find(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const char *public_id, struct device *out, struct err *e)
{
	struct sql_cursor *cursor = sql_query(
	        conn, &statements[FIND], SQL_ARGS(SQL_I(viewer->account_id), SQL_T(public_id)), e);
	if (!cursor)
		return false;
	int got = next_device(cursor, arena, out, e);
	sql_end(cursor);
	if (got == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such device");
	return got == 1;
}

bool devices_may(struct sql_conn *conn, const struct viewer *viewer, int64_t device,
        const char *right, bool *may, struct err *e)
{
	int64_t exists = 0;
	bool found = false;
	if (!sql_one(conn, &statements[MAY],
	            SQL_ARGS(SQL_I(viewer->account_id), SQL_I(device), SQL_T(right)),
	            SQL_INTO(SQL_INTO_I(&exists)), &found, e))
		return false;
	*may = exists != 0;
	return true;
}

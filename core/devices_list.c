/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of devices: pages in every order (devices_merge.h), with the cursors that lead from one to the next. */
#include "core/devices_internal.h"
#include "core/devices_merge.h"
#include "core/rows.h"
#include "lib/crypto.h"
#include "lib/parse.h"
#include "lib/text.h"

#include <assert.h>
#include <string.h>

enum { WORDS_MAX = 4 };

/* ---- statements */

enum {
	GROUPS,
	POSITION,
	COUNT,
	PAGES, /* two a sort order: ascending, descending */
	STATEMENTS = PAGES + 2 * DEVICES_SORTS,
};

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
		.text = "SELECT " COLUMNS " FROM device d INDEXED BY " index JOINS                 \
		        " WHERE " GROUP_IN_SCOPE " AND d.retired_at IS NULL"                       \
		        " AND (" key ", d.id) " compare " ($3, $4)" FILTER("+d.attention", "$6",   \
		                "$7", "$8", "$9", "$10", "$11", "$12",                             \
		                "$13") " ORDER BY " key " " order ", d.id " order " LIMIT $5"      \
	}
#define PAGE_BOTH(sort, index, key, type)                                                          \
	[PAGES + 2 * (sort)] = PAGE(index, key, type, ">", "ASC"),                                 \
	             [PAGES + 2 * (sort) + 1] = PAGE(index, key, type, "<", "DESC")

static const struct sql_statement statements[STATEMENTS] = {
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
        PAGE_BOTH(DEVICES_BY_NAME, "device_by_name", BY_NAME, "t"),
        PAGE_BOTH(DEVICES_BY_MODEL, "device_by_model", BY_MODEL, "t"),
        PAGE_BOTH(DEVICES_BY_STATE, "device_by_state", BY_STATE, "t"),
        PAGE_BOTH(DEVICES_BY_ATTENTION, "device_by_attention", BY_ATTENTION, "i"),
        PAGE_BOTH(DEVICES_BY_SUPPLY, "device_by_supply", BY_SUPPLY, "i"),
        PAGE_BOTH(DEVICES_BY_SEEN, "device_by_seen", BY_SEEN, "i"),
};

const struct sql_table devices_list_sql = {"devices_list", statements, STATEMENTS};

/* ---- the first of all groups */

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

/* ---- cursors */

/*
 * Base64url of: direction ('a' after, 'b' before), sort order ('0' + enum), 'd' or 'u' for
 * descending or not, the device's public id, a line feed, the key. What comes back is checked, and
 * says nothing but where in the viewer's own list to go on.
 */
struct position {
	bool before; /* the page ends here, else it begins here */
	struct devices_key key;
};

static const char *cursor_text(struct arena *arena, const struct devices_query *query, bool before,
        const struct device *d, struct err *e)
{
	struct devices_key key = devices_key_of(d, query->sort);
	char *plain =
	        devices_key_is_text(query->sort)
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
	if (devices_key_is_text(query->sort))
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
static struct devices_key outermost(enum devices_sort sort, bool last)
{
	if (!last)
		return (struct devices_key){.text = "", .number = INT64_MIN, .id = INT64_MIN};
	/* U+10FFFF is no character: no name has it. */
	return (struct devices_key){
	        .text = devices_key_is_text(sort) ? "\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBF" : "",
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
        const struct devices_merge *m, int64_t group, const struct devices_key *from,
        const struct terms *t, struct err *e)
{
	struct sql_value key =
	        devices_key_is_text(m->sort) ? SQL_T(from->text) : SQL_I(from->number);
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
static bool finish_page(struct devices_merge *m, const struct devices_query *query, bool has_cursor,
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
	struct devices_merge m = {
	        .arena = arena, .sort = query->sort, .room = devices_limited(query->limit) + 1};
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
	if (!prepare_terms(&query->filter, arena, &terms, e) || !devices_merge_init(&m, e) ||
	        !list_groups(conn, viewer, arena, &query->filter, &groups, &group_count, e))
		return false;
	for (size_t i = 0; i < group_count; i++) {
		struct sql_cursor *cursor =
		        query_group(conn, viewer, &m, groups[i], &position.key, &terms, e);
		if (!devices_merge_group(&m, cursor, e))
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

/* SPDX-License-Identifier: Apache-2.0 */
/* The devices that come first: what needs somebody, and what runs out next. */
#include "core/devices_internal.h"
#include "core/devices_merge.h"
#include "core/rows.h"

enum { GROUPS, TOP_ATTENTION, TOP_SILENT, TOP_LOW, STATEMENTS };

/* $1 viewer, $2 group, $3 most rows, $4 the attention or the greatest percentage. */
#define TOP(where, order)                                                                          \
	"SELECT " COLUMNS FROM " WHERE " GROUP_IN_SCOPE " AND d.retired_at IS NULL AND " where     \
	" ORDER BY " order " LIMIT $3"

static const struct sql_statement statements[STATEMENTS] = {
        [GROUPS] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "i",
                .text = "SELECT g.id FROM device_group g WHERE g.id IN (" SCOPE ")"},
        [TOP_ATTENTION] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iiii",
                .out = COLUMN_TYPES,
                .text = TOP("d.attention = $4", "d.id DESC")},
        [TOP_SILENT] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iii",
                .out = COLUMN_TYPES,
                .text = TOP("d.seen_hour < " SILENT_BEFORE, "d.seen_hour DESC, d.id DESC")},
        [TOP_LOW] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "iiii",
                .out = COLUMN_TYPES,
                .text = TOP("d.supply_order <= $4", "d.supply_order, d.id")},
};

const struct sql_table devices_urgent_sql = {"devices_urgent", statements, STATEMENTS};

/* Who asks, and the groups of their scope. */
struct asker {
	struct sql_conn *conn;
	const struct viewer *viewer;
	int64_t *groups;
	size_t group_count;
};

static bool find_groups(struct asker *a, struct arena *arena, struct err *e)
{
	return rows_read_ids(arena,
	        sql_query(a->conn, &statements[GROUPS], SQL_ARGS(SQL_I(a->viewer->account_id)), e),
	        &a->groups, &a->group_count, e);
}

/* The first of all groups; `key` is $4 where the statement has one. */
static bool take_top(
        const struct asker *a, struct devices_merge *m, int statement, int64_t key, struct err *e)
{
	if (!devices_merge_init(m, e))
		return false;
	for (size_t i = 0; i < a->group_count; i++) {
		struct sql_value viewer = SQL_I(a->viewer->account_id), group = SQL_I(a->groups[i]),
		                 room = SQL_I((int64_t)m->room);
		struct sql_cursor *cursor =
		        statement == TOP_SILENT
		                ? sql_query(a->conn, &statements[statement],
		                          SQL_ARGS(viewer, group, room), e)
		                : sql_query(a->conn, &statements[statement],
		                          SQL_ARGS(viewer, group, room, SQL_I(key)), e);
		if (!devices_merge_group(m, cursor, e))
			return false;
	}
	return true;
}

static bool holds(const struct device *rows, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].id == id)
			return true;
	return false;
}

/*
 * Errors, then the silent ones, then warnings. A device may be in two of these. Each is read by its own
 * index and only as far as the list is long, and what is there already is left out: that is enough, as a
 * later one is read only while there is room, and then all of the earlier ones are in the list.
 */
bool devices_attention(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        size_t limit, struct device **list, size_t *count, struct err *e)
{
	static const struct {
		int statement;
		enum devices_sort sort;
		enum device_attention attention;
	} ranks[] = {
	        {TOP_ATTENTION, DEVICES_BY_ATTENTION, DEVICE_ATTENTION_ERROR},
	        {TOP_SILENT, DEVICES_BY_SEEN, DEVICE_ATTENTION_NONE},
	        {TOP_ATTENTION, DEVICES_BY_ATTENTION, DEVICE_ATTENTION_WARNING},
	};
	struct asker asker = {.conn = conn, .viewer = viewer};
	size_t room = devices_limited(limit);

	*count = 0;
	*list = arena_array(arena, room, sizeof **list);
	if (!*list)
		return err_set(e, ERR_MEMORY, "the list does not fit into its arena");
	if (!find_groups(&asker, arena, e))
		return false;
	for (size_t r = 0; r < sizeof ranks / sizeof ranks[0] && *count < room; r++) {
		struct devices_merge m = {
		        .arena = arena, .sort = ranks[r].sort, .descending = true, .room = room};

		if (!take_top(&asker, &m, ranks[r].statement, ranks[r].attention, e))
			return false;
		for (size_t i = 0; i < m.count && *count < room; i++)
			if (!holds(*list, *count, m.rows[i].id))
				(*list)[(*count)++] = m.rows[i];
	}
	return true;
}

bool devices_low(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int max_percent, size_t limit, struct device **list, size_t *count, struct err *e)
{
	struct asker asker = {.conn = conn, .viewer = viewer};
	struct devices_merge m = {
	        .arena = arena, .sort = DEVICES_BY_SUPPLY, .room = devices_limited(limit)};

	if (max_percent > 100)
		max_percent = 100; /* 101 stands for unknown */
	if (!find_groups(&asker, arena, e) || !take_top(&asker, &m, TOP_LOW, max_percent, e))
		return false;
	*list = m.rows;
	*count = m.count;
	return true;
}

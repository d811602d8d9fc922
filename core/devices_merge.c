/* SPDX-License-Identifier: Apache-2.0 */
#include "core/devices_merge.h"

#include "core/devices_internal.h"

#include <string.h>

enum { PAGE_DEFAULT = 50 };

/* ---- keys */

bool devices_key_is_text(enum devices_sort sort)
{
	return sort == DEVICES_BY_NAME || sort == DEVICES_BY_MODEL || sort == DEVICES_BY_STATE;
}

struct devices_key devices_key_of(const struct device *d, enum devices_sort sort)
{
	struct devices_key key = {.text = "", .id = d->id};
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

static int compare_keys(const struct devices_key *a, const struct devices_key *b)
{
	int order = compare_text(a->text, b->text);
	if (order == 0)
		order = (a->number > b->number) - (a->number < b->number);
	if (order == 0)
		order = (a->id > b->id) - (a->id < b->id);
	return order;
}

/* ---- merging */

size_t devices_limited(size_t limit)
{
	if (limit == 0)
		return PAGE_DEFAULT;
	return limit > DEVICES_PAGE_MAX ? DEVICES_PAGE_MAX : limit;
}

bool devices_merge_init(struct devices_merge *m, struct err *e)
{
	m->rows = arena_array(m->arena, m->room, sizeof *m->rows);
	return m->rows || err_set(e, ERR_MEMORY, "the list does not fit into its arena");
}

/* Puts the row in its place. false: it comes after all that are kept, and there is no room. */
static bool merge_add(struct devices_merge *m, const struct device *row)
{
	struct devices_key key = devices_key_of(row, m->sort);
	size_t at = m->count;
	for (; at > 0; at--) {
		struct devices_key other = devices_key_of(&m->rows[at - 1], m->sort);
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

bool devices_merge_group(struct devices_merge *m, struct sql_cursor *cursor, struct err *e)
{
	struct device row;
	int got;
	if (!cursor)
		return false;
	while ((got = devices_next(cursor, m->arena, &row, e)) == 1) {
		if (!merge_add(m, &row))
			break;
	}
	sql_end(cursor);
	return got >= 0;
}

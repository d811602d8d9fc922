/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dc/mib.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct mib {
	struct arena *arena;
	struct mib_value **rows;
	size_t count, cap;
	bool sorted;
};

bool oid_parse(const char *text, struct oid *out)
{
	uint64_t id = 0;
	bool digit = false;

	out->len = 0;
	if (*text == '.')
		text++;
	for (;; text++) {
		if (*text >= '0' && *text <= '9') {
			id = id * 10 + (uint64_t)(*text - '0');
			digit = true;
			if (id > UINT32_MAX)
				return false;
			continue;
		}
		if (!digit || out->len == OID_MAX || (*text != '.' && *text != '\0'))
			return false;
		out->ids[out->len++] = (uint32_t)id;
		if (*text == '\0')
			return true;
		id = 0;
		digit = false;
	}
}

int oid_compare(const struct oid *a, const struct oid *b)
{
	size_t n = a->len < b->len ? a->len : b->len;

	for (size_t i = 0; i < n; i++) {
		if (a->ids[i] != b->ids[i])
			return a->ids[i] < b->ids[i] ? -1 : 1;
	}
	return a->len == b->len ? 0 : a->len < b->len ? -1 : 1;
}

bool oid_under(const struct oid *prefix, const struct oid *oid)
{
	return oid->len >= prefix->len &&
	       memcmp(prefix->ids, oid->ids, prefix->len * sizeof *prefix->ids) == 0;
}

struct mib *mib_new(struct arena *arena)
{
	struct mib *mib = arena_alloc(arena, sizeof *mib);

	if (mib) {
		mib->arena = arena;
		mib->sorted = true;
	}
	return mib;
}

static bool grow(struct mib *mib)
{
	size_t cap = mib->cap ? mib->cap * 2 : 256;
	struct mib_value **rows;

	if (mib->count < mib->cap)
		return true;
	rows = arena_array(mib->arena, cap, sizeof *rows);
	if (!rows)
		return false;
	if (mib->count)
		memcpy(rows, mib->rows, mib->count * sizeof *rows);
	mib->rows = rows;
	mib->cap = cap;
	return true;
}

/* A new row; *out is NULL where it is dropped for a limit. */
static bool add(struct mib *mib, const struct oid *oid, enum mib_type type, struct mib_value **out)
{
	struct mib_value *value;

	*out = NULL;
	if (oid->len > OID_MAX || oid->len == 0 || mib->count >= MIB_ROWS_MAX)
		return true;
	if (!grow(mib) || !(value = arena_alloc(mib->arena, sizeof *value)))
		return false;
	value->oid = *oid;
	value->type = type;
	if (mib->count && oid_compare(&mib->rows[mib->count - 1]->oid, oid) >= 0)
		mib->sorted = false;
	mib->rows[mib->count++] = value;
	*out = value;
	return true;
}

bool mib_add_number(struct mib *mib, const struct oid *oid, int64_t number)
{
	struct mib_value *value;

	if (!add(mib, oid, MIB_NUMBER, &value))
		return false;
	if (value)
		value->number = number;
	return true;
}

bool mib_add_octets(struct mib *mib, const struct oid *oid, const void *octets, size_t len)
{
	struct mib_value *value;

	if (!add(mib, oid, MIB_OCTETS, &value))
		return false;
	if (!value)
		return true;
	value->octets = (const unsigned char *)"";
	value->len = len < MIB_OCTETS_MAX ? len : MIB_OCTETS_MAX;
	if (value->len == 0)
		return true;
	value->octets = (unsigned char *)arena_copy(mib->arena, octets, value->len);
	return value->octets;
}

bool mib_add_object(struct mib *mib, const struct oid *oid, const struct oid *object)
{
	struct mib_value *value;
	struct oid *copy;

	if (!add(mib, oid, MIB_OBJECT, &value))
		return false;
	if (!value)
		return true;
	copy = arena_alloc(mib->arena, sizeof *copy);
	value->object = copy;
	if (!copy)
		return false;
	*copy = *object;
	return true;
}

size_t mib_count(const struct mib *mib)
{
	return mib->count;
}

struct ranked {
	struct mib_value *value;
	size_t place;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = oid_compare(&x->value->oid, &y->value->oid);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Sorts, and keeps the first of several values for one OID. Without memory it stays unsorted and
 * lookups fall back to a scan. */
static void sort(struct mib *mib)
{
	struct ranked *ranked;
	size_t kept = 0;

	if (mib->sorted || !(ranked = calloc(mib->count, sizeof *ranked)))
		return;
	for (size_t i = 0; i < mib->count; i++)
		ranked[i] = (struct ranked){.value = mib->rows[i], .place = i};
	qsort(ranked, mib->count, sizeof *ranked, compare_ranked);
	for (size_t i = 0; i < mib->count; i++) {
		if (kept && oid_compare(&mib->rows[kept - 1]->oid, &ranked[i].value->oid) == 0)
			continue;
		mib->rows[kept++] = ranked[i].value;
	}
	mib->count = kept;
	mib->sorted = true;
	free(ranked);
}

/* The place of the first row at or behind oid. */
static size_t lower_bound(const struct mib *mib, const struct oid *oid)
{
	size_t low = 0, high = mib->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (oid_compare(&mib->rows[middle]->oid, oid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct mib_value *find(struct mib *mib, const struct oid *oid)
{
	size_t at;

	sort(mib);
	at = mib->sorted ? lower_bound(mib, oid) : 0;
	for (; at < mib->count; at++) {
		if (oid_compare(&mib->rows[at]->oid, oid) == 0)
			return mib->rows[at];
		if (mib->sorted)
			return NULL;
	}
	return NULL;
}

static struct oid known(const char *text)
{
	struct oid oid;
	bool ok = oid_parse(text, &oid);

	assert(ok && oid.len + 2 <= OID_MAX);
	(void)ok;
	return oid;
}

const struct mib_value *mib_find(struct mib *mib, const char *text)
{
	struct oid oid = known(text);

	return find(mib, &oid);
}

const struct mib_value *mib_cell(struct mib *mib, const char *prefix, uint32_t index)
{
	struct oid oid = known(prefix);

	oid.ids[oid.len++] = index;
	return find(mib, &oid);
}

const struct mib_value *mib_cell2(struct mib *mib, const char *prefix, uint32_t a, uint32_t b)
{
	struct oid oid = known(prefix);

	oid.ids[oid.len++] = a;
	oid.ids[oid.len++] = b;
	return find(mib, &oid);
}

const struct mib_value *mib_next(struct mib *mib, const char *prefix, const struct mib_value *after)
{
	struct oid oid = known(prefix);
	size_t at;

	sort(mib);
	if (!mib->sorted)
		return NULL;
	at = lower_bound(mib, after ? &after->oid : &oid);
	if (after && at < mib->count)
		at++;
	return at < mib->count && oid_under(&oid, &mib->rows[at]->oid) ? mib->rows[at] : NULL;
}

int64_t mib_number(const struct mib_value *value, int64_t otherwise)
{
	return value && value->type == MIB_NUMBER ? value->number : otherwise;
}

uint32_t mib_index(const struct mib_value *value, size_t from_end)
{
	return from_end < value->oid.len ? value->oid.ids[value->oid.len - 1 - from_end] : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* supplies.c: prtMarkerSupplies joined with its colorants; the special values stay words. */
#include "agents/dc/charset.h"
#include "agents/dc/device.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char supplies[] = "1.3.6.1.2.1.43.11.1.1";
static const char colorant_index[] = "1.3.6.1.2.1.43.11.1.1.3";
static const char class_column[] = "1.3.6.1.2.1.43.11.1.1.4";
static const char type_column[] = "1.3.6.1.2.1.43.11.1.1.5";
static const char description[] = "1.3.6.1.2.1.43.11.1.1.6";
static const char unit_column[] = "1.3.6.1.2.1.43.11.1.1.7";
static const char capacity_column[] = "1.3.6.1.2.1.43.11.1.1.8";
static const char level_column[] = "1.3.6.1.2.1.43.11.1.1.9";
static const char colorant_value[] = "1.3.6.1.2.1.43.12.1.1.4";

enum { FIRST_COLUMN = 2, LAST_COLUMN = 9, ROW_LEN = 13 };
enum { TYPE_UNKNOWN = 2, INK_CARTRIDGE = 6, WASTE_INK = 8 };

/* Words for a colour in a name, longest first; what stands for it. */
static const struct {
	const char *words, *color;
} colors[] = {
        {"light light black", "light-light-black"},
        {"light black", "light-black"},
        {"photo black", "photo-black"},
        {"matte black", "matte-black"},
        {"light gray", "light-gray"},
        {"photo gray", "photo-gray"},
        {"light cyan", "light-cyan"},
        {"vivid light magenta", "vivid-light-magenta"},
        {"light magenta", "light-magenta"},
        {"vivid magenta", "vivid-magenta"},
        {"black", "black"},
        {"cyan", "cyan"},
        {"magenta", "magenta"},
        {"yellow", "yellow"},
        {"gray", "gray"},
        {"orange", "orange"},
        {"green", "green"},
        {"violet", "violet"},
        {"red", "red"},
        {"blue", "blue"},
        {"white", "white"},
        {"schwarz", "black"},
        {"noir", "black"},
        {"negro", "black"},
        {"nero", "black"},
        {"gelb", "yellow"},
        {"jaune", "yellow"},
        {"amarillo", "yellow"},
        {"giallo", "yellow"},
};

/* The same in scripts without blanks between words: panels are often set to these languages. */
static const struct {
	const char *text, *color;
} native_colors[] = {
        {"\u9ed1", "black"},
        {"\u6d0b\u7d05", "magenta"},
        {"\u6d0b\u7ea2", "magenta"},
        {"\u54c1\u7ea2", "magenta"},
        {"\u9752", "cyan"},
        {"\u9ec3", "yellow"},
        {"\u9ec4", "yellow"},
        {"\u30d6\u30e9\u30c3\u30af", "black"},
        {"\u30de\u30bc\u30f3\u30bf", "magenta"},
        {"\u30b7\u30a2\u30f3", "cyan"},
        {"\u30a4\u30a8\u30ed\u30fc", "yellow"},
};

static const char *native_color_of(const char *text)
{
	const char *found = NULL;

	for (size_t i = 0; i < sizeof native_colors / sizeof native_colors[0]; i++) {
		if (!strstr(text, native_colors[i].text))
			continue;
		if (found && strcmp(found, native_colors[i].color) != 0)
			return NULL;
		found = native_colors[i].color;
	}
	return found;
}

/* Lower case, "grey" as "gray", anything but letters a blank; cut to size. */
static void plain_words(const char *text, char *out, size_t size)
{
	size_t len = 0;
	char *at;

	for (; *text && len + 1 < size; text++)
		out[len++] =
		        isalpha((unsigned char)*text) ? (char)tolower((unsigned char)*text) : ' ';
	out[len] = '\0';
	for (at = out; (at = strstr(at, "grey"));)
		at[2] = 'a';
}

static bool whole_words(const char *text, const char *words)
{
	size_t n = strlen(words);

	for (const char *at = text; (at = strstr(at, words)); at++) {
		if ((at == text || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	}
	return false;
}

/* The one colour that a name speaks of; NULL: none, or several. */
static const char *color_of(const char *text)
{
	char words[CHARSET_TEXT_MAX + 1];
	const char *found = NULL;

	if (!text)
		return NULL;
	plain_words(text, words, sizeof words);
	for (size_t i = 0; i < sizeof colors / sizeof colors[0]; i++) {
		if (!whole_words(words, colors[i].words) ||
		        (found && strstr(found, colors[i].color)))
			continue;
		if (found)
			return NULL;
		found = colors[i].color;
	}
	return found ? found : native_color_of(text);
}

static bool is_waste(int64_t type)
{
	return type == 4 || type == 8 || type == 14 || type == 24 || type == 26;
}

/* The colorant's own word: known colours by our names, others (white, clear, "spot 1") as they are.
 */
static const char *joined_color(const struct device_view *view, uint32_t row, const char *name)
{
	int64_t index = mib_number(mib_cell2(view->mib, colorant_index, view->printer, row), 0);
	const char *value, *color;

	if (index <= 0 || index > UINT32_MAX)
		return color_of(name);
	value = charset_value(view->arena, view->charset,
	        mib_cell2(view->mib, colorant_value, view->printer, (uint32_t)index));
	if (!value || strcasecmp(value, "other") == 0 || strcasecmp(value, "unknown") == 0 ||
	        strcasecmp(value, "none") == 0 || strlen(value) > 40)
		return color_of(name);
	color = color_of(value);
	if (color && strcmp(color, "black") == 0 && color_of(name) &&
	        strstr(color_of(name), "black"))
		return color_of(name); /* "black" may be told more closely by the name */
	return color ? color : value;
}

/* RFC 3805's special values are states, never amounts: -1 other, -2 unknown, -3 some remains. */
static void set_level(struct report_supply *s, int64_t level, int64_t capacity)
{
	bool sentinel = level == INT32_MAX || (capacity == 100 && level >= 253 && level <= 255);

	if (capacity > 0 && capacity < INT32_MAX)
		s->capacity = (struct report_int){true, capacity};
	if (level >= 0 && !sentinel) {
		s->level = (struct report_int){true, level};
		if (s->capacity.set && level > capacity)
			s->level.value = capacity; /* a new cartridge says a little more */
		s->resolution = REPORT_EXACT;
		return;
	}
	s->level_state = level == -1   ? REPORT_UNRESTRICTED
	                 : level == -3 ? REPORT_SOME_REMAINING
	                               : REPORT_LEVEL_UNKNOWN;
	s->resolution = level == -3 ? REPORT_COARSE : REPORT_NONE;
}

static int64_t cell(const struct device_view *view, const char *column, uint32_t row)
{
	return mib_number(mib_cell2(view->mib, column, view->printer, row), -2);
}

static void read_row(const struct device_view *view, uint32_t row, struct report_supply *s)
{
	int64_t type = cell(view, type_column, row), class_ = cell(view, class_column, row);
	int64_t unit = cell(view, unit_column, row), capacity = cell(view, capacity_column, row);

	*s = (struct report_supply){.index = {true, row}};
	s->type = report_supply_type_name((int)type) ? (int)type : TYPE_UNKNOWN;
	s->class_ = report_supply_class_name((int)class_) ? (int)class_
	            : is_waste(type)                      ? REPORT_RECEPTACLE
	                                                  : REPORT_CONSUMED;
	s->name = charset_value(
	        view->arena, view->charset, mib_cell2(view->mib, description, view->printer, row));
	s->unit = report_supply_unit_name((int)unit) ? (int)unit : REPORT_UNIT_UNKNOWN;
	/* Epson's "other" with a capacity of 100 is percent; so is a unit that was never told. */
	if (capacity == 100 && (s->unit == REPORT_UNIT_OTHER || s->unit == REPORT_UNIT_UNKNOWN))
		s->unit = REPORT_UNIT_PERCENT;
	if (s->unit == REPORT_UNIT_PERCENT && capacity <= 0)
		capacity = 100;
	set_level(s, cell(view, level_column, row), capacity);
	if (s->class_ != REPORT_RECEPTACLE)
		s->color = joined_color(view, row, s->name);
}

/* Which rows there are, the lowest ones: by any column, for some devices leave the first ones out.
 * rows has room for one more than is kept. */
static size_t find_rows(const struct device_view *view, uint32_t printer, uint32_t *rows)
{
	size_t count = 0;

	for (const struct mib_value *v = NULL; (v = mib_next(view->mib, supplies, v));) {
		uint32_t row = mib_index(v, 0), column = mib_index(v, 2);
		size_t at = 0;

		if (v->oid.len != ROW_LEN)
			continue;
		if (mib_index(v, 1) != printer || column < FIRST_COLUMN || column > LAST_COLUMN ||
		        row == 0 || row > INT32_MAX)
			continue;
		while (at < count && rows[at] < row)
			at++;
		if ((at < count && rows[at] == row) || at == REPORT_SUPPLIES_MAX)
			continue;
		memmove(rows + at + 1, rows + at, (count - at) * sizeof *rows);
		rows[at] = row;
		if (count < REPORT_SUPPLIES_MAX)
			count++;
	}
	return count;
}

/* An Epson that has no supply table tells its inks in the status block. */
static bool from_st2(const struct device_view *view, struct report_device *out)
{
	static const char *const names[] = {[0x00] = "black",
	        [0x01] = "cyan",
	        [0x02] = "magenta",
	        [0x03] = "yellow",
	        [0x04] = "light-cyan",
	        [0x05] = "light-magenta",
	        [0x07] = "gray",
	        [0x08] = "light-black",
	        [0x09] = "red",
	        [0x0a] = "violet",
	        [0x0b] = "clear",
	        [0x0c] = "light-light-black",
	        [0x0d] = "orange",
	        [0x0e] = "green",
	        [0x0f] = "white"};
	const struct st2 *st2 = &view->st2;
	size_t count = st2->ink_count + (st2->box_remaining >= 0);

	if (count == 0 || !(out->supplies = arena_array(view->arena, count, sizeof *out->supplies)))
		return count == 0;
	for (size_t i = 0; i < count; i++) {
		bool box = i == st2->ink_count;
		int level = box ? st2->box_remaining : st2->inks[i].level;
		struct report_supply *s = &out->supplies[i];

		s->index = (struct report_int){true, (int64_t)i + 1};
		s->class_ = box ? REPORT_RECEPTACLE : REPORT_CONSUMED;
		s->type = box ? WASTE_INK : INK_CARTRIDGE;
		s->unit = REPORT_UNIT_PERCENT;
		if (!box && st2->inks[i].color < sizeof names / sizeof names[0])
			s->color = names[st2->inks[i].color];
		s->name = box ? "Maintenance Box" : s->color ? s->color : "Ink";
		set_level(s, level <= 100 ? level : -2, 100);
	}
	out->supply_count = count;
	return true;
}

bool supplies_fill(const struct device_view *view, struct report_device *out)
{
	uint32_t rows[REPORT_SUPPLIES_MAX + 1];
	struct device_view of = *view;
	size_t count = find_rows(view, view->printer, rows);

	if (count == 0) {
		/* Some number the table by another device than the one that says "printer". */
		const struct mib_value *first = mib_next(view->mib, supplies, NULL);

		of.printer = first ? mib_index(first, 1) : view->printer;
		count = find_rows(&of, of.printer, rows);
	}
	if (count == 0)
		return !view->has_st2 || from_st2(view, out);
	if (!(out->supplies = arena_array(view->arena, count, sizeof *out->supplies)))
		return false;
	for (size_t i = 0; i < count; i++)
		read_row(&of, rows[i], &out->supplies[i]);
	out->supply_count = count;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_print.c: from a tree to text. Ours, not cJSON's: that rounds integers above 10^15.
 */
#include "lib/json_scan.h"
#include "lib/json_tree.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_string(const char *text, struct buf *b)
{
	static const char short_form[] = "btnvfr"; /* for \b (8) to \r (13); v is none of JSON's */

	buf_putc(b, '"');
	while (*text != '\0') {
		size_t run = 0;
		unsigned char c;

		while ((unsigned char)text[run] >= ' ' && text[run] != '"' && text[run] != '\\')
			run++;
		buf_append(b, text, run);
		text += run;
		c = (unsigned char)*text;
		if (c == '\0')
			break;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c >= 8 && c <= 13 && c != 11)
			buf_printf(b, "\\%c", short_form[c - 8]);
		else
			buf_printf(b, "\\u%04x", c);
		text++;
	}
	buf_putc(b, '"');
}

/* Nearly all numbers have at most three decimals. */
static void print_thousandths(long long number, struct buf *b)
{
	unsigned long long n =
	        number < 0 ? -(unsigned long long)number : (unsigned long long)number;
	unsigned decimals = (unsigned)(n % 1000);
	char text[24];
	size_t at = sizeof text;

	if (decimals != 0) {
		for (unsigned i = 0; i < 3; i++, decimals /= 10)
			if (at < sizeof text || decimals % 10 != 0)
				text[--at] = (char)('0' + decimals % 10);
		text[--at] = '.';
	}
	n /= 1000;
	do
		text[--at] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	if (number < 0)
		text[--at] = '-';
	buf_append(b, text + at, sizeof text - at);
}

/* The shortest form that reads back as the same number. */
static void print_number(double number, struct buf *b)
{
	char text[40];

	if (fabs(number) < 1e12) {
		long long thousandths = (long long)(number * 1000 + (number < 0 ? -0.5 : 0.5));
		/* A quotient of two exact integers is rounded as its digits are when read. */
		if ((double)thousandths / 1000 == number) {
			print_thousandths(thousandths, b);
			return;
		}
	}
	if (json_is_integer(number)) {
		buf_printf(b, "%lld", (long long)number);
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		(void)snprintf(text, sizeof text, "%.*g", precision, number);
		if (strtod(text, NULL) == number)
			break;
	}
	buf_puts(b, text);
	/* Beyond 2^53 digits alone would read as an integer, and be refused. */
	if (strpbrk(text, ".e") == NULL)
		buf_puts(b, "e0");
}

static void new_line(bool indented, unsigned depth, struct buf *b)
{
	if (!indented)
		return;
	buf_putc(b, '\n');
	for (unsigned i = 0; i < depth; i++)
		buf_puts(b, "  ");
}

static void print_value(const cJSON *item, bool indented, unsigned depth, struct buf *b);

static void print_container(const cJSON *item, bool indented, unsigned depth, struct buf *b)
{
	bool object = cJSON_IsObject(item);

	buf_putc(b, object ? '{' : '[');
	for (const cJSON *m = item->child; m != NULL && !b->failed; m = m->next) {
		if (m != item->child)
			buf_putc(b, ',');
		new_line(indented, depth + 1, b);
		if (object) {
			print_string(m->string, b);
			buf_puts(b, indented ? ": " : ":");
		}
		print_value(m, indented, depth + 1, b);
	}
	if (item->child != NULL)
		new_line(indented, depth, b);
	buf_putc(b, object ? '}' : ']');
}

static void print_value(const cJSON *item, bool indented, unsigned depth, struct buf *b)
{
	assert(depth <= JSON_DEPTH_MAX);
	switch (json_type_of((const struct json *)item)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		print_container(item, indented, depth, b);
		break;
	case JSON_STRING:
		print_string(item->valuestring, b);
		break;
	case JSON_NUMBER:
		print_number(item->valuedouble, b);
		break;
	case JSON_BOOL:
		buf_puts(b, cJSON_IsTrue(item) ? "true" : "false");
		break;
	case JSON_NULL:
		buf_puts(b, "null");
		break;
	}
}

bool json_print(const struct json *root, bool indented, struct buf *b)
{
	print_value(json_tree(root), indented, 0, b);
	return !b->failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_scan.c: a document is held against the grammar of RFC 8259 once, byte by byte, before cJSON
 * sees it. Nothing is kept of it but the place, for errors.
 */
#include "lib/json_scan.h"

#include "lib/parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	NUMBER_MAX = 63,       /* characters: what cJSON reads of a number */
	NAME_SHOWN_BYTES = 40, /* of a name in the path of an error */
};

struct frame {
	bool object;
	size_t index;     /* of the element that is read now */
	const char *name; /* of the member that is read now, as it stands in the text */
	size_t name_len;
};

struct scan {
	const char *at, *end;
	const struct json_limits *limits;
	size_t values;
	unsigned depth;
	struct frame stack[JSON_DEPTH_MAX];
	struct err *e;
};

/* ---- errors with their place */

static bool is_plain_name(const char *name, size_t len)
{
	if (len == 0 || len > NAME_SHOWN_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || c == '_' || c == '-';
		if (!plain)
			return false;
	}
	return true;
}

void json_path_name(struct buf *path, const char *name, size_t len)
{
	if (is_plain_name(name, len)) {
		buf_putc(path, '.');
		buf_append(path, name, len);
	} else {
		buf_puts(path, "[?]"); /* a name that would not be readable in a message */
	}
}

static bool fail(struct scan *s, enum err_code code, const char *what)
{
	struct buf path = BUF_INIT(JSON_PATH_BYTES);

	buf_putc(&path, '$');
	for (unsigned i = 0; i < s->depth; i++) {
		if (!s->stack[i].object)
			buf_printf(&path, "[%zu]", s->stack[i].index);
		else if (s->stack[i].name != NULL)
			json_path_name(&path, s->stack[i].name, s->stack[i].name_len);
	}
	err_set(s->e, code, "%s%s: %s", buf_text(&path), path.failed ? "…" : "", what);
	buf_free(&path);
	return false;
}

/* ---- the scan */

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end &&
	        (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

static bool next_is(const struct scan *s, char c)
{
	return s->at < s->end && *s->at == c;
}

static bool hex4(struct scan *s, unsigned *code)
{
	*code = 0;
	if (s->end - s->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *s->at++;
		if (c >= '0' && c <= '9')
			*code = *code << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*code = *code << 4 | (unsigned)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			*code = *code << 4 | (unsigned)(c - 'A' + 10);
		else
			return false;
	}
	return true;
}

/* After "\u". */
static bool scan_code_unit(struct scan *s)
{
	unsigned high, low;

	if (!hex4(s, &high))
		return fail(s, ERR_INVALID, "\\u must be followed by four hex digits");
	if (high == 0)
		return fail(s, ERR_INVALID, "a string must not contain \\u0000");
	if (high >= 0xdc00 && high <= 0xdfff)
		return fail(s, ERR_INVALID, "a string contains half a surrogate pair");
	if (high < 0xd800 || high > 0xdbff)
		return true;
	if (s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
		return fail(s, ERR_INVALID, "a string contains half a surrogate pair");
	s->at += 2;
	if (!hex4(s, &low) || low < 0xdc00 || low > 0xdfff)
		return fail(s, ERR_INVALID, "a string contains half a surrogate pair");
	return true;
}

static bool scan_escape(struct scan *s)
{
	char c;

	if (s->at == s->end)
		return fail(s, ERR_INVALID, "a string does not end");
	c = *s->at++;
	if (c == 'u')
		return scan_code_unit(s);
	if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
		return fail(s, ERR_INVALID, "a string contains an unknown escape");
	return true;
}

/* A string from its opening quote on; *text and *len (without the quotes) may be NULL. */
static bool scan_string(struct scan *s, const char **text, size_t *len)
{
	const char *start = ++s->at;

	while (s->at < s->end) {
		unsigned char c = (unsigned char)*s->at;
		if (c == '"') {
			if (text != NULL)
				*text = start;
			if (len != NULL)
				*len = (size_t)(s->at - start);
			s->at++;
			return true;
		}
		if (c < ' ')
			return fail(s, ERR_INVALID, "a string contains a raw control character");
		if (c == '\\') {
			s->at++;
			if (!scan_escape(s))
				return false;
		} else if (c < 0x80) {
			s->at++;
		} else {
			size_t step = parse_utf8_next(s->at, (size_t)(s->end - s->at), NULL);
			if (step == 0)
				return fail(s, ERR_INVALID, "a string is not valid UTF-8");
			s->at += step;
		}
	}
	return fail(s, ERR_INVALID, "a string does not end");
}

static bool scan_digits(struct scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return s->at > start;
}

/* Whether a number of the right form has a value that a double holds. */
static bool check_magnitude(struct scan *s, const char *start, bool integer)
{
	char copy[NUMBER_MAX + 1];
	size_t len = (size_t)(s->at - start);
	double number;

	if (len > NUMBER_MAX)
		return fail(s, ERR_INVALID, "a number is too long");
	if (integer && len <= 15)
		return true;
	memcpy(copy, start, len);
	copy[len] = '\0';
	number = strtod(copy, NULL);
	if (!isfinite(number))
		return fail(s, ERR_INVALID, "a number is too large");
	/* 2^53 itself may be a rounded 2^53 + 1: only its own digits are believed. */
	if (fabs(number) > JSON_EXACT_INTEGERS && integer)
		return fail(s, ERR_INVALID, "an integer is beyond 2^53");
	if (fabs(number) == JSON_EXACT_INTEGERS && strcmp(copy, "9007199254740992") != 0 &&
	        strcmp(copy, "-9007199254740992") != 0)
		return fail(s, ERR_INVALID, "an integer is beyond 2^53");
	return true;
}

static bool scan_number(struct scan *s)
{
	const char *start = s->at;
	bool integer = true, leading_zero;

	if (next_is(s, '-'))
		s->at++;
	leading_zero = next_is(s, '0');
	if (leading_zero)
		s->at++;
	else if (!scan_digits(s))
		return fail(s, ERR_INVALID, "a value is expected here");
	if (next_is(s, '.')) {
		integer = false;
		s->at++;
		if (!scan_digits(s))
			return fail(s, ERR_INVALID, "a number lacks digits after its point");
	}
	if (next_is(s, 'e') || next_is(s, 'E')) {
		integer = false;
		s->at++;
		if (next_is(s, '+') || next_is(s, '-'))
			s->at++;
		if (!scan_digits(s))
			return fail(s, ERR_INVALID, "a number lacks its exponent");
	}
	return check_magnitude(s, start, integer);
}

static bool scan_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return fail(s, ERR_INVALID, "a value is expected here");
	s->at += len;
	return true;
}

/* The name of a member and its colon. */
static bool scan_name(struct scan *s)
{
	struct frame *frame = &s->stack[s->depth - 1];

	frame->name = NULL;
	skip_blanks(s);
	if (!next_is(s, '"'))
		return fail(s, ERR_INVALID, "a name in quotes is expected here");
	if (!scan_string(s, &frame->name, &frame->name_len))
		return false;
	skip_blanks(s);
	if (!next_is(s, ':'))
		return fail(s, ERR_INVALID, "a colon is expected after the name");
	s->at++;
	return true;
}

static bool scan_open(struct scan *s)
{
	if (s->depth >= s->limits->depth)
		return fail(s, ERR_LIMIT, "values are nested too deep");
	s->stack[s->depth++] = (struct frame){.object = *s->at == '{'};
	s->at++;
	return true;
}

/* One value, or the opening of a container (*opened). */
static bool scan_value(struct scan *s, bool *opened)
{
	*opened = false;
	if (++s->values > s->limits->values)
		return fail(s, ERR_LIMIT, "there are too many values");
	skip_blanks(s);
	if (s->at == s->end)
		return fail(s, ERR_INVALID, "the text ends where a value is expected");
	switch (*s->at) {
	case '{':
	case '[':
		*opened = true;
		return scan_open(s);
	case '"':
		return scan_string(s, NULL, NULL);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return scan_number(s);
	}
}

static bool scan_close(struct scan *s)
{
	char closer = s->stack[s->depth - 1].object ? '}' : ']';

	skip_blanks(s);
	if (!next_is(s, closer))
		return false;
	s->at++;
	s->depth--;
	return true;
}

/* What follows a value: closing brackets, then the comma before the next value, or the end. */
static bool scan_after(struct scan *s)
{
	struct frame *frame;

	while (s->depth > 0 && scan_close(s))
		;
	if (s->depth == 0)
		return true;
	frame = &s->stack[s->depth - 1];
	if (!next_is(s, ','))
		return fail(s, ERR_INVALID,
		        frame->object ? "a comma or } is expected here"
		                      : "a comma or ] is expected here");
	s->at++;
	frame->index++;
	return !frame->object || scan_name(s);
}

static bool scan_document(struct scan *s)
{
	bool opened;

	if (s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0)
		return fail(s, ERR_INVALID, "the text begins with a byte order mark");
	do {
		if (!scan_value(s, &opened))
			return false;
		if (opened && s->stack[s->depth - 1].object) {
			skip_blanks(s);
			if (!next_is(s, '}')) {
				if (!scan_name(s))
					return false;
				continue;
			}
		} else if (opened) {
			skip_blanks(s);
			if (!next_is(s, ']'))
				continue;
		}
		if (!scan_after(s))
			return false;
	} while (s->depth > 0);
	skip_blanks(s);
	if (s->at != s->end)
		return fail(s, ERR_INVALID, "something follows the value");
	return true;
}

bool json_scan(const char *text, size_t len, const struct json_limits *limits, struct err *e)
{
	struct scan s = {.at = text, .end = text + len, .limits = limits, .e = e};

	return scan_document(&s);
}

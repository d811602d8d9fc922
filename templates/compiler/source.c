/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/compiler/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NESTING = 64 };

bool source_error(struct err *e, const char *name, unsigned line, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_set(e, ERR_INVALID, "%s:%u: %s", name, line, text);
}

static bool begins(const struct source *s, size_t at, const char *word)
{
	size_t len = strlen(word);

	return s->len - at >= len && memcmp(s->text + at, word, len) == 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static unsigned count_lines(const char *text, size_t len)
{
	unsigned lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

/* Past a C string or character constant that begins at `at`; 0 if it does not end on its line. */
static size_t skip_quoted(const struct source *s, size_t at)
{
	char quote = s->text[at++];

	while (at < s->len && s->text[at] != '\n') {
		if (s->text[at] == quote)
			return at + 1;
		at += s->text[at] == '\\' ? 2 : 1;
	}
	return 0;
}

static char closing(char c)
{
	return c == '(' ? ')' : c == '[' ? ']' : '}';
}

/* Finds the `}}` of the action whose inside begins at `at`. */
static bool find_end(const struct source *s, size_t at, size_t *end, struct err *e)
{
	char expected[MAX_NESTING];
	size_t depth = 0;

	while (at < s->len) {
		char c = s->text[at];

		if (depth == 0 && begins(s, at, "}}")) {
			*end = at;
			return true;
		}
		if (begins(s, at, "{{"))
			return source_error(e, s->name, s->line, "an action inside an action");
		if (c == '"' || c == '\'') {
			at = skip_quoted(s, at);
			if (at == 0)
				return source_error(
				        e, s->name, s->line, "a quote that is not closed");
			continue;
		}
		if (c == '(' || c == '[' || c == '{') {
			if (depth == MAX_NESTING)
				return source_error(e, s->name, s->line, "too many brackets");
			expected[depth++] = closing(c);
		} else if (c == ')' || c == ']' || c == '}') {
			if (depth == 0 || expected[--depth] != c)
				return source_error(e, s->name, s->line, "'%c' closes nothing", c);
		}
		at++;
	}
	return source_error(e, s->name, s->line, "an action that is not closed by }}");
}

static bool read_action(struct source *s, struct piece *piece, struct err *e)
{
	size_t begin = s->at + 2, end = begin;

	if (!find_end(s, begin, &end, e))
		return false;
	*piece = (struct piece){.kind = PIECE_ACTION, .line = s->line};
	s->line += count_lines(s->text + s->at, end - s->at);
	s->at = end + 2;
	while (begin < end && is_space(s->text[begin])) {
		piece->line += s->text[begin] == '\n';
		begin++;
	}
	while (end > begin && is_space(s->text[end - 1]))
		end--;
	piece->text = s->text + begin;
	piece->len = end - begin;
	if (piece->len == 0)
		return source_error(e, s->name, piece->line, "an empty action");
	return true;
}

static bool skip_comment(struct source *s, struct err *e)
{
	size_t at = s->at;

	while (at < s->len && !begins(s, at, "}}"))
		at++;
	if (at == s->len)
		return source_error(e, s->name, s->line, "a comment that is not closed by }}");
	s->line += count_lines(s->text + s->at, at - s->at);
	s->at = at + 2;
	return true;
}

bool source_next(struct source *s, struct piece *piece, struct err *e)
{
	size_t begin;

	while (begins(s, s->at, "{{!")) {
		if (!skip_comment(s, e))
			return false;
	}
	if (s->at == s->len) {
		*piece = (struct piece){.kind = PIECE_END, .text = "", .line = s->line};
		return true;
	}
	if (begins(s, s->at, "{{"))
		return read_action(s, piece, e);
	begin = s->at;
	while (s->at < s->len && !begins(s, s->at, "{{"))
		s->at++;
	*piece = (struct piece){
	        .kind = PIECE_TEXT, .text = s->text + begin, .len = s->at - begin, .line = s->line};
	s->line += count_lines(piece->text, piece->len);
	return true;
}

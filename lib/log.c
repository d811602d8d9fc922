/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4000 }; /* below PIPE_BUF, so that a line stays whole on a pipe */

static _Atomic int threshold = LOG_LEVEL_INFO;

struct line {
	char text[LINE_MAX_BYTES + 1];
	size_t len;
};

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

static void put(struct line *line, char c)
{
	if (line->len < LINE_MAX_BYTES)
		line->text[line->len++] = c;
}

static void put_text(struct line *line, const char *text)
{
	while (*text != '\0')
		put(line, *text++);
}

static bool is_plain(const char *value)
{
	if (*value == '\0')
		return false;
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
			return false;
	}
	return true;
}

static void put_value(struct line *line, const char *value)
{
	static const char hex[] = "0123456789abcdef";

	if (is_plain(value)) {
		put_text(line, value);
		return;
	}
	put(line, '"');
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		if (c == '"' || c == '\\') {
			put(line, '\\');
			put(line, (char)c);
		} else if (c < ' ' || c >= 0x7f) {
			put_text(line, "\\x");
			put(line, hex[c >> 4]);
			put(line, hex[c & 15]);
		} else {
			put(line, (char)c);
		}
	}
	put(line, '"');
}

void log_event(enum log_level level, const char *event, ...)
{
	struct line line = {.len = 0};
	const char *key;
	va_list args;
	ssize_t written;

	if ((int)level > atomic_load(&threshold))
		return;
	put(&line, '<');
	put(&line, (char)('0' + (int)level));
	put(&line, '>');
	put_text(&line, event);
	va_start(args, event);
	while ((key = va_arg(args, const char *)) != NULL) {
		const char *value = va_arg(args, const char *);
		if (value == NULL)
			break;
		put(&line, ' ');
		put_text(&line, key);
		put(&line, '=');
		put_value(&line, value);
	}
	va_end(args);
	line.text[line.len++] = '\n';
	written = write(STDERR_FILENO, line.text, line.len);
	(void)written; /* nowhere left to report to */
}

const char *log_number(char buffer[24], long long number)
{
	(void)snprintf(buffer, 24, "%lld", number);
	return buffer;
}

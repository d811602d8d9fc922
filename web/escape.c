/* SPDX-License-Identifier: Apache-2.0 */
#include "web/escape.h"

#include "lib/parse.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Hands each character of text to put, with what is not UTF-8 replaced; runs of bytes that is_plain
 * says stay as they are go out at once. */
static void each_character(struct buf *b, const char *text, bool (*is_plain)(unsigned char c),
        void (*put)(struct buf *b, const char *character, size_t len, uint32_t code))
{
	size_t len = strlen(text);

	while (len > 0) {
		uint32_t code;
		size_t step, run = 0;

		while (run < len && is_plain((unsigned char)text[run]))
			run++;
		if (run > 0) {
			buf_append(b, text, run);
			text += run;
			len -= run;
			continue;
		}
		step = parse_utf8_next(text, len, &code);
		if (step == 0) {
			put(b, replacement, sizeof replacement - 1, 0xfffd);
			step = 1;
		} else {
			put(b, text, step, code);
		}
		text += step;
		len -= step;
	}
}

/* ASCII that means nothing to HTML, in text and in quoted attributes. */
static bool is_plain_html(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '&' && c != '<' && c != '>' && c != '"' && c != '\'';
}

/* Characters that HTML forbids in text, in any spelling (WHATWG HTML, 13.1.4). */
static bool is_forbidden(uint32_t code)
{
	return (code < ' ' && code != '\t' && code != '\n') || (code >= 0x7f && code <= 0x9f) ||
	       (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
}

static void put_text(struct buf *b, const char *character, size_t len, uint32_t code)
{
	if (code == '&')
		buf_puts(b, "&amp;");
	else if (code == '<')
		buf_puts(b, "&lt;");
	else if (code == '>')
		buf_puts(b, "&gt;");
	else if (is_forbidden(code))
		buf_puts(b, replacement);
	else
		buf_append(b, character, len);
}

static void put_attribute(struct buf *b, const char *character, size_t len, uint32_t code)
{
	if (code == '"')
		buf_puts(b, "&quot;");
	else if (code == '\'')
		buf_puts(b, "&#39;");
	else if (code == '\n')
		buf_puts(b, "&#10;");
	else if (code == '\t')
		buf_puts(b, "&#9;");
	else
		put_text(b, character, len, code);
}

static void put_percent(struct buf *b, const char *character, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)character[i];
		char coded[3] = {'%', hex[c >> 4], hex[c & 15]};
		buf_append(b, coded, sizeof coded);
	}
}

/* RFC 3986, 2.3 */
static bool is_unreserved(uint32_t code)
{
	return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
	       (code >= '0' && code <= '9') || code == '-' || code == '.' || code == '_' ||
	       code == '~';
}

static bool is_plain_url(unsigned char c)
{
	return is_unreserved(c);
}

static void put_url(struct buf *b, const char *character, size_t len, uint32_t code)
{
	if (is_unreserved(code))
		buf_append(b, character, len);
	else
		put_percent(b, character, len);
}

static bool is_plain_csv(unsigned char c)
{
	return c < 0x80 && c != '"';
}

static void put_csv(struct buf *b, const char *character, size_t len, uint32_t code)
{
	if (code == '"')
		buf_putc(b, '"');
	buf_append(b, character, len);
}

void escape_text(struct buf *b, const char *text)
{
	if (text != NULL)
		each_character(b, text, is_plain_html, put_text);
}

void escape_attribute(struct buf *b, const char *text)
{
	if (text != NULL)
		each_character(b, text, is_plain_html, put_attribute);
}

static bool is_safe_url(const char *url)
{
	/* Browsers strip tabs and line feeds, and read "\" as "/", before they parse. */
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == '\\' || *p == 0x7f)
			return false;
	if (url[0] == '/')
		return url[1] != '/';
	return url[0] == '?' || url[0] == '#' || strncasecmp(url, "https://", 8) == 0 ||
	       strncasecmp(url, "mailto:", 7) == 0;
}

void escape_url_attribute(struct buf *b, const char *url)
{
	if (url == NULL || !is_safe_url(url))
		buf_putc(b, '#');
	else
		escape_attribute(b, url);
}

void escape_url_segment(struct buf *b, const char *text)
{
	if (text == NULL)
		return;
	/* "." and ".." alone would be read as steps, even when coded (RFC 3986, 5.2.4; WHATWG URL),
	 * so no coding makes them safe. */
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		buf_putc(b, '-');
	else
		each_character(b, text, is_plain_url, put_url);
}

void escape_url_argument(struct buf *b, const char *text)
{
	if (text != NULL)
		each_character(b, text, is_plain_url, put_url);
}

void escape_csv(struct buf *b, const char *text)
{
	bool formula, quoted;

	if (text == NULL)
		return;
	/* A spreadsheet reads these as the beginning of a formula (OWASP, CSV injection). */
	formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
	quoted = strpbrk(text, "\",\r\n") != NULL;
	if (quoted)
		buf_putc(b, '"');
	if (formula)
		buf_putc(b, '\'');
	each_character(b, text, is_plain_csv, put_csv);
	if (quoted)
		buf_putc(b, '"');
}

void escape_number(struct buf *b, int64_t number)
{
	buf_printf(b, "%lld", (long long)number);
}

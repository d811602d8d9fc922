/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dc/charset.h"

#include "lib/buf.h"
#include "lib/parse.h"

#include <iconv.h>
#include <stdint.h>
#include <string.h>

enum { OCTETS_READ = 1024 }; /* of a value; what is shown is shorter anyway */

/* MIBenum (IANA) of the sets that printers name, and what iconv calls them. */
static const struct {
	int mib_enum;
	const char *name;
} charsets[] = {
        {4, "ISO-8859-1"},
        {17, "SHIFT_JIS"},
        {1000, "UCS-2BE"},
        {1001, "UCS-4BE"},
        {1002, "ISO-8859-1"}, /* Unicode-ASCII and -Latin1: one byte a character */
        {1003, "ISO-8859-1"},
        {1013, "UTF-16BE"},
        {1014, "UTF-16LE"},
        {1017, "UTF-32BE"},
        {1018, "UTF-32BE"},
        {1019, "UTF-32LE"},
        {2024, "CP932"},
        {2252, "CP1252"},
};

static const char *charset_name(int mib_enum)
{
	for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++) {
		if (charsets[i].mib_enum == mib_enum)
			return charsets[i].name;
	}
	return NULL;
}

/* As far as it converts; what does not is one U+FFFD a byte. */
static void convert(const char *name, const char *in, size_t len, struct buf *out)
{
	iconv_t cd = iconv_open("UTF-8", name);
	char *from = (char *)(uintptr_t)in; /* iconv does not write there */

	if (cd == (iconv_t)-1)
		return;
	while (len > 0 && !out->failed) {
		char piece[256], *to = piece;
		size_t room = sizeof piece, before = len;
		size_t result = iconv(cd, &from, &len, &to, &room);

		buf_append(out, piece, (size_t)(to - piece));
		if (result == (size_t)-1 && len > 0 && len == before && to == piece) {
			buf_puts(out, "\xef\xbf\xbd");
			from++;
			len--;
		}
	}
	iconv_close(cd);
}

static void keep_ascii(const char *in, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)in[i] < 0x80)
			buf_putc(out, in[i]);
		else
			buf_puts(out, "\xef\xbf\xbd");
	}
}

static bool is_blank(uint32_t code)
{
	return code <= 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0x2028 || code == 0x2029 ||
	       code == 0xfeff;
}

/* One clean line of valid UTF-8. */
static void tidy(const char *in, size_t len, struct buf *out)
{
	bool blank = false;

	for (size_t at = 0, n; at < len; at += n) {
		uint32_t code = 0;

		n = parse_utf8_next(in + at, len - at, &code);
		if (n == 0)
			break;
		if ((code == '\n' || code == '\r' || code == 0) && out->len > 0)
			break;
		if (is_blank(code)) {
			blank = true;
			continue;
		}
		if (out->len + n + 1 > CHARSET_TEXT_MAX)
			break;
		if (blank && out->len > 0)
			buf_putc(out, ' ');
		blank = false;
		buf_append(out, in + at, n);
	}
}

const char *charset_text(struct arena *arena, int mib_enum, const void *octets, size_t len)
{
	struct buf wide = BUF_INIT((size_t)OCTETS_READ * 4), line = BUF_INIT(CHARSET_TEXT_MAX + 8);
	const char *name = charset_name(mib_enum), *text = NULL;
	const char *in = octets;

	if (len > OCTETS_READ) /* cut between characters, if it is UTF-8 */
		for (len = OCTETS_READ; len > OCTETS_READ - 4 && (in[len] & 0xc0) == 0x80;)
			len--;
	/* Two and four byte sets hold zeros, which UTF-8 text does not. */
	if (parse_utf8(in, len) && !(name && mib_enum >= 1000 && memchr(in, 0, len)))
		buf_append(&wide, in, len);
	else if (name)
		convert(name, in, len, &wide);
	else
		keep_ascii(in, len, &wide);
	if (wide.data)
		tidy(wide.data, wide.len, &line);
	if (line.len > 0 && !line.failed && !wide.failed)
		text = arena_copy(arena, line.data, line.len);
	buf_free(&wide);
	buf_free(&line);
	return text;
}

const char *charset_value(struct arena *arena, int mib_enum, const struct mib_value *value)
{
	if (!value || value->type != MIB_OCTETS)
		return NULL;
	return charset_text(arena, mib_enum, value->octets, value->len);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/out.h"

#include "templates/print.h"
#include "web/escape.h"

#include <inttypes.h>
#include <libintl.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A row a language that the pages are in. English is the source and needs no domain. */
static const struct {
	const char *tag;
	const char *domain; /* one a language: dgettext() then needs no locale and no lock */
} languages[] = {
        {"en", NULL},
};

bool out_start(const char *folder)
{
	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		return false;
	for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
		const char *domain = languages[i].domain;

		if (domain != NULL && (bindtextdomain(domain, folder) == NULL ||
		                              bind_textdomain_codeset(domain, "UTF-8") == NULL))
			return false;
	}
	return true;
}

static const char *find_domain(const struct out *out)
{
	for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
		if (strcmp(languages[i].tag, out->language) == 0)
			return languages[i].domain;
	}
	return NULL;
}

const char *out_translate(struct out *out, const char *text)
{
	const char *domain = find_domain(out);

	return domain == NULL ? text : dgettext(domain, text);
}

const char *out_translate_count(struct out *out, const char *one, const char *many, unsigned long n)
{
	const char *domain = find_domain(out);

	if (domain == NULL)
		return n == 1 ? one : many;
	return dngettext(domain, one, many, n);
}

const char *out_format(struct out *out, const char *format, ...)
{
	char first[200]; /* room for nearly all, so that they are formatted once */
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(first, sizeof first, format, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof first) {
		text = arena_copy(out->arena, first, (size_t)len);
	} else if (len >= 0) {
		text = arena_alloc(out->arena, (size_t)len + 1);
		va_start(args, format);
		if (text != NULL)
			(void)vsnprintf(text, (size_t)len + 1, format, args);
		va_end(args);
	}
	if (text == NULL) {
		out->body->failed = true;
		return "";
	}
	return text;
}

/* Writes the number's digits, grouped by three, to the end of text; where they begin. */
static const char *group(uint64_t number, char text[32])
{
	char *at = text + 31;

	*at = '\0';
	for (unsigned i = 0; i == 0 || number > 0; i++, number /= 10) {
		if (i > 0 && i % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + number % 10);
	}
	return at;
}

void out_ucount(struct out *out, uint64_t number)
{
	char text[32];

	buf_puts(out->body, group(number, text));
}

void out_count(struct out *out, int64_t number)
{
	if (number < 0)
		buf_puts(out->body, "−"); /* the minus sign, not a hyphen */
	out_ucount(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

const char *out_grouped(struct out *out, int64_t number)
{
	uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	char text[32];

	return out_format(out, "%s%s", number < 0 ? "−" : "", group(size, text));
}

void out_number(struct out *out, int64_t number)
{
	escape_number(out->body, number);
}

void out_unumber(struct out *out, uint64_t number)
{
	buf_printf(out->body, "%" PRIu64, number);
}

void out_decimal(struct out *out, double number)
{
	char text[400];
	size_t len;

	if (!isfinite(number)) {
		buf_puts(out->body, "–");
		return;
	}
	(void)snprintf(text, sizeof text, "%.2f", number);
	len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	buf_append(out->body, text, len);
}

void out_literal(struct out *out, size_t len, const char *html)
{
	buf_append(out->body, html, len);
}

void out_unsafe(struct out *out, const char *html)
{
	buf_puts(out->body, html);
}

void out_text(struct out *out, const char *text)
{
	escape_text(out->body, text);
}

void out_attribute(struct out *out, const char *text)
{
	escape_attribute(out->body, text);
}

void out_url(struct out *out, const char *url)
{
	escape_url_attribute(out->body, url);
}

void out_url_segment(struct out *out, const char *text)
{
	escape_url_segment(out->body, text);
}

void out_url_argument(struct out *out, const char *text)
{
	escape_url_argument(out->body, text);
}

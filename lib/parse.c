/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/parse.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_DIGITS = 22, MS_PER_DAY = 86400000, LAST_DAY = 2932896 /* 9999-12-31 */ };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- numbers */

bool parse_int_n(const char *text, size_t len, int64_t min, int64_t max, int64_t *out)
{
	bool negative = len > 0 && text[0] == '-';
	size_t at = negative ? 1 : 0;
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t number = 0;
	int64_t value;

	if (at == len || (text[at] == '0' && (negative || len > 1)))
		return false;
	for (; at < len; at++) {
		uint64_t digit = (uint64_t)(unsigned char)text[at] - '0';
		if (!is_digit(text[at]) || number > (limit - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	/* Two's complement without overflow: -(n - 1) - 1. */
	value = negative ? -(int64_t)(number - 1) - 1 : (int64_t)number;
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

bool parse_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	return parse_int_n(text, strlen(text), min, max, out);
}

static const char *skip_digits(const char *at)
{
	while (is_digit(*at))
		at++;
	return at;
}

bool parse_double(const char *text, double *out)
{
	const char *at = *text == '-' ? text + 1 : text;
	const char *start = at;
	char *end = NULL;
	double number;

	at = skip_digits(at);
	if (at == start || (*start == '0' && at - start > 1))
		return false;
	if (*at == '.') {
		start = ++at;
		at = skip_digits(at);
		if (at == start)
			return false;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		if (*at == '+' || *at == '-')
			at++;
		start = at;
		at = skip_digits(at);
		if (at == start)
			return false;
	}
	if (*at != '\0')
		return false;
	number = strtod(text, &end);
	if (end != at || !isfinite(number))
		return false;
	*out = number;
	return true;
}

/* ---- times */

/* Days since 1970-01-01 of a date of the Gregorian calendar, by counting years from March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400; /* y > 0 here */
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static bool digits(const char **at, int count, int64_t min, int64_t max, int64_t *out)
{
	int64_t number = 0;

	for (int i = 0; i < count; i++) {
		if (!is_digit((*at)[i]))
			return false;
		number = number * 10 + ((*at)[i] - '0');
	}
	if (number < min || number > max)
		return false;
	*at += count;
	*out = number;
	return true;
}

static bool literal(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool read_date(const char **at, int64_t *day_number)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t year, month, day;
	bool leap;

	if (!digits(at, 4, 1970, 9999, &year) || !literal(at, '-') ||
	        !digits(at, 2, 1, 12, &month) || !literal(at, '-') || !digits(at, 2, 1, 31, &day))
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (day > month_days[month - 1] + (month == 2 && leap ? 1 : 0))
		return false;
	*day_number = days_of(year, month, day);
	return true;
}

static bool read_fraction(const char **at, int64_t *ms)
{
	int64_t scale = 100;

	*ms = 0;
	if (**at != '.')
		return true;
	(*at)++;
	if (!is_digit(**at))
		return false;
	for (; is_digit(**at); (*at)++) {
		*ms += (**at - '0') * scale;
		scale /= 10;
	}
	return true;
}

/* Minutes to take off: "Z", "+hh:mm" or "-hh:mm". */
static bool read_offset(const char **at, int64_t *minutes)
{
	int64_t hour, minute;
	bool west = **at == '-';

	*minutes = 0;
	if (literal(at, 'Z') || literal(at, 'z'))
		return true;
	if (!literal(at, '+') && !literal(at, '-'))
		return false;
	if (!digits(at, 2, 0, 23, &hour) || !literal(at, ':') || !digits(at, 2, 0, 59, &minute))
		return false;
	*minutes = (hour * 60 + minute) * (west ? -1 : 1);
	return true;
}

bool parse_time(const char *text, int64_t *ms)
{
	const char *at = text;
	int64_t day, hour, minute, second, fraction, offset, result;

	if (!read_date(&at, &day) || (!literal(&at, 'T') && !literal(&at, 't')) ||
	        !digits(&at, 2, 0, 23, &hour) || !literal(&at, ':') ||
	        !digits(&at, 2, 0, 59, &minute) || !literal(&at, ':') ||
	        !digits(&at, 2, 0, 60, &second) || !read_fraction(&at, &fraction) ||
	        !read_offset(&at, &offset) || *at != '\0')
		return false;
	result = day * MS_PER_DAY + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction;
	if (result < 0 || result >= (int64_t)(LAST_DAY + 1) * MS_PER_DAY)
		return false;
	*ms = result;
	return true;
}

const char *parse_time_text(int64_t ms, char out[PARSE_TIME_SIZE])
{
	int64_t day = ms / MS_PER_DAY, rest = ms % MS_PER_DAY;
	int64_t shifted = day + 719468, era = shifted / 146097, day_of_era = shifted % 146097;
	int64_t year_of_era =
	        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
	        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t from_march = (5 * day_of_year + 2) / 153;
	int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
	int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
	char text[80];

	assert(ms >= 0 && day <= LAST_DAY);
	(void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year,
	        (int)month, (int)(day_of_year - (153 * from_march + 2) / 5 + 1),
	        (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
	        (int)(rest % 1000));
	memcpy(out, text, PARSE_TIME_SIZE - 1);
	out[PARSE_TIME_SIZE - 1] = '\0';
	return out;
}

/* ---- UTF-8 */

size_t parse_utf8_next(const char *text, size_t len, uint32_t *code)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c;
	size_t need;

	if (len == 0)
		return 0;
	c = s[0];
	need = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	if (need == 0 || need > len)
		return 0;
	if (need > 1)
		c &= 0x7fu >> need;
	for (size_t i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < smallest[need] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (code != NULL)
		*code = c;
	return need;
}

bool parse_utf8(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint64_t word;
		size_t step;

		/* Most text is ASCII: eight bytes at a time. */
		if (len - at >= sizeof word) {
			memcpy(&word, text + at, sizeof word);
			if ((word & 0x8080808080808080u) == 0) {
				at += sizeof word;
				continue;
			}
		}
		step = parse_utf8_next(text + at, len - at, NULL);
		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

/* ---- ids */

bool parse_public_id(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(text, prefix, len) != 0)
		return false;
	text += len;
	for (int i = 0; i < ID_DIGITS; i++, text++)
		if (!isascii((unsigned char)*text) || !isalnum((unsigned char)*text))
			return false;
	return *text == '\0';
}

bool parse_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof form; i++) {
		unsigned char c = (unsigned char)text[i];
		if (form[i] == 'x' ? !isxdigit(c) : c != (unsigned char)form[i])
			return false;
	}
	return true;
}

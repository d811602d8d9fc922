/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/moment.h"

#include "lib/parse.h"
#include "templates/print.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, RECENT_DAYS = 14, MAX_ZONE = 64 };

static const char *zone_name(const struct out *out)
{
	return out->time_zone == NULL || out->time_zone[0] == '\0' ? "UTC" : out->time_zone;
}

/* Asks ICU for the offset at `ms` and for how long it holds. A zone that ICU does not know is UTC.
 */
static void find_offset(struct out *out, int64_t ms)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar name[MAX_ZONE], canonical[MAX_ZONE];
	UBool known = false;
	UCalendar *calendar;
	UDate date;

	out->zone_offset_ms = 0;
	out->zone_from = INT64_MIN;
	out->zone_until = INT64_MAX;
	if (strlen(zone_name(out)) >= MAX_ZONE || strcmp(zone_name(out), "UTC") == 0)
		return;
	(void)u_uastrcpy(name, zone_name(out));
	(void)ucal_getCanonicalTimeZoneID(name, -1, canonical, MAX_ZONE, &known, &status);
	if (U_FAILURE(status) || !known) {
		out->time_zone = NULL;
		return;
	}
	calendar = ucal_open(name, -1, "en", UCAL_GREGORIAN, &status);
	if (U_FAILURE(status))
		return;
	ucal_setMillis(calendar, (UDate)ms, &status);
	out->zone_offset_ms = ucal_get(calendar, UCAL_ZONE_OFFSET, &status) +
	                      ucal_get(calendar, UCAL_DST_OFFSET, &status);
	if (ucal_getTimeZoneTransitionDate(
	            calendar, UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, &date, &status))
		out->zone_from = (int64_t)date;
	if (ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_NEXT, &date, &status))
		out->zone_until = (int64_t)date;
	if (U_FAILURE(status))
		out->zone_offset_ms = 0;
	ucal_close(calendar);
}

/* The last answer, for the next page of this thread: ICU takes longer than the rest of a page. */
static _Thread_local struct {
	char name[MAX_ZONE];
	int64_t offset_ms, from, until;
} last;

static int64_t offset_at(struct out *out, int64_t ms)
{
	/* zeroed at first: from == until holds nothing */
	if (ms >= out->zone_from && ms < out->zone_until)
		return out->zone_offset_ms;
	if (ms >= last.from && ms < last.until && strcmp(last.name, zone_name(out)) == 0) {
		out->zone_offset_ms = last.offset_ms;
		out->zone_from = last.from;
		out->zone_until = last.until;
		return out->zone_offset_ms;
	}
	find_offset(out, ms);
	if (strlen(zone_name(out)) < MAX_ZONE) {
		(void)stpcpy(last.name, zone_name(out));
		last.offset_ms = out->zone_offset_ms;
		last.from = out->zone_from;
		last.until = out->zone_until;
	}
	return out->zone_offset_ms;
}

/* Years beyond these are not of our days: nothing of ours writes them. */
static const int64_t first_year = -62135596800; /* 0001-01-01 */
static const int64_t last_year = 253402300799;  /* 9999-12-31T23:59:59 */

/* Writes `digits` digits of number, and `then`; where it ends. Times are on every page many times:
 * printf would be most of the page's cost. */
static char *put(char *at, int number, int digits, const char *then)
{
	for (int i = digits - 1; i >= 0; i--, number /= 10)
		at[i] = (char)('0' + number % 10);
	return stpcpy(at + digits, then);
}

/* Writes "2026-11-22", a separator and "19:41" of a time that was shifted into its zone, and its
 * second. */
static char *put_minute(char *at, int64_t ms, const char *between, int *second)
{
	int64_t seconds = ms / 1000 - (ms % 1000 < 0);
	time_t time;
	struct tm t;

	time = (time_t)(seconds < first_year  ? first_year
	                : seconds > last_year ? last_year
	                                      : seconds);
	if (gmtime_r(&time, &t) == NULL)
		t = (struct tm){.tm_mday = 1};
	at = put(at, t.tm_year + 1900, 4, "-");
	at = put(at, t.tm_mon + 1, 2, "-");
	at = put(at, t.tm_mday, 2, between);
	at = put(at, t.tm_hour, 2, ":");
	*second = t.tm_sec;
	return put(at, t.tm_min, 2, "");
}

static const char *keep(struct out *out, const char *text, const char *end)
{
	const char *copy = arena_copy(out->arena, text, (size_t)(end - text));

	if (copy == NULL) {
		out->body->failed = true;
		return "";
	}
	return copy;
}

const char *moment_local(struct out *out, int64_t ms)
{
	char text[32];
	int second;

	return keep(out, text, put_minute(text, ms + offset_at(out, ms), " ", &second));
}

const char *moment_exact(struct out *out, int64_t ms)
{
	char text[32], *at;
	int second;

	at = put_minute(text, ms + offset_at(out, ms), " ", &second);
	at = put(stpcpy(at, ":"), second, 2, "");
	return keep(out, text, at);
}

bool moment_read(struct out *out, const char *text, int64_t *ms)
{
	size_t len = strlen(text);
	char whole[24];
	int64_t local;

	if (len != 16 && len != 19)
		return false;
	(void)stpcpy(stpcpy(whole, text), len == 16 ? ":00Z" : "Z");
	if (!parse_time(whole, &local))
		return false;
	/* the offset that holds there: once more, for the hours beside a transition */
	*ms = local - offset_at(out, local - offset_at(out, local));
	return true;
}

const char *moment_machine(struct out *out, int64_t ms)
{
	char text[32], *at;
	int second;

	at = put_minute(text, ms, "T", &second);
	at = put(stpcpy(at, ":"), second, 2, ".");
	at = put(at, (int)(((ms % 1000) + 1000) % 1000), 3, "Z");
	return keep(out, text, at);
}

static const char *moment_date(struct out *out, int64_t ms)
{
	char text[32];
	int second;

	put_minute(text, ms + offset_at(out, ms), " ", &second);
	return keep(out, text, text + sizeof "2026-11-22" - 1);
}

bool moment_is_recent(const struct out *out, int64_t ms)
{
	int64_t age = (out->now_ms - ms) / 1000;

	return age > -DAY && age < RECENT_DAYS * DAY;
}

const char *moment_age(struct out *out, int64_t ms)
{
	int64_t age = (out->now_ms - ms) / 1000;

	if (age < -5 * MINUTE)
		return age > -HOUR  ? out_format(out, _("in %d min"), (int)(-age / MINUTE))
		       : age > -DAY ? out_format(out, _("in %d h"), (int)(-age / HOUR))
		                    : moment_local(out, ms);
	if (age < 45)
		return _("just now");
	if (age < HOUR)
		return out_format(out, _("%d min ago"), (int)((age + MINUTE / 2) / MINUTE));
	if (age < DAY)
		return out_format(out, _("%d h ago"), (int)(age / HOUR));
	if (age < RECENT_DAYS * DAY)
		return out_format(
		        out, _n("%d day ago", "%d days ago", age / DAY), (int)(age / DAY));
	return moment_date(out, ms);
}

const char *moment_zone(struct out *out)
{
	/* asked first: a zone that nobody knows turns into UTC by it */
	int64_t minutes = offset_at(out, out->now_ms) / 60000;
	int hours = (int)(llabs(minutes) / 60), rest = (int)(llabs(minutes) % 60);
	const char *sign = minutes < 0 ? "−" : "+";

	if (strcmp(zone_name(out), "UTC") == 0)
		return "UTC";
	return rest == 0 ? out_format(out, "%s (UTC%s%d)", zone_name(out), sign, hours)
	                 : out_format(out, "%s (UTC%s%d:%02d)", zone_name(out), sign, hours, rest);
}

const char *moment_length(struct out *out, int64_t seconds)
{
	int64_t minutes = seconds / MINUTE;

	if (seconds < MINUTE)
		return out_format(out, _("%d s"), (int)seconds);
	if (seconds < HOUR)
		return out_format(out, _("%d min"), (int)minutes);
	return out_format(
	        out, _("%s h %d min"), out_grouped(out, minutes / 60), (int)(minutes % 60));
}

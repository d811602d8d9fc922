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

static int64_t offset_at(struct out *out, int64_t ms)
{
	/* zeroed at first: from == until holds nothing */
	if (ms < out->zone_from || ms >= out->zone_until)
		find_offset(out, ms);
	return out->zone_offset_ms;
}

/* The calendar's fields of a time that was shifted into its zone; all zero if it is out of range. */
static struct tm calendar(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return (struct tm){0};
	tm.tm_year += 1900;
	tm.tm_mon += 1;
	return tm;
}

const char *moment_local(struct out *out, int64_t ms)
{
	struct tm t = calendar(ms + offset_at(out, ms));

	return out_format(out, "%04d-%02d-%02d %02d:%02d", t.tm_year, t.tm_mon, t.tm_mday,
	        t.tm_hour, t.tm_min);
}

const char *moment_exact(struct out *out, int64_t ms)
{
	struct tm t = calendar(ms + offset_at(out, ms));

	return out_format(out, "%04d-%02d-%02d %02d:%02d:%02d", t.tm_year, t.tm_mon, t.tm_mday,
	        t.tm_hour, t.tm_min, t.tm_sec);
}

bool moment_read(struct out *out, const char *text, int64_t *ms)
{
	size_t len = strlen(text);
	const char *whole = len == 16   ? out_format(out, "%s:00Z", text)
	                    : len == 19 ? out_format(out, "%sZ", text)
	                                : "";
	int64_t local;

	if (!parse_time(whole, &local))
		return false;
	/* the offset that holds there: once more, for the hours beside a transition */
	*ms = local - offset_at(out, local - offset_at(out, local));
	return true;
}

const char *moment_machine(struct out *out, int64_t ms)
{
	struct tm t = calendar(ms);

	return out_format(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year, t.tm_mon,
	        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (int)(((ms % 1000) + 1000) % 1000));
}

static const char *moment_date(struct out *out, int64_t ms)
{
	struct tm t = calendar(ms + offset_at(out, ms));

	return out_format(out, "%04d-%02d-%02d", t.tm_year, t.tm_mon, t.tm_mday);
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

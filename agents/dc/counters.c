/* SPDX-License-Identifier: Apache-2.0 */
/* counters.c: what the first marker has printed in its life. */
#include "agents/dc/device.h"

static const char counter_unit[] = "1.3.6.1.2.1.43.10.2.1.3";
static const char life_count[] = "1.3.6.1.2.1.43.10.2.1.4";

enum { IMPRESSIONS = 7, SHEETS = 8, HOURS = 11 }; /* PrtMarkerCounterUnitTC */

/* Further markers count the same pages again, or other things: the first one is the total. */
void counters_fill(const struct device_view *view, struct report_device *out)
{
	for (const struct mib_value *v = NULL; (v = mib_next(view->mib, life_count, v));) {
		int64_t unit, count = mib_number(v, -1);

		if (mib_index(v, 1) != view->printer || count < 0)
			continue;
		unit = mib_number(
		        mib_cell2(view->mib, counter_unit, view->printer, mib_index(v, 0)), 0);
		if (unit == IMPRESSIONS)
			out->counters.impressions = (struct report_int){true, count};
		else if (unit == SHEETS)
			out->counters.sheets = (struct report_int){true, count};
		else if (unit == HOURS)
			out->counters.print_time_seconds = (struct report_int){true, count * 3600};
		return;
	}
}

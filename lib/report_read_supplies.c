/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_read_supplies.c: supplies, once they are read: whole, and each with an index of its own.
 */
#include "lib/report_reader.h"

bool reader_finish_supplies(
        struct reader *r, const struct place *place, struct report_device *device)
{
	const struct place list = {.parent = place, .name = "supplies"};

	for (size_t i = 0; i < device->supply_count; i++) {
		struct report_supply *s = &device->supplies[i];
		const struct place here = {.parent = &list, .index = i};

		if (!s->class_)
			s->class_ = 1;
		if (!s->type)
			s->type = 2;
		if (!s->unit)
			s->unit = REPORT_UNIT_UNKNOWN;
		if (!s->name)
			s->name = report_supply_type_name(s->type);
		if (!s->level.set && !s->level_state)
			s->level_state = REPORT_LEVEL_UNKNOWN;
		if (!s->resolution)
			s->resolution = s->level.set                              ? REPORT_EXACT
			                : s->level_state == REPORT_SOME_REMAINING ? REPORT_COARSE
			                                                          : REPORT_NONE;
		if (s->index.value > INT32_MAX)
			return reader_fault(r, &here, "has an index beyond 2147483647");
		for (size_t k = 0; k < i; k++) {
			if (device->supplies[k].index.value == s->index.value)
				return reader_fault(
				        r, &here, "repeats the index of an earlier supply");
		}
	}
	return true;
}

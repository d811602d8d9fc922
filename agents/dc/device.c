/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dc/device.h"

#include "agents/dc/charset.h"

static const char hr_device_type[] = "1.3.6.1.2.1.25.3.2.1.2";
static const char hr_device_printer[] = "1.3.6.1.2.1.25.3.1.5";
static const char localization[] = "1.3.6.1.2.1.43.5.1.1.2"; /* prtGeneralCurrentLocalization */
static const char character_set[] = "1.3.6.1.2.1.43.7.1.1.4";
static const char epson_status[] = "1.3.6.1.4.1.1248.1.2.2.1.1.1.4.1";

/* The first row that says "printer"; where none does, device 1 is it (data-model.md). */
static uint32_t find_printer(struct mib *mib)
{
	struct oid printer;

	if (!oid_parse(hr_device_printer, &printer))
		return 1;
	for (const struct mib_value *v = NULL; (v = mib_next(mib, hr_device_type, v));) {
		if (v->type == MIB_OBJECT && oid_compare(v->object, &printer) == 0)
			return mib_index(v, 0);
	}
	return 1;
}

static int find_charset(struct mib *mib, uint32_t printer)
{
	int64_t row = mib_number(mib_cell(mib, localization, printer), 1);

	if (row < 0 || row > UINT32_MAX)
		return CHARSET_UNKNOWN;
	return (int)mib_number(
	        mib_cell2(mib, character_set, printer, (uint32_t)row), CHARSET_UNKNOWN);
}

const char *device_text(const struct device_view *view, const char *column)
{
	return charset_value(
	        view->arena, view->charset, mib_cell(view->mib, column, view->printer));
}

int64_t device_number(const struct device_view *view, const char *column, int64_t otherwise)
{
	return mib_number(mib_cell(view->mib, column, view->printer), otherwise);
}

bool device_fill(struct mib *mib, struct arena *arena, const char *agent_id, const char *entry,
        struct report_device *out)
{
	const struct mib_value *block = mib_find(mib, epson_status);
	struct device_view view = {.mib = mib, .arena = arena, .printer = find_printer(mib)};

	*out = (struct report_device){0};
	view.charset = find_charset(mib, view.printer);
	view.has_st2 = block && block->type == MIB_OCTETS &&
	               st2_read(block->octets, block->len, &view.st2);
	if (!identity_fill(&view, agent_id, entry, out) || !supplies_fill(&view, out))
		return false;
	counters_fill(&view, out);
	return status_fill(&view, out);
}

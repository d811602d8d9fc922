/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/counters.h"

#include "templates/moment.h"
#include "templates/print.h"

#include <math.h>

static const char ink_used[] = "inkUsedMl.";

static bool is_ink(const char *name)
{
	return strncmp(name, ink_used, sizeof ink_used - 1) == 0;
}

const char *counter_name(struct out *out, const char *name)
{
	if (is_ink(name))
		return out_format(out, _("Ink used, %s"), name + sizeof ink_used - 1);
	if (strcmp(name, "impressions") == 0)
		return _("Printed pages");
	if (strcmp(name, "sheets") == 0)
		return _("Sheets");
	if (strcmp(name, "printTimeSeconds") == 0)
		return _("Print time");
	if (strcmp(name, "printAreaM2") == 0)
		return _("Printed area");
	return name;
}

/* A decimal figure with grouped thousands and at most one place. */
static const char *decimal(struct out *out, double value)
{
	int64_t whole = (int64_t)value;
	int tenth = (int)(fabs(value - (double)whole) * 10 + 0.5);

	if (tenth == 10) {
		whole += value < 0 ? -1 : 1;
		tenth = 0;
	}
	return tenth == 0 ? out_grouped(out, whole)
	                  : out_format(out, "%s.%d", out_grouped(out, whole), tenth);
}

const char *counter_value(struct out *out, const char *name, double value)
{
	if (!isfinite(value) || fabs(value) > 9e15)
		return "–";
	if (strcmp(name, "printTimeSeconds") == 0)
		return moment_length(out, (int64_t)value);
	if (strcmp(name, "printAreaM2") == 0)
		return out_format(out, "%s m²", decimal(out, value));
	if (is_ink(name))
		return out_format(out, "%s ml", decimal(out, value));
	return decimal(out, value);
}

/* RFC 3805 PrtMarkerSuppliesSupplyUnitTC, in the words of the report. */
static const struct {
	const char *unit, *text;
} units[] = {
        {"percent", "%"},
        {"impressions", "pages"},
        {"sheets", "sheets"},
        {"hours", "h"},
        {"milliliters", "ml"},
        {"tenthsOfMilliliters", "× 0.1 ml"},
        {"grams", "g"},
        {"tenthsOfGrams", "× 0.1 g"},
        {"hundrethsOfFluidOunces", "× 0.01 fl oz"},
        {"thousandthsOfOunces", "× 0.001 oz"},
        {"feet", "ft"},
        {"meters", "m"},
        {"items", "items"},
        {"tenThousandthsOfInches", "× 0.0001 in"},
        {"micrometers", "µm"},
};

const char *supply_unit(const struct supply_view *supply)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(units[i].unit, supply->unit) == 0)
			return units[i].text;
	}
	return "";
}

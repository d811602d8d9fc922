/* SPDX-License-Identifier: Apache-2.0 */
/* counters.h: counters and units in words. */
#ifndef FLEETPORT_TEMPLATES_COUNTERS_H
#define FLEETPORT_TEMPLATES_COUNTERS_H

#include "templates/out.h"
#include "templates/page.h"

/* "inkUsedMl.cyan" → "Ink used, cyan". */
const char *counter_name(struct out *out, const char *name);

/* The figure with its unit: "1,204 m²". */
const char *counter_value(struct out *out, const char *name, double value);

/* The unit of a supply's level in words: "ml", "pages". */
const char *supply_unit(const struct supply_view *supply);

#endif

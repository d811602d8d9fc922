/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h: from what a device told (mib.h) to what is reported of it (lib/report.h). Each part has
 * a file of its own: identity.c, status.c, supplies.c, counters.c. Nothing here speaks to a device.
 */
#ifndef FLEETPORT_AGENTS_DC_DEVICE_H
#define FLEETPORT_AGENTS_DC_DEVICE_H

#include "agents/dc/mib.h"
#include "agents/dc/st2.h"
#include "lib/arena.h"
#include "lib/report.h"

#include <stdbool.h>
#include <stdint.h>

/* What all parts look at. */
struct device_view {
	struct mib *mib;
	struct arena *arena; /* of the report's texts */
	uint32_t printer;    /* hrDeviceIndex of the printer */
	int charset;         /* MIBenum of its descriptions */
	bool has_st2;
	struct st2 st2;
};

/* The column's cell of the printer's own row, as text or number. */
const char *device_text(const struct device_view *view, const char *column);
int64_t device_number(const struct device_view *view, const char *column, int64_t otherwise);

/* Fills in all that the values tell. agent_id and entry name the device where it does not name
 * itself. acquired_at is the caller's to set. False: no memory. */
bool device_fill(struct mib *mib, struct arena *arena, const char *agent_id, const char *entry,
        struct report_device *out) __attribute__((warn_unused_result, nonnull));

/* The parts. False: no memory. */
bool identity_fill(const struct device_view *view, const char *agent_id, const char *entry,
        struct report_device *out) __attribute__((warn_unused_result, nonnull));
bool supplies_fill(const struct device_view *view, struct report_device *out)
        __attribute__((warn_unused_result, nonnull));
void counters_fill(const struct device_view *view, struct report_device *out)
        __attribute__((nonnull));
bool status_fill(const struct device_view *view, struct report_device *out)
        __attribute__((warn_unused_result, nonnull));

#endif

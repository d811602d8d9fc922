/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices_internal.h: what the statements of devices.c (the fleet, one device), devices_list.c (lists) and devices_urgent.c have in
 * common: who may see, and what is read of a device.
 */
#ifndef FLEETPORT_CORE_DEVICES_INTERNAL_H
#define FLEETPORT_CORE_DEVICES_INTERNAL_H

#include "core/devices.h"

/* The access rule: $1 is the viewer. */
#define SCOPE "SELECT s.group_id FROM scope s WHERE s.viewer = $1 AND s.\"right\" = 'view'"
/* The same for one group ($2), which the engine then looks up instead of listing them all. */
#define GROUP_IN_SCOPE                                                                             \
	"d.group_id = $2 AND EXISTS (SELECT 1 FROM scope s WHERE s.viewer = $1"                    \
	" AND s.\"right\" = 'view' AND s.group_id = $2)"

#define SILENT_BEFORE "(now_ms() - 10800000)" /* DEVICES_SILENT_MS */
#define CONDITION                                                                                  \
	"CASE WHEN d.seen_hour < " SILENT_BEFORE " THEN 4"                                         \
	" WHEN d.state = 'stopped' OR d.attention = 3 THEN 3"                                      \
	" WHEN d.state = 'processing' THEN 1 WHEN d.state = 'idle' THEN 2 ELSE 0 END"

#define COLUMNS                                                                                    \
	"d.id, d.public_id, d.name, d.manufacturer, d.model, d.serial_number, d.firmware,"         \
	" d.identity_kind, d.state, " CONDITION ", d.attention, d.attention_text,"                 \
	" d.lowest_supply, d.first_seen_at, d.seen_hour, d.group_id, g.public_id, g.name,"         \
	" g.consent, d.customer_id, o.public_id, o.name, d.agent_id, a.public_id,"                 \
	" a.type, a.version, a.os,"                                                                \
	" coalesce((SELECT v.seen_at FROM device_seen v WHERE v.device = d.id), d.seen_hour)"
#define COLUMN_TYPES                                                                               \
	"itttt"                                                                                    \
	"TTttiit"                                                                                  \
	"Iiiit"                                                                                    \
	"ttitt"                                                                                    \
	"ITTTTi"
/* CROSS JOIN keeps the device's index outermost: it gives the order. */
#define JOINS                                                                                      \
	" CROSS JOIN device_group g ON g.id = d.group_id"                                          \
	" CROSS JOIN organisation o ON o.id = d.customer_id"                                       \
	" LEFT JOIN agent a ON a.id = d.agent_id"
#define FROM " FROM device d" JOINS

/* The next device of a statement that selects COLUMNS; as sql_next(). */
int devices_next(struct sql_cursor *cursor, struct arena *arena, struct device *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3)));

#endif

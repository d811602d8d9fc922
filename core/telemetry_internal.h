/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry_internal.h: what the statements of telemetry.c and telemetry_state.c have in common. */
#ifndef FLEETPORT_CORE_TELEMETRY_INTERNAL_H
#define FLEETPORT_CORE_TELEMETRY_INTERNAL_H

#include "core/telemetry.h"

/* The access rule: $1 is the viewer, $2 the device. */
#define VISIBLE                                                                                    \
	"EXISTS (SELECT 1 FROM device d JOIN scope s ON s.group_id = d.group_id"                   \
	" WHERE d.id = $2 AND d.retired_at IS NULL AND s.viewer = $1 AND s.\"right\" = 'view')"

#define READS_BOTH .role = SQL_READ, .store = SQL_TELEMETRY, .stores = 1u << SQL_CORE

#endif

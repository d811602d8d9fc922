/* SPDX-License-Identifier: Apache-2.0 */
/* report_id.h: ids of reports: UUIDs of version 7 (RFC 9562), which sort by time. */
#ifndef FLEETPORT_AGENTS_REPORT_ID_H
#define FLEETPORT_AGENTS_REPORT_ID_H

#include <stdint.h>

enum { REPORT_ID_SIZE = 37 };

/* A new id made at now_ms (since 1970). Returns out. */
const char *report_id_new(int64_t now_ms, char out[REPORT_ID_SIZE]);

#endif

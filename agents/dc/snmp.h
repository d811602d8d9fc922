/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snmp.h: reading a device by SNMP, behind a small interface of functions, so that a recording in
 * memory can stand in for a printer. Read-only: nothing here can SET.
 */
#ifndef FLEETPORT_AGENTS_DC_SNMP_H
#define FLEETPORT_AGENTS_DC_SNMP_H

#include "agents/dc/mib.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { SNMP_GET_MAX = 16 }; /* OIDs of one get */

/* A source of values. Not for use by several threads at once; several sources are independent. */
struct snmp_source {
	/* Reads these OIDs; what the device does not have is left out of `to`. ERR_UNAVAILABLE: it
	 * did not answer. */
	bool (*get)(struct snmp_source *self, const struct oid *oids, size_t count, struct mib *to,
	        struct err *e);
	/* Reads what lies below root, at most max_rows values. An OID that does not increase ends
	 * it. */
	bool (*walk)(struct snmp_source *self, const struct oid *root, size_t max_rows,
	        struct mib *to, struct err *e);
	void (*close)(struct snmp_source *self);
};

struct snmp_target {
	const char *address; /* IPv4, [IPv6] or host name */
	unsigned port;
	unsigned version;      /* 1 or 2 (v2c) */
	const char *community; /* never logged */
	unsigned timeout_ms;   /* of one try */
	unsigned retries;
	unsigned deadline_ms; /* for everything read from this source; 0: none */
};

/* Once a program, before any thread: quiet, without MIB files or configuration of its own. */
void snmp_source_init(void);

/* Opens a session; nothing is sent yet. NULL: *e. Close with source->close(). */
struct snmp_source *snmp_source_open(const struct snmp_target *target, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

#endif

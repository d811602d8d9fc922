/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dc.h: the parts of the data collection agent at run time, and what it does with them: a round over
 * all devices, and the operations it can do.
 */
#ifndef FLEETPORT_AGENTS_DC_DC_H
#define FLEETPORT_AGENTS_DC_DC_H

#include "agents/dc/collect.h"
#include "agents/dc/known.h"
#include "agents/orders.h"
#include "agents/spool.h"
#include "agents/state.h"
#include "agents/uplink.h"

#include <stdatomic.h>

enum { DC_DEVICES_A_REPORT = 64 };

struct dc {
	const char *agent_id, *version;
	const struct clock *clock;
	struct device_list list;
	struct spool *spool;   /* NULL: --dry-run */
	struct uplink *uplink; /* NULL: --dry-run */
	struct known *known;   /* NULL: --dry-run */
	collect_open *open;    /* NULL: by SNMP */
	void *open_arg;
	_Atomic bool stop;
};

/* What a round came to. */
struct dc_round {
	size_t collected, skipped, failed;
};

/* Reads all devices, says for each what became of it (a log line), and puts reports of what was read
 * into the spool; with print also to standard output, indented. collection: enum
 * report_collection. false: a report could not be stored. */
bool dc_round(struct dc *dc, int collection, bool print, struct dc_round *round, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 4)));

/* The kinds of operation that this agent does; their functions take a struct dc. */
extern const struct order_action dc_actions[];

/* A device as evidence of an operation: {identity, acquiredAt, state, reasons, supplies}. NULL: no
 * memory. */
const char *dc_evidence(const struct report_device *device, struct arena *arena)
        __attribute__((nonnull));

/* Stores a report of these devices. report_id gets its id. */
bool dc_store(struct dc *dc, int collection, struct report_device *devices, size_t count,
        bool print, char report_id[37], struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3, 6)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect.h: asks devices what a report needs, one or many side by side.
 */
#ifndef FLEETPORT_AGENTS_DC_COLLECT_H
#define FLEETPORT_AGENTS_DC_COLLECT_H

#include "agents/dc/device.h"
#include "agents/dc/devices_conf.h"
#include "agents/dc/snmp.h"
#include "lib/clock.h"

enum {
	COLLECT_ARENA = 2 * 1024 * 1024, /* of one device's report */
	COLLECT_AT_ONCE = 16,            /* devices asked side by side */
	COLLECT_DEADLINE_MS = 90000,     /* for one device */
};

/* How a device's values are come by: a session by SNMP, or (in tests) a recording. context is NULL,
 * or the SNMP context to read. */
typedef struct snmp_source *collect_open(
        void *arg, const struct device_entry *entry, const char *context, struct err *e);

struct collect {
	const char *agent_id;
	const struct clock *clock;
	int64_t clock_offset_ms; /* server's time minus ours; added to acquiredAt */
	collect_open *open;      /* NULL: by SNMP */
	void *open_arg;
};

/* What became of one entry. */
struct collect_result {
	struct arena *arena; /* of `device`; freed by collect_free() */
	bool ok;
	struct report_device device;
	struct err why; /* when not ok: ERR_UNAVAILABLE no answer, ERR_CONFLICT another device */
};

/* Reads one device. False: result->why. Free with collect_free() either way. */
bool collect_one(const struct collect *collect, const struct device_entry *entry,
        struct collect_result *result) __attribute__((nonnull));

/* Reads all entries of the list, at most COLLECT_AT_ONCE side by side; results[i] belongs to
 * entry i. One that is silent or slow holds up none of the others. Returns early, with what is
 * left undone marked so, when *stop (may be NULL) turns true. */
void collect_all(const struct collect *collect, const struct device_list *list,
        struct collect_result *results, const _Atomic bool *stop) __attribute__((nonnull(1, 2, 3)));

/* Marks as failed every entry whose device an earlier entry has already given. Returns how many. */
size_t collect_drop_doubles(const struct device_list *list, struct collect_result *results)
        __attribute__((nonnull));

void collect_free(struct collect_result *result);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.h: putting a device report into the stores (architecture.md, How a device report is stored).
 *
 * This is the writing side of `device` (its rows and list columns) and of all telemetry; pages read through
 * devices.h and telemetry.h. The order is: devices are found or made (core), the report is merged in one
 * savepoint (telemetry), and when that is durable the list columns that changed are brought up to date
 * (core), with a version, so that a crash in between heals at the device's next report.
 *
 * Repeats do no harm: a report id among the agent's last 64 is answered from the store; events, jobs,
 * cleanings and maintenance are unique by (device, id); values merge by acquiredAt: what is older than the
 * latest state is put in its place in the history and changes nothing else.
 */
#ifndef FLEETPORT_CORE_INTAKE_H
#define FLEETPORT_CORE_INTAKE_H

#include "core/audit.h"
#include "db/sql.h"
#include "lib/report.h"

extern const struct sql_table intake_devices_sql; /* on core */
extern const struct sql_table intake_history_sql; /* these on telemetry */
extern const struct sql_table intake_samples_sql;
extern const struct sql_table intake_settings_sql;
extern const struct sql_table intake_supplies_sql;
extern const struct sql_table intake_telemetry_sql;

/* All of them, for a program's list of tables. */
#define INTAKE_TABLES                                                                              \
	&intake_devices_sql, &intake_history_sql, &intake_samples_sql, &intake_settings_sql,       \
	        &intake_supplies_sql, &intake_telemetry_sql

/* Who reports: the agent as its certificate and its row say. */
struct intake_agent {
	int64_t id;
	const char *public_id; /* "ag_…" */
	int64_t customer_id;
	const char *customer_public_id;
	const char *customer_region; /* "" any */
	int64_t device_limit;        /* devices that it may bring in all */
};

struct intake {
	struct sql_db *db; /* reads core and telemetry, writes both */
	const char *const
	        *regions; /* that the installation serves, ended by NULL; NULL or empty: any */
	const struct json *operation_keys; /* for answers (report.h); NULL: none */
};

struct intake_result {
	bool duplicate;        /* answered from the store; nothing of what it tells was written */
	size_t created;        /* devices seen for the first time */
	size_t twins;          /* of these, how many another customer has too */
	const char **twin_ids; /* their public ids */
	size_t rejected; /* devices that were not taken; 0 of a duplicate: that was told before */
};

/* Stores the report and appends the JSON answer to `answer` when everything in it is durable.
 * operations_pending goes into the answer as it is. ERR_BUSY and ERR_UNAVAILABLE: nothing was taken, or
 * part of it and a repeat of the same report does no harm: answer 503. */
bool intake_store(const struct intake *in, const struct intake_agent *agent,
        const struct report *report, int64_t received_at, bool operations_pending,
        struct arena *arena, struct buf *answer, struct intake_result *result, struct err *e)
        __attribute__((warn_unused_result, nonnull));

/* The list columns of a device, as its state and supplies give them. */
enum { INTAKE_SUPPLY_LOW = 10, INTAKE_SUPPLY_EMPTY = 1 }; /* percent that is left, at or below */

/* What is left of a supply, 0 … 100; -1 when it is not known as a number. Of a receptacle: the room. */
int intake_supply_percent(int class_, int unit, const struct report_int *capacity,
        const struct report_int *level) __attribute__((nonnull));

#endif

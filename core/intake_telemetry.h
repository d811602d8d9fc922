/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake_telemetry.h: between the parts of the merge of a report into telemetry: intake_telemetry.c, which
 * goes through the report's devices, and one file for each thing that a device has.
 *
 * Everything here runs inside one savepoint of the store's writer thread. Nothing is written that has not
 * changed, apart from the moment itself.
 */
#ifndef FLEETPORT_CORE_INTAKE_TELEMETRY_H
#define FLEETPORT_CORE_INTAKE_TELEMETRY_H

#include "core/intake_internal.h"
#include "core/intake_values.h"

/* What the tables' statements have in common. */
#define TELEMETRY_WRITE .role = SQL_WRITE, .store = SQL_TELEMETRY
#define TELEMETRY_READ  .role = SQL_READ, .store = SQL_TELEMETRY

/* The device's latest state, as stored. */
struct intake_state {
	bool found;
	int64_t acquired_at, state_since, sampled_day;
	const char *state, *reasons, *codes, *counters;
	const unsigned char *settings_hash;
	size_t settings_hash_len;
};

/* A device of the report on its way. */
struct intake_device {
	struct sql_conn *conn;
	struct intake_merge *m;
	struct intake_target *t;
	const struct report_device *d;
	struct arena *arena; /* the report's */
	int64_t device, at;  /* its key; when it was read */
	struct intake_state old;
	bool daily; /* this report also gives the day's point */
};

/* ---- intake_samples.c: numbers over time */

bool intake_samples_put(struct intake_device *o, const char *metric, double value, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
/* Merges the counters into the stored ones: *text is what to store. A sample for each that changed; a
 * notice for each that fell. */
bool intake_samples_counters(struct intake_device *o, const char **text, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
/* The counters of a report that is older than what is known. */
bool intake_samples_late(struct intake_device *o, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* ---- intake_supplies.c */

/* The list of supplies is whole in a report that has one: what is no longer in it is gone from the
 * device. Puts the lowest into the list columns. */
bool intake_supplies_merge(struct intake_device *o, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
/* The list columns from the stored supplies, for a report that says nothing about them. */
bool intake_supplies_keep(struct intake_device *o, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
/* The levels of a report that is older than what is known. */
bool intake_supplies_late(struct intake_device *o, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* ---- intake_settings.c */

/* Stores the settings that differ, and each change. *keep: the fingerprint to store, of all settings in
 * the report, or the old one where it has none. */
bool intake_settings_merge(struct intake_device *o, struct sql_value *keep, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* ---- intake_history.c: what happened; each once, whatever order reports come in */

/* The events, jobs, cleanings and maintenance that the device tells. */
bool intake_history_merge(struct intake_device *o, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
/* What the server itself notices: a moment, so it is not open. text NULL: there was no memory for it
 * (ERR_MEMORY). */
bool intake_history_notice(struct intake_device *o, const char *severity, const char *code,
        const char *what, const char *text, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));
/* For devices that keep no history of their own, the reasons that come and go are their history. */
bool intake_history_reasons(struct intake_device *o, const struct intake_reason *now,
        size_t now_count, struct err *e) __attribute__((warn_unused_result, nonnull(1)));

/* ---- values as the columns have them */

static inline struct sql_value optional_int(const struct report_int *n)
{
	return n->set ? SQL_I(n->value) : SQL_NULL;
}

static inline struct sql_value optional_real(const struct report_real *n)
{
	return n->set ? SQL_R(n->value) : SQL_NULL;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telemetry.h: what a device has said, for the pages about it.
 *
 * `device` is struct device's id, from devices_find(); the access rule is checked again in each
 * statement, so that a foreign id finds nothing. Texts are the arena's; times are milliseconds since
 * 1970, 0 where there is none. Connections must read both core and telemetry.
 */
#ifndef FLEETPORT_CORE_TELEMETRY_H
#define FLEETPORT_CORE_TELEMETRY_H

#include "core/access.h"
#include "db/sql.h"

extern const struct sql_table telemetry_sql;       /* telemetry.c: lists */
extern const struct sql_table telemetry_state_sql; /* telemetry_state.c: the latest state */

enum { TELEMETRY_ROWS_MAX = 1000 }; /* of one list; larger limits are cut to it */

struct telemetry_reason {
	const char *keyword;  /* IPP printer-state-reason without suffix */
	const char *severity; /* "error", "warning", "report" */
	int64_t since;        /* when its open event began; 0: not known */
};

struct telemetry_code {
	const char *code;
	const char *severity;
	const char *text; /* NULL: none */
	int64_t since;
};

struct telemetry_counter {
	const char *name; /* as the report has it: "impressions", "inkUsedMl.cyan" */
	double value;
};

struct telemetry_setting {
	const char *category; /* "panel", "printer", "maintenance", "media", "network" */
	const char *name;
	const char *value;
};

/* The latest state as a whole. */
struct telemetry_state {
	bool known;          /* false: nothing but `seen_at` was ever told */
	int64_t seen_at;     /* the last report, exact; 0: none */
	int64_t acquired_at; /* when the agent read these values */
	int64_t received_at;
	const char *collection; /* "scheduled", "event", "operation", "initial" */
	const char *state;
	int64_t state_since;
	int64_t device_time;
	const char *region, *country; /* NULL: not told */
	struct telemetry_reason *reasons;
	size_t reason_count;
	struct telemetry_code *codes;
	size_t code_count;
	struct telemetry_counter *counters;
	size_t counter_count;
	struct telemetry_setting *settings;
	size_t setting_count;
};

/* Not an error when the device is not the viewer's or has said nothing: known is false then. */
bool telemetry_state(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, struct telemetry_state *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 5)));

/* RFC 3805 words for class, type and unit. */
struct telemetry_supply {
	int64_t index;
	const char *class_;
	const char *type;
	const char *color; /* NULL: none */
	const char *name;
	const char *unit;
	bool has_capacity, has_level;
	int64_t capacity, level;
	const char
	        *level_state; /* "some-remaining", "unknown", "unrestricted"; NULL: level counts */
	const char *resolution; /* "exact", "coarse", "none" */
	const char *serial_number;
	int64_t installed_at;
	int64_t changed_at;
};

/* By index. */
bool telemetry_supplies(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, struct telemetry_supply **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 5, 6)));

/* A place in a list that is read newest first: what comes after the row of this time and id. */
struct telemetry_place {
	int64_t at;
	const char *id;
};

struct telemetry_event {
	const char *id;
	int64_t at;
	int64_t cleared_at;               /* 0: open, or not told */
	const char *severity;             /* "error", "warning", "report" */
	const char *code, *reason, *text; /* each may be NULL */
};

/* Newest first: all, or those that are open; before: what comes after it (NULL: from the newest on). */
bool telemetry_events(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, bool open_only, const struct telemetry_place *before, size_t limit,
        struct telemetry_event **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 8, 9)));

struct telemetry_cleaning {
	const char *id;
	int64_t at;
	const char *kind;
	const char *trigger;
	double ink_used_ml; /* < 0: not told */
};

bool telemetry_cleanings(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, const struct telemetry_place *before, size_t limit,
        struct telemetry_cleaning **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 7, 8)));

struct telemetry_maintenance {
	const char *id;
	int64_t at;
	const char *kind;
	const char *part; /* NULL: not told */
	int64_t count;    /* < 0: not told */
};

bool telemetry_maintenance(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, const struct telemetry_place *before, size_t limit,
        struct telemetry_maintenance **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 7, 8)));

struct telemetry_job {
	const char *id;
	int64_t started_at, ended_at;
	const char *state;   /* IPP job-state */
	const char *reasons; /* JSON array of IPP job-state-reasons */
	int64_t impressions; /* < 0: not told, as are the next two */
	int64_t sheets;
	double area_m2;
	const char *media;    /* NULL: not told */
	const char *ink_used; /* JSON object colour: ml */
};

bool telemetry_jobs(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, const struct telemetry_place *before, size_t limit,
        struct telemetry_job **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 7, 8)));

struct telemetry_sample {
	int64_t at;
	double value;
};

/* A number over time, oldest first, from `from` on: metric "supply.1.level", "counters.impressions". */
bool telemetry_samples(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, const char *metric, int64_t from, size_t limit,
        struct telemetry_sample **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 5, 8, 9)));

struct telemetry_change {
	int64_t at;
	const char *category;
	const char *name;
	const char *old_value,
	        *new_value; /* NULL: it was not there before / is not there any more */
};

/* Changes of settings, newest first. A change's id, for a place, is "category.name". */
bool telemetry_changes(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int64_t device, const struct telemetry_place *before, size_t limit,
        struct telemetry_change **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 7, 8)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* records.h: what a device kept account of, newest first: GET /devices/:id/records on both sites, and the newest rows on
 * the device's own page. */
#ifndef FLEETPORT_TEMPLATES_RECORDS_H
#define FLEETPORT_TEMPLATES_RECORDS_H

#include "templates/page.h"

enum records_kind {
	RECORDS_EVENTS,
	RECORDS_JOBS,
	RECORDS_CLEANINGS,
	RECORDS_MAINTENANCE,
	RECORDS_CHANGES, /* of settings */
	RECORDS_KINDS,
};

struct event_view {
	int64_t at;
	int64_t cleared_at; /* 0: not known, or still there */
	enum attention severity;
	const char *keyword; /* or NULL */
	const char *code;    /* or NULL */
	const char *text;    /* or NULL */
};

struct amount_view {
	const char *color;
	double ml;
};

struct job_view {
	int64_t started_at, ended_at;
	const char *state;    /* IPP job-state */
	const char **reasons; /* IPP job-state-reasons */
	size_t reason_count;
	int64_t impressions, sheets; /* < 0: not told, as is the area */
	double area_m2;
	const char *media; /* or NULL */
	struct amount_view *inks;
	size_t ink_count;
};

struct cleaning_view {
	int64_t at;
	const char *kind;
	const char *trigger;
	double ink_used_ml; /* < 0: not known */
};

struct maintenance_view {
	int64_t at;
	const char *kind;
	const char *part; /* or NULL */
	int64_t count;    /* < 0: not told */
};

struct change_view {
	int64_t at;
	const char *category;
	const char *name;
	const char *old_value, *new_value; /* NULL: it was, or is, not there */
};

/* Rows of one kind; the list of that kind is the one that is set. */
struct records {
	enum records_kind kind;
	size_t count;
	bool more; /* there are older ones */
	struct event_view *events;
	struct job_view *jobs;
	struct cleaning_view *cleanings;
	struct maintenance_view *maintenance;
	struct change_view *changes;
};

/* The word of a kind in addresses: "events", "jobs", "cleanings", "maintenance", "changes". */
extern const char *const records_words[RECORDS_KINDS + 1];

/* A heading for the kind, to be translated. */
const char *records_title(enum records_kind kind);

/* What the link to all of them says, to be translated. */
const char *records_all(enum records_kind kind);

struct records_page {
	struct layout layout;
	struct device_row device;
	struct records records;
	struct pager pager;
};

#endif

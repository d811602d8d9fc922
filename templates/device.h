/* SPDX-License-Identifier: Apache-2.0 */
/* device.h: GET /devices/:id on both sites. */
#ifndef FLEETPORT_TEMPLATES_DEVICE_H
#define FLEETPORT_TEMPLATES_DEVICE_H

#include "templates/page.h"

struct counter_view {
	const char *name; /* "impressions", "inkUsedMl.cyan", "printTimeSeconds" … as the report has
	                     it */
	double value;
};

struct event_view {
	int64_t at;
	int64_t cleared_at; /* 0: not known, or still there */
	enum attention severity;
	const char *keyword; /* or NULL */
	const char *code;    /* or NULL */
	const char *text;    /* or NULL */
};

struct cleaning_view {
	int64_t at;
	const char *kind;
	const char *trigger;
	double ink_used_ml; /* < 0: not known */
};

struct setting_view {
	const char *category;
	const char *name;
	const char *value;
};

struct device_page {
	struct layout layout;
	struct device_row device;
	const char *model;
	const char *firmware;      /* NULL: not told */
	const char *identity_kind; /* "serial", "mac", "entry" */
	const char *agent;         /* public id of the one that reports it, or NULL */
	const char *collection;    /* "scheduled" … how the latest values came; NULL: none yet */
	int64_t first_seen_at;
	int64_t state_since;
	int64_t acquired_at; /* when the values were read; 0: there are none yet */
	struct problem *problems;
	size_t problem_count;
	struct supply_view *supplies;
	size_t supply_count;
	struct counter_view *counters;
	size_t counter_count;
	struct event_view *events;
	size_t event_count;
	struct cleaning_view *cleanings;
	size_t cleaning_count;
	struct setting_view *settings;
	size_t setting_count;

	/* support site */
	bool may_operate; /* shows the button to /devices/:id/operation */
	struct operation_row *operations;
	size_t operation_count;
};

#endif

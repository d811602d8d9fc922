/* SPDX-License-Identifier: Apache-2.0 */
/* device.h: GET /devices/:id on both sites. */
#ifndef FLEETPORT_TEMPLATES_DEVICE_H
#define FLEETPORT_TEMPLATES_DEVICE_H

#include "templates/page.h"
#include "templates/records.h"

struct counter_view {
	const char *name; /* "impressions", "inkUsedMl.cyan", "printTimeSeconds" … as the report has
	                     it */
	double value;
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
	int64_t device_time;       /* the device's own clock when it was read; 0: not told */
	const char *region;        /* of the product; NULL: not told */
	const char *country;       /* ISO 3166-1; NULL: not told */
	const char *agent;         /* public id of the one that reports it, or NULL */
	const char *agent_type;    /* "dc", "es"; set with agent, as are the next two */
	const char *agent_version; /* "": not told */
	const char *agent_system;  /* operating system, version and kind of machine; "": not told */
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
	struct records records[RECORDS_KINDS]; /* the newest of each kind */
	struct setting_view *settings;
	size_t setting_count;

	/* support site */
	bool may_operate; /* shows the button to /devices/:id/operation */
	struct operation_row *operations;
	size_t operation_count;
};

#endif

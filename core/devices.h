/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices.h: the devices that a viewer may see: the fleet in figures, lists, one device.
 *
 * The one access rule (core/access.h) is in every statement; a device outside the viewer's scope is
 * ERR_NOT_FOUND or not in the list, exactly as one that does not exist; so is a retired one. Texts
 * are the arena's. Connections must read both core and telemetry.
 */
#ifndef FLEETPORT_CORE_DEVICES_H
#define FLEETPORT_CORE_DEVICES_H

#include "core/access.h"
#include "core/attention.h"
#include "db/sql.h"

extern const struct sql_table devices_sql;        /* devices.c: the fleet, one device */
extern const struct sql_table devices_list_sql;   /* devices_list.c: lists */
extern const struct sql_table devices_urgent_sql; /* devices_urgent.c: what comes first */

enum {
	DEVICES_SILENT_MS =
	        3 * 3600 * 1000,  /* seen_hour is cut to the hour: after two hours and some */
	DEVICES_COUNT_CAP = 1000, /* counts are exact up to here; a larger value means "more" */
	DEVICES_PAGE_MAX = 200,
	DEVICES_CURSOR_MAX = 1024, /* bytes of a cursor's text */
};

/* A device in one word; the first that holds, from below: silent, error (stopped, or an error is
 * open), printing, idle, unknown. */
enum device_condition {
	DEVICE_UNKNOWN,
	DEVICE_PRINTING,
	DEVICE_IDLE,
	DEVICE_ERROR,
	DEVICE_SILENT,
	DEVICE_CONDITIONS,
	DEVICE_ANY_CONDITION = -1,
};

struct device {
	int64_t id;
	const char *public_id;
	const char *name;          /* shown: the model, or what stands in for it */
	const char *manufacturer;  /* "" if not known */
	const char *model;         /* "" if not known */
	const char *serial_number; /* NULL: it has none */
	const char *firmware;      /* NULL: not told */
	const char *identity_kind; /* "serial", "mac", "entry" */
	const char *state;         /* "idle", "processing", "stopped", "unknown" */
	enum device_condition condition;
	enum device_attention attention;
	const char *attention_text; /* the most urgent reason's keyword, "" if none */
	int lowest_supply;          /* percent of the lowest measured supply; -1: unknown */
	int64_t first_seen_at;
	int64_t seen_hour; /* last report, cut to the hour: lists sort and filter by it */
	int64_t seen_at;   /* last report */
	int64_t group_id;
	const char *group_public_id;
	const char *group_name;
	const char *consent; /* the group's, to remote operations: "always", "ask", "never" */
	int64_t customer_id;
	const char *customer_public_id;
	const char *customer_name;
	int64_t agent_id;                         /* that reported it last; 0: none */
	const char *agent_public_id;              /* NULL: none, as are the next three */
	const char *agent_type;                   /* "dc", "es" */
	const char *agent_version, *agent_system; /* as it says them; "" not told */
};

/* ---- the fleet page */

struct fleet {
	int64_t counts[DEVICE_CONDITIONS];
	int64_t total;
	int64_t attention; /* devices with a warning or an error */
};

bool devices_fleet(struct sql_conn *conn, const struct viewer *viewer, struct fleet *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* Devices that need somebody, each once: those with an error, the newest device first; silent ones, the
 * last to fall silent first; those with a warning. At most limit (<= DEVICES_PAGE_MAX). */
bool devices_attention(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        size_t limit, struct device **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 5, 6)));

/* Devices whose lowest measured supply is at most max_percent, the lowest first. */
bool devices_low(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        int max_percent, size_t limit, struct device **list, size_t *count, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 6, 7)));

/* ---- the list */

enum devices_sort {
	DEVICES_BY_NAME,
	DEVICES_BY_MODEL,
	DEVICES_BY_STATE,
	DEVICES_BY_ATTENTION,
	DEVICES_BY_SUPPLY, /* unknown levels come after all known ones */
	DEVICES_BY_SEEN,
	DEVICES_SORTS,
};

struct devices_filter {
	const char *search; /* as typed; every word must occur. NULL or "": none */
	enum device_condition condition;
	enum device_attention attention_min, attention_max; /* max NONE: no upper bound */
	const char *model;                                  /* exactly; NULL or "": any */
	const char *group;                                  /* public id; NULL or "": any */
	const char *customer;                               /* public id; NULL or "": any */
};
/* Sets every member: DEVICES_ALL lets all pass. */
#define DEVICES_ALL ((struct devices_filter){.condition = DEVICE_ANY_CONDITION})

struct devices_query {
	struct devices_filter filter;
	enum devices_sort sort;
	bool descending;
	const char *cursor; /* `next` or `previous` of another page; NULL or "": the first page */
	size_t limit;       /* 1 … DEVICES_PAGE_MAX; 0: 50 */
};

struct devices_list {
	struct device *devices;
	size_t count;
	const char *next, *previous; /* cursors; NULL: there is none */
};

/* One page. A cursor that is not ours, or of another sort order, is ERR_INVALID. */
bool devices_list(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const struct devices_query *query, struct devices_list *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* How many devices pass the filter; above DEVICES_COUNT_CAP: more than that. */
bool devices_count(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const struct devices_filter *filter, int64_t *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* ---- one device */

/* ERR_NOT_FOUND: no such device, or not for this viewer. */
bool devices_find(struct sql_conn *conn, const struct viewer *viewer, struct arena *arena,
        const char *public_id, struct device *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* Whether the viewer holds a right ("view", "operate", "consume") on the device now. Contract, grant
 * and time are in it; the group's consent is not. */
bool devices_may(struct sql_conn *conn, const struct viewer *viewer, int64_t device,
        const char *right, bool *may, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4, 5)));

#endif

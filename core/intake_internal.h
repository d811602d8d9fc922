/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake_internal.h: what intake.c (a report's whole way), intake_devices.c (its devices' rows in core) and
 * intake_telemetry.c (what they tell) hand each other.
 */
#ifndef FLEETPORT_CORE_INTAKE_INTERNAL_H
#define FLEETPORT_CORE_INTAKE_INTERNAL_H

#include "core/intake.h"
#include "lib/crypto.h"

/* A device's list columns. Texts live in the arena of the report. */
struct intake_columns {
	const char *state, *attention_text;
	int64_t attention, lowest_supply; /* lowest_supply -1: unknown */
};

/* A reported device and the row it belongs to. */
struct intake_target {
	const struct report_device *device;
	int64_t id; /* 0: not found or made yet */
	const char *public_id;
	const char *fold; /* search key */
	const char *name;
	unsigned char settings[CRYPTO_FINGERPRINT]; /* intake_settings_fingerprint() */
	bool is_new, serial_appeared;
	/* the row as it is */
	int64_t version, seen_hour, agent_id;
	bool identity_differs, words_differ; /* columns that the report alone decides */
	struct intake_columns stored;
	/* after the merge */
	bool newest; /* this report is the device's latest */
	struct intake_columns merged;
};

/* One report on its way into telemetry. */
struct intake_merge {
	const struct intake_agent *agent;
	const struct report *report;
	struct intake_target *targets;
	size_t count;
	int64_t received_at;
	const char *answer; /* to be stored */
	const char *
	        seen; /* the stored one, if the same report was stored meanwhile: nothing was written */
	struct arena *arena;
};

/* A device's last sign of life: when it was read, if that lies before the report's arrival (a report can
 * have waited in a spool, or tell of days ago). */
int64_t intake_seen_at(int64_t received_at, const struct report_device *d);

/* Finds the row of a reported device. t->id stays 0 when there is none. */
bool intake_devices_find(struct sql_conn *conn, const struct intake_agent *agent,
        struct arena *arena, struct intake_target *t, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

/* The devices that have no row yet, or whose serial number appears. */
struct intake_making {
	const struct intake_agent *agent;
	struct intake_target *targets;
	size_t count;
	int64_t now;
	struct arena *arena;
	bool *over_limit; /* a target each: the agent has brought as many as it may */
};
/* A sql_work on core; arg is a struct intake_making. */
bool intake_devices_make(struct sql_conn *conn, void *arg, struct err *e);

/* Whether another customer has a device with this serial number. */
bool intake_devices_twin(struct sql_conn *conn, const struct intake_agent *agent,
        const struct intake_target *t, bool *twin, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

/* Whether the list columns are not what the merge found. */
bool intake_devices_stale(const struct intake_merge *m, const struct intake_target *t)
        __attribute__((nonnull));
/* A sql_work on core that brings them up to date; arg is a struct intake_merge. */
bool intake_devices_list(struct sql_conn *conn, void *arg, struct err *e);

/* A sql_work on telemetry; arg is a struct intake_merge. */
bool intake_merge_work(struct sql_conn *conn, void *arg, struct err *e);

/* The answer stored for a report of this agent, or NULL with *e clear if there is none. */
const char *intake_seen(struct sql_conn *conn, int64_t agent, const char *report_id,
        struct arena *arena, struct err *e);

static inline const char *text_or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake_internal.h: what intake.c (core) and intake_telemetry.c (telemetry) hand each other.
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
	const char *answer;
	struct arena *arena;
};

/* When the device was last heard of, by this report. */
int64_t intake_seen_at(int64_t received_at, const struct report_device *d);

/* A sql_work on telemetry; arg is a struct intake_merge. */
bool intake_merge_work(struct sql_conn *conn, void *arg, struct err *e);

/* The answer stored for a report of this agent, or NULL with *e clear if there is none. */
const char *intake_seen(struct sql_conn *conn, int64_t agent, const char *report_id,
        struct arena *arena, struct err *e);

#endif

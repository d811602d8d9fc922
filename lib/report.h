/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h: the device report (agent-protocol.md, data-model.md), both sides of the wire.
 *
 * One table in report.c names every field with its type and bounds; reading and writing both walk
 * it. To add a stored value: a member here, a row there.
 *
 * Absent is absent, never zero: texts are NULL, numbers carry `set`, enumerations are 0, lists are
 * empty. All memory that report_read() hands out is the arena's. Texts are UTF-8 without control
 * characters. Times are milliseconds since 1970 (UTC).
 */
#ifndef FLEETPORT_LIB_REPORT_H
#define FLEETPORT_LIB_REPORT_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

#define REPORT_SCHEMA "fleetport.report/1"

enum {
	REPORT_BYTES_MAX = 8 * 1024 * 1024, /* unpacked */
	REPORT_PACKED_MAX = 1024 * 1024,    /* gzip, on the wire */
	REPORT_DEPTH_MAX = 16,
	REPORT_VALUES_MAX = 600000,
	REPORT_DEVICES_MAX = 256,
	REPORT_SUPPLIES_MAX = 256, /* of a device */
	REPORT_WARNINGS_MAX = 64,  /* later ones are counted, not kept */
	REPORT_SETTINGS_MAX = 200,
	REPORT_ARENA_BYTES = 96 * 1024 * 1024, /* enough for any report within the limits */
};

/* A number that may be absent. */
struct report_int {
	bool set;
	int64_t value;
};
struct report_real {
	bool set;
	double value;
};

enum report_agent_type { REPORT_AGENT_DC = 1, REPORT_AGENT_ES };
enum report_collection { REPORT_SCHEDULED = 1, REPORT_EVENT, REPORT_OPERATION, REPORT_INITIAL };
enum report_product { REPORT_WORKSTATION = 1, REPORT_SERVER, REPORT_EMBEDDED };
enum report_identity_kind { REPORT_SERIAL = 1, REPORT_MAC, REPORT_ENTRY };
enum report_state { REPORT_IDLE = 1, REPORT_PROCESSING, REPORT_STOPPED, REPORT_UNKNOWN };
enum report_severity { REPORT_INFO = 1, REPORT_WARNING, REPORT_ERROR }; /* "report", "warning", … */
enum report_level_state { REPORT_SOME_REMAINING = 1, REPORT_LEVEL_UNKNOWN, REPORT_UNRESTRICTED };
/* How finely a level is told: as a number, only roughly, or not at all. */
enum report_resolution { REPORT_EXACT = 1, REPORT_COARSE, REPORT_NONE };
enum report_setting_type { REPORT_SETTING_TEXT = 1, REPORT_SETTING_NUMBER, REPORT_SETTING_BOOL };
/* Indexes of report_device.settings. */
enum report_setting_group {
	REPORT_PANEL,
	REPORT_PRINTER,
	REPORT_MAINTENANCE,
	REPORT_MEDIA,
	REPORT_NETWORK,
	REPORT_SETTING_GROUPS
};

/* Supply class, type and unit hold the numbers of RFC 3805 (1 other, 2 unknown, …). */
enum report_supply_class { REPORT_CONSUMED = 3, REPORT_RECEPTACLE = 4 };
enum report_supply_unit {
	REPORT_UNIT_OTHER = 1,
	REPORT_UNIT_UNKNOWN = 2,
	REPORT_UNIT_PERCENT = 19
};

/* The wire's words. NULL for 0 or a number that has none. */
const char *report_agent_type_name(int type);       /* dc, es */
const char *report_collection_name(int collection); /* scheduled, event, operation, initial */
const char *report_product_name(int product);       /* workstation, server, embedded */
const char *report_identity_kind_name(int kind);    /* serial, mac, entry */
const char *report_state_name(int state);           /* idle, processing, stopped, unknown */
const char *report_severity_name(int severity);     /* report, warning, error */
const char *report_level_state_name(int state);     /* some-remaining, unknown, unrestricted */
const char *report_resolution_name(int resolution); /* exact, coarse, none */
const char *report_job_state_name(int state);       /* IPP: 3 pending … 9 completed */
const char *report_supply_class_name(int class_);   /* RFC 3805: receptacleThatIsFilled, … */
const char *report_supply_type_name(int type);      /* ink, wasteInk, tonerCartridge, … */
const char *report_supply_unit_name(int unit);      /* percent, tenthsOfMilliliters, … */
const char *report_setting_group_name(int group);   /* panel, printer, … */

/* An IPP printer-state-reasons keyword. On the wire one string with IPP's suffix
 * ("media-empty-warning"; no suffix is an error), or {keyword, severity}. "none" is dropped. */
struct report_reason {
	const char *keyword; /* without suffix */
	int severity;
};

struct report_code {
	const char *code; /* as the device gives it */
	int severity;
	const char *text;
};

struct report_event {
	const char *id; /* unique within the device */
	struct report_int at, cleared_at;
	int severity;
	const char *code, *reason, *text;
};

struct report_supply {
	struct report_int index;
	int class_, type, unit; /* RFC 3805 */
	const char *color, *name;
	struct report_int capacity, level; /* in unit; of a receptacle the room that is left */
	int level_state, resolution;
	const char *serial_number;
	struct report_int installed_at;
};

struct report_cleaning {
	const char *id;
	struct report_int at;
	const char *kind, *trigger;
	struct report_real ink_used_ml;
};

struct report_maintenance {
	const char *id;
	struct report_int at;
	const char *kind, *part;
	struct report_int count;
};

/* Millilitres of one colour. */
struct report_amount {
	const char *color;
	double ml;
};

struct report_job {
	const char *id;
	struct report_int started_at, ended_at;
	int state; /* IPP job-state */
	const char **reasons;
	size_t reason_count;
	struct report_int impressions, sheets;
	struct report_real area_m2;
	const char *media;
	struct report_amount *ink_used;
	size_t ink_used_count;
};

struct report_setting {
	const char *name;
	int type; /* enum report_setting_type says which of these holds */
	const char *text;
	double number;
	bool truth;
};

struct report_settings {
	struct report_setting *items;
	size_t count;
};

struct report_counters {
	struct report_amount *ink_used;
	size_t ink_used_count;
	struct report_int print_time_seconds, impressions, sheets;
	struct report_real print_area_m2;
};

struct report_device {
	size_t index; /* in the report's list, rejected ones counted */
	const char *manufacturer, *model, *serial_number;
	int identity_kind;
	const char *identity;      /* value; never NULL in what report_read() accepts */
	const char *entry, *group; /* id of the agent's list entry, and the group it names */
	const char *region_code;   /* as it is configured at the server, upper case */
	const char *country_code;  /* ISO 3166-1 alpha-2, upper case */
	struct report_int device_time, acquired_at;
	const char *firmware_version;

	int state; /* 0: the report says nothing about the status */
	struct report_reason *reasons;
	size_t reason_count;
	struct report_code *codes;
	size_t code_count;

	struct report_event *events;
	size_t event_count;
	struct report_settings settings[REPORT_SETTING_GROUPS];
	struct report_supply *supplies;
	size_t supply_count;
	struct report_cleaning *cleanings;
	size_t cleaning_count;
	struct report_maintenance *maintenance;
	size_t maintenance_count;
	struct report_counters counters;
	struct report_job *jobs;
	size_t job_count;
};

struct report_agent {
	const char *id;
	int type;
	const char *version;
	int collection;
	struct report_int sent_at;
	const char *os_name, *os_version;
	int os_product;
};

enum report_reject {
	REPORT_NOT_VALID = 1,
	REPORT_IDENTITY_MISSING,
	REPORT_REGION_NOT_SERVED,
	REPORT_TIME_IMPLAUSIBLE,
	REPORT_TOO_MANY_DEVICES
};
const char *report_reject_name(int reject); /* not-valid, identity-missing, … */

struct report_rejected {
	size_t index;
	int code; /* enum report_reject */
	const char *message;
};

/* Something that was dropped without spoiling anything: an unknown field, say. */
struct report_warning {
	const char *path; /* "$.devices[3].colour" */
	const char *message;
};

struct report {
	const char *id; /* a UUID in lower case */
	struct report_agent agent;
	struct report_device *devices; /* those that are valid */
	size_t device_count;
	struct report_rejected *rejected;
	size_t rejected_count;
	struct report_warning *warnings;
	size_t warning_count;
	size_t warnings_dropped; /* beyond REPORT_WARNINGS_MAX */
};

/* What is wrong with a report as a whole. */
enum report_fault {
	REPORT_FAULT_NONE,
	REPORT_FAULT_JSON,   /* not JSON, or a member of the wrong kind: 400, path in the error */
	REPORT_FAULT_SIZE,   /* beyond a limit: 413 */
	REPORT_FAULT_SCHEMA, /* another schema than REPORT_SCHEMA: 422 */
	REPORT_FAULT_MEMORY  /* ours: 503 */
};

/*
 * Reads a report from text[0..len). now_ms judges acquiredAt (400 days back, 5 minutes ahead).
 * A fault in one device goes to out->rejected and leaves the others whole. Region and "too many new
 * devices" are the caller's to judge. False: *fault and *e say why, out is not to be used.
 */
bool report_read(const char *text, size_t len, int64_t now_ms, struct arena *arena,
        struct report *out, enum report_fault *fault, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 4, 5, 6)));

/* Appends the report as compact JSON to b. False: no memory, b full (ERR_LIMIT), or text that is
 * not UTF-8. */
bool report_write(const struct report *report, struct buf *b, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* As report_write(), indented for people (--dry-run). */
bool report_write_indented(const struct report *report, struct buf *b, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* The server's answer to a report. */
struct report_answer {
	const char *report_id;
	bool duplicate;
	int64_t accepted;
	const struct report_rejected *rejected;
	size_t rejected_count;
	const struct report_warning *warnings;
	size_t warning_count;
	bool operations_pending;
	const struct json
	        *operation_keys; /* an array that is written as "operationKeys"; NULL: none.
	                                      Reading leaves it NULL: enrolment_keys_read() reads it */
};

/* Appends the answer as JSON. */
bool report_answer_write(const struct report_answer *answer, struct buf *b, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Reads an answer (at most 1 MiB); unknown members are skipped. */
bool report_answer_read(
        const char *text, size_t len, struct arena *arena, struct report_answer *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3, 4)));

#endif

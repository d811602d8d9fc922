/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake_values.h: the parts of a report in the form in which they are stored, and what changed in them.
 * All texts live in the arena. NULL / false: no memory, or a stored text that is damaged (ERR_CORRUPT).
 */
#ifndef FLEETPORT_CORE_INTAKE_VALUES_H
#define FLEETPORT_CORE_INTAKE_VALUES_H

#include "core/intake_internal.h"
#include "lib/crypto.h"

/* JSON arrays: [{"keyword","severity"}], [{"code","severity","text"}]. */
const char *intake_reasons_text(struct arena *arena, const struct report_device *d, struct err *e);
const char *intake_codes_text(struct arena *arena, const struct report_device *d, struct err *e);
/* JSON array of strings; JSON object colour: ml. */
const char *intake_strings_text(
        struct arena *arena, const char *const *texts, size_t count, struct err *e);
const char *intake_amounts_text(
        struct arena *arena, const struct report_amount *amounts, size_t count, struct err *e);
/* JSON object of scalars. */
const char *intake_settings_text(
        struct arena *arena, const struct report_settings *settings, struct err *e);

/* Of all settings in a report: equal means that there is nothing to compare. */
bool intake_settings_fingerprint(const struct report_device *d,
        unsigned char out[CRYPTO_FINGERPRINT], struct err *e) __attribute__((warn_unused_result));

/* A number that changed. */
struct intake_change {
	const char *metric; /* "counters.inkUsedMl.black" */
	bool had;
	double before, now;
};

/* Merges the counters of a report into the stored ones (a value that the report does not have stays).
 * *all: every counter of the report, changed or not, for the daily point. */
struct intake_counters {
	const char *text; /* what to store */
	struct intake_change *all;
	size_t count;
};
bool intake_counters_merge(struct arena *arena, const char *stored,
        const struct report_counters *now, struct intake_counters *out, struct err *e)
        __attribute__((warn_unused_result));

/* A setting that differs between a stored object and a reported one; texts as JSON scalars. */
struct intake_setting {
	const char *name, *before, *now; /* before NULL: it is new */
};
bool intake_settings_diff(struct arena *arena, const char *stored, const char *now,
        struct intake_setting **out, size_t *count, struct err *e)
        __attribute__((warn_unused_result));

/* A reason as stored. */
struct intake_reason {
	const char *keyword, *severity;
};
bool intake_reasons_read(struct arena *arena, const char *stored, struct intake_reason **out,
        size_t *count, struct err *e) __attribute__((warn_unused_result));

/* The columns that state and reasons decide; lowest_supply -1 and its keyword are put in by
 * intake_columns_supply() for each supply. */
void intake_columns_state(struct intake_columns *c, const char *state,
        const struct intake_reason *reasons, size_t count);
void intake_columns_supply(struct intake_columns *c, int percent);

#endif

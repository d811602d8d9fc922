/* SPDX-License-Identifier: Apache-2.0 */
#include "core/program_record.h"

#include "lib/log.h"

enum { TRY_AGAIN_MS = 500 };

static bool record(const struct program_run *run, struct audit_client *audit, const char *action,
        struct err *e)
{
	const struct audit_entry entry = {.actor_kind = "program",
	        .actor_id = run->program->name,
	        .action = action,
	        .outcome = AUDIT_DONE};

	return audit_record(audit, &entry, NULL, e);
}

static bool passes(const struct err *e)
{
	return e->code == ERR_UNAVAILABLE || e->code == ERR_BUSY || e->code == ERR_IO;
}

bool program_record_start(const struct program_run *run, struct audit_client *audit,
        program_prepare *prepare, void *arg, bool *stopped, struct err *e)
{
	bool said = false;

	*stopped = false;
	while ((prepare != NULL && !prepare(arg, e)) || !record(run, audit, "program.start", e)) {
		if (!passes(e))
			return false;
		if (!said)
			log_event(LOG_LEVEL_WARNING, "waiting", "reason", e->text, NULL);
		said = true;
		*stopped = program_pause(run, TRY_AGAIN_MS);
		if (*stopped)
			break;
	}
	*e = ERR_CLEAR;
	return true;
}

static void record_within(const struct program_run *run, struct audit_client *audit,
        const char *action, int64_t wait_ms)
{
	int64_t end = clock_monotonic_ms(clock_real()) + wait_ms;
	struct err e = ERR_CLEAR;

	while (!record(run, audit, action, &e)) {
		if (passes(&e) && clock_monotonic_ms(clock_real()) < end &&
		        !program_pause(run, TRY_AGAIN_MS))
			continue;
		log_event(LOG_LEVEL_ERROR, "audit-failed", "action", action, "why", e.text, NULL);
		return;
	}
}

void program_record_start_within(
        const struct program_run *run, struct audit_client *audit, int64_t wait_ms)
{
	record_within(run, audit, "program.start", wait_ms);
}

void program_record_stop(const struct program_run *run, struct audit_client *audit)
{
	record_within(run, audit, "program.stop", 0);
}

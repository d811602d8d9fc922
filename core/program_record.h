/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_record.h: a program's life in the audit log: program.start before it does anything,
 * program.stop after it has done everything.
 */
#ifndef FLEETPORT_CORE_PROGRAM_RECORD_H
#define FLEETPORT_CORE_PROGRAM_RECORD_H

#include "core/audit.h"
#include "lib/program.h"

#include <stdbool.h>
#include <stdint.h>

/* What a program does before its start is recorded. It is called again when it, or the record, fails
 * for a reason that passes (ERR_UNAVAILABLE, ERR_BUSY, ERR_IO), so it must bear repetition. */
typedef bool program_prepare(void *arg, struct err *e);

/* Prepares (prepare may be NULL), then records the start; tries both again until stores and audit
 * process are there. *stopped: the end was asked for meanwhile, and nothing was recorded. False: a
 * reason that does not pass. */
bool program_record_start(const struct program_run *run, struct audit_client *audit,
        program_prepare *prepare, void *arg, bool *stopped, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 5, 6)));

/* For a program that serves without the audit log: records the start if that can be done within wait_ms
 * (programs are started side by side). Else the program's own log says that it was not. */
void program_record_start_within(const struct program_run *run, struct audit_client *audit,
        int64_t wait_ms) __attribute__((nonnull));

/* Records the stop, when nothing is done any more. A program does not stay for an audit process that is
 * away: then the program's own log says that it was not recorded. */
void program_record_stop(const struct program_run *run, struct audit_client *audit)
        __attribute__((nonnull));

#endif

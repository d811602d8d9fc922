/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h: what the files of `fleetport doctor` share. A check says what it found, how bad it is,
 * and what to do.
 */
#ifndef FLEETPORT_CLI_DOCTOR_H
#define FLEETPORT_CLI_DOCTOR_H

#include "cli/cli.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAULT };

struct doctor {
	struct cli *cli;
	struct cli_list list;
	unsigned counts[3]; /* by enum finding */
	bool failed;        /* no memory for the list */
	int64_t now;
};

/* Adds a line. says and fix are copied; fix NULL: nothing to do. */
void doctor_say(struct doctor *d, const char *check, enum finding finding, const char *fix,
        const char *format, ...) __attribute__((format(printf, 5, 6)));

/* doctor_files.c: configuration, folders, keys, certificates. */
void doctor_configuration(struct doctor *d);
void doctor_folders(struct doctor *d);
void doctor_secrets(struct doctor *d);
void doctor_certificates(struct doctor *d);

/* doctor_services.c: stores, audit log, sockets, TLS, clock, disk. */
void doctor_stores(struct doctor *d);
void doctor_people(struct doctor *d);
void doctor_factors(struct doctor *d);
void doctor_audit(struct doctor *d);
void doctor_sockets(struct doctor *d);
void doctor_tls(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_disk(struct doctor *d);

/* doctor_libraries.c */
void doctor_libraries(struct doctor *d);

#endif

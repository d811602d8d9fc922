/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h: what the main() of every long-running program does.
 *
 * program_main() reads the command line (--config FILE, --help, --version and the program's own
 * flags; an unknown one exits 64), loads the configuration, blocks signals in all threads, starts
 * the cryptography, forbids core dumps, then calls run(). A thread waits for signals: SIGTERM and
 * SIGINT make stop_fd readable, SIGHUP calls the reload function. The exit status is
 * err_exit_status() of what run() left.
 *
 *	static bool run(struct program_run *run, struct err *e) { … program_ready(); … }
 *	int main(int argc, char **argv)
 *	{
 *		static const struct program program = {.name = "fleetport-enroll", .run = run, …};
 *		return program_main(&program, argc, argv);
 *	}
 */
#ifndef FLEETPORT_LIB_PROGRAM_H
#define FLEETPORT_LIB_PROGRAM_H

#include "lib/config.h"
#include "lib/error.h"

#include <stdbool.h>

struct program_run;

/* A flag of the program's own: "--once", "--list FILE". */
struct program_flag {
	const char *name;     /* "once"; NULL ends the table */
	const char *argument; /* "FILE" for the help text; NULL: it takes none */
	const char *help;     /* one line */
};

struct program {
	const char *name;                    /* "fleetport-enroll" */
	const char *summary;                 /* one line for --help: what the program is for */
	const struct config_option *options; /* the program's own section; NULL: none */
	bool without_shared;                 /* [fleetport] is not for it (agents) */
	const char *config_fallback;         /* the file without --config; NULL:
	                                        /etc/fleetport/fleetport.conf */
	const struct program_flag *flags;    /* NULL: none */
	bool (*run)(struct program_run *run, struct err *e);
};

struct program_run {
	const struct program *program;
	struct config *config;
	const char *config_path; /* the file that was read */
	int stop_fd;             /* becomes readable when the program should end; never read it */
};

/* The whole life of the program; what main() returns. */
int program_main(const struct program *program, int argc, char **argv)
        __attribute__((warn_unused_result, nonnull));

/* The argument of a flag, "" for one that takes none, NULL when it was not given. */
const char *program_flag(const struct program_run *run, const char *name);

/* Whether the end was asked for. */
bool program_stopping(const struct program_run *run);

/* Sleeps until the end is asked for (true) or ms have passed (false). For programs that wait for a
 * store or peer and try again. */
bool program_pause(const struct program_run *run, int ms);

/* Asks for the end, as SIGTERM would. Safe from any thread. */
void program_stop(struct program_run *run);

/* Calls reload(context) at each SIGHUP, in the signal thread. Once, before it matters. */
void program_on_reload(struct program_run *run, void (*reload)(void *context), void *context);

/* Says that the program answers now: a log line, and READY=1 to systemd where NOTIFY_SOCKET is set.
 */
void program_ready(const struct program_run *run);

#endif

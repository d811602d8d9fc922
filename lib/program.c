/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/program.h"

#include "lib/crypto.h"
#include "lib/log.h"

#include <assert.h>
#include <config.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	FLAGS_MAX = 16,
	SIGNAL_LEAVE = SIGUSR2, /* tells the signal thread that main() is done */
	OPTION_CONFIG = 256,    /* values for getopt_long, beyond any character */
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_OWN,
};

/* One program a process: what the signal thread works on. */
struct state {
	struct program_run run;
	const char *given[FLAGS_MAX]; /* arguments of the own flags; NULL: not given */
	pthread_mutex_t lock;         /* around reload */
	void (*reload)(void *context);
	void *reload_context;
	sigset_t signals;
};

static struct state *state_of(const struct program_run *run)
{
	return (struct state *)((char *)(uintptr_t)run - offsetof(struct state, run));
}

/* ---- command line */

static size_t count_flags(const struct program *program)
{
	size_t count = 0;

	while (program->flags != NULL && program->flags[count].name != NULL)
		count++;
	assert(count <= FLAGS_MAX);
	return count;
}

static const char *fallback_path(const struct program *program)
{
	return program->config_fallback == NULL ? "/etc/fleetport/fleetport.conf"
	                                        : program->config_fallback;
}

static int help(const struct program *program)
{
	char left[64];

	printf("Usage: %s [--config FILE]%s\n%s\n\n", program->name,
	        program->flags == NULL ? "" : " [option …]", program->summary);
	for (size_t i = 0; i < count_flags(program); i++) {
		const struct program_flag *f = &program->flags[i];
		(void)snprintf(left, sizeof left, "--%s%s%s", f->name,
		        f->argument == NULL ? "" : " ", f->argument == NULL ? "" : f->argument);
		printf("  %-22s %s\n", left, f->help);
	}
	printf("  %-22s the configuration (%s)\n", "--config FILE", fallback_path(program));
	printf("  %-22s this text\n", "--help");
	printf("  %-22s the version\n", "--version");
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int version(const struct program *program)
{
	printf("%s %s\n", program->name, PACKAGE_VERSION);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

/* -1: go on; else the exit status. */
static int read_command_line(struct state *s, int argc, char **argv)
{
	const struct program *program = s->run.program;
	struct option options[FLAGS_MAX + 4] = {
	        {"config", required_argument, NULL, OPTION_CONFIG},
	        {"help", no_argument, NULL, OPTION_HELP},
	        {"version", no_argument, NULL, OPTION_VERSION},
	};
	size_t count = count_flags(program);
	int option;

	for (size_t i = 0; i < count; i++)
		options[3 + i] = (struct option){program->flags[i].name,
		        program->flags[i].argument == NULL ? no_argument : required_argument, NULL,
		        OPTION_OWN + (int)i};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPTION_CONFIG)
			s->run.config_path = optarg;
		else if (option == OPTION_HELP)
			return help(program);
		else if (option == OPTION_VERSION)
			return version(program);
		else if (option >= OPTION_OWN)
			s->given[option - OPTION_OWN] = optarg == NULL ? "" : optarg;
		else
			return EX_USAGE; /* getopt_long has said why */
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument: %s\n", program->name, argv[optind]);
		return EX_USAGE;
	}
	return -1;
}

const char *program_flag(const struct program_run *run, const char *name)
{
	size_t count = count_flags(run->program);

	for (size_t i = 0; i < count; i++)
		if (strcmp(run->program->flags[i].name, name) == 0)
			return state_of(run)->given[i];
	assert(!"the flag is in the program's table");
	return NULL;
}

/* ---- signals */

void program_stop(struct program_run *run)
{
	const uint64_t one = 1;
	ssize_t n = write(run->stop_fd, &one, sizeof one);

	(void)n; /* fails only when the counter is full: then it is readable already */
}

static void call_reload(struct state *s)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->reload != NULL)
		s->reload(s->reload_context);
	(void)pthread_mutex_unlock(&s->lock);
}

static void *wait_for_signals(void *state)
{
	struct state *s = state;

	for (;;) {
		int number = 0;

		if (sigwait(&s->signals, &number) != 0)
			continue;
		if (number == SIGNAL_LEAVE)
			return NULL;
		if (number == SIGHUP) {
			log_event(LOG_LEVEL_INFO, "reload", NULL);
			call_reload(s);
		} else {
			log_event(LOG_LEVEL_INFO, "stopping", "signal",
			        number == SIGTERM ? "TERM" : "INT", NULL);
			program_stop(&s->run);
		}
	}
}

/* Blocks before any thread is made, so that all of them inherit it. */
static bool block_signals(struct state *s, struct err *e)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (sigemptyset(&s->signals) != 0 || sigaddset(&s->signals, SIGTERM) != 0 ||
	        sigaddset(&s->signals, SIGINT) != 0 || sigaddset(&s->signals, SIGHUP) != 0 ||
	        sigaddset(&s->signals, SIGNAL_LEAVE) != 0 ||
	        pthread_sigmask(SIG_BLOCK, &s->signals, NULL) != 0 ||
	        sigaction(SIGPIPE, &ignore, NULL) != 0)
		return err_set(e, ERR_INTERNAL, "signals cannot be blocked");
	return true;
}

void program_on_reload(struct program_run *run, void (*reload)(void *context), void *context)
{
	struct state *s = state_of(run);

	(void)pthread_mutex_lock(&s->lock);
	s->reload = reload;
	s->reload_context = context;
	(void)pthread_mutex_unlock(&s->lock);
}

bool program_pause(const struct program_run *run, int ms)
{
	struct pollfd fd = {.fd = run->stop_fd, .events = POLLIN};

	return poll(&fd, 1, ms) == 1;
}

bool program_stopping(const struct program_run *run)
{
	return program_pause(run, 0);
}

/* ---- systemd */

/* Memory of this process holds keys: it goes into no file. */
static bool forbid_core_dumps(struct err *e)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_errno(e, "forbidding core dumps");
	return true;
}

static void tell_systemd(const char *what)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = path == NULL ? 0 : strlen(path);
	socklen_t size;
	int fd;

	if (len == 0 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract socket */
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, what, strlen(what), MSG_NOSIGNAL,
	                      (const struct sockaddr *)&address, size) < 0)
		log_event(LOG_LEVEL_WARNING, "notify-failed", "socket", path, NULL);
	if (fd >= 0)
		(void)close(fd);
}

void program_ready(const struct program_run *run)
{
	log_event(LOG_LEVEL_INFO, "ready", "program", run->program->name, NULL);
	tell_systemd("READY=1");
}

/* ---- the whole */

static bool load(struct state *s, struct err *e)
{
	const struct program *program = s->run.program;
	const struct config_option *tables[3] = {NULL};
	size_t count = 0;

	if (!program->without_shared)
		tables[count++] = config_shared;
	if (program->options != NULL)
		tables[count++] = program->options;
	if (s->run.config_path == NULL)
		s->run.config_path = fallback_path(program);
	if (config_load(s->run.config_path, tables, &s->run.config, e))
		return true;
	if (e->code == ERR_NOT_FOUND)
		e->code = ERR_CONFIG;
	return false;
}

static bool run_with_signals(struct state *s, struct err *e)
{
	pthread_t thread;
	bool ok;

	if (pthread_create(&thread, NULL, wait_for_signals, s) != 0)
		return err_set(e, ERR_MEMORY, "no thread for signals");
	log_event(LOG_LEVEL_INFO, "started", "program", s->run.program->name, "version",
	        PACKAGE_VERSION, "config", s->run.config_path, NULL);
	ok = s->run.program->run(&s->run, e);
	tell_systemd("STOPPING=1");
	(void)pthread_kill(thread, SIGNAL_LEAVE);
	(void)pthread_join(thread, NULL);
	return ok;
}

static bool live(struct state *s, struct err *e)
{
	bool ok;

	if (!block_signals(s, e) || !forbid_core_dumps(e) || !crypto_init(e) || !load(s, e))
		return false;
	s->run.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->run.stop_fd < 0)
		ok = err_errno(e, "eventfd");
	else
		ok = run_with_signals(s, e);
	if (s->run.stop_fd >= 0)
		(void)close(s->run.stop_fd);
	config_free(s->run.config);
	return ok;
}

int program_main(const struct program *program, int argc, char **argv)
{
	struct state s = {
	        .run = {.program = program, .stop_fd = -1}, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct err e = ERR_CLEAR;
	int status = read_command_line(&s, argc, argv);

	if (status >= 0)
		return status;
	if (!live(&s, &e)) {
		log_event(LOG_LEVEL_ERROR, "failed", "program", program->name, "code",
		        err_name(e.code), "reason", e.text, NULL);
		status = err_exit_status(e.code);
		return status == EX_OK ? EX_SOFTWARE : status; /* a failure without a reason */
	}
	log_event(LOG_LEVEL_INFO, "stopped", "program", program->name, NULL);
	return EX_OK;
}

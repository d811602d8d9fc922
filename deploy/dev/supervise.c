/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise.c: keeps the programs of `./dev up` running. (In production systemd does that.)
 *
 *   fleetport-supervise FOLDER
 *
 * FOLDER/programs has a program a line, fields parted by a tab: name, stamp, path, arguments … The
 * stamp is any word; when a line changes (SIGHUP reads the table again), its program is restarted,
 * so a stamp of binary and configuration restarts exactly what changed. A program that ends is
 * started again, after 0.1 s, doubling to 2 s where it never lives long, unless it ended with 78 (its configuration is at
 * fault: starting it again would not help). FOLDER/status says how it goes, FOLDER/log/NAME.log has
 * what it wrote. FOLDER/supervise.pid is locked while we live. SIGTERM ends all of it, the program
 * of the first line last. If we are killed, the kernel tells the programs to end.
 */
#include "lib/error.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	PROGRAMS_MAX = 64,
	ARGUMENTS_MAX = 64,
	TABLE_MAX = 256 * 1024,     /* bytes of the table */
	LOG_MAX = 16 * 1024 * 1024, /* a larger log is put aside at the next start */
	DELAY_FIRST_MS = 100,
	DELAY_MAX_MS = 2000,
	STEADY_MS = 300, /* having run that long, the delay starts anew */
	LOCK_TRIES = 100,
	STOP_MS = 8000, /* from SIGTERM to SIGKILL */
};

enum state { WAITING, RUNNING, STOPPING, FAILED };

static const char *const state_names[] = {
        [WAITING] = "waiting",
        [RUNNING] = "running",
        [STOPPING] = "stopping",
        [FAILED] = "failed",
};

struct program {
	char *line; /* as in the table: what it was started from */
	char *text; /* the line cut at its tabs; argv points in here */
	char *argv[ARGUMENTS_MAX + 1];
	const char *name;
	const char *stamp;
	enum state state;
	bool wanted; /* false: not in the table any more, forget it once ended */
	pid_t pid;   /* 0: none */
	unsigned restarts;
	int exit_status;    /* as of waitpid; -1: never ended */
	int64_t changed_at; /* wall ms */
	int64_t started_at; /* monotonic ms */
	int64_t due_at;     /* monotonic ms: start (WAITING) or kill (STOPPING) */
	int64_t delay_ms;
};

static struct program programs[PROGRAMS_MAX];
static size_t program_count;
static bool ending;

static int64_t now_ms(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		abort(); /* these clocks always exist */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void set_state(struct program *p, enum state state)
{
	p->state = state;
	p->changed_at = now_ms(CLOCK_REALTIME);
}

static void program_free(struct program *p)
{
	free(p->line);
	free(p->text);
	*p = (struct program){0};
}

/* Cuts a line of the table. False if it is not name, stamp, path, arguments. */
static bool program_parse(struct program *p, const char *line, struct err *e)
{
	char *rest;
	size_t count = 0;

	*p = (struct program){.exit_status = -1, .delay_ms = DELAY_FIRST_MS, .wanted = true};
	p->line = strdup(line);
	p->text = strdup(line);
	if (p->line == NULL || p->text == NULL) {
		program_free(p);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	rest = p->text;
	p->name = strsep(&rest, "\t");
	p->stamp = strsep(&rest, "\t");
	while (rest != NULL && count < ARGUMENTS_MAX)
		p->argv[count++] = strsep(&rest, "\t");
	if (p->stamp == NULL || count == 0 || rest != NULL || p->name[0] == '\0' ||
	        strchr(p->name, '/') != NULL) {
		err_set(e, ERR_CONFIG, "not a program: \"%.100s\"", line);
		program_free(p);
		return false;
	}
	set_state(p, WAITING);
	return true;
}

/* In the child: what the program writes goes to log/NAME.log; a large one is put aside first. */
static void open_log(const char *name)
{
	char path[256], old[260];
	struct stat st;
	int fd;

	if (snprintf(path, sizeof path, "log/%s.log", name) >= (int)sizeof path)
		_exit(EX_CANTCREAT);
	snprintf(old, sizeof old, "%s.1", path);
	if (stat(path, &st) == 0 && st.st_size > LOG_MAX && rename(path, old) != 0)
		_exit(EX_CANTCREAT);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(EX_CANTCREAT);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		_exit(EX_OSERR);
}

static void run_child(const struct program *p, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 || setpgid(0, 0) != 0 ||
	        prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		_exit(EX_OSERR);
	if (getppid() != parent) /* it died before the kernel knew to tell us */
		_exit(EX_OSERR);
	open_log(p->name);
	execv(p->argv[0], p->argv);
	dprintf(STDERR_FILENO, "<3>cannot start %s: %s\n", p->argv[0], strerror(errno));
	_exit(EX_UNAVAILABLE);
}

static void start(struct program *p)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0)
		run_child(p, parent);
	if (pid < 0) {
		log_event(LOG_LEVEL_ERROR, "fork", "program", p->name, "error", strerror(errno),
		        NULL);
		p->due_at = now_ms(CLOCK_MONOTONIC) + DELAY_MAX_MS;
		return;
	}
	p->pid = pid;
	p->started_at = now_ms(CLOCK_MONOTONIC);
	set_state(p, RUNNING);
}

static void stop(struct program *p)
{
	if (p->pid == 0 || p->state == STOPPING)
		return;
	kill(p->pid, SIGTERM);
	p->due_at = now_ms(CLOCK_MONOTONIC) + STOP_MS;
	set_state(p, STOPPING);
}

static void ended(struct program *p, int status)
{
	int64_t now = now_ms(CLOCK_MONOTONIC);
	bool asked = p->state == STOPPING;
	char number[24];

	/* What it left behind in its process group has no business any more. */
	kill(-p->pid, SIGKILL);
	p->pid = 0;
	p->exit_status = status;
	if (asked || ending) {
		p->due_at = now;
		p->delay_ms = DELAY_FIRST_MS;
		set_state(p, WAITING);
		return;
	}
	log_event(LOG_LEVEL_WARNING, "program ended", "program", p->name,
	        WIFEXITED(status) ? "exit" : "signal",
	        log_number(number, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)),
	        NULL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG) {
		set_state(p, FAILED);
		return;
	}
	if (now - p->started_at >= STEADY_MS)
		p->delay_ms = DELAY_FIRST_MS;
	p->due_at = now + p->delay_ms;
	p->delay_ms = p->delay_ms * 2 > DELAY_MAX_MS ? DELAY_MAX_MS : p->delay_ms * 2;
	p->restarts++;
	set_state(p, WAITING);
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < program_count; i++)
			if (programs[i].pid == pid)
				ended(&programs[i], status);
}

/* The whole table; NULL on failure. Frees nothing of the caller's. */
static char *read_table(struct err *e)
{
	FILE *file = fopen("programs", "re");
	char *text = calloc(1, TABLE_MAX);
	size_t got;

	if (file == NULL || text == NULL) {
		err_errno(e, "programs");
		goto free_text;
	}
	got = fread(text, 1, TABLE_MAX, file);
	if (ferror(file) || got == TABLE_MAX) {
		err_set(e, ERR_CONFIG, "programs: cannot be read, or too large");
		goto free_text;
	}
	fclose(file);
	return text;

free_text:
	free(text);
	if (file != NULL)
		fclose(file);
	return NULL;
}

static struct program *find(const char *name)
{
	for (size_t i = 0; i < program_count; i++)
		if (strcmp(programs[i].name, name) == 0)
			return &programs[i];
	return NULL;
}

/* Takes one line of the table over: a new program, the same, or one that changed. */
static bool take_line(const char *line, struct err *e)
{
	struct program fresh;
	struct program *known;

	if (!program_parse(&fresh, line, e))
		return false;
	known = find(fresh.name);
	if (known == NULL) {
		if (program_count == PROGRAMS_MAX) {
			program_free(&fresh);
			return err_set(e, ERR_CONFIG, "more than %d programs", PROGRAMS_MAX);
		}
		programs[program_count++] = fresh;
		return true;
	}
	known->wanted = true;
	if (strcmp(known->line, line) != 0) {
		/* The running one is stopped; what comes after it is started from the new line. */
		free(known->line);
		free(known->text);
		known->line = fresh.line;
		known->text = fresh.text;
		known->name = fresh.name;
		known->stamp = fresh.stamp;
		memcpy(known->argv, fresh.argv, sizeof known->argv);
		stop(known);
	} else {
		program_free(&fresh);
	}
	if (known->state == FAILED) /* whoever says SIGHUP has mended something */
		set_state(known, WAITING);
	return true;
}

static bool read_programs(struct err *e)
{
	char *text = read_table(e);
	char *rest = text;
	char *line;
	bool ok = true;

	if (text == NULL)
		return false;
	for (size_t i = 0; i < program_count; i++)
		programs[i].wanted = false;
	while (ok && (line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0' && line[0] != '#')
			ok = take_line(line, e);
	free(text);
	for (size_t i = 0; ok && i < program_count; i++)
		if (!programs[i].wanted)
			stop(&programs[i]);
	return ok;
}

static void forget_unwanted(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < program_count; i++) {
		if (!programs[i].wanted && programs[i].pid == 0)
			program_free(&programs[i]);
		else
			programs[kept++] = programs[i];
	}
	program_count = kept;
}

/* Does what is due; returns the ms until the next thing is (-1: nothing). */
static int step(void)
{
	int64_t now = now_ms(CLOCK_MONOTONIC);
	int64_t next = -1;

	for (size_t i = 0; i < program_count; i++) {
		struct program *p = &programs[i];

		if (p->state == WAITING && p->due_at <= now && p->wanted && !ending)
			start(p);
		if (p->state == STOPPING && p->due_at <= now) {
			kill(-p->pid, SIGKILL);
			p->due_at = now + STOP_MS;
		}
		if (p->state == STOPPING || (p->state == WAITING && !ending))
			if (next < 0 || p->due_at - now < next)
				next = p->due_at - now;
	}
	return next < 0 ? -1 : (int)(next > 0 ? next : 1);
}

/* All but the first are told to end; the first when the others have. False: nothing is left. */
static bool end_all(void)
{
	bool others = false;

	for (size_t i = program_count; i-- > 1;) {
		others = others || programs[i].pid != 0;
		stop(&programs[i]);
	}
	if (!others && program_count > 0)
		stop(&programs[0]);
	return others || (program_count > 0 && programs[0].pid != 0);
}

/* name, stamp, state, pid, restarts, since (ms), last exit ("-", "exit N", "signal N"). */
static void write_status(void)
{
	FILE *file = fopen("status.new", "we");

	if (file == NULL) {
		log_event(LOG_LEVEL_ERROR, "status", "error", strerror(errno), NULL);
		return;
	}
	for (size_t i = 0; i < program_count; i++) {
		const struct program *p = &programs[i];

		fprintf(file, "%s\t%s\t%s\t%ld\t%u\t%lld\t", p->name, p->stamp,
		        state_names[p->state], (long)p->pid, p->restarts, (long long)p->changed_at);
		if (p->exit_status == -1)
			fputs("-\n", file);
		else if (WIFEXITED(p->exit_status))
			fprintf(file, "exit %d\n", WEXITSTATUS(p->exit_status));
		else
			fprintf(file, "signal %d\n", WTERMSIG(p->exit_status));
	}
	if (fclose(file) != 0 || rename("status.new", "status") != 0)
		log_event(LOG_LEVEL_ERROR, "status", "error", strerror(errno), NULL);
}

/* Takes the lock. `dev` looks whether we live by taking it for a moment, so one refusal says little:
 * it is tried for LOCK_TRIES times 20 ms. */
static bool take_lock(int fd)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* The lock is the proof that we live; the number in it is for people and for `dev`. */
static bool lock_pid_file(struct err *e)
{
	int fd = open("supervise.pid", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(e, "supervise.pid");
	if (!take_lock(fd)) {
		close(fd);
		return err_set(e, ERR_CONFLICT, "another one runs in this folder");
	}
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		err_errno(e, "supervise.pid");
		close(fd);
		return false;
	}
	return true; /* left open: the lock lives as long as we do */
}

static int open_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	fd = sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC) : -1;
	if (fd < 0)
		err_errno(e, "signals");
	return fd;
}

static void on_signal(int fd)
{
	struct signalfd_siginfo info;
	struct err e = ERR_CLEAR;

	if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	if (info.ssi_signo == SIGCHLD)
		reap();
	else if (info.ssi_signo == SIGHUP && !ending) {
		if (!read_programs(&e))
			log_event(LOG_LEVEL_ERROR, "programs", "error", e.text, NULL);
	} else if (info.ssi_signo != SIGHUP)
		ending = true;
}

static int supervise(struct err *e)
{
	struct pollfd wait = {.events = POLLIN};

	if (!lock_pid_file(e))
		return err_exit_status(e->code);
	wait.fd = open_signals(e);
	if (wait.fd < 0 || !read_programs(e))
		return err_exit_status(e->code);
	for (;;) {
		int timeout = step();

		write_status();
		if (ending && !end_all())
			break;
		if (poll(&wait, 1, timeout) > 0)
			on_signal(wait.fd);
		forget_unwanted();
	}
	write_status();
	return EX_OK;
}

int main(int argc, char **argv)
{
	struct err e = ERR_CLEAR;
	int status;

	if (argc != 2) {
		fprintf(stderr, "usage: fleetport-supervise FOLDER\n");
		return EX_USAGE;
	}
	if (chdir(argv[1]) != 0) {
		perror(argv[1]);
		return EX_NOINPUT;
	}
	status = supervise(&e);
	if (status != EX_OK)
		log_event(LOG_LEVEL_ERROR, "supervise", "error", e.text, NULL);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/program.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static const struct config_option options[] = {
        {"thing", "count", CONFIG_INT, .fallback = "3", .min = 1, .max = 9},
        {NULL},
};

static const struct program_flag flags[] = {
        {"once", NULL, "does it once"},
        {"list", "FILE", "reads FILE"},
        {NULL},
};

static void note(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(99);
}

static void reloaded(void *context)
{
	note(context);
}

/* What the program under test does; it writes to its standard output what it saw. */
static bool act(struct program_run *run, struct err *e)
{
	const char *list = program_flag(run, "list");
	struct rlimit core;
	char text[200];

	if (list != NULL && strcmp(list, "fail") == 0)
		return err_set(e, ERR_UNAVAILABLE, "the peer is away");
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0)
		return err_set(e, ERR_INTERNAL, "core dumps are on");
	snprintf(text, sizeof text, "count=%d once=%s list=%s\n",
	        (int)config_int(run->config, "thing", "count"),
	        program_flag(run, "once") == NULL ? "no" : "yes", list == NULL ? "none" : list);
	note(text);
	if (program_flag(run, "once") != NULL)
		return !program_stopping(run) || err_set(e, ERR_INTERNAL, "stopping too early");
	program_on_reload(run, reloaded, "reloaded\n");
	program_ready(run);
	note("ready\n");
	if (!program_pause(run, 20000))
		return err_set(e, ERR_INTERNAL, "nobody stopped me");
	note("drained\n");
	return true;
}

static const struct program program = {.name = "fleetport-thing",
        .summary = "Does things.",
        .options = options,
        .without_shared = true,
        .config_fallback = "/dev/null",
        .flags = flags,
        .run = act};

struct child {
	pid_t pid;
	int out;
	char text[4000];
	size_t len;
};

static void start(struct child *c, const char *const *arguments)
{
	char *argv[8] = {(char *)(uintptr_t) "fleetport-thing"};
	int argc = 1, pipes[2];

	while (arguments[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
		argc++;
	}
	assert_int_equal(pipe(pipes), 0);
	(void)fflush(NULL);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		if (dup2(pipes[1], STDOUT_FILENO) < 0)
			_exit(99);
		(void)close(pipes[0]);
		_exit(program_main(&program, argc, argv));
	}
	(void)close(pipes[1]);
	c->out = pipes[0];
	c->len = 0;
	c->text[0] = '\0';
}

/* Reads until the text was written (true) or the output ends. */
static bool saw(struct child *c, const char *text)
{
	while (strstr(c->text, text) == NULL) {
		struct pollfd fd = {.fd = c->out, .events = POLLIN};
		ssize_t n;

		if (poll(&fd, 1, 10000) != 1)
			return false;
		n = read(c->out, c->text + c->len, sizeof c->text - 1 - c->len);
		if (n <= 0)
			return false;
		c->len += (size_t)n;
		c->text[c->len] = '\0';
	}
	return true;
}

static int end(struct child *c)
{
	int status = 0;

	(void)saw(c, "\x01"); /* to the end of its output */
	(void)close(c->out);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_ARGS   ((const char *const[]){NULL})

static void help_and_version_go_to_standard_output(void **state)
{
	struct child c;

	(void)state;
	start(&c, ARGS("--help"));
	assert_int_equal(end(&c), EX_OK);
	assert_non_null(strstr(c.text, "Usage: fleetport-thing [--config FILE] [option …]\n"));
	assert_non_null(strstr(c.text, "--list FILE"));
	start(&c, ARGS("--version"));
	assert_int_equal(end(&c), EX_OK);
	assert_int_equal(strncmp(c.text, "fleetport-thing ", 16), 0);
}

static void a_wrong_command_line_exits_64_and_prints_nothing(void **state)
{
	struct child c;

	(void)state;
	start(&c, ARGS("--frobnicate"));
	assert_int_equal(end(&c), EX_USAGE);
	assert_string_equal(c.text, "");
	start(&c, ARGS("--list"));
	assert_int_equal(end(&c), EX_USAGE);
	start(&c, ARGS("more"));
	assert_int_equal(end(&c), EX_USAGE);
}

static void a_faulty_configuration_exits_78(void **state)
{
	struct child c;

	(void)state;
	start(&c, ARGS("--config", "there/is/no/such.conf"));
	assert_int_equal(end(&c), EX_CONFIG);
	assert_int_equal(setenv("FLEETPORT_THING_COUNT", "10", 1), 0);
	start(&c, ARGS("--once"));
	assert_int_equal(unsetenv("FLEETPORT_THING_COUNT"), 0);
	assert_int_equal(end(&c), EX_CONFIG);
	assert_string_equal(c.text, "");
}

static void flags_and_values_reach_the_program_and_its_error_the_exit_status(void **state)
{
	struct child c;

	(void)state;
	start(&c, ARGS("--once", "--list", "x"));
	assert_int_equal(end(&c), EX_OK);
	assert_string_equal(c.text, "count=3 once=yes list=x\n");
	start(&c, ARGS("--list=fail"));
	assert_int_equal(end(&c), EX_TEMPFAIL);
}

static void sigterm_and_sigint_let_the_program_drain(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct child c;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(&c, NO_ARGS);
		assert_true(saw(&c, "ready\n"));
		assert_int_equal(kill(c.pid, signals[i]), 0);
		assert_int_equal(end(&c), EX_OK);
		assert_non_null(strstr(c.text, "drained\n"));
	}
}

static void sighup_reloads_and_does_not_end(void **state)
{
	struct child c;

	(void)state;
	start(&c, NO_ARGS);
	assert_true(saw(&c, "ready\n"));
	assert_int_equal(kill(c.pid, SIGHUP), 0);
	assert_true(saw(&c, "reloaded\n"));
	assert_null(strstr(c.text, "drained"));
	assert_int_equal(kill(c.pid, SIGTERM), 0);
	assert_int_equal(end(&c), EX_OK);
}

static void systemd_is_told_when_the_program_is_ready(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[64], told[64] = "";
	struct child c;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	(void)state;
	assert_true(fd >= 0);
	snprintf(name, sizeof name, "@fleetport-test-%ld", (long)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(
	        bind(fd, (const struct sockaddr *)&address,
	                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
	        0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	start(&c, NO_ARGS);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(poll(&wait, 1, 10000), 1);
	assert_int_equal(recv(fd, told, sizeof told - 1, 0), 7);
	assert_string_equal(told, "READY=1");
	assert_int_equal(kill(c.pid, SIGTERM), 0);
	assert_int_equal(end(&c), EX_OK);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(help_and_version_go_to_standard_output),
	        cmocka_unit_test(a_wrong_command_line_exits_64_and_prints_nothing),
	        cmocka_unit_test(a_faulty_configuration_exits_78),
	        cmocka_unit_test(flags_and_values_reach_the_program_and_its_error_the_exit_status),
	        cmocka_unit_test(sigterm_and_sigint_let_the_program_drain),
	        cmocka_unit_test(sighup_reloads_and_does_not_end),
	        cmocka_unit_test(systemd_is_told_when_the_program_is_ready),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}

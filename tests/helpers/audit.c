/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/audit.h"

#include "core/audit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 10000 };

void test_config_write(const struct world *world, const char *path, const char *more)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(
	        fprintf(file,
	                "[fleetport]\ndata = %s\nrun = %s\nsecrets = %s\n"
	                "user_url = https://user.test:8443\n"
	                "support_url = https://support.test:8443\n"
	                "agents_url = https://agents.test:8443\nmqtt_host = agents.test\n%s",
	                world->folder, world->folder, world->folder, more == NULL ? "" : more) > 0);
	assert_int_equal(fclose(file), 0);
}

/* ---- the audit process */

static void await_answer(const struct world *world)
{
	char path[200];
	struct err e = ERR_CLEAR;
	struct audit_client *client;
	const struct clock *clock = clock_real();
	int64_t end = clock_monotonic_ms(clock) + DEADLINE_MS, number;
	bool up = false;

	(void)snprintf(path, sizeof path, "%s/audit-cli.sock", world->folder);
	client = audit_client_new(path, &e);
	assert_non_null(client);
	while (!up && clock_monotonic_ms(clock) < end)
		up = audit_last(client, &number, &e);
	audit_client_free(client);
	if (!up)
		fail_msg("fleetport-audit does not answer: %s", e.text);
}

pid_t test_audit_start(const struct world *world)
{
	const char *program = getenv("FLEETPORT_AUDIT");
	char path[200];
	pid_t pid;

	(void)snprintf(path, sizeof path, "%s/audit.conf", world->folder);
	test_config_write(world, path, "[audit]\nnode = test\n");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			(void)dup2(null, STDERR_FILENO);
		(void)execl(program != NULL ? program : "./fleetport-audit", "fleetport-audit",
		        "--config", path, (char *)NULL);
		_exit(127);
	}
	await_answer(world);
	return pid;
}

void test_audit_kill(pid_t audit)
{
	assert_int_equal(kill(audit, SIGKILL), 0);
	assert_int_equal(waitpid(audit, NULL, 0), audit);
}

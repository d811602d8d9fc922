/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli.c: the program `fleetport` itself (./fleetport, or what FLEETPORT_CLI names), run in a
 * folder of its own beside a real fleetport-audit.
 */
#include "lib/json.h"
#include "tests/helpers/site.h"
#include "tests/helpers/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 24, OUTPUT_MAX = 1 << 20 };

struct fixture {
	struct world world; /* its folder only: for test_audit_start() */
	char config[256];
	char out[OUTPUT_MAX]; /* of the last run */
	char err[8192];
	pid_t audit;
};

/* ---- running it */

static void read_back(int fd, char *to, size_t size)
{
	size_t len = 0;
	ssize_t got;

	assert_true(lseek(fd, 0, SEEK_SET) == 0);
	while (len + 1 < size && (got = read(fd, to + len, size - 1 - len)) > 0)
		len += (size_t)got;
	to[len] = '\0';
	assert_int_equal(close(fd), 0);
}

static int scratch(const struct fixture *f, const char *contents)
{
	char path[300];
	int fd;

	(void)snprintf(path, sizeof path, "%s/scratch.XXXXXX", f->world.folder);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(fd, contents, strlen(contents)), (ssize_t)strlen(contents));
	assert_true(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* Runs "fleetport --config … arguments" (ended by NULL) and gives its exit status. */
static int run_with(struct fixture *f, const char *input, const char *const *arguments)
{
	const char *program = getenv("FLEETPORT_CLI");
	const char *argv[ARGUMENTS_MAX] = {"fleetport", "--config", f->config};
	int in = scratch(f, input), out = scratch(f, ""), err = scratch(f, ""), status;
	size_t count = 3;
	pid_t pid;

	while (*arguments != NULL && count + 1 < ARGUMENTS_MAX)
		argv[count++] = *arguments++;
	argv[count] = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setsid(); /* no terminal to ask for a password */
		if (dup2(in, 0) != 0 || dup2(out, 1) != 1 || dup2(err, 2) != 2)
			_exit(126);
		(void)execv(program != NULL ? program : "./fleetport", (char *const *)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	read_back(out, f->out, sizeof f->out);
	read_back(err, f->err, sizeof f->err);
	assert_int_equal(close(in), 0);
	return WEXITSTATUS(status);
}

#define RUN(f, ...) run_with(f, "", (const char *const[]){__VA_ARGS__, NULL})

/* What `add` printed: an id. */
static char *made(struct fixture *f)
{
	size_t len = strcspn(f->out, "\n");

	assert_int_equal(len, PUBLIC_ID - 1);
	f->out[len] = '\0';
	return strdup(f->out);
}

#define ADD(f, ...) (assert_int_equal(RUN(f, __VA_ARGS__), EX_OK), made(f))

static struct json *parsed(const struct fixture *f)
{
	static const struct json_limits limits = {.bytes = OUTPUT_MAX, .depth = 8, .values = 10000};
	struct err e = ERR_CLEAR;
	struct json *root = json_parse(f->out, strlen(f->out), &limits, &e);

	if (root == NULL)
		fail_msg("%s in: %s", e.text, f->out);
	return root;
}

/* ---- fixtures */

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	FILE *file;

	assert_non_null(f);
	f->world.folder = test_folder_new();
	(void)snprintf(f->config, sizeof f->config, "%s/fleetport.conf", f->world.folder);
	file = fopen(f->config, "w");
	assert_non_null(file);
	assert_true(fprintf(file,
	                    "[fleetport]\ndata = %s\nrun = %s\nsecrets = %s\n"
	                    "user_url = https://user.test:8443\n"
	                    "support_url = https://support.test:8443\n"
	                    "agents_url = https://agents.test:8443\nmqtt_host = agents.test\n",
	                    f->world.folder, f->world.folder, f->world.folder) > 0);
	assert_int_equal(fclose(file), 0);
	*state = f;
	return 0;
}

/* The same after `init`, with the audit process beside it. */
static int set_up_ready(void **state)
{
	struct fixture *f;

	(void)set_up(state);
	f = *state;
	assert_int_equal(RUN(f, "init"), EX_OK);
	f->audit = test_audit_start(&f->world);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->audit > 0)
		test_audit_kill(f->audit);
	test_folder_remove(f->world.folder);
	free(f);
	return 0;
}

/* ---- usage */

static void help_is_on_standard_output_and_mistakes_exit_64(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "--help"), EX_OK);
	assert_non_null(strstr(f->out, "organisation add"));
	assert_int_equal(RUN(f, "--version"), EX_OK);
	assert_memory_equal(f->out, "fleetport ", 10);
	assert_int_equal(RUN(f, "user", "add", "--help"), EX_OK);
	assert_non_null(strstr(f->out, "--password-file"));
	assert_int_equal(RUN(f, "--no-such-option"), EX_USAGE);
	assert_int_equal(RUN(f, "conquer", "world"), EX_USAGE);
	assert_non_null(strstr(f->err, "there is no such command: conquer\n"));
	assert_int_equal(RUN(f, "group"), EX_USAGE);
	assert_non_null(strstr(f->err, "group what? add, list, remove\n"));
	assert_int_equal(RUN(f, "group", "eat"), EX_USAGE);
	assert_non_null(strstr(f->err, "there is no group eat, but: add, list, remove\n"));
	assert_int_equal(RUN(f, "--config"), EX_USAGE);
	assert_non_null(strstr(f->err, "a file is missing after --config\n"));
	assert_int_equal(RUN(f, "--config", "/nowhere", "group", "list"), EX_CONFIG);
	assert_non_null(strstr(f->err, "/nowhere"));
	assert_int_equal(RUN(f, "user", "add"), EX_USAGE);
	assert_non_null(strstr(f->err, "--organisation"));
	assert_int_equal(RUN(f, "user", "list", "--colour", "red"), EX_USAGE);
	assert_int_equal(RUN(f, "user", "list", "one", "two"), EX_USAGE);
	assert_int_equal(RUN(f, "contract", "remove"), EX_USAGE);
	assert_int_equal(RUN(f, "user", "list", "--organisation"), EX_USAGE);
	assert_int_equal(RUN(f, "user", "list", "--organisation=a", "--organisation=b"), EX_USAGE);
	assert_string_equal(f->out, "");
}

static void a_password_is_never_an_argument(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "user", "add", "--organisation", "Operator", "--role", "auditor",
	                         "--name", "a", "--password", "correct horse battery"),
	        EX_USAGE);
}

/* ---- init */

static off_t size_of(const struct fixture *f, const char *name, mode_t *mode)
{
	char path[300];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", f->world.folder, name);
	if (stat(path, &st) != 0)
		fail_msg("%s is not there", name);
	*mode = st.st_mode & 07777;
	return st.st_size;
}

static void init_makes_what_is_missing_with_closed_secrets_and_can_be_repeated(void **state)
{
	static const char *const secrets[] = {"kek.key", "pepper.key", "index.key", "operation.key",
	        "checkpoint.key", "agents-ca.key.pem", "server-ca.key.pem", "server.key.pem",
	        "dispatch.key.pem"};
	static const char *const others[] = {"core.db", "operations.db", "telemetry.db", "audit.db",
	        "agents-ca.pem", "server-ca.pem", "server.pem", "dispatch.pem",
	        "operation-keys.json"};
	struct fixture *f = *state;
	char path[300], before[64], after[64];
	mode_t mode;
	int fd;

	assert_int_equal(RUN(f, "init"), EX_OK);
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		assert_true(size_of(f, secrets[i], &mode) > 0);
		assert_int_equal(mode, 0600);
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_true(size_of(f, others[i], &mode) > 0);
	assert_int_equal(size_of(f, "revoked-agents", &mode), 0);

	(void)snprintf(path, sizeof path, "%s/kek.key", f->world.folder);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, before, sizeof before), 32);
	assert_int_equal(close(fd), 0);
	assert_int_equal(RUN(f, "init"), EX_OK);
	assert_null(strstr(f->out, "made"));
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, after, sizeof after), 32);
	assert_int_equal(close(fd), 0);
	assert_memory_equal(before, after, 32);
	assert_int_equal(
	        test_store_number(f->world.folder, SQL_CORE, "SELECT count(*) FROM organisation"),
	        1);
}

static void init_does_not_paper_over_half_a_pair(void **state)
{
	struct fixture *f = *state;
	char path[300];

	assert_int_equal(RUN(f, "init"), EX_OK);
	(void)snprintf(path, sizeof path, "%s/agents-ca.key.pem", f->world.folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(RUN(f, "init"), EX_CONFIG);
	assert_non_null(strstr(f->err, "agents-ca.key.pem"));
}

static void before_init_commands_say_so(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "organisation", "list"), EX_TEMPFAIL);
	assert_non_null(strstr(f->err, "fleetport init"));
}

/* ---- changes */

static void a_change_that_cannot_be_recorded_is_not_made(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "init"), EX_OK);
	assert_int_equal(
	        RUN(f, "organisation", "add", "--kind", "customer", "--name", "C"), EX_TEMPFAIL);
	assert_int_equal(
	        test_store_number(f->world.folder, SQL_CORE, "SELECT count(*) FROM organisation"),
	        1);
	assert_int_equal(RUN(f, "user", "list"), EX_TEMPFAIL);
	assert_string_equal(f->out, "");
}

static int64_t count(struct fixture *f, const char *table)
{
	char text[128];

	(void)snprintf(text, sizeof text, "SELECT count(*) FROM %s", table);
	return test_store_number(f->world.folder, SQL_CORE, text);
}

static void a_whole_installation_is_set_up_and_taken_down_again(void **state)
{
	struct fixture *f = *state;
	char *customer = ADD(f, "organisation", "add", "--kind=customer", "--name=Druck & Co");
	char *partner = ADD(f, "organisation", "add", "--kind", "partner", "--name", "Service");
	char *contract =
	        ADD(f, "contract", "add", "--customer", "Druck & Co", "--partner", partner);
	char *group = ADD(f, "group", "add", "--customer", customer, "--name", "Hall 1");
	char *grant, *person;
	mode_t mode;

	assert_int_equal(
	        run_with(f, "correct horse battery\n",
	                (const char *const[]){"user", "add", "--organisation", partner, "--role",
	                        "technician", "--name", "tina", "--password-file", "-", NULL}),
	        EX_OK);
	person = made(f);
	grant = ADD(f, "grant", "add", "--user", "TINA", "--customer", customer, "--group",
	        "Hall 1", "--right", "operate", "--days", "30");
	assert_int_equal(count(f, "device_grant WHERE granted_by LIKE 'console uid %'"), 1);
	assert_int_equal(RUN(f, "grant", "list", "--user", person), EX_OK);
	assert_non_null(strstr(f->out, grant));
	assert_int_equal(RUN(f, "user", "suspend", "tina"), EX_OK);
	assert_int_equal(RUN(f, "grant", "remove", grant), EX_OK);
	assert_int_equal(RUN(f, "grant", "remove", grant), EX_NOUSER);
	assert_int_equal(RUN(f, "group", "remove", group), EX_OK);
	assert_int_equal(RUN(f, "contract", "remove", contract), EX_OK);
	assert_int_equal(RUN(f, "user", "remove", person), EX_OK);
	assert_int_equal(RUN(f, "organisation", "remove", partner), EX_OK);
	test_store_exec(f->world.folder, SQL_CORE,
	        "INSERT INTO agent (id, public_id, customer_id, type, event_key, created_at)"
	        " SELECT 1, 'ag_0123456789012345678901', id, 'dc', x'00', 0 FROM organisation"
	        " WHERE kind = 'customer'; INSERT INTO agent_certificate (serial, agent_id,"
	        " not_before, not_after, created_at) VALUES ('AA', 1, 0, 9000000000000, 0)");
	assert_int_equal(RUN(f, "organisation", "remove", customer), EX_OK);
	/* the broker is told of its agents */
	assert_int_equal(size_of(f, "revoked-agents", &mode), sizeof "ag_0123456789012345678901");
	assert_int_equal(RUN(f, "organisation", "list", "--kind", "customer", "--json"), EX_OK);
	assert_string_equal(f->out, "[]\n");
	free(customer);
	free(partner);
	free(contract);
	free(group);
	free(grant);
	free(person);
}

/* Runs "fleetport …" with a terminal that types `typed`; what it shows goes into f->err. */
static int run_at_terminal(struct fixture *f, const char *typed, const char *const *arguments)
{
	const char *program = getenv("FLEETPORT_CLI");
	const char *argv[ARGUMENTS_MAX] = {"fleetport", "--config", f->config};
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status;
	size_t count = 3, len = 0;
	ssize_t got;
	pid_t pid;

	assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	while (*arguments != NULL && count + 1 < ARGUMENTS_MAX)
		argv[count++] = *arguments++;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int side = open(ptsname(terminal), O_RDWR | O_NOCTTY);

		(void)setsid();
		if (side < 0 || dup2(side, 0) != 0 || dup2(side, 1) != 1 || dup2(side, 2) != 2)
			_exit(126);
		(void)execv(program != NULL ? program : "./fleetport", (char *const *)argv);
		_exit(127);
	}
	assert_int_equal(write(terminal, typed, strlen(typed)), (ssize_t)strlen(typed));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	/* the other side is closed: reading ends with an error once all is read */
	while (len + 1 < sizeof f->err &&
	        (got = read(terminal, f->err + len, sizeof f->err - 1 - len)) > 0)
		len += (size_t)got;
	f->err[len] = '\0';
	assert_int_equal(close(terminal), 0);
	return WEXITSTATUS(status);
}

static void what_cannot_be_undone_is_asked_for_at_a_terminal(void **state)
{
	static const char *const end[] = {"organisation", "remove", "C", NULL};
	static const char *const end_yes[] = {"organisation", "remove", "C", "--yes", NULL};
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "organisation", "add", "--kind", "customer", "--name", "C"), EX_OK);
	assert_int_not_equal(run_at_terminal(f, "n\n", end), EX_OK);
	assert_non_null(strstr(f->err, "its people cannot sign in"));
	assert_non_null(strstr(f->err, "Go on? [y/N]"));
	assert_non_null(strstr(f->err, "nothing was done"));
	assert_int_not_equal(run_at_terminal(f, "\n", end), EX_OK);
	assert_int_equal(RUN(f, "organisation", "list", "--kind", "customer"), EX_OK);
	assert_non_null(strstr(f->out, "or_"));
	assert_int_equal(run_at_terminal(f, "y\n", end), EX_OK);
	assert_int_equal(RUN(f, "organisation", "list", "--kind", "customer"), EX_OK);
	assert_null(strstr(f->out, "or_"));
	assert_int_equal(RUN(f, "organisation", "add", "--kind", "customer", "--name", "C"), EX_OK);
	assert_int_equal(run_at_terminal(f, "", end_yes), EX_OK);
	assert_null(strstr(f->err, "Go on?"));
}

static void a_generated_password_is_in_a_file_of_its_own_and_nowhere_else(void **state)
{
	struct fixture *f = *state;
	char path[300];
	mode_t mode;

	(void)snprintf(path, sizeof path, "%s/password", f->world.folder);
	assert_int_equal(RUN(f, "user", "add", "--organisation", "Operator", "--role", "auditor",
	                         "--name", "ada", "--generate-password", path),
	        EX_OK);
	assert_int_equal(size_of(f, "password", &mode), PASSWORD_GENERATED);
	assert_int_equal(mode, 0600);
	/* never over an existing file */
	assert_int_equal(
	        RUN(f, "user", "password", "ada", "--generate-password", path), EX_DATAERR);
	assert_int_equal(size_of(f, "password", &mode), PASSWORD_GENERATED);
	/* and taken away when the change fails */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(RUN(f, "user", "add", "--organisation", "Operator", "--role", "auditor",
	                         "--name", "ADA", "--generate-password", path),
	        EX_DATAERR);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_short_password_and_a_missing_one_are_refused(void **state)
{
	struct fixture *f = *state;
	const char *const add[] = {"user", "add", "--organisation", "Operator", "--role", "auditor",
	        "--name", "ada", "--password-file", "-", NULL};

	assert_int_equal(run_with(f, "short\n", add), EX_DATAERR);
	assert_int_equal(run_with(f, "\n", add), EX_DATAERR);
	assert_int_equal(run_with(f, "", add), EX_DATAERR);
	assert_int_equal(RUN(f, "user", "add", "--organisation", "Operator", "--role", "auditor",
	                         "--name", "ada"),
	        EX_DATAERR); /* no terminal to ask */
	assert_int_equal(count(f, "account"), 0);
}

static void an_invitation_carries_host_code_and_pin(void **state)
{
	struct fixture *f = *state;
	struct json *root;
	const char *text;

	assert_int_equal(RUN(f, "organisation", "add", "--kind", "customer", "--name", "C"), EX_OK);
	assert_int_equal(
	        RUN(f, "agent", "invite", "--customer", "C", "--type", "dc", "--json"), EX_OK);
	root = parsed(f);
	text = json_as_string(json_get(root, "invitation"));
	assert_non_null(text);
	assert_memory_equal(text, "agents.test:8443#", 17);
	assert_int_equal(strlen(text), 17 + 25 + 1 + 43);
	json_free(root);
	assert_int_equal(RUN(f, "agent", "invite", "--customer", "C", "--type", "xx"), EX_DATAERR);
	assert_int_equal(count(f, "invitation"), 1);
}

/* ---- the record */

static int64_t records(struct fixture *f, const char *action, const char *outcome)
{
	char text[200];
	const struct clock *clock = clock_real();
	int64_t end = clock_monotonic_ms(clock) + 5000, found = 0;

	(void)snprintf(text, sizeof text,
	        "SELECT count(*) FROM audit_index WHERE action = '%s' AND outcome = '%s'"
	        " AND source = 'cli' AND actor = 'uid %ld'",
	        action, outcome, (long)getuid());
	/* the index is written behind, at most a second later */
	while (found == 0 && clock_monotonic_ms(clock) < end)
		found = test_store_number(f->world.folder, SQL_AUDIT, text);
	return found;
}

static void a_customers_default_group_has_the_name_that_is_asked_for(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "organisation", "add", "--kind", "customer", "--name", "C",
	                         "--default-group", "Hall"),
	        EX_OK);
	assert_int_equal(RUN(f, "organisation", "add", "--kind", "customer", "--name", "D"), EX_OK);
	assert_int_equal(count(f, "device_group WHERE name = 'Hall' AND is_default = 1"), 1);
	assert_int_equal(count(f, "device_group WHERE name = 'Default' AND is_default = 1"), 1);
	assert_int_equal(count(f, "device_group"), 2);
	assert_int_equal(RUN(f, "organisation", "add", "--kind", "partner", "--name", "P",
	                         "--default-group", "Hall"),
	        EX_DATAERR);
	assert_non_null(strstr(f->err, "only a customer has groups"));
	assert_int_equal(RUN(f, "organisation", "add", "--kind", "customer", "--name", "E",
	                         "--default-group", " "),
	        EX_DATAERR);
	assert_int_equal(count(f, "organisation WHERE name IN ('P', 'E')"), 0);
}

static void changes_are_recorded_as_begun_and_done_or_failed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "organisation", "add", "--kind", "customer", "--name", "C"), EX_OK);
	assert_int_equal(
	        RUN(f, "organisation", "add", "--kind", "customer", "--name", "C"), EX_DATAERR);
	assert_int_equal(RUN(f, "user", "list"), EX_OK);
	assert_int_equal(records(f, "organisation.add", "done"), 1);
	assert_int_equal(records(f, "organisation.add", "failed"), 1);
	assert_int_equal(records(f, "organisation.add", "begun"), 2);
	assert_int_equal(records(f, "person.list", "done"), 1);
}

static void the_log_is_searched_and_the_search_recorded(void **state)
{
	struct fixture *f = *state;
	const struct json *row;
	struct json *root;

	assert_int_equal(RUN(f, "organisation", "add", "--kind", "customer", "--name", "C"), EX_OK);
	assert_int_equal(records(f, "organisation.add", "done"), 1);
	assert_int_equal(
	        RUN(f, "audit", "search", "--action", "organisation.add", "--json"), EX_OK);
	root = parsed(f);
	assert_int_equal(json_count(root), 2);
	row = json_first(root); /* the newest first */
	assert_string_equal(json_as_string(json_get(row, "outcome")), "done");
	assert_string_equal(json_as_string(json_get(row, "source")), "cli");
	assert_memory_equal(json_as_string(json_get(row, "targets")), "or_", 3);
	json_free(root);
	assert_int_equal(records(f, "audit.search", "done"), 1);
	assert_int_equal(RUN(f, "audit", "search", "--to", "2001-01-01", "--json"), EX_OK);
	assert_string_equal(f->out, "[]\n");
	assert_int_equal(RUN(f, "audit", "search", "--limit", "0"), EX_DATAERR);
	assert_int_equal(RUN(f, "audit", "search", "--from", "soon"), EX_DATAERR);
	assert_int_equal(RUN(f, "audit", "search", "--outcome", "fine"), EX_DATAERR);
	assert_non_null(strstr(f->err, "an outcome is done"));
	/* whose acts: by sign-in name as by id, and the name is not written down */
	assert_int_equal(run_with(f, "a long enough password\n",
	                         (const char *const[]){"user", "add", "--organisation", "C",
	                                 "--role", "customer-viewer", "--name", "una.byron",
	                                 "--password-file", "-", NULL}),
	        EX_OK);
	assert_int_equal(RUN(f, "audit", "search", "--person", "una.byron", "--json"), EX_OK);
	assert_string_equal(f->out, "[]\n");
	/* the index follows the log by some milliseconds */
	for (int tries = 0; tries < 250 && strstr(f->out, "\"person\":\"pe_") == NULL; tries++) {
		(void)usleep(20000);
		assert_int_equal(RUN(f, "audit", "search", "--action", "audit.search"), EX_OK);
		assert_null(strstr(f->out, "una.byron"));
	}
	assert_non_null(strstr(f->out, "\"person\":\"pe_"));
	/* no log, no look at it */
	test_audit_kill(f->audit);
	f->audit = 0;
	assert_int_equal(RUN(f, "audit", "search"), EX_TEMPFAIL);
	assert_string_equal(f->out, "");
}

/* ---- doctor */

static const char *finding(const struct json *root, const char *check, const char *word)
{
	for (const struct json *row = json_first(root); row != NULL; row = json_next(row)) {
		const char *says = json_as_string(json_get(row, "says"));

		if (strcmp(json_as_string(json_get(row, "check")), check) == 0 &&
		        strstr(says, word) != NULL)
			return json_as_string(json_get(row, "result"));
	}
	return "";
}

static void doctor_says_what_is_wrong_and_that_the_second_factor_is_off(void **state)
{
	struct fixture *f = *state;
	struct json *root;
	char path[300];

	(void)snprintf(path, sizeof path, "%s/pepper.key", f->world.folder);
	assert_int_equal(chmod(path, 0644), 0);
	/* nobody serves: faults, and the exit status says so */
	assert_int_equal(RUN(f, "doctor", "--json"), EX_CONFIG);
	root = parsed(f);
	assert_string_equal(finding(root, "keys", "pepper.key"), "FAULT");
	assert_string_equal(finding(root, "second factor", "off"), "warning");
	assert_string_equal(finding(root, "audit log", "took a record"), "ok");
	assert_string_equal(finding(root, "user site", "user.sock"), "FAULT");
	assert_string_equal(finding(root, "database", "core"), "ok");
	json_free(root);
}

#define READY(test) cmocka_unit_test_setup_teardown(test, set_up_ready, tear_down)
#define BARE(test)  cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        BARE(help_is_on_standard_output_and_mistakes_exit_64),
	        BARE(a_password_is_never_an_argument),
	        BARE(init_makes_what_is_missing_with_closed_secrets_and_can_be_repeated),
	        BARE(init_does_not_paper_over_half_a_pair),
	        BARE(before_init_commands_say_so),
	        BARE(a_change_that_cannot_be_recorded_is_not_made),
	        READY(a_whole_installation_is_set_up_and_taken_down_again),
	        READY(what_cannot_be_undone_is_asked_for_at_a_terminal),
	        READY(a_generated_password_is_in_a_file_of_its_own_and_nowhere_else),
	        READY(a_short_password_and_a_missing_one_are_refused),
	        READY(an_invitation_carries_host_code_and_pin),
	        READY(a_customers_default_group_has_the_name_that_is_asked_for),
	        READY(changes_are_recorded_as_begun_and_done_or_failed),
	        READY(the_log_is_searched_and_the_search_recorded),
	        READY(doctor_says_what_is_wrong_and_that_the_second_factor_is_off),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_recordings.c: every recording of FLEETPORT_RECORDINGS gives a report that the server's own
 * reader accepts whole; and the same over the network, from Debian's snmpsim, where that is
 * installed: the two must agree.
 */
#include "tests/recordings/snmprec.h"

#include "lib/buf.h"
#include "tests/helpers/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define AGENT "ag_0123456789abcdefghijkl"
#define NOW   1795338000000

static const char *folder;
static struct clock_fake fake;
static struct arena *arena;
static struct device_list list;

static void need_recordings(void)
{
	if (list.count == 0) {
		print_message("skipped: FLEETPORT_RECORDINGS names no folder with recordings\n");
		skip();
	}
}

static struct collect twin(void)
{
	return (struct collect){.agent_id = AGENT,
	        .clock = &fake.base,
	        .open = snmprec_collect_open,
	        .open_arg = (void *)(uintptr_t)folder};
}

static struct collect_result *read_all(const struct collect *collect, const struct device_list *of)
{
	struct collect_result *results = calloc(of->count, sizeof *results);

	assert_non_null(results);
	collect_all(collect, of, results, NULL);
	return results;
}

static void free_all(struct collect_result *results)
{
	for (size_t i = 0; i < list.count; i++)
		collect_free(&results[i]);
	free(results);
}

static void report_of(const struct collect_result *result, struct buf *b)
{
	struct report_device device = result->device;
	struct report report = {.id = "0192f0c1-7a5b-7c3d-8e9f-0123456789ab",
	        .devices = &device,
	        .device_count = 1,
	        .agent = {.id = AGENT,
	                .type = REPORT_AGENT_DC,
	                .collection = REPORT_SCHEDULED,
	                .sent_at = {true, NOW}}};
	struct err e = ERR_CLEAR;

	if (!report_write(&report, b, &e))
		fail_msg("%s", e.text);
}

static void every_recording_gives_a_report_that_the_server_takes_whole(void **state)
{
	struct collect collect = twin();
	struct collect_result *results;

	(void)state;
	need_recordings();
	results = read_all(&collect, &list);
	for (size_t i = 0; i < list.count; i++) {
		struct buf b = BUF_INIT(REPORT_BYTES_MAX);
		struct arena *read = arena_new(REPORT_ARENA_BYTES);
		struct report report;
		enum report_fault fault;
		struct err e = ERR_CLEAR;

		if (!results[i].ok)
			fail_msg("[%s] %s", list.entries[i].id, results[i].why.text);
		report_of(&results[i], &b);
		if (!report_read(b.data, b.len, NOW, read, &report, &fault, &e))
			fail_msg("[%s] %s", list.entries[i].id, e.text);
		if (report.rejected_count)
			fail_msg("[%s] %s", list.entries[i].id, report.rejected[0].message);
		assert_int_equal(report.warning_count, 0);
		assert_int_equal(report.device_count, 1);
		arena_free(read);
		buf_free(&b);
	}
	free_all(results);
}

static void a_special_value_is_never_a_number(void **state)
{
	struct collect collect = twin();
	struct collect_result *results;

	(void)state;
	need_recordings();
	results = read_all(&collect, &list);
	for (size_t i = 0; i < list.count; i++) {
		for (size_t k = 0; k < results[i].device.supply_count; k++) {
			const struct report_supply *s = &results[i].device.supplies[k];

			assert_true(!s->level.set || s->level.value >= 0);
			assert_true(!s->capacity.set || s->capacity.value > 0);
			assert_true(s->level.set != (s->level_state != 0));
			assert_true(!s->level.set || !s->capacity.set ||
			            s->level.value <= s->capacity.value);
		}
	}
	free_all(results);
}

static void every_recording_has_an_identity_and_most_a_name(void **state)
{
	struct collect collect = twin();
	struct collect_result *results;
	size_t named = 0;

	(void)state;
	need_recordings();
	results = read_all(&collect, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct report_device *d = &results[i].device;

		assert_non_null(d->identity);
		assert_int_equal(d->identity_kind == REPORT_SERIAL, d->serial_number != NULL);
		if (d->manufacturer && d->model) {
			named++;
			assert_int_not_equal(
			        strncasecmp(d->model, d->manufacturer, strlen(d->manufacturer)), 0);
		}
	}
	assert_true(named * 2 > list.count);
	free_all(results);
}

/* ---- the same through a real SNMP responder */

static unsigned free_port(void)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static pid_t start_snmpsim(unsigned port, const char *cache)
{
	char endpoint[64], data[4200], cache_dir[256];
	char *arguments[] = {"snmpsimd", data, cache_dir, endpoint, "--logging-method=null",
	        "--process-user=nobody", "--process-group=nogroup", NULL};
	pid_t pid;

	assert_int_equal(chmod(cache, 0777), 0);
	snprintf(endpoint, sizeof endpoint, "--agent-udpv4-endpoint=127.0.0.1:%u", port);
	snprintf(data, sizeof data, "--data-dir=%s", folder);
	snprintf(cache_dir, sizeof cache_dir, "--cache-dir=%s", cache);
	if (geteuid() != 0) /* it refuses root; anybody else stays who they are */
		arguments[5] = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp("snmpsimd", arguments);
		_exit(127);
	}
	return pid;
}

/* Asks until it answers; false: it ended (not installed), or 30 s are over. */
static bool answers(pid_t pid)
{
	int64_t end = clock_monotonic_ms(clock_real()) + 30000;
	struct collect collect = {.agent_id = AGENT, .clock = &fake.base};

	while (clock_monotonic_ms(clock_real()) < end && waitpid(pid, NULL, WNOHANG) == 0) {
		struct device_entry entry = list.entries[0];
		struct collect_result result;
		bool ok;

		entry.timeout_ms = 300;
		entry.retries = 0;
		ok = collect_one(&collect, &entry, &result);
		collect_free(&result);
		if (ok)
			return true;
	}
	return false;
}

static void compare_all(unsigned version)
{
	struct collect in_memory = twin(), by_snmp = twin();
	struct collect_result *expected, *got;

	by_snmp.open = NULL;
	for (size_t i = 0; i < list.count; i++)
		list.entries[i].version = version;
	expected = read_all(&in_memory, &list);
	got = read_all(&by_snmp, &list);
	for (size_t i = 0; i < list.count; i++) {
		struct buf a = BUF_INIT(REPORT_BYTES_MAX), b = BUF_INIT(REPORT_BYTES_MAX);

		if (!got[i].ok)
			fail_msg("[%s] %s", list.entries[i].id, got[i].why.text);
		report_of(&expected[i], &a);
		report_of(&got[i], &b);
		assert_string_equal(buf_text(&a), buf_text(&b));
		buf_free(&a);
		buf_free(&b);
	}
	free_all(expected);
	free_all(got);
}

static void a_recording_served_by_snmp_gives_the_same_report(void **state)
{
	char *cache;
	unsigned port;
	pid_t pid;
	bool up;

	(void)state;
	need_recordings();
	port = free_port();
	for (size_t i = 0; i < list.count; i++) {
		list.entries[i].port = port;
		list.entries[i].timeout_ms = 5000;
	}
	snmp_source_init();
	cache = test_folder_new();
	pid = start_snmpsim(port, cache);
	up = answers(pid);
	if (up) {
		compare_all(1);
		compare_all(2);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	test_folder_remove(cache);
	if (!up) {
		print_message("skipped: snmpsimd is not installed, or does not answer\n");
		skip();
	}
}

static int find_recordings(void **state)
{
	(void)state;
	folder = getenv("FLEETPORT_RECORDINGS");
	arena = arena_new(1024 * 1024);
	clock_fake_init(&fake, NOW);
	if (!arena)
		return -1;
	if (folder && *folder && !snmprec_list(folder, arena, &list))
		return -1;
	return 0;
}

static int drop_recordings(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* net-snmp keeps the sentence of its last error in one buffer for all threads; nobody reads it. */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:libnetsnmp.so\n";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_recording_gives_a_report_that_the_server_takes_whole),
	        cmocka_unit_test(a_special_value_is_never_a_number),
	        cmocka_unit_test(every_recording_has_an_identity_and_most_a_name),
	        cmocka_unit_test(a_recording_served_by_snmp_gives_the_same_report),
	};

	return cmocka_run_group_tests(tests, find_recordings, drop_recordings);
}

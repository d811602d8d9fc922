/* SPDX-License-Identifier: Apache-2.0 */
/* fleetport-audit itself (./fleetport-audit, or what FLEETPORT_AUDIT names), through the client. */
#include "core/audit.h"
#include "core/audit_store.h"
#include "core/audit_wire.h"
#include "core/changes.h"
#include "lib/crypto.h"
#include "tests/helpers/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 10000, PROCESSES = 8, ACKED_MAX = 100000 };

static char *folder;
static char config[200];
static pid_t daemon_pid;

static const char *path(const char *name)
{
	static char text[4][200];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof(text[turn]), "%s/%s", folder, name);
	return text[turn];
}

static int64_t now_ms(void)
{
	return clock_monotonic_ms(clock_real());
}

static pid_t spawn(void)
{
	const char *program = getenv("FLEETPORT_AUDIT");
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 2);
		execl(program != NULL ? program : "./fleetport-audit", "fleetport-audit",
		        "--config", config, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static struct audit_client *client(const char *source)
{
	char name[40];
	struct err e = ERR_CLEAR;
	struct audit_client *c;

	snprintf(name, sizeof(name), "audit-%s.sock", source);
	c = audit_client_new(path(name), &e);
	assert_non_null(c);
	return c;
}

/* Until it answers. */
static void await_daemon(void)
{
	struct audit_client *c = client("cli");
	struct err e = ERR_CLEAR;
	int64_t end = now_ms() + DEADLINE_MS;
	int64_t number;
	bool up = false;

	while (!up && now_ms() < end) {
		up = audit_last(c, &number, &e);
		if (!up)
			usleep(2000);
	}
	audit_client_free(c);
	if (!up)
		fail_msg("fleetport-audit does not answer: %s", e.text);
}

static void start(void)
{
	daemon_pid = spawn();
	await_daemon();
}

static void end(int how)
{
	int status;

	assert_int_equal(kill(daemon_pid, how), 0);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	daemon_pid = 0;
	if (how == SIGTERM)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int set_up(void **state)
{
	FILE *f;

	(void)state;
	folder = test_folder_new();
	snprintf(config, sizeof(config), "%s/c.conf", folder);
	f = fopen(config, "w");
	if (f == NULL)
		return -1;
	fprintf(f,
	        "[fleetport]\ndata = %s\nrun = %s\nsecrets = %s\n"
	        "user_url = https://user.localhost\nsupport_url = https://support.localhost\n"
	        "agents_url = https://agents.localhost\nmqtt_host = agents.localhost\n"
	        "[audit]\nnode = testnode\n",
	        folder, folder, folder);
	return fclose(f);
}

static int clean_up(void **state)
{
	(void)state;
	if (daemon_pid > 0) /* the test failed */
		end(SIGKILL);
	test_folder_remove(folder);
	folder = NULL;
	return 0;
}

static int64_t record(struct audit_client *c, const struct audit_entry *entry)
{
	struct err e = ERR_CLEAR;
	int64_t number = 0;

	if (!audit_record(c, entry, &number, &e))
		fail_msg("%s", e.text);
	return number;
}

static int64_t query(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int64_t query(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return test_store_number(folder, SQL_AUDIT, text);
}

static bool becomes(int64_t value, const char *text)
{
	int64_t deadline = now_ms() + DEADLINE_MS;

	while (test_store_number(folder, SQL_AUDIT, text) != value) {
		if (now_ms() > deadline)
			return false;
		usleep(5000);
	}
	return true;
}

static void numbers_are_dense_and_the_source_is_the_socket(void **state)
{
	const struct audit_entry entry = {.actor_kind = "person",
	        .actor_id = "pe_1",
	        .action = "device.view",
	        .outcome = AUDIT_DONE};
	struct audit_client *user, *support;
	int64_t first;

	(void)state;
	start();
	user = client("user");
	support = client("support");
	first = record(user, &entry);
	assert_int_equal(first, 2); /* 1 is the start of the daemon */
	assert_int_equal(record(support, &entry), 3);
	assert_int_equal(record(user, &entry), 4);
	assert_int_equal(query("SELECT count(*) FROM audit_entry WHERE source = 'user'"), 2);
	assert_int_equal(query("SELECT count(*) FROM audit_entry WHERE source = 'support'"), 1);
	assert_true(becomes(4, "SELECT count(*) FROM audit_index"));
	assert_int_equal(query("SELECT count(*) FROM audit_index WHERE action = 'audit.start'"), 1);
	audit_client_free(user);
	audit_client_free(support);
	end(SIGTERM);
	assert_int_equal(query("SELECT count(*) FROM audit_index WHERE action = 'audit.stop'"), 1);
	assert_int_equal(
	        query("SELECT max(number) = count(*) AND min(number) = 1 FROM audit_entry"), 1);
}

static void many_targets_make_parts_with_one_answer(void **state)
{
	enum { TARGETS = 600 };
	static char names[TARGETS][24];
	const char *targets[TARGETS];
	const struct audit_entry entry = {.action = "device.list",
	        .request_id = "r1",
	        .targets = targets,
	        .target_count = TARGETS,
	        .outcome = AUDIT_DONE};
	struct audit_client *c;

	(void)state;
	for (int i = 0; i < TARGETS; i++) {
		snprintf(names[i], sizeof(names[i]), "de_%d", i);
		targets[i] = names[i];
	}
	start();
	c = client("user");
	assert_int_equal(record(c, &entry), 2);
	assert_int_equal(query("SELECT max(number) FROM audit_entry"), 4);
	assert_true(becomes(TARGETS, "SELECT count(*) FROM audit_target"));
	assert_int_equal(query("SELECT count(DISTINCT target) FROM audit_target"), TARGETS);
	audit_client_free(c);
	end(SIGTERM);
}

static void without_the_daemon_there_is_an_error_at_once_and_after_its_return_there_is_none(
        void **state)
{
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	struct audit_client *c = client("user");
	struct err e = ERR_CLEAR;
	int64_t begun = now_ms();
	int64_t number;

	(void)state;
	assert_false(audit_record(c, &entry, &number, &e));
	assert_int_equal(e.code, ERR_UNAVAILABLE);
	assert_true(now_ms() - begun < 1000);
	for (int round = 0; round < 3; round++) {
		int64_t deadline = now_ms() + DEADLINE_MS;
		start();
		while (!audit_record(c, &entry, &number, &e) && now_ms() < deadline)
			usleep(1000);
		assert_true(now_ms() < deadline);
		end(SIGKILL);
		begun = now_ms();
		assert_false(audit_record(c, &entry, &number, &e));
		assert_int_equal(e.code, ERR_UNAVAILABLE);
		assert_true(now_ms() - begun < 2500);
	}
	audit_client_free(c);
}

static void a_stopped_daemon_costs_no_more_than_the_deadline(void **state)
{
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	struct audit_client *c;
	struct audit_ticket *ticket;
	struct err e = ERR_CLEAR;
	int64_t begun, number;

	(void)state;
	start();
	c = client("user");
	(void)record(c, &entry);
	kill(daemon_pid, SIGSTOP);
	begun = now_ms();
	ticket = audit_send(c, &entry, &e);
	assert_non_null(ticket);
	assert_false(audit_wait(ticket, 300, &number, &e));
	assert_int_equal(e.code, ERR_UNAVAILABLE);
	assert_in_range(now_ms() - begun, 290, 1500);
	kill(daemon_pid, SIGCONT);
	/* The late answer belongs to nobody; the next one to its own ticket. */
	assert_int_equal(record(c, &entry), 4);
	audit_client_free(c);
	end(SIGTERM);
}

static int raw_connection(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path("audit-user.sock"));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void receive(int fd, struct audit_wire *w)
{
	unsigned char answer[1000];
	ssize_t n = recv(fd, answer, sizeof(answer), 0);

	assert_true(n > 0);
	assert_true(audit_wire_read(answer, (size_t)n, w));
}

static void malformed_messages_are_refused_and_harm_nobody(void **state)
{
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	static unsigned char message[AUDIT_WIRE_MAX + 100], answer[1000];
	struct audit_wire w;
	struct audit_client *c;
	int fd;

	(void)state;
	start();
	c = client("user");
	(void)record(c, &entry);
	/* Too short for an answer: the connection ends. */
	fd = raw_connection();
	assert_int_equal(send(fd, "x", 1, 0), 1);
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 0);
	close(fd);
	fd = raw_connection();
	for (int kind = 0; kind < 256; kind++) {
		size_t rest = kind == AUDIT_WIRE_LAST ? 0 : kind == AUDIT_WIRE_OPEN ? 8 : 40;
		w = (struct audit_wire){
		        .kind = (enum audit_wire_kind)kind, .ticket = 7, .number = 40};
		memset(message + AUDIT_WIRE_HEAD, kind, sizeof(message) - AUDIT_WIRE_HEAD);
		audit_wire_write(&w, message);
		assert_true(send(fd, message, AUDIT_WIRE_HEAD + rest, 0) > 0);
		receive(fd, &w);
		assert_int_equal(w.ticket, 7);
		if (kind == AUDIT_WIRE_LAST)
			assert_int_equal(w.kind, AUDIT_WIRE_OK);
		else if (kind == AUDIT_WIRE_OPEN)
			assert_int_equal(w.kind, AUDIT_WIRE_ENTRY);
		else
			assert_int_equal(w.kind, AUDIT_WIRE_INVALID);
	}
	/* A body that is longer than its message, and a message that is longer than any. */
	for (uint64_t number = 41; number != 0; number = number == 41 ? UINT64_MAX : 0) {
		w = (struct audit_wire){.kind = AUDIT_WIRE_RECORD, .ticket = 8, .number = number};
		audit_wire_write(&w, message);
		assert_true(send(fd, message, AUDIT_WIRE_HEAD + 40, 0) > 0);
		receive(fd, &w);
		assert_int_equal(w.kind, AUDIT_WIRE_INVALID);
	}
	w = (struct audit_wire){.kind = AUDIT_WIRE_RECORD,
	        .ticket = 9,
	        .number = sizeof(message) - AUDIT_WIRE_HEAD};
	audit_wire_write(&w, message);
	assert_true(send(fd, message, sizeof(message), 0) > 0);
	receive(fd, &w);
	assert_int_equal(w.kind, AUDIT_WIRE_INVALID);
	close(fd);
	assert_int_equal(record(c, &entry), 3);
	audit_client_free(c);
	end(SIGTERM);
}

static size_t put_record(unsigned char *out, uint64_t ticket, const struct audit_entry *entry)
{
	struct audit_wire w = {.kind = AUDIT_WIRE_RECORD, .ticket = ticket};
	struct buf body = BUF_INIT(AUDIT_BODY_MAX);
	struct err e = ERR_CLEAR;

	assert_true(audit_body_encode(entry, 1, 1, 0, 0, &body, &e));
	w.number = body.len;
	audit_wire_write(&w, out);
	memcpy(out + AUDIT_WIRE_HEAD, body.data, body.len);
	buf_free(&body);
	return AUDIT_WIRE_HEAD + w.number;
}

static void one_bad_record_in_a_message_is_refused_alone(void **state)
{
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	unsigned char message[2000], answer[1000];
	struct audit_wire w;
	size_t len, second;
	int fd;

	(void)state;
	start();
	fd = raw_connection();
	len = put_record(message, 1, &entry);
	second = len;
	len += put_record(message + len, 2, &entry);
	message[second + AUDIT_WIRE_HEAD] = 0xff; /* no such outcome */
	len += put_record(message + len, 3, &entry);
	assert_int_equal(send(fd, message, len, 0), len);
	receive(fd, &w);
	assert_int_equal(w.ticket, 2);
	assert_int_equal(w.kind, AUDIT_WIRE_INVALID);
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 2 * AUDIT_WIRE_HEAD);
	for (uint64_t i = 0; i < 2; i++) {
		assert_true(audit_wire_read(answer + i * AUDIT_WIRE_HEAD, AUDIT_WIRE_HEAD, &w));
		assert_int_equal(w.kind, AUDIT_WIRE_OK);
		assert_int_equal(w.ticket, 1 + 2 * i);
		assert_int_equal(w.number, 2 + i);
	}
	close(fd);
	end(SIGTERM);
}

static void more_items_than_a_message_may_have_end_the_connection_after_the_first_ones(void **state)
{
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	static unsigned char message[AUDIT_WIRE_MAX];
	unsigned char answer[1000];
	struct audit_wire w = {.kind = AUDIT_WIRE_LAST};
	struct audit_client *c;
	size_t len = 0;
	int fd;

	(void)state;
	start();
	fd = raw_connection();
	for (uint64_t i = 0; i <= AUDIT_WIRE_ITEMS; i++)
		len += put_record(message + len, i, &entry);
	assert_int_equal(send(fd, message, len, 0), len);
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 0);
	close(fd);
	/* As many questions as a message may have are answered all. */
	fd = raw_connection();
	for (size_t i = 0; i < AUDIT_WIRE_ITEMS; i++)
		audit_wire_write(&w, message + i * AUDIT_WIRE_HEAD);
	len = (size_t)AUDIT_WIRE_ITEMS * AUDIT_WIRE_HEAD;
	assert_int_equal(send(fd, message, len, 0), len);
	for (size_t i = 0; i < AUDIT_WIRE_ITEMS; i++) {
		receive(fd, &w);
		assert_int_equal(w.kind, AUDIT_WIRE_OK);
		assert_int_equal(w.number, 1 + AUDIT_WIRE_ITEMS);
	}
	close(fd);
	c = client("user");
	assert_int_equal(record(c, &entry), 2 + AUDIT_WIRE_ITEMS);
	audit_client_free(c);
	end(SIGTERM);
}

/* ---- many at once, which are packed */

enum { CROWD = 8, WINDOW = 100, WINDOWS = 20 };

struct one_of_many {
	struct audit_client *client;
	int id;
	int64_t numbers[WINDOWS * WINDOW];
};

static void *send_windows(void *arg)
{
	struct one_of_many *mine = arg;
	struct audit_ticket *tickets[WINDOW];
	char request[40];
	const struct audit_entry entry = {
	        .action = "device.view", .request_id = request, .outcome = AUDIT_DONE};

	for (int first = 0; first < WINDOWS * WINDOW; first += WINDOW) {
		for (int i = 0; i < WINDOW; i++) {
			snprintf(request, sizeof(request), "%d/%d", mine->id, first + i);
			tickets[i] = audit_send(mine->client, &entry, NULL);
		}
		for (int i = 0; i < WINDOW; i++)
			if (tickets[i] == NULL || !audit_wait(tickets[i], DEADLINE_MS,
			                                  &mine->numbers[first + i], NULL))
				mine->numbers[first + i] = -1;
	}
	return NULL;
}

static void check_all_acked_of(int id, const int64_t *numbers, int64_t count);

static void packed_records_have_each_its_own_number(void **state)
{
	static struct one_of_many crowd[CROWD];
	struct audit_client *c;
	pthread_t threads[CROWD];

	(void)state;
	start();
	c = client("user");
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct one_of_many){.client = c, .id = i};
		assert_int_equal(pthread_create(&threads[i], NULL, send_windows, &crowd[i]), 0);
	}
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	audit_client_free(c);
	end(SIGTERM);
	assert_int_equal(
	        query("SELECT max(number) = count(*) AND min(number) = 1 FROM audit_entry"), 1);
	assert_int_equal(query("SELECT count(*) FROM audit_entry WHERE source = 'user'"),
	        CROWD * WINDOWS * WINDOW);
	for (int i = 0; i < CROWD; i++)
		check_all_acked_of(i, crowd[i].numbers, (int64_t)WINDOWS * WINDOW);
}

static void packed_records_leave_when_one_is_waited_for(void **state)
{
	enum { MANY = 40 };
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	struct audit_ticket *tickets[MANY];
	struct audit_client *c;
	int64_t number;

	(void)state;
	start();
	c = client("user");
	(void)record(c, &entry);
	kill(daemon_pid, SIGSTOP); /* so that many are under way */
	for (int i = 0; i < MANY; i++) {
		tickets[i] = audit_send(c, &entry, NULL);
		assert_non_null(tickets[i]);
	}
	kill(daemon_pid, SIGCONT);
	assert_true(audit_wait(tickets[0], DEADLINE_MS, &number, NULL));
	assert_int_equal(number, 3);
	assert_true(becomes(MANY + 2, "SELECT count(*) FROM audit_entry"));
	for (int i = 1; i < MANY; i++) {
		assert_true(audit_wait(tickets[i], DEADLINE_MS, &number, NULL));
		assert_int_equal(number, 3 + i);
	}
	audit_client_free(c);
	end(SIGTERM);
}

static void what_is_packed_when_the_daemon_dies_fails_at_once(void **state)
{
	enum { MANY = 40 };
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	struct audit_ticket *tickets[MANY];
	struct audit_client *c;
	struct err e = ERR_CLEAR;
	int64_t begun, number;

	(void)state;
	start();
	c = client("user");
	(void)record(c, &entry);
	kill(daemon_pid, SIGSTOP);
	for (int i = 0; i < MANY; i++) {
		tickets[i] = audit_send(c, &entry, NULL);
		assert_non_null(tickets[i]);
	}
	end(SIGKILL);
	begun = now_ms();
	for (int i = 0; i < MANY; i++) {
		assert_false(audit_wait(tickets[i], DEADLINE_MS, &number, &e));
		assert_int_equal(e.code, ERR_UNAVAILABLE);
	}
	assert_true(now_ms() - begun < DEADLINE_MS / 2);
	start();
	begun = now_ms();
	while (!audit_record(c, &entry, &number, &e) && now_ms() - begun < DEADLINE_MS)
		usleep(1000);
	/* Two starts and the two records that were answered: what failed is not there. */
	assert_int_equal(number, query("SELECT count(*) FROM audit_entry"));
	assert_int_equal(number, 4);
	audit_client_free(c);
	end(SIGTERM);
}

/* ---- kill -9 under load */

struct child {
	_Atomic int64_t count;
	int64_t numbers[ACKED_MAX];
};

static void child_main(struct child *mine, int id, _Atomic bool *stop)
{
	struct audit_client *c = client("user");
	char request[40];

	while (!atomic_load(stop)) {
		const struct audit_entry entry = {
		        .action = "device.view", .request_id = request, .outcome = AUDIT_DONE};
		int64_t n = atomic_load(&mine->count);
		if (n == ACKED_MAX)
			break;
		snprintf(request, sizeof(request), "%d/%lld", id, (long long)n);
		if (audit_record(c, &entry, &mine->numbers[n], NULL))
			atomic_store(&mine->count, n + 1);
		else
			usleep(500);
	}
	audit_client_free(c);
	_exit(0);
}

static const struct sql_statement one_record = {.role = SQL_READ,
        .store = SQL_AUDIT,
        .in = "i",
        .out = "bb",
        .text = "SELECT record, leaf FROM audit_entry WHERE number = $1"};
static const struct sql_table test_sql = {"test", &one_record, 1};

static void check_acked(struct sql_conn *conn, int id, int64_t place, int64_t number)
{
	struct arena *arena = arena_new(1 << 18);
	const unsigned char *bytes, *leaf;
	unsigned char again[CRYPTO_HASH];
	struct audit_record r;
	struct err e = ERR_CLEAR;
	char request[40];
	size_t len, leaf_len;
	bool found = false;

	assert_true(sql_one(conn, &one_record, SQL_ARGS(SQL_I(number)),
	        SQL_INTO(SQL_INTO_B(arena, &bytes, &len), SQL_INTO_B(arena, &leaf, &leaf_len)),
	        &found, &e));
	assert_true(found);
	assert_true(audit_record_decode(bytes, len, arena, &r, &e));
	snprintf(request, sizeof(request), "%d/%lld", id, (long long)place);
	assert_string_equal(r.entry.request_id, request);
	audit_record_leaf(bytes, len, again);
	assert_memory_equal(again, leaf, CRYPTO_HASH);
	arena_free(arena);
}

static struct sql_db *open_log(void)
{
	static const struct sql_table *const tables[] = {&test_sql, NULL};
	const struct sql_options options = {
	        .directory = folder, .read = 1u << SQL_AUDIT, .readers = 1, .tables = tables};
	struct sql_db *db = NULL;
	struct err e = ERR_CLEAR;

	if (!sql_open(&options, &db, &e))
		fail_msg("%s", e.text);
	return db;
}

static void check_all_acked_of(int id, const int64_t *numbers, int64_t count)
{
	struct sql_db *db = open_log();
	struct sql_conn *conn = sql_borrow(db, DEADLINE_MS, NULL);

	assert_non_null(conn);
	for (int64_t n = 0; n < count; n++)
		check_acked(conn, id, n, numbers[n]);
	sql_return(conn);
	sql_close(db);
}

static void check_all_acked(struct child *children)
{
	int64_t total = 0;

	for (int i = 0; i < PROCESSES; i++) {
		int64_t count = atomic_load(&children[i].count);
		check_all_acked_of(i, children[i].numbers, count);
		total += count;
	}
	assert_true(total > 100);
	print_message("%lld records acknowledged\n", (long long)total);
}

static int64_t acked(struct child *children)
{
	int64_t sum = 0;

	for (int i = 0; i < PROCESSES; i++)
		sum += atomic_load(&children[i].count);
	return sum;
}

static void killing_the_daemon_under_load_loses_nothing_that_was_acknowledged(void **state)
{
	const char *wanted = getenv("FLEETPORT_KILL_ROUNDS");
	long rounds = wanted != NULL ? strtol(wanted, NULL, 10) : 50;
	size_t size = sizeof(struct child) * PROCESSES + sizeof(_Atomic bool);
	struct child *children =
	        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_Atomic bool *stop = (_Atomic bool *)(children + PROCESSES);
	pid_t pids[PROCESSES];

	(void)state;
	assert_ptr_not_equal(children, MAP_FAILED);
	start();
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			child_main(&children[i], i, stop);
	}
	for (long round = 0; round < rounds; round++) {
		int64_t enough = acked(children) + 50 + crypto_random_below(200);
		int64_t deadline = now_ms() + DEADLINE_MS;
		while (acked(children) < enough && now_ms() < deadline)
			usleep(100);
		assert_true(now_ms() < deadline);
		end(SIGKILL);
		start();
	}
	atomic_store(stop, true);
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	end(SIGTERM);
	check_all_acked(children);
	assert_int_equal(
	        query("SELECT max(number) = count(*) AND min(number) = 1 FROM audit_entry"), 1);
	assert_int_equal(query("SELECT (SELECT count(*) FROM audit_index) ="
	                       " (SELECT count(*) FROM audit_entry)"),
	        1);
	test_store_intact(folder, SQL_AUDIT);
	munmap(children, size);
}

/* ---- changes */

static const struct sql_statement add_setting = {.role = SQL_WRITE,
        .store = SQL_CORE,
        .in = "t",
        .out = "",
        .text = "INSERT INTO setting (name, value) VALUES ($1, '')"};
static const struct sql_table setting_sql = {"setting", &add_setting, 1};

static bool set(struct sql_conn *conn, void *arg, struct err *e)
{
	return sql_do(conn, &add_setting, SQL_ARGS(SQL_T(arg)), NULL, e);
}

struct marked {
	const char *name;
	int64_t begun;
};

static bool set_and_mark(struct sql_conn *conn, void *arg, struct err *e)
{
	struct marked *m = arg;

	return set(conn, (void *)m->name, e) && change_mark(conn, "user", m->begun, e);
}

static int64_t outcome_of(int64_t begun, const char *outcome)
{
	return query("SELECT count(*) FROM audit_index WHERE begun = %lld AND outcome = '%s'"
	             " AND action = 'setting.add' AND actor = 'pe_1'",
	        (long long)begun, outcome);
}

static void changes_left_open_are_closed_truthfully(void **state)
{
	static const struct sql_table *const tables[] = {&setting_sql, &changes_sql, NULL};
	const struct sql_options options = {.directory = folder,
	        .read = 1u << SQL_CORE,
	        .write = 1u << SQL_CORE,
	        .own = 1u << SQL_CORE,
	        .migrate = 1u << SQL_CORE,
	        .readers = 1,
	        .tables = tables};
	struct audit_entry entry = {
	        .actor_kind = "person", .actor_id = "pe_1", .action = "setting.add"};
	struct changes c = {.program = "user"};
	struct marked made = {.name = "made"};
	struct err e = ERR_CLEAR;
	int64_t lost;
	unsigned closed;

	(void)state;
	start();
	assert_true(sql_open(&options, &c.db, &e));
	c.audit = client("user");
	assert_true(changes_run(&c, &entry, set, "one", &e));
	assert_false(changes_run(&c, &entry, set, "one", &e)); /* it is there already */
	assert_int_equal(e.code, ERR_CONFLICT);
	/* A program that dies: once after its transaction, once before it. */
	assert_true(change_begin(&c, &entry, &made.begun, &e));
	assert_true(sql_write(c.db, SQL_CORE, set_and_mark, &made, 1000, &e));
	assert_true(change_begin(&c, &entry, &lost, &e));
	assert_true(changes_close(&c, true, NULL, &closed, &e));
	assert_int_equal(closed, 2);
	assert_true(changes_close(&c, true, NULL, &closed, &e));
	assert_int_equal(closed, 0);
	assert_int_equal(
	        test_store_number(folder, SQL_CORE, "SELECT count(*) FROM change_mark"), 0);
	audit_client_free(c.audit);
	sql_close(c.db);
	end(SIGTERM);
	assert_int_equal(outcome_of(2, "done"), 1);
	assert_int_equal(outcome_of(4, "failed"), 1);
	assert_int_equal(outcome_of(made.begun, "done"), 1);
	assert_int_equal(outcome_of(lost, "unfinished"), 1);
	assert_int_equal(query("SELECT count(*) FROM audit_open"), 0);
}

static void a_second_daemon_leaves_the_first_alone(void **state)
{
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	struct audit_client *c;
	pid_t second;
	int status;

	(void)state;
	start();
	c = client("user");
	(void)record(c, &entry);
	second = spawn();
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	(void)record(c, &entry);
	audit_client_free(c);
	end(SIGTERM);
}

/* ---- many threads on one connection */

static void *record_many(void *arg)
{
	const struct audit_entry entry = {.action = "device.view", .outcome = AUDIT_DONE};
	int64_t previous = 0;

	for (int i = 0; i < 200; i++) {
		int64_t number = 0;
		if (!audit_record(arg, &entry, &number, NULL) || number <= previous)
			return arg;
		previous = number;
	}
	return NULL;
}

static void threads_share_a_connection(void **state)
{
	struct audit_client *c;
	pthread_t threads[PROCESSES];

	(void)state;
	start();
	c = client("user");
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, record_many, c), 0);
	for (int i = 0; i < PROCESSES; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	audit_client_free(c);
	end(SIGTERM);
	assert_int_equal(
	        query("SELECT count(*) FROM audit_entry WHERE source = 'user'"), 200 * PROCESSES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(numbers_are_dense_and_the_source_is_the_socket),
	        TEST(many_targets_make_parts_with_one_answer),
	        TEST(without_the_daemon_there_is_an_error_at_once_and_after_its_return_there_is_none),
	        TEST(a_stopped_daemon_costs_no_more_than_the_deadline),
	        TEST(malformed_messages_are_refused_and_harm_nobody),
	        TEST(one_bad_record_in_a_message_is_refused_alone),
	        TEST(more_items_than_a_message_may_have_end_the_connection_after_the_first_ones),
	        TEST(packed_records_have_each_its_own_number),
	        TEST(packed_records_leave_when_one_is_waited_for),
	        TEST(what_is_packed_when_the_daemon_dies_fails_at_once),
	        TEST(threads_share_a_connection),
	        TEST(changes_left_open_are_closed_truthfully),
	        TEST(a_second_daemon_leaves_the_first_alone),
	        TEST(killing_the_daemon_under_load_loses_nothing_that_was_acknowledged),
	};

	if (!crypto_init(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

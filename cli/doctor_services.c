/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_services.c: stores, audit log, sockets, TLS, clock and disk.
 */
#include "cli/doctor.h"

#include "lib/file.h"
#include "lib/https.h"
#include "lib/x509.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAL_ALARM_MIB = 256, DISK_WARNING = 90, DISK_FAULT = 97 };

/* ---- stores */

static int64_t file_mib(struct doctor *d, const char *name)
{
	const char *path = config_path(d->cli->config, "data", name);
	struct stat st;

	return path != NULL && stat(path, &st) == 0 ? (int64_t)st.st_size >> 20 : 0;
}

void doctor_stores(struct doctor *d)
{
	const char *data = config_text(d->cli->config, "fleetport", "data");

	for (int s = 0; s < SQL_STORES; s++) {
		const char *name = sql_store_name((enum sql_store)s);
		char *wal = arena_printf(d->cli->arena, "%s.db-wal", name);
		struct err e = ERR_CLEAR;
		int64_t version = -1, mib = wal != NULL ? file_mib(d, wal) : 0;

		if (!sql_schema_version(data, (enum sql_store)s, &version, &e))
			doctor_say(d, "database", FINDING_FAULT,
			        "look at the disk and at the log of the program that writes it",
			        "%s: %s", name, e.text);
		else if (version < 0)
			doctor_say(d, "database", FINDING_FAULT, "run fleetport init",
			        "%s is not there", name);
		else if (mib >= WAL_ALARM_MIB)
			doctor_say(d, "database", FINDING_WARNING,
			        "end readers that hang, or restart the program that writes it",
			        "%s: its write-ahead log has %lld MiB", name, (long long)mib);
		else
			doctor_say(d, "database", FINDING_OK, NULL, "%s: schema %lld", name,
			        (long long)version);
	}
}

/* Is there somebody who runs the installation, and somebody who reads the log? */
void doctor_people(struct doctor *d)
{
	struct err e = ERR_CLEAR;
	struct organisation *operators;
	struct account *people;
	size_t operator_count = 0, count = 0, admins = 0, auditors = 0;
	struct sql_conn *conn;
	bool ok;

	if (!cli_open_keys(d->cli, &e) || (conn = cli_read(d->cli, &e)) == NULL) {
		doctor_say(d, "people", FINDING_FAULT, NULL, "%s", e.text);
		return;
	}
	ok = organisations_list(conn, d->cli->arena, "operator", &operators, &operator_count, &e) &&
	     (operator_count == 0 || accounts_list(conn, d->cli->keys, d->cli->arena,
	                                     operators[0].id, &people, &count, &e));
	sql_return(conn);
	if (!ok) {
		doctor_say(d, "people", FINDING_FAULT, NULL, "%s", e.text);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		admins += people[i].role == ROLE_OPERATOR_ADMIN;
		auditors += people[i].role == ROLE_AUDITOR;
	}
	doctor_say(d, "people", admins > 0 && auditors > 0 ? FINDING_OK : FINDING_WARNING,
	        admins > 0 && auditors > 0 ? NULL
	                                   : "fleetport user add --role operator-admin|auditor",
	        "%zu operator-admins, %zu auditors", admins, auditors);
}

void doctor_factors(struct doctor *d)
{
	doctor_say(d, "second factor", FINDING_WARNING,
	        "keep the support site to known networks until it is there",
	        "off: people sign in with name and password alone");
}

/* ---- processes */

void doctor_audit(struct doctor *d)
{
	struct err e = ERR_CLEAR;

	if (cli_record(d->cli, "installation.check", "", NULL, NULL, &e))
		doctor_say(d, "audit log", FINDING_OK, NULL, "took a record of this check");
	else
		doctor_say(d, "audit log", FINDING_FAULT,
		        "start fleetport-audit: without it no page shows data", "%s", e.text);
}

/* Connects to a socket in run/ and lets go at once; to one of datagrams, nothing is sent. */
static bool socket_answers(struct doctor *d, const char *name, int type, struct err *e)
{
	const char *path = config_path(d->cli->config, "run", name);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	bool ok;
	int fd;

	if (path == NULL || strlen(path) >= sizeof to.sun_path)
		return err_set(e, ERR_CONFIG, "the path of %s is too long for a socket", name);
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "socket");
	ok = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || err_errno(e, "%s", path);
	(void)close(fd);
	return ok;
}

void doctor_sockets(struct doctor *d)
{
	static const struct {
		const char *name;
		int type;
		const char *check, *fix;
	} sockets[] = {{"user.sock", SOCK_STREAM, "user site", "start fleetport-user"},
	        {"support.sock", SOCK_STREAM, "support site", "start fleetport-support"},
	        {"ingest.sock", SOCK_STREAM, "reports", "start fleetport-ingest"},
	        {"enroll.sock", SOCK_STREAM, "enrolment", "start fleetport-enroll"},
	        {"dispatch.sock", SOCK_DGRAM, "operations", "start fleetport-dispatch"},
	        {"mqtt.sock", SOCK_STREAM, "broker",
	                "start mosquitto with the drop-in of fleetport"}};

	for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
		struct err e = ERR_CLEAR;

		if (socket_answers(d, sockets[i].name, sockets[i].type, &e))
			doctor_say(d, sockets[i].check, FINDING_OK, NULL, "%s answers",
			        sockets[i].name);
		else
			doctor_say(
			        d, sockets[i].check, FINDING_FAULT, sockets[i].fix, "%s", e.text);
	}
}

/* ---- TLS */

/* Asks a site for its health, trusting ca_pem (NULL: the public authorities). */
static bool ask(struct doctor *d, const char *url, const char *path, const char *ca_pem,
        struct https_answer *answer, struct err *e)
{
	const char *connect_to = config_text(d->cli->config, "dispatch", "connect_to");
	struct https_options options = {.base_url = url,
	        .ca_pem = ca_pem,
	        .connect_to = connect_to,
	        .connect_timeout_ms = 3000,
	        .timeout_ms = 5000,
	        .stop_fd = -1,
	        .user_agent = "fleetport-doctor"};
	struct https_client *client = https_new(&options, e);
	bool ok = client != NULL && https_get(client, path, answer, e);

	https_free(client);
	return ok;
}

static void check_site(struct doctor *d, const char *option, const char *path, const char *ca_pem)
{
	const char *url = config_text(d->cli->config, "fleetport", option);
	struct https_answer answer = {.status = 0};
	struct err e = ERR_CLEAR;
	bool ours = ask(d, url, path, ca_pem, &answer, &e), ok = ours;

	if (!ok && e.code == ERR_DENIED) {
		https_answer_free(&answer);
		answer = (struct https_answer){.status = 0};
		ok = ask(d, url, path, NULL, &answer, &e);
	}
	if (!ok)
		doctor_say(d, "TLS", FINDING_FAULT,
		        "look at nginx: its log, its certificate, the configured URL", "%s: %s",
		        url, e.text);
	else if (answer.status != 200)
		doctor_say(d, "TLS", FINDING_FAULT, "look at the program behind it",
		        "%s%s answers %d", url, path, answer.status);
	else
		doctor_say(d, "TLS", FINDING_OK, NULL, "%s, trusted by %s", url,
		        ours ? "the installation's own CA" : "public authorities");
	https_answer_free(&answer);
}

void doctor_tls(struct doctor *d)
{
	const char *path = config_path(d->cli->config, "secrets", "server-ca.pem");
	struct buf pem = BUF_INIT(X509_PEM_MAX);
	struct err e = ERR_CLEAR;

	if (path == NULL || !file_read(path, &pem, &e)) {
		doctor_say(d, "TLS", FINDING_FAULT, "run fleetport init", "%s", e.text);
		return;
	}
	check_site(d, "user_url", "/healthz", buf_text(&pem));
	check_site(d, "support_url", "/healthz", buf_text(&pem));
	check_site(d, "agents_url", "/v1/ca", buf_text(&pem));
	buf_free(&pem);
}

/* ---- the machine */

void doctor_clock(struct doctor *d)
{
	struct timex t = {.modes = 0};
	int state = adjtimex(&t);

	if (state < 0)
		doctor_say(d, "clock", FINDING_WARNING, NULL, "cannot be asked: %s",
		        strerrordesc_np(errno));
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
		doctor_say(d, "clock", FINDING_WARNING, "switch on systemd-timesyncd or chrony",
		        "not synchronised: agents whose clocks differ by more than a minute"
		        " refuse operations");
	else
		doctor_say(d, "clock", FINDING_OK, NULL, "synchronised");
}

void doctor_disk(struct doctor *d)
{
	const char *data = config_text(d->cli->config, "fleetport", "data");
	struct statvfs fs;
	struct rlimit locked;
	uint64_t percent;

	if (statvfs(data, &fs) != 0) {
		doctor_say(d, "disk", FINDING_FAULT, NULL, "%s: %s", data, strerrordesc_np(errno));
		return;
	}
	percent = fs.f_blocks == 0 ? 0 : (fs.f_blocks - fs.f_bavail) * 100 / fs.f_blocks;
	doctor_say(d, "disk",
	        percent >= DISK_FAULT     ? FINDING_FAULT
	        : percent >= DISK_WARNING ? FINDING_WARNING
	                                  : FINDING_OK,
	        percent >= DISK_WARNING ? "make room: without it nothing can be recorded or stored"
	                                : NULL,
	        "%s: %llu %% used, %llu MiB free", data, (unsigned long long)percent,
	        (unsigned long long)fs.f_bavail * fs.f_frsize >> 20);
	if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur < 65536)
		doctor_say(d, "memory", FINDING_WARNING, "set LimitMEMLOCK=64K or more",
		        "at most %llu bytes can be locked: keys need a page",
		        (unsigned long long)locked.rlim_cur);
}

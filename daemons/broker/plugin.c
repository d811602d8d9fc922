/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c: mosquitto's plugin (agent-protocol.md, Enrolment 4). It does what the broker's acl_file
 * cannot: refuses foreign SUBSCRIBEs, refuses names that are not ours, and puts out revoked agents and
 * clients whose certificate was withdrawn (renewed, invited again) or has run out.
 * What it does not refuse it leaves to the acl_file (DEFER). It reads one small local file, on the
 * broker's tick and only when that changed: no SQL, no network, nothing that blocks the broker.
 *
 *   plugin /usr/lib/fleetport/fleetport-broker.so
 *   plugin_opt_revoked /run/fleetport/revoked-agents
 */
#include "core/agents.h"
#include "daemons/broker/connections.h"
#include "daemons/broker/rules.h"
#include "lib/x509_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mosquitto.h>

#include <mosquitto_broker.h> /* before mosquitto_plugin.h, which needs it */

#include <mosquitto_plugin.h>

/* Exported to the broker, which looks them up by name; mosquitto_plugin.h declares them. */
#define PLUGIN_API __attribute__((visibility("default")))

enum {
	LOOK_EVERY_MS = 250, /* how often the file is looked at and revoked agents are put out */
	ENDS_EVERY_MS =
	        5000, /* how often open connections are searched for certificates that ran out */
	INTRUDERS_MAX =
	        64, /* names to put out at the next tick; more are caught at their next act */
};

struct plugin {
	mosquitto_plugin_id_t *id;
	char *path;
	struct revoked revoked;
	struct stat seen;   /* the file as it was read last; st_ino 0: never */
	bool complained;    /* about the file as it is now */
	uint64_t looked_at; /* monotonic ms */
	struct connections connections;
	bool certificates_due; /* somebody's certificate may have ceased to be good */
	uint64_t certificates_at;
	char *intruders[INTRUDERS_MAX];
	size_t intruder_count;
};

static uint64_t monotonic_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
	struct timespec now;

	/* Without a time, no certificate counts as good. */
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return INT64_MAX;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void complain(struct plugin *p, const char *what)
{
	if (!p->complained)
		mosquitto_log_printf(MOSQ_LOG_ERR,
		        "fleetport: revoked agents: %s: %s; the list of before holds", p->path,
		        what);
	p->complained = true;
}

/* Reads exactly what fstat promised; a file that is replaced meanwhile is seen at the next look. */
static char *read_whole(int fd, size_t size)
{
	char *text = malloc(size + 1);
	size_t got = 0;

	if (text == NULL)
		return NULL;
	while (got < size) {
		ssize_t n = read(fd, text + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(text);
			return NULL;
		}
		got += (size_t)n;
	}
	return text;
}

static void load(struct plugin *p, int fd, const struct stat *st)
{
	char *text;
	size_t bad = 0;

	if (!S_ISREG(st->st_mode) || st->st_size > AGENTS_REVOKED_MAX) {
		complain(p, "not a plain file of at most 16 MiB");
		return;
	}
	text = read_whole(fd, (size_t)st->st_size);
	if (text == NULL || !revoked_parse(&p->revoked, text, (size_t)st->st_size, &bad)) {
		complain(p, "could not be read");
		free(text);
		return;
	}
	free(text);
	p->seen = *st;
	p->complained = false;
	p->certificates_due = true;
	mosquitto_log_printf(MOSQ_LOG_NOTICE,
	        "fleetport: revoked agents: %zu read, %zu withdrawn certificates, %zu bad lines",
	        p->revoked.count, p->revoked.serial_count, bad);
}

/* Reads the file again if it changed. One that is not there yet is an empty list; one that goes
 * away later changes nothing, so that nobody is let in by deleting it. */
static void look(struct plugin *p)
{
	struct stat st;
	int fd;

	if (stat(p->path, &st) != 0) {
		if (errno != ENOENT || p->seen.st_ino != 0)
			complain(p, strerror(errno));
		return;
	}
	if (same_file(&st, &p->seen))
		return;
	fd = open(p->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		complain(p, strerror(errno));
	else
		load(p, fd, &st);
	if (fd >= 0)
		close(fd);
}

static void put_out(const char *name, const char *why)
{
	/* Client ids equal user names (use_username_as_clientid), and are found by a hash. */
	if (mosquitto_kick_client_by_clientid(name, false) == MOSQ_ERR_SUCCESS)
		mosquitto_log_printf(MOSQ_LOG_NOTICE, "fleetport: %s put out: %s", name, why);
}

/* All who are connected with a certificate that is good for nothing any more. */
static void put_out_certificates(struct plugin *p)
{
	size_t at = p->connections.count;
	int64_t now = wall_ms();
	struct connection c;

	/* Whom the broker puts out it tells of at once (on_disconnect): the walk allows for that. */
	while (connections_next(&p->connections, &at, &c)) {
		const char *why = revoked_certificate(&p->revoked, c.serial, c.not_after, now);

		if (why != NULL)
			put_out(c.name, why);
	}
}

static int on_tick(int event, void *event_data, void *userdata)
{
	struct plugin *p = userdata;
	uint64_t now = monotonic_ms();

	(void)event;
	(void)event_data;
	if (now - p->looked_at < LOOK_EVERY_MS)
		return MOSQ_ERR_SUCCESS;
	p->looked_at = now;
	look(p);
	/* Not only those that are new in the list: the broker has no event for a connect. */
	for (size_t i = 0; i < p->revoked.count; i++)
		put_out(p->revoked.ids[i], "revoked");
	for (size_t i = 0; i < p->intruder_count; i++) {
		put_out(p->intruders[i], "not a name of ours");
		free(p->intruders[i]);
		p->intruders[i] = NULL;
	}
	p->intruder_count = 0;
	if (p->certificates_due || now - p->certificates_at >= ENDS_EVERY_MS) {
		p->certificates_due = false;
		p->certificates_at = now;
		put_out_certificates(p);
	}
	return MOSQ_ERR_SUCCESS;
}

/* A client must not be put out inside a callback: the broker still works on it. */
static void remember_intruder(struct plugin *p, const char *name)
{
	char *copy;

	if (p->intruder_count == INTRUDERS_MAX || name == NULL)
		return;
	copy = strdup(name);
	if (copy != NULL)
		p->intruders[p->intruder_count++] = copy;
}

/* Is the client's certificate (still) good? Whose is not, is put out at the next tick. A client that is gone
 * and leaves its will has no certificate any more: its name must do. */
static bool certificate_good(struct plugin *p, const struct mosquitto *client, const char *name)
{
	void *certificate = mosquitto_client_certificate(client);
	char serial[X509_SERIAL_SIZE];
	int64_t not_after;
	bool read;

	if (certificate == NULL)
		return true;
	read = x509_peer_read(certificate, serial, &not_after);
	x509_peer_free(certificate);
	if (!read)
		return false;
	/* Without memory it is not put out before it acts again, and refused then all the same. */
	(void)connections_seen(&p->connections, name, client, serial, not_after);
	if (revoked_certificate(&p->revoked, serial, not_after, wall_ms()) == NULL)
		return true;
	p->certificates_due = true;
	return false;
}

static int on_disconnect(int event, void *event_data, void *userdata)
{
	struct plugin *p = userdata;
	const struct mosquitto_evt_disconnect *gone = event_data;
	const char *name = mosquitto_client_username(gone->client);

	(void)event;
	if (name != NULL)
		connections_gone(&p->connections, name, gone->client);
	return MOSQ_ERR_SUCCESS;
}

static int on_acl_check(int event, void *event_data, void *userdata)
{
	struct plugin *p = userdata;
	const struct mosquitto_evt_acl_check *check = event_data;
	const char *name = mosquitto_client_username(check->client);

	(void)event;
	if (!broker_knows(name)) {
		remember_intruder(p, mosquitto_client_id(check->client));
		return MOSQ_ERR_ACL_DENIED;
	}
	if (revoked_has(&p->revoked, name) || !certificate_good(p, check->client, name))
		return MOSQ_ERR_ACL_DENIED;
	if (check->access == MOSQ_ACL_SUBSCRIBE)
		return broker_may_subscribe(name, check->topic) ? MOSQ_ERR_SUCCESS
		                                                : MOSQ_ERR_ACL_DENIED;
	if (check->access == MOSQ_ACL_UNSUBSCRIBE)
		return MOSQ_ERR_SUCCESS;
	return MOSQ_ERR_PLUGIN_DEFER;
}

PLUGIN_API int mosquitto_plugin_version(int count, const int *versions)
{
	for (int i = 0; i < count; i++)
		if (versions[i] == MOSQ_PLUGIN_VERSION)
			return MOSQ_PLUGIN_VERSION;
	return -1;
}

static void plugin_free(struct plugin *p)
{
	for (size_t i = 0; i < p->intruder_count; i++)
		free(p->intruders[i]);
	revoked_free(&p->revoked);
	connections_free(&p->connections);
	free(p->path);
	free(p);
}

static const char *option(const struct mosquitto_opt *options, int count, const char *key)
{
	for (int i = 0; i < count; i++)
		if (strcmp(options[i].key, key) == 0)
			return options[i].value;
	return NULL;
}

PLUGIN_API int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata,
        struct mosquitto_opt *options, int option_count)
{
	const char *path = option(options, option_count, "revoked");
	struct plugin *p;

	if (path == NULL) {
		mosquitto_log_printf(MOSQ_LOG_ERR, "fleetport: plugin_opt_revoked FILE is needed");
		return MOSQ_ERR_INVAL;
	}
	p = calloc(1, sizeof *p);
	if (p == NULL || (p->path = strdup(path)) == NULL)
		goto no_memory;
	p->id = identifier;
	look(p);
	if (mosquitto_callback_register(identifier, MOSQ_EVT_ACL_CHECK, on_acl_check, NULL, p) !=
	                MOSQ_ERR_SUCCESS ||
	        mosquitto_callback_register(identifier, MOSQ_EVT_DISCONNECT, on_disconnect, NULL,
	                p) != MOSQ_ERR_SUCCESS ||
	        mosquitto_callback_register(identifier, MOSQ_EVT_TICK, on_tick, NULL, p) !=
	                MOSQ_ERR_SUCCESS) {
		mosquitto_log_printf(MOSQ_LOG_ERR, "fleetport: the broker took no callbacks");
		plugin_free(p);
		return MOSQ_ERR_UNKNOWN;
	}
	*userdata = p;
	return MOSQ_ERR_SUCCESS;

no_memory:
	if (p != NULL)
		plugin_free(p);
	return MOSQ_ERR_NOMEM;
}

PLUGIN_API int mosquitto_plugin_cleanup(
        void *userdata, struct mosquitto_opt *options, int option_count)
{
	struct plugin *p = userdata;

	(void)options;
	(void)option_count;
	if (p == NULL)
		return MOSQ_ERR_SUCCESS;
	mosquitto_callback_unregister(p->id, MOSQ_EVT_ACL_CHECK, on_acl_check, NULL);
	mosquitto_callback_unregister(p->id, MOSQ_EVT_DISCONNECT, on_disconnect, NULL);
	mosquitto_callback_unregister(p->id, MOSQ_EVT_TICK, on_tick, NULL);
	plugin_free(p);
	return MOSQ_ERR_SUCCESS;
}

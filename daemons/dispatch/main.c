/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleetport-dispatch: operations out to agents, and what agents say back. The MQTT client has a thread; all
 * else is one loop around the engine.
 */
#include "core/operations.h"
#include "core/program_record.h"
#include "daemons/dispatch/engine.h"
#include "daemons/dispatch/inbox.h"
#include "lib/log.h"
#include "lib/mqtt.h"
#include "lib/parse.h"
#include "lib/program.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGES_MAX = 4096, BYTES_MAX = 32 << 20, STOP_WAIT_MS = 2000, MESSAGES_A_TURN = 256 };

static const struct config_option options[] = {
        {"dispatch", "connect_to", CONFIG_TEXT, .fallback = NULL},
        {"dispatch", "keep_alive", CONFIG_INT, .fallback = "30", .min = 5, .max = 3600},
        {NULL},
};

static const char *const subscriptions[] = {"fleetport/1/+/event", "fleetport/1/+/presence"};

struct dispatch {
	struct program_run *run;
	struct engine engine;
	bool begun; /* the engine is */
	struct inbox *inbox;
	struct mqtt *mqtt;
	struct audit_client *audit;
	unsigned char key[CRYPTO_SIGN_SECRET];
	int bell;
	char host[256];
	unsigned port;
};

/* ---- the MQTT client's thread */

static void on_connected(void *arg)
{
	struct dispatch *d = arg;

	(void)inbox_put(d->inbox, INBOX_CONNECTED, 0, 0);
}

static void on_disconnected(void *arg, const char *why)
{
	struct dispatch *d = arg;

	log_event(LOG_LEVEL_WARNING, "broker-away", "why", why, NULL);
	(void)inbox_put(d->inbox, INBOX_DISCONNECTED, 0, 0);
}

static void on_message(void *arg, const char *topic, const void *payload, size_t len, bool retained)
{
	struct dispatch *d = arg;

	if (!inbox_put_message(d->inbox, topic, payload, len, retained))
		log_event(LOG_LEVEL_WARNING, "message-dropped", "why", "more than can be worked on",
		        NULL);
}

static void on_published(void *arg, int number, int reason)
{
	struct dispatch *d = arg;

	(void)inbox_put(d->inbox, INBOX_PUBLISHED, number, reason);
}

/* ---- the engine's hands */

static bool publish(
        void *arg, const char *topic, const void *payload, size_t len, int *number, struct err *e)
{
	struct dispatch *d = arg;

	return mqtt_publish(d->mqtt, topic, payload, len, false, number, e);
}

static bool record(void *arg, const struct audit_entry *entry, struct err *e)
{
	struct dispatch *d = arg;

	return audit_record(d->audit, entry, NULL, e);
}

/* ---- the loop */

static bool somebody_rings(const struct dispatch *d)
{
	struct pollfd bell = {.fd = d->bell, .events = POLLIN};

	return poll(&bell, 1, 0) > 0;
}

/* A person at the door goes before what agents have to tell: each of their messages takes two commits. */
static void take_inbox(struct dispatch *d)
{
	for (int i = 0; i < MESSAGES_A_TURN && (i == 0 || !somebody_rings(d)); i++) {
		struct inbox_item *item = inbox_take(d->inbox);
		if (item == NULL)
			return;
		switch (item->kind) {
		case INBOX_CONNECTED:
			log_event(LOG_LEVEL_INFO, "broker-connected", NULL);
			engine_connected(&d->engine);
			break;
		case INBOX_DISCONNECTED:
			engine_disconnected(&d->engine);
			break;
		case INBOX_MESSAGE:
			engine_message(
			        &d->engine, item->topic, item->payload, item->len, item->retained);
			break;
		case INBOX_PUBLISHED:
			engine_published(&d->engine, item->number, item->reason);
			break;
		}
		free(item);
	}
}

static void empty_bell(int bell)
{
	char ring[16];

	while (recv(bell, ring, sizeof ring, MSG_DONTWAIT) >= 0)
		;
}

static bool loop(struct dispatch *d, struct err *e)
{
	struct pollfd fds[] = {{.fd = d->run->stop_fd, .events = POLLIN},
	        {.fd = inbox_fd(d->inbox), .events = POLLIN}, {.fd = d->bell, .events = POLLIN}};

	for (;;) {
		int wait = engine_turn(&d->engine);
		if (poll(fds, 3, wait) < 0 && errno != EINTR)
			return err_errno(e, "poll");
		if (fds[0].revents != 0)
			return true;
		if (fds[2].revents != 0)
			empty_bell(d->bell);
		take_inbox(d);
	}
}

/* ---- start */

/* The door bell: one datagram of the support site says that there is something in the outbox. */
static bool hang_bell(struct dispatch *d, struct err *e)
{
	const char *path = config_path(d->run->config, "run", "dispatch.sock");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (path == NULL || strlen(path) >= sizeof address.sun_path)
		return err_set(
		        e, ERR_CONFIG, "[fleetport] run: the path of the socket is too long");
	memcpy(address.sun_path, path, strlen(path) + 1);
	d->bell = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->bell < 0)
		return err_errno(e, "socket");
	(void)unlink(path);
	if (bind(d->bell, (struct sockaddr *)&address, sizeof address) != 0 ||
	        chmod(path, 0660) != 0)
		return err_errno(e, "%s", path);
	return true;
}

/* Where the broker is: connect_to, else what agents are told. */
static bool find_broker(struct dispatch *d, struct err *e)
{
	const char *to = config_text(d->run->config, "dispatch", "connect_to"), *colon;
	int64_t port;

	if (to == NULL) {
		(void)snprintf(d->host, sizeof d->host, "%s",
		        config_text(d->run->config, "fleetport", "mqtt_host"));
		d->port = (unsigned)config_int(d->run->config, "fleetport", "mqtt_port");
		return true;
	}
	colon = strrchr(to, ':');
	if (colon == NULL || colon == to || (size_t)(colon - to) >= sizeof d->host ||
	        !parse_int(colon + 1, 1, 65535, &port))
		return err_set(e, ERR_CONFIG, "[dispatch] connect_to: HOST:PORT is expected");
	memcpy(d->host, to, (size_t)(colon - to));
	d->port = (unsigned)port;
	return true;
}

static bool connect_broker(struct dispatch *d, struct err *e)
{
	const struct config *c = d->run->config;
	const struct mqtt_options mqtt = {.host = d->host,
	        .port = d->port,
	        .alpn = "mqtt",
	        .ca_file = config_path(c, "secrets", "server-ca.pem"),
	        .certificate_file = config_path(c, "secrets", "dispatch.pem"),
	        .key_file = config_path(c, "secrets", "dispatch.key.pem"),
	        .client_id = "dispatch",
	        .keep_alive = (unsigned)config_int(c, "dispatch", "keep_alive"),
	        .subscriptions = subscriptions,
	        .subscription_count = sizeof subscriptions / sizeof subscriptions[0],
	        .back_off_max_ms = 5000,
	        .handlers = {.connected = on_connected,
	                .disconnected = on_disconnected,
	                .message = on_message,
	                .published = on_published,
	                .arg = d}};

	if (mqtt.ca_file == NULL || mqtt.certificate_file == NULL || mqtt.key_file == NULL)
		return err_set(e, ERR_MEMORY, "no memory to start");
	return mqtt_start(&mqtt, &d->mqtt, e);
}

/* The stores may come up after us, and the audit process after both: then this is called again. */
static bool begin_engine(void *arg, struct err *e)
{
	struct dispatch *d = arg;

	if (!d->begun)
		d->begun = engine_begin(&d->engine, e);
	return d->begun;
}

static bool open_parts(struct dispatch *d, struct err *e)
{
	const struct config *c = d->run->config;
	const char *key = config_path(c, "secrets", "operation.key"),
	           *audit = config_path(c, "run", "audit-dispatch.sock");
	const struct sql_options sql = {.directory = config_text(c, "fleetport", "data"),
	        .read = 1u << SQL_CORE | 1u << SQL_OPERATIONS | 1u << SQL_TELEMETRY,
	        .write = 1u << SQL_OPERATIONS,
	        .own = 1u << SQL_OPERATIONS,
	        .migrate = 1u << SQL_OPERATIONS,
	        .readers = 2,
	        .tables = engine_tables};

	if (key == NULL || audit == NULL)
		return err_set(e, ERR_MEMORY, "no memory to start");
	if (!crypto_key_read(key, d->key, sizeof d->key, e) || !find_broker(d, e) ||
	        !hang_bell(d, e) || !sql_open(&sql, &d->engine.db, e))
		return false;
	d->audit = audit_client_new(audit, e);
	d->inbox = d->audit == NULL ? NULL : inbox_new(MESSAGES_MAX, BYTES_MAX, e);
	d->engine.clock = clock_real();
	d->engine.secret_key = d->key;
	d->engine.io = (struct engine_io){.publish = publish, .record = record, .arg = d};
	return d->inbox != NULL;
}

/* Nothing goes out, and nothing is taken in, before the start is recorded and after the stop is. */
static bool work(struct dispatch *d, struct err *e)
{
	bool stopped, ok;

	if (!program_record_start(d->run, d->audit, begin_engine, d, &stopped, e))
		return false;
	if (stopped)
		return true;
	ok = connect_broker(d, e);
	if (ok) {
		program_ready(d->run);
		ok = loop(d, e);
	}
	mqtt_stop(d->mqtt, STOP_WAIT_MS);
	if (ok)
		program_record_stop(d->run, d->audit);
	return ok;
}

static bool run(struct program_run *program, struct err *e)
{
	struct dispatch *d = calloc(1, sizeof *d);
	bool ok;

	if (d == NULL)
		return err_set(e, ERR_MEMORY, "no memory to start");
	d->run = program;
	d->bell = -1;
	ok = open_parts(d, e) && work(d, e);
	if (d->begun)
		engine_end(&d->engine);
	inbox_free(d->inbox);
	audit_client_free(d->audit);
	sql_close(d->engine.db);
	if (d->bell >= 0)
		(void)close(d->bell);
	crypto_wipe(d->key, sizeof d->key);
	free(d);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct program program = {.name = "fleetport-dispatch",
	        .summary = "Sends remote operations to agents and keeps track of what becomes of "
	                   "them.",
	        .options = options,
	        .run = run};

	return program_main(&program, argc, argv);
}

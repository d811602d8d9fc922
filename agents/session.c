/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/session.h"

#include "lib/log.h"
#include "lib/mqtt.h"
#include "lib/parse.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOODBYE_MS = 1000 };

struct session {
	const struct state *state;
	char connect_to[ENROLMENT_HOST_SIZE];
	struct orders *orders;
	pthread_mutex_t lock; /* around mqtt: callbacks come before mqtt_start() has returned */
	struct mqtt *mqtt;
};

static void connected(void *arg)
{
	struct session *s = arg;

	log_event(LOG_LEVEL_INFO, "broker-connected", NULL);
	orders_connected(s->orders);
}

static void disconnected(void *arg, const char *why)
{
	(void)arg;
	log_event(LOG_LEVEL_WARNING, "broker-disconnected", "why", why ? why : "", NULL);
}

/* Nothing for an agent is ever retained: what comes so is not from dispatch. */
static void message(void *arg, const char *topic, const void *payload, size_t len, bool retained)
{
	struct session *s = arg;
	char mine[OPERATION_TOPIC_SIZE];

	operation_topic(s->state->agent_id, "operation", mine);
	if (!retained && strcmp(topic, mine) == 0)
		orders_receive(s->orders, payload, len);
}

static void published(void *arg, int number, int reason)
{
	char text[24];

	(void)arg;
	(void)number;
	if (reason >= MQTT_FAILURE)
		log_event(LOG_LEVEL_WARNING, "publish-refused", "reason", log_number(text, reason),
		        NULL);
}

struct session *session_new(const struct state *state, const char *connect_to)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->state = state;
	snprintf(s->connect_to, sizeof s->connect_to, "%s", connect_to ? connect_to : "");
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

/* connect_to goes before what the server said: "HOST:PORT". */
static bool where_to(
        const struct session *s, char host[ENROLMENT_HOST_SIZE], unsigned *port, struct err *e)
{
	const char *colon = strrchr(s->connect_to, ':');
	int64_t number;

	if (!s->connect_to[0]) {
		snprintf(host, ENROLMENT_HOST_SIZE, "%s", s->state->mqtt_host);
		*port = s->state->mqtt_port;
		return true;
	}
	if (!colon || !parse_int(colon + 1, 1, 65535, &number))
		return err_set(e, ERR_CONFIG, "connect_to must be HOST:PORT");
	snprintf(host, ENROLMENT_HOST_SIZE, "%.*s", (int)(colon - s->connect_to), s->connect_to);
	*port = (unsigned)number;
	return true;
}

bool session_start(struct session *s, struct orders *orders, const struct buf *will, struct err *e)
{
	char host[ENROLMENT_HOST_SIZE], ca[STATE_PATH_SIZE], pem[STATE_PATH_SIZE];
	char topic[OPERATION_TOPIC_SIZE], presence[OPERATION_TOPIC_SIZE];
	const char *subscriptions[] = {operation_topic(s->state->agent_id, "operation", topic)};
	struct mqtt_options options = {.host = host,
	        .alpn = s->state->mqtt_alpn[0] ? s->state->mqtt_alpn : NULL,
	        .ca_file = state_path(s->state, "server-ca.pem", ca),
	        .certificate_file = state_path(s->state, "agent.pem", pem),
	        .key_file = pem,
	        .keep_alive = s->state->mqtt_keep_alive,
	        .subscriptions = subscriptions,
	        .subscription_count = 1,
	        .will_topic = operation_topic(s->state->agent_id, "presence", presence),
	        .will = will->data,
	        .will_len = will->len,
	        .handlers = {.connected = connected,
	                .disconnected = disconnected,
	                .message = message,
	                .published = published,
	                .arg = s}};
	bool ok;

	s->orders = orders;
	if (!where_to(s, host, &options.port, e))
		return false;
	pthread_mutex_lock(&s->lock);
	ok = mqtt_start(&options, &s->mqtt, e);
	pthread_mutex_unlock(&s->lock);
	return ok || err_wrap(e, "the connection for operations");
}

bool session_publish(
        struct session *s, const char *leaf, const void *payload, size_t len, bool retain)
{
	char topic[OPERATION_TOPIC_SIZE];
	struct mqtt *mqtt;

	pthread_mutex_lock(&s->lock);
	mqtt = s->mqtt;
	pthread_mutex_unlock(&s->lock);
	operation_topic(s->state->agent_id, leaf, topic);
	return mqtt && mqtt_publish(mqtt, topic, payload, len, retain, NULL, NULL);
}

void session_renew(struct session *s)
{
	if (s->mqtt)
		mqtt_reconnect(s->mqtt);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	mqtt_stop(s->mqtt, GOODBYE_MS);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

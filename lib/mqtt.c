/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mqtt.c: libmosquitto, tamed. Each connection has a `struct mosquitto` of its own, so that nothing
 * that the library queued on one is sent on the next; and the loop is turned by our own thread, so
 * that no error can end it silently.
 */
#include "lib/mqtt.h"

#include "lib/clock.h"
#include "lib/crypto.h"
#include "lib/log.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	TURN_MS = 1000,          /* the longest sleep of the loop */
	CONNECT_WAIT_MS = 20000, /* until the subscriptions stand */
	BACK_OFF_FIRST_MS = 200,
	BACK_OFF_MAX_MS = 30000,
	MAX_SUBSCRIPTIONS = 16,
};

struct mqtt {
	/* a copy of the options; never changed */
	struct mqtt_options o;
	char *subscriptions[MAX_SUBSCRIPTIONS];
	pthread_t thread;

	pthread_mutex_t lock; /* all below; never held inside mosquitto_loop() */
	pthread_cond_t wake;
	struct mosquitto *mosq; /* NULL between connections */
	bool up;                /* all subscriptions acknowledged */
	bool stopping;
	bool again;          /* mqtt_reconnect() was called */
	unsigned unanswered; /* publishes without their answer on this connection */
	bool trouble_logged; /* one line a spell of failures */

	/* the thread's own */
	size_t granted;
	bool lost;
	char why[200];
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_rc;

static void library_start(void)
{
	library_rc = mosquitto_lib_init();
}

static void lose(struct mqtt *m, const char *what, const char *why)
{
	if (!m->lost)
		(void)snprintf(m->why, sizeof(m->why), "%.60s: %.130s", what, why);
	m->lost = true;
}

static void subscribe_all(struct mqtt *m)
{
	int rc;

	m->granted = 0;
	for (size_t i = 0; i < m->o.subscription_count; i++) {
		rc = mosquitto_subscribe_v5(m->mosq, NULL, m->subscriptions[i], 1, 0, NULL);
		if (rc != MOSQ_ERR_SUCCESS)
			lose(m, "cannot subscribe", mosquitto_strerror(rc));
	}
}

static void now_up(struct mqtt *m)
{
	pthread_mutex_lock(&m->lock);
	m->up = true;
	m->trouble_logged = false;
	pthread_mutex_unlock(&m->lock);
	if (m->o.handlers.connected != NULL)
		m->o.handlers.connected(m->o.handlers.arg);
}

static void on_connect(
        struct mosquitto *mosq, void *arg, int reason, int flags, const mosquitto_property *props)
{
	struct mqtt *m = arg;

	(void)mosq;
	(void)flags;
	(void)props;
	if (reason != 0) {
		lose(m, "refused", mosquitto_reason_string(reason));
		return;
	}
	subscribe_all(m);
	if (m->o.subscription_count == 0)
		now_up(m);
}

static void on_subscribe(struct mosquitto *mosq, void *arg, int number, int count,
        const int *granted, const mosquitto_property *props)
{
	struct mqtt *m = arg;

	(void)mosq;
	(void)number;
	(void)props;
	for (int i = 0; i < count; i++) {
		if (granted[i] >= MQTT_FAILURE) {
			lose(m, "a subscription was refused", mosquitto_reason_string(granted[i]));
			return;
		}
	}
	if (++m->granted == m->o.subscription_count)
		now_up(m);
}

static void on_disconnect(
        struct mosquitto *mosq, void *arg, int reason, const mosquitto_property *props)
{
	struct mqtt *m = arg;

	(void)mosq;
	(void)props;
	/* Positive numbers below 128 are the library's errors, the others MQTT's. */
	lose(m, "connection lost",
	        reason >= MQTT_FAILURE ? mosquitto_reason_string(reason)
	                               : mosquitto_strerror(reason));
}

static void on_message(struct mosquitto *mosq, void *arg, const struct mosquitto_message *message,
        const mosquitto_property *props)
{
	struct mqtt *m = arg;

	(void)mosq;
	(void)props;
	if (m->o.handlers.message != NULL && message->payloadlen >= 0)
		m->o.handlers.message(m->o.handlers.arg, message->topic,
		        message->payload != NULL ? message->payload : "",
		        (size_t)message->payloadlen, message->retain);
}

static void on_publish(
        struct mosquitto *mosq, void *arg, int number, int reason, const mosquitto_property *props)
{
	struct mqtt *m = arg;

	(void)mosq;
	(void)props;
	pthread_mutex_lock(&m->lock);
	if (m->unanswered > 0)
		m->unanswered--;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (m->o.handlers.published != NULL)
		m->o.handlers.published(m->o.handlers.arg, number, reason);
}

static bool set_tls(struct mqtt *m, struct mosquitto *mosq, struct err *e)
{
	const struct mqtt_options *o = &m->o;
	int rc;

	if (o->ca_file == NULL)
		return true;
	rc = mosquitto_tls_set(mosq, o->ca_file, NULL, o->certificate_file, o->key_file, NULL);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_tls_opts_set(mosq, 1 /* SSL_VERIFY_PEER */, NULL, NULL);
	if (rc == MOSQ_ERR_SUCCESS && o->alpn != NULL)
		rc = mosquitto_string_option(mosq, MOSQ_OPT_TLS_ALPN, o->alpn);
	if (rc != MOSQ_ERR_SUCCESS)
		return err_set(e, ERR_CONFIG, "TLS for the broker: %s (%s, %s, %s)",
		        mosquitto_strerror(rc), o->ca_file, o->certificate_file, o->key_file);
	return true;
}

static bool set_up(struct mqtt *m, struct mosquitto *mosq, struct err *e)
{
	const struct mqtt_options *o = &m->o;
	int rc = mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);

	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_threaded_set(mosq, true);
	if (rc == MOSQ_ERR_SUCCESS && o->will_topic != NULL)
		rc = mosquitto_will_set_v5(
		        mosq, o->will_topic, (int)o->will_len, o->will, 1, true, NULL);
	if (rc != MOSQ_ERR_SUCCESS)
		return err_set(e, ERR_CONFIG, "MQTT client: %s", mosquitto_strerror(rc));
	if (!set_tls(m, mosq, e))
		return false;
	mosquitto_connect_v5_callback_set(mosq, on_connect);
	mosquitto_disconnect_v5_callback_set(mosq, on_disconnect);
	mosquitto_subscribe_v5_callback_set(mosq, on_subscribe);
	mosquitto_message_v5_callback_set(mosq, on_message);
	mosquitto_publish_v5_callback_set(mosq, on_publish);
	return true;
}

static struct mosquitto *client_new(struct mqtt *m, struct err *e)
{
	struct mosquitto *mosq = mosquitto_new(m->o.client_id, true, m);

	if (mosq == NULL) {
		(void)err_errno(e, "MQTT client");
		return NULL;
	}
	if (!set_up(m, mosq, e)) {
		mosquitto_destroy(mosq);
		return NULL;
	}
	return mosq;
}

/* Connects: TCP or unix socket, and CONNECT on its way. */
static bool dial(struct mqtt *m, struct err *e)
{
	mosquitto_property *props = NULL;
	bool local = m->o.host[0] == '/';
	int rc = mosquitto_property_add_int32(
	        &props, MQTT_PROP_MAXIMUM_PACKET_SIZE, MQTT_MESSAGE_MAX + 1024);

	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_connect_bind_v5(m->mosq, m->o.host, local ? 0 : (int)m->o.port,
		        (int)m->o.keep_alive, NULL, props);
	mosquitto_property_free_all(&props);
	if (rc == MOSQ_ERR_ERRNO)
		return err_errno(e, "cannot reach the broker");
	if (rc != MOSQ_ERR_SUCCESS)
		return err_set(
		        e, ERR_UNAVAILABLE, "cannot reach the broker: %s", mosquitto_strerror(rc));
	return true;
}

static bool wanted(struct mqtt *m, bool *up)
{
	bool ok;

	pthread_mutex_lock(&m->lock);
	ok = !m->again && !m->stopping;
	*up = m->up;
	pthread_mutex_unlock(&m->lock);
	return ok;
}

/* Turns the loop until the connection is lost or unwanted. The time-out for a connection that
 * never comes up is the watchdog; afterwards libmosquitto's keep-alive is. */
static void turn(struct mqtt *m)
{
	int64_t give_up = clock_monotonic_ms(clock_real()) + CONNECT_WAIT_MS;
	bool up;

	while (!m->lost && wanted(m, &up)) {
		int rc = mosquitto_loop(m->mosq, TURN_MS, 1);
		if (rc != MOSQ_ERR_SUCCESS)
			lose(m, "connection lost",
			        rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
		if (!up && clock_monotonic_ms(clock_real()) > give_up)
			lose(m, "connection given up", "the broker does not answer");
	}
}

/* Says DISCONNECT, so that the broker drops the will, and lets it out. */
static void say_goodbye(struct mqtt *m)
{
	if (m->lost)
		return;
	(void)mosquitto_disconnect_v5(m->mosq, 0, NULL); /* again does no harm */
	for (int i = 0; i < 10 && mosquitto_want_write(m->mosq); i++) {
		if (mosquitto_loop(m->mosq, 50, 1) != MOSQ_ERR_SUCCESS)
			break;
	}
}

static void one_connection(struct mqtt *m)
{
	struct err e = ERR_CLEAR;
	struct mosquitto *mosq = client_new(m, &e);

	m->lost = false;
	m->why[0] = '\0';
	pthread_mutex_lock(&m->lock);
	m->again = false;
	m->mosq = mosq;
	m->unanswered = 0;
	pthread_mutex_unlock(&m->lock);
	if (mosq == NULL || !dial(m, &e)) {
		lose(m, "no connection", e.text);
	} else {
		turn(m);
		say_goodbye(m);
	}
	pthread_mutex_lock(&m->lock);
	m->mosq = NULL;
	m->up = false;
	m->unanswered = 0;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	mosquitto_destroy(mosq);
}

/* Tells the program, and the log once a spell. Returns whether to go on. */
static bool tell(struct mqtt *m)
{
	bool log, stopping;

	pthread_mutex_lock(&m->lock);
	stopping = m->stopping;
	log = !stopping && m->lost && !m->trouble_logged;
	m->trouble_logged = m->trouble_logged || log;
	pthread_mutex_unlock(&m->lock);
	if (log)
		log_event(LOG_LEVEL_WARNING, "mqtt-disconnected", "host", m->o.host, "reason",
		        m->why, NULL);
	if (!stopping && m->o.handlers.disconnected != NULL)
		m->o.handlers.disconnected(m->o.handlers.arg, m->why);
	return !stopping;
}

static struct timespec after_ms(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* A pause between half of ms and ms, so that a thousand agents do not come back as one. */
static void pause_for(struct mqtt *m, unsigned ms)
{
	struct timespec until = after_ms(ms / 2 + crypto_random_below(ms / 2 + 1));
	int rc = 0;

	pthread_mutex_lock(&m->lock);
	while (!m->stopping && !m->again && rc == 0)
		rc = pthread_cond_timedwait(&m->wake, &m->lock, &until);
	pthread_mutex_unlock(&m->lock);
}

static void *run(void *arg)
{
	struct mqtt *m = arg;
	unsigned back_off = m->o.back_off_first_ms;

	for (;;) {
		int64_t begun = clock_monotonic_ms(clock_real());
		one_connection(m);
		if (!tell(m))
			return NULL;
		/* A connection that lived for a while starts the pauses anew. */
		if (clock_monotonic_ms(clock_real()) - begun > m->o.back_off_max_ms)
			back_off = m->o.back_off_first_ms;
		pause_for(m, back_off);
		back_off =
		        back_off * 2 > m->o.back_off_max_ms ? m->o.back_off_max_ms : back_off * 2;
	}
}

static bool copy_text(const char **text)
{
	if (*text == NULL)
		return true;
	*text = strdup(*text);
	return *text != NULL;
}

static void mqtt_free(struct mqtt *m)
{
	free((char *)m->o.host);
	free((char *)m->o.alpn);
	free((char *)m->o.ca_file);
	free((char *)m->o.certificate_file);
	free((char *)m->o.key_file);
	free((char *)m->o.client_id);
	free((char *)m->o.will_topic);
	free((void *)m->o.will);
	for (size_t i = 0; i < MAX_SUBSCRIPTIONS; i++)
		free(m->subscriptions[i]);
	free(m);
}

static bool copy_options(struct mqtt *m, const struct mqtt_options *o)
{
	bool ok;

	m->o = *o;
	m->o.will = NULL;
	/* One after another without short cuts, so that each member is ours or NULL afterwards. */
	ok = copy_text(&m->o.host);
	ok &= copy_text(&m->o.alpn);
	ok &= copy_text(&m->o.ca_file);
	ok &= copy_text(&m->o.certificate_file);
	ok &= copy_text(&m->o.key_file);
	ok &= copy_text(&m->o.client_id);
	ok &= copy_text(&m->o.will_topic);
	for (size_t i = 0; i < o->subscription_count; i++) {
		m->subscriptions[i] = strdup(o->subscriptions[i]);
		ok &= m->subscriptions[i] != NULL;
	}
	if (o->will_topic != NULL) {
		void *will = malloc(o->will_len + 1);
		ok &= will != NULL;
		if (will != NULL && o->will_len > 0)
			memcpy(will, o->will, o->will_len);
		m->o.will = will;
	}
	if (m->o.back_off_first_ms == 0)
		m->o.back_off_first_ms = BACK_OFF_FIRST_MS;
	if (m->o.back_off_max_ms == 0)
		m->o.back_off_max_ms = BACK_OFF_MAX_MS;
	return ok;
}

static bool check_options(const struct mqtt_options *o, struct err *e)
{
	if (o->host == NULL || o->host[0] == '\0' || (o->host[0] != '/' && o->port - 1 >= 65535))
		return err_set(e, ERR_CONFIG, "MQTT: no host or port");
	if (o->host[0] == '/' && o->ca_file != NULL)
		return err_set(e, ERR_CONFIG, "MQTT: no TLS over a unix socket");
	if (o->keep_alive < 5 || o->keep_alive > 3600)
		return err_set(e, ERR_CONFIG, "MQTT: keep-alive must be 5 to 3600 seconds");
	if (o->subscription_count > MAX_SUBSCRIPTIONS)
		return err_set(
		        e, ERR_CONFIG, "MQTT: more than %d subscriptions", MAX_SUBSCRIPTIONS);
	if (o->ca_file != NULL && (access(o->ca_file, R_OK) != 0))
		return err_errno(e, "cannot read %s", o->ca_file);
	if (o->certificate_file != NULL && access(o->certificate_file, R_OK) != 0)
		return err_errno(e, "cannot read %s", o->certificate_file);
	if (o->key_file != NULL && access(o->key_file, R_OK) != 0)
		return err_errno(e, "cannot read %s", o->key_file);
	return true;
}

static bool start_thread(struct mqtt *m, struct err *e)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int rc;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* Signals are for the program's main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&m->thread, NULL, run, m);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return true;
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	return err_set(e, ERR_MEMORY, "cannot start the MQTT thread: %s", strerror(rc));
}

bool mqtt_start(const struct mqtt_options *options, struct mqtt **out, struct err *e)
{
	struct mqtt *m;

	if (!check_options(options, e))
		return false;
	pthread_once(&library_once, library_start);
	if (library_rc != MOSQ_ERR_SUCCESS)
		return err_set(e, ERR_INTERNAL, "libmosquitto: %s", mosquitto_strerror(library_rc));
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the MQTT client");
	if (!copy_options(m, options)) {
		mqtt_free(m);
		return err_set(e, ERR_MEMORY, "no memory for the MQTT client");
	}
	if (!start_thread(m, e)) {
		mqtt_free(m);
		return false;
	}
	*out = m;
	return true;
}

bool mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len, bool retain,
        int *number, struct err *e)
{
	int rc = MOSQ_ERR_NO_CONN;
	int mid = 0;

	if (len > MQTT_MESSAGE_MAX)
		return err_set(
		        e, ERR_LIMIT, "an MQTT message of more than %d bytes", MQTT_MESSAGE_MAX);
	pthread_mutex_lock(&m->lock);
	if (m->mosq != NULL && m->up) {
		/* Counted first: the answer can come before this returns. */
		m->unanswered++;
		rc = mosquitto_publish_v5(m->mosq, &mid, topic, (int)len, payload, 1, retain, NULL);
		if (rc != MOSQ_ERR_SUCCESS)
			m->unanswered--;
	}
	pthread_mutex_unlock(&m->lock);
	if (rc != MOSQ_ERR_SUCCESS)
		return err_set(e, rc == MOSQ_ERR_NO_CONN ? ERR_UNAVAILABLE : ERR_IO,
		        "cannot publish: %s", mosquitto_strerror(rc));
	if (number != NULL)
		*number = mid;
	return true;
}

bool mqtt_connected(struct mqtt *m)
{
	bool up;

	pthread_mutex_lock(&m->lock);
	up = m->up;
	pthread_mutex_unlock(&m->lock);
	return up;
}

/* Called with lock held. DISCONNECT is also what wakes the loop. Without a connection there is
 * nothing to say, and the loop looks for itself soon. */
static void end_connection(struct mqtt *m)
{
	if (m->mosq != NULL && m->up)
		(void)mosquitto_disconnect_v5(m->mosq, 0, NULL);
}

void mqtt_reconnect(struct mqtt *m)
{
	pthread_mutex_lock(&m->lock);
	m->again = true;
	end_connection(m);
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void mqtt_stop(struct mqtt *m, unsigned wait_ms)
{
	struct timespec until = after_ms(wait_ms);
	int rc = 0;

	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	while (m->mosq != NULL && m->unanswered > 0 && rc == 0)
		rc = pthread_cond_timedwait(&m->wake, &m->lock, &until);
	m->stopping = true;
	end_connection(m);
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	mqtt_free(m);
}

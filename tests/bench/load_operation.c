/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_operation.c: how long from the click on the support site until the agent has the operation, and,
 * as the bound, how long the same message takes through the same broker by itself.
 *
 * Usage: load_operation click --port N --ca FILE --cert FILE --key FILE --agent ID --event-key FILE
 *                        --operation-key BASE64 --device ID --cookie TEXT --csrf TEXT --count N
 *        load_operation bare  --port N --ca FILE --cert FILE --key FILE --agent ID
 *                        --sender-cert FILE --sender-key FILE --count N
 * click: this program is the agent (its MQTT session) and the browser (one keep-alive connection to the
 * support site); every operation is answered with receipt, start and result. bare: it is the agent and the
 * sender. Prints one JSON object: count, p50us, p99us.
 */
#include "lib/clock.h"
#include "lib/crypto.h"
#include "lib/envelope.h"
#include "lib/event.h"
#include "lib/mqtt.h"
#include "lib/operation.h"
#include "tests/bench/histogram.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_SECONDS = 20, PAYLOAD = 700, ARENA_BYTES = 1 << 20 };

struct load {
	const char *ca, *cert, *key, *agent, *event_key, *device, *cookie, *csrf, *sender_cert,
	        *sender_key;
	unsigned port;
	unsigned long count;
	unsigned char secret[CRYPTO_SIGN_SECRET], operation_key[CRYPTO_SIGN_PUBLIC];
	char key_id[ENVELOPE_FINGERPRINT_SIZE];
	struct mqtt *mqtt;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	int connected;
	unsigned long arrived;
	int64_t arrived_us;
	char topic_event[OPERATION_TOPIC_SIZE];
	const char *mode;
};

static void say(struct load *load, const struct event *event)
{
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX), message = BUF_INIT(OPERATION_MAX);
	struct err e = ERR_CLEAR;

	if (!event_write(event, &payload, &e) ||
	        !envelope_seal(load->key_id, load->secret, EVENT_SCHEMA, payload.data, payload.len,
	                &message, &e) ||
	        !mqtt_publish(
	                load->mqtt, load->topic_event, message.data, message.len, false, NULL, &e))
		fprintf(stderr, "load_operation: event: %s\n", e.text);
	buf_free(&payload);
	buf_free(&message);
}

/* Receipt, start and result of an operation that was just read. */
static void obey(struct load *load, const struct operation *o)
{
	struct event event = {.type = EVENT_RECEIPT,
	        .agent_id = load->agent,
	        .operation_id = o->operation_id,
	        .attempt = o->attempt,
	        .seq = 1,
	        .at = clock_wall_ms(clock_real()),
	        .percent = -1,
	        .text = "",
	        .code = "",
	        .message = ""};

	say(load, &event);
	event.type = EVENT_START;
	event.seq = 2;
	say(load, &event);
	event.type = EVENT_RESULT;
	event.seq = 3;
	event.outcome = OUTCOME_SUCCEEDED;
	say(load, &event);
}

static bool server_key(
        void *context, const char *key_id, unsigned char public_key[CRYPTO_SIGN_PUBLIC])
{
	const struct load *load = context;

	(void)key_id;
	memcpy(public_key, load->operation_key, CRYPTO_SIGN_PUBLIC);
	return true;
}

static void on_message(void *arg, const char *topic, const void *payload, size_t len, bool retained)
{
	struct load *load = arg;
	int64_t now = bench_now_us();
	static const char *const schemas[] = {OPERATION_SCHEMA, NULL};
	struct buf opened = BUF_INIT(OPERATION_MAX);
	struct arena *arena;
	struct operation o;
	struct err e = ERR_CLEAR;

	(void)topic;
	(void)retained;
	if (strcmp(load->mode, "click") == 0) {
		bool is_operation = false;
		arena = arena_new(ARENA_BYTES);
		/* Acks come on the same topic: they have another schema and are passed over. */
		if (arena != NULL &&
		        envelope_open(payload, len, schemas, server_key, load, &opened, NULL, &e) &&
		        operation_read(opened.data, opened.len, MESSAGE_OPERATION, arena, &o, &e)) {
			is_operation = true;
			obey(load, &o);
		}
		buf_free(&opened);
		arena_free(arena);
		if (!is_operation)
			return;
	}
	(void)pthread_mutex_lock(&load->lock);
	load->arrived++;
	load->arrived_us = now;
	(void)pthread_cond_broadcast(&load->moved);
	(void)pthread_mutex_unlock(&load->lock);
}

static void say_online(struct load *load)
{
	struct presence p = {.agent_id = load->agent,
	        .online = true,
	        .at = clock_wall_ms(clock_real()),
	        .version = "0.1.0",
	        .kinds = {"get-status"},
	        .kind_count = 1};
	struct buf payload = BUF_INIT(EVENT_PAYLOAD_MAX), message = BUF_INIT(OPERATION_MAX);
	char topic[OPERATION_TOPIC_SIZE];
	struct err e = ERR_CLEAR;

	if (!presence_write(&p, &payload, &e) ||
	        !envelope_seal(load->key_id, load->secret, PRESENCE_SCHEMA, payload.data,
	                payload.len, &message, &e) ||
	        !mqtt_publish(load->mqtt, operation_topic(load->agent, "presence", topic),
	                message.data, message.len, true, NULL, &e))
		fprintf(stderr, "load_operation: presence: %s\n", e.text);
	buf_free(&payload);
	buf_free(&message);
}

static void on_connected(void *arg)
{
	struct load *load = arg;

	(void)pthread_mutex_lock(&load->lock);
	load->connected = 1;
	(void)pthread_cond_broadcast(&load->moved);
	(void)pthread_mutex_unlock(&load->lock);
	if (strcmp(load->mode, "click") == 0)
		say_online(load);
}

static void on_disconnected(void *arg, const char *why)
{
	(void)arg;
	fprintf(stderr, "load_operation: disconnected: %s\n", why);
}

/* Waits until *counter reaches want. */
static int wait_for(
        struct load *load, const unsigned long *arrived, const int *connected, unsigned long want)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_SECONDS;
	(void)pthread_mutex_lock(&load->lock);
	while (rc == 0 && (arrived != NULL ? *arrived < want : *connected == 0))
		rc = pthread_cond_timedwait(&load->moved, &load->lock, &until);
	(void)pthread_mutex_unlock(&load->lock);
	return rc == 0;
}

static struct mqtt *connect_as(struct load *load, const char *id, const char *cert, const char *key,
        const char *const *topics, size_t count)
{
	const struct mqtt_options options = {.host = "127.0.0.1",
	        .port = load->port,
	        .alpn = "mqtt",
	        .ca_file = load->ca,
	        .certificate_file = cert,
	        .key_file = key,
	        .client_id = id,
	        .keep_alive = 30,
	        .subscriptions = topics,
	        .subscription_count = count,
	        .handlers = {.connected = on_connected,
	                .disconnected = on_disconnected,
	                .message = on_message,
	                .arg = load}};
	struct err e = ERR_CLEAR;
	struct mqtt *m = NULL;

	load->connected = 0;
	if (!mqtt_start(&options, &m, &e)) {
		fprintf(stderr, "load_operation: %s\n", e.text);
		return NULL;
	}
	return m;
}

/* ---- the browser */

static SSL *open_site(const struct load *load)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || tls == NULL || SSL_CTX_load_verify_locations(tls, load->ca, NULL) != 1)
		return NULL;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 || (ssl = SSL_new(tls)) == NULL ||
	        SSL_set_tlsext_host_name(ssl, "support.localhost") != 1 ||
	        SSL_set1_host(ssl, "support.localhost") != 1 || SSL_set_fd(ssl, fd) != 1 ||
	        SSL_connect(ssl) != 1)
		return NULL;
	return ssl;
}

/* One click. 1: the site took it (303); -1: not now (409); 0: failed. */
static int click(struct load *load, SSL *ssl, unsigned long n)
{
	char body[1024], head[2048], answer[65536];
	int len = snprintf(body, sizeof body,
	        "kind=get-status&purpose=bench&key=bench-%d-%lu&csrf=%s", (int)getpid(), n,
	        load->csrf);
	size_t got = 0;

	int head_len = snprintf(head, sizeof head,
	        "POST /devices/%s/operation HTTP/1.1\r\nHost: support.localhost:%u\r\nOrigin: "
	        "https://support.localhost:%u\r\n"
	        "Sec-Fetch-Site: same-origin\r\nCookie: %s\r\nContent-Type: "
	        "application/x-www-form-urlencoded\r\n"
	        "Content-Length: %d\r\n\r\n%s",
	        load->device, load->port, load->port, load->cookie, len, body);
	if (head_len < 0 || (size_t)head_len >= sizeof head || SSL_write(ssl, head, head_len) <= 0)
		return 0;
	while (got + 1 < sizeof answer) {
		int r = SSL_read(ssl, answer + got, (int)(sizeof answer - got - 1));
		if (r <= 0)
			return 0;
		got += (size_t)r;
		answer[got] = '\0';
		char *end = strstr(answer, "\r\n\r\n"),
		     *length = strcasestr(answer, "content-length:");
		size_t want = end == NULL ? 0 : (size_t)(end + 4 - answer);
		if (end != NULL && length != NULL && length < end)
			want += strtoul(length + 15, NULL, 10);
		if (end != NULL && got >= want)
			break;
	}
	if (strncmp(answer, "HTTP/1.1 303", 12) == 0)
		return 1;
	if (strncmp(answer, "HTTP/1.1 409", 12) == 0)
		return -1;
	fprintf(stderr, "load_operation: the site answered: %.300s\n", answer);
	return 0;
}

/* Dispatch must first have heard that the agent is there. */
static int first_click(struct load *load, SSL *ssl)
{
	int taken = -1;

	for (int i = 0; taken < 0 && i < WAIT_SECONDS * 50; i++) {
		taken = click(load, ssl, 0);
		if (taken < 0)
			(void)usleep(20000);
	}
	return taken == 1 && wait_for(load, &load->arrived, NULL, 1);
}

static int run_click(struct load *load, struct histogram *h)
{
	char topic[OPERATION_TOPIC_SIZE];
	const char *const topics[] = {operation_topic(load->agent, "operation", topic)};
	struct err e = ERR_CLEAR;
	SSL *ssl;

	if (load->event_key == NULL || load->device == NULL || load->cookie == NULL ||
	        load->csrf == NULL)
		return 64;
	if (!crypto_key_read(load->event_key, load->secret, sizeof load->secret, &e)) {
		fprintf(stderr, "load_operation: %s\n", e.text);
		return 66;
	}
	/* libsodium's secret key ends with the public one. */
	(void)envelope_key_id(load->secret + CRYPTO_SIGN_SECRET - CRYPTO_SIGN_PUBLIC, load->key_id);
	(void)operation_topic(load->agent, "event", load->topic_event);
	load->mqtt = connect_as(load, load->agent, load->cert, load->key, topics, 1);
	ssl = open_site(load);
	if (load->mqtt == NULL || ssl == NULL || !wait_for(load, NULL, &load->connected, 0))
		return 69;
	if (!first_click(load, ssl))
		return 69;
	for (unsigned long n = 1; n < load->count; n++) {
		int64_t begin = bench_now_us();
		unsigned long want = load->arrived + 1;
		if (click(load, ssl, n) != 1 || !wait_for(load, &load->arrived, NULL, want))
			return 69;
		/* The first ones warm up. */
		if (n >= load->count / 10)
			histogram_add(h, load->arrived_us - begin);
	}
	mqtt_stop(load->mqtt, 1000);
	return 0;
}

static int run_bare(struct load *load, struct histogram *h)
{
	char topic[OPERATION_TOPIC_SIZE], payload[PAYLOAD];
	const char *const topics[] = {operation_topic(load->agent, "operation", topic)};
	struct mqtt *sender;
	struct err e = ERR_CLEAR;

	if (load->sender_cert == NULL || load->sender_key == NULL)
		return 64;
	memset(payload, 'x', sizeof payload);
	load->mqtt = connect_as(load, load->agent, load->cert, load->key, topics, 1);
	if (load->mqtt == NULL || !wait_for(load, NULL, &load->connected, 0))
		return 69;
	sender = connect_as(load, "dispatch", load->sender_cert, load->sender_key, NULL, 0);
	if (sender == NULL || !wait_for(load, NULL, &load->connected, 0))
		return 69;
	for (unsigned long n = 0; n < load->count; n++) {
		int64_t begin = bench_now_us();
		unsigned long want = load->arrived + 1;
		if (!mqtt_publish(sender, topics[0], payload, sizeof payload, false, NULL, &e) ||
		        !wait_for(load, &load->arrived, NULL, want)) {
			fprintf(stderr, "load_operation: %s\n", e.text);
			return 69;
		}
		if (n >= load->count / 10)
			histogram_add(h, load->arrived_us - begin);
	}
	mqtt_stop(sender, 1000);
	mqtt_stop(load->mqtt, 1000);
	return 0;
}

int main(int argc, char **argv)
{
	static struct load load = {.port = 8443,
	        .count = 200,
	        .lock = PTHREAD_MUTEX_INITIALIZER,
	        .moved = PTHREAD_COND_INITIALIZER};
	static struct histogram h;
	static const struct option options[] = {{"port", 1, 0, 'p'}, {"ca", 1, 0, 'a'},
	        {"cert", 1, 0, 'c'}, {"key", 1, 0, 'k'}, {"agent", 1, 0, 'g'},
	        {"event-key", 1, 0, 'e'}, {"device", 1, 0, 'd'}, {"cookie", 1, 0, 'o'},
	        {"csrf", 1, 0, 'f'}, {"count", 1, 0, 'n'}, {"sender-cert", 1, 0, 's'},
	        {"sender-key", 1, 0, 'S'}, {"operation-key", 1, 0, 'O'}, {0}};
	struct err e = ERR_CLEAR;
	size_t key_len;
	int o, rc = 64;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'p':
			load.port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'a':
			load.ca = optarg;
			break;
		case 'c':
			load.cert = optarg;
			break;
		case 'k':
			load.key = optarg;
			break;
		case 'g':
			load.agent = optarg;
			break;
		case 'e':
			load.event_key = optarg;
			break;
		case 'd':
			load.device = optarg;
			break;
		case 'o':
			load.cookie = optarg;
			break;
		case 'f':
			load.csrf = optarg;
			break;
		case 'n':
			load.count = strtoul(optarg, NULL, 10);
			break;
		case 's':
			load.sender_cert = optarg;
			break;
		case 'O':
			if (!crypto_base64_decode(optarg, strlen(optarg), load.operation_key,
			            sizeof load.operation_key, &key_len) ||
			        key_len != sizeof load.operation_key)
				return 64;
			break;
		case 'S':
			load.sender_key = optarg;
			break;
		default:
			return 64;
		}
	}
	if (optind + 1 != argc || load.ca == NULL || load.cert == NULL || load.key == NULL ||
	        load.agent == NULL || load.count == 0 || !crypto_init(&e)) {
		fprintf(stderr,
		        "load_operation: see the head of load_operation.c for its arguments\n");
		return 64;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	load.mode = argv[optind];
	if (strcmp(load.mode, "click") == 0)
		rc = run_click(&load, &h);
	else if (strcmp(load.mode, "bare") == 0)
		rc = run_bare(&load, &h);
	if (rc == 0)
		printf("{\"count\":%llu,\"p50us\":%lld,\"p99us\":%lld}\n",
		        (unsigned long long)h.total, (long long)histogram_at(&h, 0.5),
		        (long long)histogram_at(&h, 0.99));
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_ingest.c: many agents' worth of reports through the real door: TLS with a client
 * certificate, keep-alive, a new report id and another device each time. Loopback only.
 *
 * Usage: load_ingest --port N --ca FILE --cert FILE --key FILE --agent ID [--host NAME]
 * [--connections N]
 *                    [--seconds N] [--devices N] [--fleet N] [--first N] [--round N] [--rate N]
 * [--once]
 * --devices: devices a report; --fleet: serials cycle through this many from --first on; --rate:
 * reports a second in all, 0: as fast as they are answered; --once: stop after one pass over the
 * fleet (to fill). Prints one JSON object: reports, devices, failed, seconds, and latency (from
 * when a report was due).
 */
#include "tests/bench/histogram.h"
#include "tests/bench/report_body.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct load {
	const char *host, *agent;
	unsigned port, connections, devices, round;
	double seconds, rate;
	uint64_t fleet, first;
	int once;
	SSL_CTX *tls;
	_Atomic uint64_t next;
	uint64_t base;
	int64_t begin_us;
	_Atomic uint64_t failed;
};

struct worker {
	struct load *load;
	struct histogram latency;
	uint64_t reports;
	char first_failure[256];
};

static SSL *open_connection(const struct load *load)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl;

	if (fd < 0)
		return NULL;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
	        (ssl = SSL_new(load->tls)) == NULL) {
		close(fd);
		return NULL;
	}
	if (SSL_set_tlsext_host_name(ssl, load->host) != 1 || SSL_set1_host(ssl, load->host) != 1 ||
	        SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
		SSL_free(ssl);
		close(fd);
		return NULL;
	}
	return ssl;
}

static void close_connection(SSL *ssl)
{
	int fd;

	if (ssl == NULL)
		return;
	fd = SSL_get_fd(ssl);
	SSL_free(ssl);
	close(fd);
}

/* Reads one answer; gives its status, or 0 on a broken connection. */
static int read_answer(SSL *ssl, char *text, size_t size)
{
	size_t len = 0;
	char *end = NULL, *length;
	size_t want = 0;

	while (len + 1 < size) {
		int n = SSL_read(ssl, text + len, (int)(size - len - 1));
		if (n <= 0)
			return 0;
		len += (size_t)n;
		text[len] = '\0';
		if (end == NULL && (end = strstr(text, "\r\n\r\n")) != NULL) {
			length = strcasestr(text, "content-length:");
			if (length == NULL || length > end)
				return 0;
			want = (size_t)(end + 4 - text) + strtoul(length + 15, NULL, 10);
		}
		if (end != NULL && len >= want)
			return atoi(text + 9);
	}
	return 0;
}

static void wait_until(int64_t due_us)
{
	int64_t left = due_us - bench_now_us();

	if (left > 0) {
		struct timespec t = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
		(void)nanosleep(&t, NULL);
	}
}

static int64_t wall_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *run(void *argument)
{
	struct worker *w = argument;
	struct load *load = w->load;
	struct report_body body;
	SSL *ssl = NULL;
	char head[512], answer[8192];
	uint64_t steps = load->fleet / load->devices;

	if (!report_body_make(&body, load->agent, load->devices))
		return NULL;
	int head_len = snprintf(head, sizeof head,
	        "POST /v1/reports HTTP/1.1\r\nHost: %s\r\nContent-Type: "
	        "application/json\r\nContent-Length: %zu\r\n\r\n",
	        load->host, body.len);
	char *message = malloc((size_t)head_len + body.len);
	if (message == NULL) {
		free(body.text);
		return NULL;
	}
	memcpy(message, head, (size_t)head_len);
	for (;;) {
		uint64_t n = atomic_fetch_add(&load->next, 1);
		int64_t due = bench_now_us();
		if (load->once ? n >= steps : (double)(due - load->begin_us) >= load->seconds * 1e6)
			break;
		if (load->rate > 0) {
			due = load->begin_us + (int64_t)((double)n * 1e6 / load->rate);
			if ((double)(due - load->begin_us) >= load->seconds * 1e6)
				break;
			wait_until(due);
		}
		report_body_patch(&body, load->base + n, wall_ms(),
		        load->first + n % steps * load->devices,
		        load->round + (unsigned)(n / steps));
		memcpy(message + head_len, body.text, body.len);
		if (ssl == NULL && (ssl = open_connection(load)) == NULL) {
			atomic_fetch_add(&load->failed, 1);
			(void)snprintf(w->first_failure, sizeof w->first_failure, "no connection");
			wait_until(bench_now_us() + 10000);
			continue;
		}
		int status = 0;
		if (SSL_write(ssl, message, head_len + (int)body.len) > 0)
			status = read_answer(ssl, answer, sizeof answer);
		if (status == 200) {
			histogram_add(&w->latency, bench_now_us() - due);
			w->reports++;
		} else {
			atomic_fetch_add(&load->failed, 1);
			if (w->first_failure[0] == '\0')
				(void)snprintf(w->first_failure, sizeof w->first_failure,
				        "%d %.200s", status,
				        status == 0 ? "connection lost"
				                    : strstr(answer, "\r\n\r\n") + 4);
		}
		if (status == 0 || strcasestr(answer, "connection: close") != NULL) {
			close_connection(ssl);
			ssl = NULL;
		}
	}
	close_connection(ssl);
	free(message);
	free(body.text);
	return NULL;
}

static int set_up_tls(struct load *load, const char *ca, const char *cert, const char *key)
{
	load->tls = SSL_CTX_new(TLS_client_method());
	return load->tls != NULL && SSL_CTX_load_verify_locations(load->tls, ca, NULL) == 1 &&
	       SSL_CTX_use_certificate_chain_file(load->tls, cert) == 1 &&
	       SSL_CTX_use_PrivateKey_file(load->tls, key, SSL_FILETYPE_PEM) == 1 &&
	       (SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, NULL), 1);
}

static int report(struct load *load, struct worker *workers)
{
	struct histogram all = {.total = 0};
	uint64_t reports = 0, failed = atomic_load(&load->failed);
	double seconds = (double)(bench_now_us() - load->begin_us) / 1e6;
	const char *failure = "";

	for (unsigned i = 0; i < load->connections; i++) {
		histogram_merge(&all, &workers[i].latency);
		reports += workers[i].reports;
		if (workers[i].first_failure[0] != '\0')
			failure = workers[i].first_failure;
	}
	if (failed > 0)
		fprintf(stderr, "load_ingest: %llu failed, for example: %s\n",
		        (unsigned long long)failed, failure);
	printf("{\"reports\":%llu,\"devices\":%llu,\"failed\":%llu,\"seconds\":%.3f,"
	       "\"reportsPerSecond\":%.1f,"
	       "\"p50us\":%lld,\"p99us\":%lld}\n",
	        (unsigned long long)reports, (unsigned long long)reports * load->devices,
	        (unsigned long long)failed, seconds, (double)reports / seconds,
	        (long long)histogram_at(&all, 0.5), (long long)histogram_at(&all, 0.99));
	return failed > 0 && reports == 0 ? 69 : 0;
}

int main(int argc, char **argv)
{
	struct load load = {.host = "agents.localhost",
	        .port = 8443,
	        .connections = 32,
	        .devices = 1,
	        .seconds = 10,
	        .fleet = 1000,
	        .first = 1};
	const char *ca = NULL, *cert = NULL, *key = NULL;
	static const struct option options[] = {{"port", 1, 0, 'p'}, {"ca", 1, 0, 'a'},
	        {"cert", 1, 0, 'c'}, {"key", 1, 0, 'k'}, {"agent", 1, 0, 'g'}, {"host", 1, 0, 'h'},
	        {"connections", 1, 0, 'n'}, {"seconds", 1, 0, 's'}, {"devices", 1, 0, 'd'},
	        {"fleet", 1, 0, 'f'}, {"first", 1, 0, 'i'}, {"round", 1, 0, 'r'},
	        {"rate", 1, 0, 'R'}, {"once", 0, 0, 'o'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'p':
			load.port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'a':
			ca = optarg;
			break;
		case 'c':
			cert = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		case 'g':
			load.agent = optarg;
			break;
		case 'h':
			load.host = optarg;
			break;
		case 'n':
			load.connections = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			load.seconds = strtod(optarg, NULL);
			break;
		case 'd':
			load.devices = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			load.fleet = strtoull(optarg, NULL, 10);
			break;
		case 'i':
			load.first = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			load.round = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'R':
			load.rate = strtod(optarg, NULL);
			break;
		case 'o':
			load.once = 1;
			break;
		default:
			return 64;
		}
	}
	if (ca == NULL || cert == NULL || key == NULL || load.agent == NULL ||
	        load.connections == 0 || load.connections > 1024 || load.devices == 0 ||
	        load.devices > REPORT_BODY_DEVICES_MAX || load.fleet < load.devices) {
		fprintf(stderr, "load_ingest: --ca, --cert, --key and --agent are needed; see the "
		                "head of load_ingest.c\n");
		return 64;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (!set_up_tls(&load, ca, cert, key)) {
		fprintf(stderr, "load_ingest: the certificate files cannot be used\n");
		return 66;
	}
	struct worker *workers = calloc(load.connections, sizeof *workers);
	pthread_t *threads = calloc(load.connections, sizeof *threads);
	if (workers == NULL || threads == NULL)
		return 71;
	load.base = (uint64_t)wall_ms() << 20;
	load.begin_us = bench_now_us();
	for (unsigned i = 0; i < load.connections; i++) {
		workers[i].load = &load;
		if (pthread_create(&threads[i], NULL, run, &workers[i]) != 0)
			return 71;
	}
	for (unsigned i = 0; i < load.connections; i++)
		(void)pthread_join(threads[i], NULL);
	return report(&load, workers);
}

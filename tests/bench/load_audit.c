/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_audit.c: durable audit records from several processes at once, through the real client.
 * Usage: load_audit SOCKET PROCESSES THREADS SECONDS [RATE [WINDOW]]
 * RATE: records a second in all (0: as fast as they are answered). WINDOW: records that a thread has under
 * way at once (1: it waits for each, as a page does).
 * Prints one JSON object: records, failed, recordsPerSecond, p50us, p99us.
 */
#include "core/audit.h"
#include "tests/bench/histogram.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_PROCESSES = 64, MAX_THREADS = 64, MAX_WINDOW = 256 };

struct tally {
	struct histogram latency;
	uint64_t failed;
	char failure[256];
};

struct worker {
	struct audit_client *client;
	struct tally tally;
	int64_t begin_us, end_us;
	double interval_us; /* between two records of this thread; 0: none */
	long window;
};

static void *run(void *argument)
{
	struct worker *w = argument;
	const char *const targets[] = {"de_0123456789abcdefghijkl"};
	const struct audit_entry entry = {.actor_kind = "person",
	        .actor_id = "pe_0123456789abcdefghijkl",
	        .actor_role = "customer-viewer",
	        .actor_organisation = "or_0123456789abcdefghijkl",
	        .session = "se_0123456789abcdefghijkl",
	        .address = "127.0.0.1",
	        .request_id = "0123456789abcdef0123456789abcdef",
	        .action = "device.view",
	        .target_kind = "device",
	        .targets = targets,
	        .target_count = 1,
	        .customer = "or_0123456789abcdefghijkl",
	        .outcome = AUDIT_DONE};

	for (uint64_t n = 0;; n++) {
		int64_t due = bench_now_us();
		struct err e = ERR_CLEAR;

		if (w->interval_us > 0) {
			due = w->begin_us + (int64_t)((double)n * w->interval_us);
			int64_t left = due - bench_now_us();
			/* Sleeping too long is the generator's own lateness; being late already is not. */
			if (left > 0) {
				usleep((useconds_t)left);
				due = bench_now_us();
			}
		}
		if (due >= w->end_us)
			return NULL;
		struct audit_ticket *tickets[MAX_WINDOW];
		for (long i = 0; i < w->window; i++)
			tickets[i] = audit_send(w->client, &entry, &e);
		for (long i = 0; i < w->window; i++) {
			if (tickets[i] != NULL && audit_wait(tickets[i], 5000, NULL, &e)) {
				histogram_add(&w->tally.latency, bench_now_us() - due);
				continue;
			}
			w->tally.failed++;
			(void)snprintf(w->tally.failure, sizeof w->tally.failure, "%.250s", e.text);
			usleep(1000);
		}
	}
}

/* People do not click in step: the threads of all processes begin at different moments of an interval,
 * spread by the golden ratio, so that neither all come at once nor each after the one before is done. */
static int64_t phase_of(long place, double interval)
{
	double turns = (double)place * 0.6180339887498949;

	return (int64_t)(interval * (turns - (double)(long)turns));
}

static int child(const char *socket_path, long process, long threads, int64_t begin, int64_t end,
        double interval, long window, struct tally *sum)
{
	static struct worker workers[MAX_THREADS];
	pthread_t ids[MAX_THREADS];
	struct err e = ERR_CLEAR;
	struct audit_client *client = audit_client_new(socket_path, &e);

	if (client == NULL) {
		fprintf(stderr, "load_audit: %s\n", e.text);
		return 69;
	}
	for (long i = 0; i < threads; i++) {
		workers[i] = (struct worker){.client = client,
		        .begin_us = begin + phase_of(process * threads + i, interval),
		        .end_us = end,
		        .interval_us = interval,
		        .window = window};
		if (pthread_create(&ids[i], NULL, run, &workers[i]) != 0)
			return 71;
	}
	for (long i = 0; i < threads; i++) {
		(void)pthread_join(ids[i], NULL);
		histogram_merge(&sum->latency, &workers[i].tally.latency);
		sum->failed += workers[i].tally.failed;
		if (workers[i].tally.failure[0] != '\0')
			memcpy(sum->failure, workers[i].tally.failure, sizeof sum->failure);
	}
	audit_client_free(client);
	return 0;
}

int main(int argc, char **argv)
{
	long processes = argc > 2 ? strtol(argv[2], NULL, 10) : 0,
	     threads = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
	double seconds = argc > 4 ? strtod(argv[4], NULL) : 0,
	       rate = argc > 5 ? strtod(argv[5], NULL) : 0;
	long window = argc > 6 ? strtol(argv[6], NULL, 10) : 1;
	struct histogram all = {.total = 0};
	uint64_t failed = 0;

	if (argc < 5 || argc > 7 || window < 1 || window > MAX_WINDOW || processes < 1 ||
	        processes > MAX_PROCESSES || threads < 1 || threads > MAX_THREADS || seconds <= 0) {
		fprintf(stderr, "usage: %s SOCKET PROCESSES THREADS SECONDS [RATE [WINDOW]]\n",
		        argv[0]);
		return 64;
	}
	struct tally *sums = mmap(NULL, (size_t)processes * sizeof *sums, PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sums == MAP_FAILED)
		return 71;
	int64_t begin = bench_now_us() + 100000, end = begin + (int64_t)(seconds * 1e6);
	for (long i = 0; i < processes; i++) {
		pid_t pid = fork();
		if (pid < 0)
			return 71;
		if (pid == 0)
			_exit(child(argv[1], i, threads, begin, end,
			        rate > 0 ? (double)(processes * threads) * 1e6 / rate : 0, window,
			        &sums[i]));
	}
	int bad = 0, status;
	while (wait(&status) > 0)
		bad |= status;
	for (long i = 0; i < processes; i++) {
		histogram_merge(&all, &sums[i].latency);
		failed += sums[i].failed;
		if (sums[i].failure[0] != '\0')
			fprintf(stderr, "load_audit: for example: %s\n", sums[i].failure);
	}
	printf("{\"records\":%llu,\"failed\":%llu,\"recordsPerSecond\":%.1f,\"p50us\":%lld,"
	       "\"p99us\":%lld}\n",
	        (unsigned long long)all.total, (unsigned long long)failed,
	        (double)all.total / seconds, (long long)histogram_at(&all, 0.5),
	        (long long)histogram_at(&all, 0.99));
	return bad != 0 || all.total == 0 ? 69 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/orders_internal.h"
#include "lib/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORK_ARENA = 4 * 1024 * 1024, COMPACT_MS = 3600 * 1000 };

int64_t orders_now_ms(struct orders *q)
{
	int64_t offset = 0;

	if (!q->o.offset(q->o.arg, &offset))
		offset = 0;
	return clock_wall_ms(q->o.clock) + offset;
}

const struct order_action *orders_find_action(const struct orders *q, const char *kind)
{
	for (const struct order_action *a = q->o.actions; a->kind; a++) {
		if (strcmp(a->kind, kind) == 0)
			return a;
	}
	return NULL;
}

/* ---- the loop */

static bool stopping(struct orders *q)
{
	bool stop;

	pthread_mutex_lock(&q->lock);
	stop = q->stop;
	pthread_mutex_unlock(&q->lock);
	return stop;
}

static void compact(struct orders *q)
{
	int64_t now = clock_monotonic_ms(q->o.clock);
	struct err e = ERR_CLEAR;

	if (now < q->compact_at)
		return;
	q->compact_at = now + COMPACT_MS;
	if (!journal_compact(q->journal, orders_now_ms(q), &e))
		log_event(LOG_LEVEL_ERROR, "journal-not-compacted", "why", e.text, NULL);
}

static struct order_message *next_message(struct orders *q, bool *connected)
{
	struct order_message *m;

	pthread_mutex_lock(&q->lock);
	*connected = q->connected;
	q->connected = false;
	m = q->first;
	if (m) {
		q->first = m->next;
		q->waiting--;
		if (!q->first)
			q->last = &q->first;
	}
	pthread_mutex_unlock(&q->lock);
	return m;
}

int64_t orders_step(struct orders *q)
{
	struct order_message *m;
	bool connected, all = false;

	do {
		while ((m = next_message(q, &connected))) {
			all = all || connected;
			orders_handle(q, m->bytes, m->len);
			free(m);
		}
		all = all || connected;
	} while (!stopping(q) && orders_work_one(q));
	compact(q);
	if (all)
		orders_tell_journal(q);
	return orders_tell_open(q, all);
}

void orders_receive(struct orders *q, const void *payload, size_t len)
{
	struct order_message *m;

	if (len > OPERATION_MAX) {
		orders_refuse_message("malformed", "it is larger than 64 KiB");
		return;
	}
	m = malloc(sizeof *m + len);
	if (!m)
		return; /* it comes again */
	m->next = NULL;
	m->len = len;
	memcpy(m->bytes, payload, len);
	pthread_mutex_lock(&q->lock);
	if (q->waiting < ORDERS_QUEUE_MAX) {
		*q->last = m;
		q->last = &m->next;
		q->waiting++;
		m = NULL;
		pthread_cond_signal(&q->wake);
	}
	pthread_mutex_unlock(&q->lock);
	free(m);
}

void orders_connected(struct orders *q)
{
	orders_publish_presence(q, true);
	pthread_mutex_lock(&q->lock);
	q->connected = true;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

void orders_goodbye(struct orders *q)
{
	orders_publish_presence(q, false);
}

/* Waits until something comes in, at most ms. false: the end. */
static bool wait_for_work(struct orders *q, int64_t ms)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&q->lock);
	while (!q->stop && !q->first && !q->connected &&
	        pthread_cond_timedwait(&q->wake, &q->lock, &until) == 0)
		;
	go_on = !q->stop;
	pthread_mutex_unlock(&q->lock);
	return go_on;
}

static void *loop(void *arg)
{
	struct orders *q = arg;

	while (wait_for_work(q, orders_step(q)))
		;
	return NULL;
}

bool orders_start(struct orders *q, struct err *e)
{
	if (pthread_create(&q->thread, NULL, loop, q) != 0)
		return err_set(e, ERR_MEMORY, "no thread for operations");
	q->running = true;
	return true;
}

void orders_stop(struct orders *q)
{
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
	if (q->running)
		pthread_join(q->thread, NULL);
	q->running = false;
}

struct orders *orders_new(const struct orders_options *options, struct err *e)
{
	struct orders *q = calloc(1, sizeof *q);
	pthread_condattr_t monotonic;

	if (!q) {
		err_set(e, ERR_MEMORY, "no memory for operations");
		return NULL;
	}
	q->o = *options;
	snprintf(q->agent_id, sizeof q->agent_id, "%s", options->agent_id);
	snprintf(q->version, sizeof q->version, "%s", options->version);
	q->o.version = q->version;
	q->last = &q->first;
	envelope_key_id(options->event_public, q->key_id);
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	q->compact_at = clock_monotonic_ms(options->clock) + COMPACT_MS;
	q->arena = arena_new(WORK_ARENA);
	if (!q->arena)
		err_set(e, ERR_MEMORY, "no memory for operations");
	else
		q->journal = journal_open(options->journal, orders_now_ms(q), e);
	if (q->journal && !orders_take_up(q)) {
		journal_close(q->journal);
		q->journal = NULL;
		err_set(e, ERR_IO, "the journal cannot be written");
	}
	if (!q->journal) {
		orders_free(q);
		return NULL;
	}
	return q;
}

void orders_free(struct orders *q)
{
	bool connected;
	struct order_message *m;

	if (!q)
		return;
	while ((m = next_message(q, &connected)))
		free(m);
	journal_close(q->journal);
	arena_free(q->arena);
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

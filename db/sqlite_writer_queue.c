/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_writer_queue.c: jobs are handed over to the writer, to be waited for or not, and their
 * senders told how they ended.
 */
#include "db/sqlite_writer.h"

#include <assert.h>
#include <stdlib.h>

/* ---- lists */

void job_list_init(struct job_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

void job_list_add(struct job_list *list, struct job *job)
{
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
}

static struct job *list_pop(struct job_list *list)
{
	struct job *job = list->first;
	if (job) {
		list->first = job->next;
		if (!list->first)
			list->last = &list->first;
	}
	return job;
}

static void list_remove(struct job_list *list, struct job *job)
{
	struct job **at = &list->first;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (!*at)
		list->last = at;
}

/* ---- the writer's side */

void writer_begin_serving(struct writer *w)
{
	w->serving = true;
	w->server = pthread_self();
}

void writer_end_serving(struct writer *w)
{
	w->serving = false;
	w->served_at = clock_monotonic_ms(clock_real());
	/* Also for the end of the program, which waits for this. */
	if (w->queue.first || w->stop)
		pthread_cond_signal(&w->wake);
}

struct job *writer_take(struct writer *w)
{
	pthread_mutex_lock(&w->mutex);
	struct job *job = list_pop(&w->queue);
	if (job) {
		job->state = JOB_TAKEN;
		w->queued--;
	}
	pthread_mutex_unlock(&w->mutex);
	return job;
}

void writer_finish_jobs(struct writer *w, struct job_list *list)
{
	struct job_list posted;
	job_list_init(&posted);
	pthread_mutex_lock(&w->mutex);
	for (struct job *job = list_pop(list); job; job = list_pop(list)) {
		job->state = JOB_ENDED;
		if (job->ended)
			pthread_cond_signal(job->ended); /* job is its waiter's from here on */
		else
			job_list_add(&posted, job);
	}
	pthread_mutex_unlock(&w->mutex);
	for (struct job *job = list_pop(&posted); job; job = list_pop(&posted)) {
		job->done(job->done_arg, job->ok, &job->error);
		free(job);
	}
}

void writer_fail_list(struct job_list *list, const struct err *error)
{
	for (struct job *job = list->first; job; job = job->next) {
		job->ok = false;
		job->error = *error;
	}
}

void writer_fail_queue(struct writer *w, const struct err *error)
{
	struct job_list failed;
	job_list_init(&failed);
	for (struct job *job = writer_take(w); job; job = writer_take(w))
		job_list_add(&failed, job);
	writer_fail_list(&failed, error);
	writer_finish_jobs(w, &failed);
}

struct err writer_corrupt(const struct writer *w)
{
	struct err e;
	err_set(&e, ERR_CORRUPT,
	        "store %s failed before; nothing is written until the program is started again",
	        sql_store_name(w->store));
	return e;
}

/* ---- waiting */

struct timespec writer_time_in(int64_t ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

bool writer_init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr) != 0)
		return false;
	bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	          pthread_cond_init(cond, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return ok;
}

/* ---- handing over */

/* Under the mutex. */
static bool enqueue(struct writer *w, struct job *job, struct err *e)
{
	/* A write inside a write would wait for itself. */
	assert(!(w->serving && pthread_equal(pthread_self(), w->server)));
	if (w->dead) {
		struct err why = writer_corrupt(w);
		return err_set(e, why.code, "%s", why.text);
	}
	if (w->stop)
		return err_set(e, ERR_UNAVAILABLE, "the program is ending");
	if (w->queued >= w->queue_max)
		return err_set(e, ERR_BUSY, "%u writes wait for store %s already", w->queued,
		        sql_store_name(w->store));
	job_list_add(&w->queue, job);
	w->queued++;
	return true;
}

/* Under the mutex, with a job in the queue. Whoever serves looks at the queue when it is done. */
static void wake_writer(struct writer *w)
{
	if (!w->serving)
		pthread_cond_signal(&w->wake);
}

/* Under the mutex, with the caller's job in the queue. Nobody serves, nothing else waits or came with the
 * last one, and nothing is wrong or due: the caller writes its job itself. Waking the writer's thread and
 * being woken by it can take longer than the commit. Where several come, they are better one group. */
static void serve_here(struct writer *w)
{
	if (w->serving || w->queued != 1 || w->group_jobs > 1 || w->conn == NULL || w->lock < 0 ||
	        w->dead || writer_check_in_due(w)) {
		wake_writer(w);
		return;
	}
	writer_begin_serving(w);
	pthread_mutex_unlock(&w->mutex);
	writer_serve_here(w);
	pthread_mutex_lock(&w->mutex);
	writer_end_serving(w);
}

/* Under the mutex: true when the job ended, false when it was withdrawn. */
static bool await(struct writer *w, struct job *job, int64_t timeout_ms)
{
	struct timespec deadline = writer_time_in(timeout_ms < 0 ? 0 : timeout_ms);
	while (job->state != JOB_ENDED) {
		if (job->state == JOB_TAKEN) {
			pthread_cond_wait(job->ended, &w->mutex);
			continue;
		}
		int rc = pthread_cond_timedwait(job->ended, &w->mutex, &deadline);
		if (rc != 0 && job->state == JOB_WAITS) {
			list_remove(&w->queue, job);
			w->queued--;
			return false;
		}
	}
	return true;
}

bool writer_run(struct writer *w, sql_work *work, void *arg, int64_t timeout_ms, struct err *e)
{
	pthread_cond_t ended;
	struct job job = {.work = work, .arg = arg, .ended = &ended};
	if (!writer_init_cond(&ended))
		return err_set(e, ERR_MEMORY, "no memory for a condition");
	pthread_mutex_lock(&w->mutex);
	bool queued = enqueue(w, &job, e);
	if (queued)
		serve_here(w);
	bool done = queued && await(w, &job, timeout_ms);
	pthread_mutex_unlock(&w->mutex);
	pthread_cond_destroy(&ended);
	if (!queued)
		return false;
	if (!done)
		return err_set(e, ERR_BUSY,
		        "store %s is busy: the write was not begun within %lld ms",
		        sql_store_name(w->store), (long long)timeout_ms);
	if (!job.ok && e)
		*e = job.error;
	return job.ok;
}

bool writer_post(
        struct writer *w, sql_work *work, void *arg, sql_done *done, void *done_arg, struct err *e)
{
	struct job *job = calloc(1, sizeof *job);
	if (!job)
		return err_set(e, ERR_MEMORY, "no memory for a write");
	job->work = work;
	job->arg = arg;
	job->done = done;
	job->done_arg = done_arg;
	pthread_mutex_lock(&w->mutex);
	bool queued = enqueue(w, job, e);
	if (queued)
		wake_writer(w);
	pthread_mutex_unlock(&w->mutex);
	if (!queued)
		free(job);
	return queued;
}

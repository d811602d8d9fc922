/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store's one writer thread. It waits for jobs, takes the store's flock, begins, runs each job in
 * a savepoint, commits once, lets go of the lock, and wakes those who wait. Jobs are taken only
 * after the transaction began: until then they can be withdrawn. Checkpoints run here too, under
 * the same lock.
 */
#include "db/sqlite.h"
#include "lib/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
	GROUP_JOBS = 256, /* in one transaction at most */
	GROUP_MS = 20,    /* after which no more are taken into it */
	IDLE_MS = 1000, /* without jobs: an owner looks whether others left something to check in */
	RETRY_MS = 20,  /* when the transaction could not begin */
	PASSIVE_PAGES = 2000, /* 8 MiB of new log */
};
#define RESTART_BYTES       (INT64_C(16) << 20)
#define RESTART_LARGE_BYTES (INT64_C(64) << 20)
#define ALARM_BYTES         (INT64_C(256) << 20)

enum job_state { JOB_WAITS, JOB_TAKEN, JOB_ENDED };

struct job {
	sql_work *work;
	void *arg;
	enum job_state state;
	bool ok;
	struct err error;
	pthread_cond_t *ended; /* of the thread that waits; NULL: sql_write_async() */
	sql_done *done;
	void *done_arg;
	struct job *next;
};

struct job_list {
	struct job *first, **last;
};

struct writer {
	struct sql_db *db;
	enum sql_store store;
	bool owner;
	int lock;              /* the store's lock file; -1: its folder is not there yet */
	struct sql_conn *conn; /* NULL: the store is not there yet */
	sqlite3_stmt *save, *release, *undo;
	int log_pages;     /* in the write-ahead log after the last commit */
	int checked_pages; /* of them at the last checkpoint */
	int64_t alarmed_at;

	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct job_list queue;
	unsigned queued, queue_max;
	bool stop;
	bool dead; /* the file failed: nothing is written any more */
};

/* ---- lists (under the mutex, or private to the thread) */

static void list_init(struct job_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static void list_add(struct job_list *list, struct job *job)
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

static struct job *take(struct writer *w)
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

/* Tells everyone in the list how their job ended. */
static void finish_jobs(struct writer *w, struct job_list *list)
{
	struct job_list posted;
	list_init(&posted);
	pthread_mutex_lock(&w->mutex);
	for (struct job *job = list_pop(list); job; job = list_pop(list)) {
		job->state = JOB_ENDED;
		if (job->ended)
			pthread_cond_signal(job->ended); /* job is its waiter's from here on */
		else
			list_add(&posted, job);
	}
	pthread_mutex_unlock(&w->mutex);
	for (struct job *job = list_pop(&posted); job; job = list_pop(&posted)) {
		job->done(job->done_arg, job->ok, &job->error);
		free(job);
	}
}

static void fail_list(struct job_list *list, const struct err *error)
{
	for (struct job *job = list->first; job; job = job->next) {
		job->ok = false;
		job->error = *error;
	}
}

/* All that wait get the same answer: the store cannot be written now. */
static void fail_queue(struct writer *w, const struct err *error)
{
	struct job_list failed;
	list_init(&failed);
	for (struct job *job = take(w); job; job = take(w))
		list_add(&failed, job);
	fail_list(&failed, error);
	finish_jobs(w, &failed);
}

/* ---- the connection */

static int after_commit(void *arg, sqlite3 *handle, const char *schema, int pages)
{
	(void)handle;
	struct writer *w = arg;
	if (strcmp(schema, "main") == 0)
		w->log_pages = pages;
	return SQLITE_OK;
}

static bool prepare_own(struct writer *w, const char *text, sqlite3_stmt **out, struct err *e)
{
	int rc =
	        sqlite3_prepare_v3(w->conn->handle, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	return rc == SQLITE_OK || sqlite_error(w->conn->handle, rc, text, e);
}

static void drop_connection(struct writer *w)
{
	sqlite3_finalize(w->save);
	sqlite3_finalize(w->release);
	sqlite3_finalize(w->undo);
	w->save = w->release = w->undo = NULL;
	sqlite_close_conn(w->conn);
	w->conn = NULL;
}

static bool connect_store(struct writer *w, struct err *e)
{
	if (w->conn)
		return true;
	if (w->lock < 0) {
		w->lock = sqlite_open_lock(w->db->directory, w->store, e);
		if (w->lock < 0)
			return false;
	}
	w->conn = sqlite_open_writer(w->db, w->store, e);
	if (!w->conn)
		return false;
	sqlite3_wal_hook(w->conn->handle, after_commit, w);
	if (prepare_own(w, "SAVEPOINT job", &w->save, e) &&
	        prepare_own(w, "RELEASE job", &w->release, e) &&
	        prepare_own(w, "ROLLBACK TO job", &w->undo, e) && sqlite_check_all(w->conn, e))
		return true;
	drop_connection(w);
	return false;
}

static void die(struct writer *w, const struct err *why)
{
	log_event(LOG_LEVEL_ERROR, "store-failed", "store", sql_store_name(w->store), "reason",
	        why->text, "action",
	        "no more writes until the program is started again; check the disk and run doctor",
	        NULL);
	pthread_mutex_lock(&w->mutex);
	w->dead = true;
	pthread_mutex_unlock(&w->mutex);
}

static struct err corrupt(const struct writer *w)
{
	struct err e;
	err_set(&e, ERR_CORRUPT,
	        "store %s failed before; nothing is written until the program is started again",
	        sql_store_name(w->store));
	return e;
}

/* ---- checkpoints */

static void alarm_about_log(struct writer *w, int64_t bytes)
{
	int64_t now = clock_monotonic_ms(clock_real());
	char text[24];
	if (bytes < ALARM_BYTES || (w->alarmed_at != 0 && now - w->alarmed_at < 60000))
		return;
	w->alarmed_at = now;
	log_event(LOG_LEVEL_ERROR, "write-ahead-log-large", "store", sql_store_name(w->store),
	        "bytes", log_number(text, bytes), "cause", "a reader holds it back", NULL);
}

/* Under the flock. A PASSIVE one never waits; RESTART waits a bounded time for readers to leave. */
static bool checkpoint(struct writer *w, int mode, int wait_ms, struct err *e)
{
	sqlite3 *h = w->conn->handle;
	int pages = 0, done = 0;
	sqlite3_busy_timeout(h, wait_ms);
	int rc = sqlite3_wal_checkpoint_v2(h, "main", mode, &pages, &done);
	sqlite3_busy_timeout(h, SQLITE_BUSY_MS);
	if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY) {
		if (pages >= 0)
			w->log_pages = pages;
		w->checked_pages = w->log_pages;
		return true;
	}
	sqlite_error(h, rc, "checkpoint", e);
	return !sqlite_is_fatal(rc);
}

static bool check_in_after_commit(struct writer *w, struct err *e)
{
	if (!w->owner)
		return true;
	if (w->log_pages < w->checked_pages) /* the log began anew */
		w->checked_pages = 0;
	if (w->log_pages - w->checked_pages < PASSIVE_PAGES)
		return true;
	int64_t bytes = (int64_t)w->log_pages * 4096;
	alarm_about_log(w, bytes);
	if (bytes >= RESTART_LARGE_BYTES)
		return checkpoint(w, SQLITE_CHECKPOINT_RESTART, 200, e);
	if (bytes >= RESTART_BYTES)
		return checkpoint(w, SQLITE_CHECKPOINT_RESTART, 10, e);
	return checkpoint(w, SQLITE_CHECKPOINT_PASSIVE, 0, e);
}

/* In a quiet moment, and only if nobody else has the lock. */
static void check_in_idle(struct writer *w)
{
	struct err e;
	if (!w->owner || w->dead || !connect_store(w, &e) || flock(w->lock, LOCK_EX | LOCK_NB) != 0)
		return;
	if (!checkpoint(w, SQLITE_CHECKPOINT_PASSIVE, 0, &e))
		die(w, &e);
	sqlite_unlock(w->lock);
}

/* ---- one group */

/* Runs a job between savepoints. false: the whole transaction is gone or cannot be trusted. */
static bool run_job(struct writer *w, struct job *job, struct err *group_error)
{
	struct sql_conn *conn = w->conn;
	int rc = sqlite_step_once(w->save);
	if (rc != SQLITE_OK)
		return sqlite_error(conn->handle, rc, "savepoint", group_error);
	job->error = ERR_CLEAR;
	conn->now = clock_wall_ms(conn->db->clock);
	job->ok = job->work(conn, job->arg, &job->error);
	sqlite_end_cursors(conn);
	if (conn->broken) {
		*group_error = job->error;
		return false;
	}
	if (sqlite3_get_autocommit(conn->handle)) {
		/* Disk full or no memory: SQLite has undone everything. */
		if (job->ok)
			err_set(group_error, ERR_INTERNAL,
			        "the transaction ended in the middle of a group");
		else
			*group_error = job->error;
		return false;
	}
	if (!job->ok) {
		rc = sqlite_step_once(w->undo);
		if (rc != SQLITE_OK)
			return sqlite_error(conn->handle, rc, "rollback to savepoint", group_error);
	}
	rc = sqlite_step_once(w->release);
	return rc == SQLITE_OK || sqlite_error(conn->handle, rc, "release", group_error);
}

static bool run_group(struct writer *w, struct job_list *taken, struct err *e)
{
	int64_t until = clock_monotonic_ms(clock_real()) + GROUP_MS;
	for (unsigned count = 0; count < GROUP_JOBS; count++) {
		struct job *job = take(w);
		if (!job)
			break;
		list_add(taken, job);
		if (!run_job(w, job, e))
			return false;
		if (clock_monotonic_ms(clock_real()) >= until)
			break;
	}
	int rc = sqlite_step_once(w->conn->commit);
	if (rc == SQLITE_OK)
		return true;
	if (sqlite_is_fatal(rc))
		w->conn->broken = true;
	return sqlite_error(w->conn->handle, rc, "commit", e);
}

/* After a group failed: nothing of it may stay. */
static void undo_group(struct writer *w)
{
	sqlite_end_cursors(w->conn);
	if (sqlite3_get_autocommit(w->conn->handle))
		return;
	if (sqlite_step_once(w->conn->rollback) != SQLITE_OK)
		w->conn->broken = true;
}

/* Begins, runs, commits; under the flock. false: it could not begin for now, jobs stay in the
 * queue. */
static bool write_group(struct writer *w, struct job_list *taken, bool *committed, struct err *e)
{
	int rc = sqlite_step_once(w->conn->begin);
	if (rc != SQLITE_OK) {
		sqlite_error(w->conn->handle, rc, "begin", e);
		if (sqlite_is_fatal(rc))
			die(w, e);
		return false;
	}
	*committed = run_group(w, taken, e);
	if (!*committed) {
		undo_group(w);
		fail_list(taken, e);
		if (w->conn->broken)
			die(w, e);
	}
	return true;
}

static void pause_ms(long ms)
{
	struct timespec t = {.tv_nsec = ms * 1000000};
	nanosleep(&t, NULL);
}

static bool is_stopping(struct writer *w)
{
	pthread_mutex_lock(&w->mutex);
	bool stop = w->stop;
	pthread_mutex_unlock(&w->mutex);
	return stop;
}

/* One round with jobs waiting. */
static void serve(struct writer *w)
{
	struct err e = ERR_CLEAR;
	struct job_list taken;
	list_init(&taken);
	if (w->dead) {
		e = corrupt(w);
		fail_queue(w, &e);
		return;
	}
	if (!connect_store(w, &e) || !sqlite_lock(w->lock, &e)) {
		if (e.code == ERR_CONFIG)
			log_event(LOG_LEVEL_ERROR, "store-does-not-fit", "store",
			        sql_store_name(w->store), "reason", e.text, NULL);
		fail_queue(w, &e);
		return;
	}
	bool committed = false;
	bool begun = write_group(w, &taken, &committed, &e);
	finish_jobs(w, &taken); /* nobody waits for a checkpoint */
	if (committed && !check_in_after_commit(w, &e))
		die(w, &e);
	sqlite_unlock(w->lock);
	if (begun || w->dead)
		return;
	if (e.code == ERR_BUSY && !is_stopping(w)) {
		pause_ms(RETRY_MS); /* someone who does not know our lock; those who wait may
		                       withdraw */
	} else {
		drop_connection(w);
		fail_queue(w, &e);
	}
}

/* ---- the thread */

static struct timespec after(int64_t ms)
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

/* Waits for a job, the end, or a quiet moment. */
static void wait_for_work(struct writer *w, bool *work, bool *stop)
{
	struct timespec deadline = after(IDLE_MS);
	int rc = 0;
	pthread_mutex_lock(&w->mutex);
	while (!w->queue.first && !w->stop && rc == 0) {
		rc = w->owner ? pthread_cond_timedwait(&w->wake, &w->mutex, &deadline)
		              : pthread_cond_wait(&w->wake, &w->mutex);
	}
	*work = w->queue.first != NULL;
	*stop = w->stop;
	pthread_mutex_unlock(&w->mutex);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	for (;;) {
		bool work, stop;
		wait_for_work(w, &work, &stop);
		if (work)
			serve(w);
		else
			check_in_idle(w);
		if (stop && !work)
			break;
	}
	return NULL;
}

static bool init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr) != 0)
		return false;
	bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	          pthread_cond_init(cond, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return ok;
}

static bool start_thread(struct writer *w, struct err *e)
{
	if (pthread_mutex_init(&w->mutex, NULL) != 0)
		return err_set(e, ERR_MEMORY, "no memory for a mutex");
	if (!init_cond(&w->wake)) {
		pthread_mutex_destroy(&w->mutex);
		return err_set(e, ERR_MEMORY, "no memory for a condition");
	}
	int rc = pthread_create(&w->thread, NULL, writer_main, w);
	if (rc == 0)
		return true;
	errno = rc;
	err_errno(e, "cannot start the writer of store %s", sql_store_name(w->store));
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->mutex);
	return false;
}

struct writer *writer_start(
        struct sql_db *db, enum sql_store store, bool owner, unsigned queue, struct err *e)
{
	struct writer *w = calloc(1, sizeof *w);
	if (!w) {
		err_set(e, ERR_MEMORY, "no memory for a writer");
		return NULL;
	}
	w->db = db;
	w->store = store;
	w->owner = owner;
	w->queue_max = queue;
	w->lock = -1;
	list_init(&w->queue);
	struct err why = ERR_CLEAR;
	bool ok = connect_store(w, &why) || why.code == ERR_UNAVAILABLE || why.code == ERR_BUSY;
	if (ok && start_thread(w, &why))
		return w;
	if (e)
		*e = why;
	drop_connection(w);
	if (w->lock >= 0)
		close(w->lock);
	free(w);
	return NULL;
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->mutex);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	drop_connection(w);
	if (w->lock >= 0)
		close(w->lock);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

/* ---- handing over */

/* Under the mutex. */
static bool enqueue(struct writer *w, struct job *job, struct err *e)
{
	assert(!pthread_equal(
	        pthread_self(), w->thread)); /* a write inside a write would wait for itself */
	if (w->dead) {
		struct err why = corrupt(w);
		return err_set(e, why.code, "%s", why.text);
	}
	if (w->stop)
		return err_set(e, ERR_UNAVAILABLE, "the program is ending");
	if (w->queued >= w->queue_max)
		return err_set(e, ERR_BUSY, "%u writes wait for store %s already", w->queued,
		        sql_store_name(w->store));
	list_add(&w->queue, job);
	w->queued++;
	pthread_cond_signal(&w->wake);
	return true;
}

/* Under the mutex: true when the job ended, false when it was withdrawn. */
static bool await(struct writer *w, struct job *job, int64_t timeout_ms)
{
	struct timespec deadline = after(timeout_ms < 0 ? 0 : timeout_ms);
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
	if (!init_cond(&ended))
		return err_set(e, ERR_MEMORY, "no memory for a condition");
	pthread_mutex_lock(&w->mutex);
	bool queued = enqueue(w, &job, e);
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
	pthread_mutex_unlock(&w->mutex);
	if (!queued)
		free(job);
	return queued;
}

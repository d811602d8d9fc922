/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store's one writer. Its thread waits for jobs (sqlite_writer_queue.c), takes the store's flock,
 * begins, runs each job in a savepoint, commits once, lets go of the lock, and wakes those who wait
 * (sqlite_writer_group.c). Who has a job while the thread has nothing to do does the same at once. Jobs are taken only after the transaction began: until then they can be
 * withdrawn. Checkpoints run in it too, under the same lock (sqlite_writer_checkpoint.c).
 */
#include "db/sqlite_writer.h"

#include "lib/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	IDLE_MS = 1000
}; /* without jobs: an owner looks whether others left something to check in */

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

void writer_disconnect(struct writer *w)
{
	sqlite3_finalize(w->save);
	sqlite3_finalize(w->release);
	sqlite3_finalize(w->undo);
	w->save = w->release = w->undo = NULL;
	sqlite_close_conn(w->conn);
	w->conn = NULL;
}

bool writer_connect(struct writer *w, struct err *e)
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
	writer_disconnect(w);
	return false;
}

void writer_die(struct writer *w, const struct err *why)
{
	log_event(LOG_LEVEL_ERROR, "store-failed", "store", sql_store_name(w->store), "reason",
	        why->text, "action",
	        "no more writes until the program is started again; check the disk and run doctor",
	        NULL);
	pthread_mutex_lock(&w->mutex);
	w->dead = true;
	pthread_mutex_unlock(&w->mutex);
}

/* ---- the thread */

/* Under the mutex. Waits until nobody else serves and there is a job, the end, or a quiet moment. */
static void wait_for_work(struct writer *w)
{
	struct timespec deadline = writer_time_in(IDLE_MS);
	int rc = 0;
	while (w->serving || (!w->queue.first && !w->stop && rc == 0)) {
		if (rc != 0) /* somebody serves: it is not quiet */
			deadline = writer_time_in(IDLE_MS);
		rc = w->owner ? pthread_cond_timedwait(&w->wake, &w->mutex, &deadline)
		              : pthread_cond_wait(&w->wake, &w->mutex);
	}
}

/* Senders that write for themselves leave no quiet moment either. */
static bool is_quiet(const struct writer *w)
{
	return clock_monotonic_ms(clock_real()) - w->served_at >= IDLE_MS;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	bool ended = false;
	pthread_mutex_lock(&w->mutex);
	while (!ended) {
		wait_for_work(w);
		bool work = w->queue.first != NULL;
		bool quiet = w->stop || is_quiet(w);
		ended = w->stop && !work;
		writer_begin_serving(w);
		pthread_mutex_unlock(&w->mutex);
		if (work)
			writer_serve(w);
		else if (quiet)
			writer_check_in_idle(w);
		pthread_mutex_lock(&w->mutex);
		if (work)
			writer_end_serving(w);
		else
			w->serving = false;
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static bool start_thread(struct writer *w, struct err *e)
{
	if (pthread_mutex_init(&w->mutex, NULL) != 0)
		return err_set(e, ERR_MEMORY, "no memory for a mutex");
	if (!writer_init_cond(&w->wake)) {
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
	job_list_init(&w->queue);
	struct err why = ERR_CLEAR;
	bool ok = writer_connect(w, &why) || why.code == ERR_UNAVAILABLE || why.code == ERR_BUSY;
	if (ok && start_thread(w, &why))
		return w;
	if (e)
		*e = why;
	writer_disconnect(w);
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
	writer_disconnect(w);
	if (w->lock >= 0)
		close(w->lock);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

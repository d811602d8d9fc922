/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_writer_group.c: jobs that wait are written together: each in a savepoint, all of them in one
 * transaction under the store's flock.
 */
#include "db/sqlite_writer.h"

#include "lib/log.h"

#include <sys/file.h>

enum {
	GROUP_JOBS = 256, /* in one transaction at most */
	GROUP_MS = 20,    /* after which no more are taken into it */
	RETRY_MS = 20,    /* when the transaction could not begin */
};

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
	w->group_jobs = 0;
	while (w->group_jobs < GROUP_JOBS) {
		struct job *job = writer_take(w);
		if (!job)
			break;
		job_list_add(taken, job);
		w->group_jobs++;
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
			writer_die(w, e);
		return false;
	}
	*committed = run_group(w, taken, e);
	if (!*committed) {
		undo_group(w);
		writer_fail_list(taken, e);
		if (w->conn->broken)
			writer_die(w, e);
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

void writer_serve_here(struct writer *w)
{
	struct err e = ERR_CLEAR;
	struct job_list taken;
	bool committed = false;

	job_list_init(&taken);
	if (flock(w->lock, LOCK_EX | LOCK_NB) != 0)
		return;
	/* A sender waits for its own time only: the writer's thread is for those who hold things up. */
	sqlite3_busy_timeout(w->conn->handle, 0);
	(void)write_group(w, &taken, &committed, &e);
	sqlite3_busy_timeout(w->conn->handle, SQLITE_BUSY_MS);
	sqlite_unlock(w->lock);
	writer_finish_jobs(w, &taken);
}

void writer_serve(struct writer *w)
{
	struct err e = ERR_CLEAR;
	struct job_list taken;
	job_list_init(&taken);
	if (w->dead) {
		e = writer_corrupt(w);
		writer_fail_queue(w, &e);
		return;
	}
	if (!writer_connect(w, &e) || !sqlite_lock(w->lock, &e)) {
		if (e.code == ERR_CONFIG)
			log_event(LOG_LEVEL_ERROR, "store-does-not-fit", "store",
			        sql_store_name(w->store), "reason", e.text, NULL);
		writer_fail_queue(w, &e);
		return;
	}
	bool committed = false;
	bool begun = write_group(w, &taken, &committed, &e);
	writer_finish_jobs(w, &taken); /* nobody waits for a checkpoint */
	if (committed && !writer_check_in(w, &e))
		writer_die(w, &e);
	sqlite_unlock(w->lock);
	if (begun || w->dead)
		return;
	if (e.code == ERR_BUSY && !is_stopping(w)) {
		pause_ms(RETRY_MS); /* someone who does not know our lock; those who wait may
		                       withdraw */
	} else {
		writer_disconnect(w);
		writer_fail_queue(w, &e);
	}
}

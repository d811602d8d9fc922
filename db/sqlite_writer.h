/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_writer.h: a store's writer, as the files of db/sqlite_writer*.c share it; nobody else
 * includes it. What others call is in sqlite.h.
 */
#ifndef FLEETPORT_DB_SQLITE_WRITER_H
#define FLEETPORT_DB_SQLITE_WRITER_H

#include "db/sqlite.h"

#include <time.h>

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
	int log_pages;       /* in the write-ahead log after the last commit */
	int checked_pages;   /* of them at the last checkpoint */
	int64_t checked_at;  /* monotonic ms */
	unsigned group_jobs; /* in the last transaction */
	int64_t alarmed_at;

	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct job_list queue;
	unsigned queued, queue_max;
	bool serving;      /* a thread uses all above but the queue: the writer's, or a sender's */
	pthread_t server;  /* while serving: which one */
	int64_t served_at; /* monotonic ms, the last time */
	bool stop;
	bool dead; /* the file failed: nothing is written any more */
};

/* ---- sqlite_writer.c */

/* Opens the store for writing, if it is not open. ERR_UNAVAILABLE: it is not there yet. */
bool writer_connect(struct writer *w, struct err *e);

/* Closes it; also when it is not open. */
void writer_disconnect(struct writer *w);

/* The file failed: from now on every write is refused. why goes to the log. */
void writer_die(struct writer *w, const struct err *why);

/* ---- sqlite_writer_queue.c: jobs from their hand-over to their answer */

/* Lists are changed under the mutex, or are private to the thread. A list must be made empty first;
 * a job is appended. */
void job_list_init(struct job_list *list);
void job_list_add(struct job_list *list, struct job *job);

/* Around writer_serve(), writer_serve_here() and writer_check_in_idle(), under the mutex: only one thread
 * does such a thing. The end wakes the writer's thread where there is more to do. */
void writer_begin_serving(struct writer *w);
void writer_end_serving(struct writer *w);

/* The next job, which can no longer be withdrawn; NULL: none waits. */
struct job *writer_take(struct writer *w);

/* Tells everyone in the list how their job ended, and empties it. */
void writer_finish_jobs(struct writer *w, struct job_list *list);

/* Every job in the list has failed with error; nobody is told yet. */
void writer_fail_list(struct job_list *list, const struct err *error);

/* All that wait get the same answer: the store cannot be written now. */
void writer_fail_queue(struct writer *w, const struct err *error);

/* The error of a writer that is dead. */
struct err writer_corrupt(const struct writer *w);

/* The moment ms milliseconds from now, on the clock of writer_init_cond(). */
struct timespec writer_time_in(int64_t ms);

/* A condition that waits on the monotonic clock. false: no memory. */
bool writer_init_cond(pthread_cond_t *cond);

/* ---- sqlite_writer_group.c */

/* One round with jobs waiting: a group of them in one transaction, committed and answered. For the
 * writer's thread, while it is serving. */
void writer_serve(struct writer *w);

/* The same for a sender that found the writer idle, while it is serving: waits for no lock, makes no
 * checkpoint. What it could not do stays in the queue. */
void writer_serve_here(struct writer *w);

/* ---- sqlite_writer_checkpoint.c */

/* Is there so much new in the log that the next commit is followed by a checkpoint? */
bool writer_check_in_due(const struct writer *w);

/* After a commit, under the flock: an owner copies the log into the store when enough is new in it.
 * false: the file failed. */
bool writer_check_in(struct writer *w, struct err *e);

/* In a quiet moment, and only if nobody else has the lock. */
void writer_check_in_idle(struct writer *w);

#endif

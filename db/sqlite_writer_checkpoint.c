/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_writer_checkpoint.c: when the write-ahead log is copied into the store, and how long that may
 * wait for readers.
 */
#include "db/sqlite_writer.h"

#include "lib/log.h"

#include <sys/file.h>

/* Often while there is little to do, so that nobody waits long for one; else seldom, so that pages that change
 * often are copied seldom. */
enum {
	PASSIVE_PAGES = 2000, /* 8 MiB of new log */
	EARLY_PAGES = 500,
	EARLY_MS = 500, /* after the last one */
};
#define RESTART_BYTES       (INT64_C(16) << 20)
#define RESTART_LARGE_BYTES (INT64_C(64) << 20)
#define ALARM_BYTES         (INT64_C(256) << 20)

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
		w->checked_at = clock_monotonic_ms(clock_real());
		return true;
	}
	sqlite_error(h, rc, "checkpoint", e);
	return !sqlite_is_fatal(rc);
}

bool writer_check_in_due(const struct writer *w)
{
	/* With fewer pages than at the last one, the log began anew. */
	int checked = w->log_pages < w->checked_pages ? 0 : w->checked_pages;
	int pages = w->log_pages - checked;
	return w->owner &&
	       (pages >= PASSIVE_PAGES ||
	               (pages >= EARLY_PAGES &&
	                       clock_monotonic_ms(clock_real()) - w->checked_at >= EARLY_MS));
}

bool writer_check_in(struct writer *w, struct err *e)
{
	if (w->log_pages < w->checked_pages)
		w->checked_pages = 0;
	if (!writer_check_in_due(w))
		return true;
	int64_t bytes = (int64_t)w->log_pages * 4096;
	alarm_about_log(w, bytes);
	if (bytes >= RESTART_LARGE_BYTES)
		return checkpoint(w, SQLITE_CHECKPOINT_RESTART, 200, e);
	if (bytes >= RESTART_BYTES)
		return checkpoint(w, SQLITE_CHECKPOINT_RESTART, 10, e);
	return checkpoint(w, SQLITE_CHECKPOINT_PASSIVE, 0, e);
}

void writer_check_in_idle(struct writer *w)
{
	struct err e;
	if (!w->owner || w->dead || !writer_connect(w, &e) ||
	        flock(w->lock, LOCK_EX | LOCK_NB) != 0)
		return;
	if (!checkpoint(w, SQLITE_CHECKPOINT_PASSIVE, 0, &e))
		writer_die(w, &e);
	sqlite_unlock(w->lock);
}

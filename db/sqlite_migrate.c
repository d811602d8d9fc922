/* SPDX-License-Identifier: Apache-2.0 */
#include "db/schema.h"
#include "db/sqlite.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int schema_newest(enum sql_store store)
{
	int newest = 0;
	for (const struct schema_step *s = schema_steps; s->store; s++) {
		if (strcmp(s->store, sql_store_name(store)) == 0 && s->version > newest)
			newest = s->version;
	}
	return newest;
}

int sqlite_open_lock(const char *directory, enum sql_store store, struct err *e)
{
	char *path = sqlite_path(directory, store, ".lock");
	if (!path) {
		err_set(e, ERR_MEMORY, "no memory for a path");
		return -1;
	}
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	if (fd < 0 && errno == ENOENT)
		err_set(e, ERR_UNAVAILABLE, "the folder %s is not there yet", directory);
	else if (fd < 0)
		err_errno(e, "cannot open %s", path);
	free(path);
	return fd;
}

bool sqlite_lock(int fd, struct err *e)
{
	while (flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR)
			return err_errno(e, "cannot lock the store");
	}
	return true;
}

void sqlite_unlock(int fd)
{
	/* Unlocking an open descriptor cannot fail; closing it would unlock too. */
	if (flock(fd, LOCK_UN) != 0)
		log_event(LOG_LEVEL_ERROR, "unlock-failed", "reason", strerror(errno), NULL);
}

/* One step in one transaction: the script and its number come together or not at all. */
static bool apply(sqlite3 *handle, const struct schema_step *step, struct err *e)
{
	char version[64];
	sqlite3_snprintf(sizeof version, version, "PRAGMA user_version = %d", step->version);
	if (!sqlite_exec(handle, "BEGIN IMMEDIATE", e))
		return false;
	if (sqlite_exec(handle, step->text, e) && sqlite_exec(handle, version, e) &&
	        sqlite_exec(handle, "COMMIT", e))
		return true;
	struct err ignored; /* the first error is the one to tell */
	if (!sqlite3_get_autocommit(handle) && !sqlite_exec(handle, "ROLLBACK", &ignored))
		log_event(LOG_LEVEL_ERROR, "rollback-failed", "store", step->store, NULL);
	return err_wrap(e, "migration %s-%03d", step->store, step->version);
}

static bool migrate_handle(sqlite3 *handle, enum sql_store store, struct err *e)
{
	int64_t version;
	if (!sqlite_user_version(handle, "main", &version, e))
		return false;
	int newest = schema_newest(store);
	if (version > newest)
		return err_set(e, ERR_CONFIG,
		        "store %s has schema %lld, this program knows %d: install the newer "
		        "program",
		        sql_store_name(store), (long long)version, newest);
	for (const struct schema_step *s = schema_steps; s->store; s++) {
		if (strcmp(s->store, sql_store_name(store)) != 0 || s->version <= version)
			continue;
		if (s->version != version + 1)
			return err_set(e, ERR_INTERNAL, "migration %s-%03lld is missing", s->store,
			        (long long)version + 1);
		if (!apply(handle, s, e))
			return false;
		version = s->version;
	}
	return true;
}

/* Turns a new file into a write-ahead-logged one; SQLite answers with the mode that holds now. */
static bool set_wal(sqlite3 *handle, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return sqlite_error(handle, rc, "journal_mode", e);
	rc = sqlite3_step(stmt);
	bool wal = rc == SQLITE_ROW &&
	           sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
	sqlite3_finalize(stmt);
	if (rc != SQLITE_ROW)
		return sqlite_error(handle, rc, "journal_mode", e);
	return wal || err_set(e, ERR_CONFIG, "this file system does not carry SQLite's WAL mode");
}

static bool migrate_store(const char *directory, enum sql_store store, int lock, struct err *e)
{
	char *path = sqlite_path(directory, store, "");
	char *mode_of = sqlite_path(directory, store, ".lock");
	sqlite3 *handle = NULL;
	bool ok = path && mode_of ? true : err_set(e, ERR_MEMORY, "no memory for a path");
	ok = ok && sqlite_lock(lock, e);
	if (!ok)
		goto free_paths;
	ok = sqlite_open_handle(
	             path, mode_of, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &handle, e) &&
	     set_wal(handle, e) && migrate_handle(handle, store, e);
	if (sqlite3_close(handle) != SQLITE_OK && ok)
		ok = err_set(e, ERR_INTERNAL, "store %s did not close", sql_store_name(store));
	sqlite_unlock(lock);
free_paths:
	free(mode_of);
	free(path);
	return ok || err_wrap(e, "store %s", sql_store_name(store));
}

bool sql_migrate(const char *directory, unsigned stores, struct err *e)
{
	sqlite_start();
	for (unsigned i = 0; i < SQL_STORES; i++) {
		enum sql_store store = (enum sql_store)i;
		if (!(stores & (1u << i)))
			continue;
		if (schema_newest(store) == 0)
			return err_set(e, ERR_CONFIG, "this program has no schema for store %s",
			        sql_store_name(store));
		int lock = sqlite_open_lock(directory, store, e);
		if (lock < 0)
			return false;
		bool ok = migrate_store(directory, store, lock, e);
		close(lock);
		if (!ok)
			return false;
	}
	return true;
}

bool sql_schema_version(
        const char *directory, enum sql_store store, int64_t *version, struct err *e)
{
	sqlite_start();
	char *path = sqlite_path(directory, store, "");
	if (!path)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		free(path);
		*version = -1;
		return true;
	}
	sqlite3 *handle = NULL;
	bool ok = sqlite_open_handle(path, NULL, SQLITE_OPEN_READONLY, &handle, e) &&
	          sqlite_user_version(handle, "main", version, e);
	sqlite3_close(handle);
	free(path);
	return ok;
}

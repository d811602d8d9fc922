/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: opening, the statements' numbers, and the pool of readers. */
#include "db/sqlite.h"
#include "lib/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char engine_text[160];

/* No statistics: they put one mutex around every allocation of every thread. */
static void start_once(void)
{
	sqlite3_snprintf(sizeof engine_text, engine_text, "SQLite %s %s", sqlite3_libversion(),
	        sqlite3_sourceid());
	if (sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
	        sqlite3_initialize() != SQLITE_OK)
		log_event(LOG_LEVEL_ERROR, "sqlite-not-initialized", NULL);
}

void sqlite_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, start_once);
}

const char *sql_engine(void)
{
	sqlite_start();
	return engine_text;
}

const char *sql_store_name(enum sql_store store)
{
	static const char *const names[SQL_STORES] = {
	        [SQL_CORE] = "core",
	        [SQL_OPERATIONS] = "operations",
	        [SQL_TELEMETRY] = "telemetry",
	        [SQL_AUDIT] = "audit",
	};
	return (unsigned)store < SQL_STORES ? names[store] : "?";
}

/* ---- statements' numbers */

static size_t place_of(const struct sql_db *db, const struct sql_statement *st)
{
	uint64_t x = (uint64_t)(uintptr_t)st / sizeof(void *);
	return (size_t)((x * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & db->slot_mask;
}

const struct statement_slot *sqlite_slot(const struct sql_db *db, const struct sql_statement *st)
{
	for (size_t i = place_of(db, st); db->slots[i].st; i = (i + 1) & db->slot_mask) {
		if (db->slots[i].st == st)
			return &db->slots[i];
	}
	return NULL;
}

static void add_statement(
        struct sql_db *db, const struct sql_table *table, const struct sql_statement *st)
{
	size_t i = place_of(db, st);
	while (db->slots[i].st)
		i = (i + 1) & db->slot_mask;
	db->slots[i] =
	        (struct statement_slot){.st = st, .table = table, .number = db->statement_count};
	db->slot_of[db->statement_count++] = i;
}

static bool number_statements(
        struct sql_db *db, const struct sql_table *const *tables, struct err *e)
{
	size_t count = 0, slots = 16;
	for (size_t t = 0; tables && tables[t]; t++)
		count += tables[t]->count;
	while (slots < 2 * count)
		slots *= 2;
	db->slots = calloc(slots, sizeof *db->slots);
	db->slot_of = calloc(count + 1, sizeof *db->slot_of);
	if (!db->slots || !db->slot_of)
		return err_set(e, ERR_MEMORY, "no memory for %zu statements", count);
	db->slot_mask = slots - 1;
	for (size_t t = 0; tables && tables[t]; t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			if (sqlite_slot(db, &tables[t]->list[i]))
				return err_set(e, ERR_INTERNAL,
				        "the statements of %s were handed over twice",
				        tables[t]->name);
			/* A row left out of a table with designated initialisers. */
			if (!tables[t]->list[i].text || !tables[t]->list[i].in ||
			        !tables[t]->list[i].out)
				return err_set(e, ERR_INTERNAL, "statement %zu of %s is empty", i,
				        tables[t]->name);
			add_statement(db, tables[t], &tables[t]->list[i]);
		}
	}
	return true;
}

/* ---- the pool of readers */

static unsigned default_readers(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = cores < 1 ? 3 : (unsigned)cores + 2;
	return wanted > SQLITE_READERS_MAX ? SQLITE_READERS_MAX : wanted;
}

/* Opens a reader for which a place was taken in pool_open. The first one checks every statement. */
static struct sql_conn *new_reader(struct sql_db *db, struct err *e)
{
	struct sql_conn *conn = sqlite_open_reader(db, e);
	if (!conn || atomic_load(&db->reads_checked))
		return conn;
	if (sqlite_check_all(conn, e)) {
		atomic_store(&db->reads_checked, true);
		return conn;
	}
	sqlite_close_conn(conn);
	return NULL;
}

static void pool_put(struct sql_db *db, struct sql_conn *conn)
{
	pthread_mutex_lock(&db->pool_lock);
	if (conn) {
		conn->next_free = db->pool_free;
		db->pool_free = conn;
	} else {
		db->pool_open--;
	}
	pthread_cond_signal(&db->pool_wake);
	pthread_mutex_unlock(&db->pool_lock);
}

static struct timespec deadline_after(int64_t ms)
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

/* A free connection, or NULL with *place true: open one. NULL and false: none became free in time.
 */
static struct sql_conn *pool_take(struct sql_db *db, int64_t timeout_ms, bool *place)
{
	struct timespec deadline = deadline_after(timeout_ms < 0 ? 0 : timeout_ms);
	int rc = 0;
	pthread_mutex_lock(&db->pool_lock);
	while (!db->pool_free && db->pool_open >= db->pool_max && rc == 0)
		rc = pthread_cond_timedwait(&db->pool_wake, &db->pool_lock, &deadline);
	struct sql_conn *conn = db->pool_free;
	*place = !conn && db->pool_open < db->pool_max;
	if (conn)
		db->pool_free = conn->next_free;
	else if (*place)
		db->pool_open++;
	pthread_mutex_unlock(&db->pool_lock);
	return conn;
}

static bool begin_read(struct sql_conn *conn, struct err *e)
{
	conn->now = clock_wall_ms(conn->db->clock);
	conn->deadline = clock_monotonic_ms(clock_real()) + SQLITE_READ_DEADLINE_MS;
	int rc = sqlite_step_once(conn->begin);
	return rc == SQLITE_OK || sqlite_error(conn->handle, rc, "cannot begin to read", e);
}

struct sql_conn *sql_borrow(struct sql_db *db, int64_t timeout_ms, struct err *e)
{
	bool place;
	struct sql_conn *conn = pool_take(db, timeout_ms, &place);
	if (!conn && !place) {
		err_set(e, ERR_BUSY, "all %u database connections are in use", db->pool_max);
		return NULL;
	}
	if (!conn)
		conn = new_reader(db, e);
	if (conn && begin_read(conn, e))
		return conn;
	sqlite_close_conn(conn);
	pool_put(db, NULL);
	return NULL;
}

void sql_return(struct sql_conn *conn)
{
	if (!conn)
		return;
	assert(!conn->writer);
	struct sql_db *db = conn->db;
	sqlite_end_cursors(conn);
	conn->deadline = 0;
	bool usable = !conn->broken && sqlite_step_once(conn->commit) == SQLITE_OK;
	if (!usable) {
		sqlite_close_conn(conn);
		conn = NULL;
	}
	pool_put(db, conn);
}

/* ---- opening and closing */

static bool init_pool(struct sql_db *db, unsigned readers, struct err *e)
{
	pthread_condattr_t attr;
	db->pool_max = readers ? readers : default_readers();
	if (pthread_condattr_init(&attr) != 0)
		return err_set(e, ERR_MEMORY, "no memory for a condition");
	bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	          pthread_cond_init(&db->pool_wake, &attr) == 0;
	pthread_condattr_destroy(&attr);
	if (ok && pthread_mutex_init(&db->pool_lock, NULL) != 0) {
		pthread_cond_destroy(&db->pool_wake);
		ok = false;
	}
	return ok || err_set(e, ERR_MEMORY, "no memory for a condition");
}

/* Reads at once if the stores are there, so that a statement that does not fit stops the program.
 */
static bool try_reader(struct sql_db *db, struct err *e)
{
	struct err why;
	db->pool_open = 1;
	struct sql_conn *conn = new_reader(db, &why);
	pool_put(db, conn);
	if (conn || why.code == ERR_UNAVAILABLE || why.code == ERR_BUSY)
		return true;
	if (e)
		*e = why;
	return false;
}

static bool start_writers(struct sql_db *db, unsigned queue, struct err *e)
{
	for (unsigned i = 0; i < SQL_STORES; i++) {
		if (!(db->write & (1u << i)))
			continue;
		db->writers[i] =
		        writer_start(db, (enum sql_store)i, (db->own & (1u << i)) != 0, queue, e);
		if (!db->writers[i])
			return false;
	}
	return true;
}

bool sql_open(const struct sql_options *options, struct sql_db **out, struct err *e)
{
	sqlite_start();
	*out = NULL;
	if ((options->migrate | options->own) & ~options->write)
		return err_set(
		        e, ERR_INTERNAL, "stores to migrate or own must be among those to write");
	struct sql_db *db = calloc(1, sizeof *db);
	if (!db)
		return err_set(e, ERR_MEMORY, "no memory for a database");
	db->read = options->read | options->write;
	db->write = options->write;
	db->own = options->own;
	db->clock = options->clock ? options->clock : clock_real();
	db->directory = strdup(options->directory);
	if (!db->directory) {
		err_set(e, ERR_MEMORY, "no memory for a database");
		goto free_db;
	}
	if (!init_pool(db, options->readers, e))
		goto free_db;
	if (number_statements(db, options->tables, e) &&
	        sql_migrate(options->directory, options->migrate, e) && try_reader(db, e) &&
	        start_writers(db, options->queue ? options->queue : SQLITE_QUEUE_DEFAULT, e)) {
		*out = db;
		return true;
	}
	sql_close(db);
	return false;
free_db:
	free(db->directory);
	free(db);
	return false;
}

void sql_close(struct sql_db *db)
{
	if (!db)
		return;
	for (unsigned i = 0; i < SQL_STORES; i++)
		writer_stop(db->writers[i]);
	while (db->pool_free) {
		struct sql_conn *conn = db->pool_free;
		db->pool_free = conn->next_free;
		sqlite_close_conn(conn);
		db->pool_open--;
	}
	assert(db->pool_open == 0); /* every borrowed connection was given back */
	pthread_cond_destroy(&db->pool_wake);
	pthread_mutex_destroy(&db->pool_lock);
	free(db->slots);
	free(db->slot_of);
	free(db->directory);
	free(db);
}

bool sql_write(struct sql_db *db, enum sql_store store, sql_work *work, void *arg,
        int64_t timeout_ms, struct err *e)
{
	if ((unsigned)store >= SQL_STORES || !db->writers[store])
		return err_set(e, ERR_INTERNAL, "this program does not write store %s",
		        sql_store_name(store));
	return writer_run(db->writers[store], work, arg, timeout_ms, e);
}

bool sql_write_async(struct sql_db *db, enum sql_store store, sql_work *work, void *arg,
        sql_done *done, void *done_arg, struct err *e)
{
	if ((unsigned)store >= SQL_STORES || !db->writers[store])
		return err_set(e, ERR_INTERNAL, "this program does not write store %s",
		        sql_store_name(store));
	return writer_post(db->writers[store], work, arg, done, done_arg, e);
}

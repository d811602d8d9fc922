/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/spool.h"

#include "lib/file.h"
#include "lib/log.h"
#include "lib/parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1200 };

/* A file is called <ms when stored, 13 digits>-<number, 8 digits>-<report id>.json: the names'
 * order is the order of arrival. */
struct item {
	char name[SPOOL_NAME_SIZE];
	uint64_t bytes;
};

struct spool {
	char folder[PATH_SIZE - 200];
	const struct clock *clock;
	pthread_mutex_t lock;
	struct item *items; /* oldest first */
	size_t count, cap;
	uint64_t bytes, limit, put_aside;
	unsigned number;
};

static void path_of(const struct spool *s, const char *part, const char *name, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "%s/%s%s%.100s", s->folder, part, *part ? "/" : "", name);
}

/* The time in a name; -1: it is none of ours. */
static int64_t name_time(const char *name)
{
	size_t len = strlen(name);
	int64_t ms;

	if (len != 13 + 1 + 8 + 1 + 36 + 5 || name[13] != '-' || name[22] != '-' ||
	        strcmp(name + len - 5, ".json") != 0 || !parse_int_n(name, 13, 0, INT64_MAX, &ms))
		return -1;
	return ms;
}

static bool add_item(struct spool *s, const char *name, uint64_t bytes)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct item *items = realloc(s->items, cap * sizeof *items);

		if (!items)
			return false;
		s->items = items;
		s->cap = cap;
	}
	snprintf(s->items[s->count].name, SPOOL_NAME_SIZE, "%s", name);
	s->items[s->count++].bytes = bytes;
	s->bytes += bytes;
	return true;
}

static void remove_item(struct spool *s, size_t at)
{
	s->bytes -= s->items[at].bytes;
	memmove(s->items + at, s->items + at + 1, (s->count - at - 1) * sizeof *s->items);
	s->count--;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static bool make_folder(const char *path, struct err *e)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST || err_errno(e, "%s", path);
}

static bool sync_folder(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		err_errno(e, "%s", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* ---- putting aside */

static void load_count(struct spool *s)
{
	struct buf b = BUF_INIT(64);
	char path[PATH_SIZE];
	int64_t count;

	path_of(s, "", "put-aside", path);
	if (file_read(path, &b, NULL) && parse_int(buf_text(&b), 0, INT64_MAX, &count))
		s->put_aside = (uint64_t)count;
	buf_free(&b);
}

static bool store_count(struct spool *s, struct err *e)
{
	char path[PATH_SIZE], text[24];
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)s->put_aside);

	path_of(s, "", "put-aside", path);
	return file_write(path, text, (size_t)n, 0600, e);
}

static int is_ours(const struct dirent *d)
{
	return name_time(d->d_name) >= 0;
}

/* aside/ and refused/ keep the newest few. */
static void trim(const struct spool *s, const char *part)
{
	struct dirent **names;
	char path[PATH_SIZE];
	int n;

	path_of(s, part, "", path);
	n = scandir(path, &names, is_ours, alphasort);
	for (int i = 0; i < n; i++) {
		if (i < n - SPOOL_ASIDE_FILES) {
			path_of(s, part, names[i]->d_name, path);
			(void)unlink(path); /* what stays is tried again at the next trim */
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static bool move_to(struct spool *s, size_t at, const char *part, struct err *e)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	path_of(s, "", s->items[at].name, from);
	path_of(s, part, s->items[at].name, to);
	if (rename(from, to) != 0)
		return err_errno(e, "%s", from);
	remove_item(s, at);
	trim(s, part);
	return sync_folder(s->folder, e);
}

/* Makes room for `more` bytes, and drops what is too old. The newest is never dropped for space. */
static bool make_room(struct spool *s, uint64_t more, struct err *e)
{
	int64_t oldest = clock_wall_ms(s->clock) - (int64_t)SPOOL_DAYS * 86400 * 1000;
	uint64_t before = s->put_aside;

	while (s->count > 0 &&
	        (s->bytes + more > s->limit || name_time(s->items[0].name) < oldest)) {
		if (!move_to(s, 0, "aside", e))
			return false;
		s->put_aside++;
	}
	if (s->put_aside == before)
		return true;
	log_event(LOG_LEVEL_WARNING, "reports-put-aside", "count",
	        log_number((char[24]){0}, (long long)(s->put_aside - before)), "why",
	        "the spool is full or they are too old", NULL);
	return store_count(s, e);
}

/* ---- public */

static bool load(struct spool *s, struct err *e)
{
	static const char *const parts[] = {"", "aside", "refused"};
	struct dirent **names;
	char path[PATH_SIZE];
	bool ok = true;
	int n;

	for (size_t i = 0; i < 3; i++) {
		path_of(s, parts[i], "", path);
		if (!make_folder(path, e))
			return false;
	}
	n = scandir(s->folder, &names, is_ours, alphasort);
	if (n < 0)
		return err_errno(e, "%s", s->folder);
	for (int i = 0; i < n; i++) {
		struct stat st;

		path_of(s, "", names[i]->d_name, path);
		if (ok && stat(path, &st) == 0)
			ok = add_item(s, names[i]->d_name, (uint64_t)st.st_size) ||
			     err_set(e, ERR_MEMORY, "no memory for the spool");
		free(names[i]);
	}
	free(names);
	if (s->count > 1)
		qsort(s->items, s->count, sizeof *s->items, by_name);
	load_count(s);
	return ok;
}

struct spool *spool_open(
        const char *folder, uint64_t bytes, const struct clock *clock, struct err *e)
{
	struct spool *s = calloc(1, sizeof *s);

	if (!s || strlen(folder) >= sizeof s->folder) {
		err_set(e, s ? ERR_CONFIG : ERR_MEMORY,
		        s ? "the spool's path is too long" : "no memory for the spool");
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	snprintf(s->folder, sizeof s->folder, "%s", folder);
	s->clock = clock;
	s->limit = bytes ? bytes : SPOOL_BYTES;
	if (!load(s, e)) {
		spool_close(s);
		return NULL;
	}
	return s;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->items);
	free(s);
}

bool spool_put(struct spool *s, const char *report_id, const void *data, size_t len, struct err *e)
{
	char name[SPOOL_NAME_SIZE], path[PATH_SIZE];
	int64_t now = clock_wall_ms(s->clock), last;
	bool ok;

	if (!parse_uuid(report_id))
		return err_set(e, ERR_INTERNAL, "a report id that is no UUID");
	pthread_mutex_lock(&s->lock);
	ok = make_room(s, len, e);
	/* The order holds even if the clock was set back. */
	last = s->count ? name_time(s->items[s->count - 1].name) : 0;
	snprintf(name, sizeof name, "%013lld-%08u-%s.json", (long long)(now < last ? last : now),
	        s->number++ % 100000000U, report_id);
	path_of(s, "", name, path);
	ok = ok && file_write(path, data, len, 0600, e) &&
	     (add_item(s, name, len) || err_set(e, ERR_MEMORY, "no memory for the spool"));
	if (ok && s->count > 1)
		qsort(s->items, s->count, sizeof *s->items, by_name);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool spool_next(struct spool *s, struct spool_entry *entry, struct buf *b, struct err *e)
{
	struct err why = ERR_CLEAR;
	char path[PATH_SIZE];
	bool ok = false;

	pthread_mutex_lock(&s->lock);
	while (make_room(s, 0, &why) && s->count > 0 && !ok) {
		snprintf(entry->name, sizeof entry->name, "%s", s->items[0].name);
		snprintf(entry->report_id, sizeof entry->report_id, "%.36s", entry->name + 23);
		path_of(s, "", entry->name, path);
		why = ERR_CLEAR;
		ok = file_read(path, b, &why);
		if (ok || why.code != ERR_NOT_FOUND)
			break;
		remove_item(s, 0); /* somebody took it away */
		why = ERR_CLEAR;
	}
	pthread_mutex_unlock(&s->lock);
	if (e)
		*e = why;
	return ok;
}

static bool find_item(const struct spool *s, const char *name, size_t *at)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->items[i].name, name) == 0) {
			*at = i;
			return true;
		}
	}
	return false;
}

bool spool_done(struct spool *s, const struct spool_entry *entry, struct err *e)
{
	char path[PATH_SIZE];
	size_t at;
	bool ok = true;

	pthread_mutex_lock(&s->lock);
	if (find_item(s, entry->name, &at)) {
		path_of(s, "", entry->name, path);
		ok = unlink(path) == 0 || errno == ENOENT || err_errno(e, "%s", path);
		if (ok)
			remove_item(s, at);
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool spool_refuse(struct spool *s, const struct spool_entry *entry, struct err *e)
{
	size_t at;
	bool ok = true;

	pthread_mutex_lock(&s->lock);
	if (find_item(s, entry->name, &at))
		ok = move_to(s, at, "refused", e);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool spool_has(struct spool *s, const char *report_id)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; !found && i < s->count; i++)
		found = strncmp(s->items[i].name + 23, report_id, 36) == 0;
	pthread_mutex_unlock(&s->lock);
	return found;
}

struct spool_counts spool_counts(struct spool *s)
{
	struct spool_counts counts;

	pthread_mutex_lock(&s->lock);
	counts = (struct spool_counts){s->count, s->bytes, s->put_aside};
	pthread_mutex_unlock(&s->lock);
	return counts;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/journal.h"

#include "lib/buf.h"
#include "lib/file.h"
#include "lib/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, LINE_MAX_BYTES = 256 * 1024, FILE_MAX_BYTES = 256 * 1024 * 1024 };

struct journal {
	char path[PATH_SIZE];
	int fd; /* open for appending */
	struct journal_entry **entries;
	size_t count, cap;
};

static void free_entry(struct journal_entry *entry)
{
	if (!entry)
		return;
	free((char *)(uintptr_t)entry->operation_id);
	free((char *)(uintptr_t)entry->operation);
	free((char *)(uintptr_t)entry->event);
	free(entry);
}

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the journal");
}

static struct journal_entry *copy_entry(const struct journal_entry *from)
{
	struct journal_entry *entry = malloc(sizeof *entry);

	if (!entry)
		return NULL;
	*entry = *from;
	entry->operation_id = strdup(from->operation_id);
	entry->operation = strdup(from->operation ? from->operation : "");
	entry->event = strdup(from->event ? from->event : "");
	if (entry->operation_id && entry->operation && entry->event)
		return entry;
	free_entry(entry);
	return NULL;
}

static size_t place_of(const struct journal *j, const char *operation_id)
{
	size_t at = j->count;

	while (at > 0 && strcmp(j->entries[at - 1]->operation_id, operation_id) != 0)
		at--;
	return at; /* one more than its place; 0: not there */
}

/* Takes the entry over. */
static bool keep_entry(struct journal *j, struct journal_entry *entry, struct err *e)
{
	size_t at = place_of(j, entry->operation_id);

	if (at > 0) {
		free_entry(j->entries[at - 1]);
		j->entries[at - 1] = entry;
		return true;
	}
	if (j->count == JOURNAL_ENTRIES_MAX) {
		free_entry(entry);
		return err_set(e, ERR_LIMIT, "the journal has too many entries");
	}
	if (j->count == j->cap) {
		size_t cap = j->cap ? j->cap * 2 : 64;
		struct journal_entry **more = realloc(j->entries, cap * sizeof *more);

		if (!more) {
			free_entry(entry);
			return no_memory(e);
		}
		j->entries = more;
		j->cap = cap;
	}
	j->entries[j->count++] = entry;
	return true;
}

/* ---- a line */

static bool write_line(const struct journal_entry *entry, struct buf *out, struct err *e)
{
	struct json *root = json_new_object();
	bool ok = root && json_add_string(root, "operationId", entry->operation_id) &&
	          json_add_i64(root, "attempt", entry->attempt) &&
	          json_add_bool(root, "consuming", entry->consuming) &&
	          json_add_i64(root, "notAfter", entry->not_after) &&
	          json_add_string(root, "phase", event_phase_name(entry->phase)) &&
	          json_add_i64(root, "at", entry->at) && json_add_i64(root, "seq", entry->seq) &&
	          json_add_i64(root, "acked", entry->acked) &&
	          json_add_string(root, "operation", entry->operation ? entry->operation : "") &&
	          json_add_string(root, "event", entry->event ? entry->event : "") &&
	          json_print(root, false, out);

	json_free(root);
	buf_putc(out, '\n');
	return (ok && !out->failed) || no_memory(e);
}

static bool read_phase(const struct json *value, enum event_phase *out)
{
	const char *name = json_as_string(value);

	for (int p = 0; name && p < PHASES; p++) {
		if (strcmp(event_phase_name(p), name) == 0) {
			*out = p;
			return true;
		}
	}
	return false;
}

static bool read_line(struct journal *j, const char *line, size_t len, struct err *e)
{
	const struct json_limits limits = {.bytes = LINE_MAX_BYTES, .depth = 4, .values = 64};
	struct json *root = json_parse(line, len, &limits, e);
	struct journal_entry entry = {0}, *copy;
	bool ok = root && (entry.operation_id = json_as_string(json_get(root, "operationId"))) &&
	          (entry.operation = json_as_string(json_get(root, "operation"))) &&
	          (entry.event = json_as_string(json_get(root, "event"))) &&
	          json_as_i64(json_get(root, "attempt"), &entry.attempt) &&
	          json_as_bool(json_get(root, "consuming"), &entry.consuming) &&
	          json_as_i64(json_get(root, "notAfter"), &entry.not_after) &&
	          read_phase(json_get(root, "phase"), &entry.phase) &&
	          json_as_i64(json_get(root, "at"), &entry.at) &&
	          json_as_i64(json_get(root, "seq"), &entry.seq) &&
	          json_as_i64(json_get(root, "acked"), &entry.acked);

	copy = ok ? copy_entry(&entry) : NULL;
	json_free(root);
	if (!ok)
		return err_set(e, ERR_CORRUPT, "a line of the journal does not read");
	return copy ? keep_entry(j, copy, e) : no_memory(e);
}

/* ---- the file */

static bool load(struct journal *j, struct err *e)
{
	struct buf text = BUF_INIT(FILE_MAX_BYTES);
	struct err why = ERR_CLEAR;
	bool ok = file_read(j->path, &text, &why);
	size_t at = 0, number = 1;

	if (!ok && why.code != ERR_NOT_FOUND) {
		if (e)
			*e = why;
		buf_free(&text);
		return false;
	}
	ok = true;
	while (ok && at < text.len) {
		const char *end = memchr(text.data + at, '\n', text.len - at);

		if (!end)
			break; /* cut off by a crash: it was never acted upon */
		ok = read_line(j, text.data + at, (size_t)(end - text.data) - at, e) ||
		     err_wrap(e, "%s:%zu", j->path, number);
		at = (size_t)(end - text.data) + 1;
		number++;
	}
	buf_free(&text);
	return ok;
}

static bool may_be_forgotten(const struct journal_entry *entry, int64_t now_ms)
{
	int64_t keep = (int64_t)JOURNAL_KEEP_DAYS * 86400 * 1000;

	/* One that the server never acknowledges is kept four times as long. */
	return entry->phase == PHASE_FINISHED &&
	       now_ms > entry->not_after + (journal_is_open(entry) ? 4 * keep : keep);
}

static bool reopen(struct journal *j, struct err *e)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = open(j->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return j->fd >= 0 || err_errno(e, "%s", j->path);
}

bool journal_compact(struct journal *j, int64_t now_ms, struct err *e)
{
	struct buf text = BUF_INIT(FILE_MAX_BYTES);
	size_t kept = 0;
	bool ok = true;

	for (size_t i = 0; i < j->count; i++) {
		if (may_be_forgotten(j->entries[i], now_ms))
			free_entry(j->entries[i]);
		else
			j->entries[kept++] = j->entries[i];
	}
	j->count = kept;
	for (size_t i = 0; ok && i < j->count; i++)
		ok = write_line(j->entries[i], &text, e);
	ok = ok && file_write(j->path, buf_text(&text), text.len, 0600, e) && reopen(j, e);
	buf_free(&text);
	return ok;
}

struct journal *journal_open(const char *path, int64_t now_ms, struct err *e)
{
	struct journal *j = calloc(1, sizeof *j);

	if (!j || strlen(path) >= sizeof j->path) {
		free(j);
		err_set(e, ERR_MEMORY, "no memory for the journal, or its path is too long");
		return NULL;
	}
	snprintf(j->path, sizeof j->path, "%s", path);
	j->fd = -1;
	if (!load(j, e) || !journal_compact(j, now_ms, e)) {
		journal_close(j);
		return NULL;
	}
	return j;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	for (size_t i = 0; i < j->count; i++)
		free_entry(j->entries[i]);
	free(j->entries);
	free(j);
}

struct journal_entry *journal_find(struct journal *j, const char *operation_id)
{
	size_t at = place_of(j, operation_id);

	return at > 0 ? j->entries[at - 1] : NULL;
}

size_t journal_count(const struct journal *j)
{
	return j->count;
}

struct journal_entry *journal_at(struct journal *j, size_t index)
{
	return j->entries[index];
}

/* A write that fails half-way would spoil the line after it: the file is cut back to where it was. */
static bool append(struct journal *j, const struct buf *line, struct err *e)
{
	off_t start = lseek(j->fd, 0, SEEK_END);
	size_t done = 0;

	while (start >= 0 && done < line->len) {
		ssize_t n = write(j->fd, line->data + done, line->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (start >= 0 && done == line->len && fdatasync(j->fd) == 0)
		return true;
	err_errno(e, "%s", j->path);
	if (start >= 0 && ftruncate(j->fd, start) != 0)
		err_wrap(e, "the journal may be damaged");
	return false;
}

bool journal_put(struct journal *j, const struct journal_entry *entry, struct err *e)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	struct journal_entry *copy;
	bool ok;

	if (j->count == JOURNAL_ENTRIES_MAX && place_of(j, entry->operation_id) == 0)
		return err_set(e, ERR_LIMIT, "the journal has too many entries");
	copy = copy_entry(entry);
	ok = copy ? write_line(copy, &line, e) && append(j, &line, e) : no_memory(e);

	buf_free(&line);
	if (ok)
		return keep_entry(j, copy, e);
	free_entry(copy);
	return false;
}

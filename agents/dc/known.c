/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dc/known.h"

#include "agents/dc/devices_conf.h"
#include "lib/buf.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 4 * 1024 * 1024, KIND_SIZE = 16, VALUE_SIZE = 256 };

struct item {
	char entry[KNOWN_ENTRY_SIZE], kind[KIND_SIZE], value[VALUE_SIZE];
};

struct known {
	char path[1024];
	pthread_mutex_t lock;
	struct item *items;
	size_t count, cap;
	bool changed;
};

static bool set(struct known *k, const char *entry, const char *kind, const char *value)
{
	struct item item;
	size_t at = 0;

	memset(&item, 0, sizeof item);
	snprintf(item.entry, sizeof item.entry, "%s", entry);
	snprintf(item.kind, sizeof item.kind, "%s", kind);
	snprintf(item.value, sizeof item.value, "%s", value);
	while (at < k->count && strcmp(k->items[at].entry, item.entry) != 0)
		at++;
	if (at < k->count && memcmp(&k->items[at], &item, sizeof item) == 0)
		return true;
	if (at == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 64;
		struct item *items = cap <= (size_t)4 * DEVICES_CONF_MAX
		                             ? realloc(k->items, cap * sizeof *items)
		                             : NULL;

		if (!items)
			return false;
		k->items = items;
		k->cap = cap;
	}
	k->items[at] = item;
	if (at == k->count)
		k->count++;
	k->changed = true;
	return true;
}

static bool load(struct known *k, struct err *e)
{
	const struct json_limits limits = {.bytes = FILE_MAX, .depth = 4, .values = 200000};
	struct buf text = BUF_INIT(FILE_MAX);
	struct json *root = NULL;
	bool ok = file_read(k->path, &text, e) &&
	          (root = json_parse(buf_text(&text), text.len, &limits, e));

	for (const struct json *v = json_first(root); ok && v; v = json_next(v)) {
		const char *entry = json_as_string(json_get(v, "entry"));
		const char *kind = json_as_string(json_get(v, "kind"));
		const char *value = json_as_string(json_get(v, "value"));

		if (entry && kind && value)
			ok = set(k, entry, kind, value);
	}
	k->changed = false;
	json_free(root);
	buf_free(&text);
	return ok;
}

struct known *known_open(const char *path)
{
	struct known *k = calloc(1, sizeof *k);
	struct err e = ERR_CLEAR;

	if (!k || strlen(path) >= sizeof k->path) {
		free(k);
		return NULL;
	}
	snprintf(k->path, sizeof k->path, "%s", path);
	pthread_mutex_init(&k->lock, NULL);
	if (!load(k, &e) && e.code != ERR_NOT_FOUND)
		log_event(LOG_LEVEL_WARNING, "known-devices-begun-anew", "why", e.text, NULL);
	return k;
}

void known_close(struct known *k)
{
	if (!k)
		return;
	pthread_mutex_destroy(&k->lock);
	free(k->items);
	free(k);
}

bool known_set(struct known *k, const char *entry, const char *kind, const char *value)
{
	bool ok;

	pthread_mutex_lock(&k->lock);
	ok = set(k, entry, kind, value);
	pthread_mutex_unlock(&k->lock);
	return ok;
}

static bool write_all(const struct known *k, struct buf *out)
{
	struct json *root = json_new_array();
	bool ok = root != NULL;

	for (size_t i = 0; ok && i < k->count; i++) {
		struct json *object = json_add_object(root, NULL);

		ok = object && json_add_string(object, "entry", k->items[i].entry) &&
		     json_add_string(object, "kind", k->items[i].kind) &&
		     json_add_string(object, "value", k->items[i].value);
	}
	ok = ok && json_print(root, false, out);
	json_free(root);
	return ok;
}

bool known_save(struct known *k, struct err *e)
{
	struct buf text = BUF_INIT(FILE_MAX);
	bool ok = true;

	pthread_mutex_lock(&k->lock);
	if (k->changed) {
		ok = write_all(k, &text)
		             ? file_write(k->path, buf_text(&text), text.len, 0600, e)
		             : err_set(e, ERR_MEMORY, "no memory for the known devices");
		k->changed = !ok;
	}
	pthread_mutex_unlock(&k->lock);
	buf_free(&text);
	return ok;
}

bool known_find(struct known *k, const char *kind, const char *value, char entry[KNOWN_ENTRY_SIZE])
{
	bool found = false;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; !found && i < k->count; i++) {
		found = strcmp(k->items[i].kind, kind) == 0 &&
		        strcmp(k->items[i].value, value) == 0;
		if (found)
			snprintf(entry, KNOWN_ENTRY_SIZE, "%s", k->items[i].entry);
	}
	pthread_mutex_unlock(&k->lock);
	return found;
}

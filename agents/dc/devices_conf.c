/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dc/devices_conf.h"

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/file.h"
#include "lib/parse.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ID_MAX = 64, VALUE_MAX = 255, COMMUNITY_FILE_MAX = 4096 };

enum key {
	ADDRESS,
	PORT,
	VERSION,
	COMMUNITY,
	COMMUNITY_FILE,
	CONTEXT,
	TIMEOUT,
	RETRIES,
	EXPECT_SERIAL,
	GROUP,
	KEYS
};

static const struct {
	const char *name;
	int64_t min, max; /* numbers; both 0: a text */
} keys[KEYS] = {
        [ADDRESS] = {"address", 0, 0},
        [PORT] = {"port", 1, 65535},
        [VERSION] = {"version", 1, 2},
        [COMMUNITY] = {"community", 0, 0},
        [COMMUNITY_FILE] = {"community-file", 0, 0},
        [CONTEXT] = {"context", 0, 0},
        [TIMEOUT] = {"timeout", 100, 60000},
        [RETRIES] = {"retries", 0, 10},
        [EXPECT_SERIAL] = {"expect-serial", 0, 0},
        [GROUP] = {"group", 0, 0},
};

struct loading {
	const char *path;
	struct arena *arena;
	struct device_list *list;
	size_t cap;
	struct device_entry *entry; /* of the section at hand */
	unsigned given;             /* bits of enum key: said in this section */
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the device list");
}

/* What can only be judged when a section is complete. */
static bool finish_entry(struct loading *l, struct err *e)
{
	if (!l->entry)
		return true;
	if (!l->entry->address)
		return err_set(e, ERR_CONFIG, "[%s] has no address", l->entry->id);
	return true;
}

static bool id_is_valid(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len > ID_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)id[i]) && !strchr("._-+@ ", id[i]))
			return false;
	}
	return true;
}

static bool begin_entry(struct loading *l, const char *id, struct err *e)
{
	struct device_list *list = l->list;

	if (!finish_entry(l, e))
		return false;
	if (!id_is_valid(id))
		return err_set(e, ERR_CONFIG,
		        "a device's name is 1 to 64 letters, digits, blanks and . _ - + @");
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->entries[i].id, id) == 0)
			return err_set(e, ERR_CONFIG, "[%s] is there twice", id);
	}
	if (list->count == DEVICES_CONF_MAX)
		return err_set(e, ERR_CONFIG, "more than %d devices", DEVICES_CONF_MAX);
	if (list->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 32;
		struct device_entry *more = arena_array(l->arena, cap, sizeof *more);

		if (!more)
			return no_memory(e);
		if (list->count)
			memcpy(more, list->entries, list->count * sizeof *more);
		list->entries = more;
		l->cap = cap;
	}
	l->entry = &list->entries[list->count++];
	l->given = 0;
	*l->entry = (struct device_entry){.id = arena_strdup(l->arena, id),
	        .port = 161,
	        .version = 2,
	        .community = "public",
	        .timeout_ms = 2000,
	        .retries = 2};
	return l->entry->id || no_memory(e);
}

/* The first line of a file beside the list; the path is named in errors, the contents never. */
static bool read_community(struct loading *l, const char *file, const char **out, struct err *e)
{
	const char *slash = strrchr(l->path, '/');
	char path[1024];
	struct buf text = BUF_INIT(COMMUNITY_FILE_MAX);
	int n = file[0] == '/' || !slash ? snprintf(path, sizeof path, "%s", file)
	                                 : snprintf(path, sizeof path, "%.*s/%s",
	                                           (int)(slash - l->path), l->path, file);
	size_t len;

	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(e, ERR_CONFIG, "the path in community-file is too long");
	if (!file_read_secret(path, &text, e)) {
		file_wipe(&text);
		if (e)
			e->code = ERR_CONFIG;
		return err_wrap(e, "community-file");
	}
	len = strcspn(buf_text(&text), "\r\n");
	if (len == 0 || len > VALUE_MAX) {
		file_wipe(&text);
		return err_set(e, ERR_CONFIG,
		        "community-file \"%s\" has no community in its first line", path);
	}
	*out = arena_copy(l->arena, buf_text(&text), len);
	file_wipe(&text);
	return *out || no_memory(e);
}

static bool set_text(
        struct loading *l, enum key key, const char *value, const char **out, struct err *e)
{
	if (!*value || strlen(value) > VALUE_MAX)
		return err_set(e, ERR_CONFIG, "%s must have 1 to %d characters", keys[key].name,
		        VALUE_MAX);
	*out = arena_strdup(l->arena, value);
	return *out || no_memory(e);
}

static bool set_number(enum key key, const char *value, unsigned *out, struct err *e)
{
	int64_t number;

	if (!parse_int(value, keys[key].min, keys[key].max, &number))
		return err_set(e, ERR_CONFIG, "%s must be a number from %lld to %lld",
		        keys[key].name, (long long)keys[key].min, (long long)keys[key].max);
	*out = (unsigned)number;
	return true;
}

static bool set_value(struct loading *l, enum key key, const char *value, struct err *e)
{
	struct device_entry *entry = l->entry;
	const unsigned both = 1U << COMMUNITY | 1U << COMMUNITY_FILE;

	if (l->given & 1U << key)
		return err_set(
		        e, ERR_CONFIG, "%s is there twice in [%s]", keys[key].name, entry->id);
	l->given |= 1U << key;
	if ((l->given & both) == both)
		return err_set(
		        e, ERR_CONFIG, "[%s] has both community and community-file", entry->id);
	switch (key) {
	case ADDRESS:
		return set_text(l, key, value, &entry->address, e);
	case PORT:
		return set_number(key, value, &entry->port, e);
	case VERSION:
		return set_number(key, value, &entry->version, e);
	case COMMUNITY:
		return set_text(l, key, value, &entry->community, e);
	case COMMUNITY_FILE:
		return read_community(l, value, &entry->community, e);
	case CONTEXT:
		return set_text(l, key, value, &entry->context, e);
	case TIMEOUT:
		return set_number(key, value, &entry->timeout_ms, e);
	case RETRIES:
		return set_number(key, value, &entry->retries, e);
	case EXPECT_SERIAL:
		return set_text(l, key, value, &entry->expect_serial, e);
	case GROUP:
		return set_text(l, key, value, &entry->group, e);
	case KEYS:
		break;
	}
	return false;
}

static bool each(
        void *context, const char *section, const char *name, const char *value, struct err *e)
{
	struct loading *l = context;

	if (!name)
		return begin_entry(l, section, e);
	if (!l->entry || strcmp(l->entry->id, section) != 0)
		return err_set(e, ERR_CONFIG, "%s stands before the first [device]", name);
	for (int key = 0; key < KEYS; key++) {
		if (strcmp(keys[key].name, name) == 0)
			return set_value(l, key, value, e);
	}
	return err_set(e, ERR_CONFIG, "unknown key \"%.40s\"", name);
}

static bool finish(struct loading *l, bool ok, struct err *e)
{
	if (ok && !finish_entry(l, e))
		ok = err_wrap(e, "%s", l->path);
	if (!ok)
		*l->list = (struct device_list){0};
	return ok;
}

bool devices_conf_load(
        const char *path, struct arena *arena, struct device_list *out, struct err *e)
{
	struct loading l = {.path = path, .arena = arena, .list = out};

	*out = (struct device_list){0};
	return finish(&l, config_walk(path, each, &l, e), e);
}

bool devices_conf_read(const char *name, const char *text, size_t len, struct arena *arena,
        struct device_list *out, struct err *e)
{
	struct loading l = {.path = name, .arena = arena, .list = out};

	*out = (struct device_list){0};
	return finish(&l, config_walk_text(name, text, len, each, &l, e), e);
}

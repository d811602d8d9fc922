/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inih reads the lines; what it would let pass silently (cut lines, cut section names, continued
 * lines) is refused in the reader that feeds it.
 */
#include "lib/config.h"

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/parse.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MAX_BYTES = 4 << 20,
	LINE_MAX_BYTES = 190, /* inih's own buffer holds 200 */
	SECTION_MAX_BYTES = 48,
	PATHS_ARENA = 64 * 1024,
};

const char *const config_sections[] = {"fleetport", "user", "support", "ingest", "enroll",
        "dispatch", "audit", "live", "worker", "cli", NULL};

const struct config_option config_shared[] = {
        {"fleetport", "data", CONFIG_PATH, .fallback = "/var/lib/fleetport", .required = true},
        {"fleetport", "run", CONFIG_PATH, .fallback = "/run/fleetport", .required = true},
        {"fleetport", "secrets", CONFIG_PATH, .fallback = "/etc/fleetport/secrets",
                .required = true},
        {"fleetport", "user_url", CONFIG_TEXT, .required = true},
        {"fleetport", "support_url", CONFIG_TEXT, .required = true},
        {"fleetport", "agents_url", CONFIG_TEXT, .required = true},
        {"fleetport", "mqtt_host", CONFIG_TEXT, .required = true},
        {"fleetport", "mqtt_port", CONFIG_INT, .fallback = "443", .min = 1, .max = 65535},
        {"fleetport", "region", CONFIG_TEXT, .fallback = ""},
        {NULL},
};

/* ---- walking through one file */

struct walk {
	const char *name; /* of the file, for errors */
	const char *at, *end;
	int line;
	bool failed;
	config_each *each;
	void *context;
	struct err *e;
};

static bool refuse(struct walk *w, const char *what)
{
	w->failed = true;
	return err_set(w->e, ERR_CONFIG, "%s:%d: %s", w->name, w->line, what);
}

static bool call(struct walk *w, const char *section, const char *name, const char *value)
{
	if (w->each(w->context, section, name, value, w->e))
		return true;
	w->failed = true;
	return err_wrap(w->e, "%s:%d", w->name, w->line);
}

/* "[name]", perhaps with a comment behind. inih cuts a long name and takes "[name" for no error. */
static bool check_section(struct walk *w, const char *line, size_t len)
{
	char section[SECTION_MAX_BYTES + 1];
	const char *close = memchr(line, ']', len);
	size_t section_len;

	if (close == NULL)
		return refuse(w, "the section lacks its ]");
	section_len = (size_t)(close - line) - 1;
	if (section_len == 0 || section_len > SECTION_MAX_BYTES)
		return refuse(w, "the name of a section has 1 to 48 bytes");
	for (const char *after = close + 1; after < line + len; after++) {
		if (*after == ';')
			break;
		if (*after != ' ' && *after != '\t')
			return refuse(w, "something follows the section");
	}
	memcpy(section, line + 1, section_len);
	section[section_len] = '\0';
	return call(w, section, NULL, NULL);
}

static bool check_line(struct walk *w, const char *line, size_t len)
{
	if (len > LINE_MAX_BYTES)
		return refuse(w, "the line is longer than 190 bytes");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			return refuse(w, "the line contains a control character");
	if (!parse_utf8(line, len))
		return refuse(w, "the line is not valid UTF-8");
	return len == 0 || line[0] != '[' || check_section(w, line, len);
}

/* fgets() for inih. Lines come without blanks in front, so that none continues the one before. */
static char *next_line(char *out, int size, void *walk)
{
	struct walk *w = walk;
	const char *line = w->at, *newline;
	size_t len;

	if (w->failed || w->at == w->end)
		return NULL;
	w->line++;
	newline = memchr(line, '\n', (size_t)(w->end - line));
	w->at = newline == NULL ? w->end : newline + 1;
	len = (size_t)((newline == NULL ? w->end : newline) - line);
	if (len > 0 && line[len - 1] == '\r')
		len--;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (len > 0 && (*line == ';' || *line == '#'))
		len = 0;
	if (!check_line(w, line, len))
		return NULL;
	if (len + 2 > (size_t)size) {
		(void)refuse(w, "the line is too long");
		return NULL;
	}
	memcpy(out, line, len);
	memcpy(out + len, "\n", 2);
	return out;
}

static int take_pair(void *walk, const char *section, const char *name, const char *value)
{
	struct walk *w = walk;

	if (w->failed)
		return 0;
	if (name == NULL || name[0] == '\0' || value == NULL)
		return refuse(w, "a name is missing before the =");
	if (section[0] == '\0')
		return refuse(w, "there is no [section] above");
	return call(w, section, name, value);
}

bool config_walk_text(const char *name, const char *text, size_t len, config_each *each,
        void *context, struct err *e)
{
	struct walk w = {.name = name,
	        .at = text,
	        .end = text + len,
	        .each = each,
	        .context = context,
	        .e = e};
	int rc = ini_parse_stream(next_line, &w, take_pair, &w);

	if (w.failed)
		return false;
	if (rc < 0)
		return err_set(e, ERR_MEMORY, "no memory to read %s", name);
	if (rc > 0) {
		w.line = rc;
		return refuse(&w, "neither [section], nor name = value, nor a comment");
	}
	return true;
}

static bool read_file(const char *path, struct buf *b, struct err *e)
{
	char chunk[8192];
	size_t got;
	bool ok;
	FILE *file = fopen(path, "re");

	if (file == NULL && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_NOT_FOUND, "there is no file %s", path);
	if (file == NULL)
		return err_errno(e, "opening %s", path);
	while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
		buf_append(b, chunk, got);
	ok = ferror(file) == 0 || err_errno(e, "reading %s", path);
	(void)fclose(file); /* only read */
	explicit_bzero(chunk, sizeof chunk);
	if (ok && b->failed)
		return err_set(e, ERR_CONFIG, "%s is larger than 4 MiB", path);
	return ok;
}

bool config_walk(const char *path, config_each *each, void *context, struct err *e)
{
	struct buf b = BUF_INIT(FILE_MAX_BYTES);
	bool ok = read_file(path, &b, e) &&
	          config_walk_text(path, buf_text(&b), b.len, each, context, e);

	if (b.data != NULL)
		explicit_bzero(b.data, b.cap); /* device lists carry communities */
	buf_free(&b);
	return ok;
}

/* ---- the configuration */

struct value {
	const struct config_option *option;
	char *text; /* NULL: unset */
	int file;   /* number of the file that said it; 0: nobody yet */
};

struct config {
	struct value *values;
	size_t count;
	bool whole_installation; /* a fleetport.conf, with sections of other programs */
	pthread_mutex_t lock;    /* around paths */
	struct arena *paths;
	/* while loading */
	const char *path;
	int file;
};

static struct value *find(const struct config *c, const char *section, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->values[i].option->section, section) == 0 &&
		        strcmp(c->values[i].option->name, name) == 0)
			return &c->values[i];
	return NULL;
}

static bool has_section(const struct config *c, const char *section)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->values[i].option->section, section) == 0)
			return true;
	return false;
}

static bool is_of_another_program(const struct config *c, const char *section)
{
	for (const char *const *s = config_sections; c->whole_installation && *s != NULL; s++)
		if (strcmp(*s, section) == 0)
			return true;
	return false;
}

static bool read_flag(const char *text, bool *out)
{
	static const char *const words[][2] = {
	        {"yes", "no"}, {"true", "false"}, {"on", "off"}, {"1", "0"}};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		*out = strcmp(text, words[i][0]) == 0;
		if (*out || strcmp(text, words[i][1]) == 0)
			return true;
	}
	return false;
}

static bool read_int(const struct config_option *option, const char *text, int64_t *out)
{
	bool any = option->min == 0 && option->max == 0;

	return parse_int(text, any ? INT64_MIN : option->min, any ? INT64_MAX : option->max, out);
}

static bool check_value(const struct config_option *option, const char *text, struct err *e)
{
	int64_t number;
	bool flag;

	switch (option->type) {
	case CONFIG_INT:
		if (read_int(option, text, &number))
			return true;
		if (option->min == 0 && option->max == 0)
			return err_set(e, ERR_CONFIG, "%s must be an integer", option->name);
		return err_set(e, ERR_CONFIG, "%s must be an integer from %lld to %lld",
		        option->name, (long long)option->min, (long long)option->max);
	case CONFIG_FLAG:
		if (read_flag(text, &flag))
			return true;
		return err_set(e, ERR_CONFIG, "%s must be yes or no", option->name);
	case CONFIG_TEXT:
	case CONFIG_PATH:
		break;
	}
	return true;
}

/* A relative path counts from the folder of the file that says it. */
static char *copy_value(
        const struct config *c, const struct config_option *option, const char *text)
{
	char *path, *copy = NULL;

	if (option->type != CONFIG_PATH || text[0] == '/' || text[0] == '\0' || c->path == NULL)
		return strdup(text);
	path = strdup(c->path);
	if (path != NULL && asprintf(&copy, "%s/%s", dirname(path), text) < 0)
		copy = NULL;
	free(path);
	return copy;
}

static bool set_value(struct config *c, struct value *value, const char *text, struct err *e)
{
	char *copy;

	if (!check_value(value->option, text, e))
		return false;
	copy = copy_value(c, value->option, text);
	if (copy == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the configuration");
	free(value->text);
	value->text = copy;
	value->file = c->file;
	return true;
}

static bool take_line(
        void *config, const char *section, const char *name, const char *text, struct err *e)
{
	struct config *c = config;
	struct value *value;

	if (!has_section(c, section)) {
		if (is_of_another_program(c, section))
			return true;
		return err_set(e, ERR_CONFIG, "there is no section [%s]", section);
	}
	if (name == NULL)
		return true;
	value = find(c, section, name);
	if (value == NULL)
		return err_set(e, ERR_CONFIG, "[%s] has no key %s", section, name);
	if (value->file == c->file)
		return err_set(e, ERR_CONFIG, "[%s] %s is said twice", section, name);
	return set_value(c, value, text, e);
}

static bool load_file(struct config *c, const char *path, struct err *e)
{
	bool ok;

	c->path = path;
	c->file++;
	ok = config_walk(path, take_line, c, e);
	c->path = NULL;
	return ok;
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool load_folder(struct config *c, const char *path, struct err *e)
{
	struct dirent **entries = NULL;
	char folder[PATH_MAX], file[PATH_MAX + NAME_MAX + 2];
	bool ok = true;
	int count;
	char *copy = strdup(path);

	if (copy == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the configuration");
	count = snprintf(folder, sizeof folder, "%s/conf.d", dirname(copy));
	free(copy);
	if (count < 0 || (size_t)count >= sizeof folder)
		return err_set(e, ERR_CONFIG, "the path of the configuration is too long");
	count = scandir(folder, &entries, is_conf, by_name);
	if (count < 0)
		return errno == ENOENT || err_errno(e, "reading folder %s", folder);
	for (int i = 0; i < count; i++) {
		(void)snprintf(file, sizeof file, "%s/%s", folder, entries[i]->d_name);
		ok = ok && load_file(c, file, e);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

static bool load_environment(struct config *c, struct err *e)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct config_option *option = c->values[i].option;
		char name[128];
		const char *text;
		int len;

		assert(option != NULL); /* every value was made from one */
		len = snprintf(name, sizeof name, "FLEETPORT_%s_%s", option->section, option->name);
		assert(len > 0 && (size_t)len < sizeof name);
		for (char *at = name; *at != '\0'; at++)
			*at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
		text = getenv(name);
		if (text != NULL && !set_value(c, &c->values[i], text, e))
			return err_wrap(e, "environment %s", name);
	}
	return true;
}

static bool check_required(const struct config *c, const char *path, struct err *e)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct value *value = &c->values[i];
		if (value->option->required && (value->text == NULL || value->text[0] == '\0'))
			return err_set(e, ERR_CONFIG, "%s: [%s] %s must be set",
			        path == NULL ? "configuration" : path, value->option->section,
			        value->option->name);
	}
	return true;
}

static bool add_tables(struct config *c, const struct config_option *const *tables, struct err *e)
{
	size_t count = 0;

	for (size_t t = 0; tables[t] != NULL; t++)
		for (const struct config_option *o = tables[t]; o->section != NULL; o++)
			count++;
	c->values = calloc(count + 1, sizeof *c->values);
	c->paths = arena_new(PATHS_ARENA);
	if (c->values == NULL || c->paths == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the configuration");
	for (size_t t = 0; tables[t] != NULL; t++) {
		c->whole_installation |= tables[t] == config_shared;
		for (const struct config_option *o = tables[t]; o->section != NULL; o++) {
			struct value *value = &c->values[c->count++];
			value->option = o;
			if (o->fallback != NULL && !set_value(c, value, o->fallback, e))
				return err_wrap(e, "fallback of [%s]", o->section);
		}
	}
	return true;
}

bool config_load(const char *path, const struct config_option *const *tables, struct config **out,
        struct err *e)
{
	struct config *c = calloc(1, sizeof *c);

	if (c == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the configuration");
	if (pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return err_set(e, ERR_MEMORY, "no memory for the configuration");
	}
	if (!add_tables(c, tables, e) || (path != NULL && !load_file(c, path, e)) ||
	        (path != NULL && !load_folder(c, path, e)) || !load_environment(c, e) ||
	        !check_required(c, path, e)) {
		config_free(c);
		return false;
	}
	*out = c;
	return true;
}

void config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->count; i++) {
		if (c->values[i].text != NULL)
			explicit_bzero(c->values[i].text, strlen(c->values[i].text));
		free(c->values[i].text);
	}
	free(c->values);
	arena_free(c->paths);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

const char *config_text(const struct config *c, const char *section, const char *name)
{
	const struct value *value = find(c, section, name);

	assert(value != NULL);
	return value->text;
}

int64_t config_int(const struct config *c, const char *section, const char *name)
{
	const struct value *value = find(c, section, name);
	int64_t number = 0;
	bool ok;

	assert(value != NULL && value->option->type == CONFIG_INT && value->text != NULL);
	ok = read_int(value->option, value->text, &number);
	assert(ok); /* checked when it was set */
	(void)ok;
	return number;
}

bool config_flag(const struct config *c, const char *section, const char *name)
{
	const struct value *value = find(c, section, name);
	bool flag = false, ok;

	assert(value != NULL && value->option->type == CONFIG_FLAG && value->text != NULL);
	ok = read_flag(value->text, &flag);
	assert(ok);
	(void)ok;
	return flag;
}

const char *config_path(const struct config *c, const char *folder, const char *name)
{
	struct config *owner = (struct config *)c; /* only the cache of paths changes */
	char *path;

	(void)pthread_mutex_lock(&owner->lock);
	path = arena_printf(owner->paths, "%s/%s", config_text(c, "fleetport", folder), name);
	(void)pthread_mutex_unlock(&owner->lock);
	return path;
}

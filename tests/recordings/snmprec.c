/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/recordings/snmprec.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recording {
	struct snmp_source base;
	struct arena *arena;
	struct mib *mib;
};

static bool add_hex(struct mib *mib, const struct oid *name, const char *hex, size_t len)
{
	unsigned char octets[MIB_OCTETS_MAX];
	size_t n = 0;

	for (size_t i = 0; i + 1 < len && n < sizeof octets; i += 2) {
		char pair[3] = {hex[i], hex[i + 1], '\0'};

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
			return true;
		octets[n++] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return mib_add_octets(mib, name, octets, n);
}

static bool add_object(struct mib *mib, const struct oid *name, const char *value, size_t len)
{
	char text[1024];
	struct oid object;

	snprintf(text, sizeof text, "%.*s", (int)len, value);
	return !oid_parse(text, &object) || mib_add_object(mib, name, &object);
}

static bool add_number(struct mib *mib, const struct oid *name, const char *value, size_t len)
{
	char text[32];

	if (len == 0 || len >= sizeof text)
		return true;
	snprintf(text, sizeof text, "%.*s", (int)len, value);
	return mib_add_number(mib, name, strtoll(text, NULL, 10));
}

static bool read_line(const char *line, size_t len, struct mib *mib)
{
	const char *tag = memchr(line, '|', len), *value;
	char text[1024];
	struct oid name;
	size_t rest;

	if (!tag || (size_t)(tag - line) >= sizeof text)
		return true;
	snprintf(text, sizeof text, "%.*s", (int)(tag - line), line);
	tag++;
	value = memchr(tag, '|', len - (size_t)(tag - line));
	if (!value || !oid_parse(text, &name))
		return true;
	snprintf(text, sizeof text, "%.*s", (int)(value - tag), tag);
	value++;
	rest = len - (size_t)(value - line);
	if (strcmp(text, "4x") == 0 || strcmp(text, "64x") == 0)
		return add_hex(mib, &name, value, rest);
	if (strcmp(text, "4") == 0 || strcmp(text, "64") == 0)
		return mib_add_octets(mib, &name, value, rest);
	if (strcmp(text, "6") == 0)
		return add_object(mib, &name, value, rest);
	if (strcmp(text, "2") == 0 || strcmp(text, "65") == 0 || strcmp(text, "66") == 0 ||
	        strcmp(text, "67") == 0 || strcmp(text, "70") == 0)
		return add_number(mib, &name, value, rest);
	return true;
}

bool snmprec_read(const char *text, size_t len, struct mib *mib)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - (text + at)) : len - at;

		if (!read_line(text + at, n, mib))
			return false;
		at += n + 1;
	}
	return true;
}

static bool copy(struct mib *to, const struct mib_value *v, struct err *e)
{
	bool ok = v->type == MIB_NUMBER   ? mib_add_number(to, &v->oid, v->number)
	          : v->type == MIB_OCTETS ? mib_add_octets(to, &v->oid, v->octets, v->len)
	                                  : mib_add_object(to, &v->oid, v->object);

	return ok || err_set(e, ERR_MEMORY, "no memory");
}

static const char *oid_text(const struct oid *oid, char out[OID_MAX * 11 + 1])
{
	size_t at = 0;

	for (size_t i = 0; i < oid->len; i++)
		at += (size_t)sprintf(out + at, "%s%u", i ? "." : "", oid->ids[i]);
	return out;
}

static bool get(struct snmp_source *self, const struct oid *oids, size_t count, struct mib *to,
        struct err *e)
{
	struct recording *r = (struct recording *)self;
	char text[OID_MAX * 11 + 1];

	for (size_t i = 0; i < count; i++) {
		const struct mib_value *v = mib_find(r->mib, oid_text(&oids[i], text));

		if (v && !copy(to, v, e))
			return false;
	}
	return true;
}

static bool walk(struct snmp_source *self, const struct oid *root, size_t max_rows, struct mib *to,
        struct err *e)
{
	struct recording *r = (struct recording *)self;
	char text[OID_MAX * 11 + 1];
	size_t rows = 0;

	oid_text(root, text);
	for (const struct mib_value *v = NULL; rows < max_rows && (v = mib_next(r->mib, text, v));
	        rows++) {
		if (!copy(to, v, e))
			return false;
	}
	return true;
}

static void close_recording(struct snmp_source *self)
{
	struct recording *r = (struct recording *)self;

	arena_free(r->arena);
	free(r);
}

struct snmp_source *snmprec_source(const char *text, size_t len, struct err *e)
{
	struct recording *r = calloc(1, sizeof *r);

	if (r)
		r->arena = arena_new(SNMPREC_ARENA);
	if (!r || !r->arena || !(r->mib = mib_new(r->arena)) || !snmprec_read(text, len, r->mib)) {
		err_set(e, ERR_MEMORY, "no memory for the recording");
		if (r)
			close_recording(&r->base);
		return NULL;
	}
	r->base = (struct snmp_source){.get = get, .walk = walk, .close = close_recording};
	return &r->base;
}

struct snmp_source *snmprec_open_file(const char *path, struct err *e)
{
	struct buf text = BUF_INIT(32 * 1024 * 1024);
	struct snmp_source *source = NULL;
	FILE *f = fopen(path, "r");
	char piece[65536];
	size_t n;

	if (!f) {
		err_set(e, ERR_UNAVAILABLE, "no answer (address, community or SNMP version?)");
		return NULL;
	}
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_append(&text, piece, n);
	if (ferror(f) || text.failed)
		err_set(e, ERR_IO, "%s cannot be read", path);
	else
		source = snmprec_source(buf_text(&text), text.len, e);
	fclose(f);
	buf_free(&text);
	return source;
}

struct snmp_source *snmprec_collect_open(
        void *arg, const struct device_entry *entry, const char *context, struct err *e)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s%s%s.snmprec", (const char *)arg, entry->community,
	        context ? "@" : "", context ? context : "");
	return snmprec_open_file(path, e);
}

static int is_recording(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 8 && strcmp(d->d_name + len - 8, ".snmprec") == 0;
}

static bool add_context(struct arena *arena, struct device_list *out, const char *name)
{
	const char *at = strchr(name, '@');

	for (size_t i = 0; i < out->count; i++) {
		struct device_entry *entry = &out->entries[i];

		if (strlen(entry->id) == (size_t)(at - name) &&
		        strncmp(entry->id, name, (size_t)(at - name)) == 0)
			return (entry->context = arena_strdup(arena, at + 1)) != NULL;
	}
	return true; /* a context of a device that is not there */
}

bool snmprec_list(const char *folder, struct arena *arena, struct device_list *out)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_recording, alphasort);
	bool ok = n >= 0;

	*out = (struct device_list){0};
	if (n > 0 && !(out->entries = arena_array(arena, (size_t)n, sizeof *out->entries)))
		ok = false;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; ok && i < n; i++) {
			const char *file = names[i]->d_name;
			char *name = arena_copy(arena, file, strlen(file) - 8);

			if (!name)
				ok = false;
			else if (pass == 1 && strchr(name, '@'))
				ok = add_context(arena, out, name);
			else if (pass == 0 && !strchr(name, '@'))
				out->entries[out->count++] = (struct device_entry){.id = name,
				        .address = "127.0.0.1",
				        .port = 161,
				        .version = 2,
				        .community = name,
				        .timeout_ms = 2000,
				        .retries = 2};
		}
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
	return ok;
}

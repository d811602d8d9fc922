/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h: the configuration: an INI file, the files of the folder conf.d beside it (*.conf, by
 * name), and the environment (FLEETPORT_SECTION_NAME, upper case, '-' as '_'); later ones win.
 *
 * What may be set is a table. An unknown section or key, a key given twice in one file, a value of
 * the wrong type or out of range is an error that names file and line. One file serves all
 * programs: each checks the sections of its own tables, knows the names of the others'
 * (config_sections) and leaves their keys to them.
 *
 * A line is "name = value", "[section]" or a comment that begins with ';' or '#'. A comment may
 * also follow a value, after a blank and ';'. There are no continued lines and no quotes.
 */
#ifndef FLEETPORT_LIB_CONFIG_H
#define FLEETPORT_LIB_CONFIG_H

#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
	CONFIG_TEXT, /* any text without control characters */
	CONFIG_INT,  /* decimal, min … max */
	CONFIG_FLAG, /* yes, no, true, false, on, off, 1, 0 */
	CONFIG_PATH, /* a relative one counts from the folder of the file that says it */
};

struct config_option {
	const char *section; /* NULL ends a table */
	const char *name;
	enum config_type type;
	const char *fallback; /* what holds when nothing is said; NULL: unset */
	bool required;        /* an error when nothing says it; "" counts as nothing */
	int64_t min, max;     /* CONFIG_INT; both 0: any */
};

/* Section [fleetport], which all programs share: data, run, secrets, user_url, support_url,
 * agents_url, mqtt_host, mqtt_port, region (README of the configuration: deploy/). */
extern const struct config_option config_shared[];

/* The names of all sections that a fleetport.conf may have, ended by NULL. */
extern const char *const config_sections[];

struct config;

/* Reads path (NULL: no file, fallbacks and environment only) under the tables (ended by NULL).
 * ERR_CONFIG: what is wrong, with file and line; ERR_NOT_FOUND: no such file. */
bool config_load(const char *path, const struct config_option *const *tables, struct config **out,
        struct err *e) __attribute__((warn_unused_result, nonnull(2, 3)));

void config_free(struct config *config); /* NULL is allowed; wipes the values */

/* Values. Section and name must be in the tables, with that type (asserted). Texts live as long as
 * the configuration; NULL if unset. */
const char *config_text(const struct config *config, const char *section, const char *name);
int64_t config_int(const struct config *config, const char *section, const char *name);
bool config_flag(const struct config *config, const char *section, const char *name);

/* "value of [fleetport] run" ‖ "/" ‖ name: config_path(c, "run", "user.sock"). For option `run`,
 * `data` or `secrets` of [fleetport]. Owned by the configuration. NULL: no memory. */
const char *config_path(const struct config *config, const char *folder, const char *name);

/* Reads any INI file of this form (a device list) pair by pair, in order. A section header alone
 * gives a call with name and value NULL. each() returns false, with *e set, to refuse: file and
 * line are put in front. */
typedef bool config_each(
        void *context, const char *section, const char *name, const char *value, struct err *e);
bool config_walk(const char *path, config_each *each, void *context, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* The same for a text in memory; `name` stands for the file in errors. */
bool config_walk_text(const char *name, const char *text, size_t len, config_each *each,
        void *context, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 4)));

#endif

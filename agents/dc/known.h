/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.h: which device each entry of the list was when it was last read, so that an operation finds
 * its device without asking all. Kept on disk. Safe from several threads.
 */
#ifndef FLEETPORT_AGENTS_DC_KNOWN_H
#define FLEETPORT_AGENTS_DC_KNOWN_H

#include "lib/error.h"

#include <stdbool.h>

struct known;

/* Reads the file, if it is there; a damaged one is begun anew. NULL: no memory. */
struct known *known_open(const char *path) __attribute__((warn_unused_result, nonnull));
void known_close(struct known *known); /* NULL is allowed */

/* The entry is this device. Kept in memory; known_save() puts it on disk if anything changed. */
bool known_set(struct known *known, const char *entry, const char *kind, const char *value)
        __attribute__((warn_unused_result, nonnull));
bool known_save(struct known *known, struct err *e) __attribute__((warn_unused_result, nonnull(1)));

enum { KNOWN_ENTRY_SIZE = 72 };

/* The entry that this device was last found under. */
bool known_find(struct known *known, const char *kind, const char *value,
        char entry[KNOWN_ENTRY_SIZE]) __attribute__((warn_unused_result, nonnull));

#endif

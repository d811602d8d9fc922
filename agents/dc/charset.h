/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charset.h: a device's octets as text for JSON: UTF-8, one line, no control characters.
 */
#ifndef FLEETPORT_AGENTS_DC_CHARSET_H
#define FLEETPORT_AGENTS_DC_CHARSET_H

#include "agents/dc/mib.h"
#include "lib/arena.h"

#include <stddef.h>

enum { CHARSET_UNKNOWN = 0, CHARSET_TEXT_MAX = 255 };

/*
 * octets[0..len) in the character set with this MIBenum (prtLocalizationCharacterSet), as at most
 * CHARSET_TEXT_MAX bytes of UTF-8 in the arena: the first line that is not empty, blanks joined and
 * trimmed. Octets that are valid UTF-8 are taken as that whatever the device says, for many say the
 * wrong thing; of an unknown set the ASCII part is kept. NULL: nothing readable, or no memory.
 */
const char *charset_text(struct arena *arena, int mib_enum, const void *octets, size_t len)
        __attribute__((nonnull));

/* The same for a value, which may be NULL or no octets (then NULL). */
const char *charset_value(struct arena *arena, int mib_enum, const struct mib_value *value)
        __attribute__((nonnull(1)));

#endif

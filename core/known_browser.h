/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known_browser.h: a browser that signed in before keeps a token (a cookie), and with it an allowance of its
 * own for failed sign-ins, so that strangers who guess at a name cannot lock its person out (security.md,
 * Signing in).
 *
 * A token is random bits, the time, and a MAC over both, the name's blind index and the person's rights
 * version: it says nothing to who finds it, serves one name, and ends with a changed password or changed
 * rights. It is no session and lets nobody in. Nothing of it is stored.
 */
#ifndef FLEETPORT_CORE_KNOWN_BROWSER_H
#define FLEETPORT_CORE_KNOWN_BROWSER_H

#include "core/keys.h"
#include "core/people.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	KNOWN_BROWSER_ID = 16,
	KNOWN_BROWSER_TOKEN = 76, /* characters, NUL included */
	KNOWN_BROWSER_DAYS = 180,
};

/* Is the token (NULL: there is none) this name's and person's, and not too old? Then *id is the browser's.
 * The same work is done for a person who does not exist (rights_version 0, which nobody has). */
bool known_browser_check(const struct keys *keys, const char *token,
        const unsigned char index[PERSON_INDEX], int64_t rights_version, int64_t now,
        unsigned char id[KNOWN_BROWSER_ID]) __attribute__((warn_unused_result, nonnull(1, 3, 6)));

/* The token to keep after a sign-in. id: as the check gave it; NULL: a browser that was not known. */
void known_browser_make(const struct keys *keys, const unsigned char id[KNOWN_BROWSER_ID],
        const unsigned char index[PERSON_INDEX], int64_t rights_version, int64_t now,
        char token[KNOWN_BROWSER_TOKEN]) __attribute__((nonnull(1, 3, 6)));

#endif

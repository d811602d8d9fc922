/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h: Unicode forms (UAX 15, over utf8proc).
 *
 * Two texts that people take for the same may be written with different code points. What is
 * searched, compared or hashed goes through one of these first; what people typed is kept as it is.
 */
#ifndef FLEETPORT_LIB_TEXT_H
#define FLEETPORT_LIB_TEXT_H

#include "lib/arena.h"
#include "lib/error.h"

/* The text in NFKC, for passwords and names. The result is in the arena. NULL on failure:
 * ERR_INVALID (not UTF-8), ERR_MEMORY. Wipes its own working copy, so that it is fit for secrets;
 * the result in the arena is the caller's to wipe. */
char *text_nfkc(struct arena *arena, const char *text, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* The text in NFKC with case folded and invisible characters left out (Unicode's NFKC_Casefold):
 * the key that is searched in and compared without case. Result and failures as above. */
char *text_fold(struct arena *arena, const char *text, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

#endif

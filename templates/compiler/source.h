/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h: cuts a template into literal text and actions, `{{ … }}`.
 *
 * An action ends at the first `}}` outside of C strings, character constants and brackets.
 * `{{! … }}` is a comment and vanishes. Pieces point into the source; nothing is allocated.
 */
#ifndef FLEETPORT_TEMPLATES_COMPILER_SOURCE_H
#define FLEETPORT_TEMPLATES_COMPILER_SOURCE_H

#include "lib/error.h"

#include <stddef.h>

enum piece_kind { PIECE_TEXT, PIECE_ACTION, PIECE_END };

struct piece {
	enum piece_kind kind;
	const char *text; /* an action without its braces and outer white space */
	size_t len;
	unsigned line; /* where it begins, from 1 */
};

struct source {
	const char *name; /* for messages */
	const char *text;
	size_t len;
	size_t at;
	unsigned line;
};

/* The next piece. false: an action is not closed or its brackets do not match. */
bool source_next(struct source *source, struct piece *piece, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* "name:line: message" with code ERR_INVALID; always false. */
bool source_error(struct err *e, const char *name, unsigned line, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

#endif

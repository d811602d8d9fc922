/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out.h: where a page is printed to, and for whom.
 *
 * A handler fills in one `struct out` a page and calls page_…(&out, &page) (templates/NAME.html.h).
 * The page is whole in *body afterwards, or body->failed is set. Template functions escape what
 * they print by its context; nothing else writes HTML.
 */
#ifndef FLEETPORT_TEMPLATES_OUT_H
#define FLEETPORT_TEMPLATES_OUT_H

#include "lib/arena.h"
#include "lib/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out {
	struct buf *body;
	struct arena *arena;   /* the request's: for formatted text */
	const char *language;  /* BCP 47: "en" */
	const char *time_zone; /* the person's, IANA: "Europe/Berlin"; NULL: "UTC" */
	const char *csrf;      /* web_csrf_token(); "" without a session */
	int64_t now_ms;        /* wall time of this page, for "3 min ago" */
	/* moment.c's own: the zone's offset from UTC, and the times between which it holds */
	int64_t zone_offset_ms, zone_from, zone_until;
};

/* Binds the translations in `folder` (…/locale); once, before threads start. false: no memory. */
bool out_start(const char *folder);

/* For the generated code. */
void out_literal(struct out *out, size_t len, const char *html);
void out_unsafe(struct out *out, const char *html);

/* A text in the page's language; the text itself where there is no translation. */
const char *out_translate(struct out *out, const char *text) __attribute__((format_arg(2)));
const char *out_translate_count(struct out *out, const char *one, const char *many, unsigned long n)
        __attribute__((format_arg(2), format_arg(3)));

/* A formatted text; "" beyond the arena's limit (body->failed is set then). Print it as any value.
 */
const char *out_format(struct out *out, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* A whole number with its thousands grouped as the language does: "1,204". */
const char *out_grouped(struct out *out, int64_t number);

#endif

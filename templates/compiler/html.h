/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html.h: follows the HTML of a template, so that the compiler knows in which context a value
 * stands, and refuses what our Content-Security-Policy would block or what no escaper can make
 * safe.
 *
 * The dialect is strict: every element is closed, attributes are written name="value", comments
 * vanish, runs of white space become one (not in <pre> and <textarea>).
 */
#ifndef FLEETPORT_TEMPLATES_COMPILER_HTML_H
#define FLEETPORT_TEMPLATES_COMPILER_HTML_H

#include "lib/buf.h"
#include "lib/error.h"

enum {
	HTML_MAX_DEPTH = 48,
	HTML_MAX_NAME = 32,
};

/* Where a printed value stands: which escaper it gets. */
enum html_context {
	HTML_TEXT,
	HTML_ATTRIBUTE,
	HTML_URL,          /* the beginning of a URL attribute */
	HTML_URL_SEGMENT,  /* in its path or fragment, after literal text */
	HTML_URL_ARGUMENT, /* after its '?' */
};

enum html_state {
	IN_TEXT,
	IN_TAG_OPEN,   /* just after '<' */
	IN_TAG_NAME,   /* of an opening tag */
	IN_CLOSE_NAME, /* of a closing tag */
	IN_MARKUP,     /* after "<!", before it is known whether it is a comment or the doctype */
	IN_COMMENT,
	IN_DOCTYPE,
	IN_TAG,       /* between attributes, after white space */
	IN_TAG_TIGHT, /* after a name or a value: white space, '/' or '>' must follow */
	IN_TAG_SLASH, /* after '/': '>' must follow */
	IN_ATTRIBUTE, /* in its name */
	IN_EQUALS,    /* after '=': a double quote must follow */
	IN_VALUE,     /* between the quotes */
};

enum html_url { URL_NONE, URL_BEGIN, URL_SCHEME, URL_PATH, URL_QUERY, URL_FRAGMENT };

struct html {
	const char *name; /* of the template, for messages */
	unsigned line;
	enum html_state state;
	enum html_url url; /* URL_NONE: the attribute is no URL */
	char tag[HTML_MAX_NAME];
	char attribute[HTML_MAX_NAME];
	char scheme[HTML_MAX_NAME];
	size_t dashes;       /* in comments */
	bool valued;         /* the tag has a printed value */
	bool refreshes;      /* a <meta http-equiv>: its content takes no values */
	bool verbatim_value; /* the attribute takes no values at all */
	bool space;          /* white space is due in the text */
	bool line_feed;      /* … and has a line feed in it */
	size_t depth;
	struct {
		char name[HTML_MAX_NAME];
		unsigned line;
	} open[HTML_MAX_DEPTH];
};

/* Begins in text, with no element open. */
void html_begin(struct html *html, const char *name);

/* Follows literal text that begins on `line`, and appends what remains of it to out. */
bool html_feed(struct html *html, const char *text, size_t len, unsigned line, struct buf *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 5)));

/* A value is printed here, on `line`: its context. false: no value may stand here. */
bool html_value(struct html *html, unsigned line, enum html_context *context, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3)));

/* A branch or loop begins or ends here. false: not in the middle of a name. */
bool html_block(struct html *html, unsigned line, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Two ways lead on from here: *html and *other must mean the same. */
bool html_join(struct html *html, const struct html *other, unsigned line, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* The template function ends here: back in text, everything closed. */
bool html_end(struct html *html, unsigned line, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

#endif

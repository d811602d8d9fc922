/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.h: one escaper a context. The template compiler chooses; code outside templates that
 * appends text to HTML is a fault. Input is UTF-8; what is not valid UTF-8 becomes U+FFFD.
 */
#ifndef FLEETPORT_WEB_ESCAPE_H
#define FLEETPORT_WEB_ESCAPE_H

#include "lib/buf.h"

#include <stdint.h>

void escape_text(struct buf *b, const char *text);      /* between tags; NULL appends nothing */
void escape_attribute(struct buf *b, const char *text); /* inside a double-quoted attribute */
/* A whole URL inside an attribute: only "/…" (not "//"), "?…", "#…", or https: (mailto: too);
 * anything else becomes
 * "#". */
void escape_url_attribute(struct buf *b, const char *url);
void escape_url_segment(
        struct buf *b, const char *text); /* one path segment: RFC 3986 unreserved stay */
void escape_url_argument(struct buf *b, const char *text); /* a name or value in a query */
void escape_csv(
        struct buf *b, const char *text); /* RFC 4180, formula-safe: = + - @ TAB CR get a ' */
void escape_number(struct buf *b, int64_t number); /* plain decimal */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print.h: how generated code prints a value: by its C type and its context. Included by generated
 * sources only. A type that is not listed (bool, char, pointers to structs) does not compile.
 */
#ifndef FLEETPORT_TEMPLATES_PRINT_H
#define FLEETPORT_TEMPLATES_PRINT_H

#include "templates/out.h"

#include <string.h>

void out_text(struct out *out, const char *text);
void out_attribute(struct out *out, const char *text);
void out_url(struct out *out, const char *url);
void out_url_segment(struct out *out, const char *text);
void out_url_argument(struct out *out, const char *text);
void out_count(struct out *out, int64_t number); /* grouped, for people */
void out_ucount(struct out *out, uint64_t number);
void out_number(struct out *out, int64_t number); /* plain, for attributes */
void out_unumber(struct out *out, uint64_t number);
void out_decimal(struct out *out, double number); /* at most two places: "12.5" */

#define OUT_BY_TYPE(value, text, integer, natural)                                                 \
	_Generic((value),                                                                          \
	        const char *: text,                                                                \
	        char *: text,                                                                      \
	        short: integer,                                                                    \
	        int: integer,                                                                      \
	        long: integer,                                                                     \
	        long long: integer,                                                                \
	        unsigned short: natural,                                                           \
	        unsigned: natural,                                                                 \
	        unsigned long: natural,                                                            \
	        unsigned long long: natural,                                                       \
	        double: out_decimal)

#define OUT_TEXT(out, ...)                                                                         \
	OUT_BY_TYPE((__VA_ARGS__), out_text, out_count, out_ucount)(out, (__VA_ARGS__))
#define OUT_ATTRIBUTE(out, ...)                                                                    \
	OUT_BY_TYPE((__VA_ARGS__), out_attribute, out_number, out_unumber)(out, (__VA_ARGS__))
#define OUT_URL(out, ...)                                                                          \
	OUT_BY_TYPE((__VA_ARGS__), out_url, out_number, out_unumber)(out, (__VA_ARGS__))
#define OUT_URL_SEGMENT(out, ...)                                                                  \
	OUT_BY_TYPE((__VA_ARGS__), out_url_segment, out_number, out_unumber)(out, (__VA_ARGS__))
#define OUT_URL_ARGUMENT(out, ...)                                                                 \
	OUT_BY_TYPE((__VA_ARGS__), out_url_argument, out_number, out_unumber)(out, (__VA_ARGS__))

/* What xgettext looks for (keywords _ and _n:1,2). */
#define _(text)               out_translate(out, text)
#define _n(one, many, number) out_translate_count(out, one, many, (unsigned long)(number))

#endif

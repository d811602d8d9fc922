/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h: a growing byte buffer with a stated maximum.
 *
 * Appending beyond the maximum, or without memory, sets `failed` and leaves the contents as they
 * were; later appends do nothing. So a writer appends freely and checks `failed` once at the end.
 * Contents are always NUL-terminated (the NUL is not counted in len).
 */
#ifndef FLEETPORT_LIB_BUF_H
#define FLEETPORT_LIB_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while empty and never filled */
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})

/* Frees the contents; the buffer may be filled again. */
void buf_free(struct buf *b);

/* Forgets the contents and the failure; keeps the memory. */
void buf_reset(struct buf *b);

void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));

/* Room for at least len more bytes; false (and failed) if that cannot be. */
bool buf_reserve(struct buf *b, size_t len);

/* The contents as text; "" when empty. Valid until the next change. */
const char *buf_text(const struct buf *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h: memory that dies together.
 *
 * A request, a report or a page allocates from one arena with a limit; nothing is freed singly. An
 * allocation beyond the limit gives NULL, never an abort. Not for use by several threads at once.
 */
#ifndef FLEETPORT_LIB_ARENA_H
#define FLEETPORT_LIB_ARENA_H

#include <stddef.h>

struct arena;

/* A new arena that hands out at most limit bytes in all (bookkeeping included). NULL: no memory.
 * Free with arena_free(). */
struct arena *arena_new(size_t limit);

/* Gives back everything that the arena handed out. NULL is allowed. */
void arena_free(struct arena *arena);

/* Forgets all allocations; keeps the first block for the next use. */
void arena_reset(struct arena *arena);

/* The same, and overwrites all that was in them first: for what may have held secrets. */
void arena_wipe(struct arena *arena) __attribute__((nonnull));

/* size bytes, zeroed, aligned for any type; NULL beyond the limit. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((nonnull));

/* count * size bytes, zeroed; NULL on overflow or beyond the limit. */
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((nonnull));

/* A NUL-terminated copy of text[0..len); NULL beyond the limit. */
char *arena_copy(struct arena *arena, const char *text, size_t len) __attribute__((nonnull));

/* A copy of a NUL-terminated text; NULL beyond the limit. */
char *arena_strdup(struct arena *arena, const char *text) __attribute__((nonnull));

/* A formatted text; NULL beyond the limit. */
char *arena_printf(struct arena *arena, const char *format, ...)
        __attribute__((nonnull, format(printf, 2, 3)));

#endif

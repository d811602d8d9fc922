/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024, ALIGNMENT = _Alignof(max_align_t) };

struct block {
	struct block *next;
	size_t size; /* of data */
	size_t used;
	_Alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *head; /* the block that is filled now; older ones behind it */
	size_t limit;
	size_t total;
};

struct arena *arena_new(size_t limit)
{
	struct arena *arena = calloc(1, sizeof *arena);

	if (arena != NULL)
		arena->limit = limit;
	return arena;
}

static void free_blocks(struct block *block)
{
	while (block != NULL) {
		struct block *next = block->next;
		free(block);
		block = next;
	}
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	free_blocks(arena->head);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block *last = arena->head;

	if (last == NULL)
		return;
	while (last->next != NULL) {
		struct block *next = last->next;
		free(last);
		last = next;
	}
	last->used = 0;
	arena->head = last;
	arena->total = sizeof *last + last->size;
}

void arena_wipe(struct arena *arena)
{
	for (struct block *block = arena->head; block != NULL; block = block->next)
		explicit_bzero(block->data, block->used);
	arena_reset(arena);
}

static struct block *new_block(struct arena *arena, size_t need)
{
	size_t size = need > BLOCK_SIZE ? need : BLOCK_SIZE;
	size_t room = arena->limit - arena->total;
	struct block *block;

	if (room < sizeof *block || room - sizeof *block < need)
		return NULL;
	if (size > room - sizeof *block)
		size = room - sizeof *block;
	block = malloc(sizeof *block + size);
	if (block == NULL)
		return NULL;
	block->size = size;
	block->used = 0;
	block->next = arena->head;
	arena->head = block;
	arena->total += sizeof *block + size;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->head;
	size_t need;
	void *memory;

	if (size > SIZE_MAX - ALIGNMENT)
		return NULL;
	need = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (block == NULL || block->size - block->used < need) {
		block = new_block(arena, need);
		if (block == NULL)
			return NULL;
	}
	memory = block->data + block->used;
	block->used += need;
	memset(memory, 0, need);
	return memory;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	return arena_alloc(arena, count * size);
}

char *arena_copy(struct arena *arena, const char *text, size_t len)
{
	char *copy = len == SIZE_MAX ? NULL : arena_alloc(arena, len + 1);

	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_copy(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	int len;
	char *text;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return NULL;
	text = arena_alloc(arena, (size_t)len + 1);
	if (text == NULL)
		return NULL;
	va_start(args, format);
	(void)vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

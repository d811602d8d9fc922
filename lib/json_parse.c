/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_parse.c: from text to a tree.
 *
 * cJSON alone accepts what RFC 8259 does not (trailing text, half numbers, bad UTF-8, raw control
 * characters) and what would fool a reader (repeated names, names of another case, strings cut at
 * NUL). So a document is scanned first (json_scan.c); only what passes goes to cJSON, which makes
 * the tree. Repeated names are looked for in the tree, where they are decoded: "a" and "\u0061" are
 * one name.
 *
 * The tree of a parsed document lies in one region, which is freed as a whole: a report has hundreds
 * of values, and a malloc() and free() for each would cost more than reading them. cJSON's allocation
 * hooks are global, so they look at a variable of the thread: it names the region only while cJSON
 * parses. Documents that are built are made of malloc() as ever.
 */
#include "lib/json_scan.h"
#include "lib/json_tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	FEW_MEMBERS = 8,    /* up to here names are compared each with each */
	MANY_MEMBERS = 128, /* up to here they are looked for by hash, beyond sorted */
	HASH_SLOTS = 4 * MANY_MEMBERS,
	REGION_FIRST = 512, /* bytes of a region's smallest and largest first chunk */
	REGION_FIRST_MAX = 64 << 10,
	REGION_CHUNK_MAX = 1 << 20,
};

/* ---- the region of a parsed tree */

struct chunk {
	struct chunk *next; /* filled earlier */
	size_t size, used;  /* of data */
	_Alignas(max_align_t) unsigned char data[];
};

static _Thread_local struct chunk **region; /* of the document that is being parsed, or NULL */

static struct chunk *add_chunk(struct chunk **chunks, size_t size)
{
	struct chunk *chunk = malloc(sizeof *chunk + size);

	if (chunk == NULL)
		return NULL;
	*chunk = (struct chunk){.next = *chunks, .size = size};
	*chunks = chunk;
	return chunk;
}

static void *region_alloc(struct chunk **chunks, size_t size)
{
	struct chunk *chunk = *chunks;
	size_t need = (size + 7) / 8 * 8; /* nothing in a tree is aligned to more */
	void *memory;

	if (need > chunk->size - chunk->used) {
		size_t more = 2 * chunk->size;
		if (more > REGION_CHUNK_MAX)
			more = REGION_CHUNK_MAX;
		chunk = add_chunk(chunks, more > need ? more : need);
		if (chunk == NULL)
			return NULL;
	}
	memory = chunk->data + chunk->used;
	chunk->used += need;
	return memory;
}

static void region_free(struct chunk *chunk)
{
	while (chunk != NULL) {
		struct chunk *next = chunk->next;
		free(chunk);
		chunk = next;
	}
}

static void *hook_alloc(size_t size)
{
	return region == NULL ? malloc(size) : region_alloc(region, size);
}

/* While it parses, cJSON frees only what it took in the same document. */
static void hook_free(void *memory)
{
	if (region == NULL)
		free(memory);
}

/* Before main(): cJSON keeps the hooks in plain globals, and threads read them. */
__attribute__((constructor)) static void set_hooks(void)
{
	cJSON_Hooks hooks = {.malloc_fn = hook_alloc, .free_fn = hook_free};

	cJSON_InitHooks(&hooks);
}

/* ---- repeated names, in the tree */

struct place {
	const struct place *up;
	const cJSON *value;
	size_t index;
};

static void print_place(const struct place *place, struct buf *path)
{
	if (place->up == NULL) {
		buf_putc(path, '$');
		return;
	}
	print_place(place->up, path);
	if (place->value->string == NULL)
		buf_printf(path, "[%zu]", place->index);
	else
		json_path_name(path, place->value->string, strlen(place->value->string));
}

static bool fail_repeated(const struct place *place, const char *name, struct err *e)
{
	struct buf path = BUF_INIT(JSON_PATH_BYTES);

	print_place(place, &path);
	json_path_name(&path, name, strlen(name));
	err_set(e, ERR_INVALID, "%s%s: the name occurs twice", buf_text(&path),
	        path.failed ? "…" : "");
	buf_free(&path);
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool check_many(const struct place *place, size_t count, struct err *e)
{
	const char **names = calloc(count, sizeof *names);
	size_t i = 0;
	bool ok = true;

	if (names == NULL)
		return err_set(e, ERR_MEMORY, "no memory to read JSON");
	for (const cJSON *m = place->value->child; m != NULL; m = m->next)
		names[i++] = m->string;
	qsort(names, count, sizeof *names, compare_names);
	for (i = 1; ok && i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			ok = fail_repeated(place, names[i], e);
	free(names);
	return ok;
}

/* Names are compared only where their hashes meet in the table. Made to collide, they cost
 * MANY_MEMBERS² / 2 comparisons. */
static bool check_some(const struct place *place, size_t count, struct err *e)
{
	const cJSON *slots[HASH_SLOTS];
	size_t size = 4 * FEW_MEMBERS;

	while (size < 2 * count)
		size *= 2;
	memset(slots, 0, size * sizeof slots[0]);
	for (const cJSON *m = place->value->child; m != NULL; m = m->next) {
		uint32_t hash = 2166136261u; /* FNV-1a */
		size_t at;
		for (const char *c = m->string; *c != '\0'; c++)
			hash = (hash ^ (unsigned char)*c) * 16777619u;
		for (at = hash % size; slots[at] != NULL; at = (at + 1) % size)
			if (strcmp(slots[at]->string, m->string) == 0)
				return fail_repeated(place, m->string, e);
		slots[at] = m;
	}
	return true;
}

static bool check_few(const struct place *place, struct err *e)
{
	for (const cJSON *a = place->value->child; a != NULL; a = a->next)
		for (const cJSON *b = a->next; b != NULL; b = b->next)
			if (strcmp(a->string, b->string) == 0)
				return fail_repeated(place, a->string, e);
	return true;
}

/* Recursion goes no deeper than the scan allowed: JSON_DEPTH_MAX. */
static bool check_names(const struct place *place, struct err *e)
{
	size_t count = 0;

	for (const cJSON *m = place->value->child; m != NULL; m = m->next) {
		const struct place below = {.up = place, .value = m, .index = count++};
		if (m->child != NULL && !check_names(&below, e))
			return false;
	}
	if (!cJSON_IsObject(place->value))
		return true;
	if (count > MANY_MEMBERS)
		return check_many(place, count, e);
	return count > FEW_MEMBERS ? check_some(place, count, e) : check_few(place, e);
}

/* ---- the document */

/* The tree in a region of its own, which hangs at the root: `prev` of a root is nobody's. */
static cJSON *make_tree(const char *text, size_t len)
{
	struct chunk *chunks = NULL;
	size_t first = 4 * len; /* a value of a report takes about 80 bytes, in the text 30 */
	cJSON *tree;

	if (first < REGION_FIRST)
		first = REGION_FIRST;
	if (add_chunk(&chunks, first < REGION_FIRST_MAX ? first : REGION_FIRST_MAX) == NULL)
		return NULL;
	region = &chunks;
	tree = cJSON_ParseWithLength(text, len);
	region = NULL;
	if (tree == NULL) {
		region_free(chunks);
		return NULL;
	}
	assert(tree->prev == NULL);
	tree->type |= JSON_IN_REGION;
	tree->prev = (cJSON *)(void *)chunks;
	return tree;
}

struct json *json_parse(
        const char *text, size_t len, const struct json_limits *limits, struct err *e)
{
	struct place root = {0};
	cJSON *tree;

	assert(limits->depth > 0 && limits->depth <= JSON_DEPTH_MAX);
	if (len > limits->bytes) {
		err_set(e, ERR_LIMIT, "$: the text is longer than %zu bytes", limits->bytes);
		return NULL;
	}
	if (!json_scan(text, len, limits, e))
		return NULL;
	tree = make_tree(text, len);
	if (tree == NULL) {
		/* All else that cJSON could mind was ruled out by the scan. */
		err_set(e, ERR_MEMORY, "no memory to read JSON");
		return NULL;
	}
	root.value = tree;
	if (!check_names(&root, e)) {
		json_free((struct json *)tree);
		return NULL;
	}
	return (struct json *)tree;
}

void json_free(struct json *root)
{
	if (root != NULL && (json_tree(root)->type & JSON_IN_REGION) != 0)
		region_free((struct chunk *)(void *)json_tree_to_change(root)->prev);
	else
		cJSON_Delete(json_tree_to_change(root));
}

void json_wipe(struct json *root)
{
	struct chunk *chunks;

	if (root == NULL || (json_tree(root)->type & JSON_IN_REGION) == 0) {
		json_free(root);
		return;
	}
	/* The root lies in one of them. */
	chunks = (struct chunk *)(void *)json_tree_to_change(root)->prev;
	for (struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next)
		explicit_bzero(chunk->data, chunk->used);
	region_free(chunks);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cJSON alone accepts what RFC 8259 does not (trailing text, half numbers, bad UTF-8, raw control
 * characters) and what would fool a reader (repeated names, names of another case, strings cut at
 * NUL). So a document is scanned here first, once, byte by byte, against the whole grammar; only
 * what passes goes to cJSON, which makes the tree. Repeated names are looked for in the tree, where
 * they are decoded: "a" and "\u0061" are one name.
 *
 * The tree of a parsed document lies in one region, which is freed as a whole: a report has hundreds
 * of values, and a malloc() and free() for each would cost more than reading them. cJSON's allocation
 * hooks are global, so they look at a variable of the thread: it names the region only while cJSON
 * parses. Documents that are built are made of malloc() as ever.
 *
 * Printing is ours too: cJSON rounds integers above 10^15.
 */
#include "lib/json.h"

#include "lib/parse.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 64,        /* more than any limit that callers may ask for */
	NUMBER_MAX = 63,       /* characters: what cJSON reads of a number */
	PATH_MAX_BYTES = 160,  /* of a path shown in an error */
	NAME_SHOWN_BYTES = 40, /* of a name in it */
	FEW_MEMBERS = 8,       /* up to here names are compared each with each */
	MANY_MEMBERS = 128,    /* up to here they are looked for by hash, beyond sorted */
	HASH_SLOTS = 4 * MANY_MEMBERS,
	REGION_FIRST = 512, /* bytes of a region's smallest and largest first chunk */
	REGION_FIRST_MAX = 64 << 10,
	REGION_CHUNK_MAX = 1 << 20,
};

static const double exact_integers = 9007199254740992.0; /* 2^53 */

/* On the root of a parsed document, beside cJSON's own bits (its type is the lowest eight). */
static const int IN_REGION = 1 << 20;

static bool is_integer(double number)
{
	return fabs(number) <= exact_integers && (double)(int64_t)number == number;
}

struct frame {
	bool object;
	size_t index;     /* of the element that is read now */
	const char *name; /* of the member that is read now, as it stands in the text */
	size_t name_len;
};

struct scan {
	const char *at, *end;
	const struct json_limits *limits;
	size_t values;
	unsigned depth;
	struct frame stack[DEPTH_MAX];
	struct err *e;
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

/* ---- errors with their place */

static bool is_plain_name(const char *name, size_t len)
{
	if (len == 0 || len > NAME_SHOWN_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || c == '_' || c == '-';
		if (!plain)
			return false;
	}
	return true;
}

static void path_name(struct buf *path, const char *name, size_t len)
{
	if (is_plain_name(name, len)) {
		buf_putc(path, '.');
		buf_append(path, name, len);
	} else {
		buf_puts(path, "[?]"); /* a name that would not be readable in a message */
	}
}

static bool fail(struct scan *s, enum err_code code, const char *what)
{
	struct buf path = BUF_INIT(PATH_MAX_BYTES);

	buf_putc(&path, '$');
	for (unsigned i = 0; i < s->depth; i++) {
		if (!s->stack[i].object)
			buf_printf(&path, "[%zu]", s->stack[i].index);
		else if (s->stack[i].name != NULL)
			path_name(&path, s->stack[i].name, s->stack[i].name_len);
	}
	err_set(s->e, code, "%s%s: %s", buf_text(&path), path.failed ? "…" : "", what);
	buf_free(&path);
	return false;
}

/* ---- the scan */

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end &&
	        (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

static bool next_is(const struct scan *s, char c)
{
	return s->at < s->end && *s->at == c;
}

static bool hex4(struct scan *s, unsigned *code)
{
	*code = 0;
	if (s->end - s->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *s->at++;
		if (c >= '0' && c <= '9')
			*code = *code << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*code = *code << 4 | (unsigned)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			*code = *code << 4 | (unsigned)(c - 'A' + 10);
		else
			return false;
	}
	return true;
}

/* After "\u". */
static bool scan_code_unit(struct scan *s)
{
	unsigned high, low;

	if (!hex4(s, &high))
		return fail(s, ERR_INVALID, "\\u must be followed by four hex digits");
	if (high == 0)
		return fail(s, ERR_INVALID, "a string must not contain \\u0000");
	if (high >= 0xdc00 && high <= 0xdfff)
		return fail(s, ERR_INVALID, "a string contains half a surrogate pair");
	if (high < 0xd800 || high > 0xdbff)
		return true;
	if (s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
		return fail(s, ERR_INVALID, "a string contains half a surrogate pair");
	s->at += 2;
	if (!hex4(s, &low) || low < 0xdc00 || low > 0xdfff)
		return fail(s, ERR_INVALID, "a string contains half a surrogate pair");
	return true;
}

static bool scan_escape(struct scan *s)
{
	char c;

	if (s->at == s->end)
		return fail(s, ERR_INVALID, "a string does not end");
	c = *s->at++;
	if (c == 'u')
		return scan_code_unit(s);
	if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
		return fail(s, ERR_INVALID, "a string contains an unknown escape");
	return true;
}

/* A string from its opening quote on; *text and *len (without the quotes) may be NULL. */
static bool scan_string(struct scan *s, const char **text, size_t *len)
{
	const char *start = ++s->at;

	while (s->at < s->end) {
		unsigned char c = (unsigned char)*s->at;
		if (c == '"') {
			if (text != NULL)
				*text = start;
			if (len != NULL)
				*len = (size_t)(s->at - start);
			s->at++;
			return true;
		}
		if (c < ' ')
			return fail(s, ERR_INVALID, "a string contains a raw control character");
		if (c == '\\') {
			s->at++;
			if (!scan_escape(s))
				return false;
		} else if (c < 0x80) {
			s->at++;
		} else {
			size_t step = parse_utf8_next(s->at, (size_t)(s->end - s->at), NULL);
			if (step == 0)
				return fail(s, ERR_INVALID, "a string is not valid UTF-8");
			s->at += step;
		}
	}
	return fail(s, ERR_INVALID, "a string does not end");
}

static bool scan_digits(struct scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return s->at > start;
}

/* Whether a number of the right form has a value that a double holds. */
static bool check_magnitude(struct scan *s, const char *start, bool integer)
{
	char copy[NUMBER_MAX + 1];
	size_t len = (size_t)(s->at - start);
	double number;

	if (len > NUMBER_MAX)
		return fail(s, ERR_INVALID, "a number is too long");
	if (integer && len <= 15)
		return true;
	memcpy(copy, start, len);
	copy[len] = '\0';
	number = strtod(copy, NULL);
	if (!isfinite(number))
		return fail(s, ERR_INVALID, "a number is too large");
	/* 2^53 itself may be a rounded 2^53 + 1: only its own digits are believed. */
	if (fabs(number) > exact_integers && integer)
		return fail(s, ERR_INVALID, "an integer is beyond 2^53");
	if (fabs(number) == exact_integers && strcmp(copy, "9007199254740992") != 0 &&
	        strcmp(copy, "-9007199254740992") != 0)
		return fail(s, ERR_INVALID, "an integer is beyond 2^53");
	return true;
}

static bool scan_number(struct scan *s)
{
	const char *start = s->at;
	bool integer = true, leading_zero;

	if (next_is(s, '-'))
		s->at++;
	leading_zero = next_is(s, '0');
	if (leading_zero)
		s->at++;
	else if (!scan_digits(s))
		return fail(s, ERR_INVALID, "a value is expected here");
	if (next_is(s, '.')) {
		integer = false;
		s->at++;
		if (!scan_digits(s))
			return fail(s, ERR_INVALID, "a number lacks digits after its point");
	}
	if (next_is(s, 'e') || next_is(s, 'E')) {
		integer = false;
		s->at++;
		if (next_is(s, '+') || next_is(s, '-'))
			s->at++;
		if (!scan_digits(s))
			return fail(s, ERR_INVALID, "a number lacks its exponent");
	}
	return check_magnitude(s, start, integer);
}

static bool scan_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return fail(s, ERR_INVALID, "a value is expected here");
	s->at += len;
	return true;
}

/* The name of a member and its colon. */
static bool scan_name(struct scan *s)
{
	struct frame *frame = &s->stack[s->depth - 1];

	frame->name = NULL;
	skip_blanks(s);
	if (!next_is(s, '"'))
		return fail(s, ERR_INVALID, "a name in quotes is expected here");
	if (!scan_string(s, &frame->name, &frame->name_len))
		return false;
	skip_blanks(s);
	if (!next_is(s, ':'))
		return fail(s, ERR_INVALID, "a colon is expected after the name");
	s->at++;
	return true;
}

static bool scan_open(struct scan *s)
{
	if (s->depth >= s->limits->depth)
		return fail(s, ERR_LIMIT, "values are nested too deep");
	s->stack[s->depth++] = (struct frame){.object = *s->at == '{'};
	s->at++;
	return true;
}

/* One value, or the opening of a container (*opened). */
static bool scan_value(struct scan *s, bool *opened)
{
	*opened = false;
	if (++s->values > s->limits->values)
		return fail(s, ERR_LIMIT, "there are too many values");
	skip_blanks(s);
	if (s->at == s->end)
		return fail(s, ERR_INVALID, "the text ends where a value is expected");
	switch (*s->at) {
	case '{':
	case '[':
		*opened = true;
		return scan_open(s);
	case '"':
		return scan_string(s, NULL, NULL);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return scan_number(s);
	}
}

static bool scan_close(struct scan *s)
{
	char closer = s->stack[s->depth - 1].object ? '}' : ']';

	skip_blanks(s);
	if (!next_is(s, closer))
		return false;
	s->at++;
	s->depth--;
	return true;
}

/* What follows a value: closing brackets, then the comma before the next value, or the end. */
static bool scan_after(struct scan *s)
{
	struct frame *frame;

	while (s->depth > 0 && scan_close(s))
		;
	if (s->depth == 0)
		return true;
	frame = &s->stack[s->depth - 1];
	if (!next_is(s, ','))
		return fail(s, ERR_INVALID,
		        frame->object ? "a comma or } is expected here"
		                      : "a comma or ] is expected here");
	s->at++;
	frame->index++;
	return !frame->object || scan_name(s);
}

static bool scan_document(struct scan *s)
{
	bool opened;

	if (s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0)
		return fail(s, ERR_INVALID, "the text begins with a byte order mark");
	do {
		if (!scan_value(s, &opened))
			return false;
		if (opened && s->stack[s->depth - 1].object) {
			skip_blanks(s);
			if (!next_is(s, '}')) {
				if (!scan_name(s))
					return false;
				continue;
			}
		} else if (opened) {
			skip_blanks(s);
			if (!next_is(s, ']'))
				continue;
		}
		if (!scan_after(s))
			return false;
	} while (s->depth > 0);
	skip_blanks(s);
	if (s->at != s->end)
		return fail(s, ERR_INVALID, "something follows the value");
	return true;
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
		path_name(path, place->value->string, strlen(place->value->string));
}

static bool fail_repeated(const struct place *place, const char *name, struct err *e)
{
	struct buf path = BUF_INIT(PATH_MAX_BYTES);

	print_place(place, &path);
	path_name(&path, name, strlen(name));
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

/* Recursion goes no deeper than the scan allowed: DEPTH_MAX. */
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
	tree->type |= IN_REGION;
	tree->prev = (cJSON *)(void *)chunks;
	return tree;
}

struct json *json_parse(
        const char *text, size_t len, const struct json_limits *limits, struct err *e)
{
	struct scan s = {.at = text, .end = text + len, .limits = limits, .e = e};
	struct place root = {0};
	cJSON *tree;

	assert(limits->depth > 0 && limits->depth <= DEPTH_MAX);
	if (len > limits->bytes) {
		err_set(e, ERR_LIMIT, "$: the text is longer than %zu bytes", limits->bytes);
		return NULL;
	}
	if (!scan_document(&s))
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

/* ---- reading. struct json is cJSON by another name; nobody else may know. */

static const cJSON *in(const struct json *value)
{
	return (const cJSON *)value;
}

static cJSON *inside(struct json *value)
{
	return (cJSON *)value;
}

void json_free(struct json *root)
{
	if (root != NULL && (in(root)->type & IN_REGION) != 0)
		region_free((struct chunk *)(void *)inside(root)->prev);
	else
		cJSON_Delete(inside(root));
}

enum json_type json_type_of(const struct json *value)
{
	const cJSON *item = in(value);

	if (cJSON_IsObject(item))
		return JSON_OBJECT;
	if (cJSON_IsArray(item))
		return JSON_ARRAY;
	if (cJSON_IsString(item))
		return JSON_STRING;
	if (cJSON_IsNumber(item))
		return JSON_NUMBER;
	return cJSON_IsBool(item) ? JSON_BOOL : JSON_NULL;
}

const struct json *json_get(const struct json *object, const char *name)
{
	if (!cJSON_IsObject(in(object)))
		return NULL;
	for (const cJSON *m = in(object)->child; m != NULL; m = m->next)
		if (strcmp(m->string, name) == 0)
			return (const struct json *)m;
	return NULL;
}

bool json_as_bool(const struct json *value, bool *out)
{
	if (!cJSON_IsBool(in(value)))
		return false;
	*out = cJSON_IsTrue(in(value)) != 0;
	return true;
}

bool json_as_double(const struct json *value, double *out)
{
	if (!cJSON_IsNumber(in(value)))
		return false;
	*out = in(value)->valuedouble;
	return true;
}

bool json_as_i64(const struct json *value, int64_t *out)
{
	double number;

	if (!json_as_double(value, &number) || !is_integer(number))
		return false;
	*out = (int64_t)number;
	return true;
}

const char *json_as_string(const struct json *value)
{
	return cJSON_IsString(in(value)) ? in(value)->valuestring : NULL;
}

const struct json *json_first(const struct json *container)
{
	const cJSON *item = in(container);

	if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
		return NULL;
	return (const struct json *)item->child;
}

const struct json *json_next(const struct json *value)
{
	return value == NULL ? NULL : (const struct json *)in(value)->next;
}

size_t json_count(const struct json *value)
{
	size_t count = 0;

	for (const struct json *v = json_first(value); v != NULL; v = json_next(v))
		count++;
	return count;
}

const char *json_name(const struct json *value)
{
	return value == NULL ? NULL : in(value)->string;
}

/* ---- building */

struct json *json_new_object(void)
{
	return (struct json *)cJSON_CreateObject();
}

struct json *json_new_array(void)
{
	return (struct json *)cJSON_CreateArray();
}

/* Takes item over (also on failure); NULL when there is no memory. */
static cJSON *add(struct json *to, const char *name, cJSON *item)
{
	cJSON_bool added;

	assert((in(to)->type & IN_REGION) == 0); /* parsed documents are not added to */
	assert(name == NULL ? cJSON_IsArray(in(to)) : cJSON_IsObject(in(to)));
	if (item == NULL)
		return NULL;
	added = name == NULL ? cJSON_AddItemToArray(inside(to), item)
	                     : cJSON_AddItemToObject(inside(to), name, item);
	if (!added) {
		cJSON_Delete(item);
		return NULL;
	}
	return item;
}

struct json *json_add_object(struct json *to, const char *name)
{
	return (struct json *)add(to, name, cJSON_CreateObject());
}

struct json *json_add_array(struct json *to, const char *name)
{
	return (struct json *)add(to, name, cJSON_CreateArray());
}

bool json_add_string(struct json *to, const char *name, const char *text)
{
	return parse_utf8(text, strlen(text)) && add(to, name, cJSON_CreateString(text)) != NULL;
}

bool json_add_double(struct json *to, const char *name, double number)
{
	return isfinite(number) && add(to, name, cJSON_CreateNumber(number)) != NULL;
}

bool json_add_i64(struct json *to, const char *name, int64_t number)
{
	const int64_t limit = (int64_t)exact_integers;

	return number >= -limit && number <= limit && json_add_double(to, name, (double)number);
}

bool json_add_bool(struct json *to, const char *name, bool truth)
{
	return add(to, name, cJSON_CreateBool(truth)) != NULL;
}

bool json_add_null(struct json *to, const char *name)
{
	return add(to, name, cJSON_CreateNull()) != NULL;
}

bool json_add_copy(struct json *to, const char *name, const struct json *value)
{
	cJSON *copy = cJSON_Duplicate(in(value), 1);

	if (copy != NULL)
		copy->type &= ~IN_REGION;
	if (copy != NULL && copy->string != NULL) { /* the name it had where it comes from */
		cJSON_free(copy->string);
		copy->string = NULL;
	}
	return add(to, name, copy) != NULL;
}

/* ---- printing */

static void print_string(const char *text, struct buf *b)
{
	static const char short_form[] = "btnvfr"; /* for \b (8) to \r (13); v is none of JSON's */

	buf_putc(b, '"');
	while (*text != '\0') {
		size_t run = 0;
		unsigned char c;

		while ((unsigned char)text[run] >= ' ' && text[run] != '"' && text[run] != '\\')
			run++;
		buf_append(b, text, run);
		text += run;
		c = (unsigned char)*text;
		if (c == '\0')
			break;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c >= 8 && c <= 13 && c != 11)
			buf_printf(b, "\\%c", short_form[c - 8]);
		else
			buf_printf(b, "\\u%04x", c);
		text++;
	}
	buf_putc(b, '"');
}

/* Nearly all numbers have at most three decimals. */
static void print_thousandths(long long number, struct buf *b)
{
	unsigned long long n =
	        number < 0 ? -(unsigned long long)number : (unsigned long long)number;
	unsigned decimals = (unsigned)(n % 1000);
	char text[24];
	size_t at = sizeof text;

	if (decimals != 0) {
		for (unsigned i = 0; i < 3; i++, decimals /= 10)
			if (at < sizeof text || decimals % 10 != 0)
				text[--at] = (char)('0' + decimals % 10);
		text[--at] = '.';
	}
	n /= 1000;
	do
		text[--at] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	if (number < 0)
		text[--at] = '-';
	buf_append(b, text + at, sizeof text - at);
}

/* The shortest form that reads back as the same number. */
static void print_number(double number, struct buf *b)
{
	char text[40];

	if (fabs(number) < 1e12) {
		long long thousandths = (long long)(number * 1000 + (number < 0 ? -0.5 : 0.5));
		/* A quotient of two exact integers is rounded as its digits are when read. */
		if ((double)thousandths / 1000 == number) {
			print_thousandths(thousandths, b);
			return;
		}
	}
	if (is_integer(number)) {
		buf_printf(b, "%lld", (long long)number);
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		(void)snprintf(text, sizeof text, "%.*g", precision, number);
		if (strtod(text, NULL) == number)
			break;
	}
	buf_puts(b, text);
	/* Beyond 2^53 digits alone would read as an integer, and be refused. */
	if (strpbrk(text, ".e") == NULL)
		buf_puts(b, "e0");
}

static void new_line(bool indented, unsigned depth, struct buf *b)
{
	if (!indented)
		return;
	buf_putc(b, '\n');
	for (unsigned i = 0; i < depth; i++)
		buf_puts(b, "  ");
}

static void print_value(const cJSON *item, bool indented, unsigned depth, struct buf *b);

static void print_container(const cJSON *item, bool indented, unsigned depth, struct buf *b)
{
	bool object = cJSON_IsObject(item);

	buf_putc(b, object ? '{' : '[');
	for (const cJSON *m = item->child; m != NULL && !b->failed; m = m->next) {
		if (m != item->child)
			buf_putc(b, ',');
		new_line(indented, depth + 1, b);
		if (object) {
			print_string(m->string, b);
			buf_puts(b, indented ? ": " : ":");
		}
		print_value(m, indented, depth + 1, b);
	}
	if (item->child != NULL)
		new_line(indented, depth, b);
	buf_putc(b, object ? '}' : ']');
}

static void print_value(const cJSON *item, bool indented, unsigned depth, struct buf *b)
{
	assert(depth <= DEPTH_MAX);
	switch (json_type_of((const struct json *)item)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		print_container(item, indented, depth, b);
		break;
	case JSON_STRING:
		print_string(item->valuestring, b);
		break;
	case JSON_NUMBER:
		print_number(item->valuedouble, b);
		break;
	case JSON_BOOL:
		buf_puts(b, cJSON_IsTrue(item) ? "true" : "false");
		break;
	case JSON_NULL:
		buf_puts(b, "null");
		break;
	}
}

bool json_print(const struct json *root, bool indented, struct buf *b)
{
	print_value(in(root), indented, 0, b);
	return !b->failed;
}

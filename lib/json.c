/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c: values are read, and documents built, in cJSON's tree.
 */
#include "lib/json.h"

#include "lib/json_scan.h"
#include "lib/json_tree.h"
#include "lib/parse.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- reading */

enum json_type json_type_of(const struct json *value)
{
	if (value == NULL)
		return JSON_NULL;
	switch (json_tree(value)->type & 0xff) {
	case cJSON_Object:
		return JSON_OBJECT;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	default:
		return JSON_NULL;
	}
}

const struct json *json_get(const struct json *object, const char *name)
{
	if (!cJSON_IsObject(json_tree(object)))
		return NULL;
	for (const cJSON *m = json_tree(object)->child; m != NULL; m = m->next)
		if (strcmp(m->string, name) == 0)
			return (const struct json *)m;
	return NULL;
}

bool json_as_bool(const struct json *value, bool *out)
{
	if (!cJSON_IsBool(json_tree(value)))
		return false;
	*out = cJSON_IsTrue(json_tree(value)) != 0;
	return true;
}

bool json_as_double(const struct json *value, double *out)
{
	if (!cJSON_IsNumber(json_tree(value)))
		return false;
	*out = json_tree(value)->valuedouble;
	return true;
}

bool json_as_i64(const struct json *value, int64_t *out)
{
	double number;

	if (!json_as_double(value, &number) || !json_is_integer(number))
		return false;
	*out = (int64_t)number;
	return true;
}

const char *json_as_string(const struct json *value)
{
	return cJSON_IsString(json_tree(value)) ? json_tree(value)->valuestring : NULL;
}

const struct json *json_first(const struct json *container)
{
	const cJSON *item = json_tree(container);

	if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
		return NULL;
	return (const struct json *)item->child;
}

const struct json *json_next(const struct json *value)
{
	return value == NULL ? NULL : (const struct json *)json_tree(value)->next;
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
	return value == NULL ? NULL : json_tree(value)->string;
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

	assert((json_tree(to)->type & JSON_IN_REGION) == 0); /* parsed documents are not added to */
	assert(name == NULL ? cJSON_IsArray(json_tree(to)) : cJSON_IsObject(json_tree(to)));
	if (item == NULL)
		return NULL;
	added = name == NULL ? cJSON_AddItemToArray(json_tree_to_change(to), item)
	                     : cJSON_AddItemToObject(json_tree_to_change(to), name, item);
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
	const int64_t limit = (int64_t)JSON_EXACT_INTEGERS;

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
	cJSON *copy = cJSON_Duplicate(json_tree(value), 1);

	if (copy != NULL)
		copy->type &= ~JSON_IN_REGION;
	if (copy != NULL && copy->string != NULL) { /* the name it had where it comes from */
		cJSON_free(copy->string);
		copy->string = NULL;
	}
	return add(to, name, copy) != NULL;
}

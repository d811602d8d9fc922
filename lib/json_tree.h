/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree.h: what a value is made of. struct json is cJSON by another name; only the files of
 * lib/json that walk or make the tree include this.
 */
#ifndef FLEETPORT_LIB_JSON_TREE_H
#define FLEETPORT_LIB_JSON_TREE_H

#include "lib/json.h"

#include <cjson/cJSON.h>

/* On the root of a parsed document, beside cJSON's own bits (its type is the lowest eight): the
 * tree lies in a region (json_parse.c), which is freed as a whole. */
enum { JSON_IN_REGION = 1 << 20 };

/* The value as cJSON knows it, to read. NULL is allowed. */
static inline const cJSON *json_tree(const struct json *value)
{
	return (const cJSON *)value;
}

/* As json_tree(), to change it. */
static inline cJSON *json_tree_to_change(struct json *value)
{
	return (cJSON *)value;
}

#endif

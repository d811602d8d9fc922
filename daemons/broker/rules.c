/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/broker/rules.h"

#include <stdlib.h>
#include <string.h>

static bool is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Is the text of that length (not NUL-terminated) an agent's id? */
static bool is_agent_id(const char *text, size_t len)
{
	if (len != BROKER_ID_LENGTH || memcmp(text, "ag_", 3) != 0)
		return false;
	for (size_t i = 3; i < len; i++)
		if (!is_base62(text[i]))
			return false;
	return true;
}

bool broker_is_agent(const char *name)
{
	return name != NULL && is_agent_id(name, strnlen(name, BROKER_ID_LENGTH + 1));
}

bool broker_knows(const char *name)
{
	return name != NULL && (strcmp(name, "dispatch") == 0 || broker_is_agent(name));
}

bool broker_may_subscribe(const char *name, const char *filter)
{
	static const char prefix[] = "fleetport/1/";

	if (name == NULL || filter == NULL)
		return false;
	if (strcmp(name, "dispatch") == 0)
		return strcmp(filter, "fleetport/1/+/event") == 0 ||
		       strcmp(filter, "fleetport/1/+/presence") == 0;
	if (!broker_is_agent(name) || strncmp(filter, prefix, sizeof prefix - 1) != 0)
		return false;
	filter += sizeof prefix - 1;
	return strncmp(filter, name, BROKER_ID_LENGTH) == 0 &&
	       strcmp(filter + BROKER_ID_LENGTH, "/operation") == 0;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, BROKER_ID_LENGTH);
}

bool revoked_parse(struct revoked *list, const char *text, size_t len, size_t *bad)
{
	char(*ids)[BROKER_ID_LENGTH + 1];
	size_t count = 0;
	size_t most = len / BROKER_ID_LENGTH + 1; /* no more ids than that can stand in the text */

	*bad = 0;
	ids = calloc(most, sizeof *ids);
	if (ids == NULL)
		return false;
	for (size_t at = 0; at < len;) {
		const char *line = text + at;
		const char *end = memchr(line, '\n', len - at);
		size_t length = end != NULL ? (size_t)(end - line) : len - at;

		at += length + 1;
		if (length == 0 || line[0] == '#')
			continue;
		if (!is_agent_id(line, length))
			(*bad)++;
		else
			memcpy(ids[count++], line, length); /* calloc left the NUL */
	}
	qsort(ids, count, sizeof *ids, compare_ids);
	revoked_free(list);
	list->ids = ids;
	list->count = count;
	return true;
}

bool revoked_has(const struct revoked *list, const char *name)
{
	return list->count > 0 && broker_is_agent(name) &&
	       bsearch(name, list->ids, list->count, sizeof *list->ids, compare_ids) != NULL;
}

void revoked_free(struct revoked *list)
{
	free(list->ids);
	list->ids = NULL;
	list->count = 0;
}

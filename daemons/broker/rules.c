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

static bool is_serial(const char *text, size_t len)
{
	if (len == 0 || len >= X509_SERIAL_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'F')))
			return false;
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, BROKER_ID_LENGTH);
}

static int compare_serials(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The next line that says something, and where the one after it begins. */
static const char *next_line(const char *text, size_t len, size_t *at, size_t *length)
{
	while (*at < len) {
		const char *line = text + *at;
		const char *end = memchr(line, '\n', len - *at);

		*length = end != NULL ? (size_t)(end - line) : len - *at;
		*at += *length + 1;
		if (*length != 0 && line[0] != '#')
			return line;
	}
	return NULL;
}

/* Counts, or where there is room for them copies, what stands in the text. */
static size_t read_lines(struct revoked *list, const char *text, size_t len)
{
	const char *line;
	size_t at = 0, length = 0, bad = 0;

	list->count = list->serial_count = 0;
	while ((line = next_line(text, len, &at, &length)) != NULL) {
		if (is_agent_id(line, length)) {
			if (list->ids != NULL)
				memcpy(list->ids[list->count], line, length);
			list->count++;
		} else if (is_serial(line, length)) {
			if (list->serials != NULL)
				memcpy(list->serials[list->serial_count], line, length);
			list->serial_count++;
		} else {
			bad++;
		}
	}
	return bad;
}

bool revoked_parse(struct revoked *list, const char *text, size_t len, size_t *bad)
{
	struct revoked made = {.ids = NULL};

	*bad = read_lines(&made, text, len);
	/* One place more than is needed: none is asked for with nothing. calloc leaves the NULs. */
	made.ids = calloc(made.count + 1, sizeof *made.ids);
	made.serials = calloc(made.serial_count + 1, sizeof *made.serials);
	if (made.ids == NULL || made.serials == NULL) {
		revoked_free(&made);
		return false;
	}
	(void)read_lines(&made, text, len);
	qsort(made.ids, made.count, sizeof *made.ids, compare_ids);
	qsort(made.serials, made.serial_count, sizeof *made.serials, compare_serials);
	revoked_free(list);
	*list = made;
	return true;
}

bool revoked_has(const struct revoked *list, const char *name)
{
	return list->count > 0 && broker_is_agent(name) &&
	       bsearch(name, list->ids, list->count, sizeof *list->ids, compare_ids) != NULL;
}

const char *revoked_certificate(
        const struct revoked *list, const char *serial, int64_t not_after, int64_t now)
{
	if (now >= not_after)
		return "its certificate has run out";
	if (list->serial_count > 0 && bsearch(serial, list->serials, list->serial_count,
	                                      sizeof *list->serials, compare_serials) != NULL)
		return "its certificate was withdrawn";
	return NULL;
}

void revoked_free(struct revoked *list)
{
	free(list->ids);
	free(list->serials);
	*list = (struct revoked){.ids = NULL};
}

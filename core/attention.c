/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attention.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* The keywords of ink, toner, waste containers and parts that wear out (PWG 5100.9, table 4) are built of
 * what it is and what befalls it: "marker-ink-almost-empty", "opc-near-eol". */
static bool is_supply_running_out(const char *keyword)
{
	static const char *const what[] = {"marker-", "toner-", "developer-", "opc-", "cleaner-"};
	static const char *const end[] = {"-low", "-empty", "-full", "-eol", "-over"};
	size_t len = strlen(keyword);
	bool supply = false, ends = false;

	for (size_t i = 0; i < COUNT(what); i++)
		supply = supply || strncmp(keyword, what[i], strlen(what[i])) == 0;
	for (size_t i = 0; i < COUNT(end); i++) {
		size_t size = strlen(end[i]);

		ends = ends || (len > size && strcmp(keyword + len - size, end[i]) == 0);
	}
	return supply && ends;
}

enum device_attention device_attention_of(const char *keyword, const char *severity)
{
	if (strcmp(severity, "error") == 0)
		return DEVICE_ATTENTION_ERROR;
	if (strcmp(severity, "warning") == 0 || (keyword != NULL && is_supply_running_out(keyword)))
		return DEVICE_ATTENTION_WARNING;
	return DEVICE_ATTENTION_REPORT;
}

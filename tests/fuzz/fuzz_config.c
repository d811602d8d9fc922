/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a file holds, each pair that comes out has a section and a name, all of it UTF-8. */
#include "lib/config.h"

#include "lib/parse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_clean(const char *text)
{
	return text != NULL && strlen(text) < 200 && parse_utf8(text, strlen(text));
}

static bool check(
        void *context, const char *section, const char *name, const char *value, struct err *e)
{
	(void)context;
	(void)e;
	if (!is_clean(section) || section[0] == '\0')
		abort();
	if (name != NULL && (name[0] == '\0' || !is_clean(name) || !is_clean(value)))
		abort();
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_CLEAR;

	if (!config_walk_text("fuzz", (const char *)data, size, check, NULL, &e) &&
	        (e.code == ERR_NONE || e.text[0] == '\0'))
		abort();
	return 0;
}

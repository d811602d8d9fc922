/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"

#include "lib/parse.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static char *map(struct arena *arena, const char *text, utf8proc_option_t options, struct err *e)
{
	size_t len = strlen(text);
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t mapped_len;
	char *copy;

	/* utf8proc is laxer than RFC 3629 in some releases. */
	if (!parse_utf8(text, len)) {
		err_set(e, ERR_INVALID, "the text is not valid UTF-8");
		return NULL;
	}
	mapped_len = utf8proc_map(
	        (const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, &mapped, options);
	if (mapped_len < 0) {
		if (mapped_len == UTF8PROC_ERROR_NOMEM)
			err_set(e, ERR_MEMORY, "no memory to normalise a text");
		else
			err_set(e, ERR_INVALID, "the text cannot be normalised");
		return NULL;
	}
	copy = arena_copy(arena, (const char *)mapped, (size_t)mapped_len);
	explicit_bzero(mapped, (size_t)mapped_len);
	free(mapped);
	if (copy == NULL)
		err_set(e, ERR_MEMORY, "no memory to normalise a text");
	return copy;
}

char *text_nfkc(struct arena *arena, const char *text, struct err *e)
{
	return map(arena, text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT, e);
}

char *text_fold(struct arena *arena, const char *text, struct err *e)
{
	return map(arena, text,
	        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
	                UTF8PROC_IGNORE,
	        e);
}

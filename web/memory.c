/* SPDX-License-Identifier: Apache-2.0 */
#include "web/memory.h"

#include "web/internal.h"

void web_memory_run(const struct web_site *site, const struct web_incoming *in, struct buf *out)
{
	struct arena *arena = arena_new(WEB_ARENA_LIMIT);
	struct web_response rs;

	if (arena == NULL) {
		out->failed = true;
		return;
	}
	web_handle(site, in, arena, &rs);
	web_response_head(&rs, out);
	buf_append(out, buf_text(&rs.body), rs.body.len);
	buf_free(&rs.body);
	arena_free(arena);
}

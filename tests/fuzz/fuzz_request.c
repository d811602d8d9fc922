/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request from bytes: its path, query, Cookie header and form, a line feed between each. Whatever
 * they are, the handler sees only values that keep what the field table promises.
 */
#include "lib/crypto.h"
#include "lib/parse.h"
#include "web/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const choices[] = {"one", "two", NULL};
static const struct web_field fields[] = {
        {.name = "id", .type = WEB_FIELD_ID},
        {.name = "t", .type = WEB_FIELD_TEXT, .max_length = 40},
        {.name = "l", .type = WEB_FIELD_TEXT, .lines = true},
        {.name = "n", .type = WEB_FIELD_INT, .min = -5, .max = 500},
        {.name = "c", .type = WEB_FIELD_CHOICE, .choices = choices},
        {.name = "f", .type = WEB_FIELD_FLAG},
        {.name = "r", .type = WEB_FIELD_ID, .repeats = true},
        {.name = "s", .type = WEB_FIELD_SECRET},
        {0},
};

static void must(bool promise)
{
	if (!promise)
		abort();
}

static bool has_control(const char *text, bool lines)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == 0x7f || (c < ' ' && !(lines && (c == '\n' || c == '\t'))))
			return true;
	}
	return false;
}

static void check(struct web_request *rq, struct web_response *rs)
{
	static const char *const texts[] = {"id", "t", "l", "c", "s"};
	int64_t n = web_int(rq, "n", 0);

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *text = web_text(rq, texts[i]);
		must(text == NULL || parse_utf8(text, strlen(text)));
	}
	must(n >= -5 && n <= 500);
	must(!web_sent(rq, "t") ||
	        (strlen(web_text(rq, "t")) <= 40 && !has_control(web_text(rq, "t"), false)));
	must(!web_sent(rq, "l") || !has_control(web_text(rq, "l"), true));
	must(!web_sent(rq, "c") || strcmp(web_text(rq, "c"), "one") == 0 ||
	        strcmp(web_text(rq, "c"), "two") == 0);
	for (size_t i = 0; web_text_at(rq, "r", i) != NULL; i++)
		must(web_text_at(rq, "r", i)[0] != '\0');
	for (size_t i = 0; i < rq->cookie_count; i++)
		must(web_cookie(rq, rq->cookies[i].name) == rq->cookies[i].value);
	web_begin(rs, 200, "text/plain");
}

static const struct web_route routes[] = {
        {.id = "form",
                .method = WEB_POST,
                .path = "/a/:id",
                .flags = WEB_NO_CSRF,
                .fields = fields,
                .handler = check},
};
static const struct web_site site = {
        .name = "fuzz", .public_url = "https://fuzz.example", .routes = routes, .route_count = 1};

/* The next line, as a text of its own; the rest stays in *at, *left. */
static char *take_line(const char **at, size_t *left)
{
	const char *end = memchr(*at, '\n', *left);
	size_t len = end == NULL ? *left : (size_t)(end - *at);
	char *line = strndup(*at, len);

	must(line != NULL);
	*at += end == NULL ? len : len + 1;
	*left -= end == NULL ? len : len + 1;
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	const char *at = copy;
	char *path, *query, *cookie;
	struct arena *arena = arena_new(1 << 20);
	struct web_response rs;

	must(copy != NULL && arena != NULL && crypto_init(NULL));
	memcpy(copy, data, size);
	copy[size] = '\0';
	path = take_line(&at, &size);
	query = take_line(&at, &size);
	cookie = take_line(&at, &size);
	const struct web_header headers[] = {
	        {"content-type", "application/x-www-form-urlencoded"}, {"cookie", cookie}};
	const struct web_incoming in = {.method = "POST",
	        .path = path,
	        .query = query,
	        .headers = headers,
	        .header_count = 2,
	        .body = at,
	        .body_len = size,
	        .address = "::1"};
	web_handle(&site, &in, arena, &rs);
	must(rs.status == 200 || (rs.status >= 400 && rs.status < 500));
	buf_free(&rs.body);
	arena_free(arena);
	free(cookie);
	free(query);
	free(path);
	free(copy);
	return 0;
}

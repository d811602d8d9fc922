/* SPDX-License-Identifier: Apache-2.0 */
#include "web/internal.h"

#include <string.h>
#include <strings.h>

/* Headers that decide something: two of them could be read in two ways (faults.md 0.7). */
static bool must_be_single(const char *name)
{
	static const char *const names[] = {"authorization", "cookie", "host", "idempotency-key",
	        "if-none-match", "origin", "referer", "x-csrf-token"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "content-", 8) == 0 || strncmp(name, "sec-fetch-", 10) == 0;
}

static bool is_clean(const char *value)
{
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static int check_headers(const struct web_incoming *in, struct err *e)
{
	size_t bytes = 0;

	if (in->header_count > WEB_MAX_HEADERS) {
		err_set(e, ERR_LIMIT, "there are more than %d headers", WEB_MAX_HEADERS);
		return 431;
	}
	for (size_t i = 0; i < in->header_count; i++) {
		const char *name = in->headers[i].name, *value = in->headers[i].value;
		bytes += strlen(name) + strlen(value);
		if (bytes > WEB_MAX_HEADER_BYTES) {
			err_set(e, ERR_LIMIT, "the headers are too large");
			return 431;
		}
		if (!is_clean(value)) {
			err_set(e, ERR_INVALID, "a header has a control character");
			return 400;
		}
		for (size_t j = 0; j < i && must_be_single(name); j++)
			if (strcmp(name, in->headers[j].name) == 0) {
				err_set(e, ERR_INVALID, "header %s was sent twice", name);
				return 400;
			}
	}
	return 0;
}

/* One "name=value" of a Cookie header; surrounding blanks are not part of it (RFC 6265, 5.4). */
static bool add_cookie(struct web_request *rq, struct web_header *cookies, const char *text,
        size_t len, struct err *e)
{
	const char *equals;
	struct web_header *cookie = &cookies[rq->cookie_count];

	while (len > 0 && *text == ' ') {
		text++;
		len--;
	}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len == 0)
		return true;
	if (rq->cookie_count == WEB_MAX_COOKIES)
		return err_set(e, ERR_INVALID, "there are more than %d cookies", WEB_MAX_COOKIES);
	equals = memchr(text, '=', len);
	if (equals == NULL || equals == text)
		return err_set(e, ERR_INVALID, "the Cookie header is malformed");
	cookie->name = arena_copy(rq->arena, text, (size_t)(equals - text));
	cookie->value = arena_copy(rq->arena, equals + 1, len - (size_t)(equals + 1 - text));
	if (cookie->name == NULL || cookie->value == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the cookies");
	for (size_t i = 0; i < rq->cookie_count; i++)
		if (strcmp(cookies[i].name, cookie->name) == 0)
			return err_set(e, ERR_INVALID, "a cookie was sent twice");
	rq->cookie_count++;
	return true;
}

static bool split_cookies(struct web_request *rq, const char *text, struct err *e)
{
	struct web_header *cookies = arena_array(rq->arena, WEB_MAX_COOKIES, sizeof *cookies);

	if (cookies == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the cookies");
	rq->cookies = cookies;
	for (;;) {
		size_t len = strcspn(text, ";");
		if (!add_cookie(rq, cookies, text, len, e))
			return false;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
}

int web_headers_read(struct web_request *rq, struct err *e)
{
	int status = check_headers(rq->in, e);
	const char *cookie;

	if (status != 0)
		return status;
	cookie = web_header(rq, "cookie");
	if (cookie != NULL && !split_cookies(rq, cookie, e))
		return e->code == ERR_MEMORY ? 503 : 400;
	return 0;
}

bool web_media_type_is(const char *content_type, const char *type)
{
	size_t len = strlen(type);

	if (content_type == NULL || strncasecmp(content_type, type, len) != 0)
		return false;
	content_type += len;
	content_type += strspn(content_type, " \t");
	return *content_type == '\0' || *content_type == ';';
}

const char *web_header(const struct web_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->in->header_count; i++)
		if (strcmp(rq->in->headers[i].name, name) == 0)
			return rq->in->headers[i].value;
	return NULL;
}

const char *web_cookie(const struct web_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->cookie_count; i++)
		if (strcmp(rq->cookies[i].name, name) == 0)
			return rq->cookies[i].value;
	return NULL;
}

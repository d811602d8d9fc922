/* SPDX-License-Identifier: Apache-2.0 */
#include "web/internal.h"

#include <string.h>

bool web_next_segment(const char **at, const char **segment, size_t *len)
{
	if (**at != '/')
		return false;
	*segment = ++*at;
	*len = strcspn(*segment, "/");
	*at += *len;
	return true;
}

/* How well a pattern fits: 0 not at all; else bits from the left, 1 for a literal segment, 0 for a
 * parameter, under a leading 1. So "/devices/new" wins over "/devices/:id". */
static unsigned fit(const char *pattern, const char *path)
{
	const char *want, *got;
	size_t want_len, got_len;
	unsigned score = 1;

	while (web_next_segment(&pattern, &want, &want_len)) {
		if (!web_next_segment(&path, &got, &got_len))
			return 0;
		score <<= 1;
		if (want_len > 0 && want[0] == ':') {
			if (got_len == 0)
				return 0;
		} else if (want_len == got_len && memcmp(want, got, want_len) == 0) {
			score |= 1;
		} else {
			return 0;
		}
	}
	return *path == '\0' ? score : 0;
}

static const char *allow_text(bool get, bool post)
{
	return get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : "POST";
}

const struct web_route *web_route_find(
        const struct web_site *site, struct web_request *rq, const char **allow)
{
	enum web_method method = rq->method == WEB_HEAD ? WEB_GET : rq->method;
	const struct web_route *best = NULL;
	unsigned best_score = 0;
	bool get = false, post = false;

	*allow = NULL;
	for (size_t i = 0; i < site->route_count; i++) {
		const struct web_route *route = &site->routes[i];
		unsigned score = fit(route->path, rq->path);
		if (score == 0)
			continue;
		get = get || route->method == WEB_GET;
		post = post || route->method == WEB_POST;
		if (route->method == method && score > best_score) {
			best = route;
			best_score = score;
		}
	}
	if (best == NULL && (get || post))
		*allow = allow_text(get, post);
	return best;
}

static bool check_pattern(const struct web_route *route, struct err *e)
{
	const char *at = route->path, *segment;
	size_t len, count = 0;

	if (route->path == NULL || route->path[0] != '/')
		return err_set(e, ERR_CONFIG, "its path does not begin with '/'");
	while (web_next_segment(&at, &segment, &len)) {
		if (len == 0 && route->path[1] != '\0')
			return err_set(e, ERR_CONFIG, "its path has an empty segment");
		if (++count > 16)
			return err_set(e, ERR_CONFIG, "its path has more than 16 segments");
	}
	return true;
}

static bool check_route(const struct web_route *route, struct err *e)
{
	const unsigned csrf = WEB_NO_CSRF | WEB_HEADERS_ONLY_CSRF;

	if (route->method != WEB_GET && route->method != WEB_POST)
		return err_set(e, ERR_CONFIG, "its method is neither GET nor POST");
	if (route->handler == NULL)
		return err_set(e, ERR_CONFIG, "it has no handler");
	if ((route->flags & csrf) == csrf)
		return err_set(e, ERR_CONFIG, "it names two ways of CSRF protection");
	if (route->method == WEB_GET && (route->max_body != 0 || (route->flags & WEB_RAW_BODY)))
		return err_set(e, ERR_CONFIG, "a GET takes no body");
	return check_pattern(route, e) && web_fields_check(route, e);
}

/* Two patterns that the same path can match in the same way: equal but for parameters' names. */
static bool same_pattern(const char *a, const char *b)
{
	const char *x, *y;
	size_t x_len, y_len;

	while (web_next_segment(&a, &x, &x_len)) {
		if (!web_next_segment(&b, &y, &y_len))
			return false;
		if (x_len > 0 && y_len > 0 && x[0] == ':' && y[0] == ':')
			continue;
		if (x_len != y_len || memcmp(x, y, x_len) != 0)
			return false;
	}
	return *b == '\0';
}

bool web_site_check(const struct web_site *site, struct err *e)
{
	if (strncmp(site->public_url, "https://", 8) != 0 ||
	        strchr(site->public_url + 8, '/') != NULL || site->public_url[8] == '\0')
		return err_set(e, ERR_CONFIG,
		        "the public URL of site %s must be https://HOST or https://HOST:PORT, not "
		        "\"%s\"",
		        site->name, site->public_url);
	for (size_t i = 0; i < site->route_count; i++) {
		const struct web_route *route = &site->routes[i];
		if (route->id == NULL || route->id[0] == '\0')
			return err_set(
			        e, ERR_CONFIG, "route %zu of site %s has no id", i, site->name);
		if (!check_route(route, e))
			return err_wrap(e, "route %s of site %s", route->id, site->name);
		for (size_t j = 0; j < i; j++) {
			const struct web_route *other = &site->routes[j];
			if (strcmp(route->id, other->id) == 0 ||
			        (route->method == other->method &&
			                same_pattern(route->path, other->path)))
				return err_set(e, ERR_CONFIG,
				        "routes %s and %s of site %s have the same id, or method "
				        "and path",
				        other->id, route->id, site->name);
		}
	}
	return true;
}

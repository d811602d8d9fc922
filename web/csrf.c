/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csrf.c: was this form sent from a page of ours? Three answers, all of which must fit: where the
 * browser says the request comes from, SameSite on the cookie (response.c), and a token that only a
 * page of this session can know.
 */
#include "lib/crypto.h"
#include "web/internal.h"

#include <string.h>

enum { TOKEN = 43 }; /* base64url of 32 bytes */

static void make_token(const unsigned char secret[CRYPTO_KEY], char out[TOKEN + 1])
{
	static const char purpose[] = "fleetport csrf 1";
	unsigned char mac[CRYPTO_HASH];
	char text[CRYPTO_BASE64_SIZE(sizeof mac)];

	crypto_hmac_sha256(secret, purpose, sizeof purpose - 1, mac);
	crypto_base64url(mac, sizeof mac, text);
	memcpy(out, text, TOKEN);
	out[TOKEN] = '\0';
}

const char *web_csrf_token(struct web_request *rq)
{
	char token[TOKEN + 1];
	const char *copy;

	if (rq->csrf_secret == NULL)
		return "";
	make_token(rq->csrf_secret, token);
	copy = arena_strdup(rq->arena, token);
	return copy == NULL ? "" : copy;
}

/* Browsers send Sec-Fetch-Site and, with every POST, Origin. A request with neither comes from a
 * program, which has no cookie that a stranger's page could borrow; but if it tells a Referer, that
 * must be ours. */
static bool comes_from_us(const struct web_request *rq)
{
	const char *site = web_header(rq, "sec-fetch-site");
	const char *origin = web_header(rq, "origin");
	const char *referer = web_header(rq, "referer");
	const char *ours = rq->site->public_url;
	size_t len = strlen(ours);

	if (site != NULL && strcmp(site, "same-origin") != 0)
		return false;
	if (origin != NULL)
		return strcmp(origin, ours) == 0;
	if (site == NULL && referer != NULL)
		return strncmp(referer, ours, len) == 0 && referer[len] == '/';
	return true;
}

bool web_csrf_check(struct web_request *rq, const char *field, struct err *e)
{
	const char *header = web_header(rq, "x-csrf-token");
	const char *token = field != NULL ? field : header;
	char want[TOKEN + 1];
	bool same;

	if (!comes_from_us(rq))
		return err_set(e, ERR_DENIED, "This form was sent from another site.");
	if (rq->route->flags & WEB_HEADERS_ONLY_CSRF)
		return true;
	if (rq->csrf_secret == NULL)
		return err_set(e, ERR_DENIED, "This form needs a session. Sign in and try again.");
	make_token(rq->csrf_secret, want);
	same = token != NULL && strlen(token) == TOKEN && crypto_equal(token, want, TOKEN);
	crypto_wipe(want, sizeof want);
	return same || err_set(e, ERR_DENIED,
	                       "This form belongs to another session. Load the page again and "
	                       "repeat what you did.");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/https.h"

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/parse.h"
#include "lib/x509.h"

#include <ctype.h>
#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	CONNECT_TIMEOUT_MS = 10000,
	TIMEOUT_MS = 60000,
	MAX_BODY = 1 << 20,
	URL_MAX_BYTES = 2000,
	CA_MAX_BYTES = 64 * 1024,
	RETRY_AFTER_MAX = 86400,
};

struct https_client {
	CURL *curl;
	char *base_url;
	char *ca_pem, *cert_pem, *key_pem;
	struct curl_slist *connect_to;
	size_t max_body;
	int stop_fd;
	char reason[CURL_ERROR_SIZE];
	struct https_answer *answer; /* of the request that runs */
};

/* ---- setting up */

static CURLcode global_status;

static void init_once(void)
{
	global_status = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool init_curl(struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (pthread_once(&once, init_once) != 0 || global_status != CURLE_OK)
		return err_set(e, ERR_INTERNAL, "the HTTPS library does not start");
	return true;
}

/* NULL stays NULL; false: no memory. */
static bool copy(const char *text, char **out)
{
	*out = text == NULL ? NULL : strdup(text);
	return text == NULL || *out != NULL;
}

static struct curl_blob blob_of(char *text)
{
	/* Not copied by curl: the key is in one place, which https_free() wipes. */
	return (struct curl_blob){.data = text, .len = strlen(text), .flags = CURL_BLOB_NOCOPY};
}

static bool set_blob(CURL *curl, CURLoption option, char *text)
{
	struct curl_blob blob;

	if (text == NULL)
		return true;
	blob = blob_of(text);
	return curl_easy_setopt(curl, option, &blob) == CURLE_OK;
}

static int on_progress(void *client, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct https_client *cl = client;
	struct pollfd fd = {.fd = cl->stop_fd, .events = POLLIN};

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return cl->stop_fd >= 0 && poll(&fd, 1, 0) == 1; /* 1 ends the request */
}

static size_t on_body(char *data, size_t size, size_t count, void *client)
{
	struct https_client *cl = client;

	buf_append(&cl->answer->body, data, size * count);
	return cl->answer->body.failed ? 0 : size * count;
}

/* The value of a header line, if it is the one named; its end is at *end. */
static const char *header_value(
        const char *line, const char *end_of_line, const char *name, const char **end)
{
	size_t len = strlen(name);

	if ((size_t)(end_of_line - line) <= len || strncasecmp(line, name, len) != 0 ||
	        line[len] != ':')
		return NULL;
	line += len + 1;
	while (line < end_of_line && (*line == ' ' || *line == '\t'))
		line++;
	while (end_of_line > line && isspace((unsigned char)end_of_line[-1]))
		end_of_line--;
	*end = end_of_line;
	return line;
}

static void read_header(struct https_answer *answer, const char *line, const char *end_of_line)
{
	const char *end, *value = header_value(line, end_of_line, "date", &end);
	char text[64];
	int64_t seconds;

	if (value != NULL && (size_t)(end - value) < sizeof text) {
		time_t at;
		memcpy(text, value, (size_t)(end - value));
		text[end - value] = '\0';
		at = curl_getdate(text, NULL);
		answer->date = at > 0 ? (int64_t)at * 1000 : 0;
	}
	value = header_value(line, end_of_line, "retry-after", &end);
	if (value != NULL &&
	        parse_int_n(value, (size_t)(end - value), 0, RETRY_AFTER_MAX, &seconds))
		answer->retry_after = (int)seconds;
}

static size_t on_header(char *data, size_t size, size_t count, void *client)
{
	struct https_client *cl = client;

	read_header(cl->answer, data, data + size * count);
	return size * count;
}

#define SET(option, value) (curl_easy_setopt(cl->curl, option, value) == CURLE_OK)

static bool set_tls(struct https_client *cl)
{
	if (!SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
	        !SET(CURLOPT_SSL_VERIFYPEER, 1L) || !SET(CURLOPT_SSL_VERIFYHOST, 2L) ||
	        !set_blob(cl->curl, CURLOPT_CAINFO_BLOB, cl->ca_pem) ||
	        !set_blob(cl->curl, CURLOPT_SSLCERT_BLOB, cl->cert_pem) ||
	        !set_blob(cl->curl, CURLOPT_SSLKEY_BLOB, cl->key_pem))
		return false;
	/* With CAs of our own the system's folder of CAs must not be believed beside them. */
	return cl->ca_pem == NULL || SET(CURLOPT_CAPATH, NULL);
}

static bool set_all(struct https_client *cl, const struct https_options *o)
{
	unsigned connect = o->connect_timeout_ms == 0 ? CONNECT_TIMEOUT_MS : o->connect_timeout_ms;
	unsigned whole = o->timeout_ms == 0 ? TIMEOUT_MS : o->timeout_ms;

	return SET(CURLOPT_PROTOCOLS_STR, "https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
	       SET(CURLOPT_PROXY, "") && SET(CURLOPT_NOSIGNAL, 1L) &&
	       SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	       SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect) &&
	       SET(CURLOPT_TIMEOUT_MS, (long)whole) &&
	       SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)cl->max_body) &&
	       SET(CURLOPT_ERRORBUFFER, cl->reason) && SET(CURLOPT_WRITEFUNCTION, on_body) &&
	       SET(CURLOPT_WRITEDATA, cl) && SET(CURLOPT_HEADERFUNCTION, on_header) &&
	       SET(CURLOPT_HEADERDATA, cl) && SET(CURLOPT_XFERINFOFUNCTION, on_progress) &&
	       SET(CURLOPT_XFERINFODATA, cl) && SET(CURLOPT_NOPROGRESS, 0L) &&
	       SET(CURLOPT_USERAGENT, o->user_agent == NULL ? "fleetport" : o->user_agent) &&
	       (cl->connect_to == NULL || SET(CURLOPT_CONNECT_TO, cl->connect_to)) && set_tls(cl);
}

static bool set_connect_to(struct https_client *cl, const char *connect_to, struct err *e)
{
	char rule[300];
	int len;

	if (connect_to == NULL || connect_to[0] == '\0')
		return true;
	len = snprintf(rule, sizeof rule, "::%s", connect_to); /* from any host and port */
	if (len < 0 || (size_t)len >= sizeof rule || strchr(connect_to, ':') == NULL)
		return err_set(e, ERR_INVALID, "connect_to must read ADDRESS:PORT");
	cl->connect_to = curl_slist_append(NULL, rule);
	return cl->connect_to != NULL || err_set(e, ERR_MEMORY, "no memory for HTTPS");
}

struct https_client *https_new(const struct https_options *options, struct err *e)
{
	struct https_client *cl;

	if (!init_curl(e))
		return NULL;
	if (strncmp(options->base_url, "https://", 8) != 0 ||
	        strlen(options->base_url) > URL_MAX_BYTES) {
		err_set(e, ERR_INVALID, "the server's URL must begin with https://");
		return NULL;
	}
	cl = calloc(1, sizeof *cl);
	if (cl == NULL) {
		err_set(e, ERR_MEMORY, "no memory for HTTPS");
		return NULL;
	}
	cl->stop_fd = options->stop_fd;
	cl->max_body = options->max_body == 0 ? MAX_BODY : options->max_body;
	if (!set_connect_to(cl, options->connect_to, e)) {
		https_free(cl);
		return NULL;
	}
	cl->curl = curl_easy_init();
	if (cl->curl == NULL || !copy(options->base_url, &cl->base_url) ||
	        !copy(options->ca_pem, &cl->ca_pem) || !copy(options->cert_pem, &cl->cert_pem) ||
	        !copy(options->key_pem, &cl->key_pem) || !set_all(cl, options)) {
		err_set(e, ERR_MEMORY, "HTTPS cannot be set up");
		https_free(cl);
		return NULL;
	}
	return cl;
}

void https_free(struct https_client *cl)
{
	if (cl == NULL)
		return;
	curl_easy_cleanup(cl->curl);
	curl_slist_free_all(cl->connect_to);
	if (cl->key_pem != NULL)
		explicit_bzero(cl->key_pem, strlen(cl->key_pem));
	free(cl->key_pem);
	free(cl->cert_pem);
	free(cl->ca_pem);
	free(cl->base_url);
	free(cl);
}

/* ---- a request */

static bool explain(const struct https_client *cl, CURLcode code, struct err *e)
{
	const char *reason = cl->reason[0] == '\0' ? curl_easy_strerror(code) : cl->reason;

	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return err_set(e, ERR_DENIED, "%s: %s", cl->base_url, reason);
	case CURLE_WRITE_ERROR:
	case CURLE_FILESIZE_EXCEEDED:
		return err_set(e, ERR_LIMIT, "%s: the answer is larger than %zu bytes",
		        cl->base_url, cl->max_body);
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(e, ERR_UNAVAILABLE, "%s: stopped", cl->base_url);
	case CURLE_OUT_OF_MEMORY:
		return err_set(e, ERR_MEMORY, "no memory for HTTPS");
	default:
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", cl->base_url, reason);
	}
}

static bool perform(
        struct https_client *cl, const char *path, struct https_answer *answer, struct err *e)
{
	char url[URL_MAX_BYTES + 300];
	const char *type = NULL;
	CURLcode code;
	long status = 0;
	int len = snprintf(url, sizeof url, "%s%s", cl->base_url, path);

	*answer = (struct https_answer){.body = BUF_INIT(cl->max_body), .retry_after = -1};
	if (path[0] != '/' || len < 0 || (size_t)len >= sizeof url)
		return err_set(e, ERR_INVALID, "this is no path of a URL");
	cl->answer = answer;
	cl->reason[0] = '\0';
	if (!SET(CURLOPT_URL, url))
		return err_set(e, ERR_MEMORY, "no memory for HTTPS");
	answer->sent_at = clock_wall_ms(clock_real());
	code = curl_easy_perform(cl->curl);
	answer->received_at = clock_wall_ms(clock_real());
	cl->answer = NULL;
	if (code != CURLE_OK)
		return explain(cl, code, e);
	if (curl_easy_getinfo(cl->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
	        curl_easy_getinfo(cl->curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
		return err_set(e, ERR_INTERNAL, "HTTPS lost its answer");
	answer->status = (int)status;
	if (type != NULL)
		(void)snprintf(answer->content_type, sizeof answer->content_type, "%s", type);
	return true;
}

bool https_get(
        struct https_client *cl, const char *path, struct https_answer *answer, struct err *e)
{
	*answer = (struct https_answer){.retry_after = -1};
	if (!SET(CURLOPT_HTTPGET, 1L) || !SET(CURLOPT_HTTPHEADER, NULL))
		return err_set(e, ERR_MEMORY, "no memory for HTTPS");
	return perform(cl, path, answer, e);
}

static bool append_header(struct curl_slist **list, const char *name, const char *value)
{
	char line[160];
	int len = snprintf(line, sizeof line, "%s:%s%s", name, value[0] == '\0' ? "" : " ", value);
	struct curl_slist *longer;

	if (len < 0 || (size_t)len >= sizeof line)
		return false;
	longer = curl_slist_append(*list, line);
	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

bool https_post(struct https_client *cl, const char *path, const char *content_type,
        const char *encoding, const void *body, size_t len, struct https_answer *answer,
        struct err *e)
{
	struct curl_slist *headers = NULL;
	bool ok;

	*answer = (struct https_answer){.retry_after = -1};
	ok = append_header(&headers, "Content-Type", content_type) &&
	     append_header(&headers, "Expect", "") && /* no waiting for "100 Continue" */
	     (encoding == NULL || append_header(&headers, "Content-Encoding", encoding)) &&
	     SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDS, body == NULL ? "" : body) &&
	     SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) && SET(CURLOPT_HTTPHEADER, headers);
	ok = ok ? perform(cl, path, answer, e) : err_set(e, ERR_MEMORY, "no memory for HTTPS");
	/* Neither the headers nor the body outlive the request; curl must forget them. */
	(void)SET(CURLOPT_HTTPHEADER, NULL);
	(void)SET(CURLOPT_POSTFIELDS, NULL);
	curl_slist_free_all(headers);
	return ok;
}

void https_answer_free(struct https_answer *answer)
{
	buf_free(&answer->body);
}

/* ---- the pinned CA */

bool https_pinned_ca(const struct https_options *options, const unsigned char pin[CRYPTO_HASH],
        struct buf *ca_pem, struct err *e)
{
	struct https_options plain = *options;
	struct https_answer answer = {.retry_after = -1};
	struct https_client *cl;
	bool ok;

	plain.ca_pem = plain.cert_pem = plain.key_pem = NULL;
	plain.max_body = CA_MAX_BYTES;
	cl = https_new(&plain, e);
	if (cl == NULL)
		return false;
	/* Nothing is believed of this answer but what the pin proves; nothing is told. */
	if (!SET(CURLOPT_SSL_VERIFYPEER, 0L) || !SET(CURLOPT_SSL_VERIFYHOST, 0L))
		ok = err_set(e, ERR_MEMORY, "no memory for HTTPS");
	else
		ok = https_get(cl, "/v1/ca", &answer, e);
	if (ok && answer.status != 200)
		ok = err_set(e, answer.status >= 500 ? ERR_UNAVAILABLE : ERR_DENIED,
		        "%s answers %d when asked for its CA", options->base_url, answer.status);
	if (ok && strlen(buf_text(&answer.body)) != answer.body.len)
		ok = err_set(e, ERR_DENIED, "%s sends no certificates", options->base_url);
	ok = ok && (x509_pinned(buf_text(&answer.body), pin, ca_pem, e) ||
	                   err_wrap(e, "%s", options->base_url));
	https_answer_free(&answer);
	https_free(cl);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcgi_params.c: the parameters of a FastCGI request (deploy/nginx/fastcgi.conf.in says which
 * there are) become what web_handle() takes.
 */
#include "web/fastcgi_internal.h"

#include <string.h>

/* "HTTP_USER_AGENT" → "user-agent"; the name is written into names[*used …]. NULL: no room. */
static const char *header_name(const char *param, size_t len, char *names, size_t *used)
{
	char *name = names + *used;

	if (len + 1 > FASTCGI_HEADER_NAMES - *used)
		return NULL;
	for (size_t i = 0; i < len; i++)
		name[i] = param[i] == '_'                      ? '-'
		          : param[i] >= 'A' && param[i] <= 'Z' ? (char)(param[i] - 'A' + 'a')
		                                               : param[i];
	name[len] = '\0';
	*used += len + 1;
	return name;
}

static bool add_header(struct fastcgi_params *p, const char *name, const char *value)
{
	if (p->in.header_count > WEB_MAX_HEADERS)
		return true; /* web_handle() answers 431 */
	name = header_name(name, strlen(name), p->names, &p->names_used);
	if (name == NULL) {
		p->in.header_count = WEB_MAX_HEADERS + 1;
		for (size_t i = 0; i < WEB_MAX_HEADERS + 1; i++)
			p->headers[i] = (struct web_header){.name = "", .value = ""};
		return true;
	}
	p->headers[p->in.header_count++] = (struct web_header){.name = name, .value = value};
	return true;
}

/* Where a parameter that is no header goes; NULL: nowhere. */
static const char **slot_of(struct fastcgi_params *p, const char *name)
{
	const struct {
		const char *name;
		const char **slot;
	} slots[] = {
	        {"REQUEST_METHOD", &p->in.method},
	        {"DOCUMENT_URI", &p->in.path},
	        {"QUERY_STRING", &p->in.query},
	        {"REMOTE_ADDR", &p->in.address},
	        {"REQUEST_ID", &p->in.request_id},
	        {"CONTENT_TYPE", &p->content_type},
	        {"CONTENT_LENGTH", &p->content_length},
	        {"SSL_CLIENT_CERT", &p->in.client_cert},
	        {"SSL_CLIENT_VERIFY", &p->in.client_verify},
	        {"SSL_CLIENT_SERIAL", &p->in.client_serial},
	        {"SSL_CLIENT_S_DN", &p->in.client_subject},
	};

	for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
		if (strcmp(slots[i].name, name) == 0)
			return slots[i].slot;
	return NULL;
}

/* false: two different values of one parameter, which nginx never sends. Splits text in place. */
static bool read_param(struct fastcgi_params *p, char *text)
{
	char *equals = strchr(text, '=');
	const char **slot;

	if (equals == NULL)
		return true;
	*equals = '\0';
	/* HTTP_PROXY is a trap for CGI programs (httpoxy), no header that anybody needs. */
	if (strncmp(text, "HTTP_", 5) == 0)
		return strcmp(text, "HTTP_PROXY") == 0 || add_header(p, text + 5, equals + 1);
	slot = slot_of(p, text);
	if (slot == NULL || (*slot != NULL && strcmp(*slot, equals + 1) == 0))
		return true;
	if (*slot != NULL)
		return false;
	*slot = equals + 1;
	return true;
}

static bool has_header(const struct fastcgi_params *p, const char *name)
{
	for (size_t i = 0; i < p->in.header_count; i++)
		if (strcmp(p->headers[i].name, name) == 0)
			return true;
	return false;
}

/* Plain digits, or "" for none. */
static bool read_length(const char *text, size_t *length)
{
	*length = 0;
	if (text == NULL)
		return true;
	if (strlen(text) > 15)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*length = *length * 10 + (size_t)(*text - '0');
	}
	return true;
}

static const char *none_if_empty(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : text;
}

/* Fills in all but the body. What is lacking here is the fault of the server's configuration. */
bool fastcgi_read_params(struct fastcgi_params *p, char **envp)
{
	p->in = (struct web_incoming){.headers = p->headers};
	p->names_used = 0;
	p->content_type = p->content_length = NULL;
	for (; *envp != NULL; envp++)
		if (!read_param(p, *envp))
			return false;
	if (p->in.method == NULL || p->in.path == NULL || p->in.address == NULL ||
	        !read_length(p->content_length, &p->in.body_len))
		return false;
	if (p->in.query == NULL)
		p->in.query = "";
	/* nginx sends both HTTP_CONTENT_TYPE and CONTENT_TYPE: one header all the same. */
	if (none_if_empty(p->content_type) != NULL && !has_header(p, "content-type"))
		(void)add_header(p, "CONTENT_TYPE", p->content_type);
	p->in.client_cert = none_if_empty(p->in.client_cert);
	p->in.client_verify = none_if_empty(p->in.client_verify);
	p->in.client_serial = none_if_empty(p->in.client_serial);
	p->in.client_subject = none_if_empty(p->in.client_subject);
	return true;
}

void fastcgi_forget_headers(const struct fastcgi_params *p)
{
	for (size_t i = 0; i < p->in.header_count && i <= WEB_MAX_HEADERS; i++)
		explicit_bzero((char *)(uintptr_t)p->headers[i].value, strlen(p->headers[i].value));
}

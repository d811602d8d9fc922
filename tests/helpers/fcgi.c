/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/fcgi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

int fcgi_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(path) < sizeof address.sun_path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

void fcgi_record(struct buf *b, int type, const void *data, size_t len)
{
	const unsigned char head[8] = {
	        1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};

	assert_true(len <= 0xffff);
	buf_append(b, head, sizeof head);
	buf_append(b, data, len);
}

void fcgi_begin(struct buf *b, int role, int flags)
{
	const unsigned char body[8] = {0, (unsigned char)role, (unsigned char)flags};

	fcgi_record(b, FCGI_BEGIN, body, sizeof body);
}

static void put_length(struct buf *b, size_t len)
{
	if (len < 128) {
		buf_putc(b, (char)len);
	} else {
		buf_putc(b, (char)(0x80 | len >> 24));
		buf_putc(b, (char)(len >> 16));
		buf_putc(b, (char)(len >> 8));
		buf_putc(b, (char)len);
	}
}

void fcgi_param(struct buf *b, const char *name, const char *value)
{
	put_length(b, strlen(name));
	put_length(b, strlen(value));
	buf_puts(b, name);
	buf_puts(b, value);
}

struct buf fcgi_request(const struct fcgi_request *want)
{
	struct buf params = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	char length[24] = "";
	size_t len = want->body == NULL ? 0 : strlen(want->body);

	if (want->body != NULL)
		(void)snprintf(length, sizeof length, "%zu", len);
	fcgi_param(&params, "REQUEST_METHOD", want->method);
	fcgi_param(&params, "DOCUMENT_URI", want->uri);
	fcgi_param(&params, "QUERY_STRING", "");
	fcgi_param(&params, "REMOTE_ADDR", "192.0.2.7");
	fcgi_param(&params, "CONTENT_LENGTH", want->length != NULL ? want->length : length);
	for (size_t i = 0; i < 8 && want->more[i] != NULL; i += 2)
		fcgi_param(&params, want->more[i], want->more[i + 1]);
	fcgi_begin(&b, want->role == 0 ? FCGI_RESPONDER : want->role, want->flags);
	fcgi_record(&b, FCGI_PARAMS, buf_text(&params), params.len);
	fcgi_record(&b, FCGI_PARAMS, "", 0);
	if (len > 0)
		fcgi_record(&b, FCGI_STDIN, want->body, len);
	fcgi_record(&b, FCGI_STDIN, "", 0);
	assert_false(b.failed || params.failed);
	buf_free(&params);
	return b;
}

void fcgi_send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
		assert_true(sent > 0);
		data += sent;
		len -= (size_t)sent;
	}
}

/* Whatever comes until the other side closes. */
static struct buf receive_all(int fd)
{
	struct buf b = BUF_INIT(64 << 20);
	struct pollfd in = {.fd = fd, .events = POLLIN};
	char chunk[65536];

	for (;;) {
		ssize_t got;
		if (poll(&in, 1, PATIENCE_MS) != 1)
			fail_msg("nothing came, and the connection stayed open");
		got = recv(fd, chunk, sizeof chunk, 0);
		if (got <= 0)
			return b;
		buf_append(&b, chunk, (size_t)got);
	}
}

struct buf fcgi_answer(int fd)
{
	struct buf raw = receive_all(fd), out = BUF_INIT(64 << 20);
	const unsigned char *p = (const unsigned char *)raw.data;

	for (size_t at = 0; at + 8 <= raw.len;) {
		size_t len = (size_t)p[at + 4] << 8 | p[at + 5];
		if (p[at + 1] == FCGI_STDOUT)
			buf_append(&out, p + at + 8, len);
		at += 8 + len + p[at + 6];
	}
	buf_free(&raw);
	(void)close(fd);
	return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>

struct tls_server {
	SSL_CTX *context;
	int listener, stop[2], port;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t came;
	char *answer;
	unsigned connections, requests;
	bool unread;
	char text[TLS_SEEN], common_name[80];
};

static void use_pem(SSL_CTX *context, const char *cert_pem, const char *key_pem)
{
	BIO *cert_bio = BIO_new_mem_buf(cert_pem, -1), *key_bio = BIO_new_mem_buf(key_pem, -1);
	X509 *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);

	assert_non_null(cert);
	assert_non_null(key);
	assert_int_equal(SSL_CTX_use_certificate(context, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(cert_bio);
	BIO_free(key_bio);
}

static void demand_clients(SSL_CTX *context, const char *ca_pem)
{
	BIO *bio = BIO_new_mem_buf(ca_pem, -1);
	X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_non_null(ca);
	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca), 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	X509_free(ca);
	BIO_free(bio);
}

static bool whole(const char *text, size_t used)
{
	const char *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");

	if (body == NULL)
		return false;
	return length == NULL || length > body ||
	       used - (size_t)(body + 4 - text) >= strtoul(length + 15, NULL, 10);
}

static bool read_request(SSL *ssl, char text[TLS_SEEN])
{
	size_t used = 0;

	text[0] = '\0';
	while (!whole(text, used)) {
		int n = used + 1 < TLS_SEEN ? SSL_read(ssl, text + used, (int)(TLS_SEEN - 1 - used))
		                            : 0;
		if (n <= 0)
			return false;
		used += (size_t)n;
		text[used] = '\0';
	}
	return true;
}

static char *note(struct tls_server *s, SSL *ssl, const char *text)
{
	X509 *peer = SSL_get1_peer_certificate(ssl);
	char *answer;

	(void)pthread_mutex_lock(&s->lock);
	memcpy(s->text, text, strlen(text) + 1);
	s->common_name[0] = '\0';
	if (peer != NULL)
		(void)X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName,
		        s->common_name, sizeof s->common_name);
	s->requests++;
	s->unread = true;
	answer = s->answer == NULL ? NULL : strdup(s->answer);
	(void)pthread_cond_broadcast(&s->came);
	(void)pthread_mutex_unlock(&s->lock);
	X509_free(peer);
	return answer;
}

static void serve(struct tls_server *s, SSL *ssl)
{
	char text[TLS_SEEN];
	bool go_on = SSL_accept(ssl) == 1;

	while (go_on && read_request(ssl, text)) {
		char *answer = note(s, ssl, text);

		go_on = answer != NULL &&
		        (answer[0] == '\0' || SSL_write(ssl, answer, (int)strlen(answer)) > 0);
		free(answer);
	}
}

static void *run(void *server)
{
	struct tls_server *s = server;

	for (;;) {
		struct pollfd fds[2] = {{.fd = s->listener, .events = POLLIN},
		        {.fd = s->stop[0], .events = POLLIN}};
		struct timeval limit = {.tv_sec = 5};
		int fd;
		SSL *ssl;

		if (poll(fds, 2, -1) < 0 || fds[1].revents != 0)
			return NULL;
		fd = accept(s->listener, NULL, NULL);
		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		(void)pthread_mutex_lock(&s->lock);
		s->connections++;
		(void)pthread_mutex_unlock(&s->lock);
		ssl = SSL_new(s->context);
		if (ssl != NULL && SSL_set_fd(ssl, fd) == 1)
			serve(s, ssl);
		SSL_free(ssl);
		(void)close(fd);
	}
}

struct tls_server *tls_server_start(
        const char *cert_pem, const char *key_pem, const char *client_ca_pem)
{
	struct tls_server *s = calloc(1, sizeof *s);
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	assert_non_null(s);
	s->context = SSL_CTX_new(TLS_server_method());
	assert_non_null(s->context);
	use_pem(s->context, cert_pem, key_pem);
	if (client_ca_pem != NULL)
		demand_clients(s->context, client_ca_pem);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(bind(s->listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &size), 0);
	s->port = ntohs(address.sin_port);
	assert_int_equal(pipe(s->stop), 0);
	assert_int_equal(pthread_mutex_init(&s->lock, NULL), 0);
	assert_int_equal(pthread_cond_init(&s->came, NULL), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	return s;
}

void tls_server_stop(struct tls_server *s)
{
	if (s == NULL)
		return;
	assert_int_equal(write(s->stop[1], "x", 1), 1);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	(void)close(s->listener);
	(void)close(s->stop[0]);
	(void)close(s->stop[1]);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->came);
	SSL_CTX_free(s->context);
	free(s->answer);
	free(s);
}

int tls_server_port(const struct tls_server *s)
{
	return s->port;
}

void tls_server_answer(struct tls_server *s, const char *text)
{
	(void)pthread_mutex_lock(&s->lock);
	free(s->answer);
	s->answer = text == NULL ? NULL : strdup(text);
	(void)pthread_mutex_unlock(&s->lock);
}

bool tls_server_seen(struct tls_server *s, char text[TLS_SEEN], char common_name[80])
{
	struct timespec until;
	bool seen;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
	until.tv_sec += 10;
	(void)pthread_mutex_lock(&s->lock);
	while (!s->unread && pthread_cond_timedwait(&s->came, &s->lock, &until) == 0)
		;
	seen = s->unread;
	s->unread = false;
	memcpy(text, s->text, sizeof s->text);
	memcpy(common_name, s->common_name, sizeof s->common_name);
	(void)pthread_mutex_unlock(&s->lock);
	return seen;
}

unsigned tls_server_connections(struct tls_server *s)
{
	unsigned count;

	(void)pthread_mutex_lock(&s->lock);
	count = s->connections;
	(void)pthread_mutex_unlock(&s->lock);
	return count;
}

unsigned tls_server_requests(struct tls_server *s)
{
	unsigned count;

	(void)pthread_mutex_lock(&s->lock);
	count = s->requests;
	(void)pthread_mutex_unlock(&s->lock);
	return count;
}

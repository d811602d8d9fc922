/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_server.h: a TLS server on loopback for tests of HTTPS clients. It answers every request with
 * the text it was given and keeps what it was asked.
 */
#ifndef FLEETPORT_TESTS_HELPERS_TLS_SERVER_H
#define FLEETPORT_TESTS_HELPERS_TLS_SERVER_H

#include <stdbool.h>

struct tls_server;

enum { TLS_SEEN = 8192 };

/* Starts on a free port of 127.0.0.1. client_ca_pem: client certificates under it are asked for,
 * and required; NULL: none. Asserts on failure. */
struct tls_server *tls_server_start(
        const char *cert_pem, const char *key_pem, const char *client_ca_pem);
void tls_server_stop(struct tls_server *server);

int tls_server_port(const struct tls_server *server);

/* What every request is answered from now on, whole ("HTTP/1.1 200 OK\r\n…"). NULL: the connection
 * is cut instead; "": nothing is sent and the connection kept until it is closed. */
void tls_server_answer(struct tls_server *server, const char *text);

/* Waits for a request (at most 10 s) and copies its text (head and body) and the CN of the client
 * certificate ("" without one). false: none came. Each request is given once. */
bool tls_server_seen(struct tls_server *server, char text[TLS_SEEN], char common_name[80]);

/* How many connections were accepted, and how many requests were read over them. */
unsigned tls_server_connections(struct tls_server *server);
unsigned tls_server_requests(struct tls_server *server);

#endif

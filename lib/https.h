/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https.h: an HTTPS client for agents, over libcurl: TLS 1.2 or later, no other protocol, no
 * redirects, bounded in time and size.
 *
 * A client keeps its connection between requests. One thread at a time.
 */
#ifndef FLEETPORT_LIB_HTTPS_H
#define FLEETPORT_LIB_HTTPS_H

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct https_options {
	const char *base_url;   /* "https://agents.example:8443", no slash at the end */
	const char *ca_pem;     /* the only CAs that are trusted; NULL: the public ones */
	const char *cert_pem;   /* client certificate, or NULL for none */
	const char *key_pem;    /* its key */
	const char *connect_to; /* "127.0.0.1:8443": goes there, whatever the URL's host says (which
	                             is still checked); NULL or "": the URL's host */
	unsigned connect_timeout_ms; /* 0: 10 000 */
	unsigned timeout_ms;         /* of a whole request; 0: 60 000 */
	size_t max_body;             /* of an answer; 0: 1 MiB */
	int stop_fd;                 /* readable: requests are given up within a second; -1: none */
	const char *user_agent;      /* "fleetport-dc-agent/0.1.0" */
};

struct https_client;

/* Texts in options are copied. NULL: ERR_INVALID (not an https URL), ERR_MEMORY. */
struct https_client *https_new(const struct https_options *options, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void https_free(struct https_client *client); /* NULL is allowed; wipes the key */

struct https_answer {
	int status;      /* 200 … */
	struct buf body; /* https_answer_free() */
	int64_t date;    /* the Date header in ms, 0: none */
	int64_t sent_at,
	        received_at; /* wall clock around the request, in ms: for the clock's offset */
	int retry_after;     /* seconds, -1: not said */
	char content_type[64];
};

/* path begins with '/'. true: an answer came, whatever its status. ERR_UNAVAILABLE: no connection,
 * cut off, timed out, or stopped; ERR_DENIED: the server could not prove itself, or refused our
 * certificate; ERR_LIMIT: the answer is too large. *answer needs no setting up; free it in any case.
 */
bool https_get(struct https_client *client, const char *path, struct https_answer *answer,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* encoding: NULL or "gzip" (the body is already). */
bool https_post(struct https_client *client, const char *path, const char *content_type,
        const char *encoding, const void *body, size_t len, struct https_answer *answer,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3, 7)));

void https_answer_free(struct https_answer *answer);

/* Learns the CA of a server that is known by a pin only: asks for /v1/ca without believing or saying
 * anything, and appends to ca_pem the certificate whose key has this SHA-256. Use it as the ca_pem
 * of the next client. options->ca_pem and cert_pem are not used. ERR_DENIED: the server has no such
 * CA; ERR_UNAVAILABLE as above. */
bool https_pinned_ca(const struct https_options *options, const unsigned char pin[CRYPTO_HASH],
        struct buf *ca_pem, struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

#endif

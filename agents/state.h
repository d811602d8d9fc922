/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h: the folder in which an agent keeps what it is: its keys, its certificate, what the server
 * told it at enrolment. Only the agent's user may read it. One process uses it at a time.
 *
 *	agent.pem            private key and certificate chain; there once enrolled
 *	event.key            Ed25519 key that signs events
 *	pending.pem          key of an enrolment or renewal whose answer has not come yet
 *	enrolment.json       the server's last answer to enrolment or renewal
 *	server               host (and port) of the server
 *	server-ca.pem        the CA that the server's certificate must come from
 *	operation-keys.json  keys that operations must be signed with
 *	spool/, journal      reports to be sent, operations received
 */
#ifndef FLEETPORT_AGENTS_STATE_H
#define FLEETPORT_AGENTS_STATE_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/enrolment.h"
#include "lib/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { STATE_PATH_SIZE = 1024 };

struct state {
	char folder[STATE_PATH_SIZE - 64];
	int lock_fd;
	bool enrolled;
	char agent_id[32];
	char server[ENROLMENT_HOST_SIZE];
	char mqtt_host[ENROLMENT_HOST_SIZE];
	unsigned mqtt_port, mqtt_keep_alive;
	char mqtt_alpn[64];
	int64_t interval_seconds, jitter_seconds;
	int64_t not_before, not_after; /* of the certificate, ms */
	unsigned char event_public[CRYPTO_SIGN_PUBLIC];
	unsigned char event_secret[CRYPTO_SIGN_SECRET];
	pthread_mutex_t keys_lock; /* around what follows: report answers bring new keys */
	struct enrolment_key keys[ENROLMENT_KEYS_MAX];
	char key_ids[ENROLMENT_KEYS_MAX][72];
	size_t key_count;
};

/* Makes the folder where needed, locks it and reads what is there. ERR_CONFLICT: another process
 * uses it. */
bool state_open(const char *folder, struct state *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));
void state_close(struct state *state);

/* The path of a file in the folder. Returns out. */
const char *state_path(const struct state *state, const char *name, char out[STATE_PATH_SIZE]);

/* The key for the next request: the pending one, or a new one that is stored first, so that a lost
 * answer can be asked for again with the same key. */
bool state_pending_key(struct state *state, struct buf *key_pem, struct err *e)
        __attribute__((warn_unused_result, nonnull));

/* Keeps an answer to enrolment (server: where it came from, ca: who signs it) or renewal (both
 * NULL), for the pending key. */
bool state_accept(struct state *state, const char *server, const char *ca_pem, const char *answer,
        size_t len, struct err *e) __attribute__((warn_unused_result, nonnull(1, 4)));

/* Takes over newer operation keys. */
bool state_set_keys(struct state *state, const struct enrolment_key *keys, size_t count,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2)));

/* The operation key with this id if it holds at now_ms; false: none. Safe from any thread. */
bool state_find_key(struct state *state, const char *key_id, int64_t now_ms,
        unsigned char out[CRYPTO_SIGN_PUBLIC]) __attribute__((warn_unused_result, nonnull));

/* Forgets all: keys, certificate, spool, journal. */
bool state_wipe(struct state *state, struct err *e) __attribute__((warn_unused_result, nonnull(1)));

#endif

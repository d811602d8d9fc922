/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.h: the sockets of fleetport-audit: one listener a program, and the connections that came by
 * it. What a connection says is believed to come from the listener's program because the kernel
 * says whose process it is.
 */
#ifndef FLEETPORT_DAEMONS_AUDIT_PEERS_H
#define FLEETPORT_DAEMONS_AUDIT_PEERS_H

#include "lib/config.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PEERS_MAX = 256, PEER_ANSWERS = 64 };

struct peer {
	const char *source; /* "user" */
	uint64_t serial;    /* of the connection: a place is used again */
	int fd;             /* -1: free */
	bool listener;
	uid_t allowed; /* listener: besides root and ourselves */
	bool gone;     /* to be closed when its round is over */
	/* answers of this round, kept for one message */
	unsigned char answers[PEER_ANSWERS][17];
	size_t answer_count;
};

struct peers {
	int epoll;
	uint64_t serials;
	struct peer list[PEERS_MAX];
};

/* The options of section [audit]: who may come by which socket. */
extern const struct config_option peers_options[];

/* Opens a listener for every program, in the run folder. ERR_CONFLICT: another fleetport-audit
 * answers there. */
bool peers_open(struct peers *p, const struct config *config, struct err *e)
        __attribute__((warn_unused_result));
void peers_close(struct peers *p);

/* Takes the connections that wait at a listener. */
void peers_accept(struct peers *p, struct peer *listener);

/* Puts an answer (heads of kind OK) aside, and sends what was put aside. A peer that does not take
 * its answers is marked gone. */
void peer_answer(struct peer *peer, uint64_t ticket, uint64_t number);
void peer_flush(struct peer *peer);

/* Sends one message at once. */
void peer_send(struct peer *peer, const void *message, size_t len);

/* Closes the peers that are gone. */
void peers_sweep(struct peers *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h: the agent's connection to the broker, as what orders.h publishes through and is fed
 * from.
 */
#ifndef FLEETPORT_AGENTS_SESSION_H
#define FLEETPORT_AGENTS_SESSION_H

#include "agents/orders.h"
#include "agents/state.h"
#include "lib/error.h"

#include <stdbool.h>

struct session;

/* A session that is not connected: session_publish() says no. NULL: no memory. */
struct session *session_new(const struct state *state, const char *connect_to)
        __attribute__((warn_unused_result, nonnull(1)));

/* Connects, and stays connected, in a thread of its own. will: the bare presence. */
bool session_start(struct session *session, struct orders *orders, const struct buf *will,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* Sends to fleetport/1/A/leaf. false: no connection. Any thread. */
bool session_publish(struct session *session, const char *leaf, const void *payload, size_t len,
        bool retain) __attribute__((nonnull));

/* Connects anew: the certificate has changed. */
void session_renew(struct session *session) __attribute__((nonnull));

/* Ends the connection, frees. NULL is allowed. */
void session_free(struct session *session);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h: what the broker's plugin decides, without the broker: which names are ours, which topic
 * filters they may subscribe to, who is revoked and which certificates are withdrawn. No I/O, no allocation but the list's own.
 */
#ifndef FLEETPORT_DAEMONS_BROKER_RULES_H
#define FLEETPORT_DAEMONS_BROKER_RULES_H

#include "lib/x509_peer.h"

#include <stdbool.h>
#include <stddef.h>

enum { BROKER_ID_LENGTH = 25 }; /* "ag_" and 22 of 0-9 A-Z a-z */

/* The ids of revoked agents, and the serial numbers of certificates that were withdrawn from agents that
 * go on; each sorted. Starts as {0}; fill with revoked_parse(), empty with revoked_free(). */
struct revoked {
	char (*ids)[BROKER_ID_LENGTH + 1];
	char (*serials)[X509_SERIAL_SIZE];
	size_t count, serial_count;
};

/* True if the name is an agent's id: ag_[0-9A-Za-z]{22}. */
bool broker_is_agent(const char *name);

/* True if the name is an agent's id or "dispatch": nobody else has business here. */
bool broker_knows(const char *name);

/* May `name` subscribe to `filter`? An agent: its own operation topic, nothing else. Dispatch: the
 * events and the presence of all agents. (The broker's acl_file is not asked at SUBSCRIBE.) */
bool broker_may_subscribe(const char *name, const char *filter);

/* Reads a file's text (core/agents.h, agents_publish_revoked): an agent's id or a serial number (upper-case
 * hex) a line; empty lines and lines that start with '#' are skipped. Lines that are neither are counted in
 * *bad. On failure (no memory) false, and *list is unchanged; on success its old contents are freed. */
bool revoked_parse(struct revoked *list, const char *text, size_t len, size_t *bad);

bool revoked_has(const struct revoked *list, const char *name);

/* Is a certificate good for nothing any more at `now` (ms): withdrawn, or run out? Why, or NULL. */
const char *revoked_certificate(
        const struct revoked *list, const char *serial, int64_t not_after, int64_t now);

void revoked_free(struct revoked *list);

#endif

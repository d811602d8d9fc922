/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h: what the broker's plugin decides, without the broker: which names are ours, which topic
 * filters they may subscribe to, and who is revoked. No I/O, no allocation but the list's own.
 */
#ifndef FLEETPORT_DAEMONS_BROKER_RULES_H
#define FLEETPORT_DAEMONS_BROKER_RULES_H

#include <stdbool.h>
#include <stddef.h>

enum {
	BROKER_ID_LENGTH = 25,                /* "ag_" and 22 of 0-9 A-Z a-z */
	BROKER_REVOKED_MAX = 4 * 1024 * 1024, /* bytes of the file of revoked ids */
};

/* The ids of revoked agents, sorted. Fill with revoked_parse(), empty with revoked_free(). */
struct revoked {
	char (*ids)[BROKER_ID_LENGTH + 1];
	size_t count;
};

/* True if the name is an agent's id: ag_[0-9A-Za-z]{22}. */
bool broker_is_agent(const char *name);

/* True if the name is an agent's id or "dispatch": nobody else has business here. */
bool broker_knows(const char *name);

/* May `name` subscribe to `filter`? An agent: its own operation topic, nothing else. Dispatch: the
 * events and the presence of all agents. (The broker's acl_file is not asked at SUBSCRIBE.) */
bool broker_may_subscribe(const char *name, const char *filter);

/* Reads a file's text: an id a line; empty lines and lines that start with '#' are skipped. Lines
 * that are no id are counted in *bad. On failure (no memory) false, and *list is unchanged; on
 * success the old contents of *list are freed. */
bool revoked_parse(struct revoked *list, const char *text, size_t len, size_t *bad);

bool revoked_has(const struct revoked *list, const char *name);

void revoked_free(struct revoked *list);

#endif

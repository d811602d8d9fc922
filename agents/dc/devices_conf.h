/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices_conf.h: the device list, devices.conf: a section a device, named by the entry's id.
 *
 *	[plotter-2nd-floor]
 *	address = 192.0.2.17        ; IPv4, IPv6 or host name; required
 *	port = 161
 *	version = 2                 ; 1 or 2 (v2c)
 *	community = public          ; or community-file = a file whose first line holds it
 *	context = Jetdirect         ; read supplies under "community@context" too
 *	timeout = 2000              ; ms, of one try
 *	retries = 2
 *	expect-serial = X5RL000123  ; refuse another device at this address
 *	group = Second floor        ; the group that a new device is put into
 *
 * The agent asks these devices and no others.
 */
#ifndef FLEETPORT_AGENTS_DC_DEVICES_CONF_H
#define FLEETPORT_AGENTS_DC_DEVICES_CONF_H

#include "lib/arena.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { DEVICES_CONF_MAX = 5000, DEVICES_CONF_ARENA = 16 * 1024 * 1024 };

struct device_entry {
	const char *id; /* the section's name: 1–64 of A–Z a–z 0–9 . _ - + @ and blank */
	const char *address;
	unsigned port, version;
	const char *community; /* never logged, never sent to the server */
	const char *context;   /* NULL: none */
	unsigned timeout_ms, retries;
	const char *expect_serial; /* NULL: any */
	const char *group;         /* NULL: the customer's default group */
};

struct device_list {
	struct device_entry *entries;
	size_t count;
};

/* Reads a list; everything in it is the arena's. ERR_CONFIG: file, line and what is wrong;
 * ERR_NOT_FOUND: no such file. */
bool devices_conf_load(const char *path, struct arena *arena, struct device_list *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

/* The same from a text in memory; community-file is relative to the folder of `name`. */
bool devices_conf_read(const char *name, const char *text, size_t len, struct arena *arena,
        struct device_list *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 4, 5)));

#endif

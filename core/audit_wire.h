/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_wire.h: what goes over the socket between a program and fleetport-audit, both sides.
 *
 * SOCK_SEQPACKET keeps messages apart. A message is a sequence of items, at most AUDIT_WIRE_ITEMS from
 * a client. Each item begins with one byte (what is asked, or how it went), the client's ticket and
 * one number, big-endian; what follows depends on the first byte:
 *
 *   from    kind    numbers         rest      meaning
 *   client  RECORD  ticket, length  a body    put this into the log (audit_record.h); length: of the body
 *   client  OPEN    ticket, after   u64 last  the first begun record of mine, numbered above after
 *                                             and at most last, that no record has closed
 *   client  LAST    ticket, 0       nothing   the number of the log's newest entry
 *   daemon  OK      ticket, number  nothing   to RECORD and LAST: the number
 *   daemon  ENTRY   ticket, number  a record  to OPEN: the entry; number 0 and nothing: none is open
 *   daemon  others  ticket, 0       text      it did not work: what and why
 *
 * Of the daemon's items only OK may be followed by another in its message.
 */
#ifndef FLEETPORT_CORE_AUDIT_WIRE_H
#define FLEETPORT_CORE_AUDIT_WIRE_H

#include "core/audit_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AUDIT_WIRE_HEAD = 17,
	AUDIT_WIRE_MAX = AUDIT_WIRE_HEAD + AUDIT_RECORD_MAX,
	AUDIT_WIRE_TEXT = 300, /* bytes of an error's text */
	AUDIT_WIRE_ITEMS = 64,
};

enum audit_wire_kind {
	AUDIT_WIRE_OK = 0,
	AUDIT_WIRE_INVALID = 1,     /* malformed: it will never be taken */
	AUDIT_WIRE_UNAVAILABLE = 2, /* the log cannot be written now */
	AUDIT_WIRE_ENTRY = 3,
	AUDIT_WIRE_RECORD = 16,
	AUDIT_WIRE_OPEN = 17,
	AUDIT_WIRE_LAST = 18,
};

struct audit_wire {
	enum audit_wire_kind kind;
	uint64_t ticket;
	uint64_t number;
};

static inline void audit_wire_put_u64(unsigned char *p, uint64_t number)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (unsigned char)(number >> (56 - 8 * i));
}

static inline uint64_t audit_wire_get_u64(const unsigned char *p)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < 8; i++)
		number = number << 8 | p[i];
	return number;
}

static inline void audit_wire_write(const struct audit_wire *w, unsigned char out[AUDIT_WIRE_HEAD])
{
	out[0] = (unsigned char)w->kind;
	audit_wire_put_u64(out + 1, w->ticket);
	audit_wire_put_u64(out + 9, w->number);
}

/* false: too short to be a message. */
static inline bool audit_wire_read(const unsigned char *p, size_t len, struct audit_wire *w)
{
	if (len < AUDIT_WIRE_HEAD)
		return false;
	w->kind = (enum audit_wire_kind)p[0];
	w->ticket = audit_wire_get_u64(p + 1);
	w->number = audit_wire_get_u64(p + 9);
	return true;
}

#endif

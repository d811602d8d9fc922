/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_record.h: the bytes of an audit record, both ways. docs/audit-record.md describes them for
 * whoever writes a second verifier.
 *
 * A record is a head (version, time, node, source), which fleetport-audit writes, and a body, which
 * the client program sends. There is one form for every record: decoding accepts exactly what
 * encoding makes.
 */
#ifndef FLEETPORT_CORE_AUDIT_RECORD_H
#define FLEETPORT_CORE_AUDIT_RECORD_H

#include "core/audit.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AUDIT_RECORD_VERSION = 1,
	AUDIT_RECORD_MAX = 65536, /* bytes of a record */
	AUDIT_HEAD_MAX = 519,     /* bytes of a head */
	AUDIT_BODY_MAX = 65000,   /* bytes of a body: together they fit into a record */
	AUDIT_RECORD_TARGETS = 256,
	AUDIT_TEXT_MAX = 8192, /* bytes of one text; longer ones are cut by the encoder */
	AUDIT_NODE_MAX = 253,  /* bytes of node and of source */
};

struct audit_head {
	int64_t at; /* ms since 1970, not negative */
	const char *node;
	const char *source;
};

/* A whole record. Texts of a decoded one are never NULL and live in the arena. */
struct audit_record {
	struct audit_head head;
	unsigned part;  /* 1 … parts: a record with many targets is sent in parts */
	unsigned parts; /* 1 … 65535 */
	struct audit_entry entry;
};

/* Appends the body of entry with targets[first .. first + count) to out. NULL texts become empty,
 * overlong ones are cut at a character, and what is not UTF-8 or is a control character becomes
 * U+FFFD, so that only size can fail: ERR_LIMIT (body beyond AUDIT_BODY_MAX, or details beyond
 * AUDIT_TEXT_MAX), ERR_MEMORY. entry->target_count is not looked at. */
bool audit_body_encode(const struct audit_entry *entry, unsigned part, unsigned parts, size_t first,
        size_t count, struct buf *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 6)));

/* Is this a body? ERR_INVALID with the reason otherwise. Allocates nothing. */
bool audit_body_check(const void *body, size_t len, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Appends head and (checked) body: a record. ERR_INVALID: head's texts are empty, too long, or not
 * plain; ERR_LIMIT, ERR_MEMORY. */
bool audit_record_join(const struct audit_head *head, const void *body, size_t len, struct buf *out,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 4)));

/* Takes a record apart. ERR_INVALID: these bytes are no record of version 1; ERR_MEMORY. */
bool audit_record_decode(const void *record, size_t len, struct arena *arena,
        struct audit_record *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3, 4)));

/* The leaf of the tree: SHA-256(0x00 ‖ record). */
void audit_record_leaf(const void *record, size_t len, unsigned char leaf[CRYPTO_HASH])
        __attribute__((nonnull));

#endif

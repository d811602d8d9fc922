/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mib.h: what a device told, as a sorted set of OIDs with their values.
 *
 * Reading (snmp.h) fills it; identity, status, supplies and counters then look things up in it and
 * never speak to the device. So a recording and a printer look the same to them.
 */
#ifndef FLEETPORT_AGENTS_DC_MIB_H
#define FLEETPORT_AGENTS_DC_MIB_H

#include "lib/arena.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OID_MAX = 64,          /* sub-identifiers; longer ones are not looked at */
	MIB_ROWS_MAX = 20000,  /* values of one device */
	MIB_OCTETS_MAX = 4096, /* bytes of one value; more are cut off */
};

struct oid {
	size_t len;
	uint32_t ids[OID_MAX];
};

/* Reads "1.3.6.1.2.1"; a leading dot is allowed. False: not an OID, or too long. */
bool oid_parse(const char *text, struct oid *out) __attribute__((warn_unused_result, nonnull));

/* The order in which SNMP walks: <0, 0, >0. */
int oid_compare(const struct oid *a, const struct oid *b) __attribute__((nonnull));

/* Whether oid lies below prefix (or is it). */
bool oid_under(const struct oid *prefix, const struct oid *oid) __attribute__((nonnull));

enum mib_type {
	MIB_NUMBER, /* Integer, Counter, Gauge, TimeTicks */
	MIB_OCTETS, /* OCTET STRING, IpAddress, Opaque: raw bytes */
	MIB_OBJECT  /* OBJECT IDENTIFIER */
};

struct mib_value {
	struct oid oid;
	enum mib_type type;
	int64_t number;
	const unsigned char *octets; /* followed by a NUL that is not counted */
	size_t len;
	const struct oid *object;
};

struct mib;

/* An empty set; everything in it is the arena's. NULL: no memory. */
struct mib *mib_new(struct arena *arena) __attribute__((nonnull));

/* Each adds one value (a copy). A later value for the same OID is ignored, rows beyond MIB_ROWS_MAX
 * and OIDs too long are dropped. False only if there is no memory. */
bool mib_add_number(struct mib *mib, const struct oid *oid, int64_t number);
bool mib_add_octets(struct mib *mib, const struct oid *oid, const void *octets, size_t len);
bool mib_add_object(struct mib *mib, const struct oid *oid, const struct oid *object);

size_t mib_count(const struct mib *mib);

/* Looking up. Names are given as text, and must be OIDs (asserted). Adding makes earlier results
 * invalid. */
const struct mib_value *mib_find(struct mib *mib, const char *oid);

/* The value at prefix.index or prefix.a.b */
const struct mib_value *mib_cell(struct mib *mib, const char *prefix, uint32_t index);
const struct mib_value *mib_cell2(struct mib *mib, const char *prefix, uint32_t a, uint32_t b);

/* The first value below prefix (after NULL) or the one behind `after`; NULL at the end. */
const struct mib_value *mib_next(
        struct mib *mib, const char *prefix, const struct mib_value *after);

/* The number at value, or `otherwise` where value is NULL or no number. */
int64_t mib_number(const struct mib_value *value, int64_t otherwise);

/* The nth sub-identifier from the end (0: the last); 0 where there is none. */
uint32_t mib_index(const struct mib_value *value, size_t from_end);

#endif

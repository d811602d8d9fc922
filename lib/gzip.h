/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip.h: packing and unpacking of bodies (RFC 1952, "Content-Encoding: gzip"), over zlib.
 */
#ifndef FLEETPORT_LIB_GZIP_H
#define FLEETPORT_LIB_GZIP_H

#include "lib/buf.h"
#include "lib/error.h"

#include <stddef.h>

/* Appends what data[0..len) unpacks to. The room that is left in out is the limit, so a small body that
 * unpacks to a huge one stops there. ERR_INVALID: not gzip, damaged, cut off, or followed by something
 * else; ERR_LIMIT: larger than the room; ERR_MEMORY. out may hold a part on failure. */
bool gzip_unpack(const void *data, size_t len, struct buf *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3)));

/* Appends data packed, as one member. ERR_LIMIT, ERR_MEMORY. */
bool gzip_pack(const void *data, size_t len, struct buf *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 3)));

#endif

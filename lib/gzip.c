/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/gzip.h"

#include <limits.h>
#include <stdint.h>
#include <zlib.h>

enum { CHUNK = 64 * 1024, GZIP_ONLY = 16 + MAX_WBITS };

static bool begin(size_t len, struct err *e)
{
	return len <= UINT_MAX || err_set(e, ERR_LIMIT, "more than 4 GiB at once");
}

bool gzip_unpack(const void *data, size_t len, struct buf *out, struct err *e)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
	Bytef chunk[CHUNK];
	int rc;

	if (!begin(len, e))
		return false;
	if (inflateInit2(&z, GZIP_ONLY) != Z_OK)
		return err_set(e, ERR_MEMORY, "no memory to unpack");
	do {
		z.next_out = chunk;
		z.avail_out = CHUNK;
		rc = inflate(&z, Z_NO_FLUSH);
		buf_append(out, chunk, CHUNK - z.avail_out);
	} while (rc == Z_OK && !out->failed);
	(void)inflateEnd(&z);
	if (out->failed)
		return err_set(e, ERR_LIMIT, "the body unpacks to more than %zu bytes", out->max);
	if (rc == Z_MEM_ERROR)
		return err_set(e, ERR_MEMORY, "no memory to unpack");
	if (rc != Z_STREAM_END)
		return err_set(e, ERR_INVALID,
		        rc == Z_BUF_ERROR ? "the gzip body is cut off"
		                          : "the body is not gzip, or it is damaged");
	if (z.avail_in != 0)
		return err_set(e, ERR_INVALID, "something follows the gzip body");
	return true;
}

bool gzip_pack(const void *data, size_t len, struct buf *out, struct err *e)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
	Bytef chunk[CHUNK];
	int rc;

	if (!begin(len, e))
		return false;
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_ONLY, MAX_MEM_LEVEL,
	            Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(e, ERR_MEMORY, "no memory to pack");
	do {
		z.next_out = chunk;
		z.avail_out = CHUNK;
		rc = deflate(&z, Z_FINISH);
		buf_append(out, chunk, CHUNK - z.avail_out);
	} while (rc == Z_OK && !out->failed);
	(void)deflateEnd(&z);
	if (out->failed)
		return err_set(e, ERR_LIMIT, "the packed body is larger than %zu bytes", out->max);
	return rc == Z_STREAM_END || err_set(e, ERR_INTERNAL, "packing failed (%d)", rc);
}

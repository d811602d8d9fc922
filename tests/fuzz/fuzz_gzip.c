/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/gzip.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT(1 << 16);

	if (!gzip_unpack(data, size, &out, NULL) && out.len > out.max)
		__builtin_trap();
	buf_free(&out);
	return 0;
}

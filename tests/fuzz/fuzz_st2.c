/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as Epson's status block: what is read stays within its bounds. */
#include "agents/dc/st2.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct st2 st2;

	if (st2_read(data, size, &st2) != (st2.status >= 0))
		abort();
	if (st2.ink_count > ST2_INKS_MAX || st2.box_count > ST2_BOXES_MAX ||
	        st2.warning_count > ST2_WARNINGS_MAX || st2.box_remaining > 100 ||
	        strlen(st2.serial) > ST2_SERIAL_MAX)
		abort();
	return 0;
}

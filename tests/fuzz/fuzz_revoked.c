/* SPDX-License-Identifier: Apache-2.0 */
/* The broker plugin's file: whatever it holds, what is found in it is an agent's id or a serial number. */
#include "daemons/broker/rules.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct revoked list = {0};
	size_t bad;

	if (!revoked_parse(&list, (const char *)data, size, &bad))
		return 0;
	for (size_t i = 0; i < list.count; i++)
		if (!broker_is_agent(list.ids[i]) || !revoked_has(&list, list.ids[i]))
			abort();
	for (size_t i = 0; i < list.serial_count; i++)
		if (revoked_certificate(&list, list.serials[i], 1, 0) == NULL)
			abort();
	revoked_free(&list);
	return 0;
}

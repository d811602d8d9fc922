/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/report_id.h"

#include "lib/crypto.h"

#include <string.h>

const char *report_id_new(int64_t now_ms, char out[REPORT_ID_SIZE])
{
	unsigned char id[16];
	char hex[33];
	size_t at = 0;

	crypto_random(id, sizeof id);
	for (int i = 0; i < 6; i++)
		id[i] = (unsigned char)((uint64_t)now_ms >> (40 - 8 * i));
	id[6] = (unsigned char)(0x70 | (id[6] & 0x0f));
	id[8] = (unsigned char)(0x80 | (id[8] & 0x3f));
	crypto_hex(id, sizeof id, hex);
	for (size_t i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[at++] = '-';
		out[at++] = hex[i];
	}
	out[at] = '\0';
	return out;
}

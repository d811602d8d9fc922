/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dc/st2.h"

#include <ctype.h>
#include <string.h>

static const char signature[] = "@BDC ST2\r\n";
enum { SIGNATURE = sizeof signature - 1 };

enum field {
	STATUS = 0x01,
	ERROR = 0x02,
	WARNINGS = 0x04,
	BOX_LEVEL = 0x0d,
	INK = 0x0f,
	CANCEL = 0x13,
	SERIAL = 0x1f,
	BOXES = 0x37,
	SERIAL_10 = 0x40
};

static void read_inks(const unsigned char *data, size_t len, struct st2 *out)
{
	size_t size = len > 0 ? data[0] : 0;

	if (size < 3)
		return;
	for (size_t at = 1; at + size <= len && out->ink_count < ST2_INKS_MAX; at += size)
		out->inks[out->ink_count++] =
		        (struct st2_ink){data[at], data[at + 1], data[at + 2]};
}

static void read_boxes(const unsigned char *data, size_t len, struct st2 *out)
{
	size_t size = len > 0 ? data[0] : 0;

	if (size < 1)
		return;
	for (size_t at = 1; at + size <= len && out->box_count < ST2_BOXES_MAX; at += size)
		out->boxes[out->box_count++] = data[at];
}

static void read_serial(const unsigned char *data, size_t len, struct st2 *out)
{
	if (len == 0 || len > ST2_SERIAL_MAX || out->serial[0])
		return;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum(data[i]))
			return;
	}
	memcpy(out->serial, data, len);
	out->serial[len] = '\0';
}

static void read_field(unsigned type, const unsigned char *data, size_t len, struct st2 *out)
{
	switch (type) {
	case STATUS:
		if (len >= 1)
			out->status = data[0];
		break;
	case ERROR:
		if (len >= 1)
			out->error = data[0];
		break;
	case WARNINGS:
		out->warning_count = len < ST2_WARNINGS_MAX ? len : ST2_WARNINGS_MAX;
		memcpy(out->warnings, data, out->warning_count);
		break;
	case BOX_LEVEL:
		if (len >= 1 && data[0] <= 100)
			out->box_remaining = data[0];
		break;
	case INK:
		read_inks(data, len, out);
		break;
	case CANCEL:
		out->cancelled = len >= 1 && data[0] == 0x81;
		break;
	case SERIAL:
	case SERIAL_10:
		read_serial(data, len, out);
		break;
	case BOXES:
		read_boxes(data, len, out);
		break;
	default:
		break;
	}
}

static void clear(struct st2 *out)
{
	*out = (struct st2){.status = -1, .error = -1, .box_remaining = -1};
}

bool st2_read(const unsigned char *data, size_t len, struct st2 *out)
{
	size_t at = 0, end;

	clear(out);
	if (len > 0 && data[0] == 0)
		at = 1;
	if (len < at + SIGNATURE + 2 || memcmp(data + at, signature, SIGNATURE) != 0)
		return false;
	at += SIGNATURE;
	end = at + 2 + (data[at] | (size_t)data[at + 1] << 8);
	at += 2;
	if (end > len)
		return false;
	while (at < end) {
		size_t size;

		if (end - at < 2 || (size = data[at + 1]) > end - at - 2) {
			clear(out);
			return false;
		}
		read_field(data[at], data + at + 2, size, out);
		at += 2 + size;
	}
	if (out->status != 0)
		out->error = -1;
	return out->status >= 0;
}

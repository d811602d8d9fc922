/* SPDX-License-Identifier: Apache-2.0 */
/*
 * st2.h: Epson's status block "@BDC ST2". Every length is checked against what arrived; fields that
 * are not known are skipped.
 */
#ifndef FLEETPORT_AGENTS_DC_ST2_H
#define FLEETPORT_AGENTS_DC_ST2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ST2_INKS_MAX = 32, ST2_WARNINGS_MAX = 32, ST2_BOXES_MAX = 8, ST2_SERIAL_MAX = 32 };

struct st2_ink {
	uint8_t position, color, level; /* level: 0–100 percent, else a mark such as 'n' */
};

struct st2 {
	int status;        /* -1: not told */
	int error;         /* -1: none; told only with status 0 */
	bool cancelled;    /* at the panel */
	int box_remaining; /* percent of the maintenance box, -1: not told */
	uint8_t warnings[ST2_WARNINGS_MAX];
	size_t warning_count;
	struct st2_ink inks[ST2_INKS_MAX];
	size_t ink_count;
	uint8_t boxes[ST2_BOXES_MAX]; /* 0 ok, 1 nearly full, 2 full */
	size_t box_count;
	char serial[ST2_SERIAL_MAX + 1]; /* "": not told */
};

/* False: no such block, or one that is cut short or malformed; *out is then empty. */
bool st2_read(const unsigned char *data, size_t len, struct st2 *out)
        __attribute__((warn_unused_result, nonnull));

#endif

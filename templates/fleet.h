/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.h: GET / on both sites: is anything wrong, where, since when. */
#ifndef FLEETPORT_TEMPLATES_FLEET_H
#define FLEETPORT_TEMPLATES_FLEET_H

#include "templates/page.h"

struct fleet_page {
	struct layout layout;
	int64_t counts[CONDITIONS]; /* devices in each condition */
	int64_t total;
	int64_t attention_total;      /* devices with a warning or an error */
	struct device_row *attention; /* the most urgent ones */
	size_t attention_count;
	struct device_row *low; /* lowest supplies first, measured ones only */
	size_t low_count;
	bool may_invite; /* the reader may connect an agent */
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* devices.h: GET /devices on both sites: search, filter, sort, pages. */
#ifndef FLEETPORT_TEMPLATES_DEVICES_H
#define FLEETPORT_TEMPLATES_DEVICES_H

#include "templates/page.h"

struct devices_page {
	struct layout layout;
	const char *q;         /* the search as typed, "" if none */
	const char *state;     /* condition_word() or "" */
	const char *attention; /* "any", "error", "warning" or "" */
	const char *sort;      /* as in the URL, kept by the filter form; "" for the default */
	bool filtered;
	int64_t total;     /* matching devices */
	bool total_capped; /* there are more than total */
	struct device_row *rows;
	size_t count;
	bool with_customer; /* show the customer's column */
	struct sort_link by_name, by_state, by_supply, by_seen;
	struct pager pager;
};

#endif

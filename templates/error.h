/* SPDX-License-Identifier: Apache-2.0 */
/* error.h: an answer that is not the page that was asked for. */
#ifndef FLEETPORT_TEMPLATES_ERROR_H
#define FLEETPORT_TEMPLATES_ERROR_H

#include "templates/layout.h"

struct error_page {
	struct layout layout;
	int status;
	const char *detail;    /* a sentence for the reader */
	const char *reference; /* the request id */
};

#endif

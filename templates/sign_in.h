/* SPDX-License-Identifier: Apache-2.0 */
/* sign_in.h: GET /sign-in; its form goes to POST /session with fields "name", "password", "next".
 */
#ifndef FLEETPORT_TEMPLATES_SIGN_IN_H
#define FLEETPORT_TEMPLATES_SIGN_IN_H

#include "templates/layout.h"

struct sign_in_page {
	struct layout layout;
	const char *name;  /* what was typed, kept after an error; "" at first */
	const char *error; /* a sentence, or NULL */
	const char *next;  /* path to go to afterwards, "" for the start page */
};

#endif

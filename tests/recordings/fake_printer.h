/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_printer.h: a printer on loopback that answers SNMP as badly as it is told to. For tests only.
 */
#ifndef FLEETPORT_TESTS_RECORDINGS_FAKE_PRINTER_H
#define FLEETPORT_TESTS_RECORDINGS_FAKE_PRINTER_H

#include <stdbool.h>

struct fake_printer;

enum fake_manner {
	FAKE_GOOD,
	FAKE_SILENT,       /* never answers */
	FAKE_RUBBISH,      /* answers random octets */
	FAKE_CUT,          /* answers the first half of what is right */
	FAKE_FOREIGN,      /* answers for other OIDs than were asked */
	FAKE_LOOP,         /* a walk never gets on */
	FAKE_ENDLESS,      /* a walk never ends */
	FAKE_SMALL,        /* tooBig for more than two values */
	FAKE_OTHER_REPLY,  /* answers another request's number */
	FAKE_REFLECTS,     /* sends every request back as it came */
	FAKE_REFLECTS_TOO, /* does that, then answers */
	FAKE_REFUSES,      /* answers everything with authorizationError */
	FAKE_FORGETFUL     /* drops every other request */
};

/* Starts one with these values (a recording's text). Asserts on failure. */
struct fake_printer *fake_printer_start(const char *recording, enum fake_manner manner);
unsigned fake_printer_port(const struct fake_printer *printer);
/* How many requests came in, and how many of them could have changed something (SET). */
unsigned fake_printer_requests(struct fake_printer *printer);
unsigned fake_printer_sets(struct fake_printer *printer);
void fake_printer_stop(struct fake_printer *printer);

#endif

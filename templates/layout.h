/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h: what stands around every page. A handler fills in one of these inside its page struct;
 * guard-like helpers in cgi/ do it once for all pages of a site.
 */
#ifndef FLEETPORT_TEMPLATES_LAYOUT_H
#define FLEETPORT_TEMPLATES_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

/* Entries of the navigation; bits, so that a page shows those that its reader may open. */
enum section {
	SECTION_FLEET = 1u << 0,      /* "/" on the user site */
	SECTION_WORK = 1u << 1,       /* "/" on the support site: devices that need someone */
	SECTION_DEVICES = 1u << 2,    /* "/devices" */
	SECTION_OPERATIONS = 1u << 3, /* "/operations" */
	SECTION_AUDIT = 1u << 4,      /* "/audit" */
};

struct crumb {
	const char *text;
	const char *url; /* NULL: this page */
};

enum { LAYOUT_CRUMBS = 4 };

struct layout {
	const char *title;    /* of this page; the site's name is added */
	bool support;         /* which site this is */
	unsigned sections;    /* those the reader may open; 0 for a stranger */
	enum section section; /* the one this page is in; 0: none */
	struct crumb
	        crumbs[LAYOUT_CRUMBS]; /* ended by a NULL text; none on a section's first page */
	const char *person;            /* display name; NULL: nobody is signed in */
	const char *organisation;      /* theirs */
	bool demo;                     /* made-up data: a ribbon says so */
	bool second_factor_off;        /* the support site says so */
	bool refresh;                  /* loads anew every 5 s where there is no script */
	const char *notice;            /* one sentence about what was just done, or NULL */
};

#endif

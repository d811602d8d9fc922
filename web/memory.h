/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h: a request from a test, through the same door as from nginx.
 */
#ifndef FLEETPORT_WEB_MEMORY_H
#define FLEETPORT_WEB_MEMORY_H

#include "web/route.h"

/* Runs one request and prints the answer as HTTP text ("Status: 200 OK\r\nName: value\r\n\r\nbody")
 * into out: what a browser would get, for whole-document comparison. */
void web_memory_run(const struct web_site *site, const struct web_incoming *in, struct buf *out);

#endif

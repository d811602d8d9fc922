/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.h: what an agent read from the device before and after it acted, from the JSON that the
 * operations store keeps as it came.
 */
#ifndef FLEETPORT_CGI_EVIDENCE_H
#define FLEETPORT_CGI_EVIDENCE_H

#include "lib/arena.h"
#include "templates/operation.h"

/* One side ("before", "after") of {"before": …, "after": …}; NULL: it is not there, not readable, or
 * there is no memory for it: evidence is shown where there is some, and a page never fails for it.
 * json may be NULL. */
const struct evidence_view *evidence_read(struct arena *arena, const char *json, const char *side)
        __attribute__((nonnull(1, 3)));

#endif

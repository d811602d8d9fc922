/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moment.h: times for people, in their zone and language. Texts live in the page's arena.
 */
#ifndef FLEETPORT_TEMPLATES_MOMENT_H
#define FLEETPORT_TEMPLATES_MOMENT_H

#include "templates/out.h"

/* "just now", "3 min ago", "2 h ago", "5 days ago", "in 10 min"; beyond two weeks the date. */
const char *moment_age(struct out *out, int64_t ms);

/* Is its age told in words (true), or only by its date? */
bool moment_is_recent(const struct out *out, int64_t ms);

/* "2026-11-22 19:41" in the person's zone. */
const char *moment_local(struct out *out, int64_t ms);

/* "2026-11-22 19:41:07" in the person's zone. */
const char *moment_exact(struct out *out, int64_t ms);

/* "2026-11-22T18:41:07.123Z", for <time datetime>. */
const char *moment_machine(struct out *out, int64_t ms);

/* Reads a time of the person's zone as <input type="datetime-local"> sends it:
 * "2026-11-22T19:41", seconds may follow. false: it is none; *ms is unchanged then. */
bool moment_read(struct out *out, const char *text, int64_t *ms);

/* "Europe/Berlin (UTC+1)" as it is now. */
const char *moment_zone(struct out *out);

/* A length of time: "3 h 20 min", "45 s". */
const char *moment_length(struct out *out, int64_t seconds);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/records.h"

#define N_(text) text /* for xgettext: translated where it is printed */

const char *const records_words[RECORDS_KINDS + 1] = {
        [RECORDS_EVENTS] = "events",
        [RECORDS_JOBS] = "jobs",
        [RECORDS_CLEANINGS] = "cleanings",
        [RECORDS_MAINTENANCE] = "maintenance",
        [RECORDS_CHANGES] = "changes",
        [RECORDS_KINDS] = NULL,
};

static const struct {
	const char *title, *all;
} texts[RECORDS_KINDS] = {
        [RECORDS_EVENTS] = {N_("Events"), N_("All events")},
        [RECORDS_JOBS] = {N_("Jobs"), N_("All jobs")},
        [RECORDS_CLEANINGS] = {N_("Cleanings"), N_("All cleanings")},
        [RECORDS_MAINTENANCE] = {N_("Maintenance"), N_("All maintenance")},
        [RECORDS_CHANGES] = {N_("Changed settings"), N_("All changed settings")},
};

const char *records_title(enum records_kind kind)
{
	return (unsigned)kind < RECORDS_KINDS ? texts[kind].title : "";
}

const char *records_all(enum records_kind kind)
{
	return (unsigned)kind < RECORDS_KINDS ? texts[kind].all : "";
}

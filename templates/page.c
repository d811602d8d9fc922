/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/page.h"

#include <string.h>
#include <strings.h>

#define N_(text) text /* for xgettext: translated where it is printed */

static const char *const condition_words[CONDITIONS] = {
        [CONDITION_UNKNOWN] = "unknown",
        [CONDITION_PRINTING] = "printing",
        [CONDITION_IDLE] = "idle",
        [CONDITION_ERROR] = "error",
        [CONDITION_SILENT] = "silent",
};

const char *condition_word(enum condition condition)
{
	return condition < CONDITIONS ? condition_words[condition] : "unknown";
}

enum condition condition_from_word(const char *word)
{
	for (int i = 0; i < CONDITIONS; i++) {
		if (strcmp(condition_words[i], word) == 0)
			return (enum condition)i;
	}
	return CONDITIONS;
}

enum condition condition_of(
        const char *state, enum attention attention, int64_t seen_at, int64_t now_ms)
{
	if (seen_at < now_ms - SILENT_AFTER_MS)
		return CONDITION_SILENT;
	if (attention == ATTENTION_ERROR || strcmp(state, "stopped") == 0)
		return CONDITION_ERROR;
	if (strcmp(state, "processing") == 0)
		return CONDITION_PRINTING;
	return strcmp(state, "idle") == 0 ? CONDITION_IDLE : CONDITION_UNKNOWN;
}

bool supply_is_receptacle(const struct supply_view *supply)
{
	return strcmp(supply->class, "receptacleThatIsFilled") == 0;
}

int supply_percent(const struct supply_view *supply)
{
	int64_t capacity = supply->capacity;

	if (!supply->has_level || supply->level_state != NULL || supply->level < 0)
		return SUPPLY_UNKNOWN;
	if (capacity <= 0 && strcmp(supply->unit, "percent") == 0)
		capacity = 100;
	if (capacity <= 0)
		return SUPPLY_UNKNOWN;
	if (supply->level >= capacity)
		return 100;
	return (int)((double)supply->level * 100 / (double)capacity + 0.5);
}

/* Colours that makers write in their own ways; the first word that the name contains wins. */
static const struct {
	const char *word, *ink;
} inks[] = {
        {"light cyan", "ink-light-cyan"},
        {"light-cyan", "ink-light-cyan"},
        {"lightcyan", "ink-light-cyan"},
        {"light magenta", "ink-light-magenta"},
        {"light-magenta", "ink-light-magenta"},
        {"lightmagenta", "ink-light-magenta"},
        {"cyan", "ink-cyan"},
        {"magenta", "ink-magenta"},
        {"yellow", "ink-yellow"},
        {"orange", "ink-orange"},
        {"green", "ink-green"},
        {"violet", "ink-violet"},
        {"blue", "ink-blue"},
        {"red", "ink-red"},
        {"white", "ink-white"},
        {"gray", "ink-gray"},
        {"grey", "ink-gray"},
        {"light black", "ink-gray"},
        {"light-black", "ink-gray"},
        {"black", "ink-black"},
};

const char *supply_ink(const struct supply_view *supply)
{
	const char *color =
	        supply->color != NULL && supply->color[0] != '\0' ? supply->color : supply->name;

	if (supply_is_receptacle(supply))
		return "ink-waste";
	for (size_t i = 0; i < sizeof inks / sizeof inks[0]; i++) {
		if (strcasestr(color, inks[i].word) != NULL)
			return inks[i].ink;
	}
	return "ink-none";
}

static const struct state_words states[] = {
        {"rejected", "x-circle", "error", N_("Rejected"), N_("It was refused and did not run.")},
        {"waiting-consent", "hourglass-split", "busy", N_("Waiting for consent"),
                N_("The customer is asked first.")},
        {"queued", "hourglass-split", "busy", N_("Queued"),
                N_("It goes out as soon as the agent is connected.")},
        {"expired", "clock-history", "warning", N_("Expired"),
                N_("The agent did not connect in time. Nothing was done.")},
        {"canceled", "dash-circle", "quiet", N_("Canceled"),
                N_("It was taken back. Nothing was done.")},
        {"removed", "dash-circle", "quiet", N_("Removed"),
                N_("The right to operate this printer ended before it was sent.")},
        {"sent", "send", "busy", N_("Sent"), N_("Waiting for the agent's receipt.")},
        {"resending", "send", "busy", N_("Sending again"),
                N_("No receipt came in time; it is sent once more.")},
        {"delivered", "box-seam", "busy", N_("Delivered"),
                N_("The agent has it and has not begun yet.")},
        {"in-progress", "arrow-repeat", "busy", N_("In progress"),
                N_("The agent is working on it.")},
        {"succeeded", "check-circle", "ok", N_("Succeeded"), N_("The agent reported success.")},
        {"failed", "exclamation-octagon", "error", N_("Failed"),
                N_("The agent reported that it did not work.")},
        {"unknown", "question-circle", "warning", N_("Outcome unknown"),
                N_("It began and no result came. The printer may have done it.")},
        {"cancel-requested", "hourglass-split", "busy", N_("Canceling"),
                N_("The agent was asked to stop before it begins.")},
};

const struct state_words *execution_words(const char *state)
{
	static const struct state_words other = {
	        "", "question-circle", "quiet", N_("Another state"), ""};

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		if (strcmp(states[i].state, state) == 0)
			return &states[i];
	}
	return &other;
}

static const struct kind_words kinds[] = {
        {"get-status", "arrow-repeat", N_("Read status now"),
                N_("The agent reads the printer afresh and sends a full report. It uses no ink.")},
        {"head-cleaning", "stars", N_("Clean the print head"),
                N_("Cleans the nozzles. It uses ink, and the printer is busy meanwhile.")},
        {"diagnosis", "tools", N_("Run diagnosis"),
                N_("The printer checks itself and tells what it found. It uses no ink.")},
};

const struct kind_words *kind_words(const char *kind)
{
	static const struct kind_words other = {"", "question-circle", N_("Another operation"), ""};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	}
	return &other;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h: what several pages show: a device in a list, a supply, a problem, an operation's state.
 * Plain data; strings live as long as the request. Times are milliseconds since 1970, 0: never.
 */
#ifndef FLEETPORT_TEMPLATES_PAGE_H
#define FLEETPORT_TEMPLATES_PAGE_H

#include "templates/layout.h"

#include <stdint.h>

/* A device in one word. "Not reporting" wins over what it last said. */
enum condition {
	CONDITION_UNKNOWN, /* it reports, but not its state */
	CONDITION_PRINTING,
	CONDITION_IDLE,
	CONDITION_ERROR,
	CONDITION_SILENT, /* no report for longer than it should take */
	CONDITIONS,
};

/* How urgent: core.device.attention. */
enum attention { ATTENTION_NONE, ATTENTION_REPORT, ATTENTION_WARNING, ATTENTION_ERROR };

enum {
	SILENT_AFTER_MS = 3 * 3600 * 1000, /* seen_hour is cut to the hour: two hours and some */
	SUPPLY_UNKNOWN = -1,
};

/* state: "idle", "processing", "stopped" or "unknown"; seen_at: exact, or cut to the hour. */
enum condition condition_of(
        const char *state, enum attention attention, int64_t seen_at, int64_t now_ms);

/* "printing": what a filter in a URL calls it. condition_from_word gives CONDITIONS for others. */
const char *condition_word(enum condition condition);
enum condition condition_from_word(const char *word);

struct device_row {
	const char *id; /* "de_…" */
	const char *name;
	const char *manufacturer; /* "" if not known */
	const char *serial;       /* NULL: it has none */
	const char *group;
	const char *customer; /* NULL where all rows are one customer's */
	enum condition condition;
	enum attention attention;
	const char *reason; /* the most urgent keyword, "" if none */
	int lowest_supply;  /* percent, or SUPPLY_UNKNOWN */
	int64_t seen_at;    /* last report */
};

/* RFC 3805 supply, as telemetry has it. */
struct supply_view {
	const char *name;
	const char *class; /* "supplyThatIsConsumed", "receptacleThatIsFilled" */
	const char *type;  /* "ink", "wasteInk" … */
	const char *color; /* colorant, NULL if none */
	const char
	        *level_state; /* "some-remaining", "unknown", "unrestricted"; NULL: level counts */
	const char *resolution; /* "exact", "coarse", "none" */
	const char *unit;
	int64_t level, capacity; /* capacity 0: not known */
	bool has_level;
	int64_t changed_at;   /* when it last changed */
	const char *serial;   /* of the cartridge, or NULL */
	int64_t installed_at; /* 0: not told */
};

/* Percent of a supply (for a receptacle: of the room that is left), or SUPPLY_UNKNOWN. */
int supply_percent(const struct supply_view *supply);
bool supply_is_receptacle(const struct supply_view *supply);
/* The style sheet's class for its colour: "ink-cyan" …, "ink-none". */
const char *supply_ink(const struct supply_view *supply);

struct problem {
	enum attention severity;
	const char *keyword; /* IPP printer-state-reason, without suffix; NULL: only a code */
	const char *code;    /* the device's own, or NULL */
	const char *text;    /* the device's own words, or NULL */
	int64_t since;       /* 0: not known */
};

/* What a keyword means and what to do, in English, for out_translate(); never NULL. remedy may be
 * "". A keyword that is not in the table gives NULL. */
struct reason_words {
	const char *keyword;
	const char *sentence;
	const char *remedy;
};
const struct reason_words *reason_find(const char *keyword);

/* The keyword that a device's code stands for, or NULL. */
const char *reason_of_code(const char *code);

/* An execution's state as a person sees it: one row a state of operations-001.sql. */
struct state_words {
	const char *state;
	const char *icon;
	const char *tone; /* "ok", "busy", "warning", "error", "quiet" */
	const char *text;
	const char *meaning;
};
/* Never NULL: an unknown state gets words that say so. */
const struct state_words *execution_words(const char *state);

/* A kind of operation as a person sees it. Never NULL. */
struct kind_words {
	const char *kind;
	const char *icon;
	const char *text;
	const char *meaning;
};
const struct kind_words *kind_words(const char *kind);

struct operation_row {
	const char *id; /* of the request: "rq_…" */
	const char *kind;
	const char *state; /* of its one execution */
	const char *device_id, *device;
	const char *serial;   /* NULL: it has none */
	const char *customer; /* NULL: not shown */
	const char *person;   /* who asked */
	const char *purpose;
	int64_t created_at;
};

/* Is there a text at all? */
static inline bool is_told(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* Page links of a list; NULL: there is none. */
struct pager {
	const char *first, *previous, *next;
};

/* The sort links of a column: where it leads, and how it is sorted now ("ascending" …, or NULL). */
struct sort_link {
	const char *url;
	const char *now;
};

#endif

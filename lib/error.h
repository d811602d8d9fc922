/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h: what went wrong, for the program and for the reader.
 *
 * A function that can fail returns false (or NULL) and fills in the `struct err` it was given: a
 * code that callers branch on, and a sentence that says what is wrong and what to do. Each level
 * may put its own context in front with err_wrap(). A `struct err` holds no resources; it may be
 * copied. The text never carries secrets or personal data.
 */
#ifndef FLEETPORT_LIB_ERROR_H
#define FLEETPORT_LIB_ERROR_H

#include <stdbool.h>

enum err_code {
	ERR_NONE = 0,
	ERR_INVALID,     /* the input is at fault; trying again with it will not help (400, 422) */
	ERR_NOT_FOUND,   /* no such thing, or not for you (404) */
	ERR_DENIED,      /* known, but not allowed (403) */
	ERR_CONFLICT,    /* the state of things forbids it (409) */
	ERR_LIMIT,       /* a stated maximum was reached (413, 429) */
	ERR_BUSY,        /* a bounded wait ran out; trying again later may help (503) */
	ERR_UNAVAILABLE, /* a process or peer that is needed is away (503) */
	ERR_IO,          /* the operating system or the network failed */
	ERR_CORRUPT,     /* stored data is not what was written; stop and alarm */
	ERR_MEMORY,      /* out of memory, or an arena's limit */
	ERR_CONFIG,      /* the configuration is at fault (exit 78) */
	ERR_INTERNAL,    /* a fault of ours */
};

struct err {
	enum err_code code;
	char text[384]; /* UTF-8, NUL-terminated, cut at the end if too long */
};

#define ERR_CLEAR ((struct err){.code = ERR_NONE})

/* Sets code and text. Always returns false, so that `return err_set(…)` reads well.
 * e may be NULL (the caller does not care). */
bool err_set(struct err *e, enum err_code code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text; the code stays. Always returns false. e may be NULL. */
bool err_wrap(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets code ERR_IO (ERR_MEMORY for ENOMEM) and "context: <strerror(errno)>". Always returns false.
 */
bool err_errno(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The code's name for logs: "invalid", "not-found", … Never NULL. */
const char *err_name(enum err_code code);

/* The exit status for a program that ends with this code (sysexits.h). */
int err_exit_status(enum err_code code);

#endif

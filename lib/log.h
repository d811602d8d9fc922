/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h: one line an event, to standard error, in journald's form: "<6>event key=value key=\"two
 * words\"".
 *
 * Values are escaped here (control characters, quotes, invalid UTF-8), so that no input can forge a
 * line. Never hand over a secret or personal data: log ids. Safe from any thread; a line is one
 * write.
 */
#ifndef FLEETPORT_LIB_LOG_H
#define FLEETPORT_LIB_LOG_H

/* Values are syslog's (RFC 5424, 6.2.1). */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Lines above this level are not written. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Pairs of key and value, ended by NULL: log_event(LOG_LEVEL_INFO, "started", "socket", path,
 * NULL). A NULL value ends the list early, so hand over "" for "nothing". */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* A number as text in a buffer of the caller's, for use as a value. Returns buffer. */
const char *log_number(char buffer[24], long long number);

#endif

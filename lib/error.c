/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

bool err_set(struct err *e, enum err_code code, const char *format, ...)
{
	va_list args;

	if (e == NULL)
		return false;
	e->code = code;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	return false;
}

bool err_wrap(struct err *e, const char *format, ...)
{
	char old[sizeof e->text];
	va_list args;
	size_t used;

	if (e == NULL)
		return false;
	memcpy(old, e->text, sizeof old);
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof e->text - used, ": %s", old);
	return false;
}

bool err_errno(struct err *e, const char *format, ...)
{
	int number = errno;
	char reason[128];
	va_list args;
	size_t used;

	if (e == NULL)
		return false;
	e->code = number == ENOMEM ? ERR_MEMORY : ERR_IO;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof e->text - used, ": %s",
	        strerror_r(number, reason, sizeof reason));
	return false;
}

static const char *const names[] = {
        [ERR_NONE] = "none",
        [ERR_INVALID] = "invalid",
        [ERR_NOT_FOUND] = "not-found",
        [ERR_DENIED] = "denied",
        [ERR_CONFLICT] = "conflict",
        [ERR_LIMIT] = "limit",
        [ERR_BUSY] = "busy",
        [ERR_UNAVAILABLE] = "unavailable",
        [ERR_IO] = "io",
        [ERR_CORRUPT] = "corrupt",
        [ERR_MEMORY] = "memory",
        [ERR_CONFIG] = "config",
        [ERR_INTERNAL] = "internal",
};

const char *err_name(enum err_code code)
{
	if ((size_t)code >= sizeof names / sizeof names[0])
		return "unknown";
	return names[code];
}

int err_exit_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return EX_OK;
	case ERR_INVALID:
	case ERR_LIMIT:
	case ERR_CONFLICT:
		return EX_DATAERR;
	case ERR_NOT_FOUND:
		return EX_NOUSER;
	case ERR_DENIED:
		return EX_NOPERM;
	case ERR_BUSY:
	case ERR_UNAVAILABLE:
		return EX_TEMPFAIL;
	case ERR_IO:
	case ERR_CORRUPT:
		return EX_IOERR;
	case ERR_MEMORY:
		return EX_OSERR;
	case ERR_CONFIG:
		return EX_CONFIG;
	case ERR_INTERNAL:
		break;
	}
	return EX_SOFTWARE;
}

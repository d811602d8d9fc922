/* SPDX-License-Identifier: Apache-2.0 */
/* os_linux.c: os.h by /etc/os-release (man os-release). */
#include "agents/os.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { VALUE_SIZE = 128 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char name[VALUE_SIZE], version[VALUE_SIZE];

/* The value of a "KEY=value" line, without its quotes. */
static void take(const char *line, const char *key, char out[VALUE_SIZE])
{
	size_t n = strlen(key), len;

	if (strncmp(line, key, n) != 0 || line[n] != '=')
		return;
	line += n + 1;
	len = strcspn(line, "\r\n");
	if (len >= 2 && (*line == '"' || *line == '\'') && line[len - 1] == *line) {
		line++;
		len -= 2;
	}
	if (len < VALUE_SIZE)
		snprintf(out, VALUE_SIZE, "%.*s", (int)len, line);
}

static void describe(void)
{
	FILE *f = fopen("/etc/os-release", "r");
	struct utsname system;
	char line[256];

	while (f && fgets(line, sizeof line, f)) {
		take(line, "NAME", name);
		take(line, "VERSION_ID", version);
	}
	if (f)
		fclose(f);
	if (!name[0] && uname(&system) == 0) {
		snprintf(name, sizeof name, "%.100s", system.sysname);
		snprintf(version, sizeof version, "%.100s", system.release);
	}
}

struct os os_describe(void)
{
	pthread_once(&once, describe);
	return (struct os){.name = name, .version = version, .product_type = "server"};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_libraries.c: which versions of what we build on are installed, and what protects against
 * their known faults. Debian mends faults without changing the upstream version, so the package's
 * full version is what counts; it is read from dpkg's list.
 */
#include "cli/doctor.h"

#include "lib/file.h"
#include "lib/parse.h"

#include <string.h>

enum { STATUS_MAX = 64 << 20 };

static const struct library {
	const char *package;
	const char *base; /* Debian 12's version up to its security number */
	int64_t least;    /* the number that has the fixes we count on */
	const char *protection;
} libraries[] = {
        {"libcjson1", "1.7.15-1+deb12u", 4, "lax parser: lib/json refuses what it lets pass"},
        {"libcurl4", "7.88.1-10+deb12u", 15, "https alone, no redirects, bounded sizes and times"},
        {"libfcgi0ldbl", "2.4.2-2+deb12u", 1,
                "no time-outs, cut-off requests: own accept, peer check, errors checked"},
        {"libmosquitto1", "2.0.11-1.2+deb12u", 2,
                "its thread ends on TLS errors: own loop with a watchdog, outbox decides"},
        {"libsodium23", "1.0.18-1+deb12u", 1, "only high-level calls are used"},
        {"libsqlite3-0", "3.40.1-2+deb12u", 2,
                "WAL-reset corruption: every write and checkpoint under one flock"},
        {"libssl3", "3.0.22-1~deb12u", 2, "TLS 1.2 or later"},
        {"mosquitto", "2.0.11-1.2+deb12u", 2,
                "on a unix socket behind nginx; client certificates; plugin for revocation"},
        {"nginx", "1.22.1-9+deb12u", 11,
                "TLS 1.2 or later, limits on headers, bodies and times; no cached FastCGI"
                " connections"},
};

/* The value of a field in a package's paragraph, into out; false: it has none. */
static bool field(const char *from, const char *end, const char *name, char out[128])
{
	size_t len = strlen(name);

	for (const char *line = from; line != NULL && line < end; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, name, len) == 0) {
			size_t size = strcspn(line + len, "\n");

			if (size >= 128)
				return false;
			memcpy(out, line + len, size);
			out[size] = '\0';
			return true;
		}
	}
	return false;
}

/* The installed version of a package in dpkg's list. */
static bool installed(const char *list, const char *package, char version[128])
{
	char name[128], status[128];

	for (const char *at = list; at != NULL && *at != '\0';) {
		const char *end = strstr(at, "\n\n");
		const char *stop = end != NULL ? end + 1 : at + strlen(at);

		if (field(at, stop, "Package: ", name) && strcmp(name, package) == 0 &&
		        field(at, stop, "Status: ", status) &&
		        strcmp(status, "install ok installed") == 0)
			return field(at, stop, "Version: ", version);
		at = end != NULL ? end + 2 : NULL;
	}
	return false;
}

static void judge(struct doctor *d, const struct library *l, const char *version)
{
	size_t len = strlen(l->base);
	int64_t number = 0;

	if (strncmp(version, l->base, len) != 0)
		doctor_say(d, l->package, FINDING_OK, NULL,
		        "%s (not the version that was tested); %s", version, l->protection);
	else if (!parse_int(version + len, 0, 100000, &number) || number < l->least)
		doctor_say(d, l->package, FINDING_WARNING, "apt update && apt upgrade",
		        "%s lacks security fixes (%s%lld has them)", version, l->base,
		        (long long)l->least);
	else
		doctor_say(d, l->package, FINDING_OK, NULL, "%s; %s", version, l->protection);
}

void doctor_libraries(struct doctor *d)
{
	struct buf list = BUF_INIT(STATUS_MAX);
	struct err e = ERR_CLEAR;

	if (!file_read("/var/lib/dpkg/status", &list, &e)) {
		doctor_say(d, "libraries", FINDING_WARNING,
		        "compare their versions with docs/ by hand", "no list of packages: %s",
		        e.text);
		doctor_say(d, "libraries", FINDING_OK, NULL, "%s", sql_engine());
		buf_free(&list);
		return;
	}
	for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
		char version[128];

		if (installed(buf_text(&list), libraries[i].package, version))
			judge(d, &libraries[i], version);
		else
			doctor_say(d, libraries[i].package, FINDING_WARNING,
			        "compare its version with Debian's security notices by hand",
			        "not installed as a package on this machine");
	}
	buf_free(&list);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snmprec.h: a recording in snmpsim's form (OID|TAG|VALUE) as a source of SNMP values, without a
 * network. For tests only.
 */
#ifndef FLEETPORT_TESTS_RECORDINGS_SNMPREC_H
#define FLEETPORT_TESTS_RECORDINGS_SNMPREC_H

#include "agents/dc/collect.h"

enum { SNMPREC_ARENA = 64 * 1024 * 1024 };

/* Reads text[0..len) into mib. Lines that are no such record are skipped. False: no memory. */
bool snmprec_read(const char *text, size_t len, struct mib *mib);

/* A source over a text or file. NULL: *e. Close with source->close(). */
struct snmp_source *snmprec_source(const char *text, size_t len, struct err *e);
struct snmp_source *snmprec_open_file(const char *path, struct err *e);

/* A collect_open: arg is the folder; the entry's community names the file, "community@context" that
 * of a context. ERR_UNAVAILABLE where there is none, as a device with another community. */
struct snmp_source *snmprec_collect_open(
        void *arg, const struct device_entry *entry, const char *context, struct err *e);

/* The device list of a folder: an entry a recording, in name order, "@" files as contexts of those
 * that they belong to. False: no such folder, or no memory. */
bool snmprec_list(const char *folder, struct arena *arena, struct device_list *out);

#endif

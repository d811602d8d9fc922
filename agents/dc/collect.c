/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dc/collect.h"

#include "lib/crypto.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MIB_ARENA = 24 * 1024 * 1024 };

/* Asked first: who does not answer this is not there. */
static const char *const first_oids[] = {
        "1.3.6.1.2.1.1.1.0", /* sysDescr */
        "1.3.6.1.2.1.1.2.0", /* sysObjectID */
        "1.3.6.1.2.1.1.3.0", /* sysUpTime */
};

/* Single values of makers: IEEE 1284 ids, serial numbers, firmware, Epson's status block. */
static const char *const vendor_oids[] = {
        "1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1",
        "1.3.6.1.4.1.11.2.3.9.1.1.7.0",
        "1.3.6.1.4.1.1248.1.2.2.1.1.1.1.1",
        "1.3.6.1.4.1.641.2.1.2.1.3.1",
        "1.3.6.1.4.1.367.3.2.1.1.1.11.0",
        "1.3.6.1.4.1.10642.1.3.0",
        "1.3.6.1.4.1.128.2.1.3.1.2.0",
        "1.3.6.1.4.1.1248.1.2.2.1.1.1.4.1",
        "1.3.6.1.4.1.1248.1.2.2.1.1.1.5.1",
        "1.3.6.1.4.1.1248.1.2.2.2.1.1.2.1.1",
        "1.3.6.1.4.1.1248.1.2.2.2.1.1.2.1.2",
        "1.3.6.1.4.1.1248.1.2.2.2.1.1.2.1.4",
        "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0",
        "1.3.6.1.4.1.1347.43.5.1.1.28.1",
        "1.3.6.1.4.1.1347.43.5.4.1.5.1.1",
        "1.3.6.1.4.1.367.3.2.1.2.1.4.0",
        "1.3.6.1.4.1.367.3.2.1.1.1.2.0",
        "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.0",
};

/* Column by column: of a table that is cut, each row that is there is whole. */
static const struct part {
	const char *root;
	size_t rows;
	bool optional; /* some devices fall silent there: go on without it */
	bool context;  /* read under the entry's context too */
} parts[] = {
        {"1.3.6.1.2.1.25.3.2.1.2", 256, false, false}, /* hrDeviceType */
        {"1.3.6.1.2.1.25.3.2.1.3", 256, false, false}, /* hrDeviceDescr */
        {"1.3.6.1.2.1.25.3.2.1.5", 256, false, false}, /* hrDeviceStatus */
        {"1.3.6.1.2.1.25.3.5.1.1", 32, false, false},  /* hrPrinterStatus */
        {"1.3.6.1.2.1.25.3.5.1.2", 32, false, false},  /* hrPrinterDetectedErrorState */
        {"1.3.6.1.2.1.2.2.1.3", 128, false, false},    /* ifType */
        {"1.3.6.1.2.1.2.2.1.6", 128, false, false},    /* ifPhysAddress */
        {"1.3.6.1.2.1.43.5.1.1.2", 32, false, false},  /* prtGeneralCurrentLocalization */
        {"1.3.6.1.2.1.43.5.1.1.16", 32, false, true},  /* prtGeneralPrinterName */
        {"1.3.6.1.2.1.43.5.1.1.17", 32, false, true},  /* prtGeneralSerialNumber */
        {"1.3.6.1.2.1.43.7.1.1.4", 128, true, false},  /* prtLocalizationCharacterSet */
        {"1.3.6.1.2.1.43.10.2.1.3", 64, false, true},  /* prtMarkerCounterUnit */
        {"1.3.6.1.2.1.43.10.2.1.4", 64, false, true},  /* prtMarkerLifeCount */
        {"1.3.6.1.2.1.43.11.1.1.3", REPORT_SUPPLIES_MAX, false,
                true}, /* prtMarkerSuppliesColorantIndex */
        {"1.3.6.1.2.1.43.11.1.1.4", REPORT_SUPPLIES_MAX, false, true}, /* prtMarkerSuppliesClass */
        {"1.3.6.1.2.1.43.11.1.1.5", REPORT_SUPPLIES_MAX, false, true}, /* prtMarkerSuppliesType */
        {"1.3.6.1.2.1.43.11.1.1.6", REPORT_SUPPLIES_MAX, false,
                true}, /* prtMarkerSuppliesDescription */
        {"1.3.6.1.2.1.43.11.1.1.7", REPORT_SUPPLIES_MAX, false,
                true}, /* prtMarkerSuppliesSupplyUnit */
        {"1.3.6.1.2.1.43.11.1.1.8", REPORT_SUPPLIES_MAX, false,
                true}, /* prtMarkerSuppliesMaxCapacity */
        {"1.3.6.1.2.1.43.11.1.1.9", REPORT_SUPPLIES_MAX, false, true}, /* prtMarkerSuppliesLevel */
        {"1.3.6.1.2.1.43.12.1.1.4", 128, false, true},                 /* prtMarkerColorantValue */
        {"1.3.6.1.2.1.43.18.1.1.2", 128, false, true},                 /* prtAlertSeverityLevel */
        {"1.3.6.1.2.1.43.18.1.1.7", 128, false, true},                 /* prtAlertCode */
        {"1.3.6.1.2.1.43.18.1.1.8", 128, false, true},                 /* prtAlertDescription */
        {"1.3.6.1.2.1.47.1.1.1.1.9", 64, true, false},                 /* entPhysicalFirmwareRev */
        {"1.3.6.1.2.1.47.1.1.1.1.10", 64, true, false},                /* entPhysicalSoftwareRev */
        {"1.3.6.1.2.1.47.1.1.1.1.11", 64, true, false},                /* entPhysicalSerialNum */
};

static bool get_list(struct snmp_source *source, const char *const *names, size_t count,
        struct mib *to, struct err *e)
{
	struct oid oids[SNMP_GET_MAX];

	for (size_t at = 0; at < count; at += SNMP_GET_MAX) {
		size_t n = count - at < SNMP_GET_MAX ? count - at : SNMP_GET_MAX;

		for (size_t i = 0; i < n; i++) {
			if (!oid_parse(names[at + i], &oids[i]))
				return err_set(e, ERR_INTERNAL, "a name in the table is no OID");
		}
		if (!source->get(source, oids, n, to, e))
			return false;
	}
	return true;
}

/* A device that answers with an error does not have this part; one that falls silent, or says more
 * than there is room for, is not told half of. */
static bool read_part(
        struct snmp_source *source, const struct part *part, struct mib *to, struct err *e)
{
	struct err why = ERR_CLEAR;
	struct oid root;

	if (!oid_parse(part->root, &root))
		return err_set(e, ERR_INTERNAL, "a name in the table is no OID");
	if (source->walk(source, &root, part->rows, to, &why) || why.code == ERR_IO)
		return true;
	if (part->optional && why.code == ERR_UNAVAILABLE)
		return true;
	if (e)
		*e = why;
	return false;
}

static bool read_values(
        struct snmp_source *source, bool only_context, struct mib *to, struct err *e)
{
	struct err why = ERR_CLEAR;

	if (!get_list(source, first_oids, sizeof first_oids / sizeof first_oids[0], to, e))
		return false;
	if (!get_list(source, vendor_oids, sizeof vendor_oids / sizeof vendor_oids[0], to, &why) &&
	        why.code != ERR_IO) {
		if (e)
			*e = why;
		return false;
	}
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if ((!only_context || parts[i].context) && !read_part(source, &parts[i], to, e))
			return false;
	}
	return true;
}

static struct snmp_source *open_snmp(
        void *arg, const struct device_entry *entry, const char *context, struct err *e)
{
	char community[600];
	struct snmp_target target = {.address = entry->address,
	        .port = entry->port,
	        .version = entry->version,
	        .community = community,
	        .timeout_ms = entry->timeout_ms,
	        .retries = entry->retries,
	        .deadline_ms = COLLECT_DEADLINE_MS};
	struct snmp_source *source;
	int n = snprintf(community, sizeof community, "%s%s%s", entry->community,
	        context ? "@" : "", context ? context : "");

	(void)arg;
	if (n < 0 || (size_t)n >= sizeof community) {
		err_set(e, ERR_CONFIG, "community and context are too long");
		return NULL;
	}
	source = snmp_source_open(&target, e);
	crypto_wipe(community, sizeof community);
	return source;
}

static bool read_source(const struct collect *c, const struct device_entry *entry,
        const char *context, struct mib *to, struct err *e)
{
	struct snmp_source *source = c->open ? c->open(c->open_arg, entry, context, e)
	                                     : open_snmp(NULL, entry, context, e);
	bool ok;

	if (!source)
		return false;
	ok = read_values(source, context != NULL, to, e);
	source->close(source);
	return ok;
}

static bool check_serial(
        const struct device_entry *entry, const struct report_device *device, struct err *e)
{
	if (!entry->expect_serial)
		return true;
	if (!device->serial_number)
		return err_set(e, ERR_CONFLICT,
		        "another device? serial number %s is expected, it tells none",
		        entry->expect_serial);
	if (strcasecmp(device->serial_number, entry->expect_serial) != 0)
		return err_set(e, ERR_CONFLICT,
		        "another device: serial number %s is expected, it says %s",
		        entry->expect_serial, device->serial_number);
	return true;
}

static bool read_device(const struct collect *c, const struct device_entry *entry,
        struct arena *values, struct collect_result *result)
{
	struct mib *mib = mib_new(values);
	struct err *e = &result->why;

	result->arena = arena_new(COLLECT_ARENA);
	if (!mib || !result->arena)
		return err_set(e, ERR_MEMORY, "no memory to read a device");
	if (!read_source(c, entry, NULL, mib, e) ||
	        (entry->context && !read_source(c, entry, entry->context, mib, e)))
		return false;
	if (!device_fill(mib, result->arena, c->agent_id, entry->id, &result->device))
		return err_set(e, ERR_MEMORY, "says more than there is room for");
	result->device.acquired_at =
	        (struct report_int){true, clock_wall_ms(c->clock) + c->clock_offset_ms};
	result->device.group = entry->group;
	return check_serial(entry, &result->device, e);
}

bool collect_one(
        const struct collect *c, const struct device_entry *entry, struct collect_result *result)
{
	struct arena *values = arena_new(MIB_ARENA);

	*result = (struct collect_result){.why = ERR_CLEAR};
	if (!values)
		return err_set(&result->why, ERR_MEMORY, "no memory to read a device");
	result->ok = read_device(c, entry, values, result);
	arena_free(values);
	return result->ok;
}

/* ---- many side by side */

struct work {
	const struct collect *collect;
	const struct device_list *list;
	struct collect_result *results;
	const _Atomic bool *stop;
	_Atomic size_t next;
};

static void *work_on(void *arg)
{
	struct work *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->list->count) {
		if (w->stop && atomic_load(w->stop))
			err_set(&w->results[i].why, ERR_BUSY, "not asked: the agent is stopping");
		else
			collect_one(w->collect, &w->list->entries[i], &w->results[i]);
	}
	return NULL;
}

void collect_all(const struct collect *c, const struct device_list *list,
        struct collect_result *results, const _Atomic bool *stop)
{
	struct work work = {.collect = c, .list = list, .results = results, .stop = stop};
	pthread_t threads[COLLECT_AT_ONCE];
	size_t wanted = list->count < COLLECT_AT_ONCE ? list->count : COLLECT_AT_ONCE, started = 0;

	for (size_t i = 0; i < list->count; i++)
		results[i] = (struct collect_result){.why = ERR_CLEAR};
	while (started + 1 < wanted && pthread_create(&threads[started], NULL, work_on, &work) == 0)
		started++;
	work_on(&work); /* the caller helps: even without threads all are read */
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

size_t collect_drop_doubles(const struct device_list *list, struct collect_result *results)
{
	size_t dropped = 0;

	for (size_t i = 1; i < list->count; i++) {
		for (size_t k = 0; results[i].ok && k < i; k++) {
			const struct report_device *a = &results[k].device, *b = &results[i].device;

			if (!results[k].ok || a->identity_kind != b->identity_kind ||
			        strcmp(a->identity, b->identity) != 0)
				continue;
			err_set(&results[i].why, ERR_CONFLICT,
			        "the same device as [%s] (%s): reported once", list->entries[k].id,
			        a->identity);
			results[i].ok = false;
			dropped++;
		}
	}
	return dropped;
}

void collect_free(struct collect_result *result)
{
	arena_free(result->arena);
	*result = (struct collect_result){0};
}

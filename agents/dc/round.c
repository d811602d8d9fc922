/* SPDX-License-Identifier: Apache-2.0 */
/* round.c: all devices of the list, read and put into the spool. */
#include "agents/dc/dc.h"
#include "agents/os.h"
#include "agents/report_id.h"
#include "lib/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t offset_of(struct dc *dc)
{
	int64_t offset;

	return dc->uplink && uplink_offset(dc->uplink, &offset) ? offset : 0;
}

static bool print_report(const struct report *report, struct err *e)
{
	struct buf text = BUF_INIT((size_t)4 * REPORT_BYTES_MAX);
	bool ok = report_write_indented(report, &text, e);

	if (ok && (puts(buf_text(&text)) < 0 || fflush(stdout) != 0))
		ok = err_errno(e, "standard output");
	buf_free(&text);
	return ok;
}

bool dc_store(struct dc *dc, int collection, struct report_device *devices, size_t count,
        bool print, char report_id[37], struct err *e)
{
	int64_t now = clock_wall_ms(dc->clock) + offset_of(dc);
	struct os os = os_describe();
	struct report report = {.id = report_id_new(now, report_id),
	        .devices = devices,
	        .device_count = count,
	        .agent = {.id = dc->agent_id,
	                .type = REPORT_AGENT_DC,
	                .version = dc->version,
	                .collection = collection,
	                .sent_at = {true, now},
	                .os_name = os.name,
	                .os_version = os.version,
	                .os_product = REPORT_SERVER}};
	struct buf text = BUF_INIT(REPORT_BYTES_MAX);
	bool ok;

	if (print && !print_report(&report, e))
		return false;
	ok = report_write(&report, &text, e) &&
	     (!dc->spool || spool_put(dc->spool, report_id, text.data, text.len, e));
	buf_free(&text);
	return ok;
}

/* One line an entry: collected, skipped or failed, and why. */
static void say(struct dc *dc, size_t i, const struct collect_result *r, struct dc_round *round)
{
	const struct device_entry *entry = &dc->list.entries[i];
	bool skipped = !r->ok && (r->why.code == ERR_CONFLICT || r->why.code == ERR_BUSY);

	if (r->ok) {
		round->collected++;
		log_event(LOG_LEVEL_INFO, "device-collected", "entry", entry->id, "maker",
		        r->device.manufacturer ? r->device.manufacturer : "-", "model",
		        r->device.model ? r->device.model : "-", "identity",
		        report_identity_kind_name(r->device.identity_kind), "state",
		        report_state_name(r->device.state), NULL);
	} else {
		*(skipped ? &round->skipped : &round->failed) += 1;
		log_event(LOG_LEVEL_WARNING, skipped ? "device-skipped" : "device-failed", "entry",
		        entry->id, "address", entry->address, "why", r->why.text, NULL);
	}
}

static bool remember(struct dc *dc, const struct collect_result *results)
{
	struct err e = ERR_CLEAR;

	if (!dc->known)
		return true;
	for (size_t i = 0; i < dc->list.count; i++) {
		const struct report_device *d = &results[i].device;

		if (results[i].ok &&
		        !known_set(dc->known, dc->list.entries[i].id,
		                report_identity_kind_name(d->identity_kind), d->identity))
			return false;
	}
	if (!known_save(dc->known, &e))
		log_event(LOG_LEVEL_WARNING, "known-devices-not-saved", "why", e.text, NULL);
	return true;
}

static bool store_all(struct dc *dc, int collection, bool print,
        const struct collect_result *results, struct err *e)
{
	struct report_device *devices = calloc(DC_DEVICES_A_REPORT, sizeof *devices);
	char report_id[37];
	size_t count = 0;
	bool ok = devices || err_set(e, ERR_MEMORY, "no memory for a report");

	for (size_t i = 0; ok && i < dc->list.count; i++) {
		if (!results[i].ok)
			continue;
		devices[count++] = results[i].device;
		if (count == DC_DEVICES_A_REPORT) {
			ok = dc_store(dc, collection, devices, count, print, report_id, e);
			count = 0;
		}
	}
	if (ok && count > 0)
		ok = dc_store(dc, collection, devices, count, print, report_id, e);
	free(devices);
	return ok;
}

bool dc_round(struct dc *dc, int collection, bool print, struct dc_round *round, struct err *e)
{
	struct collect collect = {.agent_id = dc->agent_id,
	        .clock = dc->clock,
	        .clock_offset_ms = offset_of(dc),
	        .open = dc->open,
	        .open_arg = dc->open_arg};
	struct collect_result *results =
	        calloc(dc->list.count ? dc->list.count : 1, sizeof *results);
	bool ok;

	*round = (struct dc_round){0};
	if (!results)
		return err_set(e, ERR_MEMORY, "no memory for a round");
	collect_all(&collect, &dc->list, results, &dc->stop);
	collect_drop_doubles(&dc->list, results);
	for (size_t i = 0; i < dc->list.count; i++)
		say(dc, i, &results[i], round);
	ok = store_all(dc, collection, print, results, e);
	if (!remember(dc, results))
		ok = ok && err_set(e, ERR_MEMORY, "no memory for the known devices");
	for (size_t i = 0; i < dc->list.count; i++)
		collect_free(&results[i]);
	free(results);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gallery FOLDER: every page in every state that a live instance may not be in just now, rendered from
 * made-up data into FOLDER/NAME.html, for the browser tests to look at.
 */
#include "templates/audit.html.h"
#include "templates/device.html.h"
#include "templates/devices.html.h"
#include "templates/error.html.h"
#include "templates/fleet.html.h"
#include "templates/operation.html.h"
#include "templates/records.html.h"
#include "templates/sign_in.html.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ARENA = 4 << 20, PAGE_MAX = 4 << 20 };

static const int64_t now = 1795374000000; /* 2026-11-22T19:00:00Z */
static const int64_t minute = 60000, hour = 3600000, day = 86400000;

static const char *folder;
static struct arena *arena;
static struct buf body = {.max = PAGE_MAX};

static struct out make_out(void)
{
	return (struct out){.body = &body,
	        .arena = arena,
	        .language = "en",
	        .time_zone = "Europe/Berlin",
	        .csrf = "dGVzdA",
	        .now_ms = now};
}

static bool save(const char *name)
{
	char path[4096];
	FILE *file;
	bool ok;

	if (body.failed || snprintf(path, sizeof path, "%s/%s.html", folder, name) < 0)
		return false;
	file = fopen(path, "we");
	if (file == NULL) {
		perror(path);
		return false;
	}
	ok = fwrite(body.data, 1, body.len, file) == body.len;
	ok = fclose(file) == 0 && ok;
	buf_reset(&body);
	arena_reset(arena);
	return ok;
}

static struct layout user(const char *title, enum section section)
{
	return (struct layout){.title = title,
	        .sections = SECTION_FLEET | SECTION_DEVICES,
	        .section = section,
	        .person = "Mina Okafor",
	        .organisation = "Harbour Prints",
	        .demo = true};
}

static struct layout support(const char *title, enum section section)
{
	return (struct layout){.title = title,
	        .support = true,
	        .sections = SECTION_WORK | SECTION_DEVICES | SECTION_OPERATIONS | SECTION_AUDIT,
	        .section = section,
	        .person = "Jonas Lindqvist",
	        .organisation = "Nordic Print Service",
	        .second_factor_off = true,
	        .demo = true};
}

static struct device_row devices[] = {
        {"de_1", "Aurora P900 Wide Format", "Northlight", "NL900-00172", "Shop floor",
                "Harbour Prints", CONDITION_ERROR, ATTENTION_ERROR, "marker-ink-empty", 0,
                1795374000000 - 4 * 60000},
        {"de_2", "Aurora P400", "Northlight", "NL400-01833", "Shop floor", "Harbour Prints",
                CONDITION_PRINTING, ATTENTION_WARNING, "marker-ink-almost-empty", 8,
                1795374000000 - 2 * 60000},
        {"de_3", "Meridian 24 Proof", "Northlight", NULL, "Studio", "Harbour Prints",
                CONDITION_IDLE, ATTENTION_NONE, "", 64, 1795374000000 - 3 * 60000},
        {"de_4", "Meridian 44 <Proof> & \"Co\"", "Kestrel Imaging", "KI-44-7781", "Studio",
                "Harbour Prints", CONDITION_SILENT, ATTENTION_NONE, "", 41,
                1795374000000 - 53 * 3600000LL},
        {"de_5", "Office jet", "", "X1", "Default", "City Library", CONDITION_UNKNOWN,
                ATTENTION_NONE, "", SUPPLY_UNKNOWN, 1795374000000 - 3600000},
        {"de_6", "Tessera T3 with a rather long name that has to find its place", "Kestrel Imaging",
                "KI-T3-000000000017", "A group with a long name, second floor, back room",
                "City Library", CONDITION_ERROR, ATTENTION_ERROR, "media-jam", 77,
                1795374000000 - 61 * 60000},
        {"de_7", "Tessera T5", "Kestrel Imaging", "KI-T5-19", "Default", "City Library",
                CONDITION_IDLE, ATTENTION_WARNING, "some-vendor-keyword", 100,
                1795374000000 - 8 * 60000},
};

static bool sign_in_pages(void)
{
	struct out out = make_out();
	struct sign_in_page p = {
	        .layout = {.title = "Sign in", .demo = true}, .name = "", .next = ""};

	page_sign_in(&out, &p);
	if (!save("sign-in"))
		return false;
	p.layout.support = true;
	p.layout.second_factor_off = true;
	p.name = "mina \"><script>";
	p.error = "The name or the password is wrong. Try again.";
	p.next = "/devices?state=error";
	page_sign_in(&out, &p);
	return save("sign-in-error");
}

static bool error_pages(void)
{
	struct out out = make_out();
	struct error_page p = {.layout = user("Not found", 0),
	        .status = 404,
	        .detail = "There is no such page.",
	        .reference = "8c1f0d4be2a94ad0b6a3d7f5c9e01234"};

	page_error(&out, &p);
	if (!save("error-404"))
		return false;
	p.layout = (struct layout){.title = "Service unavailable"};
	p.status = 503;
	p.detail = "The audit log cannot be written just now, so no data is shown. Try again soon.";
	page_error(&out, &p);
	return save("error-503");
}

static bool fleet_pages(void)
{
	struct out out = make_out();
	struct fleet_page p = {.layout = user("Fleet", SECTION_FLEET),
	        .counts = {[CONDITION_ERROR] = 2,
	                [CONDITION_PRINTING] = 11,
	                [CONDITION_IDLE] = 1203,
	                [CONDITION_SILENT] = 1,
	                [CONDITION_UNKNOWN] = 0},
	        .total = 1217,
	        .attention_total = 4,
	        .attention = devices,
	        .attention_count = 4,
	        .low = devices,
	        .low_count = 4};

	page_fleet(&out, &p);
	if (!save("fleet"))
		return false;
	p = (struct fleet_page){.layout = user("Fleet", SECTION_FLEET), .may_invite = true};
	page_fleet(&out, &p);
	return save("fleet-empty");
}

static bool device_list_pages(void)
{
	struct out out = make_out();
	struct devices_page p = {.layout = user("Devices", SECTION_DEVICES),
	        .q = "",
	        .state = "",
	        .attention = "",
	        .sort = "",
	        .total = 1204,
	        .rows = devices,
	        .count = COUNT(devices),
	        .by_name = {"/devices?sort=-name", "ascending"},
	        .by_state = {"/devices?sort=-attention", NULL},
	        .by_supply = {"/devices?sort=supply", NULL},
	        .by_seen = {"/devices?sort=seen", NULL},
	        .pager = {NULL, NULL, "/devices?after=abc"}};

	page_devices(&out, &p);
	if (!save("devices"))
		return false;
	p.layout = support("Devices", SECTION_DEVICES);
	p.with_customer = true;
	p.filtered = true;
	p.q = "<b>\"'&";
	p.state = "error";
	p.attention = "any";
	p.sort = "supply";
	p.total = 1000;
	p.total_capped = true;
	p.pager = (struct pager){"/devices", "/devices?after=b", "/devices?after=c"};
	page_devices(&out, &p);
	if (!save("devices-support"))
		return false;
	p.count = 0;
	p.total = 0;
	p.total_capped = false;
	p.pager = (struct pager){NULL, NULL, NULL};
	page_devices(&out, &p);
	return save("devices-none");
}

static struct problem problems[] = {
        {ATTENTION_ERROR, "marker-ink-empty", "1102", "Replace cyan", 1795374000000 - 900000},
        {ATTENTION_WARNING, "marker-waste-ink-receptacle-almost-full", NULL, NULL, 0},
        {ATTENTION_ERROR, NULL, "E-0x9A", NULL, 1795374000000 - 86400000},
        {ATTENTION_REPORT, NULL, "I-77", "Paper <type> differs", 0},
};

static struct supply_view supplies[] = {
        {"Photo Black", "supplyThatIsConsumed", "ink", "photo black", NULL, "exact",
                "tenthsOfMilliliters", 5600, 7000, true, 1795374000000 - 7200000, "CX-4411",
                1795374000000 - 86400000 * 40LL},
        {"Cyan", "supplyThatIsConsumed", "ink", "cyan", NULL, "exact", "percent", 0, 100, true,
                1795374000000 - 900000, NULL, 0},
        {"Vivid Magenta", "supplyThatIsConsumed", "ink", "magenta", NULL, "coarse", "percent", 50,
                100, true, 1795374000000 - 86400000, NULL, 0},
        {"Yellow", "supplyThatIsConsumed", "ink", "yellow", NULL, "exact", "percent", 7, 100, true,
                1795374000000 - 3600000, NULL, 0},
        {"Light Cyan", "supplyThatIsConsumed", "ink", "light cyan", "some-remaining", "none",
                "percent", 0, 0, false, 0, NULL, 0},
        {"Violet", "supplyThatIsConsumed", "ink", "violet", "unknown", "none", "percent", 0, 0,
                false, 0, NULL, 0},
        {"Light Gray", "supplyThatIsConsumed", "ink", "light gray", NULL, "exact", "percent", 100,
                100, true, 1795374000000 - 86400000 * 3, NULL, 0},
        {"Maintenance box", "receptacleThatIsFilled", "wasteInk", NULL, NULL, "exact", "percent",
                35, 100, true, 1795374000000 - 86400000, NULL, 0},
};

static struct counter_view counters[] = {
        {"impressions", 1048211},
        {"printAreaM2", 20417.36},
        {"printTimeSeconds", 7384000},
        {"inkUsedMl.cyan", 14503.5},
        {"inkUsedMl.black", 20888},
};

static struct event_view events[] = {
        {1795374000000 - 900000, 0, ATTENTION_ERROR, "marker-ink-empty", "1102", NULL},
        {1795374000000 - 26 * 3600000LL, 1795374000000 - 25 * 3600000LL, ATTENTION_ERROR,
                "media-jam", NULL, NULL},
        {1795374000000 - 86400000 * 3, 0, ATTENTION_REPORT, NULL, NULL, "Firmware 2.11 installed"},
        {1795374000000 - 86400000 * 20LL, 0, ATTENTION_WARNING, NULL, "W-17", NULL},
};

static struct cleaning_view cleanings[] = {
        {1795374000000 - 86400000, "normal", "automatic", 3.25},
        {1795374000000 - 86400000 * 9LL, "heavy", "panel", -1},
};

static const char *job_reasons[] = {"job-completed-with-warnings", "resources-are-not-ready"};

static struct amount_view job_inks[] = {{"cyan", 1.5}, {"photo black", 12.25}};

static struct job_view jobs[] = {
        {1795374000000 - 7200000, 1795374000000 - 6900000, "completed", job_reasons, 2, 12, 6, 3.25,
                "Matte paper 180 g", job_inks, 2},
        {1795374000000 - 9200000, 1795374000000 - 9190000, "aborted", NULL, 0, -1, -1, -1, NULL,
                NULL, 0},
};

static struct maintenance_view maintenance[] = {
        {1795374000000 - 86400000 * 30LL, "cutter replaced", "cutter", 2},
        {1795374000000 - 86400000 * 90LL, "checked", NULL, -1},
};

static struct change_view changes[] = {
        {1795374000000 - 86400000 * 2LL, "network", "hostName", "print-16", "print-17"},
        {1795374000000 - 86400000 * 5LL, "media", "loadedRoll", NULL, "Matte paper 180 g"},
};

static struct records records[RECORDS_KINDS] = {
        [RECORDS_EVENTS] = {.kind = RECORDS_EVENTS, .count = COUNT(events), .events = events},
        [RECORDS_JOBS] = {.kind = RECORDS_JOBS, .count = COUNT(jobs), .more = true, .jobs = jobs},
        [RECORDS_CLEANINGS] = {.kind = RECORDS_CLEANINGS,
                .count = COUNT(cleanings),
                .cleanings = cleanings},
        [RECORDS_MAINTENANCE] = {.kind = RECORDS_MAINTENANCE,
                .count = COUNT(maintenance),
                .maintenance = maintenance},
        [RECORDS_CHANGES] = {.kind = RECORDS_CHANGES, .count = COUNT(changes), .changes = changes},
};

static struct setting_view settings[] = {
        {"media", "loadedRoll", "Matte paper 180 g"},
        {"network", "hostName", "print-17"},
};

static struct operation_row operations[] = {
        {"rq_1", "get-status", "in-progress", "de_1", "Aurora P900 Wide Format", "X3B9000017",
                "Harbour Prints", "Jonas Lindqvist", "Ticket 4711", 1795374000000 - 60000},
        {"rq_2", "head-cleaning", "rejected", "de_1", "Aurora P900 Wide Format", "X3B9000017",
                "Harbour Prints", "Jonas Lindqvist", "Stripes in cyan", 1795374000000 - 86400000},
        {"rq_3", "get-status", "succeeded", "de_2", "Aurora P400", NULL, "Harbour Prints",
                "Amara Diallo", "Ticket 4700", 1795374000000 - 86400000 * 2},
};

static bool device_pages(void)
{
	struct out out = make_out();
	struct device_page p = {.layout = user("Aurora P900 Wide Format", SECTION_DEVICES),
	        .device = devices[0],
	        .model = "P900 Wide Format",
	        .firmware = "2.11.0",
	        .identity_kind = "serial",
	        .agent = "ag_8fK2mQ0zR5tY7uW1xC3vBn",
	        .agent_type = "dc",
	        .agent_version = "1.4.0",
	        .agent_system = "Debian GNU/Linux 12 (server)",
	        .collection = "scheduled",
	        .first_seen_at = now - 30 * day,
	        .state_since = now - 15 * minute,
	        .acquired_at = now - 5 * minute,
	        .problems = problems,
	        .problem_count = COUNT(problems),
	        .supplies = supplies,
	        .supply_count = COUNT(supplies),
	        .counters = counters,
	        .counter_count = COUNT(counters),
	        .device_time = now - 6 * minute,
	        .region = "EU",
	        .country = "SE",
	        .settings = settings,
	        .setting_count = COUNT(settings)};

	memcpy(p.records, records, sizeof p.records);
	p.device.customer = NULL;
	p.layout.crumbs[0] = (struct crumb){"Devices", "/devices"};
	p.layout.crumbs[1] = (struct crumb){"Aurora P900 Wide Format", NULL};
	page_device(&out, &p);
	if (!save("device"))
		return false;
	p.layout.support = p.layout.second_factor_off = true;
	p.layout.sections = SECTION_WORK | SECTION_DEVICES | SECTION_OPERATIONS | SECTION_AUDIT;
	p.layout.notice = "The operation was canceled before it was sent.";
	p.device = devices[0];
	p.may_operate = true;
	p.operations = operations;
	p.operation_count = 2;
	page_device(&out, &p);
	if (!save("device-support"))
		return false;
	p = (struct device_page){.layout = user("Meridian 44", SECTION_DEVICES),
	        .device = devices[3],
	        .model = "",
	        .identity_kind = "entry",
	        .first_seen_at = now - 3 * hour};
	p.device.serial = NULL;
	page_device(&out, &p);
	return save("device-silent");
}

static bool records_pages(void)
{
	for (int kind = 0; kind < RECORDS_KINDS; kind++) {
		struct out out = make_out();
		struct records_page p = {
		        .layout = user(records_title((enum records_kind)kind), SECTION_DEVICES),
		        .device = devices[0],
		        .records = records[kind],
		        .pager = {.next = "/devices/de_1/records?of=jobs&after=1.j"}};
		char name[40];

		p.layout.crumbs[0] = (struct crumb){"Devices", "/devices"};
		p.layout.crumbs[1] = (struct crumb){"Aurora P900 Wide Format", "/devices/de_1"};
		p.layout.crumbs[2] = (struct crumb){records_title((enum records_kind)kind), NULL};
		if (kind == RECORDS_MAINTENANCE)
			p.records.count = 0;
		page_records(&out, &p);
		(void)snprintf(name, sizeof name, "records-%s", records_words[kind]);
		if (!save(name))
			return false;
	}
	return true;
}

static struct kind_choice kinds[] = {
        {"get-status", "query", true, NULL},
        {"head-cleaning", "consuming", true, "another operation runs on it."},
        {"diagnosis", "safe", false, "this model cannot run it."},
};

static struct operation_step steps[] = {
        {1795374000000 - 65000, "support", "queued", "queued", NULL},
        {1795374000000 - 64000, "dispatch", "sent", "sent", "attempt 1"},
        {1795374000000 - 63500, "agent", "receipt", "delivered", NULL},
        {1795374000000 - 63000, "agent", "start", "in-progress", NULL},
        {1795374000000 - 60000, "agent", "result", "succeeded", "read in 3 s"},
};

static bool operation_new_pages(void)
{
	struct out out = make_out();
	struct operation_new_page p = {.layout = support("New operation", SECTION_DEVICES),
	        .device = devices[0],
	        .kinds = kinds,
	        .kind_count = COUNT(kinds),
	        .kind = "get-status",
	        .strength = "normal",
	        .purpose = "",
	        .key = "k1"};

	p.layout.crumbs[0] = (struct crumb){"Devices", "/devices"};
	p.layout.crumbs[1] = (struct crumb){devices[0].name, "/devices/de_1"};
	p.layout.crumbs[2] = (struct crumb){"New operation", NULL};
	page_operation_new(&out, &p);
	if (!save("operation-new"))
		return false;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		kinds[i].possible = false;
		kinds[i].obstacle = "the agent is not connected.";
	}
	p.error = "Say why: a ticket or a reason.";
	page_operation_new(&out, &p);
	return save("operation-new-refused");
}

static const char *evidence_reasons[] = {"marker-ink-almost-empty", "vendor-thing"};
static struct evidence_supply evidence_supplies[] = {
        {"Cyan", 80, NULL}, {"Black", SUPPLY_UNKNOWN, "some-remaining"}};

static bool operation_pages(void)
{
	const struct evidence_view before = {.state = "unknown"};
	const struct evidence_view after = {now - 60000, "idle", evidence_reasons,
	        COUNT(evidence_reasons), evidence_supplies, COUNT(evidence_supplies)};
	struct out out = make_out();
	struct execution_view x = {.id = "op_5Xq2",
	        .device_id = "de_1",
	        .device = devices[0].name,
	        .serial = devices[0].serial,
	        .state = "in-progress",
	        .percent = 40,
	        .step_text = "Reading counters",
	        .not_after = now + 10 * minute,
	        .created_at = now - 65000,
	        .sent_at = now - 64000,
	        .delivered_at = now - 63500,
	        .started_at = now - 63000,
	        .steps = steps,
	        .step_count = 4};
	struct operation_page p = {.layout = support("Read status now", SECTION_OPERATIONS),
	        .id = "rq_1",
	        .kind = "get-status",
	        .purpose = "Ticket 4711",
	        .person = "Jonas Lindqvist",
	        .organisation = "Nordic Print Service",
	        .created_at = now - 65000,
	        .executions = &x,
	        .execution_count = 1};

	p.layout.refresh = true;
	p.layout.crumbs[0] = (struct crumb){"Operations", "/operations"};
	p.layout.crumbs[1] = (struct crumb){"Read status now", NULL};
	page_operation(&out, &p);
	if (!save("operation-running"))
		return false;
	x = (struct execution_view){.id = "op_5Xq2",
	        .device_id = "de_1",
	        .device = devices[0].name,
	        .state = "queued",
	        .percent = SUPPLY_UNKNOWN,
	        .not_after = now + 10 * minute,
	        .created_at = now - 65000,
	        .steps = steps,
	        .step_count = 1};
	p.may_cancel = true;
	page_operation(&out, &p);
	if (!save("operation-queued"))
		return false;
	x.state = "succeeded";
	x.sent_at = x.delivered_at = x.started_at = now - 63000;
	x.ended_at = now - 60000;
	x.verified = true;
	x.before = &before;
	x.after = &after;
	x.step_count = COUNT(steps);
	p.may_cancel = p.layout.refresh = false;
	p.ended = true;
	page_operation(&out, &p);
	if (!save("operation-done"))
		return false;
	x.state = "failed";
	x.code = "unreachable";
	x.message = "The printer did not answer.";
	x.before = x.after = NULL;
	x.verified = false;
	x.late = true;
	page_operation(&out, &p);
	return save("operation-failed");
}

static bool operation_list_pages(void)
{
	struct out out = make_out();
	struct operations_page p = {.layout = support("Operations", SECTION_OPERATIONS),
	        .rows = operations,
	        .count = COUNT(operations)};

	page_operations(&out, &p);
	if (!save("operations"))
		return false;
	p.count = 0;
	page_operations(&out, &p);
	return save("operations-empty");
}

static bool audit_pages(void)
{
	static const char *const actions[] = {"device.view", "operation.request", NULL};
	static struct audit_row rows[] = {
	        {20417, 1795374000000 - 61000, "Jonas Lindqvist", "pe_4", "technician",
	                "operation.request", "device", "de_1", 1, "begun", "192.0.2.17",
	                "8c1f0d4be2a94ad0b6a3d7f5c9e01234", "Ticket 4711",
	                "{\"kind\":\"get-status\"}"},
	        {20416, 1795374000000 - 90000, "Jonas Lindqvist", "pe_4", "technician",
	                "device.list", "device", "de_2", 50, "done", "192.0.2.17", "", "", ""},
	        {20415, 1795374000000 - 95000, "stranger", "", "", "session.begin", "", "", 0,
	                "denied", "203.0.113.5", "", "", ""},
	        {20414, 1795374000000 - 99000, "Amara Diallo", "pe_5", "technician", "device.view",
	                "device", "de_404", 1, "not-found", "192.0.2.18", "", "", ""},
	};
	struct out out = make_out();
	struct audit_page p = {.layout = support("Audit log", SECTION_AUDIT),
	        .person = "",
	        .device = "",
	        .action = "",
	        .outcome = "",
	        .from = "",
	        .to = "",
	        .actions = actions,
	        .rows = rows,
	        .count = COUNT(rows),
	        .pager = {NULL, NULL, "/audit?before=20414"}};

	page_audit(&out, &p);
	if (!save("audit"))
		return false;
	p.filtered = true;
	p.person = "pe_9";
	p.outcome = "denied";
	p.from = "2026-11-21T09:00";
	p.error = "The time “to” is before the time “from”.";
	p.count = 0;
	p.pager.next = NULL;
	page_audit(&out, &p);
	return save("audit-none");
}

int main(int argc, char **argv)
{
	bool ok;

	if (argc != 2) {
		fputs("usage: gallery FOLDER\n", stderr);
		return EX_USAGE;
	}
	folder = argv[1];
	arena = arena_new(ARENA);
	if (arena == NULL)
		return EX_OSERR;
	ok = sign_in_pages() && error_pages() && fleet_pages() && device_list_pages() &&
	     device_pages() && records_pages() && operation_new_pages() && operation_pages() &&
	     operation_list_pages() && audit_pages();
	if (!ok)
		fputs("gallery: a page could not be written\n", stderr);
	arena_free(arena);
	buf_free(&body);
	return ok ? EX_OK : EX_IOERR;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/report_body.h"

#include "lib/buf.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const inks[] = {"black", "cyan", "magenta", "yellow", "light-cyan",
        "light-magenta", "gray", "light-gray", "orange", "green", "violet", "matte-black"};
enum { INKS = sizeof inks / sizeof inks[0] };

static size_t mark(struct buf *b, const char *placeholder)
{
	size_t at = b->len;

	buf_puts(b, placeholder);
	return at;
}

static void put_settings(struct buf *b, const char *name, unsigned count)
{
	buf_printf(b, "\"%s\":{", name);
	for (unsigned i = 0; i < count; i++)
		buf_printf(b, "%s\"%sOption%02u\":%u", i == 0 ? "" : ",", name, i, i * 7);
	buf_puts(b, "}");
}

static void put_device(struct buf *b, struct report_body *body, unsigned i)
{
	buf_puts(b,
	        "{\"manufacturer\":\"BENCHMARK\",\"model\":\"Plotwright 64\",\"serialNumber\":\"");
	body->device[i].serial[0] = mark(b, "B000000000");
	buf_puts(b, "\",\"identity\":{\"kind\":\"serial\",\"value\":\"BENCHMARK ");
	body->device[i].serial[1] = mark(b, "B000000000");
	buf_puts(b, "\"},\"acquiredAt\":\"");
	body->device[i].acquired_at = mark(b, "2026-01-01T00:00:00.000Z");
	buf_puts(b, "\",\"firmwareVersion\":\"LW012.3\",\"status\":{\"state\":\"idle\",\"reasons\":"
	            "[{\"keyword\":"
	            "\"marker-ink-almost-empty\",\"severity\":\"warning\"}],\"codes\":[]},"
	            "\"supplies\":[");
	for (unsigned ink = 0; ink < INKS; ink++) {
		buf_printf(b,
		        "%s{\"index\":%u,\"class\":\"supplyThatIsConsumed\",\"type\":"
		        "\"inkCartridge\",\"color\":\"%s\","
		        "\"name\":\"Ink cartridge %s 700 "
		        "ml\",\"unit\":\"percent\",\"capacity\":100,\"level\":",
		        ink == 0 ? "" : ",", ink + 1, inks[ink], inks[ink]);
		if (ink == 0)
			body->device[i].level = mark(b, "50");
		else
			buf_printf(b, "%u", 20 + 6 * ink);
		buf_puts(b, ",\"resolution\":\"exact\"}");
	}
	buf_puts(b, "],\"counters\":{\"impressions\":");
	body->device[i].impressions = mark(b, "1000000");
	buf_puts(b, ",\"printTimeSeconds\":7200000,\"printAreaM2\":18250.5,\"inkUsedMl\":{");
	for (unsigned ink = 0; ink < INKS; ink++) {
		buf_printf(b, "%s\"%s\":", ink == 0 ? "" : ",", inks[ink]);
		if (ink == 0)
			body->device[i].ink = mark(b, "1000000");
		else
			buf_printf(b, "%u.5", 9000 + 10 * ink);
	}
	buf_puts(b, "}},\"settings\":{");
	put_settings(b, "panel", 40);
	buf_putc(b, ',');
	put_settings(b, "printer", 60);
	buf_putc(b, ',');
	put_settings(b, "network", 34);
	buf_puts(b, "}}");
}

int report_body_make(struct report_body *body, const char *agent_id, unsigned devices)
{
	struct buf b = BUF_INIT(16 << 20);

	memset(body, 0, sizeof *body);
	if (devices == 0 || devices > REPORT_BODY_DEVICES_MAX)
		return 0;
	body->devices = devices;
	buf_puts(&b, "{\"schema\":\"fleetport.report/1\",\"reportId\":\"");
	body->report_id = mark(&b, "00000000-0000-7000-8000-000000000000");
	buf_printf(&b,
	        "\",\"agent\":{\"id\":\"%s\",\"type\":\"dc\",\"version\":\"0.1.0\","
	        "\"collectionType\":\"scheduled\","
	        "\"sentAt\":\"",
	        agent_id);
	body->sent_at = mark(&b, "2026-01-01T00:00:00.000Z");
	buf_puts(&b, "\",\"os\":{\"name\":\"Debian "
	             "GNU/Linux\",\"version\":\"12\",\"productType\":\"server\"}},"
	             "\"devices\":[");
	for (unsigned i = 0; i < devices; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		put_device(&b, body, i);
	}
	buf_puts(&b, "]}");
	if (b.failed) {
		buf_free(&b);
		return 0;
	}
	body->text = b.data;
	body->len = b.len;
	return 1;
}

static void put_digits(char *at, unsigned digits, uint64_t number)
{
	while (digits-- > 0) {
		at[digits] = (char)('0' + number % 10);
		number /= 10;
	}
}

static void put_time(char *at, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm utc;
	char text[32];

	if (gmtime_r(&seconds, &utc) == NULL ||
	        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &utc) != 24)
		return;
	memcpy(at, text, 24);
	put_digits(at + 20, 3, (uint64_t)(ms % 1000));
}

static void put_uuid7(char *at, int64_t ms, uint64_t sequence)
{
	char text[40];

	(void)snprintf(text, sizeof text, "%08llx-%04llx-7%03llx-8%03llx-%012llx",
	        (unsigned long long)(ms >> 16) & 0xffffffff, (unsigned long long)ms & 0xffff,
	        (unsigned long long)(sequence >> 48) & 0xfff,
	        (unsigned long long)(sequence >> 36) & 0xfff,
	        (unsigned long long)(sequence ^ (sequence << 20)) & 0xffffffffffff);
	memcpy(at, text, 36);
}

void report_body_patch(struct report_body *body, uint64_t sequence, int64_t wall_ms, uint64_t first,
        unsigned round)
{
	put_uuid7(body->text + body->report_id, wall_ms, sequence);
	put_time(body->text + body->sent_at, wall_ms);
	for (unsigned i = 0; i < body->devices; i++) {
		uint64_t device = first + i;
		put_digits(body->text + body->device[i].serial[0] + 1, 9, device);
		put_digits(body->text + body->device[i].serial[1] + 1, 9, device);
		put_time(body->text + body->device[i].acquired_at, wall_ms);
		put_digits(body->text + body->device[i].level, 2,
		        10 + (device + 89 - round % 89) % 89);
		put_digits(body->text + body->device[i].impressions, 7, 1000000 + round);
		put_digits(body->text + body->device[i].ink, 7, 1000000 + 2 * round);
	}
}

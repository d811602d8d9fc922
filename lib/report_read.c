/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_read.c: the strict reader. The report as a whole, and its devices, each kept or rejected on
 * its own; an error names its path.
 */
#include "lib/json.h"
#include "lib/parse.h"
#include "lib/report_reader.h"

#include <ctype.h>
#include <string.h>

static const int64_t PAST_MS = 400LL * 86400 * 1000;
static const int64_t FUTURE_MS = 5LL * 60 * 1000;

static bool check_device(
        struct reader *r, const struct place *place, const struct report_device *device)
{
	const struct place at = {.parent = place, .name = "acquiredAt"};
	const struct place country = {.parent = place, .name = "countryCode"};

	if (device->country_code && strlen(device->country_code) != 2)
		return reader_fault(r, &country, "must be two letters (ISO 3166-1)");
	if (device->acquired_at.value < r->now - PAST_MS ||
	        device->acquired_at.value > r->now + FUTURE_MS) {
		r->reject = REPORT_TIME_IMPLAUSIBLE;
		return reader_fault(r, &at, "is more than 400 days back or 5 minutes ahead");
	}
	return true;
}

static bool read_device(struct reader *r, const struct place *place, const struct json *value,
        struct report_device *device)
{
	const struct json *identity = json_get(value, "identity");

	if (json_type_of(value) == JSON_OBJECT &&
	        (!identity || json_type_of(identity) == JSON_NULL)) {
		const struct place here = {.parent = place, .name = "identity"};

		r->reject = REPORT_IDENTITY_MISSING;
		return reader_fault(r, &here, "is missing");
	}
	return reader_object(r, place, value, report_device_fields, device) &&
	       reader_finish_supplies(r, place, device) && check_device(r, place, device);
}

static bool reject(struct reader *r, size_t index, int code, const char *message)
{
	struct report_rejected *rejected = &r->report->rejected[r->report->rejected_count];

	*rejected = (struct report_rejected){
	        .index = index, .code = code, .message = arena_strdup(r->arena, message)};
	if (!rejected->message)
		return reader_no_memory(r);
	r->report->rejected_count++;
	return true;
}

static bool read_devices(struct reader *r, const struct json *list)
{
	const struct place devices = {.name = "devices"};
	struct place here = {.parent = &devices};
	size_t n = json_count(list);
	struct report *report = r->report;
	struct err *whole = r->e;

	if (json_type_of(list) != JSON_ARRAY)
		return reader_fault(r, &devices, "must be an array");
	report->devices = arena_array(
	        r->arena, n < REPORT_DEVICES_MAX ? n : REPORT_DEVICES_MAX, sizeof *report->devices);
	report->rejected = arena_array(r->arena, n, sizeof *report->rejected);
	if (!report->devices || !report->rejected)
		return reader_no_memory(r);
	for (const struct json *v = json_first(list); v; v = json_next(v), here.index++) {
		struct report_device *device = &report->devices[report->device_count];
		struct err why = ERR_CLEAR;
		bool kept;

		if (here.index >= REPORT_DEVICES_MAX) {
			if (!reject(r, here.index, REPORT_TOO_MANY_DEVICES,
			            "a report holds at most 256 devices"))
				return false;
			continue;
		}
		*device = (struct report_device){.index = here.index};
		r->reject = 0;
		r->e = &why;
		kept = read_device(r, &here, v, device);
		r->e = whole;
		if (r->out_of_memory)
			return reader_no_memory(r);
		if (kept)
			report->device_count++;
		else if (!reject(r, here.index, r->reject ? r->reject : REPORT_NOT_VALID, why.text))
			return false;
	}
	return true;
}

static bool read_uuid(struct reader *r)
{
	const struct place here = {.name = "reportId"};
	char lower[37] = {0};

	if (!parse_uuid(r->report->id))
		return reader_fault(r, &here, "must be a UUID");
	for (size_t i = 0; i < 36; i++)
		lower[i] = (char)tolower((unsigned char)r->report->id[i]);
	r->report->id = arena_copy(r->arena, lower, 36);
	return r->report->id ? true : reader_no_memory(r);
}

static bool check_schema(struct reader *r, const struct json *root, enum report_fault *kind)
{
	const struct place here = {.name = "schema"};
	const char *schema = json_as_string(json_get(root, "schema"));

	if (json_type_of(root) != JSON_OBJECT)
		return reader_fault(r, NULL, "must be an object");
	if (schema && strcmp(schema, REPORT_SCHEMA) == 0)
		return true;
	*kind = REPORT_FAULT_SCHEMA;
	return reader_fault(r, &here, "must be \"" REPORT_SCHEMA "\"");
}

static bool read_root(struct reader *r, const struct json *root, enum report_fault *kind)
{
	const struct place devices = {.name = "devices"};

	if (!check_schema(r, root, kind) ||
	        !reader_object(r, NULL, root, report_root_fields, r->report) || !read_uuid(r))
		return false;
	if (!json_get(root, "devices"))
		return reader_fault(r, &devices, "is missing or empty");
	return read_devices(r, json_get(root, "devices"));
}

bool report_read(const char *text, size_t len, int64_t now_ms, struct arena *arena,
        struct report *out, enum report_fault *fault_kind, struct err *e)
{
	const struct json_limits limits = {
	        .bytes = REPORT_BYTES_MAX, .depth = REPORT_DEPTH_MAX, .values = REPORT_VALUES_MAX};
	struct err ignored = ERR_CLEAR;
	struct reader r = {.arena = arena, .report = out, .now = now_ms, .e = e ? e : &ignored};
	struct json *root;
	bool ok;

	*out = (struct report){0};
	*fault_kind = REPORT_FAULT_NONE;
	if (len > REPORT_BYTES_MAX) {
		*fault_kind = REPORT_FAULT_SIZE;
		return err_set(e, ERR_LIMIT, "a report is at most 8 MiB");
	}
	root = json_parse(text, len, &limits, r.e);
	if (!root) {
		*fault_kind = r.e->code == ERR_MEMORY ? REPORT_FAULT_MEMORY : REPORT_FAULT_JSON;
		return false;
	}
	out->warnings = arena_array(arena, REPORT_WARNINGS_MAX, sizeof *out->warnings);
	ok = out->warnings ? read_root(&r, root, fault_kind) : reader_no_memory(&r);
	json_free(root);
	if (!ok && *fault_kind == REPORT_FAULT_NONE)
		*fault_kind = r.out_of_memory ? REPORT_FAULT_MEMORY : REPORT_FAULT_JSON;
	return ok;
}

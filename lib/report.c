/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/report.h"

#include "lib/report_fields.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS(list)                                                                                \
	{                                                                                          \
		.names = (list), .count = (int)COUNT(list)                                         \
	}

enum { SHORT = 64, NAME = 255, LONG = 1024 }; /* longest texts, in bytes */

static const char *const agent_type_list[] = {
        [REPORT_AGENT_DC] = "dc",
        [REPORT_AGENT_ES] = "es",
};
static const char *const collection_list[] = {
        [REPORT_SCHEDULED] = "scheduled",
        [REPORT_EVENT] = "event",
        [REPORT_OPERATION] = "operation",
        [REPORT_INITIAL] = "initial",
};
static const char *const product_list[] = {
        [REPORT_WORKSTATION] = "workstation",
        [REPORT_SERVER] = "server",
        [REPORT_EMBEDDED] = "embedded",
};
static const char *const identity_kind_list[] = {
        [REPORT_SERIAL] = "serial",
        [REPORT_MAC] = "mac",
        [REPORT_ENTRY] = "entry",
};
static const char *const state_list[] = {
        [REPORT_IDLE] = "idle",
        [REPORT_PROCESSING] = "processing",
        [REPORT_STOPPED] = "stopped",
        [REPORT_UNKNOWN] = "unknown",
};
static const char *const severity_list[] = {
        [REPORT_INFO] = "report",
        [REPORT_WARNING] = "warning",
        [REPORT_ERROR] = "error",
};
static const char *const level_state_list[] = {
        [REPORT_SOME_REMAINING] = "some-remaining",
        [REPORT_LEVEL_UNKNOWN] = "unknown",
        [REPORT_UNRESTRICTED] = "unrestricted",
};
static const char *const resolution_list[] = {
        [REPORT_EXACT] = "exact",
        [REPORT_COARSE] = "coarse",
        [REPORT_NONE] = "none",
};
static const char *const job_state_list[] = {
        [3] = "pending",
        [4] = "pending-held",
        [5] = "processing",
        [6] = "processing-stopped",
        [7] = "canceled",
        [8] = "aborted",
        [9] = "completed",
};
static const char *const supply_class_list[] = {
        [1] = "other",
        [REPORT_CONSUMED] = "supplyThatIsConsumed",
        [REPORT_RECEPTACLE] = "receptacleThatIsFilled",
};
static const char *const supply_type_list[] = {
        [1] = "other",
        [2] = "unknown",
        [3] = "toner",
        [4] = "wasteToner",
        [5] = "ink",
        [6] = "inkCartridge",
        [7] = "inkRibbon",
        [8] = "wasteInk",
        [9] = "opc",
        [10] = "developer",
        [11] = "fuserOil",
        [12] = "solidWax",
        [13] = "ribbonWax",
        [14] = "wasteWax",
        [15] = "fuser",
        [16] = "coronaWire",
        [17] = "fuserOilWick",
        [18] = "cleanerUnit",
        [19] = "fuserCleaningPad",
        [20] = "transferUnit",
        [21] = "tonerCartridge",
        [22] = "fuserOiler",
        [23] = "water",
        [24] = "wasteWater",
        [25] = "glueWaterAdditive",
        [26] = "wastePaper",
        [27] = "bindingSupply",
        [28] = "bandingSupply",
        [29] = "stitchingWire",
        [30] = "shrinkWrap",
        [31] = "paperWrap",
        [32] = "staples",
        [33] = "inserts",
        [34] = "covers",
        [35] = "matteToner",
        [36] = "matteInk",
};
static const char *const supply_unit_list[] = {
        [REPORT_UNIT_OTHER] = "other",
        [REPORT_UNIT_UNKNOWN] = "unknown",
        [3] = "tenThousandthsOfInches",
        [4] = "micrometers",
        [7] = "impressions",
        [8] = "sheets",
        [11] = "hours",
        [12] = "thousandthsOfOunces",
        [13] = "tenthsOfGrams",
        [14] = "hundrethsOfFluidOunces", /* so spelt in the RFC */
        [15] = "tenthsOfMilliliters",
        [16] = "feet",
        [17] = "meters",
        [18] = "items",
        [REPORT_UNIT_PERCENT] = "percent",
};
static const char *const setting_group_list[] = {
        [REPORT_PANEL] = "panel",
        [REPORT_PRINTER] = "printer",
        [REPORT_MAINTENANCE] = "maintenance",
        [REPORT_MEDIA] = "media",
        [REPORT_NETWORK] = "network",
};
static const char *const reject_list[] = {
        [REPORT_NOT_VALID] = "not-valid",
        [REPORT_IDENTITY_MISSING] = "identity-missing",
        [REPORT_REGION_NOT_SERVED] = "region-not-served",
        [REPORT_TIME_IMPLAUSIBLE] = "time-implausible",
        [REPORT_TOO_MANY_DEVICES] = "too-many-devices",
};

static const struct words agent_type_words = WORDS(agent_type_list);
static const struct words collection_words = WORDS(collection_list);
static const struct words product_words = WORDS(product_list);
static const struct words identity_kind_words = WORDS(identity_kind_list);
static const struct words state_words = WORDS(state_list);
const struct words report_severity_words = WORDS(severity_list);
static const struct words level_state_words = WORDS(level_state_list);
static const struct words resolution_words = WORDS(resolution_list);
static const struct words job_state_words = WORDS(job_state_list);
static const struct words supply_class_words = WORDS(supply_class_list);
static const struct words supply_type_words = WORDS(supply_type_list);
static const struct words supply_unit_words = WORDS(supply_unit_list);
static const struct words setting_group_words = WORDS(setting_group_list);
static const struct words reject_words = WORDS(reject_list);

static const char *word_name(const struct words *words, int number)
{
	return number >= 0 && number < words->count ? words->names[number] : NULL;
}

const char *report_agent_type_name(int type)
{
	return word_name(&agent_type_words, type);
}

const char *report_collection_name(int collection)
{
	return word_name(&collection_words, collection);
}

const char *report_product_name(int product)
{
	return word_name(&product_words, product);
}

const char *report_identity_kind_name(int kind)
{
	return word_name(&identity_kind_words, kind);
}

const char *report_state_name(int state)
{
	return word_name(&state_words, state);
}

const char *report_severity_name(int severity)
{
	return word_name(&report_severity_words, severity);
}

const char *report_level_state_name(int state)
{
	return word_name(&level_state_words, state);
}

const char *report_resolution_name(int resolution)
{
	return word_name(&resolution_words, resolution);
}

const char *report_job_state_name(int state)
{
	return word_name(&job_state_words, state);
}

const char *report_supply_class_name(int class_)
{
	return word_name(&supply_class_words, class_);
}

const char *report_supply_type_name(int type)
{
	return word_name(&supply_type_words, type);
}

const char *report_supply_unit_name(int unit)
{
	return word_name(&supply_unit_words, unit);
}

const char *report_setting_group_name(int group)
{
	return word_name(&setting_group_words, group);
}

const char *report_reject_name(int reject)
{
	return word_name(&reject_words, reject);
}

/* A row: name on the wire, kind, struct, member, then what differs from the defaults. */
#define ROW(json, what, type, member, ...)                                                         \
	{                                                                                          \
		.name = (json), .kind = (what), .offset = offsetof(type, member), __VA_ARGS__      \
	}
#define LIST(json, what, type, member, number, ...)                                                \
	ROW(json, what, type, member, .count_offset = offsetof(type, number), __VA_ARGS__)
#define WORD(list) .words = &(list)
#define PART(type) .fields = type##_fields, .size = sizeof(struct report_##type)
#define REQUIRED   .required = true
#define END                                                                                        \
	{                                                                                          \
		.name = NULL                                                                       \
	}

static const struct field os_fields[] = {
        ROW("name", FIELD_TEXT, struct report, agent.os_name, .max = NAME),
        ROW("version", FIELD_TEXT, struct report, agent.os_version, .max = NAME),
        ROW("productType", FIELD_WORD, struct report, agent.os_product, WORD(product_words)),
        END,
};

static const struct field agent_fields[] = {
        ROW("id", FIELD_TEXT, struct report, agent.id, .max = SHORT, REQUIRED),
        ROW("type", FIELD_WORD, struct report, agent.type, WORD(agent_type_words), REQUIRED),
        ROW("version", FIELD_TEXT, struct report, agent.version, .max = SHORT),
        ROW("collectionType", FIELD_WORD, struct report, agent.collection, WORD(collection_words),
                REQUIRED),
        ROW("sentAt", FIELD_TIME, struct report, agent.sent_at, REQUIRED),
        ROW("os", FIELD_OBJECT, struct report, agent, .fields = os_fields),
        END,
};

const struct field report_root_fields[] = {
        ROW("reportId", FIELD_TEXT, struct report, id, .max = 36, REQUIRED),
        ROW("agent", FIELD_OBJECT, struct report, agent, .fields = agent_fields, REQUIRED),
        END,
};

static const struct field identity_fields[] = {
        ROW("kind", FIELD_WORD, struct report_device, identity_kind, WORD(identity_kind_words),
                REQUIRED),
        ROW("value", FIELD_TEXT, struct report_device, identity, .max = NAME, REQUIRED),
        END,
};

static const struct field code_fields[] = {
        ROW("code", FIELD_TEXT, struct report_code, code, .max = NAME, REQUIRED),
        ROW("severity", FIELD_WORD, struct report_code, severity, WORD(report_severity_words),
                REQUIRED),
        ROW("text", FIELD_TEXT, struct report_code, text, .max = LONG),
        END,
};

static const struct field status_fields[] = {
        ROW("state", FIELD_WORD, struct report_device, state, WORD(state_words), REQUIRED),
        LIST("reasons", FIELD_REASONS, struct report_device, reasons, reason_count, .max = 128),
        LIST("codes", FIELD_LIST, struct report_device, codes, code_count, .max = 256, PART(code)),
        END,
};

static const struct field event_fields[] = {
        ROW("id", FIELD_TEXT, struct report_event, id, .max = NAME, REQUIRED),
        ROW("at", FIELD_TIME, struct report_event, at, REQUIRED),
        ROW("clearedAt", FIELD_TIME, struct report_event, cleared_at),
        ROW("severity", FIELD_WORD, struct report_event, severity, WORD(report_severity_words),
                REQUIRED),
        ROW("code", FIELD_TEXT, struct report_event, code, .max = NAME),
        ROW("reason", FIELD_TEXT, struct report_event, reason, .max = NAME),
        ROW("text", FIELD_TEXT, struct report_event, text, .max = LONG),
        END,
};

#define SETTINGS(json, group)                                                                      \
	ROW(json, FIELD_SETTINGS, struct report_device, settings[group], .max = REPORT_SETTINGS_MAX)

static const struct field setting_fields[] = {
        SETTINGS("panel", REPORT_PANEL),
        SETTINGS("printer", REPORT_PRINTER),
        SETTINGS("maintenance", REPORT_MAINTENANCE),
        SETTINGS("media", REPORT_MEDIA),
        SETTINGS("network", REPORT_NETWORK),
        END,
};

static const struct field supply_fields[] = {
        ROW("index", FIELD_INT, struct report_supply, index, REQUIRED),
        ROW("class", FIELD_WORD, struct report_supply, class_, WORD(supply_class_words)),
        ROW("type", FIELD_WORD, struct report_supply, type, WORD(supply_type_words)),
        ROW("color", FIELD_TEXT, struct report_supply, color, .max = SHORT),
        ROW("name", FIELD_TEXT, struct report_supply, name, .max = NAME),
        ROW("unit", FIELD_WORD, struct report_supply, unit, WORD(supply_unit_words)),
        ROW("capacity", FIELD_INT, struct report_supply, capacity),
        ROW("level", FIELD_INT, struct report_supply, level),
        ROW("levelState", FIELD_WORD, struct report_supply, level_state, WORD(level_state_words)),
        ROW("resolution", FIELD_WORD, struct report_supply, resolution, WORD(resolution_words)),
        ROW("serialNumber", FIELD_TEXT, struct report_supply, serial_number, .max = NAME),
        ROW("installedAt", FIELD_TIME, struct report_supply, installed_at),
        END,
};

static const struct field cleaning_fields[] = {
        ROW("id", FIELD_TEXT, struct report_cleaning, id, .max = NAME, REQUIRED),
        ROW("at", FIELD_TIME, struct report_cleaning, at, REQUIRED),
        ROW("kind", FIELD_TEXT, struct report_cleaning, kind, .max = SHORT, REQUIRED),
        ROW("trigger", FIELD_TEXT, struct report_cleaning, trigger, .max = SHORT, REQUIRED),
        ROW("inkUsedMl", FIELD_REAL, struct report_cleaning, ink_used_ml),
        END,
};

static const struct field maintenance_fields[] = {
        ROW("id", FIELD_TEXT, struct report_maintenance, id, .max = NAME, REQUIRED),
        ROW("at", FIELD_TIME, struct report_maintenance, at, REQUIRED),
        ROW("kind", FIELD_TEXT, struct report_maintenance, kind, .max = SHORT, REQUIRED),
        ROW("part", FIELD_TEXT, struct report_maintenance, part, .max = NAME),
        ROW("count", FIELD_INT, struct report_maintenance, count),
        END,
};

static const struct field counter_fields[] = {
        LIST("inkUsedMl", FIELD_AMOUNTS, struct report_device, counters.ink_used,
                counters.ink_used_count, .max = 64),
        ROW("printTimeSeconds", FIELD_INT, struct report_device, counters.print_time_seconds),
        ROW("printAreaM2", FIELD_REAL, struct report_device, counters.print_area_m2),
        ROW("impressions", FIELD_INT, struct report_device, counters.impressions),
        ROW("sheets", FIELD_INT, struct report_device, counters.sheets),
        END,
};

static const struct field job_fields[] = {
        ROW("id", FIELD_TEXT, struct report_job, id, .max = NAME, REQUIRED),
        ROW("startedAt", FIELD_TIME, struct report_job, started_at, REQUIRED),
        ROW("endedAt", FIELD_TIME, struct report_job, ended_at, REQUIRED),
        ROW("state", FIELD_WORD, struct report_job, state, WORD(job_state_words), REQUIRED),
        LIST("reasons", FIELD_WORDS, struct report_job, reasons, reason_count, .max = 32),
        ROW("impressions", FIELD_INT, struct report_job, impressions),
        ROW("sheets", FIELD_INT, struct report_job, sheets),
        ROW("areaM2", FIELD_REAL, struct report_job, area_m2),
        ROW("media", FIELD_TEXT, struct report_job, media, .max = NAME),
        LIST("inkUsedMl", FIELD_AMOUNTS, struct report_job, ink_used, ink_used_count, .max = 64),
        END,
};

/* Add a stored value here; the reader and the writer follow. */
const struct field report_device_fields[] = {
        ROW("manufacturer", FIELD_TEXT, struct report_device, manufacturer, .max = NAME),
        ROW("model", FIELD_TEXT, struct report_device, model, .max = NAME),
        ROW("serialNumber", FIELD_TEXT, struct report_device, serial_number, .max = NAME),
        ROW("identity", FIELD_OBJECT, struct report_device, identity, .fields = identity_fields,
                REQUIRED),
        ROW("entry", FIELD_TEXT, struct report_device, entry, .max = NAME),
        ROW("group", FIELD_TEXT, struct report_device, group, .max = NAME),
        ROW("regionCode", FIELD_TEXT, struct report_device, region_code, .max = 16, .upper = true),
        ROW("countryCode", FIELD_TEXT, struct report_device, country_code, .max = 2, .upper = true),
        ROW("deviceTime", FIELD_TIME, struct report_device, device_time),
        ROW("acquiredAt", FIELD_TIME, struct report_device, acquired_at, REQUIRED),
        ROW("firmwareVersion", FIELD_TEXT, struct report_device, firmware_version, .max = NAME),
        ROW("status", FIELD_OBJECT, struct report_device, state, .fields = status_fields),
        LIST("events", FIELD_LIST, struct report_device, events, event_count, .max = 5000,
                PART(event)),
        ROW("settings", FIELD_OBJECT, struct report_device, settings, .fields = setting_fields),
        LIST("supplies", FIELD_LIST, struct report_device, supplies, supply_count,
                .max = REPORT_SUPPLIES_MAX, PART(supply)),
        LIST("cleanings", FIELD_LIST, struct report_device, cleanings, cleaning_count, .max = 5000,
                PART(cleaning)),
        LIST("maintenance", FIELD_LIST, struct report_device, maintenance, maintenance_count,
                .max = 5000, PART(maintenance)),
        ROW("counters", FIELD_OBJECT, struct report_device, counters, .fields = counter_fields),
        LIST("jobs", FIELD_LIST, struct report_device, jobs, job_count, .max = 5000, PART(job)),
        END,
};

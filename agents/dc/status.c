/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.c: state and reasons from hrPrinterStatus, hrDeviceStatus, the detected errors, the alert
 * table, the supplies, and Epson's status block; each reason once, with its highest severity.
 */
#include "agents/dc/charset.h"
#include "agents/dc/device.h"

#include <string.h>
#include <strings.h>

static const char printer_status[] = "1.3.6.1.2.1.25.3.5.1.1";
static const char device_status[] = "1.3.6.1.2.1.25.3.2.1.5";
static const char error_state[] = "1.3.6.1.2.1.25.3.5.1.2";
static const char alerts[] = "1.3.6.1.2.1.43.18.1.1";
static const char alert_severity[] = "1.3.6.1.2.1.43.18.1.1.2";
static const char alert_code[] = "1.3.6.1.2.1.43.18.1.1.7";
static const char alert_text[] = "1.3.6.1.2.1.43.18.1.1.8";

enum { REASONS_MAX = 64, CODES_MAX = 96, ALERTS_MAX = 64, ALERT_LEN = 13 };
enum { PRINTER_IDLE = 3, PRINTER_PRINTING = 4, PRINTER_WARMUP = 5 };
enum { DEVICE_RUNNING = 2, DEVICE_WARNING = 3, DEVICE_TESTING = 4, DEVICE_DOWN = 5 };
enum { SEVERITY_CRITICAL = 3, SEVERITY_WARNING = 4, SEVERITY_BINARY = 5 };
enum { FUSER_UNDER_TEMP = 1001, ADJUSTING = 1005 };

/* PrtAlertCodeTC and its printer-state-reasons keyword (PWG 5100.9, RFC 8011). */
static const struct {
	int code;
	const char *keyword;
} alert_keywords[] = {
        {3, "cover-open"},
        {5, "interlock-open"},
        {8, "media-jam"},
        {9, "subunit-missing"},
        {10, "subunit-life-almost-over"},
        {11, "subunit-life-over"},
        {12, "subunit-almost-empty"},
        {13, "subunit-empty"},
        {14, "subunit-almost-full"},
        {15, "subunit-full"},
        {16, "subunit-near-limit"},
        {17, "subunit-at-limit"},
        {18, "subunit-opened"},
        {21, "subunit-turned-off"},
        {22, "subunit-offline"},
        {24, "subunit-warming-up"},
        {26, "subunit-removed"},
        {29, "subunit-recoverable-failure"},
        {30, "subunit-unrecoverable-failure"},
        {31, "subunit-recoverable-storage"},
        {32, "subunit-unrecoverable-storage"},
        {33, "subunit-motor-failure"},
        {34, "subunit-memory-exhausted"},
        {35, "subunit-under-temperature"},
        {36, "subunit-over-temperature"},
        {37, "subunit-timing-failure"},
        {38, "subunit-thermistor-failure"},
        {501, "door-open"},
        {504, "power-down"},
        {505, "printer-nms-reset"},
        {506, "printer-manual-reset"},
        {801, "input-tray-missing"},
        {802, "input-media-size-change"},
        {803, "input-media-weight-change"},
        {804, "input-media-type-change"},
        {805, "input-media-color-change"},
        {806, "input-media-form-parts-change"},
        {807, "media-low"},
        {808, "media-empty"},
        {809, "media-needed"},
        {810, "media-needed"},
        {811, "input-tray-position-failure"},
        {812, "input-tray-elevation-failure"},
        {813, "input-cannot-feed-size-selected"},
        {901, "output-tray-missing"},
        {902, "output-area-almost-full"},
        {903, "output-area-full"},
        {904, "output-mailbox-select-failure"},
        {FUSER_UNDER_TEMP, "fuser-under-temp"},
        {1002, "fuser-over-temp"},
        {1003, "marker-fuser-timing-failure"},
        {1004, "marker-fuser-thermistor-failure"},
        {ADJUSTING, "marker-adjusting-print-quality"},
        {1101, "toner-empty"},
        {1102, "marker-ink-empty"},
        {1103, "marker-print-ribbon-empty"},
        {1104, "toner-low"},
        {1105, "marker-ink-almost-empty"},
        {1106, "marker-print-ribbon-almost-empty"},
        {1107, "marker-waste-toner-receptacle-almost-full"},
        {1108, "marker-waste-ink-receptacle-almost-full"},
        {1109, "marker-waste-toner-receptacle-full"},
        {1110, "marker-waste-ink-receptacle-full"},
        {1111, "opc-near-eol"},
        {1112, "opc-life-over"},
        {1113, "developer-low"},
        {1114, "developer-empty"},
        {1115, "marker-toner-cartridge-missing"},
        {1301, "media-path-media-tray-missing"},
        {1302, "media-path-media-tray-almost-full"},
        {1303, "media-path-media-tray-full"},
        {1304, "media-path-cannot-duplex-media-selected"},
        {1507, "interpreter-resource-unavailable"},
        {1509, "interpreter-complex-page-encountered"},
};

/* Codes that tell of something that is over, or of ordinary life: cover and door closed, interlock
 * closed, configuration, added, power saver, power up, ready, removal of an alert. */
static const int quiet_codes[] = {4, 6, 7, 19, 20, 23, 25, 27, 28, 502, 503, 507, 1801};

/* hrPrinterDetectedErrorState, bit 0 first. "": its place among the codes only. */
static const struct {
	const char *name;
	const char *keyword;
	int severity;
} error_bits[] = {
        {"low-paper", "media-low", REPORT_INFO},
        {"no-paper", "media-empty", REPORT_WARNING},
        {"low-toner", "marker-supply-low", REPORT_INFO},
        {"no-toner", "marker-supply-empty", REPORT_WARNING},
        {"door-open", "door-open", REPORT_INFO},
        {"jammed", "media-jam", REPORT_ERROR},
        {"offline", NULL, REPORT_INFO},
        {"service-requested", NULL, REPORT_INFO},
        {"input-tray-missing", "input-tray-missing", REPORT_WARNING},
        {"output-tray-missing", "output-tray-missing", REPORT_WARNING},
        {"marker-supply-missing", "marker-supply-missing", REPORT_WARNING},
        {"output-near-full", "output-area-almost-full", REPORT_INFO},
        {"output-full", "output-area-full", REPORT_WARNING},
        {"input-tray-empty", "media-empty", REPORT_WARNING},
        {"overdue-preventive-maintenance", NULL, REPORT_INFO},
};
enum { LOW_TONER = 2, NO_TONER = 3, ERROR_BITS = sizeof error_bits / sizeof error_bits[0] };

static const struct {
	int code;
	const char *keyword;
} st2_errors[] = {
        {0x00, "other"},
        {0x02, "cover-open"},
        {0x04, "media-jam"},
        {0x05, "marker-ink-empty"},
        {0x06, "media-empty"},
        {0x0a, "input-cannot-feed-size-selected"},
        {0x0c, "input-cannot-feed-size-selected"},
        {0x10, "marker-waste-ink-receptacle-full"},
        {0x12, "input-media-tray-feed-error"},
        {0x17, "input-cannot-feed-size-selected"},
        {0x1a, "cover-open"},
        {0x22, "marker-waste-ink-receptacle-missing"},
        {0x25, "cover-open"},
        {0x29, "input-tray-missing"},
        {0x2c, "marker-waste-ink-receptacle-full"},
        {0x2d, "marker-waste-ink-receptacle-missing"},
        {0x2e, "marker-waste-ink-receptacle-full"},
        {0x37, "cover-open"},
        {0x38, "output-media-tray-failure"},
        {0x47, "marker-ink-empty"},
        {0x4a, "marker-waste-ink-receptacle-almost-full"},
        {0x4c, "media-empty"},
        {0x56, "marker-ink-empty"},
        {0x57, "media-empty"},
};

struct status {
	const struct device_view *view;
	struct report_device *out;
	int64_t device; /* hrDeviceStatus, 0: not told */
	bool out_of_memory;
};

static void add_reason(struct status *s, const char *keyword, int severity)
{
	struct report_device *out = s->out;

	for (size_t i = 0; i < out->reason_count; i++) {
		if (strcmp(out->reasons[i].keyword, keyword) == 0) {
			if (out->reasons[i].severity < severity)
				out->reasons[i].severity = severity;
			return;
		}
	}
	if (out->reason_count < REASONS_MAX)
		out->reasons[out->reason_count++] = (struct report_reason){keyword, severity};
}

static void add_code(struct status *s, const char *code, int severity, const char *text)
{
	if (!code)
		s->out_of_memory = true;
	else if (s->out->code_count < CODES_MAX)
		s->out->codes[s->out->code_count++] = (struct report_code){code, severity, text};
}

/* ---- alerts */

static const char *alert_keyword(int64_t code)
{
	for (size_t i = 0; i < sizeof alert_keywords / sizeof alert_keywords[0]; i++) {
		if (alert_keywords[i].code == code)
			return alert_keywords[i].keyword;
	}
	return NULL;
}

static bool says_all_is_well(const char *text)
{
	static const char *const words[] = {"ready", "idle", "sleep", "power save", "powersave",
	        "energy save", "standby", "online"};

	for (size_t i = 0; text && i < sizeof words / sizeof words[0]; i++) {
		if (strncasecmp(text, words[i], strlen(words[i])) == 0)
			return true;
	}
	return false;
}

/* Rows that are no alarm: ordinary life, or a printer that says it is well (printers.md 5.5). */
static bool is_quiet(const struct status *s, int64_t code, int64_t severity, const char *text)
{
	for (size_t i = 0; i < sizeof quiet_codes / sizeof quiet_codes[0]; i++) {
		if (code == quiet_codes[i])
			return true;
	}
	if (code <= 2)
		return says_all_is_well(text) || severity < SEVERITY_CRITICAL;
	if (code == 5)
		return severity != SEVERITY_CRITICAL;
	if (code == FUSER_UNDER_TEMP) /* so are fusers while the printer sleeps */
		return s->device != DEVICE_WARNING && s->device != DEVICE_DOWN;
	return false;
}

static void read_alert(struct status *s, uint32_t row)
{
	const struct device_view *v = s->view;
	int64_t code = mib_number(mib_cell2(v->mib, alert_code, v->printer, row), 0);
	int64_t level = mib_number(mib_cell2(v->mib, alert_severity, v->printer, row), 0);
	const char *text =
	        charset_value(v->arena, v->charset, mib_cell2(v->mib, alert_text, v->printer, row));
	const char *keyword = alert_keyword(code);
	int severity = level == SEVERITY_CRITICAL                              ? REPORT_ERROR
	               : level == SEVERITY_WARNING || level == SEVERITY_BINARY ? REPORT_WARNING
	                                                                       : REPORT_INFO;

	if (is_quiet(s, code, level, text))
		return;
	add_code(s, arena_printf(v->arena, "%lld", (long long)code), severity, text);
	if (keyword)
		add_reason(s, keyword, severity);
	else if (severity == REPORT_ERROR)
		add_reason(s, "other", severity);
}

static void read_alerts(struct status *s)
{
	const struct device_view *view = s->view;
	uint32_t rows[ALERTS_MAX];
	size_t count = 0;

	for (const struct mib_value *v = NULL; (v = mib_next(view->mib, alerts, v));) {
		uint32_t row = mib_index(v, 0);
		size_t at = 0;

		if (v->oid.len != ALERT_LEN || mib_index(v, 1) != view->printer)
			continue;
		while (at < count && rows[at] != row)
			at++;
		if (at < count || count == ALERTS_MAX)
			continue;
		rows[count++] = row;
		read_alert(s, row);
	}
}

/* ---- detected errors: raw octets, most significant bit first, any length */

static bool supplies_explain(const struct report_device *out)
{
	for (size_t i = 0; i < out->supply_count; i++) {
		const struct report_supply *s = &out->supplies[i];

		if (s->class_ != REPORT_RECEPTACLE && s->level.set && s->capacity.set &&
		        s->level.value * 20 <= s->capacity.value)
			return true;
	}
	return false;
}

static void read_error_bits(struct status *s)
{
	const struct mib_value *v = mib_cell(s->view->mib, error_state, s->view->printer);

	if (!v || v->type != MIB_OCTETS)
		return;
	for (size_t bit = 0; bit < ERROR_BITS && bit / 8 < v->len; bit++) {
		int severity = error_bits[bit].severity;

		if (!(v->octets[bit / 8] & 0x80 >> bit % 8))
			continue;
		add_code(s, error_bits[bit].name, severity, NULL);
		if (!error_bits[bit].keyword ||
		        ((bit == LOW_TONER || bit == NO_TONER) && supplies_explain(s->out)))
			continue;
		if (s->device == DEVICE_DOWN && severity != REPORT_INFO)
			severity = REPORT_ERROR;
		if (s->device == DEVICE_DOWN && strcmp(error_bits[bit].name, "door-open") == 0)
			severity = REPORT_ERROR;
		add_reason(s, error_bits[bit].keyword, severity);
	}
}

/* ---- supplies: at most 5 % is low, at most 1 % empty */

static const char *supply_keyword(int type, bool empty)
{
	switch (type) {
	case 3:
	case 21:
		return empty ? "toner-empty" : "toner-low";
	case 5:
	case 6:
	case 7:
	case 12:
	case 13:
	case 36:
		return empty ? "marker-supply-empty" : "marker-supply-low";
	case 10:
		return empty ? "developer-empty" : "developer-low";
	case 9:
	case 15:
	case 16:
	case 20:
		return empty ? "opc-life-over" : "opc-near-eol";
	case 18:
	case 19:
		return empty ? "cleaner-life-over" : "cleaner-life-almost-over";
	default:
		return NULL; /* no two makers report waste containers the same */
	}
}

static void read_supplies(struct status *s)
{
	for (size_t i = 0; i < s->out->supply_count; i++) {
		const struct report_supply *supply = &s->out->supplies[i];
		bool empty;
		const char *keyword;

		if (!supply->level.set || !supply->capacity.set ||
		        supply->class_ == REPORT_RECEPTACLE ||
		        supply->level.value * 20 > supply->capacity.value)
			continue;
		empty = supply->level.value * 100 <= supply->capacity.value;
		keyword = supply_keyword(supply->type, empty);
		if (keyword)
			add_reason(s, keyword, empty ? REPORT_WARNING : REPORT_INFO);
	}
}

/* ---- state */

static int basic_state(const struct status *s)
{
	int64_t printer = device_number(s->view, printer_status, 0);

	if (s->device == DEVICE_DOWN && printer != PRINTER_PRINTING)
		return REPORT_STOPPED;
	if (printer == PRINTER_PRINTING || printer == PRINTER_WARMUP || s->device == DEVICE_TESTING)
		return REPORT_PROCESSING;
	if (printer == PRINTER_IDLE || s->device == DEVICE_RUNNING || s->device == DEVICE_WARNING)
		return REPORT_IDLE;
	return REPORT_UNKNOWN;
}

static void read_st2_error(struct status *s, int error)
{
	const char *keyword = "other";

	for (size_t i = 0; i < sizeof st2_errors / sizeof st2_errors[0]; i++) {
		if (st2_errors[i].code == error)
			keyword = st2_errors[i].keyword;
	}
	add_reason(s, keyword, REPORT_ERROR);
	add_code(s, arena_printf(s->view->arena, "ST2-%02X", (unsigned)error & 0xff), REPORT_ERROR,
	        NULL);
}

static void read_st2_warnings(struct status *s)
{
	const struct st2 *st2 = &s->view->st2;

	for (size_t i = 0; i < st2->warning_count; i++) {
		unsigned w = st2->warnings[i];
		bool low = w >= 0x10 && w <= 0x1a, no_cleaning = w >= 0x51 && w <= 0x5a;

		if (low)
			add_reason(s, "marker-ink-almost-empty", REPORT_WARNING);
		else if (w == 0x20)
			add_reason(s, "marker-waste-ink-receptacle-almost-full", REPORT_WARNING);
		if (low || w == 0x20 || no_cleaning)
			add_code(s, arena_printf(s->view->arena, "ST2-W%02X", w), REPORT_WARNING,
			        no_cleaning ? "cleaning-disabled" : NULL);
	}
	for (size_t i = 0; i < st2->ink_count; i++) {
		if (st2->inks[i].level == 'n')
			add_reason(s, "marker-ink-missing", REPORT_ERROR);
	}
	for (size_t i = 0; i < st2->box_count; i++) {
		if (st2->boxes[i] == 1)
			add_reason(s, "marker-waste-ink-receptacle-almost-full", REPORT_WARNING);
		else if (st2->boxes[i] == 2)
			add_reason(s, "marker-waste-ink-receptacle-full", REPORT_ERROR);
	}
}

/* The block knows better than the MIB, which an Epson leaves at "running, idle" most of the time. */
static int read_st2(struct status *s)
{
	const struct st2 *st2 = &s->view->st2;

	read_st2_warnings(s);
	if (st2->cancelled)
		return REPORT_PROCESSING;
	switch (st2->status) {
	case 0x01: /* printing for itself */
	case 0x02: /* printing */
	case 0x03: /* waiting */
	case 0x06: /* drying */
	case 0x0b:
	case 0x0c: /* paper being set up */
	case 0x0d: /* ink being switched */
	case 0x0f: /* nozzle check */
	case 0x11: /* charging */
		return REPORT_PROCESSING;
	case 0x04:
	case 0x09: /* motor off */
		return REPORT_IDLE;
	case 0x05:
		add_reason(s, "paused", REPORT_INFO);
		return REPORT_STOPPED;
	case 0x07:
		add_reason(s, "marker-adjusting-print-quality", REPORT_INFO);
		return REPORT_PROCESSING;
	case 0x0a:
		add_reason(s, "shutdown", REPORT_INFO);
		return REPORT_STOPPED;
	case 0x00:
		read_st2_error(s, st2->error < 0 ? 0 : st2->error);
		return REPORT_STOPPED;
	default: /* an unknown status is an error, as in Epson's own driver */
		add_reason(s, "other", REPORT_ERROR);
		add_code(s, arena_printf(s->view->arena, "ST2-S%02X", (unsigned)st2->status & 0xff),
		        REPORT_ERROR, NULL);
		return REPORT_STOPPED;
	}
}

bool status_fill(const struct device_view *view, struct report_device *out)
{
	struct status s = {.view = view, .out = out};

	out->reasons = arena_array(view->arena, REASONS_MAX, sizeof *out->reasons);
	out->codes = arena_array(view->arena, CODES_MAX, sizeof *out->codes);
	if (!out->reasons || !out->codes)
		return false;
	s.device = device_number(view, device_status, 0);
	out->state = basic_state(&s);
	read_alerts(&s);
	read_error_bits(&s);
	read_supplies(&s);
	if (device_number(view, printer_status, 0) == PRINTER_WARMUP)
		add_reason(&s, "subunit-warming-up", REPORT_INFO);
	if (view->has_st2)
		out->state = read_st2(&s);
	return !s.out_of_memory;
}

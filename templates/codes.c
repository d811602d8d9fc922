/* SPDX-License-Identifier: Apache-2.0 */
/* The codes that printers give and that stand for a reason of reasons.c: RFC 3805's PrtAlertCodeTC by
 * number, and the bits of hrPrinterDetectedErrorState (RFC 2790) by the names that agents send. */
#include "templates/page.h"

#include <string.h>

static const struct {
	const char *code, *keyword;
} codes[] = {
        {"low-paper", "media-low"},
        {"no-paper", "media-empty"},
        {"low-toner", "marker-supply-low"},
        {"no-toner", "marker-supply-empty"},
        {"door-open", "door-open"},
        {"jammed", "media-jam"},
        {"offline", "offline"},
        {"service-requested", "service-requested"},
        {"input-tray-missing", "input-tray-missing"},
        {"output-tray-missing", "output-tray-missing"},
        {"marker-supply-missing", "marker-supply-missing"},
        {"output-near-full", "output-area-almost-full"},
        {"output-full", "output-area-full"},
        {"input-tray-empty", "media-empty"},
        {"overdue-preventive-maintenance", "maintenance-needed"},
        {"3", "cover-open"},
        {"5", "interlock-open"},
        {"8", "media-jam"},
        {"9", "subunit-missing"},
        {"10", "subunit-life-almost-over"},
        {"11", "subunit-life-over"},
        {"22", "subunit-offline"},
        {"24", "subunit-warming-up"},
        {"29", "subunit-recoverable-failure"},
        {"30", "subunit-unrecoverable-failure"},
        {"33", "subunit-motor-failure"},
        {"501", "door-open"},
        {"504", "power-down"},
        {"801", "input-tray-missing"},
        {"807", "media-low"},
        {"808", "media-empty"},
        {"809", "media-needed"},
        {"810", "media-needed"},
        {"813", "input-cannot-feed-size-selected"},
        {"901", "output-tray-missing"},
        {"902", "output-area-almost-full"},
        {"903", "output-area-full"},
        {"1001", "fuser-under-temp"},
        {"1002", "fuser-over-temp"},
        {"1005", "marker-adjusting-print-quality"},
        {"1101", "toner-empty"},
        {"1102", "marker-ink-empty"},
        {"1104", "toner-low"},
        {"1105", "marker-ink-almost-empty"},
        {"1107", "marker-waste-toner-receptacle-almost-full"},
        {"1108", "marker-waste-ink-receptacle-almost-full"},
        {"1109", "marker-waste-toner-receptacle-full"},
        {"1110", "marker-waste-ink-receptacle-full"},
        {"1111", "opc-near-eol"},
        {"1112", "opc-life-over"},
        {"1113", "developer-low"},
        {"1114", "developer-empty"},
        {"1115", "marker-toner-cartridge-missing"},
        {"1304", "media-path-cannot-duplex-media-selected"},
        /* what the server itself notices */
        {"device-added", "device-added"},
        {"counter-fell", "counter-fell"},
        {"serial-appeared", "serial-appeared"},
};

const char *reason_of_code(const char *code)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].keyword;
	}
	return NULL;
}

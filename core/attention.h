/* SPDX-License-Identifier: Apache-2.0 */
/* attention.h: how urgent what a device tells is. Every page and the list columns take it from here. */
#ifndef FLEETPORT_CORE_ATTENTION_H
#define FLEETPORT_CORE_ATTENTION_H

/* As core.device.attention holds it. */
enum device_attention {
	DEVICE_ATTENTION_NONE,
	DEVICE_ATTENTION_REPORT,
	DEVICE_ATTENTION_WARNING,
	DEVICE_ATTENTION_ERROR,
};

/* Of a reason with the severity that its device gave ("error", "warning", "report"). A supply that runs
 * out is at least a warning: somebody has to have the next one ready. keyword: an IPP
 * printer-state-reason without suffix, or NULL. */
enum device_attention device_attention_of(const char *keyword, const char *severity)
        __attribute__((nonnull(2)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* os.h: what system the agent runs on, for agent.os in reports. */
#ifndef FLEETPORT_AGENTS_OS_H
#define FLEETPORT_AGENTS_OS_H

struct os {
	const char *name, *version; /* "" where unknown */
	const char *product_type;   /* workstation, server, embedded */
};

/* Read once, then the same for the life of the program. Call it first from one thread. */
struct os os_describe(void);

#endif

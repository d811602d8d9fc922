/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h: a real fleetport-audit (./fleetport-audit, or what FLEETPORT_AUDIT names) over a world's
 * folder. Every function ends the test when something fails.
 */
#ifndef FLEETPORT_TESTS_HELPERS_AUDIT_H
#define FLEETPORT_TESTS_HELPERS_AUDIT_H

#include "tests/helpers/world.h"

#include <sys/types.h>

/* Writes a configuration for the world's folder; more: further lines, or NULL. */
void test_config_write(const struct world *world, const char *path, const char *more);

/* The audit process of a world's folder; returns when it answers. */
pid_t test_audit_start(const struct world *world);
/* Ends it (SIGKILL) and waits. */
void test_audit_kill(pid_t audit);

#endif

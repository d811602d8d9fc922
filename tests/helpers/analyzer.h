/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyzer.h: for clang-tidy only (tests/lint.sh puts it in front of each file). Its analyzer looks at
 * one file at a time, so it does not know that these always return false, and would follow paths
 * that cannot be.
 */
#ifndef FLEETPORT_TESTS_HELPERS_ANALYZER_H
#define FLEETPORT_TESTS_HELPERS_ANALYZER_H

#include "lib/error.h"

#define err_set(...)   ((void)err_set(__VA_ARGS__), false)
#define err_wrap(...)  ((void)err_wrap(__VA_ARGS__), false)
#define err_errno(...) ((void)err_errno(__VA_ARGS__), false)

#endif

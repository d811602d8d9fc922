/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h: what tests do to stores beside db/sql.h: a folder of their own, raw SQL to arrange a
 * world, and the plan that SQLite makes for a statement.
 */
#ifndef FLEETPORT_TESTS_HELPERS_STORE_H
#define FLEETPORT_TESTS_HELPERS_STORE_H

#include "db/sql.h"
#include "lib/buf.h"
#include "tests/helpers/folder.h"

/* Runs SQL on a store under its lock, as no program may. Ends the test on failure. */
void test_store_exec(const char *folder, enum sql_store store, const char *text);

/* The number that a SELECT of one column and row gives. */
int64_t test_store_number(const char *folder, enum sql_store store, const char *text);

/* Ends the test unless PRAGMA integrity_check says ok. */
void test_store_intact(const char *folder, enum sql_store store);

/* EXPLAIN QUERY PLAN of a statement with every store that exists attached: a line a step. */
void test_store_plan(const char *folder, const struct sql_statement *st, struct buf *out);

/* Ends the test if the plan scans a whole table or sorts in a temporary tree. */
void test_store_plan_is_fast(const char *folder, const struct sql_statement *st);

#endif

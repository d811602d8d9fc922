/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h: the migrations, as db/embed.awk puts them into the program from
 * db/schema/STORE-NNN.sql.
 */
#ifndef FLEETPORT_DB_SCHEMA_H
#define FLEETPORT_DB_SCHEMA_H

struct schema_step {
	const char *store; /* "core" */
	int version;       /* 1, 2, … within the store */
	const char *text;
};

/* In the order of the file names; ended by a store of NULL. */
extern const struct schema_step schema_steps[];

#endif

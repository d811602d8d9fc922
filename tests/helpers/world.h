/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h: a store of its own with people in it, and a clock that stands still, for tests of
 * core/ and of what rests on it. Every function ends the test when something fails; those with a
 * struct err let the test look at the failure.
 */
#ifndef FLEETPORT_TESTS_HELPERS_WORLD_H
#define FLEETPORT_TESTS_HELPERS_WORLD_H

#include "core/access.h"
#include "core/accounts.h"
#include "core/contracts.h"
#include "core/grants.h"
#include "core/groups.h"
#include "core/keys.h"
#include "core/organisations.h"
#include "db/sql.h"
#include "lib/clock.h"

#define WORLD_PASSWORD "correct horse battery"

struct world {
	char *folder;
	struct clock_fake clock;
	struct keys *keys;
	struct passwords *passwords;
	struct sql_db *db;
	struct arena *arena;
	unsigned char sealed[PASSWORD_SEALED]; /* scratch */
};

struct world_ids {
	int64_t id;
	char public_id[PUBLIC_ID];
};

/* A new world whose core store knows the tables of core/ and those of `more` (ended by NULL; may be
 * NULL). Reads and writes core, operations and telemetry. */
struct world *world_new(const struct sql_table *const *more);
void world_free(struct world *w);

int64_t world_now(const struct world *w);

/* A write to core that must succeed, and one that may fail. */
void world_write(struct world *w, sql_work *work, void *arg);
bool world_try(struct world *w, sql_work *work, void *arg, struct err *e);

/* A read connection; sql_return() it. */
struct sql_conn *world_read(struct world *w);

struct world_ids world_organisation(struct world *w, const char *kind, const char *name);
struct world_ids world_group(struct world *w, const struct world_ids *customer, const char *name);
/* The customer's default group. */
struct world_ids world_default_group(struct world *w, const struct world_ids *customer);
/* A person without a password; world_password() sets WORLD_PASSWORD (a tenth of a second). */
struct world_ids world_person(struct world *w, const struct world_ids *organisation, enum role role,
        const char *sign_in_name);
void world_password(struct world *w, const struct world_ids *person);
/* From now for `days`. */
struct world_ids world_contract(struct world *w, const struct world_ids *customer,
        const struct world_ids *partner, int days);
/* By "console uid 0", with the default end. */
struct world_ids world_grant(struct world *w, const struct world_ids *person,
        const struct world_ids *group, const char *right);

/* Does the view `scope` give the person this right on the group? */
bool world_in_scope(struct world *w, const struct world_ids *person, const struct world_ids *group,
        const char *right);

#endif

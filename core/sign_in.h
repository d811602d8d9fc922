/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign_in.h: name and password, throttled.
 *
 * A sign-in is two steps, so that its audit record can stand between them: sign_in_check() says who
 * it is; sessions_begin() (in a change that is recorded) makes the session. Unknown name, wrong
 * password, wrong site and suspended person get the same answer at the same cost; `reason` is for
 * the record only. Failures count against the typed name, existing or not, and against the address:
 * 5 free, then a wait of 1 s doubling to 60 s; 20 within an hour: 15 minutes; 60 a minute an
 * address. An attempt counts before its password is checked, so that guesses at the same time do
 * not slip through; refused ones do not count. A success clears the name's failures.
 *
 * A browser that the person signed in with before (known_browser.h) is counted by itself, not with the name:
 * what strangers do, from wherever, locks it out of nothing, and what it does clears nothing of theirs. Its
 * failures count against the address too, but the address does not hold it up.
 */
#ifndef FLEETPORT_CORE_SIGN_IN_H
#define FLEETPORT_CORE_SIGN_IN_H

#include "core/accounts.h"
#include "core/keys.h"
#include "core/known_browser.h"
#include "core/passwords.h"
#include "db/sql.h"
#include "lib/clock.h"

extern const struct sql_table sign_in_sql;

/* What signing in rests on; all of it outlives the calls. */
struct sign_in {
	struct sql_db *db;
	const struct keys *keys;
	struct passwords *passwords;
	const struct clock *clock;
	enum site site;
};

enum sign_in_result {
	SIGN_IN_OK,
	SIGN_IN_WRONG,     /* say "the name or the password is not right", nothing else */
	SIGN_IN_THROTTLED, /* say how long to wait; the password was not looked at */
};

struct sign_in_answer {
	enum sign_in_result result;
	int64_t wait_ms; /* THROTTLED: until the next attempt is looked at */
	/* For the audit record: "ok", "unknown-name", "wrong-password", "wrong-site", "not-open",
	 * "throttled". Never for the person. */
	const char *reason;
	/* OK: for sessions_begin(); otherwise account_id 0. public ids (arena) are set whenever the
	 * name is known, for the record. */
	int64_t account_id;
	int64_t rights_version;
	const char *account_public_id;
	const char *organisation_public_id;
	enum role role;
	/* OK: for the browser to keep; otherwise "". */
	char browser[KNOWN_BROWSER_TOKEN];
};

/* What is tried. */
struct sign_in_try {
	const char *name, *password;
	const char *address;
	const char *browser; /* the token that the browser kept, or NULL */
};

/* Checks a name and a password from an address. false: the check could not be made (busy, database
 * or memory away): a 503, never "wrong". */
bool sign_in_check(const struct sign_in *sign_in, struct arena *arena,
        const struct sign_in_try *attempt, struct sign_in_answer *answer, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

#endif

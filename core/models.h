/* SPDX-License-Identifier: Apache-2.0 */
/*
 * models.h: what a model of printer can do remotely.
 *
 * A model without an entry can do 'get-status' only. What a device can do is this, as far as its
 * agent states the kind too (agent-protocol.md, Remote operations).
 */
#ifndef FLEETPORT_CORE_MODELS_H
#define FLEETPORT_CORE_MODELS_H

#include "db/sql.h"

extern const struct sql_table models_sql;

struct model {
	const char *manufacturer;
	const char *model;
	const char *kinds; /* of lib/operation.h, separated by single blanks */
};

/* Sets a model's kinds (an earlier entry is replaced). ERR_INVALID: no such kind, none, or one
 * twice; a name that is empty or too long. */
bool models_set(struct sql_conn *write, const struct model *model, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Removes an entry. ERR_NOT_FOUND. */
bool models_remove(struct sql_conn *write, const char *manufacturer, const char *model,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));

bool models_list(struct sql_conn *conn, struct arena *arena, struct model **list, size_t *count,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

/* *can: may the model do this kind? */
bool models_can(struct sql_conn *conn, const char *manufacturer, const char *model,
        const char *kind, bool *can, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

#endif

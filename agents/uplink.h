/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uplink.h: the agent's way to the server over HTTPS: enrolment, renewal, reports, and the time of
 * day. Safe from several threads; one request at a time.
 */
#ifndef FLEETPORT_AGENTS_UPLINK_H
#define FLEETPORT_AGENTS_UPLINK_H

#include "agents/spool.h"
#include "agents/state.h"
#include "lib/clock.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

struct uplink;

struct uplink_options {
	struct state *state; /* stays the caller's */
	struct spool *spool; /* may be NULL: for enrolment and leaving */
	const char *type;    /* "dc", "es" */
	const char *version;
	const char *connect_to; /* NULL or "": the server's own address */
	const struct clock *clock;
	int stop_fd; /* readable: give up; -1: none */
};

/* NULL: *e. For an agent that is not enrolled only uplink_enroll() may follow. */
struct uplink *uplink_new(const struct uplink_options *options, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void uplink_free(struct uplink *uplink); /* NULL is allowed */

/* Enrols with an invitation, HOST#CODE#PIN. The code is told only to a server that proves itself
 * under the pin. May be tried again: a lost answer is given again. ERR_DENIED: the server refuses
 * the invitation. */
bool uplink_enroll(struct uplink *uplink, const char *invitation, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Gets a new certificate once two thirds of the present one's time are over. *renewed: there is a
 * new one (connections should begin anew). */
bool uplink_renew(struct uplink *uplink, bool *renewed, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Tells the server that this agent is no more; its certificate ends. */
bool uplink_leave(struct uplink *uplink, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Sends what waits in the spool, oldest first, until it is empty or the server is not to be had.
 * false: *e, and uplink_pause_ms() says when to come again. *pending (may be NULL): the server has
 * operations for us. */
bool uplink_send(struct uplink *uplink, bool *pending, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

enum uplink_fate { UPLINK_WAITING, UPLINK_TAKEN, UPLINK_REFUSED };

/* What became of a report of late (the last few are remembered): taken whole, or refused, it or a
 * device in it. */
enum uplink_fate uplink_fate(struct uplink *uplink, const char *report_id)
        __attribute__((warn_unused_result, nonnull));

/* How long to wait before the next uplink_send(): 0 after success, else growing with each failure
 * (5 s … 5 min, drawn at random from its second half), or what the server asked for. */
int64_t uplink_pause_ms(struct uplink *uplink) __attribute__((nonnull));

/* Learns the server's time without sending anything of ours. */
bool uplink_learn_time(struct uplink *uplink, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Server's time minus ours in ms; false: not known yet. */
bool uplink_offset(struct uplink *uplink, int64_t *offset_ms)
        __attribute__((warn_unused_result, nonnull));

#endif

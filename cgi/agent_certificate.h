/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_certificate.h: which agent a request comes from, for the programs on the agents' host
 * (agent-protocol.md, Enrolment).
 *
 * nginx has checked the client certificate against the agents' CA; whether it is still one of ours is
 * asked of the database at every request.
 */
#ifndef FLEETPORT_CGI_AGENT_CERTIFICATE_H
#define FLEETPORT_CGI_AGENT_CERTIFICATE_H

#include "core/agents.h"
#include "core/audit.h"
#include "lib/clock.h"
#include "web/route.h"

struct strangers;

/* More that a program wants to know of the agent, read in the same moment. */
typedef bool agent_look(struct sql_conn *conn, const struct agent *agent, void *arg, struct err *e);

/* What a check needs of its program. */
struct agent_door {
	struct sql_db *db; /* reads and writes core; agents_sql is among its tables */
	struct audit_client *audit;
	struct strangers *strangers;
	const struct clock *clock;
	const char *revoked_agents; /* path of the broker's list */
	agent_look *look;           /* NULL: nothing more is read */
};

/*
 * Reads the agent behind the request's certificate into *agent (texts live in rq->arena), and what
 * door->look reads into look_arg. At the first use of a certificate its agent's older ones have ended
 * when this returns, here and at the broker: the agent has its new one for sure.
 *
 * false: the answer is written. 401 without a certificate that nginx found good; 403 when it is none
 * of ours (any more), which is recorded as `action`, denied; else what the error asks for. A refusal
 * does not wait for the audit log: without it, the log here says so.
 */
bool agent_certificate_check(const struct agent_door *door, struct web_request *rq,
        struct web_response *rs, const char *action, struct agent *agent, void *look_arg)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4, 5)));

/* Rewrites the broker's list, after certificates were revoked in a commit. The database refuses them from
 * then on; that the broker could not be told is logged, with the agent. */
void agent_certificate_tell_broker(const struct agent_door *door, const struct agent *agent)
        __attribute__((nonnull));

/* Records a denied attempt of somebody without a certificate: the first ones of a minute singly
 * (strangers.h), so that nobody can fill the log. */
void agent_certificate_stranger(const struct agent_door *door, const struct web_request *rq,
        const char *action) __attribute__((nonnull));

#endif

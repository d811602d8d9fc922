/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enroll.h: the program that signs agents' certificates (agent-protocol.md, Enrolment). It alone may
 * read the key of the agents' CA.
 */
#ifndef FLEETPORT_CGI_ENROLL_ENROLL_H
#define FLEETPORT_CGI_ENROLL_ENROLL_H

#include "cgi/agent_certificate.h"
#include "core/agents.h"
#include "core/changes.h"
#include "lib/config.h"
#include "lib/x509.h"
#include "web/route.h"

/* What the handlers share; the site's context. Constant while it serves. */
struct enroll {
	const struct config *config;
	const struct clock *clock;
	struct sql_db *db; /* reads and writes core */
	struct audit_client *audit;
	struct changes changes;
	struct strangers *strangers;
	struct agent_door door;
	struct x509_ca *ca;         /* the agents' */
	struct buf ca_pem;          /* its certificate, for the chain */
	struct buf server_ca_pem;   /* who signs the servers' certificates: /v1/ca */
	const char *operation_keys; /* path of operation-keys.json */
	const char *revoked_agents; /* path of the broker's list */
	int attempts;               /* wrong codes an hour and address */
	struct web_site site;
};

/* The section [enroll], and the statements that the program runs. */
extern const struct config_option enroll_options[];
extern const struct sql_table *const enroll_tables[];

/* Reads keys and certificates and describes the site; ->config, ->clock and ->db are set. false:
 * nothing is left open. Close with enroll_close(). */
bool enroll_open(struct enroll *enroll, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));
void enroll_close(struct enroll *enroll) __attribute__((nonnull));

/* The agent that calls, on routes that only agents reach. */
const struct agent *enroll_agent(const struct web_request *rq);

static inline struct enroll *enroll_of(const struct web_request *rq)
{
	return rq->site->context;
}

/* The body as JSON; false: it is none, and the answer (415) is written. */
bool enroll_is_json(struct web_request *rq, struct web_response *rs)
        __attribute__((warn_unused_result));
/* What is wrong with a request: 400, or what the error asks for. */
void enroll_refuse(struct web_request *rq, struct web_response *rs, const struct err *e);

/* A certificate for the key in a request: the chain to answer with, and what is to be stored. */
struct enroll_certificate {
	struct buf chain; /* the caller frees it */
	struct x509_info info;
};
bool enroll_sign(const struct enroll *enroll, const char *csr, const char *agent_id,
        struct enroll_certificate *out, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3, 4)));

/* The operation keys that hold or will; read before anything is changed. */
bool enroll_keys(const struct enroll *enroll, struct arena *arena, struct enrolment_answer *answer,
        struct err *e) __attribute__((warn_unused_result, nonnull(1, 2, 3)));
/* 201 with the whole answer. answer carries the keys already. */
void enroll_answer(struct web_request *rq, struct web_response *rs, struct enrolment_answer *answer,
        const char *agent_id, const char *certificate);

/* The routes. */
extern const struct web_route enroll_routes[];
extern const size_t enroll_route_count;
void ca_show(struct web_request *rq, struct web_response *rs);     /* GET /v1/ca */
void enroll_post(struct web_request *rq, struct web_response *rs); /* POST /v1/enroll */
void renew_post(struct web_request *rq, struct web_response *rs);  /* POST /v1/renew */
void leave_post(struct web_request *rq, struct web_response *rs);  /* POST /v1/leave */

#endif

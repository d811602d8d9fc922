/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate that an agent gets, and the answer that carries it. */
#include "cgi/enroll/enroll.h"

/* An agent's clock, or another server's, may be a little behind ours. */
enum { SKEW_MS = 5 * 60 * 1000 };

bool enroll_sign(const struct enroll *enroll, const char *csr, const char *agent_id,
        struct enroll_certificate *out, struct err *e)
{
	int64_t now = clock_wall_ms(enroll->clock);

	out->chain = BUF_INIT(2 * X509_PEM_MAX);
	if (!x509_ca_sign(enroll->ca, csr, agent_id, now - SKEW_MS, now + AGENTS_CERTIFICATE_MS,
	            &out->chain, e))
		return e != NULL && e->code == ERR_INVALID ? err_wrap(e, "$.csr") : false;
	if (!x509_read(buf_text(&out->chain), &out->info, e))
		return false;
	buf_append(&out->chain, enroll->ca_pem.data, enroll->ca_pem.len);
	return !out->chain.failed || err_set(e, ERR_LIMIT, "the certificate chain is too long");
}

bool enroll_keys(const struct enroll *enroll, struct arena *arena, struct enrolment_answer *answer,
        struct err *e)
{
	int64_t now = clock_wall_ms(enroll->clock);
	const struct enrolment_key *all = NULL;
	struct enrolment_key *live;
	size_t count = 0;

	if (!enrolment_keys_load(enroll->operation_keys, arena, &all, &count, e)) {
		if (e != NULL && (e->code == ERR_NOT_FOUND || e->code == ERR_INVALID))
			e->code = ERR_UNAVAILABLE; /* ours to mend, not the agent's */
		return false;
	}
	live = arena_array(arena, count + 1, sizeof *live);
	if (live == NULL)
		return err_set(e, ERR_MEMORY, "no memory for keys");
	answer->key_count = 0;
	for (size_t i = 0; i < count; i++)
		if (all[i].not_after > now)
			live[answer->key_count++] = all[i];
	answer->keys = live;
	return true;
}

void enroll_answer(struct web_request *rq, struct web_response *rs, struct enrolment_answer *answer,
        const char *agent_id, const char *certificate)
{
	const struct enroll *enroll = enroll_of(rq);
	const struct config *config = enroll->config;
	struct err e = ERR_CLEAR;

	answer->agent_id = agent_id;
	answer->certificate = certificate;
	answer->ca = buf_text(&enroll->server_ca_pem);
	answer->mqtt_host = config_text(config, "fleetport", "mqtt_host");
	answer->mqtt_port = config_int(config, "fleetport", "mqtt_port");
	answer->mqtt_alpn = "mqtt";
	answer->mqtt_keep_alive = config_int(config, "enroll", "keep_alive");
	answer->interval_seconds = config_int(config, "enroll", "report_interval");
	answer->jitter_seconds = config_int(config, "enroll", "report_jitter");
	web_begin(rs, 201, "application/json");
	if (!enrolment_answer_write(answer, &rs->body, &e))
		web_error_from(rq, rs, &e);
}

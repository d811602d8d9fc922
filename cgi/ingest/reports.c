/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/reports: the answer goes out after what was accepted is durable.
 */
#include "cgi/ingest/ingest.h"

#include "lib/gzip.h"
#include "lib/json.h"
#include "lib/log.h"

#include <string.h>
#include <strings.h>

enum { WRITE_MS = 2000, HOUR_MS = 3600 * 1000, RETRY_SECONDS = 5 };

/* The body, unpacked where it is packed. false: the answer is written. */
static bool read_body(struct web_request *rq, struct web_response *rs, struct buf *plain,
        const char **text, size_t *len)
{
	const char *encoding = web_header(rq, "content-encoding");
	struct err e = ERR_CLEAR;

	*text = rq->in->body;
	*len = rq->in->body_len;
	if (encoding == NULL || strcasecmp(encoding, "identity") == 0)
		return true;
	if (strcasecmp(encoding, "gzip") != 0) {
		web_problem(rq, rs, 415, "A report is sent plain or with Content-Encoding: gzip.");
		return false;
	}
	if (*len > REPORT_PACKED_MAX) {
		web_problem(rq, rs, 413,
		        "A packed report has at most 1 MiB. Send fewer devices in one report.");
		return false;
	}
	if (gzip_unpack(rq->in->body, rq->in->body_len, plain, &e)) {
		*text = buf_text(plain);
		*len = plain->len;
		return true;
	}
	if (e.code == ERR_LIMIT)
		web_problem(rq, rs, 413,
		        "A report has at most 8 MiB unpacked. Send fewer devices in one report.");
	else if (e.code == ERR_INVALID)
		web_problem(rq, rs, 400, e.text);
	else
		web_error_from(rq, rs, &e);
	return false;
}

static void refuse_report(struct web_request *rq, struct web_response *rs, enum report_fault fault,
        const struct err *e)
{
	switch (fault) {
	case REPORT_FAULT_SIZE:
		web_problem(rq, rs, 413, e->text);
		break;
	case REPORT_FAULT_SCHEMA:
		web_problem(rq, rs, 422, e->text);
		break;
	case REPORT_FAULT_MEMORY:
		web_error_from(rq, rs, e);
		break;
	case REPORT_FAULT_NONE:
	case REPORT_FAULT_JSON:
		web_problem(rq, rs, 400, e->text);
		break;
	}
}

/* The report must be the certificate's agent's own. */
static bool is_own(const struct agent *agent, const struct report *report, struct err *e)
{
	const char *type = report_agent_type_name(report->agent.type);

	if (report->agent.id == NULL || strcmp(report->agent.id, agent->public_id) != 0)
		return err_set(e, ERR_CONFLICT,
		        "$.agent.id: this certificate belongs to another agent than the report "
		        "says");
	if (type == NULL || strcmp(type, agent->type) != 0)
		return err_set(e, ERR_CONFLICT,
		        "$.agent.type: this agent was enrolled with type %s", agent->type);
	return true;
}

/* ---- what is recorded: rejected devices, and a serial that another customer has too */

static const char *rejected_details(struct arena *arena, const char *answer, size_t len)
{
	static const struct json_limits limits = {.bytes = 8 << 20, .depth = 8, .values = 20000};
	struct json *read = json_parse(answer, len, &limits, NULL), *out = json_new_object();
	const struct json *list = json_get(read, "rejected");
	struct json *codes = out == NULL ? NULL : json_add_object(out, "rejected");
	struct buf text = BUF_INIT(4096);
	const char *details = NULL;

	for (const struct json *r = json_first(list); r != NULL && codes != NULL;
	        r = json_next(r)) {
		const char *code = json_as_string(json_get(r, "code"));
		int64_t count = 0;
		if (code == NULL || json_get(codes, code) != NULL)
			continue;
		for (const struct json *k = json_first(list); k != NULL; k = json_next(k)) {
			const char *other = json_as_string(json_get(k, "code"));
			count += other != NULL && strcmp(other, code) == 0;
		}
		if (!json_add_i64(codes, code, count))
			break;
	}
	if (codes != NULL && json_print(out, false, &text))
		details = arena_strdup(arena, buf_text(&text));
	buf_free(&text);
	json_free(read);
	json_free(out);
	return details;
}

static void record(const struct web_request *rq, const struct agent *agent, const char *action,
        const char *kind, const char *const *targets, size_t count, const char *details,
        enum audit_outcome outcome)
{
	const struct ingest *ingest = rq->site->context;
	struct err e = ERR_CLEAR;
	const struct audit_entry entry = {.actor_kind = "agent",
	        .actor_id = agent->public_id,
	        .actor_organisation = agent->customer_public_id,
	        .address = rq->address,
	        .request_id = rq->request_id,
	        .action = action,
	        .target_kind = kind,
	        .targets = targets,
	        .target_count = count,
	        .customer = agent->customer_public_id,
	        .outcome = outcome,
	        .details = details};

	if (!audit_record(ingest->audit, &entry, NULL, &e))
		log_event(LOG_LEVEL_ERROR, "audit-failed", "why", e.text, "request", rq->request_id,
		        NULL);
}

static void record_result(const struct web_request *rq, const struct agent *agent,
        const struct intake_result *result, const struct buf *answer)
{
	const char *const own[] = {agent->public_id};

	if (result->rejected > 0)
		record(rq, agent, "report.reject", "agent", own, 1,
		        rejected_details(rq->arena, buf_text(answer), answer->len), AUDIT_DENIED);
	if (result->twins > 0)
		record(rq, agent, "device.same-serial", "device", result->twin_ids, result->twins,
		        NULL, AUDIT_DONE);
}

/* ---- the agent itself: version, system, and that it was heard of */

struct heard {
	const struct agent *agent;
	const char *version, *os;
	int64_t now;
};

static bool heard_work(struct sql_conn *conn, void *arg, struct err *e)
{
	const struct heard *h = arg;

	return agents_seen(conn, h->agent->id, h->version, h->os, h->now, e);
}

/* At most once an hour and agent, so that a report costs no write in core. */
static void note_agent(struct web_request *rq, const struct agent *agent,
        const struct report_agent *a, int64_t now)
{
	const struct ingest *ingest = rq->site->context;
	struct heard heard = {
	        .agent = agent, .now = now, .version = a->version == NULL ? "" : a->version};
	char system[AGENTS_SYSTEM_SIZE];
	struct err e = ERR_CLEAR;

	heard.os = agents_system(
	        system, a->os_name, a->os_version, report_product_name(a->os_product));
	if (now / HOUR_MS * HOUR_MS <= agent->seen_hour &&
	        strcmp(heard.version, agent->version) == 0 && strcmp(heard.os, agent->os) == 0)
		return;
	if (!sql_write(ingest->db, SQL_CORE, heard_work, &heard, WRITE_MS, &e))
		log_event(LOG_LEVEL_WARNING, "agent-not-noted", "agent", agent->public_id, "why",
		        e.text, NULL);
}

/* ---- the handler */

static void store(struct web_request *rq, struct web_response *rs, const struct agent *agent,
        const struct report *report, struct arena *arena)
{
	const struct ingest *ingest = rq->site->context;
	const struct intake_agent source = {.id = agent->id,
	        .public_id = agent->public_id,
	        .customer_id = agent->customer_id,
	        .customer_public_id = agent->customer_public_id,
	        .customer_region = agent->customer_region,
	        .device_limit = agent->device_limit};
	struct buf answer = BUF_INIT(WEB_MAX_BODY_OUT);
	int64_t now = clock_wall_ms(ingest->clock);
	struct intake_result result;
	struct err e = ERR_CLEAR;

	if (!intake_store(&ingest->intake, &source, report, now, ingest_operations_pending(rq),
	            arena, &answer, &result, &e)) {
		web_error_from(rq, rs, &e);
		goto free_answer;
	}
	note_agent(rq, agent, &report->agent, now);
	record_result(rq, agent, &result, &answer);
	web_begin(rs, 200, "application/json");
	buf_append(&rs->body, answer.data, answer.len);
free_answer:
	buf_free(&answer);
}

void reports_post(struct web_request *rq, struct web_response *rs)
{
	const struct ingest *ingest = rq->site->context;
	const struct agent *agent = ingest_agent(rq);
	struct buf plain = BUF_INIT(REPORT_BYTES_MAX);
	struct arena *arena = NULL;
	struct report report;
	enum report_fault fault;
	struct err e = ERR_CLEAR;
	const char *text;
	size_t len;

	if (!web_media_type_is(web_header(rq, "content-type"), "application/json")) {
		web_problem(rq, rs, 415, "A report is sent as application/json.");
		return;
	}
	if (!read_body(rq, rs, &plain, &text, &len))
		goto free_body;
	arena = arena_new(REPORT_ARENA_BYTES);
	if (arena == NULL) {
		(void)err_set(&e, ERR_UNAVAILABLE, "no memory for a report");
		web_error_from(rq, rs, &e);
		goto free_body;
	}
	if (!report_read(text, len, clock_wall_ms(ingest->clock), arena, &report, &fault, &e))
		refuse_report(rq, rs, fault, &e);
	else if (!is_own(agent, &report, &e)) {
		const char *const own[] = {agent->public_id};
		record(rq, agent, "report.reject", "agent", own, 1, NULL, AUDIT_DENIED);
		web_problem(rq, rs, 409, e.text);
	} else
		store(rq, rs, agent, &report, arena);
free_body:
	arena_free(arena);
	buf_free(&plain);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/uplink.h"

#include "agents/os.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/gzip.h"
#include "lib/https.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/report.h"
#include "lib/x509.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAUSE_FIRST_MS = 5000,
	PAUSE_MAX_MS = 300000,
	RETRY_AFTER_MAX = 3600,
	PACK_FROM = 4096,
	FATES = 16,
	ANSWER_ARENA = 4 * 1024 * 1024,
	URL_SIZE = ENROLMENT_HOST_SIZE + 16,
};

struct uplink {
	struct uplink_options o;
	char connect_to[ENROLMENT_HOST_SIZE];
	char user_agent[96];
	pthread_mutex_t lock;        /* around the client */
	struct https_client *client; /* NULL: to be made */
	pthread_mutex_t facts;       /* around what follows */
	bool offset_known;
	int64_t offset_ms;
	int64_t pause_ms;
	unsigned failures;
	struct {
		char report_id[37];
		enum uplink_fate fate;
	} fates[FATES];
	size_t next_fate;
};

/* ---- the client */

static bool make_client(struct uplink *u, struct err *e)
{
	char path[STATE_PATH_SIZE], url[URL_SIZE];
	struct buf pem = BUF_INIT((size_t)4 * X509_PEM_MAX),
	           ca = BUF_INIT((size_t)4 * X509_PEM_MAX);
	struct https_options options = {.base_url = url,
	        .connect_to = u->connect_to,
	        .stop_fd = u->o.stop_fd,
	        .user_agent = u->user_agent};

	if (u->client)
		return true;
	snprintf(url, sizeof url, "https://%s", u->o.state->server);
	if (file_read_secret(state_path(u->o.state, "agent.pem", path), &pem, e) &&
	        file_read(state_path(u->o.state, "server-ca.pem", path), &ca, e)) {
		options.cert_pem = options.key_pem = buf_text(&pem);
		options.ca_pem = buf_text(&ca);
		u->client = https_new(&options, e);
	}
	file_wipe(&pem);
	buf_free(&ca);
	return u->client;
}

/* The Date header has whole seconds: its middle is the best guess, half way through the request. */
static void learn_time(struct uplink *u, const struct https_answer *answer)
{
	if (answer->date == 0)
		return;
	pthread_mutex_lock(&u->facts);
	u->offset_ms = answer->date + 500 -
	               (answer->sent_at + (answer->received_at - answer->sent_at) / 2);
	u->offset_known = true;
	pthread_mutex_unlock(&u->facts);
}

bool uplink_offset(struct uplink *u, int64_t *offset_ms)
{
	bool known;

	pthread_mutex_lock(&u->facts);
	known = u->offset_known;
	*offset_ms = known ? u->offset_ms : 0;
	pthread_mutex_unlock(&u->facts);
	return known;
}

bool uplink_learn_time(struct uplink *u, struct err *e)
{
	struct https_answer answer = {0};
	bool ok;

	pthread_mutex_lock(&u->lock);
	ok = make_client(u, e) && https_get(u->client, "/v1/ca", &answer, e);
	if (ok)
		learn_time(u, &answer);
	https_answer_free(&answer);
	pthread_mutex_unlock(&u->lock);
	return ok;
}

/* What a problem+json says, for the log and the person. */
static bool refused(const struct https_answer *answer, enum err_code code, struct err *e)
{
	const struct json_limits limits = {.bytes = 65536, .depth = 8, .values = 1000};
	struct json *root = json_parse(buf_text(&answer->body), answer->body.len, &limits, NULL);
	const char *detail = json_as_string(json_get(root, "detail"));
	const char *title = json_as_string(json_get(root, "title"));

	err_set(e, code, "the server answers %d%s%.200s", answer->status,
	        detail || title ? ": " : "",
	        detail  ? detail
	        : title ? title
	                : "");
	json_free(root);
	return false;
}

struct uplink *uplink_new(const struct uplink_options *options, struct err *e)
{
	struct uplink *u = calloc(1, sizeof *u);

	if (!u) {
		err_set(e, ERR_MEMORY, "no memory for the way to the server");
		return NULL;
	}
	u->o = *options;
	snprintf(u->connect_to, sizeof u->connect_to, "%s",
	        options->connect_to ? options->connect_to : "");
	snprintf(u->user_agent, sizeof u->user_agent, "fleetport-%s-agent/%s", options->type,
	        options->version);
	pthread_mutex_init(&u->lock, NULL);
	pthread_mutex_init(&u->facts, NULL);
	return u;
}

void uplink_free(struct uplink *u)
{
	if (!u)
		return;
	https_free(u->client);
	pthread_mutex_destroy(&u->lock);
	pthread_mutex_destroy(&u->facts);
	free(u);
}

/* ---- enrolment and renewal */

static bool write_request(struct uplink *u, const char *code, struct buf *out, struct err *e)
{
	struct buf key = BUF_INIT(X509_PEM_MAX), csr = BUF_INIT(X509_PEM_MAX);
	struct os os = os_describe();
	struct enrolment_request request = {.code = code,
	        .type = u->o.type,
	        .version = u->o.version,
	        .os_name = os.name,
	        .os_version = os.version,
	        .os_product_type = os.product_type};
	bool ok = state_pending_key(u->o.state, &key, e) && x509_csr_new(buf_text(&key), &csr, e);

	memcpy(request.event_key, u->o.state->event_public, sizeof request.event_key);
	request.csr = buf_text(&csr);
	ok = ok && enrolment_request_write(&request, out, e);
	file_wipe(&key);
	buf_free(&csr);
	return ok;
}

static bool post_enrolment(struct uplink *u, const struct enrolment_invitation *invitation,
        struct https_client *client, const char *ca_pem, struct err *e)
{
	struct buf body = BUF_INIT(ENROLMENT_MAX);
	struct https_answer answer;
	bool ok = write_request(u, invitation->code, &body, e);

	if (!ok) {
		file_wipe(&body);
		return false;
	}
	ok = https_post(
	        client, "/v1/enroll", "application/json", NULL, body.data, body.len, &answer, e);
	file_wipe(&body);
	if (ok) {
		learn_time(u, &answer);
		ok = answer.status == 201 ? state_accept(u->o.state, invitation->host, ca_pem,
		                                    buf_text(&answer.body), answer.body.len, e)
		                          : refused(&answer,
		                                    answer.status == 403   ? ERR_DENIED
		                                    : answer.status == 429 ? ERR_BUSY
		                                    : answer.status >= 500 ? ERR_UNAVAILABLE
		                                                           : ERR_INVALID,
		                                    e);
	}
	https_answer_free(&answer);
	return ok;
}

bool uplink_enroll(struct uplink *u, const char *text, struct err *e)
{
	struct enrolment_invitation invitation;
	struct buf ca = BUF_INIT((size_t)4 * X509_PEM_MAX);
	char url[URL_SIZE];
	struct https_options options = {.base_url = url,
	        .connect_to = u->connect_to,
	        .stop_fd = u->o.stop_fd,
	        .user_agent = u->user_agent};
	struct https_client *client = NULL;
	bool ok;

	if (!enrolment_invitation_read(text, &invitation, e))
		return err_wrap(e, "the invitation");
	snprintf(url, sizeof url, "https://%s", invitation.host);
	ok = https_pinned_ca(&options, invitation.pin, &ca, e);
	if (ok) {
		options.ca_pem = buf_text(&ca);
		client = https_new(&options, e);
		ok = client && post_enrolment(u, &invitation, client, buf_text(&ca), e);
	}
	https_free(client);
	buf_free(&ca);
	crypto_wipe(&invitation, sizeof invitation);
	return ok || err_wrap(e, "enrolment");
}

static bool renewal_is_due(const struct uplink *u)
{
	const struct state *s = u->o.state;

	return clock_wall_ms(u->o.clock) >= s->not_before + (s->not_after - s->not_before) / 3 * 2;
}

static bool post_renewal(struct uplink *u, struct err *e)
{
	struct buf body = BUF_INIT(ENROLMENT_MAX);
	struct https_answer answer = {0};
	bool ok = make_client(u, e) && write_request(u, NULL, &body, e) &&
	          https_post(u->client, "/v1/renew", "application/json", NULL, body.data, body.len,
	                  &answer, e);

	if (ok) {
		learn_time(u, &answer);
		ok = answer.status == 200 || answer.status == 201
		             ? state_accept(u->o.state, NULL, "", buf_text(&answer.body),
		                       answer.body.len, e)
		             : refused(&answer, ERR_UNAVAILABLE, e);
	}
	https_answer_free(&answer);
	buf_free(&body);
	return ok;
}

bool uplink_renew(struct uplink *u, bool *renewed, struct err *e)
{
	bool ok;

	*renewed = false;
	if (!renewal_is_due(u))
		return true;
	pthread_mutex_lock(&u->lock);
	ok = post_renewal(u, e);
	if (ok) {
		https_free(u->client);
		u->client = NULL;
		*renewed = true;
	}
	pthread_mutex_unlock(&u->lock);
	return ok || err_wrap(e, "renewal of the certificate");
}

bool uplink_leave(struct uplink *u, struct err *e)
{
	struct https_answer answer = {0};
	bool ok;

	pthread_mutex_lock(&u->lock);
	ok = make_client(u, e) &&
	     https_post(u->client, "/v1/leave", "application/json", NULL, "{}", 2, &answer, e);
	if (ok && answer.status != 204 && answer.status != 200)
		ok = refused(&answer, ERR_UNAVAILABLE, e);
	https_answer_free(&answer);
	pthread_mutex_unlock(&u->lock);
	return ok;
}

/* ---- reports */

static void failed(struct uplink *u, int retry_after)
{
	uint32_t pause = PAUSE_MAX_MS;

	pthread_mutex_lock(&u->facts);
	if (u->failures < 7)
		pause = (uint32_t)PAUSE_FIRST_MS << u->failures++;
	if (pause > PAUSE_MAX_MS)
		pause = PAUSE_MAX_MS;
	u->pause_ms = pause / 2 + crypto_random_below(pause / 2);
	if (retry_after > 0) {
		int64_t asked =
		        (retry_after < RETRY_AFTER_MAX ? retry_after : RETRY_AFTER_MAX) * 1000;

		u->pause_ms = asked + (int64_t)crypto_random_below(1000);
	}
	pthread_mutex_unlock(&u->facts);
}

static void succeeded(struct uplink *u)
{
	pthread_mutex_lock(&u->facts);
	u->failures = 0;
	u->pause_ms = 0;
	pthread_mutex_unlock(&u->facts);
}

int64_t uplink_pause_ms(struct uplink *u)
{
	int64_t pause;

	pthread_mutex_lock(&u->facts);
	pause = u->pause_ms;
	pthread_mutex_unlock(&u->facts);
	return pause;
}

static void log_answer(const struct spool_entry *entry, const struct report_answer *answer)
{
	char number[24];

	for (size_t i = 0; i < answer->rejected_count; i++)
		log_event(LOG_LEVEL_WARNING, "device-rejected", "report", entry->report_id, "index",
		        log_number(number, (long long)answer->rejected[i].index), "code",
		        report_reject_name(answer->rejected[i].code), "why",
		        answer->rejected[i].message, NULL);
	for (size_t i = 0; i < answer->warning_count; i++)
		log_event(LOG_LEVEL_WARNING, "field-dropped", "report", entry->report_id, "path",
		        answer->warnings[i].path, "why", answer->warnings[i].message, NULL);
	log_event(LOG_LEVEL_INFO, "report-taken", "report", entry->report_id, "devices",
	        log_number(number, (long long)answer->accepted), "duplicate",
	        answer->duplicate ? "yes" : "no", NULL);
}

/* Operation keys rotate: new ones come with the answer. */
static bool take_keys(struct uplink *u, const struct buf *body, struct arena *arena, struct err *e)
{
	const struct json_limits limits = {
	        .bytes = (size_t)1024 * 1024, .depth = 16, .values = 20000};
	struct json *root = json_parse(buf_text(body), body->len, &limits, e);
	const struct json *array = json_get(root, "operationKeys");
	const struct enrolment_key *keys;
	size_t count;
	bool ok = root != NULL;

	if (ok && array)
		ok = enrolment_keys_read(array, arena, &keys, &count, e) &&
		     state_set_keys(u->o.state, keys, count, e);
	json_free(root);
	return ok;
}

static void remember(struct uplink *u, const char *report_id, enum uplink_fate fate)
{
	pthread_mutex_lock(&u->facts);
	snprintf(u->fates[u->next_fate].report_id, sizeof u->fates[0].report_id, "%s", report_id);
	u->fates[u->next_fate].fate = fate;
	u->next_fate = (u->next_fate + 1) % FATES;
	pthread_mutex_unlock(&u->facts);
}

enum uplink_fate uplink_fate(struct uplink *u, const char *report_id)
{
	enum uplink_fate fate = UPLINK_WAITING;

	pthread_mutex_lock(&u->facts);
	for (size_t i = 0; i < FATES; i++) {
		if (strcmp(u->fates[i].report_id, report_id) == 0)
			fate = u->fates[i].fate;
	}
	pthread_mutex_unlock(&u->facts);
	return fate;
}

static bool taken(struct uplink *u, const struct spool_entry *entry, const struct buf *body,
        bool *pending, struct err *e)
{
	struct arena *arena = arena_new(ANSWER_ARENA);
	struct report_answer answer;
	struct err why = ERR_CLEAR;
	bool ok = arena && report_answer_read(buf_text(body), body->len, arena, &answer, e);

	if (!arena)
		err_set(e, ERR_MEMORY, "no memory for the server's answer");
	if (ok) {
		log_answer(entry, &answer);
		if (pending && answer.operations_pending)
			*pending = true;
		if (!take_keys(u, body, arena, &why))
			log_event(LOG_LEVEL_WARNING, "operation-keys-not-taken", "why", why.text,
			        NULL);
		ok = spool_done(u->o.spool, entry, e);
		remember(
		        u, entry->report_id, answer.rejected_count ? UPLINK_REFUSED : UPLINK_TAKEN);
	}
	arena_free(arena);
	return ok;
}

/* Statuses that will be the same however often this report is sent. */
static bool is_final(int status)
{
	return status == 400 || status == 409 || status == 413 || status == 415 || status == 422;
}

static bool judge(struct uplink *u, const struct spool_entry *entry,
        const struct https_answer *answer, bool *pending, struct err *e)
{
	struct err why = ERR_CLEAR;

	learn_time(u, answer);
	if (answer->status == 200)
		return taken(u, entry, &answer->body, pending, e);
	if (!is_final(answer->status))
		return refused(answer,
		        answer->status == 401 || answer->status == 403 ? ERR_DENIED
		                                                       : ERR_UNAVAILABLE,
		        e);
	refused(answer, ERR_INVALID, &why);
	log_event(LOG_LEVEL_ERROR, "report-refused", "report", entry->report_id, "why", why.text,
	        "kept", "spool/refused", NULL);
	remember(u, entry->report_id, UPLINK_REFUSED);
	return spool_refuse(u->o.spool, entry, e);
}

static bool post_report(
        struct uplink *u, const struct buf *report, struct https_answer *answer, struct err *e)
{
	struct buf packed = BUF_INIT(REPORT_PACKED_MAX);
	bool pack = report->len >= PACK_FROM, ok;

	if (pack && !gzip_pack(report->data, report->len, &packed, e)) {
		buf_free(&packed);
		return false;
	}
	ok = https_post(u->client, "/v1/reports", "application/json", pack ? "gzip" : NULL,
	        pack ? packed.data : report->data, pack ? packed.len : report->len, answer, e);
	buf_free(&packed);
	return ok;
}

/* One report. *more: there may be another one. */
static bool send_one(struct uplink *u, bool *pending, bool *more, struct err *e)
{
	struct spool_entry entry;
	struct buf report = BUF_INIT(REPORT_BYTES_MAX);
	struct https_answer answer = {.retry_after = -1};
	struct err why = ERR_CLEAR;
	bool ok = true;

	*more = spool_next(u->o.spool, &entry, &report, &why);
	if (*more) {
		ok = make_client(u, &why) && post_report(u, &report, &answer, &why) &&
		     judge(u, &entry, &answer, pending, &why);
	} else if (why.code != ERR_NONE) {
		ok = false;
	}
	if (!ok)
		failed(u, answer.retry_after);
	if (!ok && e)
		*e = why;
	https_answer_free(&answer);
	buf_free(&report);
	return ok;
}

bool uplink_send(struct uplink *u, bool *pending, struct err *e)
{
	bool more = true, ok = true;

	pthread_mutex_lock(&u->lock);
	while (ok && more)
		ok = send_one(u, pending, &more, e);
	pthread_mutex_unlock(&u->lock);
	if (ok)
		succeeded(u);
	return ok;
}

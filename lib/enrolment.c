/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/enrolment.h"

#include "lib/file.h"
#include "lib/parse.h"

#include <stdio.h>
#include <string.h>

enum {
	CSR_MAX = 8 * 1024,
	CHAIN_MAX = 16 * 1024,
	VERSION_MAX = 40,
	OS_MAX = 80,
	NAME_MAX_BYTES = 253,
	KEY_ID_MAX = 64,
	KEYS_FILE_MAX = 16 * 1024,
};

static const struct json_limits limits = {.bytes = ENROLMENT_MAX, .depth = 6, .values = 300};

/* ---- HOST#CODE#PIN */

static bool is_host(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t name_len = colon == NULL ? len : (size_t)(colon - text);
	int64_t port;

	if (name_len == 0 || name_len > NAME_MAX_BYTES || len >= ENROLMENT_HOST_SIZE)
		return false;
	for (size_t i = 0; i < name_len; i++) {
		char c = text[i];
		bool known = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || c == '.' || c == '-';
		if (!known)
			return false;
	}
	return colon == NULL || parse_int_n(colon + 1, len - name_len - 1, 1, 65535, &port);
}

bool enrolment_invitation_read(const char *text, struct enrolment_invitation *out, struct err *e)
{
	const char *first = strchr(text, '#');
	const char *second = first == NULL ? NULL : strchr(first + 1, '#');
	char typed[4 * CRYPTO_CODE];
	size_t len, pin_len = 0;

	if (second == NULL)
		return err_set(e, ERR_INVALID, "an invitation reads HOST#CODE#PIN");
	len = (size_t)(first - text);
	if (!is_host(text, len))
		return err_set(e, ERR_INVALID, "the invitation's HOST is no host name");
	memcpy(out->host, text, len);
	out->host[len] = '\0';
	len = (size_t)(second - first) - 1;
	if (len >= sizeof typed)
		return err_set(e, ERR_INVALID, "the invitation's CODE is mistyped");
	memcpy(typed, first + 1, len);
	typed[len] = '\0';
	if (!crypto_code_read(typed, out->code))
		return err_set(e, ERR_INVALID, "the invitation's CODE is mistyped");
	if (!crypto_base64url_decode(
	            second + 1, strlen(second + 1), out->pin, sizeof out->pin, &pin_len) ||
	        pin_len != sizeof out->pin)
		return err_set(e, ERR_INVALID, "the invitation's PIN is mistyped");
	return true;
}

void enrolment_invitation_text(
        const struct enrolment_invitation *invitation, char out[ENROLMENT_TEXT_SIZE])
{
	char pin[CRYPTO_BASE64_SIZE(CRYPTO_HASH)];

	crypto_base64url(invitation->pin, sizeof invitation->pin, pin);
	(void)snprintf(
	        out, ENROLMENT_TEXT_SIZE, "%s#%s#%s", invitation->host, invitation->code, pin);
}

/* ---- members of a JSON object, strictly */

static bool bad(struct err *e, const char *path, const char *what)
{
	return err_set(e, ERR_INVALID, "$.%s: %s", path, what);
}

/* A text of at most max bytes, without control characters unless it is PEM. */
static bool take_text(const struct json *object, const char *name, const char *path, size_t max,
        bool pem, struct arena *arena, const char **out, struct err *e)
{
	const char *text = json_as_string(json_get(object, name));

	if (text == NULL)
		return bad(e, path, "a text is expected here");
	if (text[0] == '\0' || strlen(text) > max)
		return bad(e, path, "the text is empty or too long");
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' && !(pem && (*c == '\n' || *c == '\r')))
			return bad(e, path, "the text contains control characters");
	*out = arena_strdup(arena, text);
	return *out != NULL || err_set(e, ERR_MEMORY, "no memory to read an enrolment");
}

/* The same, "" where it is not there. */
static bool take_optional(const struct json *object, const char *name, const char *path, size_t max,
        struct arena *arena, const char **out, struct err *e)
{
	*out = "";
	return json_get(object, name) == NULL ||
	       take_text(object, name, path, max, false, arena, out, e);
}

static bool take_int(const struct json *object, const char *name, const char *path, int64_t min,
        int64_t max, int64_t *out, struct err *e)
{
	if (!json_as_i64(json_get(object, name), out) || *out < min || *out > max)
		return bad(e, path, "a number in range is expected here");
	return true;
}

static bool take_key(const struct json *object, const char *name, const char *path,
        unsigned char key[CRYPTO_SIGN_PUBLIC], struct err *e)
{
	const char *text = json_as_string(json_get(object, name));
	size_t len = 0;

	if (text == NULL ||
	        !crypto_base64_decode(text, strlen(text), key, CRYPTO_SIGN_PUBLIC, &len) ||
	        len != CRYPTO_SIGN_PUBLIC)
		return bad(e, path, "32 bytes in base64 are expected here");
	return true;
}

static bool take_time(
        const struct json *object, const char *name, const char *path, int64_t *out, struct err *e)
{
	const char *text = json_as_string(json_get(object, name));

	if (text == NULL || !parse_time(text, out))
		return bad(e, path, "a time is expected here");
	return true;
}

static bool print_root(struct json *root, bool built, struct buf *out, struct err *e)
{
	bool ok = built && json_print(root, false, out);

	json_free(root);
	return ok || err_set(e, ERR_MEMORY, "an enrolment message cannot be written");
}

/* ---- the request */

static bool add_agent(struct json *agent, const struct enrolment_request *request)
{
	struct json *os;

	if (agent == NULL || !json_add_string(agent, "type", request->type) ||
	        !json_add_string(agent, "version", request->version))
		return false;
	os = json_add_object(agent, "os");
	return os != NULL &&
	       (request->os_name[0] == '\0' || json_add_string(os, "name", request->os_name)) &&
	       (request->os_version[0] == '\0' ||
	               json_add_string(os, "version", request->os_version)) &&
	       (request->os_product_type[0] == '\0' ||
	               json_add_string(os, "productType", request->os_product_type));
}

bool enrolment_request_write(
        const struct enrolment_request *request, struct buf *out, struct err *e)
{
	struct json *root = json_new_object();
	char key[CRYPTO_BASE64_SIZE(CRYPTO_SIGN_PUBLIC)];
	bool ok = root != NULL && json_add_string(root, "csr", request->csr);

	if (ok && request->code != NULL) {
		crypto_base64(request->event_key, sizeof request->event_key, key);
		ok = json_add_string(root, "code", request->code) &&
		     json_add_string(root, "eventKey", key) &&
		     add_agent(json_add_object(root, "agent"), request);
	}
	return print_root(root, ok, out, e);
}

static bool read_agent(
        const struct json *agent, struct arena *arena, struct enrolment_request *out, struct err *e)
{
	const struct json *os = json_get(agent, "os");

	if (agent == NULL || json_type_of(agent) != JSON_OBJECT)
		return bad(e, "agent", "an object is expected here");
	if (os != NULL && json_type_of(os) != JSON_OBJECT)
		return bad(e, "agent.os", "an object is expected here");
	if (!take_text(agent, "type", "agent.type", 2, false, arena, &out->type, e) ||
	        !take_text(agent, "version", "agent.version", VERSION_MAX, false, arena,
	                &out->version, e) ||
	        !take_optional(os, "name", "agent.os.name", OS_MAX, arena, &out->os_name, e) ||
	        !take_optional(
	                os, "version", "agent.os.version", OS_MAX, arena, &out->os_version, e) ||
	        !take_optional(os, "productType", "agent.os.productType", OS_MAX, arena,
	                &out->os_product_type, e))
		return false;
	if (strcmp(out->type, "dc") != 0 && strcmp(out->type, "es") != 0)
		return bad(e, "agent.type", "must be dc or es");
	return true;
}

bool enrolment_request_read(const char *text, size_t len, bool renewal, struct arena *arena,
        struct enrolment_request *out, struct err *e)
{
	struct json *root = json_parse(text, len, &limits, e);
	bool ok;

	*out = (struct enrolment_request){
	        .type = "", .version = "", .os_name = "", .os_version = "", .os_product_type = ""};
	if (root == NULL)
		return false;
	ok = json_type_of(root) == JSON_OBJECT ||
	     err_set(e, ERR_INVALID, "$: an object is expected here");
	ok = ok && take_text(root, "csr", "csr", CSR_MAX, true, arena, &out->csr, e);
	if (ok && !renewal)
		ok = take_text(
		             root, "code", "code", 4 * CRYPTO_CODE, false, arena, &out->code, e) &&
		     take_key(root, "eventKey", "eventKey", out->event_key, e) &&
		     read_agent(json_get(root, "agent"), arena, out, e);
	json_wipe(root); /* the code lets somebody in */
	return ok;
}

/* ---- operation keys */

bool enrolment_keys_read(const struct json *array, struct arena *arena,
        const struct enrolment_key **keys, size_t *count, struct err *e)
{
	size_t all = json_count(array), i = 0;
	struct enrolment_key *list;

	if (array == NULL || json_type_of(array) != JSON_ARRAY || all > ENROLMENT_KEYS_MAX)
		return bad(e, "operationKeys", "a list of at most 16 keys is expected here");
	list = arena_array(arena, all + 1, sizeof *list);
	if (list == NULL)
		return err_set(e, ERR_MEMORY, "no memory to read keys");
	for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
		struct enrolment_key *key = &list[i++];
		if (!take_text(item, "keyId", "operationKeys[].keyId", KEY_ID_MAX, false, arena,
		            &key->key_id, e) ||
		        !take_key(item, "key", "operationKeys[].key", key->key, e) ||
		        !take_time(item, "notBefore", "operationKeys[].notBefore", &key->not_before,
		                e) ||
		        !take_time(
		                item, "notAfter", "operationKeys[].notAfter", &key->not_after, e))
			return false;
	}
	*keys = list;
	*count = all;
	return true;
}

bool enrolment_keys_load(const char *path, struct arena *arena, const struct enrolment_key **keys,
        size_t *count, struct err *e)
{
	struct buf text = BUF_INIT(KEYS_FILE_MAX);
	struct json *root = NULL;
	bool ok = file_read(path, &text, e);

	if (ok) {
		root = json_parse(buf_text(&text), text.len, &limits, e);
		ok = root != NULL && enrolment_keys_read(root, arena, keys, count, e);
		if (!ok)
			err_wrap(e, "%s", path);
	}
	json_free(root);
	buf_free(&text);
	return ok;
}

bool enrolment_keys_add(struct json *array, const struct enrolment_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char key[CRYPTO_BASE64_SIZE(CRYPTO_SIGN_PUBLIC)], time[PARSE_TIME_SIZE];
		struct json *object = json_add_object(array, NULL);

		crypto_base64(keys[i].key, sizeof keys[i].key, key);
		if (object == NULL || !json_add_string(object, "keyId", keys[i].key_id) ||
		        !json_add_string(object, "key", key) ||
		        !json_add_string(
		                object, "notBefore", parse_time_text(keys[i].not_before, time)) ||
		        !json_add_string(
		                object, "notAfter", parse_time_text(keys[i].not_after, time)))
			return false;
	}
	return true;
}

bool enrolment_keys_write(
        const struct enrolment_key *keys, size_t count, struct buf *out, struct err *e)
{
	struct json *root = json_new_array();

	return print_root(root, root != NULL && enrolment_keys_add(root, keys, count), out, e);
}

/* ---- the answer */

static bool add_answer(struct json *root, const struct enrolment_answer *a)
{
	struct json *mqtt, *keys, *report;

	if (root == NULL || !json_add_string(root, "agentId", a->agent_id) ||
	        !json_add_string(root, "certificate", a->certificate) ||
	        !json_add_string(root, "ca", a->ca))
		return false;
	mqtt = json_add_object(root, "mqtt");
	if (mqtt == NULL || !json_add_string(mqtt, "host", a->mqtt_host) ||
	        !json_add_i64(mqtt, "port", a->mqtt_port) ||
	        !json_add_string(mqtt, "alpn", a->mqtt_alpn) ||
	        !json_add_i64(mqtt, "keepAlive", a->mqtt_keep_alive))
		return false;
	keys = json_add_array(root, "operationKeys");
	if (keys == NULL || !enrolment_keys_add(keys, a->keys, a->key_count))
		return false;
	report = json_add_object(root, "report");
	return report != NULL && json_add_i64(report, "intervalSeconds", a->interval_seconds) &&
	       json_add_i64(report, "jitterSeconds", a->jitter_seconds);
}

bool enrolment_answer_write(const struct enrolment_answer *answer, struct buf *out, struct err *e)
{
	struct json *root = json_new_object();

	return print_root(root, add_answer(root, answer), out, e);
}

static bool read_answer(
        const struct json *root, struct arena *arena, struct enrolment_answer *out, struct err *e)
{
	const struct json *mqtt = json_get(root, "mqtt"), *report = json_get(root, "report");

	if (!take_text(root, "agentId", "agentId", 25, false, arena, &out->agent_id, e))
		return false;
	if (!parse_public_id(out->agent_id, "ag_"))
		return bad(e, "agentId", "this is no id of an agent");
	return take_text(root, "certificate", "certificate", CHAIN_MAX, true, arena,
	               &out->certificate, e) &&
	       take_text(root, "ca", "ca", CHAIN_MAX, true, arena, &out->ca, e) &&
	       take_text(mqtt, "host", "mqtt.host", NAME_MAX_BYTES, false, arena, &out->mqtt_host,
	               e) &&
	       take_int(mqtt, "port", "mqtt.port", 1, 65535, &out->mqtt_port, e) &&
	       take_text(mqtt, "alpn", "mqtt.alpn", 32, false, arena, &out->mqtt_alpn, e) &&
	       take_int(mqtt, "keepAlive", "mqtt.keepAlive", 5, 3600, &out->mqtt_keep_alive, e) &&
	       take_int(report, "intervalSeconds", "report.intervalSeconds", 1, 86400,
	               &out->interval_seconds, e) &&
	       take_int(report, "jitterSeconds", "report.jitterSeconds", 0, 86400,
	               &out->jitter_seconds, e) &&
	       enrolment_keys_read(
	               json_get(root, "operationKeys"), arena, &out->keys, &out->key_count, e);
}

bool enrolment_answer_read(const char *text, size_t len, struct arena *arena,
        struct enrolment_answer *out, struct err *e)
{
	struct json *root = json_parse(text, len, &limits, e);
	bool ok = root != NULL && read_answer(root, arena, out, e);

	json_free(root);
	return ok;
}

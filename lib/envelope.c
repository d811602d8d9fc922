/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/envelope.h"

#include "lib/json.h"

#include <assert.h>
#include <string.h>

enum { SCHEMAS_MAX = 8, SCHEMA_MAX_BYTES = 64, PAYLOAD_DEPTH = 16, PAYLOAD_VALUES = 5000 };

const char *envelope_key_id(
        const unsigned char public_key[CRYPTO_SIGN_PUBLIC], char out[ENVELOPE_FINGERPRINT_SIZE])
{
	unsigned char hash[CRYPTO_HASH];

	crypto_sha256(public_key, CRYPTO_SIGN_PUBLIC, hash);
	crypto_base64url(hash, 16, out);
	return out;
}

/* schema ‖ 0x00 ‖ payload: what is signed. */
static bool signed_text(const char *schema, const void *payload, size_t len, struct buf *out)
{
	buf_append(out, schema, strlen(schema) + 1);
	buf_append(out, payload, len);
	return !out->failed;
}

/* What stands in JSON and in a log line as it is: base64 of either kind, hexadecimal, an agent's id. */
static bool is_key_id(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
			return false;
	return len > 0 && len <= ENVELOPE_KEY_ID;
}

/* ---- sealing */

static bool print(const char *key_id, const char *payload, size_t len,
        const unsigned char signature[CRYPTO_SIGNATURE], struct buf *out)
{
	char text[CRYPTO_BASE64_SIZE(CRYPTO_SIGNATURE)];

	crypto_base64(signature, CRYPTO_SIGNATURE, text);
	buf_printf(out, "{\"keyId\":\"%s\",\"payload\":\"", key_id);
	/* CRYPTO_BASE64_SIZE counts the NUL, for which a buffer always has room. */
	if (!buf_reserve(out, CRYPTO_BASE64_SIZE(len) - 1))
		return false;
	crypto_base64(payload, len, out->data + out->len);
	out->len += CRYPTO_BASE64_SIZE(len) - 1;
	buf_printf(out, "\",\"signature\":\"%s\"}", text);
	return !out->failed;
}

bool envelope_seal(const char *key_id, const unsigned char secret_key[CRYPTO_SIGN_SECRET],
        const char *schema, const char *payload, size_t len, struct buf *out, struct err *e)
{
	struct buf text = BUF_INIT(ENVELOPE_MAX + SCHEMA_MAX_BYTES),
	           sealed = BUF_INIT(ENVELOPE_MAX);
	unsigned char signature[CRYPTO_SIGNATURE];
	bool ok = false;

	assert(is_key_id(key_id) && strlen(schema) < SCHEMA_MAX_BYTES);
	if (!signed_text(schema, payload, len, &text)) {
		err_set(e, ERR_LIMIT, "a message is too large to sign");
		goto free_both;
	}
	crypto_signature(secret_key, text.data, text.len, signature);
	if (!print(key_id, payload, len, signature, &sealed)) {
		err_set(e, ERR_LIMIT, "a message is too large for its envelope");
		goto free_both;
	}
	buf_append(out, sealed.data, sealed.len);
	ok = !out->failed || err_set(e, ERR_LIMIT, "no room for an envelope");
free_both:
	buf_free(&text);
	buf_free(&sealed);
	return ok;
}

/* ---- opening */

struct parts {
	const char *key_id;
	struct buf payload;
	unsigned char signature[CRYPTO_SIGNATURE];
};

static bool decode_payload(const char *text, struct buf *payload)
{
	size_t len = strlen(text), got = 0;

	if (!buf_reserve(payload, len / 4 * 3 + 3) ||
	        !crypto_base64_decode(
	                text, len, (unsigned char *)payload->data, payload->cap - 1, &got))
		return false;
	payload->len = got;
	payload->data[got] = '\0';
	return true;
}

/* The three members, and no other. key_id lives as long as root. */
static bool take_apart(const struct json *root, struct parts *parts, struct err *e)
{
	const char *payload = json_as_string(json_get(root, "payload"));
	const char *signature = json_as_string(json_get(root, "signature"));
	size_t len = 0;

	parts->key_id = json_as_string(json_get(root, "keyId"));
	if (parts->key_id == NULL || payload == NULL || signature == NULL || json_count(root) != 3)
		return err_set(e, ERR_INVALID,
		        "$: an envelope has keyId, payload and signature, nothing else");
	if (!is_key_id(parts->key_id))
		return err_set(e, ERR_INVALID, "$.keyId: this is no id of a key");
	if (!crypto_base64_decode(signature, strlen(signature), parts->signature,
	            sizeof parts->signature, &len) ||
	        len != sizeof parts->signature)
		return err_set(e, ERR_INVALID, "$.signature: not 64 bytes in base64");
	if (!decode_payload(payload, &parts->payload))
		return err_set(e, ERR_INVALID, "$.payload: not base64");
	return true;
}

/* The schema under which the signature is good; NULL: under none. */
static const char *signed_as(const struct parts *parts, const char *const *schemas,
        const unsigned char key[CRYPTO_SIGN_PUBLIC], size_t *which)
{
	const char *found = NULL;

	for (size_t i = 0; schemas[i] != NULL && found == NULL; i++) {
		struct buf text = BUF_INIT(ENVELOPE_MAX + SCHEMA_MAX_BYTES);

		assert(i < SCHEMAS_MAX);
		if (signed_text(schemas[i], buf_text(&parts->payload), parts->payload.len, &text) &&
		        crypto_verify(key, text.data, text.len, parts->signature)) {
			found = schemas[i];
			*which = i;
		}
		buf_free(&text);
	}
	return found;
}

static bool check_schema(const struct buf *payload, const char *schema, struct err *e)
{
	const struct json_limits limits = {
	        .bytes = ENVELOPE_MAX, .depth = PAYLOAD_DEPTH, .values = PAYLOAD_VALUES};
	struct json *root = json_parse(buf_text(payload), payload->len, &limits, e);
	const char *said = json_as_string(json_get(root, "schema"));
	bool ok = said != NULL && strcmp(said, schema) == 0;

	if (root == NULL)
		return err_wrap(e, "payload");
	if (!ok)
		err_set(e, ERR_INVALID, "payload: $.schema: must be %s", schema);
	json_free(root);
	return ok;
}

static bool open_parts(const struct parts *parts, const char *const *schemas, envelope_key *key,
        void *context, struct buf *out, size_t *which, struct err *e)
{
	unsigned char public_key[CRYPTO_SIGN_PUBLIC];
	const char *schema;
	size_t index = 0;

	if (!key(context, parts->key_id, public_key))
		return err_set(e, ERR_DENIED, "no such key holds now");
	schema = signed_as(parts, schemas, public_key, &index);
	if (schema == NULL)
		return err_set(e, ERR_DENIED, "the signature is not that of its key");
	if (!check_schema(&parts->payload, schema, e))
		return false;
	buf_append(out, buf_text(&parts->payload), parts->payload.len);
	if (out->failed)
		return err_set(e, ERR_LIMIT, "no room for a payload");
	if (which != NULL)
		*which = index;
	return true;
}

bool envelope_open(const char *text, size_t len, const char *const *schemas, envelope_key *key,
        void *context, struct buf *out, size_t *which, struct err *e)
{
	const struct json_limits limits = {.bytes = ENVELOPE_MAX, .depth = 1, .values = 8};
	struct parts parts = {.payload = BUF_INIT(ENVELOPE_MAX)};
	struct json *root = json_parse(text, len, &limits, e);
	bool ok;

	if (root == NULL) {
		if (e != NULL && e->code == ERR_LIMIT)
			e->code = ERR_INVALID;
		return false;
	}
	ok = take_apart(root, &parts, e) &&
	     open_parts(&parts, schemas, key, context, out, which, e);
	buf_free(&parts.payload);
	json_free(root);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/operation.h"

#include "lib/message.h"
#include "lib/parse.h"

#include <stdio.h>
#include <string.h>

enum {
	TEXT_MAX = 300,
	PARAMETERS_MAX = 4000,
	RUN_SECONDS = 900,
	RUN_SECONDS_MAX = 86400,
	AGENT_ID_LENGTH = 25, /* "ag_" and 22 digits */
};

/* A new kind is a row here and a row in the agent's action table. */
static const struct operation_kind kinds[] = {
        {.name = "get-status", .class = OPERATION_QUERY, .run_seconds = RUN_SECONDS},
        {.name = "head-cleaning", .class = OPERATION_CONSUMING, .run_seconds = RUN_SECONDS},
        {.name = "diagnosis", .class = OPERATION_SAFE, .run_seconds = RUN_SECONDS},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const char *const class_names[OPERATION_CLASSES] = {
        [OPERATION_QUERY] = "query",
        [OPERATION_SAFE] = "safe",
        [OPERATION_CONSUMING] = "consuming",
};

static const char *const schemas[OPERATION_MESSAGES] = {
        [MESSAGE_OPERATION] = OPERATION_SCHEMA,
        [MESSAGE_CANCEL] = CANCEL_SCHEMA,
        [MESSAGE_ACK] = ACK_SCHEMA,
};

const struct operation_kind *operation_kinds(size_t *count)
{
	*count = KINDS;
	return kinds;
}

const struct operation_kind *operation_kind_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const char *operation_class_name(enum operation_class class)
{
	return (unsigned)class < OPERATION_CLASSES ? class_names[class] : "";
}

bool operation_class_read(const char *name, enum operation_class *class)
{
	for (int i = 0; i < OPERATION_CLASSES; i++) {
		if (strcmp(class_names[i], name) == 0) {
			*class = (enum operation_class)i;
			return true;
		}
	}
	return false;
}

const char *operation_schema(enum operation_message message)
{
	return (unsigned)message < OPERATION_MESSAGES ? schemas[message] : "";
}

/* ---- parameters */

static bool cleaning_parameters(
        const struct json *given, struct arena *arena, const char **canonical, struct err *e)
{
	static const char *const strengths[] = {"light", "normal", "heavy"};
	int strength;

	if (json_count(given) != 1 ||
	        !message_word(given, "strength", strengths, 3, &strength, NULL))
		return err_set(e, ERR_INVALID,
		        "head-cleaning takes one parameter, strength: light, normal or heavy");
	*canonical = arena_printf(arena, "{\"strength\":\"%s\"}", strengths[strength]);
	return *canonical != NULL || err_set(e, ERR_MEMORY, "no memory for parameters");
}

bool operation_parameters(const struct operation_kind *kind, const char *parameters,
        struct arena *arena, const char **canonical, struct err *e)
{
	const struct json_limits limits = {.bytes = PARAMETERS_MAX, .depth = 4, .values = 100};
	struct json *given = json_parse(parameters, strlen(parameters), &limits, e);
	bool ok = true;

	if (given == NULL) {
		if (e != NULL && e->code == ERR_LIMIT)
			e->code = ERR_INVALID;
		return err_wrap(e, "parameters");
	}
	*canonical = "{}";
	if (json_type_of(given) != JSON_OBJECT)
		ok = err_set(e, ERR_INVALID, "parameters: not an object");
	else if (strcmp(kind->name, "head-cleaning") == 0)
		ok = cleaning_parameters(given, arena, canonical, e);
	else if (json_count(given) != 0)
		ok = err_set(e, ERR_INVALID, "%s takes no parameters", kind->name);
	json_free(given);
	return ok;
}

/* ---- writing */

static bool is_valid(const struct operation *o, struct err *e)
{
	if (!parse_public_id(o->agent_id, "ag_") || !parse_public_id(o->operation_id, "op_") ||
	        o->attempt < 1 || o->attempt > OPERATION_ATTEMPT_MAX)
		return err_set(e, ERR_INVALID, "an operation's ids or attempt are not valid");
	if (o->message == MESSAGE_ACK)
		return o->seq >= 1 || err_set(e, ERR_INVALID, "an ack's seq is not valid");
	if (o->issued_at < 0 || o->not_after < o->issued_at)
		return err_set(e, ERR_INVALID, "an operation's times are not valid");
	if (o->message == MESSAGE_OPERATION &&
	        (o->kind == NULL || o->identity_kind == NULL || o->identity_value == NULL ||
	                o->run_seconds < 1 || o->run_seconds > RUN_SECONDS_MAX))
		return err_set(e, ERR_INVALID, "an operation's kind, device or time is missing");
	return true;
}

static bool add_device(struct json *to, const struct operation *o)
{
	struct json *device = json_add_object(to, "device");
	struct json *identity = device != NULL ? json_add_object(device, "identity") : NULL;

	return identity != NULL && json_add_string(identity, "kind", o->identity_kind) &&
	       json_add_string(identity, "value", o->identity_value) &&
	       json_add_string(
	               device, "manufacturer", o->manufacturer != NULL ? o->manufacturer : "") &&
	       json_add_string(device, "model", o->model != NULL ? o->model : "");
}

static bool add_order(struct json *to, const struct operation *o, struct err *e)
{
	return json_add_string(to, "kind", o->kind->name) && add_device(to, o) &&
	       message_add_object(to, "parameters", o->parameters != NULL ? o->parameters : "{}",
	               PARAMETERS_MAX, e);
}

bool operation_write(const struct operation *o, struct buf *payload, struct err *e)
{
	struct err why = ERR_CLEAR;
	struct json *to;
	bool ok;

	if (!is_valid(o, e))
		return false;
	to = json_new_object();
	ok = to != NULL && json_add_string(to, "schema", operation_schema(o->message)) &&
	     json_add_string(to, "agentId", o->agent_id) &&
	     json_add_string(to, "operationId", o->operation_id) &&
	     json_add_i64(to, "attempt", o->attempt);
	if (ok && o->message == MESSAGE_OPERATION)
		ok = add_order(to, o, &why);
	if (ok && o->message == MESSAGE_ACK)
		ok = json_add_i64(to, "seq", o->seq);
	else if (ok)
		ok = message_add_time(to, "issuedAt", o->issued_at) &&
		     message_add_time(to, "notAfter", o->not_after);
	if (ok && o->message == MESSAGE_OPERATION)
		ok = json_add_i64(to, "runSeconds", o->run_seconds);
	if (message_finish(to, ok, OPERATION_PAYLOAD_MAX, payload, &why))
		return true;
	return err_set(e, why.code, "%s", why.text);
}

/* ---- reading */

static bool read_order(
        const struct json *root, struct arena *arena, struct operation *out, struct err *e)
{
	const struct json *device = json_get(root, "device");
	const struct json *identity = json_get(device, "identity");

	if (!message_text(root, "kind", MESSAGE_REQUIRED, 40, arena, &out->kind_name, e) ||
	        !message_object(root, "parameters", PARAMETERS_MAX, arena, &out->parameters, e) ||
	        !message_int(root, "runSeconds", 1, RUN_SECONDS_MAX, &out->run_seconds, e))
		return false;
	out->kind = operation_kind_find(out->kind_name);
	if (out->parameters == NULL)
		out->parameters = "{}";
	if (!message_text(identity, "kind", MESSAGE_REQUIRED, 20, arena, &out->identity_kind, e) ||
	        !message_text(identity, "value", MESSAGE_REQUIRED, TEXT_MAX, arena,
	                &out->identity_value, e))
		return err_wrap(e, "$.device.identity");
	if (!message_text(device, "manufacturer", MESSAGE_OPTIONAL, TEXT_MAX, arena,
	            &out->manufacturer, e) ||
	        !message_text(device, "model", MESSAGE_OPTIONAL, TEXT_MAX, arena, &out->model, e))
		return err_wrap(e, "$.device");
	return true;
}

static bool read_members(
        const struct json *root, struct arena *arena, struct operation *out, struct err *e)
{
	if (!message_id(root, "agentId", "ag_", arena, &out->agent_id, e) ||
	        !message_id(root, "operationId", "op_", arena, &out->operation_id, e) ||
	        !message_int(root, "attempt", 1, OPERATION_ATTEMPT_MAX, &out->attempt, e))
		return false;
	if (out->message == MESSAGE_ACK)
		return message_int(root, "seq", 1, INT32_MAX, &out->seq, e);
	if (!message_time(root, "issuedAt", &out->issued_at, e) ||
	        !message_time(root, "notAfter", &out->not_after, e))
		return false;
	return out->message == MESSAGE_CANCEL || read_order(root, arena, out, e);
}

bool operation_read(const char *payload, size_t len, enum operation_message message,
        struct arena *arena, struct operation *out, struct err *e)
{
	struct json *root =
	        message_parse(payload, len, OPERATION_PAYLOAD_MAX, operation_schema(message), e);
	bool ok;

	if (root == NULL)
		return false;
	*out = (struct operation){.message = message};
	ok = read_members(root, arena, out, e);
	json_free(root);
	return ok;
}

/* ---- topics */

const char *operation_topic(const char *agent_id, const char *leaf, char out[OPERATION_TOPIC_SIZE])
{
	(void)snprintf(out, OPERATION_TOPIC_SIZE, "fleetport/1/%s/%s", agent_id, leaf);
	return out;
}

bool operation_topic_read(const char *topic, const char *leaf, char agent_id[32])
{
	static const char start[] = "fleetport/1/";
	const char *id = topic + sizeof(start) - 1;

	if (strncmp(topic, start, sizeof(start) - 1) != 0 || strlen(id) < AGENT_ID_LENGTH + 1 ||
	        id[AGENT_ID_LENGTH] != '/' || strcmp(id + AGENT_ID_LENGTH + 1, leaf) != 0)
		return false;
	memcpy(agent_id, id, AGENT_ID_LENGTH);
	agent_id[AGENT_ID_LENGTH] = '\0';
	return parse_public_id(agent_id, "ag_");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* snmp.c: net-snmp's single-session calls behind snmp.h. The only file that knows the library. */
#include "agents/dc/snmp.h"

#include "lib/clock.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BULK_FIRST = 20, BULK_AFTER_SILENCE = 4 };

struct session {
	struct snmp_source base;
	void *handle;
	long version;
	int64_t deadline; /* monotonic ms; 0: none */
	long bulk;        /* repetitions that this device has proved to take */
	bool no_answer;   /* what last came back was not a response */
};

/* Opening and closing touch the library's own tables. */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

enum outcome { ANSWERED, TOO_BIG, NO_SUCH_NAME, SILENT, FAILED };

void snmp_source_init(void)
{
	netsnmp_session first;

	/* No MIB texts, no snmp.conf, nothing kept on disk, nothing printed. */
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_CONFIG_LOAD, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
	snmp_disable_stderrlog();
	snmp_disable_log();
	SOCK_STARTUP;
	/* The library sets up its transports at the first session; threads that began theirs meanwhile
	 * would find none. */
	snmp_sess_init(&first);
}

static void close_session(struct snmp_source *source)
{
	struct session *s = (struct session *)source;

	pthread_mutex_lock(&library);
	snmp_sess_close(s->handle);
	pthread_mutex_unlock(&library);
	free(s);
}

/* The library's own sentence is one buffer for all threads: its number has to do. */
static void library_error(struct session *s, struct err *e)
{
	int library_errno = 0, system_errno = 0;

	snmp_sess_error(s->handle, &system_errno, &library_errno, NULL);
	err_set(e, ERR_IO, "SNMP failed (net-snmp error %d, system error %d)", library_errno,
	        system_errno);
}

/* The library ends the wait at any message with the request's number: a request that somebody sent
 * back would pass for an answer without values. What is no response is dropped before that, and the
 * wait goes on. */
static int only_responses(netsnmp_session *session, netsnmp_pdu *pdu, int parsed)
{
	struct session *s = session->myvoid;
	bool response = parsed == SNMPERR_SUCCESS && pdu->command == SNMP_MSG_RESPONSE;

	s->no_answer = !response;
	return response;
}

/* Sends pdu (which it takes) and waits. *response is set when ANSWERED; free it. */
static enum outcome ask(struct session *s, netsnmp_pdu *pdu, netsnmp_pdu **response, struct err *e)
{
	int status;

	*response = NULL;
	if (s->deadline && clock_monotonic_ms(clock_real()) > s->deadline) {
		snmp_free_pdu(pdu);
		err_set(e, ERR_UNAVAILABLE, "answers too slowly: gave up after its time was over");
		return FAILED;
	}
	s->no_answer = false;
	status = snmp_sess_synch_response(s->handle, pdu, response);
	if (status == STAT_TIMEOUT) {
		err_set(e, ERR_UNAVAILABLE,
		        s->no_answer ? "what came back is no SNMP answer (address or port?)"
		                     : "no answer (address, community or SNMP version?)");
		return SILENT;
	}
	if (status != STAT_SUCCESS || !*response) {
		library_error(s, e);
		return FAILED;
	}
	if ((*response)->errstat == SNMP_ERR_NOERROR)
		return ANSWERED;
	status = (int)(*response)->errstat;
	snmp_free_pdu(*response);
	*response = NULL;
	err_set(e, ERR_IO, "answered with SNMP error %d", status);
	return status == SNMP_ERR_TOOBIG       ? TOO_BIG
	       : status == SNMP_ERR_NOSUCHNAME ? NO_SUCH_NAME
	                                       : FAILED;
}

static bool copy_name(const oid *ids, size_t len, struct oid *out)
{
	out->len = 0;
	if (len == 0 || len > OID_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		out->ids[i] = (uint32_t)ids[i];
	out->len = len;
	return true;
}

static bool is_exception(const netsnmp_variable_list *var)
{
	return var->type == SNMP_NOSUCHOBJECT || var->type == SNMP_NOSUCHINSTANCE ||
	       var->type == SNMP_ENDOFMIBVIEW;
}

static bool add_value(
        struct mib *to, const struct oid *name, const netsnmp_variable_list *var, struct err *e)
{
	struct oid object;
	bool ok = true;

	switch (var->type) {
	case ASN_INTEGER:
		ok = !var->val.integer || mib_add_number(to, name, *var->val.integer);
		break;
	case ASN_COUNTER:
	case ASN_GAUGE:
	case ASN_TIMETICKS:
	case ASN_UINTEGER:
		ok = !var->val.integer ||
		     mib_add_number(to, name, (int64_t)((uint32_t)*var->val.integer));
		break;
	case ASN_COUNTER64:
		if (var->val.counter64 && var->val.counter64->high <= INT32_MAX)
			ok = mib_add_number(to, name,
			        (int64_t)((uint64_t)var->val.counter64->high << 32 |
			                  (uint32_t)var->val.counter64->low));
		break;
	case ASN_OCTET_STR:
	case ASN_OPAQUE:
	case ASN_IPADDRESS:
		ok = mib_add_octets(to, name, var->val.string ? var->val.string : (u_char *)"",
		        var->val.string ? var->val_len : 0);
		break;
	case ASN_OBJECT_ID:
		if (copy_name(var->val.objid, var->val_len / sizeof(oid), &object))
			ok = mib_add_object(to, name, &object);
		break;
	default: /* null, exceptions, types that no printer table uses */
		break;
	}
	return ok || err_set(e, ERR_MEMORY, "no memory for what the device says");
}

static netsnmp_pdu *make_pdu(int command, const struct oid *names, size_t count)
{
	netsnmp_pdu *pdu = snmp_pdu_create(command);

	for (size_t i = 0; pdu && i < count; i++) {
		oid ids[OID_MAX];

		for (size_t k = 0; k < names[i].len; k++)
			ids[k] = names[i].ids[k];
		if (!snmp_add_null_var(pdu, ids, names[i].len)) {
			snmp_free_pdu(pdu);
			return NULL;
		}
	}
	return pdu;
}

static bool asked(const struct oid *names, size_t count, const struct oid *name)
{
	for (size_t i = 0; i < count; i++) {
		if (oid_compare(&names[i], name) == 0)
			return true;
	}
	return false;
}

static enum outcome get_some(
        struct session *s, const struct oid *names, size_t count, struct mib *to, struct err *e)
{
	netsnmp_pdu *pdu = make_pdu(SNMP_MSG_GET, names, count), *response;
	enum outcome outcome;

	if (!pdu) {
		err_set(e, ERR_MEMORY, "no memory for an SNMP request");
		return FAILED;
	}
	outcome = ask(s, pdu, &response, e);
	if (outcome != ANSWERED)
		return outcome;
	for (const netsnmp_variable_list *v = response->variables; v; v = v->next_variable) {
		struct oid name;

		if (copy_name(v->name, v->name_length, &name) && asked(names, count, &name) &&
		        !add_value(to, &name, v, e))
			outcome = FAILED;
	}
	snmp_free_pdu(response);
	return outcome;
}

/* v1 answers nothing at all if one name is missing, and small devices find many names too big: so
 * what fails together is asked again one by one. A device that has only errors for each of them (a
 * community without rights, say) has not answered the question. */
static bool get(struct snmp_source *source, const struct oid *names, size_t count, struct mib *to,
        struct err *e)
{
	struct session *s = (struct session *)source;
	enum outcome outcome = TOO_BIG;
	size_t failed = 0;

	if (count == 0)
		return true;
	if (s->version != SNMP_VERSION_1 || count == 1)
		outcome = get_some(s, names, count, to, e);
	if (outcome == ANSWERED || (outcome == NO_SUCH_NAME && count == 1))
		return true;
	if (outcome == SILENT || (outcome == FAILED && e && e->code != ERR_IO) || count == 1)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct err one = ERR_CLEAR;

		outcome = get_some(s, &names[i], 1, to, &one);
		failed += outcome != ANSWERED && outcome != NO_SUCH_NAME;
		if (outcome == SILENT || (outcome == FAILED && one.code != ERR_IO) ||
		        failed == count) {
			if (e)
				*e = one;
			return false;
		}
	}
	return true;
}

/* Takes the rows of one answer. *last moves on; *done when the walk is over. */
static bool take_rows(const netsnmp_pdu *response, const struct oid *root, size_t max_rows,
        size_t *rows, struct oid *last, bool *done, struct mib *to, struct err *e)
{
	*done = response->variables == NULL;
	for (const netsnmp_variable_list *v = response->variables; v && !*done;
	        v = v->next_variable) {
		struct oid name;

		if (is_exception(v) || !copy_name(v->name, v->name_length, &name) ||
		        !oid_under(root, &name) || oid_compare(&name, last) <= 0) {
			*done = true;
			break;
		}
		if (!add_value(to, &name, v, e))
			return false;
		*last = name;
		*done = ++*rows >= max_rows;
	}
	return true;
}

static netsnmp_pdu *next_pdu(struct session *s, const struct oid *last)
{
	bool bulk = s->version != SNMP_VERSION_1 && s->bulk > 1;
	netsnmp_pdu *pdu = make_pdu(bulk ? SNMP_MSG_GETBULK : SNMP_MSG_GETNEXT, last, 1);

	if (pdu && bulk) {
		pdu->non_repeaters = 0;
		pdu->max_repetitions = s->bulk;
	}
	return pdu;
}

/* Whether a smaller request may help, and if so makes the next one smaller. */
static bool ask_less(struct session *s, enum outcome outcome)
{
	if (s->version == SNMP_VERSION_1 || s->bulk <= 1)
		return false;
	if (outcome == TOO_BIG || outcome == FAILED)
		s->bulk /= 2;
	else if (outcome == SILENT && s->bulk > BULK_AFTER_SILENCE)
		s->bulk = BULK_AFTER_SILENCE; /* long answers may be lost where short ones pass */
	else
		return false;
	return true;
}

static bool walk(struct snmp_source *source, const struct oid *root, size_t max_rows,
        struct mib *to, struct err *e)
{
	struct session *s = (struct session *)source;
	struct oid last = *root;
	size_t rows = 0;
	bool done = false;

	while (!done) {
		struct err why = ERR_CLEAR;
		netsnmp_pdu *pdu = next_pdu(s, &last), *response;
		enum outcome outcome;
		bool ok;

		if (!pdu)
			return err_set(e, ERR_MEMORY, "no memory for an SNMP request");
		outcome = ask(s, pdu, &response, &why);
		if (outcome == NO_SUCH_NAME)
			return true; /* v1's end of the tree */
		if (outcome != ANSWERED) {
			if ((outcome != FAILED || why.code == ERR_IO) && ask_less(s, outcome))
				continue;
			if (e)
				*e = why;
			return false;
		}
		ok = take_rows(response, root, max_rows, &rows, &last, &done, to, e);
		snmp_free_pdu(response);
		if (!ok)
			return false;
	}
	return true;
}

static bool peer_name(const struct snmp_target *target, char *out, size_t size)
{
	bool v6 = strchr(target->address, ':') != NULL;
	bool bracketed = target->address[0] == '[';
	int n = snprintf(out, size, "%s:%s%s%s:%u", v6 ? "udp6" : "udp",
	        v6 && !bracketed ? "[" : "", target->address, v6 && !bracketed ? "]" : "",
	        target->port);

	return n > 0 && (size_t)n < size;
}

/* Takes the session's settings; NULL: the address cannot be used. */
static void *open_handle(netsnmp_session *settings, const char *peer)
{
	netsnmp_transport *transport;
	void *handle = NULL;

	pthread_mutex_lock(&library);
	transport = netsnmp_transport_open_client("snmp", peer);
	if (transport) /* taken, whatever comes of it */
		handle = snmp_sess_add(settings, transport, NULL, only_responses);
	pthread_mutex_unlock(&library);
	return handle;
}

struct snmp_source *snmp_source_open(const struct snmp_target *target, struct err *e)
{
	char peer[320];
	netsnmp_session template;
	struct session *s = calloc(1, sizeof *s);

	if (!s || !peer_name(target, peer, sizeof peer)) {
		free(s);
		err_set(e, s ? ERR_INVALID : ERR_MEMORY,
		        s ? "the address is too long" : "no memory for an SNMP session");
		return NULL;
	}
	snmp_sess_init(&template);
	template.version = target->version == 1 ? SNMP_VERSION_1 : SNMP_VERSION_2c;
	template.myvoid = s;
	template.community = (u_char *)(uintptr_t)target->community; /* copied by the library */
	template.community_len = strlen(target->community);
	template.timeout = (long)target->timeout_ms * 1000;
	template.retries = (int)target->retries;
	s->handle = open_handle(&template, peer);
	if (!s->handle) {
		free(s);
		err_set(e, ERR_UNAVAILABLE, "the address \"%s\" cannot be used or found",
		        target->address);
		return NULL;
	}
	s->base = (struct snmp_source){.get = get, .walk = walk, .close = close_session};
	s->version = template.version;
	s->bulk = BULK_FIRST;
	if (target->deadline_ms)
		s->deadline = clock_monotonic_ms(clock_real()) + target->deadline_ms;
	return &s->base;
}

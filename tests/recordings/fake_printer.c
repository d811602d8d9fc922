/* SPDX-License-Identifier: Apache-2.0 */
/* fake_printer.c: as much BER (X.690) and SNMP (RFC 1157, 3416) as a fake printer needs. */
#include "tests/recordings/fake_printer.h"

#include "tests/recordings/snmprec.h"

#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	INTEGER = 2,
	OCTETS = 4,
	OBJECT = 6,
	SEQUENCE = 0x30,
	COUNTER = 0x41,
	GET = 0xa0,
	GETNEXT = 0xa1,
	RESPONSE = 0xa2,
	SET = 0xa3,
	GETBULK = 0xa5,
	NO_SUCH = 0x81,
	END_OF_MIB = 0x82,
	TOO_BIG = 1,
	NO_SUCH_NAME = 2,
	AUTHORIZATION_ERROR = 16,
	PACKET = 60000,
	NAMES = 64
};

struct fake_printer {
	enum fake_manner manner;
	int fd;
	unsigned port;
	struct arena *arena;
	struct mib *mib;
	pthread_t thread;
	_Atomic unsigned requests, sets;
	_Atomic bool stop;
};

/* ---- reading */

struct in {
	const unsigned char *at, *end;
};

static bool take(struct in *in, int *tag, struct in *inside)
{
	size_t len;

	if (in->end - in->at < 2)
		return false;
	*tag = *in->at++;
	len = *in->at++;
	if (len & 0x80) {
		size_t octets = len & 0x7f;

		for (len = 0; octets > 0 && in->at < in->end; octets--)
			len = len << 8 | *in->at++;
	}
	if ((size_t)(in->end - in->at) < len)
		return false;
	*inside = (struct in){in->at, in->at + len};
	in->at += len;
	return true;
}

static long number(struct in in)
{
	long value = in.at < in.end && *in.at & 0x80 ? -1 : 0;

	while (in.at < in.end)
		value = (long)((unsigned long)value << 8 | *in.at++);
	return value;
}

static void object(struct in in, struct oid *out)
{
	out->len = 0;
	if (in.at >= in.end)
		return;
	out->ids[out->len++] = *in.at / 40;
	out->ids[out->len++] = *in.at++ % 40;
	while (in.at < in.end && out->len < OID_MAX) {
		uint32_t id = 0;

		do
			id = id << 7 | (*in.at & 0x7f);
		while (*in.at++ & 0x80 && in.at < in.end);
		out->ids[out->len++] = id;
	}
}

/* ---- writing: from the back, so that lengths are known */

struct out {
	unsigned char bytes[PACKET];
	size_t at; /* of the first octet */
};

static void put(struct out *o, const void *data, size_t len)
{
	assert(o->at >= len);
	o->at -= len;
	memcpy(o->bytes + o->at, data, len);
}

static void put_byte(struct out *o, unsigned value)
{
	const unsigned char byte = (unsigned char)value;

	put(o, &byte, 1);
}

/* Tag and length in front of what was put since `end`. */
static void wrap(struct out *o, int tag, size_t end)
{
	size_t len = end - o->at;

	if (len < 128) {
		put_byte(o, (unsigned)len);
	} else {
		put_byte(o, len & 0xff);
		put_byte(o, len >> 8 & 0xff);
		put_byte(o, 0x82);
	}
	put_byte(o, (unsigned)tag);
}

static void put_number(struct out *o, int tag, int64_t value)
{
	size_t end = o->at;

	for (int i = 0; i < 8; i++)
		put_byte(o, (unsigned)((uint64_t)value >> (8 * i)) & 0xff);
	wrap(o, tag, end);
}

static void put_object(struct out *o, const struct oid *oid)
{
	size_t end = o->at;

	for (size_t i = oid->len; i-- > 2;) {
		put_byte(o, oid->ids[i] & 0x7f);
		for (uint32_t rest = oid->ids[i] >> 7; rest; rest >>= 7)
			put_byte(o, (rest & 0x7f) | 0x80);
	}
	put_byte(o, oid->ids[0] * 40 + (oid->len > 1 ? oid->ids[1] : 0));
	wrap(o, OBJECT, end);
}

static void put_binding(
        struct out *o, const struct oid *name, const struct mib_value *v, int missing)
{
	size_t end = o->at;

	if (!v)
		wrap(o, missing, o->at);
	else if (v->type == MIB_NUMBER)
		put_number(o, v->number < 0 ? INTEGER : COUNTER, v->number);
	else if (v->type == MIB_OBJECT)
		put_object(o, v->object);
	else {
		put(o, v->octets, v->len);
		wrap(o, OCTETS, end);
	}
	put_object(o, name);
	wrap(o, SEQUENCE, end);
}

/* ---- answering */

struct request {
	long version, number, a, b;
	int command;
	struct in community;
	struct oid names[NAMES];
	size_t count;
};

static bool read_request(struct in in, struct request *r)
{
	struct in message, value, pdu, list, binding;
	int tag;

	if (!take(&in, &tag, &message) || !take(&message, &tag, &value))
		return false;
	r->version = number(value);
	if (!take(&message, &tag, &r->community) || !take(&message, &r->command, &pdu) ||
	        !take(&pdu, &tag, &value))
		return false;
	r->number = number(value);
	if (!take(&pdu, &tag, &value))
		return false;
	r->a = number(value);
	if (!take(&pdu, &tag, &value))
		return false;
	r->b = number(value);
	if (!take(&pdu, &tag, &list))
		return false;
	while (r->count < NAMES && take(&list, &tag, &binding) && take(&binding, &tag, &value))
		object(value, &r->names[r->count++]);
	return true;
}

static const char *text_of(const struct oid *oid, char out[OID_MAX * 11 + 1])
{
	size_t at = 0;

	for (size_t i = 0; i < oid->len; i++)
		at += (size_t)snprintf(
		        out + at, OID_MAX * 11 + 1 - at, "%s%u", i ? "." : "", oid->ids[i]);
	return out;
}

/* The value behind name, as a walk wants it. */
static const struct mib_value *behind(struct fake_printer *p, const struct oid *name)
{
	const struct mib_value *v = NULL;

	while ((v = mib_next(p->mib, "1.3", v))) {
		if (oid_compare(&v->oid, name) > 0)
			return v;
	}
	return NULL;
}

struct answer {
	struct oid names[NAMES * 4];
	const struct mib_value *values[NAMES * 4];
	size_t count;
	long status;
};

static void add(struct answer *a, const struct oid *name, const struct mib_value *v)
{
	if (a->count == sizeof a->names / sizeof a->names[0])
		return;
	a->names[a->count] = *name;
	a->values[a->count++] = v;
}

static void answer_get(struct fake_printer *p, const struct request *r, struct answer *a)
{
	char text[OID_MAX * 11 + 1];

	for (size_t i = 0; i < r->count; i++) {
		const struct mib_value *v = mib_find(p->mib, text_of(&r->names[i], text));
		struct oid name = r->names[i];

		if (!v && r->version == 0)
			a->status = NO_SUCH_NAME;
		if (p->manner == FAKE_FOREIGN)
			name.ids[name.len - 1] += 7;
		add(a, &name, v);
	}
}

static void answer_walk(struct fake_printer *p, const struct request *r, struct answer *a)
{
	long times = r->command == GETBULK ? r->b : 1;
	struct oid name = r->names[0];

	for (long i = 0; i < times && a->status == 0; i++) {
		const struct mib_value *v = behind(p, &name);

		if (p->manner == FAKE_LOOP && v) {
			add(a, &r->names[0], v); /* the very name that was asked for */
			continue;
		}
		if (p->manner == FAKE_ENDLESS) {
			name.ids[name.len < OID_MAX ? name.len++ : name.len - 1] = 1;
			if (name.len > 20) {
				name.len = 20;
				name.ids[19] += (uint32_t)i + 1;
			}
			add(a, &name, mib_next(p->mib, "1.3", NULL));
			continue;
		}
		if (!v && r->version == 0)
			a->status = NO_SUCH_NAME;
		add(a, v ? &v->oid : &name, v);
		if (!v)
			break;
		name = v->oid;
	}
}

static size_t write_answer(const struct fake_printer *p, const struct request *r,
        const struct answer *a, struct out *o)
{
	size_t count = a->status ? 0 : a->count;

	o->at = sizeof o->bytes;
	for (size_t i = count; i-- > 0;)
		put_binding(
		        o, &a->names[i], a->values[i], r->command == GET ? NO_SUCH : END_OF_MIB);
	wrap(o, SEQUENCE, sizeof o->bytes);
	put_number(o, INTEGER, a->status ? 1 : 0);
	put_number(o, INTEGER, a->status);
	put_number(o, INTEGER, r->number + (p->manner == FAKE_OTHER_REPLY));
	wrap(o, RESPONSE, sizeof o->bytes);
	put(o, r->community.at, (size_t)(r->community.end - r->community.at));
	wrap(o, OCTETS, o->at + (size_t)(r->community.end - r->community.at));
	put_number(o, INTEGER, r->version);
	wrap(o, SEQUENCE, sizeof o->bytes);
	return sizeof o->bytes - o->at;
}

static void serve_one(struct fake_printer *p, const unsigned char *data, size_t len,
        const struct sockaddr_in *from)
{
	static _Thread_local struct request r;
	static _Thread_local struct answer a;
	static _Thread_local struct out o;
	size_t size;

	r = (struct request){0};
	a = (struct answer){0};
	if (!read_request((struct in){data, data + len}, &r))
		return;
	if (r.command == SET)
		p->sets++;
	if (r.command == GET)
		answer_get(p, &r, &a);
	else
		answer_walk(p, &r, &a);
	if (p->manner == FAKE_SMALL && a.count > 2)
		a.status = TOO_BIG;
	if (p->manner == FAKE_REFUSES)
		a.status = AUTHORIZATION_ERROR;
	size = write_answer(p, &r, &a, &o);
	if (p->manner == FAKE_CUT)
		size /= 2;
	for (size_t i = 0; p->manner == FAKE_RUBBISH && i < size; i++)
		o.bytes[o.at + i] = (unsigned char)rand();
	(void)sendto(p->fd, o.bytes + o.at, size, 0, (const struct sockaddr *)from, sizeof *from);
}

static void reflect(struct fake_printer *p, const unsigned char *data, size_t len,
        const struct sockaddr_in *from)
{
	(void)sendto(p->fd, data, len, 0, (const struct sockaddr *)from, sizeof *from);
}

static void *serve(void *arg)
{
	struct fake_printer *p = arg;
	unsigned char data[PACKET];
	struct sockaddr_in from;

	while (!p->stop) {
		socklen_t from_len = sizeof from;
		ssize_t len =
		        recvfrom(p->fd, data, sizeof data, 0, (struct sockaddr *)&from, &from_len);
		unsigned n;

		if (len <= 0)
			continue;
		n = p->requests++;
		if (p->manner == FAKE_REFLECTS || p->manner == FAKE_REFLECTS_TOO)
			reflect(p, data, (size_t)len, &from);
		if (p->manner == FAKE_REFLECTS)
			continue;
		if (p->manner != FAKE_SILENT && (p->manner != FAKE_FORGETFUL || n % 2))
			serve_one(p, data, (size_t)len, &from);
	}
	return NULL;
}

struct fake_printer *fake_printer_start(const char *recording, enum fake_manner manner)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	struct timeval look = {.tv_usec = 50000};
	struct fake_printer *p = calloc(1, sizeof *p);

	if (!p || !(p->arena = arena_new(SNMPREC_ARENA)) || !(p->mib = mib_new(p->arena)) ||
	        !snmprec_read(recording, strlen(recording), p->mib))
		abort();
	p->manner = manner;
	p->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&address, len) != 0 ||
	        getsockname(p->fd, (struct sockaddr *)&address, &len) != 0 ||
	        setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look) != 0)
		abort();
	p->port = ntohs(address.sin_port);
	if (pthread_create(&p->thread, NULL, serve, p) != 0)
		abort();
	return p;
}

unsigned fake_printer_port(const struct fake_printer *p)
{
	return p->port;
}

unsigned fake_printer_requests(struct fake_printer *p)
{
	return p->requests;
}

unsigned fake_printer_sets(struct fake_printer *p)
{
	return p->sets;
}

void fake_printer_stop(struct fake_printer *p)
{
	p->stop = true;
	pthread_join(p->thread, NULL);
	close(p->fd);
	arena_free(p->arena);
	free(p);
}

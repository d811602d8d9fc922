/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c: entries and questions become items of the wire; audit_client.c carries them.
 */
#include "core/audit.h"

#include "core/audit_client.h"
#include "core/audit_wire.h"

#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_WAIT_MS = 2000,
	PARTS_MAX = 1024,
	USUAL_ITEM = 768, /* bytes */
};

/* How many targets from `first` on go into one part: by number and by bytes. */
static size_t part_size(const struct audit_entry *entry, size_t first, size_t room)
{
	size_t n = 0;

	while (first + n < entry->target_count && n < AUDIT_RECORD_TARGETS) {
		size_t len = strlen(entry->targets[first + n]);
		/* Repairing can make a byte three. */
		size_t need = 2 + (len > AUDIT_TEXT_MAX / 3 ? AUDIT_TEXT_MAX : 3 * len);
		if (need > room)
			break;
		room -= need;
		n++;
	}
	return n;
}

/* Appends one part, with its head, whose second number is the body's length; the ticket follows when
 * it is sent. */
static bool encode_part(const struct audit_entry *entry, unsigned part, unsigned parts,
        size_t first, size_t count, struct buf *out, struct err *e)
{
	const struct audit_wire w = {.kind = AUDIT_WIRE_RECORD};
	unsigned char head[AUDIT_WIRE_HEAD];
	size_t at = out->len;

	audit_wire_write(&w, head);
	buf_append(out, head, sizeof(head));
	if (!audit_body_encode(entry, part, parts, first, count, out, e))
		return false;
	audit_wire_put_u64((unsigned char *)out->data + at + 9, out->len - at - AUDIT_WIRE_HEAD);
	return true;
}

/* Splits the entry into parts. The texts before the targets take at most 12 * 8 KiB in theory;
 * what they really take is measured by encoding them without targets. */
static bool encode_parts(const struct audit_entry *entry, struct audit_items *m, struct err *e)
{
	struct buf probe = BUF_INIT(12 * (AUDIT_TEXT_MAX + 2) + 64);
	size_t sizes[PARTS_MAX];
	size_t first = 0;
	size_t room;
	unsigned parts = 0;
	bool ok;

	ok = audit_body_encode(entry, 1, 1, 0, 0, &probe, e);
	room = AUDIT_BODY_MAX - probe.len;
	buf_free(&probe);
	if (!ok)
		return false;
	do {
		if (parts == PARTS_MAX)
			return err_set(
			        e, ERR_LIMIT, "an audit record of more than %d parts", PARTS_MAX);
		sizes[parts] = part_size(entry, first, room);
		if (sizes[parts] == 0 && entry->target_count > 0)
			return err_set(e, ERR_LIMIT, "audit record: no room for its targets");
		first += sizes[parts++];
	} while (first < entry->target_count);
	m->bytes = BUF_INIT((size_t)parts * AUDIT_WIRE_MAX);
	m->ends = calloc(parts, sizeof(*m->ends));
	if (m->ends == NULL)
		return err_set(e, ERR_MEMORY, "no memory for an audit record");
	first = 0;
	for (m->count = 0; m->count < parts; m->count++) {
		if (!encode_part(entry, m->count + 1, parts, first, sizes[m->count], &m->bytes, e))
			return false;
		m->ends[m->count] = m->bytes.len;
		first += sizes[m->count];
	}
	return true;
}

struct audit_ticket *audit_send(
        struct audit_client *client, const struct audit_entry *entry, struct err *e)
{
	struct audit_items m = {
	        .bytes = BUF_INIT(AUDIT_WIRE_MAX), .ends = &m.bytes.len, .count = 1};
	struct audit_ticket *ticket = NULL;
	bool ok;

	/* Nearly every record is one item: what is larger is encoded again, in parts. */
	ok = entry->target_count <= AUDIT_RECORD_TARGETS && buf_reserve(&m.bytes, USUAL_ITEM) &&
	     encode_part(entry, 1, 1, 0, entry->target_count, &m.bytes, e);
	if (!ok) {
		buf_free(&m.bytes);
		m.ends = NULL;
		ok = encode_parts(entry, &m, e);
	}
	if (ok)
		ticket = audit_client_send(client, &m, e);
	if (m.ends != &m.bytes.len)
		free(m.ends);
	buf_free(&m.bytes);
	return ticket;
}

bool audit_wait(struct audit_ticket *ticket, int64_t timeout_ms, int64_t *number, struct err *e)
{
	bool ok = audit_ticket_wait(ticket, timeout_ms, e);

	if (ok && number != NULL)
		*number = ticket->number;
	audit_ticket_free(ticket);
	return ok;
}

bool audit_record(struct audit_client *client, const struct audit_entry *entry, int64_t *number,
        struct err *e)
{
	struct audit_ticket *ticket = audit_send(client, entry, e);

	return ticket != NULL && audit_wait(ticket, DEFAULT_WAIT_MS, number, e);
}

/* One question that is not a record; rest: what follows its head. */
static struct audit_ticket *ask(
        struct audit_client *c, const struct audit_wire *w, const uint64_t *rest, struct err *e)
{
	unsigned char bytes[AUDIT_WIRE_HEAD + 8];
	size_t end = rest != NULL ? sizeof(bytes) : AUDIT_WIRE_HEAD;
	struct audit_items items = {.bytes = BUF_INIT(sizeof(bytes)), .ends = &end, .count = 1};
	struct audit_ticket *ticket;

	audit_wire_write(w, bytes);
	if (rest != NULL)
		audit_wire_put_u64(bytes + AUDIT_WIRE_HEAD, *rest);
	buf_append(&items.bytes, bytes, end);
	if (items.bytes.failed) {
		(void)err_set(e, ERR_MEMORY, "no memory for a question to fleetport-audit");
		return NULL;
	}
	ticket = audit_client_send(c, &items, e);
	buf_free(&items.bytes);
	return ticket;
}

bool audit_last(struct audit_client *client, int64_t *number, struct err *e)
{
	const struct audit_wire w = {.kind = AUDIT_WIRE_LAST};
	struct audit_ticket *t = ask(client, &w, NULL, e);

	return t != NULL && audit_wait(t, DEFAULT_WAIT_MS, number, e);
}

bool audit_open_change(struct audit_client *client, int64_t after, int64_t last, int64_t *number,
        struct arena *arena, struct audit_entry *entry, struct err *e)
{
	const struct audit_wire w = {.kind = AUDIT_WIRE_OPEN, .number = (uint64_t)after};
	const uint64_t bound = (uint64_t)last;
	struct audit_ticket *t = ask(client, &w, &bound, e);
	struct audit_record record;
	bool ok;

	if (t == NULL)
		return false;
	ok = audit_ticket_wait(t, DEFAULT_WAIT_MS, e);
	if (ok) {
		*number = t->number;
		if (t->number != 0) {
			ok = audit_record_decode(t->record, t->record_len, arena, &record, e);
			*entry = record.entry;
		}
	}
	audit_ticket_free(t);
	return ok;
}

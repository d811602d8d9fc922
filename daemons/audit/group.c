/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/audit/group.h"

#include "core/audit_wire.h"

#include <string.h>

enum { WRITE_WAIT_MS = 1500 };

void group_init(struct group *g, const char *node, const struct clock *clock)
{
	*g = (struct group){.node = node, .clock = clock};
	g->bytes = BUF_INIT(GROUP_BYTES);
}

void group_free(struct group *g)
{
	buf_free(&g->bytes);
}

bool group_has_room(const struct group *g, size_t records, size_t bytes)
{
	return GROUP_RECORDS - g->count >= records &&
	       GROUP_BYTES - g->bytes.len >= bytes + records * AUDIT_HEAD_MAX;
}

bool group_add(struct group *g, struct peer *peer, uint64_t ticket, const void *body, size_t len,
        struct err *e)
{
	const char *source = peer != NULL ? peer->source : "audit";
	const struct audit_head head = {
	        .at = clock_wall_ms(g->clock), .node = g->node, .source = source};
	size_t start = g->bytes.len;
	struct audit_row *row;

	if (!audit_body_check(body, len, e))
		return false;
	if (!audit_record_join(&head, body, len, &g->bytes, e)) {
		g->bytes.len = start;
		g->bytes.failed = false;
		return false;
	}
	row = &g->rows[g->count];
	*row = (struct audit_row){.at = head.at, .source = source, .len = g->bytes.len - start};
	audit_record_leaf(g->bytes.data + start, row->len, row->leaf);
	g->records[g->count++] = (struct group_record){.peer = peer,
	        .serial = peer != NULL ? peer->serial : 0,
	        .ticket = ticket,
	        .start = start};
	return true;
}

bool group_add_own(struct group *g, const struct audit_entry *entry, struct err *e)
{
	struct buf body = BUF_INIT(AUDIT_RECORD_MAX);
	bool ok = audit_body_encode(entry, 1, 1, 0, entry->target_count, &body, e) &&
	          group_add(g, NULL, 0, body.data, body.len, e);

	buf_free(&body);
	return ok;
}

static bool append(struct sql_conn *conn, void *arg, struct err *e)
{
	struct group *g = arg;

	return audit_store_append(conn, g->rows, g->count, &g->first, e);
}

void group_refuse(struct peer *peer, uint64_t ticket, const struct err *error)
{
	struct audit_wire w = {.kind = AUDIT_WIRE_UNAVAILABLE, .ticket = ticket};
	unsigned char message[AUDIT_WIRE_HEAD + AUDIT_WIRE_TEXT];
	size_t len = strnlen(error->text, AUDIT_WIRE_TEXT);

	if (error->code == ERR_INVALID || error->code == ERR_LIMIT)
		w.kind = AUDIT_WIRE_INVALID;
	audit_wire_write(&w, message);
	memcpy(message + AUDIT_WIRE_HEAD, error->text, len);
	peer_send(peer, message, AUDIT_WIRE_HEAD + len);
}

static bool is_there(const struct group_record *r)
{
	return r->peer != NULL && r->peer->fd >= 0 && r->peer->serial == r->serial;
}

void group_answer(struct group *g, bool ok, const struct err *error)
{
	for (size_t i = 0; i < g->count; i++) {
		const struct group_record *r = &g->records[i];
		if (!is_there(r))
			continue;
		if (ok)
			peer_answer(r->peer, r->ticket, (uint64_t)g->first + i);
		else
			group_refuse(r->peer, r->ticket, error);
	}
	for (size_t i = 0; i < g->count; i++)
		if (is_there(&g->records[i]))
			peer_flush(g->records[i].peer);
	g->count = 0;
	buf_reset(&g->bytes);
}

/* Only when the group is full do the bytes stay where they are. */
static void place_records(struct group *g)
{
	for (size_t i = 0; i < g->count; i++)
		g->rows[i].record = (const unsigned char *)g->bytes.data + g->records[i].start;
}

bool group_post(struct group *g, struct sql_db *db, sql_done *done, void *arg, struct err *e)
{
	place_records(g);
	return sql_write_async(db, SQL_AUDIT, append, g, done, arg, e);
}

bool group_commit(struct group *g, struct sql_db *db, struct err *e)
{
	struct err error = ERR_CLEAR;
	bool ok;

	place_records(g);
	ok = sql_write(db, SQL_AUDIT, append, g, WRITE_WAIT_MS, &error);
	group_answer(g, ok, &error);
	if (!ok)
		return err_set(e, error.code, "%s", error.text);
	return true;
}

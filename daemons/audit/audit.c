/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleetport-audit: the only writer of the audit log. It takes what its sockets have and hands it to
 * the writer as one group; what comes while that group is written is read, checked and hashed, and is
 * the next. An answer goes out when its group is durable. The search index follows when there is time,
 * at most a second later.
 */
#include "core/audit_wire.h"
#include "daemons/audit/group.h"
#include "daemons/audit/peers.h"
#include "lib/log.h"
#include "lib/program.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	HEARTBEAT_MS = 60000,
	INDEX_AFTER_MS = 300, /* a record waits so long for its index */
	INDEX_BATCH = 512,    /* entries a transaction, so that no record waits long */
	QUIET_US = 2000,      /* so long without a record is no load */
	INDEX_REST = 9,       /* under load it rests so many times as long as it took: a tenth */
	ITEMS_A_TURN = 64,    /* of one peer, so that the others get theirs */
	EVENTS = 64,
	QUESTIONS = 64, /* a round */
	FEW = 8,        /* records of a group that does not wait for the writer's thread */
	READ_WAIT_MS = 1000,
	WRITE_WAIT_MS = 1500,
	SCRATCH = 1 << 20,
	NODE_MAX = 64,
};

struct question {
	struct peer *peer;
	struct audit_wire wire;
	uint64_t last;
};

/* How the writer's group ended; from its thread to ours. */
struct ending {
	int event; /* eventfd: it ended */
	atomic_bool there;
	bool ok;
	struct err error;
};

struct server {
	struct program_run *run;
	struct sql_db *db;
	struct peers peers;
	struct group groups[2];
	struct group *group;   /* the one that is filled */
	struct group *written; /* the one that the writer has, or NULL */
	struct ending ending;
	struct arena *scratch;
	char node[NODE_MAX + 1];
	struct question questions[QUESTIONS];
	size_t question_count;
	int64_t next_heartbeat; /* monotonic, as the next ones */
	int64_t next_index;
	int64_t next_index_busy_us; /* the same in microseconds, as the next one */
	int64_t last_record_us;     /* when the last group was posted */
	int64_t entries;            /* since the last heartbeat */
	size_t last_count;          /* records of the group before */
	bool index_behind;
	unsigned char message[AUDIT_WIRE_MAX + 1];
};

static int64_t now_ms(void)
{
	return clock_monotonic_ms(clock_real());
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- what peers send */

static void take_record(struct server *s, struct peer *peer, const struct audit_wire *w,
        const void *body, size_t len)
{
	struct err e = ERR_CLEAR;

	if (group_add(s->group, peer, w->ticket, body, len, &e))
		return;
	log_event(LOG_LEVEL_WARNING, "record-refused", "source", peer->source, "reason", e.text,
	        NULL);
	group_refuse(peer, w->ticket, &e);
}

static void take_question(
        struct server *s, struct peer *peer, const struct audit_wire *w, const unsigned char *rest)
{
	struct question *q = &s->questions[s->question_count];
	struct err e;

	if (s->question_count == QUESTIONS) {
		(void)err_set(&e, ERR_UNAVAILABLE, "too many questions at once");
		group_refuse(peer, w->ticket, &e);
		return;
	}
	s->question_count++;
	*q = (struct question){.peer = peer, .wire = *w};
	if (w->kind == AUDIT_WIRE_OPEN)
		q->last = audit_wire_get_u64(rest);
}

/* How many bytes follow an item's head; false: nobody knows. */
static bool rest_of(const struct audit_wire *w, uint64_t *len)
{
	*len = w->kind == AUDIT_WIRE_RECORD ? w->number : w->kind == AUDIT_WIRE_OPEN ? 8 : 0;
	return w->kind == AUDIT_WIRE_RECORD || w->kind == AUDIT_WIRE_OPEN ||
	       w->kind == AUDIT_WIRE_LAST;
}

/* Takes the item at `at`; its length, or 0: the rest of the message cannot be read. */
static size_t take_item(struct server *s, struct peer *peer, const unsigned char *at, size_t len)
{
	const unsigned char *rest = at + AUDIT_WIRE_HEAD;
	struct err e;
	struct audit_wire w;
	uint64_t rest_len;

	if (!audit_wire_read(at, len, &w)) {
		peer->gone = true; /* not even a ticket to answer to */
		return 0;
	}
	if (!rest_of(&w, &rest_len) || rest_len > len - AUDIT_WIRE_HEAD) {
		(void)err_set(&e, ERR_INVALID, "a message of unknown kind, or cut off");
		group_refuse(peer, w.ticket, &e);
		return 0;
	}
	if (w.kind == AUDIT_WIRE_RECORD)
		take_record(s, peer, &w, rest, (size_t)rest_len);
	else
		take_question(s, peer, &w, rest);
	return AUDIT_WIRE_HEAD + (size_t)rest_len;
}

/* Takes a message of `len` bytes; how many items it had. */
static int take_message(struct server *s, struct peer *peer, size_t len)
{
	size_t at = 0, taken;
	int items = 0;

	do {
		if (items == AUDIT_WIRE_ITEMS) {
			peer->gone = true; /* there may be no room for more */
			break;
		}
		taken = take_item(s, peer, s->message + at, len - at);
		at += taken;
		items++;
	} while (taken > 0 && at < len);
	return items;
}

/* Reads what a peer has sent, up to its share of the round. */
static void read_peer(struct server *s, struct peer *peer)
{
	for (int items = 0; items < ITEMS_A_TURN && !peer->gone;) {
		ssize_t n;
		if (!group_has_room(s->group, AUDIT_WIRE_ITEMS, AUDIT_WIRE_MAX))
			return; /* epoll tells again */
		n = recv(peer->fd, s->message, sizeof(s->message), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (n <= 0)
			peer->gone = true;
		else
			items += take_message(s, peer, (size_t)n);
	}
}

/* ---- the index */

struct index_work {
	struct arena *scratch;
	unsigned done;
};

static bool index_some(struct sql_conn *conn, void *arg, struct err *e)
{
	struct index_work *w = arg;

	return audit_store_index(conn, w->scratch, INDEX_BATCH, &w->done, e);
}

/* One batch; index_behind says whether there may be more. They follow one another while it is
 * quiet; while records come without a pause, the index takes a tenth of the time at most. */
static bool index_step(struct server *s, struct err *e)
{
	struct index_work w = {.scratch = s->scratch};
	int64_t begun = now_us();

	if (!sql_write(s->db, SQL_AUDIT, index_some, &w, WRITE_WAIT_MS, e))
		return err_wrap(e, "audit index");
	s->index_behind = w.done == INDEX_BATCH;
	s->next_index_busy_us = now_us() + INDEX_REST * (now_us() - begun);
	return true;
}

static bool index_all(struct server *s, struct err *e)
{
	do {
		if (!index_step(s, e))
			return false;
	} while (s->index_behind);
	return true;
}

/* ---- questions */

static bool answer_last(
        struct server *s, struct sql_conn *conn, const struct question *q, struct err *e)
{
	int64_t number;

	(void)s;
	if (!audit_store_last(conn, &number, e))
		return false;
	peer_answer(q->peer, q->wire.ticket, (uint64_t)number);
	peer_flush(q->peer);
	return true;
}

static bool answer_open(
        struct server *s, struct sql_conn *conn, const struct question *q, struct err *e)
{
	struct audit_wire w = {.kind = AUDIT_WIRE_ENTRY, .ticket = q->wire.ticket};
	const unsigned char *record;
	int64_t number;
	size_t len;

	if (q->wire.number > INT64_MAX || q->last > INT64_MAX)
		return err_set(e, ERR_INVALID, "a number is too large");
	arena_reset(s->scratch);
	if (!audit_store_open_change(conn, q->peer->source, (int64_t)q->wire.number,
	            (int64_t)q->last, s->scratch, &number, &record, &len, e))
		return false;
	w.number = (uint64_t)number;
	audit_wire_write(&w, s->message);
	if (len > 0)
		memcpy(s->message + AUDIT_WIRE_HEAD, record, len);
	peer_send(q->peer, s->message, AUDIT_WIRE_HEAD + len);
	return true;
}

static bool answer_question(struct server *s, const struct question *q, struct err *e)
{
	struct sql_conn *conn;
	bool ok;

	/* What is open is known by the index: bring it up to now. */
	if (q->wire.kind == AUDIT_WIRE_OPEN && !index_all(s, e))
		return false;
	conn = sql_borrow(s->db, READ_WAIT_MS, e);
	if (conn == NULL)
		return false;
	ok = q->wire.kind == AUDIT_WIRE_OPEN ? answer_open(s, conn, q, e)
	                                     : answer_last(s, conn, q, e);
	sql_return(conn);
	return ok;
}

static void answer_questions(struct server *s)
{
	for (size_t i = 0; i < s->question_count; i++) {
		struct err e = ERR_CLEAR;
		if (!answer_question(s, &s->questions[i], &e))
			group_refuse(s->questions[i].peer, s->questions[i].wire.ticket, &e);
	}
	s->question_count = 0;
}

/* ---- our own records */

static bool own_record(struct server *s, const char *action, struct err *e)
{
	char details[64];
	const struct audit_entry entry = {.actor_kind = "program",
	        .actor_id = "audit",
	        .action = action,
	        .target_kind = "audit",
	        .outcome = AUDIT_DONE,
	        .details = details};

	(void)snprintf(details, sizeof(details), "{\"entries\":%lld}", (long long)s->entries);
	s->entries = 0;
	return group_add_own(s->group, &entry, e);
}

/* Makes an own record durable at once; fails only when the log is broken for good. */
static bool commit_own(struct server *s, const char *action, struct err *e)
{
	return own_record(s, action, e) && group_commit(s->group, s->db, e);
}

/* ---- the loop */

static void index_soon(struct server *s)
{
	if (s->index_behind)
		return;
	s->index_behind = true;
	s->next_index = now_ms() + INDEX_AFTER_MS;
}

/* A log that will never be written again needs a new process; else the clients were told, and may
 * try again. */
static bool survives(const struct err *e)
{
	log_event(LOG_LEVEL_ERROR, "log-not-written", "reason", e->text, NULL);
	return e->code != ERR_CORRUPT && e->code != ERR_CONFIG;
}

/* When the index has its turn (monotonic, microseconds): when it is quiet, or by the clock while records
 * come without a pause. */
static int64_t index_turn(const struct server *s)
{
	int64_t turn = s->last_record_us + QUIET_US;

	if (turn > s->next_index_busy_us)
		turn = s->next_index_busy_us;
	return turn > s->next_index * 1000 ? turn : s->next_index * 1000;
}

static bool index_due(const struct server *s)
{
	return s->index_behind && now_us() >= index_turn(s);
}

/* In the writer's thread. */
static void group_ended(void *arg, bool ok, const struct err *error)
{
	struct ending *ending = arg;
	const uint64_t one = 1;

	ending->ok = ok;
	if (!ok)
		ending->error = *error;
	atomic_store(&ending->there, true);
	if (write(ending->event, &one, sizeof(one)) != (ssize_t)sizeof(one))
		abort(); /* it takes 2^64 - 2 of them (eventfd(2)) */
}

/* Commits the filled group here and now: waking the writer's thread, and being woken by it, takes as long
 * as the commit. Not under load: then the next ones are read meanwhile. */
static bool commit_few(struct server *s, struct err *e)
{
	size_t count = s->group->count;

	s->last_record_us = now_us();
	s->last_count = count;
	if (!group_commit(s->group, s->db, e))
		return survives(e);
	s->entries += (int64_t)count;
	index_soon(s);
	return true;
}

/* Hands the filled group over if the writer has none, and begins another. */
static bool post_group(struct server *s, struct err *e)
{
	struct group *g = s->group;

	if (s->written != NULL || g->count == 0)
		return true;
	if (g->count <= FEW && s->last_count <= FEW)
		return commit_few(s, e);
	atomic_store(&s->ending.there, false);
	if (!group_post(g, s->db, group_ended, &s->ending, e)) {
		group_answer(g, false, e);
		return survives(e);
	}
	s->last_record_us = now_us();
	s->last_count = g->count;
	s->written = g;
	s->group = g == &s->groups[0] ? &s->groups[1] : &s->groups[0];
	return true;
}

/* Answers the written group when it ended. The next one is handed over first, so that the writer works
 * while we answer; unless it is the index's turn, or they are few. */
static bool take_ending(struct server *s, struct err *e)
{
	struct group *g = s->written;
	struct err error;
	uint64_t count;
	bool ok;

	if (g == NULL || !atomic_load(&s->ending.there))
		return true;
	if (read(s->ending.event, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return err_errno(e, "eventfd");
	ok = s->ending.ok;
	error = s->ending.error;
	s->written = NULL;
	if (ok) {
		s->entries += (int64_t)g->count;
		index_soon(s);
	}
	if (s->group->count > FEW && !index_due(s) && !post_group(s, e))
		return false;
	group_answer(g, ok, &error);
	if (ok)
		return true;
	*e = error;
	return survives(e);
}

static bool wait_ending(struct server *s, struct err *e)
{
	struct pollfd event = {.fd = s->ending.event, .events = POLLIN};

	if (poll(&event, 1, -1) < 0 && errno != EINTR)
		return err_errno(e, "poll");
	return take_ending(s, e);
}

/* Until all that was taken is in the log, or refused. */
static bool settle(struct server *s, struct err *e)
{
	while (s->written != NULL || s->group->count > 0)
		if (!post_group(s, e) || (s->written != NULL && !wait_ending(s, e)))
			return false;
	return true;
}

static bool do_duties(struct server *s, struct err *e)
{
	int64_t now = now_ms();

	if (now >= s->next_heartbeat) {
		s->next_heartbeat = now + HEARTBEAT_MS;
		if (!settle(s, e) || (!commit_own(s, "audit.heartbeat", e) && !survives(e)))
			return false;
		index_soon(s);
	}
	/* Not before the writer's group is answered: the index would keep us. */
	if (s->written != NULL || !index_due(s))
		return true;
	return index_step(s, e) || survives(e);
}

/* Without new records the loop sleeps until the index or the heartbeat is due. */
static int sleep_ms(const struct server *s)
{
	int64_t due = s->next_heartbeat;
	int64_t left;

	if (s->index_behind && s->written == NULL && index_turn(s) / 1000 < due)
		due = index_turn(s) / 1000 + 1;
	left = due - now_ms();
	return left < 0 ? 0 : (int)left;
}

static bool one_round(struct server *s, bool *stop, struct err *e)
{
	struct epoll_event events[EVENTS];
	int n;

	if (!group_has_room(s->group, AUDIT_WIRE_ITEMS, AUDIT_WIRE_MAX) &&
	        !wait_ending(s, e)) /* the peers must wait, too */
		return false;
	n = epoll_wait(s->peers.epoll, events, EVENTS, sleep_ms(s));
	if (n < 0 && errno != EINTR)
		return err_errno(e, "epoll");
	for (int i = 0; i < n; i++) {
		struct peer *peer = events[i].data.ptr;
		if (peer == NULL)
			*stop = true;
		else if (events[i].data.ptr == &s->ending)
			continue; /* looked at below */
		else if (peer->listener)
			peers_accept(&s->peers, peer);
		else
			read_peer(s, peer);
	}
	if (!take_ending(s, e) || (!index_due(s) && !post_group(s, e)))
		return false;
	if (s->question_count > 0) {
		/* What came before a question is in its answer. */
		if (!settle(s, e))
			return false;
		answer_questions(s);
	}
	peers_sweep(&s->peers);
	return do_duties(s, e) && post_group(s, e);
}

static bool watch_stop(struct server *s, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

	struct epoll_event ending = {.events = EPOLLIN, .data.ptr = &s->ending};

	if (epoll_ctl(s->peers.epoll, EPOLL_CTL_ADD, s->run->stop_fd, &event) != 0 ||
	        epoll_ctl(s->peers.epoll, EPOLL_CTL_ADD, s->ending.event, &ending) != 0)
		return err_errno(e, "cannot watch the stop signal");
	return true;
}

static bool serve(struct server *s, struct err *e)
{
	bool stop = false;
	bool ok;

	s->next_heartbeat = now_ms() + HEARTBEAT_MS;
	s->index_behind = true;
	ok = commit_own(s, "audit.start", e) && peers_open(&s->peers, s->run->config, e) &&
	     watch_stop(s, e);
	if (ok)
		program_ready(s->run);
	while (ok && !stop)
		ok = one_round(s, &stop, e);
	/* What had arrived is committed; a last round takes what came since. */
	if (ok)
		ok = one_round(s, &stop, e) && settle(s, e) && commit_own(s, "audit.stop", e) &&
		     index_all(s, e);
	return ok;
}

static bool read_node(struct server *s, struct err *e)
{
	const char *node = config_text(s->run->config, "audit", "node");

	if (node != NULL && node[0] != '\0') {
		(void)snprintf(s->node, sizeof(s->node), "%s", node);
		return true;
	}
	if (gethostname(s->node, sizeof(s->node)) != 0)
		return err_errno(e, "no host name");
	s->node[NODE_MAX] = '\0';
	return true;
}

static bool open_log(struct server *s, struct err *e)
{
	static const struct sql_table *const tables[] = {&audit_store_sql, NULL};
	const struct sql_options options = {
	        .directory = config_text(s->run->config, "fleetport", "data"),
	        .read = 1u << SQL_AUDIT,
	        .write = 1u << SQL_AUDIT,
	        .own = 1u << SQL_AUDIT,
	        .migrate = 1u << SQL_AUDIT,
	        .readers = 1,
	        .tables = tables,
	};

	return sql_open(&options, &s->db, e);
}

static bool run(struct program_run *program, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	bool ok;

	if (s == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	s->run = program;
	s->peers.epoll = -1;
	for (size_t i = 0; i < PEERS_MAX; i++)
		s->peers.list[i].fd = -1;
	s->scratch = arena_new(SCRATCH);
	s->ending.event = eventfd(0, EFD_CLOEXEC);
	s->group = &s->groups[0];
	ok = s->scratch != NULL || err_set(e, ERR_MEMORY, "no memory");
	ok = ok && (s->ending.event >= 0 || err_errno(e, "eventfd"));
	ok = ok && read_node(s, e) && open_log(s, e);
	if (ok) {
		for (size_t i = 0; i < 2; i++)
			group_init(&s->groups[i], s->node, clock_real());
		ok = serve(s, e);
	}
	peers_close(&s->peers);
	sql_close(s->db); /* the writer's group is its until here */
	for (size_t i = 0; i < 2; i++)
		group_free(&s->groups[i]);
	if (s->ending.event >= 0)
		close(s->ending.event);
	arena_free(s->scratch);
	free(s);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct program program = {.name = "fleetport-audit",
	        .summary = "keeps the audit log: the only process that writes it",
	        .options = peers_options,
	        .run = run};

	return program_main(&program, argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c: the client's side. Threads send over one connection and sleep on their tickets; one
 * reader thread takes the answers and wakes them.
 */
#include "core/audit.h"

#include "core/audit_wire.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	DEFAULT_WAIT_MS = 2000,
	SEND_WAIT_MS = 1000, /* the daemon's queue is full */
	BACK_OFF_FIRST_MS = 5,
	BACK_OFF_MAX_MS = 200,
	PARTS_MAX = 1024,
	USUAL_MESSAGE = 768, /* bytes */
};

struct audit_ticket {
	struct audit_client *client;
	struct audit_ticket *prev, *next; /* in the client's list, oldest first */
	pthread_cond_t wake;
	uint64_t first; /* numbers of its messages: first … first + parts - 1 */
	unsigned parts;
	unsigned waiting;      /* answers that have not come */
	int64_t number;        /* of the first part */
	unsigned char *record; /* answer to OPEN; owned */
	size_t record_len;
	bool failed;
	struct err error;
};

struct audit_client {
	struct sockaddr_un address;
	pthread_mutex_t send_lock; /* one message at a time; taken before lock */
	pthread_mutex_t lock;      /* all below */
	pthread_cond_t connected;  /* for the reader: there is a socket, or it is time to end */
	int fd;                    /* -1: away. Only the reader closes it */
	bool broken;               /* a sender found it dead */
	bool ending;
	uint64_t next_ticket;
	struct audit_ticket *oldest, *newest;
	int64_t back_off_ms;
	int64_t no_attempt_before; /* monotonic */
	pthread_t reader;
	unsigned char message[AUDIT_WIRE_MAX]; /* the reader's */
};

static int64_t now_ms(void)
{
	return clock_monotonic_ms(clock_real());
}

static struct timespec deadline_after(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static void list_add(struct audit_client *c, struct audit_ticket *t)
{
	t->prev = c->newest;
	t->next = NULL;
	if (c->newest != NULL)
		c->newest->next = t;
	else
		c->oldest = t;
	c->newest = t;
}

static void list_remove(struct audit_client *c, struct audit_ticket *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		c->oldest = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		c->newest = t->prev;
}

static struct audit_ticket *ticket_new(struct audit_client *c, unsigned parts)
{
	struct audit_ticket *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (t == NULL)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	t->client = c;
	t->parts = parts;
	t->waiting = parts;
	return t;
}

static void ticket_free(struct audit_ticket *t)
{
	pthread_cond_destroy(&t->wake);
	free(t->record);
	free(t);
}

/* Called with lock held. */
static void ticket_fail(struct audit_ticket *t, enum err_code code, const char *text)
{
	if (!t->failed)
		(void)err_set(&t->error, code, "%s", text);
	t->failed = true;
	pthread_cond_signal(&t->wake);
}

/* Called with lock held. Answers come in the order of sending, so the search is short. NULL: its
 * thread has given up waiting. */
static struct audit_ticket *find_ticket(struct audit_client *c, uint64_t number)
{
	struct audit_ticket *t = c->oldest;

	while (t != NULL && (number < t->first || number - t->first >= t->parts))
		t = t->next;
	return t;
}

static void ticket_answered(struct audit_ticket *t, const struct audit_wire *w)
{
	if (w->ticket == t->first)
		t->number = (int64_t)w->number;
	if (t->waiting > 0)
		t->waiting--;
	if (t->waiting == 0)
		pthread_cond_signal(&t->wake);
}

static void take_entry(
        struct audit_ticket *t, const struct audit_wire *w, const void *record, size_t len)
{
	if (len > 0 && t->record == NULL) {
		t->record = malloc(len);
		if (t->record == NULL) {
			ticket_fail(t, ERR_MEMORY, "no memory for an audit record");
			return;
		}
		memcpy(t->record, record, len);
		t->record_len = len;
	}
	ticket_answered(t, w);
}

static void take_failure(
        struct audit_ticket *t, const struct audit_wire *w, const void *why, size_t len)
{
	char text[AUDIT_WIRE_TEXT + 1];

	if (len > AUDIT_WIRE_TEXT)
		len = AUDIT_WIRE_TEXT;
	memcpy(text, why, len);
	text[len] = '\0';
	ticket_fail(t, w->kind == AUDIT_WIRE_INVALID ? ERR_INVALID : ERR_UNAVAILABLE, text);
}

/* Called with lock held. */
static void take_answer(struct audit_client *c, const unsigned char *message, size_t len)
{
	struct audit_wire w;

	while (audit_wire_read(message, len, &w)) {
		struct audit_ticket *t = find_ticket(c, w.ticket);
		message += AUDIT_WIRE_HEAD;
		len -= AUDIT_WIRE_HEAD;
		if (w.kind == AUDIT_WIRE_OK) {
			if (t != NULL)
				ticket_answered(t, &w);
			continue;
		}
		if (t != NULL && w.kind == AUDIT_WIRE_ENTRY)
			take_entry(t, &w, message, len);
		else if (t != NULL)
			take_failure(t, &w, message, len);
		return;
	}
}

/* Called with lock held, by the reader alone. */
static void lose_connection(struct audit_client *c)
{
	close(c->fd);
	c->fd = -1;
	c->broken = false;
	for (struct audit_ticket *t = c->oldest; t != NULL; t = t->next)
		if (t->waiting > 0)
			ticket_fail(
			        t, ERR_UNAVAILABLE, "the connection to fleetport-audit was lost");
}

static void *read_answers(void *arg)
{
	struct audit_client *c = arg;
	unsigned char *message = c->message;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		ssize_t n;
		int fd;
		while (c->fd < 0 && !c->ending)
			pthread_cond_wait(&c->connected, &c->lock);
		if (c->ending)
			break;
		fd = c->fd;
		pthread_mutex_unlock(&c->lock);
		do
			n = recv(fd, message, AUDIT_WIRE_MAX, 0);
		while (n < 0 && errno == EINTR);
		/* Senders hold send_lock while they use the descriptor. */
		if (n <= 0)
			pthread_mutex_lock(&c->send_lock);
		pthread_mutex_lock(&c->lock);
		if (n > 0) {
			take_answer(c, message, (size_t)n);
		} else {
			lose_connection(c);
			pthread_mutex_unlock(&c->send_lock);
		}
	}
	if (c->fd >= 0)
		lose_connection(c);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct audit_client *audit_client_new(const char *socket_path, struct err *e)
{
	struct audit_client *c;
	int rc;

	if (strlen(socket_path) >= sizeof(c->address.sun_path)) {
		(void)err_set(
		        e, ERR_CONFIG, "the path of the audit socket is too long: %s", socket_path);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for the audit client");
		return NULL;
	}
	c->address.sun_family = AF_UNIX;
	memcpy(c->address.sun_path, socket_path, strlen(socket_path) + 1);
	c->fd = -1;
	c->next_ticket = 1;
	c->back_off_ms = BACK_OFF_FIRST_MS;
	pthread_mutex_init(&c->send_lock, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->connected, NULL);
	rc = pthread_create(&c->reader, NULL, read_answers, c);
	if (rc != 0) {
		(void)err_set(e, ERR_MEMORY, "cannot start a thread: %s", strerror(rc));
		pthread_cond_destroy(&c->connected);
		pthread_mutex_destroy(&c->lock);
		pthread_mutex_destroy(&c->send_lock);
		free(c);
		return NULL;
	}
	return c;
}

void audit_client_free(struct audit_client *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->ending = true;
	if (c->fd >= 0)
		shutdown(c->fd, SHUT_RDWR);
	pthread_cond_signal(&c->connected);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->reader, NULL);
	pthread_cond_destroy(&c->connected);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->send_lock);
	free(c);
}

/* Called with both locks held: makes sure that there is a live connection. */
static bool connect_now(struct audit_client *c, struct err *e)
{
	struct timeval wait = {.tv_sec = SEND_WAIT_MS / 1000};
	int fd;

	if (c->fd >= 0 && !c->broken)
		return true;
	if (c->broken || now_ms() < c->no_attempt_before)
		return err_set(e, ERR_UNAVAILABLE, "fleetport-audit is away");
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "cannot make a socket");
	/* connect() on a unix socket waits only while the listener's queue is full. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
	        connect(fd, (const struct sockaddr *)&c->address, sizeof(c->address)) != 0) {
		(void)err_errno(e, "fleetport-audit is away (%s)", c->address.sun_path);
		if (e != NULL)
			e->code = ERR_UNAVAILABLE;
		close(fd);
		c->no_attempt_before = now_ms() + c->back_off_ms;
		c->back_off_ms *= 2;
		if (c->back_off_ms > BACK_OFF_MAX_MS)
			c->back_off_ms = BACK_OFF_MAX_MS;
		return false;
	}
	c->back_off_ms = BACK_OFF_FIRST_MS;
	c->fd = fd;
	pthread_cond_signal(&c->connected);
	return true;
}

/* Called with send_lock held, without lock. */
static bool send_message(
        struct audit_client *c, int fd, const void *data, size_t len, struct err *e)
{
	ssize_t n;

	do
		n = send(fd, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return err_set(e, ERR_UNAVAILABLE, "fleetport-audit takes nothing");
	(void)err_set(e, ERR_UNAVAILABLE, "the connection to fleetport-audit was lost");
	pthread_mutex_lock(&c->lock);
	c->broken = true;
	shutdown(fd, SHUT_RDWR); /* wakes the reader, which closes it */
	pthread_mutex_unlock(&c->lock);
	return false;
}

/* The messages of one ticket, one after another in one buffer. */
struct messages {
	struct buf bytes;
	size_t *ends;
	unsigned count;
};

static bool send_all(
        struct audit_client *c, struct audit_ticket *t, struct messages *m, struct err *e)
{
	size_t start = 0;
	bool ok;
	int fd;

	pthread_mutex_lock(&c->send_lock);
	pthread_mutex_lock(&c->lock);
	ok = connect_now(c, e);
	fd = c->fd;
	if (ok) {
		t->first = c->next_ticket;
		c->next_ticket += t->parts;
		list_add(c, t);
	}
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < m->count && ok; i++) {
		unsigned char *message = (unsigned char *)m->bytes.data + start;
		audit_wire_put_u64(message + 1, t->first + i);
		ok = send_message(c, fd, message, m->ends[i] - start, e);
		if (!ok) {
			pthread_mutex_lock(&c->lock);
			list_remove(c, t);
			pthread_mutex_unlock(&c->lock);
		}
		start = m->ends[i];
	}
	pthread_mutex_unlock(&c->send_lock);
	return ok;
}

static struct audit_ticket *send_messages(struct audit_client *c, struct messages *m, struct err *e)
{
	struct audit_ticket *t = ticket_new(c, m->count);

	if (t == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for an audit ticket");
		return NULL;
	}
	if (!send_all(c, t, m, e)) {
		ticket_free(t);
		return NULL;
	}
	return t;
}

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

/* Appends one part, with its head; the ticket's number follows when it is sent. */
static bool encode_part(const struct audit_entry *entry, unsigned part, unsigned parts,
        size_t first, size_t count, struct buf *out, struct err *e)
{
	const struct audit_wire w = {.kind = AUDIT_WIRE_RECORD};
	unsigned char head[AUDIT_WIRE_HEAD];

	audit_wire_write(&w, head);
	buf_append(out, head, sizeof(head));
	return audit_body_encode(entry, part, parts, first, count, out, e);
}

/* Splits the entry into parts. The texts before the targets take at most 12 * 8 KiB in theory;
 * what they really take is measured by encoding them without targets. */
static bool encode_parts(const struct audit_entry *entry, struct messages *m, struct err *e)
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
	struct messages m = {.bytes = BUF_INIT(AUDIT_WIRE_MAX), .ends = &m.bytes.len, .count = 1};
	struct audit_ticket *ticket = NULL;
	bool ok;

	/* Nearly every record is one message: what is larger is encoded again, in parts. */
	ok = entry->target_count <= AUDIT_RECORD_TARGETS && buf_reserve(&m.bytes, USUAL_MESSAGE) &&
	     encode_part(entry, 1, 1, 0, entry->target_count, &m.bytes, e);
	if (!ok) {
		buf_free(&m.bytes);
		m.ends = NULL;
		ok = encode_parts(entry, &m, e);
	}
	if (ok)
		ticket = send_messages(client, &m, e);
	if (m.ends != &m.bytes.len)
		free(m.ends);
	buf_free(&m.bytes);
	return ticket;
}

/* Waits for all parts. Takes the ticket from the list; the caller frees it. */
static bool ticket_wait(struct audit_ticket *t, int64_t timeout_ms, struct err *e)
{
	struct audit_client *c = t->client;
	struct timespec deadline = deadline_after(timeout_ms);
	int rc = 0;
	bool ok;

	pthread_mutex_lock(&c->lock);
	while (t->waiting > 0 && !t->failed && rc == 0)
		rc = pthread_cond_timedwait(&t->wake, &c->lock, &deadline);
	list_remove(c, t);
	if (t->failed)
		ok = err_set(e, t->error.code, "%s", t->error.text);
	else if (t->waiting > 0)
		ok = err_set(e, ERR_UNAVAILABLE, "fleetport-audit did not answer in %lld ms",
		        (long long)timeout_ms);
	else
		ok = true;
	pthread_mutex_unlock(&c->lock);
	return ok;
}

bool audit_wait(struct audit_ticket *ticket, int64_t timeout_ms, int64_t *number, struct err *e)
{
	bool ok = ticket_wait(ticket, timeout_ms, e);

	if (ok && number != NULL)
		*number = ticket->number;
	ticket_free(ticket);
	return ok;
}

bool audit_record(struct audit_client *client, const struct audit_entry *entry, int64_t *number,
        struct err *e)
{
	struct audit_ticket *ticket = audit_send(client, entry, e);

	return ticket != NULL && audit_wait(ticket, DEFAULT_WAIT_MS, number, e);
}

/* One question that is not a record. */
static struct audit_ticket *ask(struct audit_client *c, enum audit_wire_kind kind, uint64_t number,
        const uint64_t *last, struct err *e)
{
	struct audit_wire w = {.kind = kind, .number = number};
	unsigned char bytes[AUDIT_WIRE_HEAD + 8];
	size_t end = last != NULL ? sizeof(bytes) : AUDIT_WIRE_HEAD;
	struct messages m = {.bytes = BUF_INIT(sizeof(bytes)), .ends = &end, .count = 1};
	struct audit_ticket *ticket;

	audit_wire_write(&w, bytes);
	if (last != NULL)
		audit_wire_put_u64(bytes + AUDIT_WIRE_HEAD, *last);
	buf_append(&m.bytes, bytes, end);
	if (m.bytes.failed) {
		(void)err_set(e, ERR_MEMORY, "no memory for a question to fleetport-audit");
		return NULL;
	}
	ticket = send_messages(c, &m, e);
	buf_free(&m.bytes);
	return ticket;
}

bool audit_last(struct audit_client *client, int64_t *number, struct err *e)
{
	struct audit_ticket *t = ask(client, AUDIT_WIRE_LAST, 0, NULL, e);

	return t != NULL && audit_wait(t, DEFAULT_WAIT_MS, number, e);
}

bool audit_open_change(struct audit_client *client, int64_t after, int64_t last, int64_t *number,
        struct arena *arena, struct audit_entry *entry, struct err *e)
{
	uint64_t bound = (uint64_t)last;
	struct audit_ticket *t = ask(client, AUDIT_WIRE_OPEN, (uint64_t)after, &bound, e);
	struct audit_record record;
	bool ok;

	if (t == NULL)
		return false;
	ok = ticket_wait(t, DEFAULT_WAIT_MS, e);
	if (ok) {
		*number = t->number;
		if (t->number != 0) {
			ok = audit_record_decode(t->record, t->record_len, arena, &record, e);
			*entry = record.entry;
		}
	}
	ticket_free(t);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/audit_client.h"

#include "core/audit_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	SEND_WAIT_MS = 1000, /* the daemon's queue is full */
	BACK_OFF_FIRST_MS = 5,
	BACK_OFF_MAX_MS = 200,
	PACK_FROM = 16, /* items under way: pages are fewer, and each leaves while it renders */
};

struct audit_client {
	struct sockaddr_un address;
	pthread_mutex_t lock;     /* all below */
	pthread_cond_t connected; /* for the reader: there is a socket, or it is time to end */
	pthread_cond_t sent;      /* nobody is sending */
	int fd;                   /* -1: away. Only the reader closes it */
	bool broken;              /* a sender found it dead */
	bool ending;
	bool sending;       /* a thread uses fd and leaving, without the lock */
	struct buf packed;  /* items for the next message */
	struct buf leaving; /* the message that is being sent */
	unsigned packed_count, leaving_count;
	unsigned under_way; /* items that were sent and not answered */
	uint64_t next_ticket;
	struct audit_ticket *oldest, *newest;
	struct audit_ticket *expected; /* whose answer is likely to be next; NULL: the oldest's */
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

/* ---- tickets */

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
	if (c->expected == t)
		c->expected = t->next;
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

void audit_ticket_free(struct audit_ticket *t)
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

/* ---- answers */

/* Called with lock held. Answers come in the order of sending, so the search is short. NULL: its
 * thread has given up waiting. */
static struct audit_ticket *find_ticket(struct audit_client *c, uint64_t number)
{
	struct audit_ticket *t = c->expected;

	if (t == NULL || number < t->first)
		t = c->oldest;
	while (t != NULL && number >= t->first + t->parts)
		t = t->next;
	if (t == NULL || number < t->first)
		return NULL;
	c->expected = t;
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
		c->under_way -= c->under_way > 0;
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
	while (c->sending) /* it ends soon: the socket is dead */
		pthread_cond_wait(&c->sent, &c->lock);
	close(c->fd);
	c->fd = -1;
	c->broken = false;
	buf_reset(&c->packed);
	buf_reset(&c->leaving);
	c->packed_count = c->leaving_count = c->under_way = 0;
	for (struct audit_ticket *t = c->oldest; t != NULL; t = t->next)
		if (t->waiting > 0)
			ticket_fail(
			        t, ERR_UNAVAILABLE, "the connection to fleetport-audit was lost");
}

/* ---- sending */

static void break_connection(struct audit_client *c)
{
	c->broken = true;
	shutdown(c->fd, SHUT_RDWR); /* wakes the reader, which closes it and tells all that wait */
}

/* Called with lock held, and lets go of it while it sends c->leaving. */
static bool send_message(struct audit_client *c, int flags)
{
	int fd = c->fd;
	bool full;
	ssize_t n;

	c->under_way += c->leaving_count; /* before it: the answers may be faster than we */
	pthread_mutex_unlock(&c->lock);
	do
		n = send(fd, c->leaving.data, c->leaving.len, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	full = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
	pthread_mutex_lock(&c->lock);
	if (full && (flags & MSG_DONTWAIT) != 0) {
		c->under_way -= c->leaving_count;
		return false;
	}
	if (n != (ssize_t)c->leaving.len) {
		break_connection(c);
		return false;
	}
	buf_reset(&c->leaving);
	c->leaving_count = 0;
	return true;
}

/* Called with lock held. Sends what is packed, and what comes meanwhile; at once if a thread does so
 * already. MSG_DONTWAIT: what finds no room stays for the next one. */
static void send_packed(struct audit_client *c, int flags)
{
	bool ok = true;

	if (c->sending)
		return;
	c->sending = true;
	while (ok && c->fd >= 0 && !c->broken && c->leaving.len + c->packed.len > 0) {
		if (c->leaving.len == 0) {
			struct buf empty = c->leaving;
			c->leaving = c->packed;
			c->leaving_count = c->packed_count;
			c->packed = empty;
			c->packed_count = 0;
		}
		ok = send_message(c, flags);
	}
	c->sending = false;
	pthread_cond_broadcast(&c->sent);
}

/* Called with lock held. Packs one item, after sending what leaves no room for it. */
static bool pack(
        struct audit_client *c, const void *item, size_t len, uint64_t ticket, struct err *e)
{
	size_t at;

	while (c->packed.len + len > AUDIT_WIRE_MAX || c->packed_count == AUDIT_WIRE_ITEMS) {
		if (c->sending)
			pthread_cond_wait(&c->sent, &c->lock);
		else
			send_packed(c, 0);
		if (c->fd < 0 || c->broken)
			return err_set(
			        e, ERR_UNAVAILABLE, "the connection to fleetport-audit was lost");
	}
	at = c->packed.len;
	buf_append(&c->packed, item, len);
	if (c->packed.failed) {
		c->packed.failed = false;
		return err_set(e, ERR_MEMORY, "no memory for an audit record");
	}
	audit_wire_put_u64((unsigned char *)c->packed.data + at + 1, ticket);
	c->packed_count++;
	return true;
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
		pthread_mutex_lock(&c->lock);
		if (n <= 0) {
			lose_connection(c);
			continue;
		}
		take_answer(c, message, (size_t)n);
		/* Whoever waits to send must not keep the answers from being read. */
		send_packed(c, MSG_DONTWAIT);
	}
	if (c->fd >= 0)
		lose_connection(c);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- the connection */

static void client_free(struct audit_client *c)
{
	buf_free(&c->packed);
	buf_free(&c->leaving);
	pthread_cond_destroy(&c->sent);
	pthread_cond_destroy(&c->connected);
	pthread_mutex_destroy(&c->lock);
	free(c);
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
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->connected, NULL);
	pthread_cond_init(&c->sent, NULL);
	c->packed = BUF_INIT(AUDIT_WIRE_MAX);
	c->leaving = BUF_INIT(AUDIT_WIRE_MAX);
	rc = pthread_create(&c->reader, NULL, read_answers, c);
	if (rc != 0) {
		(void)err_set(e, ERR_MEMORY, "cannot start a thread: %s", strerror(rc));
		client_free(c);
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
	client_free(c);
}

/* Called with lock held: makes sure that there is a live connection. */
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

struct audit_ticket *audit_client_send(
        struct audit_client *c, struct audit_items *items, struct err *e)
{
	struct audit_ticket *t = ticket_new(c, items->count);
	size_t start = 0;
	bool ok;

	if (t == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for an audit ticket");
		return NULL;
	}
	pthread_mutex_lock(&c->lock);
	ok = connect_now(c, e);
	if (ok) {
		t->first = c->next_ticket;
		c->next_ticket += t->parts;
		list_add(c, t);
		for (unsigned i = 0; i < items->count && ok; i++) {
			ok = pack(c, items->bytes.data + start, items->ends[i] - start,
			        t->first + i, e);
			start = items->ends[i];
		}
		if (!ok)
			list_remove(c, t);
		else if (c->under_way < PACK_FROM)
			send_packed(c, 0);
	}
	pthread_mutex_unlock(&c->lock);
	if (ok)
		return t;
	audit_ticket_free(t);
	return NULL;
}

bool audit_ticket_wait(struct audit_ticket *t, int64_t timeout_ms, struct err *e)
{
	struct audit_client *c = t->client;
	struct timespec deadline = deadline_after(timeout_ms);
	int rc = 0;
	bool ok;

	pthread_mutex_lock(&c->lock);
	if (t->waiting > 0 && !t->failed)
		send_packed(c, 0);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/audit_client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SEND_WAIT_MS = 1000, /* the daemon's queue is full */
	BACK_OFF_FIRST_MS = 5,
	BACK_OFF_MAX_MS = 200,
	PACK_FROM = 8,    /* items under way */
	DRAIN_FROM = 256, /* items under way: answers are taken though nobody waits */
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

/* ---- the connection (with the lock held, unless a comment says otherwise) */

/* Closes a connection that was found dead, unless a thread uses it: then that one does it. */
static void drop_if_broken(struct audit_client *c)
{
	if (c->fd < 0 || !c->broken || c->sending || c->reading)
		return;
	close(c->fd);
	c->fd = -1;
	c->broken = false;
	buf_reset(&c->packed);
	buf_reset(&c->leaving);
	c->packed_count = c->leaving_count = c->under_way = 0;
	audit_tickets_fail(c, "the connection to fleetport-audit was lost");
	pthread_cond_broadcast(&c->sent);
}

/* drop_if_broken() follows. */
static void break_connection(struct audit_client *c)
{
	c->broken = true;
	shutdown(c->fd, SHUT_RDWR); /* wakes whoever waits in it */
}

/* Makes sure that there is a live connection. */
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
	return true;
}

/* ---- sending */

/* Lets go of the lock while it sends c->leaving. */
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

/* Sends what is packed, and what comes meanwhile; at once if a thread does so
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
	drop_if_broken(c);
	pthread_cond_broadcast(&c->sent);
}

/* Packs one item, after sending what leaves no room for it. */
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

/* ---- reading */

/* Without the lock. Waits at most wait_ms for a message; < 0 with EAGAIN: none came. */
static ssize_t receive(int fd, unsigned char *message, int wait_ms)
{
	struct pollfd event = {.fd = fd, .events = POLLIN};
	ssize_t n;
	int rc;

	for (;;) {
		do
			n = recv(fd, message, AUDIT_WIRE_MAX, MSG_DONTWAIT);
		while (n < 0 && errno == EINTR);
		if (n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK) || wait_ms == 0)
			return n;
		rc = poll(&event, 1, wait_ms);
		if (rc < 0 && errno != EINTR)
			return rc;
		wait_ms = 0; /* the caller knows how much time is left */
	}
}

/* Reads one message for all, and lets go of the lock meanwhile. true: there was one. */
static bool read_one(struct audit_client *c, int wait_ms)
{
	int fd = c->fd;
	ssize_t n;
	int why;

	c->reading = true;
	pthread_mutex_unlock(&c->lock);
	n = receive(fd, c->message, wait_ms);
	why = errno;
	pthread_mutex_lock(&c->lock);
	c->reading = false;
	if (n > 0) {
		audit_tickets_answer(c, c->message, (size_t)n);
		/* Whoever waits to send must not keep the answers from being read. */
		send_packed(c, MSG_DONTWAIT);
	} else if (n == 0 || (why != EAGAIN && why != EWOULDBLOCK)) {
		break_connection(c);
	}
	drop_if_broken(c);
	return n > 0;
}

/* Takes the answers that are there, if nobody else does, and sees whether the daemon has ended. */
static void drain(struct audit_client *c)
{
	while (!c->reading && c->fd >= 0 && !c->broken && read_one(c, 0))
		;
}

/* ---- for audit.c */

struct audit_client *audit_client_new(const char *socket_path, struct err *e)
{
	struct audit_client *c;

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
	c->packed = BUF_INIT(AUDIT_WIRE_MAX);
	c->leaving = BUF_INIT(AUDIT_WIRE_MAX);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->sent, NULL);
	return c;
}

void audit_client_free(struct audit_client *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	buf_free(&c->packed);
	buf_free(&c->leaving);
	pthread_cond_destroy(&c->sent);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static bool pack_all(struct audit_client *c, const struct audit_ticket *t,
        const struct audit_items *items, struct err *e)
{
	size_t start = 0;

	for (unsigned i = 0; i < items->count; i++) {
		if (!pack(c, items->bytes.data + start, items->ends[i] - start, t->first + i, e))
			return false;
		start = items->ends[i];
	}
	return true;
}

struct audit_ticket *audit_client_send(
        struct audit_client *c, struct audit_items *items, struct err *e)
{
	struct audit_ticket *t = audit_ticket_new(c, items->count);
	bool ok;

	if (t == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for an audit ticket");
		return NULL;
	}
	pthread_mutex_lock(&c->lock);
	/* Nobody has looked at the connection since the last one got its answer; or nobody waits yet. */
	if (c->oldest == NULL || c->under_way >= DRAIN_FROM)
		drain(c);
	ok = connect_now(c, e);
	if (ok) {
		audit_ticket_add(c, t);
		ok = pack_all(c, t, items, e);
		if (!ok)
			audit_ticket_remove(c, t);
		else if (c->under_way < PACK_FROM)
			send_packed(c, 0);
	}
	pthread_mutex_unlock(&c->lock);
	if (ok)
		return t;
	audit_ticket_free(t);
	return NULL;
}

/* Until another thread has read the ticket's answers, or leaves the reading to this one. false: the time
 * is over. */
static bool sleep_until(struct audit_ticket *t, const struct timespec *deadline)
{
	struct audit_client *c = t->client;
	int rc;

	t->asleep = true;
	c->asleep++;
	rc = pthread_cond_timedwait(&t->wake, &c->lock, deadline);
	t->asleep = false;
	c->asleep--;
	return rc == 0;
}

bool audit_ticket_wait(struct audit_ticket *t, int64_t timeout_ms, struct err *e)
{
	struct audit_client *c = t->client;
	struct timespec deadline = deadline_after(timeout_ms);
	int64_t end = now_ms() + timeout_ms;
	int64_t left = timeout_ms;
	bool ok;

	pthread_mutex_lock(&c->lock);
	if (!audit_ticket_ended(t))
		send_packed(c, 0);
	while (!audit_ticket_ended(t) && left > 0) {
		if (c->reading || c->fd < 0 || c->broken)
			(void)sleep_until(t, &deadline);
		else
			(void)read_one(c, left > INT_MAX ? INT_MAX : (int)left);
		left = end - now_ms();
	}
	audit_ticket_remove(c, t);
	if (!c->reading)
		audit_tickets_wake_one(c);
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

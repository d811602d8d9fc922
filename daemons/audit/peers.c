/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/audit/peers.h"

#include "core/audit_wire.h"
#include "lib/log.h"
#include "lib/parse.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, ANSWER_BYTES = 1 << 20 };

/* The programs that may write into the log. The option names the account that a program runs as,
 * where it is not ours. */
struct program_socket {
	const char *source;
	const char *socket;
	const char *option;
};
static const struct program_socket sockets[] = {
        {"user", "audit-user.sock", "user_account"},
        {"support", "audit-support.sock", "support_account"},
        {"ingest", "audit-ingest.sock", "ingest_account"},
        {"enroll", "audit-enroll.sock", "enroll_account"},
        {"dispatch", "audit-dispatch.sock", "dispatch_account"},
        {"cli", "audit-cli.sock", "cli_account"},
};
enum { SOCKETS = sizeof(sockets) / sizeof(sockets[0]) };

#define ACCOUNT(option)                                                                            \
	{                                                                                          \
		.section = "audit", .name = (option), .type = CONFIG_TEXT                          \
	}
const struct config_option peers_options[] = {
        {.section = "audit", .name = "node", .type = CONFIG_TEXT},
        ACCOUNT("user_account"),
        ACCOUNT("support_account"),
        ACCOUNT("ingest_account"),
        ACCOUNT("enroll_account"),
        ACCOUNT("dispatch_account"),
        ACCOUNT("cli_account"),
        {.section = NULL},
};

static bool find_account(const char *option, const char *name, uid_t *uid, struct err *e)
{
	struct passwd entry, *found;
	char room[4096];
	int64_t number;

	if (parse_int(name, 0, INT32_MAX, &number)) {
		*uid = (uid_t)number;
		return true;
	}
	if (getpwnam_r(name, &entry, room, sizeof(room), &found) != 0 || found == NULL)
		return err_set(e, ERR_CONFIG, "[audit] %s: there is no account %s", option, name);
	*uid = found->pw_uid;
	return true;
}

/* Takes the place of a dead predecessor's socket, never of a living one's. */
static bool clear_path(const struct sockaddr_un *address, struct err *e)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return err_errno(e, "cannot make a socket");
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	close(fd);
	if (rc == 0)
		return err_set(e, ERR_CONFLICT, "another fleetport-audit answers at %s",
		        address->sun_path);
	if (unlink(address->sun_path) != 0 && errno != ENOENT)
		return err_errno(e, "cannot remove %s", address->sun_path);
	return true;
}

static bool bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode, struct err *e)
{
	/* Nobody connects before listen(), so the mode may follow bind(). */
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		return err_errno(e, "cannot bind %s", address->sun_path);
	if (chmod(address->sun_path, mode) != 0)
		return err_errno(e, "cannot set the mode of %s", address->sun_path);
	if (listen(fd, BACKLOG) != 0)
		return err_errno(e, "cannot listen at %s", address->sun_path);
	return true;
}

static bool watch(struct peers *p, struct peer *peer, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0)
		return err_errno(e, "cannot watch a socket");
	return true;
}

static bool open_listener(struct peers *p, struct peer *peer, const struct program_socket *s,
        const struct config *config, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = config_path(config, "run", s->socket);
	const char *account = config_text(config, "audit", s->option);

	peer->source = s->source;
	peer->listener = true;
	peer->allowed = geteuid();
	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a socket's path");
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ERR_CONFIG, "the path of a socket is too long: %s", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (account != NULL && account[0] != '\0' &&
	        !find_account(s->option, account, &peer->allowed, e))
		return false;
	if (!clear_path(&address, e))
		return false;
	peer->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (peer->fd < 0)
		return err_errno(e, "cannot make a socket");
	/* Where the program has an account of its own, SO_PEERCRED is what lets it in. */
	return bind_and_listen(peer->fd, &address, peer->allowed == geteuid() ? 0600 : 0666, e) &&
	       watch(p, peer, e);
}

bool peers_open(struct peers *p, const struct config *config, struct err *e)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		p->list[i].fd = -1;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return err_errno(e, "cannot make an epoll");
	for (size_t i = 0; i < SOCKETS; i++)
		if (!open_listener(p, &p->list[i], &sockets[i], config, e))
			return false;
	return true;
}

void peers_close(struct peers *p)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (p->list[i].fd >= 0)
			close(p->list[i].fd);
		p->list[i].fd = -1;
	}
	if (p->epoll >= 0)
		close(p->epoll);
	p->epoll = -1;
}

static struct peer *free_peer(struct peers *p)
{
	for (size_t i = SOCKETS; i < PEERS_MAX; i++)
		if (p->list[i].fd < 0)
			return &p->list[i];
	return NULL;
}

static bool is_allowed(const struct peer *listener, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	char uid[24];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return false;
	if (who.uid == 0 || who.uid == geteuid() || who.uid == listener->allowed)
		return true;
	log_event(LOG_LEVEL_WARNING, "peer-refused", "socket", listener->source, "uid",
	        log_number(uid, who.uid), NULL);
	return false;
}

void peers_accept(struct peers *p, struct peer *listener)
{
	int room = ANSWER_BYTES;
	struct err e;

	for (;;) {
		struct peer *peer = free_peer(p);
		int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (peer == NULL || !is_allowed(listener, fd)) {
			close(fd);
			continue;
		}
		/* More room for answers is welcome, not needed. */
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		*peer = (struct peer){.source = listener->source, .serial = ++p->serials, .fd = fd};
		if (!watch(p, peer, &e)) {
			log_event(LOG_LEVEL_ERROR, "peer-lost", "reason", e.text, NULL);
			close(fd);
			peer->fd = -1;
		}
	}
}

void peer_send(struct peer *peer, const void *message, size_t len)
{
	ssize_t n;

	if (peer->gone)
		return;
	do
		n = send(peer->fd, message, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)len)
		peer->gone = true;
}

void peer_flush(struct peer *peer)
{
	if (peer->answer_count == 0)
		return;
	peer_send(peer, peer->answers, peer->answer_count * AUDIT_WIRE_HEAD);
	peer->answer_count = 0;
}

void peer_answer(struct peer *peer, uint64_t ticket, uint64_t number)
{
	struct audit_wire w = {.kind = AUDIT_WIRE_OK, .ticket = ticket, .number = number};

	if (peer->answer_count == PEER_ANSWERS)
		peer_flush(peer);
	audit_wire_write(&w, peer->answers[peer->answer_count++]);
}

void peers_sweep(struct peers *p)
{
	for (size_t i = SOCKETS; i < PEERS_MAX; i++) {
		if (p->list[i].fd >= 0 && p->list[i].gone) {
			close(p->list[i].fd);
			p->list[i].fd = -1;
		}
	}
}

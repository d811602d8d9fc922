/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/state.h"

#include "lib/file.h"
#include "lib/x509.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANSWER_ARENA = 256 * 1024 };

const char *state_path(const struct state *state, const char *name, char out[STATE_PATH_SIZE])
{
	snprintf(out, STATE_PATH_SIZE, "%s/%s", state->folder, name);
	return out;
}

static bool exists(const struct state *state, const char *name)
{
	char path[STATE_PATH_SIZE];

	return access(state_path(state, name, path), F_OK) == 0;
}

static bool read_small(const struct state *state, const char *name, struct buf *b, struct err *e)
{
	char path[STATE_PATH_SIZE];

	return file_read(state_path(state, name, path), b, e);
}

static bool write_file(
        const struct state *state, const char *name, const void *data, size_t len, struct err *e)
{
	char path[STATE_PATH_SIZE];

	return file_write(state_path(state, name, path), data, len, 0600, e);
}

static bool copy_text(char *out, size_t size, const char *text, struct err *e)
{
	if (strlen(text) >= size)
		return err_set(e, ERR_INVALID, "the server's answer has a text that is too long");
	snprintf(out, size, "%s", text);
	return true;
}

/* ---- operation keys */

static bool take_keys(
        struct state *s, const struct enrolment_key *keys, size_t count, struct err *e)
{
	if (count > ENROLMENT_KEYS_MAX)
		return err_set(e, ERR_LIMIT, "the server sends too many operation keys");
	for (size_t i = 0; i < count; i++) {
		if (strlen(keys[i].key_id) >= sizeof s->key_ids[i])
			return err_set(
			        e, ERR_INVALID, "the server sends a key id that is too long");
	}
	pthread_mutex_lock(&s->keys_lock);
	for (size_t i = 0; i < count; i++) {
		snprintf(s->key_ids[i], sizeof s->key_ids[i], "%s", keys[i].key_id);
		s->keys[i] = keys[i];
		s->keys[i].key_id = s->key_ids[i];
	}
	s->key_count = count;
	pthread_mutex_unlock(&s->keys_lock);
	return true;
}

static bool same_keys(struct state *s, const struct enrolment_key *keys, size_t count)
{
	bool same;

	pthread_mutex_lock(&s->keys_lock);
	same = count == s->key_count;
	for (size_t i = 0; same && i < count; i++)
		same = strcmp(keys[i].key_id, s->key_ids[i]) == 0 &&
		       memcmp(keys[i].key, s->keys[i].key, sizeof keys[i].key) == 0 &&
		       keys[i].not_before == s->keys[i].not_before &&
		       keys[i].not_after == s->keys[i].not_after;
	pthread_mutex_unlock(&s->keys_lock);
	return same;
}

bool state_set_keys(struct state *s, const struct enrolment_key *keys, size_t count, struct err *e)
{
	struct buf text = BUF_INIT(ENROLMENT_MAX);
	bool ok;

	if (count == 0 || same_keys(s, keys, count))
		return true;
	ok = enrolment_keys_write(keys, count, &text, e) &&
	     write_file(s, "operation-keys.json", text.data, text.len, e) &&
	     take_keys(s, keys, count, e);
	buf_free(&text);
	return ok;
}

bool state_find_key(
        struct state *s, const char *key_id, int64_t now_ms, unsigned char out[CRYPTO_SIGN_PUBLIC])
{
	bool found = false;

	pthread_mutex_lock(&s->keys_lock);
	for (size_t i = 0; !found && i < s->key_count; i++) {
		if (strcmp(s->key_ids[i], key_id) != 0 || now_ms < s->keys[i].not_before ||
		        now_ms > s->keys[i].not_after)
			continue;
		memcpy(out, s->keys[i].key, CRYPTO_SIGN_PUBLIC);
		found = true;
	}
	pthread_mutex_unlock(&s->keys_lock);
	return found;
}

static bool load_keys(struct state *s, struct arena *arena, struct err *e)
{
	char path[STATE_PATH_SIZE];
	const struct enrolment_key *keys;
	size_t count;

	return enrolment_keys_load(
	               state_path(s, "operation-keys.json", path), arena, &keys, &count, e) &&
	       take_keys(s, keys, count, e);
}

/* ---- the key that signs events */

static bool load_event_key(struct state *s, struct err *e)
{
	char path[STATE_PATH_SIZE];

	state_path(s, "event.key", path);
	if (!exists(s, "event.key")) {
		crypto_keypair(s->event_public, s->event_secret);
		return crypto_key_write(path, s->event_secret, sizeof s->event_secret, e);
	}
	if (!crypto_key_read(path, s->event_secret, sizeof s->event_secret, e))
		return false;
	/* libsodium's form: seed, then public key */
	memcpy(s->event_public, s->event_secret + sizeof s->event_secret - CRYPTO_SIGN_PUBLIC,
	        CRYPTO_SIGN_PUBLIC);
	return true;
}

/* ---- what the server answered */

static bool take_answer(struct state *s, const struct enrolment_answer *a, struct err *e)
{
	if (!copy_text(s->agent_id, sizeof s->agent_id, a->agent_id, e) ||
	        !copy_text(s->mqtt_host, sizeof s->mqtt_host, a->mqtt_host, e) ||
	        !copy_text(s->mqtt_alpn, sizeof s->mqtt_alpn, a->mqtt_alpn, e))
		return false;
	s->mqtt_port = (unsigned)a->mqtt_port;
	s->mqtt_keep_alive = (unsigned)a->mqtt_keep_alive;
	s->interval_seconds = a->interval_seconds;
	s->jitter_seconds = a->jitter_seconds;
	return true;
}

static bool load_certificate(struct state *s, struct err *e)
{
	char path[STATE_PATH_SIZE];
	struct buf pem = BUF_INIT((size_t)4 * X509_PEM_MAX);
	struct x509_info info;
	bool ok = file_read_secret(state_path(s, "agent.pem", path), &pem, e) &&
	          x509_read(buf_text(&pem), &info, e);

	file_wipe(&pem);
	if (!ok)
		return err_wrap(e, "the agent's certificate");
	s->not_before = info.not_before;
	s->not_after = info.not_after;
	return true;
}

static bool load_enrolment(struct state *s, struct arena *arena, struct err *e)
{
	struct buf text = BUF_INIT(ENROLMENT_MAX), server = BUF_INIT(ENROLMENT_HOST_SIZE);
	struct enrolment_answer answer;
	bool ok = read_small(s, "enrolment.json", &text, e) &&
	          read_small(s, "server", &server, e) &&
	          enrolment_answer_read(buf_text(&text), text.len, arena, &answer, e) &&
	          take_answer(s, &answer, e) &&
	          copy_text(s->server, sizeof s->server, buf_text(&server), e) &&
	          load_certificate(s, e) && load_keys(s, arena, e);

	buf_free(&text);
	buf_free(&server);
	if (ok)
		s->enrolled = true;
	return ok || err_wrap(e, "%s", s->folder);
}

static bool lock_folder(struct state *s, struct err *e)
{
	char path[STATE_PATH_SIZE];

	if (mkdir(s->folder, 0700) != 0 && errno != EEXIST)
		return err_errno(e, "%s", s->folder);
	s->lock_fd = open(state_path(s, "lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return err_errno(e, "%s", path);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	close(s->lock_fd);
	return err_set(
	        e, ERR_CONFLICT, "another agent is running with the state folder %s", s->folder);
}

bool state_open(const char *folder, struct state *out, struct err *e)
{
	struct arena *arena;
	bool ok;

	*out = (struct state){.lock_fd = -1, .keys_lock = PTHREAD_MUTEX_INITIALIZER};
	if (strlen(folder) >= sizeof out->folder)
		return err_set(e, ERR_CONFIG, "the state folder's path is too long");
	snprintf(out->folder, sizeof out->folder, "%s", folder);
	if (!lock_folder(out, e))
		return false;
	arena = arena_new(ANSWER_ARENA);
	ok = arena ? load_event_key(out, e) : err_set(e, ERR_MEMORY, "no memory");
	if (ok && exists(out, "agent.pem"))
		ok = load_enrolment(out, arena, e);
	arena_free(arena);
	if (!ok)
		state_close(out);
	return ok;
}

void state_close(struct state *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	s->lock_fd = -1;
	crypto_wipe(s->event_secret, sizeof s->event_secret);
}

bool state_pending_key(struct state *s, struct buf *key_pem, struct err *e)
{
	char path[STATE_PATH_SIZE];

	state_path(s, "pending.pem", path);
	if (exists(s, "pending.pem"))
		return file_read_secret(path, key_pem, e);
	return x509_key_new(key_pem, e) && file_write(path, key_pem->data, key_pem->len, 0600, e);
}

/* The key and its certificate are one file, so that they change in one step. agent.pem is written
 * last: once it is there, all else is too. */
static bool store_answer(struct state *s, const char *server, const char *ca_pem,
        const struct enrolment_answer *answer, const char *text, size_t len, struct err *e)
{
	char path[STATE_PATH_SIZE];
	struct buf key = BUF_INIT(X509_PEM_MAX), pem = BUF_INIT((size_t)4 * X509_PEM_MAX);
	bool ok = state_pending_key(s, &key, e);

	if (ok && !x509_key_fits(answer->certificate, buf_text(&key)))
		ok = err_set(e, ERR_INVALID, "the server's certificate is not for our key");
	buf_puts(&pem, buf_text(&key));
	buf_puts(&pem, answer->certificate);
	if (ok && pem.failed)
		ok = err_set(e, ERR_LIMIT, "the server's certificate is too large");
	ok = ok && state_set_keys(s, answer->keys, answer->key_count, e) &&
	     (!server || write_file(s, "server", server, strlen(server), e)) &&
	     write_file(s, "server-ca.pem", ca_pem, strlen(ca_pem), e) &&
	     write_file(s, "enrolment.json", text, len, e) &&
	     write_file(s, "agent.pem", pem.data, pem.len, e);
	file_wipe(&key);
	file_wipe(&pem);
	if (ok && unlink(state_path(s, "pending.pem", path)) != 0)
		ok = err_errno(e, "%s", path);
	return ok;
}

bool state_accept(struct state *s, const char *server, const char *ca_pem, const char *text,
        size_t len, struct err *e)
{
	struct arena *arena = arena_new(ANSWER_ARENA);
	struct enrolment_answer answer;
	bool ok;

	if (!arena)
		return err_set(e, ERR_MEMORY, "no memory for the server's answer");
	ok = enrolment_answer_read(text, len, arena, &answer, e);
	if (ok && s->enrolled && strcmp(answer.agent_id, s->agent_id) != 0)
		ok = err_set(e, ERR_INVALID, "the server's answer is for another agent");
	ok = ok &&
	     store_answer(s, server, answer.ca && *answer.ca ? answer.ca : ca_pem, &answer, text,
	             len, e) &&
	     load_enrolment(s, arena, e);
	arena_free(arena);
	return ok;
}

static bool wipe_folder(const char *folder, struct err *e)
{
	DIR *dir = opendir(folder);
	const struct dirent *d;
	bool ok = true;

	if (!dir)
		return errno == ENOENT || err_errno(e, "%s", folder);
	while (ok && (d = readdir(dir))) {
		char path[STATE_PATH_SIZE + 300];
		struct stat st;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		        strcmp(d->d_name, "lock") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
		if (lstat(path, &st) != 0)
			ok = err_errno(e, "%s", path);
		else if (S_ISDIR(st.st_mode))
			ok = wipe_folder(path, e) && (rmdir(path) == 0 || err_errno(e, "%s", path));
		else
			ok = unlink(path) == 0 || err_errno(e, "%s", path);
	}
	closedir(dir);
	return ok;
}

bool state_wipe(struct state *s, struct err *e)
{
	s->enrolled = false;
	crypto_wipe(s->event_secret, sizeof s->event_secret);
	return wipe_folder(s->folder, e);
}

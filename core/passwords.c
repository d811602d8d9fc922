/* SPDX-License-Identifier: Apache-2.0 */
#include "core/passwords.h"

#include "lib/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	AT_ONCE = 2,
	QUEUE = 64, /* waiting; more are refused at once */
	WAIT_SECONDS = 10,
	NORMAL_ARENA = 96 << 10, /* NFKC makes at most 18 bytes of one */
};

struct passwords {
	const struct keys *keys;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	unsigned running;
	unsigned waiting;
	char dummy[CRYPTO_PASSWORD_HASH];
};

struct passwords *passwords_new(const struct keys *keys, struct err *e)
{
	struct passwords *passwords = calloc(1, sizeof *passwords);
	pthread_condattr_t attributes;
	unsigned char secret[CRYPTO_KEY];

	if (passwords == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for the password gate");
		return NULL;
	}
	passwords->keys = keys;
	crypto_random(secret, sizeof secret);
	if (!crypto_password_hash((const char *)secret, sizeof secret, passwords->dummy, e)) {
		free(passwords);
		return NULL;
	}
	/* glibc's initialisers of these fail only for misuse; checked all the same */
	if (pthread_mutex_init(&passwords->lock, NULL) != 0 ||
	        pthread_condattr_init(&attributes) != 0 ||
	        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
	        pthread_cond_init(&passwords->freed, &attributes) != 0) {
		(void)err_set(e, ERR_MEMORY, "no resources for the password gate");
		free(passwords);
		return NULL;
	}
	(void)pthread_condattr_destroy(&attributes);
	return passwords;
}

void passwords_free(struct passwords *passwords)
{
	if (passwords == NULL)
		return;
	(void)pthread_cond_destroy(&passwords->freed);
	(void)pthread_mutex_destroy(&passwords->lock);
	crypto_wipe(passwords->dummy, sizeof passwords->dummy);
	free(passwords);
}

/* Waits for one of the AT_ONCE places. */
static bool enter(struct passwords *p, struct err *e)
{
	struct timespec until;
	int rc = 0;
	bool entered;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_SECONDS;
	(void)pthread_mutex_lock(&p->lock);
	if (p->running >= AT_ONCE && p->waiting >= QUEUE) {
		(void)pthread_mutex_unlock(&p->lock);
		return err_set(e, ERR_BUSY, "too many passwords are being checked");
	}
	p->waiting++;
	while (p->running >= AT_ONCE && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&p->freed, &p->lock, &until);
	p->waiting--;
	entered = p->running < AT_ONCE;
	if (entered)
		p->running++;
	(void)pthread_mutex_unlock(&p->lock);
	if (!entered)
		return err_set(e, ERR_BUSY, "too many passwords are being checked");
	return true;
}

static void leave(struct passwords *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->running--;
	(void)pthread_cond_signal(&p->freed);
	(void)pthread_mutex_unlock(&p->lock);
}

/* The password in NFKC, in an arena of its own; ended with forget(). */
struct normal {
	struct arena *arena;
	char *text;
};

static bool normalise(const char *password, struct normal *normal, struct err *e)
{
	normal->arena = arena_new(NORMAL_ARENA);
	if (normal->arena == NULL)
		return err_set(e, ERR_MEMORY, "no memory to check a password");
	normal->text = text_nfkc(normal->arena, password, e);
	if (normal->text == NULL) {
		arena_free(normal->arena);
		return false;
	}
	return true;
}

static void forget(struct normal *normal)
{
	crypto_wipe(normal->text, strlen(normal->text));
	arena_free(normal->arena);
}

static size_t characters(const char *utf8)
{
	size_t count = 0;

	for (; *utf8 != '\0'; utf8++)
		if (((unsigned char)*utf8 & 0xc0) != 0x80)
			count++;
	return count;
}

static bool acceptable(const char *password, const struct normal *normal, struct err *e)
{
	if (strlen(password) > PASSWORD_MAX_BYTES)
		return err_set(
		        e, ERR_INVALID, "a password has at most %d bytes", PASSWORD_MAX_BYTES);
	if (characters(normal->text) < PASSWORD_MIN_CHARACTERS)
		return err_set(e, ERR_INVALID, "a password has at least %d characters",
		        PASSWORD_MIN_CHARACTERS);
	return true;
}

bool passwords_acceptable(const char *password, struct err *e)
{
	struct normal normal;
	bool ok;

	if (strlen(password) > PASSWORD_MAX_BYTES)
		return err_set(
		        e, ERR_INVALID, "a password has at most %d bytes", PASSWORD_MAX_BYTES);
	if (!normalise(password, &normal, e))
		return false;
	ok = acceptable(password, &normal, e);
	forget(&normal);
	return ok;
}

static size_t hash_place(const char *person, char out[128])
{
	static const char place[] = "credential.password.";
	size_t len = strlen(person);

	if (len > 64)
		len = 64;
	memcpy(out, place, sizeof place - 1);
	memcpy(out + sizeof place - 1, person, len);
	return sizeof place - 1 + len;
}

bool passwords_hash(struct passwords *passwords, const char *person, const char *password,
        unsigned char sealed[PASSWORD_SEALED], struct err *e)
{
	char hash[CRYPTO_PASSWORD_HASH] = "";
	struct normal normal;
	char ad[128];
	bool ok = false;

	if (!passwords_acceptable(password, e) || !normalise(password, &normal, e))
		return false;
	if (enter(passwords, e)) {
		ok = crypto_password_hash(normal.text, strlen(normal.text), hash, e);
		leave(passwords);
	}
	if (ok)
		crypto_seal(keys_pepper(passwords->keys), ad, hash_place(person, ad), hash,
		        sizeof hash, sealed);
	crypto_wipe(hash, sizeof hash);
	forget(&normal);
	return ok;
}

/* The hash to check against: the person's own, or the dummy one. */
static bool open_hash(struct passwords *p, const char *person, const unsigned char *sealed,
        size_t len, char hash[CRYPTO_PASSWORD_HASH], struct err *e)
{
	char ad[128];

	if (sealed == NULL) {
		memcpy(hash, p->dummy, CRYPTO_PASSWORD_HASH);
		return true;
	}
	if (len != PASSWORD_SEALED || !crypto_open(keys_pepper(p->keys), ad, hash_place(person, ad),
	                                      sealed, len, (unsigned char *)hash))
		return err_set(e, ERR_CORRUPT,
		        "the password of %s does not open: wrong pepper.key, or a changed database",
		        person);
	return true;
}

bool passwords_verify(struct passwords *passwords, const char *person, const unsigned char *sealed,
        size_t len, const char *password, bool *match, bool *stale, struct err *e)
{
	char hash[CRYPTO_PASSWORD_HASH];
	struct normal normal;
	bool fits = false, old = false, ok = false;

	*match = *stale = false;
	/* What cannot be a password costs as much as a wrong one. */
	if (strlen(password) > PASSWORD_MAX_BYTES || !normalise(password, &normal, e)) {
		sealed = NULL;
		if (!normalise("", &normal, e))
			return false;
	}
	if (!open_hash(passwords, person, sealed, len, hash, e))
		goto forget_password;
	if (enter(passwords, e)) {
		ok = crypto_password_verify(hash, normal.text, strlen(normal.text), &fits, &old, e);
		leave(passwords);
	}
	if (ok && sealed != NULL) {
		*match = fits;
		*stale = fits && old;
	}
forget_password:
	crypto_wipe(hash, sizeof hash);
	forget(&normal);
	return ok;
}

void passwords_generate(char out[PASSWORD_GENERATED])
{
	/* 32 signs, 5 bits each: no 0 O 1 l I i o, no capitals that look like small ones */
	static const char signs[] = "abcdefghjkmnpqrstuvwxyz23456789-";

	for (size_t i = 0; i + 1 < PASSWORD_GENERATED; i++) {
		/* a hyphen at either end is easily lost when copied */
		uint32_t limit = i == 0 || i + 2 == PASSWORD_GENERATED ? 31 : 32;
		out[i] = signs[crypto_random_below(limit)];
	}
	out[PASSWORD_GENERATED - 1] = '\0';
}

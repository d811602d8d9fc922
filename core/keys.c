/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct keys {
	unsigned char wrapping[CRYPTO_KEY];
	unsigned char pepper[CRYPTO_KEY];
	unsigned char index[CRYPTO_KEY];
};

enum { PATH_BYTES = 512 };

static const struct {
	const char *file;
	size_t offset;
} parts[] = {
        {"kek.key", offsetof(struct keys, wrapping)},
        {"pepper.key", offsetof(struct keys, pepper)},
        {"index.key", offsetof(struct keys, index)},
};

static bool key_path(const char *directory, const char *file, char path[PATH_BYTES], struct err *e)
{
	int len = snprintf(path, PATH_BYTES, "%s/%s", directory, file);

	if (len < 0 || len >= PATH_BYTES)
		return err_set(e, ERR_CONFIG, "the path of the secrets folder is too long");
	return true;
}

/* A page of its own: locked against swapping, and left out of core dumps. */
static struct keys *locked_page(struct err *e)
{
	struct keys *keys = mmap(
	        NULL, sizeof *keys, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (keys == MAP_FAILED) {
		(void)err_errno(e, "memory for keys");
		return NULL;
	}
	if (mlock(keys, sizeof *keys) != 0 || madvise(keys, sizeof *keys, MADV_DONTDUMP) != 0) {
		(void)err_errno(e, "locking the keys in memory (is RLIMIT_MEMLOCK too small?)");
		(void)munmap(keys, sizeof *keys);
		return NULL;
	}
	return keys;
}

struct keys *keys_load(const char *directory, struct err *e)
{
	struct keys *keys = locked_page(e);

	if (keys == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		char path[PATH_BYTES];
		unsigned char *to = (unsigned char *)keys + parts[i].offset;

		if (!key_path(directory, parts[i].file, path, e) ||
		        !crypto_key_read(path, to, CRYPTO_KEY, e)) {
			keys_free(keys);
			return NULL;
		}
	}
	return keys;
}

void keys_free(struct keys *keys)
{
	if (keys == NULL)
		return;
	crypto_wipe(keys, sizeof *keys);
	(void)munmap(keys, sizeof *keys);
}

bool keys_create(const char *directory, unsigned *made, struct err *e)
{
	if (made != NULL)
		*made = 0;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		char path[PATH_BYTES];
		unsigned char key[CRYPTO_KEY];
		bool ok;

		if (!key_path(directory, parts[i].file, path, e))
			return false;
		if (access(path, F_OK) == 0)
			continue;
		crypto_random(key, sizeof key);
		ok = crypto_key_write(path, key, sizeof key, e);
		crypto_wipe(key, sizeof key);
		if (!ok)
			return false;
		if (made != NULL)
			(*made)++;
	}
	return true;
}

const unsigned char *keys_wrapping(const struct keys *keys)
{
	return keys->wrapping;
}

const unsigned char *keys_pepper(const struct keys *keys)
{
	return keys->pepper;
}

const unsigned char *keys_index(const struct keys *keys)
{
	return keys->index;
}

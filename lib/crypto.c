/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/crypto.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(CRYPTO_HASH == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(CRYPTO_FINGERPRINT >= crypto_generichash_BYTES_MIN, "BLAKE2b-128");
_Static_assert(CRYPTO_HASH == crypto_auth_hmacsha256_BYTES, "HMAC-SHA-256");
_Static_assert(CRYPTO_KEY == crypto_auth_hmacsha256_KEYBYTES, "HMAC-SHA-256 key");
_Static_assert(CRYPTO_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "sealing key");
_Static_assert(CRYPTO_SEAL_OVERHEAD == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES +
                                               crypto_aead_xchacha20poly1305_ietf_ABYTES,
        "sealing overhead");
_Static_assert(CRYPTO_SIGN_PUBLIC == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(CRYPTO_SIGN_SECRET == crypto_sign_SECRETKEYBYTES, "Ed25519 secret key");
_Static_assert(CRYPTO_SIGNATURE == crypto_sign_BYTES, "Ed25519 signature");
_Static_assert(CRYPTO_PASSWORD_HASH == crypto_pwhash_STRBYTES, "Argon2id text");

enum {
	PASSWORD_PASSES = 3,
	PASSWORD_MEMORY = 64 << 20,
	NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	ID_DIGITS = 22,
	CODE_DIGITS = CRYPTO_CODE - 1,
};

bool crypto_init(struct err *e)
{
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "the cryptographic library does not start");
	return true;
}

void crypto_random(void *out, size_t len)
{
	randombytes_buf(out, len);
}

uint32_t crypto_random_below(uint32_t limit)
{
	assert(limit > 0);
	return randombytes_uniform(limit);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *secret, size_t len)
{
	sodium_memzero(secret, len);
}

/* ---- hashes */

void crypto_sha256(const void *data, size_t len, unsigned char out[CRYPTO_HASH])
{
	(void)crypto_hash_sha256(out, data, len); /* always 0 */
}

void crypto_sha256_prefixed(
        unsigned char prefix, const void *data, size_t len, unsigned char out[CRYPTO_HASH])
{
	crypto_hash_sha256_state state;

	/* These three always return 0. */
	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, &prefix, 1);
	(void)crypto_hash_sha256_update(&state, data, len);
	(void)crypto_hash_sha256_final(&state, out);
}

void crypto_fingerprint(const void *data, size_t len, unsigned char out[CRYPTO_FINGERPRINT])
{
	/* Always 0 for a length within its bounds. */
	(void)crypto_generichash(out, CRYPTO_FINGERPRINT, data, len, NULL, 0);
}

void crypto_hmac_sha256(const unsigned char key[CRYPTO_KEY], const void *data, size_t len,
        unsigned char out[CRYPTO_HASH])
{
	(void)crypto_auth_hmacsha256(out, data, len, key); /* always 0 */
}

void crypto_derive(
        const unsigned char master[CRYPTO_KEY], const char *purpose, unsigned char out[CRYPTO_KEY])
{
	static const char domain[] = "fleetport/";
	crypto_auth_hmacsha256_state state;

	(void)crypto_auth_hmacsha256_init(&state, master, CRYPTO_KEY);
	(void)crypto_auth_hmacsha256_update(
	        &state, (const unsigned char *)domain, sizeof domain - 1);
	(void)crypto_auth_hmacsha256_update(
	        &state, (const unsigned char *)purpose, strlen(purpose));
	(void)crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof state);
}

/* ---- sealing */

void crypto_seal(const unsigned char key[CRYPTO_KEY], const void *ad, size_t ad_len,
        const void *plain, size_t len, unsigned char *out)
{
	unsigned long long sealed_len = 0;
	int rc;

	randombytes_buf(out, NONCE);
	rc = crypto_aead_xchacha20poly1305_ietf_encrypt(
	        out + NONCE, &sealed_len, plain, len, ad, ad_len, NULL, out, key);
	assert(rc == 0 && sealed_len == len + CRYPTO_SEAL_OVERHEAD - NONCE);
	(void)rc;
}

bool crypto_open(const unsigned char key[CRYPTO_KEY], const void *ad, size_t ad_len,
        const void *sealed, size_t len, unsigned char *out)
{
	const unsigned char *bytes = sealed;

	if (len < CRYPTO_SEAL_OVERHEAD)
		return false;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(
	               out, NULL, NULL, bytes + NONCE, len - NONCE, ad, ad_len, bytes, key) == 0;
}

/* ---- signatures */

void crypto_keypair(
        unsigned char public_key[CRYPTO_SIGN_PUBLIC], unsigned char secret_key[CRYPTO_SIGN_SECRET])
{
	(void)crypto_sign_keypair(public_key, secret_key); /* always 0 */
}

void crypto_signature(const unsigned char secret_key[CRYPTO_SIGN_SECRET], const void *data,
        size_t len, unsigned char signature[CRYPTO_SIGNATURE])
{
	(void)crypto_sign_detached(signature, NULL, data, len, secret_key); /* always 0 */
}

bool crypto_verify(const unsigned char public_key[CRYPTO_SIGN_PUBLIC], const void *data, size_t len,
        const unsigned char signature[CRYPTO_SIGNATURE])
{
	return crypto_sign_verify_detached(signature, data, len, public_key) == 0;
}

/* ---- passwords */

bool crypto_password_hash(
        const char *password, size_t len, char out[CRYPTO_PASSWORD_HASH], struct err *e)
{
	if (crypto_pwhash_str(out, password, len, PASSWORD_PASSES, PASSWORD_MEMORY) != 0)
		return err_set(e, ERR_MEMORY, "no memory to hash a password");
	return true;
}

bool crypto_password_verify(
        const char *hash, const char *password, size_t len, bool *match, bool *stale, struct err *e)
{
	int rehash = crypto_pwhash_str_needs_rehash(hash, PASSWORD_PASSES, PASSWORD_MEMORY);

	if (rehash < 0)
		return err_set(e, ERR_CORRUPT, "a stored password hash is not one");
	if (stale != NULL)
		*stale = rehash == 1;
	errno = 0;
	if (crypto_pwhash_str_verify(hash, password, len) == 0) {
		*match = true;
		return true;
	}
	/* libsodium says EINVAL when the password is another one, and nothing else: all other
	 * failures (no memory for Argon2id) are no judgement about the password. */
	if (errno == EINVAL) {
		*match = false;
		return true;
	}
	return err_set(e, ERR_MEMORY, "no memory to check a password");
}

/* ---- text forms */

void crypto_base64(const void *data, size_t len, char *out)
{
	(void)sodium_bin2base64(
	        out, CRYPTO_BASE64_SIZE(len), data, len, sodium_base64_VARIANT_ORIGINAL);
}

void crypto_base64url(const void *data, size_t len, char *out)
{
	/* libsodium fills all of the room that it is told of: without padding that is less. */
	(void)sodium_bin2base64(out,
	        sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING), data, len,
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static bool base64_decode(
        const char *text, size_t text_len, unsigned char *out, size_t max, size_t *len, int variant)
{
	const char *end = NULL;

	/* With an end pointer libsodium stops at what it does not know; the whole must be eaten. */
	if (sodium_base642bin(out, max, text, text_len, NULL, len, &end, variant) != 0)
		return false;
	return end == text + text_len;
}

bool crypto_base64_decode(
        const char *text, size_t text_len, unsigned char *out, size_t max, size_t *len)
{
	return base64_decode(text, text_len, out, max, len, sodium_base64_VARIANT_ORIGINAL);
}

bool crypto_base64url_decode(
        const char *text, size_t text_len, unsigned char *out, size_t max, size_t *len)
{
	return base64_decode(
	        text, text_len, out, max, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void crypto_hex(const void *data, size_t len, char *out)
{
	(void)sodium_bin2hex(out, 2 * len + 1, data, len);
}

bool crypto_hex_decode(
        const char *text, size_t text_len, unsigned char *out, size_t max, size_t *len)
{
	const char *end = NULL;

	if (sodium_hex2bin(out, max, text, text_len, NULL, len, &end) != 0)
		return false;
	return end == text + text_len;
}

void crypto_random_id(const char *prefix, char *out)
{
	static const char digits[] =
	        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t used = strlen(prefix);

	memcpy(out, prefix, used);
	for (int i = 0; i < ID_DIGITS; i++)
		out[used++] = digits[randombytes_uniform(sizeof digits - 1)];
	out[used] = '\0';
}

/* ---- invitation codes: Crockford base32. The first 32 are digits; the last five only check. */

static const char code_symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

static char code_check(const char *code)
{
	unsigned remainder = 0;

	/* The number that the digits stand for, modulo 37. */
	for (int i = 0; i < CODE_DIGITS; i++) {
		const char *symbol = strchr(code_symbols, code[i]);
		remainder = (remainder * 32 + (unsigned)(symbol - code_symbols)) % 37;
	}
	return code_symbols[remainder];
}

void crypto_code_new(char out[CRYPTO_CODE + 1])
{
	for (int i = 0; i < CODE_DIGITS; i++)
		out[i] = code_symbols[randombytes_uniform(32)];
	out[CODE_DIGITS] = code_check(out);
	out[CRYPTO_CODE] = '\0';
}

/* What a person may have meant by a character; '\0' if it is none of the alphabet. */
static char code_symbol(char typed, bool check)
{
	if (typed >= 'a' && typed <= 'z')
		typed = (char)(typed - 'a' + 'A');
	if (typed == 'I' || typed == 'L')
		return '1';
	if (typed == 'O')
		return '0';
	if (typed == '\0')
		return '\0';
	for (int i = 0; i < (check ? 37 : 32); i++)
		if (code_symbols[i] == typed)
			return typed;
	return '\0';
}

bool crypto_code_read(const char *typed, char out[CRYPTO_CODE + 1])
{
	int used = 0;

	for (; *typed != '\0'; typed++) {
		char symbol;

		if (*typed == '-' || *typed == ' ')
			continue;
		if (used == CRYPTO_CODE)
			return false;
		symbol = code_symbol(*typed, used == CODE_DIGITS);
		if (symbol == '\0')
			return false;
		out[used++] = symbol;
	}
	if (used != CRYPTO_CODE)
		return false;
	out[CRYPTO_CODE] = '\0';
	return out[CODE_DIGITS] == code_check(out);
}

/* ---- key files */

static bool read_exactly(int fd, const char *path, unsigned char *key, size_t size, struct err *e)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, key + got, size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "reading key file %s", path);
		if (n == 0)
			return err_set(e, ERR_CONFIG, "key file %s became shorter", path);
		got += (size_t)n;
	}
	return true;
}

bool crypto_key_read(const char *path, unsigned char *key, size_t size, struct err *e)
{
	struct stat st;
	bool ok = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "there is no key file %s", path);
	if (fd < 0)
		return err_errno(e, "opening key file %s", path);
	if (fstat(fd, &st) != 0)
		err_errno(e, "looking at key file %s", path);
	else if (!S_ISREG(st.st_mode))
		err_set(e, ERR_CONFIG, "key file %s is no regular file", path);
	else if ((st.st_mode & S_IRWXO) != 0)
		err_set(e, ERR_CONFIG, "key file %s is open to others: chmod o-rwx it", path);
	else if (st.st_size < 0 || (size_t)st.st_size != size)
		err_set(e, ERR_CONFIG, "key file %s holds %lld bytes, not %zu", path,
		        (long long)st.st_size, size);
	else
		ok = read_exactly(fd, path, key, size, e);
	(void)close(fd); /* nothing was written */
	if (!ok)
		sodium_memzero(key, size);
	return ok;
}

static bool sync_folder_of(const char *path, struct err *e)
{
	char copy[PATH_MAX];
	const char *folder;
	bool ok;
	int fd;

	if (strlen(path) >= sizeof copy)
		return err_set(e, ERR_INVALID, "the path of a key file is too long");
	memcpy(copy, path, strlen(path) + 1);
	folder = dirname(copy);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "opening folder %s", folder);
	ok = fsync(fd) == 0 || err_errno(e, "writing folder %s", folder);
	(void)close(fd);
	return ok;
}

static bool write_all(int fd, const unsigned char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

bool crypto_key_write(const char *path, const unsigned char *key, size_t size, struct err *e)
{
	bool written;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_CONFLICT, "key file %s exists already", path);
	if (fd < 0)
		return err_errno(e, "making key file %s", path);
	written = write_all(fd, key, size) && fsync(fd) == 0;
	if (!written)
		err_errno(e, "writing key file %s", path);
	if (close(fd) != 0 && written)
		written = err_errno(e, "writing key file %s", path);
	if (written)
		written = sync_folder_of(path, e);
	if (!written)
		(void)unlink(path); /* half a key is worse than none */
	return written;
}

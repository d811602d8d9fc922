/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading */

static bool read_all(int fd, const char *path, struct buf *b, struct err *e)
{
	for (;;) {
		char chunk[16 * 1024];
		ssize_t n = read(fd, chunk, sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "reading %s", path);
		if (n == 0)
			return true;
		buf_append(b, chunk, (size_t)n);
		explicit_bzero(chunk, (size_t)n);
		if (b->failed)
			return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", path, b->max);
	}
}

static bool check_secret(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(e, "looking at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s is no regular file", path);
	if ((st.st_mode & S_IRWXO) != 0)
		return err_set(e, ERR_CONFIG, "%s is open to others: chmod o-rwx it", path);
	return true;
}

static bool read_path(const char *path, bool secret, struct buf *b, struct err *e)
{
	bool ok;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_NOT_FOUND, "there is no file %s", path);
	if (fd < 0)
		return err_errno(e, "opening %s", path);
	ok = (!secret || check_secret(fd, path, e)) && read_all(fd, path, b, e);
	(void)close(fd); /* only read */
	return ok;
}

bool file_read(const char *path, struct buf *b, struct err *e)
{
	return read_path(path, false, b, e);
}

bool file_read_secret(const char *path, struct buf *b, struct err *e)
{
	return read_path(path, true, b, e);
}

/* ---- writing */

static bool write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool sync_folder(const char *path, struct err *e)
{
	char copy[PATH_MAX];
	const char *folder;
	bool ok;
	int fd;

	memcpy(copy, path, strlen(path) + 1); /* write_beside() checked the length */
	folder = dirname(copy);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "opening folder %s", folder);
	ok = fsync(fd) == 0 || err_errno(e, "writing folder %s", folder);
	(void)close(fd);
	return ok;
}

/* A complete, durable file beside path; its name is put into temporary. */
static bool write_beside(const char *path, const void *data, size_t len, mode_t mode,
        char temporary[PATH_MAX], struct err *e)
{
	bool ok;
	int fd, used = snprintf(temporary, PATH_MAX, "%s.XXXXXX", path);

	if (used < 0 || used >= PATH_MAX)
		return err_set(e, ERR_INVALID, "the path is too long: %.100s…", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "writing beside %s", path);
	ok = fchmod(fd, mode) == 0 && write_all(fd, data, len) && fsync(fd) == 0;
	if (!ok)
		err_errno(e, "writing %s", path);
	if (close(fd) != 0 && ok)
		ok = err_errno(e, "writing %s", path);
	if (!ok)
		(void)unlink(temporary);
	return ok;
}

bool file_write(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	char temporary[PATH_MAX];

	if (!write_beside(path, data, len, mode, temporary, e))
		return false;
	if (rename(temporary, path) != 0) {
		err_errno(e, "putting %s in place", path);
		(void)unlink(temporary);
		return false;
	}
	return sync_folder(path, e);
}

bool file_create(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	char temporary[PATH_MAX];
	bool ok;

	if (!write_beside(path, data, len, mode, temporary, e))
		return false;
	ok = link(temporary, path) == 0; /* unlike rename(), never over another file */
	if (!ok && errno == EEXIST)
		err_set(e, ERR_CONFLICT, "%s exists already", path);
	else if (!ok)
		err_errno(e, "putting %s in place", path);
	(void)unlink(temporary);
	return ok && sync_folder(path, e);
}

void file_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

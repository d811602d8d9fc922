/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h: small files read and written whole.
 */
#ifndef FLEETPORT_LIB_FILE_H
#define FLEETPORT_LIB_FILE_H

#include "lib/buf.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Appends the file's contents to b (which has its maximum). ERR_NOT_FOUND: there is none; ERR_LIMIT:
 * larger than the room in b; ERR_IO. */
bool file_read(const char *path, struct buf *b, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* The same for a file with secrets: ERR_CONFIG when it is no regular file or others may read it. */
bool file_read_secret(const char *path, struct buf *b, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2)));

/* Puts the file there in one step: who reads sees the old or the new contents, also after a crash
 * (written beside it, fsync, renamed, folder fsync). mode is exact, whatever the umask. */
bool file_write(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* The same, but only where there is no such file yet: ERR_CONFLICT otherwise. */
bool file_create(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
        __attribute__((warn_unused_result, nonnull(1)));

/* Frees a buffer that held a secret, wiping it first. */
void file_wipe(struct buf *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/folder.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { OPEN_FOLDERS = 16 };

char *test_folder_new(void)
{
	const char *base = getenv("TMPDIR");
	char *name = NULL;

	assert_true(asprintf(&name, "%s/fleetport-test-XXXXXX", base && *base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(name));
	return name;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void test_folder_remove(char *folder)
{
	if (!folder)
		return;
	assert_int_equal(nftw(folder, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS), 0);
	free(folder);
}

size_t test_folder_count(const char *folder, const char *suffix)
{
	DIR *dir = opendir(folder);
	size_t count = 0, tail = strlen(suffix);

	assert_non_null(dir);
	for (const struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		size_t len = strlen(d->d_name);

		count += len >= tail && strcmp(d->d_name + len - tail, suffix) == 0;
	}
	assert_int_equal(closedir(dir), 0);
	return count;
}

int test_folder_begin(void **state)
{
	struct test_folder *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->path = test_folder_new();
	assert_true(asprintf(&f->file, "%s/file", f->path) > 0);
	*state = f;
	return 0;
}

int test_folder_end(void **state)
{
	struct test_folder *f = *state;

	assert_true(unlink(f->file) == 0 || errno == ENOENT);
	assert_int_equal(rmdir(f->path), 0); /* fails when the test left another file behind */
	free(f->path);
	free(f->file);
	free(f);
	return 0;
}

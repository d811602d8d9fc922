/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder.h: folders that a test has for itself, below $TMPDIR (or /tmp). Every function ends the test
 * when something fails.
 */
#ifndef FLEETPORT_TESTS_HELPERS_FOLDER_H
#define FLEETPORT_TESTS_HELPERS_FOLDER_H

#include <stddef.h>

/* A new folder, whose name is to be given to test_folder_remove(). */
char *test_folder_new(void);

/* Removes the folder with all that is in it, and frees the name; NULL is allowed. */
void test_folder_remove(char *folder);

/* How many names in the folder end with suffix. */
size_t test_folder_count(const char *folder, const char *suffix);

/* A folder, and the path of a file in it that is not there yet. */
struct test_folder {
	char *path, *file;
};

/* For cmocka: *state is a new struct test_folder. At the end it may hold the file and nothing else. */
int test_folder_begin(void **state);
int test_folder_end(void **state);

#endif

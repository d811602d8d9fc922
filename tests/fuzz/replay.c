/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files, without libFuzzer: what `make check` does with the seeds.
 *   fuzz_x [FILE|FOLDER …]       without one: $srcdir/tests/fuzz/seeds/x
 * Ends with 0 if the target came back from each; a folder without a file is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_MAX = 16 * 1024 * 1024 };

static unsigned long runs;

static int run_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	int status = -1;

	if (file == NULL) {
		perror(path);
		return -1;
	}
	if (size > SEED_MAX) {
		fprintf(stderr, "%s: larger than %d bytes\n", path, SEED_MAX);
		goto close_file;
	}
	/* Exactly as many bytes as there are, so that the address sanitizer sees a read past them.
	 */
	data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, file) != size) {
		fprintf(stderr, "%s: cannot be read\n", path);
		goto close_file;
	}
	LLVMFuzzerTestOneInput(data, size);
	runs++;
	status = 0;

close_file:
	free(data);
	fclose(file);
	return status;
}

static int run_path(const char *path)
{
	struct stat st;
	struct dirent **names;
	int count, status = 0;

	if (stat(path, &st) != 0) {
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return run_file(path, (size_t)st.st_size);
	count = scandir(path, &names, NULL, alphasort);
	if (count < 0) {
		perror(path);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		char *below;

		if (names[i]->d_name[0] != '.') {
			if (asprintf(&below, "%s/%s", path, names[i]->d_name) < 0)
				abort();
			if (run_path(below) != 0)
				status = -1;
			free(below);
		}
		free(names[i]);
	}
	free(names);
	return status;
}

/* The seeds of the target that this program is: fuzz_x → …/seeds/x. */
static int run_own_seeds(const char *program)
{
	const char *source = getenv("srcdir"); /* set by `make check` */
	const char *name = strrchr(program, '/');
	char path[512];

	name = name != NULL ? name + 1 : program;
	if (strncmp(name, "fuzz_", 5) != 0)
		return -1;
	if (snprintf(path, sizeof path, "%s/tests/fuzz/seeds/%s", source != NULL ? source : ".",
	            name + 5) >= (int)sizeof path)
		return -1;
	return run_path(path);
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc == 1 && run_own_seeds(argv[0]) != 0)
		status = 1;
	for (int i = 1; i < argc; i++)
		if (run_path(argv[i]) != 0)
			status = 1;
	if (runs == 0) {
		fprintf(stderr, "%s: no input was run\n", argv[0]);
		status = 1;
	}
	printf("%lu inputs run\n", runs);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fleetport-templatec: the template compiler's command line; runs in the build only. */
#include "templates/compiler/compile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { MAX_TEMPLATE = 1 << 20, MAX_OUTPUT = 32 << 20 };

static bool read_file(const char *path, struct buf *b, struct err *e)
{
	char part[65536];
	FILE *file = fopen(path, "re");
	size_t len;
	bool ok;

	if (file == NULL)
		return err_errno(e, "%s", path);
	while ((len = fread(part, 1, sizeof part, file)) > 0)
		buf_append(b, part, len);
	ok = !ferror(file);
	(void)fclose(file); /* opened for reading only */
	if (!ok)
		return err_errno(e, "%s", path);
	if (b->failed)
		return err_set(e, ERR_LIMIT, "%s: more than %d bytes", path, MAX_TEMPLATE);
	return true;
}

static bool write_file(const char *path, const struct buf *b, struct err *e)
{
	FILE *file = fopen(path, "we");
	bool ok;

	if (file == NULL)
		return err_errno(e, "%s", path);
	ok = fwrite(buf_text(b), 1, b->len, file) == b->len;
	if (fclose(file) != 0 || !ok) {
		err_errno(e, "%s", path);
		(void)remove(path);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct buf text = BUF_INIT(MAX_TEMPLATE);
	struct buf source = BUF_INIT(MAX_OUTPUT), header = BUF_INIT(MAX_OUTPUT);
	struct err e = ERR_CLEAR;
	int status = EX_OK;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		puts("usage: fleetport-templatec NAME TEMPLATE SOURCE HEADER\n"
		     "Turns TEMPLATE (an .html file) into a C source and its header. NAME is how\n"
		     "messages and #line call it; the source includes its header as \"NAME.h\".");
		return EX_OK;
	}
	if (argc != 5) {
		fputs("usage: fleetport-templatec NAME TEMPLATE SOURCE HEADER\n", stderr);
		return EX_USAGE;
	}
	if (!read_file(argv[2], &text, &e) ||
	        !template_compile(
	                &(struct template_source){
	                        .name = argv[1], .text = buf_text(&text), .len = text.len},
	                &source, &header, &e) ||
	        !write_file(argv[4], &header, &e) || !write_file(argv[3], &source, &e)) {
		fprintf(stderr, "%s\n", e.text);
		status = err_exit_status(e.code);
	}
	buf_free(&text);
	buf_free(&source);
	buf_free(&header);
	return status;
}

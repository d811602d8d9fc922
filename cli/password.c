/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.c: a new password from a file, from standard input, from a prompt, or made here; never
 * from an argument.
 */
#include "cli/cli.h"

#include "core/passwords.h"
#include "lib/crypto.h"
#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Reads up to a line feed or the end. */
static bool read_line(int fd, char password[CLI_PASSWORD_MAX], struct err *e)
{
	size_t len = 0;

	for (;;) {
		char c;
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, "reading the password");
		if (got == 0 || c == '\n')
			break;
		if (c == '\0')
			return err_set(e, ERR_INVALID, "the password holds a NUL");
		if (len + 1 >= CLI_PASSWORD_MAX)
			return err_set(e, ERR_INVALID, "the password is too long");
		password[len++] = c;
	}
	if (len > 0 && password[len - 1] == '\r')
		len--;
	password[len] = '\0';
	if (len == 0)
		return err_set(e, ERR_INVALID, "the password is empty");
	return true;
}

static bool from_file(const char *path, char password[CLI_PASSWORD_MAX], struct err *e)
{
	bool ok;
	int fd;

	if (strcmp(path, "-") == 0)
		return read_line(STDIN_FILENO, password, e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", path);
	ok = read_line(fd, password, e);
	(void)close(fd);
	return ok;
}

static bool ask(int fd, const char *prompt, char password[CLI_PASSWORD_MAX], struct err *e)
{
	struct termios before, silent;
	bool ok;

	if (tcgetattr(fd, &before) != 0)
		return err_errno(e, "the terminal");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	if (dprintf(fd, "%s: ", prompt) < 0 || tcsetattr(fd, TCSAFLUSH, &silent) != 0)
		return err_errno(e, "the terminal");
	ok = read_line(fd, password, e);
	if (tcsetattr(fd, TCSAFLUSH, &before) != 0)
		ok = err_errno(e, "the terminal");
	(void)dprintf(fd, "\n");
	return ok;
}

static bool from_prompt(char password[CLI_PASSWORD_MAX], struct err *e)
{
	char again[CLI_PASSWORD_MAX];
	bool ok;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_set(e, ERR_INVALID,
		        "no terminal to ask for the password: say --password-file or"
		        " --generate-password");
	ok = ask(fd, "New password", password, e) && ask(fd, "Once more", again, e);
	if (ok && strcmp(password, again) != 0)
		ok = err_set(e, ERR_INVALID, "the two passwords differ");
	crypto_wipe(again, sizeof again);
	(void)close(fd);
	return ok;
}

static bool generate(const char *path, char password[CLI_PASSWORD_MAX], struct err *e)
{
	char line[PASSWORD_GENERATED + 1];
	bool ok;

	passwords_generate(password);
	(void)snprintf(line, sizeof line, "%s\n", password);
	ok = file_create(path, line, strlen(line), 0600, e);
	crypto_wipe(line, sizeof line);
	return ok;
}

bool cli_password(struct cli *cli, char password[CLI_PASSWORD_MAX], struct err *e)
{
	const char *file = cli_value(cli, "password-file");
	const char *to = cli_value(cli, "generate-password");
	bool ok;

	if (file != NULL && to != NULL)
		return err_set(e, ERR_INVALID,
		        "say either --password-file or --generate-password, not both");
	if (to != NULL)
		return generate(to, password, e);
	ok = (file != NULL ? from_file(file, password, e) : from_prompt(password, e)) &&
	     passwords_acceptable(password, e);
	if (!ok)
		crypto_wipe(password, CLI_PASSWORD_MAX);
	return ok;
}

void cli_password_undo(struct cli *cli)
{
	const char *to = cli_value(cli, "generate-password");

	if (to != NULL)
		(void)unlink(to);
}

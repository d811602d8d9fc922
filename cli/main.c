/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: the command line's entrance: finds the command, reads its options, runs it.
 */
#include "config.h"

#include "cli/cli.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/log.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

enum { ARENA_LIMIT = 64 << 20, OUT_LIMIT = 64 << 20 };

static const struct cli_command *const tables[] = {cli_init_commands, cli_organisation_commands,
        cli_contract_commands, cli_user_commands, cli_group_commands, cli_grant_commands,
        cli_agent_commands, cli_model_commands, cli_audit_commands, cli_doctor_commands};
enum { TABLES = sizeof tables / sizeof tables[0] };

static const struct config_option cli_config[] = {
        {"dispatch", "connect_to", CONFIG_TEXT, .fallback = ""},
        {.section = NULL},
};

static void print_help(void)
{
	(void)printf("Usage: fleetport [--config FILE] [--json] NOUN VERB [OPTION …]\n\n"
	             "Administers a fleetport installation.\n\n");
	for (size_t t = 0; t < TABLES; t++)
		for (const struct cli_command *c = tables[t]; c->noun != NULL; c++) {
			char name[64];

			(void)snprintf(name, sizeof name, "%s%s%s%s%s", c->noun,
			        *c->verb != '\0' ? " " : "", c->verb, c->subject != NULL ? " " : "",
			        c->subject != NULL ? c->subject : "");
			(void)printf("  %-24s %s\n", name, c->summary);
		}
	(void)printf("\n  --config FILE            configuration (default:"
	             " /etc/fleetport/fleetport.conf)\n"
	             "  --json                   output for programs\n"
	             "  --help                   this, or with a command: its options\n"
	             "  --version\n\n"
	             "Exit status: sysexits(3). Manual: fleetport(1).\n");
}

static void print_command_help(const struct cli_command *c)
{
	(void)printf("Usage: fleetport %s%s%s", c->noun, *c->verb != '\0' ? " " : "", c->verb);
	if (c->subject != NULL)
		(void)printf(" %s", c->subject);
	(void)printf(" [OPTION …]\n\n%s.\n\n", c->summary);
	for (const struct cli_option *o = c->options; o->name != NULL; o++) {
		char name[64];

		(void)snprintf(name, sizeof name, "--%s%s%s", o->name,
		        o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
		(void)printf("  %-28s %s%s\n", name, o->help, o->required ? " (required)" : "");
	}
	(void)printf("  --config FILE                configuration\n"
	             "  --json                       output for programs\n");
}

static int usage_error(const struct cli_command *c, const char *what, const char *which)
{
	(void)fprintf(stderr, "fleetport: %s%s%s\nTry: fleetport %s%s%s%s--help\n", what,
	        which != NULL && *which != '\0' ? " " : "", which != NULL ? which : "",
	        c != NULL ? c->noun : "", c != NULL ? " " : "", c != NULL ? c->verb : "",
	        c != NULL && *c->verb != '\0' ? " " : "");
	return EX_USAGE;
}

static const struct cli_command *find_command(const char *noun, const char *verb)
{
	for (size_t t = 0; t < TABLES; t++)
		for (const struct cli_command *c = tables[t]; c->noun != NULL; c++)
			if (strcmp(c->noun, noun) == 0 && strcmp(c->verb, verb) == 0)
				return c;
	return NULL;
}

/* The noun alone, or with a verb that it has not. */
static int no_command(struct cli *cli, const char *noun, const char *verb)
{
	struct buf verbs = BUF_INIT(512);
	const char *what;

	for (size_t t = 0; t < TABLES; t++)
		for (const struct cli_command *c = tables[t]; c->noun != NULL; c++)
			if (strcmp(c->noun, noun) == 0)
				buf_printf(&verbs, "%s%s", verbs.len > 0 ? ", " : "", c->verb);
	what = verbs.len == 0  ? arena_printf(cli->arena, "there is no such command: %s", noun)
	       : *verb == '\0' ? arena_printf(cli->arena, "%s what? %s", noun, buf_text(&verbs))
	                       : arena_printf(cli->arena, "there is no %s %s, but: %s", noun, verb,
	                                 buf_text(&verbs));
	buf_free(&verbs);
	return usage_error(NULL, what != NULL ? what : "there is no such command", NULL);
}

/* What stands on the command line, before the command is known. */
struct line {
	const char *words[3]; /* noun, verb, subject */
	size_t word_count;
	bool help, version;
};

static const struct cli_option *find_option(
        const struct cli_command *c, const char *name, size_t len, size_t *index)
{
	for (*index = 0; c->options[*index].name != NULL; (*index)++)
		if (strlen(c->options[*index].name) == len &&
		        strncmp(c->options[*index].name, name, len) == 0)
			return &c->options[*index];
	return NULL;
}

/* The options that every command has. Returns how many arguments it took, 0: none of them. */
static int common_option(struct cli *cli, struct line *line, char **argv, int left)
{
	if (strcmp(argv[0], "--json") == 0)
		cli->json = true;
	else if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
		line->help = true;
	else if (strcmp(argv[0], "--version") == 0)
		line->version = true;
	else if (strncmp(argv[0], "--config=", 9) == 0)
		cli->config_path = argv[0] + 9;
	else if (strcmp(argv[0], "--config") == 0 && left > 1)
		cli->config_path = argv[1];
	else
		return 0;
	return strcmp(argv[0], "--config") == 0 ? 2 : 1;
}

/* One option of the command. Returns how many arguments it took, 0: a mistake, told. */
static int command_option(struct cli *cli, char **argv, int left)
{
	const char *name = argv[0] + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name), index;
	const struct cli_option *o = find_option(cli->command, name, len, &index);

	if (o == NULL || (o->argument == NULL && equals != NULL)) {
		(void)usage_error(cli->command, "unknown option", argv[0]);
		return 0;
	}
	if (cli->values[index] != NULL) {
		(void)usage_error(cli->command, "given twice:", argv[0]);
		return 0;
	}
	if (o->argument == NULL || equals != NULL) {
		cli->values[index] = o->argument == NULL ? "" : equals + 1;
		return 1;
	}
	if (left < 2) {
		(void)usage_error(cli->command, "an argument is missing after", argv[0]);
		return 0;
	}
	cli->values[index] = argv[1];
	return 2;
}

/* First pass: the words and the common options; options of commands are stepped over by "--x=y" or
 * known only once the command is, so words end at the first of them. */
static int find_words(struct cli *cli, struct line *line, int argc, char **argv)
{
	int i = 1;

	while (i < argc && line->word_count < 2) {
		int took = common_option(cli, line, argv + i, argc - i);

		if (took > 0) {
			i += took;
			continue;
		}
		if (argv[i][0] == '-')
			break;
		line->words[line->word_count++] = argv[i++];
		if (line->word_count == 1 && find_command(argv[i - 1], "") != NULL)
			break;
	}
	return i;
}

static int read_options(struct cli *cli, struct line *line, int from, int argc, char **argv)
{
	size_t count = 0;

	while (cli->command->options[count].name != NULL)
		count++;
	cli->values = arena_array(cli->arena, count + 1, sizeof *cli->values);
	if (cli->values == NULL)
		return EX_OSERR;
	for (int i = from; i < argc;) {
		int took = common_option(cli, line, argv + i, argc - i);

		if (took == 0 && strncmp(argv[i], "--", 2) == 0)
			took = command_option(cli, argv + i, argc - i);
		else if (took == 0 && cli->command->subject != NULL && cli->subject == NULL) {
			cli->subject = argv[i];
			took = 1;
		} else if (took == 0) {
			return usage_error(cli->command, "too many arguments:", argv[i]);
		}
		if (took == 0)
			return EX_USAGE;
		i += took;
	}
	if (line->help)
		return EX_OK;
	if (cli->command->subject != NULL && cli->subject == NULL)
		return usage_error(cli->command, "missing:", cli->command->subject);
	for (size_t o = 0; o < count; o++)
		if (cli->command->options[o].required && cli->values[o] == NULL)
			return usage_error(cli->command, "missing option:",
			        arena_printf(cli->arena, "--%s", cli->command->options[o].name));
	return EX_OK;
}

/* Are the stores somebody else's? */
static bool is_closed_to_us(const struct cli *cli)
{
	return access(config_text(cli->config, "fleetport", "data"), R_OK | W_OK | X_OK) != 0 &&
	       errno == EACCES;
}

static int run_command(struct cli *cli)
{
	static const struct config_option *const options[] = {config_shared, cli_config, NULL};
	struct err e = ERR_CLEAR;
	size_t written;

	if (!crypto_init(&e) || !config_load(cli->config_path, options, &cli->config, &e)) {
		(void)fprintf(stderr, "fleetport: %s\n", e.text);
		/* that the named file is not there is a fault of the configuration, not of a name */
		return err_exit_status(e.code == ERR_NOT_FOUND ? ERR_CONFIG : e.code);
	}
	if (!cli->command->run(cli, &e)) {
		(void)fprintf(stderr, "fleetport: %s\n", e.text);
		if (e.code != ERR_IO || !is_closed_to_us(cli))
			return err_exit_status(e.code);
		(void)fprintf(stderr, "This installation is not yours: run it as root or as the "
		                      "stores' owner.\n");
		return EX_NOPERM;
	}
	if (cli->out.failed) {
		(void)fprintf(stderr, "fleetport: the output is too large\n");
		return EX_SOFTWARE;
	}
	written = fwrite(buf_text(&cli->out), 1, cli->out.len, stdout);
	if (written != cli->out.len || fflush(stdout) != 0) {
		perror("fleetport: standard output");
		return EX_IOERR;
	}
	return cli->exit_status;
}

static int start(struct cli *cli, int argc, char **argv)
{
	struct line line = {.word_count = 0};
	int next = find_words(cli, &line, argc, argv), status;
	const char *noun = line.word_count > 0 ? line.words[0] : "";
	const char *verb = line.word_count > 1 ? line.words[1] : "";

	if (line.version) {
		(void)printf("fleetport %s\n", PACKAGE_VERSION);
		return EX_OK;
	}
	if (line.word_count == 0 && line.help) {
		print_help();
		return EX_OK;
	}
	if (line.word_count == 0)
		return usage_error(NULL,
		        next == argc                          ? "say what to do"
		        : strcmp(argv[next], "--config") == 0 ? "a file is missing after"
		                                              : "unknown option",
		        next < argc ? argv[next] : "");
	cli->command = find_command(noun, verb);
	if (cli->command == NULL && line.help) {
		print_help();
		return EX_OK;
	}
	if (cli->command == NULL)
		return no_command(cli, noun, verb);
	status = read_options(cli, &line, next, argc, argv);
	if (status == EX_OK && line.help) {
		print_command_help(cli->command);
		return EX_OK;
	}
	return status != EX_OK ? status : run_command(cli);
}

static void clean_up(struct cli *cli)
{
	sql_close(cli->db);
	audit_client_free(cli->audit);
	keys_free(cli->keys);
	config_free(cli->config);
	file_wipe(&cli->out);
	arena_free(cli->arena);
}

int main(int argc, char **argv)
{
	static const struct rlimit none = {0, 0};
	struct cli cli = {
	        .config_path = "/etc/fleetport/fleetport.conf", .out = BUF_INIT(OUT_LIMIT)};
	int status;

	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		(void)setlocale(LC_ALL, "");
	log_set_level(LOG_LEVEL_WARNING);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(SIGPIPE, SIG_IGN);
	cli.arena = arena_new(ARENA_LIMIT);
	if (cli.arena == NULL) {
		(void)fprintf(stderr, "fleetport: out of memory\n");
		return EX_OSERR;
	}
	(void)snprintf(cli.actor, sizeof cli.actor, "uid %ld", (long)getuid());
	(void)snprintf(cli.granted_by, sizeof cli.granted_by, "console %s", cli.actor);
	status = start(&cli, argc, argv);
	clean_up(&cli);
	return status;
}

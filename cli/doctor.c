/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.c: fleetport doctor: looks at everything that an installation rests on, and says what to
 * fix. It changes nothing, shows no personal or device data, and ends with 78 when it found a fault.
 */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

static const char *const words[] = {
        [FINDING_OK] = "ok",
        [FINDING_WARNING] = "warning",
        [FINDING_FAULT] = "FAULT",
};

void doctor_say(struct doctor *d, const char *check, enum finding finding, const char *fix,
        const char *format, ...)
{
	char says[480];
	struct err e = ERR_CLEAR;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(says, sizeof says, format, args);
	va_end(args);
	const struct cli_cell row[] = {{.text = words[finding]}, {.text = check},
	        {.text = arena_strdup(d->cli->arena, says)},
	        {.text = fix != NULL ? arena_strdup(d->cli->arena, fix) : NULL}};

	d->counts[finding]++;
	if (row[2].text == NULL || !cli_row(d->cli, &d->list, row, &e))
		d->failed = true;
}

/* For people: a line a finding, and below it what to do. */
static void print_findings(struct doctor *d)
{
	struct buf *out = &d->cli->out;

	for (size_t r = 0; r < d->list.rows; r++) {
		const struct cli_cell *row = &d->list.cells[r * d->list.column_count];

		buf_printf(out, "%-8s %-14s %s\n", row[0].text, row[1].text, row[2].text);
		if (row[3].text != NULL)
			buf_printf(out, "%-23s → %s\n", "", row[3].text);
	}
	buf_printf(out, "\n%u ok, %u warnings, %u faults\n", d->counts[FINDING_OK],
	        d->counts[FINDING_WARNING], d->counts[FINDING_FAULT]);
}

static bool doctor(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"RESULT", "result", CLI_TEXT},
	        {"CHECK", "check", CLI_TEXT}, {"SAYS", "says", CLI_TEXT}, {"FIX", "fix", CLI_TEXT}};
	static void (*const checks[])(struct doctor *) = {doctor_configuration, doctor_folders,
	        doctor_secrets, doctor_certificates, doctor_stores, doctor_people, doctor_factors,
	        doctor_audit, doctor_sockets, doctor_tls, doctor_clock, doctor_disk,
	        doctor_libraries};
	struct doctor d = {
	        .cli = cli, .list = {.columns = columns, .column_count = 4}, .now = cli_now()};

	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		checks[i](&d);
	if (d.failed)
		return err_set(e, ERR_MEMORY, "no memory for the findings");
	cli->exit_status = d.counts[FINDING_FAULT] > 0 ? EX_CONFIG : EX_OK;
	if (cli->json)
		return cli_print(cli, &d.list, "", e);
	print_findings(&d);
	return true;
}

static const struct cli_option no_options[] = {{.name = NULL}};

const struct cli_command cli_doctor_commands[] = {
        {"doctor", "", "Checks the installation and says what to fix", NULL, no_options, doctor},
        {.noun = NULL}};

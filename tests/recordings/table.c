/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c: which values the recordings of a folder give, as the table of docs/recordings.md. Maker
 * and model only: no serial numbers, no file names.
 *
 *	tests/recordings/table FOLDER > docs/recordings.md
 */
#include "tests/recordings/snmprec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *identity_word(const struct report_device *d)
{
	const char *name = report_identity_kind_name(d->identity_kind);

	return name ? name : "";
}

static void print_row(const struct report_device *d)
{
	size_t exact = 0, colored = 0;

	for (size_t i = 0; i < d->supply_count; i++) {
		exact += d->supplies[i].level.set;
		colored += d->supplies[i].color != NULL;
	}
	printf("| %s | %s | %s | %s | %s | %zu / %zu | %zu | %zu | %zu | %s | %s |\n",
	        d->manufacturer ? d->manufacturer : "–", d->model ? d->model : "–",
	        d->serial_number ? "yes" : "–", identity_word(d), report_state_name(d->state),
	        d->reason_count, d->code_count, d->supply_count, exact, colored,
	        d->counters.impressions.set ? "impressions"
	        : d->counters.sheets.set    ? "sheets"
	                                    : "–",
	        d->firmware_version ? "yes" : "–");
}

static int compare(const void *a, const void *b)
{
	const struct collect_result *x = a, *y = b;
	const char *xm = x->device.manufacturer, *ym = y->device.manufacturer;
	int order = strcmp(xm ? xm : "~", ym ? ym : "~");

	if (order)
		return order;
	return strcmp(
	        x->device.model ? x->device.model : "~", y->device.model ? y->device.model : "~");
}

static void print_head(void)
{
	puts("# What real recordings give\n\n"
	     "SNMP recordings of real printers, read by the DC agent. Made by\n"
	     "`tests/recordings/table FOLDER`; no recording is part of this project. A dash: the\n"
	     "recording does not tell it (most are trimmed to what one poller reads).\n\n"
	     "| maker | model | serial number | identity | state | reasons / codes | supplies | "
	     "with a level | with a colour | counter | firmware |\n"
	     "|---|---|---|---|---|---|---|---|---|---|---|");
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(1024 * 1024);
	struct device_list list;
	struct collect collect = {.agent_id = "ag_0000000000000000000000",
	        .clock = clock_real(),
	        .open = snmprec_collect_open};
	struct collect_result *results;

	if (argc != 2 || !arena || !snmprec_list(argv[1], arena, &list) || list.count == 0) {
		fputs("usage: table FOLDER (of .snmprec files)\n", stderr);
		arena_free(arena);
		return 64;
	}
	collect.open_arg = argv[1];
	results = calloc(list.count, sizeof *results);
	if (!results)
		return 71;
	collect_all(&collect, &list, results, NULL);
	qsort(results, list.count, sizeof *results, compare);
	print_head();
	for (size_t i = 0; i < list.count; i++) {
		if (results[i].ok)
			print_row(&results[i].device);
		else
			fprintf(stderr, "failed: %s\n", results[i].why.text);
		collect_free(&results[i]);
	}
	free(results);
	arena_free(arena);
	return 0;
}

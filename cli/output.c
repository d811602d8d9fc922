/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.c: lists as a table for people, or as JSON for programs.
 */
#include "cli/cli.h"

#include "lib/json.h"
#include "lib/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { CELL_MAX = 512, COLUMNS_MAX = 16 };

bool cli_row(struct cli *cli, struct cli_list *list, const struct cli_cell *cells, struct err *e)
{
	size_t width = list->column_count;

	if (list->rows == list->room) {
		size_t room = list->room == 0 ? 32 : list->room * 2;
		struct cli_cell *more = arena_array(cli->arena, room * width, sizeof *more);

		if (more == NULL)
			return err_set(e, ERR_MEMORY, "the list is too long: narrow it down");
		if (list->rows > 0)
			memcpy(more, list->cells, list->rows * width * sizeof *more);
		list->cells = more;
		list->room = room;
	}
	memcpy(list->cells + list->rows * width, cells, width * sizeof *cells);
	list->rows++;
	return true;
}

/* A cell as text; control characters, which a terminal would obey, become '?'. */
static void cell_text(
        const struct cli_column *column, const struct cli_cell *cell, char out[CELL_MAX])
{
	char when[PARSE_TIME_SIZE];

	switch (column->type) {
	case CLI_TEXT:
		(void)snprintf(out, CELL_MAX, "%s", cell->text != NULL ? cell->text : "");
		break;
	case CLI_NUMBER:
		(void)snprintf(out, CELL_MAX, "%" PRId64, cell->number);
		break;
	case CLI_FLAG:
		(void)snprintf(out, CELL_MAX, "%s", cell->number != 0 ? "yes" : "no");
		break;
	case CLI_TIME:
		(void)snprintf(out, CELL_MAX, "%s",
		        cell->number != 0 ? parse_time_text(cell->number, when) : "");
		break;
	}
	for (char *c = out; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

/* How many columns of a terminal a text takes. */
static size_t text_width(const char *text)
{
	wchar_t wide[CELL_MAX];
	size_t len = mbstowcs(wide, text, CELL_MAX);
	int width;

	if (len == (size_t)-1 || len == CELL_MAX)
		return strlen(text);
	width = wcswidth(wide, len);
	return width < 0 ? len : (size_t)width;
}

static void put_padded(struct buf *out, const char *text, size_t width, bool last)
{
	buf_puts(out, text);
	if (last) {
		buf_putc(out, '\n');
		return;
	}
	for (size_t have = text_width(text); have < width + 2; have++)
		buf_putc(out, ' ');
}

static void print_table(struct cli *cli, const struct cli_list *list)
{
	size_t widths[COLUMNS_MAX] = {0}, count = list->column_count;
	char text[CELL_MAX];

	for (size_t c = 0; c < count; c++) {
		widths[c] = text_width(list->columns[c].title);
		for (size_t r = 0; r < list->rows; r++) {
			size_t width;

			cell_text(&list->columns[c], &list->cells[r * count + c], text);
			width = text_width(text);
			if (width > widths[c])
				widths[c] = width;
		}
	}
	for (size_t c = 0; c < count; c++)
		put_padded(&cli->out, list->columns[c].title, widths[c], c + 1 == count);
	for (size_t r = 0; r < list->rows; r++)
		for (size_t c = 0; c < count; c++) {
			cell_text(&list->columns[c], &list->cells[r * count + c], text);
			put_padded(&cli->out, text, widths[c], c + 1 == count);
		}
}

static bool add_cell(struct json *to, const struct cli_column *column, const struct cli_cell *cell)
{
	char when[PARSE_TIME_SIZE];

	switch (column->type) {
	case CLI_TEXT:
		return cell->text != NULL ? json_add_string(to, column->name, cell->text)
		                          : json_add_null(to, column->name);
	case CLI_NUMBER:
		return json_add_i64(to, column->name, cell->number);
	case CLI_FLAG:
		return json_add_bool(to, column->name, cell->number != 0);
	case CLI_TIME:
		return cell->number != 0 ? json_add_string(to, column->name,
		                                   parse_time_text(cell->number, when))
		                         : json_add_null(to, column->name);
	}
	return false;
}

/* Prints a document (freed here) and a line feed. */
static bool print_json(struct cli *cli, struct json *root, bool complete, struct err *e)
{
	bool ok = complete && root != NULL && json_print(root, true, &cli->out);

	json_free(root);
	buf_putc(&cli->out, '\n');
	return ok || err_set(e, ERR_MEMORY, "no memory for the output");
}

bool cli_print(struct cli *cli, const struct cli_list *list, const char *empty, struct err *e)
{
	struct json *root;
	bool ok = true;

	if (!cli->json && list->rows == 0) {
		buf_printf(&cli->out, "%s\n", empty);
		return true;
	}
	if (!cli->json) {
		print_table(cli, list);
		return true;
	}
	root = json_new_array();
	for (size_t r = 0; ok && root != NULL && r < list->rows; r++) {
		struct json *row = json_add_object(root, NULL);

		ok = row != NULL;
		for (size_t c = 0; ok && c < list->column_count; c++)
			ok = add_cell(
			        row, &list->columns[c], &list->cells[r * list->column_count + c]);
	}
	return print_json(cli, root, ok, e);
}

bool cli_print_value(struct cli *cli, const char *name, const char *value, struct err *e)
{
	struct json *root;

	if (!cli->json) {
		buf_printf(&cli->out, "%s\n", value);
		return true;
	}
	root = json_new_object();
	return print_json(cli, root, root != NULL && json_add_string(root, name, value), e);
}

bool cli_print_record(struct cli *cli, const struct cli_column *columns,
        const struct cli_cell *cells, size_t count, struct err *e)
{
	char text[CELL_MAX];
	struct json *root;
	bool ok = true;

	if (!cli->json) {
		cell_text(&columns[0], &cells[0], text);
		buf_printf(&cli->out, "%s\n", text);
		return true;
	}
	root = json_new_object();
	for (size_t c = 0; ok && root != NULL && c < count; c++)
		ok = add_cell(root, &columns[c], &cells[c]);
	return print_json(cli, root, ok, e);
}

bool cli_print_done(struct cli *cli, const char *words, struct err *e)
{
	struct json *root;

	if (!cli->json) {
		buf_printf(&cli->out, "%s\n", words);
		return true;
	}
	root = json_new_object();
	return print_json(cli, root, root != NULL && json_add_bool(root, "ok", true), e);
}

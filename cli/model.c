/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c: fleetport model add|list|remove: what models can do remotely.
 */
#include "cli/cli.h"

#include "core/models.h"

static bool add_work(struct sql_conn *write, void *arg, struct err *e)
{
	return models_set(write, arg, e);
}

/* "EPSON SC-T3405": what the record says was changed. */
static const char *title(struct cli *cli, const struct model *model, struct err *e)
{
	const char *text = arena_printf(cli->arena, "%s %s", model->manufacturer, model->model);

	if (text == NULL)
		(void)err_set(e, ERR_MEMORY, "no memory for a name");
	return text;
}

static bool add(struct cli *cli, struct err *e)
{
	struct model model = {
	        .manufacturer = cli_value(cli, "manufacturer"), .model = cli_value(cli, "model")};
	char *kinds = arena_strdup(cli->arena, cli_value(cli, "kinds"));
	const char *name = title(cli, &model, e);

	if (kinds == NULL || name == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a model");
	for (char *c = kinds; *c != '\0'; c++)
		if (*c == ',')
			*c = ' ';
	model.kinds = kinds;
	return cli_change(cli, "model.add", "model", name, NULL, add_work, &model, e) &&
	       cli_print_done(cli, "Set.", e);
}

static bool list(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {{"MANUFACTURER", "manufacturer", CLI_TEXT},
	        {"MODEL", "model", CLI_TEXT}, {"KINDS", "kinds", CLI_TEXT}};
	struct cli_list out = {.columns = columns, .column_count = 3};
	struct sql_conn *conn = cli_read(cli, e);
	struct model *found;
	size_t count;
	bool ok;

	if (conn == NULL)
		return false;
	ok = models_list(conn, cli->arena, &found, &count, e);
	sql_return(conn);
	for (size_t i = 0; ok && i < count; i++) {
		const struct cli_cell row[] = {{.text = found[i].manufacturer},
		        {.text = found[i].model}, {.text = found[i].kinds}};

		ok = cli_row(cli, &out, row, e);
	}
	return ok && cli_print(cli, &out, "No model has an entry: each can do get-status only.", e);
}

static bool remove_work(struct sql_conn *write, void *arg, struct err *e)
{
	const struct model *model = arg;

	return models_remove(write, model->manufacturer, model->model, e);
}

static bool remove_one(struct cli *cli, struct err *e)
{
	struct model model = {
	        .manufacturer = cli_value(cli, "manufacturer"), .model = cli_value(cli, "model")};
	const char *name = title(cli, &model, e);

	return name != NULL &&
	       cli_change(cli, "model.remove", "model", name, NULL, remove_work, &model, e) &&
	       cli_print_done(cli, "Removed: the model can do get-status only.", e);
}

static const struct cli_option add_options[] = {
        {"manufacturer", "NAME", true, "as the devices say it"},
        {"model", "NAME", true, "as the devices say it"},
        {"kinds", "LIST", true, "of get-status, head-cleaning, diagnosis; with commas"},
        {.name = NULL}};
static const struct cli_option remove_options[] = {
        {"manufacturer", "NAME", true, "as it was added"},
        {"model", "NAME", true, "as it was added"}, {.name = NULL}};
static const struct cli_option no_options[] = {{.name = NULL}};

const struct cli_command cli_model_commands[] = {
        {"model", "add", "Says which operations a model can do", NULL, add_options, add},
        {"model", "list", "Lists models with an entry", NULL, no_options, list},
        {"model", "remove", "Removes a model's entry", NULL, remove_options, remove_one},
        {.noun = NULL}};

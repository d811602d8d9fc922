/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/ingest/ingest.h"

#include "cgi/nginx_user.h"
#include "cgi/strangers.h"
#include "core/program_record.h"
#include "lib/enrolment.h"
#include "lib/program.h"
#include "web/fastcgi.h"

#include <stdlib.h>
#include <string.h>

enum { REGIONS_MAX = 64, AUDIT_WAIT_MS = 5000 };

static const struct config_option options[] = {
        {"ingest", "threads", CONFIG_INT, .fallback = "48", .min = 1, .max = 512},
        {"ingest", "nginx_user", CONFIG_TEXT, .fallback = "www-data"},
        {NULL},
};

/* "EU, JP" → {"EU", "JP", NULL}; text is cut up. */
static bool split_regions(char *text, const char *list[REGIONS_MAX + 1], struct err *e)
{
	size_t count = 0;

	for (char *save, *word = strtok_r(text, ", \t", &save); word != NULL;
	        word = strtok_r(NULL, ", \t", &save)) {
		if (count == REGIONS_MAX)
			return err_set(e, ERR_CONFIG, "[fleetport] region: more than %d regions",
			        REGIONS_MAX);
		list[count++] = word;
	}
	list[count] = NULL;
	return true;
}

/* The public keys that agents check operations with: every answer carries them, so that they rotate. */
static struct json *load_keys(const struct config *config, struct err *e)
{
	const char *path = config_path(config, "secrets", "operation-keys.json");
	struct arena *arena = arena_new(1 << 20);
	const struct enrolment_key *keys;
	struct json *array = NULL;
	size_t count;

	if (path == NULL || arena == NULL)
		(void)err_set(e, ERR_MEMORY, "no memory to start");
	else if (enrolment_keys_load(path, arena, &keys, &count, e)) {
		array = json_new_array();
		if (array == NULL || !enrolment_keys_add(array, keys, count)) {
			json_free(array);
			array = NULL;
			(void)err_set(e, ERR_MEMORY, "no memory to start");
		}
	}
	arena_free(arena);
	return array;
}

static void ready(void *context)
{
	program_ready(context);
}

static bool serve(struct program_run *run, struct ingest *ingest, long peer, struct err *e)
{
	struct web_site site;
	const struct web_fastcgi_options fastcgi = {
	        .socket_path = config_path(run->config, "run", "ingest.sock"),
	        .threads = (unsigned)config_int(run->config, "ingest", "threads"),
	        .peer_uid = peer,
	        .max_body = REPORT_BYTES_MAX,
	        .stop_fd = run->stop_fd,
	        .ready = ready,
	        .ready_context = run};

	if (fastcgi.socket_path == NULL)
		return err_set(e, ERR_MEMORY, "no memory to start");
	ingest_site(&site, ingest, config_text(run->config, "fleetport", "agents_url"));
	if (!web_site_check(&site, e))
		return false;
	/* Reports do not wait for the audit log; its process may be starting, too. */
	program_record_start_within(run, ingest->audit, AUDIT_WAIT_MS);
	if (!web_fastcgi_serve(&site, &fastcgi, e))
		return false;
	strangers_record(ingest->strangers, ingest->audit, INT64_MAX);
	program_record_stop(run, ingest->audit);
	return true;
}

static bool run(struct program_run *run, struct err *e)
{
	const char *regions[REGIONS_MAX + 1];
	const char *audit_socket = config_path(run->config, "run", "audit-ingest.sock");
	const struct sql_options sql = {.directory = config_text(run->config, "fleetport", "data"),
	        .read = 1u << SQL_CORE | 1u << SQL_OPERATIONS | 1u << SQL_TELEMETRY,
	        .write = 1u << SQL_CORE | 1u << SQL_TELEMETRY,
	        .own = 1u << SQL_TELEMETRY,
	        .migrate = 1u << SQL_TELEMETRY,
	        .tables = ingest_tables};
	struct ingest ingest = {.clock = clock_real(),
	        .revoked_agents = config_path(run->config, "run", "revoked-agents")};
	struct json *keys = load_keys(run->config, e);
	char *region_text = strdup(config_text(run->config, "fleetport", "region"));
	bool ok = false;
	long peer = -1;

	/* The peer's name is looked up before the store's threads start. */
	if (keys == NULL || !nginx_user_find(run->config, "ingest", &peer, e))
		ok = false;
	else if (region_text == NULL || audit_socket == NULL || ingest.revoked_agents == NULL)
		(void)err_set(e, ERR_MEMORY, "no memory to start");
	else if (split_regions(region_text, regions, e) && sql_open(&sql, &ingest.db, e)) {
		ingest.intake = (struct intake){
		        .db = ingest.db, .regions = regions, .operation_keys = keys};
		ingest.audit = audit_client_new(audit_socket, e);
		ingest.strangers = strangers_new();
		if (ingest.strangers == NULL)
			(void)err_set(e, ERR_MEMORY, "no memory to start");
		ok = ingest.audit != NULL && ingest.strangers != NULL &&
		     serve(run, &ingest, peer, e);
	}
	strangers_free(ingest.strangers);
	audit_client_free(ingest.audit);
	sql_close(ingest.db);
	json_free(keys);
	free(region_text);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct program program = {.name = "fleetport-ingest",
	        .summary = "Takes device reports from agents and stores them.",
	        .options = options,
	        .run = run};

	return program_main(&program, argc, argv);
}

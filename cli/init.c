/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c: fleetport init: makes what an installation needs before its programs can start. What is
 * there already is kept, so that it may be run again at any time. It comes before the audit log, so
 * nothing of it is recorded; the log's first entry is its own start.
 */
#include "cli/cli.h"

#include "lib/crypto.h"
#include "lib/envelope.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/parse.h"
#include "lib/x509.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t DAY_MS = INT64_C(86400000);
enum {
	CA_DAYS = 3650,
	SERVER_DAYS = 397, /* the most that browsers take */
	RENEW_DAYS = 30,
	OPERATION_KEY_DAYS = 3650,
	HOSTS_MAX = 8,
	HOST_BYTES = 256,
};

/* What init did, a line each. */
struct work {
	struct cli *cli;
	struct cli_list list;
	int64_t now;
};

static bool note(struct work *w, const char *what, bool made, struct err *e)
{
	const struct cli_cell row[] = {{.text = what}, {.text = made ? "made" : "kept"}};

	return cli_row(w->cli, &w->list, row, e);
}

static const char *secret(struct work *w, const char *name)
{
	return config_path(w->cli->config, "secrets", name);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- folders */

/* Makes a folder and those above it. */
static bool make_folder(struct work *w, const char *option, mode_t mode, struct err *e)
{
	char *path = arena_strdup(w->cli->arena, config_text(w->cli->config, "fleetport", option));
	bool made = false;

	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return err_errno(e, "making the folder %s", path);
		*slash = '/';
	}
	if (mkdir(path, mode) == 0)
		made = true;
	else if (errno != EEXIST)
		return err_errno(e, "making the folder %s", path);
	return note(w, path, made, e);
}

/* ---- keys */

static bool make_personal_keys(struct work *w, struct err *e)
{
	unsigned made = 0;

	return keys_create(config_text(w->cli->config, "fleetport", "secrets"), &made, e) &&
	       note(w, "kek.key pepper.key index.key", made > 0, e);
}

/* The public half, as agents and programs get it (agent-protocol.md, Enrolment: operationKeys). */
static bool operation_keys_text(
        struct work *w, const unsigned char public_key[CRYPTO_SIGN_PUBLIC], struct buf *out)
{
	char id[ENVELOPE_FINGERPRINT_SIZE], key[CRYPTO_BASE64_SIZE(CRYPTO_SIGN_PUBLIC)];
	char from[PARSE_TIME_SIZE], until[PARSE_TIME_SIZE];
	struct json *list = json_new_array();
	struct json *one = list != NULL ? json_add_object(list, NULL) : NULL;
	bool ok;

	(void)envelope_key_id(public_key, id); /* as dispatch names it in what it signs */
	crypto_base64(public_key, CRYPTO_SIGN_PUBLIC, key);
	(void)parse_time_text(w->now - DAY_MS, from); /* clocks differ */
	(void)parse_time_text(w->now + OPERATION_KEY_DAYS * DAY_MS, until);
	ok = one != NULL && json_add_string(one, "keyId", id) && json_add_string(one, "key", key) &&
	     json_add_string(one, "notBefore", from) && json_add_string(one, "notAfter", until) &&
	     json_print(list, true, out);
	json_free(list);
	return ok;
}

static bool write_operation_keys(
        struct work *w, const unsigned char secret_key[CRYPTO_SIGN_SECRET], struct err *e)
{
	struct buf text = BUF_INIT(4096);
	bool ok;

	/* libsodium's secret key ends with the public one */
	if (!operation_keys_text(w, secret_key + (CRYPTO_SIGN_SECRET - CRYPTO_SIGN_PUBLIC), &text))
		ok = err_set(e, ERR_MEMORY, "no memory for the operation keys");
	else
		ok = file_create(secret(w, "operation-keys.json"), text.data, text.len, 0644, e);
	buf_free(&text);
	return ok;
}

static bool make_operation_key(struct work *w, struct err *e)
{
	const char *path = secret(w, "operation.key"), *list = secret(w, "operation-keys.json");
	unsigned char public_key[CRYPTO_SIGN_PUBLIC], secret_key[CRYPTO_SIGN_SECRET] = {0};
	bool made = false, ok;

	if (exists(path)) {
		ok = exists(list) || crypto_key_read(path, secret_key, sizeof secret_key, e);
	} else if (exists(list)) {
		return err_set(e, ERR_CONFIG,
		        "%s is missing, but its public half is there: bring the key back, or remove"
		        " operation-keys.json too",
		        path);
	} else {
		crypto_keypair(public_key, secret_key);
		ok = crypto_key_write(path, secret_key, sizeof secret_key, e);
		made = true;
	}
	ok = ok && (exists(list) || write_operation_keys(w, secret_key, e));
	crypto_wipe(secret_key, sizeof secret_key);
	return ok && note(w, "operation.key operation-keys.json", made, e);
}

static bool make_checkpoint_key(struct work *w, struct err *e)
{
	const char *path = secret(w, "checkpoint.key");
	unsigned char public_key[CRYPTO_SIGN_PUBLIC], secret_key[CRYPTO_SIGN_SECRET];
	bool made = !exists(path), ok = true;

	if (made) {
		crypto_keypair(public_key, secret_key);
		ok = crypto_key_write(path, secret_key, sizeof secret_key, e);
		crypto_wipe(secret_key, sizeof secret_key);
	}
	return ok && note(w, "checkpoint.key", made, e);
}

/* ---- certificates */

/* A private key and its certificate, both or none: one alone is somebody's mistake. */
static bool pair_state(const char *cert, const char *key, bool *there, struct err *e)
{
	*there = exists(cert) && exists(key);
	if (*there || (!exists(cert) && !exists(key)))
		return true;
	return err_set(e, ERR_CONFIG,
	        "%s is missing, but %s is there: bring it back, or remove both",
	        exists(cert) ? key : cert, exists(cert) ? cert : key);
}

static bool write_pair(const char *cert_path, const struct buf *cert, const char *key_path,
        const struct buf *key, struct err *e)
{
	return file_write(key_path, key->data, key->len, 0600, e) &&
	       file_write(cert_path, cert->data, cert->len, 0644, e);
}

static bool make_ca(
        struct work *w, const char *cert, const char *key, const char *name, struct err *e)
{
	const char *cert_path = secret(w, cert), *key_path = secret(w, key);
	struct buf cert_pem = BUF_INIT(X509_PEM_MAX), key_pem = BUF_INIT(X509_PEM_MAX);
	bool there = false, ok;

	if (!pair_state(cert_path, key_path, &there, e))
		return false;
	ok = there || (x509_ca_new(name, w->now - DAY_MS, w->now + CA_DAYS * DAY_MS, &cert_pem,
	                       &key_pem, e) &&
	                      write_pair(cert_path, &cert_pem, key_path, &key_pem, e));
	buf_free(&cert_pem);
	file_wipe(&key_pem);
	return ok && note(w, cert, !there, e);
}

/* Whether a certificate ends within RENEW_DAYS. */
static bool ends_soon(struct work *w, const char *path, bool *soon, struct err *e)
{
	struct buf pem = BUF_INIT(X509_PEM_MAX);
	struct x509_info info;
	bool ok = file_read(path, &pem, e) && x509_read(buf_text(&pem), &info, e);

	if (ok)
		*soon = info.not_after < w->now + RENEW_DAYS * DAY_MS;
	buf_free(&pem);
	return ok || err_wrap(e, "%s", path);
}

static bool load_server_ca(struct work *w, struct x509_ca **ca, struct err *e)
{
	struct buf cert = BUF_INIT(X509_PEM_MAX), key = BUF_INIT(X509_PEM_MAX);

	*ca = NULL;
	if (file_read(secret(w, "server-ca.pem"), &cert, e) &&
	        file_read_secret(secret(w, "server-ca.key.pem"), &key, e))
		*ca = x509_ca_load(buf_text(&cert), buf_text(&key), e);
	buf_free(&cert);
	file_wipe(&key);
	return *ca != NULL;
}

/* The host of "https://host:port"; an address in brackets loses them. */
static bool url_host(const char *url, char out[HOST_BYTES], struct err *e)
{
	static const char scheme[] = "https://";
	const char *host = url + sizeof scheme - 1;
	size_t len;

	if (strncmp(url, scheme, sizeof scheme - 1) != 0)
		return err_set(e, ERR_CONFIG, "%s is no https:// address", url);
	if (*host == '[') {
		host++;
		len = strcspn(host, "]");
	} else {
		len = strcspn(host, ":/");
	}
	if (len == 0 || len >= HOST_BYTES)
		return err_set(e, ERR_CONFIG, "%s names no host", url);
	memcpy(out, host, len);
	out[len] = '\0';
	return true;
}

/* The names that the server is called by, each once, ended by NULL. */
static bool server_hosts(struct work *w, char names[HOSTS_MAX][HOST_BYTES],
        const char *hosts[HOSTS_MAX + 1], struct err *e)
{
	static const char *const urls[] = {"user_url", "support_url", "agents_url"};
	size_t count = 0;

	for (size_t i = 0; i < 3; i++)
		if (!url_host(config_text(w->cli->config, "fleetport", urls[i]), names[count++], e))
			return false;
	(void)snprintf(names[count++], HOST_BYTES, "%s",
	        config_text(w->cli->config, "fleetport", "mqtt_host"));
	(void)snprintf(names[count++], HOST_BYTES, "localhost");
	(void)snprintf(names[count++], HOST_BYTES, "127.0.0.1");
	for (size_t i = 0, at = 0; i < count; i++) {
		bool twice = false;

		for (size_t j = 0; j < at; j++)
			twice = twice || strcmp(hosts[j], names[i]) == 0;
		if (!twice)
			hosts[at++] = names[i];
		hosts[at] = NULL;
	}
	return true;
}

/* The certificate of the server (client false) or of dispatch, under the servers' CA. */
static bool make_certificate(
        struct work *w, const char *cert, const char *key, bool client, struct err *e)
{
	const char *cert_path = secret(w, cert), *key_path = secret(w, key);
	struct buf cert_pem = BUF_INIT(X509_PEM_MAX), key_pem = BUF_INIT(X509_PEM_MAX);
	const int64_t from = w->now - DAY_MS, until = w->now + SERVER_DAYS * DAY_MS;
	char names[HOSTS_MAX][HOST_BYTES];
	const char *hosts[HOSTS_MAX + 1];
	struct x509_ca *ca = NULL;
	bool there = false, soon = false, ok;

	if (!pair_state(cert_path, key_path, &there, e))
		return false;
	if (there && cli_value(w->cli, "renew") != NULL && !ends_soon(w, cert_path, &soon, e))
		return false;
	if (there && !soon)
		return note(w, cert, false, e);
	ok = load_server_ca(w, &ca, e) && x509_key_new(&key_pem, e) &&
	     (client ? x509_ca_client(ca, buf_text(&key_pem), "dispatch", from, until, &cert_pem, e)
	             : server_hosts(w, names, hosts, e) &&
	                             x509_ca_server(ca, buf_text(&key_pem), hosts, from, until,
	                                     &cert_pem, e)) &&
	     write_pair(cert_path, &cert_pem, key_path, &key_pem, e);
	x509_ca_free(ca);
	buf_free(&cert_pem);
	file_wipe(&key_pem);
	return ok && note(w, cert, true, e);
}

/* ---- stores */

static bool make_stores(struct work *w, struct err *e)
{
	const char *data = config_text(w->cli->config, "fleetport", "data");

	for (unsigned s = 0; s < SQL_STORES; s++) {
		int64_t before = -1, after = -1;
		char *name =
		        arena_printf(w->cli->arena, "%s.db", sql_store_name((enum sql_store)s));

		if (name == NULL)
			return err_set(e, ERR_MEMORY, "no memory for a name");
		if (!sql_schema_version(data, (enum sql_store)s, &before, e) ||
		        !sql_migrate(data, 1u << s, e) ||
		        !sql_schema_version(data, (enum sql_store)s, &after, e) ||
		        !note(w, name, before != after, e))
			return false;
	}
	return true;
}

static bool operator_work(struct sql_conn *write, void *arg, struct err *e)
{
	return organisations_add(write, arg, NULL, e);
}

static bool make_operator(struct work *w, struct err *e)
{
	char id[PUBLIC_ID];
	const char *name = cli_value(w->cli, "operator");
	struct organisation_new o = {.public_id = id,
	        .kind = "operator",
	        .name = name != NULL ? name : "Operator",
	        .now = w->now};
	struct sql_conn *conn = cli_read(w->cli, e);
	struct organisation *found;
	size_t count;
	bool ok;

	if (conn == NULL)
		return false;
	ok = organisations_list(conn, w->cli->arena, "operator", &found, &count, e);
	sql_return(conn);
	if (!ok || count > 0)
		return ok && note(w, "operator organisation", false, e);
	crypto_random_id("or_", id);
	return sql_write(w->cli->db, SQL_CORE, operator_work, &o, 10000, e) &&
	       note(w, "operator organisation", true, e);
}

/* The broker reads whom to refuse from here. */
static bool make_revoked(struct work *w, struct err *e)
{
	const char *path = config_path(w->cli->config, "run", "revoked-agents");
	bool there;

	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	there = exists(path);
	return (there || file_create(path, "", 0, 0644, e)) && note(w, "revoked-agents", !there, e);
}

static bool init(struct cli *cli, struct err *e)
{
	static const struct cli_column columns[] = {
	        {"WHAT", "what", CLI_TEXT}, {"DONE", "done", CLI_TEXT}};
	struct work w = {
	        .cli = cli, .list = {.columns = columns, .column_count = 2}, .now = cli_now()};

	return make_folder(&w, "data", 0750, e) && make_folder(&w, "secrets", 0750, e) &&
	       make_folder(&w, "run", 0755, e) && make_personal_keys(&w, e) &&
	       make_operation_key(&w, e) && make_checkpoint_key(&w, e) &&
	       make_ca(&w, "agents-ca.pem", "agents-ca.key.pem", "fleetport agents", e) &&
	       make_ca(&w, "server-ca.pem", "server-ca.key.pem", "fleetport servers", e) &&
	       make_certificate(&w, "server.pem", "server.key.pem", false, e) &&
	       make_certificate(&w, "dispatch.pem", "dispatch.key.pem", true, e) &&
	       make_stores(&w, e) && make_operator(&w, e) && make_revoked(&w, e) &&
	       cli_print(cli, &w.list, "", e);
}

static const struct cli_option init_options[] = {
        {"operator", "NAME", false, "what the operator's organisation is called"},
        {"renew", NULL, false,
                "replace the server's and dispatch's certificates if they end within 30 days"},
        {.name = NULL}};

const struct cli_command cli_init_commands[] = {
        {"init", "", "Makes folders, keys, certificates and stores that are not there yet", NULL,
                init_options, init},
        {.noun = NULL}};

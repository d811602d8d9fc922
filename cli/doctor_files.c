/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_files.c: configuration, folders, keys and certificates.
 */
#include "cli/doctor.h"

#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/x509.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t DAY_MS = INT64_C(86400000);

void doctor_configuration(struct doctor *d)
{
	static const char *const urls[] = {"user_url", "support_url", "agents_url"};
	bool sound = true;

	for (size_t i = 0; i < 3; i++) {
		const char *url = config_text(d->cli->config, "fleetport", urls[i]);
		size_t len = strlen(url);

		if (strncmp(url, "https://", 8) != 0 || len < 9 || url[len - 1] == '/') {
			doctor_say(d, "configuration", FINDING_FAULT,
			        "write it as https://HOST or https://HOST:PORT", "%s = %s", urls[i],
			        url);
			sound = false;
		}
		for (size_t j = 0; j < i; j++)
			if (strcmp(url, config_text(d->cli->config, "fleetport", urls[j])) == 0) {
				doctor_say(d, "configuration", FINDING_FAULT,
				        "give each site a host name of its own",
				        "%s and %s are the same", urls[j], urls[i]);
				sound = false;
			}
	}
	if (sound)
		doctor_say(d, "configuration", FINDING_OK, NULL, "%s", d->cli->config_path);
}

void doctor_folders(struct doctor *d)
{
	static const struct {
		const char *option;
		mode_t refused;
		const char *fix;
	} folders[] = {{"data", S_IRWXO, "chmod o= the folder"},
	        {"secrets", S_IRWXO | S_IWGRP, "chmod g-w,o= the folder"},
	        {"run", S_IWOTH, "chmod o-w the folder"}};

	for (size_t i = 0; i < 3; i++) {
		const char *path = config_text(d->cli->config, "fleetport", folders[i].option);
		struct stat st;

		if (stat(path, &st) != 0)
			doctor_say(d, "folders", FINDING_FAULT, "run fleetport init", "%s: %s",
			        path, strerrordesc_np(errno));
		else if (!S_ISDIR(st.st_mode))
			doctor_say(d, "folders", FINDING_FAULT, "run fleetport init",
			        "%s is no folder", path);
		else if ((st.st_mode & folders[i].refused) != 0)
			doctor_say(d, "folders", FINDING_FAULT, folders[i].fix,
			        "%s has mode %04o: too open", path, st.st_mode & 07777u);
		else
			doctor_say(d, "folders", FINDING_OK, NULL, "%s", path);
	}
}

/* ---- keys */

/* Whether a secret file is there and closed to others. */
static bool check_secret(struct doctor *d, const char *name)
{
	const char *path = config_path(d->cli->config, "secrets", name);
	struct stat st;

	if (path == NULL || lstat(path, &st) != 0)
		doctor_say(d, "keys", FINDING_FAULT,
		        "bring it back from a backup; on a new installation run fleetport init",
		        "%s: %s", name, strerrordesc_np(errno));
	else if (!S_ISREG(st.st_mode))
		doctor_say(d, "keys", FINDING_FAULT, "put the key itself there",
		        "%s is no regular file", name);
	else if ((st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		doctor_say(d, "keys", FINDING_FAULT, "chmod g-w,o= the file",
		        "%s has mode %04o: too open", name, st.st_mode & 07777u);
	else
		return true;
	return false;
}

/* Whether operation-keys.json holds the public half of operation.key. */
static bool operation_key_listed(struct doctor *d, struct err *e)
{
	static const struct json_limits limits = {.bytes = 65536, .depth = 4, .values = 1000};
	const char *list = config_path(d->cli->config, "secrets", "operation-keys.json");
	const char *path = config_path(d->cli->config, "secrets", "operation.key");
	unsigned char key[CRYPTO_SIGN_SECRET];
	char text[CRYPTO_BASE64_SIZE(CRYPTO_SIGN_PUBLIC)];
	struct buf bytes = BUF_INIT(65536);
	struct json *root = NULL;
	bool found = false, ok;

	ok = list != NULL && path != NULL && crypto_key_read(path, key, sizeof key, e) &&
	     file_read(list, &bytes, e) &&
	     (root = json_parse(buf_text(&bytes), bytes.len, &limits, e)) != NULL;
	if (ok) {
		crypto_base64(
		        key + (CRYPTO_SIGN_SECRET - CRYPTO_SIGN_PUBLIC), CRYPTO_SIGN_PUBLIC, text);
		for (const struct json *k = json_first(root); k != NULL && !found;
		        k = json_next(k)) {
			const char *listed = json_as_string(json_get(k, "key"));

			found = listed != NULL && strcmp(listed, text) == 0;
		}
	}
	crypto_wipe(key, sizeof key);
	json_free(root);
	buf_free(&bytes);
	if (ok && !found)
		return err_set(e, ERR_CONFIG,
		        "operation-keys.json does not list operation.key: agents will refuse"
		        " operations");
	return ok;
}

void doctor_secrets(struct doctor *d)
{
	static const char *const names[] = {"kek.key", "pepper.key", "index.key", "operation.key",
	        "checkpoint.key", "agents-ca.key.pem"};
	struct err e = ERR_CLEAR;
	bool sound = true;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		sound = check_secret(d, names[i]) && sound;
	if (!sound)
		return;
	if (!cli_open_keys(d->cli, &e))
		doctor_say(
		        d, "keys", FINDING_FAULT, "run as a user who may read them", "%s", e.text);
	else if (!operation_key_listed(d, &e))
		doctor_say(d, "keys", FINDING_FAULT,
		        "bring back the operation-keys.json that belongs to operation.key", "%s",
		        e.text);
	else
		doctor_say(d, "keys", FINDING_OK, NULL, "all there, closed to others");
}

/* ---- certificates */

static bool read_pem(
        struct doctor *d, const char *name, bool secret, struct buf *pem, struct err *e)
{
	const char *path = config_path(d->cli->config, "secrets", name);

	if (path == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a path");
	return secret ? file_read_secret(path, pem, e) : file_read(path, pem, e);
}

static void check_pair(struct doctor *d, const char *cert, const char *key, const char *renew)
{
	struct buf cert_pem = BUF_INIT(X509_PEM_MAX), key_pem = BUF_INIT(X509_PEM_MAX);
	struct err e = ERR_CLEAR;
	struct x509_info info;
	int64_t days;

	if (!read_pem(d, cert, false, &cert_pem, &e) ||
	        !x509_read(buf_text(&cert_pem), &info, &e) ||
	        !read_pem(d, key, true, &key_pem, &e)) {
		doctor_say(d, "certificates", FINDING_FAULT, "bring it back, or run fleetport init",
		        "%s: %s", cert, e.text);
		goto free_texts;
	}
	days = (info.not_after - d->now) / DAY_MS;
	if (!x509_key_fits(buf_text(&cert_pem), buf_text(&key_pem)))
		doctor_say(d, "certificates", FINDING_FAULT, "put back the key that belongs to it",
		        "%s and %s do not belong together", cert, key);
	else if (info.not_after <= d->now)
		doctor_say(d, "certificates", FINDING_FAULT, renew, "%s has ended", cert);
	else if (info.not_before > d->now)
		doctor_say(d, "certificates", FINDING_FAULT, "set the machine's clock",
		        "%s does not hold yet", cert);
	else if (days < 30)
		doctor_say(d, "certificates", FINDING_WARNING, renew, "%s ends in %lld days", cert,
		        (long long)days);
	else
		doctor_say(d, "certificates", FINDING_OK, NULL, "%s: %lld days left", cert,
		        (long long)days);
free_texts:
	buf_free(&cert_pem);
	file_wipe(&key_pem);
}

void doctor_certificates(struct doctor *d)
{
	static const char renew[] = "fleetport init --renew, then reload nginx and mosquitto";

	check_pair(d, "agents-ca.pem", "agents-ca.key.pem",
	        "make a new agents' CA and invite the agents again");
	check_pair(d, "server.pem", "server.key.pem", renew);
	check_pair(d, "dispatch.pem", "dispatch.key.pem", renew);
}

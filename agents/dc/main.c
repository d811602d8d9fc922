/* SPDX-License-Identifier: Apache-2.0 */
/* fleetport-dc-agent: reads the printers of its list and reports them. */
#include "agents/dc/dc.h"
#include "agents/session.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/program.h"

#include <config.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	INVITATION_MAX = 1024,
	LOOK_MS = 60000,
	CONNECT_RETRY_MS = 5000,
	RENEW_LOOK_MS = 3600000,
	RENEW_RETRY_MS = 600000
};

static const struct config_option options[] = {
        {"agent", "state", CONFIG_PATH, .fallback = "/var/lib/fleetport-dc-agent"},
        {"agent", "devices", CONFIG_PATH, .fallback = "/etc/fleetport/devices.conf"},
        {"agent", "connect_to", CONFIG_TEXT, .fallback = NULL},
        {"agent", "interval", CONFIG_INT, .fallback = "0", .min = 0, .max = 86400},
        {"agent", "jitter", CONFIG_INT, .fallback = "-1", .min = -1, .max = 3600},
        {"agent", "operations", CONFIG_FLAG, .fallback = "yes"},
        {"agent", "log", CONFIG_TEXT, .fallback = "info"},
        {.section = NULL},
};

static const struct program_flag flags[] = {
        {"enroll", "FILE", "enrol with the invitation HOST#CODE#PIN in FILE ('-': standard input)"},
        {"once", NULL, "read all devices once, send the report, end"},
        {"dry-run", NULL, "read all devices once, print the report, send nothing"},
        {"leave", NULL, "leave the server: the certificate ends, keys and reports are wiped"},
        {NULL, NULL, NULL},
};

/* All that lives as long as the program runs. */
struct agent {
	struct program_run *run;
	struct state state;
	struct dc dc;
	struct arena *list_arena;
	struct orders *orders;
	struct session *session; /* NULL: no operations for now */
	bool connecting;
	pthread_t watcher;
};

/* ---- enrolling and leaving */

/* The invitation never stands in an argument: those anybody can read. */
static bool read_invitation(const char *file, char out[INVITATION_MAX], struct err *e)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
	bool ok = f && fgets(out, INVITATION_MAX, f);

	if (!f)
		return err_errno(e, "%s", file);
	if (f != stdin)
		fclose(f);
	if (!ok)
		return err_set(e, ERR_INVALID, "%s holds no invitation", file);
	out[strcspn(out, " \t\r\n")] = '\0';
	return true;
}

static bool enroll(struct agent *a, struct uplink *uplink, const char *file, struct err *e)
{
	char invitation[INVITATION_MAX];
	bool ok = read_invitation(file, invitation, e) && uplink_enroll(uplink, invitation, e);

	crypto_wipe(invitation, sizeof invitation);
	if (ok)
		printf("enrolled as %s at %s\n", a->state.agent_id, a->state.server);
	return ok;
}

static bool leave(struct agent *a, struct uplink *uplink, struct err *e)
{
	char id[32];
	struct err why = ERR_CLEAR;
	bool told;

	if (!a->state.enrolled)
		return err_set(e, ERR_CONFLICT, "this agent is not enrolled");
	snprintf(id, sizeof id, "%s", a->state.agent_id);
	told = uplink_leave(uplink, &why);
	if (!state_wipe(&a->state, e))
		return false;
	printf("%s has left: keys, reports and journal are wiped\n", id);
	if (!told)
		return err_set(e, ERR_UNAVAILABLE,
		        "the server could not be told (%s): let somebody revoke %s there", why.text,
		        id);
	return true;
}

/* ---- the parts */

static bool operation_key(
        void *arg, const char *key_id, int64_t now, unsigned char out[CRYPTO_SIGN_PUBLIC])
{
	struct dc *dc = arg;
	struct agent *a = (struct agent *)((char *)dc - offsetof(struct agent, dc));

	return state_find_key(&a->state, key_id, now, out);
}

static bool clock_offset(void *arg, int64_t *offset_ms)
{
	struct dc *dc = arg;

	return uplink_offset(dc->uplink, offset_ms);
}

static bool publish(void *arg, const char *leaf, const void *payload, size_t len, bool retain)
{
	struct dc *dc = arg;
	struct agent *a = (struct agent *)((char *)dc - offsetof(struct agent, dc));

	return session_publish(a->session, leaf, payload, len, retain);
}

static const char *setting(const struct agent *a, const char *name)
{
	return config_text(a->run->config, "agent", name);
}

static bool load_list(struct agent *a, struct err *e)
{
	a->list_arena = arena_new(DEVICES_CONF_ARENA);
	if (!a->list_arena)
		return err_set(e, ERR_MEMORY, "no memory for the device list");
	return devices_conf_load(setting(a, "devices"), a->list_arena, &a->dc.list, e);
}

static struct uplink *open_uplink(struct agent *a, struct err *e)
{
	const struct uplink_options o = {.state = &a->state,
	        .spool = a->dc.spool,
	        .type = "dc",
	        .version = PACKAGE_VERSION,
	        .connect_to = setting(a, "connect_to"),
	        .clock = clock_real(),
	        .stop_fd = a->run->stop_fd};

	return uplink_new(&o, e);
}

static bool open_parts(struct agent *a, struct err *e)
{
	char path[STATE_PATH_SIZE];

	if (!a->state.enrolled)
		return err_set(e, ERR_CONFIG, "not enrolled yet: use --enroll FILE first");
	a->dc.agent_id = a->state.agent_id;
	a->dc.spool = spool_open(state_path(&a->state, "spool", path), 0, clock_real(), e);
	if (!a->dc.spool || !(a->dc.uplink = open_uplink(a, e)))
		return false;
	a->dc.known = known_open(state_path(&a->state, "known-devices.json", path));
	return a->dc.known || err_set(e, ERR_MEMORY, "no memory for the known devices");
}

static struct orders_options orders_of(struct agent *a, char path[STATE_PATH_SIZE])
{
	struct orders_options o = {.agent_id = a->state.agent_id,
	        .version = PACKAGE_VERSION,
	        .journal = state_path(&a->state, "journal", path),
	        .actions = dc_actions,
	        .switched_off = !config_flag(a->run->config, "agent", "operations"),
	        .event_secret = a->state.event_secret,
	        .clock = clock_real(),
	        .find_key = operation_key,
	        .offset = clock_offset,
	        .publish = publish,
	        .arg = &a->dc};

	memcpy(o.event_public, a->state.event_public, sizeof o.event_public);
	return o;
}

/* A damaged journal takes no orders, for nobody knows any more what was done: a person must look.
 * Reports go on. */
static bool open_orders(struct agent *a, struct err *e)
{
	char path[STATE_PATH_SIZE];
	struct orders_options o = orders_of(a, path);
	struct err why = ERR_CLEAR;

	a->session = session_new(&a->state, setting(a, "connect_to"));
	if (!a->session)
		return err_set(e, ERR_MEMORY, "no memory for the connection");
	a->orders = orders_new(&o, &why);
	if (!a->orders && why.code == ERR_CORRUPT) {
		log_event(LOG_LEVEL_ERROR, "operations-off", "why", why.text, NULL);
		session_free(a->session);
		a->session = NULL;
		return true;
	}
	if (!a->orders && e)
		*e = why;
	return a->orders && orders_start(a->orders, e);
}

/* Orders are judged by the server's time: no connection before that is known. false: not yet. */
static bool try_to_connect(struct agent *a)
{
	char path[STATE_PATH_SIZE];
	struct orders_options o = orders_of(a, path);
	struct buf will = BUF_INIT(4096);
	struct err e = ERR_CLEAR;
	int64_t offset;

	if (!a->session || a->connecting)
		return true;
	if (!uplink_offset(a->dc.uplink, &offset) && !uplink_learn_time(a->dc.uplink, &e))
		log_event(LOG_LEVEL_WARNING, "server-time-unknown", "why", e.text, NULL);
	else if (!orders_will(&o, &will, &e) || !session_start(a->session, a->orders, &will, &e))
		log_event(LOG_LEVEL_ERROR, "not-connecting", "why", e.text, NULL);
	else
		a->connecting = true;
	buf_free(&will);
	return a->connecting;
}

static void close_parts(struct agent *a)
{
	if (a->orders) {
		orders_stop(a->orders);
		if (a->session)
			orders_goodbye(a->orders);
	}
	session_free(a->session);
	orders_free(a->orders);
	known_close(a->dc.known);
	uplink_free(a->dc.uplink);
	spool_close(a->dc.spool);
	arena_free(a->list_arena);
}

/* ---- running */

static void *watch_for_the_end(void *arg)
{
	struct agent *a = arg;
	struct pollfd end = {.fd = a->run->stop_fd, .events = POLLIN};

	while (poll(&end, 1, -1) < 0)
		;
	atomic_store(&a->dc.stop, true);
	return NULL;
}

static bool do_round(struct agent *a, int collection, struct err *e)
{
	char numbers[3][24];
	struct dc_round round;

	if (!dc_round(&a->dc, collection, false, &round, e))
		return false;
	log_event(LOG_LEVEL_INFO, "round", "collected",
	        log_number(numbers[0], (long long)round.collected), "skipped",
	        log_number(numbers[1], (long long)round.skipped), "failed",
	        log_number(numbers[2], (long long)round.failed), NULL);
	return true;
}

/* The interval of the configuration, else the server's; somewhere within ± jitter. */
static int64_t next_interval_ms(const struct agent *a)
{
	int64_t interval = config_int(a->run->config, "agent", "interval");
	int64_t jitter = config_int(a->run->config, "agent", "jitter");

	if (interval == 0)
		interval = a->state.interval_seconds;
	if (jitter < 0)
		jitter = a->state.jitter_seconds;
	if (interval < 10)
		interval = 10;
	if (jitter * 2 > interval)
		jitter = interval / 2;
	return (interval - jitter) * 1000 +
	       (int64_t)crypto_random_below((uint32_t)jitter * 2000 + 1);
}

static int64_t try_to_send(struct agent *a)
{
	struct err e = ERR_CLEAR;

	if (uplink_send(a->dc.uplink, NULL, &e))
		return LOOK_MS;
	if (!program_stopping(a->run))
		log_event(LOG_LEVEL_WARNING, "reports-not-sent", "why", e.text, NULL);
	return uplink_pause_ms(a->dc.uplink);
}

static int64_t try_to_renew(struct agent *a)
{
	struct err e = ERR_CLEAR;
	bool renewed;

	if (!uplink_renew(a->dc.uplink, &renewed, &e)) {
		log_event(LOG_LEVEL_ERROR, "certificate-not-renewed", "why", e.text, NULL);
		return RENEW_RETRY_MS;
	}
	if (renewed) {
		log_event(LOG_LEVEL_INFO, "certificate-renewed", NULL);
		if (a->session)
			session_renew(a->session);
	}
	return RENEW_LOOK_MS;
}

/* A round that cannot be stored (a full disk, say) is lost and said so; the next one may succeed. */
static void try_round(struct agent *a, int collection)
{
	struct err e = ERR_CLEAR;

	if (!do_round(a, collection, &e))
		log_event(LOG_LEVEL_ERROR, "round-not-stored", "why", e.text, NULL);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void run_for_ever(struct agent *a)
{
	int collection = REPORT_INITIAL;
	int64_t now = clock_monotonic_ms(clock_real());
	int64_t round_at = now, send_at = now, renew_at = now, connect_at = now, next;

	do {
		now = clock_monotonic_ms(clock_real());
		if (now >= connect_at)
			connect_at = now + (try_to_connect(a) ? LOOK_MS : CONNECT_RETRY_MS);
		if (now >= renew_at)
			renew_at = now + try_to_renew(a);
		if (now >= round_at) {
			try_round(a, collection);
			collection = REPORT_SCHEDULED;
			round_at = now + next_interval_ms(a);
			if (uplink_pause_ms(a->dc.uplink) == 0)
				send_at = now;
		}
		now = clock_monotonic_ms(clock_real());
		if (now >= send_at)
			send_at = now + try_to_send(a);
		next = earliest(earliest(round_at, send_at), earliest(renew_at, connect_at));
		now = clock_monotonic_ms(clock_real());
	} while (!program_pause(a->run, next > now ? (int)(next - now) : 0));
}

static bool run_as_service(struct agent *a, struct err *e)
{
	bool ok = open_parts(a, e) && load_list(a, e) && open_orders(a, e);

	if (ok && pthread_create(&a->watcher, NULL, watch_for_the_end, a) != 0)
		ok = err_set(e, ERR_MEMORY, "no thread to watch for the end");
	if (ok) {
		program_ready(a->run);
		run_for_ever(a);
		program_stop(a->run);
		pthread_join(a->watcher, NULL);
	}
	close_parts(a);
	return ok;
}

static bool run_once(struct agent *a, struct err *e)
{
	bool ok = open_parts(a, e) && load_list(a, e) && do_round(a, REPORT_SCHEDULED, e) &&
	          uplink_send(a->dc.uplink, NULL, e);

	close_parts(a);
	return ok;
}

static bool dry_run(struct agent *a, struct err *e)
{
	struct dc_round round;
	bool ok;

	a->dc.agent_id = a->state.enrolled ? a->state.agent_id : "ag_0000000000000000000000";
	ok = load_list(a, e) && dc_round(&a->dc, REPORT_SCHEDULED, true, &round, e);
	if (ok && round.collected == 0)
		ok = err_set(e, ERR_UNAVAILABLE, "no device gave anything");
	close_parts(a);
	return ok;
}

static bool with_server(struct agent *a, struct err *e)
{
	const char *invitation = program_flag(a->run, "enroll");
	struct uplink *uplink = open_uplink(a, e);
	bool ok;

	if (!uplink)
		return false;
	ok = invitation ? enroll(a, uplink, invitation, e) : leave(a, uplink, e);
	uplink_free(uplink);
	return ok;
}

static bool run(struct program_run *r, struct err *e)
{
	struct agent a = {.run = r, .dc = {.version = PACKAGE_VERSION, .clock = clock_real()}};
	bool ok;

	if (strcmp(config_text(r->config, "agent", "log"), "debug") == 0)
		log_set_level(LOG_LEVEL_DEBUG);
	if (!state_open(config_text(r->config, "agent", "state"), &a.state, e))
		return false;
	snmp_source_init();
	if (program_flag(r, "enroll") || program_flag(r, "leave"))
		ok = with_server(&a, e);
	else if (program_flag(r, "dry-run"))
		ok = dry_run(&a, e);
	else if (program_flag(r, "once"))
		ok = run_once(&a, e);
	else
		ok = run_as_service(&a, e);
	state_close(&a.state);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct program program = {
	        .name = "fleetport-dc-agent",
	        .summary = "Reads the printers of its list by SNMP and reports them to fleetport.",
	        .options = options,
	        .without_shared = true,
	        .config_fallback = "/etc/fleetport/dc-agent.conf",
	        .flags = flags,
	        .run = run,
	};

	return program_main(&program, argc, argv);
}

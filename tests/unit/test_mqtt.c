/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real broker of Debian's, on a unix socket in a folder of its own. */
#include "lib/mqtt.h"

#include "lib/clock.h"
#include "tests/helpers/folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 10000 };

static const char broker_program[] = "/usr/sbin/mosquitto";
static char *folder;
static char socket_path[108], config_path[256];
static pid_t broker;

struct seen {
	pthread_mutex_t lock;
	int connected, disconnected, messages, published;
	int last_reason;
	bool retained;
	char topic[100], payload[100];
};

static void on_connected(void *arg)
{
	struct seen *s = arg;
	pthread_mutex_lock(&s->lock);
	s->connected++;
	pthread_mutex_unlock(&s->lock);
}

static void on_disconnected(void *arg, const char *why)
{
	struct seen *s = arg;
	(void)why;
	pthread_mutex_lock(&s->lock);
	s->disconnected++;
	pthread_mutex_unlock(&s->lock);
}

static void on_message(void *arg, const char *topic, const void *payload, size_t len, bool retained)
{
	struct seen *s = arg;
	pthread_mutex_lock(&s->lock);
	s->messages++;
	s->retained = retained;
	snprintf(s->topic, sizeof(s->topic), "%s", topic);
	snprintf(s->payload, sizeof(s->payload), "%.*s", (int)len, (const char *)payload);
	pthread_mutex_unlock(&s->lock);
}

static void on_published(void *arg, int number, int reason)
{
	struct seen *s = arg;
	(void)number;
	pthread_mutex_lock(&s->lock);
	s->published++;
	s->last_reason = reason;
	pthread_mutex_unlock(&s->lock);
}

static bool reaches(struct seen *s, const int *counter, int value)
{
	int64_t end = clock_monotonic_ms(clock_real()) + DEADLINE_MS;
	bool there = false;

	while (!there && clock_monotonic_ms(clock_real()) < end) {
		pthread_mutex_lock(&s->lock);
		there = *counter >= value;
		pthread_mutex_unlock(&s->lock);
		usleep(1000);
	}
	return there;
}

static void broker_start(void)
{
	unlink(socket_path);
	broker = fork();
	assert_true(broker >= 0);
	if (broker == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 2);
		execl(broker_program, "mosquitto", "-c", config_path, (char *)NULL);
		_exit(127);
	}
}

static void broker_stop(int how)
{
	kill(broker, how);
	assert_int_equal(waitpid(broker, NULL, 0), broker);
}

static int set_up(void **state)
{
	FILE *f;

	(void)state;
	if (access(broker_program, X_OK) != 0)
		return 0;
	folder = test_folder_new();
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	snprintf(config_path, sizeof(config_path), "%s/c", folder);
	f = fopen(config_path, "w");
	if (f == NULL)
		return -1;
	fprintf(f, "listener 0 %s\nallow_anonymous true\nuser root\n", socket_path);
	return fclose(f);
}

static int clean_up(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

static struct mqtt *client(struct seen *seen, const char *filter, const char *will_topic)
{
	const struct mqtt_options o = {.host = socket_path,
	        .keep_alive = 10,
	        .subscriptions = &filter,
	        .subscription_count = filter != NULL ? 1 : 0,
	        .will_topic = will_topic,
	        .will = "gone",
	        .will_len = 4,
	        .back_off_first_ms = 20,
	        .back_off_max_ms = 100,
	        .handlers = {on_connected, on_disconnected, on_message, on_published, seen}};
	struct mqtt *m = NULL;
	struct err e = ERR_CLEAR;

	*seen = (struct seen){.lock = PTHREAD_MUTEX_INITIALIZER};
	assert_true(mqtt_start(&o, &m, &e));
	return m;
}

static void a_message_arrives_and_its_answer_is_told(void **state)
{
	struct seen a, b;
	struct mqtt *to, *from;
	struct err e = ERR_CLEAR;

	(void)state;
	if (access(broker_program, X_OK) != 0)
		skip();
	broker_start();
	to = client(&a, "t/+/x", NULL);
	from = client(&b, NULL, NULL);
	assert_true(reaches(&a, &a.connected, 1));
	assert_true(reaches(&b, &b.connected, 1));
	assert_true(mqtt_publish(from, "t/1/x", "hello", 5, false, NULL, &e));
	assert_true(reaches(&a, &a.messages, 1));
	assert_string_equal(a.topic, "t/1/x");
	assert_string_equal(a.payload, "hello");
	assert_false(a.retained);
	assert_true(reaches(&b, &b.published, 1));
	assert_int_equal(b.last_reason, 0);
	/* Nobody listens there: taken, and said so. */
	assert_true(mqtt_publish(from, "elsewhere", "x", 1, false, NULL, &e));
	assert_true(reaches(&b, &b.published, 2));
	assert_int_equal(b.last_reason, MQTT_NOBODY);
	mqtt_stop(from, 1000);
	mqtt_stop(to, 1000);
	broker_stop(SIGTERM);
}

static void what_is_published_while_away_is_refused_and_never_sent_later(void **state)
{
	struct seen a, b;
	struct mqtt *to, *from;
	struct err e = ERR_CLEAR;

	(void)state;
	if (access(broker_program, X_OK) != 0)
		skip();
	from = client(&b, NULL, NULL);
	assert_true(reaches(&b, &b.disconnected, 1));
	assert_false(mqtt_publish(from, "t/1/x", "early", 5, false, NULL, &e));
	assert_int_equal(e.code, ERR_UNAVAILABLE);
	broker_start();
	to = client(&a, "t/+/x", NULL);
	assert_true(reaches(&a, &a.connected, 1));
	assert_true(reaches(&b, &b.connected, 1));
	assert_true(mqtt_publish(from, "t/1/x", "now", 3, false, NULL, &e));
	assert_true(reaches(&a, &a.messages, 1));
	assert_string_equal(a.payload, "now");
	mqtt_stop(from, 1000);
	mqtt_stop(to, 1000);
	broker_stop(SIGTERM);
}

static void a_broker_that_dies_is_found_again_and_subscribed_again(void **state)
{
	struct seen a, b;
	struct mqtt *to, *from;
	struct err e = ERR_CLEAR;

	(void)state;
	if (access(broker_program, X_OK) != 0)
		skip();
	broker_start();
	to = client(&a, "t/+/x", NULL);
	from = client(&b, NULL, NULL);
	assert_true(reaches(&a, &a.connected, 1));
	assert_true(reaches(&b, &b.connected, 1));
	for (int round = 2; round <= 4; round++) {
		broker_stop(SIGKILL);
		assert_true(reaches(&a, &a.disconnected, 1));
		assert_true(reaches(&b, &b.disconnected, 1));
		broker_start();
		assert_true(reaches(&a, &a.connected, round));
		assert_true(reaches(&b, &b.connected, round));
		assert_true(mqtt_publish(from, "t/1/x", "again", 5, false, NULL, &e));
		assert_true(reaches(&a, &a.messages, round - 1));
	}
	mqtt_stop(from, 1000);
	mqtt_stop(to, 1000);
	broker_stop(SIGTERM);
}

static void the_will_is_sent_for_the_lost_and_not_for_those_who_leave(void **state)
{
	struct seen a, b;
	struct mqtt *watcher, *m;
	struct err e = ERR_CLEAR;

	(void)state;
	if (access(broker_program, X_OK) != 0)
		skip();
	broker_start();
	watcher = client(&a, "will/#", NULL);
	assert_true(reaches(&a, &a.connected, 1));
	m = client(&b, NULL, "will/leaver");
	assert_true(reaches(&b, &b.connected, 1));
	mqtt_stop(m, 1000);
	/* The leaver's will would have come before this message. */
	m = client(&b, NULL, NULL);
	assert_true(reaches(&b, &b.connected, 1));
	assert_true(mqtt_publish(m, "will/marker", "x", 1, true, NULL, &e));
	assert_true(reaches(&a, &a.messages, 1));
	assert_string_equal(a.topic, "will/marker");
	mqtt_stop(m, 1000);
	mqtt_stop(watcher, 1000);
	/* Retained ones are told as such. */
	watcher = client(&a, "will/#", NULL);
	assert_true(reaches(&a, &a.messages, 1));
	assert_true(a.retained);
	mqtt_stop(watcher, 1000);
	broker_stop(SIGTERM);
}

static void stopping_a_client_that_finds_no_broker_is_quick(void **state)
{
	struct seen a;
	struct mqtt *m = client(&a, "x", NULL);
	int64_t begun;

	(void)state;
	assert_true(reaches(&a, &a.disconnected, 1));
	begun = clock_monotonic_ms(clock_real());
	mqtt_stop(m, 5000);
	assert_true(clock_monotonic_ms(clock_real()) - begun < 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_message_arrives_and_its_answer_is_told),
	        cmocka_unit_test(what_is_published_while_away_is_refused_and_never_sent_later),
	        cmocka_unit_test(a_broker_that_dies_is_found_again_and_subscribed_again),
	        cmocka_unit_test(the_will_is_sent_for_the_lost_and_not_for_those_who_leave),
	        cmocka_unit_test(stopping_a_client_that_finds_no_broker_is_quick),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}

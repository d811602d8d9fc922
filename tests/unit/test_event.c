/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AGENT     "ag_0123456789abcdefghijkl"
#define OPERATION "op_0123456789abcdefghijkl"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return arena == NULL;
}

static int clean_up(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct event event_of(enum event_type type)
{
	return (struct event){.type = type,
	        .agent_id = AGENT,
	        .operation_id = OPERATION,
	        .attempt = 1,
	        .seq = 4,
	        .at = 1795384800000,
	        .percent = -1};
}

static struct event through(const struct event *v)
{
	struct buf b = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct err e = ERR_CLEAR;
	struct event r;

	if (!event_write(v, &b, &e))
		fail_msg("%s", e.text);
	if (!event_read(b.data, b.len, arena, &r, &e))
		fail_msg("%s: %s", e.text, buf_text(&b));
	assert_int_equal(r.type, v->type);
	assert_string_equal(r.agent_id, AGENT);
	assert_int_equal(r.at, v->at);
	buf_free(&b);
	return r;
}

static void every_type_is_read_back(void **state)
{
	struct event v, r;

	(void)state;
	for (int type = 0; type < EVENT_TYPES; type++) {
		v = event_of((enum event_type)type);
		r = through(&v);
		if (type != EVENT_JOURNAL) {
			assert_string_equal(r.operation_id, OPERATION);
			assert_int_equal(r.attempt, 1);
			assert_int_equal(r.seq, 4);
		}
	}
	v = event_of(EVENT_STEP);
	v.percent = 40;
	v.text = "reading \xc3\xa9";
	r = through(&v);
	assert_int_equal(r.percent, 40);
	assert_string_equal(r.text, v.text);
	v.percent = -1;
	assert_int_equal(through(&v).percent, -1);
	v = event_of(EVENT_CANCEL_RESULT);
	v.cancel = CANCEL_TOO_LATE;
	assert_int_equal(through(&v).cancel, CANCEL_TOO_LATE);
}

static void a_result_carries_its_evidence(void **state)
{
	struct event v = event_of(EVENT_RESULT), r;

	(void)state;
	v.outcome = OUTCOME_FAILED;
	v.code = event_code_name(CODE_INK_LOW);
	v.message = "ink is low";
	v.before = "{\"state\":\"idle\"}";
	v.after = "{\"state\":\"stopped\"}";
	v.report_id = "0192f0c1-0000-7000-8000-000000000000";
	r = through(&v);
	assert_int_equal(r.outcome, OUTCOME_FAILED);
	assert_string_equal(r.code, "ink-low");
	assert_string_equal(r.message, "ink is low");
	assert_string_equal(r.before, v.before);
	assert_string_equal(r.after, v.after);
	assert_string_equal(r.report_id, v.report_id);
	v.before = v.after = v.report_id = NULL;
	r = through(&v);
	assert_null(r.before);
	assert_null(r.after);
	assert_null(r.report_id);
}

static void a_journal_lists_its_entries(void **state)
{
	const struct event_journal_entry entries[] = {
	        {.operation_id = OPERATION, .attempt = 1, .phase = PHASE_STARTED, .at = 5000},
	        {.operation_id = OPERATION, .attempt = 2, .phase = PHASE_FINISHED, .at = 6000},
	};
	struct event v = event_of(EVENT_JOURNAL), r;

	(void)state;
	v.entries = entries;
	v.entry_count = 2;
	r = through(&v);
	assert_int_equal(r.entry_count, 2);
	assert_string_equal(r.entries[1].operation_id, OPERATION);
	assert_int_equal(r.entries[1].attempt, 2);
	assert_int_equal(r.entries[1].phase, PHASE_FINISHED);
	assert_int_equal(r.entries[1].at, 6000);
}

static void long_or_odd_texts_of_the_agent_are_cut_and_cleaned_not_refused(void **state)
{
	struct event v = event_of(EVENT_RESULT), r;
	char *text = malloc(EVENT_TEXT_MAX + 100);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', EVENT_TEXT_MAX + 99);
	text[EVENT_TEXT_MAX + 99] = '\0';
	text[0] = '\xff';
	text[1] = '\x01';
	v.message = text;
	r = through(&v);
	assert_int_equal(strlen(r.message), EVENT_TEXT_MAX);
	assert_memory_equal(r.message, "  aa", 4);
	free(text);
}

static void faulty_events_are_refused(void **state)
{
#define START                                                                                      \
	"{\"schema\":\"fleetport.event/1\",\"agentId\":\"" AGENT "\",\"operationId\":\"" OPERATION \
	"\",\"attempt\":1,\"seq\":1,\"at\":\"2026-11-22T22:00:00.000Z\",\"event\":"
	static const char *const bad[] = {
	        "",
	        "[]",
	        "null",
	        START "\"explode\"}",
	        START "\"result\"}",
	        START "\"result\",\"outcome\":\"won\"}",
	        START "\"result\",\"outcome\":\"failed\",\"code\":\"<b>\"}",
	        START "\"result\",\"outcome\":\"failed\",\"evidence\":[]}",
	        START "\"result\",\"outcome\":\"failed\",\"evidence\":{\"before\":1}}",
	        START "\"step\",\"percent\":101}",
	        START "\"step\",\"percent\":-1}",
	        START "\"step\",\"text\":5}",
	        START "\"cancel-result\"}",
	        START "\"journal\"}",
	        START "\"journal\",\"entries\":[{}]}",
	        START "\"receipt\",\"seq\":2}",
	        START "\"receipt\"}x",
	        "{\"schema\":\"fleetport.event/1\",\"agentId\":\"" AGENT
	        "\",\"at\":\"2026-11-22T22:00:00.000Z\",\"event\":\"receipt\"}",
	};
	static const char good[] = START "\"receipt\",\"more\":[1]}";
	struct event r;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = ERR_CLEAR;
		if (event_read(bad[i], strlen(bad[i]), arena, &r, &e))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(e.code, ERR_INVALID);
	}
	assert_true(event_read(good, strlen(good), arena, &r, &e));
}

static void presence_is_read_back(void **state)
{
	const struct presence p = {.agent_id = AGENT,
	        .online = true,
	        .at = 1795384800000,
	        .version = "1.2.3",
	        .kinds = {"get-status", "diagnosis"},
	        .kind_count = 2};
	struct buf b = BUF_INIT(EVENT_PAYLOAD_MAX);
	struct presence r;
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(presence_write(&p, &b, &e));
	assert_true(presence_read(b.data, b.len, arena, &r, &e));
	assert_true(r.online);
	assert_int_equal(r.at, p.at);
	assert_string_equal(r.version, "1.2.3");
	assert_int_equal(r.kind_count, 2);
	assert_string_equal(r.kinds[1], "diagnosis");
	buf_free(&b);
}

static void a_presence_with_odd_kinds_is_refused(void **state)
{
#define PRESENCE                                                                                   \
	"{\"schema\":\"fleetport.presence/1\",\"agentId\":\"" AGENT                                \
	"\",\"state\":\"online\",\"at\":\"2026-11-22T22:00:00.000Z\",\"kinds\":"
	static const char *const bad[] = {
	        PRESENCE "[\"a b\"]}", PRESENCE "[\"\"]}", PRESENCE "[7]}", PRESENCE "\"x\"}"};
	struct presence r;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(presence_read(bad[i], strlen(bad[i]), arena, &r, NULL));
	assert_true(presence_read(PRESENCE "[]}", strlen(PRESENCE "[]}"), arena, &r, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_type_is_read_back),
	        cmocka_unit_test(a_result_carries_its_evidence),
	        cmocka_unit_test(a_journal_lists_its_entries),
	        cmocka_unit_test(long_or_odd_texts_of_the_agent_are_cut_and_cleaned_not_refused),
	        cmocka_unit_test(faulty_events_are_refused),
	        cmocka_unit_test(presence_is_read_back),
	        cmocka_unit_test(a_presence_with_odd_kinds_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}

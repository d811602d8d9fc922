/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/operation.h"

#include "lib/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static struct operation order(void)
{
	return (struct operation){.message = MESSAGE_OPERATION,
	        .agent_id = AGENT,
	        .operation_id = OPERATION,
	        .attempt = 2,
	        .issued_at = 1795384800000,
	        .not_after = 1795384860500,
	        .kind = operation_kind_find("head-cleaning"),
	        .identity_kind = "serial",
	        .identity_value = "EPSON X5",
	        .manufacturer = "EPSON",
	        .model = "SC",
	        .parameters = "{\"strength\":\"normal\"}",
	        .run_seconds = 900};
}

static void an_operation_has_the_form_of_the_protocol(void **state)
{
	struct operation o = order();
	struct buf b = BUF_INIT(OPERATION_PAYLOAD_MAX);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(operation_write(&o, &b, &e));
	assert_string_equal(buf_text(&b),
	        "{\"schema\":\"fleetport.operation/1\",\"agentId\":\"" AGENT
	        "\",\"operationId\":\"" OPERATION
	        "\",\"attempt\":2,\"kind\":\"head-cleaning\",\"device\":{\"identity\":{\"kind\":"
	        "\"serial\",\"value\":\"EPSON X5\"},\"manufacturer\":\"EPSON\",\"model\":\"SC\"},"
	        "\"parameters\":{\"strength\":\"normal\"},\"issuedAt\":\"2026-11-22T22:00:00."
	        "000Z\","
	        "\"notAfter\":\"2026-11-22T22:01:00.500Z\",\"runSeconds\":900}");
	buf_free(&b);
}

static void what_is_written_is_read_back(void **state)
{
	struct operation o = order(), r;
	struct buf b = BUF_INIT(OPERATION_PAYLOAD_MAX);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(operation_write(&o, &b, &e));
	assert_true(operation_read(b.data, b.len, MESSAGE_OPERATION, arena, &r, &e));
	assert_string_equal(r.agent_id, AGENT);
	assert_string_equal(r.operation_id, OPERATION);
	assert_int_equal(r.attempt, 2);
	assert_ptr_equal(r.kind, o.kind);
	assert_string_equal(r.identity_kind, "serial");
	assert_string_equal(r.identity_value, "EPSON X5");
	assert_string_equal(r.manufacturer, "EPSON");
	assert_string_equal(r.model, "SC");
	assert_string_equal(r.parameters, o.parameters);
	assert_int_equal(r.issued_at, o.issued_at);
	assert_int_equal(r.not_after, o.not_after);
	assert_int_equal(r.run_seconds, 900);
	/* A message of another schema is refused. */
	assert_false(operation_read(b.data, b.len, MESSAGE_CANCEL, arena, &r, &e));
	buf_reset(&b);
	o = (struct operation){.message = MESSAGE_ACK,
	        .agent_id = AGENT,
	        .operation_id = OPERATION,
	        .attempt = 1,
	        .seq = 3};
	assert_true(operation_write(&o, &b, &e));
	assert_true(operation_read(b.data, b.len, MESSAGE_ACK, arena, &r, &e));
	assert_int_equal(r.seq, 3);
	buf_reset(&b);
	o = order();
	o.message = MESSAGE_CANCEL;
	assert_true(operation_write(&o, &b, &e));
	assert_true(operation_read(b.data, b.len, MESSAGE_CANCEL, arena, &r, &e));
	assert_int_equal(r.not_after, o.not_after);
	buf_free(&b);
}

static void replace(struct buf *out, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	buf_reset(out);
	buf_append(out, text, (size_t)(at - text));
	buf_puts(out, to);
	buf_puts(out, at + strlen(from));
}

static void each_faulty_member_is_refused_with_its_path(void **state)
{
	static const struct {
		const char *from, *to, *path;
	} cases[] = {
	        {"\"ag_0", "\"ag-0", "$.agentId"},
	        {"\"op_0123", "\"op_", "$.operationId"},
	        {"\"attempt\":2", "\"attempt\":0", "$.attempt"},
	        {"\"attempt\":2", "\"attempt\":2.5", "$.attempt"},
	        {"\"attempt\":2", "\"attempt\":\"2\"", "$.attempt"},
	        {"\"kind\":\"head-cleaning\"", "\"kind\":7", "$.kind"},
	        {"\"value\":\"EPSON X5\"", "\"value\":\"\"", "$.device.identity"},
	        {"\"value\":\"EPSON X5\"", "\"value\":\"a\\u0001\"", "$.device.identity"},
	        {"\"parameters\":{\"strength\":\"normal\"}", "\"parameters\":[]", "$.parameters"},
	        {"2026-11-22T22:00:00.000Z", "yesterday", "$.issuedAt"},
	        {"\"runSeconds\":900", "\"runSeconds\":0", "$.runSeconds"},
	        {"fleetport.operation/1", "fleetport.operation/2", "$.schema"},
	        {"\"attempt\":2", "\"attempt\":2,\"attempt\":3", "attempt"},
	};
	struct operation o = order(), r;
	struct buf b = BUF_INIT(OPERATION_PAYLOAD_MAX);
	struct buf bad = BUF_INIT(OPERATION_PAYLOAD_MAX);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(operation_write(&o, &b, &e));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		replace(&bad, buf_text(&b), cases[i].from, cases[i].to);
		e = ERR_CLEAR;
		assert_false(operation_read(bad.data, bad.len, MESSAGE_OPERATION, arena, &r, &e));
		assert_int_equal(e.code, ERR_INVALID);
		if (strstr(e.text, cases[i].path) == NULL)
			fail_msg("%s does not name %s", e.text, cases[i].path);
	}
	buf_free(&b);
	buf_free(&bad);
}

static void an_unknown_kind_is_readable_so_that_the_agent_can_say_not_capable(void **state)
{
	struct operation o = order(), r;
	struct buf b = BUF_INIT(OPERATION_PAYLOAD_MAX);
	struct buf other = BUF_INIT(OPERATION_PAYLOAD_MAX);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(operation_write(&o, &b, &e));
	replace(&other, buf_text(&b), "head-cleaning", "self-destruct");
	assert_true(operation_read(other.data, other.len, MESSAGE_OPERATION, arena, &r, &e));
	assert_null(r.kind);
	assert_string_equal(r.kind_name, "self-destruct");
	buf_free(&b);
	buf_free(&other);
}

static void what_no_reader_would_take_is_not_written(void **state)
{
	struct buf b = BUF_INIT(OPERATION_PAYLOAD_MAX);
	struct operation o;

	(void)state;
	o = order();
	o.agent_id = "ag_short";
	assert_false(operation_write(&o, &b, NULL));
	o = order();
	o.attempt = 0;
	assert_false(operation_write(&o, &b, NULL));
	o = order();
	o.not_after = o.issued_at - 1;
	assert_false(operation_write(&o, &b, NULL));
	o = order();
	o.parameters = "[]";
	assert_false(operation_write(&o, &b, NULL));
	o = order();
	o.kind = NULL;
	assert_false(operation_write(&o, &b, NULL));
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void parameters_are_checked_by_kind_and_made_canonical(void **state)
{
	const struct operation_kind *cleaning = operation_kind_find("head-cleaning");
	const struct operation_kind *status = operation_kind_find("get-status");
	const char *text;
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(
	        operation_parameters(cleaning, " { \"strength\" : \"heavy\" } ", arena, &text, &e));
	assert_string_equal(text, "{\"strength\":\"heavy\"}");
	assert_false(operation_parameters(cleaning, "{}", arena, &text, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_false(operation_parameters(cleaning, "{\"strength\":\"brutal\"}", arena, &text, &e));
	assert_false(operation_parameters(
	        cleaning, "{\"strength\":\"light\",\"x\":1}", arena, &text, &e));
	assert_true(operation_parameters(status, "{}", arena, &text, &e));
	assert_string_equal(text, "{}");
	assert_false(operation_parameters(status, "{\"a\":1}", arena, &text, &e));
	assert_false(operation_parameters(status, "[]", arena, &text, &e));
	assert_false(operation_parameters(status, "", arena, &text, &e));
}

static void topics_name_exactly_one_agent(void **state)
{
	char topic[OPERATION_TOPIC_SIZE], id[32];

	(void)state;
	assert_string_equal(operation_topic(AGENT, "event", topic), "fleetport/1/" AGENT "/event");
	assert_true(operation_topic_read(topic, "event", id));
	assert_string_equal(id, AGENT);
	assert_false(operation_topic_read(topic, "presence", id));
	assert_false(
	        operation_topic_read("fleetport/1/ag_a/b6789abcdefghijklmn/event", "event", id));
	assert_false(operation_topic_read("fleetport/2/" AGENT "/event", "event", id));
	assert_false(operation_topic_read("fleetport/1/" AGENT "/event/x", "event", id));
	assert_false(operation_topic_read("fleetport/1/", "event", id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_operation_has_the_form_of_the_protocol),
	        cmocka_unit_test(what_is_written_is_read_back),
	        cmocka_unit_test(each_faulty_member_is_refused_with_its_path),
	        cmocka_unit_test(an_unknown_kind_is_readable_so_that_the_agent_can_say_not_capable),
	        cmocka_unit_test(what_no_reader_would_take_is_not_written),
	        cmocka_unit_test(parameters_are_checked_by_kind_and_made_canonical),
	        cmocka_unit_test(topics_name_exactly_one_agent),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}

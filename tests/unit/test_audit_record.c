/* SPDX-License-Identifier: Apache-2.0 */
#include "core/audit_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const targets[] = {"de_0123456789abcdefghijkl", "de_x"};
static const struct audit_entry full = {.actor_kind = "person",
        .actor_id = "pe_1",
        .actor_role = "technician",
        .actor_organisation = "or_2",
        .session = "se_3",
        .address = "192.0.2.7",
        .request_id = "4f",
        .action = "device.view",
        .target_kind = "device",
        .targets = targets,
        .target_count = 2,
        .customer = "or_5",
        .purpose = "ticket 17\nsecond line",
        .outcome = AUDIT_FAILED,
        .begun = 258,
        .details = "{\"n\":1}"};
static const struct audit_head head = {.at = 1795384800000, .node = "node", .source = "user"};

static void make_record(const struct audit_entry *entry, struct buf *record)
{
	struct buf body = BUF_INIT(AUDIT_RECORD_MAX);
	struct err e = ERR_CLEAR;

	assert_true(audit_body_encode(entry, 1, 1, 0, entry->target_count, &body, &e));
	assert_true(audit_body_check(body.data, body.len, &e));
	assert_true(audit_record_join(&head, body.data, body.len, record, &e));
	buf_free(&body);
}

static void what_is_written_is_read_back(void **state)
{
	struct buf record = BUF_INIT(AUDIT_RECORD_MAX);
	struct arena *arena = arena_new(1 << 20);
	struct audit_record r;
	struct err e = ERR_CLEAR;

	(void)state;
	make_record(&full, &record);
	assert_true(audit_record_decode(record.data, record.len, arena, &r, &e));
	assert_int_equal(r.head.at, head.at);
	assert_string_equal(r.head.node, "node");
	assert_string_equal(r.head.source, "user");
	assert_int_equal(r.part, 1);
	assert_int_equal(r.parts, 1);
	assert_string_equal(r.entry.actor_kind, "person");
	assert_string_equal(r.entry.actor_id, "pe_1");
	assert_string_equal(r.entry.actor_role, "technician");
	assert_string_equal(r.entry.actor_organisation, "or_2");
	assert_string_equal(r.entry.session, "se_3");
	assert_string_equal(r.entry.address, "192.0.2.7");
	assert_string_equal(r.entry.request_id, "4f");
	assert_string_equal(r.entry.action, "device.view");
	assert_string_equal(r.entry.target_kind, "device");
	assert_string_equal(r.entry.customer, "or_5");
	assert_string_equal(r.entry.purpose, "ticket 17\nsecond line");
	assert_string_equal(r.entry.details, "{\"n\":1}");
	assert_int_equal(r.entry.outcome, AUDIT_FAILED);
	assert_int_equal(r.entry.begun, 258);
	assert_int_equal(r.entry.target_count, 2);
	assert_string_equal(r.entry.targets[0], targets[0]);
	assert_string_equal(r.entry.targets[1], "de_x");
	arena_free(arena);
	buf_free(&record);
}

/* The worked example of docs/audit-record.md, byte for byte. */
static void the_documented_example_has_these_bytes_and_this_leaf(void **state)
{
	static const unsigned char expected[] = {
	        0x01, /* version */
	        0x00,
	        0x00,
	        0x01,
	        0x9b,
	        0x76,
	        0xda,
	        0xa8,
	        0x00, /* 1 January 2026 00:00 UTC */
	        0x00,
	        0x02,
	        'n',
	        '1', /* node */
	        0x00,
	        0x04,
	        'u',
	        's',
	        'e',
	        'r',  /* source */
	        0x00, /* done */
	        0,
	        0,
	        0,
	        0,
	        0,
	        0,
	        0,
	        0, /* begun */
	        0x00,
	        0x01,
	        0x00,
	        0x01, /* part 1 of 1 */
	        0x00,
	        0x06,
	        'p',
	        'e',
	        'r',
	        's',
	        'o',
	        'n', /* actor: kind */
	        0x00,
	        0x04,
	        'p',
	        'e',
	        '_',
	        '1', /* id */
	        0x00,
	        0x00, /* role */
	        0x00,
	        0x00, /* organisation */
	        0x00,
	        0x00, /* session */
	        0x00,
	        0x00, /* address */
	        0x00,
	        0x00, /* request id */
	        0x00,
	        0x0b,
	        'd',
	        'e',
	        'v',
	        'i',
	        'c',
	        'e',
	        '.',
	        'v',
	        'i',
	        'e',
	        'w', /* action */
	        0x00,
	        0x06,
	        'd',
	        'e',
	        'v',
	        'i',
	        'c',
	        'e', /* target kind */
	        0x00,
	        0x00, /* customer */
	        0x00,
	        0x02,
	        0xc3,
	        0xa9, /* purpose: é */
	        0x00,
	        0x00, /* details */
	        0x00,
	        0x01, /* one target */
	        0x00,
	        0x04,
	        'd',
	        'e',
	        '_',
	        '2',
	};
	const char *const target[] = {"de_2"};
	const struct audit_entry entry = {.actor_kind = "person",
	        .actor_id = "pe_1",
	        .action = "device.view",
	        .target_kind = "device",
	        .targets = target,
	        .target_count = 1,
	        .purpose = "\xc3\xa9"};
	const struct audit_head h = {.at = 1767225600000, .node = "n1", .source = "user"};
	struct buf body = BUF_INIT(1000);
	struct buf record = BUF_INIT(1000);
	unsigned char leaf[CRYPTO_HASH];
	char text[2 * CRYPTO_HASH + 1];
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(audit_body_encode(&entry, 1, 1, 0, 1, &body, &e));
	assert_true(audit_record_join(&h, body.data, body.len, &record, &e));
	assert_int_equal(record.len, sizeof(expected));
	assert_memory_equal(record.data, expected, sizeof(expected));
	audit_record_leaf(record.data, record.len, leaf);
	crypto_hex(leaf, sizeof(leaf), text);
	assert_string_equal(
	        text, "c832543bbd1c070b4c65a0f15dd97ccfa71c6ba5b8157401b9341ecc8268cfca");
	buf_free(&body);
	buf_free(&record);
}

/* A line "0010  73 65 …" of the document, appended; false: it is none. */
static bool take_hex_line(const char *line, struct buf *record)
{
	unsigned char byte;
	size_t len;

	if (strspn(line, "0123456789abcdef") != 4 || strncmp(line + 4, "  ", 2) != 0)
		return false;
	for (line += 6; strspn(line, "0123456789abcdef") == 2; line += 3) {
		assert_true(crypto_hex_decode(line, 2, &byte, 1, &len));
		buf_append(record, &byte, 1);
		if (line[2] != ' ')
			break;
	}
	return true;
}

static void check_documented(struct buf *record, const char *leaf_text)
{
	struct arena *arena = arena_new(1 << 18);
	unsigned char leaf[CRYPTO_HASH];
	char text[2 * CRYPTO_HASH + 1];
	struct audit_record r;
	struct err e = ERR_CLEAR;

	if (!audit_record_decode(record->data, record->len, arena, &r, &e))
		fail_msg("%s", e.text);
	audit_record_leaf(record->data, record->len, leaf);
	crypto_hex(leaf, sizeof(leaf), text);
	assert_memory_equal(text, leaf_text, 2 * CRYPTO_HASH);
	buf_reset(record);
	arena_free(arena);
}

static void the_document_tells_the_truth(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct buf record = BUF_INIT(AUDIT_RECORD_MAX);
	char path[500], line[2000];
	int examples = 0;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/docs/audit-record.md", srcdir != NULL ? srcdir : ".");
	file = fopen(path, "r");
	if (file == NULL)
		skip();
	while (fgets(line, sizeof(line), file) != NULL) {
		if (take_hex_line(line, &record))
			continue;
		if (strncmp(line, "leaf  ", 6) == 0) {
			check_documented(&record, line + 6);
			examples++;
		}
	}
	fclose(file);
	assert_int_equal(examples, 2);
	buf_free(&record);
}

static void every_single_bit_flip_changes_the_leaf(void **state)
{
	struct buf record = BUF_INIT(AUDIT_RECORD_MAX);
	unsigned char before[CRYPTO_HASH], after[CRYPTO_HASH];

	(void)state;
	make_record(&full, &record);
	audit_record_leaf(record.data, record.len, before);
	for (size_t bit = 0; bit < record.len * 8; bit++) {
		record.data[bit / 8] = (char)(record.data[bit / 8] ^ (1 << bit % 8));
		audit_record_leaf(record.data, record.len, after);
		assert_memory_not_equal(before, after, CRYPTO_HASH);
		record.data[bit / 8] = (char)(record.data[bit / 8] ^ (1 << bit % 8));
	}
	buf_free(&record);
}

static void every_cut_off_record_and_every_added_byte_is_refused(void **state)
{
	struct buf record = BUF_INIT(AUDIT_RECORD_MAX);
	struct arena *arena = arena_new(1 << 20);
	struct audit_record r;
	struct err e = ERR_CLEAR;

	(void)state;
	make_record(&full, &record);
	for (size_t len = 0; len < record.len; len++) {
		assert_false(audit_record_decode(record.data, len, arena, &r, &e));
		assert_int_equal(e.code, ERR_INVALID);
	}
	buf_putc(&record, 'x');
	assert_false(audit_record_decode(record.data, record.len, arena, &r, &e));
	arena_free(arena);
	buf_free(&record);
}

/* Decoding accepts exactly what encoding makes: whatever a flipped bit turns a record into, it is
 * refused, or encodes to itself again. */
static void there_is_one_form_for_every_record(void **state)
{
	struct buf record = BUF_INIT(AUDIT_RECORD_MAX);
	struct arena *arena = arena_new(1 << 20);
	struct err e = ERR_CLEAR;
	unsigned accepted = 0;

	(void)state;
	make_record(&full, &record);
	for (size_t bit = 0; bit < record.len * 8; bit++) {
		struct audit_record r;
		record.data[bit / 8] = (char)(record.data[bit / 8] ^ (1 << bit % 8));
		if (audit_record_decode(record.data, record.len, arena, &r, &e)) {
			struct buf body = BUF_INIT(AUDIT_RECORD_MAX);
			struct buf again = BUF_INIT(AUDIT_RECORD_MAX);
			assert_true(audit_body_encode(
			        &r.entry, r.part, r.parts, 0, r.entry.target_count, &body, &e));
			assert_true(audit_record_join(&r.head, body.data, body.len, &again, &e));
			assert_int_equal(again.len, record.len);
			assert_memory_equal(again.data, record.data, record.len);
			buf_free(&body);
			buf_free(&again);
			accepted++;
		}
		arena_reset(arena);
		record.data[bit / 8] = (char)(record.data[bit / 8] ^ (1 << bit % 8));
	}
	assert_true(accepted > 100);
	arena_free(arena);
	buf_free(&record);
}

static void what_is_not_plain_text_is_repaired_not_lost(void **state)
{
	const char *const odd[] = {"a\xff"
	                           "b\x01\xc2\x85\xed\xa0\x80"
	                           "c"};
	const struct audit_entry entry = {.action = "x", .targets = odd, .target_count = 1};
	struct buf record = BUF_INIT(AUDIT_RECORD_MAX);
	struct arena *arena = arena_new(1 << 16);
	struct audit_record r;
	struct err e = ERR_CLEAR;

	(void)state;
	make_record(&entry, &record);
	assert_true(audit_record_decode(record.data, record.len, arena, &r, &e));
	assert_int_equal(r.entry.target_count, 1);
	assert_int_equal(r.entry.targets[0][0], 'a');
	assert_non_null(strstr(r.entry.targets[0], "\xef\xbf\xbd"));
	assert_non_null(strchr(r.entry.targets[0], 'b'));
	assert_non_null(strchr(r.entry.targets[0], 'c'));
	arena_free(arena);
	buf_free(&record);
}

static void an_overlong_text_is_cut_at_a_character(void **state)
{
	char *text = malloc(AUDIT_TEXT_MAX + 10);
	struct audit_entry entry = {.action = "x", .purpose = text};
	struct buf record = BUF_INIT(AUDIT_RECORD_MAX);
	struct arena *arena = arena_new(1 << 16);
	struct audit_record r;
	struct err e = ERR_CLEAR;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', AUDIT_TEXT_MAX - 1);
	memcpy(text + AUDIT_TEXT_MAX - 1, "\xc3\xa9", 3);
	make_record(&entry, &record);
	assert_true(audit_record_decode(record.data, record.len, arena, &r, &e));
	assert_int_equal(strlen(r.entry.purpose), AUDIT_TEXT_MAX - 1);
	arena_free(arena);
	buf_free(&record);
	free(text);
}

static void what_cannot_fit_is_an_error(void **state)
{
	char *text = malloc(AUDIT_TEXT_MAX + 2);
	const char *many[AUDIT_RECORD_TARGETS];
	struct audit_entry entry = {
	        .action = "x", .targets = many, .target_count = AUDIT_RECORD_TARGETS};
	struct buf body = BUF_INIT(AUDIT_RECORD_MAX);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', AUDIT_TEXT_MAX + 1);
	text[AUDIT_TEXT_MAX + 1] = '\0';
	for (size_t i = 0; i < AUDIT_RECORD_TARGETS; i++)
		many[i] = text;
	assert_false(audit_body_encode(&entry, 1, 1, 0, AUDIT_RECORD_TARGETS, &body, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_free(&body);
	body = BUF_INIT(AUDIT_RECORD_MAX);
	entry.details = text;
	assert_false(audit_body_encode(&entry, 1, 1, 0, 0, &body, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_free(&body);
	free(text);
}

static void a_record_without_an_action_is_refused_on_both_sides(void **state)
{
	struct audit_entry entry = {.action = "x"};
	struct buf body = BUF_INIT(AUDIT_RECORD_MAX);
	struct err e = ERR_CLEAR;

	(void)state;
	assert_true(audit_body_encode(&entry, 1, 1, 0, 0, &body, &e));
	entry.action = "";
	assert_false(audit_body_encode(&entry, 1, 1, 0, 0, &body, &e));
	buf_free(&body);
	/* outcome, begun, part, parts, twelve empty texts, no target */
	static const unsigned char bare[1 + 8 + 4 + 24 + 2] = {[10] = 1, [12] = 1};
	assert_false(audit_body_check(bare, sizeof(bare), &e));
	assert_int_equal(e.code, ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_written_is_read_back),
	        cmocka_unit_test(the_documented_example_has_these_bytes_and_this_leaf),
	        cmocka_unit_test(the_document_tells_the_truth),
	        cmocka_unit_test(every_single_bit_flip_changes_the_leaf),
	        cmocka_unit_test(every_cut_off_record_and_every_added_byte_is_refused),
	        cmocka_unit_test(there_is_one_form_for_every_record),
	        cmocka_unit_test(what_is_not_plain_text_is_repaired_not_lost),
	        cmocka_unit_test(an_overlong_text_is_cut_at_a_character),
	        cmocka_unit_test(what_cannot_fit_is_an_error),
	        cmocka_unit_test(a_record_without_an_action_is_refused_on_both_sides),
	};

	if (!crypto_init(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

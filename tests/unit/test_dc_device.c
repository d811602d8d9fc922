/* SPDX-License-Identifier: Apache-2.0 */
/* Devices made up here, in the recordings' own form: who they are, how they are, what they hold. */
#include "agents/dc/charset.h"
#include "tests/recordings/snmprec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define AGENT  "ag_0123456789abcdefghijkl"
#define EPSON  "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.1248.1.1.2\n"
#define SUPPLY "1.3.6.1.2.1.43.11.1.1."
#define ALERT  "1.3.6.1.2.1.43.18.1.1."
#define STATUS "1.3.6.1.2.1.25.3.5.1.1.1|2|"
#define DEVICE "1.3.6.1.2.1.25.3.2.1.5.1|2|"
#define ERRORS "1.3.6.1.2.1.25.3.5.1.2.1|4x|"
#define SERIAL "1.3.6.1.2.1.43.5.1.1.17.1|4|"
#define DESCR  "1.3.6.1.2.1.25.3.2.1.3.1|4|"
#define PWG_ID "1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1|4|"
#define ST2    "1.3.6.1.4.1.1248.1.2.2.1.1.1.4.1|4x|"

static struct arena *arena;

static struct report_device read_device(const char *text)
{
	struct mib *mib;
	struct report_device device;

	arena_reset(arena);
	mib = mib_new(arena);
	assert_non_null(mib);
	assert_true(snmprec_read(text, strlen(text), mib));
	assert_true(device_fill(mib, arena, AGENT, "entry-1", &device));
	return device;
}

static void assert_text(const char *got, const char *expected)
{
	if (!got || !expected)
		assert_ptr_equal(got, expected);
	else
		assert_string_equal(got, expected);
}

/* ---- identity */

static void a_device_that_tells_nothing_is_known_by_its_list_entry(void **state)
{
	struct report_device d = read_device("1.3.6.1.2.1.1.3.0|67|100\n");

	(void)state;
	assert_int_equal(d.identity_kind, REPORT_ENTRY);
	assert_string_equal(d.identity, AGENT "/entry-1");
	assert_null(d.manufacturer);
	assert_null(d.model);
	assert_null(d.serial_number);
	assert_int_equal(d.state, REPORT_UNKNOWN);
}

static void the_printers_own_serial_number_comes_first(void **state)
{
	struct report_device d =
	        read_device(EPSON SERIAL "X5RL000123\n" DESCR "EPSON SC-1 Series\n" PWG_ID
	                                 "MFG:EPSON;MDL:SC-1;SN:41424344;\n");

	(void)state;
	assert_string_equal(d.serial_number, "X5RL000123");
	assert_string_equal(d.identity, "EPSON X5RL000123");
	assert_string_equal(d.manufacturer, "EPSON");
	assert_string_equal(d.model, "SC-1 Series");
}

static void epsons_1284_serial_number_is_hexadecimal(void **state)
{
	struct report_device d =
	        read_device(EPSON PWG_ID "MFG:EPSON;CMD:ESCPL2;MDL:SC-T1;SN:583847393030;\n");

	(void)state;
	assert_string_equal(d.serial_number, "X8G900");
	assert_string_equal(d.model, "SC-T1");
}

static void other_makers_1284_serial_number_is_taken_as_it_is(void **state)
{
	struct report_device d = read_device(PWG_ID "MFG:Acme;MDL:Acme 3000;SN:583847393030;\n");

	(void)state;
	assert_string_equal(d.serial_number, "583847393030");
	assert_string_equal(d.manufacturer, "Acme");
	assert_string_equal(d.model, "3000");
	assert_string_equal(d.identity, "ACME 583847393030");
}

static void a_serial_number_in_the_system_description_is_found(void **state)
{
	struct report_device d = read_device("1.3.6.1.2.1.1.1.0|4|HP ETHERNET,SN:VNC12345,FN:4Q,"
	                                     "PID:HP LaserJet 9\n"
	                                     "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.11.2.3.9.1\n");

	(void)state;
	assert_string_equal(d.serial_number, "VNC12345");
	assert_string_equal(d.manufacturer, "HP");
	assert_string_equal(d.model, "LaserJet 9");
	assert_string_equal(d.firmware_version, "4Q");
}

static void a_placeholder_is_no_serial_number(void **state)
{
	static const char *const none[] = {"XXXXXXXXXX", "00000000", "Unknown", "<private>", "N/A",
	        "", "ab", "has blanks in it"};

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		char text[256];
		struct report_device d;

		snprintf(text, sizeof text, SERIAL "%s\n", none[i]);
		d = read_device(text);
		assert_null(d.serial_number);
		assert_int_equal(d.identity_kind, REPORT_ENTRY);
	}
}

static void without_a_serial_number_the_first_real_interface_counts(void **state)
{
	struct report_device d = read_device("1.3.6.1.2.1.2.2.1.3.1|2|24\n"
	                                     "1.3.6.1.2.1.2.2.1.3.2|2|6\n"
	                                     "1.3.6.1.2.1.2.2.1.3.3|2|71\n"
	                                     "1.3.6.1.2.1.2.2.1.6.1|4x|0102030405ff\n"
	                                     "1.3.6.1.2.1.2.2.1.6.2|4x|F8D02729F16F\n"
	                                     "1.3.6.1.2.1.2.2.1.6.3|4x|aabbccddeeff\n");

	(void)state;
	assert_int_equal(d.identity_kind, REPORT_MAC);
	assert_string_equal(d.identity, "f8:d0:27:29:f1:6f");
	assert_null(d.serial_number);
}

static void one_maker_written_two_ways_is_one_identity(void **state)
{
	struct report_device a =
	        read_device(SERIAL "ABC123\n" PWG_ID "MFG:Hewlett-Packard;MDL:HP Color 1;\n");
	char first[64];
	struct report_device b;

	(void)state;
	snprintf(first, sizeof first, "%s", a.identity);
	assert_text(a.model, "Color 1");
	b = read_device(SERIAL "ABC123\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.11.2.3.9.1\n");
	assert_string_equal(b.identity, first);
}

static void serial_and_firmware_behind_the_model_are_no_part_of_it(void **state)
{
	struct report_device d =
	        read_device(SERIAL "7XQ1R92-132-13\n" DESCR "Dell S5830dn 7XQ1R92 LW62.DN4.P636\n");

	(void)state;
	assert_text(d.manufacturer, "Dell");
	assert_text(d.model, "S5830dn");
}

static void the_printer_is_the_row_that_says_so(void **state)
{
	struct report_device d = read_device("1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.21\n"
	                                     "1.3.6.1.2.1.25.3.2.1.2.7|6|1.3.6.1.2.1.25.3.1.5\n"
	                                     "1.3.6.1.2.1.25.3.2.1.3.1|4|Nonvolatile RAM\n"
	                                     "1.3.6.1.2.1.25.3.2.1.3.7|4|Canon TM-9\n"
	                                     "1.3.6.1.2.1.25.3.5.1.1.7|2|4\n");

	(void)state;
	assert_text(d.model, "TM-9");
	assert_int_equal(d.state, REPORT_PROCESSING);
}

/* ---- state and reasons */

static const struct report_reason *reason(const struct report_device *d, const char *keyword)
{
	for (size_t i = 0; i < d->reason_count; i++) {
		if (strcmp(d->reasons[i].keyword, keyword) == 0)
			return &d->reasons[i];
	}
	return NULL;
}

static void the_two_status_columns_make_one_state(void **state)
{
	static const struct {
		const char *text;
		int state;
	} cases[] = {
	        {STATUS "3\n" DEVICE "2\n", REPORT_IDLE},
	        {STATUS "4\n" DEVICE "2\n", REPORT_PROCESSING},
	        {STATUS "4\n" DEVICE "5\n", REPORT_PROCESSING},
	        {STATUS "5\n" DEVICE "2\n", REPORT_PROCESSING},
	        {STATUS "1\n" DEVICE "5\n", REPORT_STOPPED},
	        {STATUS "3\n" DEVICE "5\n", REPORT_STOPPED},
	        {STATUS "1\n" DEVICE "3\n", REPORT_IDLE},
	        {DEVICE "2\n", REPORT_IDLE},
	        {STATUS "2\n", REPORT_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(read_device(cases[i].text).state, cases[i].state);
}

static void error_bits_are_octets_with_the_highest_bit_first(void **state)
{
	struct report_device d = read_device(STATUS "1\n" DEVICE "5\n" ERRORS "4408\n");

	(void)state;
	assert_int_equal(d.reason_count, 3);
	assert_int_equal(reason(&d, "media-empty")->severity, REPORT_ERROR);
	assert_int_equal(reason(&d, "media-jam")->severity, REPORT_ERROR);
	assert_int_equal(reason(&d, "output-area-full")->severity, REPORT_ERROR);
	d = read_device(DEVICE "3\n" ERRORS "08\n");
	assert_int_equal(reason(&d, "door-open")->severity, REPORT_INFO);
	d = read_device(ERRORS "\n");
	assert_int_equal(d.reason_count, 0);
	d = read_device(DEVICE "2\n" ERRORS "0300000000\n");
	assert_int_equal(d.reason_count, 0); /* offline and service: kept, but no alarm */
	assert_int_equal(d.code_count, 2);
	assert_string_equal(d.codes[0].code, "offline");
}

static void an_alert_becomes_its_keyword_with_its_severity(void **state)
{
	struct report_device d = read_device(DEVICE
	        "5\n" ALERT "2.1.9|2|3\n" ALERT "7.1.9|2|808\n" ALERT "8.1.9|4|Tray 1 empty\n" ALERT
	        "2.1.2|2|4\n" ALERT "7.1.2|2|1104\n" ALERT "2.1.3|2|3\n" ALERT "7.1.3|2|31999\n");

	(void)state;
	assert_int_equal(reason(&d, "media-empty")->severity, REPORT_ERROR);
	assert_int_equal(reason(&d, "toner-low")->severity, REPORT_WARNING);
	assert_int_equal(reason(&d, "other")->severity, REPORT_ERROR);
	assert_int_equal(d.code_count, 3);
	assert_string_equal(d.codes[2].code, "808");
	assert_string_equal(d.codes[2].text, "Tray 1 empty");
}

static void rows_that_say_all_is_well_are_no_alarms(void **state)
{
	struct report_device d = read_device(
	        STATUS "3\n" DEVICE "2\n"
	        /* Epson: "Ready", Brother: zeros, Kyocera: power up, cold fuser in its sleep */
	        ALERT "2.1.6|2|1\n" ALERT "7.1.6|2|1\n" ALERT "8.1.6|4|Ready\n" ALERT
	               "2.1.1|2|0\n" ALERT "7.1.1|2|0\n" ALERT "8.1.1|4|Sleep\n" ALERT
	               "2.1.2|2|4\n" ALERT "7.1.2|2|503\n" ALERT "2.1.23|2|5\n" ALERT
	               "7.1.23|2|1001\n" ALERT "2.1.24|2|3\n" ALERT "7.1.24|2|502\n");

	(void)state;
	assert_int_equal(d.reason_count, 0);
	assert_int_equal(d.code_count, 0);
	assert_int_equal(d.state, REPORT_IDLE);
}

static void a_reason_told_twice_keeps_its_highest_severity(void **state)
{
	struct report_device d =
	        read_device(DEVICE "3\n" ERRORS "40\n" ALERT "2.1.1|2|3\n" ALERT "7.1.1|2|808\n");

	(void)state;
	assert_int_equal(d.reason_count, 1);
	assert_int_equal(d.reasons[0].severity, REPORT_ERROR);
}

/* ---- supplies */

static void supplies_are_joined_with_colors_by_index_not_by_place(void **state)
{
	struct report_device d = read_device(SUPPLY
	        "3.1.1|2|2\n" SUPPLY "3.1.2|2|1\n" SUPPLY "4.1.1|2|3\n" SUPPLY "4.1.2|2|3\n" SUPPLY
	        "5.1.1|2|6\n" SUPPLY "5.1.2|2|6\n" SUPPLY "6.1.1|4|First\n" SUPPLY
	        "6.1.2|4|Second\n" SUPPLY "7.1.1|2|1\n" SUPPLY "7.1.2|2|19\n" SUPPLY
	        "8.1.1|2|100\n" SUPPLY "8.1.2|2|-2\n" SUPPLY "9.1.1|2|83\n" SUPPLY "9.1.2|2|40\n"
	        "1.3.6.1.2.1.43.12.1.1.4.1.1|4|Black\n1.3.6.1.2.1.43.12.1.1.4.1.2|4|yellow\n");

	(void)state;
	assert_int_equal(d.supply_count, 2);
	assert_string_equal(d.supplies[0].color, "yellow");
	assert_string_equal(d.supplies[1].color, "black");
	assert_int_equal(d.supplies[0].unit, REPORT_UNIT_PERCENT); /* Epson: other, of 100 */
	assert_int_equal(d.supplies[0].level.value, 83);
	assert_int_equal(d.supplies[1].capacity.value, 100);
}

static void special_levels_are_words_and_a_receptacle_counts_what_is_left(void **state)
{
	struct report_device d = read_device(
	        SUPPLY "5.1.1|2|3\n" SUPPLY "8.1.1|2|-2\n" SUPPLY "9.1.1|2|-3\n" SUPPLY
	               "5.1.2|2|4\n" SUPPLY "8.1.2|2|7200\n" SUPPLY "9.1.2|2|7056\n" SUPPLY
	               "5.1.3|2|9\n" SUPPLY "8.1.3|2|-1\n" SUPPLY "9.1.3|2|-1\n" SUPPLY
	               "5.1.4|2|5\n" SUPPLY "9.1.4|2|-2\n" SUPPLY "5.1.5|2|5\n" SUPPLY
	               "8.1.5|2|100\n" SUPPLY "9.1.5|2|255\n");

	(void)state;
	assert_int_equal(d.supply_count, 5);
	assert_int_equal(d.supplies[0].level_state, REPORT_SOME_REMAINING);
	assert_int_equal(d.supplies[0].resolution, REPORT_COARSE);
	assert_false(d.supplies[0].level.set);
	assert_false(d.supplies[0].capacity.set);
	assert_int_equal(d.supplies[1].class_, REPORT_RECEPTACLE);
	assert_int_equal(d.supplies[1].level.value, 7056);
	assert_int_equal(d.supplies[2].level_state, REPORT_UNRESTRICTED);
	assert_int_equal(d.supplies[3].level_state, REPORT_LEVEL_UNKNOWN);
	assert_int_equal(d.supplies[4].level_state, REPORT_LEVEL_UNKNOWN);
	assert_int_equal(d.reason_count, 0);
}

static void a_nearly_empty_supply_is_a_reason(void **state)
{
	struct report_device d = read_device(DEVICE "3\n" ERRORS "10\n" SUPPLY "5.1.1|2|21\n" SUPPLY
	                                            "8.1.1|2|1000\n" SUPPLY "9.1.1|2|10\n");

	(void)state;
	assert_int_equal(d.reason_count, 1); /* the bit "no toner" adds nothing to it */
	assert_string_equal(d.reasons[0].keyword, "toner-empty");
	assert_int_equal(d.reasons[0].severity, REPORT_WARNING);
}

static void a_color_is_found_in_the_name_if_it_is_one(void **state)
{
	struct report_device d = read_device(
	        SUPPLY "6.1.1|4|Light Cyan Ink\n" SUPPLY "6.1.2|4|Cyan/Magenta/Yellow Drum\n" SUPPLY
	               "6.1.3|4|Drum Cartridge (Black)\n" SUPPLY
	               "6.1.4|4x|E9BB91E889B2E7A2B3E7B289\n" SUPPLY
	               "6.1.5|4|Reddish Blackboard\n" SUPPLY "6.1.6|4|Grey Ink\n");

	(void)state;
	assert_text(d.supplies[0].color, "light-cyan");
	assert_text(d.supplies[1].color, NULL);
	assert_text(d.supplies[2].color, "black");
	assert_text(d.supplies[3].color, "black");
	assert_text(d.supplies[4].color, NULL);
	assert_text(d.supplies[5].color, "gray");
}

/* ---- counters */

static void the_life_count_goes_by_its_unit(void **state)
{
	struct report_device d = read_device("1.3.6.1.2.1.43.10.2.1.3.1.1|2|8\n"
	                                     "1.3.6.1.2.1.43.10.2.1.4.1.1|65|145\n"
	                                     "1.3.6.1.2.1.43.10.2.1.4.1.2|65|9\n");

	(void)state;
	assert_true(d.counters.sheets.set);
	assert_int_equal(d.counters.sheets.value, 145);
	assert_false(d.counters.impressions.set);
	d = read_device("1.3.6.1.2.1.43.10.2.1.4.1.1|65|145\n");
	assert_false(d.counters.impressions.set || d.counters.sheets.set);
}

/* ---- Epson's status block */

static void the_status_block_tells_state_error_and_inks(void **state)
{
	struct report_device d = read_device(
	        EPSON STATUS "3\n" DEVICE "2\n" ST2
	                     "40424443205354320" /* not the signature: "@BDC ST2 " */ "\n");

	(void)state;
	assert_int_equal(d.state, REPORT_IDLE);
	/* status error, error 06 (paper), box 67 %, inks cyan 84 % and black not measured */
	d = read_device(EPSON STATUS "3\n" DEVICE "2\n" ST2 "40424443205354320d0a1200"
	                             "010100"
	                             "020106"
	                             "0d0143"
	                             "0f0703030154000069"
	                             "\n");
	assert_int_equal(d.state, REPORT_STOPPED);
	assert_non_null(reason(&d, "media-empty"));
	assert_string_equal(d.codes[0].code, "ST2-06");
	assert_int_equal(d.supply_count, 3);
	assert_text(d.supplies[0].color, "cyan");
	assert_int_equal(d.supplies[0].level.value, 84);
	assert_int_equal(d.supplies[1].level_state, REPORT_LEVEL_UNKNOWN);
	assert_int_equal(d.supplies[2].class_, REPORT_RECEPTACLE);
	assert_int_equal(d.supplies[2].level.value, 67);
}

static void a_status_block_cut_short_is_not_believed(void **state)
{
	static const unsigned char block[] = {
	        '@', 'B', 'D', 'C', ' ', 'S', 'T', '2', 13, 10, 6, 0, 1, 1, 4, 0x40, 1, 'X'};
	unsigned char copy[sizeof block];
	struct st2 st2;

	(void)state;
	assert_true(st2_read(block, sizeof block, &st2));
	assert_int_equal(st2.status, 4);
	assert_string_equal(st2.serial, "X");
	for (size_t len = 0; len < sizeof block; len++)
		assert_false(st2_read(block, len, &st2));
	memcpy(copy, block, sizeof copy);
	copy[16] = 2; /* a field longer than the block */
	assert_false(st2_read(copy, sizeof copy, &st2));
	assert_int_equal(st2.status, -1);
}

/* ---- texts */

static void texts_become_one_clean_line_of_utf8(void **state)
{
	(void)state;
	arena_reset(arena);
	assert_text(charset_text(arena, 0, "  a \t b\x01\n c ", 11), "a b");
	assert_text(charset_text(arena, 4, "gr\xfcn", 4), "gr\u00fcn");
	assert_text(charset_text(arena, 0, "gr\xfcn", 4), "gr\ufffdn");
	assert_text(charset_text(arena, 106, "gr\xc3\xbcn", 5), "gr\u00fcn");
	assert_text(charset_text(arena, 17, "\x8d\x95", 2), "\u9ed2");
	assert_text(charset_text(arena, 1013, "\0A\0b", 4), "Ab");
	assert_text(charset_text(arena, 1014, "A\0b\0", 4), "Ab");
	assert_text(charset_text(arena, 0, "\0\0", 2), NULL);
	assert_text(charset_text(arena, 0, "", 0), NULL);
	assert_text(charset_text(arena, 0, "Black Cartridge \n38 32", 22), "Black Cartridge");
}

static int make_arena(void **state)
{
	(void)state;
	arena = arena_new(16 * 1024 * 1024);
	return arena ? 0 : -1;
}

static int drop_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_device_that_tells_nothing_is_known_by_its_list_entry),
	        cmocka_unit_test(the_printers_own_serial_number_comes_first),
	        cmocka_unit_test(epsons_1284_serial_number_is_hexadecimal),
	        cmocka_unit_test(other_makers_1284_serial_number_is_taken_as_it_is),
	        cmocka_unit_test(a_serial_number_in_the_system_description_is_found),
	        cmocka_unit_test(a_placeholder_is_no_serial_number),
	        cmocka_unit_test(without_a_serial_number_the_first_real_interface_counts),
	        cmocka_unit_test(one_maker_written_two_ways_is_one_identity),
	        cmocka_unit_test(serial_and_firmware_behind_the_model_are_no_part_of_it),
	        cmocka_unit_test(the_printer_is_the_row_that_says_so),
	        cmocka_unit_test(the_two_status_columns_make_one_state),
	        cmocka_unit_test(error_bits_are_octets_with_the_highest_bit_first),
	        cmocka_unit_test(an_alert_becomes_its_keyword_with_its_severity),
	        cmocka_unit_test(rows_that_say_all_is_well_are_no_alarms),
	        cmocka_unit_test(a_reason_told_twice_keeps_its_highest_severity),
	        cmocka_unit_test(supplies_are_joined_with_colors_by_index_not_by_place),
	        cmocka_unit_test(special_levels_are_words_and_a_receptacle_counts_what_is_left),
	        cmocka_unit_test(a_nearly_empty_supply_is_a_reason),
	        cmocka_unit_test(a_color_is_found_in_the_name_if_it_is_one),
	        cmocka_unit_test(the_life_count_goes_by_its_unit),
	        cmocka_unit_test(the_status_block_tells_state_error_and_inks),
	        cmocka_unit_test(a_status_block_cut_short_is_not_believed),
	        cmocka_unit_test(texts_become_one_clean_line_of_utf8),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}

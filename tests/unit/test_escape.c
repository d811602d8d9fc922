/* SPDX-License-Identifier: Apache-2.0 */
#include "web/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(
        void (*escape)(struct buf *b, const char *text), const char *text, const char *want)
{
	struct buf b = BUF_INIT(1000);

	escape(&b, text);
	assert_string_equal(buf_text(&b), want);
	assert_false(b.failed);
	buf_free(&b);
}

static void text_cannot_open_a_tag(void **state)
{
	(void)state;
	expect(escape_text, "<script>&amp;\"'", "&lt;script&gt;&amp;amp;\"'");
	expect(escape_text, "墨 \xf0\x9f\x96\xa8", "墨 \xf0\x9f\x96\xa8");
	expect(escape_text, "", "");
	expect(escape_text, NULL, "");
}

static void text_that_is_not_utf8_is_replaced(void **state)
{
	(void)state;
	expect(escape_text, "a\xff<", "a\xef\xbf\xbd&lt;");
	expect(escape_text, "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd"); /* overlong "<" */
	expect(escape_text, "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"); /* cut off */
	expect(escape_text, "a\x01z\x7f", "a\xef\xbf\xbdz\xef\xbf\xbd");
}

static void an_attribute_cannot_end_early(void **state)
{
	(void)state;
	expect(escape_attribute, "\" onload='x'\n\t", "&quot; onload=&#39;x&#39;&#10;&#9;");
	expect(escape_attribute, "a<b>&", "a&lt;b&gt;&amp;");
	expect(escape_attribute, NULL, "");
}

static void a_url_that_leaves_the_site_by_script_becomes_a_hash(void **state)
{
	static const char *const bad[] = {"javascript:alert(1)", "JaVaScRiPt:x", "//evil.example/",
	        "data:text/html,x", "http://plain.example/", "evil", "", "/\\evil.example",
	        "/\t/evil.example", " https://x.example", "\njavascript:x", "https:evil"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		expect(escape_url_attribute, bad[i], "#");
	expect(escape_url_attribute, NULL, "#");
}

static void a_good_url_is_escaped_for_its_attribute(void **state)
{
	(void)state;
	expect(escape_url_attribute, "/devices?a=1&b=\"", "/devices?a=1&amp;b=&quot;");
	expect(escape_url_attribute, "?page=2", "?page=2");
	expect(escape_url_attribute, "#top", "#top");
	expect(escape_url_attribute, "https://epson.example/x", "https://epson.example/x");
	expect(escape_url_attribute, "mailto:a@b.example", "mailto:a@b.example");
}

static void parts_of_urls_are_percent_coded(void **state)
{
	(void)state;
	expect(escape_url_segment, "a/b?c#d e", "a%2Fb%3Fc%23d%20e");
	expect(escape_url_segment, "A-z_0.9~", "A-z_0.9~");
	expect(escape_url_segment, "..", "-");
	expect(escape_url_segment, ".", "-");
	expect(escape_url_argument, "a&b=c+d", "a%26b%3Dc%2Bd");
	expect(escape_url_argument, "墨", "%E5%A2%A8");
	expect(escape_url_argument, "\xff", "%EF%BF%BD");
}

static void a_csv_cell_is_never_a_formula(void **state)
{
	(void)state;
	expect(escape_csv, "=1+1", "'=1+1");
	expect(escape_csv, "+1", "'+1");
	expect(escape_csv, "-1", "'-1");
	expect(escape_csv, "@x", "'@x");
	expect(escape_csv, "\tx", "'\tx");
	expect(escape_csv, "\rx", "\"'\rx\"");
	expect(escape_csv, "a,b", "\"a,b\"");
	expect(escape_csv, "=\"a\"", "\"'=\"\"a\"\"\"");
	expect(escape_csv, "plain", "plain");
	expect(escape_csv, NULL, "");
}

static void a_number_is_plain_decimal(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	escape_number(&b, INT64_MIN);
	buf_putc(&b, ' ');
	escape_number(&b, 0);
	assert_string_equal(buf_text(&b), "-9223372036854775808 0");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(text_cannot_open_a_tag),
	        cmocka_unit_test(text_that_is_not_utf8_is_replaced),
	        cmocka_unit_test(an_attribute_cannot_end_early),
	        cmocka_unit_test(a_url_that_leaves_the_site_by_script_becomes_a_hash),
	        cmocka_unit_test(a_good_url_is_escaped_for_its_attribute),
	        cmocka_unit_test(parts_of_urls_are_percent_coded),
	        cmocka_unit_test(a_csv_cell_is_never_a_formula),
	        cmocka_unit_test(a_number_is_plain_decimal),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}

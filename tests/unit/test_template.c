/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/compiler/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PAGE(body) "{{ define page(struct out *out, const struct p *p) }}" body "{{ end }}"

static bool compile(const char *text, struct buf *c, struct buf *h, struct err *e)
{
	*c = BUF_INIT(1 << 20);
	*h = BUF_INIT(1 << 20);
	*e = ERR_CLEAR;
	return template_compile(
	        &(struct template_source){.name = "t.html", .text = text, .len = strlen(text)}, c,
	        h, e);
}

static void assert_compiles(const char *text, const char *expected)
{
	struct buf c, h;
	struct err e;

	if (!compile(text, &c, &h, &e))
		fail_msg("%s\n%s", text, e.text);
	if (strstr(buf_text(&c), expected) == NULL)
		fail_msg("\"%s\" not in:\n%s", expected, buf_text(&c));
	buf_free(&c);
	buf_free(&h);
}

static void assert_refused(const char *text, const char *expected)
{
	struct buf c, h;
	struct err e;

	if (compile(text, &c, &h, &e))
		fail_msg("compiled: %s", text);
	assert_int_equal(e.code, ERR_INVALID);
	if (strcmp(e.text, expected) != 0)
		fail_msg("%s\n  said \"%s\"\ninstead of \"%s\"", text, e.text, expected);
	buf_free(&c);
	buf_free(&h);
}

static void a_template_becomes_this_c(void **state)
{
	struct buf c, h;
	struct err e;

	(void)state;
	assert_true(compile("{{! what it is }}\n"
	                    "{{ include \"templates/x.h\" }}\n"
	                    "{{ define page(struct out *out, const struct p *p) }}\n"
	                    "<h1>{{ p->name }}</h1>\n"
	                    "{{ for (size_t i = 0; i < p->count; i++) }}{{ render row(out, i) }}"
	                    "{{ end }}\n"
	                    "{{ end }}\n"
	                    "{{ define static row(struct out *out, size_t i) }}"
	                    "{{ if (i == 0) }}<b>{{ _(\"First \\\"}}\") }}</b>{{ else }}\n"
	                    "<a href=\"/x/{{ i }}?a={{ i }}\">\xc3\xa9\?\?</a>{{ end }}{{ end }}",
	        &c, &h, &e));
	assert_string_equal(buf_text(&h), "/* Made from t.html. */\n"
	                                  "#ifndef FLEETPORT_T_HTML_H\n"
	                                  "#define FLEETPORT_T_HTML_H\n\n"
	                                  "#include \"templates/out.h\"\n\n"
	                                  "#include \"templates/x.h\"\n"
	                                  "void page(struct out *out, const struct p *p);\n\n"
	                                  "#endif\n");
	assert_string_equal(buf_text(&c),
	        "/* Made from t.html. */\n"
	        "#include \"t.html.h\"\n"
	        "#include \"templates/print.h\"\n\n"
	        "static void row(struct out *out, size_t i);\n\n"
	        "#line 3 \"t.html\"\n"
	        "void page(struct out *out, const struct p *p)\n{\n"
	        "\tout_literal(out, 5, \"\\n\"\n\t\t\"<h1>\");\n"
	        "#line 4 \"t.html\"\n"
	        "\tOUT_TEXT(out, p->name);\n"
	        "\tout_literal(out, 6, \"</h1>\\n\");\n"
	        "#line 5 \"t.html\"\n"
	        "\tfor (size_t i = 0; i < p->count; i++) {\n"
	        "#line 5 \"t.html\"\n"
	        "\trow(out, i);\n"
	        "\t}\n"
	        "\tout_literal(out, 1, \"\\n\");\n"
	        "}\n\n"
	        "#line 7 \"t.html\"\n"
	        "static void row(struct out *out, size_t i)\n{\n"
	        "#line 7 \"t.html\"\n"
	        "\tif (i == 0) {\n"
	        "\tout_literal(out, 3, \"<b>\");\n"
	        "#line 7 \"t.html\"\n"
	        "\tOUT_TEXT(out, _(\"First \\\"}}\"));\n"
	        "\tout_literal(out, 4, \"</b>\");\n"
	        "\t}\n"
	        "#line 7 \"t.html\"\n"
	        "\telse {\n"
	        "\tout_literal(out, 13, \"\\n\"\n\t\t\"<a href=\\\"/x/\");\n"
	        "#line 8 \"t.html\"\n"
	        "\tOUT_URL_SEGMENT(out, i);\n"
	        "\tout_literal(out, 3, \"\\?a=\");\n"
	        "#line 8 \"t.html\"\n"
	        "\tOUT_URL_ARGUMENT(out, i);\n"
	        "\tout_literal(out, 10, \"\\\">\\303\\251\\?\\?</a>\");\n"
	        "\t}\n"
	        "}\n");
	buf_free(&c);
	buf_free(&h);
}

static void a_value_gets_the_escaper_of_its_place(void **state)
{
	(void)state;
	assert_compiles(PAGE("<p>{{ p->x }}</p>"), "OUT_TEXT(out, p->x);");
	assert_compiles(PAGE("<title>{{ p->x }}</title>"), "OUT_TEXT(out, p->x);");
	assert_compiles(PAGE("<p class=\"a {{ p->x }}\"></p>"), "OUT_ATTRIBUTE(out, p->x);");
	assert_compiles(PAGE("<a href=\"{{ p->x }}\"></a>"), "OUT_URL(out, p->x);");
	assert_compiles(PAGE("<img alt=\"\" src=\"{{ p->x }}\">"), "OUT_URL(out, p->x);");
	assert_compiles(
	        PAGE("<form action=\"/a/{{ p->x }}\"></form>"), "OUT_URL_SEGMENT(out, p->x);");
	assert_compiles(PAGE("<a href=\"?x={{ p->x }}\"></a>"), "OUT_URL_ARGUMENT(out, p->x);");
	assert_compiles(PAGE("<a href=\"{{ p->y }}?a=1&amp;x={{ p->x }}\"></a>"),
	        "OUT_URL_ARGUMENT(out, p->x);");
	assert_compiles(PAGE("<a href=\"/?x#{{ p->x }}\"></a>"), "OUT_URL_SEGMENT(out, p->x);");
	assert_compiles(PAGE("<a href=\"mailto:{{ p->x }}\"></a>"), "OUT_URL_SEGMENT(out, p->x);");
	assert_compiles(PAGE("<svg><use href=\"{{ p->x }}\"/></svg>"), "OUT_URL(out, p->x);");
	assert_compiles(PAGE("{{ unsafe p->x }}"), "out_unsafe(out, p->x);");
}

static void comments_vanish_and_white_space_becomes_one(void **state)
{
	(void)state;
	assert_compiles(PAGE("<p>a \t b<!-- <b> -- > -->c\n\n\t</p>"),
	        "out_literal(out, 12, \"<p>a bc\\n\"\n\t\t\"</p>\");");
	assert_compiles(PAGE("<pre>a  b</pre>"), "\"<pre>a  b</pre>\"");
	assert_compiles(PAGE("<p   class=\"a  b\"\n id=\"c\"></p>"),
	        "\"<p class=\\\"a  b\\\" id=\\\"c\\\"></p>\"");
}

static void an_attribute_may_depend_on_a_condition(void **state)
{
	(void)state;
	assert_compiles(PAGE("<input{{ if (p->x) }} checked{{ end }}>"), "\" checked\"");
	assert_compiles(PAGE("<p class=\"a{{ if (p->x) }} b{{ else if (p->y) }} c{{ end }}\"></p>"),
	        "else if (p->y) {");
}

static void what_the_policy_would_block_is_refused(void **state)
{
	(void)state;
	assert_refused(PAGE("<p style=\"color: red\"></p>"),
	        "t.html:1: the attribute style= would be blocked or is unsafe");
	assert_refused(PAGE("<p\n OnClick=\"x()\"></p>"),
	        "t.html:2: the handler onclick=: put it into the script");
	assert_refused(PAGE("<script>x()</script>"),
	        "t.html:1: a <script> with contents: the policy blocks it");
	assert_refused(PAGE("<script>{{ p->x }}</script>"), "t.html:1: a value inside <script>");
	assert_refused(
	        PAGE("<style>p { }</style>"), "t.html:1: <style> has no place in a page of ours");
	assert_refused(PAGE("<iframe src=\"/\"></iframe>"),
	        "t.html:1: <iframe> has no place in a page of ours");
	assert_refused(
	        PAGE("<base href=\"/\">"), "t.html:1: <base> has no place in a page of ours");
	assert_refused(PAGE("<p srcdoc=\"x\"></p>"),
	        "t.html:1: the attribute srcdoc= would be blocked or is unsafe");
}

static void addresses_that_run_code_are_refused(void **state)
{
	(void)state;
	assert_refused(PAGE("<a href=\"javascript:x()\"></a>"),
	        "t.html:1: a javascript: address in href=");
	assert_refused(PAGE("<a href=\"JavaScript:x()\"></a>"),
	        "t.html:1: a javascript: address in href=");
	assert_refused(PAGE("<img src=\"data:,x\">"), "t.html:1: a data: address in src=");
	assert_refused(PAGE("<a href=\"java{{ p->x }}\"></a>"),
	        "t.html:1: a value continues \"java\": the address must begin with / ? #");
	assert_refused(PAGE("<a href=\"{{ if (p->x) }}java{{ end }}script:\"></a>"),
	        "t.html:1: a block in the scheme of href=");
	assert_refused(PAGE("<meta http-equiv=\"refresh\" content=\"0;{{ p->x }}\">"),
	        "t.html:1: a value in content= of <meta>");
	assert_refused(PAGE("<meta content=\"{{ p->x }}\" http-equiv=\"refresh\">"),
	        "t.html:1: http-equiv= must stand before any value");
}

static void a_value_outside_of_text_and_quotes_is_refused(void **state)
{
	(void)state;
	assert_refused(
	        PAGE("<p class={{ p->x }}></p>"), "t.html:1: a value in class= without quotes");
	assert_refused(PAGE("<p class='a'></p>"), "t.html:1: class= without double quotes");
	assert_refused(PAGE("<p class=a></p>"), "t.html:1: class= without double quotes");
	assert_refused(PAGE("<{{ p->x }}>"),
	        "t.html:1: a value may stand in text or a quoted attribute only");
	assert_refused(PAGE("<h{{ p->x }}>"),
	        "t.html:1: a value may stand in text or a quoted attribute only");
	assert_refused(PAGE("<p {{ p->x }}></p>"),
	        "t.html:1: a value may stand in text or a quoted attribute only");
	assert_refused(PAGE("<p {{ p->x }}=\"1\"></p>"),
	        "t.html:1: a value may stand in text or a quoted attribute only");
	assert_refused(PAGE("<!-- {{ p->x }} -->"),
	        "t.html:1: a value may stand in text or a quoted attribute only");
	assert_refused(
	        PAGE("<noscript>{{ p->x }}</noscript>"), "t.html:1: a value inside <noscript>");
	assert_refused(PAGE("<form method=\"{{ p->x }}\"></form>"),
	        "t.html:1: a value in method= of <form>");
	assert_refused(
	        PAGE("<p class=\"{{ unsafe p->x }}\"></p>"), "t.html:1: unsafe in an attribute");
	assert_refused(
	        PAGE("<p class=\"{{ render f(out) }}\"></p>"), "t.html:1: render in an attribute");
}

static void what_is_not_closed_is_refused(void **state)
{
	(void)state;
	assert_refused(PAGE("<ul>\n<li>x</ul>"), "t.html:2: </ul> where <li> of line 2 is open");
	assert_refused(PAGE("\n<p>"), "t.html:2: <p> of line 2 is not closed");
	assert_refused(PAGE("</p>"), "t.html:1: </p> closes nothing");
	assert_refused(PAGE("<p/>"), "t.html:1: <p/> does not close itself in HTML");
	assert_refused(PAGE("<p "), "t.html:1: the page ends inside <p");
	assert_refused(PAGE("a < b"), "t.html:1: '<' in text is written &lt;");
	assert_refused(PAGE("{{ if (p->x) }}<p>{{ end }}"),
	        "t.html:1: the block opens or closes <p> in one branch only");
	assert_refused(PAGE("{{ if (p->x) }}<p>{{ else }}<b>{{ end }}</p>"),
	        "t.html:1: the block's branches leave <b> and <p> open");
	assert_refused(PAGE("<p>{{ for (;;) }}</p>{{ end }}"),
	        "t.html:1: the block opens or closes <p> in one branch only");
	assert_refused(PAGE("<p class=\"{{ if (p->x) }}\">{{ end }}</p>"),
	        "t.html:1: the block opens or closes <p> in one branch only");
	assert_refused(PAGE("<a href=\"/{{ if (p->x) }}?x={{ end }}{{ p->y }}\"></a>"),
	        "t.html:1: the block's branches leave href= in different parts");
}

static void faulty_actions_are_refused(void **state)
{
	(void)state;
	assert_refused("x", "t.html:1: text outside of {{ define }}");
	assert_refused("\n{{ p->x }}", "t.html:2: {{ p->x }} outside of {{ define }}");
	assert_refused("{{ define page(int x) }}{{ end }}",
	        "t.html:1: write {{ define name(struct out *out, …) }}");
	assert_refused("{{ define page(struct out *out) }}",
	        "t.html:1: this {{ define }} has no {{ end }}");
	assert_refused("{{ define page(struct out *out) }}{{ else }}{{ end }}",
	        "t.html:1: {{ else }} without {{ if }}");
	assert_refused("{{ include <x.h> }}", "t.html:1: write {{ include \"folder/file.h\" }}");
	assert_refused(PAGE("{{ include \"x.h\" }}"), "t.html:1: {{ include }} inside a function");
	assert_refused(PAGE("{{ if p->x }}{{ end }}"), "t.html:1: write {{ if (…) }}");
	assert_refused(PAGE("{{ if (a) || (b) }}{{ end }}"), "t.html:1: write {{ if (…) }}");
	assert_refused(PAGE("{{ if (a) }}{{ else }}{{ else }}{{ end }}"),
	        "t.html:1: a branch after {{ else }}");
	assert_refused(PAGE("{{ if (a) }}{{ else b }}{{ end }}"),
	        "t.html:1: write {{ else }} or {{ else if (…) }}");
	assert_refused(PAGE("{{ for }}{{ end }}"), "t.html:1: write {{ for (…; …; …) }}");
	assert_refused(PAGE("{{ for (;;) }}{{ else }}{{ end }}"),
	        "t.html:1: this {{ for }} has no {{ end }}");
	assert_refused(PAGE("{{ if (a) }}"), "t.html:1: this {{ define }} has no {{ end }}");
	assert_refused(PAGE("{{ render x }}"), "t.html:1: write {{ render function(out, …) }}");
	assert_refused(PAGE("{{ let x }}"), "t.html:1: write {{ let type name = expression }}");
	assert_refused(PAGE("{{ p->x; exit(1) }}"), "t.html:1: a ';' in a value");
	assert_refused(PAGE("{{ f(p->x }}"), "t.html:1: '}' closes nothing");
	assert_refused(PAGE("{{ p->x) }}"), "t.html:1: ')' closes nothing");
	assert_refused(PAGE("{{ \"x }}"), "t.html:1: a quote that is not closed");
	assert_refused(PAGE("{{ }}"), "t.html:1: an empty action");
	assert_refused("{{ define page(struct out *out) }}\n{{ p->x",
	        "t.html:2: an action that is not closed by }}");
	assert_refused("{{! x", "t.html:1: a comment that is not closed by }}");
}

static void compiling_stops_at_the_memory_it_is_given(void **state)
{
	struct buf c = BUF_INIT(100), h = BUF_INIT(1000);
	struct err e = ERR_CLEAR;
	const char *text = PAGE("<p>{{ p->x }}</p>");

	(void)state;
	assert_false(template_compile(
	        &(struct template_source){.name = "t.html", .text = text, .len = strlen(text)}, &c,
	        &h, &e));
	assert_int_equal(e.code, ERR_MEMORY);
	buf_free(&c);
	buf_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_template_becomes_this_c),
	        cmocka_unit_test(a_value_gets_the_escaper_of_its_place),
	        cmocka_unit_test(comments_vanish_and_white_space_becomes_one),
	        cmocka_unit_test(an_attribute_may_depend_on_a_condition),
	        cmocka_unit_test(what_the_policy_would_block_is_refused),
	        cmocka_unit_test(addresses_that_run_code_are_refused),
	        cmocka_unit_test(a_value_outside_of_text_and_quotes_is_refused),
	        cmocka_unit_test(what_is_not_closed_is_refused),
	        cmocka_unit_test(faulty_actions_are_refused),
	        cmocka_unit_test(compiling_stops_at_the_memory_it_is_given),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/compiler/html.h"

#include "templates/compiler/source.h"

#include <string.h>

#define FAULT(html, e, ...) source_error(e, (html)->name, (html)->line, __VA_ARGS__)

static const char *const void_elements[] = {
        "area", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr", NULL};

/* Elements that run code, load foreign pages, or change what other elements mean. */
static const char *const refused_elements[] = {"style", "base", "iframe", "frame", "object",
        "embed", "applet", "portal", "animate", "animatetransform", "animatemotion", "set",
        "foreignobject", "math", "plaintext", "xmp", "listing", "template", NULL};

static const char *const url_attributes[] = {
        "href", "src", "action", "formaction", "cite", "poster", "xlink:href", NULL};

static const char *const refused_attributes[] = {
        "style", "srcdoc", "background", "ping", "manifest", "codebase", "nonce", NULL};

/* Attributes whose value decides what the element does: literal text only. */
static const char *const literal_attributes[] = {"http-equiv", "rel", "target", "srcset",
        "attributename", "type", "method", "enctype", NULL};

static bool in_list(const char *const *list, const char *word)
{
	for (; *list != NULL; list++) {
		if (strcmp(*list, word) == 0)
			return true;
	}
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_name(char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == ':' || c == '_';
}

/* Appends to one of the machine's names; false when it is full. */
static bool add_name(char name[HTML_MAX_NAME], char c)
{
	size_t len = strlen(name);

	if (len + 1 >= HTML_MAX_NAME)
		return false;
	name[len] = lower(c);
	name[len + 1] = '\0';
	return true;
}

void html_begin(struct html *html, const char *name)
{
	memset(html, 0, sizeof *html);
	html->name = name;
	html->state = IN_TEXT;
}

static bool is_inside(const struct html *html, const char *element)
{
	for (size_t i = 0; i < html->depth; i++) {
		if (strcmp(html->open[i].name, element) == 0)
			return true;
	}
	return false;
}

static const char *innermost(const struct html *html)
{
	return html->depth == 0 ? "" : html->open[html->depth - 1].name;
}

static void flush_space(struct html *html, struct buf *out)
{
	if (html->space)
		buf_putc(out, html->line_feed ? '\n' : ' ');
	html->space = html->line_feed = false;
}

static bool end_tag_name(struct html *html, struct err *e)
{
	if (in_list(refused_elements, html->tag))
		return FAULT(html, e, "<%s> has no place in a page of ours", html->tag);
	html->refreshes = html->valued = false;
	return true;
}

static bool end_attribute_name(struct html *html, struct err *e)
{
	const char *name = html->attribute;

	if (strncmp(name, "on", 2) == 0)
		return FAULT(html, e, "the handler %s=: put it into the script", name);
	if (in_list(refused_attributes, name))
		return FAULT(html, e, "the attribute %s= would be blocked or is unsafe", name);
	html->url = in_list(url_attributes, name) ? URL_BEGIN : URL_NONE;
	html->scheme[0] = '\0';
	if (strcmp(name, "http-equiv") == 0) {
		if (html->valued)
			return FAULT(html, e, "http-equiv= must stand before any value");
		html->refreshes = true;
	}
	html->verbatim_value = in_list(literal_attributes, name) ||
	                       (html->refreshes && strcmp(name, "content") == 0);
	return true;
}

static bool open_element(struct html *html, bool slash, struct err *e)
{
	bool svg = is_inside(html, "svg") || strcmp(html->tag, "svg") == 0;

	html->state = IN_TEXT;
	if (slash && !svg && !in_list(void_elements, html->tag))
		return FAULT(html, e, "<%s/> does not close itself in HTML", html->tag);
	if (slash || in_list(void_elements, html->tag))
		return true;
	if (html->depth == HTML_MAX_DEPTH)
		return FAULT(html, e, "more than %d elements inside each other", HTML_MAX_DEPTH);
	memcpy(html->open[html->depth].name, html->tag, sizeof html->tag);
	html->open[html->depth].line = html->line;
	html->depth++;
	return true;
}

static bool close_element(struct html *html, struct err *e)
{
	if (html->depth == 0)
		return FAULT(html, e, "</%s> closes nothing", html->tag);
	if (strcmp(innermost(html), html->tag) != 0)
		return FAULT(html, e, "</%s> where <%s> of line %u is open", html->tag,
		        innermost(html), html->open[html->depth - 1].line);
	html->depth--;
	html->state = IN_TEXT;
	return true;
}

/* Follows a literal character of a URL; a scheme that runs code is refused. */
static bool follow_url(struct html *html, char c, struct err *e)
{
	if (html->url == URL_BEGIN || html->url == URL_SCHEME) {
		if (c == ':') {
			if (strcmp(html->scheme, "https") != 0 &&
			        strcmp(html->scheme, "mailto") != 0)
				return FAULT(html, e, "a %s: address in %s=", html->scheme,
				        html->attribute);
			html->url = URL_PATH;
			return true;
		}
		if (c != '/' && c != '?' && c != '#') {
			if (!add_name(html->scheme, c))
				return FAULT(html, e,
				        "the address in %s= must begin with / ? # or https:",
				        html->attribute);
			html->url = URL_SCHEME;
			return true;
		}
		html->url = URL_PATH;
	}
	if (c == '#')
		html->url = URL_FRAGMENT;
	else if (c == '?' && html->url == URL_PATH)
		html->url = URL_QUERY;
	return true;
}

static bool text_char(struct html *html, char c, struct buf *out, struct err *e)
{
	bool keep = is_inside(html, "pre") || is_inside(html, "textarea");

	if (is_space(c) && !keep) {
		html->space = true;
		html->line_feed |= c == '\n';
		return true;
	}
	if (c == '<') {
		html->state = IN_TAG_OPEN;
		return true; /* not printed yet: it may be a comment */
	}
	if (strcmp(innermost(html), "script") == 0)
		return FAULT(html, e, "a <script> with contents: the policy blocks it");
	flush_space(html, out);
	buf_putc(out, c);
	return true;
}

static bool tag_open_char(struct html *html, char c, struct buf *out, struct err *e)
{
	html->tag[0] = '\0';
	if (c == '!') {
		html->state = IN_MARKUP;
		return true;
	}
	if (strcmp(innermost(html), "script") == 0 && c != '/')
		return FAULT(html, e, "a <script> with contents: the policy blocks it");
	flush_space(html, out);
	buf_putc(out, '<');
	buf_putc(out, c);
	if (c == '/') {
		html->state = IN_CLOSE_NAME;
		return true;
	}
	if (!is_name(c))
		return FAULT(html, e, "'<' in text is written &lt;");
	html->state = IN_TAG_NAME;
	return add_name(html->tag, c) || FAULT(html, e, "the name of a tag is too long");
}

static bool markup_char(struct html *html, char c, struct buf *out, struct err *e)
{
	if (c == '-') {
		html->state = IN_COMMENT;
		html->dashes = 0;
		return true;
	}
	if (lower(c) != 'd')
		return FAULT(html, e, "<! begins neither a comment nor the doctype");
	buf_puts(out, "<!");
	buf_putc(out, c);
	html->state = IN_DOCTYPE;
	return true;
}

/* Comments vanish. The two dashes of "<!--" do not count for "-->". */
static void comment_char(struct html *html, char c)
{
	if (c == '>' && html->dashes >= 3)
		html->state = IN_TEXT;
	else if (c == '-')
		html->dashes++;
	else
		html->dashes = 1;
}

static bool tag_char(struct html *html, char c, struct buf *out, struct err *e)
{
	if (is_space(c)) {
		if (html->state == IN_TAG_TIGHT)
			buf_putc(out, ' ');
		html->state = IN_TAG;
		return true;
	}
	buf_putc(out, c);
	if (c == '>')
		return open_element(html, html->state == IN_TAG_SLASH, e);
	if (html->state == IN_TAG_SLASH)
		return FAULT(html, e, "'%c' after '/' in <%s>", c, html->tag);
	if (c == '/') {
		html->state = IN_TAG_SLASH;
		return true;
	}
	if (html->state == IN_TAG_TIGHT)
		return FAULT(html, e, "no white space before '%c' in <%s>", c, html->tag);
	if (!is_name(c))
		return FAULT(html, e, "'%c' in <%s>", c, html->tag);
	html->attribute[0] = '\0';
	html->state = IN_ATTRIBUTE;
	return add_name(html->attribute, c);
}

static bool name_char(struct html *html, char c, struct buf *out, struct err *e)
{
	if (is_name(c)) {
		buf_putc(out, c);
		return add_name(html->tag, c) || FAULT(html, e, "the name of a tag is too long");
	}
	if (html->state == IN_CLOSE_NAME) {
		if (c != '>')
			return FAULT(html, e, "'%c' in </%s>", c, html->tag);
		buf_putc(out, '>');
		return close_element(html, e);
	}
	if (!end_tag_name(html, e))
		return false;
	html->state = IN_TAG_TIGHT;
	return tag_char(html, c, out, e);
}

static bool attribute_char(struct html *html, char c, struct buf *out, struct err *e)
{
	if (is_name(c)) {
		buf_putc(out, c);
		return add_name(html->attribute, c) ||
		       FAULT(html, e, "the name of an attribute is too long");
	}
	if (!end_attribute_name(html, e))
		return false;
	if (c == '=') {
		buf_putc(out, '=');
		html->state = IN_EQUALS;
		return true;
	}
	html->state = IN_TAG_TIGHT;
	return tag_char(html, c, out, e);
}

static bool value_char(struct html *html, char c, struct buf *out, struct err *e)
{
	if (html->state == IN_EQUALS) {
		if (c != '"')
			return FAULT(html, e, "%s= without double quotes", html->attribute);
		html->state = IN_VALUE;
	} else if (c == '"') {
		html->state = IN_TAG_TIGHT;
	} else if (html->url != URL_NONE && !follow_url(html, c, e)) {
		return false;
	}
	buf_putc(out, c);
	return true;
}

static bool feed_char(struct html *html, char c, struct buf *out, struct err *e)
{
	switch (html->state) {
	case IN_TEXT:
		return text_char(html, c, out, e);
	case IN_TAG_OPEN:
		return tag_open_char(html, c, out, e);
	case IN_TAG_NAME:
	case IN_CLOSE_NAME:
		return name_char(html, c, out, e);
	case IN_MARKUP:
		return markup_char(html, c, out, e);
	case IN_COMMENT:
		comment_char(html, c);
		return true;
	case IN_DOCTYPE:
		buf_putc(out, c);
		if (c == '>')
			html->state = IN_TEXT;
		return true;
	case IN_TAG:
	case IN_TAG_TIGHT:
	case IN_TAG_SLASH:
		return tag_char(html, c, out, e);
	case IN_ATTRIBUTE:
		return attribute_char(html, c, out, e);
	case IN_EQUALS:
	case IN_VALUE:
		return value_char(html, c, out, e);
	}
	return FAULT(html, e, "the compiler lost its way");
}

bool html_feed(struct html *html, const char *text, size_t len, unsigned line, struct buf *out,
        struct err *e)
{
	html->line = line;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0')
			return FAULT(html, e, "a NUL character");
		if (!feed_char(html, text[i], out, e))
			return false;
		html->line += text[i] == '\n';
	}
	if (html->state == IN_TEXT)
		flush_space(html, out);
	return true;
}

bool html_value(struct html *html, unsigned line, enum html_context *context, struct err *e)
{
	html->line = line;
	if (is_inside(html, "noscript")) /* read as text where scripts run, as tags elsewhere */
		return FAULT(html, e, "a value inside <noscript>");
	if (html->state == IN_TEXT) {
		if (strcmp(innermost(html), "script") == 0)
			return FAULT(html, e, "a value inside <script>");
		*context = HTML_TEXT;
		return true;
	}
	if (html->state == IN_EQUALS)
		return FAULT(html, e, "a value in %s= without quotes", html->attribute);
	if (html->state != IN_VALUE)
		return FAULT(html, e, "a value may stand in text or a quoted attribute only");
	if (html->verbatim_value)
		return FAULT(html, e, "a value in %s= of <%s>", html->attribute, html->tag);
	html->valued = true;
	switch (html->url) {
	case URL_NONE:
		*context = HTML_ATTRIBUTE;
		return true;
	case URL_BEGIN:
		*context = HTML_URL;
		html->url = URL_PATH;
		return true;
	case URL_SCHEME:
		return FAULT(html, e, "a value continues \"%s\": the address must begin with / ? #",
		        html->scheme);
	case URL_PATH:
	case URL_FRAGMENT:
		*context = HTML_URL_SEGMENT;
		return true;
	case URL_QUERY:
		*context = HTML_URL_ARGUMENT;
		return true;
	}
	return FAULT(html, e, "the compiler lost its way");
}

bool html_block(struct html *html, unsigned line, struct err *e)
{
	html->line = line;
	if (html->state == IN_TAG_NAME) {
		if (!end_tag_name(html, e))
			return false;
		html->state = IN_TAG_TIGHT;
	} else if (html->state == IN_ATTRIBUTE) {
		if (!end_attribute_name(html, e))
			return false;
		html->state = IN_TAG_TIGHT;
	}
	if (html->state != IN_TEXT && html->state != IN_TAG && html->state != IN_TAG_TIGHT &&
	        html->state != IN_VALUE)
		return FAULT(html, e, "a block in the middle of a tag's syntax");
	if (html->state == IN_VALUE && html->url == URL_SCHEME)
		return FAULT(html, e, "a block in the scheme of %s=", html->attribute);
	if (html->state == IN_VALUE && html->verbatim_value && html->refreshes)
		return FAULT(html, e, "a block in %s= of <%s>", html->attribute, html->tag);
	return true;
}

bool html_join(struct html *html, const struct html *other, unsigned line, struct err *e)
{
	bool in_tag = (html->state == IN_TAG || html->state == IN_TAG_TIGHT) &&
	              (other->state == IN_TAG || other->state == IN_TAG_TIGHT);

	html->line = line;
	if (html->depth != other->depth)
		return FAULT(html, e, "the block opens or closes <%s> in one branch only",
		        html->depth > other->depth ? innermost(html) : innermost(other));
	if (!in_tag && html->state != other->state)
		return FAULT(html, e, "the block's branches end in different places");
	if (html->state == IN_VALUE &&
	        (html->url != other->url || strcmp(html->attribute, other->attribute) != 0))
		return FAULT(html, e, "the block's branches leave %s= in different parts",
		        html->attribute);
	if (in_tag && strcmp(html->tag, other->tag) != 0)
		return FAULT(html, e, "the block's branches end in <%s> and <%s>", html->tag,
		        other->tag);
	for (size_t i = 0; i < html->depth; i++) {
		if (strcmp(html->open[i].name, other->open[i].name) != 0)
			return FAULT(html, e, "the block's branches leave <%s> and <%s> open",
			        html->open[i].name, other->open[i].name);
	}
	if (in_tag && other->state == IN_TAG_TIGHT)
		html->state = IN_TAG_TIGHT;
	html->refreshes |= other->refreshes;
	html->valued |= other->valued;
	return true;
}

bool html_end(struct html *html, unsigned line, struct err *e)
{
	html->line = line;
	if (html->depth > 0)
		return FAULT(html, e, "<%s> of line %u is not closed", innermost(html),
		        html->open[html->depth - 1].line);
	if (html->state != IN_TEXT)
		return FAULT(html, e, "the page ends inside <%s", html->tag);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/compiler/compile.h"

#include "templates/compiler/html.h"
#include "templates/compiler/source.h"

#include <ctype.h>
#include <string.h>

enum {
	MAX_BLOCKS = 32, /* inside each other */
	LITERAL_PART = 2000,
	LITERAL_MAX = 1 << 20,
};

struct compiler {
	const struct template_source *template;
	struct source source;
	struct html html;
	struct buf *c, *h;
	struct buf statics; /* prototypes of static functions */
	struct buf body;    /* of all functions */
	unsigned blocks;
	struct err *e;
};

#define FAULT(x, line, ...) source_error((x)->e, (x)->template->name, line, __VA_ARGS__)

static bool compile_block(struct compiler *x, struct piece *last);

/* The action's rest after a leading word; NULL if it does not begin with it. */
static const char *after_word(const struct piece *piece, const char *word, size_t *len)
{
	size_t word_len = strlen(word), at = word_len;

	if (piece->len < word_len || memcmp(piece->text, word, word_len) != 0)
		return NULL;
	if (at < piece->len && (isalnum((unsigned char)piece->text[at]) || piece->text[at] == '_'))
		return NULL;
	while (at < piece->len && isspace((unsigned char)piece->text[at]))
		at++;
	*len = piece->len - at;
	return piece->text + at;
}

static bool is_word(const struct piece *piece, const char *word)
{
	size_t len;

	return after_word(piece, word, &len) != NULL && len == 0;
}

static size_t identifier(const char *text, size_t len)
{
	size_t n = 0;

	if (len == 0 || isdigit((unsigned char)text[0]))
		return 0;
	while (n < len && (isalnum((unsigned char)text[n]) || text[n] == '_'))
		n++;
	return n;
}

/* Does the bracket at text[0] close at text[len - 1]? (source.c has checked that they match.) */
static bool is_in_brackets(const char *text, size_t len)
{
	size_t depth = 0;
	char quote = 0;

	if (len < 2 || text[0] != '(' || text[len - 1] != ')')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quote != 0) {
			if (c == '\\')
				i++;
			else if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '(') {
			depth++;
		} else if (c == ')' && --depth == 0 && i + 1 < len) {
			return false;
		}
	}
	return true;
}

/* Is there a semicolon outside of quotes? */
static bool has_semicolon(const char *text, size_t len)
{
	char quote = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quote != 0) {
			if (c == '\\')
				i++;
			else if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == ';') {
			return true;
		}
	}
	return false;
}

static void put_line(struct compiler *x, unsigned line)
{
	buf_printf(&x->body, "#line %u \"%s\"\n", line, x->template->name);
}

static void put_c_char(struct buf *b, unsigned char c)
{
	switch (c) {
	case '\n':
		buf_puts(b, "\\n");
		break;
	case '\t':
		buf_puts(b, "\\t");
		break;
	case '"':
	case '\\':
	case '?': /* no trigraphs */
		buf_putc(b, '\\');
		buf_putc(b, (char)c);
		break;
	default:
		if (c < 0x20 || c >= 0x7f)
			buf_printf(b, "\\%03o", c);
		else
			buf_putc(b, (char)c);
	}
}

static void put_literal(struct compiler *x, const char *text, size_t len)
{
	while (len > 0) {
		size_t part = len < LITERAL_PART ? len : LITERAL_PART;

		buf_printf(&x->body, "\tout_literal(out, %zu, \"", part);
		for (size_t i = 0; i < part; i++) {
			put_c_char(&x->body, (unsigned char)text[i]);
			if (text[i] == '\n' && i + 1 < part)
				buf_puts(&x->body, "\"\n\t\t\"");
		}
		buf_puts(&x->body, "\");\n");
		text += part;
		len -= part;
	}
}

static bool compile_text(struct compiler *x, const struct piece *piece)
{
	struct buf literal = BUF_INIT(LITERAL_MAX);
	bool ok = html_feed(&x->html, piece->text, piece->len, piece->line, &literal, x->e);

	if (ok && literal.failed)
		ok = FAULT(x, piece->line, "out of memory");
	if (ok)
		put_literal(x, literal.data, literal.len);
	buf_free(&literal);
	return ok;
}

static bool compile_value(struct compiler *x, const struct piece *piece)
{
	static const char *const printer[] = {
	        [HTML_TEXT] = "OUT_TEXT",
	        [HTML_ATTRIBUTE] = "OUT_ATTRIBUTE",
	        [HTML_URL] = "OUT_URL",
	        [HTML_URL_SEGMENT] = "OUT_URL_SEGMENT",
	        [HTML_URL_ARGUMENT] = "OUT_URL_ARGUMENT",
	};
	enum html_context context;

	if (has_semicolon(piece->text, piece->len))
		return FAULT(x, piece->line, "a ';' in a value");
	if (!html_value(&x->html, piece->line, &context, x->e))
		return false;
	put_line(x, piece->line);
	buf_printf(&x->body, "\t%s(out, %.*s);\n", printer[context], (int)piece->len, piece->text);
	return true;
}

static bool compile_unsafe(
        struct compiler *x, const struct piece *piece, const char *text, size_t len)
{
	enum html_context context;

	if (len == 0 || has_semicolon(text, len))
		return FAULT(x, piece->line, "write {{ unsafe expression }}");
	if (!html_value(&x->html, piece->line, &context, x->e))
		return false;
	if (context != HTML_TEXT)
		return FAULT(x, piece->line, "unsafe in an attribute");
	put_line(x, piece->line);
	buf_printf(&x->body, "\tout_unsafe(out, %.*s);\n", (int)len, text);
	return true;
}

static bool compile_render(
        struct compiler *x, const struct piece *piece, const char *text, size_t len)
{
	enum html_context context;
	size_t name = 0;

	while (name < len && (isalnum((unsigned char)text[name]) || strchr("_->.", text[name])))
		name++;
	if (name == 0 || !is_in_brackets(text + name, len - name) || has_semicolon(text, len))
		return FAULT(x, piece->line, "write {{ render function(out, …) }}");
	if (!html_value(&x->html, piece->line, &context, x->e))
		return false;
	if (context != HTML_TEXT)
		return FAULT(x, piece->line, "render in an attribute");
	put_line(x, piece->line);
	buf_printf(&x->body, "\t%.*s;\n", (int)len, text);
	return true;
}

static bool compile_let(struct compiler *x, const struct piece *piece, const char *text, size_t len)
{
	if (memchr(text, '=', len) == NULL || has_semicolon(text, len))
		return FAULT(x, piece->line, "write {{ let type name = expression }}");
	put_line(x, piece->line);
	buf_printf(&x->body, "\t%.*s;\n", (int)len, text);
	return true;
}

/* Begins a block: "if (…)", "for (…)" or "else". */
static bool open_block(struct compiler *x, const struct piece *piece, const char *head, size_t len)
{
	if (!html_block(&x->html, piece->line, x->e))
		return false;
	put_line(x, piece->line);
	buf_printf(&x->body, "\t%.*s {\n", (int)len, head);
	return true;
}

static bool compile_for(struct compiler *x, const struct piece *piece, const char *text, size_t len)
{
	struct html before;
	struct piece last = {.kind = PIECE_END};

	if (!is_in_brackets(text, len))
		return FAULT(x, piece->line, "write {{ for (…; …; …) }}");
	if (!open_block(x, piece, piece->text, piece->len))
		return false;
	before = x->html;
	if (!compile_block(x, &last))
		return false;
	if (!is_word(&last, "end"))
		return FAULT(x, piece->line, "this {{ for }} has no {{ end }}");
	buf_puts(&x->body, "\t}\n");
	return html_join(&x->html, &before, last.line, x->e);
}

/* The condition after "else": *len 0 for a plain one. */
static bool read_else(struct compiler *x, const struct piece *piece, size_t *condition)
{
	struct piece rest = *piece;

	rest.text = after_word(piece, "else", &rest.len);
	*condition = rest.len;
	if (rest.len > 0) {
		const char *text = after_word(&rest, "if", condition);

		if (text == NULL || !is_in_brackets(text, *condition))
			return FAULT(x, piece->line, "write {{ else }} or {{ else if (…) }}");
	}
	return true;
}

static bool compile_if(struct compiler *x, const struct piece *piece, const char *text, size_t len)
{
	struct html before, joined;
	struct piece last = {.kind = PIECE_END};
	size_t condition = len;
	bool first = true;

	if (!is_in_brackets(text, len))
		return FAULT(x, piece->line, "write {{ if (…) }}");
	if (!open_block(x, piece, piece->text, piece->len))
		return false;
	before = joined = x->html;
	for (;;) {
		if (!compile_block(x, &last) || !html_block(&x->html, last.line, x->e))
			return false;
		if (!first && !html_join(&x->html, &joined, last.line, x->e))
			return false;
		joined = x->html;
		first = false;
		buf_puts(&x->body, "\t}\n");
		if (!is_word(&last, "end") && condition == 0)
			return FAULT(x, last.line, "a branch after {{ else }}");
		if (is_word(&last, "end"))
			break;
		if (last.kind != PIECE_ACTION)
			return FAULT(x, piece->line, "this {{ if }} has no {{ end }}");
		if (!read_else(x, &last, &condition))
			return false;
		x->html = before;
		if (!open_block(x, &last, last.text, last.len))
			return false;
	}
	/* without an else, the way past the block is a branch too */
	return condition == 0 || html_join(&x->html, &before, last.line, x->e);
}

static bool compile_action(struct compiler *x, const struct piece *piece)
{
	static const struct {
		const char *word;
		bool (*compile)(struct compiler *, const struct piece *, const char *, size_t);
	} statements[] = {
	        {"if", compile_if},
	        {"for", compile_for},
	        {"let", compile_let},
	        {"render", compile_render},
	        {"unsafe", compile_unsafe},
	};
	static const char *const outside[] = {"define", "include"};
	size_t len;

	for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
		if (after_word(piece, outside[i], &len) != NULL)
			return FAULT(x, piece->line, "{{ %s }} inside a function", outside[i]);
	}
	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
		const char *text = after_word(piece, statements[i].word, &len);

		if (text != NULL)
			return statements[i].compile(x, piece, text, len);
	}
	return compile_value(x, piece);
}

/* Compiles until an {{ end }}, an {{ else … }} or the end of the file, which is given back. */
static bool compile_block(struct compiler *x, struct piece *last)
{
	if (++x->blocks > MAX_BLOCKS)
		return FAULT(x, x->source.line, "more than %d blocks inside each other",
		        (int)MAX_BLOCKS);
	for (;;) {
		size_t len;
		bool ok;

		if (!source_next(&x->source, last, x->e))
			return false;
		if (last->kind == PIECE_END)
			break;
		if (last->kind == PIECE_ACTION &&
		        (is_word(last, "end") || after_word(last, "else", &len) != NULL))
			break;
		ok = last->kind == PIECE_TEXT ? compile_text(x, last) : compile_action(x, last);
		if (!ok)
			return false;
	}
	x->blocks--;
	return true;
}

/* Writes prototype and head of a function; head is "[static] name(struct out *out…)". */
static bool open_function(struct compiler *x, const struct piece *piece, struct piece head)
{
	static const char first[] = "(struct out *out";
	size_t len = head.len, name;
	const char *text = after_word(&head, "static", &len);
	const char *linkage = text == NULL ? "" : "static ";

	if (text == NULL)
		text = head.text;
	name = identifier(text, len);
	if (name == 0 || len - name < sizeof first || !is_in_brackets(text + name, len - name) ||
	        memcmp(text + name, first, sizeof first - 1) != 0)
		return FAULT(x, piece->line, "write {{ define name(struct out *out, …) }}");
	buf_printf(
	        linkage[0] == '\0' ? x->h : &x->statics, "%svoid %.*s;\n", linkage, (int)len, text);
	buf_putc(&x->body, '\n');
	put_line(x, piece->line);
	buf_printf(&x->body, "%svoid %.*s\n{\n", linkage, (int)len, text);
	return true;
}

static bool compile_define(struct compiler *x, const struct piece *piece, struct piece head)
{
	struct piece last = {.kind = PIECE_END};

	if (!open_function(x, piece, head))
		return false;
	html_begin(&x->html, x->template->name);
	if (!compile_block(x, &last))
		return false;
	if (!is_word(&last, "end"))
		return FAULT(x, last.kind == PIECE_ACTION ? last.line : piece->line,
		        last.kind == PIECE_ACTION ? "{{ else }} without {{ if }}"
		                                  : "this {{ define }} has no {{ end }}");
	buf_puts(&x->body, "}\n");
	return html_end(&x->html, last.line, x->e);
}

static bool compile_include(struct compiler *x, const struct piece *piece, struct piece file)
{
	if (file.len < 3 || file.text[0] != '"' || file.text[file.len - 1] != '"' ||
	        memchr(file.text, '\n', file.len) != NULL)
		return FAULT(x, piece->line, "write {{ include \"folder/file.h\" }}");
	buf_printf(x->h, "#include %.*s\n", (int)file.len, file.text);
	return true;
}

static bool compile_outside(struct compiler *x, const struct piece *piece)
{
	struct piece rest = *piece;

	if (piece->kind == PIECE_TEXT) {
		for (size_t i = 0; i < piece->len; i++) {
			if (!isspace((unsigned char)piece->text[i]))
				return FAULT(x, piece->line, "text outside of {{ define }}");
		}
		return true;
	}
	rest.text = after_word(piece, "include", &rest.len);
	if (rest.text != NULL)
		return compile_include(x, piece, rest);
	rest.text = after_word(piece, "define", &rest.len);
	if (rest.text != NULL)
		return compile_define(x, piece, rest);
	return FAULT(x, piece->line, "{{ %.*s }} outside of {{ define }}",
	        (int)(piece->len < 40 ? piece->len : 40), piece->text);
}

static void put_guard(struct buf *b, const char *name)
{
	buf_puts(b, "FLEETPORT_");
	for (; *name != '\0'; name++)
		buf_putc(b,
		        isalnum((unsigned char)*name) ? (char)toupper((unsigned char)*name) : '_');
	buf_puts(b, "_H");
}

static void put_header_top(struct compiler *x)
{
	buf_printf(x->h, "/* Made from %s. */\n#ifndef ", x->template->name);
	put_guard(x->h, x->template->name);
	buf_puts(x->h, "\n#define ");
	put_guard(x->h, x->template->name);
	buf_puts(x->h, "\n\n#include \"templates/out.h\"\n\n");
}

static bool compile_file(struct compiler *x)
{
	struct piece piece;

	put_header_top(x);
	for (;;) {
		if (!source_next(&x->source, &piece, x->e))
			return false;
		if (piece.kind == PIECE_END)
			break;
		if (!compile_outside(x, &piece))
			return false;
	}
	buf_puts(x->h, "\n#endif\n");
	buf_printf(x->c, "/* Made from %s. */\n", x->template->name);
	buf_printf(
	        x->c, "#include \"%s.h\"\n#include \"templates/print.h\"\n\n", x->template->name);
	buf_append(x->c, buf_text(&x->statics), x->statics.len);
	buf_append(x->c, buf_text(&x->body), x->body.len);
	if (x->c->failed || x->h->failed || x->body.failed || x->statics.failed)
		return err_set(x->e, ERR_MEMORY, "%s: too large", x->template->name);
	return true;
}

bool template_compile(const struct template_source *template, struct buf *source,
        struct buf *header, struct err *e)
{
	struct compiler x = {
	        .template = template,
	        .source = {.name = template->name,
	                .text = template->text,
	                .len = template->len,
	                .line = 1},
	        .c = source,
	        .h = header,
	        .statics = BUF_INIT(LITERAL_MAX),
	        .body = BUF_INIT(16 * LITERAL_MAX),
	        .e = e,
	};
	bool ok;

	if (strpbrk(template->name, "\"\\\n") != NULL)
		return err_set(e, ERR_INVALID, "the template's name has a quote or backslash");
	ok = compile_file(&x);
	buf_free(&x.statics);
	buf_free(&x.body);
	return ok;
}

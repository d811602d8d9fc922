/* SPDX-License-Identifier: Apache-2.0 */
#include "core/audit_record.h"

#include <string.h>

/* The texts of a body, in the order of the bytes. */
struct text_field {
	size_t offset; /* of the const char * in struct audit_entry */
	bool lines;    /* line feed and tab are allowed */
	const char *name;
};
#define FIELD(member, with_lines)                                                                  \
	{                                                                                          \
		.offset = offsetof(struct audit_entry, member), .lines = (with_lines),             \
		.name = #member                                                                    \
	}
static const struct text_field fields[] = {
        FIELD(actor_kind, false),
        FIELD(actor_id, false),
        FIELD(actor_role, false),
        FIELD(actor_organisation, false),
        FIELD(session, false),
        FIELD(address, false),
        FIELD(request_id, false),
        FIELD(action, false),
        FIELD(target_kind, false),
        FIELD(customer, false),
        FIELD(purpose, true),
        FIELD(details, true),
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static const char *const outcome_names[AUDIT_OUTCOMES] = {
        [AUDIT_DONE] = "done",
        [AUDIT_BEGUN] = "begun",
        [AUDIT_FAILED] = "failed",
        [AUDIT_UNFINISHED] = "unfinished",
        [AUDIT_DENIED] = "denied",
        [AUDIT_NOT_FOUND] = "not-found",
};

const char *audit_outcome_name(enum audit_outcome outcome)
{
	return (unsigned)outcome < AUDIT_OUTCOMES ? outcome_names[outcome] : "";
}

/* The length of the valid UTF-8 character at p[0..len), NUL and controls included; 0 if none. */
static size_t character(const unsigned char *p, size_t len)
{
	unsigned c = p[0];

	if (c < 0x80)
		return 1;
	if (c < 0xc2)
		return 0;
	if (c < 0xe0)
		return len >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if (c < 0xf0) {
		if (len < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return 0;
		if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (c > 0xf4 || len < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
	        (p[3] & 0xc0) != 0x80)
		return 0;
	if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
		return 0;
	return 4;
}

/* As character(), and not a control character (C0, DEL, C1). */
static size_t plain_character(const unsigned char *p, size_t len, bool lines)
{
	size_t n = character(p, len);

	if (n == 1 && (p[0] < 0x20 || p[0] == 0x7f) && !(lines && (p[0] == '\n' || p[0] == '\t')))
		return 0;
	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	return n;
}

/* How many bytes from p on are printable ASCII: nearly all of nearly every text. Eight at a time:
 * none has its top bit, none is DEL, none is below a space. */
static size_t plain_ascii(const unsigned char *p, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t n = 0;

	for (; len - n >= 8; n += 8) {
		uint64_t word;
		memcpy(&word, p + n, sizeof(word));
		if (((word | (word + ones) | (word - 0x20 * ones)) & tops) != 0)
			break;
	}
	while (n < len && p[n] >= 0x20 && p[n] < 0x7f)
		n++;
	return n;
}

static bool plain_text(const unsigned char *p, size_t len, bool lines)
{
	while (len > 0) {
		size_t n = plain_ascii(p, len);
		if (n == 0)
			n = plain_character(p, len, lines);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

static void put_number(struct buf *out, uint64_t number, unsigned bytes)
{
	unsigned char b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (unsigned char)(number >> (8 * (bytes - 1 - i)));
	buf_append(out, b, bytes);
}

/* Two bytes of length, then the text: repaired and cut as the header says. */
static void put_text(struct buf *out, const char *text, bool lines)
{
	const unsigned char *p = (const unsigned char *)(text != NULL ? text : "");
	size_t left = strlen((const char *)p);
	size_t at = out->len;
	size_t used = 0;

	put_number(out, 0, 2);
	while (left > 0 && !out->failed) {
		size_t n =
		        plain_ascii(p, left < AUDIT_TEXT_MAX - used ? left : AUDIT_TEXT_MAX - used);
		size_t width;
		if (n == 0)
			n = plain_character(p, left, lines);
		width = n > 0 ? n : 3;
		if (used + width > AUDIT_TEXT_MAX)
			break;
		buf_append(out, n > 0 ? (const char *)p : "\xef\xbf\xbd", width);
		used += width;
		n = n > 0 ? n : 1;
		p += n;
		left -= n;
	}
	if (out->failed)
		return;
	out->data[at] = (char)(used >> 8);
	out->data[at + 1] = (char)(used & 0xff);
}

bool audit_body_encode(const struct audit_entry *entry, unsigned part, unsigned parts, size_t first,
        size_t count, struct buf *out, struct err *e)
{
	size_t start = out->len;

	if ((unsigned)entry->outcome >= AUDIT_OUTCOMES || part < 1 || part > parts ||
	        parts > UINT16_MAX || entry->begun < 0)
		return err_set(e, ERR_INTERNAL, "audit record: bad outcome, part or begun number");
	if (entry->action == NULL || entry->action[0] == '\0')
		return err_set(e, ERR_INTERNAL, "audit record: no action");
	if (count > AUDIT_RECORD_TARGETS)
		return err_set(e, ERR_LIMIT, "audit record: more than %d targets in a part",
		        AUDIT_RECORD_TARGETS);
	/* Half a JSON object would be worse than none. */
	if (entry->details != NULL && strlen(entry->details) > AUDIT_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "audit record: details of more than %d bytes",
		        AUDIT_TEXT_MAX);
	put_number(out, (unsigned)entry->outcome, 1);
	put_number(out, (uint64_t)entry->begun, 8);
	put_number(out, part, 2);
	put_number(out, parts, 2);
	for (size_t i = 0; i < FIELDS; i++) {
		const char *text;
		memcpy(&text, (const char *)entry + fields[i].offset, sizeof(text));
		put_text(out, text, fields[i].lines);
	}
	put_number(out, count, 2);
	for (size_t i = 0; i < count; i++)
		put_text(out, entry->targets[first + i], false);
	if (out->failed || out->len - start > AUDIT_BODY_MAX)
		return err_set(e, ERR_LIMIT, "audit record: larger than %d bytes", AUDIT_BODY_MAX);
	return true;
}

/* A reader over the bytes of a record. Once failed, it gives nothing more. */
struct reader {
	const unsigned char *p;
	size_t left;
	struct arena *arena; /* NULL: check only */
	const char *wrong;   /* what is wrong, or NULL */
	bool no_memory;
};

static bool fail(struct reader *r, const char *wrong)
{
	if (r->wrong == NULL)
		r->wrong = wrong;
	return false;
}

static uint64_t take_number(struct reader *r, unsigned bytes)
{
	uint64_t number = 0;

	if (r->wrong != NULL || r->left < bytes) {
		(void)fail(r, "it is cut off");
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		number = number << 8 | r->p[i];
	r->p += bytes;
	r->left -= bytes;
	return number;
}

static bool take_text(struct reader *r, bool lines, size_t max, const char **out, size_t *length)
{
	size_t len = (size_t)take_number(r, 2);

	if (r->wrong != NULL)
		return false;
	if (len > r->left)
		return fail(r, "a text is cut off");
	if (len > max)
		return fail(r, "a text is too long");
	if (!plain_text(r->p, len, lines))
		return fail(r, "a text is not plain UTF-8");
	if (r->arena != NULL) {
		*out = arena_copy(r->arena, (const char *)r->p, len);
		r->no_memory = r->no_memory || *out == NULL;
	}
	*length = len;
	r->p += len;
	r->left -= len;
	return true;
}

static void take_targets(struct reader *r, struct audit_entry *entry)
{
	size_t count = (size_t)take_number(r, 2);
	const char **targets = NULL;
	size_t length;

	if (count > AUDIT_RECORD_TARGETS) {
		(void)fail(r, "it has too many targets");
		return;
	}
	if (r->arena != NULL && r->wrong == NULL) {
		targets = arena_array(r->arena, count, sizeof(*targets));
		r->no_memory = r->no_memory || targets == NULL;
		if (targets == NULL)
			return;
	}
	for (size_t i = 0; i < count && r->wrong == NULL; i++) {
		const char *text = NULL;
		if (take_text(r, false, AUDIT_TEXT_MAX, &text, &length) && targets != NULL)
			targets[i] = text;
	}
	entry->targets = targets;
	entry->target_count = count;
}

static void take_body(struct reader *r, struct audit_record *out)
{
	struct audit_entry *entry = &out->entry;
	uint64_t outcome = take_number(r, 1);
	uint64_t begun = take_number(r, 8);
	size_t length;

	out->part = (unsigned)take_number(r, 2);
	out->parts = (unsigned)take_number(r, 2);
	if (outcome >= AUDIT_OUTCOMES)
		(void)fail(r, "its outcome is unknown");
	if (begun > INT64_MAX)
		(void)fail(r, "its begun number is too large");
	if (out->part < 1 || out->part > out->parts)
		(void)fail(r, "its part number is not one of its parts");
	entry->outcome = (enum audit_outcome)outcome;
	entry->begun = (int64_t)begun;
	for (size_t i = 0; i < FIELDS && r->wrong == NULL; i++) {
		const char *text = NULL;
		if (!take_text(r, fields[i].lines, AUDIT_TEXT_MAX, &text, &length))
			break;
		memcpy((char *)entry + fields[i].offset, &text, sizeof(text));
		if (fields[i].offset == offsetof(struct audit_entry, action) && length == 0)
			(void)fail(r, "it has no action");
	}
	take_targets(r, entry);
	if (r->left > 0)
		(void)fail(r, "bytes follow its end");
}

static bool verdict(const struct reader *r, struct err *e)
{
	if (r->wrong != NULL)
		return err_set(e, ERR_INVALID, "not an audit record: %s", r->wrong);
	if (r->no_memory)
		return err_set(e, ERR_MEMORY, "no memory for an audit record");
	return true;
}

bool audit_body_check(const void *body, size_t len, struct err *e)
{
	struct reader r = {.p = body, .left = len};
	struct audit_record record = {.part = 0};

	if (len > AUDIT_BODY_MAX)
		return err_set(e, ERR_LIMIT, "audit record: larger than %d bytes", AUDIT_BODY_MAX);
	take_body(&r, &record);
	return verdict(&r, e);
}

static bool head_text(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= AUDIT_NODE_MAX &&
	       plain_text((const unsigned char *)text, len, false);
}

bool audit_record_join(
        const struct audit_head *head, const void *body, size_t len, struct buf *out, struct err *e)
{
	size_t start = out->len;

	if (head->at < 0 || !head_text(head->node) || !head_text(head->source))
		return err_set(e, ERR_INVALID, "audit record: bad time, node or source");
	put_number(out, AUDIT_RECORD_VERSION, 1);
	put_number(out, (uint64_t)head->at, 8);
	put_text(out, head->node, false);
	put_text(out, head->source, false);
	buf_append(out, body, len);
	if (out->failed)
		return err_set(e, ERR_MEMORY, "no memory for an audit record");
	if (out->len - start > AUDIT_RECORD_MAX)
		return err_set(
		        e, ERR_LIMIT, "audit record: larger than %d bytes", AUDIT_RECORD_MAX);
	return true;
}

bool audit_record_decode(const void *record, size_t len, struct arena *arena,
        struct audit_record *out, struct err *e)
{
	struct reader r = {.p = record, .left = len, .arena = arena};
	uint64_t at;
	size_t node, source;

	*out = (struct audit_record){.part = 0};
	if (len > AUDIT_RECORD_MAX)
		return err_set(e, ERR_INVALID, "not an audit record: it is too large");
	if (take_number(&r, 1) != AUDIT_RECORD_VERSION)
		return err_set(
		        e, ERR_INVALID, "not an audit record of version %d", AUDIT_RECORD_VERSION);
	at = take_number(&r, 8);
	if (at > INT64_MAX)
		(void)fail(&r, "its time is too large");
	out->head.at = (int64_t)at;
	if (take_text(&r, false, AUDIT_NODE_MAX, &out->head.node, &node) &&
	        take_text(&r, false, AUDIT_NODE_MAX, &out->head.source, &source) &&
	        (node == 0 || source == 0))
		(void)fail(&r, "its node or source is empty");
	if (r.wrong == NULL && r.left > AUDIT_BODY_MAX)
		(void)fail(&r, "its body is too large");
	if (r.wrong == NULL)
		take_body(&r, out);
	return verdict(&r, e);
}

void audit_record_leaf(const void *record, size_t len, unsigned char leaf[CRYPTO_HASH])
{
	crypto_sha256_prefixed(0x00, record, len, leaf);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/intake_values.h"

#include "core/attention.h"
#include "lib/json.h"

#include <string.h>

enum { TEXT_MAX = 256 * 1024 };

static const struct json_limits stored_limits = {.bytes = TEXT_MAX, .depth = 4, .values = 20000};

/* Prints a document into the arena and frees it. ok: whether it was built whole. */
static const char *print(struct arena *arena, struct json *root, bool ok, struct err *e)
{
	struct buf b = BUF_INIT(TEXT_MAX);
	const char *text = NULL;

	if (ok && root != NULL && json_print(root, false, &b))
		text = arena_copy(arena, buf_text(&b), b.len);
	if (text == NULL)
		(void)err_set(e, ERR_MEMORY, "no memory for a report's values");
	buf_free(&b);
	json_free(root);
	return text;
}

static struct json *read(const char *stored, struct err *e)
{
	struct json *root = json_parse(stored, strlen(stored), &stored_limits, e);

	if (root == NULL && e->code != ERR_MEMORY)
		e->code = ERR_CORRUPT;
	if (root == NULL)
		(void)err_wrap(e, "values stored earlier");
	return root;
}

const char *intake_reasons_text(struct arena *arena, const struct report_device *d, struct err *e)
{
	struct json *root;
	bool ok;

	if (d->reason_count == 0)
		return "[]";
	root = json_new_array();
	ok = root != NULL;
	for (size_t i = 0; ok && i < d->reason_count; i++) {
		struct json *item = json_add_object(root, NULL);
		ok = item != NULL && json_add_string(item, "keyword", d->reasons[i].keyword) &&
		     json_add_string(
		             item, "severity", report_severity_name(d->reasons[i].severity));
	}
	return print(arena, root, ok, e);
}

const char *intake_codes_text(struct arena *arena, const struct report_device *d, struct err *e)
{
	struct json *root;
	bool ok;

	if (d->code_count == 0)
		return "[]";
	root = json_new_array();
	ok = root != NULL;
	for (size_t i = 0; ok && i < d->code_count; i++) {
		const struct report_code *code = &d->codes[i];
		const char *severity = report_severity_name(code->severity);
		struct json *item = json_add_object(root, NULL);
		ok = item != NULL &&
		     json_add_string(item, "code", code->code == NULL ? "" : code->code) &&
		     (severity == NULL || json_add_string(item, "severity", severity)) &&
		     (code->text == NULL || json_add_string(item, "text", code->text));
	}
	return print(arena, root, ok, e);
}

const char *intake_strings_text(
        struct arena *arena, const char *const *texts, size_t count, struct err *e)
{
	struct json *root;
	bool ok;

	if (count == 0)
		return "[]";
	root = json_new_array();
	ok = root != NULL;
	for (size_t i = 0; ok && i < count; i++)
		ok = json_add_string(root, NULL, texts[i]);
	return print(arena, root, ok, e);
}

const char *intake_amounts_text(
        struct arena *arena, const struct report_amount *amounts, size_t count, struct err *e)
{
	struct json *root;
	bool ok;

	if (count == 0)
		return "{}";
	root = json_new_object();
	ok = root != NULL;
	for (size_t i = 0; ok && i < count; i++)
		ok = json_add_double(root, amounts[i].color, amounts[i].ml);
	return print(arena, root, ok, e);
}

const char *intake_settings_text(
        struct arena *arena, const struct report_settings *settings, struct err *e)
{
	struct json *root = json_new_object();
	bool ok = root != NULL;

	for (size_t i = 0; ok && i < settings->count; i++) {
		const struct report_setting *s = &settings->items[i];
		if (s->type == REPORT_SETTING_NUMBER)
			ok = json_add_double(root, s->name, s->number);
		else if (s->type == REPORT_SETTING_BOOL)
			ok = json_add_bool(root, s->name, s->truth);
		else
			ok = json_add_string(root, s->name, s->text == NULL ? "" : s->text);
	}
	return print(arena, root, ok, e);
}

bool intake_settings_fingerprint(
        const struct report_device *d, unsigned char out[CRYPTO_FINGERPRINT], struct err *e)
{
	struct buf all = BUF_INIT(1 << 20);
	bool ok;

	for (int group = 0; group < REPORT_SETTING_GROUPS; group++) {
		const struct report_settings *s = &d->settings[group];
		buf_putc(&all, (char)group);
		for (size_t i = 0; i < s->count; i++) {
			const struct report_setting *setting = &s->items[i];
			/* NULs between the texts: none has one inside. */
			buf_append(&all, setting->name, strlen(setting->name) + 1);
			if (setting->text != NULL)
				buf_puts(&all, setting->text);
			buf_putc(&all, '\0');
			buf_append(&all, &setting->number, sizeof setting->number);
			buf_putc(&all, (char)(4 * setting->type + setting->truth));
		}
	}
	ok = !all.failed;
	if (ok)
		crypto_fingerprint(all.data, all.len, out);
	else
		(void)err_set(e, ERR_MEMORY, "no memory for settings");
	buf_free(&all);
	return ok;
}

/* ---- counters */

struct merge {
	struct arena *arena;
	struct json *root, *inks; /* being built */
	const struct json *old, *old_inks;
	struct intake_counters *out;
};

static const char *metric(struct arena *arena, const char *prefix, const char *name)
{
	size_t len = strlen(prefix), rest = strlen(name);
	char *text = arena_alloc(arena, len + rest + 1);

	if (text != NULL) {
		memcpy(text, prefix, len);
		memcpy(text + len, name, rest);
	}
	return text;
}

static bool put_number(struct merge *m, bool ink, const char *name, double value)
{
	struct intake_change *change = &m->out->all[m->out->count];
	const struct json *before = json_get(ink ? m->old_inks : m->old, name);

	change->metric = metric(m->arena, ink ? "counters.inkUsedMl." : "counters.", name);
	change->now = value;
	change->had = json_as_double(before, &change->before);
	m->out->count++;
	return change->metric != NULL && json_add_double(ink ? m->inks : m->root, name, value);
}

/* What the report does not say stays as it was. */
static bool keep_rest(struct json *to, const struct json *old, const char *except)
{
	for (const struct json *member = json_first(old); member != NULL;
	        member = json_next(member)) {
		const char *name = json_name(member);
		if (strcmp(name, except) != 0 && json_get(to, name) == NULL &&
		        !json_add_copy(to, name, member))
			return false;
	}
	return true;
}

static bool merge_counters(struct merge *m, const struct report_counters *now)
{
	const struct {
		const char *name;
		const struct report_int *value;
	} integers[] = {{"impressions", &now->impressions}, {"sheets", &now->sheets},
	        {"printTimeSeconds", &now->print_time_seconds}};

	for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
		if (integers[i].value->set &&
		        !put_number(m, false, integers[i].name, (double)integers[i].value->value))
			return false;
	if (now->print_area_m2.set &&
	        !put_number(m, false, "printAreaM2", now->print_area_m2.value))
		return false;
	if (!keep_rest(m->root, m->old, "inkUsedMl"))
		return false;
	if (now->ink_used_count == 0 && m->old_inks == NULL)
		return true;
	m->inks = json_add_object(m->root, "inkUsedMl");
	if (m->inks == NULL)
		return false;
	for (size_t i = 0; i < now->ink_used_count; i++)
		if (!put_number(m, true, now->ink_used[i].color, now->ink_used[i].ml))
			return false;
	return keep_rest(m->inks, m->old_inks, "");
}

bool intake_counters_merge(struct arena *arena, const char *stored,
        const struct report_counters *now, struct intake_counters *out, struct err *e)
{
	struct merge m = {.arena = arena, .out = out};
	struct json *old = read(stored, e);
	bool ok;

	*out = (struct intake_counters){.text = stored};
	if (old == NULL)
		return false;
	m.old = old;
	m.old_inks = json_get(old, "inkUsedMl");
	out->all = arena_array(arena, now->ink_used_count + 4, sizeof *out->all);
	m.root = json_new_object();
	ok = out->all != NULL && m.root != NULL && merge_counters(&m, now);
	json_free(old);
	out->text = print(arena, m.root, ok, e);
	return out->text != NULL;
}

/* ---- settings */

static const char *scalar_text(struct arena *arena, const struct json *value)
{
	bool truth;
	double number;
	int64_t integer;

	if (value == NULL)
		return NULL;
	if (json_as_string(value) != NULL)
		return arena_strdup(arena, json_as_string(value));
	if (json_as_bool(value, &truth))
		return truth ? "true" : "false";
	if (json_as_i64(value, &integer))
		return arena_printf(arena, "%lld", (long long)integer);
	return json_as_double(value, &number) ? arena_printf(arena, "%g", number) : "";
}

bool intake_settings_diff(struct arena *arena, const char *stored, const char *now,
        struct intake_setting **out, size_t *count, struct err *e)
{
	struct json *old = read(stored, e), *fresh = old == NULL ? NULL : read(now, e);
	struct intake_setting *list = NULL;
	bool ok = false;

	*count = 0;
	if (fresh == NULL)
		goto free_documents;
	list = arena_array(arena, json_count(old) + json_count(fresh) + 1, sizeof *list);
	if (list == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for settings");
		goto free_documents;
	}
	for (const struct json *m = json_first(fresh); m != NULL; m = json_next(m)) {
		const char *before = scalar_text(arena, json_get(old, json_name(m))),
		           *value = scalar_text(arena, m);
		if (before != NULL && value != NULL && strcmp(before, value) == 0)
			continue;
		list[(*count)++] = (struct intake_setting){
		        .name = arena_strdup(arena, json_name(m)), .before = before, .now = value};
	}
	for (const struct json *m = json_first(old); m != NULL; m = json_next(m))
		if (json_get(fresh, json_name(m)) == NULL)
			list[(*count)++] =
			        (struct intake_setting){.name = arena_strdup(arena, json_name(m)),
			                .before = scalar_text(arena, m)};
	ok = true;
	for (size_t i = 0; i < *count; i++)
		if (list[i].name == NULL)
			ok = err_set(e, ERR_MEMORY, "no memory for settings");
free_documents:
	json_free(old);
	json_free(fresh);
	*out = list;
	return ok;
}

/* ---- reasons and list columns */

bool intake_reasons_read(struct arena *arena, const char *stored, struct intake_reason **out,
        size_t *count, struct err *e)
{
	struct json *root;

	*out = NULL;
	*count = 0;
	if (strcmp(stored, "[]") == 0)
		return true;
	root = read(stored, e);
	if (root == NULL)
		return false;
	*out = arena_array(arena, json_count(root) + 1, sizeof **out);
	for (const struct json *m = *out == NULL ? NULL : json_first(root); m != NULL;
	        m = json_next(m)) {
		const char *keyword = json_as_string(json_get(m, "keyword"));
		const char *severity = json_as_string(json_get(m, "severity"));
		if (keyword == NULL || severity == NULL)
			continue;
		(*out)[*count].keyword = arena_strdup(arena, keyword);
		(*out)[*count].severity = arena_strdup(arena, severity);
		if ((*out)[*count].keyword == NULL || (*out)[*count].severity == NULL) {
			*out = NULL;
			break;
		}
		(*count)++;
	}
	json_free(root);
	return *out != NULL || err_set(e, ERR_MEMORY, "no memory for a device's reasons");
}

void intake_columns_state(struct intake_columns *c, const char *state,
        const struct intake_reason *reasons, size_t count)
{
	*c = (struct intake_columns){.state = state, .attention_text = "", .lowest_supply = -1};
	for (size_t i = 0; i < count; i++) {
		int64_t attention = device_attention_of(reasons[i].keyword, reasons[i].severity);
		if (attention > c->attention) {
			c->attention = attention;
			c->attention_text = reasons[i].keyword;
		}
	}
	if (strcmp(state, "stopped") == 0 && c->attention < DEVICE_ATTENTION_ERROR) {
		c->attention = DEVICE_ATTENTION_ERROR;
		if (*c->attention_text == '\0')
			c->attention_text = "other";
	}
}

void intake_columns_supply(struct intake_columns *c, int percent)
{
	if (percent < 0 || (c->lowest_supply >= 0 && percent >= c->lowest_supply))
		return;
	c->lowest_supply = percent;
	if (percent <= INTAKE_SUPPLY_LOW && c->attention <= DEVICE_ATTENTION_WARNING &&
	        (c->attention < DEVICE_ATTENTION_WARNING ||
	                strncmp(c->attention_text, "marker-supply-", 14) == 0)) {
		c->attention = DEVICE_ATTENTION_WARNING;
		c->attention_text = percent <= INTAKE_SUPPLY_EMPTY ? "marker-supply-empty"
		                                                   : "marker-supply-low";
	}
}

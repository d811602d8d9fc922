/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c: which device this is: maker, model, serial number, and the identity made of them. */
#include "agents/dc/charset.h"
#include "agents/dc/device.h"
#include "lib/crypto.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { SERIAL_MIN = 4, SERIAL_MAX = 64, MAKER_MAX = 64, EPSON = 1248, HP = 11 };

static const char sys_descr[] = "1.3.6.1.2.1.1.1.0";
static const char sys_object_id[] = "1.3.6.1.2.1.1.2.0";
static const char hr_device_descr[] = "1.3.6.1.2.1.25.3.2.1.3";
static const char printer_name[] = "1.3.6.1.2.1.43.5.1.1.16";
static const char serial_number[] = "1.3.6.1.2.1.43.5.1.1.17";
static const char entity_serial[] = "1.3.6.1.2.1.47.1.1.1.1.11";
static const char if_type[] = "1.3.6.1.2.1.2.2.1.3";
static const char if_address[] = "1.3.6.1.2.1.2.2.1.6";

/* Enterprise numbers (IANA), the maker's name as we show it, and how else it writes itself. */
static const struct maker {
	uint32_t enterprise;
	const char *name;
	const char *aliases[3];
} makers[] = {
        {EPSON, "EPSON", {"SEIKO EPSON"}},
        {HP, "HP", {"Hewlett-Packard", "Hewlett Packard"}},
        {2435, "Brother", {"Brother Industries"}},
        {1347, "Kyocera", {"KYOCERA Document Solutions", "Kyocera Mita", "TA_UTAX"}},
        {367, "RICOH", {"Ricoh Company"}},
        {1602, "Canon", {"Canon Inc."}},
        {641, "Lexmark", {"Lexmark International"}},
        {253, "Xerox", {"Xerox Corporation"}},
        {18334, "KONICA MINOLTA", {"Konica-Minolta"}},
        {2385, "SHARP", {"Sharp Corporation"}},
        {236, "Samsung", {"Samsung Electronics"}},
        {2001, "OKI", {"OKI DATA CORP", "OKI DATA"}},
        {297, "FUJIFILM", {"FUJI XEROX"}},
        {674, "Dell", {"Dell Inc."}},
        {10642, "Zebra", {"Zebra Technologies"}},
        {1129, "Toshiba", {"TOSHIBA TEC"}},
};
enum { MAKERS = sizeof makers / sizeof makers[0] };

/* Where the IEEE 1284 device id may be; the first that tells is taken. */
static const char *const device_ids[] = {
        "1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1",
        "1.3.6.1.4.1.11.2.3.9.1.1.7.0",
        "1.3.6.1.4.1.1248.1.2.2.1.1.1.1.1",
        "1.3.6.1.4.1.641.2.1.2.1.3.1",
        "1.3.6.1.4.1.367.3.2.1.1.1.11.0",
        "1.3.6.1.4.1.10642.1.3.0",
        "1.3.6.1.4.1.128.2.1.3.1.2.0",
};

/* Where makers keep serial number and firmware. skip: octets in front that are no text. */
static const struct vendor_value {
	uint32_t enterprise;
	const char *oid;
	size_t skip;
} vendor_serials[] =
        {
                {EPSON, "1.3.6.1.4.1.1248.1.2.2.1.1.1.5.1", 0},
                {EPSON, "1.3.6.1.4.1.1248.1.2.2.2.1.1.2.1.2", 0},
                {2435, "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0", 0},
                {1347, "1.3.6.1.4.1.1347.43.5.1.1.28.1", 0},
                {367, "1.3.6.1.4.1.367.3.2.1.2.1.4.0", 0},
                {HP, "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.0", 2}, /* PML: a symbol set first */
},
  vendor_firmware[] = {
          {EPSON, "1.3.6.1.4.1.1248.1.2.2.2.1.1.2.1.4", 0},
          {EPSON, "1.3.6.1.4.1.1248.1.2.2.2.1.1.2.1.1", 0},
          {1347, "1.3.6.1.4.1.1347.43.5.4.1.5.1.1", 0},
          {367, "1.3.6.1.4.1.367.3.2.1.1.1.2.0", 0},
};

static const char *value_text(const struct device_view *view, const char *oid)
{
	return charset_value(view->arena, CHARSET_UNKNOWN, mib_find(view->mib, oid));
}

/* ---- IEEE 1284 device id: "KEY:value;" pairs */

static const struct mib_value *find_device_id(const struct device_view *view)
{
	for (size_t i = 0; i < sizeof device_ids / sizeof device_ids[0]; i++) {
		const struct mib_value *v = mib_find(view->mib, device_ids[i]);

		if (v && v->type == MIB_OCTETS && memchr(v->octets, ':', v->len))
			return v;
	}
	return NULL;
}

/* The value of one of two keys (any case), as text; NULL: not there. */
static const char *device_id_value(
        const struct device_view *view, const struct mib_value *id, const char *a, const char *b)
{
	size_t at = 0;

	/* Some put IEEE 1284's two length octets in front. */
	while (id && at < id->len && at < 2 && !isalpha(id->octets[at]))
		at++;
	while (id && at < id->len) {
		const char *pair = (const char *)id->octets + at;
		const char *end = memchr(pair, ';', id->len - at);
		size_t len = end ? (size_t)(end - pair) : id->len - at;
		const char *colon;

		at += len + 1;
		while (len > 0 && isspace((unsigned char)*pair)) {
			pair++;
			len--;
		}
		colon = memchr(pair, ':', len);
		if (!colon)
			continue;
		if (((size_t)(colon - pair) == strlen(a) && strncasecmp(pair, a, strlen(a)) == 0) ||
		        ((size_t)(colon - pair) == strlen(b) &&
		                strncasecmp(pair, b, strlen(b)) == 0))
			return charset_text(view->arena, CHARSET_UNKNOWN, colon + 1,
			        len - (size_t)(colon + 1 - pair));
	}
	return NULL;
}

/* ---- maker */

/* Whether text begins with this word (any case), and where the rest begins. */
static const char *after_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (n == 0 || strncasecmp(text, word, n) != 0 || isalnum((unsigned char)text[n]))
		return NULL;
	text += n;
	while (*text == ' ' || *text == '_' || *text == ',')
		text++;
	return text;
}

static const char *after_maker(const char *text, const struct maker *maker)
{
	const char *rest;

	for (size_t i = 0; i < 3 && maker->aliases[i]; i++) {
		if ((rest = after_word(text, maker->aliases[i])))
			return rest;
	}
	return after_word(text, maker->name);
}

static const struct maker *maker_by_text(const char *text)
{
	for (size_t i = 0; text && i < MAKERS; i++) {
		if (after_maker(text, &makers[i]))
			return &makers[i];
	}
	return NULL;
}

static uint32_t enterprise(const struct device_view *view)
{
	const struct mib_value *v = mib_find(view->mib, sys_object_id);
	struct oid enterprises;

	if (!v || v->type != MIB_OBJECT || !oid_parse("1.3.6.1.4.1", &enterprises) ||
	        !oid_under(&enterprises, v->object) || v->object->len <= enterprises.len)
		return 0;
	return v->object->ids[enterprises.len];
}

static const struct maker *maker_by_enterprise(uint32_t number)
{
	for (size_t i = 0; number && i < MAKERS; i++) {
		if (makers[i].enterprise == number)
			return &makers[i];
	}
	return NULL;
}

/* ---- serial number */

/* What stands where nothing was ever written. */
static bool is_placeholder(const char *text)
{
	static const char *const words[] = {"unknown", "none", "null", "n/a", "not available",
	        "not set", "not specified", "serial number", "default", "generic"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strncasecmp(text, words[i], strlen(words[i])) == 0)
			return true;
	}
	return text[0] == '<';
}

static bool is_serial(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len < SERIAL_MIN || len > SERIAL_MAX || is_placeholder(text))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)text[i]))
			return false;
	}
	return strspn(text, (const char[]){text[0], '\0'}) != len; /* "00000000", "XXXXXXXX" */
}

static const char *serial_or_null(const char *text)
{
	return is_serial(text) ? text : NULL;
}

/* Epson's inkjets write the serial number of the 1284 id as hexadecimal digits of ASCII. */
static const char *unhex(const struct device_view *view, const char *text)
{
	unsigned char plain[SERIAL_MAX];
	size_t len = 0;

	if (!crypto_hex_decode(text, strlen(text), plain, sizeof plain, &len) || len < SERIAL_MIN)
		return text;
	for (size_t i = 0; i < len; i++) {
		if (plain[i] > 0x7e || !isalnum(plain[i]))
			return text;
	}
	return arena_copy(view->arena, (const char *)plain, len);
}

static const char *device_id_serial(
        const struct device_view *view, const struct mib_value *id, uint32_t number)
{
	const char *text = device_id_value(view, id, "SN", "SERN");

	if (!text)
		text = device_id_value(view, id, "SER", "SERIALNUMBER");
	if (text && number == EPSON)
		text = unhex(view, text);
	return serial_or_null(text);
}

static const char *entity_text(const struct device_view *view, const char *column)
{
	for (const struct mib_value *v = NULL; (v = mib_next(view->mib, column, v));) {
		const char *text = charset_value(view->arena, CHARSET_UNKNOWN, v);

		if (text && !is_placeholder(text))
			return text;
	}
	return NULL;
}

/* What follows `mark` in text, up to a comma, semicolon or blank; NULL: not there. */
static const char *marked(const struct device_view *view, const char *text, const char *mark)
{
	const char *at = text ? strstr(text, mark) : NULL;

	if (!at || (isalnum((unsigned char)*mark) && at > text && isalnum((unsigned char)at[-1])))
		return NULL;
	at += strlen(mark);
	at += strspn(at, ": ");
	return arena_copy(view->arena, at, strcspn(at, ",; "));
}

static const char *vendor_text(const struct device_view *view, uint32_t number,
        const struct vendor_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct mib_value *v =
		        values[i].enterprise == number ? mib_find(view->mib, values[i].oid) : NULL;
		const char *text;

		if (!v || v->type != MIB_OCTETS || v->len <= values[i].skip)
			continue;
		text = charset_text(view->arena, CHARSET_UNKNOWN, v->octets + values[i].skip,
		        v->len - values[i].skip);
		if (text && !is_placeholder(text))
			return text;
	}
	return NULL;
}

static const char *find_serial(
        const struct device_view *view, const struct mib_value *id, uint32_t number)
{
	const char *descr = value_text(view, sys_descr), *serial;

	if ((serial = serial_or_null(device_text(view, serial_number))) ||
	        (serial = device_id_serial(view, id, number)) ||
	        (serial = serial_or_null(entity_text(view, entity_serial))) ||
	        (serial = serial_or_null(marked(view, descr, "SN:"))) ||
	        (serial = serial_or_null(marked(view, descr, "S/N"))))
		return serial;
	if (view->has_st2 && is_serial(view->st2.serial))
		return arena_strdup(view->arena, view->st2.serial);
	return serial_or_null(vendor_text(
	        view, number, vendor_serials, sizeof vendor_serials / sizeof vendor_serials[0]));
}

/* ---- model */

/* Without the maker's name in front, without a serial number behind. NULL: nothing left. */
static const char *clean_model(
        const struct device_view *view, const char *text, const char *maker, const char *serial)
{
	const struct maker *known = maker_by_text(maker);
	const char *rest, *head, *at;

	if (!text || is_placeholder(text))
		return NULL;
	while ((rest = known ? after_maker(text, known) : after_word(text, maker)) && *rest)
		text = rest;
	head = serial ? arena_copy(view->arena, serial, strcspn(serial, "-")) : NULL;
	at = head && strlen(head) >= SERIAL_MIN ? strstr(text, head) : NULL;
	if (at && at > text && at[-1] == ' ')
		text = arena_copy(view->arena, text, (size_t)(at - 1 - text));
	return text && *text ? text : NULL;
}

/* sysDescr is a soup: the product if it says so, else what stands in front of the first break. */
static const char *descr_model(const struct device_view *view)
{
	const char *text = value_text(view, sys_descr), *at;
	static const char *const breaks[] = {
	        " / ", ";", ",", " version ", " Version ", " Ver.", " V1", " V2"};
	size_t len;

	if (!text)
		return NULL;
	if ((at = strstr(text, "PID:")))
		return arena_copy(view->arena, at + 4, strcspn(at + 4, ",;"));
	len = strlen(text);
	for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
		at = strstr(text, breaks[i]);
		if (at && at > text && (size_t)(at - text) < len)
			len = (size_t)(at - text);
	}
	/* "MP C2503 1.35": a version number at the end is not the model's. */
	for (at = text + len; at > text && (isdigit((unsigned char)at[-1]) || at[-1] == '.');)
		at--;
	if (at > text + 1 && at[-1] == ' ' && memchr(at, '.', (size_t)(text + len - at)))
		len = (size_t)(at - 1 - text);
	return arena_copy(view->arena, text, len);
}

static const char *find_model(const struct device_view *view, const struct mib_value *id,
        const char *maker, const char *serial)
{
	const char *m = maker ? maker : "", *model;

	if ((model = clean_model(view, device_text(view, hr_device_descr), m, serial)) ||
	        (model = clean_model(view, device_id_value(view, id, "MDL", "MODEL"), m, serial)) ||
	        (model = clean_model(view, device_text(view, printer_name), m, serial)))
		return model;
	return clean_model(view, descr_model(view), m, serial);
}

/* ---- firmware */

static const char *find_firmware(const struct device_view *view, uint32_t number)
{
	static const char *const marks[] = {"Firmware Ver.", " version ", ",FN:"};
	const char *descr = value_text(view, sys_descr), *text;

	text = vendor_text(
	        view, number, vendor_firmware, sizeof vendor_firmware / sizeof vendor_firmware[0]);
	if (!text)
		text = entity_text(view, "1.3.6.1.2.1.47.1.1.1.1.9");
	if (!text)
		text = entity_text(view, "1.3.6.1.2.1.47.1.1.1.1.10");
	for (size_t i = 0; !text && i < sizeof marks / sizeof marks[0]; i++)
		text = marked(view, descr, marks[i]);
	return text && *text ? text : NULL;
}

/* ---- MAC address */

/* 6 ethernet-csmacd, 7 iso88023, 62 fast, 69 fastFx, 71 wireless, 117 gigabit (IANAifType). */
static bool is_real_interface(int64_t type)
{
	return type == 0 || type == 6 || type == 7 || type == 62 || type == 69 || type == 71 ||
	       type == 117;
}

/* Whether it is up plays no part: an identity must not change with a cable. */
static const char *find_mac(const struct device_view *view)
{
	for (const struct mib_value *v = NULL; (v = mib_next(view->mib, if_address, v));) {
		static const unsigned char zero[6], ones[6] = {255, 255, 255, 255, 255, 255};
		const unsigned char *a = v->octets;

		if (v->type != MIB_OCTETS || v->len != 6 || memcmp(a, zero, 6) == 0 ||
		        memcmp(a, ones, 6) == 0)
			continue;
		if (!is_real_interface(
		            mib_number(mib_cell(view->mib, if_type, mib_index(v, 0)), 0)))
			continue;
		return arena_printf(view->arena, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2],
		        a[3], a[4], a[5]);
	}
	return NULL;
}

/* ---- identity */

static const char *serial_identity(
        const struct device_view *view, const char *maker, const char *serial)
{
	char *text =
	        arena_printf(view->arena, "%s%s%s", maker ? maker : "", maker ? " " : "", serial);

	for (char *p = text; p && *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return text;
}

static bool set_identity(const struct device_view *view, const char *agent_id, const char *entry,
        struct report_device *out)
{
	const char *mac = out->serial_number ? NULL : find_mac(view);

	if (out->serial_number) {
		out->identity_kind = REPORT_SERIAL;
		out->identity = serial_identity(view, out->manufacturer, out->serial_number);
	} else if (mac) {
		out->identity_kind = REPORT_MAC;
		out->identity = mac;
	} else {
		out->identity_kind = REPORT_ENTRY;
		out->identity = arena_printf(view->arena, "%s/%s", agent_id, entry);
	}
	out->entry = arena_strdup(view->arena, entry);
	return out->identity && out->entry;
}

bool identity_fill(const struct device_view *view, const char *agent_id, const char *entry,
        struct report_device *out)
{
	const struct mib_value *id = find_device_id(view);
	const char *mfg = device_id_value(view, id, "MFG", "MANUFACTURER");
	uint32_t number = enterprise(view);
	const struct maker *maker = maker_by_text(mfg);

	if (mfg && strlen(mfg) > MAKER_MAX)
		mfg = NULL; /* no name is so long; it would not fit into the identity */
	if (!maker && !mfg)
		maker = maker_by_enterprise(number);
	if (!maker && !mfg)
		maker = maker_by_text(device_text(view, hr_device_descr));
	if (!maker && !mfg)
		maker = maker_by_text(value_text(view, sys_descr));
	out->manufacturer = maker ? maker->name : mfg;
	if (!number && maker)
		number = maker->enterprise;
	out->serial_number = find_serial(view, id, number);
	out->model = find_model(view, id, out->manufacturer, out->serial_number);
	out->firmware_version = find_firmware(view, number);
	return set_identity(view, agent_id, entry, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/accounts.h"

#include "core/grants.h"
#include "core/organisations.h"
#include "core/rows.h"
#include "core/sessions.h"

#include <stdlib.h>
#include <string.h>

enum {
	ORGANISATION_KIND,
	INSERT,
	INSERT_KEY,
	INSERT_PASSWORD,
	FIND,
	FIND_BY_INDEX,
	LIST,
	NAME,
	CREDENTIAL,
	ID_OF,
	DROP_PASSWORD,
	RAISE_VERSION,
	PASSWORD_USED,
	REPLACE_HASH,
	SUSPEND,
	RESUME,
	REMOVE,
	DROP_CREDENTIALS,
};

/* Columns of an account that is read whole; the left joins keep erased people visible. */
#define SELECT                                                                                     \
	"SELECT a.id, a.public_id, a.organisation_id, o.public_id, o.name, a.role, a.language,"    \
	" a.time_zone, a.created_at, a.suspended_at, a.rights_version, a.sealed_sign_in_name,"     \
	" a.sealed_display_name, a.sealed_mail, k.wrapped FROM account a"                          \
	" JOIN organisation o ON o.id = a.organisation_id"                                         \
	" LEFT JOIN person_key k ON k.account_id = a.id WHERE a.removed_at IS NULL"
#define SELECT_OUT "ititttttiIibbBB"

static const struct sql_statement statements[] = {
        [ORGANISATION_KIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = "t",
                .text = "SELECT kind FROM organisation WHERE id = $1 AND ended_at IS NULL"},
        [INSERT] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "titbbbBtti",
                .out = "i",
                .text = "INSERT INTO account (public_id, organisation_id, role,"
                        " sign_in_name_index, sealed_sign_in_name, sealed_display_name,"
                        " sealed_mail, language, time_zone, created_at)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id"},
        [INSERT_KEY] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ib",
                .out = "",
                .text = "INSERT INTO person_key (account_id, wrapped) VALUES ($1, $2)"},
        [INSERT_PASSWORD] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ibi",
                .out = "",
                .text = "INSERT INTO credential (account_id, kind, sealed, created_at)"
                        " VALUES ($1, 'password', $2, $3)"},
        [FIND] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = SELECT_OUT,
                .text = SELECT " AND a.public_id = $1"},
        [FIND_BY_INDEX] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "b",
                .out = SELECT_OUT,
                .text = SELECT " AND a.sign_in_name_index = $1"},
        [LIST] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "i",
                .out = SELECT_OUT,
                .text = SELECT " AND a.organisation_id = $1"},
        [NAME] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = "bb",
                .text = "SELECT a.sealed_display_name, k.wrapped FROM account a"
                        " JOIN person_key k ON k.account_id = a.id WHERE a.public_id = $1"},
        [CREDENTIAL] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "b",
                .out = "itttiiB",
                .text = "SELECT a.id, a.public_id, o.public_id, a.role,"
                        " a.suspended_at IS NULL AND o.ended_at IS NULL, a.rights_version,"
                        " c.sealed FROM account a"
                        " JOIN organisation o ON o.id = a.organisation_id"
                        " LEFT JOIN credential c ON c.account_id = a.id AND c.kind = 'password'"
                        " WHERE a.sign_in_name_index = $1 AND a.removed_at IS NULL"},
        [ID_OF] = {.role = SQL_READ,
                .store = SQL_CORE,
                .in = "t",
                .out = "i",
                .text = "SELECT id FROM account WHERE public_id = $1 AND removed_at IS NULL"},
        [DROP_PASSWORD] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "i",
                .out = "",
                .text = "DELETE FROM credential WHERE account_id = $1 AND kind = 'password'"},
        [RAISE_VERSION] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "i",
                .out = "",
                .text = "UPDATE account SET rights_version = rights_version + 1 WHERE id = $1"},
        [PASSWORD_USED] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ii",
                .out = "",
                .text = "UPDATE credential SET used_at = $2"
                        " WHERE account_id = $1 AND kind = 'password'"},
        [REPLACE_HASH] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ib",
                .out = "",
                .text = "UPDATE credential SET sealed = $2"
                        " WHERE account_id = $1 AND kind = 'password'"},
        [SUSPEND] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ti",
                .out = "",
                .text = "UPDATE account SET suspended_at = $2,"
                        " rights_version = rights_version + 1"
                        " WHERE public_id = $1 AND removed_at IS NULL AND suspended_at IS NULL"},
        [RESUME] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "t",
                .out = "",
                .text = "UPDATE account SET suspended_at = NULL,"
                        " rights_version = rights_version + 1 WHERE public_id = $1"
                        " AND removed_at IS NULL AND suspended_at IS NOT NULL"},
        [REMOVE] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "ii",
                .out = "",
                .text = "UPDATE account SET removed_at = $2,"
                        " rights_version = rights_version + 1 WHERE id = $1"},
        [DROP_CREDENTIALS] = {.role = SQL_WRITE,
                .store = SQL_CORE,
                .in = "i",
                .out = "",
                .text = "DELETE FROM credential WHERE account_id = $1"},
};

const struct sql_table accounts_sql = {
        "accounts", statements, sizeof statements / sizeof statements[0]};

static const char *const sealed_columns[] = {
        "sealed_sign_in_name", "sealed_display_name", "sealed_mail"};
enum { SIGN_IN_NAME, DISPLAY_NAME, MAIL, SEALED_COLUMNS };

static bool role_fits(const char *kind, enum role role)
{
	switch (role) {
	case ROLE_CUSTOMER_VIEWER:
	case ROLE_CUSTOMER_ADMIN:
		return strcmp(kind, "customer") == 0;
	case ROLE_TECHNICIAN:
	case ROLE_PARTNER_ADMIN:
		return strcmp(kind, "partner") == 0;
	case ROLE_OPERATOR_ADMIN:
	case ROLE_AUDITOR:
		return strcmp(kind, "operator") == 0;
	default:
		return false;
	}
}

static bool check_new(struct sql_conn *conn, struct arena *arena, const struct account_new *account,
        struct err *e)
{
	const char *kind = NULL;
	bool found = false;

	if (!organisations_name_valid(account->display_name, "the person's name", e) ||
	        !organisations_name_valid(account->sign_in_name, "the sign-in name", e) ||
	        (account->mail != NULL &&
	                !organisations_name_valid(account->mail, "the mail address", e)))
		return false;
	if (!sql_one(conn, &statements[ORGANISATION_KIND],
	            SQL_ARGS(SQL_I(account->organisation_id)), SQL_INTO(SQL_INTO_T(arena, &kind)),
	            &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "there is no such organisation");
	if (!role_fits(kind, account->role))
		return err_set(e, ERR_INVALID, "people of a %s are %s", kind,
		        strcmp(kind, "customer") == 0  ? "customer-viewer or customer-admin"
		        : strcmp(kind, "partner") == 0 ? "technician or partner-admin"
		                                       : "operator-admin or auditor");
	return true;
}

/* The three personal texts, sealed under a new data key. A NULL text gives a NULL column. */
static bool seal_new(struct arena *arena, const struct keys *keys,
        const struct account_new *account, unsigned char wrapped[PERSON_WRAPPED],
        struct sealed out[SEALED_COLUMNS], struct err *e)
{
	const char *const texts[SEALED_COLUMNS] = {[SIGN_IN_NAME] = account->sign_in_name,
	        [DISPLAY_NAME] = account->display_name,
	        [MAIL] = account->mail};
	struct person_key key;
	bool ok = true;

	people_new_key(keys, account->public_id, &key, wrapped);
	for (size_t i = 0; ok && i < SEALED_COLUMNS; i++) {
		struct sealed_place place = {"account", sealed_columns[i], account->public_id};

		out[i] = (struct sealed){NULL, 0};
		if (texts[i] != NULL)
			ok = people_seal(arena, &key, &place, texts[i], &out[i], e);
	}
	people_forget(&key);
	return ok;
}

static struct sql_value blob_or_null(const struct sealed *sealed)
{
	return sealed->data != NULL ? SQL_B(sealed->data, sealed->len) : SQL_NULL;
}

static bool insert(struct sql_conn *write, struct arena *arena, const struct keys *keys,
        const struct account_new *account, int64_t *id, struct err *e)
{
	unsigned char wrapped[PERSON_WRAPPED], index[PERSON_INDEX];
	struct sealed sealed[SEALED_COLUMNS];

	if (!check_new(write, arena, account, e) ||
	        !people_index(keys, account->sign_in_name, index, e) ||
	        !seal_new(arena, keys, account, wrapped, sealed, e))
		return false;
	if (!sql_one(write, &statements[INSERT],
	            SQL_ARGS(SQL_T(account->public_id), SQL_I(account->organisation_id),
	                    SQL_T(role_name(account->role)), SQL_B(index, sizeof index),
	                    blob_or_null(&sealed[SIGN_IN_NAME]),
	                    blob_or_null(&sealed[DISPLAY_NAME]), blob_or_null(&sealed[MAIL]),
	                    SQL_T(account->language != NULL ? account->language : "en"),
	                    SQL_T(account->time_zone != NULL ? account->time_zone : "UTC"),
	                    SQL_I(account->now)),
	            SQL_INTO(SQL_INTO_I(id)), NULL, e)) {
		if (e != NULL && e->code == ERR_CONFLICT)
			return err_set(e, ERR_CONFLICT, "the sign-in name is taken");
		return false;
	}
	if (!sql_do(write, &statements[INSERT_KEY],
	            SQL_ARGS(SQL_I(*id), SQL_B(wrapped, sizeof wrapped)), NULL, e))
		return false;
	if (account->sealed_password == NULL)
		return true;
	return sql_do(write, &statements[INSERT_PASSWORD],
	        SQL_ARGS(SQL_I(*id), SQL_B(account->sealed_password, PASSWORD_SEALED),
	                SQL_I(account->now)),
	        NULL, e);
}

bool accounts_add(struct sql_conn *write, const struct keys *keys,
        const struct account_new *account, int64_t *id, struct err *e)
{
	struct arena *arena = arena_new(32 << 10);
	int64_t key = 0;
	bool ok;

	if (arena == NULL)
		return err_set(e, ERR_MEMORY, "no memory for an account");
	ok = insert(write, arena, keys, account, &key, e);
	arena_free(arena);
	if (ok && id != NULL)
		*id = key;
	return ok;
}

/* A row of SELECT before it is opened. */
struct closed {
	struct account account;
	struct sealed sealed[SEALED_COLUMNS];
	struct sealed wrapped;
};

/* The next row; as sql_next(). */
static int next_closed(
        struct sql_cursor *cursor, struct arena *arena, struct closed *row, struct err *e)
{
	struct account *a = &row->account;
	const char *role = NULL;
	int got;

	*row = (struct closed){0};
	got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&a->id), SQL_INTO_T(arena, &a->public_id),
	                SQL_INTO_I(&a->organisation_id),
	                SQL_INTO_T(arena, &a->organisation_public_id),
	                SQL_INTO_T(arena, &a->organisation_name), SQL_INTO_T(arena, &role),
	                SQL_INTO_T(arena, &a->language), SQL_INTO_T(arena, &a->time_zone),
	                SQL_INTO_I(&a->created_at), SQL_INTO_I(&a->suspended_at),
	                SQL_INTO_I(&a->rights_version),
	                SQL_INTO_B(arena, &row->sealed[0].data, &row->sealed[0].len),
	                SQL_INTO_B(arena, &row->sealed[1].data, &row->sealed[1].len),
	                SQL_INTO_B(arena, &row->sealed[2].data, &row->sealed[2].len),
	                SQL_INTO_B(arena, &row->wrapped.data, &row->wrapped.len)),
	        e);
	a->role = role_from_name(role);
	return got;
}

/* Opens the personal columns. Without a data key (erased) they stay NULL. */
static bool open_row(
        struct arena *arena, const struct keys *keys, struct closed *row, struct err *e)
{
	char *texts[SEALED_COLUMNS] = {NULL};
	struct person_key key;
	bool ok = true;

	if (row->wrapped.data == NULL)
		return true;
	if (!people_unwrap(
	            keys, row->account.public_id, row->wrapped.data, row->wrapped.len, &key, e))
		return false;
	for (size_t i = 0; ok && i < SEALED_COLUMNS; i++) {
		struct sealed_place place = {"account", sealed_columns[i], row->account.public_id};

		if (row->sealed[i].data != NULL)
			ok = people_open(arena, &key, &place, row->sealed[i].data,
			        row->sealed[i].len, &texts[i], e);
	}
	people_forget(&key);
	row->account.sign_in_name = texts[SIGN_IN_NAME];
	row->account.display_name = texts[DISPLAY_NAME];
	row->account.mail = texts[MAIL];
	return ok;
}

/* Reads the rows of a cursor (ended here), opened. */
static bool read_rows(struct sql_cursor *cursor, const struct keys *keys, struct arena *arena,
        struct account **list, size_t *count, struct err *e)
{
	struct rows rows = ROWS_INIT(arena, sizeof(struct account));
	struct closed row;
	int got = -1;

	if (cursor == NULL)
		return false;
	while ((got = next_closed(cursor, arena, &row, e)) == 1) {
		if (!open_row(arena, keys, &row, e) || !rows_add(&rows, &row.account, e)) {
			got = -1;
			break;
		}
	}
	sql_end(cursor);
	*list = rows.items;
	*count = rows.count;
	return got == 0;
}

static bool read_one(struct sql_cursor *cursor, const struct keys *keys, struct arena *arena,
        struct account *out, struct err *e)
{
	struct account *list;
	size_t count;

	if (!read_rows(cursor, keys, arena, &list, &count, e))
		return false;
	if (count == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such person");
	*out = list[0];
	return true;
}

bool accounts_find(struct sql_conn *conn, const struct keys *keys, struct arena *arena,
        const char *public_id, struct account *out, struct err *e)
{
	return read_one(sql_query(conn, &statements[FIND], SQL_ARGS(SQL_T(public_id)), e), keys,
	        arena, out, e);
}

bool accounts_find_by_name(struct sql_conn *conn, const struct keys *keys, struct arena *arena,
        const char *sign_in_name, struct account *out, struct err *e)
{
	unsigned char index[PERSON_INDEX];

	if (!people_index(keys, sign_in_name, index, e))
		return false;
	return read_one(sql_query(conn, &statements[FIND_BY_INDEX],
	                        SQL_ARGS(SQL_B(index, sizeof index)), e),
	        keys, arena, out, e);
}

static int by_display_name(const void *a, const void *b)
{
	const struct account *left = a, *right = b;
	int order = strcmp(left->display_name != NULL ? left->display_name : "",
	        right->display_name != NULL ? right->display_name : "");

	return order != 0 ? order : strcmp(left->public_id, right->public_id);
}

bool accounts_list(struct sql_conn *conn, const struct keys *keys, struct arena *arena,
        int64_t organisation_id, struct account **list, size_t *count, struct err *e)
{
	if (!read_rows(sql_query(conn, &statements[LIST], SQL_ARGS(SQL_I(organisation_id)), e),
	            keys, arena, list, count, e))
		return false;
	if (*count > 1)
		qsort(*list, *count, sizeof **list, by_display_name);
	return true;
}

bool accounts_name(struct sql_conn *conn, const struct keys *keys, struct arena *arena,
        const char *public_id, const char **name, struct err *e)
{
	const struct sealed_place place = {"account", sealed_columns[DISPLAY_NAME], public_id};
	struct sealed sealed = {NULL, 0}, wrapped = {NULL, 0};
	struct person_key key;
	char *text = NULL;
	bool found = false, ok;

	*name = NULL;
	if (!sql_one(conn, &statements[NAME], SQL_ARGS(SQL_T(public_id)),
	            SQL_INTO(SQL_INTO_B(arena, &sealed.data, &sealed.len),
	                    SQL_INTO_B(arena, &wrapped.data, &wrapped.len)),
	            &found, e))
		return false;
	if (!found)
		return true;
	if (!people_unwrap(keys, public_id, wrapped.data, wrapped.len, &key, e))
		return false;
	ok = people_open(arena, &key, &place, sealed.data, sealed.len, &text, e);
	people_forget(&key);
	*name = text;
	return ok;
}

bool accounts_credential(struct sql_conn *conn, struct arena *arena,
        const unsigned char index[PERSON_INDEX], struct account_credential *out, bool *found,
        struct err *e)
{
	const char *role = NULL;
	int64_t open = 0;

	*out = (struct account_credential){0};
	if (!sql_one(conn, &statements[CREDENTIAL], SQL_ARGS(SQL_B(index, PERSON_INDEX)),
	            SQL_INTO(SQL_INTO_I(&out->account_id), SQL_INTO_T(arena, &out->public_id),
	                    SQL_INTO_T(arena, &out->organisation_public_id),
	                    SQL_INTO_T(arena, &role), SQL_INTO_I(&open),
	                    SQL_INTO_I(&out->rights_version),
	                    SQL_INTO_B(arena, &out->sealed_password, &out->sealed_len)),
	            found, e))
		return false;
	out->role = role_from_name(role);
	out->open = open != 0;
	return true;
}

static bool id_of(struct sql_conn *conn, const char *public_id, int64_t *id, struct err *e)
{
	bool found = false;

	if (!sql_one(conn, &statements[ID_OF], SQL_ARGS(SQL_T(public_id)), SQL_INTO(SQL_INTO_I(id)),
	            &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "there is no such person");
	return true;
}

bool accounts_set_password(struct sql_conn *write, const char *public_id,
        const unsigned char sealed[PASSWORD_SEALED], int64_t now, struct err *e)
{
	int64_t id = 0;

	return id_of(write, public_id, &id, e) &&
	       sql_do(write, &statements[DROP_PASSWORD], SQL_ARGS(SQL_I(id)), NULL, e) &&
	       sql_do(write, &statements[INSERT_PASSWORD],
	               SQL_ARGS(SQL_I(id), SQL_B(sealed, PASSWORD_SEALED), SQL_I(now)), NULL, e) &&
	       sql_do(write, &statements[RAISE_VERSION], SQL_ARGS(SQL_I(id)), NULL, e) &&
	       sessions_end_all(write, id, now, e);
}

bool accounts_password_used(struct sql_conn *write, int64_t account_id, const unsigned char *sealed,
        int64_t now, struct err *e)
{
	if (!sql_do(write, &statements[PASSWORD_USED], SQL_ARGS(SQL_I(account_id), SQL_I(now)),
	            NULL, e))
		return false;
	if (sealed == NULL)
		return true;
	return sql_do(write, &statements[REPLACE_HASH],
	        SQL_ARGS(SQL_I(account_id), SQL_B(sealed, PASSWORD_SEALED)), NULL, e);
}

bool accounts_suspend(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	int64_t id = 0, changes = 0;

	if (!id_of(write, public_id, &id, e) ||
	        !sql_do(write, &statements[SUSPEND], SQL_ARGS(SQL_T(public_id), SQL_I(now)),
	                &changes, e))
		return false;
	if (changes == 0)
		return err_set(e, ERR_NOT_FOUND, "the person is suspended already");
	return sessions_end_all(write, id, now, e);
}

bool accounts_resume(struct sql_conn *write, const char *public_id, struct err *e)
{
	int64_t changes = 0;

	if (!sql_do(write, &statements[RESUME], SQL_ARGS(SQL_T(public_id)), &changes, e))
		return false;
	if (changes == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such person who is suspended");
	return true;
}

bool accounts_remove(struct sql_conn *write, const char *public_id, int64_t now, struct err *e)
{
	int64_t id = 0;

	return id_of(write, public_id, &id, e) &&
	       sql_do(write, &statements[REMOVE], SQL_ARGS(SQL_I(id), SQL_I(now)), NULL, e) &&
	       sql_do(write, &statements[DROP_CREDENTIALS], SQL_ARGS(SQL_I(id)), NULL, e) &&
	       sessions_end_all(write, id, now, e) && grants_end_all(write, id, now, e);
}

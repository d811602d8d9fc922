/* SPDX-License-Identifier: Apache-2.0 */
#include "core/outbox.h"

#include "core/rows.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ADD, REMOVE, VOID, DELAY, READY, NEXT, STATEMENTS };

/* The agent of a row: whom the execution is bound to, else the one that reports the device. Not one that
 * was revoked, or whose customer has left. */
#define FROM_READY                                                                                 \
	" FROM outbox o JOIN execution x ON x.id = o.execution_id"                                 \
	" JOIN device d ON d.id = x.device"                                                        \
	" JOIN agent a ON a.id = coalesce(x.agent, d.agent_id) AND a.revoked_at IS NULL"           \
	" JOIN organisation u ON u.id = a.customer_id AND u.ended_at IS NULL"                      \
	" JOIN presence p ON p.agent = a.id AND p.online = 1"

static const struct sql_statement statements[STATEMENTS] = {
        [ADD] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "itiIii",
                .out = "",
                /* One row a message: an event that comes again needs no second ack. */
                .text = "INSERT INTO outbox (execution_id, message, attempt, seq, ready_at,"
                        " created_at) SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS"
                        " (SELECT 1 FROM outbox WHERE execution_id = $1 AND message = $2"
                        " AND attempt = $3 AND seq IS $4)"},
        [REMOVE] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "i",
                .out = "",
                .text = "DELETE FROM outbox WHERE id = $1"},
        [VOID] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "it",
                .out = "",
                .text = "DELETE FROM outbox WHERE execution_id = $1 AND message = $2"},
        [DELAY] = {.role = SQL_WRITE,
                .store = SQL_OPERATIONS,
                .in = "ii",
                .out = "",
                .text = "UPDATE outbox SET ready_at = $2 WHERE id = $1"},
        [READY] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .stores = 1u << SQL_CORE,
                .in = "ii",
                .out = "iitiI"
                       "it",
                .text = "SELECT o.id, o.execution_id, o.message, o.attempt, o.seq, a.id,"
                        " a.public_id" FROM_READY " WHERE o.ready_at <= $1"
                        " ORDER BY o.ready_at, o.id LIMIT $2"},
        [NEXT] = {.role = SQL_READ,
                .store = SQL_OPERATIONS,
                .stores = 1u << SQL_CORE,
                .in = "",
                .out = "i",
                .text = "SELECT coalesce(min(o.ready_at), 0)" FROM_READY},
};
const struct sql_table outbox_sql = {"outbox", statements, STATEMENTS};

static const char *const message_names[OPERATION_MESSAGES] = {
        [MESSAGE_OPERATION] = "operation",
        [MESSAGE_CANCEL] = "cancel",
        [MESSAGE_ACK] = "ack",
};

bool outbox_add(struct sql_conn *conn, int64_t execution, enum operation_message message,
        int64_t attempt, int64_t seq, int64_t ready_at, struct err *e)
{
	return sql_do(conn, &statements[ADD],
	        SQL_ARGS(SQL_I(execution), SQL_T(message_names[message]), SQL_I(attempt),
	                seq > 0 ? SQL_I(seq) : SQL_NULL, SQL_I(ready_at), SQL_I(ready_at)),
	        NULL, e);
}

bool outbox_remove(struct sql_conn *conn, int64_t id, struct err *e)
{
	return sql_do(conn, &statements[REMOVE], SQL_ARGS(SQL_I(id)), NULL, e);
}

bool outbox_void(
        struct sql_conn *conn, int64_t execution, enum operation_message message, struct err *e)
{
	return sql_do(conn, &statements[VOID],
	        SQL_ARGS(SQL_I(execution), SQL_T(message_names[message])), NULL, e);
}

bool outbox_delay(struct sql_conn *conn, int64_t id, int64_t ready_at, struct err *e)
{
	return sql_do(conn, &statements[DELAY], SQL_ARGS(SQL_I(id), SQL_I(ready_at)), NULL, e);
}

static bool read_message(const char *name, enum operation_message *message, struct err *e)
{
	for (int i = 0; i < OPERATION_MESSAGES; i++) {
		if (strcmp(name, message_names[i]) == 0) {
			*message = (enum operation_message)i;
			return true;
		}
	}
	return err_set(e, ERR_CORRUPT, "outbox: there is no message %s", name);
}

static int next_message(struct sql_cursor *cursor, struct arena *arena, void *item, struct err *e)
{
	struct outbox_row *row = item;
	const char *message = "";
	int got = sql_next(cursor,
	        SQL_INTO(SQL_INTO_I(&row->id), SQL_INTO_I(&row->execution),
	                SQL_INTO_T(arena, &message), SQL_INTO_I(&row->attempt),
	                SQL_INTO_I(&row->seq), SQL_INTO_I(&row->agent),
	                SQL_INTO_T(arena, &row->agent_public_id)),
	        e);

	return got == 1 && !read_message(message, &row->message, e) ? -1 : got;
}

bool outbox_ready(struct sql_conn *conn, struct arena *arena, int64_t now, size_t limit,
        struct outbox_row **rows, size_t *count, struct err *e)
{
	struct rows list = ROWS_INIT(arena, sizeof(struct outbox_row));
	struct outbox_row one = {.id = 0};
	struct sql_cursor *cursor =
	        sql_query(conn, &statements[READY], SQL_ARGS(SQL_I(now), SQL_I((int64_t)limit)), e);
	bool ok = rows_read(&list, cursor, next_message, &one, e);

	*rows = list.items;
	*count = list.count;
	return ok;
}

bool outbox_next(struct sql_conn *conn, int64_t *at, struct err *e)
{
	return sql_one(conn, &statements[NEXT], SQL_NO_ARGS, SQL_INTO(SQL_INTO_I(at)), NULL, e);
}

void outbox_ring(const char *bell_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(bell_path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, bell_path, strlen(bell_path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* Lost when nobody listens: dispatch looks by itself every second. */
	(void)!sendto(fd, "", 1, 0, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
}

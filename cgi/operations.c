/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/operations.h"

#include "cgi/names.h"

struct operation_row *operation_rows_of(struct web_request *rq, struct sql_conn *conn,
        const struct request_row *rows, size_t count, struct err *e)
{
	struct operation_row *out = arena_array(rq->arena, count, sizeof *out);

	if (out == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for the rows");
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		out[i] = (struct operation_row){.id = rows[i].public_id,
		        .kind = rows[i].kind,
		        .state = execution_state_name(rows[i].first_state),
		        .device_id = rows[i].device_public_id,
		        .device = rows[i].device_name,
		        .serial = rows[i].device_serial,
		        .customer = rows[i].customer_name,
		        .person = name_of_person(rq, conn, rows[i].requester_public_id),
		        .purpose = rows[i].purpose,
		        .created_at = rows[i].created_at};
	return out;
}

bool operation_rows_of_device(struct web_request *rq, struct sql_conn *conn, const char *device,
        size_t limit, struct operation_row **rows, size_t *count, struct err *e)
{
	struct request_row *found;

	if (!operations_list(
	            conn, visit_viewer(rq), rq->arena, device, NULL, limit, &found, count, e))
		return false;
	*rows = operation_rows_of(rq, conn, found, *count, e);
	return *rows != NULL;
}

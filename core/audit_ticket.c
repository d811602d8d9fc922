/* SPDX-License-Identifier: Apache-2.0 */
#include "core/audit_client.h"

#include <stdlib.h>
#include <string.h>

struct audit_ticket *audit_ticket_new(struct audit_client *c, unsigned parts)
{
	struct audit_ticket *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (t == NULL)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	t->client = c;
	t->parts = parts;
	t->waiting = parts;
	return t;
}

void audit_ticket_free(struct audit_ticket *t)
{
	pthread_cond_destroy(&t->wake);
	free(t->record);
	free(t);
}

void audit_ticket_add(struct audit_client *c, struct audit_ticket *t)
{
	t->first = c->next_ticket;
	c->next_ticket += t->parts;
	t->prev = c->newest;
	t->next = NULL;
	if (c->newest != NULL)
		c->newest->next = t;
	else
		c->oldest = t;
	c->newest = t;
}

void audit_ticket_remove(struct audit_client *c, struct audit_ticket *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		c->oldest = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		c->newest = t->prev;
	if (c->expected == t)
		c->expected = t->next;
}

bool audit_ticket_ended(const struct audit_ticket *t)
{
	return t->waiting == 0 || t->failed;
}

static void wake(struct audit_ticket *t)
{
	if (t->asleep)
		pthread_cond_signal(&t->wake);
}

static void ticket_fail(struct audit_ticket *t, enum err_code code, const char *text)
{
	if (!t->failed)
		(void)err_set(&t->error, code, "%s", text);
	t->failed = true;
	wake(t);
}

/* Answers come in the order of sending, so the search is short. NULL: its
 * thread has given up waiting. */
static struct audit_ticket *find_ticket(struct audit_client *c, uint64_t number)
{
	struct audit_ticket *t = c->expected;

	if (t == NULL || number < t->first)
		t = c->oldest;
	while (t != NULL && number >= t->first + t->parts)
		t = t->next;
	if (t == NULL || number < t->first)
		return NULL;
	c->expected = t;
	return t;
}

static void ticket_answered(struct audit_ticket *t, const struct audit_wire *w)
{
	if (w->ticket == t->first)
		t->number = (int64_t)w->number;
	if (t->waiting > 0)
		t->waiting--;
	if (t->waiting == 0)
		wake(t);
}

static void take_entry(
        struct audit_ticket *t, const struct audit_wire *w, const void *record, size_t len)
{
	if (len > 0 && t->record == NULL) {
		t->record = malloc(len);
		if (t->record == NULL) {
			ticket_fail(t, ERR_MEMORY, "no memory for an audit record");
			return;
		}
		memcpy(t->record, record, len);
		t->record_len = len;
	}
	ticket_answered(t, w);
}

static void take_failure(
        struct audit_ticket *t, const struct audit_wire *w, const void *why, size_t len)
{
	char text[AUDIT_WIRE_TEXT + 1];

	if (len > AUDIT_WIRE_TEXT)
		len = AUDIT_WIRE_TEXT;
	memcpy(text, why, len);
	text[len] = '\0';
	ticket_fail(t, w->kind == AUDIT_WIRE_INVALID ? ERR_INVALID : ERR_UNAVAILABLE, text);
}

void audit_tickets_answer(struct audit_client *c, const unsigned char *message, size_t len)
{
	struct audit_wire w;

	while (audit_wire_read(message, len, &w)) {
		struct audit_ticket *t = find_ticket(c, w.ticket);
		c->under_way -= c->under_way > 0;
		message += AUDIT_WIRE_HEAD;
		len -= AUDIT_WIRE_HEAD;
		if (w.kind == AUDIT_WIRE_OK) {
			if (t != NULL)
				ticket_answered(t, &w);
			continue;
		}
		if (t != NULL && w.kind == AUDIT_WIRE_ENTRY)
			take_entry(t, &w, message, len);
		else if (t != NULL)
			take_failure(t, &w, message, len);
		return;
	}
}

void audit_tickets_fail(struct audit_client *c, const char *why)
{
	for (struct audit_ticket *t = c->oldest; t != NULL; t = t->next)
		if (t->waiting > 0)
			ticket_fail(t, ERR_UNAVAILABLE, why);
}

void audit_tickets_wake_one(struct audit_client *c)
{
	if (c->asleep == 0)
		return;
	for (struct audit_ticket *t = c->oldest; t != NULL; t = t->next) {
		if (t->asleep && !audit_ticket_ended(t)) {
			pthread_cond_signal(&t->wake);
			return;
		}
	}
}

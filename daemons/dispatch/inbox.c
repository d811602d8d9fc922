/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/dispatch/inbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct inbox {
	pthread_mutex_t lock;
	struct inbox_item *first, **last;
	size_t messages, bytes, max_messages, max_bytes;
	int fd;
};

struct inbox *inbox_new(size_t max_messages, size_t max_bytes, struct err *e)
{
	struct inbox *inbox = calloc(1, sizeof *inbox);

	if (inbox == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory to start");
		return NULL;
	}
	inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inbox->fd < 0) {
		(void)err_errno(e, "eventfd");
		free(inbox);
		return NULL;
	}
	(void)pthread_mutex_init(&inbox->lock, NULL);
	inbox->last = &inbox->first;
	inbox->max_messages = max_messages;
	inbox->max_bytes = max_bytes;
	return inbox;
}

void inbox_free(struct inbox *inbox)
{
	struct inbox_item *item;

	if (inbox == NULL)
		return;
	while ((item = inbox_take(inbox)) != NULL)
		free(item);
	(void)close(inbox->fd);
	(void)pthread_mutex_destroy(&inbox->lock);
	free(inbox);
}

int inbox_fd(const struct inbox *inbox)
{
	return inbox->fd;
}

static bool append(struct inbox *inbox, struct inbox_item *item)
{
	bool message = item->kind == INBOX_MESSAGE, fits;
	uint64_t one = 1;

	(void)pthread_mutex_lock(&inbox->lock);
	fits = !message || (inbox->messages < inbox->max_messages &&
	                           item->len <= inbox->max_bytes - inbox->bytes);
	if (fits) {
		*inbox->last = item;
		inbox->last = &item->next;
		inbox->messages += message;
		inbox->bytes += item->len;
		/* Can only fail when it is readable already. */
		(void)!write(inbox->fd, &one, sizeof one);
	}
	(void)pthread_mutex_unlock(&inbox->lock);
	if (!fits)
		free(item);
	return fits;
}

bool inbox_put(struct inbox *inbox, enum inbox_kind kind, int number, int reason)
{
	struct inbox_item *item = calloc(1, sizeof *item);

	if (item == NULL)
		return false;
	item->kind = kind;
	item->number = number;
	item->reason = reason;
	return append(inbox, item);
}

bool inbox_put_message(
        struct inbox *inbox, const char *topic, const void *payload, size_t len, bool retained)
{
	size_t topic_size = strlen(topic) + 1;
	struct inbox_item *item = calloc(1, sizeof *item + topic_size + len);

	if (item == NULL)
		return false;
	item->kind = INBOX_MESSAGE;
	item->retained = retained;
	item->topic = (char *)(item + 1);
	item->payload = item->topic + topic_size;
	item->len = len;
	memcpy(item->topic, topic, topic_size);
	if (len > 0)
		memcpy(item->payload, payload, len);
	return append(inbox, item);
}

struct inbox_item *inbox_take(struct inbox *inbox)
{
	struct inbox_item *item;
	uint64_t count;

	(void)pthread_mutex_lock(&inbox->lock);
	item = inbox->first;
	if (item != NULL) {
		inbox->first = item->next;
		inbox->messages -= item->kind == INBOX_MESSAGE;
		inbox->bytes -= item->len;
	}
	if (inbox->first == NULL) {
		inbox->last = &inbox->first;
		(void)!read(inbox->fd, &count, sizeof count);
	}
	(void)pthread_mutex_unlock(&inbox->lock);
	return item;
}

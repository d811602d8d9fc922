/* SPDX-License-Identifier: Apache-2.0 */
#include "core/addresses.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void address_subject(const char *address, char out[ADDRESS_SUBJECT])
{
	struct in6_addr six;
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, address, &six) != 1) {
		(void)snprintf(out, ADDRESS_SUBJECT, "%.*s", INET6_ADDRSTRLEN - 1, address);
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&six)) {
		(void)inet_ntop(AF_INET, &six.s6_addr[12], text, sizeof text);
		(void)snprintf(out, ADDRESS_SUBJECT, "%s", text);
		return;
	}
	memset(&six.s6_addr[8], 0, 8);
	(void)inet_ntop(AF_INET6, &six, text, sizeof text);
	(void)snprintf(out, ADDRESS_SUBJECT, "%s/64", text);
}

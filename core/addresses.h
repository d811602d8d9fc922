/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addresses.h: what counts as one address where attempts are limited by address.
 */
#ifndef FLEETPORT_CORE_ADDRESSES_H
#define FLEETPORT_CORE_ADDRESSES_H

#include <netinet/in.h>

enum { ADDRESS_SUBJECT = INET6_ADDRSTRLEN + 4 };

/* An IPv4 address is itself, also when it is written as IPv6. One household of IPv6 has 2^64
 * addresses: its network counts, "2001:db8::/64". What is neither stays as it is, cut to what fits. */
void address_subject(const char *address, char out[ADDRESS_SUBJECT]) __attribute__((nonnull));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509_peer.h: what identifies a certificate that somebody's TLS library holds. Apart from x509.h, and
 * without the rest of lib, because the broker's plugin (daemons/broker) carries it into a foreign process.
 */
#ifndef FLEETPORT_LIB_X509_PEER_H
#define FLEETPORT_LIB_X509_PEER_H

#include <stdbool.h>
#include <stdint.h>

enum { X509_SERIAL_SIZE = 48 };

/* certificate: OpenSSL's X509 *. Its serial number in upper-case hex (as nginx's $ssl_client_serial) and
 * the time it runs out (ms since 1970). false: the number is negative or too long, or the time is none. */
bool x509_peer_read(const void *certificate, char serial[X509_SERIAL_SIZE], int64_t *not_after)
        __attribute__((warn_unused_result, nonnull));

/* Gives an X509 * back; NULL is allowed. */
void x509_peer_free(void *certificate);

#endif

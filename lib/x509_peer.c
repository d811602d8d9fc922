/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/x509_peer.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>

bool x509_peer_read(const void *certificate, char serial[X509_SERIAL_SIZE], int64_t *not_after)
{
	const X509 *cert = certificate;
	const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
	const unsigned char *bytes = ASN1_STRING_get0_data(number);
	int len = ASN1_STRING_length(number);
	struct tm tm;

	if (len < 1 || 2 * len >= X509_SERIAL_SIZE ||
	        ASN1_STRING_type(number) != V_ASN1_INTEGER || /* not a negative one */
	        ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return false;
	for (int i = 0; i < len; i++)
		(void)snprintf(serial + (size_t)2 * (size_t)i, 3, "%02X", bytes[i]);
	*not_after = (int64_t)timegm(&tm) * 1000;
	return true;
}

void x509_peer_free(void *certificate)
{
	X509_free(certificate);
}

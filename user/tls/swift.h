/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * swift - what every handshake of TLS 1.3 needs and OpenSSL's default provider does the long way
 * round, as a provider of our own: new X25519 keys, and TLS13-KDF.
 *
 * The default provider computes a new key's public half with a table and portable code, and a
 * shared secret in assembly; the public half is the shared secret with the curve's base point (RFC
 * 7748, 6.1), so ours are made by its key exchange.  Everything else about X25519 is the default
 * provider's.  The KDF is HKDF (RFC 5869, RFC 8446 7.1) over libcrypto's SHA-2, with nothing
 * fetched or allocated in between; what TLS does not ask for goes to the default provider's.
 *
 * One a process, in OpenSSL's default context; any thread.  Only who asks with SWIFT_QUERY prefers
 * it to others.
 */
#ifndef SWIFT_H
#define SWIFT_H

#include <openssl/provider.h>

#define SWIFT_NAME "snisplit"
#define SWIFT_QUERY "?provider=" SWIFT_NAME

/*
 * NULL: none, and SWIFT_QUERY is of no effect; where OpenSSL is to use approved modules only
 * (FIPS), or it has not passed its test against the default provider.  OSSL_PROVIDER_unload().
 */
OSSL_PROVIDER *swift_load(void);

#endif

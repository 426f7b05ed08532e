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
 * One a process, in OpenSSL's default context; any thread.
 */
#ifndef SWIFT_H
#define SWIFT_H

#include <openssl/provider.h>

#define SWIFT_NAME "snisplit"
/* (not by the provider's name: that would overrule an operator's default_properties) */
#define SWIFT_PROPERTY "snisplit.swift"
#define SWIFT_QUERY "?" SWIFT_PROPERTY "=yes"

/*
 * NULL: none, and SWIFT_QUERY is of no effect; where OpenSSL is to use approved modules only
 * (FIPS), or it has not passed its test against the default provider.  OSSL_PROVIDER_unload().
 */
OSSL_PROVIDER *swift_load(void);

/*
 * Before the first swift_load(), where the process is not ours alone: who asks OpenSSL for nothing
 * in particular gets what he would get without us.
 */
void swift_be_guest(void);

/*
 * What a SSL_CTX is made with to prefer it to others: SWIFT_QUERY, or NULL where OpenSSL does so
 * unasked, which takes a hundredth off a handshake: each look-up is shorter.
 */
const char *swift_query(void);

#endif

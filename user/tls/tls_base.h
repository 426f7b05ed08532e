/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tls_base - what all sessions of the process share: how OpenSSL is set up, and the keys of session
 * tickets.
 *
 * One a process, made before and freed after every tls_server and tls_client; any thread.
 *
 * Ciphers and groups are Mozilla's "intermediate" ones, by our preference (unless the client puts
 * ChaCha20 first, which says that it has no AES in hardware).  No renegotiation, no compression, no
 * early data.  Ticket keys are in memory only; a new one is used every 12 hours, the one before is
 * still understood.
 */
#ifndef TLS_BASE_H
#define TLS_BASE_H

#include <stddef.h>

struct tls_base;

/* NULL: <why> says what OpenSSL said. */
struct tls_base *tls_base_new(char *why, size_t size);
void tls_base_free(struct tls_base *b); /* NULL is fine */

/* Before it, in a process that others use OpenSSL in as well: nothing changes for them. */
void tls_be_guest(void);

enum tls_version { TLS_VERSION_DEFAULT, TLS_1_2, TLS_1_3 };

/* "1.2" and "1.3"; else TLS_VERSION_DEFAULT. */
enum tls_version tls_version_parse(const char *text);

#endif

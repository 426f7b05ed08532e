/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktls - records that the kernel makes and reads, in the socket itself (CONFIG_TLS): then send(2),
 * recv(2) and splice(2) are of plaintext.
 *
 * OpenSSL hands the keys of a direction over when it has them, by KTLS_CTRL_START; what that
 * carries is its own secret, so it goes on to OpenSSL's own BIO for sockets.  Which directions
 * these are depends on the library, the version of TLS, the cipher and the kernel (OpenSSL 3.0: not
 * what is received in TLS 1.3); the others stay OpenSSL's.
 *
 * The kernel gets one key for each direction (before 6.14; and OpenSSL 3.0 does not renew it): see
 * tls_offload().
 */
#ifndef KTLS_H
#define KTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/bio.h>

/* What libssl says to a BIO about it; bio.h has the numbers, in a comment. */
enum { KTLS_CTRL_START = 72, KTLS_CTRL_SET_TYPE = 74, KTLS_CTRL_CLEAR_TYPE = 75 };

struct ktls {
	BIO *socket; /* NULL: neither direction */
	bool tx, rx;
	/* what is sent, for ktls_is_drained() */
	uint16_t cipher;
	unsigned overhead;    /* of a record */
	uint64_t first;	      /* number of the first record that is the kernel's */
	uint64_t wire_before; /* the socket's bytes before that */
	uint64_t plain;	      /* bytes given to the kernel since */
};

/* <keys>: what came with KTLS_CTRL_START.  False: it stays OpenSSL's. */
bool ktls_start(struct ktls *k, int fd, bool tx, void *keys);
void ktls_done(struct ktls *k);

/* send(2) of bytes of a record type other than application data. */
ssize_t ktls_send(int fd, uint8_t type, const void *buf, size_t len);

/*
 * Has TCP got all that was given to the kernel's TLS?  That keeps records for which the send buffer
 * has no room, and shutdown(2) or close(2) loses them; no other call tells of them.
 */
bool ktls_is_drained(const struct ktls *k, int fd);

#endif

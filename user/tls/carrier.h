/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * carrier - the bytes under a session, as an OpenSSL BIO: those read ahead, the socket, and
 * ciphertext that waits for it.
 *
 * Writing only collects; carrier_flush() sends what has been collected in one piece, so that the
 * records of one tls_write() or one flight are one send(2).
 *
 * Once the kernel does the TLS of a direction (ktls.h), the bytes of that one are plaintext: what
 * waits to be sent is then of one record type, and reading gives a record at a time.
 *
 * EOF is never told to OpenSSL, which would take the session for dead: it is "no bytes yet" and
 * <eof>, and our own stream may go on.
 */
#ifndef CARRIER_H
#define CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/bio.h>

#include "ktls.h"

#define CARRIER_RECORD_MAX (16384 + 5 + 256) /* one record, whatever the cipher */
#define CARRIER_OUT_MAX (4 * CARRIER_RECORD_MAX)

struct carrier {
	int fd;
	uint8_t *ahead;
	size_t ahead_len, ahead_off;
	uint8_t *out; /* NULL while empty */
	size_t out_len, out_off, out_size;
	uint64_t bytes_in,
		bytes_out; /* as they were here: of ciphertext, or of the kernel's plaintext */
	struct ktls ktls;
	uint8_t next_type;   /* the record type of what OpenSSL writes next; 0: application data */
	uint8_t out_type;    /* of what is in <out>, when it is plaintext */
	int err_in, err_out; /* errno of a recv(2), a send(2) that failed; sticky */
	bool eof;
	bool in_turn; /* the peer says nothing before it has what waits here: not asked until then
		       */
};

BIO_METHOD *carrier_method_new(void); /* NULL: out of memory; BIO_meth_free() */

/* Copies <ahead>.  0 or -ENOMEM. */
int carrier_init(struct carrier *c, int fd, const void *ahead, size_t len);
void carrier_done(struct carrier *c);

/* Is there room for one more record of application data? */
bool carrier_has_room(const struct carrier *c);
/* 0: nothing waits; -EAGAIN, or what send(2) said. */
int carrier_flush(struct carrier *c);
/*
 * The same, but TCP may keep the last of it for what is sent next, shutdown(2)'s FIN too: one
 * segment instead of two.  For no longer than its probe timer takes, an RTO, 200 ms at least; not
 * in the kernel's TLS, which would keep a record open.
 */
int carrier_flush_ahead(struct carrier *c);

/* Sends an alert by the kernel's TLS, if the socket takes it, and then nothing any more. */
void carrier_refuse(struct carrier *c, const uint8_t *alert, size_t len);

#endif

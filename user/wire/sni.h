/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sni - the slow path's view of hello.h: a ClientHello in any number of pieces, put together.
 *
 * One struct sni per connection that has not been routed, owned by it.  Fed with the bytes as they
 * arrive, cut anywhere, it joins the handshake message out of its records and lets hello.h decide
 * about the whole: the same function, hence the same answer, as for a hello in one piece.  Time is
 * linear in the bytes fed, and the message is judged once.
 *
 * Only the message is copied (the caller keeps the raw bytes, to forward them untouched): nothing
 * is allocated before its first byte, then 2 KiB, doubling as bytes come, never by what a header
 * promises.  The caller's raw bytes are bounded too: TOO_BIG when they exceed SNI_WIRE_FACTOR times
 * the message limit, which a message of the full size in records of two bytes (7 for 2) just meets.
 *
 * Refused beyond hello.h: between the records of one hello, any other record type or major version,
 * and empty records, are BAD (RFC 8446 5.1); the first record decides about NOT_TLS.
 */
#ifndef SNI_H
#define SNI_H

#include <stddef.h>

#include "hello.h"

#define SNI_WIRE_FACTOR 4

/* Read only for callers; <end>, <hello>, <msg> and <name> mean something from the verdicts OK and
 * NO_SNI on, and until sni_done(). */
struct sni {
	enum hello_verdict verdict; /* MORE until decided, never changes after */
	__u32 max;		    /* limit for the message with its header */
	__u32 wire;		    /* bytes looked at */
	__u32 end;		    /* first byte of the stream behind the hello */
	struct hello hello;	    /* offsets into <msg> */
	__u8 *msg;
	__u32 len, cap;
	__u32 record_left; /* bytes of the record to come */
	__u32 header_len;
	__u8 header[HELLO_RECORD_HEADER];
	int name_len;		  /* 0: no name, or one that must not route */
	char name[HELLO_KEY_LEN]; /* hello_name()'s key */
};

/* <max>: the configured limit, HELLO_MESSAGE_MAX at most (more is taken for that). */
void sni_init(struct sni *s, __u32 max);
void sni_done(struct sni *s);

/*
 * Takes the next <len> bytes of the stream; bytes behind the hello are not looked at.  Returns the
 * verdict (never HELLO_SPLIT), or -ENOMEM: drop the connection.
 */
int sni_feed(struct sni *s, const void *bytes, size_t len);

/*
 * Whom a hello that was found BAD means: the first server_name among its extensions, as far as the
 * lengths lead there, into <key>.  Good for telling the client what is wrong with it, never for a
 * route: another reader may find another name.  Its length, or 0: none, or not for anybody.
 */
int sni_claim(const struct sni *s, char key[HELLO_KEY_LEN]);

#endif

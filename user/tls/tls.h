/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tls - one TLS session on one non-blocking socket, either side of it.
 *
 * Owned by one worker.  The socket stays its caller's, who polls it and closes it after tls_free();
 * a session never blocks, and never raises SIGPIPE.
 *
 * Ciphertext that the socket does not take waits in the session, up to 64 KiB of it.  So:
 *  - while tls_wants_write(), poll for writing and call tls_flush(); before the socket is shut down
 *    or closed too, else its last bytes are lost;
 *  - tls_write() takes what there is room for, and what it took needs no repeating: the next call
 *    may have other bytes at another place.
 * Plaintext may wait as well: records that came in one recv().  The socket's readability says
 * nothing about these, so read until -EAGAIN, or come back by yourself while tls_has_pending().
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls;
struct tls_client;
struct tls_server;

enum tls_result {
	TLS_DONE,
	TLS_WANT_READ,	/* come back when the socket is readable */
	TLS_WANT_WRITE, /* ... writable */
	TLS_FAILED,	/* tls_why(); the alert is on its way, as far as the socket took it */
};

/*
 * The server's side.  <ahead>: what was read from the socket already, the ClientHello first;
 * copied, and used before the socket is read.  <sni>: the normalised name in that hello, "" for
 * none; when OpenSSL finds another one there, or in a second hello, the handshake fails with
 * unrecognized_name.  The certificate is chosen by <sni>, or by the endpoint's name where that does
 * not cover <sni>.  <alpn>: the protocol the upstream has chosen, "" for none, which is then the
 * answer; NULL: by the endpoint's own list.  NULL: out of memory.
 */
struct tls *tls_accept(struct tls_server *s, int fd, const void *ahead, size_t len, const char *sni,
		       const char *alpn);

/*
 * The client's side, to an upstream.  <name> goes out as SNI and, if <c> verifies, is what the
 * certificate must be for; "" sends none, and with a <c> that verifies fails the handshake. <alpn>:
 * the list to offer, in wire form (each protocol behind its length), as hello.h finds it; NULL:
 * none.  NULL: out of memory, or what is no list.
 */
struct tls *tls_connect(struct tls_client *c, int fd, const char *name, const uint8_t *alpn,
			size_t alpn_len);

/*
 * What is said to a ClientHello that nobody will answer: the number of the fatal alert that <bytes>
 * bring on themselves, or -1: nothing is wrong with them as far as they go, or there is no alert
 * for it.  Nothing is sent, whatever comes of it.  <sni>
 * as above; NULL: whatever it is.
 */
int tls_judge(struct tls_server *s, const void *bytes, size_t len, const char *sni);

void tls_free(struct tls *t); /* NULL is fine; says no goodbye: see tls_shut() */

/*
 * Before the handshake: the kernel may do the records, for each direction that library, version and
 * cipher allow it for.  Not for a socket under a BPF program.
 *
 * A peer of TLS 1.3 may ask for another key (KeyUpdate), which the kernel does not take: while it
 * does what we send, such a session fails, with the alert internal_error.
 */
void tls_offload(struct tls *t);
/* Is what we send, what we receive, the kernel's work?  Then splice(2) to the socket, from it. */
bool tls_offloads_tx(const struct tls *t);
bool tls_offloads_rx(const struct tls *t);
/* So many bytes of plaintext went to the socket by splice(2). */
void tls_spliced(struct tls *t, size_t n);
/* Nothing waits in the kernel's TLS; before shutdown(2) or close(2).  Asks the kernel. */
bool tls_is_drained(const struct tls *t);

/*
 * Before the handshake: right after a flight of ours the socket is not looked at, as what the peer
 * says to that will be news.  For a caller who hears of news, and who calls again when he has seen
 * a FIN before, which is none.
 */
void tls_expect_news(struct tls *t);

/*
 * Before the handshake, a server's: the tickets of TLS 1.3, which no client waits for, go with what
 * is written first if that comes soon: within an RTO, 200 ms at least.
 */
void tls_hold_tickets(struct tls *t);

/* Goes on with the handshake.  TLS_DONE also when called again after it. */
enum tls_result tls_handshake(struct tls *t);

/* What went wrong, one line: "client's certificate has expired (alert 45 sent)".  "" if nothing. */
const char *tls_why(const struct tls *t);
/* Failed because the peer's certificate is of no CA of ours; false for one of the wrong time, and
 * for NULL. */
bool tls_is_untrusted(const struct tls *t);

/*
 * Plaintext, > 0 bytes; or
 *	0		close_notify: the peer's stream has ended, ours may go on
 *	-EAGAIN
 *	-ENODATA	the peer's FIN came without close_notify: maybe cut off by somebody else;
 *ours may still go on -EPROTO		tls_why(); the session is dead -ECONNRESET...	what recv(2)
 *said
 */
ssize_t tls_read(struct tls *t, void *buf, size_t len);
/* Has the last tls_read() ended otherwise than by "no more"?  True right after the handshake. */
bool tls_has_pending(const struct tls *t);
/* Is there plaintext to be read?  Looks at the socket, and takes nothing. */
bool tls_has_data(struct tls *t);

/* How many bytes were taken (> 0 unless <len> is 0), -EAGAIN, -EPROTO, or what send(2) said. */
ssize_t tls_write(struct tls *t, const void *buf, size_t len);
/* The same, but a record of it may wait for more, tls_flush() or tls_shut(). */
ssize_t tls_put(struct tls *t, const void *buf, size_t len);
bool tls_wants_write(const struct tls *t);
/* 0: nothing waits any more; -EAGAIN, or what send(2) said. */
int tls_flush(struct tls *t);

/*
 * Ends our stream with close_notify, which goes with the FIN: shutdown(2) or close(2) is to follow
 * a 0.  Reading goes on.  0, -EAGAIN, -EPROTO or send(2)'s.
 */
int tls_shut(struct tls *t);

/*
 * Bytes of the socket that came through here: ciphertext, handshake included, and what was read
 * ahead; of a direction that the kernel does, the plaintext.
 */
uint64_t tls_bytes_in(const struct tls *t);
uint64_t tls_bytes_out(const struct tls *t);

#define TLS_SUBJECT_MAX 512

/* After the handshake.  Texts are "" where there is nothing. */
struct tls_info {
	const char *version;	  /* "1.3" */
	const char *version_name; /* "TLSv1.3" */
	const char *cipher;	  /* "TLS_AES_128_GCM_SHA256" */
	char alpn[256];
	bool resumed;
	bool has_peer_cert;
	long verify;			    /* X509_V_...; 0: fine, also without a certificate */
	char peer_subject[TLS_SUBJECT_MAX]; /* RFC 2253, one line of ASCII: "CN=x,O=y" */
	char peer_cn[256];		    /* UTF-8, no control characters */
};
void tls_info(const struct tls *t, struct tls_info *ret_i);

/* Does this kernel do TLS in its sockets (CONFIG_TLS)?  If not, <why> says what it lacks. */
bool tls_ktls_available(char *why, size_t size);

/* "OpenSSL 3.0.19 27 Jan 2026", the library that runs. */
const char *tls_library_version(void);

#endif

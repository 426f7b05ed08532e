/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * end - one socket of a connection: the client's or the upstream's.
 *
 * Owned by one worker.  An end that is enrolled has a slot in `flows` and its
 * bytes come through the verdict program; it stays enrolled until end_close().
 */
#ifndef END_H
#define END_H
#include <linux/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kern.h"

struct end {
	int fd;		  /* -1: closed */
	uint32_t slot;	  /* 0: none */
	bool enrolled;	  /* in `sockets` */
	bool watched;	  /* in the worker's epoll set ... */
	bool watched_all; /* ... for everything */
	bool fin;	  /* the other side has sent FIN */
	bool shut;	  /* we have */
	bool final;	  /* what was noted below is the last word, see end_note() */
	int err;	  /* sticky: what SO_ERROR said, or 0 */
	uint32_t rtt_us, retransmits;
	uint64_t enqueued; /* payload bytes, all of them acknowledged */
	uint64_t cookie;
	struct flow *flow; /* with a slot */
	struct tls *tls;   /* NULL: the socket's bytes are the stream; freed by end_close() */
	unsigned kind;	   /* whose end it is, and who: set and used by edge/ */
	void *owner;
};

/* tcpi_state, include/net/tcp_states.h (not in uapi) */
enum {
	TCP_STATE_ESTABLISHED = 1,
	TCP_STATE_SYN_SENT = 2,
	TCP_STATE_TIME_WAIT = 6,
	TCP_STATE_CLOSE = 7,
	TCP_STATE_CLOSE_WAIT = 8,
	TCP_STATE_LAST_ACK = 9,
	TCP_STATE_CLOSING = 11,
};

/* For an open socket; takes it over. */
void end_init(struct end *e, int fd);

/*
 * Gives the end a slot (both from the caller's stock), so that its later states
 * are reported.  An upstream's must come before connect(2).  0 or -errno; the
 * slot stays the caller's on failure.  <from>: the slot it has had so far, whose
 * place in the stream goes over (NULL: none).
 */
int end_slot(struct end *e, struct kern *k, uint32_t slot, enum flow_role role, unsigned worker,
	     uint32_t replay, const struct flow *from);

/*
 * Puts it under the verdict program.  0 or -errno (see kern_sock_add): then it
 * works as any socket, its bytes never come through the program.
 */
int end_enrol(struct end *e, struct kern *k);

/*
 * Between end_slot() and connect(2): the sockops program is to do that once it is established, so
 * that end_enrol(), which still has to be called, need not.  Has it, and is it established then?
 */
void end_enrol_early(struct end *e);
bool end_is_early(const struct end *e);

/*
 * Runs the program over what was there before end_enrol().  Returns true when
 * bytes now wait for the controller.
 */
bool end_kick(struct end *e);

/*
 * Closes and forgets.  <reset>: RST, what is unsent is dropped.  Returns the slot
 * to give back to the stock, 0 for none; the cookie's entry in `slots` is the caller's to
 * delete, soon: until then it leads to a flow that has another cookie, or none.
 */
uint32_t end_close(struct end *e, bool reset);
/* The same for one that never had a slot. */
void end_drop(struct end *e, bool reset);

/* struct tcp_info of the kernel, which has more fields than glibc's. */
int end_info(const struct end *e, struct tcp_info *ret_ti);

/*
 * For who has looked and will send nothing but FIN any more: if all is acknowledged, what the
 * event will tell of this end is known, and TCP need not be asked again.
 */
void end_note(struct end *e, const struct tcp_info *ti);

/* Looks at SO_ERROR and remembers it.  Returns e->err. */
int end_error(struct end *e);

/*
 * Has the other side sent FIN?  To ask when end_is_broken() has said no.  Remembers it in e->fin.
 * TCP_INFO alone is not enough: the kernel reads tcpi_state before it takes the socket's lock, so
 * that right after EVENT_STATE it may still be the old one (6.1 to 6.18, tcp_get_info).
 */
bool end_look_fin(struct end *e);

/*
 * Has it ended by anything but FINs, a FIN before that or not?  SO_ERROR tells it
 * once, to whoever asks first, which may be the kernel's own worker; a socket
 * that is closed although we have not sent FIN is broken all the same.
 */
bool end_is_broken(struct end *e);

/*
 * Both, for what epoll has told: its <events> at this very socket, 0 if it was not epoll.  They are
 * enough where nobody but us hears of errors.  True: its FIN is new, and it is not broken.
 */
bool end_look(struct end *e, uint32_t events);

/* Payload bytes that TCP has received in order, without the FIN. */
uint64_t end_received(const struct end *e, const struct tcp_info *ti);
/* Payload bytes ever accepted for sending. */
uint64_t end_enqueued(const struct tcp_info *ti);

/*
 * The stream of this end: the plaintext of its TLS session if it has one, else the socket's bytes.
 * Never in the kernel with a session; through the pipes of MOVER_SPLICE where the session is the
 * kernel's (end_splices_...()).
 *
 * end_read(): > 0 bytes; 0: the other side has ended its stream (close_notify, FIN); -EAGAIN;
 * -ENODATA: FIN without close_notify; -EBADMSG: the session is dead, tls_why(); or -errno.
 * end_write(): how many were taken, or -EAGAIN, -EBADMSG, -errno.
 * end_put(): the same, but a session may keep a record until more comes, end_flush() or end_shut().
 * end_flush(): 0 when nothing that was taken waits outside the socket, else -EAGAIN or as above.
 * end_shut(): ends our stream, FIN included.  0, or -EAGAIN: again when it is writable;
 * -EINPROGRESS: again soon, nothing will tell.
 */
ssize_t end_read(struct end *e, void *buf, size_t len);
ssize_t end_write(struct end *e, const void *buf, size_t len);
ssize_t end_put(struct end *e, const void *buf, size_t len);
int end_flush(struct end *e);
int end_shut(struct end *e);
bool end_is_flushed(const struct end *e);
/* The same, and nothing waits in the kernel's TLS either: asks it. */
bool end_is_drained(const struct end *e);
/* Is what splice(2) takes from, gives to the socket its stream? */
bool end_splices_from(const struct end *e);
bool end_splices_to(const struct end *e);
/* So many bytes went to it by splice(2). */
void end_spliced(struct end *e, size_t n);
/*
 * What TCP has got goes out: after SPLICE_F_MORE, and where splice(2) to it has stopped for want of
 * room.  In a session of the kernel's it may be held back, and room never come: "The kernel's TLS"
 * in user/README.md.
 */
void end_push(const struct end *e);
/* Have the next bytes of the stream been decrypted already, so that splice(2) would miss them? */
bool end_has_pending(const struct end *e);
/* Is there something to be read, but for an end? */
bool end_has_data(const struct end *e);

/* Bytes sent but not acknowledged, and unsent ones: SIOCOUTQ. */
int end_unacked(const struct end *e);
#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * half - one direction of a connection: what comes from <src> goes to <dst>.
 *
 * Three movers, one state table.  MOVER_KERNEL: the verdict program redirects;
 * user space relays only what it passed.  MOVER_SPLICE: splice(2) through a
 * pipe.  MOVER_COPY: recv and send.
 *
 *   state      event                              action
 *   OPEN       bytes                              move them
 *   OPEN       src has sent FIN                   -> EOF
 *   EOF        everything is in dst's TCP queue   shutdown(dst, SHUT_WR) -> SHUT
 *   any        src or dst is broken               -> FAILED, half_failed_end() says which
 *
 * Never shut down earlier: FIN is seen before the last bytes have been moved,
 * and shutdown() of a redirect's destination discards what is on the way.
 */
#ifndef HALF_H
#define HALF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "end.h"

enum half_state { HALF_OPEN, HALF_EOF, HALF_SHUT, HALF_FAILED };
enum half_mover { MOVER_COPY, MOVER_SPLICE, MOVER_KERNEL };

/* What half_pump() waits for. */
#define HALF_WANT_READ (1U << 0)  /* src readable */
#define HALF_WANT_WRITE (1U << 1) /* dst writable */
#define HALF_WANT_RETRY (1U << 2) /* ask again soon: no event will come */
#define HALF_WANT_TURN (1U << 3)  /* has more to do, let others go first */

#define PUMP_PIPES 32

/* One a worker: memory that is used within a call only, and idle pipes. */
struct pump {
	uint8_t *buf;
	int pipes[PUMP_PIPES][2];
	unsigned n_pipes;
	size_t size;
	uint32_t soft;	 /* passed bytes wait until no more than this is on the way to dst */
	uint32_t mutant; /* enum mutant, test builds */
};

void pump_done(struct pump *p);

/* In the order that leaves no holes: an idle connection is little more than two of these. */
struct half {
	struct end *src, *dst;
	/* read by user space, not yet written: malloc'd, NULL most of the time */
	uint8_t *pending;
	uint8_t *kept;	/* what was written to dst, see half_keep(); NULL most of the time */
	uint64_t moved; /* bytes user space has written to dst, of src's stream */
	uint32_t pending_off, pending_len, pending_size;
	uint32_t kept_len;
	int pipe[2]; /* splice: -1 while nothing is in it */
	uint32_t piped;
	uint32_t unread; /* relayed, and not read yet: src has no room for more */
	/* Where the two streams differ from what src's flow counts. */
	uint32_t before;  /* src's, written to dst, from before its flow: a hello sent again */
	uint32_t unseen;  /* of these, from before src was enrolled: a channel's proof */
	uint32_t prefix;  /* in dst's queue, not src's: the PROXY header we write */
	uint32_t skipped; /* src's, relayed to nobody: the PROXY header we read */
	uint16_t refused; /* how often in a row the kernel has not let go of <unread> */
	uint8_t state;	  /* enum half_state */
	uint8_t mover;	  /* enum half_mover */
	bool src_failed;  /* HALF_FAILED: src did, else dst */
	bool keeps;
	bool last; /* the caller closes dst at once when this direction ends: FIN is close()'s */
	bool owes_shut; /* it is HALF_SHUT, and dst has not been told */
	uint8_t looks;	/* at HALF_EOF: was it drained? */
};

void half_init(struct half *h, struct end *src, struct end *dst);
void half_done(struct half *h);

/* Appends bytes that were read from src by other means (the hello).  0, -ENOMEM. */
int half_push(struct half *h, const void *bytes, size_t len);

/*
 * Until half_forget(), or HALF_KEEP_MAX bytes, a copy of what user space writes to dst is kept.
 * half_take_back() makes all of it pending again, for another dst; false, and nothing has
 * changed: it is not all there any more, or the kernel has moved bytes by itself.
 */
#define HALF_KEEP_MAX (64 * 1024)
void half_keep(struct half *h);
bool half_take_back(struct half *h);
void half_forget(struct half *h);

/* Moves what it can; returns HALF_WANT_ bits, and changes the state. */
unsigned half_pump(struct half *h, struct pump *p);

/* Who broke; for HALF_FAILED. */
struct end *half_failed_end(const struct half *h);

/* It was the last one, and dst is not closed after all. */
void half_shut_now(struct half *h);

/* Has everything that src sent reached dst's TCP queue? */
bool half_drained(struct half *h);

/* Bytes of src's stream moved in the kernel, and by user space. */
uint64_t half_kernel_bytes(const struct half *h);
uint64_t half_user_bytes(const struct half *h);
#endif

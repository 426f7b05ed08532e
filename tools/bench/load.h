/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load - what the parts of the load generator share: a connection, as either
 * end sees it, and the client's ways to open one and to keep latencies.
 *
 * One thread, one epoll instance.  Whatever should not happen ends the program.
 */
#ifndef LOAD_H
#define LOAD_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUF (256 * 1024)
#define HELLO_MAX 600

/* Behind the hello: what the server is to do. */
struct order {
	char what; /* 'u' sink, 'd' source, 'e' echo, 'a' answer and close, 's' read no more,
		    * 'q' tell how much the newest source has sent */
	char pad[7];
	uint64_t bytes;
};

struct conn {
	int fd;
	uint8_t hello[HELLO_MAX + sizeof(struct order)];
	size_t have; /* of hello and order */
	struct order order;
	bool ready;
	uint64_t in, out, owed; /* owed: bytes still to be sent */
	uint64_t started;
	bool half; /* the peer has sent FIN */
};

extern uint8_t buf[BUF];
extern int epoll_fd;

uint64_t now_ns(void);
struct sockaddr_in parse(const char *text);
void watch(struct conn *c, int op, uint32_t mask);
void finish(struct conn *c); /* closes and frees */

/* ---- the server's end ---- */

int serve(const char *at);

/* ---- the client's ---- */

extern struct sockaddr_in target;

/*
 * What every connection sends first: a TLS 1.3 ClientHello for <name>, of 517 bytes as
 * browsers pad it, and an order.  "a%1000.b" is another name each time, a000000.b to a000999.b.
 */
void make_first(const char *name, char what, uint64_t bytes);
struct conn *open_conn(void);
bool send_first(struct conn *c); /* true once it is sent */

void sample(uint64_t ns);
void print_latency(const char *prefix); /* percentiles of the samples, which are then forgotten */

/* ---- connections that are held (load_held.c) ---- */

/* Latency with few and with many open, memory of processes <pids> while they are. */
void held(double seconds, char **pids);
/* A sender that never stops and a reader that stands still: what the kernel holds. */
void stalled(bool up, const char *name);
/* Tries until the first connection has been answered. */
void first_answer(void);
#endif

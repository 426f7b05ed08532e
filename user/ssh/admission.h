/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * admission - which connections are let in before they have shown a key.
 *
 * Two limits.  Connections that have not logged in: above a start they are refused at random, the
 * more of them the likelier (as OpenSSH's MaxStartups 10:30:100), so that a flood leaves somebody a
 * chance.  And penalties of a source (IPv4 address, IPv6 /64): each offence adds seconds, and from
 * ADMISSION_LIMIT_MS of them on the source is refused until they are over.
 *
 * Not locked; the time and the dice are the caller's.
 */
#ifndef ADMISSION_H
#define ADMISSION_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADMISSION_SOURCES 1024 /* remembered; a full row forgets the one that is over first */
#define ADMISSION_ROW 8
#define ADMISSION_LIMIT_MS 15000
#define ADMISSION_LONGEST_MS 600000

struct admission_source {
	uint8_t key[16];
	uint64_t until_ms; /* 0: free */
	bool refused;
};

struct admission {
	unsigned begin, full; /* refused at random from <begin> on, all at <full> */
	unsigned waiting;     /* not logged in yet */
	struct admission_source sources[ADMISSION_SOURCES];
};

enum admission_verdict { ADMISSION_IN, ADMISSION_CROWDED, ADMISSION_PENALTY };

void admission_init(struct admission *a, unsigned begin, unsigned full);
/* One more that waits, if IN.  <dice>: any random number. */
enum admission_verdict admission_enter(struct admission *a, const struct sockaddr_storage *sa,
				       uint64_t now_ms, uint32_t dice);
/* It has logged in, or is gone. */
void admission_leave(struct admission *a);
/* <sa> has done something that costs it <cost_ms>. */
void admission_punish(struct admission *a, const struct sockaddr_storage *sa, uint64_t now_ms,
		      unsigned cost_ms);
#endif

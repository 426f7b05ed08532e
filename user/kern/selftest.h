/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * selftest - does this kernel do with our programs what we count on?  A few dozen milliseconds of
 * real connections over a loopback of their own, with programs and maps of their own: nobody else
 * is touched.
 *
 * What is tried: redirects both ways, FIN with data before it, half-closed streams each way, RST, a
 * reader that is slow, and SK_PASS to a reader that sleeps in recv() and to one in epoll.
 */
#ifndef SELFTEST_H
#define SELFTEST_H
#include <stddef.h>
#include <stdint.h>

/*
 * 0: all as it should be, <why> says how long it took; 1: it could not be tried, and <why>;
 * -ENOTSUP: something is wrong, <why> says what.  <mutant>: test builds, see abi.h.
 */
int selftest_run(uint32_t mutant, char *why, size_t why_size);
#endif

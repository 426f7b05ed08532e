/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tcp_memory - how much memory all TCP sockets of the machine may have before the kernel presses.
 */
#ifndef TCP_MEMORY_H
#define TCP_MEMORY_H
#include <stdint.h>

/*
 * In pages: the first number of net.ipv4.tcp_mem, which only the first network namespace shows.
 * Elsewhere what the kernel makes it at boot for a machine of this size.  0: not known.
 */
uint32_t tcp_memory_low(void);
#endif

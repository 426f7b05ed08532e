/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hello_write - a small ClientHello (TLS 1.2 and 1.3) for <name>, to see whether a server answers
 * in TLS.  Nothing more can be done with it: no key belongs to its share.
 */
#ifndef HELLO_WRITE_H
#define HELLO_WRITE_H
#include <stddef.h>
#include <stdint.h>

#define HELLO_WRITE_MAX 512

/* Returns its length.  <random>: for its random value, session id and key share.  <name> of at most
 * 255 bytes. */
size_t hello_write(uint8_t out[HELLO_WRITE_MAX], const char *name, const uint8_t random[96]);
#endif

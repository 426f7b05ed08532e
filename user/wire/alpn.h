/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * alpn - the protocols a ClientHello offers, as hello.h found them.  Pure; any thread.
 */
#ifndef ALPN_H
#define ALPN_H

#include <stdbool.h>
#include <stddef.h>

#include "hello.h"

/* Does the list have exactly <protocol> ("acme-tls/1")? */
bool alpn_has(const __u8 *buf, const struct hello *h, const char *protocol);

/*
 * The list as text, "h2,http/1.1", into <out> of <size> > 0 bytes; "" for none.  A comma, a
 * backslash and what is not printable ASCII become \xNN.  Returns the length; protocols that do
 * not fit are left out whole.
 */
size_t alpn_write(const __u8 *buf, const struct hello *h, char *out, size_t size);

#endif

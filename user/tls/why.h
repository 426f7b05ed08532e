/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * why - OpenSSL's error queue as one line of text.
 *
 * The queue is the calling thread's; it is empty afterwards.
 */
#ifndef WHY_H
#define WHY_H

#include <stddef.h>

#include <openssl/ssl.h>

/* The first error in the queue, "unknown error" for an empty one.  Returns <out>. */
const char *why_queue(char *out, size_t size);

/* What a session failed on: a certificate's fault by its name, else as above. */
const char *why_session(const SSL *ssl, char *out, size_t size);

#endif

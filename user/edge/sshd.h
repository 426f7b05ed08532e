/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sshd - the gateway for `ssh -R`, a process of its own: snisplit-sshd, beside this program.
 *
 * It gets the address of the tunnel port, our CA's fingerprint and where its secret is, nothing
 * else of ours.  When it dies, or does not start because its port is taken, it is started again, a
 * second later at first, up to 30; the edge serves meanwhile.
 *
 * Where we may not start it (root without the capabilities to make it nobody), it is left to
 * snisplit-sshd.service, which runs if we have put STATE/ssh/gateway.env there for it.
 */
#ifndef SSHD_H
#define SSHD_H
#include <stdbool.h>
#include <stddef.h>

struct edge;
struct sshd;

/*
 * Starts it, if the configuration says so (else *ret_s is NULL), without waiting until it listens:
 * at its first start it makes an RSA key.  0, or -1 with <why>: the file asks for what cannot be.
 */
int sshd_start(struct edge *g, struct sshd **ret_s, char *why, size_t why_size);
/* Why it is not ours to start, or cannot be: what nobody asked for is no error.  "": it is. */
const char *sshd_why(const struct sshd *s);
bool sshd_is_up(const struct sshd *s); /* NULL is fine, here too */
void sshd_stop(struct sshd *s);	       /* waits for its end; NULL is fine */
#endif

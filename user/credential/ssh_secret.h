/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ssh_secret - what the edge knows its gateway for `ssh -R` by.
 *
 * In STATE/ssh/token, made at the first start.  The gateway (snisplit-sshd) has checked that a
 * client holds a key, and says which with an authtoken "ssh:SECRET:FINGERPRINT".  Not changed once
 * open: any thread.
 */
#ifndef SSH_SECRET_H
#define SSH_SECRET_H
#include <limits.h>
#include <stdbool.h>

#include "fault.h"

#define SSH_SECRET_LEN 32 /* bytes; in hexadecimal on disk and in a token */

struct ssh_secret {
	char dir[PATH_MAX]; /* STATE/ssh, where the host keys are too */
	char hex[2 * SSH_SECRET_LEN + 1];
};

/* 0, or -1 with <f>. */
int ssh_secret_open(struct ssh_secret *s, const char *state_dir, struct fault *f);
/* Is this authtoken one of a gateway's? */
bool ssh_secret_is_token(const char *token);
/* ... of ours?  The fingerprint in it; NULL with 107 in <f>. */
const char *ssh_secret_check(const struct ssh_secret *s, const char *token, struct fault *f);
#endif

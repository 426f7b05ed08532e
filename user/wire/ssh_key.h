/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ssh_key - a public key as OpenSSH writes it into FILE.pub: "ssh-ed25519 AAAA... comment".
 *
 * Pure; any thread.  What is read is the text and what the key says it is; whether it is a good
 * one is libssh's business, when somebody signs with it.
 */
#ifndef SSH_KEY_H
#define SSH_KEY_H
#include <stddef.h>

#include "fault.h"

#define SSH_KEY_LINE_MAX 8192
#define SSH_KEY_FINGERPRINT_MAX 64

struct ssh_public_key {
	char type[40];
	char fingerprint[SSH_KEY_FINGERPRINT_MAX]; /* "SHA256:..." as ssh-keygen -l shows it */
	char comment[128];			   /* printable; "" if none */
	char line[SSH_KEY_LINE_MAX];		   /* type and base64, nothing else */
};

/*
 * The one key in <text>: blank lines and comments may be around it.  RSA (2048 bits and more),
 * ECDSA and Ed25519.  0, or -1 with 400 in <f>, field "public_key".
 */
int ssh_key_read(const char *text, struct ssh_public_key *ret_k, struct fault *f);
#endif

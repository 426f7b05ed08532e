/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ssh_credentials - whose SSH keys may open endpoints by `ssh -R`, and which names they may bind.
 *
 * In state.db.  The gateway (snisplit-sshd) has checked that a client holds the key; it proves
 * itself by the secret in STATE/ssh/token, made at the first start.  Any thread; locked inside.
 */
#ifndef SSH_CREDENTIALS_H
#define SSH_CREDENTIALS_H
#include <stdbool.h>
#include <time.h>

#include "credentials.h"
#include "fault.h"
#include "ssh_key.h"

struct ssh_credentials;
struct store;

struct ssh_credential {
	struct credential cr; /* id: sshcr_... */
	char *public_key;     /* "ssh-ed25519 AAAA..." */
	char fingerprint[SSH_KEY_FINGERPRINT_MAX];
};

/* 0, or -1 with <f>.  <dir>: STATE. */
int ssh_credentials_open(struct store *s, const char *dir, struct ssh_credentials **ret_c,
			 struct fault *f);
void ssh_credentials_close(struct ssh_credentials *c); /* NULL is fine */

/* STATE/ssh, where the gateway's secret and host keys are. */
const char *ssh_credentials_dir(const struct ssh_credentials *c);

/*
 * Adds <in>'s key with its texts (id, time and fingerprint are not read; no description: the key's
 * comment).  0 with the id, or -1 with <f>: 609 the key is here already, 600 a bad rule.
 */
int ssh_credentials_add(struct ssh_credentials *c, const struct ssh_credential *in,
			char ret_id[CREDENTIAL_ID_MAX], struct fault *f);
int ssh_credentials_remove(struct ssh_credentials *c, const char *id, struct fault *f);
/* As credentials_each(). */
int ssh_credentials_each(struct ssh_credentials *c,
			 int (*fn)(void *arg, const struct ssh_credential *cr), void *arg);

/* Is this authtoken one of the gateway's, "ssh:SECRET:FINGERPRINT"? */
bool ssh_credentials_is_token(const char *token);
/* As credentials_check(): -1 with 107 (not our gateway) or 1102 (the key is not known). */
int ssh_credentials_check(struct ssh_credentials *c, const char *token,
			  char ret_id[CREDENTIAL_ID_MAX], char **ret_acl, struct fault *f);
#endif

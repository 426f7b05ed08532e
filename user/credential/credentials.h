/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * credentials - who may open a session, and which names it may bind.
 *
 * A table in state.db for each kind: agents have a token, of which a salted hash is kept, it is
 * shown once, when it is made; who comes by `ssh -R` has a key, which the gateway has seen proven
 * (ssh_secret.h).  Any thread; locked inside.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H
#include <stdbool.h>
#include <time.h>

#include "fault.h"
#include "ssh_key.h"

#define CREDENTIAL_ID_MAX 40
#define CREDENTIAL_TOKEN_MAX 96
#define CREDENTIAL_ACL_MAX 4096

#define CREDENTIAL_KEEP (~0U)

struct credentials;
struct store;

enum credential_kind { CREDENTIAL_TOKEN, CREDENTIAL_SSH_KEY };

struct credential {
	char id[CREDENTIAL_ID_MAX]; /* cr_... or sshcr_... */
	struct timespec created;
	char *description, *metadata; /* NULL: none */
	char *acl;		      /* rules, a line each: "bind:*.example.com"; NULL: any name */
	char *public_key;	      /* "ssh-ed25519 AAAA..."; NULL: a token */
	char fingerprint[SSH_KEY_FINGERPRINT_MAX]; /* of it; else "" */
	unsigned max_sessions, max_endpoints;	   /* at once; 0: any number */
};

/* 0, or -1 with <f>. */
int credentials_open(struct store *s, enum credential_kind kind, struct credentials **ret_c,
		     struct fault *f);
void credentials_close(struct credentials *c); /* NULL is fine */

/*
 * Makes one of <in>'s texts and key (no description: the key's comment).  0 with its id and the
 * token ("": it has a key), or -1 with <f>: 600 a rule that is none, 609 the key is here already.
 */
int credentials_add(struct credentials *c, const struct credential *in,
		    char ret_id[CREDENTIAL_ID_MAX], char ret_token[CREDENTIAL_TOKEN_MAX],
		    struct fault *f);
/*
 * Other texts, rules and limits than it has; what <in> has as NULL, or CREDENTIAL_KEEP, stays, ""
 * is none.  0, or -1 with <f>: 404, 600.
 */
int credentials_set(struct credentials *c, const char *id, const struct credential *in,
		    struct fault *f);
/*
 * What holds for sessions now: a copy of the rules to free (NULL: none), and the limits.  0,
 * -ENOENT: it is gone, or -ENOMEM: nobody knows, so that what is asked for is to be refused.
 */
int credentials_rules(struct credentials *c, const char *id, char **ret_acl,
		      unsigned *ret_max_sessions, unsigned *ret_max_endpoints);
/* 0, or -1 with 404. */
int credentials_remove(struct credentials *c, const char *id, struct fault *f);
/* Oldest first, under the lock; stops at non-zero and returns it. */
int credentials_each(struct credentials *c, int (*fn)(void *arg, const struct credential *cr),
		     void *arg);

/*
 * Whose token, or key, is it?  0 with the id and a copy of the rules to free (NULL: none); else -1:
 * 105, 107, or 1102 for a key.
 */
int credentials_check(struct credentials *c, const char *token, char ret_id[CREDENTIAL_ID_MAX],
		      char **ret_acl, struct fault *f);
int credentials_check_key(struct credentials *c, const char *fingerprint,
			  char ret_id[CREDENTIAL_ID_MAX], char **ret_acl, struct fault *f);

/* credential_acl.c.  Are these rules, a line each (NULL: none)?  0, or -1 with 600 in <f>. */
int credential_check_acl(const char *acl, struct fault *f);
/* May a session with these rules bind the (normalised) name? */
bool credential_allows(const char *acl, const char *host);
/* ... a tunnel with all of these labels, a line each? */
bool credential_allows_labels(const char *acl, const char *labels);
#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * credentials - who may open a session, and which names it may bind.
 *
 * In state.db, a salted hash in place of the token: that is shown once, when it is made.  Any
 * thread; locked inside.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H
#include <stdbool.h>
#include <time.h>

#include "fault.h"

#define CREDENTIAL_ID_MAX 40
#define CREDENTIAL_TOKEN_MAX 96
#define CREDENTIAL_ACL_MAX 4096

struct credentials;
struct store;

struct credential {
	char id[CREDENTIAL_ID_MAX]; /* cr_... */
	struct timespec created;
	char *description, *metadata; /* NULL: none */
	char *acl;		      /* rules, a line each: "bind:*.example.com"; NULL: any name */
};

/* 0, or -1 with <f>. */
int credentials_open(struct store *s, struct credentials **ret_c, struct fault *f);
void credentials_close(struct credentials *c); /* NULL is fine */

/*
 * Makes one of <in>'s texts (its id and time are not read).  0 with its id and the token, or -1
 * with <f> (600: a rule that is none).
 */
int credentials_add(struct credentials *c, const struct credential *in,
		    char ret_id[CREDENTIAL_ID_MAX], char ret_token[CREDENTIAL_TOKEN_MAX],
		    struct fault *f);
/* 0, or -1 with 404. */
int credentials_remove(struct credentials *c, const char *id, struct fault *f);
/* Oldest first, under the lock; stops at non-zero and returns it. */
int credentials_each(struct credentials *c, int (*fn)(void *arg, const struct credential *cr),
		     void *arg);

/* Whose token is it?  0 with the id and a copy of the rules to free (NULL: none); else -1: 105,
 * 107. */
int credentials_check(struct credentials *c, const char *token, char ret_id[CREDENTIAL_ID_MAX],
		      char **ret_acl, struct fault *f);

/* Are these rules, a line each (NULL: none)?  0, or -1 with 600 in <f>. */
int credential_check_acl(const char *acl, struct fault *f);
/* May a session with these rules bind the (normalised) name? */
bool credential_allows(const char *acl, const char *host);
#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client_ca - certificate authorities whose certificates clients may show (mutual TLS): uploaded
 * once, then named by endpoints (certificate_authorities) and edges.
 *
 * In state.db and in memory.  The certificate of one never changes.  Any thread; locked inside.
 */
#ifndef CLIENT_CA_H
#define CLIENT_CA_H
#include <stdbool.h>
#include <time.h>

#include "fault.h"

#define CLIENT_CA_ID_MAX 40
#define CLIENT_CA_NAME_MAX 64
#define CLIENT_CAS_MAX 10 /* that one endpoint may name */

struct client_cas;
struct edge;
struct endpoint_spec;
struct store;

struct client_ca {
	char id[CLIENT_CA_ID_MAX]; /* ca_... */
	struct timespec created;
	const char *name, *description, *metadata; /* NULL: none; the name is nobody else's */
	const char *pem;
};

/* 0, or -1 with <f>. */
int client_cas_open(struct store *s, struct client_cas **ret_c, struct fault *f);
void client_cas_close(struct client_cas *c); /* NULL is fine */

/*
 * A new one of <in>'s texts: <id> and <created> are set.  0, or -1 with <f>: 1911, 1912, 1913 the
 * PEM is not one CA's certificate; 409 the name is taken.
 */
int client_cas_add(struct client_cas *c, struct client_ca *in, struct fault *f);
/* Other texts; NULL: as it is.  404 if there is none. */
int client_cas_set(struct client_cas *c, const char *id, const char *description,
		   const char *metadata, struct fault *f);
/* By id or name.  0, or -1: 404; 409 while something uses it (<is_used>, without the lock). */
int client_cas_remove(struct client_cas *c, const char *id_or_name,
		      int (*is_used)(void *arg, const struct client_ca *ca, struct fault *f),
		      void *arg, struct fault *f);
/* Oldest first, under the lock; stops at non-zero and returns it. */
int client_cas_each(struct client_cas *c, int (*fn)(void *arg, const struct client_ca *ca),
		    void *arg);
/* The one with this id or name, else -ENOENT. */
int client_cas_with(struct client_cas *c, const char *id_or_name,
		    int (*fn)(void *arg, const struct client_ca *ca), void *arg);

/*
 * All certificates that clients of <s> may be of, PEM, malloc'd: its own mutual_tls_cas, then those
 * it names.  *ret_pem is NULL when it asks for none.  0, or -1 with <f>: 228 there is no such CA,
 * 1675 more than CLIENT_CAS_MAX.
 */
int client_cas_pem(struct client_cas *c, const struct endpoint_spec *s, char **ret_pem,
		   struct fault *f);
/* Are all that <s> names still there? */
bool client_cas_are_there(struct client_cas *c, const struct endpoint_spec *s);
/* Does the list (a line each) name <ca>, by id or name? */
bool client_ca_is_in(const struct client_ca *ca, const char *list);

struct client_cas *edge_client_cas(struct edge *g);
/* client_cas_remove(), refused while an endpoint names it or <also> says so. */
int edge_client_ca_remove(struct edge *g, const char *id_or_name,
			  int (*also)(void *arg, const struct client_ca *ca, struct fault *f),
			  void *arg, struct fault *f);
#endif

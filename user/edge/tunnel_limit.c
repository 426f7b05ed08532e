// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_limit - how many sessions and endpoints a credential may have at once, and its rules when
 * they change.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "edge_private.h"
#include "log.h"
#include "tunnel_private.h"

#define TOO_MANY_SESSIONS 108
#define TOO_MANY_ENDPOINTS 324

static int rules_of(const struct caller *c, char **ret_acl, unsigned *ret_sessions,
		    unsigned *ret_endpoints)
{
	struct edge *g = c->tunnel->edge;

	return credentials_rules(strncmp(c->credential, "sshcr_", 6) ? g->credentials
								     : g->ssh_credentials,
				 c->credential, ret_acl, ret_sessions, ret_endpoints);
}

static bool is_of_it(const struct caller *s, const struct caller *c)
{
	return s != c && !s->leaving && !strcmp(s->credential, c->credential);
}

static int no_memory(struct fault *f)
{
	return fault_set(f, 500, 0, "", "out of memory");
}

/* What another session of the same process has become is no second one. */
static struct caller *former_self(const struct caller *c)
{
	struct list *it;

	list_for_each(it, &c->tunnel->sessions) {
		struct caller *s = list_of(it, struct caller, link);

		if (is_of_it(s, c) && *c->instance && !strcmp(s->instance, c->instance))
			return s;
	}
	return NULL;
}

int session_check_count(struct caller *c, struct fault *f)
{
	unsigned sessions = 0, endpoints, n = 0;
	struct caller *former;
	char *acl = NULL;
	struct list *it;
	int err = rules_of(c, &acl, &sessions, &endpoints);

	free(acl);
	if (err == -ENOMEM)
		return no_memory(f);
	if (err || !sessions)
		return 0;
	list_for_each(it, &c->tunnel->sessions)
		n += is_of_it(list_of(it, struct caller, link), c);
	former = n >= sessions ? former_self(c) : NULL;
	if (former) {
		caller_close(former, true);
		n--;
	}
	if (n < sessions)
		return 0;
	return fault_set(f, 429, TOO_MANY_SESSIONS, "authtoken",
			 "credential %s may have %u sessions at once, and has %u", c->credential,
			 sessions, n);
}

int session_check_endpoints(struct caller *c, struct fault *f)
{
	unsigned sessions, endpoints = 0, n = c->n_bounds;
	char *acl = NULL;
	struct list *it;
	int err = rules_of(c, &acl, &sessions, &endpoints);

	free(acl);
	if (err == -ENOMEM)
		return no_memory(f);
	if (err || !endpoints)
		return 0;
	list_for_each(it, &c->tunnel->sessions) {
		struct caller *s = list_of(it, struct caller, link);

		n += is_of_it(s, c) ? s->n_bounds : 0;
	}
	if (n < endpoints)
		return 0;
	return fault_set(f, 429, TOO_MANY_ENDPOINTS, "",
			 "credential %s may have %u endpoints at once, and has %u", c->credential,
			 endpoints, n);
}

int session_check_rules(struct caller *c, struct fault *f)
{
	unsigned sessions, endpoints;
	char *acl = NULL;
	int err;

	if (!c->rules_changed)
		return 0;
	err = rules_of(c, &acl, &sessions, &endpoints);
	if (err == -ENOMEM)
		return no_memory(f);
	c->rules_changed = false;
	if (err) /* it is gone, and its sessions are about to be */
		return 0;
	free(c->acl);
	c->acl = acl;
	return 0;
}

bool session_is_revoked(struct caller *c)
{
	unsigned sessions, endpoints;
	char *acl = NULL;
	int err = rules_of(c, &acl, &sessions, &endpoints);

	free(acl);
	return err == -ENOENT;
}

void sessions_renew_rules(struct tunnel *t, const char *credential)
{
	struct list *it;

	list_for_each(it, &t->sessions) {
		struct caller *c = list_of(it, struct caller, link);

		if (!strcmp(c->credential, credential))
			c->rules_changed = true;
	}
}

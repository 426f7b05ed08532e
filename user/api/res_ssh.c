// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_ssh - /ssh_credentials, whose fields follow ngrok's, and the host keys of the gateway.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credential_body.h"
#include "edge.h"
#include "log.h"
#include "request.h"
#include "ssh_credentials.h"
#include "stamp.h"
#include "tunnel.h"

static int answer(struct request *r, unsigned status, json_t *j)
{
	r->status = status;
	r->out = j;
	return j ? 0 : fault_set(&r->fault, 500, 0, "", "out of memory");
}

static json_t *key_json(const struct ssh_credential *c)
{
	char uri[CREDENTIAL_ID_MAX + 20], created[STAMP_TEXT_MAX];

	snprintf(uri, sizeof(uri), "/ssh_credentials/%s", c->cr.id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "id", c->cr.id, "uri", uri,
			 "created_at", stamp_text(&c->cr.created, created), "description",
			 c->cr.description ? c->cr.description : "", "metadata",
			 c->cr.metadata ? c->cr.metadata : "", "public_key", c->public_key,
			 "fingerprint", c->fingerprint, "acl", credential_rules_json(c->cr.acl));
}

static int list_one(void *arg, const struct ssh_credential *c)
{
	return json_array_append_new(arg, key_json(c));
}

int ssh_credentials_get(struct request *r)
{
	json_t *list = json_array();

	if (!list || ssh_credentials_each(edge_ssh_credentials(r->api->edge), list_one, list)) {
		json_decref(list);
		return answer(r, 500, NULL);
	}
	return answer(r, 200,
		      json_pack("{s:o, s:s, s:n}", "ssh_credentials", list, "uri",
				"/ssh_credentials", "next_page_uri"));
}

struct wanted {
	const char *id;
	json_t *found;
};

static int match_one(void *arg, const struct ssh_credential *c)
{
	struct wanted *w = arg;

	if (!strcmp(c->cr.id, w->id))
		w->found = key_json(c);
	return 0;
}

static json_t *find(struct request *r, const char *id)
{
	struct wanted w = {id, NULL};

	ssh_credentials_each(edge_ssh_credentials(r->api->edge), match_one, &w);
	return w.found;
}

int ssh_credential_get_one(struct request *r)
{
	json_t *j = find(r, r->id);

	return j ? answer(r, 200, j)
		 : fault_set(&r->fault, 404, 0, "", "no SSH credential '%.64s'", r->id);
}

int ssh_credentials_post(struct request *r)
{
	json_t *rest = json_copy(r->in);
	const json_t *key = json_object_get(r->in, "public_key");
	struct ssh_credential c = {.public_key = (char *)json_string_value(key)};
	char id[CREDENTIAL_ID_MAX], who[64];
	int err = 0;

	json_object_del(rest, "public_key");
	if (!c.public_key)
		err = fault_set(&r->fault, 400, 0, "public_key",
				"is missing: the text of FILE.pub");
	if (!err)
		err = credential_body_read(rest, &c.cr, &r->fault);
	if (!err)
		err = ssh_credentials_add(edge_ssh_credentials(r->api->edge), &c, id, &r->fault);
	credential_body_done(&c.cr);
	json_decref(rest);
	if (err)
		return -1;
	log_info("SSH credential added: id=%s %s", id, request_who(r, who));
	return answer(r, 201, find(r, id));
}

int ssh_credential_delete(struct request *r)
{
	char who[64];

	if (ssh_credentials_remove(edge_ssh_credentials(r->api->edge), r->id, &r->fault))
		return -1;
	tunnel_revoke(edge_tunnel(r->api->edge), r->id);
	log_info("SSH credential removed: id=%s %s", r->id, request_who(r, who));
	r->status = 204;
	return 0;
}

/* ---- the gateway's own keys ---- */

static json_t *read_host_key(const char *dir, const char *name)
{
	struct ssh_public_key k;
	char path[PATH_MAX], text[SSH_KEY_LINE_MAX];
	struct fault f;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.3900s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (ssh_key_read(text, &k, &f))
		return NULL;
	return json_pack("{s:s, s:s, s:s}", "type", k.type, "fingerprint", k.fingerprint,
			 "public_key", k.line);
}

int ssh_host_keys_get(struct request *r)
{
	const char *dir = ssh_credentials_dir(edge_ssh_credentials(r->api->edge));
	static const char *const names[] = {"ssh_host_ed25519_key.pub", "ssh_host_rsa_key.pub"};
	json_t *list = json_array(), *key;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		key = read_host_key(dir, names[i]);
		if (key)
			json_array_append_new(list, key);
	}
	if (!json_array_size(list)) {
		json_decref(list);
		return fault_set(
			&r->fault, 404, 0, "",
			"there are no host keys yet: they are made when ssh.listen is set");
	}
	return answer(r, 200, json_pack("{s:o}", "ssh_host_keys", list));
}

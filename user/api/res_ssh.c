// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_ssh - /ssh_host_keys, what the gateway for `ssh -R` shows.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "edge.h"
#include "request.h"
#include "ssh_key.h"
#include "tunnel.h"

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
	const char *dir = edge_ssh_dir(r->api->edge);
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
			"there are no host keys here: snisplit-sshd makes them at its first start, "
			"in its --state-dir (snisplit-sshd.service: in /var/lib/snisplit-sshd)");
	}
	return request_answer(r, 200, json_pack("{s:o}", "ssh_host_keys", list));
}

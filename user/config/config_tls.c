// SPDX-License-Identifier: GPL-2.0-only
#include "config_tls.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define AT(member) offsetof(struct config, member)

int config_tls_default(struct config *c)
{
	c->tls.min_version = CONFIG_TLS_1_2;
	c->tls.max_version = CONFIG_TLS_1_3;
	c->tls.certificates = strdup("/etc/snisplit/certs");
	return c->tls.certificates ? 0 : -ENOMEM;
}

static void read_version(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			 void *out)
{
	enum config_tls_version *v = (void *)((char *)out + key->offset);
	const char *text = doc_scalar(d, node);

	if (!text)
		return;
	if (!strcmp(text, "1.2"))
		*v = CONFIG_TLS_1_2;
	else if (!strcmp(text, "1.3"))
		*v = CONFIG_TLS_1_3;
	else
		doc_error(d, node, "must be \"1.2\" or \"1.3\", got '%.64s'", text);
}

static void read_certificates(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			      void *out)
{
	struct config *c = out;

	if (doc_is(node, "none")) {
		free(c->tls.certificates);
		c->tls.certificates = NULL;
		return;
	}
	doc_path(d, key, node, out);
	c->tls.certificates_given = true;
}

static void read_ktls(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	struct config *c = out;

	(void)key;
	if (doc_is(node, "off"))
		c->tls.ktls_off = true;
	else if (!doc_is(node, "auto"))
		doc_error(d, node, "must be auto or off");
}

static const struct doc_key keys[] = {
	{"min_version", read_version, AT(tls.min_version), 0, 0, NULL},
	{"max_version", read_version, AT(tls.max_version), 0, 0, NULL},
	{"certificates", read_certificates, AT(tls.certificates), 0, 4000, NULL},
	{"ktls", read_ktls, 0, 0, 0, NULL},
	{.name = NULL},
};

void config_tls_read(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	const struct doc_key with_keys = {.name = key->name, .more = keys};
	const struct config *c = out;

	doc_map(d, &with_keys, node, out);
	if (c->tls.min_version > c->tls.max_version)
		doc_error(d, node, "min_version is above max_version");
}

// SPDX-License-Identifier: GPL-2.0-only
#include "edge_tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certs.h"
#include "edge_private.h"
#include "log.h"
#include "tls.h"
#include "tls_base.h"

static void on_say(void *arg, bool warning, const char *text)
{
	(void)arg;
	if (warning)
		log_warn("%s", text);
	else
		log_info("%s", text);
}

static enum tls_version version(enum config_tls_version v)
{
	return v == CONFIG_TLS_1_3 ? TLS_1_3 : TLS_1_2;
}

int edge_tls_open(struct edge *g, char *why, size_t why_size)
{
	const struct config *c = g->config;
	const struct certs_conf conf = {.dir = c->tls.certificates,
					.dir_expected = c->tls.certificates_given,
					.state = c->state_dir,
					.say = on_say};
	char lacks[128];
	int err;

	/* loads the module, while we may */
	g->terminate.ktls = tls_ktls_available(lacks, sizeof(lacks));
	pthread_mutex_init(&g->cert_lock, NULL);
	g->terminate.min = version(c->tls.min_version);
	g->terminate.max = version(c->tls.max_version);
	g->terminate.base = tls_base_new(why, why_size);
	if (!g->terminate.base)
		return -EIO;
	err = certs_open(&conf, &g->terminate.certs);
	if (err)
		snprintf(why, why_size, "the certificate store: %s", strerror(-err));
	return err;
}

void edge_tls_reload(struct edge *g, const struct config *c)
{
	int err = certs_reload(g->terminate.certs, c->tls.certificates, c->tls.certificates_given);

	if (err)
		log_warn("the certificates read before stay in use: %s", strerror(-err));
}

void edge_tls_close(struct edge *g)
{
	certs_close(g->terminate.certs);
	tls_base_free(g->terminate.base);
	pthread_mutex_destroy(&g->cert_lock);
}

struct certs *edge_certs(struct edge *g)
{
	return g->terminate.certs;
}

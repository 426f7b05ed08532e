// SPDX-License-Identifier: GPL-2.0-only
/*
 * ca - the edge's own CA, and the CAs that clients' certificates may be of.
 */
#include <stdio.h>

#include "client.h"
#include "out.h"
#include "pem_file.h"
#include "resource.h"
#include "show.h"

#define CAS "/certificate_authorities"

const struct opt ca_add_opts[] = {
	{.name = "name", .arg = "NAME", .help = "what endpoints and edges call it"},
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	{.name = NULL},
};

int ca_add(struct call *c)
{
	char *pem = pem_file_read("FILE", c->args[0]);
	json_t *body = json_object();
	const char *name = call_value(c, "name");
	int code = EXIT_USAGE;

	if (pem && resource_set(body, "ca_pem", "FILE", json_string(pem)) &&
	    (!name || resource_set(body, "name", "name", json_string(name))) &&
	    resource_set_texts(c, body))
		code = resource_send(c, "POST", client_path(CAS, ""), body);
	else
		json_decref(body);
	pem_file_free(pem);
	return code;
}

static void ca_row(struct table *t, json_t *ca)
{
	table_cell(t, show_text(ca, "id"));
	table_cell(t, show_text(ca, "name"));
	table_cell(t, show_text(ca, "subject_common_name"));
	table_cellf(t, "%.10s", show_text(ca, "not_after"));
	table_cell(t, show_text(ca, "description"));
}

int ca_list(struct call *c)
{
	static const char *const heads[] = {"ID", "NAME", "SUBJECT", "UNTIL", "DESCRIPTION"};

	return resource_list(c, &(struct resource_list){CAS, "certificate_authorities", heads,
							"<<<<<", ca_row});
}

int ca_get(struct call *c)
{
	return resource_get(c, client_path(CAS "/", c->args[0]));
}

int ca_rm(struct call *c)
{
	return resource_remove(c, client_path(CAS "/", c->args[0]));
}

/* The certificate alone on stdout, for "> root.pem". */
int ca_show(struct call *c)
{
	struct reply r = {0};
	int code = client_ask(c, "GET", "/local_ca", NULL, &r);

	if (!code && !c->json) {
		fputs(show_text(r.json, "certificate_pem"), stdout);
		fflush(stdout);
		fprintf(stderr,
			"SHA-256 fingerprint: %s\n"
			"To trust it, save the certificate (snisplit ca show > snisplit-ca.pem), "
			"then\n"
			"  Debian, Ubuntu:  cp snisplit-ca.pem "
			"/usr/local/share/ca-certificates/snisplit-ca.crt && "
			"update-ca-certificates\n"
			"  Fedora, RHEL:    cp snisplit-ca.pem /etc/pki/ca-trust/source/anchors/ "
			"&& "
			"update-ca-trust\n"
			"  Chromium:        certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n snisplit "
			"-i snisplit-ca.pem\n"
			"  Firefox:         Settings, Certificates, Authorities, Import\n"
			"  curl:            curl --cacert snisplit-ca.pem https://NAME/\n"
			"Who has it trusts every certificate of this edge's local CA.\n",
			show_text(r.json, "sha256_fingerprint"));
	}
	reply_done(&r);
	return code;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "out.h"
#include "pem_file.h"
#include "resource.h"
#include "show.h"

#define CERTIFICATES "/tls_certificates"

const struct opt cert_add_opts[] = {
	{.name = "crt", .arg = "FILE", .help = "certificate chain, PEM, the leaf first"},
	{.name = "key", .arg = "FILE", .help = "its private key, PEM"},
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	{.name = NULL},
};

const struct opt cert_list_opts[] = {
	{.name = "all", .help = "also those of tls.certificates and of the local CA"},
	{.name = NULL},
};

static int set_file(json_t *body, const struct call *c, const char *option, const char *field)
{
	const char *path = call_value(c, option);
	char *text;
	int err;

	if (!path) {
		fprintf(stderr, "snisplit: cert add: --%s is missing\n", option);
		return -1;
	}
	text = pem_file_read(option, path);
	err = text && resource_set(body, field, option, json_string(text)) ? 0 : -1;
	pem_file_free(text);
	return err;
}

int cert_add(struct call *c)
{
	json_t *body = json_object();
	struct reply r = {0};
	int code = EXIT_USAGE;

	if (!set_file(body, c, "crt", "certificate_pem") &&
	    !set_file(body, c, "key", "private_key_pem") && resource_set_texts(c, body))
		code = client_ask(c, "POST", CERTIFICATES, body, &r);
	if (!code && !c->json) {
		out_text(stdout, show_text(r.json, "id"));
		printf("\n");
	}
	if (!code && *show_text(r.json, "warning"))
		fprintf(stderr, "snisplit: warning: the certificate %s\n",
			show_text(r.json, "warning"));
	json_decref(body);
	reply_done(&r);
	return code;
}

/* "a.test, b.test", or the common name of one without. */
static void cell_names(struct table *t, const json_t *cert)
{
	const json_t *alt = json_object_get(cert, "subject_alternative_names"), *name;
	char text[1024] = "";
	size_t i, n = 0;

	json_array_foreach(json_object_get(alt, "dns_names"), i, name) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? ", " : "",
				      json_string_value(name));
		if (n >= sizeof(text))
			break;
	}
	table_cell(t, *text ? text : show_text(cert, "subject_common_name"));
}

/* Without the microseconds: a certificate has none. */
static void cell_day(struct table *t, const json_t *j)
{
	table_cellf(t, "%.10s", show_text(j, "not_after"));
}

static void uploaded_row(struct table *t, json_t *cert)
{
	table_cell(t, show_text(cert, "id"));
	cell_names(t, cert);
	table_cell(t, show_text(cert, "private_key_type"));
	cell_day(t, cert);
	table_cell(t, show_text(cert, "issuer_common_name"));
	table_cell(t, show_text(cert, "description"));
}

static void in_use_row(struct table *t, json_t *cert)
{
	table_cell(t, show_text(cert, "origin"));
	table_cell(t, show_text(cert, "where"));
	table_cell(t, show_text(cert, "name"));
	cell_day(t, cert);
}

int cert_list(struct call *c)
{
	static const char *const uploaded[] = {"ID",	"NAMES",  "KEY",
					       "UNTIL", "ISSUER", "DESCRIPTION"};
	static const char *const in_use[] = {"FROM", "WHERE", "NAME", "UNTIL"};

	if (call_value(c, "all"))
		return resource_list(c, &(struct resource_list){CERTIFICATES "?all=1", "in_use",
								in_use, "<<<<", in_use_row});
	return resource_list(c, &(struct resource_list){CERTIFICATES, "tls_certificates", uploaded,
							"<<<<<<", uploaded_row});
}

int cert_get(struct call *c)
{
	return resource_get(c, client_path(CERTIFICATES "/", c->args[0]));
}

int cert_rm(struct call *c)
{
	return resource_remove(c, client_path(CERTIFICATES "/", c->args[0]));
}

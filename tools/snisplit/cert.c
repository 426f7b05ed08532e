// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "out.h"
#include "pem_file.h"
#include "show.h"

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

static int set_text(json_t *body, const char *field, const char *option, const char *value)
{
	if (!value || !json_object_set_new(body, field, json_string(value)))
		return 0;
	fprintf(stderr, "snisplit: --%s: must be UTF-8 text\n", option);
	return -1;
}

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
	err = text ? set_text(body, field, option, text) : -1;
	pem_file_free(text);
	return err;
}

int cert_add(struct call *c)
{
	json_t *body = json_object();
	struct reply r = {0};
	int code = EXIT_USAGE;

	if (!set_file(body, c, "crt", "certificate_pem") &&
	    !set_file(body, c, "key", "private_key_pem") &&
	    !set_text(body, "description", "description", call_value(c, "description")) &&
	    !set_text(body, "metadata", "metadata", call_value(c, "metadata")))
		code = client_ask(c, "POST", "/tls_certificates", body, &r);
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

static void list_uploaded(const json_t *reply)
{
	static const char *const heads[] = {"ID", "NAMES", "KEY", "UNTIL", "ISSUER", "DESCRIPTION"};
	struct table *t = table_new(heads, "<<<<<<", 6);
	const json_t *cert;
	size_t i;

	json_array_foreach(json_object_get(reply, "tls_certificates"), i, cert) {
		table_cell(t, show_text(cert, "id"));
		cell_names(t, cert);
		table_cell(t, show_text(cert, "private_key_type"));
		cell_day(t, cert);
		table_cell(t, show_text(cert, "issuer_common_name"));
		table_cell(t, show_text(cert, "description"));
	}
	table_print(t, true);
}

static void list_all(const json_t *reply)
{
	static const char *const heads[] = {"FROM", "WHERE", "NAME", "UNTIL"};
	struct table *t = table_new(heads, "<<<<", 4);
	const json_t *cert;
	size_t i;

	json_array_foreach(json_object_get(reply, "in_use"), i, cert) {
		table_cell(t, show_text(cert, "origin"));
		table_cell(t, show_text(cert, "where"));
		table_cell(t, show_text(cert, "name"));
		cell_day(t, cert);
	}
	table_print(t, true);
}

int cert_list(struct call *c)
{
	bool all = call_value(c, "all");
	struct reply r = {0};
	int code;

	code = client_ask(c, "GET", all ? "/tls_certificates?all=1" : "/tls_certificates", NULL,
			  &r);
	if (!code && !c->json) {
		if (all)
			list_all(r.json);
		else
			list_uploaded(r.json);
	}
	reply_done(&r);
	return code;
}

int cert_get(struct call *c)
{
	char *path = client_path("/tls_certificates/", c->args[0]);
	struct reply r = {0};
	int code = client_ask(c, "GET", path, NULL, &r);

	if (!code && !c->json)
		show_fields(r.json);
	free(path);
	reply_done(&r);
	return code;
}

int cert_rm(struct call *c)
{
	char *path = client_path("/tls_certificates/", c->args[0]);
	struct reply r = {0};
	int code = client_ask(c, "DELETE", path, NULL, &r);

	if (!code && !c->json) {
		printf("removed ");
		out_text(stdout, c->args[0]);
		printf("\n");
	}
	free(path);
	reply_done(&r);
	return code;
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

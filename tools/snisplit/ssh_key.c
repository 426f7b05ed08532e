// SPDX-License-Identifier: GPL-2.0-only
/*
 * ssh_key - whose SSH keys may `ssh -R` to the edge.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authtoken.h"
#include "client.h"
#include "out.h"

#define FILE_MAX 65536

/* malloc'd; NULL after an error, which is told. */
static char *read_file(const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *in = is_stdin ? stdin : fopen(path, "re");
	char *text = calloc(1, FILE_MAX);
	size_t n = in && text ? fread(text, 1, FILE_MAX - 1, in) : 0;
	bool failed = !in || ferror(in);

	if (failed || !text)
		fprintf(stderr, "snisplit: %s: %s\n", path, strerror(errno));
	if (in && !is_stdin)
		fclose(in);
	if (!failed && text && strlen(text) == n)
		return text;
	if (!failed && text)
		fprintf(stderr, "snisplit: %s: is no text\n", path);
	free(text);
	return NULL;
}

int ssh_key_add(struct call *c)
{
	json_t *body = credential_body(c), *key;
	struct reply r = {0};
	char *text;
	int code;

	if (!body)
		return EXIT_USAGE;
	text = read_file(c->args[0]);
	key = text ? json_string(text) : NULL;
	if (text && !key)
		fprintf(stderr, "snisplit: %s: must be UTF-8 text\n", c->args[0]);
	free(text);
	if (!key) {
		json_decref(body);
		return EXIT_USAGE;
	}
	json_object_set_new(body, "public_key", key);
	code = client_ask(c, "POST", "/ssh_credentials", body, &r);
	json_decref(body);
	if (!code && !c->json) {
		out_text(stdout, credential_text(r.json, "id"));
		printf("  ");
		out_text(stdout, credential_text(r.json, "fingerprint"));
		printf("\n");
	}
	reply_done(&r);
	return code;
}

int ssh_key_list(struct call *c)
{
	return credential_list(c, "/ssh_credentials", "fingerprint", "KEY");
}

int ssh_key_rm(struct call *c)
{
	return credential_rm(c, "/ssh_credentials/");
}

int ssh_key_set(struct call *c)
{
	return credential_set(c, "/ssh_credentials/");
}

/* What ssh shows and asks about at the first connection. */
int ssh_key_host(struct call *c)
{
	struct reply r = {0};
	json_t *j;
	size_t i;
	int code = client_ask(c, "GET", "/ssh_host_keys", NULL, &r);

	if (!code && !c->json)
		json_array_foreach(json_object_get(r.json, "ssh_host_keys"), i, j) {
			out_text(stdout, credential_text(j, "fingerprint"));
			printf("  ");
			out_text(stdout, credential_text(j, "type"));
			printf("\n");
		}
	reply_done(&r);
	return code;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "show.h"

#define OPTION_MAX 48

/* Fields that no option is called after.  One without dashes is an argument. */
static const struct {
	const char *field, *option;
} others[] = {
	{"certificate_pem", "--crt"},
	{"private_key_pem", "--key"},
	{"backends", "--backend"},
	{"hostports", "--hostport"},
	{"labels", "--label"},
	{"ip_policy_ids", "--ip-policy"},
	{"ip_restriction", "--ip-policy"},
	{"certificate_authority_ids", "--certificate-authority"},
	{"mutual_tls", "--mutual-tls-cas"},
	{"tls_termination", "--terminate-at"},
	{"destination_ids", "--destination"},
	{"fields", "--field"},
	{"url", "tls://NAME"},
	{"ca_pem", "FILE"},
	{"public_key", "FILE"},
	{"cidr", "CIDR"},
	{"ip_policy_id", "ID"},
};

static const struct opt *find_opt(const struct command *k, const char *name)
{
	for (const struct opt *o = k->opts; o && o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

/* What the user calls <field>, <len> bytes: "--terminate-at", "FILE"; NULL: nothing he typed. */
static const char *typed(const struct command *k, const char *field, size_t len,
			 char out[OPTION_MAX])
{
	if (len + 3 > OPTION_MAX)
		return NULL;
	snprintf(out, OPTION_MAX, "--%.*s", (int)len, field);
	for (char *p = out; *p; p++)
		if (*p == '_')
			*p = '-';
	if (find_opt(k, out + 2))
		return out;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const char *option = others[i].option;
		bool is_opt = !strncmp(option, "--", 2);

		if (strlen(others[i].field) != len || strncmp(others[i].field, field, len))
			continue;
		if (is_opt ? find_opt(k, option + 2) != NULL : strstr(k->args, option) != NULL)
			return option;
	}
	return NULL;
}

/* A line with every field_of_some_words as its option: those cannot be words of the sentence. */
static void print_line(const struct command *k, const char *line, size_t len)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz_";
	char *text = NULL;
	size_t size, n;
	FILE *to = open_memstream(&text, &size);

	for (; to && len; line += n, len -= n) {
		char option[OPTION_MAX];
		const char *said;

		n = strspn(line, word);
		n = n ? n : strcspn(line, word);
		n = n < len ? n : len;
		said = memchr(line, '_', n) ? typed(k, line, n, option) : NULL;
		if (said)
			fputs(said, to);
		else
			fwrite(line, 1, n, to);
	}
	if (to && !fclose(to))
		out_text(stderr, text);
	free(text);
}

/* Of what is refused because of something said earlier: how to take that back. */
static void hint(const struct call *c, const char *option, const char *msg)
{
	if (!strncmp(option, "--", 2) && find_opt(c->command, "unset") &&
	    find_opt(c->command, option + 2) && !call_value(c, option + 2) &&
	    strncmp(msg, "is missing", 10))
		fprintf(stderr, "\nit was given earlier; to take it away: --unset %s", option + 2);
}

/* A refused reload has several lines. */
static void print_lines(const struct command *k, const char *msg)
{
	while (*msg) {
		size_t n = strcspn(msg, "\n");

		print_line(k, msg, n);
		msg += n;
		if (*msg && *++msg)
			fprintf(stderr, "\n");
	}
}

void refusal_print(const struct call *c, int status, const json_t *reply)
{
	const char *code = json_string_value(json_object_get(reply, "error_code"));
	const char *msg = json_string_value(json_object_get(reply, "msg"));
	const char *field = show_text(json_object_get(reply, "details"), "field");
	size_t len = strlen(field);
	char option[OPTION_MAX];
	const char *said = NULL;

	fprintf(stderr, "snisplit: ");
	if (code)
		fprintf(stderr, "%s: ", code);
	if (!msg) {
		fprintf(stderr, "the daemon answered %d\n", status);
		return;
	}
	if (len && !strncmp(msg, field, len) && !strncmp(msg + len, ": ", 2))
		said = typed(c->command, field, len, option);
	/* (the argument may be of the other kind) */
	if (said && !strcmp(said, "tls://NAME") && !strncasecmp(c->args[0], "tcp://", 6))
		said = "tcp://[HOST][:PORT]";
	if (said) {
		fprintf(stderr, "%s: ", said);
		msg += len + 2;
	}
	print_lines(c->command, msg);
	if (said)
		hint(c, said, msg);
	fprintf(stderr, "\n");
}

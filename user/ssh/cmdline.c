// SPDX-License-Identifier: GPL-2.0-only
#include "cmdline.h"

#include <stdlib.h>
#include <string.h>

#include "cidr.h"
#include "field.h"
#include "log.h"

#define NO_COMMAND 1107
#define BAD_COMMAND 1108
#define NO_OPTION 1109
#define BAD_VALUE 1110
#define BAD_PROXY_PROTO 1123
#define VERSION_NOW "v2"

enum { TLS = 1U << CMDLINE_TLS, TCP = 1U << CMDLINE_TCP, HTTP = 1U << CMDLINE_HTTP, ALL = 7 };

static const char *const type_names[] = {
	[CMDLINE_TLS] = "tls",
	[CMDLINE_TCP] = "tcp",
	[CMDLINE_HTTP] = "http",
};

static const struct {
	const char *name;
	enum cmdline_option id;
	unsigned types;	   /* of commands that have it */
	const char *field; /* whose rules the value follows; NULL: none of field.h's */
	const char *arg;   /* NULL: takes none */
	const char *help;  /* NULL: an older name of another one */
} options[] = {
	{"url", CMDLINE_URL, TLS | HTTP, NULL, "NAME", "the name, instead of the one in -R"},
	{"domain", CMDLINE_URL, TLS | HTTP, NULL, "NAME", NULL},
	{"hostname", CMDLINE_URL, TLS | HTTP, NULL, "NAME", NULL},
	{"subdomain", CMDLINE_SUBDOMAIN, TLS | HTTP, NULL, "NAME",
	 "the name, below the edge's base domain"},
	{"remote-addr", CMDLINE_REMOTE_ADDR, TCP, NULL, "HOST:PORT",
	 "the address, instead of the one in -R"},
	{"terminate-at", CMDLINE_TERMINATE_AT, TLS, "terminate_at", "upstream|edge",
	 "who holds the certificate (upstream)"},
	{"mutual-tls-cas", CMDLINE_MUTUAL_TLS_CAS, TLS | HTTP, NULL, "NAME",
	 "clients show a certificate of this CA, which the edge has; with TLS that ends there"},
	{"proxy-proto", CMDLINE_PROXY_PROTO, ALL, "proxy_proto", "1|2",
	 "tell your service the client's address"},
	{"upstream-proxy-protocol", CMDLINE_PROXY_PROTO, ALL, "proxy_proto", "1|2", NULL},
	{"cidr-allow", CMDLINE_CIDR_ALLOW, ALL, "cidr_allow", "CIDR",
	 "only these clients; as often as wanted"},
	{"cidr-deny", CMDLINE_CIDR_DENY, ALL, "cidr_deny", "CIDR",
	 "not these clients; as often as wanted"},
	{"name", CMDLINE_NAME, ALL, "name", "TEXT", "what to call it"},
	{"description", CMDLINE_DESCRIPTION, ALL, "description", "TEXT", "for people"},
	{"metadata", CMDLINE_METADATA, ALL, "metadata", "TEXT", "for programs"},
	{"pooling-enabled", CMDLINE_POOLING, ALL, NULL, NULL,
	 "share the name with others that say so too"},
	{"multi", CMDLINE_MULTI, ALL, NULL, NULL, "serve every -R of this session, not just one"},
	{"help", CMDLINE_HELP, ALL, NULL, NULL, "this text"},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

const char *cmdline_type_name(enum cmdline_type t)
{
	return type_names[t];
}

void cmdline_usage(FILE *to)
{
	char left[48];

	fprintf(to,
		"usage: ssh -R [NAME:]PORT:HOST:HOSTPORT [v2@]EDGE tls|tcp|http [OPTION]...\n\n"
		"  NAME      what clients ask for; '*.example.com' for all below; none: made up\n"
		"  PORT      443 for tls and http (also 80), the port for tcp; 0: the edge's "
		"choice\n\n");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (!options[i].help)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].arg ? " " : "",
			 options[i].arg ? options[i].arg : "");
		fprintf(to, "  %-32s%s%s\n", left, options[i].help,
			options[i].types == ALL	  ? ""
			: options[i].types == TCP ? " (tcp)"
			: options[i].types == TLS ? " (tls)"
						  : " (tls, http)");
	}
}

/* ---- words ---- */

/* The word at *at, unquoted in place; NULL: there is none.  False: it has no end. */
static bool next_word(char **at, char **ret_word)
{
	char *from = *at + strspn(*at, " \t\r\n"), *to = from, quote = '\0';

	*ret_word = *from ? from : NULL;
	for (; *from; from++) {
		if (quote ? *from == quote : *from == '\'' || *from == '"') {
			quote = quote ? '\0' : *from;
		} else if (*from == '\\' && quote != '\'') {
			if (!*++from)
				return false;
			*to++ = *from;
		} else if (!quote && strchr(" \t\r\n", *from)) {
			from++;
			break;
		} else {
			*to++ = *from;
		}
	}
	*at = from;
	*to = '\0'; /* behind the word, or on the blank that ended it */
	return !quote;
}

static int split(char *text, char *words[CMDLINE_WORDS], struct fault *f)
{
	int n = 0;
	char *word;

	for (;;) {
		if (!next_word(&text, &word))
			return fault_set(f, 400, BAD_VALUE, "",
					 "a quote or a backslash has no end in the command");
		if (!word)
			return n;
		if (n == CMDLINE_WORDS)
			return fault_set(f, 400, BAD_VALUE, "",
					 "the command has more than %d words", CMDLINE_WORDS);
		words[n++] = word;
	}
}

static const char *shown(const char *text, char out[128])
{
	return log_escape(text, strlen(text), out, 128);
}

/* ---- options ---- */

static int find_option(const char *word, size_t len, enum cmdline_type type)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strlen(options[i].name) == len && !memcmp(options[i].name, word, len) &&
		    options[i].types & 1U << type)
			return (int)i;
	return -1;
}

/* The value follows the rules that the edge has for it; its code, where it has one. */
static int check_value(int i, const char *value, struct fault *f)
{
	const struct field *fd = options[i].field ? field_find(options[i].field) : NULL;
	struct fault inner = {.msg = ""};
	struct cidr range;
	char text[128], why[CIDR_WHY_MAX];

	if (options[i].field && !strncmp(options[i].field, "cidr", 4) &&
	    cidr_parse(value, &range, why) < 0)
		return fault_set(f, 400, 362, "", "--%s: '%s' %s", options[i].name,
				 shown(value, text), why);
	if (options[i].id == CMDLINE_TERMINATE_AT && !strcmp(value, "agent"))
		return fault_set(f, 400, 224, "",
				 "--terminate-at agent: there is no agent over SSH that could hold "
				 "the certificate; use upstream or edge, or run `snisplit tls`");
	if (strpbrk(value, "\n\r"))
		return fault_set(f, 400, BAD_VALUE, "", "--%s: has a line break in it",
				 options[i].name);
	if (!fd || !field_check(fd, fd->kind, value, &inner))
		return 0;
	if (options[i].id == CMDLINE_PROXY_PROTO)
		return fault_set(f, 400, BAD_PROXY_PROTO, "", "--%s: must be 1 or 2, got '%s'",
				 options[i].name, shown(value, text));
	return fault_set(f, 400, inner.code ? inner.code : BAD_VALUE, "", "--%s %s: %.300s",
			 options[i].name, shown(value, text), inner.msg);
}

static int add_to_list(const char *list[CMDLINE_LIST_MAX + 1], const char *value, struct fault *f)
{
	int n = 0;

	while (list[n])
		n++;
	if (n == CMDLINE_LIST_MAX)
		return fault_set(f, 400, BAD_VALUE, "",
				 "at most %d of a kind over SSH; ranges may be an IP policy on the "
				 "edge",
				 CMDLINE_LIST_MAX);
	list[n] = value;
	return 0;
}

static int take_option(struct cmdline *c, int i, const char *value, struct fault *f)
{
	enum cmdline_option id = options[i].id;

	if (id == CMDLINE_HELP)
		c->help = true;
	if (id == CMDLINE_MULTI)
		c->multi = true;
	if (id == CMDLINE_POOLING)
		c->pooling = true;
	if (!options[i].arg)
		return 0;
	if (check_value(i, value, f))
		return -1;
	if (id == CMDLINE_CIDR_ALLOW)
		return add_to_list(c->cidr_allow, value, f);
	if (id == CMDLINE_CIDR_DENY)
		return add_to_list(c->cidr_deny, value, f);
	if (id == CMDLINE_MUTUAL_TLS_CAS)
		return add_to_list(c->mutual_tls_cas, value, f);
	if (c->values[id])
		return fault_set(f, 400, BAD_VALUE, "", "--%s: is given twice", options[i].name);
	c->values[id] = value;
	if (id == CMDLINE_PROXY_PROTO)
		c->proxy_proto = value[0] == '1' ? 1 : 2;
	return 0;
}

/* "--x v", "--x=v", "-x=v".  How many words it took, or -1. */
static int parse_option(struct cmdline *c, char **words, int n, struct fault *f)
{
	const char *word = words[0] + strspn(words[0], "-"), *value;
	size_t len = strcspn(word, "=");
	char text[128];
	int i = find_option(word, len, c->type);

	if (words[0][0] != '-')
		return fault_set(f, 400, BAD_VALUE, "",
				 "'%s' is too much: where to is said by -R, as in ssh -R "
				 "NAME:443:HOST:PORT EDGE %s",
				 shown(words[0], text), type_names[c->type]);
	if (i < 0)
		return fault_set(f, 400, NO_OPTION, "",
				 "'%s' is no option of '%s' over SSH; `ssh EDGE %s --help` lists "
				 "them",
				 shown(words[0], text), type_names[c->type], type_names[c->type]);
	value = word[len] ? word + len + 1 : NULL;
	if (!options[i].arg) {
		if (value)
			return fault_set(f, 400, BAD_VALUE, "", "--%s: takes no value",
					 options[i].name);
		return take_option(c, i, NULL, f) ? -1 : 1;
	}
	if (!value && n > 1)
		value = words[1];
	if (!value || !*value)
		return fault_set(f, 400, BAD_VALUE, "", "--%s: wants a value, %s", options[i].name,
				 options[i].arg);
	return take_option(c, i, value, f) ? -1 : word[len] ? 1 : 2;
}

static int find_type(const char *word, enum cmdline_type *ret_t)
{
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
		if (!strcmp(word, type_names[i])) {
			*ret_t = (enum cmdline_type)i;
			return 0;
		}
	return -1;
}

int cmdline_parse(const char *line, struct cmdline *ret_c, struct fault *f)
{
	char *words[CMDLINE_WORDS], text[128];
	int n, i, used;

	memset(ret_c, 0, sizeof(*ret_c));
	if (line && strlen(line) > CMDLINE_MAX)
		return fault_set(f, 400, BAD_VALUE, "", "the command is longer than %d bytes",
				 CMDLINE_MAX);
	strcpy(ret_c->text, line ? line : "");
	n = split(ret_c->text, words, f);
	if (n < 0)
		return -1;
	if (!n)
		return fault_set(f, 400, NO_COMMAND, "",
				 "no command: say what to serve, as in ssh -R "
				 "app.example.com:443:localhost:443 " VERSION_NOW
				 "@EDGE tls (or tcp, http)");
	if (!strcmp(words[0], "--help") || !strcmp(words[0], "help")) {
		ret_c->help = true;
		return 0;
	}
	if (find_type(words[0], &ret_c->type))
		return fault_set(f, 400, BAD_COMMAND, "",
				 "'%s' is no command: use tls, tcp or http", shown(words[0], text));
	for (i = 1; i < n; i += used) {
		used = parse_option(ret_c, words + i, n - i, f);
		if (used < 0)
			return -1;
	}
	return 0;
}

int cmdline_version(const char *user, struct fault *f)
{
	char text[128];

	if (user[0] != 'v' || !user[1] || user[1 + strspn(user + 1, "0123456789")] ||
	    !strcmp(user, VERSION_NOW))
		return 0;
	return fault_set(f, 400, 1106, "",
			 "version '%s' of the commands is not spoken here: use " VERSION_NOW
			 "@EDGE, or no user name",
			 shown(user, text));
}

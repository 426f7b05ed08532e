// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

#define NODES_MAX 64
#define DEPTH_MAX 32
#define STRING_MAX 512
#define REPEATS_MAX 12 /* of one regular expression */
#define GROUPS_MAX 8

enum key { KEY_CLIENT_IP, KEY_SERVER_IP, KEY_SERVER_NAME, KEY_SERVER_PORT, KEY_MAX };
enum op { OP_AND, OP_OR, OP_NOT, OP_EQUAL, OP_MATCHES, OP_IN_CIDR };

struct node {
	enum op op;
	enum key key;
	int a, b; /* operands of and, or, not */
	char *text;
	struct cidr cidr;
	unsigned port;
	regex_t re;
	bool has_re;
};

struct filter {
	struct node nodes[NODES_MAX];
	int n, root;
};

struct parser {
	const char *start, *at;
	struct filter *fl;
	struct fault *fault;
	int depth;
};

static const char *const key_names[KEY_MAX] = {
	[KEY_CLIENT_IP] = "conn.client_ip",
	[KEY_SERVER_IP] = "conn.server_ip",
	[KEY_SERVER_NAME] = "conn.server_name",
	[KEY_SERVER_PORT] = "conn.server_port",
};

static int parse_or(struct parser *p);

/* ---- words ---- */

static int complain(const struct parser *p, const char *at, const char *what)
{
	return fault_set(p->fault, 400, 0, "filter", "column %d: %s", (int)(at - p->start) + 1,
			 what);
}

static void skip(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

/* Takes <word> if it is next. */
static bool take(struct parser *p, const char *word)
{
	skip(p);
	if (strncmp(p->at, word, strlen(word)))
		return false;
	p->at += strlen(word);
	return true;
}

/* A new node's index, or -1. */
static int node_new(struct parser *p, enum op op, int a, int b)
{
	struct node *n;

	if (p->fl->n == NODES_MAX)
		return complain(p, p->at, "the filter is too long; make two subscriptions of it");
	n = &p->fl->nodes[p->fl->n];
	n->op = op;
	n->a = a;
	n->b = b;
	return p->fl->n++;
}

/* A quoted string with \" and \\; other escapes keep their backslash, for regular expressions. */
static int take_string(struct parser *p, char out[STRING_MAX])
{
	size_t n = 0;
	char quote;

	skip(p);
	quote = *p->at;
	if (quote != '"' && quote != '\'')
		return complain(p, p->at, "expected a string in quotes");
	for (p->at++; *p->at && *p->at != quote; p->at++) {
		if (*p->at == '\\' && (p->at[1] == quote || p->at[1] == '\\'))
			p->at++;
		if (n == STRING_MAX - 1)
			return complain(p, p->at, "the string is too long");
		out[n++] = *p->at;
	}
	if (!*p->at)
		return complain(p, p->at, "the string does not end");
	p->at++;
	out[n] = '\0';
	return 0;
}

static int take_key(struct parser *p, enum key *ret_key)
{
	const char *at;
	size_t len;

	skip(p);
	at = p->at;
	if (!strncmp(at, "ev.", 3))
		at += 3;
	for (int i = 0; i < KEY_MAX; i++) {
		len = strlen(key_names[i]);
		if (strncmp(at, key_names[i], len) || isalnum((unsigned char)at[len]) ||
		    at[len] == '_')
			continue;
		p->at = at + len;
		*ret_key = (enum key)i;
		return 0;
	}
	return complain(p, p->at,
			"expected ev.conn.client_ip, ev.conn.server_ip, ev.conn.server_name or "
			"ev.conn.server_port");
}

/* ---- comparisons ---- */

static int set_port(struct parser *p, struct node *n)
{
	unsigned long v;
	char *end;

	skip(p);
	v = strtoul(p->at, &end, 10);
	if (!isdigit((unsigned char)*p->at) || v > 65535)
		return complain(p, p->at, "conn.server_port is compared with a number");
	p->at = end;
	n->port = (unsigned)v;
	return 0;
}

static int set_range(struct parser *p, struct node *n, bool single)
{
	char text[STRING_MAX], why[CIDR_WHY_MAX], msg[STRING_MAX + CIDR_WHY_MAX + 8];
	const char *at;

	skip(p);
	at = p->at;
	if (take_string(p, text))
		return -1;
	if (single && strchr(text, '/'))
		return complain(p, at, "== takes an address; a range is .inCidr(\"192.0.2.0/24\")");
	if (!cidr_parse(text, &n->cidr, why))
		return 0;
	snprintf(msg, sizeof(msg), "'%.100s' %s", text, why);
	return complain(p, at, msg);
}

static int set_text(struct parser *p, struct node *n)
{
	char text[STRING_MAX];

	if (take_string(p, text))
		return -1;
	n->text = strdup(text);
	return n->text ? 0 : fault_set(p->fault, 500, 0, "filter", "out of memory");
}

static int compare(struct parser *p, enum key key, bool negate)
{
	int i = node_new(p, OP_EQUAL, 0, 0), err;
	struct node *n;

	if (i < 0)
		return -1;
	n = &p->fl->nodes[i];
	n->key = key;
	if (key == KEY_SERVER_PORT)
		err = set_port(p, n);
	else
		err = key == KEY_SERVER_NAME ? set_text(p, n) : set_range(p, n, true);
	if (err)
		return -1;
	return negate ? node_new(p, OP_NOT, i, 0) : i;
}

static int in_cidr(struct parser *p, enum key key, const char *at)
{
	int i = node_new(p, OP_IN_CIDR, 0, 0);

	if (i < 0)
		return -1;
	p->fl->nodes[i].key = key;
	if (key != KEY_CLIENT_IP && key != KEY_SERVER_IP)
		return complain(p, at, ".inCidr() is for conn.client_ip and conn.server_ip");
	if (set_range(p, &p->fl->nodes[i], false))
		return -1;
	return take(p, ")") ? i : complain(p, p->at, "expected ')'");
}

/*
 * A few bytes can cost glibc any amount of memory (counts) or time (references, a repetition of a
 * repetition): "((((a+)+)+)+)+" is compiled to 2^5 copies.  Brackets and escapes are not looked
 * into: who would read them otherwise than glibc does would be led past the limits by them, and no
 * server name has one of these characters.
 */
static const char *too_dear(const char *re)
{
	int groups = 0, repeats = 0;
	bool repeated = false, again;

	for (; *re; re++, repeated = again) {
		again = strchr("*+?", *re) != NULL;
		if (again && (repeated || ++repeats > REPEATS_MAX))
			return "too many of * + ? in one expression";
		if (*re == '{')
			return "repetition counts are not supported";
		if (*re == '(' && ++groups > GROUPS_MAX)
			return "too many parentheses in one expression";
		if (*re == '\\' && isdigit((unsigned char)re[1]))
			return "back references are not supported";
	}
	return NULL;
}

static int matches(struct parser *p, enum key key, const char *at)
{
	int i = node_new(p, OP_MATCHES, 0, 0), err;
	char text[STRING_MAX], why[128];
	struct node *n;

	if (i < 0)
		return -1;
	n = &p->fl->nodes[i];
	n->key = key;
	if (key != KEY_SERVER_NAME)
		return complain(p, at, ".matches() is for conn.server_name");
	skip(p);
	at = p->at;
	if (take_string(p, text))
		return -1;
	if (too_dear(text))
		return complain(p, at, too_dear(text));
	err = regcomp(&n->re, text, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &n->re, why, sizeof(why));
		return complain(p, at, why);
	}
	n->has_re = true;
	return take(p, ")") ? i : complain(p, p->at, "expected ')'");
}

static int parse_term(struct parser *p)
{
	enum key key = KEY_MAX;
	const char *at;

	if (take_key(p, &key))
		return -1;
	skip(p);
	at = p->at;
	if (take(p, "=="))
		return compare(p, key, false);
	if (take(p, "!="))
		return compare(p, key, true);
	if (take(p, ".matches("))
		return matches(p, key, at);
	if (take(p, ".inCidr("))
		return in_cidr(p, key, at);
	return complain(p, at, "expected ==, !=, .matches(\"...\") or .inCidr(\"...\")");
}

/* ---- the grammar ---- */

static int parse_not(struct parser *p)
{
	int i;

	if (++p->depth > DEPTH_MAX)
		return complain(p, p->at, "too many parentheses");
	if (take(p, "!")) {
		i = parse_not(p);
		i = i < 0 ? i : node_new(p, OP_NOT, i, 0);
	} else if (take(p, "(")) {
		i = parse_or(p);
		if (i >= 0 && !take(p, ")"))
			i = complain(p, p->at, "expected ')'");
	} else {
		i = parse_term(p);
	}
	p->depth--;
	return i;
}

static int parse_and(struct parser *p)
{
	int a = parse_not(p), b;

	while (a >= 0 && take(p, "&&")) {
		b = parse_not(p);
		a = b < 0 ? b : node_new(p, OP_AND, a, b);
	}
	return a;
}

static int parse_or(struct parser *p)
{
	int a = parse_and(p), b;

	while (a >= 0 && take(p, "||")) {
		b = parse_and(p);
		a = b < 0 ? b : node_new(p, OP_OR, a, b);
	}
	return a;
}

int filter_new(const char *text, struct filter **ret_f, struct fault *f)
{
	struct parser p = {.start = text, .at = text, .fault = f};

	skip(&p);
	if (!*p.at) {
		*ret_f = NULL;
		return 0;
	}
	if (strlen(text) > FILTER_TEXT_MAX)
		return fault_set(f, 400, 0, "filter", "is longer than %d bytes", FILTER_TEXT_MAX);
	p.fl = calloc(1, sizeof(*p.fl));
	if (!p.fl)
		return fault_set(f, 500, 0, "filter", "out of memory");
	p.fl->root = parse_or(&p);
	skip(&p);
	if (p.fl->root >= 0 && *p.at)
		p.fl->root = complain(&p, p.at, "expected && or ||");
	if (p.fl->root >= 0) {
		*ret_f = p.fl;
		return 0;
	}
	filter_free(p.fl);
	return -1;
}

void filter_free(struct filter *fl)
{
	if (!fl)
		return;
	for (int i = 0; i < fl->n; i++) {
		free(fl->nodes[i].text);
		if (fl->nodes[i].has_re)
			regfree(&fl->nodes[i].re);
	}
	free(fl);
}

/* ---- matching ---- */

static bool holds(const struct node *n, const struct facts *facts)
{
	const struct cidr *ip = n->key == KEY_CLIENT_IP ? &facts->client_ip : &facts->server_ip;

	if (n->op == OP_MATCHES)
		return !regexec(&n->re, facts->server_name, 0, NULL, 0);
	if (n->key == KEY_SERVER_PORT)
		return n->port == facts->server_port;
	if (n->key == KEY_SERVER_NAME)
		return !strcmp(n->text, facts->server_name);
	return ip->prefixlen && cidr_contains(&n->cidr, ip);
}

static bool eval(const struct filter *fl, int i, const struct facts *facts)
{
	const struct node *n = &fl->nodes[i];

	switch (n->op) {
	case OP_AND:
		return eval(fl, n->a, facts) && eval(fl, n->b, facts);
	case OP_OR:
		return eval(fl, n->a, facts) || eval(fl, n->b, facts);
	case OP_NOT:
		return !eval(fl, n->a, facts);
	default:
		return holds(n, facts);
	}
}

bool filter_match(const struct filter *fl, const struct facts *facts)
{
	return !fl || eval(fl, fl->root, facts);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "parse.h"

/* The line of words being recognised: "endpoint", then "endpoint add". */
struct parser {
	struct call *call;
	char words[64];
	bool only_args; /* "--" was seen */
};

/* ---- help ---- */

static void help_opts(const struct opt *opts)
{
	char left[64];

	for (; opts && opts->name; opts++) {
		snprintf(left, sizeof(left), "--%s%s%s", opts->name, opts->arg ? " " : "",
			 opts->arg ? opts->arg : "");
		printf("  %-32s %s%s%s%s\n", left, opts->help,
		       opts->needs ? " [not available in this version: " : "",
		       opts->needs ? opts->needs : "", opts->needs ? "]" : "");
	}
}

/* Commands that start with <group> and a blank; all of them for "". */
static void help_group(const char *group)
{
	size_t n = strlen(group);
	bool first = true;
	char left[64];

	printf("usage: snisplit %s%s[options]\n\n", group, n ? " COMMAND " : "COMMAND ");
	for (const struct command *k = commands; k->words; k++) {
		if (n && (strncmp(k->words, group, n) || k->words[n] != ' '))
			continue;
		if (k->needs)
			continue;
		snprintf(left, sizeof(left), "%s %s", k->words, k->args);
		printf("  %-32s %s\n", left, k->help);
	}
	printf("\n");
	help_opts(global_opts);
	for (const struct command *k = commands; !n && k->words; k++) {
		if (!k->needs)
			continue;
		printf("%s %s", first ? "\nNot available in this version:" : "", k->words);
		first = false;
	}
	printf("%s", first ? "" : "\n");
}

static void help_command(const struct command *k)
{
	printf("usage: snisplit %s%s%s [options]\n\n%s\n\n", k->words, *k->args ? " " : "", k->args,
	       k->help);
	help_opts(k->opts);
	help_opts(global_opts);
}

/* ---- near misses ---- */

static const struct opt *find_opt(const struct opt *opts, const char *name, size_t len)
{
	for (; opts && opts->name; opts++)
		if (strlen(opts->name) == len && !strncmp(opts->name, name, len))
			return opts;
	return NULL;
}

/* Edits to make one of the other; the tables' words are short. */
static unsigned distance(const char *a, const char *b)
{
	size_t m = strlen(a), n = strlen(b);
	unsigned row[64], last, keep;

	if (m >= 64 || n >= 64)
		return 64;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= m; i++) {
		last = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			keep = row[j];
			last += a[i - 1] != b[j - 1];
			if (last > row[j] + 1)
				last = row[j] + 1;
			if (last > row[j - 1] + 1)
				last = row[j - 1] + 1;
			row[j] = last;
			last = keep;
		}
	}
	return row[n];
}

static void suggest(const char *near)
{
	if (near)
		fprintf(stderr, "; did you mean %s?", near);
	fprintf(stderr, "\n");
}

static int unknown_word(const struct parser *p, const char *word)
{
	const char *near = NULL;
	char said[80], text[64];
	unsigned best = 3;

	snprintf(said, sizeof(said), "%s%s%s", p->words, *p->words ? " " : "", word);
	for (const struct command *k = commands; k->words; k++) {
		unsigned d = distance(said, k->words);

		/* "endpont" is near "endpoint add" too */
		if (!strchr(said, ' ') && strchr(k->words, ' ')) {
			char first[64];

			snprintf(first, sizeof(first), "%.*s", (int)strcspn(k->words, " "),
				 k->words);
			d = distance(said, first);
		}
		if (d < best) {
			best = d;
			near = k->words;
		}
	}
	if (near && !strchr(said, ' ')) {
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(near, " "), near);
		near = text;
	}
	fprintf(stderr, "snisplit: unknown command '%s'", said);
	suggest(near);
	fprintf(stderr, "see: snisplit %s%s--help\n", p->words, *p->words ? " " : "");
	return EXIT_USAGE;
}

/* The same word in the singular or the plural: "ip-policy" and "ip-policies". */
static bool is_plural(const char *one, const char *many)
{
	size_t n = strlen(one);

	if (n && one[n - 1] == 'y')
		return !strncmp(one, many, n - 1) && !strcmp(many + n - 1, "ies");
	return !strncmp(one, many, n) && !strcmp(many + n, "s");
}

static const struct opt *near_opt(const struct opt *opts, const char *name, unsigned *best)
{
	const struct opt *near = NULL;

	for (; opts && opts->name; opts++) {
		unsigned d = distance(name, opts->name);

		if (is_plural(name, opts->name) || is_plural(opts->name, name))
			d = 0;
		if (d < *best) {
			*best = d;
			near = opts;
		}
	}
	return near;
}

/* Options that people look for, and why they are not there. */
static const struct {
	const char *words, *name, *why;
} absent[] = {
	{"endpoint set", "url", "cannot be changed: add another endpoint and remove this one"},
	{"endpoint add", "url", "is the argument: snisplit endpoint add tls://NAME"},
};

/* Why <name> is not known here; false: because nobody thought of it. */
static bool tell_absent(const struct parser *p, const char *name)
{
	const struct command *k = p->call->command;
	size_t n = strlen(p->words);

	for (size_t i = 0; k && i < sizeof(absent) / sizeof(absent[0]); i++)
		if (!strcmp(absent[i].words, k->words) && !strcmp(absent[i].name, name)) {
			fprintf(stderr, "snisplit: --%s: %s\n", name, absent[i].why);
			return true;
		}
	/* "endpoint --upstream x add": whether "x" is its value is not known yet */
	for (const struct command *m = commands; !k && m->words; m++)
		if ((!n || (!strncmp(m->words, p->words, n) && m->words[n] == ' ')) &&
		    find_opt(m->opts, name, strlen(name))) {
			fprintf(stderr,
				"snisplit: --%s: stands after the command: snisplit %s ... --%s\n",
				name, m->words, name);
			return true;
		}
	return false;
}

static int unknown_opt(const struct parser *p, const char *name)
{
	const struct command *k = p->call->command;
	const struct opt *near, *global;
	char text[80];
	unsigned best = 3;

	if (tell_absent(p, name))
		return EXIT_USAGE;
	near = k ? near_opt(k->opts, name, &best) : NULL;
	global = near_opt(global_opts, name, &best);
	near = global ? global : near;
	if (near)
		snprintf(text, sizeof(text), "--%s", near->name);
	fprintf(stderr, "snisplit: unknown option --%s", name);
	suggest(near ? text : NULL);
	fprintf(stderr, "see: snisplit %s%s--help\n", k ? k->words : "", k ? " " : "");
	return EXIT_USAGE;
}

/* ---- options ---- */

static int set_global(struct call *c, const struct opt *o, const char *value)
{
	if (!strcmp(o->name, "socket")) {
		c->socket = value;
	} else if (!strcmp(o->name, "json")) {
		c->json = true;
	} else if (!strcmp(o->name, "verbose")) {
		c->verbose = true;
	} else if (!strcmp(o->name, "help")) {
		c->help = true;
	} else {
		printf("snisplit %s\n", VERSION);
		return EXIT_OK;
	}
	return -1;
}

static int set_value(struct call *c, const struct opt *o, const char *value)
{
	if (o->needs && !(o->same && !strcmp(o->same, value))) {
		fprintf(stderr, "snisplit: --%s: not available in this version (%s)\n", o->name,
			o->needs);
		return EXIT_USAGE;
	}
	if (!o->many && call_value(c, o->name)) {
		fprintf(stderr, "snisplit: --%s: given twice\n", o->name);
		return EXIT_USAGE;
	}
	if (c->n_values == CALL_VALUES_MAX) {
		fprintf(stderr, "snisplit: more than %d options\n", CALL_VALUES_MAX);
		return EXIT_USAGE;
	}
	c->values[c->n_values].opt = o;
	c->values[c->n_values++].value = value;
	return -1;
}

/* "--name", "--name=value", or "--name" with the value in <next>; *ret_used then. */
static int long_opt(struct parser *p, const char *text, const char *next, bool *ret_used)
{
	size_t len = strcspn(text, "=");
	const char *value = text[len] ? text + len + 1 : NULL;
	const struct command *k = p->call->command;
	const struct opt *o = find_opt(global_opts, text, len);
	bool global = o;
	char name[64];

	if (!o && k)
		o = find_opt(k->opts, text, len);
	snprintf(name, sizeof(name), "%.*s", len < 60 ? (int)len : 60, text);
	if (!o)
		return unknown_opt(p, name);
	if (!o->arg && value && strcmp(value, "true") && strcmp(value, "false")) {
		fprintf(stderr, "snisplit: --%s: must be true or false, or stand alone, got '%s'\n",
			name, value);
		return EXIT_USAGE;
	}
	if (!o->arg && value && !strcmp(value, "false") && !o->needs && !o->may_be_false)
		return -1; /* --kill=false says what leaving it out does */
	if (o->arg && !value) {
		if (!next) {
			fprintf(stderr, "snisplit: --%s: needs a value: %s\n", name, o->arg);
			return EXIT_USAGE;
		}
		value = next;
		*ret_used = true;
	}
	if (!value)
		value = "";
	return global ? set_global(p->call, o, value) : set_value(p->call, o, value);
}

static int short_opts(struct call *c, const char *text)
{
	for (; *text; text++) {
		if (*text == 'v') {
			c->verbose = true;
		} else if (*text == 'h') {
			c->help = true;
		} else {
			fprintf(stderr, "snisplit: unknown option -%c\nsee: snisplit --help\n",
				*text);
			return EXIT_USAGE;
		}
	}
	return -1;
}

/* ---- words ---- */

/* Extends the words by one.  -1: fine. */
static int take_word(struct parser *p, const char *word)
{
	char words[64];
	size_t n;

	if (!*p->words && !strcmp(word, "help")) { /* "help endpoint add" */
		p->call->help = true;
		return -1;
	}
	n = (size_t)snprintf(words, sizeof(words), "%s%s%s", p->words, *p->words ? " " : "", word);
	for (const struct command *k = commands; n < sizeof(words) && k->words; k++) {
		if (!strcmp(k->words, words)) {
			p->call->command = k;
		} else if (strncmp(k->words, words, n) || k->words[n] != ' ') {
			continue;
		}
		strcpy(p->words, words);
		return -1;
	}
	return unknown_word(p, word);
}

static int take_arg(struct call *c, const char *arg)
{
	if (c->n_args == c->command->max_args) {
		fprintf(stderr,
			"snisplit: %s: '%s' is one argument too many\nsee: snisplit %s --help\n",
			c->command->words, arg, c->command->words);
		return EXIT_USAGE;
	}
	if (!*arg) {
		fprintf(stderr,
			"snisplit: %s: an argument is empty: needs %s\nsee: snisplit %s "
			"--help\n",
			c->command->words, c->command->args, c->command->words);
		return EXIT_USAGE;
	}
	c->args[c->n_args++] = arg;
	return -1;
}

/* "edge set ID" alone would say that it has changed it. */
static bool lacks_change(const struct call *c)
{
	const char *verb = strrchr(c->command->words, ' ');

	return verb && !strcmp(verb, " set") && !c->n_values;
}

static int complete(struct parser *p)
{
	struct call *c = p->call;

	if (!c->command) {
		help_group(p->words);
		return c->help ? EXIT_OK : EXIT_USAGE;
	}
	if (c->help) {
		help_command(c->command);
		return EXIT_OK;
	}
	if (c->n_args < c->command->min_args) {
		fprintf(stderr, "snisplit: %s: needs %s\nsee: snisplit %s --help\n",
			c->command->words, c->command->args, c->command->words);
		return EXIT_USAGE;
	}
	if (lacks_change(c)) {
		fprintf(stderr, "snisplit: %s: nothing to change\nsee: snisplit %s --help\n",
			c->command->words, c->command->words);
		return EXIT_USAGE;
	}
	return -1;
}

int parse(int argc, char **argv, struct call *c)
{
	struct parser p = {.call = c};

	memset(c, 0, sizeof(*c));
	c->socket = DEFAULT_SOCKET;
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];
		bool used = false;
		int res;

		if (!p.only_args && !strcmp(arg, "--")) {
			p.only_args = true;
			continue;
		}
		if (!p.only_args && !strncmp(arg, "--", 2))
			res = long_opt(&p, arg + 2, argv[i + 1], &used);
		else if (!p.only_args && arg[0] == '-' && arg[1])
			res = short_opts(c, arg + 1);
		else
			res = c->command ? take_arg(c, arg) : take_word(&p, arg);
		if (res >= 0)
			return res;
		if (c->command && c->command->needs) {
			fprintf(stderr, "snisplit: %s: not available in this version (%s)\n",
				c->command->words, c->command->needs);
			return EXIT_USAGE;
		}
		i += used;
	}
	return complete(&p);
}

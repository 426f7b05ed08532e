// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_say - messages about the agent's configuration, in the words of who wrote it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "log.h"
#include "tunnel_conf.h"

/* Other words for a field; the first of each is what it is called where it is missing. */
static const struct {
	const char *field, *word;
} words[] = {
	{"upstream", "addr"},	       {"url", "domain"},
	{"url", "hostname"},	       {"url", "remote_addr"},
	{"cidr_allow", "allow_cidrs"}, {"cidr_deny", "deny_cidrs"},
	{"labels", "label"},
};

void tunnel_note(struct tunnel_one *o, const char *word, unsigned line)
{
	if (o->n_said < TUNNEL_SAID_MAX)
		o->said[o->n_said++] = (struct tunnel_said){.word = word, .line = line};
}

static bool is_same(const char *field, const char *word)
{
	for (; *field && *word; field++, word++)
		if (*field != *word && !(*field == '_' && *word == '-'))
			return false;
	return !*field && !*word;
}

static bool is_word_of(const char *field, const char *word)
{
	if (is_same(field, word))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].field, field) && is_same(words[i].word, word))
			return true;
	return false;
}

static const struct tunnel_said *find_said(const struct tunnel_one *o, const char *field)
{
	for (unsigned i = 0; o && *field && i < o->n_said; i++)
		if (is_word_of(field, o->said[i].word))
			return &o->said[i];
	return NULL;
}

static bool is_option(const char *name, size_t len)
{
	static const struct opt *const tables[] = {tunnel_tls_opts, tunnel_labelled_opts};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct opt *k = tables[i]; k->name; k++)
			if (strlen(k->name) == len && !strncmp(k->name, name, len))
				return true;
	return false;
}

/* "terminate_at" as the command line has it; a word of the sentence stays. */
static void print_word(FILE *err, const char *word, size_t len)
{
	char name[48];

	if (!memchr(word, '_', len) || len >= sizeof(name)) {
		fwrite(word, 1, len, err);
		return;
	}
	for (size_t i = 0; i < len; i++)
		name[i] = word[i] == '_' ? '-' : word[i];
	if (is_option(name, len))
		fprintf(err, "--%.*s", (int)len, name);
	else
		fwrite(word, 1, len, err);
}

static void print_text(FILE *err, const char *text, bool typed)
{
	char shown[1500];

	text = log_escape(text, strlen(text), shown, sizeof(shown));
	/* (no part of a path or of what is in quotes is a word) */
	for (size_t n; typed && *text; text += n) {
		n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
		if (!text[n] || strchr(" ,:;", text[n]))
			print_word(err, text, n);
		else
			fwrite(text, 1, n, err);
		text += n;
		n = strcspn(text, " ");
		n += text[n] == ' ';
		fwrite(text, 1, n, err);
	}
	fprintf(err, "%s\n", text);
}

/* What <field> is called by who has typed the command. */
static void print_option(FILE *err, const struct tunnel_said *said, const char *field)
{
	char name[48];

	snprintf(name, sizeof(name), "%s", said ? said->word : field);
	for (char *p = name; *p; p++)
		*p = *p == '_' ? '-' : *p;
	if (!said && !strcmp(field, "upstream"))
		fprintf(err, "[HOST:]PORT: ");
	else if (*field)
		fprintf(err, "%s%s: ", said || is_option(name, strlen(name)) ? "--" : "", name);
}

static void print_key(FILE *err, const struct tunnel_one *o, const struct tunnel_said *said,
		      const char *field)
{
	const char *word = said ? said->word : field;

	for (size_t i = 0; !said && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].field, field))
			continue;
		word = !strcmp(field, "labels") ? field : words[i].word;
		break;
	}
	fprintf(err, "%s:%u: tunnels.%s%s%s: ", o->file, said ? said->line : o->line, o->label,
		*word ? "." : "", word);
}

bool tunnel_say(FILE *err, const struct tunnel_one *o, const char *field, const char *fmt, ...)
{
	const struct tunnel_said *said = find_said(o, field);
	bool typed = !o || !o->file;
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (typed) {
		fprintf(err, "snisplit: ");
		print_option(err, said, field);
	} else {
		print_key(err, o, said, field);
	}
	print_text(err, text, typed);
	return false;
}

/* ---- of the session ---- */

void tunnel_note_from(struct tunnel_conf *t, enum tunnel_source what, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	free(t->from[what]);
	t->from[what] = n < 0 ? NULL : text;
}

bool tunnel_say_from(FILE *err, const struct tunnel_conf *t, enum tunnel_source what,
		     const char *fmt, ...)
{
	char text[1200], shown[1500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(err, "%s: %s\n", t->from[what] ? t->from[what] : "snisplit",
		log_escape(text, strlen(text), shown, sizeof(shown)));
	return false;
}

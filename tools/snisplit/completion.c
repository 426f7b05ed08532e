// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

/* Calls <fn> for each different next word after <prefix> ("" or "endpoint"). */
static void each_word(const char *prefix, void (*fn)(const char *word, int len, const char *help))
{
	size_t n = strlen(prefix);
	const char *last = "";
	int last_len = 0;

	for (const struct command *k = commands; k->words; k++) {
		const char *word = k->words + (n ? n + 1 : 0);
		int len;

		if (k->needs || (n && (strncmp(k->words, prefix, n) || k->words[n] != ' ')))
			continue;
		len = (int)strcspn(word, " ");
		if (len == last_len && !strncmp(last, word, (size_t)len))
			continue;
		last = word;
		last_len = len;
		fn(word, len, word[len] ? "" : k->help);
	}
}

static void plain_word(const char *word, int len, const char *help)
{
	(void)help;
	printf(" %.*s", len, word);
}

static void opt_words(const struct opt *opts)
{
	for (; opts && opts->name; opts++)
		if (!opts->needs)
			printf(" --%s", opts->name);
}

/* Groups are commands of two words; each once. */
static int is_new_group(const struct command *k, char group[32])
{
	size_t n = strcspn(k->words, " ");

	if (!k->words[n])
		return 0;
	snprintf(group, 32, "%.*s", (int)n, k->words);
	return k == commands || strncmp(k[-1].words, k->words, n + 1);
}

/* "static|FILE|..." as people may type it: a choice that is in capitals stands for something. */
static bool is_choice(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", word[i]))
			return false;
	return len;
}

/* The choices of <arg>, each with a blank before it. */
static void choices(const char *arg)
{
	size_t len;

	if (!strchr(arg, '|'))
		return;
	for (; *arg; arg += len + (arg[len] == '|' || arg[len] == ' ')) {
		len = strcspn(arg, "| ");
		if (is_choice(arg, len))
			printf(" %.*s", (int)len, arg);
	}
}

static bool takes_file(const char *arg)
{
	return !strncmp(arg, "FILE", 4) || !strcmp(arg, "PATH");
}

/* The words that may follow, as shell cases over "$at"; bash and zsh share them. */
static void cases(void)
{
	char group[32];

	printf("\t'') next='");
	each_word("", plain_word);
	printf("' opts='");
	opt_words(global_opts);
	printf("' ;;\n");
	for (const struct command *k = commands; k->words; k++) {
		if (k->needs)
			continue;
		if (is_new_group(k, group)) {
			printf("\t'%s') next='", group);
			each_word(group, plain_word);
			printf("' opts='");
			opt_words(global_opts);
			printf("' ;;\n");
		}
		printf("\t'%s') files=%s next='", k->words, takes_file(k->args) ? "y" : "");
		choices(k->args);
		printf("' opts='");
		opt_words(k->opts);
		opt_words(global_opts);
		printf("' ;;\n");
	}
}

/* The values that may follow an option, as shell cases over "$at $before". */
static void values_of(const char *words, const struct opt *opts)
{
	for (; opts && opts->name; opts++) {
		if (opts->needs || !opts->arg)
			continue;
		if (words)
			printf("\t'%s --%s'", words, opts->name);
		else
			printf("\t*' --%s'", opts->name);
		printf(") opts='' files=%s next='", takes_file(opts->arg) ? "y" : "");
		choices(opts->arg);
		printf("' ;;\n");
	}
}

static void all_values(void)
{
	for (const struct command *k = commands; k->words; k++)
		if (!k->needs)
			values_of(k->words, k->opts);
	values_of(NULL, global_opts);
}

/* Words typed so far that are not options make the path; a second one only after a group. */
static void path_of(const char *words, int first)
{
	char group[32];

	printf("\tlocal at='' next='' opts='' files='' w='' n=0 i groups=' ");
	for (const struct command *k = commands; k->words; k++)
		if (!k->needs && is_new_group(k, group))
			printf("%s ", group);
	printf("'\n"
	       "\tfor ((i = %d; i < %s; i++)); do\n"
	       "\t\tw=${%s[i]}\n"
	       "\t\tcase $w in -*) continue ;; esac\n"
	       "\t\tif ((n < 1)) || [[ $groups == *\" $at \"* ]]; then\n"
	       "\t\t\tat=\"${at:+$at }$w\"\n"
	       "\t\tfi\n"
	       "\t\tn=$((n + 1))\n"
	       "\tdone\n",
	       first, first == 1 ? "COMP_CWORD" : "CURRENT", words);
}

static void bash(void)
{
	printf("# bash completion for snisplit: source it, or put it into\n"
	       "# /usr/share/bash-completion/completions/snisplit\n"
	       "_snisplit() {\n");
	path_of("COMP_WORDS", 1);
	printf("\tlocal now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tcase $now in =) now='' ;; esac\n"
	       "\tcase $before in =) before=${COMP_WORDS[COMP_CWORD-2]} ;; esac\n"
	       "\tcase $at in\n");
	cases();
	printf("\tesac\n"
	       "\tcase \"$at $before\" in\n");
	all_values();
	printf("\tesac\n"
	       "\tcase $now in -*) next=$opts files='' ;; esac\n"
	       "\t# shellcheck disable=SC2207\n"
	       "\tCOMPREPLY=($(compgen -W \"$next\" -- \"$now\"))\n"
	       "\t[[ $files ]] || compopt +o default 2>/dev/null\n"
	       "}\n"
	       "complete -o default -F _snisplit snisplit\n");
}

static void zsh(void)
{
	printf("#compdef snisplit\n"
	       "# zsh completion for snisplit: put it into a directory of $fpath as _snisplit\n"
	       "_snisplit() {\n"
	       "\tlocal -a typed=(\"${words[@]}\")\n");
	path_of("typed", 2);
	printf("\tcase $at in\n");
	cases();
	printf("\tesac\n"
	       "\tcase \"$at ${typed[CURRENT-1]}\" in\n");
	all_values();
	printf("\tesac\n"
	       "\tcase ${typed[CURRENT]} in -*) next=$opts files='' ;; esac\n"
	       "\tcompadd -- ${=next}\n"
	       "\tcase $files in y) _files ;; esac\n"
	       "}\n"
	       "compdef _snisplit snisplit\n");
}

/* In double quotes, where fish still expands. */
static void fish_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (strchr("\"\\$", *text))
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void fish_word(const char *word, int len, const char *help)
{
	printf("complete -c snisplit -n __fish_use_subcommand -f -a %.*s", len, word);
	if (*help) {
		printf(" -d ");
		fish_text(help);
	}
	printf("\n");
}

static const char *fish_group;

static void fish_subword(const char *word, int len, const char *help)
{
	printf("complete -c snisplit -n '__fish_seen_subcommand_from %s' -f -a %.*s -d ",
	       fish_group, len, word);
	fish_text(help);
	printf("\n");
}

/* Only after both words of a command, or its one. */
static void fish_after(const char *words)
{
	int len = (int)strcspn(words, " ");

	printf("-n '__fish_seen_subcommand_from %.*s", len, words);
	if (words[len])
		printf("; and __fish_seen_subcommand_from %s", words + len + 1);
	printf("' ");
}

static void fish_opts(const char *words, const struct opt *opts)
{
	for (; opts && opts->name; opts++) {
		if (opts->needs)
			continue;
		printf("complete -c snisplit ");
		if (words)
			fish_after(words);
		printf("-l %s", opts->name);
		if (opts->arg) {
			printf(takes_file(opts->arg) ? " -r -F -a '" : " -x -a '");
			choices(opts->arg);
			printf("'");
		}
		printf(" -d ");
		fish_text(opts->help);
		printf("\n");
	}
}

static void fish(void)
{
	char group[32];

	printf("# fish completion for snisplit: put it into ~/.config/fish/completions/\n");
	each_word("", fish_word);
	fish_opts(NULL, global_opts);
	for (const struct command *k = commands; k->words; k++) {
		if (k->needs)
			continue;
		if (is_new_group(k, group)) {
			fish_group = group;
			each_word(group, fish_subword);
		}
		printf("complete -c snisplit ");
		fish_after(k->words);
		printf(takes_file(k->args) ? "-F -a '" : "-f -a '");
		choices(k->args);
		printf("'\n");
		fish_opts(k->words, k->opts);
	}
	fish_group = NULL;
}

int completion(struct call *c)
{
	const char *shell = c->args[0];

	if (!strcmp(shell, "bash"))
		bash();
	else if (!strcmp(shell, "zsh"))
		zsh();
	else if (!strcmp(shell, "fish"))
		fish();
	else
		return fprintf(stderr,
			       "snisplit: completion: must be bash, zsh or fish, got '%s'\n",
			       shell),
		       EXIT_USAGE;
	return EXIT_OK;
}

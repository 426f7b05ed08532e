# control/completions_offer_what_help_shows.sh - bash, zsh and fish offer, after every command, the options of its --help, and the commands themselves.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
cli_help() { "$O/snisplit" "$@" --help; }
commands() { cli_help | sed -nE 's/^  (([a-z][a-z-]* )+).*/\1/p' | sed 's/ $//'; }
options() { cli_help "$@" | grep -v 'not available' | grep -oE '^  --[a-z][a-z-]*' | tr -d ' ' | sort -u; }
in_bash() { bash -c '. <("$1" completion bash); shift; COMP_WORDS=(snisplit "$@"); COMP_CWORD=$#; _snisplit; printf "%s\n" "${COMPREPLY[@]}"' - "$O/snisplit" "$@"; }
in_zsh() { zsh -fc 'compdef() { :; }; compadd() { shift; print -l -- "$@"; }; . <("$1" completion zsh); shift; words=(snisplit "$@"); CURRENT=$(($# + 1)); _snisplit' - "$O/snisplit" "$@"; }
in_fish() { fish --no-config -c '$argv[1] completion fish | source; complete -C "snisplit $argv[2]"' "$O/snisplit" "$*" | cut -f1; }
[ "$(commands | wc -l)" -ge 15 ] || fail "few commands: $(commands | xargs)"
for shell in bash zsh fish; do
	command -v $shell >/dev/null || { echo "no $shell here"; continue; }
	in_$shell '' | grep -v '^-' | sort -u >"$TMP/first"
	commands | cut -d' ' -f1 | sort -u | cmp - "$TMP/first" || fail "$shell offers: $(xargs <"$TMP/first")"
	while read -r words; do
		# shellcheck disable=SC2086 # words are wanted
		in_$shell $words -- | grep '^--' | sort -u >"$TMP/got"
		# shellcheck disable=SC2086
		options $words | cmp - "$TMP/got" || fail "$shell after '$words': $(xargs <"$TMP/got")"
	done < <(commands)
done

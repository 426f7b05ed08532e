# control/completions_offer_what_help_shows.sh - bash, zsh and fish offer, after every command, the options of its --help, and the commands themselves.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 180
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
# values and files: what the shell has for a word that is not an option
same "choices" "$(in_bash endpoint add x --terminate-at '' | xargs)" 'upstream edge'
same "choices of the first argument" "$(in_bash backend create '' | xargs)" 'static weighted failover tunnel_group'
same "of an action" "$(in_bash ip-policy add-rule x a | xargs)" allow
same "no options where words stand" "$(in_bash start '' | xargs)$(in_bash endpoint get '' | xargs)" ''
cat >"$TMP/complete.py" <<'PY'
import os, pty, sys
program, line, want = sys.argv[1:]
pid, fd = pty.fork()
if not pid:
    os.environ.update(TERM="dumb", PS1="$ ")
    os.execlp("bash", "bash", "--norc", "--noprofile", "-i")
os.write(fd, b". <(%s completion bash); echo rea''dy\n" % program.encode())
seen = b""
while b"ready" not in seen:
    seen += os.read(fd, 4096)
os.write(fd, line.encode() + b"\t")
seen = b""
while want.encode() not in seen and b"\a" not in seen:
    seen += os.read(fd, 4096)
os.close(fd)
sys.exit(want.encode() not in seen)
PY
: >"$TMP/a-certificate.pem"
for line in "endpoint add x --crt" "ssh-key add" "tls 80 --key"; do
	timeout 20 python3 "$TMP/complete.py" "$O/snisplit" "$O/snisplit $line $TMP/a-cert" "ificate.pem" || fail "no file after '$line'"
done

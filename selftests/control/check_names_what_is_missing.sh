# control/check_names_what_is_missing.sh - snisplit check says line by line what the kernel path needs, with the fix and exit 4 when something is missing; colours are for terminals without NO_COLOR only.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq script setpriv
start_snisplitd <<-CONF
	version: 1
CONF
cli check >"$TMP/root" || fail "as root: $(cat "$TMP/root")"
grep -q '^ok  *daemon  *answers on' "$TMP/root" || fail "$(cat "$TMP/root")"
same "last line" "$(tail -n 1 "$TMP/root")" "the kernel path is possible"
same "missing, as root" "$(cli --json check | jq '[.. | objects | select(.result? == "missing")] | length')" 0
same "what is looked at" "$(cli --json check | jq -r '[.. | objects | .requirement? // empty | select(. != "BPF JIT")] | join(" ")')" \
	"privileges kernel BTF bpf(2) sockops sk_skb bpffs cgroup v2 open files somaxconn self-test daemon" # that sysctl is of the first namespace
status=0
cp "$O/snisplit" /run/snisplit-check && chmod 755 /run/snisplit-check # nobody may not reach ours
setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all -- /run/snisplit-check --socket /run/none check >"$TMP/nobody" || status=$?
rm /run/snisplit-check
same "as nobody" $status 4
grep -q '^missing  *privileges  *uid [0-9]* lacks CAP_BPF.*; run as root: sudo snisplit check' "$TMP/nobody" || fail "$(cat "$TMP/nobody")"
grep -q '^hint  *daemon  *does not answer on /run/none.*; start it with' "$TMP/nobody" || fail "$(cat "$TMP/nobody")"

on_terminal() { timeout 20 script -qec "env $* '$O/snisplit' --socket '$TMP/control.sock' check" /dev/null </dev/null >"$TMP/terminal"; }
coloured() { grep -q $'\033\[32m' "$TMP/terminal"; }
on_terminal TERM=xterm
coloured || fail "no colour on a terminal: $(cat "$TMP/terminal")"
on_terminal TERM=xterm NO_COLOR=1
refuse grep -q $'\033' "$TMP/terminal"
on_terminal TERM=xterm NO_COLOR=
coloured || fail "an empty NO_COLOR counts"
refuse grep -q $'\033' "$TMP/root"

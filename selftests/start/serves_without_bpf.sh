# start/serves_without_bpf.sh - Where BPF cannot be loaded, auto warns and serves by splice(2), and kernel refuses with exit status 4; which it would be is told before.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 90
. "$LIB"
need jq setpriv
start_upstream stream 9000
without="setpriv --bounding-set -bpf,-sys_admin,-net_admin,-perfmon --inh-caps -bpf,-sys_admin,-net_admin,-perfmon"
DATAPATH=auto
# shellcheck disable=SC2086 # words are wanted
start_snisplitd $without <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
grep -qi 'splice' "$TMP/snisplitd.log" || fail "no warning: $(cat "$TMP/snisplitd.log")"
stream app.test --conns 100 --parallel 20 --up 100k --down 100k --random
wait_for has_events 100
same "datapaths" "$(jq -r .object.datapath "$EVENTS" | sort -u)" splice
stop_snisplitd
# shellcheck disable=SC2034 # for configure
DATAPATH=kernel
configure <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
status=0
# shellcheck disable=SC2086 # words are wanted
timeout 10 $without "$SNISPLITD" -c "$TMP/snisplitd.yml" 2>"$TMP/err" || status=$?
same "exit status" $status 4
[ -s "$TMP/err" ] || fail "it does not say why"

# what would be used is told before, as it is asked for in the file or, sooner, on the command line
told() # WANT HOW CMD...
{
	local got
	got=$("${@:3}" | grep ^datapath:)
	[[ $got == "datapath: $1"* ]] || fail "$2: told '$got', not '$1'"
}
for datapath in auto kernel userspace; do
	sed -i "s/^datapath:.*/datapath: $datapath/" "$TMP/snisplitd.yml"
	case $datapath in auto) can=kernel cannot=splice ;; kernel) can=kernel cannot=none ;; *) can='splice (userspace is asked' cannot=$can ;; esac
	# shellcheck disable=SC2086 # words are wanted
	for where in "" "$without"; do
		want=$can
		[ -z "$where" ] || want=$cannot
		told "$want" "$datapath in the file, $where" $where "$SNISPLITD" -c "$TMP/snisplitd.yml" --check
		told "$want" "--datapath $datapath, $where" $where "$SNISPLITD" --datapath $datapath --version
		told splice "$datapath in the file only, $where" $where "$SNISPLITD" -c "$TMP/snisplitd.yml" --check --datapath userspace
	done
done
for what in --version "-c $TMP/snisplitd.yml --check" --help; do
	status=0
	# shellcheck disable=SC2086 # words are wanted
	"$SNISPLITD" $what >/dev/full 2>"$TMP/err" || status=$?
	same "$what, nowhere to be read: exit status" $status 1
	grep -q '^error: stdout: No space left on device' "$TMP/err" || fail "$what: $(cat "$TMP/err")"
done

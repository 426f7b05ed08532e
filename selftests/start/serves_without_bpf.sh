# start/serves_without_bpf.sh - Where BPF cannot be loaded, auto warns and serves by splice(2), and kernel refuses with exit status 4.
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

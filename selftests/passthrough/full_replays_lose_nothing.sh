# passthrough/full_replays_lose_nothing.sh - With more clients that have said nothing yet than places in `replays`, those without one are started by user space, counted, and lose nothing.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel topology=lo
# Timeout: 200
. "$LIB"
need jq python3 bpftool
ulimit -n 15000 2>/dev/null || skip "no 15000 file descriptors"
start_upstream stream 9000
start_snisplitd <<-CONF
	workers: 1
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	limits: {connections: 6000, unrouted: 6000}
	timeouts: {client_hello: 120s}
CONF
stream app.test --polite --up 10k --down 10k --seed 1
same "at first" "$(counter pass_no_replay)" 0
mkfifo "$TMP/end"
python3 - 3<"$TMP/end" <<-'PY' &
	import os, socket
	all = [socket.create_connection(("127.0.0.1", 443), timeout=60) for _ in range(4200)]
	os.read(3, 1)
PY
exec 4>"$TMP/end"
wait_for 90 eval '[ "$(cli --json status | jq .connections.active)" = 4200 ]'
stream app.test --polite --conns 20 --parallel 5 --up 300k --down 300k --seed 2
[ "$(counter pass_no_replay)" -ge 20 ] || fail "pass_no_replay is $(counter pass_no_replay)"
wait_for 10 eval '[ "$(grep -c "\"server_name\":\"app.test\"" "$EVENTS")" = 21 ]'
same "moved by" "$(grep '"server_name":"app.test"' "$EVENTS" | jq -r .object.datapath | sort | uniq -c | xargs)" "21 kernel"
exec 4>&-
wait_for 60 eval '[ "$(live_conns)" = 0 ]'
before=$(counter pass_no_replay)
stream app.test --polite --conns 20 --parallel 5 --up 300k --down 300k --seed 3
same "with room again" "$(counter pass_no_replay)" "$before"

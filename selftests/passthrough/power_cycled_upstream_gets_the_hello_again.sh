# passthrough/power_cycled_upstream_gets_the_hello_again.sh - A warm upstream whose machine has come back without knowing of it answers a hello with a reset, whoever started the connection; the client is served by a fresh one, to the end of both streams.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=veth family
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	workers: 1
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://slow.test", upstream: "$UP:9000", conn_rate: 100000} # user space starts it
	pool: {max_idle: 8, max_age: 60s}
CONF
warm() { [ "$(cli --json endpoint get $1 | jq .metrics.pool_idle)" -ge 2 ]; }
stream app.test --name slow.test --conns 40 --parallel 4 --up 1k --down 1k --seed 1
wait_for warm app.test
wait_for warm slow.test
# The machine is gone without a word, and another stands at its address.
ip link del e-upstream
kill -KILL "$UPSTREAM_PID"
wait "$UPSTREAM_PID" 2>/dev/null || true
umount /run/netns/upstream
link upstream 2
wait_for link_is_up upstream
start_upstream stream 9000
replayed() { cli --json status | jq '[.counters[] | select(.name == "start_replayed") | .value] | add'; }
n=40 before=0
for name in app.test slow.test; do
	stream $name --conns 4 --parallel 1 --polite --up 30k --down 30k --seed $n --timeout 15
	[ "$(replayed)" -gt $before ] || fail "no hello for $name was sent again"
	before=$(replayed)
	for _ in 1 2 3 4; do
		event_is $((n += 1)) close_reason=client_fin "datapath=$([ "$DATAPATH" = kernel ] && echo kernel || echo splice)"
		same "bytes of event $n" "$(event_field $n conn.bytes_out)" 30720
	done
done

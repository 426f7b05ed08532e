# passthrough/power_cycled_upstream_gets_the_hello_again.sh - A warm upstream whose machine has come back without knowing of it answers the program's hello with a reset; the client is served by a fresh one, to the end of both streams.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel topology=veth family
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	workers: 1
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	pool: {max_idle: 8, max_age: 60s}
CONF
stream app.test --conns 20 --parallel 4 --up 1k --down 1k --seed 1
warm() { [ "$(cli --json endpoint get app.test | jq .metrics.pool_idle)" -ge 2 ]; }
wait_for warm
# The machine is gone without a word, and another stands at its address.
ip link del e-upstream
kill -KILL "$UPSTREAM_PID"
wait "$UPSTREAM_PID" 2>/dev/null || true
umount /run/netns/upstream
link upstream 2
wait_for link_is_up upstream
start_upstream stream 9000
stream app.test --conns 4 --parallel 1 --polite --up 30k --down 30k --seed 2 --timeout 15
replayed=$(cli --json status | jq '[.counters[] | select(.name == "start_replayed") | .value] | add')
[ "$replayed" -ge 1 ] || fail "no hello was sent again"
for n in 21 22 23 24; do
	event_is $n close_reason=client_fin datapath=kernel
	same "bytes of event $n" "$(event_field $n conn.bytes_out)" 30720
done

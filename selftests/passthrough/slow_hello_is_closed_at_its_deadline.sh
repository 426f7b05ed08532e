# passthrough/slow_hello_is_closed_at_its_deadline.sh - A hello that is not whole in timeouts.client_hello ends the connection then, not before and not much later.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	timeouts: {client_hello: 1500ms}
CONF
read -r hex end ms <<<"$(say --name app.test --first 100)"
same "answer" "$hex" -
[ "$end" != open ] || fail "still open after $ms ms"
[ "$ms" -ge 1400 ] && [ "$ms" -le 2500 ] || fail "closed after $ms ms, want 1500"
event_is 1 close_reason=hello_timeout conn.bytes_in=100 conn.bytes_out=0 datapath=none
stream app.test --up 100k --down 100k --segment 60 --segment-gap-us 100000 # 0.4 s: in time
event_is 2 close_reason=client_fin
